"""What hangs on a person of the demo town: contacts, accounts, forwarding addresses, unions."""

from __future__ import annotations

import datetime as dt

from models.demo.dice import Dice
from models.demo.record import AS_OF, Record, Row, residence
from models.demo.reference import Branch, branches, towns

NAME_ITEMS = (
    "氏名カナ情報", "氏名検索カナ情報", "氏名漢字情報",
    "名カナ情報", "名検索カナ情報", "名漢字情報",
)  # fmt: skip
ADDRESS_ITEMS = (
    "郵便親番", "郵便子番", "住所区分", "住所コード", "番地コード", "枝番コード", "住所漢字",
)  # fmt: skip


def grown_up(dice: Dice, record: Record, kana: str, written: str, age: int) -> None:
    contacts: list[Row] = []
    if dice.chance(0.45 if age < 65 else 0.8):
        contacts.append(_contact(dice, "自宅", dice.telephone()))
    if dice.chance(0.75 if age < 75 else 0.3):
        contacts.append(_contact(dice, "携帯", dice.mobile()))
    if age < 65 and dice.chance(0.15):
        contacts.append(_contact(dice, "勤務先", dice.telephone()))
    if age < 75 and dice.chance(0.12):
        contacts.append(_contact(dice, "メール", f"atena{record.code[-8:]}@example.com"))
    if dice.chance(0.01):
        contacts.append(_contact(dice, "その他", dice.telephone()))
    record.groups.append(contacts)
    accounts(dice, record, kana, written)
    if dice.chance(0.035):
        record.groups.append([_forwarding(dice, record)])
    if dice.chance(0.05):
        joined = dice.day(dt.date(1990, 1, 1), dt.date(2025, 1, 1))
        union = {
            "組合コード": f"N{dice.between(1, 120):03d}",
            "組合加入日": joined.isoformat(),
        }
        if dice.chance(0.3):
            union["組合脱退日"] = dice.day(joined, AS_OF).isoformat()
        record.groups.append([union])


def accounts(dice: Dice, record: Record, kana: str, written: str) -> None:
    payer = record.payer
    if payer is not None and payer.work != "child" and dice.chance(0.45):
        branch = branches().pick(dice.random)
        payer.debit = branch.place
        item = {"corporation": "03", "pension": "13", "self-employed": "11"}.get(payer.work, "01")
        start = dice.day(dt.date(2005, 4, 1), dt.date(2025, 4, 1))
        debit = {
            "口座申込年月日": (start - dt.timedelta(days=40)).isoformat(),
            "口座開始年月日": start.isoformat(),
            "納付種別": "全納" if dice.chance(0.1) else "期別",
            "口振済通知出力区分": "1" if dice.chance(0.7) else "0",
            "口座電話番号": dice.telephone() if dice.chance(0.4) else dice.mobile(),
            "口座名義人カナ": kana,
            "口座科目コード": item,
            **_account(dice, branch, "金融機関コード", "支店コード", "口座種別", "口座番号"),
        }
        if dice.chance(0.06):
            debit["口座解約異動事由"] = "本人申出"
            debit["口座解約年月日"] = dice.day(start, AS_OF).isoformat()
            payer.debit = ""
        record.groups.append([debit])
    if dice.chance(0.15):
        branch = branches().pick(dice.random)
        start = dice.recent()
        refund = {
            "還付申込年月日": start.isoformat(),
            "還付開始年月日": start.isoformat(),
            "還付口座名義人カナ": kana,
            "還付口座名義人漢字": written,
            "還付口座電話番号": dice.mobile(),
            **_account(
                dice,
                branch,
                "還付金融機関コード",
                "還付支店コード",
                "還付用口座種別",
                "還付用口座番号",
            ),
        }
        if dice.chance(0.04):
            refund["還付解約異動事由"] = "口座変更"
            refund["還付解約年月日"] = dice.day(start, AS_OF).isoformat()
        record.groups.append([refund])


def _account(dice: Dice, branch: Branch, bank: str, code: str, kind: str, number: str) -> Row:
    digits = dice.between(0, 9_999_999)
    chance = dice.random.random()
    return {
        bank: branch.bank_code,
        code: branch.branch_code,
        kind: "ゆうちょ" if branch.postal else "当座" if chance < 0.03 else "納税準備"
        if chance < 0.05 else "貯蓄" if chance < 0.07 else "普通",
        number: f"{digits:07d}1" if branch.postal else f"{digits:07d}",
    }  # fmt: skip


def _forwarding(dice: Dice, record: Record) -> Row:
    reasons = ("入院", "施設入所", "単身赴任", "本人申出", "成年後見")
    reason = reasons[dice.between(0, 4)]
    place = towns().pick(dice.random) if dice.chance(0.5) else dice.elsewhere()
    home = residence(place, dice.between(1, 5), dice.between(901, 989), dice.between(1, 20))
    set_on = dice.recent()
    row = {
        "送付先設定事由": reason,
        "送付先設定日": set_on.isoformat(),
        **{f"送付先{name}": home[name] for name in ADDRESS_ITEMS if name in home},
        **{
            f"送付先{name}": record.base[f"基本{name}"] for name in NAME_ITEMS
        },
    }  # fmt: skip
    if reason in ("入院", "施設入所"):
        row["送付先方書漢字"] = (
            "特別養護老人ホームはるにれ" if reason == "施設入所" else "みずなら病院"
        )
    if dice.chance(0.15):
        row["送付先廃止事由"] = "本人申出"
        row["送付先廃止日"] = dice.day(set_on, AS_OF).isoformat()
    return row


def _contact(dice: Dice, kind: str, value: str) -> Row:
    return {
        "連絡先種別": kind,
        "電話番号等": value,
        "連絡先設定日": dice.recent().isoformat(),
    }
