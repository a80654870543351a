"""What the people of the demo town owe, and what they paid: levy items with their receipts.

Two fiscal years and, for the few whose claims were extinguished, an old one. Every state that
arrears can come to is there; amounts, terms and channels are plausible, and sums agree with the
receipts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from models.demo.calendar import Term, terms, working_day
from models.demo.dice import Dice
from models.demo.record import AS_OF, Payer, Record, Row
from models.trade.city_file import CODE
from models.trade.late_charge import late_charge

YEARS = (2025, 2026)
OLD_YEAR = 2019
REMINDER_FEE = 100
FOREST_TAX = 1_000
BOOKING_DAYS = 3
PROVISIONAL_DAYS = 7
PENSION_WITHHELD_SHARE = 0.85
OVERPAID_SHARE = 0.003
CORRECTED_SHARE = 0.002
PAID_COLUMNS = (
    "完納日", "収入済本税", "収入済督促手数料", "収入済延滞金", "延滞金", "督促手数料",
)  # fmt: skip
STORES = ("コンビニ 星が浦店", "コンビニ 愛国店", "コンビニ 武佐店", "コンビニ 大楽毛店")
COUNTERS = (
    "市役所本庁舎",
    "市役所本庁舎",
    "市役所本庁舎",
    "阿寒町行政センター",
    "音別町行政センター",
)
BANKS = ("釧路信金 本店", "北洋 釧路中央", "北海道 釧路", "大地みらい信金 釧路", "ゆうちょ 九〇八")


@dataclass(slots=True)
class Levy:
    """One levy item as a row of the collections file, and its receipts."""

    row: Row
    receipts: list[Row] = field(default_factory=list)


def levies_of(record: Record, dice: Dice) -> Iterator[Levy]:
    """The levy items of one addressee, oldest notice first."""
    payer = record.payer
    if payer is None or payer.work == "child":
        return
    notice = 0
    years = YEARS if payer.since < dt.date(2025, 1, 1) else YEARS[1:]
    for year in years:
        if payer.until is not None and payer.until.year < year:
            continue
        for item, amount, withheld in _items(payer, year, dice):
            if withheld and year < YEARS[-1]:
                # What pensions paid in full is archived at the end of the year.
                continue
            notice += 1
            number = f"{int(record.code) % 10**6:06d}{year % 100:02d}{notice:02d}"
            yield from _notice(record, payer, item, year, number, amount, withheld, dice)
    if payer.habit == "消滅":
        number = f"{int(record.code) % 10**6:06d}{OLD_YEAR % 100:02d}90"
        for term in terms("01", OLD_YEAR):
            amount = dice.between(8, 40) * 1_000
            yield written_off(record.code, term, number, amount, booked=term.number < 4)


def _items(payer: Payer, year: int, dice: Dice) -> Iterator[tuple[str, int, bool]]:
    """Tax or fee item, yearly amount in yen, and whether it is withheld from the pension."""
    if payer.work == "corporation":
        yield "02", max(24_000, payer.income // 100), False
        yield "03", 50_000 + payer.income // 50, False
    elif payer.age >= 65 or payer.work == "owner":
        pass
    elif payer.work == "self-employed" and payer.income > 1_000_000:
        yield "01", _city_tax(payer), False
    elif payer.work == "employee" and dice.chance(0.06):
        # Between two employers: what no employer withholds is paid by oneself.
        yield "01", _city_tax(payer), False
    if payer.owns:
        yield "04", dice.between(30, 220) * 1_000, False
    for _ in range(payer.vehicles):
        yield "05", (10_800, 7_200, 12_900, 5_000, 2_400)[dice.between(0, 4)], False
    insured = payer.work in ("self-employed", "none") or dice.chance(0.6)
    if payer.head and payer.age < 75 and payer.work != "employee" and insured:
        yield "11", max(18_000, payer.income // 11) // 100 * 100, False
    if payer.work != "owner" and payer.age >= 65:
        withheld = dice.random.random() < PENSION_WITHHELD_SHARE and payer.habit == "good"
        if payer.age >= 75:
            yield "12", 12_000 + payer.income // 25 // 100 * 100, withheld
        yield "13", 25_000 + payer.income // 40 // 100 * 100, withheld
    for _ in payer.children:
        yield "14", dice.between(10, 55) * 12_000, False


def _city_tax(payer: Payer) -> int:
    return max(6_000, (payer.income - 1_000_000) // 17) // 100 * 100 + FOREST_TAX


def _notice(
    record: Record, payer: Payer, item: str, year: int, number: str, amount: int, withheld: bool,
    dice: Dice,
) -> Iterator[Levy]:  # fmt: skip
    """The terms of one notice. What does not divide evenly falls on the first term."""
    schedule = terms(item, year, withheld=withheld)
    unit = 1_000 if item in ("01", "04") else 100
    share = amount // len(schedule) // unit * unit
    first = amount - share * (len(schedule) - 1)
    child = payer.children[0] if item == "14" else ""
    # Until when somebody who stopped paying still paid.
    paid_until = AS_OF - dt.timedelta(days=dice.between(60, 560))
    for term in schedule:
        row = {
            CODE: record.code,
            "科目コード": item,
            "賦課年度": str(year),
            "相当年度": str(year),
            "通知書番号": number,
            "期別": str(term.number),
            "納期限": term.due_text,
            "法定納期限": term.due_text,
            "時効予定日": term.limitation_text,
            "税額": str(first if term.number == 1 else share),
        }
        if child:
            row["児童宛名コード"] = child
        elif item == "02":
            row["特別徴収義務者指定番号"] = payer.agent
        elif item == "04" and payer.joint:
            row["共有資産番号"] = payer.joint
        elif item in ("11", "12", "13"):
            row["被保険者番号"] = payer.insured_number
        levy = Levy(row)
        _settle(levy, term, payer, withheld, term.due > paid_until, dice)
        yield levy
        if row["状態"] == "更正":
            yield _corrected_to(levy, term, payer, dice)


def _settle(
    levy: Levy, term: Term, payer: Payer, withheld: bool, stopped: bool, dice: Dice
) -> None:
    """Decide how far the levy item has come by the town's day, and write its receipts."""
    row, amount = levy.row, int(levy.row["税額"])
    if amount == 0:
        row["状態"] = "完納"
        return
    if term.days_over < 0 and (withheld or not dice.chance(0.05)):
        row["状態"] = "納期内" if term.days_over >= -31 else "賦課"
        return
    if payer.habit not in ("good", "late") and not withheld and stopped:
        # What is newer than the old claims is suspended, not yet extinguished.
        state = "執行停止" if payer.habit == "消滅" else payer.habit
        in_arrears(levy, term, state, dice)
        return
    paid = _paid_on(term, payer, withheld, dice)
    if paid > AS_OF:
        in_arrears(levy, term, "督促", dice)
        return
    pay_in_full(levy, term, paid, payer.debit, withheld, dice)
    if withheld:
        return
    chance = dice.random.random()
    if chance < OVERPAID_SHARE and term.days_over > 40:
        pay_again(levy, term, dice)
    elif chance < OVERPAID_SHARE + CORRECTED_SHARE and not levy.row.get("共有資産番号"):
        # A corrected levy was not yet paid; a new notice with another amount replaces it.
        levy.receipts.clear()
        for name in PAID_COLUMNS:
            row.pop(name, None)
        row["状態"] = "更正"


def _paid_on(term: Term, payer: Payer, withheld: bool, dice: Dice) -> dt.date:
    if term.days_over < 0:
        return AS_OF - dt.timedelta(days=dice.between(3, 40))
    if withheld or (payer.debit and payer.habit == "good"):
        return term.due
    if payer.habit == "late":
        return term.due + dt.timedelta(days=dice.between(1, 95))
    return term.due - dt.timedelta(days=dice.between(0, 22))


def pay_in_full(
    levy: Levy, term: Term, paid: dt.date, debit: str, withheld: bool, dice: Dice
) -> None:
    """Paid on a day: with reminder fee and late charge where it was late."""
    row, amount = levy.row, int(levy.row["税額"])
    fee, late = 0, 0
    if paid > term.due:
        late = charge(amount, term.due, paid)
        if paid >= term.reminded:
            fee = REMINDER_FEE
            row["督促日"] = day_text(term.reminded)
    if fee:
        row["督促手数料"] = row["収入済督促手数料"] = str(fee)
    if late:
        row["延滞金"] = row["収入済延滞金"] = str(late)
    row["収入済本税"] = row["税額"]
    row["完納日"] = day_text(paid)
    row["状態"] = "完納"
    if withheld or row["科目コード"] == "02":
        channel, place = "特別徴収", ""
    elif debit and paid == term.due:
        channel, place = "口座振替", debit
    else:
        channel, place = way_to_pay(dice)
    levy.receipts.append(receipt(row, paid, amount, fee, late, channel, place))


def in_arrears(levy: Levy, term: Term, state: str, dice: Dice) -> None:
    """Overdue: as far as the days since have let the office come, at most to `state`."""
    row, amount = levy.row, int(levy.row["税額"])
    row["状態"] = "滞納"
    if term.reminded > AS_OF:
        return
    row["督促日"] = day_text(term.reminded)
    row["督促手数料"] = str(REMINDER_FEE)
    row["処分可能日"] = day_text(term.seizable)
    if term.seizable > AS_OF:
        row["滞納状態"] = "督促"
        return
    row["滞納状態"] = "差押可能" if state == "督促" else state
    if term.days_over > 120:
        row["催告日"] = day_text(working_day(term.seizable + dt.timedelta(days=60)))
    if state == "分納" and amount >= 4_000:
        _pay_instalments(levy, amount, dice)
    elif state == "差押" and term.days_over > 200 and amount >= 2_000:
        part = amount // 2
        taken = min(term.seizable + dt.timedelta(days=90), AS_OF)
        row["収入済本税"] = str(part)
        levy.receipts.append(receipt(row, taken, part, 0, 0, "窓口", "", kind="配当"))


def _pay_instalments(levy: Levy, amount: int, dice: Dice) -> None:
    part = max(1_000, amount // 4 // 1_000 * 1_000)
    count = 1 if part * 2 >= amount else 2
    for number in range(count):
        paid = AS_OF - dt.timedelta(days=20 + 30 * number)
        channel, place = way_to_pay(dice)
        levy.receipts.insert(0, receipt(levy.row, paid, part, 0, 0, channel, place))
    levy.row["収入済本税"] = str(part * count)


def pay_again(levy: Levy, term: Term, dice: Dice) -> None:
    """Paid twice: at the counter after the debit, or with two slips."""
    row, amount = levy.row, int(levy.row["税額"])
    channel, place = way_to_pay(dice)
    paid = term.due + dt.timedelta(days=dice.between(1, 12))
    row["収入済本税"] = str(amount * 2)
    row["状態"] = "過納"
    levy.receipts.append(receipt(row, paid, amount, 0, 0, channel, place))


def _corrected_to(levy: Levy, term: Term, payer: Payer, dice: Dice) -> Levy:
    amount = int(levy.row["税額"]) * dice.between(4, 9) // 10 // 100 * 100
    row = {name: text for name, text in levy.row.items() if name not in ("状態", "督促日")}
    row["税額"] = str(amount)
    row["通知書番号"] = f"{row['通知書番号'][:-2]}{int(row['通知書番号'][-2:]) + 50:02d}"
    corrected = Levy(row)
    if amount:
        pay_in_full(corrected, term, min(term.due, AS_OF), payer.debit, False, dice)
    else:
        row["状態"] = "完納"
    return corrected


def written_off(code: str, term: Term, number: str, amount: int, *, booked: bool) -> Levy:
    """An extinguished claim; `booked`: written off in the accounts too."""
    row = {
        CODE: code,
        "科目コード": "01",
        "賦課年度": str(OLD_YEAR),
        "相当年度": str(OLD_YEAR),
        "通知書番号": number,
        "期別": str(term.number),
        "納期限": term.due_text,
        "法定納期限": term.due_text,
        "時効予定日": term.limitation_text,
        "税額": str(amount),
        "督促手数料": str(REMINDER_FEE),
        "督促日": day_text(term.reminded),
        "処分可能日": day_text(term.seizable),
        "状態": "不納欠損" if booked else "滞納",
        "滞納状態": "消滅",
    }
    return Levy(row)


def way_to_pay(dice: Dice) -> tuple[str, str]:
    """Channel and place of a payment by slip."""
    chance = dice.random.random()
    if chance < 0.45:
        return "コンビニ", STORES[dice.between(0, 3)]
    if chance < 0.72:
        return "金融機関", BANKS[dice.between(0, 4)]
    if chance < 0.88:
        return "窓口", COUNTERS[dice.between(0, 4)]
    return "オンライン", ""


def receipt(
    levy: Row, paid: dt.date, tax: int, fee: int, late: int, channel: str, place: str,
    *, kind: str = "納付",
) -> Row:  # fmt: skip
    """A row of the receipts file; provisional while the slips of the last days are on their way."""
    row = {
        CODE: levy[CODE],
        "科目コード": levy["科目コード"],
        "賦課年度": levy["賦課年度"],
        "通知書番号": levy["通知書番号"],
        "期別": levy["期別"],
        "領収年月日": day_text(paid),
        "金額": str(tax + fee + late),
        "本税": str(tax),
        "督促手数料": str(fee),
        "延滞金": str(late),
        "納付チャネル": channel,
        "収納区分": kind,
        "納付場所": place,
    }
    if (AS_OF - paid).days < PROVISIONAL_DAYS:
        row["仮消込区分"] = "仮"
    else:
        row["仮消込区分"] = "確定"
        row["収入年月日"] = booked_text(paid)
    return row


@lru_cache(maxsize=65536)
def charge(amount: int, due: dt.date, paid: dt.date) -> int:
    """The late charge; the same amounts fall due for many."""
    return late_charge(amount, due, paid)


@lru_cache(maxsize=8192)
def booked_text(paid: dt.date) -> str:
    """The working day on which money is booked that was paid on a day."""
    return working_day(paid + dt.timedelta(days=BOOKING_DAYS)).isoformat()


@lru_cache(maxsize=8192)
def day_text(day: dt.date) -> str:
    """A day as the file writes it."""
    return day.isoformat()
