"""What became of each row, and the reject file: line, column, class and reason, never a value."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from models.trade.city_file import Values
from models.trade.rules import Reason
from resolvers.imports.cells import Cell, ShortCode, implausible_days
from resolvers.imports.city_file import Line

REJECT_HEADER = ("line", "column", "class", "reason", "reason_ja")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused: the column where there is one, and the reason."""

    reason: str
    column: str = ""
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, cell: Cell, reason: str) -> Problem:
        """A problem of one cell."""
        return cls(reason, cell.header, cell.classes)


@dataclass(slots=True)
class Row:
    """One row, converted: values by part (table), and what is wrong with it."""

    line: int
    code: str
    parts: dict[str, Values] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What became of the rows of one batch, by line. `gained`: it wrote something for which others
    may wait. `namesakes`: another record has the name and birthday."""

    loaded: set[int] = field(default_factory=set)
    already_there: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)
    rejected: dict[int, list[Problem]] = field(default_factory=dict)
    gained: bool = False
    namesakes: set[int] = field(default_factory=set)

    def settle(self, rows: Sequence[Row]) -> None:
        """Give each row one outcome: waiting goes before rejected, rejected before loaded."""
        for row in rows:
            if row.line in self.waiting:
                self.loaded.discard(row.line)
                self.already_there.discard(row.line)
            elif row.problems:
                self.loaded.discard(row.line)
                self.already_there.discard(row.line)
                self.rejected[row.line] = row.problems


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, in rows. `rejects` is the reject file, where there is one.

    `namesakes`: lines of newcomers of whom another record has the name and birthday."""

    rows: int
    loaded: int
    already_there: int
    rejected: int
    rejects: Path | None
    namesakes: tuple[int, ...] = ()


class RejectFile:
    """The reject file of one import; `with RejectFile(path) as rejects`.

    It is made with the first rejected row, readable by its owner alone, and an old one is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file: Any = None
        self._writer: Any = None

    def __enter__(self) -> RejectFile:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, line: int, problems: Sequence[Problem]) -> None:
        """One rejected row, with everything that is wrong with it."""
        if self._writer is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            # With a BOM, so that a spreadsheet shows the Japanese words.
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "w", encoding="utf-8-sig")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(REJECT_HEADER)
        self.rows += 1
        for problem in problems:
            self._writer.writerow(
                (
                    line,
                    problem.column,
                    " ".join(problem.classes),
                    problem.reason,
                    getattr(problem.reason, "ja", ""),
                )
            )

    def report(self, loaded: int, already_there: int) -> Report:
        """The report, once every row has its outcome."""
        if self._file is not None:
            self._file.flush()
        return Report(
            rows=loaded + already_there + self.rows,
            loaded=loaded,
            already_there=already_there,
            rejected=self.rows,
            rejects=self.path if self.rows else None,
        )


def short_codes(problems: Iterable[Problem]) -> set[str]:
    """Whom the codes mean that lost their zeros."""
    return {one.reason.meant for one in problems if isinstance(one.reason, ShortCode)}


def named(problems: Sequence[Problem], there: Collection[str]) -> list[Problem]:
    """The problems; one with a code that lost its zeros names the person's code, if it is there."""
    return [_with_name(one, there) for one in problems]


def _with_name(problem: Problem, there: Collection[str]) -> Problem:
    reason = problem.reason
    if not isinstance(reason, ShortCode) or reason.meant not in there:
        return problem
    told = Reason(f"{reason}; {reason.meant} exists", f"{reason.ja} ({reason.meant} が登録済み)")
    return replace(problem, reason=told)


def convert(line: Line, cells: dict[str, Cell], code: str) -> Row:
    """Read every filled cell of a row by the rule of its column. `code` is the key column."""
    row = Row(line.number, "")
    if line.fault:
        row.problems.append(Problem(line.fault))
        return row
    parts, problems = row.parts, row.problems
    for name, text in line.cells.items():
        cell = cells[name]
        values = parts.get(cell.part)
        if values is None:
            values = parts[cell.part] = {}
        reason = cell.read(text, values)
        if reason is not None:
            problems.append(Problem.of(cell, reason))
    for part, values in parts.items():
        for column, reason in implausible_days(part, values):
            problems.append(Problem.of(_cell_of(cells, part, column), reason))
    key = cells[code]
    row.code = parts.get(key.part, {}).get(key.column, "")
    if code not in line.cells:
        problems.append(Problem.of(key, Reason("the row has no code", "宛名コードがありません")))
    return row


def _cell_of(cells: dict[str, Cell], part: str, column: str) -> Cell:
    return next(cell for cell in cells.values() if (cell.part, cell.column) == (part, column))
