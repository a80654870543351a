"""No log, no answer: one durable record per operation before the answer is out.

Group commit: while one transaction is being flushed, the records of other requests gather; the
writer then stores them all in the next one, and each caller goes on when its own record is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import Unavailable
from models.store.append_only import Appender, Batch, Row, appender, durably, filled
from models.store.database import Database
from models.tables.access_log import ACCESS_LOG, LOGGED_OPERATION
from models.trade.codes import could_be_number, holds_twelve_digits

PATIENCE = 2.0
COMMAND = "server.py"
BATCH = 500
REMEMBERED = 50_000
UNREADABLE = "(unreadable)"
UNSTATED = frozenset({"unstated"})
"""By what persons came in, where nothing says it: no class, so that nobody is cleared for it."""

Coordinate = tuple[str, str, str]
"""`Type.field`, the action asked, the verdict."""

_logger = logging.getLogger(__name__)
_plain = re.compile(r"[!-~]{1,64}").fullmatch


class Kind(StrEnum):
    """What happened."""

    READ = "READ"
    WRITE = "WRITE"
    SIGN_IN = "SIGN_IN"
    SIGN_OUT = "SIGN_OUT"
    TOKEN = "TOKEN"
    OUTPUT = "OUTPUT"


@dataclass(frozen=True, slots=True)
class LoggedOperation:
    """What was asked, free of values: a property of a plan, made once with it (`of`).

    `digest` is the SHA-256 of the other two, in hexadecimal. `normal_form` is the operation without
    literals, variables, aliases and the client's names.
    """

    digest: str
    normal_form: str
    coordinates: tuple[Coordinate, ...]

    @classmethod
    def of(cls, normal_form: str, coordinates: Sequence[Coordinate]) -> LoggedOperation:
        """Raises `ValueError` if the normal form holds what could be an individual number."""
        if could_be_number(normal_form):
            raise ValueError("the normal form of an operation holds no values")
        material = orjson.dumps([normal_form, coordinates])
        return cls(hashlib.sha256(material).hexdigest(), normal_form, tuple(coordinates))

    def row(self) -> Row:
        """As stored in `logged_operation`."""
        return (self.digest, self.normal_form, orjson.dumps(self.coordinates).decode())


REHEARSAL = LoggedOperation.of("rehearsal", ())


def now() -> dt.datetime:
    """This instant, in UTC."""
    return dt.datetime.now(dt.UTC)


class Record(NamedTuple):
    """One operation and how it ended.

    `outcome` is "OK" or an error code. `persons` are the codes of the addressees whose data the
    answer shows; `through` the classes of the edges and operands by which any of them could have
    come in; `open_persons` those who came in by nothing but their code. Where nothing is said of
    it, nobody reads the persons. Texts from the outside that are not plain, or could hold an
    individual number, are stored as `(unreadable)`. `at`: when it began; `None` is when it is
    recorded.
    """

    kind: Kind
    outcome: str
    actor: str | None = None
    session: str | None = None
    roles: frozenset[str] = frozenset()
    purpose: str | None = None
    case_reference: str | None = None
    policy_version: int | None = None
    persons: Sequence[str] = ()
    at: dt.datetime | None = None
    open_persons: Sequence[str] = ()
    through: frozenset[str] = UNSTATED


class _Pending(NamedTuple):
    row: Row
    operation: LoggedOperation | None
    stored: asyncio.Future[None]


class AccessLog:
    """The log of one process. `start` it in the event loop that serves; `stop` writes what waits.

    `patience`: seconds after which a store that does not answer counts as down.
    """

    def __init__(self, database: Database, patience: float = PATIENCE) -> None:
        self._appender: Appender = appender(database.url, patience)
        self._rehearsing: Appender = appender(database.url, patience)
        self._turn = database.file
        self._patience = patience
        self._pending: list[_Pending] = []
        self._wake = asyncio.Event()
        self._known: set[str] = set()
        self._writer: asyncio.Task[None] | None = None
        self._open = False

    async def start(self) -> None:
        """Connect and begin to write. Raises `Unavailable` if the store does not answer."""
        try:
            async with asyncio.timeout(self._patience):
                await self._appender.open()
        except Exception as error:
            raise _unavailable(error) from None
        self._open = True
        self._writer = asyncio.create_task(self._write(), name="access-log")

    async def stop(self) -> None:
        """Store what waits, refuse everything after, and disconnect."""
        self._open = False
        self._wake.set()
        if self._writer is not None:
            await self._writer
            self._writer = None
        for each in (self._appender, self._rehearsing):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._patience):
                    await each.close()

    async def record(self, record: Record, operation: LoggedOperation | None = None) -> None:
        """Return when the record is on disk. Raises `Unavailable`: then nothing may be answered.

        A caller that is cancelled leaves its record behind, and everybody else's untouched.
        """
        await self.begin(record, operation)

    def begin(
        self, record: Record, operation: LoggedOperation | None = None
    ) -> asyncio.Future[None]:
        """Hand a record over; the future is done when it is on disk, or fails with `Unavailable`.

        An answer may be made ready meanwhile, and may leave only after the future.
        """
        if not self._open:
            raise Unavailable("the access log is closed")
        row = _row(record, operation, self._appender.instant(record.at or now()))
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append(_Pending(row, operation, stored))
        self._wake.set()
        return stored

    async def rehearse(self) -> None:
        """Do all that a record needs, flush included, and leave none. One at a time.

        Raises `Unavailable`.
        """
        if not self._open:
            raise Unavailable("the access log is closed")
        row = _row(Record(Kind.READ, "OK"), REHEARSAL, self._rehearsing.instant(now()))
        rows = {LOGGED_OPERATION: REHEARSAL.row(), ACCESS_LOG: row}
        try:
            async with asyncio.timeout(self._patience), self._turn:
                await self._rehearsing.rehearse(rows)
        except Exception as error:
            await self._rehearsing.discard()
            raise _unavailable(error) from None

    async def _write(self) -> None:
        try:
            while self._open or self._pending:
                await self._wake.wait()
                await self._gather()
                if len(self._pending) <= BATCH:
                    self._wake.clear()
                batch, self._pending = self._pending[:BATCH], self._pending[BATCH:]
                if batch:
                    await self._commit(batch)
        finally:
            self._open = False
            _fail(self._pending)
            self._pending = []

    async def _gather(self) -> None:
        """Let requests that are nearly ready join: turns of the loop, as long as each brings one.

        An idle server waits one turn, a busy one saves flushes. Nobody waits for a clock.
        """
        before = 0
        while before < len(self._pending) < BATCH:
            before = len(self._pending)
            await asyncio.sleep(0)

    async def _commit(self, batch: list[_Pending]) -> None:
        unknown = self._unknown(batch)
        batches = [Batch(ACCESS_LOG, [pending.row for pending in batch])]
        if unknown:
            rows = [operation.row() for operation in unknown.values()]
            batches.insert(0, Batch(LOGGED_OPERATION, rows, once=True))
        try:
            async with asyncio.timeout(self._patience), self._turn:
                await self._appender.append(batches)
        except Exception as error:
            await self._give_up(batch, error)
            return
        except BaseException:
            _fail(batch)
            raise
        self._known.update(unknown)
        for pending in batch:
            if not pending.stored.done():
                pending.stored.set_result(None)

    def _unknown(self, batch: list[_Pending]) -> dict[str, LoggedOperation]:
        if len(self._known) > REMEMBERED:
            self._known.clear()
        return {
            pending.operation.digest: pending.operation
            for pending in batch
            if pending.operation is not None and pending.operation.digest not in self._known
        }

    async def _give_up(self, batch: list[_Pending], error: Exception) -> None:
        _logger.error("the access log cannot be written: %s", type(error).__name__)
        # The store may come back as a restored copy: what it knew is no longer certain.
        self._known.clear()
        waiting, self._pending = self._pending, []
        _fail([*batch, *waiting])
        await self._appender.discard()


async def insert(
    connection: AsyncConnection,
    dialect: str,
    record: Record,
    operation: LoggedOperation | None = None,
) -> None:
    """Add a record inside the transaction of what it records: both are stored, or neither."""
    for statement in durably(dialect):
        await connection.exec_driver_sql(statement)
    if operation is not None:
        known = sa.select(LOGGED_OPERATION.c.digest).where(
            LOGGED_OPERATION.c.digest == operation.digest
        )
        if await connection.scalar(known) is None:
            named = zip(filled(LOGGED_OPERATION), operation.row(), strict=True)
            await connection.execute(
                _insert_once(dialect), {column.name: value for column, value in named}
            )
    named = zip(filled(ACCESS_LOG), _row(record, operation, record.at or now()), strict=True)
    values = {column.name: value for column, value in named}
    await connection.execute(sa.insert(ACCESS_LOG), values)


async def insert_command(
    connection: AsyncConnection, dialect: str, what: str, about: str, by: str = COMMAND
) -> None:
    """Add the record of what a command changes, and of whom or what; `by` whoever runs it."""
    record = Record(kind=Kind.WRITE, outcome="OK", actor=by, session=about)
    await insert(connection, dialect, record, LoggedOperation.of(what, ()))


def _insert_once(dialect: str) -> sa.Insert:
    """Another transaction may have stored the same operation meanwhile."""
    table = LOGGED_OPERATION
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def _row(record: Record, operation: LoggedOperation | None, at: Any) -> Row:
    """As stored in `access_log`; `at` as the driver takes it."""
    persons = list(dict.fromkeys(record.persons))
    told = list(dict.fromkeys(record.open_persons)) if record.through else persons
    return (
        at,
        record.kind.value,
        readable(record.actor),
        readable(record.session),
        _word_list(record.roles),
        readable(record.purpose),
        readable(record.case_reference),
        record.policy_version,
        None if operation is None else operation.digest,
        orjson.dumps(persons).decode(),
        len(persons),
        _word_list(record.through) if persons or record.through != UNSTATED else "",
        orjson.dumps(told).decode(),
        len(told),
        record.outcome,
    )


def readable(value: str | None) -> str | None:
    """The text, or `(unreadable)` if it is not plain, too long, or could hold a number."""
    if value is None or (_plain(value) and not holds_twelve_digits(value)):
        return value
    return UNREADABLE


@lru_cache(maxsize=1024)
def _word_list(words: frozenset[str]) -> str:
    return " ".join(sorted(words))


def _fail(batch: list[_Pending]) -> None:
    for pending in batch:
        if not pending.stored.done():
            pending.stored.set_exception(_unavailable())


def _unavailable(error: Exception | None = None) -> Unavailable:
    if error is not None:
        _logger.error("the access log cannot be opened: %s", type(error).__name__)
    return Unavailable("the access log cannot be written")
