"""Makes dicts of rows: the innermost loop of every answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every row."""

    value: Any


Cell = int | Constant
"""A place in the row, or the same value everywhere."""


def maker(
    keys: Sequence[str], cells: Sequence[Cell]
) -> Callable[[Sequence[Row]], list[dict[str, Any]]]:
    """A function from rows to dicts: under each key a place of the row, or a constant.

    It is generated, as `namedtuple` generates its own: that takes half the time of `dict(zip(…))`.
    Nothing from outside gets into the text, which holds numbers alone: keys and constants, which a
    client may have chosen, are bound by name.
    """
    bound: dict[str, Any] = {"__builtins__": {}}
    entries = []
    for at, (key, cell) in enumerate(zip(keys, cells, strict=True)):
        bound[f"key{at}"] = key
        if isinstance(cell, Constant):
            bound[f"constant{at}"] = cell.value
            entries.append(f"key{at}: constant{at}")
        else:
            entries.append(f"key{at}: row[{cell:d}]")
    made: Callable[[Sequence[Row]], list[dict[str, Any]]] = eval(_code(", ".join(entries)), bound)
    return made


@lru_cache(maxsize=1000)
def _code(entries: str) -> CodeType:
    """Rows of one form share it, whatever their keys."""
    return compile(f"lambda rows: [{{{entries}}} for row in rows]", "<rows>", "eval")
