"""One person of the demo town, and what may happen to them: moves, death, a foreign passport."""

from __future__ import annotations

import datetime as dt

from models.demo.belongings import grown_up
from models.demo.dice import Dice
from models.demo.record import (
    AS_OF,
    Payer,
    Record,
    Row,
    addressee_code,
    names,
    nobodys_number,
)
from models.demo.reference import (
    Foreigner,
    Name,
    foreign_given_names,
    given_names,
    surnames,
)
from models.trade.wareki import wareki

ARREARS = (
    ("督促", 22), ("差押可能", 30), ("猶予", 8), ("分納", 18), ("差押", 10), ("執行停止", 8),
    ("消滅", 4),
)  # fmt: skip
HALF_WIDTH_SHARE = 0.03
UNKNOWN_BIRTH_SHARE = 0.004
OTHER_FORM_SHARE = 0.05
REMOTE = dt.date(1970, 1, 1)


class People:
    """Makes one person after the other. `serial` counts addressees, `household` households;
    `given` is the given name made last."""

    def __init__(self, dice: Dice, first_serial: int) -> None:
        self.dice = dice
        self.serial = first_serial
        self.household = first_serial
        self.given = Name("", "", "", "")

    def person(
        self, age: int, relationship: str, home: Row, surname: Name | None = None, sex: str = "",
        *, given: Name | None = None, single: bool = False, resident: bool = True,
    ) -> Record:  # fmt: skip
        random = self.dice.random
        serial, code = self.next_code()
        sex = sex or self.dice.sex()
        born = self.dice.born(age)
        surname = surname or surnames().pick(random)
        self.given = given or given_names(sex, born.year).pick(random)
        half = self.dice.chance(HALF_WIDTH_SHARE)
        arrived = self._arrival(born)
        base = {
            "個人番号": nobodys_number(serial),
            "宛名区分": "住登者" if resident else "住登外者",
            "個法区分": "個人",
            "宛名税目コード": "00",
            "通称名使用区分": "0",
            **names(surname, self.given, half=half),
            "生年月日": self._as_written(born, age),
            "性別": sex,
            **home,
            "DVフラグ": "0",
            "ネグレクトフラグ": "0",
            **self.dice.handled(),
        }
        household: list[Row] = []
        if resident:
            base |= self._registered(born, arrived)
            household.append(
                {
                    "世帯コード": f"{self.household:010d}",
                    "続柄": relationship,
                    "世帯増事由": base["宛名異動事由"],
                    "世帯増異動日": base["住記住定日"],
                }
            )
        else:
            base["宛名異動事由"] = "住登外登録"
            base["宛名基本異動日"] = base["宛名基本届出日"] = arrived.isoformat()
        record = Record(code, base, [household])
        record.payer = self._payer(age, relationship == "世帯主", arrived, serial)
        if self.dice.chance(0.0008):
            # Somebody's number became known and was changed (Number Act, art. 7, para. 2).
            record.base["個人番号異動事由"] = "番号変更請求"
            record.base["個人番号異動日"] = self.dice.recent().isoformat()
        if age >= 18:
            kana = f"{surname.kana} {self.given.kana}"
            grown_up(self.dice, record, kana, f"{surname.kanji}　{self.given.kanji}", age)
        if resident and single and self.dice.chance(0.07):
            self.move_out(record, self.dice.day(dt.date(2024, 4, 1), dt.date(2026, 11, 1)))
        return record

    def _registered(self, born: dt.date, arrived: dt.date) -> Row:
        settled = self.dice.day(max(arrived, REMOTE), AS_OF) if self.dice.chance(0.6) else arrived
        moved_in = arrived != born
        reason = (
            "転入" if moved_in and settled == arrived else "転居" if settled != arrived else "出生"
        )
        row = {
            "宛名異動事由": reason,
            "宛名基本異動日": settled.isoformat(),
            "宛名基本届出日": min(
                settled + dt.timedelta(days=self.dice.between(0, 14)), AS_OF
            ).isoformat(),
            "住記住民日": arrived.isoformat(),
            "住記住定日": settled.isoformat(),
            "住記住民区分": "日本人住民",
        }
        if moved_in:
            place = self.dice.elsewhere()
            row["転入前市町村コード"] = place.municipality
            row["転入前郵便番号"] = place.postal_code
            row["転入前住所"] = f"{place.address}{self.dice.block()}"
            if self.dice.chance(0.3):
                row["転入前方書"] = f"コーポ{place.town}{self.dice.between(101, 305)}号"
        return row

    def move_out(self, record: Record, day: dt.date) -> None:
        place = self.dice.elsewhere()
        record.base |= {
            "宛名異動事由": "転出",
            "宛名基本異動日": day.isoformat(),
            "宛名基本届出日": day.isoformat(),
            "住記消除日": day.isoformat(),
            "住記消除事由": "転出",
            "住記住民区分": "消除者",
            "転出前市町村コード": place.municipality,
            "転出前郵便番号": place.postal_code,
            "転出前住所": f"{place.address}{self.dice.block()}",
        }
        if self.dice.chance(0.3):
            record.base["転出前方書"] = f"コーポ{place.town}{self.dice.between(101, 305)}号"
        if record.groups[0]:
            record.groups[0][-1] |= {"世帯減事由": "転出", "世帯減異動日": day.isoformat()}
        _came_before(record, day)
        if record.payer is not None:
            record.payer.until = day

    def deceased(self, home: Row, surname: Name, sex: str, heir: Record) -> Record:
        """Somebody of the household who died; the heir's record follows on theirs."""
        gone = self.person(self.dice.between(66, 99), "配偶者", home, surname, sex)
        day = self.dice.day(dt.date(2021, 1, 1), dt.date(2026, 10, 31))
        gone.base |= {
            "宛名異動事由": "死亡",
            "宛名基本異動日": day.isoformat(),
            "住記消除日": day.isoformat(),
            "住記消除事由": "死亡",
            "住記住民区分": "消除者",
        }
        # The number of a person who died is no longer needed and was deleted.
        del gone.base["個人番号"]
        gone.groups[0][-1] |= {"世帯減事由": "死亡", "世帯減異動日": day.isoformat()}
        _came_before(gone, day)
        if gone.payer is not None:
            gone.payer.until = day
        heir_row = {
            "特定宛先人区分": "相続人代表者",
            "特定宛先人コード": heir.code,
            "特定宛先人設定日": day.isoformat(),
        }
        gone.groups.append([heir_row])
        return gone

    def make_foreign(self, record: Record, foreigner: Foreigner) -> None:
        base = record.base
        given_choices = foreign_given_names(foreigner.sex)
        given = given_choices[self.dice.between(0, len(given_choices) - 1)]
        base["性別"] = foreigner.sex
        base["国籍コード"] = foreigner.nationality
        base["在留資格"] = foreigner.status
        base["住記住民区分"] = base["住記住民区分"].replace("日本人", "外国人")
        permanent = foreigner.status in ("永住者", "特別永住者")
        if not permanent:
            start = self.dice.day(dt.date(2024, 1, 1), dt.date(2026, 6, 1))
            base["在留期間開始日"] = start.isoformat()
            base["在留期間終了日"] = start.replace(year=start.year + 3, day=1).isoformat()
        if foreigner.status == "特別永住者":
            base["外国人登録番号"] = f"（Ｂ）第{self.dice.between(0, 999_999_999):09d}号"
        if permanent and self.dice.chance(0.6):
            base["通称名使用区分"] = "1"
        else:
            base |= names(foreigner.family, given)
        if self.dice.chance(0.1):
            base["生年月日"] = (
                f"{base['生年月日'][:4]}-00-00" if base["生年月日"][:4].isdigit() else "不詳"
            )

    def _payer(self, age: int, head: bool, arrived: dt.date, serial: int) -> Payer:
        random = self.dice.random
        if age < 18:
            return Payer(age=age, work="child")
        if age < 65:
            chance = random.random()
            work = "employee" if chance < 0.66 else "self-employed" if chance < 0.82 else "none"
        else:
            work = "employee" if age < 70 and random.random() < 0.3 else "pension"
        income = {"none": 0, "pension": self.dice.between(0, 260)}.get(
            work, self.dice.between(90, 900)
        )
        return Payer(
            age=age,
            work=work,
            head=head,
            income=income * 10_000,
            owns=head and random.random() < (0.12 if age < 35 else 0.38),
            vehicles=int(random.random() < 0.3) + int(random.random() < 0.06),
            habit=self.habit(0.035),
            insured_number=f"{serial:010d}",
            since=arrived,
        )

    def habit(self, arrears: float) -> str:
        share = self.dice.random.random()
        if share >= arrears + 0.05:
            return "good"
        if share >= arrears:
            return "late"
        share = share / arrears * 100
        for state, weight in ARREARS:
            share -= weight
            if share < 0:
                return state
        return "督促"

    def next_code(self) -> tuple[int, str]:
        self.serial += 1
        return self.serial, addressee_code(self.serial)

    def _arrival(self, born: dt.date) -> dt.date:
        if self.dice.chance(0.7):
            return born
        return self.dice.day(max(born, REMOTE), AS_OF)

    def _as_written(self, born: dt.date, age: int) -> str:
        chance = self.dice.random.random()
        if age > 70 and chance < UNKNOWN_BIRTH_SHARE:
            era = chance < UNKNOWN_BIRTH_SHARE / 2 and born.year > 1926
            return f"昭和{born.year - 1925}年00月00日" if era else f"{born.year}0000"
        if chance < OTHER_FORM_SHARE:
            return wareki(born) if chance < OTHER_FORM_SHARE / 2 else f"{born:%Y%m%d}"
        return born.isoformat()


def _came_before(record: Record, left: dt.date) -> None:
    """Nobody settles, or comes into a household, after they have left."""
    for row, name in (
        (record.base, "住記住民日"), (record.base, "住記住定日"),
        *((group, "世帯増異動日") for group in record.groups[0]),
    ):  # fmt: skip
        if name in row:
            row[name] = min(row[name], left.isoformat())
