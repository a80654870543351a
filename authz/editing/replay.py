"""What would have become of the requests of the last days under another policy. Pure: no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from authz.editing.compare import opens_more, word
from authz.editing.queries import Asked
from authz.policy.clearance import Decider
from authz.policy.policy import Policy
from models.graph.graph import PROTECTED
from models.tables.policy import Action


@dataclass(frozen=True, slots=True)
class Difference:
    """One recorded shape of request that would see more, or less.

    `more` and `less`: the coordinate, the action asked, and what was and would be decided on it;
    the same twice where it is shown of other people.
    """

    asked: Asked
    more: tuple[tuple[str, str, str, str], ...]
    less: tuple[tuple[str, str, str, str], ...]


def replay(before: Policy, after: Policy, requests: Iterable[Asked]) -> list[Difference]:
    """The recorded requests that would be decided otherwise.

    What they asked is decided anew under both policies: an earlier version may have decided when
    they were made.
    """
    deciders: dict[object, tuple[Decider, Decider] | None] = {}
    found = []
    for asked in requests:
        key = (asked.roles, asked.purpose, asked.case_reference)
        if key not in deciders:
            deciders[key] = _deciders(before, after, asked)
        pair = deciders[key]
        if pair is not None:
            difference = _difference(asked, *pair)
            if difference.more or difference.less:
                found.append(difference)
    return found


def _deciders(before: Policy, after: Policy, asked: Asked) -> tuple[Decider, Decider] | None:
    if asked.purpose not in before.reference.open_to(asked.roles):
        return None
    first, second = (
        Decider(policy, asked.roles, asked.purpose, asked.case_reference, PROTECTED, reasons=False)
        for policy in (before, after)
    )
    return first, second


def _difference(asked: Asked, before: Decider, after: Decider) -> Difference:
    more, less = [], []
    for coordinate, action, _ in asked.coordinates:
        if coordinate not in before.policy.coordinates:
            continue
        one, two = (decider.cell(coordinate, Action(action)) for decider in (before, after))
        words = (coordinate, action, word(one), word(two))
        if opens_more(one, two):
            more.append(words)
        if opens_more(two, one):
            less.append(words)
    return Difference(asked, tuple(more), tuple(less))
