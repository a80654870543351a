"""What a database must have beside its rows, and what of it is missing or altered: tables, columns
and indexes as the models say, the triggers of append-only tables, views and rights of the second
wall. Looking waits for nobody; mending touches only what is not as it should be.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

import models.graph.graph
import models.store.first_content
import models.tables.client
import models.tables.lookup_budget  # noqa: F401  (fills the metadata)
from models.store import append_only
from models.store import column_rights as second_wall
from models.tables.access_log import ACCESS_LOG, LOGGED_OPERATION
from models.tables.issued_document import IssuedDocument
from models.tables.lift import LiftUse
from models.tables.policy import sealed

APPEND_ONLY: tuple[sa.Table, ...] = (
    ACCESS_LOG,
    LOGGED_OPERATION,
    LiftUse.__table__,  # type: ignore[attr-defined]
    IssuedDocument.__table__,  # type: ignore[attr-defined]
    *sealed(),
)


def faults(connection: sa.Connection) -> list[str]:
    """What is missing or altered, each in a few words; of a database at the newest revision.

    It has to be in a transaction that may be rolled back.
    """
    differences = _differences(connection)
    missing = [*missing_tables(connection, differences)]
    if missing:
        # Triggers and views need them.
        return missing
    return [
        *(f"the index {index.name}" for index in _indexes(connection, differences)),
        *(f"the append-only triggers of {table.name}" for table in _unguarded(connection)),
        *(f"the view {name}" for name in second_wall.altered(connection)),
        *(f"the rights of {each.value}" for each in second_wall.unequal_rights(connection)),
    ]


def mend(connection: sa.Connection) -> None:
    """Make the indexes, triggers, views and rights that are not as they should be."""
    for index in _indexes(connection, _differences(connection)):
        index.drop(connection, checkfirst=True)
        index.create(connection)
    append_only.guard(connection, *APPEND_ONLY)
    second_wall.rebuild(connection, second_wall.altered(connection))
    for access in second_wall.unequal_rights(connection):
        second_wall.grant(connection, access)


def _unguarded(connection: sa.Connection) -> Iterator[sa.Table]:
    return (table for table in APPEND_ONLY if not append_only.is_guarded(connection, table))


def faults_beside_triggers(connection: sa.Connection, metadata: sa.MetaData) -> list[str]:
    """What of other tables than the main database's is missing or altered."""
    differences = _differences(connection, metadata)
    indexes = (what[0].name for kind, *what in differences if kind == "add_index")
    return [
        *missing_tables(connection, differences),
        *(f"the index {name}" for name in indexes),
    ]


def _differences(
    connection: sa.Connection, metadata: sa.MetaData = SQLModel.metadata
) -> list[tuple[Any, ...]]:
    """What Alembic would change, one thing at a time."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    with warnings.catch_warnings():
        # It cannot see indexes on expressions in SQLite; they are looked for by name.
        warnings.simplefilter("ignore")
        found = compare_metadata(context, metadata)
    return [one for each in found for one in (each if isinstance(each, list) else [each])]


def _indexes(connection: sa.Connection, differences: list[tuple[Any, ...]]) -> list[sa.Index]:
    """Those that are missing, or are on something else."""
    altered = {what[1].name for what in differences if what[0] == "add_index"}
    return [
        index
        for table in SQLModel.metadata.sorted_tables
        for index in table.indexes
        if index.name in altered or not _is_there(connection, str(index.name))
    ]


def _is_there(connection: sa.Connection, index: str) -> bool:
    asked = (
        "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = :index"
        if connection.dialect.name == "sqlite"
        else "SELECT to_regclass(:index)"
    )
    return connection.scalar(sa.text(asked), {"index": index}) is not None


def missing_tables(connection: sa.Connection, differences: list[tuple[Any, ...]]) -> Iterator[str]:
    """Missing tables and columns, and columns that are other ones. What is there too is somebody
    else's."""
    for kind, *what in differences:
        if kind == "add_table":
            yield f"the table {what[0].name}"
        elif kind == "add_column":
            yield f"the column {what[1]}.{what[2].name}"
        elif kind == "modify_nullable" or (
            # SQLite asks no length of a text.
            kind == "modify_type" and connection.dialect.name == "postgresql"
        ):
            yield f"the column {what[1]}.{what[2]} ({kind.removeprefix('modify_')})"
        elif kind in {"add_constraint", "add_fk"}:
            yield f"a constraint of {what[0].table.name}"
