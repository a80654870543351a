"""The server with the oracle beside it, over one town: every answer is compared, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

import authz.policy.store
from authz.actor import Actor
from authz.errors import Refused, Unavailable
from authz.numbers.vault import Unattended, Vault
from authz.policy.policy import Line
from authz.policy.seal import LINES, VERSION, Chain
from authz.policy.store import PolicyStore
from models.graph.graph import GRAPH
from models.store.database import Database
from models.tables.access_log import ACCESS_LOG, LOGGED_OPERATION
from models.tables.individual_number import NumberRecord
from resolvers.read.seal import UNSEEN, Seal
from resolvers.transfer.job import TransferRunner
from schema.http.application import Services, open_services
from schema.request.message import GraphQLRequest
from schema.settings import Settings
from tests.generate.actor import ALONE, Person, terms
from tests.generate.dice import Dice
from tests.generate.policy import first_policy
from tests.generate.request import Guide, Writer
from tests.generate.town import Rows, desk, numbers, town
from tests.oracle.answer import CURSOR, Answer, Oracle, Place, Refusal, Request
from tests.oracle.policy import Book
from tests.oracle.schema import executable_schema
from tests.oracle.state import NumberOf, State

PAGES = 3
LOG_WORDS = ("accessRecord", "AccessRecord", "LoggedOperation")
"""In every document that asks for rows of the log."""
ATTEMPTS, PATIENCE = 20, 0.2
"""On a busy machine a store may take longer than the server waits; seconds between attempts."""
PURPOSE_OF_USE, CASE_REFERENCE, PRIVACY_MODE = "purpose-of-use", "case-reference", "privacy-mode"


class Difference(AssertionError):
    """Server and oracle disagree: the message has the request, ready to send, and both answers."""


@dataclass(repr=False)
class Site:
    """One town with both over it. `counts` adds up what has occurred."""

    services: Services
    oracle: Oracle
    signed_in: dict[Person, tuple[str, Actor]] = field(default_factory=dict)
    cursors: dict[str, set[Place]] = field(default_factory=dict)
    places: dict[Place, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    async def compare(self, person: Person, request: Request) -> list[tuple[Place, str]]:
        """Ask both. Returns the cursors of the answer. Raises `Difference`."""
        token, actor = await self.signed(person)
        if tells_of_the_log(request.document):
            await self._read_log()
        expected = self.oracle.answer(request, actor, self.cursors)
        headers = {"authorization": f"Bearer {token}"}
        for name, value in (
            (PURPOSE_OF_USE, request.purpose),
            (CASE_REFERENCE, request.case),
            (PRIVACY_MODE, request.mode),
        ):
            if value is not None:
                headers[name] = value
        asked = GraphQLRequest(request.document, dict(request.variables), None, headers)
        body, code = await self._ask(asked)
        if isinstance(expected, Refusal) or code:
            return self._refused(person, request, expected, code or _words(body))
        return self._answered(person, request, expected, body)

    async def _read_log(self) -> None:
        """The log grows with every request, so that it is read anew for one that asks for it."""
        database = self.services.database
        tables = dict(self.oracle.state.tables)
        async with database.look() as connection:
            for table in (LOGGED_OPERATION, ACCESS_LOG):
                found = await connection.execute(sa.select(table))
                tables[table.name] = [dict(row._mapping) for row in found]
        self.oracle = replace(self.oracle, state=State(tables, self.oracle.state.numbers))

    async def _ask(self, asked: GraphQLRequest) -> tuple[bytes, str]:
        """The server's answer, or the code of its refusal."""
        for _ in range(ATTEMPTS):
            try:
                return (await self.services.answer(asked)).body, ""
            except Refused as refused:
                code = refused.code
            except Exception as error:
                return b"", f"that failed: {error!r}"
            if code != "UNAVAILABLE":
                break
            await asyncio.sleep(PATIENCE)
        return b"", code

    def _refused(
        self, person: Person, request: Request, expected: Answer | Refusal, code: str
    ) -> list[tuple[Place, str]]:
        if isinstance(expected, Answer):
            raise Difference(_report(person, request, _words(expected.content), f"refusal {code}"))
        if code not in expected.codes:
            raise Difference(_report(person, request, f"refusal {sorted(expected.codes)}", code))
        self.counts[code] += 1
        return []

    def _answered(
        self, person: Person, request: Request, expected: Answer, body: bytes
    ) -> list[tuple[Place, str]]:
        cursors: list[tuple[Place, str]] = []
        content = _with_cursors(expected.content, orjson.loads(body), expected.cursors, cursors)
        if orjson.dumps(content) != body and _in_order(content) != _in_order(orjson.loads(body)):
            raise Difference(_report(person, request, _words(content), _words(body)))
        for place, text in cursors:
            self.cursors.setdefault(text, set()).add(place)
            if self.places.setdefault(place, text) != text:
                raise Difference(f"one place, two cursors: {place}")
        self.counts.update(expected.counts)
        self.counts["answer"] += 1
        self.counts["with rows"] += expected.counts["row"] + expected.counts["value"] > 0
        return cursors

    async def signed(self, person: Person) -> tuple[str, Actor]:
        if person not in self.signed_in:
            self.signed_in[person] = await self._sign_in(person)
        return self.signed_in[person]

    async def _sign_in(self, person: Person) -> tuple[str, Actor]:
        name = f"staff-{len(self.signed_in)}"
        for _ in range(ATTEMPTS):
            # A store was slow: that tells of the machine.
            with contextlib.suppress(Unavailable):
                return await self.services.sessions.open(name, person.roles, person.section)
            await asyncio.sleep(PATIENCE)
        raise Unavailable("nobody can sign in")

    def node_id(self, type_name: str, key: Any) -> str:
        """An id of a row as somebody saw it; it opens the row for whatever purpose is stated."""
        return self.oracle.seal.node_id(UNSEEN, type_name, key)

    def guide(self, person: Person, purpose: str | None, case: str | None) -> Guide:
        """What a writer of requests may know."""
        state, book = self.oracle.state, self.oracle.book
        purposes = sorted(book.open_to(person.roles))
        stated = purpose if purpose in purposes else purposes[0]
        decider = book.decider(person.roles, stated, case is not None)
        return Guide(
            keys={name: [row.key for row in rows] for name, rows in state.rows.items()},
            values=_Values(state),
            numbers=[held.number for held in state.numbers.values()],
            node_id=self.node_id,
            may=decider.may,
        )


class _Values(dict[str, Sequence[Any]]):
    """The stored values of a leaf's column, nulls left out, looked up when they are asked for."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def __missing__(self, coordinate: str) -> Sequence[Any]:
        type_, leaf = LEAVES[coordinate]
        stored = (row.values[leaf] for row in self._state.rows[type_])
        self[coordinate] = [value for value in stored if value is not None]
        return self[coordinate]


LEAVES = {
    leaf.coordinate: (type_.name, leaf.column.name)
    for type_ in GRAPH.types.values()
    for leaf in type_.operands()
}


@contextlib.asynccontextmanager
async def site(
    settings: Settings, dice: Dice, persons: int, policy: Sequence[Line] | None = None
) -> AsyncIterator[Site]:
    """A random town in the migrated stores of the settings, with the application over it.

    `policy`: lines in place of the first policy's.
    """
    database = Database(settings.main_url)
    try:
        stored = await State.load(database, {})
        rows = town(dice, persons, stored.tables)
        await _fill(database, rows, policy, Chain(settings.load_keys()))
        held = numbers(dice, [row["code"] for row in rows["addressee"]])
        lines = first_policy() if policy is None else policy
        await _insert(database, desk(dice, {**stored.tables, **rows}, lines))
        await _fill_vault(settings, held)
        state = await State.load(database, {record.code: _number(record) for record in held})
    finally:
        await database.close()
    seal = Seal(settings.load_keys().derive("seal", 64))
    with pytest.MonkeyPatch.context() as patch:
        # Random rows are no jobs: what the runner made of them, no oracle would know.
        patch.setattr(TransferRunner, "keep_running", _idle)
        if policy is not None:
            # A careless policy is refused when it is loaded; the walls behind that have to hold.
            patch.setattr(authz.policy.store, "check", lambda policy: policy)
        async with _unpublished(settings) as services:
            yield Site(services, Oracle(state, Book.of(state.tables), seal))


@contextlib.asynccontextmanager
async def _unpublished(settings: Settings) -> AsyncIterator[Services]:
    """All towns share one Redis: what is enacted in one must not bind the others. Of a server that
    is opened while they are open it does."""
    async with contextlib.AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PolicyStore, "keep_published", _idle)
            services = await stack.enter_async_context(open_services(settings))
        yield services


async def _idle(*given: Any) -> None:
    return


async def _fill(
    database: Database, rows: Mapping[str, Rows], policy: Sequence[Line] | None, chain: Chain
) -> None:
    await _insert(database, rows)
    async with database.write() as connection:
        # The second version in every town: one Redis tells all of their servers which is in force.
        lines = first_policy() if policy is None else policy
        now = dt.datetime.now(dt.UTC)
        await chain.begin(connection)
        await connection.execute(
            sa.insert(VERSION).values(number=2, published_at=now, reason="a random one")
        )
        await connection.execute(sa.insert(LINES), [_policy_row(line) for line in lines])
        await chain.add(connection, 2)


async def _insert(database: Database, rows: Mapping[str, Rows]) -> None:
    async with database.write() as connection:
        for name, found in rows.items():
            if found:
                await connection.execute(sa.insert(SQLModel.metadata.tables[name]), found)


def _policy_row(line: Line) -> dict[str, Any]:
    return {
        "version": 2,
        "role": line.role,
        "purpose": line.purpose,
        "what": line.what,
        "action": line.action,
        "effect": line.effect,
        "note": "",
    }


async def _fill_vault(settings: Settings, records: Sequence[NumberRecord]) -> None:
    vault = await Vault.open(settings.vault_url, settings.load_keys(), settings.store)
    try:
        rejected = await vault.write_many(records, Unattended(), "addressee-management")
        assert not rejected, rejected
    finally:
        await vault.close()


def _number(record: NumberRecord) -> NumberOf:
    return NumberOf(record.number.reveal(), record.change_reason, record.change_date)


def _with_cursors(
    expected: Any, actual: Any, places: Sequence[Place], found: list[tuple[Place, str]]
) -> Any:
    """The oracle's content with the server's cursors where both have one."""
    if isinstance(expected, dict):
        other = actual if isinstance(actual, dict) else {}
        return {
            key: _with_cursors(inner, other.get(key), places, found)
            for key, inner in expected.items()
        }
    if isinstance(expected, list):
        others = actual if isinstance(actual, list) else []
        return [
            _with_cursors(inner, others[at] if at < len(others) else None, places, found)
            for at, inner in enumerate(expected)
        ]
    if isinstance(expected, str) and expected.startswith(CURSOR) and isinstance(actual, str):
        found.append((places[int(expected.removeprefix(CURSOR))], actual))
        return actual
    return expected


def _in_order(content: dict[str, Any]) -> bytes:
    """The answer as bytes. Two selections of one row write its obligation in either order."""
    privacy = content.get("extensions", {}).get("privacy", {})
    if "obligations" in privacy:
        privacy["obligations"] = sorted(privacy["obligations"], key=orjson.dumps)
    return orjson.dumps(content)


def _words(content: Any) -> str:
    if isinstance(content, bytes):
        content = orjson.loads(content)
    return json.dumps(content, ensure_ascii=False, indent=1)


def _report(person: Person, request: Request, expected: str, actual: str) -> str:
    sent = json.dumps(
        {"query": request.document, "variables": dict(request.variables)}, ensure_ascii=False
    )
    return "\n".join(
        [
            f"{'+'.join(sorted(person.roles))} of {person.section}",
            f"Purpose-Of-Use: {request.purpose}",
            f"Case-Reference: {request.case}",
            f"Privacy-Mode: {request.mode}",
            request.document,
            sent,
            *_differing(expected, actual),
        ]
    )


def _differing(expected: str, actual: str) -> Iterator[str]:
    import difflib

    yield "--- what must be, +++ what the server says"
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), n=6, lineterm="")
    yield from list(lines)[2:]


async def converse(site: Site, dice: Dice) -> None:
    """One request of somebody, the pages that follow, and a stranger with their cursor."""
    who = terms(dice)
    guide = site.guide(who.person, who.purpose, who.case)
    written = Writer(dice, executable_schema(), guide).write()
    request = Request(written.document, written.variables, who.purpose, who.case, who.mode)
    cursors = await site.compare(who.person, request)
    for _ in range(PAGES):
        carried = [(place, text) for place, text in cursors if place.listing.variable]
        if not carried:
            break
        place, text = dice.pick(carried)
        variables = {**request.variables, str(place.listing.variable): text}
        request = replace(request, variables=variables)
        if dice.chance(10):
            stranger = replace(who.person, section="branch", roles=dice.pick(ALONE))
            await site.compare(stranger, request)
        cursors = await site.compare(who.person, request)


def tells_of_the_log(document: str) -> bool:
    """Whether an answer may show the log, which grows with every request."""
    return any(word in document for word in LOG_WORDS)
