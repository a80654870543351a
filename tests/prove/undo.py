"""What the server itself wrote to a town's database, told and put back, exactly.

The log is left alone: it only grows, and its records are compared as they are written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.store.database import Database
from schema.http.application import Services

LOG = frozenset({"access_log", "logged_operation"})
FREE_FROM = 1_000_000
"""On PostgreSQL new rows are counted from here: the random rows brought keys of their own."""

TABLES = {table.name: table for table in SQLModel.metadata.sorted_tables if table.name not in LOG}
ALL = frozenset(TABLES)

Stored = Mapping[str, Mapping[tuple[Any, ...], tuple[Any, ...]]]
"""The rows of every table by key, as the driver gives them."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What was written to one table: cells by (key, column), new rows, keys of rows taken away."""

    cells: Mapping[tuple[tuple[Any, ...], str], tuple[Any, Any]]
    added: Mapping[tuple[Any, ...], tuple[Any, ...]]
    gone: frozenset[tuple[Any, ...]]


def deltas(before: Stored, after: Stored) -> dict[str, Delta]:
    """What was written between two readings, for each table to which anything was."""
    found = {}
    for name in TABLES:
        if after[name] != before[name]:
            found[name] = _delta(name, before[name], after[name])
    return found


def left(
    wrote: Mapping[str, Delta], beside: Mapping[str, Delta], after: Stored
) -> dict[str, tuple[Any, Any, Any]]:
    """What came of a writing, not what was there before: also in the cells that another one wrote
    to, as what is written may be there already."""
    return {
        name: (
            {cell: _cell(name, after, *cell) for cell in one.cells.keys() | other.cells.keys()},
            one.added,
            one.gone,
        )
        for name in sorted(wrote.keys() | beside.keys())
        for one, other in ((wrote.get(name, NOTHING), beside.get(name, NOTHING)),)
    }


def _cell(name: str, stored: Stored, key: tuple[Any, ...], column: str) -> Any:
    row = stored[name].get(key)
    return None if row is None else row[COLUMN_AT[name][column]]


def _delta(name: str, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Delta:
    columns = [column.name for column in TABLES[name].columns]
    cells = {
        (key, column): (old, new)
        for key in before.keys() & after.keys()
        if before[key] != after[key]
        for column, old, new in zip(columns, before[key], after[key], strict=True)
        if old != new
    }
    added = {key: after[key] for key in after.keys() - before.keys()}
    return Delta(cells, added, frozenset(before.keys() - after.keys()))


NOTHING = Delta({}, {}, frozenset())
COLUMN_AT = {
    name: {column.name: at for at, column in enumerate(table.columns)}
    for name, table in TABLES.items()
}


class Undo:
    """Reads a town's tables, and puts them back as they were read."""

    async def read(self, before: Stored | None = None, wrote: Collection[str] = ALL) -> Stored:
        """All rows as they are now. `before`: of the tables not written to since, as they were."""
        if before is None:
            return await self._read(ALL)
        return {**before, **await self._read(wrote)} if wrote else before

    async def restore(self, stored: Stored, wrote: Collection[str] = ALL) -> None:
        """Write the difference back, and make sure that there is none any more."""
        now = await self.read(stored, wrote)
        if now != stored:
            await self._write(stored, now)
            now = await self.read(stored, wrote)
        assert now == stored, f"not put back: {[name for name in now if now[name] != stored[name]]}"

    async def _read(self, wrote: Collection[str]) -> Stored:
        raise NotImplementedError

    async def _write(self, stored: Stored, now: Stored) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Disconnect."""


def undo_of(services: Services) -> Undo:
    """What reads and restores the database of a worker."""
    database = services.database
    return _Sqlite(database) if database.dialect == "sqlite" else _Postgresql(database)


def _key_at(table: sa.Table) -> list[int]:
    names = [column.name for column in table.columns]
    return [names.index(column.name) for column in table.primary_key.columns]


def _by_key(table: sa.Table, rows: Sequence[Sequence[Any]]) -> dict[Any, Any]:
    at = KEY_AT[table.name]
    return {tuple(row[place] for place in at): tuple(row) for row in rows}


KEY_AT = {name: _key_at(table) for name, table in TABLES.items()}


class _Sqlite(Undo):
    """On this thread: a turn through the driver's own takes longer than the reading."""

    def __init__(self, database: Database) -> None:
        self._connection = sqlite3.connect(str(database.url.database), isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA busy_timeout = 30000")
        self._selects = {
            name: f"SELECT {', '.join(column.name for column in table.columns)} FROM {name}"
            for name, table in TABLES.items()
        }

    async def _read(self, wrote: Collection[str]) -> Stored:
        connection = self._connection
        connection.execute("BEGIN")
        try:
            found: dict[str, Any] = {
                name: _by_key(TABLES[name], connection.execute(self._selects[name]).fetchall())
                for name in TABLES.keys() & wrote
            }
            counted = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            found[COUNTED] = {(name,): (name, seq) for name, seq in counted if name in TABLES}
        finally:
            connection.execute("COMMIT")
        return found

    async def _write(self, stored: Stored, now: Stored) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for name in TABLES:
            if stored[name] == now[name]:
                continue
            refusing = connection.execute(TRIGGERS, (name,)).fetchall()
            for trigger, _ in refusing:
                connection.execute(f"DROP TRIGGER {trigger}")
            keys = [column.name for column in TABLES[name].primary_key.columns]
            this = " AND ".join(f"{key} = ?" for key in keys)
            for key, row in now[name].items():
                if stored[name].get(key) != row:
                    connection.execute(f"DELETE FROM {name} WHERE {this}", key)
            for key, row in stored[name].items():
                if now[name].get(key) != row:
                    columns = ", ".join(column.name for column in TABLES[name].columns)
                    marks = ", ".join("?" * len(row))
                    connection.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", row)
            for _, text in refusing:
                connection.execute(text)
        for (name,), row in now[COUNTED].items():
            if stored[COUNTED].get((name,)) != row:
                connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        for (name,), row in stored[COUNTED].items():
            if now[COUNTED].get((name,)) != row:
                connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
                connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", row)
        connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


COUNTED = "sqlite_sequence"
TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"


class _Postgresql(Undo):
    """Through the worker's own engine, its sequences too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free = False

    async def _read(self, wrote: Collection[str]) -> Stored:
        async with self._database.write() as connection:
            if not self._free:
                for sequence in (await connection.exec_driver_sql(SEQUENCES)).all():
                    set_to = "SELECT setval($1::regclass, $2, false)"
                    await connection.exec_driver_sql(set_to, (sequence[0], FREE_FROM))
                self._free = True
            found: dict[str, Any] = {}
            for name in TABLES.keys() & wrote:
                rows = (await connection.execute(sa.select(TABLES[name]))).all()
                found[name] = _by_key(TABLES[name], rows)
            sequences = (await connection.exec_driver_sql(SEQUENCES)).all()
            found[COUNTED] = {(name,): (name, last) for name, last in sequences}
        return found

    async def _write(self, stored: Stored, now: Stored) -> None:
        async with self._database.write() as connection:
            for statement in _statements(stored, now):
                if isinstance(statement, str):
                    await connection.exec_driver_sql(statement)
                else:
                    await connection.execute(statement)
            for (name,), row in now[COUNTED].items():
                last = stored[COUNTED][name,][1]
                if row[1] != last:
                    set_to = "SELECT setval($1::regclass, $2, $3)"
                    value = (name, FREE_FROM if last is None else last, last is not None)
                    await connection.exec_driver_sql(set_to, value)


SEQUENCES = (
    "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences"
    " WHERE sequencename NOT LIKE 'access_log%'"
)


def _statements(stored: Stored, now: Stored) -> Iterator[Any]:
    """Children go before their parents, and come after them."""
    changed = [name for name in TABLES if stored[name] != now[name]]
    for name in changed:
        yield f"ALTER TABLE {name} DISABLE TRIGGER USER"
    for name in reversed(changed):
        table = TABLES[name]
        for key in now[name].keys() - stored[name].keys():
            yield sa.delete(table).where(*_this(table, key))
    for name in changed:
        table = TABLES[name]
        for key, row in stored[name].items():
            values = dict(zip((column.name for column in table.columns), row, strict=True))
            if key not in now[name]:
                yield sa.insert(table).values(values)
            elif now[name][key] != row:
                yield sa.update(table).where(*_this(table, key)).values(values)
    for name in changed:
        append_only = (
            f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = '{name}_append_only')"
            f" THEN ALTER TABLE {name} ENABLE ALWAYS TRIGGER {name}_append_only; END IF; END $$"
        )
        yield f"ALTER TABLE {name} ENABLE TRIGGER USER"
        yield append_only


def _this(table: sa.Table, key: tuple[Any, ...]) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in zip(table.primary_key.columns, key, strict=True)]
