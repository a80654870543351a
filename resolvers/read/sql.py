"""Plan → SELECT → rows, level by level in one snapshot: the only place that reads domain tables.

Each level is one statement, compiled once per plan and run on the driver's own connection. What
protection withholds is withheld inside the statement, by the handling rows joined in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import BadInput
from authz.policy.clearance import Population
from models.graph.edges import Edge, Through
from models.graph.graph import GRAPH, Leaf, Type
from models.labels import Label
from models.store.column_rights import (
    agent_handling,
    open_rows,
    uncovered_agents,
    uncovered_rows,
    withheld,
)
from models.store.database import (
    Access,
    Convert,
    Database,
    IsIn,
    Reader,
    StartsWithAny,
    Statement,
    Terms,
    named,
    nulls_last,
)
from models.trade.codes import plain
from models.trade.kana import fold_kana
from models.trade.office_time import TOKYO
from models.trade.rules import WRITTEN
from models.trade.texts import spellings, without_invisible
from resolvers.read.levels import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Embedded,
    Field,
    Guard,
    Level,
    Nested,
    Page,
    Value,
    guarded,
    row_fields,
)
from resolvers.read.lift_use import is_lifted
from resolvers.read.operation import Const, Source
from resolvers.read.plan import Plan
from resolvers.read.population import TODAY, in_any, is_there
from resolvers.read.rows import Row

PARENTS = "parents"
LIMIT = "row_limit"
KEYED = "keyed"
LONGEST_OPERAND = 200
MOST_IN = 1000
handling = GRAPH.types["Handling"].table

Transform = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Query:
    """The statement of one level and where its columns are found in a row.

    `cursor`: the types of what a place in the list consists of.
    `peeks`: it reads one row beyond each page, to tell whether there are more, and of whom.
    """

    level: Level
    statement: Statement
    count: Statement | None
    operands: tuple[tuple[str, Source, Transform | None], ...]
    index: Mapping[object, int]
    decoders: Mapping[int, Convert]
    children: tuple[Query, ...]
    cursor: tuple[sa.types.TypeEngine[Any], ...]
    peeks: bool

    def tree(self) -> Iterator[Query]:
        """This query and all beneath it."""
        yield self
        for child in self.children:
            yield from child.tree()


class Found(NamedTuple):
    """The rows of one level, by the parent that they belong to (`None` at the root).

    `persons` are the codes of everybody whose row was read, the one beyond the page among them: a
    count or `hasNextPage` tells of that person too.
    """

    query: Query
    by_parent: Mapping[Any, Sequence[Row]]
    counts: Mapping[Any, int]
    children: tuple[Found, ...]
    more: frozenset[Any]
    persons: tuple[str, ...]

    def tree(self) -> Iterator[Found]:
        """These rows and all beneath them."""
        yield self
        for child in self.children:
            yield from child.tree()


def compile_plan(plan: Plan, database: Database, *, lifted: bool = False) -> tuple[Query, ...]:
    """The queries of a plan's roots, in order. `lifted`: lifts count that the request has used."""
    return tuple(
        _Builder(root.level, database, lifted).query()
        for root in plan.roots
        if root.level is not None
    )


async def fetch(
    plan: Plan,
    queries: Sequence[Query],
    database: Database,
    variables: Mapping[str, Any],
    context: Mapping[str, Any],
    given: Mapping[int, Mapping[str, Any]],
    access: Access | None = None,
) -> list[Found]:
    """Run a plan's queries in one snapshot.

    `variables` the coerced variables; `context` parameters of the request (today, items);
    `given` the root key, row limit and cursor values of each level, by the identity of the level;
    `access` how much of the database they may see (default: what the plan says).
    Raises `BadInput` for an operand that cannot be compared, before a connection is taken.
    """
    if not queries:
        return []
    values = {
        id(query): _values(query, variables, context, given)
        for root in queries
        for query in root.tree()
    }
    single = len(values) == 1 and queries[0].count is None
    async with database.read(snapshot=not single, access=access or plan.access) as reader:
        return [await _fetch(query, reader, values, None) for query in queries]


async def is_in_scope(
    connection: AsyncConnection,
    database: Database,
    type_: Type,
    key: Any,
    populations: frozenset[Population],
    context: Mapping[str, Any],
) -> bool:
    """Whether a row is there and lies in one of the populations: for who is about to change it."""
    given = sa.bindparam(KEYED, type_=type_.key.type)
    scope = is_there(type_, type_.table, populations)
    found = sa.select(type_.key).where(type_.key == given, *([] if scope is None else [scope]))
    statement = database.compile(found)
    arguments = statement.arguments({**context, KEYED: key})
    return (await connection.exec_driver_sql(statement.sql, tuple(arguments))).first() is not None


async def row_to_change(connection: AsyncConnection, type_: Type, key: Any) -> sa.RowMapping:
    """A row as it is stored, and nobody else's to change until the end of the transaction."""
    stored = sa.select(type_.table).where(type_.key == key).with_for_update()
    return (await connection.execute(stored)).mappings().one()


def _values(
    query: Query,
    variables: Mapping[str, Any],
    context: Mapping[str, Any],
    given: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    """The parameters of one level by name, all but the parents."""
    values = {**context, **given.get(id(query.level), {})}
    for name, source, transform in query.operands:
        value = source.get(variables)
        values[name] = transform(value) if transform else value
    return values


async def _fetch(
    query: Query, reader: Reader, values: Mapping[int, dict[str, Any]], parents: list[Any] | None
) -> Found:
    own = values[id(query)]
    if parents is not None:
        own[PARENTS] = parents
    rows = await reader.rows(query.statement.sql, query.statement.arguments(own))
    by_parent = _grouped(query, rows)
    more: frozenset[Any] = frozenset()
    if query.peeks:
        more = _trimmed(by_parent, own[LIMIT] - 1)
    counts = await _counts(query, reader, own)
    children = []
    if query.children:
        shown = list(chain.from_iterable(by_parent.values()))
        for at, child in enumerate(query.children):
            children.append(await _fetch(child, reader, values, _keys(query, at, shown)))
    return Found(query, by_parent, counts, tuple(children), more, _persons(query, rows))


def _persons(query: Query, rows: Sequence[Row]) -> tuple[str, ...]:
    if not query.level.entry:
        return ()
    return tuple(dict.fromkeys(map(itemgetter(query.index["person"]), rows)))


def each_once(persons: Sequence[Sequence[str]]) -> Sequence[str]:
    """The persons of several levels; those of one level are each once already."""
    return persons[0] if len(persons) == 1 else list(dict.fromkeys(chain.from_iterable(persons)))


def _grouped(query: Query, rows: Sequence[Row]) -> dict[Any, Sequence[Row]]:
    if query.level.edge is None:
        return {None: rows}
    parent = itemgetter(query.index[PARENTS])
    groups: dict[Any, list[Row]] = {}
    for key, group in groupby(rows, parent):
        groups.setdefault(key, []).extend(group)
    return {**groups}


def _trimmed(by_parent: dict[Any, Sequence[Row]], first: int) -> frozenset[Any]:
    """Take away the row beyond each page; the parents that had one."""
    more = [parent for parent, rows in by_parent.items() if len(rows) > first]
    for parent in more:
        by_parent[parent] = by_parent[parent][:first]
    return frozenset(more)


async def _counts(query: Query, reader: Reader, values: Mapping[str, Any]) -> dict[Any, int]:
    if query.count is None:
        return {}
    rows = await reader.rows(query.count.sql, query.count.arguments(values))
    return {row[0]: row[1] for row in rows}


def _keys(query: Query, child: int, rows: Sequence[Row]) -> list[Any]:
    keys = dict.fromkeys(map(itemgetter(query.index["source", child]), rows))
    keys.pop(None, None)
    return list(keys)


class _Builder:
    """Builds the SELECT of one level."""

    def __init__(
        self,
        level: Level,
        database: Database,
        lifted: bool,
        above: sa.Table | None = None,
    ) -> None:
        self.level = level
        self.database = database
        self.lifted = lifted
        # A count tells of persons too: at least one row is read, so that the log names them.
        self.peeks = level.count or _asks(level, "hasNextPage")
        self.source = _source(level, lifted)
        self.row = named(self.source, "t")
        self.above, self.between = _links(level, above)
        self.columns: list[sa.ColumnElement[Any]] = []
        self.index: dict[object, int] = {}
        self.decoders: dict[int, Convert] = {}
        self.covers: dict[str, sa.FromClause] = {}
        self.operands: list[tuple[str, Source, Transform | None]] = []

    def query(self) -> Query:
        level = self.level
        selections = row_fields(level)
        # Values first and in order: a row's beginning is the record that is written.
        for fields in selections:
            self._add_fields([field for field in fields if isinstance(field, Value)])
        self._add("key", self.row.c[level.type.key.name])
        for fields in selections:
            self._add_fields(fields)
        self._add_technical()
        where = self._where()
        keyset = self._keyset()
        return Query(
            level=level,
            statement=self.database.compile(self._paged(where, keyset)),
            count=self.database.compile(self._counting(where)) if level.count else None,
            operands=tuple(self.operands),
            index=self.index,
            decoders=self.decoders,
            children=tuple(
                _Builder(child, self.database, self.lifted, self.source).query()
                for child in level.children
            ),
            cursor=tuple(term.type for term, _ in self._terms()),
            peeks=self.peeks,
        )

    # -- columns -------------------------------------------------------------------------------

    def _add(self, key: object, expression: sa.ColumnElement[Any]) -> None:
        if key in self.index:
            return
        # A plain column that is selected already serves for this too.
        same = expression if isinstance(expression, sa.Column) else key
        if same in self.index:
            self.index[key] = self.index[same]
            return
        at = len(self.columns)
        self.index[key] = self.index[same] = at
        self.columns.append(expression.label(f"c{at}"))
        decode = self.database.decoder(expression.type)
        if decode is not None:
            self.decoders[at] = decode

    def _add_fields(self, fields: Sequence[Field]) -> None:
        for field in fields:
            if isinstance(field, Value):
                self._add((field.leaf.coordinate, field.masked, field.guard), self._value(field))
            elif isinstance(field, Embedded):
                self._add_guard(field.guard)
                self._add_fields(field.fields)
            elif isinstance(field, Nested):
                self._add_source(field)

    def _add_source(self, nested: Nested) -> None:
        """By what the rows beyond find this one; where the guard closes it never leaves the
        database."""
        edge = self.level.children[nested.child].edge
        assert edge is not None
        key: sa.ColumnElement[Any] = self.row.c[parent_column(edge)]
        condition = self._holds(nested.guard)
        if condition is not None:
            key = sa.type_coerce(sa.case((condition, key)), key.type)
        self._add(("source", nested.child), key)

    def _add_guard(self, guard: Guard) -> None:
        condition = self._holds(guard)
        if condition is not None:
            self._add(guard, sa.type_coerce(condition, sa.Boolean()))

    def _add_technical(self) -> None:
        level = self.level
        if level.edge is not None:
            self._add(PARENTS, self._parent())
        if level.entry:
            assert level.type.noun.owner is not None
            self._add("person", self.row.c[level.type.noun.owner])
        if level.warns is not None:
            assert level.type.noun.owner is not None
            cover, holds = self._cover(level.type.noun.owner), self._holds(level.warns)
            for name in ("address_withheld", "stop_output"):
                # IS TRUE: an ended obligation leaves the database as none that ever was.
                told: sa.ColumnElement[Any] = cover.c[name].is_(sa.true())
                if holds is not None:
                    # What may not be told is like no obligation; but nothing goes out on it.
                    told = sa.case((holds, told)) if level.warns.issued else sa.and_(holds, told)
                self._add(name, sa.type_coerce(told, sa.Boolean()))
        if _asks(level, "cursor", "startCursor", "endCursor"):
            for position, (term, _) in enumerate(self._terms()):
                self._add(("order", position), term)

    def _value(self, value: Value) -> sa.ColumnElement[Any]:
        column = self._column(value.leaf)
        if value.masked:
            column = _masked(column, value.leaf)
        condition = self._holds(value.guard)
        if condition is None:
            return column
        return sa.type_coerce(sa.case((condition, column)), value.leaf.column.type)

    def _column(self, leaf: Leaf) -> sa.ColumnElement[Any]:
        """The column of a leaf. Persons of a record of the log are all there for whoever is cleared
        for every class by which any of them could have come in."""
        column: sa.ColumnElement[Any] = self.row.c[leaf.column.name]
        if leaf.label.whole is None or not self.level.held:
            return column
        return sa.type_coerce(
            sa.case(
                (_none_but(self.row.c.through, self.level.held), self.row.c[leaf.label.whole]),
                else_=column,
            ),
            column.type,
        )

    # -- conditions ----------------------------------------------------------------------------

    def _holds(self, guard: Guard) -> sa.ColumnElement[bool] | None:
        conditions = [
            self._uncovered(person, guard.lift, guard.issued) for person in guard.uncovered
        ]
        if guard.uncovered and self.level.type.noun.agents:
            conditions.append(self._uncovered_agents(guard.issued))
        if guard.naming:
            nobody = sa.and_(*(self.row.c[name].is_(None) for name in guard.naming))
            conditions = [sa.or_(nobody, sa.and_(*conditions))]
        scope = in_any(self.level.type, self.row, guard.populations)
        if scope is not None:
            conditions.append(scope)
        return sa.and_(*conditions) if conditions else None

    def _uncovered(
        self, person: str, classes: frozenset[str], issued: bool = False
    ) -> sa.ColumnElement[bool]:
        # IS NOT TRUE: no row and an unknown flag would both be null; only `true` withholds, and the
        # column is never null.
        cover = self._cover(person)
        uncovered: sa.ColumnElement[bool] = cover.c.address_withheld.is_not(sa.true())
        if issued:
            uncovered = sa.and_(uncovered, cover.c.stop_output.is_not(sa.true()))
        if not self.lifted or not classes:
            return uncovered
        return sa.or_(uncovered, is_lifted(self.row.c[person], classes))

    def _uncovered_agents(self, issued: bool = False) -> sa.ColumnElement[bool]:
        owner = self.level.type.noun.owner
        assert owner is not None
        return uncovered_agents(named(agent_handling, "a"), self.row.c[owner], issued=issued)

    def _cover(self, person: str) -> sa.FromClause:
        if person not in self.covers:
            self.covers[person] = named(handling, f"h{len(self.covers)}")
        return self.covers[person]

    def _where(self) -> list[sa.ColumnElement[bool]]:
        level = self.level
        conditions: list[sa.ColumnElement[bool]] = []
        if level.edge is not None:
            conditions.append(IsIn(self._parent(), PARENTS))
        if level.keyed is not None:
            column = self.row.c[level.type.key.name]
            conditions.append(column == sa.bindparam(KEYED, type_=column.type))
        if level.type.noun.present:
            flags = (self.row.c[name] for name in level.type.noun.present)
            conditions.append(sa.or_(*(flag.is_(sa.true()) for flag in flags)))
        if level.leave_out_covered:
            conditions += [
                self._uncovered(person, level.lift) for person in level.type.noun.persons
            ]
            if level.type.noun.agents:
                conditions.append(self._uncovered_agents())
        scope = is_there(level.type, self.row, level.populations)
        if scope is not None:
            conditions.append(scope)
        if level.condition is not None:
            conditions.append(self._condition(level.condition))
        if self.between is not None:
            assert level.edge is not None
            assert level.edge.through is not None
            conditions += _goes_on_once(self.between, level.edge.through, level)
        return conditions

    def _condition(self, condition: Condition) -> sa.ColumnElement[bool]:
        if isinstance(condition, AllOf):
            return sa.and_(sa.true(), *(self._condition(inner) for inner in condition.conditions))
        if isinstance(condition, AnyOf):
            return sa.or_(sa.false(), *(self._condition(inner) for inner in condition.conditions))
        compared = self._compared(condition)
        if condition.negated:
            # `null NOT IN ()` is true in SQL, but a null satisfies no comparison and no negation.
            present = self._column(condition.leaf).is_not(None)
            compared = sa.not_(compared)
            if condition.operator == "in" or _is_spelled(condition):
                compared = sa.and_(present, compared)
        guard = self._holds(condition.guard)
        return compared if guard is None else sa.and_(guard, compared)

    def _compared(self, compare: Compare) -> sa.ColumnElement[bool]:
        column = self._column(compare.leaf)
        if _is_spelled(compare):
            if compare.operator == "prefix":
                return StartsWithAny(column, self._name(compare.source, _beginnings))
            return IsIn(column, self._name(compare.source, _spelled))
        fold = folding(compare.leaf.label, compare.operator)
        source = compare.source
        if compare.operator == "in":
            name = self._name(source, _each(fold))
            return IsIn(column, name)
        if compare.operator == "prefix":
            low = self._operand(column, source, fold)
            high = self._operand(column, source, _after_prefix(fold))
            return sa.and_(column >= low, column < high)
        if compare.operator == "isNull":
            asked = self._operand(column, source, None, sa.Boolean())
            return column.is_(None) == asked
        operand = self._operand(column, source, fold)
        return {
            "eq": column == operand,
            "lt": column < operand,
            "lte": column <= operand,
            "gt": column > operand,
            "gte": column >= operand,
        }[compare.operator]

    def _operand(
        self,
        column: sa.ColumnElement[Any],
        source: Source,
        transform: Transform | None,
        type_: sa.types.TypeEngine[Any] | None = None,
    ) -> sa.BindParameter[Any]:
        return sa.bindparam(self._name(source, _given(transform)), type_=type_ or column.type)

    def _name(self, source: Source, transform: Transform | None) -> str:
        name = f"p{len(self.operands)}"
        self.operands.append((name, source, transform))
        return name

    # -- order and pages -----------------------------------------------------------------------

    def _terms(self) -> Terms:
        """What the list is ordered by, the key last: a cursor holds one value for each."""
        page = self.level.page
        if page is None:
            return []
        terms = [
            term
            for order in page.order
            for term in nulls_last(self._column(order.leaf), descending=order.descending)
        ]
        return [*terms, (self.row.c[self.level.type.key.name], False)]

    def _order_by(self) -> list[sa.ColumnElement[Any]]:
        return [term.desc() if descending else term.asc() for term, descending in self._terms()]

    def _keyset(self) -> sa.ColumnElement[bool] | None:
        """Rows after the cursor, in lexicographic order."""
        if self.level.page is None or self.level.page.after is None:
            return None
        beyond: sa.ColumnElement[bool] | None = None
        for position, (term, descending) in reversed(list(enumerate(self._terms()))):
            value = sa.bindparam(f"after_{position}", type_=term.type)
            further = term < value if descending else term > value
            # The first comparison alone lets the database begin at the cursor in an index.
            reached = term <= value if descending else term >= value
            beyond = further if beyond is None else sa.and_(reached, sa.or_(further, beyond))
        return beyond

    def _paged(
        self, where: list[sa.ColumnElement[bool]], keyset: sa.ColumnElement[bool] | None
    ) -> sa.Select[Any]:
        conditions = where if keyset is None else [*where, keyset]
        select = self._from(sa.select(*self.columns)).where(*conditions)
        if self.level.page is None:
            return select
        limit = self._limit(self.level.page)
        if self.level.single_parent or self.level.edge is None:
            return select.order_by(*self._order_by()).limit(limit)
        rank = sa.func.row_number().over(partition_by=self._parent(), order_by=self._order_by())
        terms = [term.label(f"o{at}") for at, (term, _) in enumerate(self._terms())]
        ranked = select.add_columns(*terms, rank.label("rank")).subquery("ranked")
        columns = [ranked.c[f"c{at}"] for at in range(len(self.columns))]
        # In the order of the window, so that nothing is sorted again.
        order = [
            ranked.c[f"o{at}"].desc() if descending else ranked.c[f"o{at}"].asc()
            for at, (_, descending) in enumerate(self._terms())
        ]
        parent = ranked.c[f"c{self.index[PARENTS]}"]
        return sa.select(*columns).where(ranked.c.rank <= limit).order_by(parent, *order)

    def _limit(self, page: Page) -> sa.ColumnElement[int]:
        """How many rows of a page are read.

        What the document itself says stands in the text: PostgreSQL then keeps one plan, while with
        a parameter it plans anew each time, which takes as long as the reading.
        """
        first = page.first.value if isinstance(page.first, Const) else None
        if isinstance(first, int):
            return sa.literal_column(str(first + self.peeks), sa.Integer())
        return sa.bindparam(LIMIT, type_=sa.Integer())

    def _counting(self, where: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        number: sa.ColumnElement[Any] = sa.func.count()
        if self.level.edge is None:
            return self._from(sa.select(sa.null(), number)).where(*where)
        parent = self._parent()
        return self._from(sa.select(parent, number)).where(*where).group_by(parent)

    def _from(self, select: sa.Select[Any]) -> sa.Select[Any]:
        source = self._linked()
        for person, cover in self.covers.items():
            source = source.outerjoin(cover, cover.c.addressee_code == self.row.c[person])
        return select.select_from(source)

    def _linked(self) -> sa.FromClause:
        """The rows, and those above them where the edge is followed inside the database."""
        edge = self.level.edge
        if edge is None or self.above is None:
            return self.row
        tip: sa.ColumnElement[Any] = self.above.c[edge.source_column]
        source: sa.FromClause = self.above
        if self.between is not None:
            assert edge.through is not None
            through, tip = edge.through, self.between.c[edge.through.target_column]
            meeting = self.between.c[through.source_column] == self.above.c[edge.source_column]
            source = source.join(self.between, meeting)
        return source.join(self.row, self.row.c[edge.target_column] == tip)

    def _parent(self) -> sa.ColumnElement[Any]:
        edge = self.level.edge
        assert edge is not None
        if self.above is not None:
            return self.above.c[parent_column(edge)]
        return self.row.c[edge.target_column]


def parent_column(edge: Edge) -> str:
    """The column by which the rows beyond an edge are told to be a row's.

    That which the edge goes by, if everybody who sees the row is told it: its key, or its owner,
    who is on the log. Any other may be hidden while the edge is open (a household's code beside its
    members); it stays in the database, and the row's key is handed down instead.
    """
    noun = GRAPH.types[edge.source].noun
    return edge.source_column if edge.source_column in (noun.key, noun.owner) else noun.key


def _links(
    level: Level, above: sa.Table | None
) -> tuple[sa.FromClause | None, sa.FromClause | None]:
    """The rows above and the table between, where a level's edge is followed inside the database.

    The rows above are read as they were when they were found, withheld or not.
    """
    edge = level.edge
    if edge is None or parent_column(edge) == edge.source_column:
        return None, None
    assert above is not None
    between = None if edge.through is None else named(_table_between(edge.through, level), "m")
    return named(above, "s"), between


def _table_between(through: Through, level: Level) -> sa.Table:
    type_ = GRAPH.of_table(through.table)
    return uncovered_rows(type_) if level.leave_out_covered else type_.table


def _goes_on_once(
    between: sa.FromClause, through: Through, level: Level
) -> list[sa.ColumnElement[bool]]:
    """A row between that goes on, the first of those that lead from one row to one other: a
    household that somebody came into twice and never left has them as a member once."""
    day = sa.bindparam(TODAY, type_=sa.Date())
    key = GRAPH.of_table(through.table).noun.key
    earlier = named(_table_between(through, level), "e")
    before = sa.exists(1).where(
        *(
            earlier.c[name] == between.c[name]
            for name in (through.source_column, through.target_column)
        ),
        goes_on(earlier.c[through.ended_column], day),
        earlier.c[key] < between.c[key],
    )
    return [goes_on(between.c[through.ended_column], day), ~before]


def goes_on(
    ended: sa.ColumnElement[dt.date | None], day: dt.date | sa.ColumnElement[dt.date]
) -> sa.ColumnElement[bool]:
    """Whether what ends on a day has not ended yet: an end is often known before its day."""
    return sa.or_(ended.is_(None), ended >= day)


def _source(level: Level, lifted: bool) -> sa.Table:
    """Where a level's rows are read: the table, or the view that withholds what it asks for.

    What is read in spite of an obligation, or by a lift, is in the table alone, where only the
    plans of `read-withheld` and of lifts have a right on it.
    """
    guards = [guard for column, guard in guarded(level) if column in withheld(level.type)]
    if lifted and (level.lift or any(guard.lift for guard in guards)):
        return level.type.table
    if level.leave_out_covered:
        return uncovered_rows(level.type)
    if not guards or not all(guard.uncovered for guard in guards):
        return level.type.table
    return open_rows(level.type)


def _asks(level: Level, *names: str) -> bool:
    """Whether the level's connection shows any of these: `cursor`, or fields of `pageInfo`."""
    return level.connection is not None and any(
        shown[1] in names
        for _, kind, inner in level.connection.parts
        if kind in {"edges", "pageInfo"}
        for shown in inner
    )


def _masked(column: sa.ColumnElement[Any], leaf: Leaf) -> sa.ColumnElement[Any]:
    if leaf.label.mask == "last3":
        return sa.literal_column("'****'").concat(
            sa.func.substr(
                column, sa.func.length(column) - sa.literal_column("2"), sa.literal_column("3")
            )
        )
    return sa.null()


def _none_but(words: sa.ColumnElement[str], held: frozenset[str]) -> sa.ColumnElement[bool]:
    """Whether nothing is left of a list of words without these: an unknown word always is."""
    space, spaces, nothing = (
        sa.literal_column(text, sa.String()) for text in ("' '", "'  '", "''")
    )
    left = space + sa.func.replace(words, space, spaces) + space
    for word in sorted(held):
        left = sa.func.replace(left, sa.literal_column(f"' {word} '"), nothing)
    return left == nothing


def folding(label: Label, operator: str) -> Transform | None:
    """What makes of an operand what is stored: folded kana, the canonical form of a code, of which
    a beginning is cleaned alone, or what one sees of any other text."""
    if label.folded:
        return fold_kana
    if label.form is None:
        return _seen
    return plain if operator == "prefix" else label.form


def _seen(value: Any) -> Any:
    """Without the marks that came with a pasted text."""
    return without_invisible(value) if isinstance(value, str) else value


def _is_spelled(compare: Compare) -> bool:
    """Whether the comparison is one of a text that people write, in any spelling of its signs."""
    label = compare.leaf.label
    written = label.form is None and label.check in WRITTEN
    return written and compare.operator in {"eq", "in", "prefix"}


def _spelled(values: Any) -> list[str]:
    """Every spelling of each operand: what is stored stays as it came, and an index finds it."""
    texts = [without_invisible(text) for text in _each(None)(values)]
    most = MOST_IN // max(1, len(texts))
    return [each for text in texts for each in spellings(text, most)]


def _beginnings(value: Any) -> list[str]:
    """Every spelling of a prefix."""
    found = _spelled(value)
    if found == [""]:
        raise BadInput("a prefix needs at least one letter")
    return found


def _given(transform: Transform | None) -> Transform:
    def convert(value: Any) -> Any:
        if value is None:
            raise BadInput("`null` is no operand; ask `isNull`")
        if isinstance(value, str):
            _check_text(value)
        return transform(value) if transform else value

    return convert


def _check_text(value: str) -> None:
    if len(value) > LONGEST_OPERAND:
        raise BadInput(f"an operand has at most {LONGEST_OPERAND} characters", "LIMIT_EXCEEDED")
    if not storable(value):
        raise BadInput("an operand has characters that no stored text has")


def _each(transform: Transform | None) -> Transform:
    given = _given(transform)

    def convert(values: Any) -> Any:
        if values is None:
            raise BadInput("`null` is no operand; ask `isNull`")
        listed = values if isinstance(values, list) else [values]
        if len(listed) > MOST_IN:
            raise BadInput(f"`in` takes at most {MOST_IN} values", "LIMIT_EXCEEDED")
        return [given(value) for value in listed]

    return convert


def _after_prefix(fold: Transform | None) -> Transform:
    """The first text after all that begin with the prefix, in code point order."""

    def convert(value: str) -> str:
        prefix = fold(value) if fold else value
        if not prefix:
            raise BadInput("a prefix needs at least one letter")
        while prefix and ord(prefix[-1]) == 0x10FFFF:
            prefix = prefix[:-1]
        if not prefix:
            return chr(0x10FFFF)
        following = ord(prefix[-1]) + 1
        return str(prefix[:-1]) + chr(0xE000 if 0xD800 <= following < 0xE000 else following)

    return convert


def storable(text: str) -> bool:
    """Whether a database could hold the text: no NUL, no lone surrogates."""
    return "\x00" not in text and not any(0xD800 <= ord(sign) < 0xE000 for sign in text)


def today() -> dt.date:
    """Today in Asia/Tokyo, which keeps no summer time."""
    return dt.datetime.now(TOKYO).date()
