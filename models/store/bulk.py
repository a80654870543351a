"""Adding many rows at once, the quick way of each database, inside the caller's transaction.

PostgreSQL takes rows fastest by COPY, SQLite by one prepared statement; both skip what SQLAlchemy
does for every value. Like `models/store/database.py` and `models/store/append_only.py`, this knows
the two dialects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.store.database import POSTGRESQL_ERRORS, DatabaseError


async def add(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns, already checked.

    Raises `DatabaseError`, or an error of SQLAlchemy.
    """
    if not rows:
        return
    columns = list(rows[0])
    if connection.dialect.name == "postgresql":
        await _copy(connection, table, columns, rows)
        return
    names = ", ".join(columns)
    places = ", ".join("?" * len(columns))
    await connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) VALUES ({places})", _plain(table, columns, rows)
    )


async def _copy(
    connection: AsyncConnection,
    table: sa.Table,
    columns: list[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    # SQLAlchemy begins the transaction with the first statement; COPY goes past it.
    await connection.execute(sa.text("SELECT 1"))
    raw = (await connection.get_raw_connection()).driver_connection
    try:
        await raw.copy_records_to_table(  # type: ignore[union-attr]
            table.name,
            columns=columns,
            records=[tuple(row[name] for name in columns) for row in rows],
        )
    except POSTGRESQL_ERRORS as error:
        # COPY goes past SQLAlchemy with its errors, too: their text holds the key of a row.
        raise DatabaseError(f"the database refused a batch ({type(error).__name__})") from None


def _plain(
    table: sa.Table, columns: list[str], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, ...]]:
    """The rows as SQLite takes them: days as text."""
    values_of = itemgetter(*columns)
    days = [i for i, name in enumerate(columns) if isinstance(table.c[name].type, sa.Date)]
    plain = []
    for row in rows:
        values = list(values_of(row))
        for i in days:
            if values[i] is not None:
                values[i] = values[i].isoformat()
        plain.append(tuple(values))
    return plain
