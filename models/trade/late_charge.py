"""延滞金, the late charge on an amount paid after its due date (local tax law).

The base is cut to ¥1,000 and below ¥2,000 there is no charge. Days count from the day after the
due date to the day of payment; the first month has a lower rate. Rates change by calendar year
(`models/facts/late-charge-rates.csv`); each stretch of days with one rate gives
base × rate × days / 365 (in leap years too), cut to the yen. A total below ¥1,000 is none, above it
is cut to ¥100. It is counted per levy item (期別).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.facts import rows

DAYS_OF_A_YEAR = 365
BASE_UNIT = 1_000
LEAST_BASE = 2_000
LEAST_CHARGE = 1_000
CHARGE_UNIT = 100


class RateUnknownError(LookupError):
    """The rate of a year is not in the table: it is announced by the end of the year before."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The yearly rates of one period, in tenths of a percent."""

    first_day: dt.date
    last_day: dt.date
    first_month: int
    afterwards: int


@lru_cache(maxsize=1)
def published_rates() -> tuple[Rate, ...]:
    """The rates of `models/facts/late-charge-rates.csv`, oldest first."""
    return tuple(
        Rate(
            first_day=dt.date.fromisoformat(row["first_day"]),
            last_day=dt.date.fromisoformat(row["last_day"]),
            first_month=_tenths(row["first_month_percent"]),
            afterwards=_tenths(row["afterwards_percent"]),
        )
        for row in rows("late-charge-rates")
    )


def late_charge(
    amount: int, due_on: dt.date, paid_on: dt.date, rates: Sequence[Rate] | None = None
) -> int:
    """The late charge in yen for `amount` yen due on `due_on` and paid on `paid_on`.

    Raises `RateUnknownError` where the table lacks a year that is needed, `ValueError` for a
    negative amount.

    >>> late_charge(56_400, dt.date(2026, 2, 2), dt.date(2026, 5, 29))
    1300
    """
    if amount < 0:
        raise ValueError("an amount cannot be negative")
    base = amount - amount % BASE_UNIT
    if base < LEAST_BASE or paid_on <= due_on:
        return 0
    total = sum(
        base * rate * days // (DAYS_OF_A_YEAR * 1000)
        for rate, days in stretches(due_on, paid_on, published_rates() if rates is None else rates)
    )
    return 0 if total < LEAST_CHARGE else total - total % CHARGE_UNIT


def stretches(
    due_on: dt.date, paid_on: dt.date, rates: Sequence[Rate]
) -> Iterator[tuple[int, int]]:
    """The days after the due date up to the payment, as (rate in tenths of a percent, days)."""
    month_end = end_of_first_month(due_on)
    first, last = due_on + dt.timedelta(days=1), paid_on
    covered = 0
    for rate in rates:
        for start, end, tenths in (
            (first, min(month_end, last), rate.first_month),
            (month_end + dt.timedelta(days=1), last, rate.afterwards),
        ):
            days = (min(end, rate.last_day) - max(start, rate.first_day)).days + 1
            if days > 0:
                covered += days
                yield tenths, days
    if covered != (last - first).days + 1:
        raise RateUnknownError("the table of late charge rates lacks a year that is needed")


def end_of_first_month(due_on: dt.date) -> dt.date:
    """The last day of the month that begins on the day after the due date (Civil Code, art. 143).

    The month ends before the day with the same number, or, where there is none, with the month.
    """
    start = due_on + dt.timedelta(days=1)
    year, month = start.year + start.month // 12, start.month % 12 + 1
    length = calendar.monthrange(year, month)[1]
    if start.day > length:
        return dt.date(year, month, length)
    return dt.date(year, month, start.day) - dt.timedelta(days=1)


def _tenths(percent: str) -> int:
    whole, _, tenth = percent.partition(".")
    return int(whole) * 10 + int(tenth or "0")
