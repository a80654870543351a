"""Loading addressees with everything that hangs on them, and accounts, batch by batch.

Each batch is one transaction, with the obligations that follow from it; what is there already is
left alone, so that an interrupted or repeated import goes on where it stopped. A row that names an
addressee of a later row waits for another pass over the file, and a record that continues an
earlier one waits whole: its address must not be readable before the link that protects it. So does
where somebody's mail goes, until everybody who acts for them is stored as such. Of a row that is
refused for such a link, the rest is loaded.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.numbers.vault import NumberRecord, Unattended, Vault
from models.graph.graph import GRAPH
from models.store.bulk import add
from models.store.database import Database
from models.trade.city_file import Values
from models.trade.rules import Reason
from models.trade.texts import compared, same
from resolvers.imports.ahead import FLAGS, Ahead, raised_flags
from resolvers.imports.cells import ACCOUNT, CHILD_TYPES, NUMBER, table_of
from resolvers.imports.report import Outcome, Problem, Row
from resolvers.imports.rows import WholeRows
from resolvers.protection.causes import Causes, codes_of, enter_unspecified
from resolvers.protection.namesake import enter_namesakes, have_namesakes
from resolvers.protection.obligation import (
    cover_alone,
    cover_both,
    lapse_exclusions,
    raise_obligations,
    write_down_unexplained,
)

PURPOSE = "addressee-management"
LOOKS_AGAIN = 0.12
"""Seconds within which whoever waits for SQLite's file looks again: it does so each 0.1 s."""
ADDRESSEE = GRAPH.types["Addressee"].table
TABLES: dict[str, sa.Table] = {
    GRAPH.types[name].table.name: GRAPH.types[name].table for name in (*CHILD_TYPES, "Account")
}
LINKS = {
    "special_addressee": "special_addressee_code",
    "related_addressee": "previous_addressee_code",
    ACCOUNT: "holder_addressee_code",
}
SPECIAL = TABLES["special_addressee"]
MAY_NAME_AGENTS = frozenset(type_.table.name for type_ in GRAPH.types.values() if type_.noun.agents)
ACCOUNT_KEY = (
    "addressee_code", "usage", "tax_item_code", "bank_code", "branch_code", "account_number",
    "starts_on",
)  # fmt: skip
NOT_BASE = frozenset({"code", *FLAGS})

NO_BASE = Reason(
    "no row with this code carries the addressee itself", "この宛名コードの基本情報がありません"
)
NO_TARGET = Reason("there is no addressee with this code", "この宛名コードは登録されていません")
NO_AGENT = Reason(
    "where mail goes is loaded after the links to who acts for the addressee",
    "特定宛先人が登録されるまで送付先は取り込みません",
)
DIFFERS = Reason(
    "differs from what is loaded for this addressee", "登録済みまたは先の行の値と異なります"
)
NO_STORE = Reason("there is no store of numbers", "個人番号のデータベースがありません")


@dataclass(slots=True)
class _Batch:
    """The rows of one batch by addressee, what is stored of these, and what will be written.

    `lacking`: for whom somebody acts, as the file says, who is not stored as such yet.
    """

    groups: dict[str, list[Row]]
    stored: dict[str, Values]
    known: set[str]
    last: bool
    lacking: set[str] = field(default_factory=set)
    outcome: Outcome = field(default_factory=Outcome)
    fresh: dict[str, Values] = field(default_factory=dict)
    children: dict[str, list[Values]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def base(self, code: str) -> Values | None:
        """The addressee as it is stored, or will be."""
        return self.fresh.get(code) or self.stored.get(code)

    def there(self, code: str) -> bool:
        """Whether a link may lead to this addressee."""
        return code in self.known or code in self.fresh


class PeopleLoader:
    """Loads converted rows of people. `ahead`: what the whole file asks to protect."""

    def __init__(
        self, database: Database, vault: Vault | None, whole: WholeRows, ahead: Ahead
    ) -> None:
        self._database = database
        self._vault = vault
        self._whole = whole
        self._ahead = ahead
        self._foreseen: set[str] = set()

    async def begin(self) -> None:
        """Cover whoever is there already and is asked for, before anybody comes in who is tied to
        them, and whose own row may have fallen apart."""
        asked = self._ahead.codes.codes()
        async with self._database.write() as connection:
            there = await codes_of(connection, sa.select(ADDRESSEE.c.code), asked)
            if there:
                fresh = await enter_unspecified(connection, self._ahead.untold_among(there))
                if fresh:
                    await lapse_exclusions(connection, fresh, dt.datetime.now(dt.UTC))
                await raise_obligations(connection, there, self._ahead.asked_among(there))
        self._foreseen |= there

    async def load(self, rows: Sequence[Row], *, last: bool) -> Outcome:
        """Load what can be loaded. In the `last` pass nothing waits any more: it is rejected."""
        for row in rows:
            self._whole.complete(row)
        began = time.monotonic()
        async with self._database.write() as connection:
            batch = await _look(connection, rows, last)
            self._decide_bases(batch)
            self._wait_for_earlier_records(batch)
            self._put_off(batch)
            await self._decide_children(connection, batch)
            await _write(connection, batch)
            batch.outcome.gained = bool(batch.fresh or batch.children)
            await self._protect(connection, batch)
            # Before the batch can be seen: a number may say whose record a new one is.
            same = await self._keep_numbers(batch)
            if same:
                self._foreseen |= await cover_both(connection, same)
        batch.outcome.settle(rows)
        if self._database.dialect == "sqlite":
            # A server's access log must get its turn between two batches.
            await asyncio.sleep(min(time.monotonic() - began, LOOKS_AGAIN))
        return batch.outcome

    async def finish(self) -> None:
        """Write a cause down for whoever was covered for a row that was refused in the end."""
        if self._foreseen:
            async with self._database.write() as connection:
                await write_down_unexplained(connection, self._foreseen)

    # Which addressees there will be.

    def _decide_bases(self, batch: _Batch) -> None:
        for code, rows in batch.groups.items():
            for row in rows:
                own = row.parts.get("addressee", {})
                base = batch.base(code)
                if row.problems:
                    continue
                if base is not None:
                    row.problems += self._differences(own, base)
                elif not own.keys() <= NOT_BASE:
                    batch.fresh[code] = own
            self._compare_numbers(rows)

    def _differences(self, own: Values, base: Values) -> Iterator[Problem]:
        """Base items of a further row: equal or empty. Flags may only be raised."""
        for name, value in own.items():
            if value is not None and name not in FLAGS and not same(base.get(name), value):
                yield self._whole.problem("addressee", name.removesuffix("_text"), DIFFERS)

    def _compare_numbers(self, rows: Sequence[Row]) -> None:
        numbers = [
            row for row in rows if not row.problems and "number" in row.parts.get(NUMBER, {})
        ]
        for row in numbers[1:]:
            if row.parts[NUMBER]["number"] != numbers[0].parts[NUMBER]["number"]:
                row.problems.append(self._whole.problem(NUMBER, "number", DIFFERS))

    def _wait_for_earlier_records(self, batch: _Batch) -> None:
        """Take back new addressees that continue a record which is not there yet."""
        lacking = True
        while lacking:
            lacking = False
            for code in list(batch.fresh):
                for row in batch.groups[code]:
                    values = row.parts.get("related_addressee", {})
                    target = values.get("previous_addressee_code")
                    if row.problems or not target or batch.there(target):
                        continue
                    lacking = True
                    batch.fresh.pop(code, None)
                    if batch.last:
                        row.problems.append(self._no_target("related_addressee"))
                        self._next_base(batch, code)
                    break

    def _no_target(self, part: str) -> Problem:
        return self._whole.problem(part, LINKS[table_of(part)], NO_TARGET)

    def _next_base(self, batch: _Batch, code: str) -> None:
        for row in batch.groups[code]:
            own = row.parts.get("addressee", {})
            if not row.problems and not own.keys() <= NOT_BASE:
                batch.fresh[code] = own
                return

    def _put_off(self, batch: _Batch) -> None:
        """Rows about an addressee who is not there: they wait, what is wrong with them too."""
        for code, rows in batch.groups.items():
            if batch.base(code) is not None:
                continue
            for row in rows:
                if not batch.last and row.code:
                    batch.outcome.waiting.add(row.line)
                elif not row.problems:
                    row.problems.append(self._whole.problem("addressee", "code", NO_BASE))

    # What hangs on them.

    async def _decide_children(self, connection: AsyncConnection, batch: _Batch) -> None:
        there = await _stored_children(connection, batch)
        await self._look_for_agents(connection, batch)
        for code, rows in batch.groups.items():
            base = batch.base(code)
            for row in rows if base is not None else ():
                if row.problems:
                    continue
                news = batch.fresh.get(code) is row.parts.get("addressee")
                for part, values in row.parts.items():
                    if table_of(part) in TABLES:
                        news |= self._add_child(batch, row, part, values, there)
                (batch.outcome.loaded if news else batch.outcome.already_there).add(row.line)

    async def _look_for_agents(self, connection: AsyncConnection, batch: _Batch) -> None:
        named = self._ahead.agents
        acted_for = batch.groups.keys() & named.keys()
        if acted_for:
            stored = sa.select(SPECIAL.c.addressee_code, SPECIAL.c.special_addressee_code).where(
                SPECIAL.c.addressee_code.in_(acted_for)
            )
            there = {(code, agent) for code, agent in await connection.execute(stored)}
            batch.lacking = {
                code for code in acted_for for agent in named[code] if (code, agent) not in there
            }

    def _add_child(
        self, batch: _Batch, row: Row, part: str, values: Values, there: dict[Any, Values]
    ) -> bool:
        """Whether the row brings this child row as news."""
        child = _child(part, row.code, values)
        key = _key(table_of(part), child)
        if key in there:
            if compared(there[key]) != compared(child):
                row.problems.append(self._whole.problem(part, "account_number", DIFFERS))
            return False
        lack = self._lack(batch, part, child)
        if lack is not None:
            if batch.last:
                row.problems.append(lack)
            else:
                batch.outcome.waiting.add(row.line)
            return False
        there[key] = child
        batch.children.setdefault(table_of(part), []).append(child)
        batch.touched.add(row.code)
        return True

    def _lack(self, batch: _Batch, part: str, child: Values) -> Problem | None:
        """What a child row must wait for."""
        if part in MAY_NAME_AGENTS and child["addressee_code"] in batch.lacking:
            return self._whole.problem("special_addressee", "special_addressee_code", NO_AGENT)
        target = child.get(LINKS.get(table_of(part), ""))
        return self._no_target(part) if target and not batch.there(target) else None

    # Care for protected people.

    async def _protect(self, connection: AsyncConnection, batch: _Batch) -> None:
        """Raise flags and obligations, also those that a refused row asks for: a mistake in another
        cell must not lay somebody open."""
        causes, ties = Causes(), Causes()
        asks_anew: set[str] = set()
        for code, rows in batch.groups.items():
            base = batch.base(code)
            if base is None:
                continue
            self._ahead.ask(causes, rows)
            if code in batch.fresh:
                self._ahead.tie(ties, rows)
            flags = raised_flags(rows, base)
            if flags:
                batch.touched.add(code)
                asks_anew.add(code)
                raised = sa.update(ADDRESSEE).where(ADDRESSEE.c.code == code).values(**flags)
                await connection.execute(raised)
        touched = batch.touched | batch.fresh.keys()
        touched |= causes.codes()
        self._foreseen |= causes.codes() | ties.codes()
        there = [code for code in batch.groups if batch.base(code) is not None]
        asks_anew |= await enter_unspecified(connection, self._ahead.untold_among(there))
        if asks_anew:
            await lapse_exclusions(connection, asks_anew, dt.datetime.now(dt.UTC))
        if touched:
            await raise_obligations(connection, touched, causes)
        if ties.codes():
            await cover_alone(connection, ties)
        if batch.fresh:
            await self._look_for_namesakes(connection, batch)

    async def _look_for_namesakes(self, connection: AsyncConnection, batch: _Batch) -> None:
        """Newcomers who could be somebody else. When everybody else of the batch is covered."""
        covered = await enter_namesakes(connection, batch.fresh, self._ahead.namesakes)
        if covered:
            await raise_obligations(connection, covered)
        for code in await have_namesakes(connection, batch.fresh):
            batch.outcome.namesakes.add(batch.groups[code][0].line)

    # Individual numbers, in the database of their own.

    async def _keep_numbers(self, batch: _Batch) -> list[tuple[str, str]]:
        """The pairs of addressees of whom the file and the store say the same number."""
        given = [
            row
            for code, rows in batch.groups.items()
            if batch.base(code) is not None
            for row in [row for row in rows if not row.problems and _has_number(row)][:1]
        ]
        if not given:
            return []
        if self._vault is None:
            for row in given:
                row.problems.append(self._whole.problem(NUMBER, "number", NO_STORE))
            return []
        records = [NumberRecord(row.code, **row.parts[NUMBER]) for row in given]
        rejected = await self._vault.write_many(records, Unattended(), PURPOSE)
        for rejection in rejected:
            problem = self._whole.problem(NUMBER, "number", rejection.reason)
            given[rejection.position].problems.append(problem)
        return [(one.code, one.holder) for one in rejected if one.holder is not None]


def _has_number(row: Row) -> bool:
    return "number" in row.parts.get(NUMBER, {})


def _child(part: str, code: str, values: Values) -> Values:
    """A whole row of a child table, in the order of its columns, without the surrogate key."""
    row = {column.name: values.get(column.name) for column in TABLES[table_of(part)].columns}
    row["addressee_code"] = code
    if table_of(part) == ACCOUNT:
        row["usage"] = part.partition(":")[2]
    del row["id"]
    return row


def _key(table: str, child: Values) -> tuple[Any, ...]:
    """What makes a child row the same row: an account's natural key, else all that it says."""
    values = [child[name] for name in ACCOUNT_KEY] if table == ACCOUNT else compared(child).values()
    return (table, *values)


async def _look(connection: AsyncConnection, rows: Sequence[Row], last: bool) -> _Batch:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.code, []).append(row)
    found = await connection.execute(sa.select(ADDRESSEE).where(ADDRESSEE.c.code.in_(groups)))
    stored = {values["code"]: dict(values) for values in found.mappings()}
    targets = {
        target
        for row in rows
        for part, values in row.parts.items()
        if (target := values.get(LINKS.get(table_of(part), "")))
    }
    known = await connection.scalars(
        sa.select(ADDRESSEE.c.code).where(ADDRESSEE.c.code.in_(targets - stored.keys()))
    )
    return _Batch(groups, stored, {*known, *stored}, last)


async def _stored_children(connection: AsyncConnection, batch: _Batch) -> dict[Any, Values]:
    """The child rows that addressees of the batch have already."""
    wanted: dict[str, set[str]] = {}
    for code in batch.stored:
        for row in batch.groups[code]:
            for part in row.parts:
                if table_of(part) in TABLES:
                    wanted.setdefault(table_of(part), set()).add(code)
    found: dict[Any, Values] = {}
    for name, codes in wanted.items():
        table = TABLES[name]
        columns = [column for column in table.columns if column.name != "id"]
        rows = await connection.execute(
            sa.select(*columns).where(table.c.addressee_code.in_(codes))
        )
        for values in rows.mappings():
            child = dict(values)
            found[_key(name, child)] = child
    return found


async def _write(connection: AsyncConnection, batch: _Batch) -> None:
    if batch.fresh:
        empty: Values = dict.fromkeys(column.name for column in ADDRESSEE.columns)
        empty |= dict.fromkeys(FLAGS, False)
        await add(connection, ADDRESSEE, [empty | values for values in batch.fresh.values()])
    for name, children in batch.children.items():
        await add(connection, TABLES[name], children)
