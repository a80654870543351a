"""The late charge, against published examples."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade.late_charge import (
    RateUnknownError,
    end_of_first_month,
    late_charge,
    published_rates,
    stretches,
)

DUE = st.dates(dt.date(2014, 1, 1), dt.date(2025, 12, 31))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("amount", "due", "paid", "charge"),
    [
        # Kyoto City, notice of 2026: 28 days at 2.8 % are 120, 88 days at 9.1 % are 1,228.
        (56_400, "2026-02-02", "2026-05-29", 1_300),
        (1_999, "2014-02-28", "2026-05-29", 0),
        (56_400, "2026-02-02", "2026-02-02", 0),
        (56_400, "2026-02-02", "2026-01-15", 0),
        # The leap year 2024: 31 days at 2.4 % are 203, 335 at 8.7 % 7,984; both by 365.
        (100_000, "2023-12-31", "2024-12-31", 8_100),
        # Below 1,000 in all: none.
        (10_000, "2026-02-02", "2026-05-29", 0),
    ],
)
def test_worked_examples(amount: int, due: str, paid: str, charge: int) -> None:
    assert late_charge(amount, day(due), day(paid)) == charge


def test_the_worked_example_day_by_day() -> None:
    found = list(stretches(day("2026-02-02"), day("2026-05-29"), published_rates()))
    assert found == [(28, 28), (91, 88)]


@pytest.mark.parametrize(
    ("due", "end"),
    [("2026-02-02", "2026-03-02"), ("2026-01-30", "2026-02-28"), ("2026-01-31", "2026-02-28"),
     ("2026-11-30", "2026-12-31"), ("2025-12-01", "2026-01-01")],
)  # fmt: skip
def test_the_first_month_ends_by_the_civil_code(due: str, end: str) -> None:
    assert end_of_first_month(day(due)) == day(end)


def test_a_year_without_a_rate_is_not_guessed() -> None:
    with pytest.raises(RateUnknownError):
        late_charge(100_000, day("2026-12-01"), day("2027-01-05"))


def test_the_table_has_no_gap() -> None:
    rates = published_rates()
    for before, after in itertools.pairwise(rates):
        assert before.last_day + dt.timedelta(days=1) == after.first_day


@given(st.integers(0, 10**9), DUE, st.integers(0, 365), st.integers(0, 300))
def test_later_or_larger_never_costs_less(amount: int, due: dt.date, days: int, more: int) -> None:
    paid = min(due + dt.timedelta(days=days), dt.date(2026, 12, 31))
    later = min(paid + dt.timedelta(days=more), dt.date(2026, 12, 31))
    charge = late_charge(amount, due, paid)
    assert charge % 100 == 0
    assert charge == 0 or charge >= 1_000
    assert late_charge(amount, due, later) >= charge
    assert late_charge(amount + 1_000, due, paid) >= charge


@given(DUE, st.integers(1, 365))
def test_every_day_is_counted_once(due: dt.date, days: int) -> None:
    paid = min(due + dt.timedelta(days=days), dt.date(2026, 12, 31))
    assert sum(count for _, count in stretches(due, paid, published_rates())) == (paid - due).days
