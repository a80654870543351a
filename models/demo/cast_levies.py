"""What the named people of the demo town owe, and what came of each term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from models.demo import cast
from models.demo.calendar import terms
from models.demo.dice import Dice
from models.demo.levies import Levy, in_arrears, pay_again, pay_in_full, written_off
from models.demo.record import AS_OF, Row

SHARED_HOUSE = "K000010011"


def _insured(serial: int) -> Row:
    return {"被保険者番号": f"{serial:010d}"}


PAID, LATE, OPEN, TWICE, CORRECTED, OFF = "paid", "late", "open", "twice", "corrected", "off"
Story = tuple[str, int, int, tuple[str, ...], Row]

STORIES: dict[str, tuple[Story, ...]] = {
    cast.YAMADA_TARO: (
        ("01", 2025, 31_000, (PAID, PAID, LATE, PAID), {}),
        ("01", 2026, 33_000, (PAID, "差押可能", "督促", OPEN), {}),
        ("05", 2025, 10_800, (PAID,), {}),
        ("05", 2026, 10_800, (LATE,), {}),
        ("11", 2025, 28_400, (PAID,) * 10, _insured(10001)),
        ("11", 2026, 29_900, (PAID, PAID, "差押可能", "差押可能", "督促", *(OPEN,) * 5),
         _insured(10001)),
    ),
    cast.SUZUKI_DAISUKE: (
        ("01", 2026, 52_000, (PAID, PAID, PAID, OPEN), {}),
        ("04", 2026, 24_000, (PAID, PAID, OPEN, OPEN), {"共有資産番号": SHARED_HOUSE}),
    ),
    cast.TANAKA_MISAKI: (
        # The jointly owned house: the slip where an address once leaked to the co-owner.
        ("04", 2026, 24_000, (PAID, PAID, OPEN, OPEN), {"共有資産番号": SHARED_HOUSE}),
        ("11", 2026, 9_800, (PAID, PAID, PAID, PAID, "督促", *(OPEN,) * 5), _insured(10012)),
    ),
    cast.TAKAHASHI_MAKOTO: (("01", 2026, 18_000, ("差押可能", "差押可能", "督促", OPEN), {}),),
    cast.SASAKI_TOME: (("12", 2026, 4_200, (PAID,) * 4 + (OPEN,) * 5, _insured(10022)),),
    cast.NAKAGAWA_TSUYOSHI: (("04", 2025, 41_000, ("差押",) * 4, {}),),
    cast.SHITSUGEN_TRADING: (
        ("03", 2025, 180_000, (PAID, PAID), {}),
        ("03", 2026, 195_000, (PAID, OPEN), {}),
        ("02", 2026, 84_000, (PAID,) * 4 + (OPEN,) * 8, {"特別徴収義務者指定番号": "00010031"}),
        ("04", 2026, 96_000, (PAID, PAID, OPEN, OPEN), {}),
    ),
    cast.NGUYEN_AN: (("01", 2026, 9_000, (PAID, LATE, "督促", OPEN), {}),),
    cast.KANEDA_ICHIRO: (("13", 2026, 7_100, (PAID,) * 5 + (OPEN,) * 5, _insured(10042)),),
    cast.ITO_SHO: (
        ("01", 2025, 27_000, (PAID, PAID, PAID, TWICE), {}),
        ("05", 2026, 12_900, (TWICE,), {}),
        ("11", 2026, 21_300, (PAID, PAID, CORRECTED, PAID, PAID, *(OPEN,) * 5), _insured(10051)),
    ),
    cast.WATANABE_KIYO: (
        ("12", 2026, 6_300, (PAID, PAID, PAID, LATE, *(OPEN,) * 5), _insured(10061)),
        ("13", 2025, 5_900, (PAID,) * 10, _insured(10061)),
        ("13", 2026, 6_000, (PAID, PAID, PAID, PAID, "督促", *(OPEN,) * 5), _insured(10061)),
    ),
    cast.KOBAYASHI_DAIKI: (
        ("14", 2026, 28_500, (PAID, PAID, PAID, "差押可能", "分納", "督促", "督促", *(OPEN,) * 5),
         {"児童宛名コード": cast.KOBAYASHI_AO}),
        ("05", 2026, 7_200, (PAID,), {}),
    ),
    cast.KIMURA_ICHIRO: (("04", 2025, 22_000, (PAID, PAID, PAID, LATE), {}),),
    cast.KUDO_MASARU: (
        ("01", 2019, 26_000, (OFF,) * 4, {}),
        ("01", 2025, 38_000, ("差押", "差押", "分納", "分納"), {}),
        ("01", 2026, 39_000, ("差押可能", "差押可能", "督促", OPEN), {}),
        ("04", 2025, 15_000, ("猶予", "猶予", "執行停止", "執行停止"), {}),
        ("05", 2026, 5_000, ("差押可能",), {}),
    ),
    cast.YOSHIDA_MINORU: (("13", 2026, 4_700, (PAID,) * 5 + (OPEN,) * 5, _insured(10111)),),
    cast.MIURA_OLD: (("04", 2025, 13_000, (PAID,) * 4, {}),),
    cast.MIURA_NEW: (("04", 2026, 13_500, (PAID, PAID, OPEN, OPEN), {}),),
    cast.ISHIKAWA_HIROSHI: (("04", 2026, 61_000, (PAID, LATE, OPEN, OPEN), {}),),
}  # fmt: skip
"""For each member: item, fiscal year, amount of a term, what came of each term, columns."""


def levies_of_cast(code: str) -> Iterator[Levy]:
    """The levy items of one member of the cast; none for anybody else."""
    dice = Dice(int(code))
    for item, year, amounts, story, extra in STORIES.get(code, ()):
        yield from _notice(code, item, year, amounts, story, extra, dice)


def _notice(
    code: str, item: str, year: int, amount: int, story: tuple[str, ...], extra: Row, dice: Dice
) -> Iterator[Levy]:
    number = f"{int(code):06d}{year % 100:02d}{item}"
    for term, how in zip(terms(item, year), story, strict=True):
        if how == OFF:
            yield written_off(code, term, number, amount, booked=term.number < 4)
            continue
        levy = Levy(
            {
                "宛名コード": code,
                "科目コード": item,
                "賦課年度": str(year),
                "相当年度": str(year),
                "通知書番号": number,
                "期別": str(term.number),
                "納期限": term.due_text,
                "法定納期限": term.due_text,
                "時効予定日": term.limitation_text,
                "税額": str(amount),
                **extra,
            }
        )
        if how in (PAID, TWICE):
            pay_in_full(levy, term, min(term.due, AS_OF), "", False, dice)
        elif how == LATE:
            late = min(term.due + dt.timedelta(days=45), AS_OF)
            pay_in_full(levy, term, late, "", False, dice)
        elif how == OPEN:
            levy.row["状態"] = "納期内" if term.days_over >= -31 else "賦課"
        elif how == CORRECTED:
            levy.row["状態"] = "更正"
        else:
            in_arrears(levy, term, how, dice)
        if how == TWICE:
            pay_again(levy, term, dice)
        yield levy
