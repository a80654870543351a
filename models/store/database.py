"""The file that knows the two dialects: SQLite (embedded) and PostgreSQL (production).

`write` gives SQLAlchemy inside one transaction. `read` gives the driver's own connection inside one
snapshot, for statements compiled once: the way every answer takes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import aiosqlite
import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

from models.labels import Words

Convert = Callable[[Any], Any]

READERS = {"sqlite": 4, "postgresql": 10}
FEW = 2
WAIT_SECONDS = 5.0
READ_SECONDS = 10.0
BUSY_SECONDS = 30
LOOK_AGAIN = 0.2
CACHE_KIB = 16_384
"""Of each connection to SQLite; the system keeps the file in memory anyway."""
SILENT_SECONDS = 120.0
"""A writer that says nothing for so long is given up: one that is paused keeps its locks, and with
them everybody who would enter a measure."""

CURRENT_USER = "SELECT current_user"

# At DEBUG it writes every statement with its parameters.
logging.getLogger("aiosqlite").setLevel(logging.INFO)


_log = logging.getLogger("atena")
_alert = logging.getLogger("atena.alert")


class Access(Enum):
    """How much of the database a reader can see at all; the value is its role on PostgreSQL.

    ORDINARY    no highest class, and what is withheld through views alone that apply the obligation
    RESTRICTED  the highest classes too
    WITHHELD    everything that a plan could name: for `read-withheld` on one person
    """

    ORDINARY = "atena_reads"
    RESTRICTED = "atena_restricted"
    WITHHELD = "atena_withheld"


@dataclass(frozen=True, slots=True)
class Wall:
    """What each kind of reader may read: table or view → columns.

    `views`: which tables each view looks into, whoever reads it.
    """

    readable: Mapping[Access, Mapping[str, frozenset[str]]]
    views: Mapping[str, frozenset[str]]


class DatabaseError(Exception):
    """The database could not be reached or refused a statement; the message names no value."""


class Reader(Protocol):
    """One snapshot of the database, on the driver's own connection."""

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of one compiled statement, as the driver gives them."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement compiled once for one dialect: text, parameter names in order, conversions.

    `constants` are values that the dialect itself puts into the statement (SQLite's `OFFSET 0`).
    """

    sql: str
    binds: tuple[str, ...]
    encode: tuple[Convert | None, ...]
    constants: Mapping[str, Any]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The positional arguments for one request, in the form that the driver takes."""
        if self.constants:
            values = {**values, **self.constants}
        return [
            values[name] if encode is None else encode(values[name])
            for name, encode in zip(self.binds, self.encode, strict=True)
        ]


class IsIn(ColumnElement[bool]):
    """`column` is one of the values in the list parameter `name`: one text for every length."""

    inherit_cache = False
    # Else SQLite is asked `… = 1`, and takes no index for it.
    _is_implicitly_boolean = True
    type = sa.Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        # PostgreSQL cuts what it casts to `varchar(n)`, and finds what nobody asked for.
        type_ = sa.String() if isinstance(column.type, sa.String) else column.type
        self.values: sa.BindParameter[Any] = sa.bindparam(
            name, type_=postgresql.ARRAY(type_), unique=False
        )


@compiles(IsIn)
def _is_in_array(element: IsIn, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return f"{column} = ANY({compiler.process(element.values, **options)})"


@compiles(IsIn, "sqlite")
def _is_in_json(element: IsIn, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    return (
        f"{column} IN (SELECT value FROM json_each({compiler.process(element.values, **options)}))"
    )


class StartsWithAny(ColumnElement[bool]):
    """`column` begins with one of the texts in the list parameter `name`."""

    inherit_cache = False
    _is_implicitly_boolean = True
    type = sa.Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values: sa.BindParameter[Any] = sa.bindparam(
            name, type_=postgresql.ARRAY(sa.String()), unique=False
        )


@compiles(StartsWithAny)
def _starts_with_of_array(element: StartsWithAny, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return f"EXISTS (SELECT 1 FROM unnest({values}) AS w (t) WHERE starts_with({column}, w.t))"


@compiles(StartsWithAny, "sqlite")
def _starts_with_of_json(element: StartsWithAny, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.column, **options)
    values = compiler.process(element.values, **options)
    return (
        f"EXISTS (SELECT 1 FROM json_each({values}) AS w"
        f" WHERE substr({column}, 1, length(w.value)) = w.value)"
    )


class Now(ColumnElement[Any]):
    """This instant by the database's clock, to be compared with a stored instant.

    Not the beginning of the transaction: a snapshot may have been opened long before it is used.
    """

    inherit_cache = True
    # Nothing of it differs, so a statement with it is compiled once.
    _traverse_internals = []  # noqa: RUF012
    type = sa.DateTime(timezone=True)


@compiles(Now)
def _now(element: Now, compiler: Any, **options: Any) -> str:
    return "statement_timestamp()"


@compiles(Now, "sqlite")
def _now_as_stored(element: Now, compiler: Any, **options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


@cache
def named(table: sa.Table, name: str) -> sa.FromClause:
    """A table under a name of its own within one scope of a statement.

    Made once: an alias makes every column anew, and a plan that keeps one keeps them all.
    """
    return table.alias(name)


AFTER_ALL_TEXT = chr(0x10FFFF)
ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer())
ZERO: sa.ColumnElement[int] = sa.literal_column("0", sa.Integer())
ANY_VALUE: tuple[tuple[type[sa.types.TypeEngine[Any]], sa.ColumnElement[Any]], ...] = (
    # A parameter: SQLite compares texts, so it must be written as a cursor's instant is.
    (sa.DateTime, sa.literal(dt.datetime(2000, 1, 1, tzinfo=dt.UTC), sa.DateTime(timezone=True))),
    (sa.Date, sa.literal_column("'2000-01-01'")),
    (sa.Integer, ZERO),
    (sa.String, sa.literal_column("''")),
)
"""Something of a type, alike in both dialects."""

Terms = list[tuple[sa.ColumnElement[Any], bool]]
"""What to order by, each with whether it descends."""


def nulls_last(column: sa.ColumnElement[Any], *, descending: bool) -> Terms:
    """Terms to order by in which nulls come last. None of them is null itself, so that the order
    and the cursor's comparison are alike, and an index on them serves both.

    Ascending text needs one term only, as no stored text comes after the last code point. No day is
    free to stand for null in the same way: files write 9999-12-31 for "no end", and asyncpg takes
    the first and the last day of the calendar for infinity.
    """
    if not getattr(column, "nullable", True):
        return [(column, descending)]
    if isinstance(column.type, sa.String) and not descending:
        last: sa.ColumnElement[Any] = sa.literal_column(f"'{AFTER_ALL_TEXT}'")
        return [(sa.type_coerce(sa.func.coalesce(column, last), column.type), False)]
    for kind, some in ANY_VALUE:
        if isinstance(column.type, kind):
            term = sa.type_coerce(sa.func.coalesce(column, some), column.type)
            return [(sa.case((column.is_(None), ONE), else_=ZERO), False), (term, descending)]
    raise TypeError(f"nothing is ordered by a {column.type}")


class Database:
    """One database with its pools. Open with `Database.open`, close with `close`.

    `file`: whose turn it is to write to the file of SQLite, first come, first served. The writers
    queue before it, so that the access log waits for one of them at most. Left to itself SQLite has
    everybody try again after a while, and nobody gets a turn for certain.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.dialect: Literal["sqlite", "postgresql"] = dialect_of(url)
        self.engine: AsyncEngine = _engine(self.url, self.dialect)
        self._readers: dict[Access, _Readers] = {}
        self._reserved: _Readers | None = None
        self._queue = _turns(self.dialect)
        self.file = _turns(self.dialect)

    @classmethod
    async def open(cls, url: str, wall: Wall | None = None) -> Database:
        """Connect. `url`: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`.

        `wall`: what readers may read; without one, those that are not reserved read everything.
        """
        database = cls(url)
        make = _SqliteReaders if database.dialect == "sqlite" else _PostgresqlReaders
        sizes = dict.fromkeys(Access, FEW) | {Access.ORDINARY: READERS[database.dialect]}
        try:
            for access, size in sizes.items():
                limit = (access, wall) if wall else None
                database._readers[access] = await make.open(database.url, size, limit)
            database._reserved = await make.open(database.url, FEW, None)
        except (OSError, asyncpg.PostgresError, aiosqlite.Error, DatabaseError) as error:
            await database.close()
            if isinstance(error, DatabaseError):
                raise
            raise DatabaseError(f"cannot open the {database.dialect} database") from error
        return database

    async def close(self) -> None:
        """Close every connection."""
        for readers in (*self._readers.values(), self._reserved):
            if readers is not None:
                await readers.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end of the block, rolled back by an exception."""
        async with self._queue, self.file, self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of SQLAlchemy that only looks, for what is rare; it waits for no writer.

        On SQLite it is one snapshot; on PostgreSQL each statement sees what is committed by then.
        """
        async with self.engine.connect() as connection:
            await connection.execution_options(only_looks=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """One at a time of all processes that do the same long work on this database.

        A process that dies gives its turn up. Raises `DatabaseError`.
        """
        take = _turn_on_postgresql if self.dialect == "postgresql" else _turn_on_sqlite
        async with take(self.url, name) as is_ours:
            if not await is_ours():
                _log.warning("another %s is running on this database; this one waits", name)
                # Nothing tells one process that another one's lock is free.
                while not await is_ours():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_AGAIN)
            yield

    def read(
        self,
        *,
        snapshot: bool = True,
        reserved: bool = False,
        access: Access = Access.ORDINARY,
    ) -> AbstractAsyncContextManager[Reader]:
        """One snapshot for the statements of the block (`snapshot=False`: for a single one).

        `access`: how much the statements may see.
        `reserved`: on connections that clients' queries never take, for what decides who may ask.
        Raises `DatabaseError` after `WAIT_SECONDS` without a connection or `READ_SECONDS` of work.
        """
        readers = self._reserved if reserved else self._readers.get(access)
        if readers is None:
            raise DatabaseError("the database is not open")
        return readers.reader(snapshot=snapshot)

    def compile(self, statement: sa.Select[Any]) -> Statement:
        """Compile a SELECT for the driver; what changes with each request is a named parameter."""
        compiled = statement.compile(dialect=self.engine.dialect)
        names = compiled.positiontup or []
        binds = {name: compiled.binds[name] for name in names}
        return Statement(
            sql=str(compiled),
            binds=tuple(names),
            encode=tuple(self._encoder(binds[name].type) for name in names),
            constants={name: bind.value for name, bind in binds.items() if bind.value is not None},
        )

    def decoder(self, type_: sa.types.TypeEngine[Any]) -> Convert | None:
        """How a value of this type becomes its wire form; `None` where the driver's form is it."""
        if isinstance(type_, Words):
            return _listed
        if self.dialect == "postgresql":
            return _whole_second if isinstance(type_, sa.DateTime) else None
        if isinstance(type_, sa.Boolean):
            return _sqlite_boolean
        if isinstance(type_, sa.DateTime):
            return _sqlite_instant
        return None

    def _encoder(self, type_: sa.types.TypeEngine[Any]) -> Convert | None:
        if self.dialect == "postgresql":
            return None
        if isinstance(type_, sa.ARRAY):
            return _json_list
        if isinstance(type_, sa.DateTime):
            return _stored_instant
        if isinstance(type_, sa.Date):
            return _sqlite_day
        return None


def dialect_of(url: str) -> Literal["sqlite", "postgresql"]:
    """Which of the two databases a URL names. Raises `DatabaseError` for any other."""
    backend = sa.make_url(url).get_backend_name()
    if backend == "sqlite":
        return "sqlite"
    if backend == "postgresql":
        return "postgresql"
    raise DatabaseError("the database URL must begin with sqlite:/// or postgresql://")


BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
POSTGRESQL_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A connection that the server has just ended, before its end was noticed.
    asyncpg.InternalClientError,
)
DRIVERS_ERRORS = (
    sa.exc.SQLAlchemyError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Exceptions whose text may hold the values of a row."""


Limit = tuple[Access, Wall]


def _tell_no_right() -> None:
    """A plan asked for what its reader may not see: a condition was forgotten somewhere."""
    _alert.critical("the database's own rights refused a statement")


def _authorizer(access: Access, wall: Wall) -> Callable[..., int]:
    """SQLite asks it once for everything that a statement would read, when it is compiled.

    A statement that reads no column of a table (`count(*)`) asks for the empty name.
    """
    readable = wall.readable[access]

    def authorize(
        action: int, what: str | None, column: str | None, _: str | None, view: str | None
    ) -> int:
        if what == "sqlite_master":
            # The first use of json_each declares its columns so; the file itself is read-only.
            allowed = action == sqlite3.SQLITE_UPDATE or column == "ROWID"
        elif action != sqlite3.SQLITE_READ:
            allowed = action in HARMLESS
        elif view is not None:
            allowed = what in wall.views.get(view, ())
        else:
            columns = readable.get(what or "", frozenset())
            allowed = what == "json_each" or column in columns or bool(columns and not column)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return authorize


HARMLESS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
    }
)


class _Readers(Protocol):
    """A pool of connections that only read."""

    async def close(self) -> None: ...

    def reader(self, *, snapshot: bool) -> AbstractAsyncContextManager[Reader]: ...


class _SqliteReaders:
    """A few connections to one file, each in a thread of its own, read-only by pragma."""

    def __init__(self) -> None:
        self._all: list[aiosqlite.Connection] = []
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._returning: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, url: sa.URL, size: int, limit: Limit | None) -> _SqliteReaders:
        readers = cls()
        for _ in range(size):
            connection = await aiosqlite.connect(
                url.database or "", isolation_level=None, timeout=BUSY_SECONDS
            )
            await connection.execute("PRAGMA query_only = ON")
            await connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            if limit is not None:
                await connection.set_authorizer(_authorizer(*limit))
            readers._all.append(connection)
            readers._idle.put_nowait(connection)
        return readers

    async def close(self) -> None:
        await asyncio.gather(*self._returning, return_exceptions=True)
        for connection in self._all:
            await connection.close()

    @asynccontextmanager
    async def reader(self, *, snapshot: bool) -> AsyncIterator[Reader]:
        connection = await self._free()
        try:
            async with asyncio.timeout(READ_SECONDS):
                if snapshot:
                    await connection.execute("BEGIN")
                yield _SqliteReader(connection)
        except (aiosqlite.Error, TimeoutError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_AUTH:
                _tell_no_right()
            raise DatabaseError("the database refused a statement") from error
        finally:
            # In a task of its own: whoever is cancelled here must not take a connection along.
            returning = asyncio.create_task(self._give_back(connection))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            await asyncio.shield(returning)

    async def _give_back(self, connection: aiosqlite.Connection) -> None:
        """Interrupt what still runs (it was given up), end the snapshot, and be free again."""
        try:
            await connection.interrupt()
            await connection.rollback()
        finally:
            self._idle.put_nowait(connection)

    async def _free(self) -> aiosqlite.Connection:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._idle.get()
        except TimeoutError as error:
            raise DatabaseError("no connection to the database is free") from error


@dataclass(frozen=True, slots=True)
class _SqliteReader:
    connection: aiosqlite.Connection

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return list(await self.connection.execute_fetchall(sql, arguments))


class _PostgresqlReaders:
    """A few asyncpg connections; statements are prepared once per connection.

    asyncpg's own pool resets each connection and wraps it anew, at a third of a point read's cost.
    A read leaves nothing behind that would need resetting. A connection that gave a snapshot begins
    its next transaction at once, after the answer: PostgreSQL takes the snapshot at the first
    statement, so that a transaction that waits sees nothing old and holds nothing back.
    """

    def __init__(self, url: sa.URL, size: int, limit: Limit | None) -> None:
        self._role = None if limit is None else limit[0].value
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._free = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._begun: list[Any] = []
        self._renewing: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, url: sa.URL, size: int, limit: Limit | None) -> _PostgresqlReaders:
        readers = cls(url, size, limit)
        readers._idle.append(await readers._connect())
        return readers

    async def close(self) -> None:
        await asyncio.gather(*self._renewing)
        for connection in (*self._idle, *self._begun):
            await connection.close()

    @asynccontextmanager
    async def reader(self, *, snapshot: bool) -> AsyncIterator[Reader]:
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        connection = None
        try:
            connection = await (self._in_transaction() if snapshot else self._plain())
            yield _PostgresqlReader(connection)
        except BaseException as error:
            # Whatever state it was left in, it is not used again.
            if connection is not None:
                connection.terminate()
            self._free.release()
            if isinstance(error, asyncpg.InsufficientPrivilegeError):
                _tell_no_right()
            if isinstance(error, POSTGRESQL_ERRORS):
                raise DatabaseError("the database refused a statement") from error
            raise
        if snapshot:
            renewing = asyncio.create_task(self._renew(connection))
            self._renewing.add(renewing)
            renewing.add_done_callback(self._renewing.discard)
        else:
            self._idle.append(connection)
            self._free.release()

    async def _plain(self) -> Any:
        connection = _open_one(self._idle)
        if connection is None and (connection := _open_one(self._begun)) is not None:
            connection = await _executed(connection, "COMMIT")
        return connection or await self._connect()

    async def _in_transaction(self) -> Any:
        connection = _open_one(self._begun)
        if connection is None and (connection := _open_one(self._idle)) is not None:
            connection = await _executed(connection, BEGIN_SNAPSHOT)
        if connection is None:
            connection = await self._connect()
            await connection.execute(BEGIN_SNAPSHOT)
        return connection

    async def _renew(self, connection: Any) -> None:
        try:
            if await _executed(connection, f"COMMIT; {BEGIN_SNAPSHOT}") is not None:
                self._begun.append(connection)
        finally:
            self._free.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise DatabaseError("no connection to the database is free") from error

    async def _connect(self) -> Any:
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(int(READ_SECONDS * 1000)),
        }
        if self._role is not None:
            settings["role"] = self._role
        connection = await asyncpg.connect(
            self._dsn, timeout=WAIT_SECONDS, command_timeout=READ_SECONDS, server_settings=settings
        )
        if self._role is not None and await connection.fetchval(CURRENT_USER) != self._role:
            # A pooler in between may drop what it is told at the start of a connection.
            await connection.close()
            raise DatabaseError(f"a connection to the database does not have the role {self._role}")
        return connection


def _open_one(connections: list[Any]) -> Any | None:
    """One of them that is still open; those that a restart closed are forgotten."""
    while connections:
        connection = connections.pop()
        if not connection.is_closed():
            return connection
    return None


async def _executed(connection: Any, sql: str) -> Any | None:
    """The connection after a statement that ends or begins a transaction; `None` if it is lost."""
    try:
        await connection.execute(sql)
    except POSTGRESQL_ERRORS:
        connection.terminate()
        return None
    except BaseException:
        connection.terminate()
        raise
    return connection


@dataclass(frozen=True, slots=True)
class _PostgresqlReader:
    connection: Any

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = await self.connection.fetch(sql, *arguments)
        return rows


def _engine(url: sa.URL, dialect: str) -> AsyncEngine:
    if dialect == "postgresql":
        return create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            # Whatever the server's default: whoever waited for a lock must see what the one before
            # them wrote, or a new record misses the measure that was entered meanwhile.
            isolation_level="READ COMMITTED",
            connect_args={
                "server_settings": {
                    "idle_in_transaction_session_timeout": str(int(SILENT_SECONDS * 1000))
                }
            },
            pool_size=5,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,
    )
    sa.event.listen(engine.sync_engine, "connect", _sqlite_connect)
    # A read that later writes would lose updates without an error under the default BEGIN.
    sa.event.listen(engine.sync_engine, "begin", _sqlite_begin)
    return engine


Taken = Callable[[], Awaitable[bool]]


@asynccontextmanager
async def _turn_on_postgresql(url: sa.URL, name: str) -> AsyncIterator[Taken]:
    """An advisory lock of a connection of its own, which is in no transaction meanwhile."""
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    key = int.from_bytes(hashlib.sha256(f"atena {name}".encode()).digest()[:8], signed=True)
    try:
        connection = await asyncpg.connect(dsn, timeout=WAIT_SECONDS)
    except POSTGRESQL_ERRORS as error:
        raise DatabaseError(f"the database does not answer ({type(error).__name__})") from None

    async def is_ours() -> bool:
        try:
            return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", key))
        except POSTGRESQL_ERRORS as error:
            raise DatabaseError(f"the database does not answer ({type(error).__name__})") from None

    try:
        yield is_ours
    finally:
        connection.terminate()


@asynccontextmanager
async def _turn_on_sqlite(url: sa.URL, name: str) -> AsyncIterator[Taken]:
    """A lock on a file beside the database's, which stays there empty."""
    path = f"{url.database}.{name.replace(' ', '-')}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def is_ours() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield is_ours
    finally:
        os.close(file)


def _turns(dialect: str) -> AbstractAsyncContextManager[Any]:
    """One at a time on SQLite; PostgreSQL sees to it itself."""
    return asyncio.Lock() if dialect == "sqlite" else nullcontext()


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    only_looks = connection.get_execution_options().get("only_looks", False)
    connection.exec_driver_sql("BEGIN" if only_looks else "BEGIN IMMEDIATE")


def _sqlite_boolean(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _listed(value: str | None) -> list[str] | None:
    if value is None:
        return None
    return [word if isinstance(word, str) else " ".join(word) for word in json.loads(value)]


def _whole_second(value: dt.datetime | None) -> dt.datetime | None:
    return None if value is None else value.replace(microsecond=0)


def _sqlite_instant(value: str | None) -> str | None:
    return None if value is None else value[:19].replace(" ", "T") + "Z"


def _stored_instant(value: dt.datetime | None) -> str | None:
    if value is None:
        return None
    # `strftime` writes the year 999 with three digits, which sorts after every other.
    return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _sqlite_day(value: dt.date | str | None) -> str | None:
    return value.isoformat() if isinstance(value, dt.date) else value


def _json_list(values: Sequence[Any]) -> str:
    return json.dumps([_json_value(value) for value in values])


def _json_value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return _stored_instant(value)
    return value.isoformat() if isinstance(value, dt.date) else value
