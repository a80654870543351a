"""What was measured, as text."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.cases import Case
from benchmarks.load import Run

BARS = {"point": 0.35, "list": 0.5, "nested": 0.5}
"""The share of the limit's rate that Atena must reach."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One round with the CPU seconds that it used: in the server's process, in PostgreSQL."""

    run: Run
    server: float
    database: float


@dataclass
class Rounds:
    """All rounds of one case, pair by pair."""

    case: Case
    limit: list[Cost] = field(default_factory=list)
    atena: list[Cost] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Atena's rate as a share of the limit's, round by round."""
        return [a.run.rate / b.run.rate for a, b in zip(self.atena, self.limit, strict=True)]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return statistics.median(self.ratios)


def table(measured: Sequence[Rounds]) -> str:
    """Rates, ratios and costs of every case."""
    lines = [
        f"{'':8}{'limit/s':>9}{'atena/s':>9}{'ratio':>7}{'(min–max)':>12}{'bar':>6}"
        f"{'p50 ms':>8}{'p99 ms':>8}   CPU µs a request: server (limit), PostgreSQL (limit)"
    ]
    for rounds in measured:
        low, high = min(rounds.ratios), max(rounds.ratios)
        lines.append(
            f"{rounds.case.name:8}{_rate(rounds.limit):9.0f}{_rate(rounds.atena):9.0f}"
            f"{rounds.ratio:7.2f}{f'{low:.2f}–{high:.2f}':>12}"
            f"{_bar(rounds):>6}{_latency(rounds.atena, 0.5):8.1f}"
            f"{_latency(rounds.atena, 0.99):8.1f}"
            f"   {_cpu(rounds.atena, 'server'):.0f} ({_cpu(rounds.limit, 'server'):.0f}),"
            f" {_cpu(rounds.atena, 'database'):.0f} ({_cpu(rounds.limit, 'database'):.0f})"
        )
    return "\n".join(lines)


def missed(measured: Sequence[Rounds]) -> list[str]:
    """The cases below their bar."""
    return [r.case.name for r in measured if r.ratio < BARS.get(r.case.name, 0)]


def _bar(rounds: Rounds) -> str:
    return str(BARS.get(rounds.case.name, "–"))


def _rate(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.run.rate for cost in costs)


def _latency(costs: Sequence[Cost], share: float) -> float:
    return statistics.median(cost.run.latency(share) for cost in costs) * 1e3


def _cpu(costs: Sequence[Cost], where: str) -> float:
    return statistics.median(getattr(cost, where) / cost.run.answers for cost in costs) * 1e6
