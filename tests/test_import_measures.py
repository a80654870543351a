"""A file of measures: it raises protection, never lowers it, and loses nothing for one bad row."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.database import Database
from resolvers.imports.city_file import FileRefused
from resolvers.imports.measures import import_measures
from resolvers.imports.report import Report
from resolvers.imports.run import rejects_of
from tests.test_measures import handling, place
from tests.world import HANAKO, KATO, NISHI, SUZUKI, TANAKA, YAMADA, World, full_width

HEADER = (
    "宛名コード", "種類", "状態", "住所秘匿の要否", "出力停止の要否", "決定市町村コード",
    "相手方氏名", "相手方宛名コード", "申出日", "決定日", "開始日", "期限", "備考",
    "併対象者宛名コード",
)  # fmt: skip
YAMADAS = {
    "宛名コード": YAMADA, "種類": "配偶者からの暴力", "状態": "実施中",
    "決定市町村コード": "011002", "相手方氏名": "加藤 翔", "相手方宛名コード": KATO,
    "申出日": "令和8年11月1日", "決定日": "2026-11-10", "期限": "2027-11-09",
    "備考": "札幌市からの通知",
}  # fmt: skip
MEASURES = """SELECT kind, status, ends_on, note FROM protective_measure
    WHERE addressee_code IN ('{}') AND recorded_by IS NULL ORDER BY id"""


@pytest.fixture
async def town(world: World) -> AsyncIterator[World]:
    """The town of the module; what a file entered is taken back."""
    [newest] = await world.rows("SELECT max(id) AS id FROM protective_measure")
    before = await world.rows("SELECT * FROM handling")
    yield world
    for statement in (
        f"DELETE FROM covered_person WHERE measure_id > {newest['id']}",
        f"DELETE FROM protective_measure WHERE id > {newest['id']}",
        "DELETE FROM handling",
        *(
            f"INSERT INTO handling (addressee_code, address_withheld, stop_output) VALUES"
            f" ('{row['addressee_code']}', {bool(row['address_withheld'])},"
            f" {bool(row['stop_output'])})"
            for row in before
        ),
    ):
        await world.change(statement)


async def load(
    world: World, folder: Path, *rows: dict[str, str], encoding: str = "utf-8"
) -> tuple[Report, list[dict[str, str]]]:
    """Import a file with these rows: the report, and what the reject file says."""
    path = folder / "measures.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, HEADER, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return await load_file(world, path)


async def load_file(world: World, path: Path) -> tuple[Report, list[dict[str, str]]]:
    database = Database(world.database_url)
    try:
        report = await import_measures(path, database, rejects_of(path))
    finally:
        await database.close()
    if report.rejects is None:
        return report, []
    with report.rejects.open(encoding="utf-8-sig", newline="") as file:
        return report, list(csv.DictReader(file))


async def stored(world: World, code: str = YAMADA) -> list[tuple[object, ...]]:
    rows = await world.rows(MEASURES.format(code))
    return [(row["kind"], row["status"], str(row["ends_on"])) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
async def test_a_measure_of_another_city_protects_with_the_household(
    town: World, tmp_path: Path, encoding: str
) -> None:
    assert await place(town, YAMADA) is not None
    report, _ = await load(
        town, tmp_path, YAMADAS | {"併対象者宛名コード": SUZUKI}, encoding=encoding
    )
    assert (report.loaded, report.already_there, report.rejected) == (1, 0, 0)
    for code in (YAMADA, HANAKO, SUZUKI):
        assert await place(town, code) is None
        assert (await handling(town))[code] == (True, True)
    assert await place(town, KATO) is not None
    assert await stored(town) == [("SPOUSAL_VIOLENCE", "IN_FORCE", "2027-11-09")]
    written = [row for row in await town.log(20) if row["actor"] == "import"][-1]
    assert (written["kind"], written["outcome"]) == ("WRITE", "OK")
    assert set(json.loads(written["persons"])) == {YAMADA, HANAKO, SUZUKI}
    assert "札幌" not in json.dumps(written, default=str, ensure_ascii=False)


async def test_a_rerun_changes_nothing(town: World, tmp_path: Path) -> None:
    rows = (YAMADAS, {"宛名コード": SUZUKI, "種類": "返戻", "住所秘匿の要否": "0"})
    await load(town, tmp_path, *rows)
    before = (await stored(town), await stored(town, SUZUKI), len(await town.log(1000)))
    report, _ = await load(town, tmp_path, *rows)
    assert (report.loaded, report.already_there, report.rejected) == (0, 2, 0)
    assert (await stored(town), await stored(town, SUZUKI), len(await town.log(1000))) == before
    assert (await handling(town))[SUZUKI] == (False, True)


async def test_more_is_said_of_it_and_never_less(town: World, tmp_path: Path) -> None:
    await load(town, tmp_path, YAMADAS | {"備考": ""})
    longer = YAMADAS | {"期限": "2028-11-09", "併対象者宛名コード": f"{SUZUKI} {HANAKO}"}
    report, _ = await load(town, tmp_path, longer, YAMADAS | {"期限": "2026-01-01"})
    assert (report.loaded, report.already_there) == (1, 1)
    assert await stored(town) == [("SPOUSAL_VIOLENCE", "IN_FORCE", "2028-11-09")]
    assert (await handling(town))[SUZUKI] == (True, True)
    [row] = await town.rows(MEASURES.format(YAMADA))
    assert row["note"] == YAMADAS["備考"]
    report, rejected = await load(town, tmp_path, YAMADAS | {"相手方氏名": "別人"})
    assert report.rejected == 1
    assert [(each["line"], each["column"]) for each in rejected] == [("2", "相手方氏名")]
    assert "別人" not in json.dumps(rejected, ensure_ascii=False)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("種類", "家庭の事情"),
        ("種類", "DV_FLAG"),
        ("期限", "来年"),
        ("決定市町村コード", "011003"),
        ("状態", "?"),
        ("住所秘匿の要否", "多分"),
        ("相手方宛名コード", YAMADA),
        ("相手方宛名コード", "000000000099999"),
        ("併対象者宛名コード", f"{SUZUKI} 000000000099999"),
        ("併対象者宛名コード", f"x {SUZUKI}"),
        ("併対象者宛名コード", f"{HANAKO}、{SUZUKI}"),
        ("宛名コード", f"{YAMADA[:5]}-{YAMADA[5:]}"),
        ("相手方氏名", "123456789012"),
    ],
)
async def test_what_cannot_be_read_protects_and_is_reported(
    town: World, tmp_path: Path, column: str, text: str
) -> None:
    broken = YAMADAS | {column: text}
    report, rejected = await load(
        town, tmp_path, {"宛名コード": KATO, "種類": "成年後見"}, broken, {"宛名コード": "9"}
    )
    assert (report.loaded, report.rejected) == (1, 2)
    assert [(each["line"], each["column"]) for each in rejected] == [
        ("3", column),
        ("4", "宛名コード"),
    ]
    assert text not in json.dumps(rejected, ensure_ascii=False)
    covered = await handling(town)
    assert covered[YAMADA] == covered[HANAKO] == covered[KATO] == (True, True)
    assert ("UNSPECIFIED", "IN_FORCE", "None") in await stored(town)
    assert (SUZUKI in covered) is (SUZUKI in text)


@pytest.mark.parametrize(
    ("written", "loaded"),
    [("1", 0), ("1.0", 0), (f"'{YAMADA}", 1), (f'="{YAMADA}"', 1), (f"\u2066{YAMADA}\u2069", 1),
     (full_width(YAMADA), 1), (f"00000\u200b{YAMADA[5:]}", 1)],
)  # fmt: skip
async def test_a_measure_protects_whoever_its_code_means(
    town: World, tmp_path: Path, written: str, loaded: int
) -> None:
    row = YAMADAS | {"宛名コード": written}
    report, rejected = await load(town, tmp_path, row)
    assert (report.loaded, report.rejected) == (loaded, 1 - loaded)
    assert (await handling(town))[YAMADA] == (True, True)
    assert not rejected or written == "1.0" or f"{YAMADA} exists" in rejected[0]["reason"]


async def test_an_end_in_a_file_ends_nothing(town: World, tmp_path: Path) -> None:
    await load(town, tmp_path, YAMADAS)
    over = YAMADAS | {"状態": "終了", "期限": "2020-01-01"}
    report, rejected = await load(town, tmp_path, over, over | {"宛名コード": KATO})
    assert report.rejected == 2
    assert {each["column"] for each in rejected} >= {"状態"}
    assert await stored(town) == [("SPOUSAL_VIOLENCE", "IN_FORCE", "2027-11-09")]
    assert await place(town, YAMADA) is None


async def test_an_ended_measure_that_a_file_still_tells_of_protects(
    town: World, tmp_path: Path
) -> None:
    """The other city disagrees: that protects."""
    await load(town, tmp_path, YAMADAS)
    await town.change(
        "UPDATE protective_measure SET status = 'ENDED', end_proposed_by = 'kobayashi',"
        f" end_confirmed_by = 'mori' WHERE addressee_code = '{YAMADA}'"
    )
    await town.change(f"DELETE FROM handling WHERE addressee_code IN ('{YAMADA}', '{HANAKO}')")
    report, _ = await load(town, tmp_path, YAMADAS)
    assert report.loaded == 1
    assert await place(town, YAMADA) is None


async def test_it_lowers_nobody(town: World, tmp_path: Path) -> None:
    before = await handling(town)
    less = {"種類": "返戻", "住所秘匿の要否": "0", "出力停止の要否": "1"}
    await load(town, tmp_path, *(less | {"宛名コード": code} for code in (TANAKA, NISHI)))
    after = await handling(town)
    for code, (withheld, stop) in before.items():
        assert after[code][0] >= withheld
        assert after[code][1] >= stop


@pytest.mark.parametrize(
    "row",
    [
        f"{YAMADA},返戻",
        f"{YAMADA},返戻,市外,転出",
        f'{YAMADA},返戻,"転居先に"届かず""',
        f'"{YAMADA}",返戻,"閉じない\n{SUZUKI},返戻,',
        f"返戻,{YAMADA}",
        f"{YAMADA}\x00、返戻;x",
        f'{YAMADA},返戻,"至急\n{SUZUKI},返戻,12"',
    ],
)
async def test_of_a_row_that_falls_apart_whoever_it_names_is_protected(
    town: World, tmp_path: Path, row: str
) -> None:
    path = tmp_path / "measures.csv"
    path.write_text(f"宛名コード,種類,備考\n{row}\n", encoding="cp932")
    report, rejected = await load_file(town, path)
    assert (report.loaded, report.rejected, rejected[0]["line"]) == (0, 1, "2")
    assert YAMADA not in json.dumps(rejected, ensure_ascii=False)
    assert await stored(town) == [("UNSPECIFIED", "IN_FORCE", "None")]
    covered = await handling(town)
    assert covered[YAMADA] == covered[HANAKO] == (True, True)
    assert (SUZUKI in covered) is (SUZUKI in row)
    log = await town.log(1)
    await load_file(town, path)
    assert await town.log(1) == log


async def test_a_broken_row_costs_itself(town: World, tmp_path: Path) -> None:
    path = tmp_path / "measures.csv"
    path.write_text(f"宛名コード,種類\n{KATO}\n\n{YAMADA},返戻\n,返戻\n", encoding="utf-8")
    report, rejected = await load_file(town, path)
    assert (report.loaded, report.rejected) == (1, 2)
    assert [each["line"] for each in rejected] == ["2", "5"]
    assert YAMADA in await handling(town)


@pytest.mark.parametrize("header", ["宛名コード", "宛名コード,種類,氏名漢字", "code,kind"])
async def test_another_file_is_refused_whole(town: World, tmp_path: Path, header: str) -> None:
    path = tmp_path / "measures.csv"
    path.write_text(f"{header}\n{YAMADA},返戻,x\n", encoding="utf-8")
    with pytest.raises(FileRefused):
        await load_file(town, path)
    assert YAMADA not in await handling(town)


async def test_a_measure_takes_away_a_substitute_address_at_the_counterpartys(
    town: World, tmp_path: Path
) -> None:
    await town.change(
        f"UPDATE addressee SET address = '釧路市昭和1丁目2番3号' WHERE code = '{KATO}'"
    )
    await town.change(
        f"INSERT INTO substitute_address (addressee_code, address) VALUES ('{YAMADA}', '昭和1-2-3')"
    )
    codes = "SELECT addressee_code FROM substitute_address ORDER BY addressee_code"
    await load(town, tmp_path, YAMADAS)
    assert [row["addressee_code"] for row in await town.rows(codes)] == [TANAKA]
