"""One request over the ASGI interface, with everything that it does to the stores."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from authz.access_log import LoggedOperation, Record
from models.store.database import Reader
from resolvers.write.pipeline import Changed, Event
from schema.http.application import Services
from schema.http.graphql import GraphQLEndpoint

Call = tuple[Any, ...]
_asking = ContextVar("asking", default=False)
"""Set in the tasks of a request: what the worker does on its own time is no part of it."""


WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@dataclass(frozen=True, slots=True)
class Observation:
    """What came back, and the calls to the stores in order.

    Of a statement also what it gave back: what is hidden does not leave the database. Of those in
    the transaction of a change only the parameters: it goes by more than its actor may see.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    calls: tuple[Call, ...]


class Observer:
    """Sends requests to a worker, and listens to its stores from then on.

    `changed`: what the last request's use case returned. `wrote`: tables that were written to,
    until somebody takes note and clears it.
    """

    def __init__(self, services: Services) -> None:
        self._endpoint = GraphQLEndpoint(services.answer)
        self._calls: list[Call] = []
        self.changed = Changed()
        self.wrote: set[str] = set()
        self._listen(services)
        self._listen_to_writes(services)

    async def ask(
        self, body: bytes, headers: Mapping[str, str], path: str = "/graphql"
    ) -> Observation:
        """Send a body; `headers` beside the content type."""
        self._calls = []
        self.changed = Changed()
        sent: list[Any] = []
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [
                (b"content-type", b"application/json"),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        asking = _asking.set(True)
        try:
            await self._endpoint(scope, receive, send)
        finally:
            _asking.reset(asking)
        start, end = sent
        return Observation(
            start["status"], tuple(start["headers"]), end["body"], tuple(self._calls)
        )

    def _listen(self, services: Services) -> None:
        """Put a note before every call to a store."""
        database, log, sessions = services.database, services.log, services.sessions
        read, begin = database.read, log.begin
        vault: Any = services.answer._reads.vault
        line: Any = sessions._line

        @contextlib.asynccontextmanager
        async def noted_read(**options: bool) -> AsyncIterator[Reader]:
            async with read(**options) as reader:
                yield _Noted(reader, self._note)

        def noted_begin(record: Record, operation: LoggedOperation | None = None) -> Any:
            self._note("log", *_logged(record), operation and operation.digest)
            return begin(record, operation)

        database.read = noted_read  # type: ignore[method-assign]
        log.begin = noted_begin  # type: ignore[method-assign]
        for store, name in ((vault, "read"), (vault, "match"), (line, "call")):
            setattr(store, name, _noting(getattr(store, name), self._note, name))
        harvest: Any = services.harvest
        harvest.hold = _noting(harvest.hold, self._note, "hold")
        settle = harvest.settle

        def noted_settle(held: Any, units: int, persons: Iterable[str] = ()) -> None:
            persons = list(persons)
            self._note("settle", units, sorted(persons))
            settle(held, units, persons)

        harvest.settle = noted_settle

    def _listen_to_writes(self, services: Services) -> None:
        """Every statement through SQLAlchemy, what a use case returned, and what was to be told.

        Nobody is told: the towns share one Redis, and the version that it names binds them all.
        """
        writes: Any = services.answer._writes
        make = writes._change

        async def noted_change(*given: Any) -> Changed:
            self.changed = await make(*given)
            return self.changed

        async def noted_tell(event: Event) -> None:
            self._note("tell", repr(event))

        def noted_statement(_c: Any, _k: Any, sql: str, given: Any, *_: Any) -> None:
            if "INTO access_log" in sql:
                # As of other records, all but the time.
                given = given[1:]
            if "logged_operation" not in sql:
                self._note("sql", sql, repr(given))
            written = WRITES.match(sql)
            if written is not None:
                self.wrote.add(written[1])

        writes._change = noted_change
        writes._tell = noted_tell
        engine = services.database.engine.sync_engine
        sa.event.listen(engine, "before_cursor_execute", noted_statement)

    def _note(self, *call: Any) -> None:
        if _asking.get():
            self._calls.append(call)


@dataclass(frozen=True, slots=True)
class _Noted:
    reader: Reader
    note: Any

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        found = await self.reader.rows(sql, arguments)
        rows = [repr(tuple(row)) for row in found]
        # Without an order PostgreSQL gives rows as they lie, and the next level's keys follow them.
        in_order = rows if "ORDER BY" in sql else sorted(rows)
        self.note("rows", sql, [_unordered(one) for one in arguments], in_order)
        return found


def _unordered(argument: Any) -> str:
    return repr(sorted(argument, key=repr) if isinstance(argument, list) else argument)


def _noting(function: Any, note: Any, name: str) -> Any:
    async def noted(*arguments: Any) -> Any:
        note(name, *arguments)
        return await function(*arguments)

    return noted


def _logged(record: Record) -> Call:
    """A record without the time; all that an auditor could see later."""
    return (
        record.kind,
        record.outcome,
        record.actor,
        record.session,
        record.roles,
        record.purpose,
        record.case_reference,
        record.policy_version,
        tuple(sorted(record.persons)),
    )


def body_of(document: str, variables: Mapping[str, Any], name: str | None = None) -> bytes:
    """The JSON of a request."""
    content = {"query": document, "variables": dict(variables)}
    return orjson.dumps(content if name is None else content | {"operationName": name})
