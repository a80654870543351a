"""Rows for every table of the graph: few persons, few different values, many coincidences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.check_digits import demo_check_digit
from models.graph import GRAPH
from models.individual_number import IndividualNumber, NumberRecord
from models.kana import fold_kana
from models.labels import label_of
from tests.generate.dice import Dice
from tests.oracle.state import TOKYO

Rows = list[dict[str, Any]]

OWNER = "addressee_code"
TODAY = dt.datetime.now(TOKYO).date()
DAYS = [
    dt.date(2026, 4, 1),
    TODAY - dt.timedelta(days=1),
    TODAY,
    dt.date(1950, 2, 28),
    dt.date(9999, 12, 31),
]
INSTANTS = [
    dt.datetime(2026, 4, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 4, 1, 14, 59, 59, tzinfo=dt.UTC),
    dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC),
]
AMOUNTS = [0, 1, 12_000, 3_000_000_000, 2**53]
NUMBERS = [1, 2, 2026, 0, -1]
TEXTS = [
    "ア",
    "甲",
    "085",
    "ｱﾍﾞ",
    "あへ",
    "アベ コ",
    "𠮷野",
    "釧路市",
    "a'b%_\"",
    "",
    "Ａ1",
    "ヴ",
    "x" * 40,
]
CODES = ["000000000000001", "000000000000002", "10", "9", "000000000000010", "ｱ1", "１", "Z"]


def town(dice: Dice, persons: int, stored: Mapping[str, Rows]) -> dict[str, Rows]:
    """New rows by table, parents first. `stored`: what is there already (first content)."""
    rows: dict[str, Rows] = {}
    for table in SQLModel.metadata.sorted_tables:
        if table.name in DOMAIN and not stored.get(table.name):
            rows[table.name] = _rows(dice, table, persons, {**stored, **rows})
    return rows


KEPT = {
    "access_log",
    "logged_operation",
    "policy_draft",
    "policy_draft_line",
    "policy_line",
    "policy_version",
    "staff",
    "staff_proposal",
    "staff_role",
}
"""What the server decides by, or only the server writes: texts of a form of their own."""

DOMAIN = {type_.table.name for type_ in GRAPH.types.values()} - KEPT


def _rows(dice: Dice, table: sa.Table, persons: int, others: Mapping[str, Rows]) -> Rows:
    if table.name == "addressee":
        keys: list[Any] = [*CODES, *(f"{at:015}" for at in range(100, 100 + persons))][:persons]
    elif all(column.foreign_keys for column in table.primary_key):
        parents = _parents(next(iter(table.primary_key)), others)
        keys = [parent for parent in parents if dice.chance(55)]
    else:
        needed = [column for column in table.columns if column.foreign_keys and not column.nullable]
        possible = all(_parents(column, others) for column in needed)
        keys = [3 * at + 1 for at in range(dice.below(3 * persons + 1))] if possible else []
    rows = [new_row(dice, table, key, others) for key in keys]
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            rows = _unique(rows, [column.name for column in constraint.columns])
    return rows


def new_row(dice: Dice, table: sa.Table, key: Any, others: Mapping[str, Rows]) -> dict[str, Any]:
    """A row of a table with this key. `others`: the rows of the tables that it refers to."""
    row = {
        column.name: key if column.primary_key else new_value(dice, column, others)
        for column in table.columns
    }
    return row | _of_parent(table, row, others)


def _of_parent(table: sa.Table, row: dict[str, Any], others: Mapping[str, Rows]) -> dict[str, Any]:
    """A receipt is about whom its levy is about: the owner of a row's parent is its own."""
    for column in table.columns:
        for key in column.foreign_keys:
            parent = key.column.table
            if OWNER in parent.columns and OWNER in row and parent.name in DOMAIN:
                found = next(
                    one for one in others[parent.name] if one[key.column.name] == row[column.name]
                )
                return {OWNER: found[OWNER]}
    return {}


def new_value(dice: Dice, column: sa.Column[Any], others: Mapping[str, Rows]) -> Any:
    """Something for a column to hold."""
    if column.nullable and dice.chance(30):
        return None
    if column.foreign_keys:
        parents = _parents(column, others)
        return dice.pick(parents) if parents else None
    return dice.pick(values_of(column))


def values_of(column: sa.Column[Any]) -> Sequence[Any]:
    """What a column may hold here."""
    type_ = column.type
    if isinstance(type_, sa.Enum):
        return list(type_.enums)
    for kind, values in (
        (sa.Boolean, [False, True]),
        (sa.BigInteger, AMOUNTS),
        (sa.Integer, NUMBERS),
        (sa.DateTime, INSTANTS),
        (sa.Date, DAYS),
    ):
        if isinstance(type_, kind):
            return values
    length = getattr(type_, "length", None)
    texts = [text[:length] for text in TEXTS]
    return [fold_kana(text) for text in texts] if label_of(column).folded else texts


def _parents(column: sa.Column[Any], others: Mapping[str, Rows]) -> list[Any]:
    [key] = column.foreign_keys
    return [row[key.column.name] for row in others[key.column.table.name]]


def _unique(rows: Rows, names: Sequence[str]) -> Rows:
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for row in rows:
        values = tuple(row[name] for name in names)
        if None in values or values not in seen:
            kept.append(row)
        seen.add(values)
    return kept


def numbers(dice: Dice, codes: Sequence[str]) -> list[NumberRecord]:
    """Individual numbers that belong to nobody, for some of the addressees."""
    found = []
    for at, code in enumerate(codes):
        if dice.chance(90):
            first = f"{12345678901 + 7 * at:011}"
            reason = dice.pick([None, "新規", "職権"])
            day = dice.pick([None, *DAYS])
            number = IndividualNumber(f"{first}{demo_check_digit(first)}")
            found.append(NumberRecord(code, number, reason, day))
    return found
