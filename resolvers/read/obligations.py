"""The obligations in an answer: the clerk who gets a record gets the warning, asked for or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from resolvers.read.levels import Field, Nested
from resolvers.read.sql import Found

Path = tuple[str | int, ...]


def obligations(found: Found, path: Path) -> Iterator[dict[str, Any]]:
    """The obligations of one root field, in the order of the answer."""
    telling = Telling.of(found)
    if telling.parents:
        yield from _of_parent(telling, None, path)


@dataclass(frozen=True, slots=True)
class Telling:
    """A level with the parents under whom there is anything to tell: usually none, and then no
    path is walked."""

    found: Found
    parents: frozenset[Any]
    children: tuple[Telling, ...]

    @classmethod
    def of(cls, found: Found) -> Telling:
        """From the lowest level up; rows are looked at once, and only where they could tell."""
        children = tuple(cls.of(child) for child in found.children)
        index = found.query.index
        edges = [
            (index["source", at], child.parents)
            for at, child in enumerate(children)
            if child.parents
        ]
        flags = _flags(found)
        if not flags and not edges:
            return cls(found, frozenset(), children)
        parents = frozenset(
            parent
            for parent, rows in found.by_parent.items()
            if any(any(map(itemgetter(flag), rows)) for flag in flags)
            or any(not below.isdisjoint(map(itemgetter(source), rows)) for source, below in edges)
        )
        return cls(found, parents, children)


def _flags(found: Found) -> tuple[int, ...]:
    """Where a row says what must be observed with its person; nowhere, if it may not be told."""
    index = found.query.index
    level = found.query.level
    told = level.entry and level.warns is not None
    return (index["address_withheld"], index["stop_output"]) if told else ()


def _of_parent(telling: Telling, parent: Any, path: Path) -> Iterator[dict[str, Any]]:
    level, rows = telling.found.query.level, telling.found.by_parent.get(parent, ())
    if level.connection is None:
        yield from _of_rows(telling, rows[:1], level.fields, path, None)
        return
    for key, kind, inner in level.connection.parts:
        if kind == "nodes":
            yield from _of_rows(telling, rows, inner, (*path, key), ())
        elif kind == "edges":
            for name, part, fields in inner:
                if part == "node":
                    yield from _of_rows(telling, rows, fields, (*path, key), (name,))


def _of_rows(
    telling: Telling,
    rows: Sequence[Any],
    fields: Sequence[Field],
    before: Path,
    after: Path | None,
) -> Iterator[dict[str, Any]]:
    """A row stands at `before`, its position, `after`; without a position where `after` is None."""
    index = telling.found.query.index
    edges = [
        (selected.key, index["source", selected.child], telling.children[selected.child])
        for selected in fields
        if isinstance(selected, Nested) and telling.children[selected.child].parents
    ]
    flags = _flags(telling.found)

    def path(at: int) -> Path:
        return before if after is None else (*before, at, *after)

    for at, row in enumerate(rows):
        if flags and (row[flags[0]] or row[flags[1]]):
            withheld, stop = (bool(row[flag]) for flag in flags)
            yield {"path": path(at), "addressWithheld": withheld, "stopOutput": stop}
        for key, source, child in edges:
            if row[source] in child.parents:
                yield from _of_parent(child, row[source], (*path(at), key))
