"""One addressee of the demo town: the rows of the import file, and what decides its levies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from models.demo.reference import Name, Place
from models.trade.check_digits import demo_check_digit
from models.trade.city_file import CODE

AS_OF = dt.date(2026, 11, 20)
"""The day on which the demo town stands still: it is the same on every machine, every day."""

Row = dict[str, str]

# An affine map over eleven digits: every serial number gets other digits, none twice.
_SPREAD, _SHIFT, _RANGE = 38_742_049_737, 17_320_508_075, 10**11


@dataclass(slots=True)
class Payer:
    """What decides which levies a person gets and how they are paid.

    `work`   employee, self-employed, pension, none, child, corporation or owner
    `habit`  good, late, or the state that arrears have come to (督促, 差押可能, 猶予 …)
    `place`  where the money is paid when it is debited, else empty
    `until`  the last day on which levies arise (moved away, died), `None` where they go on
    """

    age: int
    work: str
    head: bool = False
    income: int = 0
    owns: bool = False
    vehicles: int = 0
    habit: str = "good"
    debit: str = ""
    insured_number: str = ""
    since: dt.date = dt.date(2000, 1, 1)
    until: dt.date | None = None
    children: tuple[str, ...] = ()
    agent: str = ""
    joint: str = ""


@dataclass(slots=True)
class Record:
    """One addressee record: the base row and groups of child rows, and the payer behind it."""

    code: str
    base: Row
    groups: list[list[Row]] = field(default_factory=list)
    payer: Payer | None = None

    def rows(self) -> Iterator[Row]:
        """The rows of the import file: the first carries the base items, each one row of a kind."""
        first = True
        for parts in zip_longest(*self.groups, fillvalue={}):
            row = {CODE: self.code}
            if first:
                row |= self.base
                first = False
            for part in parts:
                row |= part
            yield row
        if first:
            yield {CODE: self.code, **self.base}


def addressee_code(serial: int) -> str:
    """宛名コード: fifteen digits, leading zeros kept."""
    return f"{serial:015d}"


def nobodys_number(serial: int) -> str:
    """An individual number that nobody can hold: its check digit is one too high."""
    eleven = f"{(serial * _SPREAD + _SHIFT) % _RANGE:011d}"
    return f"{eleven}{demo_check_digit(eleven)}"


def names(surname: Name, given: Name, *, half: bool = False, separator: str = " ") -> Row:
    """Items 12-17: a full name and a given name, each as kana, search kana and kanji."""
    full_kana = separator.join(
        (surname.half, given.half) if half else (surname.kana, given.kana)
    )  # fmt: skip
    return {
        "基本氏名カナ情報": full_kana,
        "基本氏名検索カナ情報": surname.search + given.search,
        "基本氏名漢字情報": f"{surname.kanji}　{given.kanji}",
        "基本名カナ情報": given.half if half else given.kana,
        "基本名検索カナ情報": given.search,
        "基本名漢字情報": given.kanji,
    }


def residence(place: Place, chome: int, lot: int, branch: int, building: str = "") -> Row:
    """Items 20-33 and 109. Lots of 901 and more are beyond what any block of the town has."""
    row = dict(place.in_file)
    row["番地コード"] = f"{lot:05d}"
    row["枝番コード"] = f"{branch:04d}"
    row["住所漢字"] = (
        f"{place.address}{chome}丁目{lot}番{branch}号"
        if chome
        else f"{place.address}{lot}番地{branch}"
    )
    if building:
        row["方書漢字"] = building
    return row
