"""Everything the policy allows to (roles, purpose) under one version: a table, only looked up.

Denied until said otherwise: a cell is shown only if some role allows every class of the coordinate
for the purpose, no line denies it, and no invariant closes it. Roles unite cell by cell, each cell
keeping the populations of the roles that opened it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from authz.errors import PurposeRefused
from authz.policy.budgets import budgets_of
from authz.policy.invariants import (
    HANDLING,
    MACHINE_ROLE,
    NUMBER_ROLE,
    is_impersonal,
    is_number,
    may_handle_numbers,
)
from authz.policy.policy import Policy
from authz.scopes import Limits
from models.facts import CLASSES
from models.graph.graph import GRAPH, MASKABLE
from models.graph.paper import PERSON
from models.tables.policy import Action

Population = frozenset[str]
"""Names of row predicates that must all hold; the empty one is everybody."""


class Verdict(StrEnum):
    """What becomes of a cell."""

    SHOWN = "shown"
    MASKED = "masked"
    HIDDEN = "hidden"


class Reason(StrEnum):
    """Why a cell is not shown whole. Never depends on a row."""

    ROLE = "ROLE"
    PURPOSE = "PURPOSE"
    LIST = "LIST"
    INVARIANT = "INVARIANT"
    CASE_REFERENCE = "CASE_REFERENCE"
    MASKED = "MASKED"
    SCOPE = "SCOPE"
    PAPER = "PAPER"


@dataclass(frozen=True, slots=True)
class Cell:
    """One decision. `populations`: the row is in scope if any of them holds.

    `despite_protection`: shown although an obligation covers the person (`read-withheld`).
    `issued`: it goes out of the office.
    """

    verdict: Verdict
    reason: Reason | None = None
    populations: frozenset[Population] = frozenset()
    despite_protection: bool = False
    issued: bool = False

    @property
    def allowed(self) -> bool:
        """Whether anything of the value may leave the database."""
        return self.verdict is not Verdict.HIDDEN


@dataclass(frozen=True, eq=False)
class Clearance:
    """The compiled decision table of one actor's roles for one purpose.

    `budgets`: how many persons they may look up in an hour (`authz/sessions/lookup_budget.py`).
    `leaves_out_stopped`: lists leave out everybody of whom nothing may go out (出力停止).
    `elsewhere`: the other purposes of the same roles that show all of several cells.
    """

    roles: frozenset[str]
    purpose: str
    version: int
    case_reference: bool
    cells: Mapping[tuple[str, Action], Cell]
    limits: Limits | None = None
    budgets: Mapping[str, int] = field(default_factory=dict)
    leaves_out_stopped: bool = False
    elsewhere: Elsewhere = field(default=lambda needs: (), repr=False)

    def cell(self, coordinate: str, action: Action) -> Cell:
        """The decision for a coordinate; unknown coordinates are hidden."""
        return self.cells.get((coordinate, action), HIDDEN)


SHOWING = (Action.READ, Action.LIST)
ABOUT_PERSONS = frozenset(
    coordinate
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None and type_.noun.destination is None
    for coordinate in GRAPH.classes
    if coordinate.partition(".")[0]
    in {type_.name, *(part.type_name for part, _ in type_.parts.values())}
)
"""Coordinates of rows about a person, but for the notices that `handling` changed."""

COUNTS_HANDLING = frozenset(
    coordinate
    for coordinate, classes in GRAPH.classes.items()
    if "handling" in classes and coordinate.startswith("Transfer.")
)
"""What tells of obligations without naming a person: counts and digests of a transfer."""
Need = tuple[str, Action]
Elsewhere = Callable[[tuple[Need, ...]], tuple[str, ...]]

HIDDEN = Cell(Verdict.HIDDEN, Reason.ROLE)
REASON = "protection"
NEVER = Cell(Verdict.HIDDEN, Reason.INVARIANT)
NOT_CARRIED = Cell(Verdict.HIDDEN, Reason.PAPER)
ASKED = (Action.READ, Action.LIST, Action.MATCH, Action.SEARCH, Action.WRITE)
NEEDS_HANDLING = {
    Action.READ: Action.READ,
    Action.LIST: Action.LIST,
    Action.MATCH: Action.LIST,
    Action.SEARCH: Action.LIST,
}


def clear(
    policy: Policy,
    roles: frozenset[str],
    purpose: str,
    *,
    case_reference: bool,
    protected: frozenset[str] = frozenset(),
    limits: Limits | None = None,
) -> Clearance:
    """Compile the table. `protected`: coordinates whose value depends on who is covered.

    `limits` (a token's) only take away: a cell that they do not admit is hidden.

    Raises `PurposeRefused`, alike for a purpose that is unknown and one that is not open.
    """
    opened = policy.reference.open_to(roles)
    if limits is not None:
        opened &= {limits.purpose}
    if purpose not in opened:
        raise PurposeRefused("this purpose of use is not open to you")
    decider = Decider(policy, roles, purpose, case_reference, protected, opened, limits)
    return Clearance(
        roles,
        purpose,
        policy.version,
        case_reference,
        decider.table(),
        limits,
        budgets_of(policy.reference, roles, purpose),
        leaves_out_stopped=MACHINE_ROLE in roles,
        elsewhere=_elsewhere(decider),
    )


@cache
def _name(coordinate: str, action: Action) -> tuple[str, Action]:
    """The name of a cell in every table."""
    return coordinate, action


def for_transfer(clearance: Clearance) -> Clearance:
    """The same for a transfer, which names those of whom nothing may go out as held back."""
    return replace(clearance, leaves_out_stopped=False)


def _elsewhere(here: Decider) -> Elsewhere:
    """Decides only what is asked, once: most requests ask nothing of it."""
    others = here.opened - {here.purpose}

    @cache
    def deciders() -> Mapping[str, Decider]:
        return {purpose: here.for_purpose(purpose) for purpose in sorted(others)}

    @cache
    def opening(needs: tuple[Need, ...]) -> tuple[str, ...]:
        return tuple(
            purpose
            for purpose, decider in deciders().items()
            if all(decider.cell(*need).verdict is Verdict.SHOWN for need in needs)
        )

    return opening


def for_issuing(clearance: Clearance, carried: frozenset[str]) -> Clearance:
    """What of it may go out of the office on a paper that may carry these classes: no individual
    number and no reason of a protection. What an obligation withholds goes out by a lift alone, the
    coordinator's too: `read-withheld` reads. The obligation is told beside the paper, not on it.
    """

    def cell(coordinate: str, one: Cell) -> Cell:
        classes = GRAPH.classes.get(coordinate, ())
        if one.allowed and (is_number(classes) or REASON in classes):
            return NEVER
        beside = coordinate == PERSON or coordinate in HANDLING
        if one.allowed and not beside and not carried.issuperset(classes):
            return NOT_CARRIED
        return replace(one, despite_protection=False, issued=True)

    cells = {key: cell(key[0], one) for key, one in clearance.cells.items()}
    return replace(clearance, cells=MappingProxyType(cells))


class Decider:
    """Decides the cells of one table, each when it is asked for.

    `reasons=False`: why a cell is hidden is not worked out, which takes most of the time.
    """

    def __init__(
        self,
        policy: Policy,
        roles: frozenset[str],
        purpose: str,
        case_reference: bool,
        protected: frozenset[str],
        opened: frozenset[str] | None = None,
        limits: Limits | None = None,
        *,
        reasons: bool = True,
    ) -> None:
        self.reasons = reasons
        self.policy = policy
        self.roles = roles
        self.purpose = purpose
        self.case_reference = case_reference
        self.protected = protected
        self.opened = policy.reference.open_to(roles) if opened is None else opened
        self.limits = limits
        self.number_business = policy.reference.purposes[purpose].individual_number_business
        purposes = policy.reference.role_purposes
        self.acting = {
            purpose: [role for role in roles if role == NUMBER_ROLE or purpose in purposes[role]]
            for purpose in self.opened
        }

    def for_purpose(self, purpose: str) -> Decider:
        """The same actor's for another purpose, without reasons."""
        return Decider(
            self.policy,
            self.roles,
            purpose,
            self.case_reference,
            self.protected,
            self.opened,
            self.limits,
            reasons=False,
        )

    def table(self) -> Mapping[tuple[str, Action], Cell]:
        """Every cell. Equal ones are one object, and its names are those of every other table."""
        alike: dict[Cell, Cell] = {}
        cells = {}
        for coordinate in self.policy.coordinates:
            for action in ASKED:
                cell = self.cell(coordinate, action)
                cells[_name(coordinate, action)] = alike.setdefault(cell, cell)
        return MappingProxyType(cells)

    def cell(self, coordinate: str, action: Action) -> Cell:
        """One cell."""
        cell = self._by_policy(coordinate, action)
        if cell.allowed and not self._admitted(coordinate, action):
            return Cell(Verdict.HIDDEN, Reason.SCOPE)
        return cell

    def _admitted(self, coordinate: str, action: Action) -> bool:
        """Whether the token's limits leave the cell. No limit takes the warning away; a count of
        those whom it is about needs the scope of `handling` beside its own."""
        if self.limits is None or (coordinate in HANDLING and action in SHOWING):
            return True
        counts = coordinate in COUNTS_HANDLING and action in NEEDS_HANDLING
        return self.limits.admits(coordinate, action) and (
            not counts or self.limits.admits("Handling", NEEDS_HANDLING[action])
        )

    def _by_policy(self, coordinate: str, action: Action) -> Cell:
        granted = self._opened_by(coordinate, action)
        opened = frozenset(role for role in granted if self._holds(role, coordinate, action))
        if is_number(self.policy.coordinates[coordinate]):
            return self._number_cell(coordinate, action, granted, opened)
        if opened:
            return Cell(
                Verdict.SHOWN,
                None,
                self._populations(opened),
                self._despite_protection(coordinate, action, opened),
            )
        masked = self._masking(coordinate, action)
        if masked:
            return Cell(Verdict.MASKED, Reason.MASKED, self._populations(masked))
        return Cell(
            Verdict.HIDDEN, Reason.INVARIANT if granted else self._why_not(coordinate, action)
        )

    def _number_cell(
        self, coordinate: str, action: Action, granted: frozenset[str], opened: frozenset[str]
    ) -> Cell:
        if action in {Action.LIST, Action.SEARCH}:
            readers = granted | self._opened_by(coordinate, Action.READ)
            return Cell(
                Verdict.HIDDEN, Reason.INVARIANT if readers else self._why_not(coordinate, action)
            )
        if not opened:
            return Cell(
                Verdict.HIDDEN, Reason.INVARIANT if granted else self._why_not(coordinate, action)
            )
        if not self.case_reference:
            return Cell(Verdict.HIDDEN, Reason.CASE_REFERENCE)
        return Cell(Verdict.SHOWN, None, self._populations(opened))

    def _opened_by(self, coordinate: str, action: Action) -> frozenset[str]:
        return self._granted(coordinate, action, self.purpose)

    def _granted(self, coordinate: str, action: Action, purpose: str) -> frozenset[str]:
        """The roles to which the policy alone allows it.

        A role adds nothing for a purpose that it may not act for, or `purpose:any` in its lines
        would open to two roles what neither has alone. A number handler opens no purpose at all.
        """
        return frozenset(
            role
            for role in self.acting[purpose]
            if self.policy.allows(role, purpose, coordinate, action)
        )

    def _holds(self, role: str, coordinate: str, action: Action) -> bool:
        classes = self.policy.coordinates[coordinate]
        if is_impersonal(role, classes):
            return False
        if is_number(classes):
            return may_handle_numbers(role, self.roles, self.number_business)
        # Who could see the gap without the obligation would learn from the gap who is covered.
        handling = NEEDS_HANDLING.get(action)
        if handling and (
            depends_on_protection(coordinate, classes, self.protected)
            or (role == MACHINE_ROLE and action is Action.LIST and coordinate in ABOUT_PERSONS)
        ):
            return all(self.policy.allows(role, self.purpose, told, handling) for told in HANDLING)
        return True

    def _masking(self, coordinate: str, action: Action) -> frozenset[str]:
        # A row, an edge, a value without a masked form: nothing of it may leave.
        if action not in {Action.READ, Action.LIST} or coordinate not in MASKABLE:
            return frozenset()
        return frozenset(
            role
            for role in self._opened_by(coordinate, Action.MASK)
            if self._holds(role, coordinate, action)
        )

    def _despite_protection(self, coordinate: str, action: Action, opened: frozenset[str]) -> bool:
        """Whether every row that the cell shows is opened by a role that may read it anyway: one
        marked for protection work, whatever the lines say."""
        withheld = [code for code in self.policy.coordinates[coordinate] if CLASSES[code].withheld]
        if action is not Action.READ or not withheld:
            return False
        anyway = frozenset(
            role
            for role in opened & self.policy.reference.protection_roles
            if all(
                self.policy.allows(role, self.purpose, coordinate, Action.READ_WITHHELD, code)
                for code in withheld
            )
        )
        return bool(anyway) and self._populations(anyway) == self._populations(opened)

    def _populations(self, roles: frozenset[str]) -> frozenset[Population]:
        by_purpose = self.policy.reference.purposes[self.purpose].population
        by_role = self.policy.reference.role_populations
        found = {
            frozenset(name for name in (by_purpose, by_role.get(role)) if name is not None)
            for role in roles
        }
        return frozenset({frozenset()}) if frozenset() in found else frozenset(found)

    def _why_not(self, coordinate: str, action: Action) -> Reason:
        if not self.reasons:
            return Reason.ROLE
        if action is Action.LIST and self._opened_by(coordinate, Action.READ):
            return Reason.LIST
        others = self.opened - {self.purpose}
        if any(self._granted(coordinate, action, purpose) for purpose in others):
            return Reason.PURPOSE
        return Reason.ROLE


def depends_on_protection(
    coordinate: str, classes: Iterable[str], protected: frozenset[str]
) -> bool:
    """Whether what is shown depends on who is covered by an obligation."""
    return coordinate in protected or any(CLASSES[code].withheld for code in classes)
