"""Tables that only grow: the triggers that keep them so, and a quick durable way to add to them.

One `append` is one transaction on the driver's own connection, flushed to disk before it returns.
A connection that failed is thrown away, and the next `append` opens another.
Like `models/store/database.py` it knows the two dialects.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Protocol

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Row = tuple[Any, ...]

SCHEMA_LOCK = 4_815_170_101
WRITER_LOCK = 4_815_170_102
NO_KEY = -1
STATEMENT_ROWS = 64
MANY_ROWS = 16
"""From here on arrays are quicker than rows: they cost PostgreSQL 0.06 ms, and each row less."""

_FLUSH = """
    SELECT set_config('synchronous_commit', 'on', {local})
    WHERE current_setting('synchronous_commit') = 'off'
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for one table, each in the order of `filled(table)`.

    `once`: rows whose key is already there are left alone instead of being an error.
    """

    table: sa.Table
    rows: Sequence[Row]
    once: bool = False


class Appender(Protocol):
    """Adds rows to append-only tables. One `append` at a time."""

    def instant(self, at: dt.datetime) -> Any:
        """A point in time (aware, UTC) as the driver stores it."""

    async def open(self) -> None:
        """Connect now rather than at the first `append`. Raises the driver's errors."""

    async def append(self, batches: Sequence[Batch]) -> None:
        """Add all the rows in one transaction; they are on disk when it returns.

        Raises the driver's errors; whether the rows were then stored is unknown only if the
        connection broke during the commit.
        """

    async def rehearse(self, rows: Mapping[sa.Table, Row]) -> None:
        """Add a row to each and take it back, all but unseen, and flush: it raises what `append`
        would.

        A key is none that the database counts up, so that no number is missing afterwards.
        """

    async def discard(self) -> None:
        """Drop the connection after a failure, whatever state it is in."""

    async def close(self) -> None:
        """Close the connection."""


def appender(url: sa.URL, patience: float) -> Appender:
    """The appender for this database. `patience`: seconds to wait for a lock or a connection."""
    if url.get_backend_name() == "sqlite":
        return _SqliteAppender(url, patience)
    return _PostgresqlAppender(url, patience)


def filled(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that an appended row gives: all but the key that the database counts up."""
    return [column for column in table.columns if column is not table.autoincrement_column]


def triggers(dialect: str, *tables: sa.Table) -> list[str]:
    """Statements (safe to run again) after which the tables refuse UPDATE, DELETE and TRUNCATE."""
    if dialect == "sqlite":
        return [
            text
            for table in tables
            for name, statement in _sqlite_triggers(table)
            for text in (f"DROP TRIGGER IF EXISTS {name}", statement)
        ]
    function = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
        f" AS $${_REFUSE_CHANGE}$$"
    )
    return [function, *(text for table in tables for text in _postgresql_triggers(table.name))]


def guard(connection: sa.Connection, *tables: sa.Table) -> None:
    """Give the tables the triggers that they lack; those that have them are not touched."""
    for table in tables:
        if not is_guarded(connection, table):
            for statement in triggers(connection.dialect.name, table):
                connection.exec_driver_sql(statement)


def is_guarded(connection: sa.Connection, table: sa.Table) -> bool:
    """Whether a table has its triggers, as they should be. Looking locks nothing."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(_SQLITE_TRIGGERS, {"table": table.name}).scalars()
        return {text for _, text in _sqlite_triggers(table)} <= set(found)
    asked = {
        "table": table.name,
        "name": f"{table.name}_append_only",
        "events": _BEFORE_ALL_CHANGES,
        "source": _REFUSE_CHANGE,
    }
    return connection.scalar(_POSTGRESQL_TRIGGER, asked) is not None


_SQLITE_TRIGGERS = sa.text(
    "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
)
_REFUSE_CHANGE = """
    BEGIN
        RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append only';
    END """
_BEFORE_ALL_CHANGES = 2 | 8 | 16 | 32
"""`pg_trigger.tgtype`: once for each statement, before DELETE, UPDATE and TRUNCATE."""
_POSTGRESQL_TRIGGER = sa.text(
    "SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE t.tgrelid = to_regclass(:table) AND t.tgname = :name AND t.tgenabled = 'A'"
    " AND t.tgtype = :events AND t.tgqual IS NULL AND p.proname = 'refuse_change'"
    " AND p.prosrc = :source"
)


def exclusively(dialect: str, lock: int) -> list[str]:
    """Statements that let one transaction at a time pass. SQLite's writers do so anyway."""
    return [] if dialect == "sqlite" else [f"SELECT pg_advisory_xact_lock({lock})"]


def durably(dialect: str) -> list[str]:
    """Statements that make the commit wait for the disk, whatever the server's default.

    SQLite's connections are set so when they are opened.
    """
    return [] if dialect == "sqlite" else [_FLUSH.format(local="true")]


def _sqlite_triggers(table: sa.Table) -> list[tuple[str, str]]:
    """Name and statement of each, as SQLite keeps it."""
    name = table.name
    key = next(iter(table.primary_key.columns)).name
    # INSERT OR REPLACE deletes without firing a DELETE trigger. A counted key can be refused; a
    # natural one is passed over in silence, because ON CONFLICT DO NOTHING comes this way too.
    verdict = "IGNORE" if table.autoincrement_column is None else f"ABORT, '{name} is append only'"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{name} is append only'); END"
    there = f"EXISTS (SELECT 1 FROM {name} WHERE {key} = NEW.{key})"
    when = {
        "no_update": f"BEFORE UPDATE ON {name} {refuse}",
        "no_delete": f"BEFORE DELETE ON {name} {refuse}",
        "no_replace": f"BEFORE INSERT ON {name} WHEN {there} BEGIN SELECT RAISE({verdict}); END",
    }
    return [
        (f"{name}_{kind}", f"CREATE TRIGGER {name}_{kind} {text}") for kind, text in when.items()
    ]


def _postgresql_triggers(name: str) -> list[str]:
    return [
        f"CREATE OR REPLACE TRIGGER {name}_append_only"
        f" BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER {name}_append_only",
    ]


def _with_key(table: sa.Table, row: Row) -> Row:
    return row if table.autoincrement_column is None else (NO_KEY, *row)


class _PostgresqlAppender:
    def __init__(self, url: sa.URL, patience: float) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._patience = patience
        self._connection: Any = None

    def instant(self, at: dt.datetime) -> dt.datetime:
        return at

    async def open(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=self._patience)
        # A server set to answer before its flush would break the promise without a word.
        await connection.execute(_FLUSH.format(local="false"))
        self._connection = connection

    async def append(self, batches: Sequence[Batch]) -> None:
        if self._connection is None or self._connection.is_closed():
            await self.open()
        if len(batches) == 1:
            await self._insert(batches[0])
            return
        async with self._connection.transaction():
            for batch in batches:
                await self._insert(batch)

    async def rehearse(self, rows: Mapping[sa.Table, Row]) -> None:
        if self._connection is None or self._connection.is_closed():
            await self.open()
        # A transaction that took back all it did is flushed like any other.
        async with self._connection.transaction():
            inner = self._connection.transaction()
            await inner.start()
            for table, row in rows.items():
                whole = _with_key(table, row)
                names = ", ".join(column.name for column in table.columns)
                values = ", ".join(f"${number}" for number in range(1, len(whole) + 1))
                sql = f"INSERT INTO {table.name} ({names}) VALUES ({values})"
                await self._connection.execute(sql, *whole)
            await inner.rollback()

    async def _insert(self, batch: Batch) -> None:
        if len(batch.rows) < MANY_ROWS:
            await self._connection.executemany(_one_row(batch.table, batch.once), batch.rows)
            return
        columns = zip(*batch.rows, strict=True)
        await self._connection.execute(_unnest(batch.table, batch.once), *map(list, columns))

    async def discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close(timeout=self._patience)


@cache
def _one_row(table: sa.Table, once: bool) -> str:
    columns = filled(table)
    names = ", ".join(column.name for column in columns)
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    sql = f"INSERT INTO {table.name} ({names}) VALUES ({values})"
    return f"{sql} ON CONFLICT DO NOTHING" if once else sql


@cache
def _unnest(table: sa.Table, once: bool) -> str:
    columns = filled(table)
    names = ", ".join(column.name for column in columns)
    arrays = ", ".join(
        f"${number}::{_array_type(column)}" for number, column in enumerate(columns, start=1)
    )
    sql = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"
    return f"{sql} ON CONFLICT DO NOTHING" if once else sql


def _array_type(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.String):
        return "text[]"
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return f"{column.type.compile(dialect=dialect)}[]"


class _SqliteAppender:
    def __init__(self, url: sa.URL, patience: float) -> None:
        self._path = url.database or ""
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="append")

    def instant(self, at: dt.datetime) -> str:
        return at.replace(tzinfo=None).isoformat(" ", "microseconds")

    async def open(self) -> None:
        await self._run(self._connect)

    async def append(self, batches: Sequence[Batch]) -> None:
        await self._run(self._append, batches)

    async def rehearse(self, rows: Mapping[sa.Table, Row]) -> None:
        await self._run(self._rehearse, rows)

    async def discard(self) -> None:
        # The transaction was rolled back in its own thread; the file needs no new connection.
        return None

    async def close(self) -> None:
        await self._run(self._disconnect)
        self._thread.shutdown(wait=False)

    async def _run(self, function: Any, *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path, isolation_level=None, timeout=self._patience, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._connection = connection
        return self._connection

    def _append(self, batches: Sequence[Batch]) -> None:
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for batch in batches:
                _insert(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _rehearse(self, rows: Mapping[sa.Table, Row]) -> None:
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("SAVEPOINT rehearsal")
            for table, row in rows.items():
                whole = _with_key(table, row)
                values = ", ".join("?" * len(whole))
                connection.execute(f"INSERT INTO {table.name} VALUES ({values})", whole)
            connection.execute("ROLLBACK TO rehearsal")
            # A page has to change, or nothing is flushed: its number says what it said before.
            (number,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {int(number)}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _insert(connection: sqlite3.Connection, batch: Batch) -> None:
    # Few statements instead of one for each row: between two of them the thread may lose the
    # interpreter for milliseconds to a busy event loop, while it holds the file's write lock.
    done = 0
    while done < len(batch.rows):
        size = min(STATEMENT_ROWS, 1 << (len(batch.rows) - done).bit_length() - 1)
        rows = batch.rows[done : done + size]
        connection.execute(_values(batch.table, batch.once, size), list(chain.from_iterable(rows)))
        done += size


@cache
def _values(table: sa.Table, once: bool, size: int) -> str:
    columns = filled(table)
    names = ", ".join(column.name for column in columns)
    row = f"({', '.join('?' * len(columns))})"
    sql = f"INSERT INTO {table.name} ({names}) VALUES {', '.join([row] * size)}"
    return f"{sql} ON CONFLICT DO NOTHING" if once else sql
