"""出力停止: whose data may not go out, and who comes into what is about to.

Of one whose output is stopped nothing goes out, and of one whose place is withheld nothing that an
obligation withholds, but by a lift for issuing. Whoever else comes into a document must not be
covered at all: the strictest obligation of anybody on it governs the whole.

What went wrong elsewhere: a slip for joint owners carried the address of one of them to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from authz.errors import OutputStopped, WriteRefused
from authz.policy.clearance import Verdict
from models.graph.graph import GRAPH
from resolvers.read.decisions import withheld_of
from resolvers.read.plan import Plan
from resolvers.read.sql import Found


@dataclass(frozen=True, slots=True)
class Issued:
    """About whom something is about to go out, with the lifts for issuing that were used for it."""

    person: str
    lifts: tuple[int, ...]


def needs_lift(address_withheld: bool, stop_output: bool, asks_withheld: bool) -> bool:
    """Whether nothing goes out without a lift."""
    return stop_output or (address_withheld and asks_withheld)


def asks_withheld(plan: Plan) -> bool:
    """Whether anything that an obligation withholds is in it."""
    return any(
        verdict != Verdict.HIDDEN and withheld_of(GRAPH.classes.get(coordinate, ()))
        for coordinate, _, verdict in plan.decisions
    )


def check_all_are_told(plan: Plan) -> None:
    """Raises `WriteRefused` where somebody would come into it whose obligation is not told."""
    if any(level.entry and level.warns is None for level in plan.levels()):
        raise WriteRefused("whoever comes into it must be somebody whose `handling` you may see")


def brings_others(plan: Plan) -> bool:
    """Whether anybody comes into it beside the person that it is about."""
    return sum(level.entry for level in plan.levels()) > 1


def check_nobody_is_stopped(plan: Plan, found: Sequence[Found], issued: Issued) -> None:
    """Raises `OutputStopped` where somebody is covered in what was found. What may not be told of
    an obligation counts as one."""
    asked = asks_withheld(plan)
    for one in found:
        index = one.query.index
        if one.query.level.entry:
            for row in (row for rows in one.by_parent.values() for row in rows):
                withheld, stop = (
                    row[index[name]] in {None, True} for name in ("address_withheld", "stop_output")
                )
                own = row[index["person"]] == issued.person
                lifted = own and bool(issued.lifts)
                if needs_lift(withheld, stop or (withheld and not own), asked) and not lifted:
                    raise OutputStopped
        check_nobody_is_stopped(plan, one.children, issued)
