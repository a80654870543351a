"""Reading one of the city's files: encoding, header, rows, lines; flat in memory.

The header decides the encoding: UTF-8 (with or without BOM) or CP932. Bytes that are wrong in it
become U+FFFD, which no rule lets pass, so that one broken cell costs one row and not the file.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

ENCODINGS = ("utf-8-sig", "cp932")
END_OF_FILE = "\x1a"
LINES_OF_A_ROW = 50

Progress = Callable[[int], None]


class FileRefused(Exception):
    """The file as a whole cannot be read; the message names no cell of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the number of its first line in the file, and its filled cells by column name.

    `fault`: why it has none; `text`: that row as it stands, and any that takes several lines: it
    may hold other rows between two stray quotes.
    """

    number: int
    cells: dict[str, str]
    fault: str | None = None
    text: str = ""


@dataclass(slots=True)
class CityFile:
    """An opened file: its encoding and the names of its columns."""

    path: Path
    encoding: str
    header: tuple[str, ...]
    size: int = field(default=0)

    @classmethod
    def open(cls, path: Path, known: Collection[str], needed: Collection[str]) -> CityFile:
        """Look at the header. Raises `FileRefused` where it is not one of the city's."""
        try:
            with path.open("rb") as file:
                first = file.readline(1_000_000)
        except OSError as error:
            raise FileRefused(f"cannot read the file: {error.strerror}") from None
        for encoding in ENCODINGS:
            try:
                names = _names(first.decode(encoding))
            except UnicodeDecodeError:
                continue
            if any(name in known for name in names):
                _check(names, known, needed)
                return cls(path, encoding, names, path.stat().st_size)
        raise FileRefused("the first line is no header with Japanese item names, in UTF-8 or CP932")

    def lines(self, progress: Progress = lambda size: None) -> Iterator[Line]:
        """The rows after the header. `progress` is told the bytes read since it was last told."""
        with self.path.open("rb") as file:
            taken: list[str] = []
            decoded = _kept(_decoded(file, self.encoding, progress), taken)
            reader = csv.reader(decoded, strict=True)
            next(reader)
            while True:
                number = reader.line_num + 1
                taken.clear()
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    yield Line(number, {}, "the row's quotes are broken", "".join(taken))
                    continue
                if cells and cells != [END_OF_FILE]:
                    yield self._line(number, reader.line_num, cells, taken)

    def pieces(self, line: Line) -> Iterator[Line]:
        """What stands in a row that fell apart, or takes several lines: each line of it that would
        be a row by itself, with its quotes or without."""
        for text in line.text.splitlines():
            for cells in (_cells(text), text.replace('"', "").split(",")):
                if len(cells) == len(self.header):
                    yield Line(line.number, self._filled(cells))
                    break

    def _line(self, number: int, last: int, cells: list[str], taken: list[str]) -> Line:
        text = "".join(taken)
        if len(cells) != len(self.header):
            fault = f"the row has {len(cells)} cells, the header {len(self.header)}"
            return Line(number, {}, fault, text)
        if last - number > LINES_OF_A_ROW:
            return Line(number, {}, f"a quote is not closed before line {last}", text)
        return Line(number, self._filled(cells), None, text if last > number else "")

    def _filled(self, cells: list[str]) -> dict[str, str]:
        return {
            name: stripped
            for name, cell in zip(self.header, cells, strict=True)
            if cell and (stripped := cell.strip())
        }


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


def _decoded(file: BinaryIO, encoding: str, progress: Progress) -> Iterator[str]:
    # The BOM was looked at with the header; later lines have none.
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    first, read = True, 0
    for raw in file:
        read += len(raw)
        if read > 1_000_000:
            progress(read)
            read = 0
        yield raw.decode(encoding if first else plain, "replace")
        first = False
    progress(read)


def _kept(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """The lines, each noted in `taken`."""
    for line in lines:
        taken.append(line)
        yield line


def _names(line: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFKC", cell).strip() for cell in _cells(line))


def _check(names: tuple[str, ...], known: Collection[str], needed: Collection[str]) -> None:
    # A header cell is named by its position: a file without a header begins with somebody's data.
    for position, name in enumerate(names, 1):
        if name not in known:
            raise FileRefused(f"column {position} of the header is no known item name")
        if name in names[: position - 1]:
            raise FileRefused(f"column {position} of the header ({name}) is there twice")
    missing = [name for name in needed if name not in names]
    if missing:
        raise FileRefused(f"the header lacks {'、'.join(missing)}")
