"""The schema of the numbers' database: made, and held against what is there."""

from __future__ import annotations

import sqlalchemy as sa

from models.store import append_only
from models.tables.individual_number import NUMBER_ACCESS, STORE, STORE_KEY, NumbersTable

APPEND_ONLY = (NUMBER_ACCESS, STORE, STORE_KEY)


def create_schema(connection: sa.Connection) -> None:
    """Make what is missing of the numbers' database. Safe to run at every start, and at once."""
    dialect = connection.dialect.name
    for statement in append_only.exclusively(dialect, append_only.SCHEMA_LOCK):
        connection.exec_driver_sql(statement)
    NumbersTable.metadata.create_all(connection)
    append_only.guard(connection, *APPEND_ONLY)


def faults(connection: sa.Connection) -> list[str] | None:
    """What the numbers' database lacks beside its rows; `None` where nothing was made yet."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    tables = NumbersTable.metadata.sorted_tables
    if there.isdisjoint(table.name for table in tables):
        return None
    found = [f"the table {table.name}" for table in tables if table.name not in there]
    for table in tables:
        if table.name in there:
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            indexes = {index["name"] for index in inspector.get_indexes(table.name)}
            found += [f"the column {each}" for each in table.columns if each.name not in columns]
            found += [
                f"the index {each.name}" for each in table.indexes if each.name not in indexes
            ]
    return found or [
        f"the append-only triggers of {table.name}"
        for table in APPEND_ONLY
        if not append_only.is_guarded(connection, table)
    ]
