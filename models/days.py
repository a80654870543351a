"""Which days a row may hold: none that lies ahead of today where something has happened, none that
comes before the day it follows, none that is far from its year.

What went wrong elsewhere: 令和10 was typed for 令和1, and 3,176 reminders asked for too much. Each
column of days says what is possible for it (`models/labels.Days`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa

from models.labels import Days, label_of
from models.trade.rules import Reason
from models.trade.wareki import earliest

PAST = Days(ahead=0)
"""Something that has happened."""

PLANNED = Days(ahead=366)
"""Something that is entered up to a year before its day."""

FORESEEN = Days(ahead=3660)
"""An end that is known long before, though not for decades."""

IN_THE_FUTURE = Reason("this day lies ahead of today", "未来の日付です")
TOO_FAR = Reason("this day lies too far ahead", "先の日付すぎます")


def implausible(
    table: sa.Table, values: Mapping[str, Any], today: dt.date
) -> Iterator[tuple[str, Reason]]:
    """The columns of days in a row that hold what cannot be, each with the reason."""
    for name, days in _columns(table):
        day = values.get(name)
        if day is None:
            # Of a day that is not known in full: the first that it can be.
            day = earliest(values.get(f"{name}_text") or "")
        if day is None:
            continue
        reason = (
            _ahead(days, day, today)
            or _before(days, day, values, table)
            or _far_from_its_year(days, day, values, table)
        )
        if reason is not None:
            yield name, reason


@cache
def _columns(table: sa.Table) -> tuple[tuple[str, Days], ...]:
    days = [(column.name, label_of(column).days) for column in table.columns]
    return tuple((name, rule) for name, rule in days if rule is not None)


def _ahead(days: Days, day: dt.date, today: dt.date) -> Reason | None:
    if days.ahead is None or (day - today).days <= days.ahead:
        return None
    return TOO_FAR if days.ahead else IN_THE_FUTURE


def _before(days: Days, day: dt.date, values: Mapping[str, Any], table: sa.Table) -> Reason | None:
    first = values.get(days.not_before) if days.not_before else None
    if days.not_before is None or first is None or day >= first:
        return None
    other = label_of(table.c[days.not_before])
    return Reason(f"this day comes before the {other.en}", f"{other.ja}より前の日付です")


def _far_from_its_year(
    days: Days, day: dt.date, values: Mapping[str, Any], table: sa.Table
) -> Reason | None:
    """A fiscal year ends with March."""
    year = values.get(days.year) if days.year else None
    if days.year is None or year is None:
        return None
    other = label_of(table.c[days.year])
    if day > dt.date(year + 1 + days.years_after, 3, 31):
        return Reason(
            f"this day comes more than {days.years_after} years after the {other.en}",
            f"{other.ja}から{days.years_after}年を超える日付です",
        )
    if days.from_year and day.year < year:
        return Reason(f"this day comes before the {other.en}", f"{other.ja}より前の日付です")
    return None
