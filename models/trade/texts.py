"""What a text means, whatever its spelling: characters that nobody sees, signs that two tables of
one encoding write differently, and whether a text says anything at all.

A text is stored as it came. Where it is compared, or read as a day, a telephone number or a code,
these functions decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import islice, product
from math import prod
from typing import Any

# What turns or hides text: Unicode's category Cf, and other characters that show nothing. U+200D
# joins letters, and a variation selector chooses the form of a name's character: both may stay.
_HIDDEN = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_JOINER_AND_SELECTORS = "\u200d\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
INVISIBLE = re.compile(f"[{_HIDDEN}]")
_UNSEEN = re.compile(f"[{_HIDDEN}{_JOINER_AND_SELECTORS}]")

# Shift_JIS and CP932 read the same bytes as different characters; so do their cousins at other
# makers. Each group is one sign.
DASHES = "－-−‐‑–﹣"
_GROUPS = ("～〜∼", "―—", "‖∥", "￠¢", "￡£", "￢¬", "￤¦", "…⋯", "~‾￣", "＼\\¥￥", DASHES)
_GROUP_OF = {sign: group for group in _GROUPS for sign in group}
_ONE_SIGN = {ord(sign): group[0] for sign, group in _GROUP_OF.items()}
# A long mark behind a digit is a dash that somebody typed with the key beside it.
_LONG_MARKS = "ーｰ"
_DIGITS = "0123456789０１２３４５６７８９〇一二三四五六七八九十"
_LONG_MARK = re.compile(f"(?<=[{_DIGITS}])[{_LONG_MARKS}]")
_LINE = re.compile("[―—─](?=[0-9])")
_PLAIN = re.compile(r"[ -,./0-9:-\[\]-}]*")


def without_invisible(text: str) -> str:
    """The text without the characters that its reader cannot see: as an operand is compared."""
    return text if text.isascii() else INVISIBLE.sub("", text)


def bare(text: str) -> str:
    """The text without anything unseen, joiners and variation selectors too: as a code is read."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def says_nothing(text: str) -> bool:
    """Whether only spaces and unseen characters stand there."""
    return not bare(text).strip()


def same_signs(text: str) -> str:
    """The text for comparing: every sign in one spelling, whichever table of Shift_JIS wrote it.

    >>> same_signs("5番地1−2") == same_signs("5番地1－2") == same_signs("5番地1ー2")
    True
    """
    if _PLAIN.fullmatch(text):
        return text
    return _LONG_MARK.sub("－", text.translate(_ONE_SIGN))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, texts in any spelling of their signs."""
    if isinstance(one, str) and isinstance(other, str):
        return same_signs(one) == same_signs(other)
    return bool(one == other)


def compared(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row for comparing: what a rerun brings in another spelling is the same."""
    return {
        name: same_signs(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def spellings(text: str, most: int = 1000) -> list[str]:
    """The texts that `same_signs` takes for this one, for a database to look up in an index.

    Every mixture of signs where there are at most `most`; else each group as it stands or with one
    sign throughout, as one table writes it.
    """
    signs = [_alternatives(text, at) for at in range(len(text))]
    if prod(map(len, signs)) <= most:
        return ["".join(each) for each in product(*signs)]
    groups = list(dict.fromkeys(each for each in signs if len(each) > 1))
    found = {text}
    for chosen in islice(product(*(["", *group] for group in groups)), most):
        sign_of = dict(zip(groups, chosen, strict=True))
        found.add("".join(sign_of.get(of) or one for of, one in zip(signs, text, strict=True)))
    return sorted(found)


def _alternatives(text: str, at: int) -> str:
    """The signs of which one stands here."""
    sign = text[at]
    if sign in DASHES or sign in _LONG_MARKS:
        if at > 0 and text[at - 1] in _DIGITS:
            return DASHES + _LONG_MARKS
        return DASHES if sign in DASHES else sign
    return _GROUP_OF.get(sign, sign)


def half_width(text: str) -> str:
    """The text for syntax (days, telephone numbers): half-width, every dash and line a hyphen."""
    if text.isascii():
        return text
    return _LINE.sub("-", unicodedata.normalize("NFKC", same_signs(bare(text))))
