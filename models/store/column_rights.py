"""The second wall: what the database itself refuses, should a condition above be forgotten.

Of every table whose columns an obligation withholds there are two views, made from the labels:

    TABLE_open       every row; where a person of it is covered, the withheld columns are null
                     (not for tables of which the rows themselves are withheld)
    TABLE_uncovered  the rows of which nobody is covered

and one of the obligations of those who act for somebody, without their codes.

Ordinary readers have a right on what is not withheld, and on the views; on no column of the highest
classes, and on nothing that no plan could name (passwords, the log). On PostgreSQL these are roles
(`models.store.database.Access`), on SQLite an authorizer of each connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.facts import CLASSES
from models.graph.graph import GRAPH, Type
from models.labels import label_of
from models.store.database import Access, DatabaseError, Wall

HIGHEST = frozenset({"protection", "access-log"})
"""Classes that ordinary readers have no right on."""

OPEN, UNCOVERED = "_open", "_uncovered"
AGENT_HANDLING = "agent_handling"

_handling = GRAPH.types["Handling"].table
_agent = GRAPH.types["SpecialAddressee"].table


def withheld(type_: Type) -> frozenset[str]:
    """The columns that are null where a person of the row is covered."""
    return frozenset(column.name for column in type_.table.columns if _about(type_, column))


def rows_are_withheld(type_: Type) -> bool:
    """Whether a covered person's rows are not there at all."""
    return _is_withheld(type_.noun.existence)


def open_rows(type_: Type) -> sa.Table:
    """The rows of a type, without what is withheld; with the rows themselves, where these are."""
    return VIEWS.get(f"{type_.table.name}{OPEN}", uncovered_rows(type_))


def uncovered_rows(type_: Type) -> sa.Table:
    """The rows of a type of which nobody is covered; the table where nobody's cover matters."""
    return VIEWS.get(f"{type_.table.name}{UNCOVERED}", type_.table)


async def lower(connection: AsyncConnection) -> None:
    """Take the views away: a table beneath a view cannot be changed."""
    names = await connection.run_sync(lambda sync: sa.inspect(sync).get_view_names())
    for name in names:
        if name == AGENT_HANDLING or name.endswith((OPEN, UNCOVERED)):
            await connection.exec_driver_sql(f"DROP VIEW {name}")


async def build(connection: AsyncConnection) -> None:
    """Make the views, and on PostgreSQL the roles with their rights.

    Raises `DatabaseError` where an administrator has to make the roles first.
    """
    for name in SELECTS:
        await connection.exec_driver_sql(_view(connection.dialect, name))
    if connection.dialect.name == "postgresql":
        for access in Access:
            await _make_role(connection, access.value)
            await connection.run_sync(grant, access)


def altered(connection: sa.Connection) -> list[str]:
    """The views that are missing or are not as they should be. Nothing that is there is locked."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'view'"
        )
        texts = {row.name: row.sql for row in found}
        return [name for name in SELECTS if texts.get(name) != _view(connection.dialect, name)]
    return [name for name in SELECTS if not _is_as_it_should_be(connection, name)]


def rebuild(connection: sa.Connection, names: Iterable[str]) -> None:
    """Make these views anew; their rights are given afterwards."""
    for name in names:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        connection.exec_driver_sql(_view(connection.dialect, name))


def unequal_rights(connection: sa.Connection) -> list[Access]:
    """The readers who may do more or less than they should."""
    if connection.dialect.name == "sqlite":
        return []
    return [access for access in Access if _given(connection, access) != _due(access)]


def grant(connection: sa.Connection, access: Access) -> None:
    """Give a reader its rights, and no others."""
    for statement in _rights(access):
        connection.exec_driver_sql(statement)


def _view(dialect: sa.Dialect, name: str) -> str:
    options = {"literal_binds": True}
    return f"CREATE VIEW {name} AS {SELECTS[name].compile(dialect=dialect, compile_kwargs=options)}"


_DEFINITION = sa.text("SELECT pg_get_viewdef(to_regclass(:name))")
_TRIED = "atena_tried_view"


def _is_as_it_should_be(connection: sa.Connection, name: str) -> bool:
    """PostgreSQL keeps no text: it is asked how it would write what the view should be."""
    there = connection.scalar(_DEFINITION, {"name": name})
    if there is None:
        return False
    trying = connection.begin_nested()
    text = _view(connection.dialect, name).replace(name, _TRIED, 1)
    connection.exec_driver_sql(text)
    due = connection.scalar(_DEFINITION, {"name": _TRIED})
    trying.rollback()
    return bool(there == due)


_GIVEN = sa.text(
    "SELECT table_name, column_name, privilege_type, grantee"
    " FROM information_schema.column_privileges WHERE grantee IN (:role, 'PUBLIC')"
    " UNION SELECT table_name, '', privilege_type, grantee"
    " FROM information_schema.table_privileges WHERE grantee IN (:role, 'PUBLIC')"
    " AND privilege_type IN ('DELETE', 'TRUNCATE', 'TRIGGER')"
)


def _given(connection: sa.Connection, access: Access) -> set[tuple[str, str, str]]:
    """What a reader may do by itself, and with our tables like everybody else."""
    found, ours = connection.execute(_GIVEN, {"role": access.value}), _ours()
    return {
        (table, column, right)
        for table, column, right, grantee in found
        if grantee != "PUBLIC" or table in ours
    }


def _ours() -> set[str]:
    return {*GRAPH.types["Addressee"].table.metadata.tables, *SELECTS}


def _due(access: Access) -> set[tuple[str, str, str]]:
    readable = WALL.readable[access].items()
    return {(name, column, "SELECT") for name, columns in readable for column in columns}


# -- views -----------------------------------------------------------------------------------------


def _selects(type_: Type) -> Iterator[tuple[str, sa.Select[Any]]]:
    """The views of a type, by name."""
    if not withheld(type_):
        return
    name, columns = type_.table.name, sorted(_nameable(type_))
    if not rows_are_withheld(type_):
        persons = sorted({p for column in type_.table.columns for p in _about(type_, column)})
        row, covers, source = _covered_rows(type_, persons)
        told = [
            _unless(
                row.c[each],
                [covers[p] for p in _about(type_, type_.table.c[each])],
                [row.c[p] for p in label_of(type_.table.c[each]).about],
            )
            for each in columns
        ]
        yield f"{name}{OPEN}", sa.select(*told).select_from(source)
    row, covers, source = _covered_rows(type_, type_.noun.persons)
    free: list[sa.ColumnElement[bool]] = [
        cover.c.address_withheld.is_not(sa.true()) for cover in covers.values()
    ]
    if type_.noun.agents:
        assert type_.noun.owner is not None
        free.append(uncovered_agents(_of_agents().subquery("a"), row.c[type_.noun.owner]))
    every = [row.c[each] for each in columns]
    yield f"{name}{UNCOVERED}", sa.select(*every).select_from(source).where(*free)


def _covered_rows(
    type_: Type, persons: Iterator[str] | list[str] | tuple[str, ...]
) -> tuple[sa.FromClause, Mapping[str, sa.FromClause], sa.FromClause]:
    """A type's rows beside the obligation of each person of the row."""
    row = type_.table.alias("t")
    covers = {person: _handling.alias(f"h_{person}") for person in persons}
    source: sa.FromClause = row
    for person, cover in covers.items():
        source = source.outerjoin(cover, cover.c.addressee_code == row.c[person])
    return row, covers, source


def _of_agents() -> sa.Select[Any]:
    """By addressee, the obligations of whoever acts for them or did: mail may still go there."""
    names = (_handling.c.address_withheld, _handling.c.stop_output)
    acts = _handling.c.addressee_code == _agent.c.special_addressee_code
    return sa.select(_agent.c.addressee_code, *names).join_from(_agent, _handling, acts)


def uncovered_agents(
    agents: sa.FromClause, owner: sa.ColumnElement[str], *, issued: bool = False
) -> sa.ColumnElement[bool]:
    """Whether nobody who acts for the owner is covered; where it is `issued`, nor stopped."""
    names = ("address_withheld", "stop_output") if issued else ("address_withheld",)
    covers = sa.or_(*(agents.c[name].is_(sa.true()) for name in names))
    return ~sa.exists(1).where(agents.c.addressee_code == owner, covers)


def _unless(
    column: sa.ColumnElement[Any],
    covers: list[sa.FromClause],
    naming: list[sa.ColumnElement[Any]],
) -> sa.ColumnElement[Any]:
    """The column, or null where one of them covers, and `naming` names anybody."""
    if not covers:
        return column
    free = sa.and_(*(cover.c.address_withheld.is_not(sa.true()) for cover in covers))
    if naming:
        free = sa.or_(sa.and_(*(name.is_(None) for name in naming)), free)
    return sa.case((free, column)).label(column.name)


def _about(type_: Type, column: sa.Column[Any]) -> tuple[str, ...]:
    """The columns naming the persons whose cover withholds this one."""
    label = label_of(column)
    return type_.noun.persons if _is_withheld(label.classes) or label.about else ()


def _is_withheld(classes: tuple[str, ...]) -> bool:
    return any(CLASSES[code].withheld for code in classes)


# -- rights ----------------------------------------------------------------------------------------


def _nameable(type_: Type) -> frozenset[str]:
    """The columns that a plan could name: those of fields, keys, persons and edges."""
    parts = (leaf for _, leaves in type_.parts.values() for leaf in leaves.values())
    leaves = [leaf for leaf in (*type_.leaves.values(), *parts) if not leaf.vault]
    fields = {leaf.column.name for leaf in leaves}
    fields |= {leaf.label.whole for leaf in leaves if leaf.label.whole is not None}
    edges = [edge for each in GRAPH.types.values() for edge in each.edges.values()]
    joined = {edge.source_column for edge in edges if edge.source == type_.name} | {
        edge.target_column for edge in edges if edge.target == type_.name and edge.through is None
    }
    for through in (edge.through for edge in edges if edge.through is not None):
        if through.table == type_.table.name:
            joined |= {through.source_column, through.target_column, through.ended_column}
    own = {type_.noun.key, *type_.noun.persons, *type_.noun.present}
    return frozenset(fields | joined | own)


def _readable(access: Access) -> Mapping[str, frozenset[str]]:
    """Table or view → columns."""
    found: dict[str, frozenset[str]] = {}
    for type_ in GRAPH.types.values():
        columns = _nameable(type_)
        if access is Access.ORDINARY and not HIGHEST.isdisjoint(type_.noun.existence):
            columns = frozenset()
        elif access is Access.ORDINARY:
            columns -= {
                column.name
                for column in type_.table.columns
                if not HIGHEST.isdisjoint(label_of(column).classes)
            }
        for name, _ in _selects(type_):
            found[name] = columns
        if access is not Access.WITHHELD:
            columns = frozenset() if rows_are_withheld(type_) else columns - withheld(type_)
        found[type_.table.name] = columns
    found[AGENT_HANDLING] = frozenset(_of_agents().selected_columns.keys())
    return MappingProxyType({name: columns for name, columns in found.items() if columns})


async def _make_role(connection: AsyncConnection, role: str) -> None:
    """A role that nobody signs in with and that this account may take on."""
    superuser, may_create, exists = (
        await connection.execute(
            sa.text(
                "SELECT rolsuper, rolcreaterole OR rolsuper,"
                " EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"
                " FROM pg_roles WHERE rolname = current_user"
            ),
            {"role": role},
        )
    ).one()
    if not exists and may_create:
        await connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
        if not superuser:
            await connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
    try:
        async with connection.begin_nested():
            await connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
            await connection.exec_driver_sql("RESET ROLE")
    except sa.exc.DBAPIError as error:
        raise DatabaseError(
            f"an administrator must first make the role {role} and grant it to this account"
            " (docs/operations.md)"
        ) from error


def _rights(access: Access) -> Iterator[str]:
    role = access.value
    yield f"REVOKE ALL ON {', '.join(sorted(_ours()))} FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    for name, columns in WALL.readable[access].items():
        yield f"GRANT SELECT ({', '.join(sorted(columns))}) ON {name} TO {role}"


SELECTS: Mapping[str, sa.Select[Any]] = MappingProxyType(
    {name: select for type_ in GRAPH.types.values() for name, select in _selects(type_)}
    | {AGENT_HANDLING: _of_agents()}
)
VIEWS: Mapping[str, sa.Table] = MappingProxyType(
    {
        name: sa.Table(
            name,
            sa.MetaData(),
            *(
                sa.Column(each, type_.table.c[each].type, nullable=type_.table.c[each].nullable)
                for each in sorted(_nameable(type_))
            ),
        )
        for type_ in GRAPH.types.values()
        for name, _ in _selects(type_)
    }
)
agent_handling = sa.Table(
    AGENT_HANDLING,
    sa.MetaData(),
    *(sa.Column(column.name, column.type) for column in _of_agents().selected_columns),
)
_OF_AGENTS = frozenset({_agent.name, _handling.name})
WALL = Wall(
    readable=MappingProxyType({access: _readable(access) for access in Access}),
    views=MappingProxyType(
        {
            name: frozenset({type_.table.name, _handling.name})
            | (_OF_AGENTS if type_.noun.agents else frozenset())
            for type_ in GRAPH.types.values()
            for name, _ in _selects(type_)
        }
        | {AGENT_HANDLING: _OF_AGENTS}
    ),
)
