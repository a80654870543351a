"""場所の照合: whether two texts name one place, or one person, however they are spelled. Pure.

An address is written with 丁目, 番 and 号 or with hyphens, in kanji numerals or full-width digits,
with the prefecture and the city or without, with the building (方書) or without. What may be shown
instead of a withheld place is compared with it under all of these spellings. The comparison prefers
to refuse: a neighbour's number that begins with the same numbers counts as the same place.

What went wrong elsewhere: a label was printed with the counterparty's address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from models.trade.kana import fold_kana
from models.trade.kanji import one_form

DIGITS = dict(zip("〇零一二三四五六七八九壱弐参", map(int, "00123456789123"), strict=True))
UNITS = {"十": 10, "拾": 10, "百": 100, "千": 1000}
HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\u2796\u2e3a\u2e3b~\u301c\u223c"

_VARIANT = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_GAP = re.compile(r"(?<=[0-9])(?: +|[一丨])(?=[0-9])")
_KANJI_NUMBER = re.compile(f"[{''.join((*DIGITS, *UNITS))}]+")
_HYPHEN = re.compile(f"[{re.escape(HYPHENS)}]")
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANJI = re.compile(f"[{_HAN}]")
# Whatever stands alone between two numbers parts them, but for letters that may be a word.
_JOINED = re.compile(rf"(?<=[0-9])(?:[^0-9a-z\u3041-\u30fa{_HAN}]+|[ノの之x丨])(?=[0-9])")
_SMALL_KE = re.compile(f"(?<=[{_HAN}])[ヶケガがヵ](?=[{_HAN}])")
_WORD = re.compile(r"(?<=[0-9])(?:丁目|町目|丁|番地の|番地ノ|番地内|番地|番|号室|號室|号|號|条)")
_ORDINAL = re.compile(r"第(?=[0-9])")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_PREFECTURE = re.compile("^(?:北海道|東京都|(?:京都|大阪)府|[^0-9]{2,3}県)")
_CITY = re.compile("^釧路市")
_BLOCK = re.compile(r"[0-9]+(?:-[0-9]+)+")
_LAST = re.compile(r"[0-9]+(?=[^0-9]*$)")
_TITLES = re.compile(r"(?:様方|様|殿|御中|方|気付|さま|さん)+$")
SHORTEST_NAME = 2
SHORTEST_PLACE = 3


def spellings(text: str) -> frozenset[str]:
    """The text in the spellings under which places are compared: a space between two numbers may
    join them or keep them apart."""
    plain = _plain(text)
    together, apart = map(_in_digits, (plain, _GAP.sub("-", plain)))
    return frozenset({_folded(together), _folded(_GAP.sub("-", apart))})


def same_place(one: str, other: str) -> bool:
    """Whether two texts name one place, or one of them has the other's place within it."""
    return any(
        _holds(left, right) or _holds(right, left) or _has_its_numbers(left, right)
        for left in spellings(one)
        for right in spellings(other)
    )


def names(text: str, name: str) -> bool:
    """Whether a text names this person, with or without a title, spaces, or in half-width kana."""
    found, parts = _letters(_plain(text)), _TITLES.sub("", _plain(name)).split()
    orders = {_letters("".join(parts)), _letters("".join(reversed(parts)))}
    return any(len(each) >= SHORTEST_NAME and each in found for each in orders)


def _letters(text: str) -> str:
    """A name without the signs in it, as it sounds where it is kana."""
    return "".join(sign for sign in fold_kana(text) if unicodedata.category(sign)[0] in "LMN")


def _in_digits(text: str) -> str:
    return _KANJI_NUMBER.sub(lambda found: _number(found[0]), text)


def _folded(text: str) -> str:
    text = _HYPHEN.sub("-", "".join(text.split()))
    text = text.replace("大字", "").replace("字", "")
    text = _ORDINAL.sub("", _SMALL_KE.sub("ケ", text))
    text = _JOINED.sub("-", _WORD.sub("-", text))
    # A hyphen that no number follows has only ended the one before it.
    text = re.sub(r"-+(?![0-9-])", "", re.sub("-+", "-", text))
    return _CITY.sub("", _PREFECTURE.sub("", _ZEROS.sub("", text)))


def _holds(text: str, place: str) -> bool:
    """Whether a folded text has the core of a folded place in it."""
    core = _core(place)
    if len(core) < SHORTEST_PLACE:
        return text == place and bool(place)
    if not any(sign.isdigit() for sign in core):
        return text == place
    return any(
        not text[end : end + 1].isdigit()
        and not (core[0].isdigit() and text[: end - len(core)][-1:].isdigit())
        for end in _ends(text, core)
    )


def _has_its_numbers(one: str, other: str) -> bool:
    """A town in kana or Latin letters is not compared with one in kanji: the numbers decide."""
    if bool(_KANJI.search(one)) == bool(_KANJI.search(other)):
        return False
    read, unread = (one, other) if _KANJI.search(one) else (other, one)
    block = _BLOCK.search(unread)
    return block is not None and _holds(read, block[0])


def _core(place: str) -> str:
    """The place without what stands behind its numbers: building, floor, room."""
    block = _BLOCK.search(place) or _LAST.search(place)
    return place[: block.end()] if block else place


def _ends(text: str, core: str) -> Iterator[int]:
    at = text.find(core)
    while at >= 0:
        yield at + len(core)
        at = text.find(core, at + 1)


def _plain(text: str) -> str:
    """Each sign in one form, without invisible ones and variation selectors."""
    plain = one_form(unicodedata.normalize("NFKC", text))
    return "".join(
        " " if sign.isspace() else sign
        for sign in plain
        if sign.isspace()
        or (unicodedata.category(sign) not in {"Cf", "Cc"} and not _VARIANT.match(sign))
    ).casefold()


def _number(text: str) -> str:
    """A number in kanji: by value where it has tens or hundreds, else sign by sign."""
    if UNITS.keys().isdisjoint(text):
        return "".join(str(DIGITS[sign]) for sign in text)
    value = digit = 0
    for sign in text:
        if sign in UNITS:
            value += (digit or 1) * UNITS[sign]
            digit = 0
        else:
            digit = digit * 10 + DIGITS[sign]
    return str(value + digit)
