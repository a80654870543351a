"""Rules of the trade over one text: is this a bank code, a postal code, an addressee code?

Every rule takes the text of one field and answers `None` when it holds, else a `Reason`: English
words that never repeat the value, with the Japanese ones beside them in `.ja`. Formats follow the
bank transfer files (全銀), the postal code data and the local government codes of J-LIS.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from models.trade.check_digits import is_municipality_code
from models.trade.codes import ADDRESSEE_DIGITS, NUMBER_DIGITS, could_be_number
from models.trade.texts import INVISIBLE, half_width, says_nothing
from models.trade.wareki import NotADateError, parse_day

ASCII_DIGITS = re.compile(r"[0-9]+", re.ASCII)
# Controls, line ends, surrogates, and what a wrong encoding leaves behind. Unassigned and private
# characters are left alone: a name may hold one that is newer than this Python's Unicode, or the
# city's own (外字).
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd-\uffff]")
LINE_ENDS = re.compile(r"[\t\n\r]")
# Kana, Latin letters and digits; of signs whatever there is short of pictures: the bank transfer
# files have ｢｣ and ￥, companies ！ ＆ ＠ ♪ ★, and ＝ or ゠ parts the names of foreigners.
KANA = re.compile(
    r"[\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u200d\U0001aff0-\U0001b16fA-Za-z\u00c0-\u024f\u1e00-\u1eff0-9 ]+"
)
SIGNS = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Mn"})
PICTURES = 0x1F000
LONGEST_NAME = 200
PHONE = re.compile(r"(?:\+[0-9]{1,5}|\(?[0-9]{2,5})(?:[-() ]{0,2}[0-9]{1,5}){1,4}")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
TEXT_LIMIT = 1000
YEN_LIMIT = 2**53


class Reason(str):
    """Why a text breaks a rule, in English, with `.ja` in Japanese; never with the value."""

    __slots__ = ("ja",)
    ja: str

    def __new__(cls, en: str, ja: str) -> Reason:
        reason = super().__new__(cls, en)
        reason.ja = ja
        return reason


COULD_BE_NUMBER = Reason(
    "twelve digits could be an individual number, whatever signs stand between them; where they are"
    " none, write a word between them",
    "12桁の数字は記号で区切っても個人番号の可能性があるため登録できません。"
    "個人番号でなければ間に語を入れてください",
)
PHONE_LIKE_NUMBER = Reason(
    "twelve digits could be an individual number: write the telephone number with its 0, such as"
    " 090-1234-5678 or +81 (0)90-1234-5678",
    "12桁の数字は個人番号の可能性があります。090-1234-5678 または"
    " +81 (0)90-1234-5678 のように0を付けて記入してください",
)
SHORT_CODE = Reason(
    "the code has fewer digits than this store's codes, which have fifteen: write its zeros",
    "宛名コードの桁数が不足しています。先頭の0を含む15桁で記入してください",
)


def bank_code(text: str) -> str | None:
    """金融機関コード: four digits."""
    return _digits(text, 4, "a bank code", "金融機関コード")


def branch_code(text: str) -> str | None:
    """支店コード: three digits."""
    return _digits(text, 3, "a branch code", "支店コード")


def account_number(text: str) -> str | None:
    """口座番号: seven digits, zeros kept; eight for the postal bank."""
    if ASCII_DIGITS.fullmatch(text) and len(text) in (7, 8):
        return None
    return Reason(
        "an account number has seven digits (postal: eight)",
        "口座番号は7桁(ゆうちょは8桁)の数字です",
    )


def postal_code_area(text: str) -> str | None:
    """郵便親番: three digits."""
    return _digits(text, 3, "the first part of a postal code", "郵便親番")


def postal_code_town(text: str) -> str | None:
    """郵便子番: four digits."""
    return _digits(text, 4, "the second part of a postal code", "郵便子番")


def postal_code(text: str) -> str | None:
    """郵便番号: seven digits without a hyphen."""
    return _digits(text, 7, "a postal code", "郵便番号")


def municipality_code(text: str) -> str | None:
    """全国地方公共団体コード: five digits and the check digit."""
    reason = _digits(text, 6, "a municipality code", "市町村コード")
    if reason is None and not is_municipality_code(text):
        return Reason(
            "the check digit of the municipality code is wrong", "市町村コードの検査数字が誤りです"
        )
    return reason


def addressee_code(text: str) -> str | None:
    """宛名コード: fifteen digits, zeros kept; never twelve behind zeros: they could be a number."""
    if not ASCII_DIGITS.fullmatch(text) or len(text) > ADDRESSEE_DIGITS:
        return Reason("an addressee code has fifteen digits", "宛名コードは15桁の数字です")
    if could_be_number(text):
        return Reason(
            "a code of twelve digits, also behind zeros, could be an individual number",
            "12桁のコードは (先頭の0を除いても) 個人番号と区別できません",
        )
    return SHORT_CODE if len(text) < ADDRESSEE_DIGITS else None


def individual_number(text: str) -> str | None:
    """個人番号: twelve digits. Which check digit a store accepts is the number store's own rule."""
    return _digits(text, NUMBER_DIGITS, "an individual number", "個人番号")


def day(text: str) -> str | None:
    """A day as files write it (ISO, eight digits, wareki), partly unknown ones included."""
    try:
        parse_day(text)
    except NotADateError as error:
        return Reason(str(error), error.ja)
    return None


def whole_day(text: str) -> str | None:
    """A day that is known in full, or the open end (99999999)."""
    try:
        parsed = parse_day(text)
    except NotADateError as error:
        return Reason(str(error), error.ja)
    if parsed.text is not None:
        return Reason("the day must be known in full here", "ここでは不詳の日付は使えません")
    return None


def kana_name(text: str) -> str | None:
    """A name in kana, full-width or half-width; also letters and the signs of company names."""
    unseen = seen_as_it_is(text)
    if unseen is not None:
        return unseen
    rest = KANA.sub("", unicodedata.normalize("NFKC", text))
    if not text or any(
        ord(one) >= PICTURES or unicodedata.category(one) not in SIGNS for one in rest
    ):
        return Reason(
            "a name in kana holds kana, letters and signs only", "カナ氏名に使えない文字です"
        )
    return plain_text(text)


def name(text: str) -> str | None:
    """A name of somebody, of 1 to 200 characters that can be seen."""
    if says_nothing(text) or len(text) > LONGEST_NAME:
        return Reason(
            f"a name has 1 to {LONGEST_NAME} characters", f"氏名は1〜{LONGEST_NAME}文字です"
        )
    return plain_text(text)


def phone_number(text: str) -> str | None:
    """A telephone number: 9 to 11 digits, with hyphens or brackets or without; up to 15 after +."""
    plain = half_width(text)
    digits = sum(character.isdigit() for character in plain)
    longest = 15 if plain.startswith("+") else 11
    if PHONE.fullmatch(plain) is None or not 9 <= digits <= longest:
        return Reason("not a telephone number", "電話番号の形式ではありません")
    return PHONE_LIKE_NUMBER if could_be_number(plain) else None


def email(text: str) -> str | None:
    """An e-mail address."""
    if len(text) > 254 or EMAIL.fullmatch(text) is None:
        return Reason("not an e-mail address", "メールアドレスの形式ではありません")
    return no_individual_number(text)


def phone_or_email(text: str) -> str | None:
    """A way to reach somebody: a telephone number or an e-mail address."""
    return email(text) if "@" in text else phone_number(text)


def plain_text(text: str) -> str | None:
    """Free text of one line: seen as it is, not too long, and no individual number in it."""
    if len(text) > TEXT_LIMIT:
        return Reason("the text is too long", "文字列が長すぎます")
    if UNPRINTABLE.search(text):
        return Reason("a character that no name or text holds", "使用できない文字が含まれています")
    return seen_as_it_is(text) or no_individual_number(text)


def prose(text: str) -> str | None:
    """Free text of several lines, as somebody types it into a change."""
    if UNPRINTABLE.search(LINE_ENDS.sub("", text)):
        return Reason("a character that no name or text holds", "使用できない文字が含まれています")
    return seen_as_it_is(text)


WRITTEN: frozenset[Callable[[str], str | None]] = frozenset({plain_text, name, kana_name})
"""The rules of texts that people write. They are compared by `texts.same_signs`; codes are not."""


def seen_as_it_is(text: str) -> str | None:
    """No character hides, or turns what stands beside it: else a name is not what one reads."""
    if not text.isascii() and INVISIBLE.search(text):
        return Reason(
            "an invisible character, or one that turns the text: type the text anew without it",
            "見えない文字または文字の向きを変える文字が含まれています",
        )
    return None


def no_individual_number(text: str) -> str | None:
    """No twelve digits, whatever signs stand between them: they may be a number (`codes`)."""
    return COULD_BE_NUMBER if could_be_number(text) else None


def year(text: str) -> str | None:
    """A fiscal year in the western calendar, 1989 to 2099."""
    if ASCII_DIGITS.fullmatch(text) and len(text) == 4 and 1989 <= int(text) <= 2099:
        return None
    return Reason("a year has four digits, 1989 to 2099", "年度は西暦4桁です")


def term(text: str) -> str | None:
    """期別: 1 to 99."""
    if ASCII_DIGITS.fullmatch(text) and len(text) <= 2 and int(text) >= 1:
        return None
    return Reason("a term is a number from 1 to 99", "期別は1〜99の数字です")


def yen(text: str) -> str | None:
    """An amount in yen: a whole number below 2^53, without commas; not negative."""
    if ASCII_DIGITS.fullmatch(text) and len(text) <= 16 and int(text) < YEN_LIMIT:
        return COULD_BE_NUMBER if len(str(int(text))) == NUMBER_DIGITS else None
    return Reason("an amount is a whole number of yen, not negative", "金額は0以上の整数です")


def _digits(text: str, count: int, noun: str, noun_ja: str) -> str | None:
    if len(text) == count and ASCII_DIGITS.fullmatch(text):
        return None
    return Reason(f"{noun} has {_WORDS[count]} digits", f"{noun_ja}は{count}桁の数字です")


_WORDS = {3: "three", 4: "four", 6: "six", 7: "seven", 12: "twelve"}
