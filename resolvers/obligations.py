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
        if rows:
            yield from _of_row(found, rows[0], level.fields, path)
        return
    for key, kind, inner in level.connection.parts:
        if kind == "nodes":
            for at, row in enumerate(rows):
                yield from _of_row(found, row, inner, (*path, key, at))
        elif kind == "edges":
            for at, row in enumerate(rows):
                for name, part, fields in inner:
                    if part == "node":
                        yield from _of_row(found, row, fields, (*path, key, at, name))


def _of_row(
    found: Found, row: Sequence[Any], fields: Sequence[Field], path: Path
) -> Iterator[dict[str, Any]]:
    index = found.query.index
    if found.query.level.warns is not None:
        withheld, stop = bool(row[index["address_withheld"]]), bool(row[index["stop_output"]])
        if withheld or stop:
            yield {"path": list(path), "addressWithheld": withheld, "stopOutput": stop}
    for selected in fields:
        if isinstance(selected, Nested):
            parent = row[index["source", selected.child]]
            if parent is not None:
                child = found.children[selected.child]
                yield from _of_parent(child, parent, (*path, selected.key))
