"""Importing the city's files, on both databases."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from authz.keys import Keys
from authz.numbers.vault import Vault
from models.demo import cast
from models.demo.record import AS_OF, nobodys_number
from models.demo.town import Town
from models.graph.graph import GRAPH
from models.store.database import Database
from models.store.migrate import migrate
from models.tables.individual_number import NUMBERS, StoreKind
from models.tables.protective_measure import VIOLENCE
from models.trade.check_digits import individual_check_digit
from models.trade.city_file import (
    ADDRESSEE_HEADER,
    CODE,
    COLLECTION_HEADER,
    ITEM_NAMES,
    RECEIPT_HEADER,
)
from models.trade.office_time import TOKYO
from resolvers.demo.town import seed
from resolvers.imports import run as importing
from resolvers.imports.ahead import Ahead
from resolvers.imports.cells import people_cells
from resolvers.imports.city_file import CityFile, Line
from resolvers.imports.people import PeopleLoader
from resolvers.imports.report import RejectFile, convert
from resolvers.imports.rows import WholeRows
from resolvers.imports.run import Contents, FileRefused, Report, import_file
from resolvers.protection.causes import Causes
from tests.conftest import NewDatabase
from tests.world import full_width

Cells = dict[str, str]
PEOPLE = 400


def table(type_name: str) -> sa.Table:
    return GRAPH.types[type_name].table


@dataclass(frozen=True)
class City:
    """An empty city: its databases, and a folder for files."""

    database: Database
    vault: Vault
    numbers: Database
    folder: Path

    async def load(
        self,
        rows: Iterable[Cells],
        contents: Contents = Contents.ADDRESSEES,
        header: Iterable[str] | None = None,
        encoding: str = "utf-8",
    ) -> Report:
        headers = {
            Contents.COLLECTIONS: COLLECTION_HEADER, Contents.RECEIPTS: RECEIPT_HEADER,
        }  # fmt: skip
        path = self.folder / f"{contents}.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, list(header or headers.get(contents, ADDRESSEE_HEADER)))
            writer.writeheader()
            writer.writerows(rows)
        return await import_file(contents, path, self.database, self.vault)

    async def rows(self, type_name: str) -> list[dict[str, Any]]:
        async with self.database.write() as connection:
            found = await connection.execute(sa.select(table(type_name)))
            return [{k: v for k, v in row.items() if k != "id"} for row in found.mappings()]

    async def all(self) -> dict[str, list[str]]:
        names = ("Addressee", "Account", "Collection", "Receipt", "Contact", "HouseholdMembership",
                 "RelatedAddressee", "SpecialAddressee", "ForwardingAddress", "UnionMembership",
                 "Handling")  # fmt: skip
        content = {name: await self.rows(name) for name in names}
        for receipt in content["Receipt"]:
            del receipt["collection_id"]
        return {name: sorted(map(repr, rows)) for name, rows in content.items()}

    async def one(self, code: str) -> dict[str, Any]:
        return next(row for row in await self.rows("Addressee") if row["code"] == code)

    async def care(self) -> dict[str, tuple[bool, bool]]:
        return {
            row["addressee_code"]: (row["address_withheld"], row["stop_output"])
            for row in await self.rows("Handling")
        }

    async def number_holders(self) -> set[str]:
        async with self.numbers.write() as connection:
            return set(await connection.scalars(sa.select(NUMBERS.c.addressee_code)))


@pytest.fixture(scope="session")
async def migrated(new_database: NewDatabase) -> str:
    url = new_database()
    database = Database(url)
    await migrate(database)
    await database.close()
    return url


@pytest.fixture
async def city(migrated: str, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[City]:
    database, numbers_url = Database(new_database(like=migrated)), new_database()
    keys = Keys.load_or_create(tmp_path / "keys.json")
    vault = await Vault.open(numbers_url, keys, StoreKind.DEMO)
    numbers = Database(numbers_url)
    yield City(database, vault, numbers, tmp_path)
    for store in (numbers, vault, database):
        await store.close()


def person(serial: int, **more: str) -> Cells:
    return {
        CODE: f"{serial:015d}",
        "個法区分": "個人",
        "基本氏名カナ情報": "ヤマダ　タロウ",
        "基本氏名漢字情報": "山田　太郎",
        "住所漢字": f"北海道釧路市旭町1丁目9{serial:02d}番1号",
        **more,
    }


def code(serial: int) -> str:
    return f"{serial:015d}"


def levy(serial: int, **more: str) -> Cells:
    return {
        CODE: code(serial), "科目コード": "01", "賦課年度": "2026", "相当年度": "2026",
        "通知書番号": "0001", "期別": "1", "納期限": "2026-06-30", "税額": "10000", "状態": "滞納",
    } | more  # fmt: skip


def receipt(serial: int, **more: str) -> Cells:
    return {
        CODE: code(serial), "科目コード": "01", "賦課年度": "2026", "通知書番号": "0001",
        "期別": "1", "領収年月日": "2026-07-01", "金額": "4000", "本税": "4000",
        "納付チャネル": "窓口",
        "収納区分": "納付", "仮消込区分": "仮",
    } | more  # fmt: skip


def rejects(report: Report) -> list[dict[str, str]]:
    assert report.rejects is not None
    with report.rejects.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# The demo town.


async def test_the_town_goes_in_whole_and_once(city: City) -> None:
    town = Town(people=PEOPLE)
    reports = await seed(town, city.folder, city.database, city.vault)
    everybody = list(town.everybody())
    levies = [levy for _, levies in everybody for levy in levies]
    assert [report.rejected for report in reports] == [0, 0, 0]
    assert len(await city.rows("Addressee")) == len(everybody)
    assert len(await city.rows("Collection")) == len(levies)
    assert len(await city.rows("Receipt")) == sum(len(levy.receipts) for levy in levies)
    numbered = {record.code for record, _ in everybody if record.base.get("個人番号")}
    assert await city.number_holders() == numbered

    before = await city.all()
    again = await seed(town, city.folder, city.database, city.vault)
    assert [report.loaded for report in again] == [0, 0, 0]
    assert [report.already_there for report in again] == [report.rows for report in reports]
    assert await city.all() == before


async def test_the_town_says_why_and_mostly_for_other_causes_than_violence(city: City) -> None:
    """Something waits for a second person, something is past its day, a lift opens."""
    await seed(Town(people=PEOPLE), city.folder, city.database, city.vault)
    measures = await city.rows("ProtectiveMeasure")
    kinds = Counter(row["kind"] for row in measures)
    violence = sum(count for kind, count in kinds.items() if kind in VIOLENCE)
    assert 0 < violence < sum(kinds.values()) - violence
    assert set(kinds) >= {"MAIL_RETURNED", "GUARDIANSHIP", "STAFF_THREATENED", "UNSPECIFIED"}
    assert {row["status"] for row in measures} == {"IN_FORCE", "END_PROPOSED", "ENDED"}
    going_on = [row for row in measures if row["status"] != "ENDED"]
    assert any(row["ends_on"] and row["ends_on"] < AS_OF for row in going_on)
    assert {row["deciding_municipality_code"] for row in measures} == {"012068", "011002"}
    care = await city.care()
    assert {row["addressee_code"] for row in going_on} <= care.keys()
    assert cast.KUDO_MASARU not in care
    [exclusion] = await city.rows("HouseholdExclusion")
    assert exclusion["status"] == "PROPOSED"
    assert care[exclusion["member_code"]] == (True, True)
    approved = [row["approved_by"] for row in await city.rows("Lift")]
    assert sorted(map(str, approved)) == ["None", "mori"]


async def test_what_is_stored_is_what_was_written(city: City) -> None:
    await seed(Town(people=60), city.folder, city.database, city.vault)
    minoru = await city.one(cast.YOSHIDA_MINORU)
    assert minoru["full_name"] == "𠮷田　辻\U000e0100實"
    assert minoru["full_name_kana"] == "ﾖｼﾀﾞ ｼﾞｯｼﾞﾂ"
    assert minoru["full_name_search_kana"] == "ヨシタシツシツ"
    assert (minoru["birth_date"], minoru["birth_date_text"]) == (None, "昭和11年00月00日")
    taro = await city.one(cast.YAMADA_TARO)
    assert taro["birth_date"] == dt.date(1978, 5, 14)
    assert (taro["kind"], taro["entity_kind"], taro["sex"]) == ("RESIDENT", "INDIVIDUAL", "MALE")
    accounts = {row["usage"]: row for row in await city.rows("Account")
                if row["addressee_code"] == cast.YAMADA_TARO}  # fmt: skip
    debit, refund = accounts["DIRECT_DEBIT"], accounts["REFUND"]
    assert (debit["bank_code"], debit["branch_code"]) == ("1027", "001")
    assert (debit["account_number"], debit["tax_item_code"]) == ("0012345", "01")
    assert (refund["bank_code"], refund["account_number"]) == ("0501", "0054321")
    kudo = [
        row for row in await city.rows("Collection") if row["addressee_code"] == cast.KUDO_MASARU
    ]
    written_off = [row for row in kudo if row["status"] == "WRITTEN_OFF"]
    assert written_off
    assert all(row["outstanding"] == 0 for row in written_off)
    assert {row["arrears_state"] for row in kudo} >= {"SEIZED", "IN_INSTALMENT", "SUSPENDED"}
    sho = [row for row in await city.rows("Collection") if row["addressee_code"] == cast.ITO_SHO]
    assert {row["overpaid"] for row in sho if row["status"] == "OVERPAID"} == {27_000, 12_900}


async def test_the_cast_is_covered_as_its_stories_say(city: City) -> None:
    await seed(Town(people=60), city.folder, city.database, city.vault)
    care = await city.care()
    assert care[cast.TANAKA_MISAKI] == care[cast.TANAKA_HINA] == (True, True)
    assert care[cast.TAKAHASHI_MAKOTO] == (False, True)
    assert care[cast.SASAKI_TOME] == (True, True)
    assert care[cast.NAKAGAWA_TSUYOSHI] == (True, False)
    assert care[cast.HONMA_RITSU] == care[cast.HONMA_SAKURA] == (True, True)
    assert cast.SUZUKI_DAISUKE not in care
    assert cast.YAMADA_TARO not in care


async def test_an_interrupted_import_goes_on_where_it_stopped(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 50)
    files = Town(people=PEOPLE).write(city.folder)
    load, batches = PeopleLoader.load, 0

    async def stop(self: PeopleLoader, rows: Any, *, last: bool) -> Any:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise KeyboardInterrupt
        return await load(self, rows, last=last)

    with monkeypatch.context() as broken:
        broken.setattr(PeopleLoader, "load", stop)
        with pytest.raises(KeyboardInterrupt):
            await import_file(Contents.ADDRESSEES, files.addressees, city.database, city.vault)
    half = len(await city.rows("Addressee"))
    assert 0 < half < PEOPLE
    report = await import_file(Contents.ADDRESSEES, files.addressees, city.database, city.vault)
    assert report.rejected == 0
    assert len(await city.rows("Addressee")) >= PEOPLE
    again = await import_file(Contents.ADDRESSEES, files.addressees, city.database, city.vault)
    assert (again.loaded, again.rejected) == (0, 0)


# What a file may look like.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
async def test_every_encoding_of_a_city(city: City, encoding: str) -> None:
    name = "髙橋　﨑子"
    report = await city.load([person(1, 基本氏名漢字情報=name)], encoding=encoding)
    assert (report.loaded, report.rejected) == (1, 0)
    assert (await city.one(code(1)))["full_name"] == name


async def test_the_same_row_in_the_other_table_is_there_already(city: City) -> None:
    """CP932 and Shift_JIS read six signs of one file as different characters."""
    places = {"住所漢字": "北海道釧路市黒金町7丁目5番地1－2", "方書漢字": "くしろハイツ1～3号棟"}
    mobile = {"連絡先種別": "携帯", "電話番号等": "090－1234－5678", "連絡先設定日": "2024－05－01"}
    first = person(1, **places, **mobile)
    assert (await city.load([first], encoding="cp932")).loaded == 1
    written = str.maketrans("－～", "−〜")
    for signs in (written, str.maketrans("－", "‐"), str.maketrans("－", "ー")):
        again = {name: text.translate(signs) for name, text in first.items()}
        report = await city.load([again])
        assert (report.already_there, report.rejected) == (1, 0)
    assert (await city.one(code(1)))["address"] == places["住所漢字"]
    assert [row["value"] for row in await city.rows("Contact")] == ["090－1234－5678"]
    other = await city.load([first | {"方書漢字": "くしろハイツ1－3号棟"}])
    assert other.rejected == 1


async def test_rows_of_one_addressee_may_stand_anywhere(city: City) -> None:
    rows = [
        {CODE: code(1), "連絡先種別": "携帯", "電話番号等": "090-0000-0001"},
        person(2),
        person(1, 連絡先種別="自宅", 電話番号等="0154-00-0001"),
        person(1, 連絡先種別="メール", 電話番号等="a@example.com"),
    ]
    report = await city.load(rows)
    assert (report.loaded, report.rejected) == (4, 0)
    kinds = {row["kind"] for row in await city.rows("Contact")}
    assert kinds == {"MOBILE", "HOME", "EMAIL"}


async def test_a_further_row_says_nothing_else_about_the_addressee(city: City) -> None:
    rows = [person(1), person(1, 基本氏名漢字情報="山田　次郎", 電話番号等="0154-00-0001")]
    report = await city.load(rows)
    assert (report.loaded, report.rejected) == (1, 1)
    assert rejects(report)[0] | {"reason": "", "reason_ja": ""} == {
        "line": "3", "column": "基本氏名漢字情報", "class": "name", "reason": "", "reason_ja": "",
    }  # fmt: skip
    again = await city.load([person(1, 住所漢字="北海道釧路市旭町2丁目")])
    assert rejects(again)[0]["column"] == "住所漢字"


async def test_a_file_without_header_is_refused_without_its_words(city: City) -> None:
    path = city.folder / "x.csv"
    for content in (
        "山田太郎,012345\n",
        "",
        f"{CODE},山田太郎\n",
        f"{CODE},{CODE}\n",
        "基本氏名漢字情報\n",
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(FileRefused) as caught:
            await import_file(Contents.ADDRESSEES, path, city.database, city.vault)
        assert "山田" not in str(caught.value)
    with pytest.raises(FileRefused):
        await import_file(Contents.ADDRESSEES, city.folder / "none.csv", city.database, city.vault)


async def test_broken_rows_cost_themselves_alone(city: City) -> None:
    path = city.folder / "x.csv"
    lines = [
        ",".join((CODE, "基本氏名漢字情報", "住所漢字")).encode(),
        f"{code(1)},山田　太郎,旭町".encode(),
        f"{code(2)},山田".encode(),
        f'{code(3)},"山田"太郎,旭町'.encode(),
        f"{code(4)},山田".encode() + b"\xff," + "旭町".encode(),
        b"",
        f'{code(5)},山田　五郎,"旭町, 一丁目"'.encode(),
        b"\x1a",
    ]
    path.write_bytes(b"\r\n".join(lines))
    report = await import_file(Contents.ADDRESSEES, path, city.database, city.vault)
    assert (report.loaded, report.rejected) == (2, 3)
    assert {row["line"] for row in rejects(report)} == {"3", "4", "5"}
    assert (await city.one(code(5)))["address"] == "旭町, 一丁目"


# Bad rows.

BAD: list[tuple[Cells, str, str]] = [
    ({"郵便親番": "85"}, "郵便親番", "residence"),
    ({"市町村コード": "012060"}, "市町村コード", "residence"),
    ({"転入前郵便番号": "085-001"}, "転入前郵便番号", "former-residence"),
    ({"生年月日": "2026-02-30"}, "生年月日", "birth-and-sex"),
    ({"在留期間開始日": "2026-00-00"}, "在留期間開始日", "nationality"),
    ({"基本氏名カナ情報": "山田"}, "基本氏名カナ情報", "name"),
    ({"基本氏名漢字情報": "試験\u202e逆"}, "基本氏名漢字情報", "name"),
    ({"方書漢字": "ハイツ\u200b1号"}, "方書漢字", "residence"),
    ({"性別": "雄"}, "性別", "birth-and-sex"),
    ({"DVフラグ": "9"}, "DVフラグ", "protection"),
    ({"方書漢字": "番号は123456789012"}, "方書漢字", "residence"),
    ({"取扱注意": "秘密"}, "取扱注意", "handling"),
    ({"連絡先種別": "携帯"}, "電話番号等", "contact"),
    ({"電話番号等": "なし"}, "電話番号等", "contact"),
    ({"続柄": "妻"}, "世帯コード", "household"),
    ({"金融機関コード": "116", "口座番号": "0000001"}, "金融機関コード", "bank-account"),
    ({"金融機関コード": "0116"}, "口座番号", "bank-account-number"),
    ({"金融機関コード": "0116", "口座番号": "123456"}, "口座番号", "bank-account-number"),
    ({"金融機関コード": "0116", "口座番号": "12345678"}, "口座番号", "bank-account-number"),
    ({"還付金融機関コード": "0116", "還付用口座番号": "1"}, "還付用口座番号",
     "bank-account-number"),
    ({"金融機関コード": "0116", "口座番号": "0000001", "口座科目コード": "99"}, "口座科目コード",
     "bank-account"),
    ({"特定宛先人コード": code(99)}, "特定宛先人コード", "related-person"),
    ({"関連前宛名コード": code(99)}, "関連前宛名コード", "related-person"),
    ({"個人番号": "123"}, "個人番号", "individual-number"),
    ({"生年月日": f"昭和20年{'　' * 40}不詳"}, "生年月日", "birth-and-sex"),
]  # fmt: skip


NUMBER = "771000000075"
SPELLINGS = (
    NUMBER, "7710ー0000ー0075", "+7710-0000-0075", f"0{NUMBER}", f"a.{NUMBER}@example.jp",
    "７７１０・００００・００７５",
)  # fmt: skip


def with_the_number(row: Cells, header: Iterable[str]) -> list[Cells]:
    """The row, with each spelling in each of its cells but that of the number."""
    cells = [name for name in header if name != ITEM_NAMES[1]]
    return [row | {name: text} for name in cells for text in SPELLINGS]


async def test_no_cell_of_any_file_takes_an_individual_number(city: City) -> None:
    whole = {
        "連絡先種別": "自宅", "電話番号等": "0154-23-0003", "金融機関コード": "0116",
        "口座番号": "0000001", "還付金融機関コード": "0116", "還付用口座番号": "0000002",
        "世帯コード": "0000000001",
    }  # fmt: skip
    people = with_the_number(person(1, **whole), ADDRESSEE_HEADER)
    mails = [person(1, 連絡先種別=kind, 電話番号等=text)
             for kind in ("メール", "携帯", "その他") for text in SPELLINGS]  # fmt: skip
    rows = [one | {CODE: code(at)} if one[CODE] == code(1) else one
            for at, one in enumerate((*people, *mails), 1)]  # fmt: skip
    report = await city.load([*rows, person(9001, **whole)])
    assert (report.loaded, report.rejected) == (1, len(rows))
    levies = with_the_number(levy(9001), COLLECTION_HEADER)
    report = await city.load([*levies, levy(9001)], Contents.COLLECTIONS)
    assert (report.loaded, report.rejected) == (1, len(levies))
    receipts = with_the_number(receipt(9001), RECEIPT_HEADER)
    report = await city.load([*receipts, receipt(9001)], Contents.RECEIPTS)
    assert (report.loaded, report.rejected) == (1, len(receipts))
    async with city.database.look() as connection:
        for name in await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()):
            for row in await connection.execute(sa.text(f'SELECT * FROM "{name}"')):
                stored = [value for value in row if isinstance(value, (str, int))]
                assert NUMBER not in ["".join(filter(str.isdigit, str(v))) for v in stored], name


async def test_bad_rows_are_named_and_the_good_ones_are_loaded(city: City) -> None:
    bad = [person(serial, **cells) for serial, (cells, _, _) in enumerate(BAD, 101)]
    good = [person(serial) for serial in range(1, 31)]
    report = await city.load([*good, *bad])
    assert (report.loaded, report.rejected) == (len(good), len(bad))
    named = rejects(report)
    assert [(row["line"], row["column"], row["class"]) for row in sorted(named, key=by_line)] == [
        (str(line), column, classes) for line, (_, column, classes) in enumerate(BAD, 32)
    ]
    assert all(row["reason"] and row["reason_ja"] for row in named)
    assert report.rejects is not None
    assert report.rejects.stat().st_mode & 0o777 == 0o600
    fixed = await city.load([*good, *(person(serial) for serial in range(101, 101 + len(bad)))])
    assert (fixed.loaded, fixed.already_there, fixed.rejected) == (
        # The row with the link to nobody had its addressee loaded already.
        len(bad) - 1, len(good) + 1, 0,
    )  # fmt: skip
    assert fixed.rejects is None
    assert not report.rejects.exists()


def by_line(row: dict[str, str]) -> int:
    return int(row["line"])


SIGNS = (
    "クシ\u200dャ\ufe00",
    "ジャン＝ピエール",
    "ジャン゠ピエール",
    "ｶ)｢ｸｼﾛ｣ｼｮｳｼﾞ",
    "ヤッホー！",
    "￥ショップ＆＠",
)


async def test_names_have_the_signs_that_names_have(city: City) -> None:
    rows = [person(at, 基本氏名カナ情報=kana) for at, kana in enumerate(SIGNS, 1)]
    rows.append(person(9, 基本氏名漢字情報="髙\U000e0100橋\u200d　\ue000"))
    report = await city.load(rows)
    assert (report.loaded, report.rejected) == (len(rows), 0)
    stored = {row["full_name_kana"] for row in await city.rows("Addressee")}
    assert stored >= set(SIGNS)
    assert (await city.one(code(9)))["full_name"] == "髙\U000e0100橋\u200d　\ue000"


async def test_a_demo_store_takes_only_numbers_that_are_nobodys(city: City) -> None:
    eleven = "12345678901"
    real = f"{eleven}{individual_check_digit(eleven)}"
    mine = nobodys_number(7)
    rows = [person(1, 個人番号=real), person(2, 個人番号=mine), person(3, 個人番号=mine)]
    report = await city.load(rows)
    assert {(row["line"], row["column"]) for row in rejects(report)} == {
        ("2", "個人番号"), ("4", "個人番号"),
    }  # fmt: skip
    assert report.rejects is not None
    text = report.rejects.read_text(encoding="utf-8")
    assert real not in text
    assert mine not in text
    assert await city.number_holders() == {code(2)}


async def test_no_store_of_numbers_no_number(city: City) -> None:
    path = city.folder / "x.csv"
    path.write_text(
        f"{CODE},住所漢字,個人番号\n{code(1)},旭町,{nobodys_number(1)}\n", encoding="utf-8"
    )
    report = await import_file(Contents.ADDRESSEES, path, city.database)
    assert rejects(report)[0]["column"] == "個人番号"


CELLS = people_cells(StoreKind.DEMO)


@given(st.sampled_from(sorted(CELLS)), st.text(min_size=4, max_size=30))
def test_no_rejected_value_is_in_the_reject_file(
    tmp_path_factory: pytest.TempPathFactory, header: str, value: str
) -> None:
    line = Line(2, {CODE: "1", header: value})
    row = convert(line, CELLS, CODE)
    WholeRows(CELLS, set()).complete(row)
    path = tmp_path_factory.getbasetemp() / "hypothesis.rejects.csv"
    with RejectFile(path) as file:
        if row.problems:
            file.add(row.line, row.problems)
    for problem in row.problems:
        assert value not in problem.reason
        assert value not in getattr(problem.reason, "ja", "")


# Links.


async def test_links_may_lead_to_later_rows(city: City) -> None:
    rows = [
        person(1, 関連前宛名コード=code(2)),
        {CODE: code(1), "電話番号等": "0154-00-0001"},
        person(2, 関連前宛名コード=code(3), 特定宛先人コード=code(1)),
        person(3, 特定宛先人コード=code(4)),
        person(4, 特定宛先人コード=code(3), 金融機関コード="0116", 口座番号="0000001",
               口座名義人宛名コード=code(1)),
    ]  # fmt: skip
    report = await city.load(rows)
    assert (report.loaded, report.rejected) == (5, 0)
    assert len(await city.rows("RelatedAddressee")) == 2
    assert len(await city.rows("SpecialAddressee")) == 3
    assert (await city.rows("Account"))[0]["holder_addressee_code"] == code(1)


async def test_links_across_batches(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    await test_links_may_lead_to_later_rows(city)


async def test_between_two_batches_others_may_write(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log, for which a running server waits: it looks each 0.1 s whether SQLite is free."""
    write, spans = Database.write, list[tuple[float, float]]()

    @asynccontextmanager
    async def timed(database: Database) -> AsyncIterator[Any]:
        async with write(database) as connection:
            began = time.monotonic()
            yield connection
        if database is city.database:
            spans.append((began, time.monotonic()))

    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(Database, "write", timed)
    await city.load([person(number) for number in range(1, 6)])
    loads = spans[-5:]
    assert len(spans) == 7, "what is there, whom it asks for, and the five"
    if city.database.dialect == "sqlite":
        for (began, ended), (following, _) in pairwise(loads):
            assert following - ended >= 0.8 * min(ended - began, 0.1)


async def test_a_row_that_waited_in_vain_is_refused_and_not_forgotten(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(importing, "PASSES", 3)
    report = await city.load(
        [*(person(n, 関連前宛名コード=code(n + 1)) for n in range(1, 6)), person(6)]
    )
    assert (report.loaded, report.rejected) == (3, 3)


async def test_a_link_to_nobody_is_refused_and_loads_later(city: City) -> None:
    rows = [person(1, 特定宛先人コード=code(9)), person(2, 関連前宛名コード=code(9))]
    report = await city.load(rows)
    assert [row["column"] for row in rejects(report)] == ["特定宛先人コード", "関連前宛名コード"]
    # A forwarding of mail is a loss; an address without the link that protects it, a danger.
    assert {row["code"] for row in await city.rows("Addressee")} == {code(1)}
    report = await city.load([*rows, person(9)])
    assert (report.loaded, report.rejected) == (3, 0)


async def test_where_mail_goes_comes_in_after_the_links_to_who_acts(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be their place, and they be covered: their own row comes later, or the link's."""
    monkeypatch.setattr(importing, "BATCH", 1)
    load, seen = PeopleLoader.load, Counter[tuple[bool, int]]()

    async def watched(loader: PeopleLoader, *rows: Any, **last: Any) -> Any:
        outcome = await load(loader, *rows, **last)
        goes = await city.rows("ForwardingAddress")
        seen[bool(goes), len(await city.rows("SpecialAddressee"))] += 1
        return outcome

    monkeypatch.setattr(PeopleLoader, "load", watched)
    rows = [
        person(2, 関連前宛名コード=code(3), 特定宛先人コード=code(4), 送付先住所漢字="旭町5"),
        person(1, 関連前宛名コード=code(2)),
        {CODE: code(2), "特定宛先人コード": code(5)},
        person(3),
        person(4, DVフラグ="1"),
        person(5),
    ]
    report = await city.load(rows)
    assert (report.loaded, report.rejected) == (6, 0)
    assert {links for goes, links in seen if goes} == {2}
    assert (await city.load(rows)).already_there == 6


async def test_nobody_is_refused_while_a_row_that_waits_on_brings_others_in(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 1)
    report = await city.load(
        [
            person(1, 関連前宛名コード=code(2)),
            person(2, 関連前宛名コード=code(3)),
            person(3, 関連前宛名コード=code(4), 特定宛先人コード=code(4), 送付先住所漢字="旭町5"),
            person(4),
        ]
    )
    assert (report.loaded, report.rejected) == (4, 0)


@pytest.mark.parametrize("broken", [{"郵便親番": "x"}, {CODE: "1"}, {"特定宛先人コード": code(9)}])
async def test_where_mail_goes_is_refused_with_a_link_to_who_acts(
    city: City, broken: Cells
) -> None:
    link = {CODE: code(1), "特定宛先人コード": code(2)}
    rows = [person(1, 送付先住所漢字="旭町5"), link | broken, person(2, DVフラグ="1")]
    report = await city.load(rows)
    assert sorted(row["line"] for row in rejects(report)) == ["2", "3"]
    assert await city.rows("ForwardingAddress") == []
    report = await city.load([rows[0], link, rows[2]])
    assert report.rejected == 0
    assert len(await city.rows("ForwardingAddress")) == 1


async def test_nobody_is_loaded_by_child_rows_alone(city: City) -> None:
    report = await city.load([{CODE: code(1), "電話番号等": "0154-00-0001", "DVフラグ": "0"}])
    assert rejects(report)[0]["column"] == CODE
    assert await city.rows("Addressee") == []


# Protection.


async def test_flags_and_care_write_the_obligation(city: City) -> None:
    rows = [
        person(1, DVフラグ="1"),
        person(2, ネグレクトフラグ="1"),
        person(3, 取扱注意="住所秘匿"),
        person(4, 取扱注意="出力停止"),
        person(5, 取扱注意="住所秘匿・出力停止"),
        person(6, DVフラグ="0", ネグレクトフラグ="0"),
    ]
    await city.load(rows)
    both, withheld, stopped = (True, True), (True, False), (False, True)
    assert await city.care() == {
        code(1): both, code(2): both, code(3): withheld, code(4): stopped, code(5): both,
    }  # fmt: skip


async def test_an_import_raises_protection_and_never_lowers_it(city: City) -> None:
    await city.load(
        [person(1, DVフラグ="1"), person(2, DVフラグ="0"), person(3, 取扱注意="出力停止")]
    )
    report = await city.load([person(1, DVフラグ="0"), person(2, DVフラグ="1"), person(3)])
    assert report.rejected == 0
    assert (await city.one(code(1)))["dv_flag"] is True
    assert (await city.one(code(2)))["dv_flag"] is True
    both = (True, True)
    assert await city.care() == {code(1): both, code(2): both, code(3): (False, True)}


@pytest.mark.parametrize(
    "cells",
    [
        {"DVフラグ": "1", "郵便親番": "x"},
        {"DVフラグ": "?"},
        {"取扱注意": "?"},
        {"DVフラグ": "1", CODE: "1"},
    ],
)
async def test_a_refused_row_protects_all_the_same(city: City, cells: Cells) -> None:
    await city.load([person(1)])
    report = await city.load([person(1) | cells])
    assert report.rejected == 1
    assert await city.care() == {code(1): (True, True)}


NO = [
    "0",
    "無し",
    "無",
    "なし",
    "ない",
    "非該当",
    "該当なし",
    "×",
    "－",
    "−",
    "―",
    "ー",
    "-",
    "0.0",
    "００",
    "FALSE",
    "False",
    "N",
    "no",
    "対象外",
    "不要",
    "無　し",
    "（無）",
    "なし。",
    "該当しない",
    "未設定",
    "オフ",
    "0:無",
    "０：該当なし",
    "'0",
    '="0"',
    "─",
]
YES = [
    "1:有",
    '="1"',
    "'1",
    "（有）",
    "該　当",
    "1",
    "１",
    "1.0",
    "01",
    "有",
    "有り",
    "該当",
    "○",
    "〇",
    "TRUE",
    "Y",
    "はい",
]


@pytest.mark.parametrize("word", NO)
async def test_a_word_that_means_no_covers_nobody(city: City, word: str) -> None:
    row = person(1, DVフラグ=word, ネグレクトフラグ=word, 取扱注意=word)
    assert (await city.load([row])).rejected == 0
    assert not await city.care()


@pytest.mark.parametrize("word", YES)
async def test_a_word_that_means_yes_covers(city: City, word: str) -> None:
    assert (await city.load([person(1, DVフラグ=word)])).rejected == 0
    assert await city.care() == {code(1): (True, True)}
    assert (await city.one(code(1)))["dv_flag"] is True


@pytest.mark.parametrize("word", ["0:有", "1:無", "有無", "x", "解除", ":", "()"])
async def test_a_word_that_says_two_things_or_none_protects(city: City, word: str) -> None:
    await city.load([person(1)])
    assert (await city.load([person(1, DVフラグ=word)])).rejected == 1
    assert await city.care() == {code(1): (True, True)}


@pytest.mark.parametrize("column", ["DVフラグ", "ネグレクトフラグ", "取扱注意"])
@pytest.mark.parametrize(("rows", "unread"), [(100, 3), (5, 5), (149, 3)])
async def test_a_column_that_nobody_can_read_covers_no_city(
    city: City, column: str, rows: int, unread: int
) -> None:
    """What is safe row by row needs a brake for the file."""
    await city.load([person(1)])
    file = [person(at, **{column: "不明語"} if at <= unread else {}) for at in range(1, rows + 1)]
    with pytest.raises(FileRefused, match=f"column {column}: {unread} cells of {rows} rows"):
        await city.load(file)
    assert not await city.care()
    assert len(await city.rows("Addressee")) == 1


@pytest.mark.parametrize(("rows", "unread"), [(5, 1), (5, 2), (150, 3), (1, 1)])
async def test_a_few_cells_that_cannot_be_read_protect(city: City, rows: int, unread: int) -> None:
    file = [
        person(at, **{"DVフラグ": "不明語"} if at <= unread else {}) for at in range(1, rows + 1)
    ]
    report = await city.load([person(at) for at in range(1, rows + 1)])
    report = await city.load(file)
    assert report.rejected == unread
    assert len(await city.care()) == unread


SPELLED = [f'="{code(1)}"', f"'{code(1)}", f"\u200e{code(1)}", f"\u202d{code(1)}\u202c", "1",
           f"\u2066{code(1)}\u2069", f"\ufeff{code(1)}", f"0000\u200b{code(1)[4:]}",
           full_width(code(1)), f" {code(1)[:8]} {code(1)[8:]}", f"{code(1)[:5]}-{code(1)[5:]}",
           "1.0", f"000{code(1)}", f"「{code(1)}」", "1E+00", f'""{code(1)}""',
           f"{code(1)}、{code(1)}", f"{code(1)} {code(1)}", "1/1", f'=T("{code(1)}")']  # fmt: skip


@pytest.mark.parametrize("written", SPELLED)
async def test_a_flag_protects_whoever_the_code_means(city: City, written: str) -> None:
    """Refused or not: a human reads the cell so."""
    await city.load([person(1), person(2)])
    await city.load([{CODE: written, "DVフラグ": "1"}], header=[CODE, "DVフラグ"])
    assert await city.care() == {code(1): (True, True)}
    assert len(await city.rows("Addressee")) == 2
    await city.load([person(3, 世帯コード="7"), person(1, 世帯コード="0000000007")])
    assert set(await city.care()) == {code(1), code(3)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1.0021E+04", {10021}), ("1.00021E05", {100021}), ("10,021", {10021}),
     ("10021、10022", {10021, 10022}), ("10021;10022", {10021, 10022}),
     ("１００２１・22", {10021, 22}),
     ("10021 10022", {10021, 10022, 1002110022}), ("10021(旧10022)", {10021, 10022}),
     ("宛名10021", {10021}),
     (f"{code(10021)}/{code(22)}", {10021, 22}), (f"{code(22)} {code(23)}", {22, 23})],
)  # fmt: skip
async def test_a_flag_protects_everybody_whom_a_cell_means(
    city: City, written: str, meant: set[int]
) -> None:
    """And nobody whose code its digits make by chance."""
    others = {22, 23, 21, 10021, 10022, 100021, 1000104, 1002110022, 1002104}
    await city.load([person(serial) for serial in others])
    await city.load([{CODE: written, "DVフラグ": "1"}], header=[CODE, "DVフラグ"])
    assert set(await city.care()) == set(map(code, meant))


async def test_a_code_that_lost_its_zeros_makes_no_second_record(city: City) -> None:
    rows = [person(1, DVフラグ="1"), person(2)]
    await city.load(rows)
    before = await city.all()
    short = [person(1, 住所漢字="新町9") | {CODE: "1"}, person(2) | {CODE: "000000000002"},
             person(3) | {CODE: "0003"}, person(2, 特定宛先人コード="1")]  # fmt: skip
    report = await city.load(short)
    assert (report.loaded, report.rejected) == (0, 4)
    assert await city.all() == before
    told = {row["line"]: row["reason"] for row in rejects(report)}
    assert told["2"].endswith(f"write its zeros; {code(1)} exists")
    assert "could be an individual number" in told["3"]
    assert told["4"].endswith("write its zeros")
    assert told["5"].endswith(f"write its zeros; {code(1)} exists")
    for contents, row in ((Contents.COLLECTIONS, levy(1)), (Contents.RECEIPTS, receipt(1))):
        report = await city.load([row | {CODE: "1"}], contents)
        assert report.rejected == 1
        assert rejects(report)[0]["reason"].endswith(f"{code(1)} exists")


async def test_a_notice_number_is_one_however_it_is_written(city: City) -> None:
    await city.load([person(1)])
    await city.load([levy(1, 通知書番号="0000000012")], Contents.COLLECTIONS)
    for written in ("12", "0012", full_width("12"), '="0000000012"'):
        report = await city.load([levy(1, 通知書番号=written)], Contents.COLLECTIONS)
        assert (report.already_there, report.rejected) == (1, 0)
        report = await city.load([receipt(1, 通知書番号=written)], Contents.RECEIPTS)
        assert report.rejected == 0
    assert [row["notice_number"] for row in await city.rows("Collection")] == ["0000000012"]


async def test_every_code_of_a_levy_is_one_however_it_is_written(city: City) -> None:
    await city.load([person(1)])
    codes = {"被保険者番号": "0012", "特別徴収義務者指定番号": "0034", "共有資産番号": "0056"}
    assert (await city.load([levy(1, **codes)], Contents.COLLECTIONS)).loaded == 1
    for write in ('="{}"'.format, "'{}".format, full_width, "\u202d{}\u202c".format):
        again = levy(1, **{name: write(code) for name, code in codes.items()})
        again |= {"税額": full_width("10000"), "期別": "１", "賦課年度": full_width("2026")}
        report = await city.load([again], Contents.COLLECTIONS)
        assert (report.already_there, report.rejected) == (1, 0)


# Who could be somebody else.

MISAKI: Cells = {
    "基本氏名カナ情報": "タナカ　ミサキ", "基本氏名漢字情報": "田中　美咲",
    "生年月日": "1986-09-27", "性別": "女",
}  # fmt: skip


@pytest.mark.parametrize(
    "spelled",
    [{}, {"基本氏名漢字情報": "田中 美咲"}, {"基本氏名カナ情報": "ﾀﾅｶ ﾐｻｷ"}, {"性別": "不明"},
     {"生年月日": "昭和61年9月27日"}, {"生年月日": "昭和61年9月27日頃"},
     {"基本氏名カナ情報": ""}, {"基本氏名漢字情報": "田中･美咲"},
     {"基本氏名カナ情報": "タナカ　ミサ"}, {"基本氏名漢字情報": "田中　美幸"}],
)  # fmt: skip
@pytest.mark.parametrize("order", ["before", "same", "after"])
async def test_a_newcomer_who_could_be_somebody_covered_is_covered(
    city: City, spelled: Cells, order: str
) -> None:
    """Whichever of the two comes first in one file."""
    covered, newcomer = person(1, DVフラグ="1", **MISAKI), person(2, **(MISAKI | spelled))
    if order == "before":
        await city.load([covered])
        report = await city.load([newcomer, person(3)])
    else:
        pair = [covered, newcomer] if order == "same" else [newcomer, covered]
        report = await city.load([*pair, person(3)])
    assert (await city.care()) == {code(1): (True, True), code(2): (True, True)}
    [cause] = await city.rows("ProtectiveMeasure")
    assert (cause["addressee_code"], cause["kind"]) == (code(2), "NAMESAKE")
    assert code(1) in cause["note"]
    assert report.namesakes != ()
    await city.load([covered, newcomer])
    assert len(await city.rows("ProtectiveMeasure")) == 1


@pytest.mark.parametrize(
    "other",
    [{"基本氏名漢字情報": "田中　美幸", "基本氏名カナ情報": "タナカ　ミユキ"}, {"性別": "男"},
     {"生年月日": "1986-09-28"}, {"生年月日": "昭和61年9月28日頃"}, {"生年月日": ""},
     {"関連前宛名コード": code(1)}],
)  # fmt: skip
async def test_somebody_else_is_not(city: City, other: Cells) -> None:
    await city.load([person(1, 取扱注意="出力停止", **MISAKI)])
    before = await city.rows("ProtectiveMeasure")
    await city.load([person(2, **(MISAKI | other))])
    assert await city.rows("ProtectiveMeasure") == before
    assert (code(2) in await city.care()) is ("関連前宛名コード" in other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("渡邊　髙廣", "渡辺 高広"),
        ("渡邉　高廣", "渡邊󠄀　髙広"),
        ("Ｏ’Ｎｅｉｌｌ　Ａｎｎ", "O'neill ann"),
    ],
)
async def test_a_name_without_kana_is_one_in_every_form_of_its_kanji(
    city: City, one: str, other: str
) -> None:
    named = MISAKI | {"基本氏名カナ情報": ""}
    await city.load([person(1, DVフラグ="1", **(named | {"基本氏名漢字情報": one}))])
    await city.load([person(2, **(named | {"基本氏名漢字情報": other}))])
    assert set(await city.care()) == {code(1), code(2)}


@pytest.mark.parametrize("flag", ["", "1"])
async def test_the_report_tells_of_a_namesake_and_not_of_protection(city: City, flag: str) -> None:
    await city.load([person(1, DVフラグ=flag, **MISAKI)])
    report = await city.load([person(3), person(2, **MISAKI)])
    assert report.namesakes == (3,)
    assert (await city.load([person(2, **MISAKI)])).namesakes == ()


async def test_whoever_was_covered_for_a_row_that_is_refused_has_a_cause_of_their_own(
    city: City,
) -> None:
    """Else the end of another measure would uncover them: the file's cause is stored nowhere."""
    report = await city.load(
        [
            person(1, 世帯コード="0000000001"),
            person(2, 世帯コード="0000000001", 取扱注意="住所秘匿", 郵便親番="x"),
            person(3, 世帯コード="0000000002"),
            person(4, 世帯コード="0000000002", DVフラグ="1"),
        ]
    )
    assert report.rejected == 1
    assert (await city.care())[code(1)] == (True, False)
    measures = await city.rows("ProtectiveMeasure")
    assert [(row["addressee_code"], row["stop_output"]) for row in measures] == [(code(1), False)]


async def exclude_second(city: City) -> None:
    """Two coordinators have decided that what covers the first does not extend to the second."""
    decided = {
        "addressee_code": code(1), "member_code": code(2), "household_code": "0000000001",
        "status": "IN_FORCE", "proposed_by": "kobayashi", "confirmed_by": "mori",
    }  # fmt: skip
    async with city.database.write() as connection:
        await connection.execute(sa.insert(table("HouseholdExclusion")).values(decided))
        care = table("Handling")
        await connection.execute(sa.delete(care).where(care.c.addressee_code == code(2)))


@pytest.mark.parametrize("asks", [{"DVフラグ": "1"}, {"取扱注意": "住所秘匿"}])
async def test_a_cause_that_a_file_brings_asks_anew_whom_it_extends_to(
    city: City, asks: Cells
) -> None:
    home = {"世帯コード": "0000000001"}
    await city.load([person(1, **home) | {"取扱注意": "出力停止"}, person(2, **home)])
    await exclude_second(city)
    await city.load([person(1, **home) | asks])
    assert (await city.care())[code(2)][0]
    [exclusion] = await city.rows("HouseholdExclusion")
    assert exclusion["status"] == "ENDED"


async def test_a_new_addressee_in_a_protected_home_is_covered(city: City) -> None:
    await city.load([person(1, DVフラグ="1", 世帯コード="0000000001")])
    await city.load([person(2, 世帯コード="0000000001"), person(3, 関連前宛名コード=code(1)),
                     person(4, 世帯コード="0000000001", 世帯減異動日="2020-01-01"),
                     person(5, 世帯コード="0000000001", 世帯減異動日="2199-12-31")])  # fmt: skip
    assert set(await city.care()) == {code(1), code(2), code(3), code(5)}


@pytest.mark.parametrize("later", [
    [person(2, 関連前宛名コード=code(1), 住所漢字="釧路市武佐４丁目９２２番３号")],
    [person(2, 世帯コード="0000000001", 住所漢字="武佐四丁目九百二十二番地三")],
    [person(2, 世帯コード="0000000001", 転出前住所="武佐4-922-3", 住所漢字="釧路市旭町1")],
    [{CODE: code(1), "送付先住所漢字": "北海道釧路市武佐4丁目922番3号", "送付先設定事由": "1"}],
])  # fmt: skip
async def test_a_file_takes_away_a_substitute_address_that_it_makes_a_place_of_theirs(
    city: City, later: list[Cells]
) -> None:
    """Nobody sees it from the transaction on that brings the place in."""
    await city.load([person(1, DVフラグ="1", 世帯コード="0000000001"), person(9)])
    given = {"address": "武佐4-922-3", "recipient": None, "postal_code": None}
    async with city.database.write() as connection:
        for who in (code(1), code(9)):
            await connection.execute(
                sa.insert(table("SubstituteAddress")).values(addressee_code=who, **given)
            )
        waiting = {"addressee_code": code(1), "status": "IN_FORCE", **given}
        await connection.execute(sa.insert(table("SubstituteAddressProposal")).values(waiting))
    await city.load(later)
    assert [row["addressee_code"] for row in await city.rows("SubstituteAddress")] == [code(9)]
    [proposal] = await city.rows("SubstituteAddressProposal")
    assert (proposal["status"], proposal["ended_by"]) == ("SUSPENDED", None)


async def test_whoever_leaves_a_household_on_a_day_to_come_still_lives_there(city: City) -> None:
    """A move is notified before its day: until then their address is the covered person's."""
    home = {"世帯コード": "0000000001"}
    await city.load([
        person(1, **home), person(2, 世帯減異動日="2199-12-31", **home),
        person(3, 世帯減異動日="2020-01-01", **home),
    ])  # fmt: skip
    await city.load([person(1, DVフラグ="1")])
    assert set(await city.care()) == {code(1), code(2)}


@pytest.mark.parametrize("later", [
    [person(2, DVフラグ="1", 世帯コード="0000000001")],
    [person(2, DVフラグ="1", 世帯コード="0000000001", 世帯減異動日="99999999")],
    [person(2, DVフラグ="1", 世帯コード="0000000001", 世帯減異動日="?")],
    [person(2, DVフラグ="1", 世帯コード="0000000001", 世帯減異動日="2999-12-31")],
    [person(2, DVフラグ="1", 世帯コード="0000000001", 世帯減異動日="2199-12-31")],
    [person(2, 取扱注意="住所秘匿", 関連前宛名コード=code(1))],
    [person(2, DVフラグ="1", 世帯コード="2"), {CODE: code(1), "世帯コード": "2"}],
    [person(3, DVフラグ="1", 世帯コード="2"), person(2, 世帯コード="2", 関連前宛名コード=code(1))],
    [person(3, DVフラグ="1", 関連前宛名コード=code(2)), person(2, 世帯コード="0000000001")],
])  # fmt: skip
async def test_nobody_is_readable_before_the_cause_that_comes_later_in_the_file(
    city: City, later: list[Cells]
) -> None:
    """The member who comes first is covered in the transaction that brings the address in."""
    path = city.folder / "x.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ADDRESSEE_HEADER)
        writer.writeheader()
        writer.writerows([person(1, 世帯コード="0000000001"), *later])
    file = CityFile.open(path, CELLS, [CODE])
    ahead = Ahead.look(file, Causes(), Causes())
    loader = PeopleLoader(city.database, city.vault, WholeRows(CELLS, set()), ahead)
    first = next(file.lines())
    await loader.load([convert(first, CELLS, CODE)], last=False)
    assert [row["code"] for row in await city.rows("Addressee")] == [code(1)]
    assert set(await city.care()) == {code(1)}


@pytest.mark.parametrize(
    "rows",
    [
        [f'{code(1)},"山田"太郎,旭町,1,0000000001'],
        [f'{code(9)},"閉じない,旭町,,', f"{code(1)},山田　太郎,旭町,1,0000000001"],
        [
            f'{code(9)},"山田,旭町,,',
            f"{code(1)},山田　太郎,旭町,1,0000000001",
            f'{code(8)},山田",旭町,,',
        ],
        [f'{code(9)},"山田', f"{code(1)},山田　太郎,旭町,1,0000000001", '",旭町,,'],
    ],
)
@pytest.mark.parametrize("known", [True, False])
async def test_what_asks_in_rows_that_fall_apart_protects(
    city: City, rows: list[str], known: bool
) -> None:
    """Whoever is asked for, if they are there, and whose household comes in with the file."""
    if known:
        await city.load([person(1)])
    path = city.folder / "x.csv"
    header = ",".join((CODE, "基本氏名漢字情報", "住所漢字", "DVフラグ", "世帯コード"))
    child = f"{code(2)},山田　健太,旭町,,0000000001"
    path.write_text("\n".join([header, child, *rows]), encoding="utf-8")
    for _ in range(2):
        report = await import_file(Contents.ADDRESSEES, path, city.database, city.vault)
        assert report.rejected >= 1
        assert await city.care() == {code(n): (True, True) for n in ((1, 2) if known else (2,))}
        assert len(await city.rows("ProtectiveMeasure")) == 1 + known


async def test_whoever_is_there_already_is_covered_before_who_is_tied_to_them(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that asks for somebody names their household no more: it is known."""
    await city.load([person(1, 世帯コード="0000000001")])

    async def loaded(loader: PeopleLoader, rows: list[Any], *, last: bool) -> Any:
        outcome = await load(loader, rows, last=last)
        seen.append(set(await city.care()))
        return outcome

    load, seen = PeopleLoader.load, list[set[str]]()
    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(PeopleLoader, "load", loaded)
    await city.load([person(2, 世帯コード="0000000001"), person(1, DVフラグ="1")])
    assert seen[0] == {code(1), code(2)}


def open_after_each_batch(city: City, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """A list that will hold, for each batch of one row, who is there and not covered."""

    async def loaded(loader: PeopleLoader, rows: list[Any], *, last: bool) -> Any:
        outcome = await load(loader, rows, last=last)
        known = {row["code"] for row in await city.rows("Addressee")}
        found.append(known - set(await city.care()))
        return outcome

    load, found = PeopleLoader.load, list[set[str]]()
    monkeypatch.setattr(importing, "BATCH", 1)
    monkeypatch.setattr(PeopleLoader, "load", loaded)
    return found


NUMBERED = {"個人番号": nobodys_number(7)}


@pytest.mark.parametrize("before", [{"取扱注意": "住所秘匿"}, {}])
async def test_one_number_under_two_codes_covers_both(
    city: City, monkeypatch: pytest.MonkeyPatch, before: Cells
) -> None:
    """It is one person, who came back under another code, say, and whom nobody linked yet."""
    await city.load([person(1, **NUMBERED, **before)])
    asks = {} if before else {"取扱注意": "住所秘匿"}
    open_ = open_after_each_batch(city, monkeypatch)
    for _ in range(2):
        report = await city.load([person(2, **NUMBERED, **asks)])
        assert report.rejected == 1
        assert await city.care() == {code(1): (True, False), code(2): (True, False)}
        assert len(await city.rows("ProtectiveMeasure")) == 2
    assert not any(open_)


@pytest.mark.parametrize("parted", ["", "-", "ー", "・", ".", "/", "　", "の", "\u200b"])
async def test_one_number_in_two_rows_covers_the_first_before_it_is_readable(
    city: City, monkeypatch: pytest.MonkeyPatch, parted: str
) -> None:
    open_ = open_after_each_batch(city, monkeypatch)
    digits = full_width(NUMBERED["個人番号"]) if parted == "・" else NUMBERED["個人番号"]
    written = parted.join(digits[at : at + 4] for at in (0, 4, 8))
    await city.load([person(1, **NUMBERED), person(2, 取扱注意="住所秘匿", 個人番号=written)])
    assert set(await city.care()) == {code(1), code(2)}
    assert not any(open_)


@pytest.mark.parametrize(("first", "later"), [
    (person(2), {CODE: code(2), "関連前宛名コード": code(1)}),
    (person(2), {CODE: code(2), "世帯コード": "0000000001"}),
    (person(2), {CODE: code(2), "世帯コード": "0000000001", "電話番号等": "x"}),
    (person(2, 世帯コード="2"), person(3, 世帯コード="2", 関連前宛名コード=code(1))),
])  # fmt: skip
async def test_nobody_is_readable_before_the_row_that_ties_them_to_a_covered_person(
    city: City, monkeypatch: pytest.MonkeyPatch, first: Cells, later: Cells
) -> None:
    """Whoever is covered already has moved, say: their new record, or a child's, comes first."""
    await city.load([person(1, 取扱注意="住所秘匿", 世帯コード="0000000001")])
    open_ = open_after_each_batch(city, monkeypatch)
    header = [CODE, "住所漢字", "世帯コード", "電話番号等", "関連前宛名コード"]
    rows = [
        {name: row[name] for name in header if name in row} for row in (first, person(9), later)
    ]
    await city.load(rows, header=header)
    assert all(each <= {code(9)} for each in open_)
    assert (await city.care())[code(2)] == (True, False)


async def test_whoever_is_excluded_stays_so_when_the_file_comes_again(city: City) -> None:
    home = {"世帯コード": "0000000001"}
    await city.load([person(1, **home) | {"DVフラグ": "1"}, person(2, **home)])
    await exclude_second(city)
    await city.load([person(1, **home), person(2, **home), person(3, **home)])
    assert set(await city.care()) == {code(1), code(3)}


# Accounts, collections, receipts.


async def test_accounts_alone(city: City) -> None:
    await city.load([person(1)])
    rows = [
        {CODE: code(1), "金融機関コード": "0116920", "口座番号": "0000001", "口座種別": "普通"},
        {CODE: code(1), "還付金融機関コード": "9900", "還付用口座番号": "12345671"},
        {CODE: code(2), "金融機関コード": "0116", "口座番号": "0000001"},
    ]
    header = (
        CODE,
        "金融機関コード",
        "口座番号",
        "口座種別",
        "還付金融機関コード",
        "還付用口座番号",
    )
    report = await city.load(rows, Contents.ACCOUNTS, header)
    assert (report.loaded, report.rejected) == (2, 1)
    debit = next(row for row in await city.rows("Account") if row["usage"] == "DIRECT_DEBIT")
    assert (debit["bank_code"], debit["branch_code"]) == ("0116", "920")
    changed = await city.load([rows[0] | {"口座種別": "当座"}], Contents.ACCOUNTS, header)
    assert rejects(changed)[0]["column"] == "口座番号"
    with pytest.raises(FileRefused):
        await city.load([], Contents.ACCOUNTS, ADDRESSEE_HEADER)


async def test_two_imports_of_one_file_at_once_load_it_once(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loser once died with the driver's own text, an account number in it."""
    monkeypatch.setattr(importing, "BATCH", 20)
    count = 300
    await city.load(person(at) for at in range(1, count + 1))
    path = city.folder / "twice.csv"
    header = (CODE, "金融機関コード", "支店コード", "口座番号", "口座科目コード", "口座開始年月日")
    rows = (f"{code(at)},0501,123,{at:07d},01,2024-04-01" for at in range(1, count + 1))
    path.write_text("\n".join((",".join(header), *rows)) + "\n", encoding="utf-8")
    other = Database(city.database.url.render_as_string(hide_password=False))
    try:
        reports = await asyncio.gather(
            *(import_file(Contents.ACCOUNTS, path, store) for store in (city.database, other))
        )
    finally:
        await other.close()
    told = sorted((one.loaded, one.already_there, one.rejected) for one in reports)
    assert told == [(0, count, 0), (count, 0, 0)]
    assert len(await city.rows("Account")) == count


async def test_collections_know_what_is_outstanding(city: City) -> None:
    await city.load([person(1)])
    rows = [
        levy(1, 督促手数料="100", 収入済本税="4000", 滞納状態="督促"),
        levy(1, 期別="2", 収入済本税="15000", 状態="OVERPAID"),
        levy(1, 期別="3", 状態="不納欠損", 滞納状態="消滅"),
    ]
    report = await city.load(rows, Contents.COLLECTIONS)
    assert (report.loaded, report.rejected) == (3, 0)
    found = {row["term"]: row for row in await city.rows("Collection")}
    assert [(found[n]["outstanding"], found[n]["overpaid"]) for n in (1, 2, 3)] == [
        (6_100, 0), (0, 5_000), (0, 0),
    ]  # fmt: skip
    assert [found[n]["arrears_state"] for n in (1, 2, 3)] == ["DEMANDED", "NONE", "EXTINGUISHED"]


BAD_LEVIES: list[tuple[Cells, str]] = [
    ({CODE: code(9)}, CODE),
    ({"児童宛名コード": code(9)}, "児童宛名コード"),
    ({"科目コード": "99"}, "科目コード"),
    ({"税額": "1,000"}, "税額"),
    ({"税額": ""}, "税額"),
    ({"状態": "済"}, "状態"),
    ({"賦課年度": "R8"}, "賦課年度"),
    ({"納期限": "2026-06-31"}, "納期限"),
    ({"期別": "0"}, "期別"),
]


async def test_bad_levy_items_are_named(city: City) -> None:
    await city.load([person(1)])
    rows = [levy(1, 通知書番号="0000"), *(levy(1, **cells) for cells, _ in BAD_LEVIES)]
    report = await city.load(rows, Contents.COLLECTIONS)
    assert (report.loaded, report.rejected) == (1, len(BAD_LEVIES))
    assert [(row["line"], row["column"]) for row in rejects(report)] == [
        (str(line), column) for line, (_, column) in enumerate(BAD_LEVIES, 3)
    ]


TODAY = dt.datetime.now(TOKYO).date()
TOMORROW = (TODAY + dt.timedelta(days=1)).isoformat()
IN_TWO_YEARS = (TODAY + dt.timedelta(days=800)).isoformat()

BAD_DAYS: list[tuple[Contents, Cells, str]] = [
    *(
        (Contents.ADDRESSEES, {column: TOMORROW}, column)
        for column in ("生年月日", "宛名基本届出日", "住記住民日", "住記住定日")
    ),
    *(
        (Contents.ADDRESSEES, {column: IN_TWO_YEARS}, column)
        for column in ("宛名基本異動日", "住記消除日", "在留期間開始日")
    ),
    *(
        (Contents.ADDRESSEES, {"生年月日": text}, "生年月日")
        for text in ("R60.1.1", "R60.1.1頃", "2078年頃", "令和60年1月不詳")
    ),
    (Contents.ADDRESSEES, {"在留期間開始日": "2024-05-02", "在留期間終了日": "2024-05-01"},
     "在留期間終了日"),
    (Contents.ADDRESSEES,
     {"世帯コード": "1", "世帯増異動日": "2024-05-02", "世帯減異動日": "2024-05-01"},
     "世帯減異動日"),
    (Contents.ADDRESSEES, {"電話番号等": "0154-23-0001", "連絡先設定日": IN_TWO_YEARS},
     "連絡先設定日"),
    (Contents.ADDRESSEES,
     {"金融機関コード": "0116", "口座番号": "0000001", "口座申込年月日": TOMORROW},
     "口座申込年月日"),
    (Contents.COLLECTIONS, {"納期限": "2126-06-30"}, "納期限"),
    (Contents.COLLECTIONS, {"納期限": "2029-04-01"}, "納期限"),
    (Contents.COLLECTIONS, {"納期限": "2025-12-31"}, "納期限"),
    (Contents.COLLECTIONS, {"法定納期限": "2029-04-01"}, "法定納期限"),
    (Contents.COLLECTIONS, {"完納日": TOMORROW}, "完納日"),
    (Contents.COLLECTIONS, {"督促日": IN_TWO_YEARS}, "督促日"),
    (Contents.RECEIPTS, {"領収年月日": "R10.5.31", "収入年月日": "R10.6.3"}, "領収年月日"),
    (Contents.RECEIPTS, {"領収年月日": TOMORROW}, "領収年月日"),
    (Contents.RECEIPTS, {"領収年月日": "R1.7.1", "収入年月日": "R1.7.4"}, "領収年月日"),
    (Contents.RECEIPTS, {"収入年月日": TOMORROW}, "収入年月日"),
    (Contents.RECEIPTS, {"領収年月日": "2026-02-02", "収入年月日": "2026-01-05"}, "収入年月日"),
]  # fmt: skip


@pytest.mark.parametrize("contents", [Contents.ADDRESSEES, Contents.COLLECTIONS, Contents.RECEIPTS])
async def test_days_that_cannot_be_are_refused(city: City, contents: Contents) -> None:
    """What went wrong elsewhere: 令和10 for 令和1, and thousands of reminders for too much."""
    await city.load([person(1)])
    await city.load([levy(1)], Contents.COLLECTIONS)
    bad = [(cells, column) for of, cells, column in BAD_DAYS if of == contents]
    row = {Contents.COLLECTIONS: levy, Contents.RECEIPTS: receipt}.get(contents, person)
    # Nobody's and no levy's that are there: they would differ from it.
    rows = [
        row(at if row is person else 1, **({"通知書番号": "9"} if row is levy else {}) | cells)
        for at, (cells, _) in enumerate(bad, 10)
    ]
    report = await city.load(rows, contents)
    assert (report.loaded, report.rejected) == (0, len(bad))
    named = {(row["line"], row["column"]) for row in rejects(report)}
    assert {(str(line), column) for line, (_, column) in enumerate(bad, 2)} <= named
    assert all(row["reason"] and row["reason_ja"] for row in rejects(report))


async def test_days_that_can_be_are_taken(city: City) -> None:
    soon = (TODAY + dt.timedelta(days=100)).isoformat()
    report = await city.load(
        [
            person(1, 生年月日=TODAY.isoformat(), 宛名基本異動日=soon, 住記消除日=soon),
            person(2, 生年月日="昭和20年3月10日頃", 在留期間終了日="99999999"),
            person(3, 電話番号等="0154-23-0001", 連絡先設定日="2024-05-01 00:00:00"),
            person(4, 電話番号等="0154-23-0002", 連絡先設定日="2024/5/1 0:00"),
            person(5, 電話番号等="0154-23-0003", 連絡先設定日="9999/12/31 0:00:00"),
            person(6, 電話番号等="0154-23-0004", 連絡先設定日="昭和20年3月10日頃"),
        ]
    )
    assert (report.loaded, report.rejected) == (6, 0)
    contacts = {row["addressee_code"]: row for row in await city.rows("Contact")}
    told = [(contacts[code(at)]["set_on"], contacts[code(at)]["set_on_text"]) for at in range(3, 7)]
    day = dt.date(2024, 5, 1)
    assert told == [(day, None), (day, None), (None, None), (None, "昭和20年3月10日頃")]
    levies = [
        levy(1, 納期限="2029-03-31", 法定納期限="2020-06-30"),
        levy(1, 期別="2", 時効予定日="2031-07-01", 納期限="2026-01-05"),
    ]
    assert (await city.load(levies, Contents.COLLECTIONS)).loaded == 2
    paid = receipt(1, 領収年月日=TODAY.isoformat(), 収入年月日=TODAY.isoformat())
    assert (await city.load([paid], Contents.RECEIPTS)).loaded == 1


async def test_a_levy_item_is_there_once(city: City) -> None:
    await city.load([person(1)])
    report = await city.load([levy(1), levy(1), levy(1, 税額="20000")], Contents.COLLECTIONS)
    assert (report.loaded, report.already_there, report.rejected) == (1, 1, 1)


async def test_receipts_need_their_levy_item(city: City) -> None:
    await city.load([person(1)])
    await city.load([levy(1)], Contents.COLLECTIONS)
    rows = [
        receipt(1),
        receipt(1),
        receipt(1, 期別="2"),
        receipt(1, 金額="5000"),
        receipt(1, 納付チャネル="現金"),
        receipt(1, 領収年月日="2026-07-02"),
    ]
    report = await city.load(rows, Contents.RECEIPTS)
    assert (report.loaded, report.already_there, report.rejected) == (2, 1, 3)
    assert [row["column"] for row in rejects(report)] == ["通知書番号", "金額", "納付チャネル"]
    assert "調定情報がありません" in rejects(report)[0]["reason_ja"]
    again = await city.load(rows, Contents.RECEIPTS)
    assert (again.loaded, again.already_there) == (0, 3)


async def test_progress_ends_at_the_size_of_the_file(city: City) -> None:
    files = Town(people=100).write(city.folder)
    done: list[int] = []
    await import_file(
        Contents.ADDRESSEES, files.addressees, city.database, city.vault, progress=done.append
    )
    assert sum(done) == files.addressees.stat().st_size
