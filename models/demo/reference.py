"""What the demo town is made of: towns, banks and names, read from the CSV files beside.

Postal codes, towns and bank branches are real (Japan Post's and the banks' public lists). Districts
are invented. Lots begin at 901, beyond what the town's blocks have; telephone numbers lie in ranges
that no carrier was given (a local exchange never begins with 0); mail goes to example.com.
"""

from __future__ import annotations

import csv
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

import jaconv

from models.trade.kana import fold_kana

HERE = Path(__file__).parent
MUNICIPALITY = "012068"

ELEMENTARY = (
    "はまなす", "みずなら", "しらかば", "あかげら", "えぞりす", "きたこぶし", "すずらん",
    "たんちょう", "つつじ", "なぎさ", "はるにれ", "まりも", "やちだも", "ゆきうさぎ", "りんどう",
    "わすれなぐさ",
)  # fmt: skip
JUNIOR_HIGH = ("おおわし", "きたきつね", "しまふくろう", "ななかまど", "はまべ", "みさき")

T = TypeVar("T")


class Weighted(Generic[T]):
    """A choice among things that are not equally frequent."""

    def __init__(self, things: Sequence[T], weights: Sequence[float]) -> None:
        self.things = things
        self._sums = list(accumulate(weights))

    def pick(self, random: Random) -> T:
        """One of the things, by weight."""
        return self.things[bisect(self._sums, random.random() * self._sums[-1])]


@dataclass(frozen=True, slots=True)
class Name:
    """A name as written, its kana in three forms (full-width, half-width, folded for search)."""

    kanji: str
    kana: str
    half: str
    search: str

    @classmethod
    def of(cls, kanji: str, kana: str) -> Name:
        """A name with the forms of its kana."""
        return cls(kanji, kana, jaconv.z2h(kana), fold_kana(kana))


@dataclass(frozen=True, slots=True)
class Place:
    """A town: the columns of an address that it decides, under the names of the items."""

    town: str
    in_file: dict[str, str]
    municipality: str
    postal_code: str
    address: str


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a bank. The postal bank's accounts are of a kind of their own."""

    bank: str
    bank_code: str
    branch_code: str
    place: str

    @property
    def postal(self) -> bool:
        """Whether it is the postal bank."""
        return self.bank_code == "9900"


@dataclass(frozen=True, slots=True)
class Foreigner:
    """A family name with the nationality and the status of residence that go with it."""

    nationality: str
    status: str
    family: Name
    sex: str


@lru_cache(maxsize=1)
def towns() -> Weighted[Place]:
    """The towns of Kushiro; the countryside of Akan and Onbetsu is thinly settled."""
    places = [_kushiro(index, row) for index, row in enumerate(_rows("kushiro_towns"), start=1)]
    return Weighted(
        places,
        [0.1 if place.town.startswith(("阿寒町", "音別町")) else 1.0 for place in places],
    )


@lru_cache(maxsize=1)
def other_towns() -> tuple[Place, ...]:
    """Towns elsewhere, where people come from and go to."""
    return tuple(_elsewhere(row) for row in _rows("other_towns"))


@lru_cache(maxsize=1)
def branches() -> Weighted[Branch]:
    """Bank branches that a citizen of Kushiro uses."""
    rows = _rows("banks")
    count = {
        row["bank_code"]: sum(r["bank_code"] == row["bank_code"] for r in rows) for row in rows
    }
    return Weighted(
        [
            Branch(
                row["bank"],
                row["bank_code"],
                row["branch_code"],
                f"{row['bank']} {row['branch']}",
            )
            for row in rows
        ],
        [int(row["bank_weight"]) / count[row["bank_code"]] for row in rows],
    )


@lru_cache(maxsize=1)
def surnames() -> Weighted[Name]:
    """Surnames as frequent as in eastern Hokkaido, variant kanji among them."""
    rows = _rows("surnames")
    return Weighted(
        [Name.of(row["surname"], row["kana"]) for row in rows], [int(row["weight"]) for row in rows]
    )


@lru_cache(maxsize=512)
def given_names(sex: str, born: int) -> Weighted[Name]:
    """Given names for one sex (男, 女) and year of birth."""
    rows = [
        row
        for row in _rows("given_names")
        if row["sex"] == sex and int(row["born_from"]) <= max(born, 1920) <= int(row["born_until"])
    ]
    return Weighted(
        [Name.of(row["given_name"], row["kana"]) for row in rows],
        [int(row["weight"]) for row in rows],
    )


@lru_cache(maxsize=1)
def foreigners() -> tuple[Foreigner, ...]:
    """Family names of foreign residents."""
    return tuple(
        Foreigner(
            row["nationality"], row["status"], Name.of(row["family_name"], row["kana"]), row["sex"]
        )
        for row in _rows("foreign_residents")
    )


@lru_cache(maxsize=2)
def foreign_given_names(sex: str) -> tuple[Name, ...]:
    """Given names of foreign residents."""
    return tuple(
        Name.of(row["given_name"], row["kana"])
        for row in _rows("foreign_given_names")
        if row["sex"] == sex
    )


def town_named(name: str) -> Place:
    """A town of Kushiro by its name. Raises `StopIteration` where there is none."""
    return next(place for place in towns().things if place.town == name)


def elsewhere_named(name: str) -> Place:
    """A town elsewhere by its name. Raises `StopIteration` where there is none."""
    return next(place for place in other_towns() if place.town == name)


def _kushiro(index: int, row: dict[str, str]) -> Place:
    return Place(
        town=row["town"],
        in_file={
            "行政区": f"第{index % 60 + 1}区",
            "小学校区": f"{ELEMENTARY[index % len(ELEMENTARY)]}小学校区",
            "中学校区": f"{JUNIOR_HIGH[index % len(JUNIOR_HIGH)]}中学校区",
            "選挙区": f"第{index % 24 + 1}投票区",
            "郵便親番": row["postal_code"][:3],
            "郵便子番": row["postal_code"][3:],
            "住所区分": "市内",
            "住所コード": f"01206{index:04d}",
            "市町村コード": MUNICIPALITY,
        },
        municipality=MUNICIPALITY,
        postal_code=row["postal_code"],
        address=f"北海道釧路市{row['town']}",
    )


def _elsewhere(row: dict[str, str]) -> Place:
    return Place(
        town=row["town"],
        in_file={
            "郵便親番": row["postal_code"][:3],
            "郵便子番": row["postal_code"][3:],
            "住所区分": "市外",
            "市町村コード": row["municipality_code"],
        },
        municipality=row["municipality_code"],
        postal_code=row["postal_code"],
        address=f"{row['prefecture']}{row['city']}{row['town']}",
    )


@lru_cache(maxsize=16)
def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
