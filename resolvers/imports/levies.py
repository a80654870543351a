"""Loading collections (one row per levy item) and receipts, batch by batch.

Each batch is one transaction. A levy item is known by addressee, tax or fee item, levy year, notice
and term; a receipt by its levy item, days, amount, channel and state. What is there already is left
alone; where it says something else, the row is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.store.bulk import add
from models.store.database import Database
from models.trade.city_file import Values
from models.trade.levy_balance import outstanding, overpaid
from models.trade.rules import Reason
from models.trade.texts import compared
from resolvers.imports.cells import Cell, part_of
from resolvers.imports.report import Outcome, Problem, Row

ADDRESSEE = GRAPH.types["Addressee"].table
COLLECTION = GRAPH.types["Collection"].table
RECEIPT = GRAPH.types["Receipt"].table
LEVY_KEY = ("addressee_code", "tax_item_code", "levy_year", "notice_number", "term")
PERSONS = {"addressee_code": "宛名コード", "child_addressee_code": "児童宛名コード"}
RECEIPT_KEY = ("collection_id", "received_on", "booked_on", "amount", "channel", "state")
PARTS = (
    ("tax_amount", "received_tax"),
    ("reminder_fee", "received_reminder_fee"),
    ("late_charge", "received_late_charge"),
)
RECEIPT_PARTS = ("tax_amount", "reminder_fee", "late_charge")

NO_ADDRESSEE = Reason("there is no addressee with this code", "この宛名コードは登録されていません")
NO_ITEM = Reason("there is no such tax or fee item", "この科目コードはありません")
NO_LEVY = Reason("there is no such levy item", "調定情報がありません")
MISSING = Reason("must be filled", "必須項目です")
DIFFERS = Reason("is loaded already with other values", "異なる値で登録済みです")
BEFORE_ITS_LEVY = Reason(
    "this day comes before the year in which it was levied", "賦課年度より前の日付です"
)
PARTS_DIFFER = Reason("is not the sum of its parts", "内訳の合計と一致しません")


class LevyLoader:
    """Loads converted rows of the collections file. `items`: the codes of all tax and fee items."""

    def __init__(self, database: Database, cells: dict[str, Cell], items: Collection[str]) -> None:
        self._database = database
        self._cells = cells
        self._items = items
        self._needed = _needed(cells)

    async def load(self, rows: Sequence[Row], *, last: bool) -> Outcome:
        """Load what can be loaded; nothing waits here."""
        outcome = Outcome()
        levies = [(row, _levy(row)) for row in rows]
        for row, levy in levies:
            self._demand(row, levy)
        async with self._database.write() as connection:
            known = await _known(connection, {levy[name] for _, levy in levies for name in PERSONS})
            there = await _stored(connection, {row.code for row in rows})
            fresh = []
            for row, levy in levies:
                for name, header in PERSONS.items():
                    if levy[name] is not None and levy[name] not in known and not row.problems:
                        row.problems.append(Problem.of(self._cells[header], NO_ADDRESSEE))
                if row.problems:
                    continue
                key = part_of(levy, LEVY_KEY)
                if key not in there:
                    there[key] = levy
                    fresh.append(levy)
                    outcome.loaded.add(row.line)
                elif compared(there[key]) == compared(levy):
                    outcome.already_there.add(row.line)
                else:
                    row.problems.append(Problem.of(self._cells["通知書番号"], DIFFERS))
            if fresh:
                await add(connection, COLLECTION, fresh)
        outcome.settle(rows)
        return outcome

    def _demand(self, row: Row, levy: Values) -> None:
        if row.problems:
            return
        lacking = [cell for cell in self._needed if levy[cell.column] is None]
        row.problems += [Problem.of(cell, MISSING) for cell in lacking]
        if levy["tax_item_code"] is not None and levy["tax_item_code"] not in self._items:
            row.problems.append(Problem.of(self._cells["科目コード"], NO_ITEM))


class ReceiptLoader:
    """Loads converted rows of the receipts file."""

    def __init__(self, database: Database, cells: dict[str, Cell]) -> None:
        self._database = database
        self._cells = cells
        self._needed = [cell for cell in _needed(cells) if cell.column not in RECEIPT_PARTS]

    async def load(self, rows: Sequence[Row], *, last: bool) -> Outcome:
        """Load what can be loaded; nothing waits here."""
        outcome = Outcome()
        for row in rows:
            self._demand(row)
        async with self._database.write() as connection:
            levies = await _levy_ids(connection, {row.code for row in rows})
            fresh: list[Values] = []
            there = await _stored_receipts(connection, {row.code for row in rows})
            for row in rows:
                if row.problems:
                    continue
                number = levies.get(part_of(row.parts["collection"], LEVY_KEY))
                if number is None:
                    row.problems.append(Problem.of(self._cells["通知書番号"], NO_LEVY))
                    continue
                receipt = _receipt(row, number)
                key = part_of(receipt, RECEIPT_KEY)
                if key not in there:
                    there[key] = receipt
                    fresh.append(receipt)
                    outcome.loaded.add(row.line)
                elif compared(there[key]) == compared(receipt):
                    outcome.already_there.add(row.line)
                else:
                    row.problems.append(Problem.of(self._cells["金額"], DIFFERS))
            if fresh:
                await add(connection, RECEIPT, fresh)
        outcome.settle(rows)
        return outcome

    def _demand(self, row: Row) -> None:
        if row.problems:
            return
        values = row.parts.get("collection", {}) | row.parts.get("receipt", {})
        lacking = [cell for cell in self._needed if values.get(cell.column) is None]
        row.problems += [Problem.of(cell, MISSING) for cell in lacking]
        if not lacking and values["received_on"].year < values["levy_year"]:
            row.problems.append(Problem.of(self._cells["領収年月日"], BEFORE_ITS_LEVY))
        parts = [values[name] for name in RECEIPT_PARTS if name in values]
        if parts and sum(parts) != values.get("amount"):
            row.problems.append(Problem.of(self._cells["金額"], PARTS_DIFFER))


_LEVY_COLUMNS = [column.name for column in COLLECTION.columns if column.name != "id"]
_RECEIPT_COLUMNS = [column.name for column in RECEIPT.columns if column.name != "id"]
_NUMBERS_OF_LEVY = dict.fromkeys(name for pair in PARTS for name in pair)
_EMPTY_LEVY: Values = (
    dict.fromkeys(_LEVY_COLUMNS)
    | dict.fromkeys(_NUMBERS_OF_LEVY, 0)
    | {"arrears_state": "NONE", "outstanding": 0, "overpaid": 0, "tax_amount": None}
)
_EMPTY_RECEIPT: Values = dict.fromkeys(_RECEIPT_COLUMNS) | {
    "tax_amount": 0, "reminder_fee": 0, "late_charge": 0,
}  # fmt: skip


def _levy(row: Row) -> Values:
    """A whole row of the table, with what follows from the amounts."""
    levy = _EMPTY_LEVY | row.parts.get("collection", {})
    if levy["tax_amount"] is not None and levy["status"] is not None:
        parts = [(levy[levied], levy[received]) for levied, received in PARTS]
        levy["outstanding"] = outstanding(levy["status"], parts)
        levy["overpaid"] = overpaid(parts)
    return levy


def _receipt(row: Row, number: int) -> Values:
    return _EMPTY_RECEIPT | row.parts["receipt"] | {
        "collection_id": number, "addressee_code": row.code,
    }  # fmt: skip


def _needed(cells: dict[str, Cell]) -> list[Cell]:
    """The columns that must be filled."""
    tables = {"collection": COLLECTION, "receipt": RECEIPT}
    return [cell for cell in cells.values() if not tables[cell.part].c[cell.column].nullable]


async def _known(connection: AsyncConnection, codes: set[str | None]) -> set[str]:
    wanted = [code for code in codes if code]
    return set(
        await connection.scalars(sa.select(ADDRESSEE.c.code).where(ADDRESSEE.c.code.in_(wanted)))
    )


async def _stored(connection: AsyncConnection, codes: set[str]) -> dict[tuple[Any, ...], Values]:
    columns = [COLLECTION.c[name] for name in _LEVY_COLUMNS]
    rows = await connection.execute(
        sa.select(*columns).where(COLLECTION.c.addressee_code.in_(codes))
    )
    return {part_of(levy, LEVY_KEY): levy for levy in map(dict, rows.mappings())}


async def _levy_ids(connection: AsyncConnection, codes: set[str]) -> dict[tuple[Any, ...], int]:
    columns = [COLLECTION.c[name] for name in ("id", *LEVY_KEY)]
    rows = await connection.execute(
        sa.select(*columns).where(COLLECTION.c.addressee_code.in_(codes))
    )
    return {tuple(row)[1:]: row[0] for row in rows}


async def _stored_receipts(
    connection: AsyncConnection, codes: set[str]
) -> dict[tuple[Any, ...], Values]:
    columns = [RECEIPT.c[name] for name in _RECEIPT_COLUMNS]
    rows = await connection.execute(sa.select(*columns).where(RECEIPT.c.addressee_code.in_(codes)))
    return {part_of(one, RECEIPT_KEY): one for one in map(dict, rows.mappings())}
