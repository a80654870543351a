"""Days as files write them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade.wareki import FileDay, NotADateError, earliest, parse_day, wareki

MIDNIGHTS = (
    "2024-05-01 00:00:00", "2024/5/1 0:00", "2024/5/1 0:00:00", "2024-05-01T00:00:00",
    "2024-05-01 00:00:00.000", "2024-05-01 00:00:00.0000000 +09:00", "2024-05-01 00:00:00+09",
    "20240501000000", "20240501 00:00:00", "2024年5月1日 0時0分", "2024年5月1日0時00分00秒",
    "2024/5/1 午前0:00:00", "2024/5/1 午前 12:00:00", "2024/5/1 12:00:00 AM",
    "May  1 2024 12:00AM", "01-MAY-2024 00:00:00", "R6.5.1 0:00", "令和6年5月1日　０：００",
    "2024-05-01T00:00:00Z", "2024-05-01T00:00:00.000+00:00", "2024-05-01-00.00.00.000000",
)  # fmt: skip
DAYS = st.dates(dt.date(1873, 1, 1), dt.date(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-05-01", dt.date(2024, 5, 1)),
        ("20240501", dt.date(2024, 5, 1)),
        ("2024/5/1", dt.date(2024, 5, 1)),
        ("2024年5月1日", dt.date(2024, 5, 1)),
        ("R6.5.1", dt.date(2024, 5, 1)),
        ("令和6年5月1日", dt.date(2024, 5, 1)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("Ｓ４５．３．１２", dt.date(1970, 3, 12)),
        ("昭45.3.12", dt.date(1970, 3, 12)),
        ("5060501", dt.date(2024, 5, 1)),
        ("S450312", dt.date(1970, 3, 12)),
        # Forms printed before an era ended go on counting in it.
        ("平成31年5月1日", dt.date(2019, 5, 1)),
        ("平成32年4月1日", dt.date(2020, 4, 1)),
        ("昭和64年1月8日", dt.date(1989, 1, 8)),
        ("昭和64年12月1日", dt.date(1989, 12, 1)),
        ("M33.12.31", dt.date(1900, 12, 31)),
        ("2024−05−01", dt.date(2024, 5, 1)),
        ("2024‐05‐01", dt.date(2024, 5, 1)),
        ("２０２４ー５ー１", dt.date(2024, 5, 1)),
        ("\u200eR6–5–1", dt.date(2024, 5, 1)),
        ("2024―05—01", dt.date(2024, 5, 1)),
        *((text, dt.date(2024, 5, 1)) for text in MIDNIGHTS),
    ],
)
def test_the_same_day_in_every_form(text: str, day: dt.date) -> None:
    assert parse_day(text) == FileDay(day)


@pytest.mark.parametrize(
    "text",
    [
        "昭和20年00月00日",
        "19450000",
        "1945-03-00",
        "1945-99-99",
        "不詳",
        "昭和20年不詳",
        "M1.1.1",
        "1945年3月日不詳",
        "昭和20年3月10日頃",
        "S20.3.10ごろ",
        "1945-03-10 推定",
        "昭和20年3月頃",
        "昭和20年頃",
        "昭和20年3月上旬",
        "昭和20年00月00日 0:00:00",
    ],
)
def test_a_partly_unknown_day_keeps_its_text(text: str) -> None:
    assert parse_day(text) == FileDay(None, text)


@pytest.mark.parametrize(
    "text",
    [
        "", "99999999", "9999-99-99", "9999-12-31", "00000000", "0000-00-00", "9999/12/31 0:00:00",
        "9999年12月31日", "9999-12-31T00:00:00", "99991231000000", "0000-00-00 00:00:00",
        "0001-01-01 00:00:00", "1900/1/0 0:00", "1900/01/00",
    ],
)  # fmt: skip
def test_open_ends_and_unset_days_are_none(text: str) -> None:
    assert parse_day(text) == FileDay(None)


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "R6.13.1", "昭和0年1月1日", "明治46年1月1日", "x", "2026", "0931-01-01",
     "20261301", "2026-13-00", "12345678901不詳", "123456789012", "山田不詳",
     "2999-12-31", "29991231", "昭和20年13月40日頃", "2024-02-30 00:00:00", "2024-05-01 00:00:01",
     "2024-05-01 12:00", "2024-05-01 12:00:00 PM", "20240501120000", "頃", "2024-05-01T15:00:00Z",
     "2024-05-01T00:00:00+02:00", "2024-05-00.00.00",
     "Mai 1 2024", "2999/12/31", f"昭和20年{' ' * 40}不詳"],
)  # fmt: skip
def test_no_day_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(NotADateError) as caught:
        parse_day(text)
    assert text not in str(caught.value)
    assert caught.value.ja


@pytest.mark.parametrize(
    ("text", "day"),
    [("令和60年1月1日頃", "2078-01-01"), ("2078年頃", "2078-01-01"), ("R60.1頃", "2078-01-01"),
     ("昭和20年3月10日頃", "1945-03-10"), ("昭和20年不詳", "1945-01-01"),
     ("19450300", "1945-01-01"), ("5060500", None), ("令和元年頃", "2019-01-01"),
     ("不詳", None), ("3月10日頃", None), ("", None)],
)  # fmt: skip
def test_an_unknown_day_is_not_before_its_year(text: str, day: str | None) -> None:
    assert earliest(text) == (day and dt.date.fromisoformat(day))


@given(DAYS)
def test_every_form_of_a_day_reads_back(day: dt.date) -> None:
    forms = [
        day.isoformat(),
        f"{day:%Y%m%d}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        wareki(day),
    ]
    assert {parse_day(form) for form in forms} == {FileDay(day)}


@given(DAYS, st.sampled_from([text.partition("2024-05-01")[2] for text in MIDNIGHTS]))
def test_a_midnight_says_nothing(day: dt.date, midnight: str) -> None:
    assert parse_day(f"{day.isoformat()}{midnight}") == FileDay(day)


@given(DAYS, st.sampled_from(["{:04}-00-00", "{:04}0000"]))
def test_an_unknown_part_never_becomes_a_day(day: dt.date, form: str) -> None:
    assert parse_day(form.format(day.year)).day is None


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_refused(text: str) -> None:
    try:
        found = parse_day(text)
    except NotADateError:
        return
    assert found.day is None or found.day >= dt.date(1873, 1, 1)
