"""When what is levied falls due: terms, reminders, limitation; all computed once per year."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from models.demo.record import AS_OF
from models.facts import rows

REMINDER_DAYS = 15
SEIZABLE_DAYS = 11
WITHHELD_MONTHS = (4, 6, 8, 10, 12, 14)
MONTHLY = tuple(range(4, 16))
# Months count on from January of the fiscal year: 13 is January of the next year.
MONTHS: dict[str, tuple[int, ...]] = {
    "01": (6, 8, 10, 13),
    "02": tuple(range(7, 19)),
    "03": (5, 11),
    "04": (4, 7, 12, 14),
    "05": (5,),
    "11": tuple(range(6, 16)),
    "12": tuple(range(7, 16)),
    "13": tuple(range(6, 16)),
    "14": MONTHLY,
}
DAY_OF_MONTH = {"02": 10}
DECEMBER_DAY = 25


@dataclass(frozen=True, slots=True)
class Term:
    """One term (期別) of a year: its days, as the file writes them, and how far it has come."""

    year: int
    number: int
    due: dt.date
    due_text: str
    limitation_text: str
    reminded: dt.date
    seizable: dt.date
    days_over: int


@lru_cache(maxsize=256)
def terms(item: str, year: int, *, withheld: bool = False) -> tuple[Term, ...]:
    """The terms of a tax or fee item in a fiscal year; `withheld` from the pension."""
    months = WITHHELD_MONTHS if withheld else MONTHS[item]
    day = 15 if withheld else DAY_OF_MONTH.get(item, 31)
    return tuple(
        _term(item, year, number, _due(year, month, day)) for number, month in enumerate(months, 1)
    )


def working_day(day: dt.date) -> dt.date:
    """The day itself, or the next one that is no weekend and not in the New Year's rest."""
    while day.weekday() >= 5 or (day.month, day.day) in _NEW_YEAR:
        day += dt.timedelta(days=1)
    return day


def _term(item: str, year: int, number: int, due: dt.date) -> Term:
    reminded = working_day(due + dt.timedelta(days=REMINDER_DAYS))
    limitation = due.replace(year=due.year + limitation_years()[item], day=min(due.day, 28))
    return Term(
        year=year,
        number=number,
        due=due,
        due_text=due.isoformat(),
        limitation_text=limitation.isoformat(),
        reminded=reminded,
        seizable=reminded + dt.timedelta(days=SEIZABLE_DAYS),
        days_over=(AS_OF - due).days,
    )


def _due(year: int, month: int, day: int) -> dt.date:
    if month == 12 and day == 31:
        day = DECEMBER_DAY
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return working_day(dt.date(year, month, min(day, calendar.monthrange(year, month)[1])))


@lru_cache(maxsize=1)
def limitation_years() -> dict[str, int]:
    """After how many years the claim of each tax or fee item is extinguished."""
    return {row["code"]: int(row["limitation_years"]) for row in rows("tax-items")}


_NEW_YEAR = {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}
