"""The households of the demo town.

Each follows from the seed and its position alone (and from how many people came before), so that
the town is the same on every machine and is made as a stream.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from models.demo.belongings import accounts
from models.demo.dice import Dice
from models.demo.person import People
from models.demo.record import AS_OF, Payer, Record, Row, residence
from models.demo.reference import Name, Weighted, foreigners, surnames
from models.trade.city_file import ADDRESS_WITHHELD, HANDLING, STOP_OUTPUT

TRADES = (
    ("水産", "スイサン"), ("建設", "ケンセツ"), ("運輸", "ウンユ"), ("商事", "ショウジ"),
    ("牧場", "ボクジョウ"), ("電工", "デンコウ"), ("製紙", "セイシ"), ("石炭", "セキタン"),
)  # fmt: skip
# What the town's care for addresses comes from: more often returned mail, guardianship or threats
# against staff than violence or neglect, so that 取扱注意 does not tell which.
OTHER_CAUSES = (
    ("mail returned", STOP_OUTPUT, 40),
    ("guardianship", f"{ADDRESS_WITHHELD}・{STOP_OUTPUT}", 30),
    ("threats against staff", ADDRESS_WITHHELD, 30),
)


class Street:
    """Makes one household after the other, from the addressee after `first_serial` on."""

    def __init__(self, seed: int, first_serial: int) -> None:
        self.seed = seed
        self.dice = Dice(seed)
        self.people = People(self.dice, first_serial)
        self.neighbour = ""
        makers: tuple[tuple[Callable[[], list[Record]], float], ...] = (
            (self._worker, 26),
            (self._elderly, 18),
            (self._couple, 12),
            (self._elderly_couple, 16),
            (self._family, 14),
            (self._lone_parent, 5),
            (self._three_generations, 2),
            (self._foreign, 2),
            (self._corporation, 3.5),
            (self._outside_owner, 2),
            (self._returned, 1.2),
            (self._separated, 0.11),
            (self._neglected, 0.06),
        )
        self._makers = Weighted([make for make, _ in makers], [weight for _, weight in makers])

    def next(self, index: int) -> list[Record]:
        """The addressee records of the household at `index`."""
        self.dice.random.seed(self.seed * 1_000_003 + index)
        self.people.household += 1
        return self._makers.pick(self.dice.random)()

    def _worker(self) -> list[Record]:
        person = self.people.person(
            self.dice.between(20, 64), "世帯主", self.dice.home(), single=True
        )
        self._care_for_other_causes(person)
        return self._remember([person])

    def _elderly(self) -> list[Record]:
        sex = "女" if self.dice.chance(0.65) else "男"
        home = self.dice.home()
        surname = surnames().pick(self.dice.random)
        person = self.people.person(self.dice.between(65, 97), "世帯主", home, surname, sex)
        records = [person]
        if self.dice.chance(0.15):
            records.insert(
                0, self.people.deceased(home, surname, "男" if sex == "女" else "女", person)
            )
        if self.dice.chance(0.06) and self.neighbour:
            self._guarded(person)
        self._care_for_other_causes(person)
        return self._remember(records)

    def _couple(self, low: int = 25, high: int = 64) -> list[Record]:
        home, surname = self.dice.home(), surnames().pick(self.dice.random)
        age = self.dice.between(low, high)
        head = self.people.person(
            age, "世帯主", home, surname, "男" if self.dice.chance(0.93) else "女"
        )
        other = "女" if head.base["性別"] == "男" else "男"
        relationship = "妻" if other == "女" else "夫"
        years = max(20, age + self.dice.between(-6, 4))
        partner = self.people.person(years, relationship, home, surname, other)
        if self.dice.chance(0.05):
            self._share_property(head, partner)
        if self.dice.chance(0.06):
            self._debit_from(head, partner)
        self._care_for_other_causes(head)
        return self._remember([head, partner])

    def _elderly_couple(self) -> list[Record]:
        return self._couple(66, 88)

    def _family(self) -> list[Record]:
        home, surname = self.dice.home(), surnames().pick(self.dice.random)
        age = self.dice.between(26, 52)
        head = self.people.person(age, "世帯主", home, surname, "男")
        partner = self.people.person(
            max(22, age - self.dice.between(-2, 5)), "妻", home, surname, "女"
        )
        children = self._children(home, surname, max(0, age - 42), min(20, age - 22))
        self._day_care(head, children)
        return self._remember([head, partner, *children])

    def _lone_parent(self) -> list[Record]:
        home, surname = self.dice.home(), surnames().pick(self.dice.random)
        age = self.dice.between(23, 50)
        parent = self.people.person(
            age, "世帯主", home, surname, "女" if self.dice.chance(0.87) else "男"
        )
        children = self._children(home, surname, max(0, age - 40), min(18, age - 20))
        self._day_care(parent, children)
        return self._remember([parent, *children])

    def _three_generations(self) -> list[Record]:
        home, surname = self.dice.home(), surnames().pick(self.dice.random)
        age = self.dice.between(32, 55)
        head = self.people.person(age, "世帯主", home, surname, "男")
        partner = self.people.person(age - self.dice.between(-1, 4), "妻", home, surname, "女")
        children = self._children(home, surname, max(0, age - 42), min(20, age - 24))
        elder = self.people.person(age + self.dice.between(24, 34), "母", home, surname, "女")
        self._day_care(head, children)
        return self._remember([elder, head, partner, *children])

    def _foreign(self) -> list[Record]:
        foreigner = foreigners()[self.dice.between(0, len(foreigners()) - 1)]
        home = self.dice.home(flat=True)
        person = self.people.person(self.dice.between(20, 45), "世帯主", home, single=True)
        self.people.make_foreign(person, foreigner)
        return self._remember([person])

    def _corporation(self) -> list[Record]:
        serial, code = self.people.next_code()
        name = surnames().pick(self.dice.random)
        trade = TRADES[self.dice.between(0, len(TRADES) - 1)]
        kana = f"カブシキガイシャ {name.kana}{trade[1]}"
        founded = self.dice.day(dt.date(1950, 1, 1), dt.date(2024, 12, 1))
        base = {
            "宛名区分": "住登外者",
            "個法区分": "法人",
            "宛名税目コード": "03",
            "通称名使用区分": "0",
            "宛名異動事由": "法人設立",
            "宛名基本異動日": founded.isoformat(),
            "宛名基本届出日": (founded + dt.timedelta(days=14)).isoformat(),
            "基本氏名カナ情報": kana,
            "基本氏名検索カナ情報": f"カフシキカイシヤ{name.search}{Name.of('', trade[1]).search}",
            "基本氏名漢字情報": f"株式会社{name.kanji}{trade[0]}",
            **self.dice.home(),
            **self.dice.handled(),
        }
        contact = {
            "連絡先種別": "勤務先",
            "電話番号等": self.dice.telephone(),
            "経理担当者等": f"経理課　{surnames().pick(self.dice.random).kanji}",
            "連絡先設定日": self.dice.recent().isoformat(),
        }
        payer = Payer(
            age=0,
            work="corporation",
            income=self.dice.between(50, 5000) * 10_000,
            owns=self.dice.chance(0.5),
            vehicles=self.dice.between(0, 3),
            habit=self.people.habit(0.02),
            agent=f"{serial:08d}",
        )
        record = Record(code, base, [[contact]], payer)
        accounts(self.dice, record, f"カ）{name.kana}{trade[1]}", "")
        return [record]

    def _outside_owner(self) -> list[Record]:
        """Somebody elsewhere who owns property here; some have a tax agent, some moved in later."""
        place = self.dice.elsewhere()
        surname = surnames().pick(self.dice.random)
        sex = self.dice.sex()
        age = self.dice.between(35, 85)
        home = residence(
            place, self.dice.between(1, 6), self.dice.between(901, 989), self.dice.between(1, 30)
        )
        person = self.people.person(age, "", home, surname, sex, resident=False)
        person.base["宛名税目コード"] = "04"
        if person.payer is not None:
            person.payer.work, person.payer.owns = "owner", True
        if self.dice.chance(0.5) and self.neighbour:
            person.groups.append([self._special("納税管理人")])
        if self.dice.chance(0.25):
            given = self.people.given
            later = self.people.person(age, "世帯主", self.dice.home(), surname, sex, given=given)
            later.base["個人番号"] = person.base.pop("個人番号")
            later.base["生年月日"] = person.base["生年月日"]
            later.groups.append([self._succeeds(person.code, "住登外者の転入")])
            if person.payer is not None:
                person.payer.until = dt.date(2025, 6, 1)
            return self._remember([person, later])
        return [person]

    def _returned(self) -> list[Record]:
        """Somebody who moved away and came back under a new record; the old one stays."""
        surname, sex, age = (
            surnames().pick(self.dice.random),
            self.dice.sex(),
            self.dice.between(24, 70),
        )
        old = self.people.person(age, "", self.dice.home(), surname, sex)
        given = self.people.given
        left = self.dice.day(dt.date(2012, 1, 1), dt.date(2022, 1, 1))
        self.people.move_out(old, left)
        if old.payer is not None:
            old.payer.until = left
        new = self.people.person(
            age, "世帯主", self.dice.home(), surname, sex, given=given, single=True
        )
        new.base["個人番号"] = old.base.pop("個人番号")
        new.base["生年月日"] = old.base["生年月日"]
        new.groups.append([self._succeeds(old.code, "再転入")])
        return self._remember([old, new])

    def _separated(self) -> list[Record]:
        """A former household: the counterparty, and a parent with children who left and are
        protected."""
        surname = surnames().pick(self.dice.random)
        age = self.dice.between(26, 50)
        counterparty = self.people.person(age, "世帯主", self.dice.home(), surname, "男")
        former = f"{self.people.household:010d}"
        left = self.dice.day(dt.date(2022, 1, 1), dt.date(2026, 10, 1))
        self.people.household += 1
        home = self.dice.home(flat=True)
        parent = self.people.person(
            age - 2, "世帯主", home, surnames().pick(self.dice.random), "女"
        )
        children = self._children(home, surname, 1, min(15, age - 22))
        self._share_property(counterparty, parent)
        for person in (parent, *children):
            relationship = "妻" if person is parent else "子"
            person.base["DVフラグ"] = "1"
            person.groups[0].insert(0, self._left(former, relationship, left))
        return self._remember([counterparty, parent, *children])

    def _share_property(self, one: Record, other: Record) -> None:
        """Both still own the house: a slip for one of them must not tell where the other lives."""
        for record in (one, other):
            if record.payer is not None:
                record.payer.owns = True
                record.payer.joint = f"K{self.people.household:09d}"

    def _debit_from(self, holder: Record, payer: Record) -> None:
        """What one of them owes is debited from the account of the other."""
        for group in payer.groups:
            if group and "口座番号" in group[0]:
                group[0]["口座名義人カナ"] = holder.base["基本氏名カナ情報"]
                group[0]["口座名義人宛名コード"] = holder.code

    def _neglected(self) -> list[Record]:
        home, surname = self.dice.home(), surnames().pick(self.dice.random)
        parent = self.people.person(
            self.dice.between(22, 45), "世帯主", home, surname, self.dice.sex()
        )
        child = self.people.person(self.dice.between(1, 14), "子", home, surname, self.dice.sex())
        child.base["ネグレクトフラグ"] = "1"
        return self._remember([parent, child])

    def _children(self, home: Row, surname: Name, low: int, high: int) -> list[Record]:
        count = self.dice.between(1, 3 if self.dice.chance(0.25) else 2)
        return [
            self.people.person(
                self.dice.between(low, max(low, high)), "子", home, surname, self.dice.sex()
            )
            for _ in range(count)
        ]

    def _day_care(self, payer: Record, children: list[Record]) -> None:
        small = tuple(
            child.code for child in children if child.payer is not None and child.payer.age <= 2
        )
        if small and payer.payer is not None and self.dice.chance(0.6):
            payer.payer.children = small

    def _guarded(self, person: Record) -> None:
        person.groups.append([self._special("成年後見人")])
        person.base[HANDLING] = (
            f"{ADDRESS_WITHHELD}・{STOP_OUTPUT}" if self.dice.chance(0.5) else STOP_OUTPUT
        )

    def _special(self, kind: str) -> Row:
        row = {
            "特定宛先人区分": kind,
            "特定宛先人コード": self.neighbour,
            "特定宛先人設定日": self.dice.recent().isoformat(),
        }
        if self.dice.chance(0.1):
            row["特定宛先人廃止日"] = AS_OF.isoformat()
        return row

    def _succeeds(self, earlier: str, reason: str) -> Row:
        return {
            "関連前宛名コード": earlier,
            "関連宛名開始事由": reason,
            "関連宛名開始異動日": self.dice.recent().isoformat(),
        }

    def _left(self, household: str, relationship: str, day: dt.date) -> Row:
        return {
            "世帯コード": household,
            "続柄": relationship,
            "世帯増事由": "婚姻" if relationship == "妻" else "出生",
            "世帯増異動日": day.replace(year=day.year - 6, day=1).isoformat(),
            "世帯減事由": "転居",
            "世帯減異動日": day.isoformat(),
        }

    def _care_for_other_causes(self, person: Record) -> None:
        if not self.dice.chance(0.008):
            return
        share = self.dice.random.random() * 100
        for _, handling, weight in OTHER_CAUSES:
            share -= weight
            if share < 0:
                person.base[HANDLING] = handling
                return

    def _remember(self, records: list[Record]) -> list[Record]:
        # Agents and guardians live next door: a code that the file has named before.
        last = records[-1]
        if last.payer is not None and 30 <= last.payer.age < 70 and last.payer.until is None:
            self.neighbour = last.code
        return records
