"""The obligations in an answer: the clerk who gets a record gets the warning, asked for or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from resolvers.levels import Field, Nested
from resolvers.sql import Found

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
        """From the lowest level up, each row looked at once."""
        children = tuple(cls.of(child) for child in found.children)
        telling = [(at, child.parents) for at, child in enumerate(children) if child.parents]
        parents = frozenset(
            parent
            for parent, rows in found.by_parent.items()
            if any(
                _warned(found, row)
                or any(row[found.query.index["source", at]] in below for at, below in telling)
                for row in rows
            )
        )
        return cls(found, parents, children)


def _warned(found: Found, row: Sequence[Any]) -> bool:
    if found.query.level.warns is None:
        return False
    index = found.query.index
    return bool(row[index["address_withheld"]] or row[index["stop_output"]])


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
    for at, row in enumerate(rows):
        path = before if after is None else (*before, at, *after)
        if _warned(telling.found, row):
            yield {
                "path": list(path),
                "addressWithheld": bool(row[index["address_withheld"]]),
                "stopOutput": bool(row[index["stop_output"]]),
            }
        for key, source, child in edges:
            if row[source] in child.parents:
                yield from _of_parent(child, row[source], (*path, key))
