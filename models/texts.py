"""What a text means, whatever its spelling: characters that nobody sees, signs that two tables of
one encoding write differently, and whether a text says anything at all.

A text is stored as it came. Where it is compared, or read as a day, a telephone number or a code,
these functions decide.
"""

from __future__ import annotations

import re
import unicodedata

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
_ONE_SIGN = {ord(sign): group[0] for group in _GROUPS for sign in group}
# A long mark behind a digit is a dash that somebody typed with the key beside it.
_LONG_MARK = re.compile(r"(?<=[0-9０-９〇一二三四五六七八九十])[ーｰ]")
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


def half_width(text: str) -> str:
    """The text for syntax (days, telephone numbers): half-width, every dash a hyphen."""
    return text if text.isascii() else unicodedata.normalize("NFKC", same_signs(bare(text)))
