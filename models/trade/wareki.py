"""Days as files write them: ISO, eight digits, the Japanese calendar, and partly unknown ones.

Real forms still carry 平成32年 or 昭和64年12月: an era's year counts on past the era's end. A day
of which a part is unknown (不詳, 頃) has no `day` but keeps the `text` as written. A midnight that
a database put behind a day is dropped. Before 1873 the
calendar was another one, so such a day is not computed.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

from models.trade.texts import half_width

FIRST_GREGORIAN = dt.date(1873, 1, 1)
LAST_YEAR = 2199
LONGEST = 40
OPEN_END = re.compile(r"9999[-/.年]?(?:99[-/.月]?99|12[-/.月]?31)日?")
# An empty day, as databases, .NET and Excel write it.
NOT_SET = frozenset(
    {"", "0", "00000000", "0000-00-00", "0000/00/00", "0000000"}
    | {"0001-01-01", "0001/01/01", "1/1/0001", "00010101", "1900/1/0", "1900/01/00", "1900-01-00"}
)
# An era's first year minus one, and how far its years may be counted.
ERAS: dict[str, tuple[int, int]] = {
    "M": (1867, 45),
    "T": (1911, 20),
    "S": (1925, 99),
    "H": (1988, 60),
    "R": (2018, 99),
}
ERA_LETTERS = {
    **{letter: letter for letter in ERAS},
    "明治": "M", "大正": "T", "昭和": "S", "平成": "H", "令和": "R",
    "明": "M", "大": "T", "昭": "S", "平": "H", "令": "R",
    "1": "M", "2": "T", "3": "S", "4": "H", "5": "R",
}  # fmt: skip

_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_EIGHT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_KANJI = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日")
_ERA = re.compile(
    r"(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])(元|[0-9]{1,2})[年./-]([0-9]{1,2})[月./-]([0-9]{1,2})日?"
)
_ERA_SEVEN = re.compile(r"([1-5MTSHR])([0-9]{2})([0-9]{2})([0-9]{2})")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ENGLISH = re.compile(rf"({'|'.join(_MONTHS)})([0-9]{{1,2}}),?([0-9]{{4}})")
_ORACLE = re.compile(rf"([0-9]{{1,2}})-({'|'.join(_MONTHS)})-([0-9]{{4}})")
# What SQL Server, Oracle, DB2 and Excel put behind a day that has no time of day. The midnight of
# UTC is nine o'clock of the same day in Tokyo.
_MIDNIGHT = re.compile(
    r"(?:(?:[T ]|(?<=日))\s*(?:午前|AM)?\s*00?(?::00|時(?:00?分)?)(?::00|00?秒)?(?:[.:,]0+)?"
    r"(?:\s*AM)?"
    r"|[T ]\s*(?:午前|AM)\s*12:00(?::00)?|[T ]\s*12:00(?::00)?(?:[.:]0+)?\s*AM)"
    r"(?:\s*(?:\+09(?::?00)?|[+-]00(?::?00)?|Z))?$"
    r"|(?<=-[0-9]{2})-00[.:]00[.:]00(?:\.0+)?$"
)
_FOURTEEN = re.compile(r"([0-9]{8})000000(?:0{3})?")
# 不詳 alone, or with the parts that are known (昭和20年不詳, 1945年3月頃日不詳), or about when.
_ABOUT = re.compile(r"(?:頃|ころ|ごろ|推定|前後)+$")
_UNKNOWN = re.compile(
    r"(?=.*(?:不詳|不明|[0-9元].*(?:頃|ころ|ごろ|推定|前後|[上中下]旬)))(?!.*[0-9]{9})"
    r"(?:明治|大正|昭和|平成|令和|不詳|不明|上旬|中旬|下旬|推定|前後|ころ|ごろ"
    r"|[MTSHR元頃年月日0-9./-]){1,24}"
)
_YEAR = re.compile(
    r"(?:([0-9]{4})(?![0-9]{1,3}(?:[^0-9]|$))|(明治|大正|昭和|平成|令和|[MTSHR])(元|[0-9]{1,2})(?![0-9]))"
)
_FAST_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NotADateError(ValueError):
    """The text is no day in any of the known forms. The message does not repeat it."""

    def __init__(self, message: str, ja: str) -> None:
        super().__init__(message)
        self.ja = ja


@dataclass(frozen=True, slots=True)
class FileDay:
    """A day of a file. `day` is `None` where it is not set, open (9999-99-99) or partly unknown;
    in the last case `text` keeps what was written."""

    day: dt.date | None
    text: str | None = None


NO_DAY = FileDay(None)


@lru_cache(maxsize=65536)
def parse_day(text: str) -> FileDay:
    """Read one day. Raises `NotADateError` where the text is none.

    >>> parse_day("R6.5.1").day, parse_day("昭和20年00月00日")
    (datetime.date(2024, 5, 1), FileDay(day=None, text='昭和20年00月00日'))
    """
    if _FAST_ISO.fullmatch(text):
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            pass
        else:
            if day >= FIRST_GREGORIAN and day.year <= LAST_YEAR:
                return FileDay(day)
    plain = _compact(text)
    if plain in NOT_SET or OPEN_END.fullmatch(plain):
        return NO_DAY
    if len(text) > LONGEST:
        raise _no_form()
    about = _ABOUT.sub("", plain)
    numbers = _numbers(about)
    if numbers is not None:
        found = _day_of(*numbers)
        return FileDay(None, text) if found is None or about != plain else FileDay(found)
    if _UNKNOWN.fullmatch(plain):
        return FileDay(None, text)
    raise _no_form()


def around(text: str) -> dt.date | None:
    """The whole day that a text is about (昭和20年3月10日頃), where it names one."""
    try:
        numbers = _numbers(_ABOUT.sub("", _compact(text)))
        return _day_of(*numbers) if numbers else None
    except NotADateError:
        return None


def earliest(text: str) -> dt.date | None:
    """The first day that a text can mean (昭和20年頃), where it names a year."""
    year = _YEAR.match(_compact(text))
    try:
        if year is None:
            return around(text)
        named = int(year[1]) if year[1] else _era_year(ERA_LETTERS[year[2]], year[3])
        return around(text) or dt.date(named, 1, 1)
    except NotADateError:
        return None


def wareki(day: dt.date) -> str:
    """A day in the Japanese calendar (`令和6年5月1日`), for days from 1873 on."""
    for start, name, before in _ERA_STARTS:
        if day >= start:
            count = day.year - before
            return f"{name}{'元' if count == 1 else count}年{day.month}月{day.day}日"
    raise ValueError("days before 1873 are not computed")


def _compact(text: str) -> str:
    """Half-width, in capitals, without spaces and a midnight."""
    plain = half_width(text).upper()
    fourteen = _FOURTEEN.fullmatch(plain)
    return fourteen.group(1) if fourteen else _MIDNIGHT.sub("", plain).replace(" ", "")


def _day_of(year: int, month: int, day: int) -> dt.date | None:
    """`None` where a part of it is unknown, or the calendar was another one."""
    if month in (0, 99) or day in (0, 99):
        if month in range(1, 13) or month in (0, 99):
            return None
        raise _no_such_day()
    try:
        found = dt.date(year, month, day)
    except ValueError:
        raise _no_such_day() from None
    return None if found < FIRST_GREGORIAN else found


def _numbers(plain: str) -> tuple[int, int, int] | None:
    """Year, month and day; `None` where the text has another form."""
    for pattern in (_EIGHT, _ISO, _KANJI):
        found = pattern.fullmatch(plain)
        if found:
            year, month, day = map(int, found.groups())
            return _checked(year), month, day
    for pattern in (_ERA, _ERA_SEVEN):
        found = pattern.fullmatch(plain)
        if found:
            era, count, month_text, day_text = found.groups()
            return _era_year(ERA_LETTERS[era], count), int(month_text), int(day_text)
    if found := _ENGLISH.fullmatch(plain):
        return _checked(int(found[3])), _MONTHS.index(found[1]) + 1, int(found[2])
    if found := _ORACLE.fullmatch(plain):
        return _checked(int(found[3])), _MONTHS.index(found[2]) + 1, int(found[1])
    return None


def _checked(year: int) -> int:
    if not 1868 <= year <= LAST_YEAR:
        raise _no_such_day()
    return year


def _era_year(era: str, count: str) -> int:
    before, last = ERAS[era]
    number = 1 if count == "元" else int(count)
    if not 1 <= number <= last:
        raise _no_such_day()
    return before + number


def _no_form() -> NotADateError:
    return NotADateError(
        "not a day: write 2024-05-01, 20240501, R6.5.1 or 令和6年5月1日",
        "日付の形式ではありません(2024-05-01、20240501、R6.5.1、令和6年5月1日)",
    )


def _no_such_day() -> NotADateError:
    return NotADateError("the calendar has no such day", "存在しない日付です")


_ERA_STARTS = (
    (dt.date(2019, 5, 1), "令和", 2018),
    (dt.date(1989, 1, 8), "平成", 1988),
    (dt.date(1926, 12, 25), "昭和", 1925),
    (dt.date(1912, 7, 30), "大正", 1911),
    (FIRST_GREGORIAN, "明治", 1867),
)
