"""Rows → the answer: plain dicts in the order of the selection, level by level. No database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from models.database import Convert
from models.individual_number import NumberRecord
from resolvers.levels import (
    Connection,
    Embedded,
    Field,
    Guard,
    Identity,
    Level,
    Literal,
    Nested,
    Number,
    Value,
)
from resolvers.seal import Seal
from resolvers.sql import PARENTS, Found, Query

Row = Sequence[Any]
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Shaping:
    """What one answer needs while it is written, and what it finds on the way.

    `binding` ties cursors to actor, purpose and policy version; `persons` collects the addressee
    codes in the answer for the log; `obligations` what the clerk must observe.
    """

    seal: Seal
    binding: bytes
    numbers: Mapping[str, NumberRecord | None] = field(default_factory=dict)
    persons: dict[str, None] = field(default_factory=dict)
    obligations: list[dict[str, Any]] = field(default_factory=list)


def shape(found: Found, path: Path, shaping: Shaping) -> Any:
    """The value of one root field."""
    return _Shaper(found, shaping).value(None, path)


def persons_of(found: Sequence[Found]) -> list[str]:
    """The addressee codes of everybody in the answer."""
    persons: dict[str, None] = {}
    for level in found:
        persons.update(dict.fromkeys(level.persons))
        persons.update(dict.fromkeys(persons_of(level.children)))
    return list(persons)


class _Shaper:
    """Writes the rows of one level."""

    def __init__(self, found: Found, shaping: Shaping) -> None:
        self.found = found
        self.query = found.query
        self.level = found.query.level
        self.shaping = shaping
        self.children = [_Shaper(child, shaping) for child in found.children]
        self.connection = self.level.connection
        if self.connection is None:
            self.row = _row_writer(self.level.fields, self)
        else:
            self.parts = [self._part(kind, inner) for _, kind, inner in self.connection.parts]

    def value(self, parent: Any, path: Path) -> Any:
        """What belongs to one parent row: a connection, a row, or nothing."""
        rows = self.found.by_parent.get(parent, ())
        if self.connection is not None:
            return self._connection(self.connection, rows, parent, path)
        if not rows:
            return None
        self._warn(rows[0], path)
        return self.row(rows[0], path)

    def _connection(
        self, connection: Connection, rows: Sequence[Row], parent: Any, path: Path
    ) -> dict[str, Any]:
        return {
            key: write(rows, parent, (*path, key))
            for (key, _, _), write in zip(connection.parts, self.parts, strict=True)
        }

    def _part(self, kind: str, inner: Any) -> Callable[[Sequence[Row], Any, Path], Any]:
        if kind == "nodes":
            write = _row_writer(inner, self)

            def nodes(rows: Sequence[Row], parent: Any, path: Path) -> Any:
                return [self._entered(write, row, (*path, at)) for at, row in enumerate(rows)]

            return nodes
        if kind == "edges":
            return self._edges(inner)
        if kind == "pageInfo":
            return lambda rows, parent, path: self._page_info(inner, rows, parent)
        if kind == "totalCount":
            return lambda rows, parent, path: self.found.counts.get(parent, 0)
        return lambda rows, parent, path: inner

    def _edges(self, inner: Any) -> Callable[[Sequence[Row], Any, Path], Any]:
        writers = [
            (key, kind, _row_writer(fields, self) if kind == "node" else fields)
            for key, kind, fields in inner
        ]

        def one(row: Row, path: Path) -> dict[str, Any]:
            written: dict[str, Any] = {}
            for key, kind, write in writers:
                if kind == "node":
                    written[key] = self._entered(write, row, (*path, key))
                else:
                    written[key] = self._cursor(row) if kind == "cursor" else write
            return written

        def edges(rows: Sequence[Row], parent: Any, path: Path) -> Any:
            return [one(row, (*path, at)) for at, row in enumerate(rows)]

        return edges

    def _entered(self, write: Callable[[Row, Path], Any], row: Row, path: Path) -> Any:
        self._warn(row, path)
        return write(row, path)

    def _page_info(
        self, inner: Sequence[tuple[str, str]], rows: Sequence[Row], parent: Any
    ) -> dict[str, Any]:
        page = self.level.page
        assert page is not None
        values: dict[str, Callable[[], Any]] = {
            "hasNextPage": lambda: parent in self.found.more,
            "hasPreviousPage": lambda: page.after is not None,
            "startCursor": lambda: self._cursor(rows[0]) if rows else None,
            "endCursor": lambda: self._cursor(rows[-1]) if rows else None,
            "__typename": lambda: "PageInfo",
        }
        return {key: values[name]() for key, name in inner}

    def _cursor(self, row: Row) -> str:
        page = self.level.page
        assert page is not None
        values = [row[self.query.index["order", i]] for i in range(len(self.query.cursor_names))]
        return self.shaping.seal.cursor(values, self.shaping.binding + page.binding.encode())

    def _warn(self, row: Row, path: Path) -> None:
        """The clerk who gets the record gets the warning, asked for or not."""
        if self.level.warns is None:
            return
        withheld = bool(row[self.query.index["address_withheld"]])
        stop = bool(row[self.query.index["stop_output"]])
        if withheld or stop:
            self.shaping.obligations.append(
                {"path": list(path), "addressWithheld": withheld, "stopOutput": stop}
            )


def _row_writer(fields: Sequence[Field], shaper: _Shaper) -> Callable[[Row, Path], dict[str, Any]]:
    """A function that writes one row; plain columns are picked all at once."""
    query = shaper.query
    constants: list[Any] = []
    keys: list[str] = []
    picks: list[int] = []
    decoders: list[tuple[str, Convert]] = []
    later: list[tuple[str, Callable[[Row, Path], Any]]] = []
    width = len(query.index)

    def constant(value: Any) -> int:
        constants.append(value)
        return width + len(constants) - 1

    for selected in fields:
        keys.append(selected.key)
        if isinstance(selected, Value):
            at = query.index[selected.leaf.coordinate, selected.masked, selected.guard]
            picks.append(at)
            if at in query.decoders:
                decoders.append((selected.key, query.decoders[at]))
        elif isinstance(selected, Literal):
            picks.append(constant(selected.value))
        else:
            picks.append(constant(None))
            writer = _later(selected, shaper)
            if writer is not None:
                later.append((selected.key, writer))
    pick = _picker(picks)
    tail = tuple(constants)

    def write(row: Row, path: Path) -> dict[str, Any]:
        written = dict(zip(keys, pick((*row, *tail) if tail else row), strict=True))
        for key, decode in decoders:
            written[key] = decode(written[key])
        for key, fill in later:
            written[key] = fill(row, path)
        return written

    return write


def _picker(picks: Sequence[int]) -> Callable[[Row], Sequence[Any]]:
    if len(picks) == 1:
        only = picks[0]
        return lambda row: (row[only],)
    if not picks:
        return lambda row: ()
    return itemgetter(*picks)


def _later(selected: Field, shaper: _Shaper) -> Callable[[Row, Path], Any] | None:
    query, shaping = shaper.query, shaper.shaping
    if isinstance(selected, Identity):
        name, at = query.level.type.name, query.index["key"]
        return lambda row, path: shaping.seal.node_id(name, row[at])
    if isinstance(selected, Number):
        return _number(selected, query, shaping)
    if isinstance(selected, Embedded):
        write = _row_writer(selected.fields, shaper)
        return _guarded(query, selected.guard, lambda row, path: write(row, path))
    if isinstance(selected, Nested):
        child = shaper.children[selected.child]
        at, key = query.index["source", selected.child], selected.key
        return lambda row, path: None if row[at] is None else child.value(row[at], (*path, key))
    return None


def _guarded(
    query: Query, guard: Guard, write: Callable[[Row, Path], Any]
) -> Callable[[Row, Path], Any]:
    if guard not in query.index:
        return write
    at = query.index[guard]
    return lambda row, path: write(row, path) if row[at] else None


def _number(selected: Number, query: Query, shaping: Shaping) -> Callable[[Row, Path], Any]:
    at = query.index["person"]

    def write(row: Row, path: Path) -> Any:
        record = shaping.numbers.get(row[at])
        if record is None:
            return None
        return {
            "individualNumber": record.number.reveal(),
            "individualNumberChangeReason": record.change_reason,
            "individualNumberChangeDate": record.change_date,
        }[selected.leaf.name]

    return write


def wants_number(level: Level) -> bool:
    """Whether a level's rows show a field of the vault."""
    return any(isinstance(selected, Number) for selected in level.fields)


__all__ = ["PARENTS", "Shaping", "persons_of", "shape", "wants_number"]
