"""What is wrong with the lines of a policy: each finding with the line, how grave, and why. Pure.

ERROR    the lines are not made a version: an unknown word, an invariant contradicted, a line twice
WARNING  the lines can be used, but this one never decides anything
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from authz.policy.clearance import NEEDS_HANDLING
from authz.policy.implicit_flow import Flow, flows
from authz.policy.invariants import (
    HANDLING,
    HANDLING_OPERANDS,
    IMPERSONAL_ROLES,
    NUMBER_ROLE,
    is_number,
)
from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, Policy, PolicyError, Reference
from models.facts import CLASSES
from models.graph.graph import MASKABLE, PROTECTED
from models.tables.policy import Action, Effect

Coordinates = Mapping[str, tuple[str, ...]]


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class Problem(StrEnum):
    """What kind of finding it is."""

    UNKNOWN_WORD = "UNKNOWN_WORD"
    DUPLICATE = "DUPLICATE"
    CONTRADICTION = "CONTRADICTION"
    NEVER_MATCHES = "NEVER_MATCHES"
    INVARIANT = "INVARIANT"
    IMPLICIT_FLOW = "IMPLICIT_FLOW"


@dataclass(frozen=True, slots=True)
class Finding:
    """`line`: its number, counted from 1; 0 for the policy as a whole."""

    line: int
    severity: Severity
    problem: Problem
    reason: str


def validate(
    lines: Sequence[Line],
    reference: Reference,
    coordinates: Coordinates,
    flows: Callable[[Policy], Iterable[Flow]] = flows,
) -> list[Finding]:
    """Every finding, by line. `flows` finds what a shown field would tell of a hidden one."""
    examiner = _Examiner(lines, reference, coordinates)
    found = list(examiner.findings())
    if not has_errors(found):
        found += _whole(lines, reference, coordinates, flows)
    return sorted(found, key=lambda finding: (finding.line, finding.severity, finding.problem))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the lines must not become a version."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _whole(
    lines: Sequence[Line],
    reference: Reference,
    coordinates: Coordinates,
    flows: Callable[[Policy], Iterable[Flow]],
) -> Iterator[Finding]:
    try:
        policy = Policy.build(0, lines, reference, coordinates)
    except PolicyError as error:
        yield Finding(0, Severity.ERROR, Problem.UNKNOWN_WORD, str(error))
        return
    for flow in flows(policy):
        yield Finding(flow.line, Severity.ERROR, Problem.IMPLICIT_FLOW, flow.reason)


def of_lines(
    lines: Sequence[Line], reference: Reference, coordinates: Coordinates
) -> list[Finding]:
    """What is wrong with single lines, without asking what they come to together."""
    return list(_Examiner(lines, reference, coordinates).findings())


def ignored(policy: Policy) -> list[Finding]:
    """The lines of a version that open nothing because an invariant closes them."""
    found = of_lines(policy.lines, policy.reference, policy.coordinates)
    return [one for one in found if one.problem is Problem.INVARIANT]


class _Examiner:
    """Examines each line beside all the others."""

    def __init__(
        self, lines: Sequence[Line], reference: Reference, coordinates: Coordinates
    ) -> None:
        self.lines = lines
        self.reference = reference
        self.coordinates = coordinates
        self.of_class: dict[str, list[str]] = defaultdict(list)
        for coordinate, classes in coordinates.items():
            for code in classes:
                self.of_class[code].append(coordinate)
        self.effects: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
        for line in lines:
            self.effects[_cell(line)].add(line.effect)

    def findings(self) -> Iterator[Finding]:
        seen: dict[Line, int] = {}
        for number, line in enumerate(self.lines, start=1):
            unknown = self._unknown(line)
            if unknown:
                yield Finding(number, Severity.ERROR, Problem.UNKNOWN_WORD, unknown)
                continue
            if line in seen:
                reason = f"the same as line {seen[line]}"
                yield Finding(number, Severity.ERROR, Problem.DUPLICATE, reason)
                continue
            seen[line] = number
            if len(self.effects[_cell(line)]) > 1:
                reason = "allowed by one line and denied by another; the deny decides"
                yield Finding(number, Severity.ERROR, Problem.CONTRADICTION, reason)
                continue
            if line.effect == Effect.ALLOW:
                yield from self._allow(number, line)
            idle = self._idle(line)
            if idle:
                yield Finding(number, Severity.WARNING, Problem.NEVER_MATCHES, idle)

    def _unknown(self, line: Line) -> str | None:
        role, purpose = line.role.removeprefix("role:"), line.purpose.removeprefix("purpose:")
        if line.role != ANY_ROLE and (
            role == line.role or role not in self.reference.role_purposes
        ):
            return f"unknown role `{line.role}`"
        if line.purpose != ANY_PURPOSE and (
            purpose == line.purpose or purpose not in self.reference.purposes
        ):
            return f"unknown purpose `{line.purpose}`"
        if line.what.startswith("class:"):
            if line.what.removeprefix("class:") not in CLASSES:
                return f"unknown class `{line.what}`"
        elif line.what not in self.coordinates:
            return f"unknown coordinate `{line.what}`"
        if line.action not in set(Action):
            return f"unknown action `{line.action}`"
        if line.effect not in set(Effect):
            return f"unknown effect `{line.effect}`"
        return None

    # -- invariants ----------------------------------------------------------------------------

    def _allow(self, number: int, line: Line) -> Iterator[Finding]:
        classes = self._classes(line)
        for reason in (
            self._read_withheld(line),
            self._impersonal(line, classes),
            self._number(line, classes),
            self._handling_operand(line),
            self._needs_handling(line, classes),
        ):
            if reason:
                yield Finding(number, Severity.ERROR, Problem.INVARIANT, reason)
                return

    def _impersonal(self, line: Line, classes: Sequence[str]) -> str | None:
        """A role that administers the system gets nothing personal, by no name."""
        personal = any(CLASSES[code].personal for code in classes)
        concerned = IMPERSONAL_ROLES & {role for role, _ in self._pairs(line)}
        if personal and concerned:
            return f"`{min(concerned)}` never gets personal data"
        return None

    def _number(self, line: Line, classes: Sequence[str]) -> str | None:
        if not is_number(classes):
            return None
        if line.action in {Action.LIST, Action.SEARCH}:
            return "an individual number is never listed nor searched"
        if line.action in {Action.MASK, Action.READ_WITHHELD}:
            return "an individual number has no masked form and no way around an obligation"
        if line.role != f"role:{NUMBER_ROLE}":
            return f"an individual number is for `{NUMBER_ROLE}` alone"
        business = [
            purpose
            for purpose in self._purposes(line)
            if not self.reference.purposes[purpose].individual_number_business
        ]
        return f"`{min(business)}` is no business with individual numbers" if business else None

    def _handling_operand(self, line: Line) -> str | None:
        told = line.what == "class:handling" or line.what in HANDLING
        operand = line.action in {Action.MATCH, Action.SEARCH}
        if told and operand and line.role not in HANDLING_OPERANDS:
            return "the obligation is an operand for the protection coordinator alone"
        return None

    def _read_withheld(self, line: Line) -> str | None:
        """Who reads covered persons works for their protection; no line makes anybody one."""
        if line.action != Action.READ_WITHHELD:
            return None
        named = {role for role, _ in self._pairs(line)} or {line.role.removeprefix("role:")}
        others = named - self.reference.protection_roles
        return f"`{min(others)}` is not marked for protection work" if others else None

    def _needs_handling(self, line: Line, classes: Sequence[str]) -> str | None:
        """Who could see the gap without the obligation would learn from the gap who is covered."""
        action = Action(line.action)
        needed = NEEDS_HANDLING.get(Action.READ if action is Action.MASK else action)
        depends = line.what in PROTECTED or any(CLASSES[code].withheld for code in classes)
        if needed is None or not depends:
            return None
        for role, purpose in self._pairs(line):
            if not self._allows_handling(role, purpose, needed):
                return (
                    f"needs `{needed}` on `class:handling` for `role:{role}`, `purpose:{purpose}`:"
                    " the gap would tell who is protected"
                )
        return None

    def _allows_handling(self, role: str, purpose: str, action: str) -> bool:
        for told in HANDLING:
            effects: set[str] = set()
            for what in ("class:handling", told):
                for role_name in (f"role:{role}", ANY_ROLE):
                    for purpose_name in (f"purpose:{purpose}", ANY_PURPOSE):
                        cell = (role_name, purpose_name, what, str(action))
                        effects |= self.effects.get(cell, set())
            if Effect.ALLOW not in effects or Effect.DENY in effects:
                return False
        return True

    # -- lines that decide nothing ---------------------------------------------------------------

    def _idle(self, line: Line) -> str | None:
        if not self._pairs(line):
            return f"`{line.role}` does not open `{line.purpose}`"
        covered = self._covered(line)
        if line.action == Action.MASK and not any(what in MASKABLE for what in covered):
            return "nothing here has a masked form"
        if line.action == Action.READ_WITHHELD and not any(
            CLASSES[code].withheld for code in self._classes(line)
        ):
            return "no obligation withholds this"
        if not covered:
            return "no field, edge or row carries this class"
        if line.effect == Effect.ALLOW:
            return self._overruled(line)
        return None

    def _overruled(self, line: Line) -> str | None:
        """An allow that a broader deny closes everywhere."""
        for role in {line.role, ANY_ROLE}:
            for purpose in {line.purpose, ANY_PURPOSE}:
                for what in self._whats(line):
                    if (role, purpose, what) == (line.role, line.purpose, line.what):
                        continue
                    effects = self.effects.get((role, purpose, what, line.action), ())
                    if Effect.DENY in effects:
                        return f"denied for `{role}`, `{purpose}`, `{what}`"
        return None

    def _whats(self, line: Line) -> list[str]:
        if line.what.startswith("class:"):
            return [line.what]
        return [line.what, *(f"class:{code}" for code in self.coordinates[line.what])]

    # -- what a line speaks about ----------------------------------------------------------------

    def _classes(self, line: Line) -> Sequence[str]:
        if line.what.startswith("class:"):
            return (line.what.removeprefix("class:"),)
        return self.coordinates[line.what]

    def _covered(self, line: Line) -> Sequence[str]:
        if line.what.startswith("class:"):
            return self.of_class[line.what.removeprefix("class:")]
        return (line.what,)

    def _purposes(self, line: Line) -> list[str]:
        if line.purpose == ANY_PURPOSE:
            return sorted(self.reference.purposes)
        return [line.purpose.removeprefix("purpose:")]

    def _pairs(self, line: Line) -> list[tuple[str, str]]:
        """The roles and purposes that go together and that the line speaks to."""
        opened = self.reference.role_purposes
        roles = sorted(opened) if line.role == ANY_ROLE else [line.role.removeprefix("role:")]
        return [
            (role, purpose)
            for role in roles
            for purpose in self._purposes(line)
            if purpose in opened[role] or role == NUMBER_ROLE
        ]


def _cell(line: Line) -> tuple[str, str, str, str]:
    return line.role, line.purpose, line.what, line.action
