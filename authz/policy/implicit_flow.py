"""Implicit flow: nothing that is shown may depend on what is hidden, unless that is declared. Pure.

A null where an obligation withholds, a row that a population leaves out, a masked digit, an order:
each tells something of the values behind it. So those values must be visible to the same role for
the same purpose by the same action, or the release stands in `authz/policy/releases.py` with its
reason. What is worked out may also carry all the classes of what it is worked out from. One role
at a time is enough: the roles of a person unite cell by cell, and each cell keeps its rule.

What is asked is the compiled decision (`Decider`), so that an invariant which has stopped to close
something is found as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authz.policy.clearance import (
    NEEDS_HANDLING,
    SHOWING,
    Decider,
    Verdict,
    depends_on_protection,
)
from authz.policy.invariants import HANDLING, NUMBER_ROLE
from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, Policy, PolicyError
from authz.policy.releases import DERIVED, POPULATION_INPUTS, RELEASES
from models.graph.graph import GRAPH, MASKABLE, PROTECTED, Leaf
from models.tables.policy import Action, Effect

Releases = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Flow:
    """What `role` is shown for `purpose` tells of `depends_on`, which it may not see.

    `line`: number of the line that shows it, counted from 1; 0 where none does alone.
    """

    line: int
    role: str
    purpose: str
    coordinate: str
    action: Action
    depends_on: str

    @property
    def reason(self) -> str:
        """In words, without the line."""
        return (
            f"`{self.action}` of `{self.coordinate}` tells `role:{self.role}`,"
            f" `purpose:{self.purpose}` of `{self.depends_on}`, which it may not see"
        )


def flows(policy: Policy, releases: Releases = RELEASES) -> tuple[Flow, ...]:
    """Every implicit flow of a policy that is not declared, by line; none is as it should be."""
    found = set()
    gaps = [
        coordinate
        for coordinate, classes in policy.coordinates.items()
        if depends_on_protection(coordinate, classes, PROTECTED)
    ]
    for role, purposes in policy.reference.role_purposes.items():
        for purpose in purposes:
            roles = frozenset({role, NUMBER_ROLE})
            decider = Decider(policy, roles, purpose, True, PROTECTED, reasons=False)
            found |= {
                Flow(
                    _line(policy.lines, roles, purpose, coordinate, action),
                    role,
                    purpose,
                    coordinate,
                    action,
                    depends_on,
                )
                for coordinate, action, depends_on in (
                    *_by_protection(decider, gaps),
                    *_by_population(decider, role, releases),
                    *_by_presence(decider),
                    *_by_mask(decider, releases),
                    *_by_order(decider, releases),
                    *_by_derivation(decider, releases),
                )
            }
    return tuple(sorted(found, key=lambda flow: (flow.line, flow.role, flow.purpose, flow.reason)))


def check(policy: Policy) -> Policy:
    """The same policy. Raises `PolicyError` if something shown depends on something hidden."""
    for flow in flows(policy):
        raise PolicyError(f"line {flow.line}: {flow.reason}")
    return policy


Told = Iterator[tuple[str, Action, str]]
"""What is shown, by which action, and something hidden that it tells of."""


def _by_protection(decider: Decider, gaps: Sequence[str]) -> Told:
    """A gap tells that an obligation covers somebody."""
    for action, needed in NEEDS_HANDLING.items():
        hidden = [told for told in HANDLING if not decider.cell(told, needed).allowed]
        if not hidden:
            continue
        for coordinate in gaps:
            cell = decider.cell(coordinate, action)
            if cell.allowed and not cell.despite_protection:
                yield coordinate, action, hidden[0]


def _by_population(decider: Decider, role: str, releases: Releases) -> Told:
    """A row that is there tells that it belongs to the population."""
    reference = decider.policy.reference
    names = {
        reference.purposes[decider.purpose].population,
        reference.role_populations.get(role),
    }
    for name in sorted(filter(None, names)):
        kind = next((each for each in POPULATION_INPUTS if name.startswith(each)), name)
        for on in POPULATION_INPUTS.get(kind, (f"population `{name}`",)):
            undeclared = (f"population:{kind}", on) not in releases
            for action in SHOWING if undeclared else ():
                if _shown(decider, "Addressee", action) and not _shown(decider, on, action):
                    yield "Addressee", action, on


def _by_presence(decider: Decider) -> Told:
    """A row that is there only while one of its flags is set tells of each of them."""
    for type_ in GRAPH.types.values():
        for flag in type_.leaves.values():
            for action in SHOWING if flag.column.name in type_.noun.present else ():
                if _shown(decider, type_.name, action) and not _shown(
                    decider, flag.coordinate, action
                ):
                    yield type_.name, action, flag.coordinate


def _by_mask(decider: Decider, releases: Releases) -> Told:
    for coordinate in sorted(MASKABLE):
        if (f"mask:{LEAVES[coordinate].label.mask}", coordinate) in releases:
            continue
        for action in SHOWING:
            if decider.cell(coordinate, action).verdict is Verdict.MASKED:
                yield coordinate, action, coordinate


def _by_order(decider: Decider, releases: Releases) -> Told:
    """A list is ordered by its key in the end."""
    for type_ in GRAPH.types.values():
        keys = [leaf for leaf in type_.leaves.values() if leaf.column.name == type_.noun.key]
        for key in keys:
            if ("order", key.coordinate) in releases or key.vault:
                continue
            if _shown(decider, type_.name, Action.LIST) and not _shown(
                decider, key.coordinate, Action.LIST
            ):
                yield type_.name, Action.LIST, key.coordinate


def _by_derivation(decider: Decider, releases: Releases) -> Told:
    classes = decider.policy.coordinates
    for coordinate, inputs in DERIVED.items():
        for on in inputs:
            joined = set(classes.get(on, ())) <= set(classes.get(coordinate, ()))
            for action in () if joined or (coordinate, on) in releases else SHOWING:
                if _shown(decider, coordinate, action) and not _shown(decider, on, action):
                    yield coordinate, action, on


def _shown(decider: Decider, coordinate: str, action: Action) -> bool:
    return coordinate in decider.policy.coordinates and decider.cell(coordinate, action).allowed


def _line(
    lines: Iterable[Line], roles: frozenset[str], purpose: str, coordinate: str, action: Action
) -> int:
    """The first line that shows it."""
    actions = {action, Action.MASK} if action in SHOWING else {action}
    whats = {coordinate, *(f"class:{code}" for code in GRAPH.classes.get(coordinate, ()))}
    speaks = partial(_speaks, {f"role:{role}" for role in roles} | {ANY_ROLE}, purpose)
    for number, line in enumerate(lines, start=1):
        if line.action in actions and line.what in whats and speaks(line):
            return number
    return 0


def _speaks(roles: set[str], purpose: str, line: Line) -> bool:
    named = line.purpose in {f"purpose:{purpose}", ANY_PURPOSE}
    return named and line.role in roles and line.effect == Effect.ALLOW


LEAVES: Mapping[str, Leaf] = {
    leaf.coordinate: leaf
    for type_ in GRAPH.types.values()
    for leaves in (type_.leaves, *(leaves for _, leaves in type_.parts.values()))
    for leaf in leaves.values()
}
