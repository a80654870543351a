"""Whatever stands beneath a row is found by an index: no request reads a whole table for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from models.facts import CLASSES
from models.graph.edges import EDGES, Edge
from models.graph.graph import GRAPH
from models.store.column_rights import open_rows, uncovered_rows
from models.store.database import Database, IsIn
from models.store.migrate import migrate
from resolvers.read.sql import parent_column
from tests.conftest import new_sqlite_file


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """An empty town on SQLite, which tells how it would go about a statement."""
    database = Database(new_sqlite_file(tmp_path_factory.mktemp("sqlite"), None))
    await migrate(database)
    yield database
    await database.close()


UNINDEXED = {"LoggedOperation.records"}
"""The log is written with every request, and read so by an auditor now and then."""
FOLLOWED = [edge for edge in EDGES if edge.coordinate not in UNINDEXED]


@pytest.mark.parametrize("edge", FOLLOWED, ids=[edge.coordinate for edge in FOLLOWED])
async def test_an_edge_is_followed_by_indexes(database: Database, edge: Edge) -> None:
    source, target = GRAPH.types[edge.source], GRAPH.types[edge.target]
    # Beyond an edge that is itself withheld, covered rows are left out and never read as null.
    withheld = any(CLASSES[code].withheld for code in edge.classes)
    forms = [target.table, uncovered_rows(target), *([] if withheld else [open_rows(target)])]
    for beyond in forms:
        t = beyond.alias("t")
        found = sa.select(t.c[target.noun.key])
        if parent_column(edge) == edge.source_column:
            await _no_scan(database, found, IsIn(t.c[edge.target_column], "parents"))
            continue
        for above in {source.table, open_rows(source), uncovered_rows(source)}:
            s = above.alias("s")
            joined: sa.FromClause = s
            tip: sa.ColumnElement[object] = s.c[edge.source_column]
            if edge.through is not None:
                m = GRAPH.of_table(edge.through.table).table.alias("m")
                joined = joined.join(m, m.c[edge.through.source_column] == tip)
                tip = m.c[edge.through.target_column]
            joined = joined.join(t, t.c[edge.target_column] == tip)
            keyed = IsIn(s.c[source.noun.key], "parents")
            await _no_scan(database, found.select_from(joined), keyed)


async def _no_scan(
    database: Database, select: sa.Select[Any], where: sa.ColumnElement[bool]
) -> None:
    statement = database.compile(select.where(where))
    async with database.look() as connection:
        plan = await connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement.sql}", tuple(statement.arguments({"parents": []}))
        )
        steps = [str(step.detail) for step in plan]
    whole = [step for step in steps if step.startswith("SCAN") and "json_each" not in step]
    assert not whole, (statement.sql, steps)
