"""Rows for every table of the graph: few persons, few different values, many coincidences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from authz.policy.policy import Line
from models.graph.graph import GRAPH
from models.labels import label_of
from models.tables.individual_number import IndividualNumber, NumberRecord
from models.trade.check_digits import demo_check_digit
from models.trade.kana import fold_kana
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
CODES = [f"{number:015}" for number in (1, 2, 11, 9, 10, 90, 1000, 12)]
"""In the one form that a store holds."""


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

TABLES = SQLModel.metadata.tables
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


STAFF_IDS = ["abe", "kato", "mori", "sato"]
"""Of the random staff; who asks is called `staff-0`, `staff-1` and so on, without a record."""


def desk(dice: Dice, stored: Mapping[str, Rows], lines: Sequence[Line]) -> dict[str, Rows]:
    """Staff, what is proposed for them, drafts of a policy of these lines, and one client.

    The server runs by none of them: nobody signs in as one of this staff, no draft is in force.
    """
    made: dict[str, Rows] = {"staff": [], "staff_role": [], "staff_proposal": []}
    for name in STAFF_IDS[: 1 + dice.below(4)]:
        row = new_row(dice, TABLES["staff"], name, stored)
        state = dice.pick(["ACTIVE", "ACTIVE", "SUSPENDED"])
        made["staff"].append(row | {"state": state, "sessions_revoked_at": None})
    others = {**stored, "staff": made["staff"]}
    for name, most in (("staff_role", 6), ("staff_proposal", 5)):
        keys = range(1, 3 * dice.below(most) + 2, 3)
        made[name] = [new_row(dice, TABLES[name], key, others) for key in keys]
    made["staff_role"] = _unique(made["staff_role"], ["staff_id", "role"])
    made["policy_draft"] = [_draft(dice, key) for key in range(1, 3 * dice.below(4) + 2, 3)]
    made["policy_draft_line"] = []
    for draft in made["policy_draft"]:
        first = draft["id"] == 1
        kept = [line for line in lines if not dice.chance(2)] if first else dice.sample(lines, 4)
        made["policy_draft_line"] += [
            {"id": 1000 * draft["id"] + at, "draft_id": draft["id"], **asdict(line)}
            for at, line in enumerate(kept)
        ]
    made["client"] = [
        _client(dice, row["code"]) for row in stored["transfer_definition"] if dice.chance(60)
    ]
    return made


def _draft(dice: Dice, key: int) -> dict[str, Any]:
    """A draft of somebody who may be among those who ask."""
    based_on = dice.pick([2, 2, 2, 1])
    states = ["OPEN", "OPEN", "PROPOSED", "PROPOSED", "REJECTED", "ABANDONED"]
    row = new_row(dice, TABLES["policy_draft"], key, {"policy_version": [{"number": based_on}]})
    anybody = [*STAFF_IDS, *(f"staff-{at}" for at in range(8))]
    made = {"title": "甲", "state": dice.pick(states), "created_by": dice.pick(anybody)}
    return row | made | {"proposed_by": dice.pick(anybody), "version": None}


def _client(dice: Dice, definition: str) -> dict[str, Any]:
    # In letters: an id holds at most eleven digits.
    letters = str.maketrans("0123456789", "ghijklmnop")
    name = f"client-{definition.encode().hex()[:20].translate(letters)}"
    row = new_row(
        dice, TABLES["client"], name,
        {"transfer_definition": [{"code": definition}], "purpose": [{"code": "consultation"}]},
    )  # fmt: skip
    return row | {"networks": "", "scopes": "", "items": None, "tokens_revoked_at": None}


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
