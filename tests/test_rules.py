"""The rules of the trade over one text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade import rules
from models.trade.check_digits import is_municipality_code

Rule = Callable[[str], str | None]

EVERY_RULE: list[Rule] = [
    rules.bank_code, rules.branch_code, rules.account_number, rules.postal_code_area,
    rules.postal_code_town, rules.postal_code, rules.municipality_code, rules.addressee_code,
    rules.individual_number, rules.day, rules.whole_day, rules.kana_name, rules.name,
    rules.phone_number,
    rules.email, rules.phone_or_email, rules.plain_text, rules.no_individual_number, rules.year,
    rules.term, rules.yen,
]  # fmt: skip

UNSEEN = (
    0xAD, 0x61C, 0x115F, 0x180E, 0x200B, 0x200C, 0x200E, 0x200F, 0x202A, 0x202E, 0x2060, 0x2066,
    0x2069, 0x2800, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0xE0001, 0xE0041,
)  # fmt: skip
"""Characters that nobody sees, or that turn what stands beside them."""

HOLDS: list[tuple[Rule, str]] = [
    (rules.bank_code, "0116"),
    (rules.branch_code, "920"),
    (rules.account_number, "0001234"),
    (rules.account_number, "12345671"),
    (rules.postal_code_area, "085"),
    (rules.postal_code_town, "0011"),
    (rules.postal_code, "0850011"),
    (rules.municipality_code, "012068"),
    (rules.municipality_code, "131016"),
    (rules.addressee_code, "000000000012345"),
    (rules.day, "昭和20年00月00日"),
    (rules.whole_day, "R6.5.1"),
    (rules.whole_day, "99999999"),
    (rules.kana_name, "ﾔﾏﾀﾞ ﾀﾛｳ"),
    (rules.kana_name, "カブシキガイシャＡＢＣ（クシロ）"),
    (rules.kana_name, "グエン ヴァン・アン"),
    (rules.kana_name, "ジャン＝ピエール"),
    (rules.kana_name, "ジャン゠ピエール"),
    (rules.kana_name, "ｶ)｢ｸｼﾛ｣ｼｮｳｼﾞ"),
    (rules.kana_name, "ヤッホー！"),
    (rules.kana_name, "￥ショップ＆＠ホーム #1 ♪★"),
    (rules.kana_name, "カフェ・ド・ÉTÉ / ラ～メン％"),
    (rules.name, "佐藤　一郎"),
    (rules.name, "髙\U000e0100橋 \ue000"),
    (rules.name, "\U0001f469\u200d\U0001f469"),
    (rules.phone_number, "0154-00-1234"),
    (rules.phone_number, "090\u22121234\u20105678"),
    (rules.phone_number, "090ー1234ｰ5679"),
    (rules.phone_number, "０９０－１２３４–5678"),
    (rules.phone_number, "(0154)00-1234"),
    (rules.phone_number, "+81 (0)90-0000-1234"),
    (rules.phone_number, "+82 (0)10-0000-1234"),
    (rules.phone_number, "+1-212-555-0100"),
    (rules.phone_number, "09000001234"),
    (rules.email, "yamada.taro+tax@mail.example.jp"),
    (rules.phone_or_email, "yamada@example.jp"),
    (rules.phone_or_email, "０１５４-００-１２３４"),
    (rules.plain_text, "髙橋\U000e0101 﨑 𠮷 ｶﾅ 0154001234 000000000012345"),
    (rules.plain_text, "請求 1234567890123 番"),
    (rules.year, "2026"),
    (rules.term, "10"),
    (rules.yen, "0"),
]

BREAKS: list[tuple[Rule, str]] = [
    (rules.bank_code, "116"),
    (rules.bank_code, "０１１６"),
    (rules.branch_code, "92"),
    (rules.account_number, "123456"),
    (rules.account_number, "123456789"),
    (rules.postal_code_area, "85"),
    (rules.postal_code_town, "011"),
    (rules.postal_code, "085-0011"),
    (rules.municipality_code, "012060"),
    (rules.municipality_code, "01206"),
    (rules.addressee_code, "0000000000123456"),
    (rules.addressee_code, "A1"),
    (rules.addressee_code, "10012"),
    (rules.addressee_code, "000123456789012"),
    (rules.addressee_code, "123456789012"),
    (rules.addressee_code, ""),
    (rules.day, "2026-02-30"),
    (rules.whole_day, "19450000"),
    (rules.kana_name, "山田"),
    (rules.kana_name, "ヤマダ 123456789012"),
    (rules.kana_name, "ヤマダ々"),
    (rules.kana_name, "ヤマダ\U0001f600"),
    (rules.kana_name, "ヤマダ\u200b"),
    (rules.kana_name, ""),
    (rules.name, ""),
    (rules.name, "　\u200d\ufe0f"),
    (rules.name, "佐" * 201),
    *((rules.plain_text, f"試験{chr(one)}名") for one in UNSEEN),
    *((rules.name, f"試験{chr(one)}名") for one in UNSEEN),
    (rules.phone_number, "0154"),
    (rules.phone_number, "123456789012"),
    (rules.phone_number, "電話なし"),
    (rules.phone_number, "+81-90-0000-1234"),
    (rules.phone_number, "+７７１０ー００００ー００７５"),
    (rules.email, "7710-0000-0075@example.jp"),
    (rules.phone_or_email, "771000000075@example.jp"),
    (rules.yen, "771000000075"),
    (rules.yen, "0771000000075"),
    (rules.phone_or_email, "a@b"),
    (rules.email, "山田@example.jp"),
    (rules.plain_text, "番号は123456789012です"),
    (rules.plain_text, "１２３４５６７８９０１２"),
    (rules.plain_text, "1234-5678-9012"),
    (rules.plain_text, "1234 5678 9012"),
    (rules.plain_text, "a\x00b"),
    (rules.plain_text, "a\nb"),
    (rules.plain_text, "文字化け\ufffd"),
    (rules.year, "令和6"),
    (rules.term, "0"),
    (rules.yen, "-1"),
    (rules.yen, "1,000"),
    (rules.yen, str(2**53)),
]


@pytest.mark.parametrize(("rule", "text"), HOLDS)
def test_holds(rule: Rule, text: str) -> None:
    assert rule(text) is None


@pytest.mark.parametrize(("rule", "text"), BREAKS)
def test_breaks_with_a_reason_in_both_languages(rule: Rule, text: str) -> None:
    reason = rule(text)
    assert isinstance(reason, rules.Reason)
    assert reason.isascii()
    assert reason.ja


@given(st.sampled_from(EVERY_RULE), st.text(min_size=6))
def test_a_reason_never_repeats_the_value(rule: Rule, text: str) -> None:
    reason = rule(text)
    assert reason is None or (text not in reason and text not in rules.Reason.__str__(reason))


@given(st.sampled_from(EVERY_RULE), st.text())
def test_every_text_gets_an_answer(rule: Rule, text: str) -> None:
    rule(text)


@given(
    st.text("あア山 a-", max_size=20),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.text("あア山 a", max_size=20),
)
def test_twelve_digits_are_found_wherever_they_stand(before: str, number: str, after: str) -> None:
    assert rules.plain_text(before + number + after) is not None


@given(st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_municipality_codes_agree_with_the_check_digit(code: str) -> None:
    assert (rules.municipality_code(code) is None) == is_municipality_code(code)
