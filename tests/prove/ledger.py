"""Which seeds are done, for which code; and how a run is told."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import PROJECT
from tests.prove.pairs import Coverage

FOLDER = PROJECT / "prove"
CODE = ("server.py", "schema", "resolvers", "authz", "models", "tests/generate", "tests/oracle")
CODE_OF_SEARCH = ("tests/prove", "requirements.lock")


@dataclass(frozen=True, slots=True)
class Segment:
    """Seeds from `first` to before `end`. `cpu` in seconds; `failure` as it is printed."""

    first: int
    end: int
    cpu: float
    coverage: Coverage
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The runs written down: which seeds, and with which code."""

    database: str
    code: str
    path: Path

    @classmethod
    def of(cls, database: str) -> Ledger:
        """The ledger of this machine."""
        return cls(database, code_digest(), FOLDER / "ledger.jsonl")

    def next(self) -> int:
        """The first seed after all that are done, whatever the code was."""
        return max((int(str(entry["end"])) for entry in self.entries()), default=0)

    def pairs(self, code: str | None = None) -> int:
        """How many there were, in all or with this code."""
        return sum(
            int(str(entry["pairs"]))
            for entry in self.entries()
            if code is None or entry["code"] == code
        )

    def entries(self) -> list[dict[str, object]]:
        """What was done on this database."""
        if not self.path.exists():
            return []
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if line["database"] == self.database]

    def add(self, segment: Segment) -> None:
        """Write a segment down. One that found something is not done."""
        if segment.end == segment.first:
            return
        self.path.parent.mkdir(exist_ok=True)
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code": self.code,
            "database": self.database,
            "first": segment.first,
            "end": segment.end,
            "pairs": segment.coverage.pairs,
            "requests": segment.coverage.requests,
            "cpu": round(segment.cpu, 1),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def code_digest() -> str:
    """What names this state of product and search."""
    digest = hashlib.sha256()
    for name in (*CODE, *CODE_OF_SEARCH):
        root = PROJECT / name
        files = sorted(root.rglob("*.*")) if root.is_dir() else [root]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.relative_to(PROJECT).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def report(coverage: Coverage, segments: Sequence[Segment], seconds: float, ledger: Ledger) -> str:
    """A run in words and tables, in Markdown."""
    cpu = sum(segment.cpu for segment in segments)
    ranges = ", ".join(f"{one.first}-{one.end - 1}" for one in segments if one.end > one.first)
    lines = [
        f"{coverage.pairs} pairs in {coverage.conversations} conversations"
        f" ({coverage.requests} requests) on {ledger.database}, seeds {ranges}",
        f"{60 * coverage.pairs / max(seconds, 1):.0f} pairs a minute"
        f" ({seconds:.0f} s; {cpu:.0f} s of CPU, that is {60 * coverage.pairs / max(cpu, 1):.0f}"
        " pairs a minute and core)",
        f"written down: {ledger.pairs(ledger.code)} pairs with this code ({ledger.code}),"
        f" {ledger.pairs()} with every code so far",
        "",
        *_table(coverage),
        "",
        *_changes(coverage),
        "",
        f"{len({cell[0] for cell in coverage.cells})} coordinates,"
        f" {len(coverage.cells)} of (coordinate, position, rule)",
        f"(class, rule) shown to differ for somebody cleared: {len(coverage.shown)};"
        f" never: {coverage.never_shown() or 'none'}",
    ]
    return "\n".join(lines)


def _changes(coverage: Coverage) -> list[str]:
    """Mutations of the conversations by outcome; a lift by how often it was used."""
    outcomes: dict[str, list[str]] = {}
    for (name, outcome), number in sorted(coverage.changes.items()):
        outcomes.setdefault(name, []).append(f"{outcome} {number}")
    lines = ["| Mutation | Outcomes |", "| --- | --- |"]
    return lines + [f"| {name} | {', '.join(told)} |" for name, told in outcomes.items()]


def _table(coverage: Coverage) -> list[str]:
    """Changed cells by what hid them where."""
    counts: Counter[tuple[str, str]] = Counter()
    coordinates: dict[tuple[str, str], set[str]] = {}
    for (coordinate, position, rule), number in coverage.cells.items():
        counts[position, rule] += number
        coordinates.setdefault((position, rule), set()).add(coordinate)
    lines = ["| Position | Hidden by | Changes | Coordinates |", "| --- | --- | --- | --- |"]
    for (position, rule), number in sorted(counts.items()):
        lines.append(f"| {position} | {rule} | {number} | {len(coordinates[position, rule])} |")
    return lines
