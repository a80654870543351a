"""Chances, days, addresses and telephone numbers of the demo town."""

from __future__ import annotations

import datetime as dt
from functools import cache
from random import Random

from models.demo.record import AS_OF, Row, residence
from models.demo.reference import Place, other_towns, towns

BUILDINGS = ("ハイツはまなす", "コーポしらかば", "メゾンたんちょう", "コーポまりも", "すずらん荘")


class Dice:
    """A random number generator that knows what the town needs."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def home(self, *, flat: bool = False) -> Row:
        place = towns().pick(self.random)
        building = ""
        if flat or self.chance(0.25):
            building = f"{BUILDINGS[self.between(0, 4)]}{self.between(101, 404)}号室"
        rural = place.town.startswith(("阿寒町", "音別町"))
        chome = 0 if rural else self.between(1, 7)
        row = residence(place, chome, self.between(901, 989), self.between(1, 30), building)
        if self.chance(0.04):
            row["小枝番コード"] = f"{self.between(1, 9):04d}"
            if self.chance(0.1):
                row["小枝番コード3"] = f"{self.between(1, 9):04d}"
        return row

    def block(self) -> str:
        """A block in a town elsewhere."""
        return f"{self.between(1, 6)}丁目{self.between(901, 989)}番"

    def elsewhere(self) -> Place:
        places = other_towns()
        return places[self.between(0, len(places) - 1)]

    def handled(self) -> Row:
        share = self.random.random()
        return {
            "異動担当者": f"S{self.between(1, 40):03d}",
            "更新業務コード": "A01" if share < 0.7 else "A05" if share < 0.8 else "B02",
        }

    def telephone(self) -> str:
        return f"0154-00-{self.between(0, 9999):04d}"

    def mobile(self) -> str:
        return f"090-0{self.between(0, 999):03d}-{self.between(0, 9999):04d}"

    def recent(self) -> dt.date:
        return self.day(dt.date(2016, 4, 1), AS_OF)

    def day(self, first: dt.date, last: dt.date) -> dt.date:
        return _day_of(first.toordinal() + int(self.random.random() * ((last - first).days + 1)))

    def between(self, low: int, high: int) -> int:
        return low + int(self.random.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def sex(self) -> str:
        return "女" if self.random.random() < 0.53 else "男"

    def born(self, age: int) -> dt.date:
        return AS_OF - dt.timedelta(days=age * 365 + age // 4 + self.between(1, 364))


@cache
def _day_of(ordinal: int) -> dt.date:
    return dt.date.fromordinal(ordinal)
