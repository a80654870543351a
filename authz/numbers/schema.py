"""The schema of the numbers' database: made, and held against what is there."""

from __future__ import annotations

import sqlalchemy as sa

from models.store import append_only, structure
from models.tables.individual_number import NUMBER_ACCESS, STORE, STORE_KEY, NumbersTable

APPEND_ONLY = (NUMBER_ACCESS, STORE, STORE_KEY)
LOCK_MILLISECONDS = 2_000


def is_made(connection: sa.Connection) -> bool:
    """Whether anything of a numbers' database is there."""
    there = sa.inspect(connection).get_table_names()
    return not set(there).isdisjoint(NumbersTable.metadata.tables)


def create_schema(connection: sa.Connection) -> None:
    """Make what is missing of the numbers' database. Safe to run at once with others."""
    dialect = connection.dialect.name
    for statement in append_only.exclusively(dialect, append_only.SCHEMA_LOCK):
        connection.exec_driver_sql(statement)
    if dialect == "postgresql":
        # Whoever waits for a lock makes everybody behind it wait, too.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
    NumbersTable.metadata.create_all(connection)
    for table in NumbersTable.metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    append_only.guard(connection, *APPEND_ONLY)


def faults(connection: sa.Connection) -> list[str]:
    """What a numbers' database lacks beside its rows."""
    return structure.faults_beside_triggers(connection, NumbersTable.metadata) or [
        f"the append-only triggers of {table.name}"
        for table in APPEND_ONLY
        if not append_only.is_guarded(connection, table)
    ]
