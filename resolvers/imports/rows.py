"""What a row of people must be as a whole: cells that need each other, keys derived from others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from models.labels import Check
from models.trade import rules
from models.trade.city_file import Values
from models.trade.kana import fold_kana
from models.trade.rules import Reason
from resolvers.imports.cells import DIRECT_DEBIT, REFUND, Cell
from resolvers.imports.report import Problem, Row

# A child row that lacks this cell says nothing.
NEEDED = {
    "special_addressee": ("special_addressee_code", "特定宛先人コード"),
    "household_membership": ("household_code", "世帯コード"),
    "related_addressee": ("previous_addressee_code", "関連前宛名コード"),
    "contact": ("value", "電話番号等"),
}
FOLDED = {"full_name_kana": "full_name_search_kana", "given_name_kana": "given_name_search_kana"}
CONTACT_CHECKS: Mapping[str, Check] = {"EMAIL": rules.email, "OTHER": rules.plain_text}
POSTAL_BANK, POSTAL_DIGITS = "9900", 8


class WholeRows:
    """Checks and completes converted rows. `items`: the codes of all tax and fee items."""

    def __init__(self, cells: Mapping[str, Cell], items: Collection[str]) -> None:
        self._cells = cells
        self._items = items
        self._headers = {(cell.part, cell.column): cell.header for cell in cells.values()}

    def complete(self, row: Row) -> None:
        """Add what is wrong with the row as a whole to its problems."""
        for part, values in row.parts.items():
            if part in (DIRECT_DEBIT, REFUND):
                self._account(row, part, values)
            elif part in NEEDED:
                column, header = NEEDED[part]
                self._must_have(row, values, column, header)
                if part == "contact":
                    self._contact(row, values)
            for kana, folded in FOLDED.items():
                if values.get(kana) and not values.get(folded):
                    values[folded] = fold_kana(values[kana])

    def problem(self, part: str, column: str, reason: str) -> Problem:
        """A problem of one cell, named as the file names it."""
        return Problem.of(self._cells[self._headers[part, column]], reason)

    def _account(self, row: Row, part: str, values: Values) -> None:
        for column in ("bank_code", "account_number"):
            self._must_have(row, values, column, self._headers[part, column])
        digits = len(values.get("account_number") or "")
        if digits == POSTAL_DIGITS and values.get("bank_code") != POSTAL_BANK:
            reason = Reason(
                "only a postal account has eight digits", "8桁の口座番号はゆうちょのみです"
            )
            row.problems.append(self.problem(part, "account_number", reason))
        item = values.get("tax_item_code")
        if item is not None and item not in self._items:
            reason = Reason("there is no such tax or fee item", "この科目コードはありません")
            row.problems.append(self.problem(part, "tax_item_code", reason))

    def _contact(self, row: Row, values: Values) -> None:
        check = CONTACT_CHECKS.get(values.get("kind") or "", rules.phone_or_email)
        reason = check(values["value"]) if values.get("value") else None
        if reason is not None:
            row.problems.append(self.problem("contact", "value", reason))

    def _must_have(self, row: Row, values: Values, column: str, header: str) -> None:
        complained = any(problem.column == header for problem in row.problems)
        if values.get(column) is None and not complained:
            reason = Reason("must be filled where cells beside it are", f"{header}は必須です")
            row.problems.append(Problem.of(self._cells[header], reason))
