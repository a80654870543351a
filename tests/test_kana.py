"""Kana folding: what city clerks expect to find, and the laws that the search leans on."""

from __future__ import annotations

import jaconv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade.kana import fold_kana

KANA = st.text(
    st.sampled_from(
        [chr(code) for code in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC)]
    )
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("オータ", "オオタ"),
        ("ヤマダ タロウ", "ヤマタタロウ"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "やまだ　たろう"),
        ("ヴァ", "ウア"),
        ("ヂ", "チ"),
        ("ジ", "シ"),
        ("ヅ", "ツ"),
        ("ズ", "ス"),
        ("キョウコ", "キヨウコ"),
        ("ユ－エフジエイ", "ユーエフジェイ"),
        ("グエン・ヴァン・アン", "グエン ヴアン アン"),
        ("すゞき", "ススキ"),
        ("ヱツ", "エツ"),
        ("アイヌモシㇼ", "アイヌモシリ"),
        ("Ａｎｎ", "ANN"),
        ("か\u3099", "が"),
        ("\u200eヤマダ\u202e\ufeff", "ヤマダ"),
        ("ジャン＝ピエール", "ジャン ピエール"),
        ("ジャン゠ピエール", "ジャン・ピエール"),
        ("ラ〜メン", "ラ～メン"),
    ],
)
def test_found_by_each_other(one: str, other: str) -> None:
    assert fold_kana(one) == fold_kana(other)


@pytest.mark.parametrize(
    ("one", "other"), [("オタ", "オオタ"), ("ヂ", "ジ"), ("ヅ", "ズ"), ("サトウ", "サト")]
)
def test_kept_apart(one: str, other: str) -> None:
    assert fold_kana(one) != fold_kana(other)


def test_the_long_mark_is_the_vowel_before_it() -> None:
    assert [fold_kana(kana + "ー") for kana in "カキクケコャン"] == [
        "カア", "キイ", "クウ", "ケエ", "コオ", "ヤア", "ン",
    ]  # fmt: skip


@given(st.text())
def test_folding_a_key_changes_nothing(text: str) -> None:
    assert fold_kana(fold_kana(text)) == fold_kana(text)


@given(KANA, KANA)
def test_a_prefix_stays_a_prefix(head: str, tail: str) -> None:
    assert fold_kana(head + tail).startswith(fold_kana(head))


@given(KANA)
def test_script_and_width_do_not_matter(text: str) -> None:
    katakana = jaconv.hira2kata(text)
    assert fold_kana(katakana) == fold_kana(text)
    # Half-width has no small ヮ and no old kana; jaconv leaves those as they are.
    assert fold_kana(jaconv.z2h(katakana)) == fold_kana(text)


@given(KANA)
def test_voicing_never_matters(text: str) -> None:
    assert not set(fold_kana(text)) & set("ガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポヴ")


@given(KANA)
def test_nothing_but_large_clear_kana_is_left(text: str) -> None:
    assert not set(fold_kana(text)) & set("ァィゥェォッャュョヮヵヶヰヱヲー ・")
