"""Codes: one canonical form for each kind, and one rule for what could be an individual number.

A code is one identity however somebody writes it: full-width, guarded for a spreadsheet (`="0…"`,
`'0…`), with an invisible mark from another window, or without its leading zeros. `column(form=…)`
names the form; files, arguments, filters and mutations all read by it.

What could be an individual number is stored and logged nowhere but in the vault. In prose, twelve
digits count whatever signs stand between them, but words between them part them. In an identifier
(a header, an id) nothing parts them.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable

from models.trade.texts import bare

Form = Callable[[str], str]
"""The canonical form of a text; of one that is no such code, something that no rule lets pass."""

NUMBER_DIGITS = 12
ADDRESSEE_DIGITS = 15
HOUSEHOLD_DIGITS = 10
NOTICE_DIGITS = 10

_KANJI = str.maketrans("〇零一二三四五六七八九壱弐参", "001234567891" + "23")
# Digits that NFKC leaves alone: negative circled, double circled and the like.
_OTHER_DIGITS = "⓵⓶⓷⓸⓹⓺⓻⓼⓽❶❷❸❹❺❻❼❽❾➀➁➂➃➄➅➆➇➈➊➋➌➍➎➏➐➑➒⓿🄋🄌"
_DIGIT = re.compile(rf"[\d{_OTHER_DIGITS}]")
_KANJI_DIGIT = re.compile("[〇零一二三四五六七八九壱弐参]")
# Letters by their category that people write between digits: the long vowel's sign is what the
# Japanese keyboard gives for a hyphen.
_JOINERS = frozenset("一丨のノㅡㅣ々")
_GUARDS = re.compile(r"""=?["'“”‘’](.*)["'“”‘’]""", re.DOTALL)
_BETWEEN = frozenset({"Pd", "Lm", "Sm"})
_APOSTROPHES = "'‘’`´"
_DECIMAL = re.compile(r"(\d+)\.0+")
_POWER = re.compile(r"(\d)(?:\.(\d+))?[Ee]\+?(\d{1,2})")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_SEVERAL = re.compile(r"[、,;/|・\n()]|[A-Za-z\u3041-\u30fa\u3400-\u9fff]+")


# -- what could be an individual number ------------------------------------------------------------


def could_be_number(text: str) -> bool:
    """Whether twelve digits stand in a prose text, in one group or in several whole ones.

    Signs, spaces and invisible marks part groups and join them; a word parts for good. So a day
    beside a telephone number with nothing but signs between is refused where they make twelve
    digits together, and thirteen digits or fifteen in a row are not.
    """
    # One sign may stand for two digits (⑫).
    if len(text) * (1 if text.isascii() else 2) < NUMBER_DIGITS:
        return False
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = len(_DIGIT.findall(folded))
    kanji = 0 if folded.isascii() else len(_KANJI_DIGIT.findall(folded))
    if plain + kanji < NUMBER_DIGITS:
        return False
    folded = bare(folded)
    return _makes_twelve(folded) or (kanji > 0 and _makes_twelve(folded.translate(_KANJI)))


def holds_twelve_digits(text: str) -> bool:
    """Whether an identifier holds twelve digits or more, whatever stands between them."""
    folded = unicodedata.normalize("NFKC", text)
    found = len(_DIGIT.findall(folded)) + len(_KANJI_DIGIT.findall(folded))
    return found >= NUMBER_DIGITS


def _makes_twelve(text: str) -> bool:
    """Whether whole groups of digits make twelve, also behind leading zeros."""
    for run in _runs(text):
        digits = "".join(run)
        begins, ends, at = set(), [], 0
        for group in run:
            begins.add(at)
            at += len(group)
            ends.append(at)
        for end in ends:
            begin = end - NUMBER_DIGITS
            if begin < 0:
                continue
            if begin in begins:
                return True
            zeros = begin
            while digits[begin] != "0" and zeros > 0 and digits[zeros - 1] == "0":
                zeros -= 1
                if zeros in begins:
                    return True
    return False


def _runs(text: str) -> list[list[str]]:
    """Groups of digits by the runs in which only signs stand between them."""
    runs: list[list[str]] = [[]]
    group = ""
    for sign in text:
        digit = _digit(sign)
        if digit is not None:
            group += digit
            continue
        if group:
            runs[-1].append(group)
            group = ""
        if _parts(sign) and runs[-1]:
            runs.append([])
    if group:
        runs[-1].append(group)
    return runs


def _digit(sign: str) -> str | None:
    if "0" <= sign <= "9":
        return sign
    value = None if sign.isascii() else unicodedata.digit(sign, None)
    return None if value is None else str(value)


def _parts(sign: str) -> bool:
    """Whether a sign is part of a word."""
    category = unicodedata.category(sign)
    return category[0] == "L" and category != "Lm" and sign not in _JOINERS


def fresh(length: int) -> str:
    """A random name that the log can tell: it holds no digit."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(length))


# -- canonical forms -------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A code as it is meant: half-width, without spaces, invisible marks and a spreadsheet's
    guards."""
    if text.isascii() and text.isalnum():
        return text
    folded = unicodedata.normalize("NFKC", bare(text))
    shown = "".join(sign for sign in folded if not _is_blank(sign))
    guarded = _GUARDS.fullmatch(shown)
    return guarded[1] if guarded else shown.lstrip(_APOSTROPHES)


def addressee(text: str) -> str:
    """宛名コード: fifteen digits. Twelve could be an individual number and stay as they are."""
    return _padded(plain(text), ADDRESSEE_DIGITS)


def household(text: str) -> str:
    """世帯コード: ten digits or more, zeros kept up to ten; words as they are."""
    return _padded(plain(text), HOUSEHOLD_DIGITS)


def notice(text: str) -> str:
    """通知書番号: ten digits or more, zeros kept up to ten; words as they are."""
    return _padded(plain(text), NOTICE_DIGITS)


def postal(text: str) -> str:
    """郵便番号: without its hyphen."""
    return "".join(sign for sign in plain(text) if unicodedata.category(sign) not in _BETWEEN)


def number(text: str) -> str:
    """個人番号: its digits, whatever signs part them; with a word in it, none that anybody has."""
    shown = plain(text)
    if shown.isascii() and shown.isdigit():
        return shown
    if not any(map(_digit, shown)):
        # Among other digits 一 is a dash.
        shown = shown.translate(_KANJI)
    return "".join(_digit(sign) or (sign if _parts(sign) else "") for sign in shown)


def meant(text: str) -> frozenset[str]:
    """The addressee codes that a human would read in a cell; for protection, and for nothing that
    is stored. Twelve digits count too: they may have lost three zeros."""
    shown = plain(text)
    whole = _written_out(shown)
    folded = unicodedata.normalize("NFKC", bare(text))
    groups = _SEVERAL.split(folded) if whole == shown else [whole]
    return frozenset(code for group in groups for code in _meant_by(group))


def _meant_by(group: str) -> list[str]:
    """A space may part two codes, or the groups of one that has all its digits."""
    digits, parts = _digits(group), group.split()
    found = [digits]
    if len(parts) > 1 and len(digits) != ADDRESSEE_DIGITS:
        found += map(_digits, parts)
    codes = (each.lstrip("0") for each in found)
    return [code.zfill(ADDRESSEE_DIGITS) for code in codes if 0 < len(code) <= ADDRESSEE_DIGITS]


def _digits(text: str) -> str:
    return "".join(map(_digit_or_none, text))


def _written_out(text: str) -> str:
    """A number as a spreadsheet shows it: `10001.0`, `10,001`, `1.0001E+04`."""
    decimal, power = _DECIMAL.fullmatch(text), _POWER.fullmatch(text)
    if power is not None and len(power[2] or "") <= int(power[3]):
        return power[1] + (power[2] or "").ljust(int(power[3]), "0")
    if _THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    return decimal[1] if decimal else text


def _padded(text: str, length: int) -> str:
    if not (text.isascii() and text.isdigit()) or could_be_number(text):
        return text
    return text.lstrip("0").zfill(length)


def _is_blank(sign: str) -> bool:
    """Spaces, controls, and marks that nobody sees."""
    return sign.isspace() or unicodedata.category(sign) in {"Cc", "Cf", "Mn", "Me", "Zs"}


def _digit_or_none(sign: str) -> str:
    return _digit(sign) or ""
