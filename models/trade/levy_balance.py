"""What is still to be paid of a levy item, and what was paid too much."""

from __future__ import annotations

from collections.abc import Iterable

SETTLED = frozenset({"CORRECTED", "WRITTEN_OFF"})
"""States in which nothing is asked any more: replaced by a new notice, or given up."""


def outstanding(status: str, parts: Iterable[tuple[int, int]]) -> int:
    """Yen still to be paid. `parts`: levied and received, for tax, reminder fee, late charge.

    >>> outstanding("OVERDUE", [(10_000, 4_000), (100, 0), (0, 0)])
    6100
    """
    if status in SETTLED:
        return 0
    return sum(max(0, levied - received) for levied, received in parts)


def overpaid(parts: Iterable[tuple[int, int]]) -> int:
    """Yen paid too much, part by part: too much tax does not pay a late charge."""
    return sum(max(0, received - levied) for levied, received in parts)
