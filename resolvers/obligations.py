"""The obligations in an answer: the clerk who gets a record gets the warning, asked for or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from resolvers.levels import Field, Nested
from resolvers.sql import Found

Path = tuple[str | int, ...]


def obligations(found: Found, path: Path) -> Iterator[dict[str, Any]]:
    """The obligations of one root field, in the order of the answer."""
    if _any(found):
        yield from _of_parent(found, None, path)


def _any(found: Found) -> bool:
    """Whether there is anything to tell at all: usually not, and then no path is walked."""
    if found.query.level.warns is not None:
        withheld, stop = found.query.index["address_withheld"], found.query.index["stop_output"]
        for rows in found.by_parent.values():
            if any(row[withheld] or row[stop] for row in rows):
                return True
    return any(_any(child) for child in found.children)


def _of_parent(found: Found, parent: Any, path: Path) -> Iterator[dict[str, Any]]:
    level, rows = found.query.level, found.by_parent.get(parent, ())
    if level.connection is None:
        yield from _of_rows(found, rows[:1], level.fields, path, None)
        return
    for key, kind, inner in level.connection.parts:
        if kind == "nodes":
            yield from _of_rows(found, rows, inner, (*path, key), ())
        elif kind == "edges":
            for name, part, fields in inner:
                if part == "node":
                    yield from _of_rows(found, rows, fields, (*path, key), (name,))


def _of_rows(
    found: Found,
    rows: Sequence[Any],
    fields: Sequence[Field],
    before: Path,
    after: Path | None,
) -> Iterator[dict[str, Any]]:
    """A row stands at `before`, its position, `after`; without a position where `after` is None."""
    index = found.query.index
    edges = [selected for selected in fields if isinstance(selected, Nested)]
    told = found.query.level.warns is not None
    withheld, stop = (index["address_withheld"], index["stop_output"]) if told else (0, 0)
    for at, row in enumerate(rows):
        if told and (row[withheld] or row[stop]):
            yield {
                "path": list(before if after is None else (*before, at, *after)),
                "addressWithheld": bool(row[withheld]),
                "stopOutput": bool(row[stop]),
            }
        for selected in edges:
            parent = row[index["source", selected.child]]
            child = found.children[selected.child]
            if parent is not None and _any(child):
                path = before if after is None else (*before, at, *after)
                yield from _of_parent(child, parent, (*path, selected.key))
