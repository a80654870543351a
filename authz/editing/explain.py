"""Why a cell is decided as it is: the lines that spoke, in order, and what came of them. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from authz.policy.clearance import NEEDS_HANDLING, Cell, Decider, Reason, depends_on_protection
from authz.policy.invariants import HANDLING, NUMBER_ROLE, is_impersonal, is_number
from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, Policy
from models.graph.graph import MASKABLE, PROTECTED
from models.tables.policy import Action


@dataclass(frozen=True, slots=True)
class Step:
    """One word on the way to a decision.

    `role` the role that is examined; empty where it is about all of them
    `line` number of the line that spoke, counted from 1; 0 where none did or a rule of ours
    `text` the line as it is written, or the rule in words
    `says` ALLOW, DENY, NOTHING (no line), CLOSED (an invariant), OPEN (what came of the role),
    WITHHELD (not of everybody)
    """

    role: str
    line: int
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cell, and how it came about."""

    cell: Cell
    steps: tuple[Step, ...]
    withheld: bool
    """Not shown of whom an obligation covers, although the cell is open."""


def explain(
    policy: Policy,
    roles: frozenset[str],
    purpose: str,
    coordinate: str,
    action: Action,
    *,
    case_reference: bool = False,
) -> Explanation:
    """Why the roles may or may not do that for the purpose. All of the words must be known."""
    decider = Decider(policy, roles, purpose, case_reference, PROTECTED)
    cell = decider.cell(coordinate, action)
    speaker = _Speaker(policy, roles, purpose, coordinate, action)
    return Explanation(
        cell, tuple(speaker.steps(cell)), is_withheld(policy, coordinate, cell, action)
    )


BESIDE = {
    Reason.PAPER: "the kind of document that is issued does not carry it",
    Reason.SCOPE: "the token does not name it",
    Reason.INVARIANT: "an individual number is shown directly beneath one person alone",
}
"""What closes an open cell in a request, beside the policy."""


def closed_beside(policy: Policy, coordinate: str, cell: Cell, seen: str | None) -> Step | None:
    """What says the reason that somebody saw, where it is not the policy; else `None`."""
    if seen not in BESIDE or not (cell.allowed or cell.reason is Reason.CASE_REFERENCE):
        return None
    if seen == Reason.INVARIANT and not is_number(policy.coordinates[coordinate]):
        return None
    return Step("", 0, BESIDE[Reason(seen)], "CLOSED")


def is_withheld(policy: Policy, coordinate: str, cell: Cell, action: Action) -> bool:
    """Whether an open cell shows nothing of whom an obligation covers."""
    return (
        cell.allowed
        and not cell.despite_protection
        and action is not Action.WRITE
        and depends_on_protection(coordinate, policy.coordinates[coordinate], PROTECTED)
    )


class _Speaker:
    def __init__(
        self, policy: Policy, roles: frozenset[str], purpose: str, coordinate: str, action: Action
    ) -> None:
        self.policy = policy
        self.roles = roles
        self.purpose = purpose
        self.coordinate = coordinate
        self.action = action
        self.classes = policy.coordinates[coordinate]

    def steps(self, cell: Cell) -> Iterator[Step]:
        for role in sorted(self.roles):
            yield from self._role(role)
        if is_number(self.classes):
            yield from self._number(cell)
        yield from self._protection(cell)

    def _protection(self, cell: Cell) -> Iterator[Step]:
        """What becomes of an open cell where an obligation covers a person of the row."""
        if cell.despite_protection:
            yield Step("", 0, "shown of protected persons too, one at a time", "OPEN")
        elif is_withheld(self.policy, self.coordinate, cell, self.action):
            operand = self.action in {Action.MATCH, Action.SEARCH}
            told = "no operand compares it" if operand else "withheld, and nothing says so,"
            text = f"{told} where an obligation covers a person of the row"
            yield Step("", 0, text, "WITHHELD")
            unmarked = self.roles - self.policy.reference.protection_roles
            for role in sorted(unmarked):
                if any(
                    self.policy.allows(
                        role, self.purpose, self.coordinate, Action.READ_WITHHELD, code
                    )
                    for code in self.classes
                ):
                    yield Step(role, 0, f"`{role}` is not marked for protection work", "CLOSED")

    def _role(self, role: str) -> Iterator[Step]:
        if self.purpose not in self.policy.reference.role_purposes[role] and role != NUMBER_ROLE:
            yield Step(role, 0, f"`{role}` does not open `{self.purpose}`", "NOTHING")
            return
        allowed = yield from self._asked(role, self.action)
        masks = self.action in {Action.READ, Action.LIST} and self.coordinate in MASKABLE
        if not allowed and masks:
            allowed = yield from self._asked(role, Action.MASK)
        if allowed:
            closed = self._closed(role)
            if closed:
                yield Step(role, 0, closed, "CLOSED")
            else:
                yield Step(role, 0, "every class of it is allowed by this role", "OPEN")

    def _asked(self, role: str, action: Action) -> Generator[Step, None, bool]:
        """Each class must be allowed. Returns whether all of them are."""
        told: set[int] = set()
        whole = True
        for code in self.classes:
            spoke = False
            for number, line in self._lines(role, action, code):
                spoke = True
                if number not in told:
                    told.add(number)
                    yield Step(role, number, written(line), line.effect.upper())
            if not spoke:
                yield Step(role, 0, f"no line on `class:{code}` for `{action}`", "NOTHING")
            whole = whole and self.policy.allows(role, self.purpose, self.coordinate, action, code)
        return whole

    def _lines(self, role: str, action: Action, code: str) -> Iterator[tuple[int, Line]]:
        """The lines that speak of one class of the coordinate, those on the class first."""
        for what in (f"class:{code}", self.coordinate):
            for number, line in enumerate(self.policy.lines, start=1):
                if (
                    line.what == what
                    and line.action == action
                    and line.role in {f"role:{role}", ANY_ROLE}
                    and line.purpose in {f"purpose:{self.purpose}", ANY_PURPOSE}
                ):
                    yield number, line

    def _closed(self, role: str) -> str | None:
        if is_impersonal(role, self.classes):
            return f"`{role}` never gets personal data"
        needed = NEEDS_HANDLING.get(self.action)
        if (
            needed
            and not is_number(self.classes)
            and depends_on_protection(self.coordinate, self.classes, PROTECTED)
            and not all(self.policy.allows(role, self.purpose, told, needed) for told in HANDLING)
        ):
            return f"`{role}` does not see the obligation (`{needed}` on `class:handling`)"
        return None

    def _number(self, cell: Cell) -> Iterator[Step]:
        rules = []
        if self.action in {Action.LIST, Action.SEARCH}:
            rules.append("an individual number is never listed nor searched")
        if self.roles == {NUMBER_ROLE} or NUMBER_ROLE not in self.roles:
            rules.append(f"an individual number needs `{NUMBER_ROLE}` beside another role")
        if not self.policy.reference.purposes[self.purpose].individual_number_business:
            rules.append(f"`{self.purpose}` is no business with individual numbers")
        if cell.reason == "CASE_REFERENCE":
            rules.append("an individual number needs a case reference")
        for rule in rules:
            yield Step("", 0, rule, "CLOSED")


def written(line: Line) -> str:
    """A line as it stands in a file."""
    return f"p, {line.role}, {line.purpose}, {line.what}, {line.action}, {line.effect}"
