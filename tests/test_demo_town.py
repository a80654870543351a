"""The demo town: the same from the same seed, plausible, and nobody's."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path

import pytest

from models.demo import cast
from models.demo.levies import Levy
from models.demo.record import Record
from models.demo.town import Town
from models.trade import rules
from models.trade.check_digits import is_demo_number, is_individual_number
from models.trade.city_file import (
    ADDRESSEE_HEADER,
    CODE,
    COLLECTION_HEADER,
    HANDLING,
    ITEM_NAMES,
    RECEIPT_HEADER,
    WORDS,
)
from models.trade.kana import fold_kana
from models.trade.late_charge import late_charge
from models.trade.wareki import parse_day

PEOPLE = 3_000
Everybody = list[tuple[Record, list[Levy]]]


@pytest.fixture(scope="module")
def town() -> Everybody:
    return list(Town(people=PEOPLE).everybody())


@pytest.fixture(scope="module")
def rows(town: Everybody) -> list[dict[str, str]]:
    return [row for record, _ in town for row in record.rows()]


@pytest.fixture(scope="module")
def levies(town: Everybody) -> list[Levy]:
    return [levy for _, levies in town for levy in levies]


def amount(row: dict[str, str], name: str) -> int:
    return int(row.get(name) or 0)


def test_the_same_seed_is_the_same_town(rows: list[dict[str, str]]) -> None:
    assert list(Town(people=PEOPLE).addressee_rows()) == rows
    assert list(itertools.islice(Town(people=PEOPLE, seed=2).addressee_rows(), 200)) != rows[:200]


def test_a_larger_town_begins_with_the_smaller_one(rows: list[dict[str, str]]) -> None:
    larger = Town(people=PEOPLE * 2).addressee_rows()
    assert list(itertools.islice(larger, len(rows))) == rows


def test_it_has_as_many_people_as_asked(town: Everybody) -> None:
    assert PEOPLE <= len(town) < PEOPLE + 10
    assert len({record.code for record, _ in town}) == len(town)


def test_all_columns_belong_to_the_file(rows: list[dict[str, str]], levies: list[Levy]) -> None:
    assert set().union(*rows) <= set(ADDRESSEE_HEADER)
    assert set().union(*(levy.row for levy in levies)) <= set(COLLECTION_HEADER)
    receipts = [receipt for levy in levies for receipt in levy.receipts]
    assert set().union(*receipts) <= set(RECEIPT_HEADER)
    assert len(ITEM_NAMES) == 120
    assert len(set(ADDRESSEE_HEADER)) == len(ADDRESSEE_HEADER)


def test_individual_numbers_are_nobodys_and_never_twice(rows: list[dict[str, str]]) -> None:
    numbers = [row["個人番号"] for row in rows if row.get("個人番号")]
    assert len(set(numbers)) == len(numbers) > PEOPLE * 0.9
    assert all(is_demo_number(number) and not is_individual_number(number) for number in numbers)


def test_no_individual_number_shows_in_any_other_cell(
    rows: list[dict[str, str]], levies: list[Levy]
) -> None:
    every_row = [*rows, *(levy.row for levy in levies)]
    for name, cell in {(n, c) for row in every_row for n, c in row.items() if n != "個人番号"}:
        assert rules.no_individual_number(cell) is None, name


def test_telephones_lots_and_mail_reach_nobody(rows: list[dict[str, str]]) -> None:
    for row in rows:
        for name in ("電話番号等", "口座電話番号", "還付口座電話番号"):
            value = row.get(name, "")
            unassigned = value.startswith(("0154-00-", "090-0")) or value.endswith("@example.com")
            assert not value or unassigned
        assert not row.get("番地コード") or int(row["番地コード"]) > 900


RULES = {
    "宛名コード": rules.addressee_code,
    "基本氏名カナ情報": rules.kana_name,
    "生年月日": rules.day,
    "郵便親番": rules.postal_code_area,
    "郵便子番": rules.postal_code_town,
    "転入前市町村コード": rules.municipality_code,
    "転入前郵便番号": rules.postal_code,
    "転出前市町村コード": rules.municipality_code,
    "転出前郵便番号": rules.postal_code,
    "市町村コード": rules.municipality_code,
    "金融機関コード": rules.bank_code,
    "支店コード": rules.branch_code,
    "口座番号": rules.account_number,
    "還付金融機関コード": rules.bank_code,
    "還付支店コード": rules.branch_code,
    "還付用口座番号": rules.account_number,
    "電話番号等": rules.phone_or_email,
    "口座名義人カナ": rules.kana_name,
}


@pytest.mark.parametrize("name", RULES)
def test_every_value_obeys_the_rules_of_the_trade(name: str, rows: list[dict[str, str]]) -> None:
    values = {row[name] for row in rows if row.get(name)}
    assert values
    assert all(RULES[name](value) is None for value in values)


def test_search_kana_is_the_folded_kana(rows: list[dict[str, str]]) -> None:
    for row in rows:
        kana = row.get("基本氏名カナ情報")
        assert not kana or row["基本氏名検索カナ情報"] == fold_kana(kana)


def test_links_lead_to_people_of_the_town(rows: list[dict[str, str]]) -> None:
    codes = {row[CODE] for row in rows}
    for name in ("特定宛先人コード", "関連前宛名コード", "口座名義人宛名コード"):
        targets = {row[name] for row in rows if row.get(name)}
        assert targets
        assert targets <= codes


def test_the_town_knows_every_kind_of_person(rows: list[dict[str, str]]) -> None:
    def some(name: str, value: str | None = None) -> bool:
        return any(row.get(name) and value in (None, row[name]) for row in rows)

    assert all(some("宛名区分", kind) for kind in ("住登者", "住登外者"))
    assert all(some("個法区分", kind) for kind in ("個人", "法人"))
    assert all(some("連絡先種別", kind) for kind in WORDS["ContactKind"])
    assert some("通称名使用区分", "1")
    assert all(some("宛名異動事由", reason) for reason in ("転入", "転居", "転出", "死亡", "出生"))
    assert all(
        some("特定宛先人区分", kind) for kind in ("成年後見人", "納税管理人", "相続人代表者")
    )
    assert all(some(name) for name in ("国籍コード", "組合コード", "送付先設定事由", "転出前住所"))
    written = {character for row in rows for character in row.get("基本氏名漢字情報", "")}
    assert {"髙", "﨑", "𠮷", "\U000e0100"} <= written
    assert any(
        "ｱ" <= character <= "ﾝ" for row in rows for character in row.get("基本氏名カナ情報", "")
    )
    births = [parse_day(row["生年月日"]) for row in rows if row.get("生年月日")]
    assert any(birth.text for birth in births)


def test_care_tells_no_cause(rows: list[dict[str, str]]) -> None:
    """Most covered people are covered for another cause than violence or neglect."""
    flagged = sum("1" in (row.get("DVフラグ"), row.get("ネグレクトフラグ")) for row in rows)
    other = Counter(row[HANDLING] for row in rows if row.get(HANDLING))
    assert 0 < flagged < sum(other.values())
    assert set(other) == {"住所秘匿", "出力停止", "住所秘匿・出力停止"}


def test_every_state_of_levy_items_occurs(levies: list[Levy]) -> None:
    assert {levy.row["状態"] for levy in levies} == set(WORDS["CollectionStatus"])
    states = {levy.row.get("滞納状態", "なし") for levy in levies}
    assert states == set(WORDS["ArrearsState"])
    channels = {receipt["納付チャネル"] for levy in levies for receipt in levy.receipts}
    assert channels == set(WORDS["PaymentChannel"])
    assert {r["仮消込区分"] for levy in levies for r in levy.receipts} == {"仮", "確定"}


def test_eight_to_twelve_levy_items_for_each_person(town: Everybody, levies: list[Levy]) -> None:
    assert 8 <= len(levies) / len(town) <= 12


def test_sums_agree_with_the_receipts(levies: list[Levy]) -> None:
    for levy in levies:
        row = levy.row
        for name, part in (
            ("収入済本税", "本税"),
            ("収入済督促手数料", "督促手数料"),
            ("収入済延滞金", "延滞金"),
        ):
            assert amount(row, name) == sum(amount(receipt, part) for receipt in levy.receipts)
        for receipt in levy.receipts:
            parts = sum(amount(receipt, part) for part in ("本税", "督促手数料", "延滞金"))
            assert amount(receipt, "金額") == parts
        if row["状態"] == "完納":
            assert amount(row, "収入済本税") == amount(row, "税額")
        if row["状態"] == "過納":
            assert amount(row, "収入済本税") > amount(row, "税額")
        if row["状態"] == "滞納":
            assert amount(row, "収入済本税") < amount(row, "税額")


def test_late_charges_follow_the_rule(levies: list[Levy]) -> None:
    charged = [levy for levy in levies if amount(levy.row, "延滞金")]
    assert charged
    for levy in charged:
        due, paid = (parse_day(levy.row[name]).day for name in ("納期限", "完納日"))
        assert due is not None
        assert paid is not None
        assert amount(levy.row, "延滞金") == late_charge(amount(levy.row, "税額"), due, paid)


def test_levy_items_have_a_natural_key(levies: list[Levy]) -> None:
    keys = [tuple(levy.row[name] for name in COLLECTION_HEADER[:6]) for levy in levies]
    assert len(set(keys)) == len(keys)


def test_the_files_say_what_the_stream_says(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    counted: list[int] = []
    files = Town(people=PEOPLE).write(tmp_path, counted.append)
    assert sum(counted) >= PEOPLE
    with files.addressees.open(encoding="utf-8", newline="") as file:
        read = [{n: cell for n, cell in row.items() if cell} for row in csv.DictReader(file)]
    assert read == [{name: cell for name, cell in row.items() if cell} for row in rows]


def test_the_cast_is_in_every_town() -> None:
    codes = {row[CODE] for row in Town(people=30, seed=99).addressee_rows()}
    named = {
        code
        for name, code in vars(cast).items()
        if name.isupper() and isinstance(code, str) and code.isdigit()
    }
    assert named <= codes
    assert len(named) > 20
