"""Rows → the answer: plain dicts in the order of the selection. No database here.

What to write is compiled once per plan (`LevelShape`); a request only runs over rows, all rows of a
level at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from models.store.database import Convert
from models.tables.individual_number import NumberRecord
from resolvers.read.levels import (
    Embedded,
    Field,
    Identity,
    Level,
    Literal,
    Nested,
    Number,
    Obligation,
    Privacy,
    Value,
)
from resolvers.read.rows import Cell, Constant, Row, maker
from resolvers.read.seal import Position, Seal, view_of
from resolvers.read.sql import Found, Query, each_once

FLAGS = {"addressWithheld": "address_withheld", "stopOutput": "stop_output"}
OBLIGATION = "Obligation"
Rows = Sequence[Row]
Path = tuple[str | int, ...]
Record = dict[str, Any]


class Shaping(NamedTuple):
    """What one answer needs while it is written.

    `binding` ties cursors to actor, purpose and policy version.
    """

    seal: Seal
    binding: bytes
    purpose: str
    numbers: Mapping[str, NumberRecord | None] = MappingProxyType({})
    lifts: tuple[int, ...] = ()

    def view(self, position: Position) -> bytes:
        """What the ids of rows in a position seal. A lift shows more of one person alone."""
        return view_of(self.purpose, position, () if position is Position.LIST else self.lifts)


class Below(dict[Any, Any]):
    """What a level holds for each parent's key; a parent without rows gets what `absent` makes."""

    def __init__(self, values: Mapping[Any, Any], absent: Callable[[Any], Any]) -> None:
        super().__init__(values)
        self._absent = absent

    def __missing__(self, parent: Any) -> Any:
        return self._absent(parent)


class LevelShape:
    """Writes what one level holds for each of its parents: a row or nothing, or a connection."""

    __slots__ = ("children", "level", "parts", "row")

    def __init__(self, query: Query) -> None:
        self.level = query.level
        self.children = tuple(LevelShape(child) for child in query.children)
        connection = query.level.connection
        self.parts = tuple(
            (key, _part(kind, inner, query))
            for key, kind, inner in (connection.parts if connection else ())
        )
        self.row = RowShape(query.level.fields, query)

    def write(self, found: Found, shaping: Shaping) -> Below:
        """The values by parent; the root's parent is `None`."""
        below = [
            child.write(rows, shaping)
            for child, rows in zip(self.children, found.children, strict=True)
        ]
        if self.level.connection is None:
            firsts = {parent: rows[0] for parent, rows in found.by_parent.items() if rows}
            written = self.row.write(list(firsts.values()), below, shaping)
            return Below(dict(zip(firsts, written, strict=True)), lambda parent: None)
        page = _Page(found, below, shaping)
        columns = [(key, part(page)) for key, part in self.parts]

        def connection(parent: Any) -> Record:
            return {key: column(parent) for key, column in columns}

        return Below({parent: connection(parent) for parent in found.by_parent}, connection)


class _Page:
    """The rows of a connection for all parents: in one sequence, with each parent's slice of it."""

    def __init__(self, found: Found, below: list[Below], shaping: Shaping) -> None:
        self.found = found
        self.below = below
        self.shaping = shaping
        self.rows: list[Row] = []
        self.slices: dict[Any, slice] = {}
        for parent, rows in found.by_parent.items():
            start = len(self.rows)
            self.rows.extend(rows)
            self.slices[parent] = slice(start, len(self.rows))

    def cut(self, written: list[Any]) -> Callable[[Any], list[Any]]:
        """Of something written for every row, what belongs to one parent."""
        nothing = slice(0, 0)
        return lambda parent: written[self.slices.get(parent, nothing)]

    def cursors(self, rows: Rows) -> Iterator[str]:
        """The sealed place of each row."""
        query, page = self.found.query, self.found.query.level.page
        assert page is not None
        places = [query.index["order", at] for at in range(len(query.cursor))]
        binding = self.shaping.binding + page.binding.encode()
        for row in rows:
            yield self.shaping.seal.cursor([row[at] for at in places], binding)


Column = Callable[[Any], Any]
"""What one part of a connection is for a parent."""


def _part(kind: str, inner: Any, query: Query) -> Callable[[_Page], Column]:
    if kind == "nodes":
        nodes = RowShape(inner, query)
        return lambda page: page.cut(nodes.write(page.rows, page.below, page.shaping))
    if kind == "edges":
        return _edges(inner, query)
    if kind == "pageInfo":
        return lambda page: lambda parent: _page_info(inner, page, parent)
    if kind == "totalCount":
        return lambda page: lambda parent: page.found.counts.get(parent, 0)
    return lambda page: lambda parent: inner


def _edges(inner: Any, query: Query) -> Callable[[_Page], Column]:
    keys = [key for key, _, _ in inner]
    shapes = [RowShape(part, query) if kind == "node" else None for _, kind, part in inner]

    def write(page: _Page) -> Column:
        columns: list[Any] = []
        for (_, kind, part), shape in zip(inner, shapes, strict=True):
            if shape is not None:
                columns.append(shape.write(page.rows, page.below, page.shaping))
            elif kind == "cursor":
                columns.append(list(page.cursors(page.rows)))
            else:
                columns.append([part] * len(page.rows))
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
        return page.cut(rows if columns else [{} for _ in page.rows])

    return write


def _page_info(inner: Sequence[tuple[str, str]], page: _Page, parent: Any) -> Record:
    rows = page.rows[page.slices.get(parent, slice(0, 0))]
    level = page.found.query.level
    written: Record = {}
    for key, name in inner:
        if name == "hasNextPage":
            written[key] = parent in page.found.more
        elif name == "hasPreviousPage":
            written[key] = level.page is not None and level.page.after is not None
        elif name == "__typename":
            written[key] = "PageInfo"
        else:
            edge = rows[:1] if name == "startCursor" else rows[-1:]
            written[key] = next(page.cursors(edge), None)
    return written


class RowShape:
    """Writes rows under one selection: columns all at once, the rest field by field."""

    __slots__ = (
        "decoders",
        "embedded",
        "identities",
        "nested",
        "numbers",
        "query",
        "records",
        "told",
    )

    def __init__(self, fields: Sequence[Field], query: Query) -> None:
        self.query = query
        decoders: list[tuple[str, Convert]] = []
        identities: list[Identity] = []
        told: list[Privacy] = []
        numbers: list[Number] = []
        embedded: list[tuple[Embedded, RowShape]] = []
        nested: list[Nested] = []
        cells: list[Cell] = []
        for selected in fields:
            cell: Cell = Constant(None)
            if isinstance(selected, Value):
                cell = query.index[selected.leaf.coordinate, selected.masked, selected.guard]
                if cell in query.decoders:
                    decoders.append((selected.key, query.decoders[cell]))
            elif isinstance(selected, Literal):
                cell = Constant(selected.value)
            elif isinstance(selected, Identity):
                identities.append(selected)
            elif isinstance(selected, Privacy):
                cell = Constant(dict(selected.parts))
                if selected.told:
                    told.append(selected)
            elif isinstance(selected, Number):
                numbers.append(selected)
            elif isinstance(selected, Embedded):
                embedded.append((selected, RowShape(selected.fields, query)))
            elif isinstance(selected, Nested):
                nested.append(selected)
            cells.append(cell)
        self.records = maker([selected.key for selected in fields], cells)
        # Most are empty, and the empty tuple is one object.
        self.decoders, self.identities, self.told = tuple(decoders), tuple(identities), tuple(told)
        self.numbers, self.embedded, self.nested = tuple(numbers), tuple(embedded), tuple(nested)

    def write(self, rows: Rows, below: Sequence[Below], shaping: Shaping) -> list[Record]:
        """One record a row."""
        written = self.records(rows)
        for key, decode in self.decoders:
            for record in written:
                record[key] = decode(record[key])
        for identity in self.identities:
            name, at = self.query.level.type.name, self.query.index["key"]
            view = shaping.view(identity.position)
            for record, row in zip(written, rows, strict=True):
                record[identity.key] = shaping.seal.node_id(view, name, row[at])
        for privacy in self.told:
            self._privacy(privacy, written, rows)
        for selected in self.numbers:
            self._numbers(selected, written, rows, shaping)
        for embedded, shape in self.embedded:
            self._embedded(embedded, shape.write(rows, below, shaping), written, rows)
        for nested in self.nested:
            held, at = below[nested.child], self.query.index["source", nested.child]
            for record, row in zip(written, rows, strict=True):
                parent = row[at]
                record[nested.key] = None if parent is None else held[parent]
        return written

    def _embedded(
        self, embedded: Embedded, inner: list[Record], written: list[Record], rows: Rows
    ) -> None:
        at = self.query.index.get(embedded.guard)
        for record, row, part in zip(written, rows, inner, strict=True):
            record[embedded.key] = part if at is None or row[at] else None

    def _privacy(self, selected: Privacy, written: list[Record], rows: Rows) -> None:
        flags = {name: self.query.index[name] for name in FLAGS.values()}

        def told(obligation: Obligation, row: Row) -> Record | None:
            if not any(row[at] for at in flags.values()):
                return None
            return {
                key: OBLIGATION if name == "__typename" else bool(row[flags[FLAGS[name]]])
                for key, name in obligation.fields
            }

        for record, row in zip(written, rows, strict=True):
            record[selected.key] = {
                key: told(part, row) if isinstance(part, Obligation) else part
                for key, part in selected.parts
            }

    def _numbers(
        self, selected: Number, written: list[Record], rows: Rows, shaping: Shaping
    ) -> None:
        at = self.query.index["person"]
        for record, row in zip(written, rows, strict=True):
            number = shaping.numbers.get(row[at])
            record[selected.key] = None if number is None else _of_record(number, selected)


def _of_record(record: NumberRecord, selected: Number) -> Any:
    return {
        "individualNumber": record.number.reveal(),
        "individualNumberChangeReason": record.change_reason,
        "individualNumberChangeDate": record.change_date,
    }[selected.leaf.name]


def wants_number(level: Level) -> bool:
    """Whether a level's rows show a field of the vault."""
    return any(isinstance(selected, Number) for selected in level.fields)


def persons_of(found: Sequence[Found]) -> Sequence[str]:
    """The addressee codes of everybody in the answer, each once."""
    return each_once([one.persons for root in found for one in root.tree() if one.persons])


def named_only(found: Sequence[Found]) -> Sequence[str]:
    """Those of them who came in by nothing but their code."""
    levels = [one for root in found for one in root.tree() if not one.query.level.through]
    return each_once([one.persons for one in levels if one.persons])
