"""What each column of the city's files becomes: table, column, conversion, rule, class.

It follows from the labelled columns: the record items that a column stores name its header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa

from models.days import implausible
from models.graph.graph import GRAPH
from models.labels import Check, Label, label_of
from models.tables.account import AccountUsage
from models.tables.individual_number import NUMBERS, IndividualNumber, StoreKind
from models.trade import codes, rules
from models.trade.city_file import (
    ACCOUNT_COLUMNS,
    ADDRESS_WITHHELD,
    ADDRESSEE_HEADER,
    CODE,
    COLLECTION_HEADER,
    COVERED_TOO,
    HANDLING,
    ITEM_NAMES,
    MEASURE_HEADER,
    RECEIPT_HEADER,
    STOP_OUTPUT,
    Values,
    word,
)
from models.trade.kana import fold_kana
from models.trade.rules import Reason
from models.trade.texts import half_width
from models.trade.wareki import NotADateError, parse_day
from resolvers.read.sql import today

Read = Callable[[str, Values], str | None]
"""Put what a cell says under the names of the columns; a reason where it breaks a rule."""

NUMBER = "number"
OTHERS = "others"
ACCOUNT = "bank_account"
DIRECT_DEBIT = f"{ACCOUNT}:{AccountUsage.DIRECT_DEBIT.value}"
REFUND = f"{ACCOUNT}:{AccountUsage.REFUND.value}"
LAST_DEBIT_ITEM = 95
CHILD_TYPES = (
    "ForwardingAddress", "SpecialAddressee", "HouseholdMembership", "UnionMembership",
    "RelatedAddressee", "Contact",
)  # fmt: skip
YES = frozenset(
    (
        "有", "有り", "有る", "あり", "ある", "アリ", "該当", "該当あり", "該当有",
        "対象", "要", "はい", "オン", "真", "○", "〇", "◯", "●", "◎", "レ", "✓", "✔", "☑",
        "true", "t", "yes", "y", "on",
    )
)  # fmt: skip
NO = frozenset(
    (
        "無", "無し", "無い", "なし", "ない", "ナシ", "非該当", "該当なし", "該当無し",
        "該当しない", "該当せず", "設定なし", "登録なし", "指定なし", "未設定", "未登録",
        "非対象", "対象外", "不要", "否", "いいえ", "オフ", "偽", "×", "✕", "✖", "✗", "☐", "/",
        "false", "f", "no", "n", "off", "null", "none",
    )
)  # fmt: skip
_ONE = re.compile(r"0*1(?:\.0*)?")
_NOTHING = re.compile(r"0+(?:\.0*)?|[-―—─ー]+")
FLAG_REASON = Reason("a flag is 1 or 0, or a word that means yes or no", "フラグは1または0です")
INTEGERS: Mapping[str, Check] = {
    "levy_year": rules.year,
    "fiscal_year": rules.year,
    "term": rules.term,
}


_TABLES: Mapping[str, sa.Table] = {
    **{type_.table.name: type_.table for type_ in GRAPH.types.values()},
    NUMBER: NUMBERS,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a file. `part` names the row that it belongs to; `item` its own column."""

    header: str
    part: str
    column: str
    classes: tuple[str, ...]
    read: Read


def implausible_days(part: str, values: Values) -> Iterator[tuple[str, Reason]]:
    """The columns of one part of a row that hold days that cannot be."""
    return implausible(_TABLES[table_of(part)], values, today())


def table_of(part: str) -> str:
    """The table of a part: `bank_account:REFUND` is a row of `bank_account`."""
    return ACCOUNT if part in (DIRECT_DEBIT, REFUND) else part


def people_cells(kind: StoreKind) -> dict[str, Cell]:
    """The columns of the addressee file; numbers must suit the kind of store."""
    found: dict[str, Cell] = {}
    for name in ("Addressee", *CHILD_TYPES):
        found |= _of_table(GRAPH.types[name].table)
    found |= _accounts(GRAPH.types["Account"].table)
    found |= _numbers(kind)
    found[HANDLING] = Cell(HANDLING, "handling", "", ("handling",), read_handling)
    missing = [name for name in ADDRESSEE_HEADER if name not in found]
    if missing:
        raise LookupError(f"no column stores {missing}")
    return {name: found[name] for name in ADDRESSEE_HEADER}


def account_cells(kind: StoreKind) -> dict[str, Cell]:
    """The columns of an accounts file: those of the addressee file that are about accounts."""
    return {
        name: cell
        for name, cell in people_cells(kind).items()
        if name == CODE or cell.part in (DIRECT_DEBIT, REFUND)
    }


def collection_cells() -> dict[str, Cell]:
    """The columns of the collections file."""
    return _by_name(GRAPH.types["Collection"].table, COLLECTION_HEADER)


def receipt_cells() -> dict[str, Cell]:
    """The columns of the receipts file; the first five name the levy item."""
    levy = _by_name(GRAPH.types["Collection"].table, RECEIPT_HEADER[:5])
    return levy | _by_name(GRAPH.types["Receipt"].table, RECEIPT_HEADER[5:])


def measure_cells() -> dict[str, Cell]:
    """The columns of a file of measures."""
    table = GRAPH.types["ProtectiveMeasure"].table
    too = Cell(COVERED_TOO, table.name, OTHERS, ("protection",), _read_codes)
    return _by_name(table, MEASURE_HEADER) | {COVERED_TOO: too}


def part_of(row: Mapping[str, Any], columns: Collection[str]) -> tuple[Any, ...]:
    """The values of some columns, for comparing rows."""
    return tuple(row.get(name) for name in columns)


def _of_table(table: sa.Table) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for column in table.columns:
        label = label_of(column)
        headers = [ITEM_NAMES[number] for number in label.items]
        if not headers and column.foreign_keys and label.ja in ITEM_NAMES.values():
            headers = [label.ja] if label.ja != CODE else []
        for header in headers:
            found[header] = _cell(header, table.name, column, label)
    return found


def _accounts(table: sa.Table) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for column in table.columns:
        label = label_of(column)
        for number in label.items:
            if column.name != "branch_code":
                header = ITEM_NAMES[number]
                part = DIRECT_DEBIT if number <= LAST_DEBIT_ITEM else REFUND
                found[header] = _cell(header, part, column, label)
    for header, (usage, name) in ACCOUNT_COLUMNS.items():
        column = table.c[name]
        found[header] = _cell(header, f"{ACCOUNT}:{usage}", column, label_of(column))
    return found


def _numbers(kind: StoreKind) -> dict[str, Cell]:
    def read_number(text: str, values: Values) -> str | None:
        number = IndividualNumber(text)
        if not number.well_formed:
            return rules.individual_number("")
        if not number.suits(kind):
            return Reason(
                f"the check digit is not that of a {kind.value} store",
                "検査用数字がこのデータベースで扱える個人番号のものではありません",
            )
        values["number"] = number
        return None

    history = ("individual-number-history",)
    return {
        ITEM_NAMES[1]: Cell(ITEM_NAMES[1], NUMBER, "number", ("individual-number",), read_number),
        ITEM_NAMES[2]: Cell(
            ITEM_NAMES[2], NUMBER, "change_reason", history,
            _read_text("change_reason", rules.plain_text, 40),
        ),
        ITEM_NAMES[3]: Cell(
            ITEM_NAMES[3], NUMBER, "change_date", history, _read_day("change_date", True)
        ),
    }  # fmt: skip


def _by_name(table: sa.Table, headers: Collection[str]) -> dict[str, Cell]:
    by_name = {label_of(column).ja: column for column in table.columns}
    return {
        header: _cell(header, table.name, by_name[header], label_of(by_name[header]))
        for header in headers
    }


def _cell(header: str, part: str, column: sa.Column[Any], label: Label) -> Cell:
    return Cell(header, part, column.name, label.classes, _reader(column, label))


def _reader(column: sa.Column[Any], label: Label) -> Read:
    type_, name = column.type, column.name
    if isinstance(type_, sa.Enum) and type_.enum_class is not None:
        return _read_word(name, cast(type[StrEnum], type_.enum_class))
    if isinstance(type_, sa.Boolean):
        return _read_flag(name)
    if isinstance(type_, sa.Date):
        return _read_day(name, f"{name}_text" in column.table.c)
    if isinstance(type_, sa.Integer):
        return _read_integer(name, INTEGERS.get(name, rules.yen))
    if name == "bank_code":
        return _read_bank
    if name.endswith("search_kana"):
        return _read_folded(name)
    if label.form is codes.addressee:
        return _read_code(name)
    check, limit = label.check or _usual_check(name), getattr(type_, "length", None)
    return _read_text(name, check, limit, label.form or str)


def _usual_check(name: str) -> Check:
    if name.endswith("_kana"):
        return rules.kana_name
    return rules.phone_number if name == "phone_number" else rules.plain_text


class ShortCode(Reason):
    """A code lost its zeros. `meant`: which one it was, if there is such a person."""

    __slots__ = ("meant",)
    meant: str

    @classmethod
    def of(cls, meant: str) -> ShortCode:
        """The reason for a code that means this one."""
        reason = cls(rules.SHORT_CODE, rules.SHORT_CODE.ja)
        reason.meant = meant
        return reason


def _code_of(text: str) -> tuple[str, str | None]:
    """A code as a file writes it, in full: what it is, and what is wrong with it. A file that lost
    its zeros may have lost more."""
    code = codes.plain(text)
    reason = rules.addressee_code(code)
    return code, ShortCode.of(codes.addressee(code)) if reason is rules.SHORT_CODE else reason


def _read_code(name: str) -> Read:
    def read(text: str, values: Values) -> str | None:
        code, reason = _code_of(text)
        if reason is None:
            values[name] = code
        return reason

    return read


def _read_text(name: str, check: Check, limit: int | None, form: codes.Form = str) -> Read:
    def read(text: str, values: Values) -> str | None:
        text = form(text)
        if limit is not None and len(text) > limit:
            return Reason(f"longer than {limit} characters", f"{limit}文字を超えています")
        reason = check(text)
        if reason is None:
            values[name] = text
        return reason

    return read


def _read_codes(text: str, values: Values) -> str | None:
    """Those that can be read, also where another one cannot."""
    read = [_code_of(each) for each in text.split()]
    values[OTHERS] = tuple(code for code, reason in read if reason is None)
    return next((reason for _, reason in read if reason is not None), None)


def _read_folded(name: str) -> Read:
    def read(text: str, values: Values) -> str | None:
        values[name] = fold_kana(text)
        return rules.kana_name(text)

    return read


def _read_day(name: str, keeps_text: bool) -> Read:
    text_name = f"{name}_text"

    def read(text: str, values: Values) -> str | None:
        try:
            found = parse_day(text)
        except NotADateError as error:
            return Reason(str(error), error.ja)
        values[name] = found.day
        if found.text is not None:
            if not keeps_text:
                return rules.whole_day(text)
            values[text_name] = found.text
        return None

    return read


def _read_word(name: str, vocabulary: type[StrEnum]) -> Read:
    def read(text: str, values: Values) -> str | None:
        found = word(vocabulary, text)
        values[name] = found
        return (
            None if found else Reason("not one of the known words", "定められた区分ではありません")
        )

    return read


def _read_flag(name: str) -> Read:
    def read(text: str, values: Values) -> str | None:
        values[name] = flag(text)
        return FLAG_REASON if values[name] is None else None

    return read


def flag(text: str) -> bool | None:
    """What a flag says; `None` where it cannot be read."""
    said = {_said(part) for part in half_width(codes.plain(text)).lower().split(":")}
    return said.pop() if len(said) == 1 else None


def _said(word: str) -> bool | None:
    """What one word says; a flag may hold a code and its word (`0:無`)."""
    plain = word.strip("()[]「」【】。")
    if plain in YES or _ONE.fullmatch(plain):
        return True
    return False if plain in NO or _NOTHING.fullmatch(plain) else None


def _read_integer(name: str, check: Check) -> Read:
    def read(text: str, values: Values) -> str | None:
        text = half_width(text)
        reason = check(text)
        if reason is None:
            values[name] = int(text)
        return reason

    return read


def _read_bank(text: str, values: Values) -> str | None:
    """Four digits; or seven, where the file writes the branch behind the bank."""
    text = codes.plain(text)
    if len(text) == 7 and text.isascii() and text.isdigit():
        values["bank_code"] = text[:4]
        values.setdefault("branch_code", text[4:])
        return None
    values["bank_code"] = text
    return rules.bank_code(text)


_HANDLING_WORDS = {ADDRESS_WITHHELD: "address_withheld", STOP_OUTPUT: "stop_output"}
_SEPARATORS = re.compile(r"[・、,，/／;；+＋\s]+")


def read_handling(text: str, values: Values) -> str | None:
    """住所秘匿, 出力停止 or both, or a word that means neither; anything else is refused and, to be
    safe, counts as both."""
    if flag(text) is False:
        values |= dict.fromkeys(_HANDLING_WORDS.values(), False)
        return None
    asked = [_HANDLING_WORDS.get(part) for part in _SEPARATORS.split(text) if part]
    for name in _HANDLING_WORDS.values():
        values[name] = name in asked or None in asked
    if None in asked or not asked:
        return Reason(
            f"write {ADDRESS_WITHHELD}, {STOP_OUTPUT} or both",
            f"{ADDRESS_WITHHELD}・{STOP_OUTPUT}のいずれかです",
        )
    return None
