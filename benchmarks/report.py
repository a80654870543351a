"""What was measured, as text."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.cases import FORMS, Case
from benchmarks.load import Run

ATENA = "atena"
BARS = {"point": 0.35, "list": 0.5, "nested": 0.5}
"""The share of the limit's rate (`objects`) that Atena must reach."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One round with the CPU seconds that it used: in the server's processes, in PostgreSQL."""

    run: Run
    server: float
    database: float


@dataclass
class Rounds:
    """All rounds of one case: for Atena and for each form of the limit, in the same order."""

    case: Case
    costs: dict[str, list[Cost]] = field(
        default_factory=lambda: {name: [] for name in (ATENA, *FORMS)}
    )

    def ratios(self, form: str) -> list[float]:
        """Atena's rate as a share of the limit's, round by round."""
        pairs = zip(self.costs[ATENA], self.costs[form], strict=True)
        return [ours.run.rate / theirs.run.rate for ours, theirs in pairs]

    def ratio(self, form: str) -> float:
        """The median ratio."""
        return statistics.median(self.ratios(form))

    def rate(self, name: str) -> float:
        """Answers per second, the median."""
        return statistics.median(cost.run.rate for cost in self.costs[name])

    def latency(self, share: float) -> float:
        """Atena's latency in milliseconds that this share of the answers stayed below."""
        return statistics.median(cost.run.latency(share) for cost in self.costs[ATENA]) * 1e3

    def cpu(self, name: str, where: str) -> float:
        """Microseconds of CPU for each answer, `server` or `database`."""
        spent: list[float] = [getattr(cost, where) / cost.run.answers for cost in self.costs[name]]
        return statistics.median(spent) * 1e6


def table(measured: Sequence[Rounds]) -> str:
    """Rates and ratios of every case, then what an answer costs."""
    lines = [
        "answers per second: Atena, and the limit by json_build_object and by row_to_json",
        f"{'':8}{'atena':>7}{'objects':>9}{'ratio (min–max)':>18}{'bar':>6}"
        f"{'rows':>8}{'ratio (min–max)':>18}{'p50 ms':>8}{'p99 ms':>8}",
    ]
    for each in measured:
        lines.append(
            f"{each.case.name:8}{each.rate(ATENA):7.0f}{each.rate('objects'):9.0f}"
            f"{_ratio(each, 'objects'):>18}{BARS.get(each.case.name, '–'):>6}"
            f"{each.rate('rows'):8.0f}{_ratio(each, 'rows'):>18}"
            f"{each.latency(0.5):8.1f}{each.latency(0.99):8.1f}"
        )
    lines += [
        "",
        "CPU µs an answer: server and PostgreSQL",
        f"{'':8}{'atena':>14}{'objects':>14}{'rows':>14}",
    ]
    for each in measured:
        lines.append(
            f"{each.case.name:8}" + "".join(f"{_cpu(each, name):>14}" for name in (ATENA, *FORMS))
        )
    return "\n".join(lines)


def missed(measured: Sequence[Rounds]) -> list[str]:
    """The cases below their bar."""
    return [
        each.case.name for each in measured if each.ratio("objects") < BARS.get(each.case.name, 0)
    ]


def _ratio(rounds: Rounds, form: str) -> str:
    ratios = rounds.ratios(form)
    return f"{rounds.ratio(form):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def _cpu(rounds: Rounds, name: str) -> str:
    return f"{rounds.cpu(name, 'server'):.0f} + {rounds.cpu(name, 'database'):.0f}"
