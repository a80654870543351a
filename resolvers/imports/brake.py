"""A brake for the file: what is safe row by row may be wrong for a whole column.

A cell of a protective column that cannot be read covers the person. Where a column is written in
words that nobody here knows, it would cover the city, and two coordinators would have to end each
of it. Such a file is refused before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from resolvers.imports.cells import flag, read_handling
from resolvers.imports.city_file import FileRefused, Line

ONE_IN = 50
AT_LEAST = 3
"""Fewer cells are mistakes of their rows, however few rows there are."""

Readable = Callable[[str], bool]


def is_flag(text: str) -> bool:
    """Whether a flag can be read."""
    return flag(text) is not None


def is_handling(text: str) -> bool:
    """Whether 取扱注意 can be read."""
    return read_handling(text, {}) is None


class Brake:
    """Counts the cells that cannot be read. `columns`: how each protective column is read."""

    def __init__(self, columns: Mapping[str, Readable]) -> None:
        self._columns = columns
        self._rows = 0
        self._unread: Counter[str] = Counter()

    def see(self, line: Line) -> None:
        """One row of the file."""
        self._rows += 1
        for name, readable in self._columns.items():
            text = line.cells.get(name)
            if text is not None and not readable(text):
                self._unread[name] += 1

    def check(self) -> None:
        """Raises `FileRefused` where more than one row in fifty cannot be read, three at least."""
        for name, count in self._unread.items():
            if count >= AT_LEAST and count * ONE_IN > self._rows:
                raise FileRefused(
                    f"column {name}: {count:,} cells of {self._rows:,} rows cannot be read, and"
                    " each would cover its person; nothing was loaded: mend the column"
                )
