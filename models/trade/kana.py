"""Folding of kana for search: what sounds nearly alike becomes the same text.

City registers are searched by kana with the voicing marks dropped (清音化), so that ﾔﾏﾀﾞ, やまだ and
ヤマタ find each other. The folded text is a search key of its own column; what is stored of a name
(variant kanji, variation selectors, half-width kana) stays as it came.

The steps: NFKC, hiragana to katakana, small to large, voicing marks off, ー to the vowel before
it (オータ and オオタ agree, while オタ stays apart), iteration marks written out, spaces, middle
dots, hyphens, ＝ and whatever cannot be seen removed, letters to upper case. Kana are
full-width in the result.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from models.trade.texts import half_width

_HIRAGANA = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
_SMALL = str.maketrans(
    "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ",
    "アイウエオツヤユヨワカケクシストヌハヒフヘホムラリルレロ",
)
# ヰ ヱ ヲ sound like イ エ オ; names of elderly people still carry them.
_OLD = str.maketrans("ヰヱヲ", "イエオ")
_VOWEL = {
    kana: vowel
    for vowel, row in {
        "ア": "アカサタナハマヤラワ",
        "イ": "イキシチニヒミリ",
        "ウ": "ウクスツヌフムユル",
        "エ": "エケセテネヘメレ",
        "オ": "オコソトノホモヨロ",
    }.items()
    for kana in row
}
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30a0"
_DROPPED = frozenset("・･.,'’\u2019=" + _HYPHENS)
_LONG = frozenset("ー" + _HYPHENS)
_ALREADY = re.compile(
    r"[アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン]*"
)
_ROUNDS = 4


@lru_cache(maxsize=16384)
def fold_kana(text: str) -> str:
    """The search key of a name in kana; folding a key again changes nothing.

    >>> fold_kana("ｵｰﾀ ｼﾞｭﾝ"), fold_kana("ヴァイオリン")
    ('オオタシユン', 'ウアイオリン')
    """
    if _ALREADY.fullmatch(text):
        return text
    folded = _fold(text)
    # Rare letters fold into letters that fold again (ŉ, ligatures).
    for _ in range(_ROUNDS):
        again = _fold(folded)
        if again == folded:
            break
        folded = again
    return folded


def _fold(text: str) -> str:
    plain = half_width(text).translate(_HIRAGANA).upper()
    bare = "".join(
        character
        for character in unicodedata.normalize("NFD", plain)
        if unicodedata.category(character) != "Mn"
    )
    large = bare.translate(_SMALL).translate(_OLD)
    return unicodedata.normalize("NFC", _written_out(large))


def _written_out(text: str) -> str:
    """Long marks as vowels, iteration marks as what they repeat, separators removed."""
    result: list[str] = []
    for character in text:
        last = result[-1] if result else ""
        if character in _LONG and last in _VOWEL:
            result.append(_VOWEL[last])
        elif character == "ヽ":
            result.append(last)
        elif character not in _DROPPED and character != "ー" and not character.isspace():
            result.append(character)
    return "".join(result)
