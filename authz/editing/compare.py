"""What a change of the policy opens and closes: every cell of the decision, before and after. Pure.

The decision's domain is finite (role sets, purposes, coordinates, actions, with or without a case
reference), so it is compared whole. Only (role, purpose) pairs whose lines changed are compiled
anew: nothing else can decide otherwise. A case reference only ever opens numbers, so the table with
one holds every gain that there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from authz.policy.clearance import (
    ASKED,
    HIDDEN,
    Cell,
    Decider,
    Population,
    Verdict,
    depends_on_protection,
)
from authz.policy.invariants import HANDLING, NUMBER_ROLE, is_number
from authz.policy.policy import Policy, Reference
from models.facts import CLASSES
from models.graph.graph import PROTECTED
from models.tables.policy import Action

Roles = frozenset[str]
Position = tuple[str, Action]
"""A coordinate and what is asked of it."""

TOLD = frozenset({"class:handling", *HANDLING})
DESPITE = "SHOWN_DESPITE_PROTECTION"
RANK = {Verdict.HIDDEN: 0, Verdict.MASKED: 1, Verdict.SHOWN: 2}


class Kind(StrEnum):
    """Which way a cell changes. One that shows other rows than before is both."""

    GAIN = "GAIN"
    LOSS = "LOSS"


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that decides otherwise.

    `anew`: by no purpose of theirs could the roles see as much before (for a loss: can they now).
    """

    kind: Kind
    roles: Roles
    purpose: str
    coordinate: str
    action: Action
    before: Cell
    after: Cell
    anew: bool = False
    needs_case: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every change, gains first."""

    changes: tuple[Change, ...]

    @property
    def gains(self) -> tuple[Change, ...]:
        """What can be seen or done afterwards and could not before."""
        return tuple(change for change in self.changes if change.kind is Kind.GAIN)

    @property
    def losses(self) -> tuple[Change, ...]:
        """What could be seen or done before and cannot afterwards."""
        return tuple(change for change in self.changes if change.kind is Kind.LOSS)


@dataclass
class Tables:
    """The cells of one version, each decided when it is asked for, and remembered.

    `like`: another version, whose cells serve wherever the lines are the same.
    """

    policy: Policy
    like: Tables | None = None
    _deciders: dict[tuple[Roles, str], Decider] = field(default_factory=dict)
    _cells: dict[tuple[Roles, str, Position], Cell] = field(default_factory=dict)

    def cell(self, roles: Roles, purpose: str, position: Position) -> Cell:
        """The cell of the roles for the purpose, with a case reference; without its reason."""
        pair = (roles, purpose)
        if self.like is not None and pair not in self._deciders and not self._differs(*pair):
            return self.like.cell(roles, purpose, position)
        key = (*pair, position)
        if key not in self._cells:
            if pair not in self._deciders:
                self._deciders[pair] = Decider(
                    self.policy, roles, purpose, True, PROTECTED, reasons=False
                )
            self._cells[key] = self._deciders[pair].cell(*position)
        return self._cells[key]

    def most(self, roles: Roles, position: Position) -> Cell:
        """What the roles can see over all of their purposes: the most that any of them opens."""
        found = HIDDEN
        for purpose in self.policy.reference.open_to(roles):
            found = joined(found, self.cell(roles, purpose, position))
        return found

    def _differs(self, roles: Roles, purpose: str) -> bool:
        assert self.like is not None
        before, after = self.like.policy, self.policy
        return any(before.rules(role, purpose) != after.rules(role, purpose) for role in roles)


def role_sets(reference: Reference, in_use: Iterable[Roles] = ()) -> tuple[Roles, ...]:
    """What is compared: every role alone, every role beside a number handler, and those in use."""
    alone = [frozenset({role}) for role in reference.role_purposes if role != NUMBER_ROLE]
    beside = [roles | {NUMBER_ROLE} for roles in alone]
    found = dict.fromkeys([*alone, *beside, *(roles for roles in in_use if roles)])
    return tuple(sorted(found, key=lambda roles: (len(roles), sorted(roles))))


def compare(before: Tables, after: Tables, compared: Collection[Roles]) -> Comparison:
    """Every cell that changes, for these role sets."""
    touched = changed_pairs(before.policy, after.policy)
    found: list[Change] = []
    for roles in compared:
        for purpose in sorted(before.policy.reference.open_to(roles)):
            whats = frozenset().union(*(touched.get((role, purpose), ()) for role in roles))
            for position in _positions(whats, before.policy.coordinates):
                found += _changes(roles, purpose, position, before, after)
    return Comparison(tuple(sorted(found, key=_order)))


def together(comparisons: Iterable[Comparison]) -> Comparison:
    """What shows at any of several instants, each cell by the change that is the most there."""
    found: dict[tuple[Kind, Roles, str, str, Action], Change] = {}
    for change in chain.from_iterable(comparison.changes for comparison in comparisons):
        key = (change.kind, change.roles, change.purpose, change.coordinate, change.action)
        if key not in found or opens_more(_most_of(found[key]), _most_of(change)):
            found[key] = change
    return Comparison(tuple(sorted(found.values(), key=_order)))


def changed_pairs(before: Policy, after: Policy) -> dict[tuple[str, str], frozenset[str]]:
    """The pairs of role and purpose for which the lines say something else, and of what."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for role in before.reference.role_purposes:
        for purpose in before.reference.purposes:
            old, new = before.rules(role, purpose), after.rules(role, purpose)
            if old != new:
                found[role, purpose] = frozenset(
                    key[0] for key in old.keys() | new.keys() if old.get(key) != new.get(key)
                )
    return found


def _positions(
    whats: frozenset[str], coordinates: Mapping[str, tuple[str, ...]]
) -> Iterator[Position]:
    """Every cell that lines on these classes and coordinates can decide.

    What says who sees the obligation decides on everything that an obligation withholds.
    """
    if not whats:
        return
    handling = not whats.isdisjoint(TOLD)
    for coordinate, classes in coordinates.items():
        named = coordinate in whats or any(f"class:{code}" in whats for code in classes)
        if named or (handling and depends_on_protection(coordinate, classes, PROTECTED)):
            for action in ASKED:
                yield coordinate, action


def joined(one: Cell, other: Cell) -> Cell:
    """The most of two cells; where both show alike, for the people of either."""
    if RANK[one.verdict] != RANK[other.verdict]:
        return one if RANK[one.verdict] > RANK[other.verdict] else other
    return Cell(
        one.verdict,
        one.reason,
        _least(one.populations | other.populations),
        one.despite_protection or other.despite_protection,
    )


def opens_more(before: Cell, after: Cell) -> bool:
    """Whether there could be a row of which the second cell shows more than the first."""
    if RANK[after.verdict] > RANK[before.verdict]:
        return True
    if not after.allowed:
        return False
    if RANK[after.verdict] == RANK[before.verdict]:
        if after.despite_protection and not before.despite_protection:
            return True
        return not _covers(before.populations, after.populations)
    # Less is shown, but perhaps of people of whom nothing was.
    return not _covers(before.populations, after.populations)


def _covers(wide: frozenset[Population], narrow: frozenset[Population]) -> bool:
    return all(any(one <= other for one in wide) for other in narrow)


def _least(populations: frozenset[Population]) -> frozenset[Population]:
    """Without the alternatives that a wider one implies."""
    return frozenset(one for one in populations if not any(o < one for o in populations))


def _changes(
    roles: Roles, purpose: str, position: Position, before: Tables, after: Tables
) -> Iterator[Change]:
    cells = (before.cell(roles, purpose, position), after.cell(roles, purpose, position))
    for kind, (less, more), whole in (
        (Kind.GAIN, cells, before),
        (Kind.LOSS, cells[::-1], after),
    ):
        if opens_more(less, more):
            yield Change(
                kind,
                roles,
                purpose,
                *position,
                *cells,
                anew=opens_more(whole.most(roles, position), more),
                needs_case=is_number(before.policy.coordinates[position[0]]),
            )


def _order(change: Change) -> tuple[object, ...]:
    return (
        change.kind,
        len(change.roles),
        sorted(change.roles),
        change.purpose,
        change.coordinate,
        ASKED.index(change.action),
    )


# -- readable groups -------------------------------------------------------------------------------


class Reach(StrEnum):
    """The gravest thing that a change reaches, the worst first."""

    INDIVIDUAL_NUMBER = "INDIVIDUAL_NUMBER"
    PROTECTED_PERSON = "PROTECTED_PERSON"
    PROTECTION = "PROTECTION"
    WHOLE_ACCOUNT = "WHOLE_ACCOUNT"
    PLACE = "PLACE"
    PERSON = "PERSON"
    OFFICE = "OFFICE"


WORST = tuple(Reach)
OF_MANY = (Action.LIST, Action.SEARCH, Action.MATCH)
"""What reaches several persons at once."""


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that are one sentence: the same roles, purpose, action, classes, before and after.

    `populations`: what bounds the people, each alternative by its names; an empty one is everybody.
    """

    kind: Kind
    roles: Roles
    purpose: str
    action: Action
    classes: tuple[str, ...]
    coordinates: tuple[str, ...]
    before: str
    after: str
    populations: tuple[tuple[str, ...], ...]
    anew: bool
    needs_case: bool

    @property
    def reach(self) -> Reach:
        """What it comes to at the worst."""
        shown = self.after if self.kind is Kind.GAIN else self.before
        if is_number(self.classes):
            return Reach.INDIVIDUAL_NUMBER
        if shown == DESPITE:
            return Reach.PROTECTED_PERSON
        if not {"protection", "handling"}.isdisjoint(self.classes):
            return Reach.PROTECTION
        if "bank-account-number" in self.classes and shown != "MASKED":
            return Reach.WHOLE_ACCOUNT
        if any(CLASSES[code].withheld for code in self.classes):
            return Reach.PLACE
        personal = any(CLASSES[code].personal for code in self.classes)
        return Reach.PERSON if personal else Reach.OFFICE


def grouped(comparison: Comparison, classes: Mapping[str, tuple[str, ...]]) -> list[Group]:
    """The changes as sentences, the gravest first.

    What a set of roles owes to one of its roles is said of that one alone: it holds for everybody
    who has it. Not so where the set sees more than that one.
    """
    single = {
        (change.kind, role, change.purpose, change.coordinate, change.action): _most_of(change)
        for change in comparison.changes
        for role in change.roles
        if len(change.roles) == 1
    }
    gathered: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    for change in comparison.changes:
        place = (change.purpose, change.coordinate, change.action)
        explained = any(
            not opens_more(single[change.kind, role, *place], _most_of(change))
            for role in change.roles
            if (change.kind, role, *place) in single
        )
        if len(change.roles) > 1 and explained:
            continue
        key = (
            change.kind, change.roles, change.purpose, change.action,
            classes[change.coordinate], word(change.before), word(change.after),
            _most_of(change).populations,
            change.anew, change.needs_case,
        )  # fmt: skip
        gathered[key].append(change)
    found = [_group(changes, classes) for changes in gathered.values()]
    # Stable: beneath that they stay in the order of the roles and purposes.
    return sorted(found, key=lambda one: (WORST.index(one.reach), one.action not in OF_MANY))


def _most_of(change: Change) -> Cell:
    """What is gained, or what is lost."""
    return change.after if change.kind is Kind.GAIN else change.before


def _group(changes: list[Change], classes: Mapping[str, tuple[str, ...]]) -> Group:
    first = changes[0]
    shown = _most_of(first)
    return Group(
        kind=first.kind,
        roles=first.roles,
        purpose=first.purpose,
        action=first.action,
        classes=classes[first.coordinate],
        coordinates=tuple(change.coordinate for change in changes),
        before=word(first.before),
        after=word(first.after),
        populations=tuple(sorted(tuple(sorted(names)) for names in shown.populations)),
        anew=first.anew,
        needs_case=first.needs_case,
    )


def word(cell: Cell) -> str:
    """How a cell is called: SHOWN, SHOWN_DESPITE_PROTECTION, MASKED or HIDDEN."""
    if cell.verdict is Verdict.SHOWN and cell.despite_protection:
        return DESPITE
    return cell.verdict.value.upper()
