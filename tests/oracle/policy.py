"""What an actor may see for a purpose, asked of Casbin cell by cell.

A *grant* is what one role contributes to a cell, with its own row predicates. A cell is the union
of its grants: what none of them opens for a row, the row does not show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import casbin  # type: ignore[import-untyped]

from authz.policy.policy import ANY_PURPOSE, ANY_ROLE, Line, enforcer, label
from models.facts import CLASSES
from models.graph.graph import GRAPH

READ, LIST, MATCH, SEARCH, WRITE = "read", "list", "match", "search", "write"
NUMBER_HANDLER = "number-handler"
NUMBERS = {"individual-number", "individual-number-history"}
IMPERSONAL = {"policy-administrator", "system-operator", "privacy-auditor"}
POPULATIONS = {"section-clerk": "own-section"}
RELEASE = ("Addressee.handling", "Handling", "Handling.addressWithheld", "Handling.stopOutput")
"""Where the obligation itself is released: whoever may see all of it is cleared for `handling`."""

MASKABLE = {
    leaf.coordinate
    for type_ in GRAPH.types.values()
    for leaf in (*type_.leaves.values(), *type_.operands())
    if leaf.label.mask
}
"""Leaves that have a masked form; nothing else can be masked."""

ABOUT_OTHERS = {
    leaf.coordinate
    for type_ in GRAPH.types.values()
    for leaf in type_.leaves.values()
    if leaf.label.about
}
"""Leaves that the protection of another person of the row withholds."""


MACHINE = "department-client"
ABOUT_PERSONS = {
    coordinate
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None and type_.noun.destination is None
    for coordinate in GRAPH.classes
    if coordinate.split(".")[0]
    in {type_.name, *(part.type_name for part, _ in type_.parts.values())}
}
"""What a department's machine lists only where it is told the obligation as well."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role opens: for rows in all of `population`, whole or only masked.

    `despite_cover`: also where an obligation covers the person.
    """

    population: frozenset[str]
    whole: bool = True
    despite_cover: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One cell. `reason`: why it is not shown whole; it never depends on a row.

    `whole`: the grants that open more than a masked form.
    """

    grants: tuple[Grant, ...]
    reason: str | None = None
    whole: tuple[Grant, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", tuple(grant for grant in self.grants if grant.whole))

    @property
    def word(self) -> str:
        """How `viewer { clearance }` says it."""
        return self.reason or "SHOWN"


@dataclass(frozen=True)
class Book:
    """One version of the policy, as the rows of the database say it."""

    version: int
    lines: tuple[Line, ...]
    purposes: Mapping[str, Mapping[str, Any]]
    opened: frozenset[tuple[str, str]]
    items: Mapping[str, frozenset[str]]
    protects: frozenset[str]
    _casbin: _Casbin = field(repr=False)
    _deciders: dict[Any, Decider] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Mapping[str, list[dict[str, Any]]]) -> Book:
        """The newest version."""
        version = max(row["number"] for row in tables["policy_version"])
        items: dict[str, set[str]] = {}
        for row in tables["population_item"]:
            items.setdefault(row["population"], set()).add(row["tax_item_code"])
        lines = tuple(
            Line(*(str(row[name]) for name in ("role", "purpose", "what", "action", "effect")))
            for row in tables["policy_line"]
            if row["version"] == version
        )
        return cls(
            version=version,
            lines=lines,
            purposes={row["code"]: row for row in tables["purpose"]},
            opened=frozenset((row["role"], row["purpose"]) for row in tables["role_purpose"]),
            items={name: frozenset(codes) for name, codes in items.items()},
            protects=frozenset(row["code"] for row in tables["role"] if row["protection_work"]),
            _casbin=_casbin(lines),
        )

    def open_to(self, roles: Iterable[str]) -> set[str]:
        """The purposes that the roles may act for."""
        return {purpose for role, purpose in self.opened if role in roles}

    def allows(self, role: str, purpose: str, coordinate: str, action: str) -> bool:
        """Whether one role may: joined classes need all of their labels."""
        return all(
            self.enforce(role, purpose, label(coordinate, class_), action)
            for class_ in GRAPH.classes[coordinate]
        )

    def enforce(self, role: str, purpose: str, what: str, action: str) -> bool:
        """Casbin's word."""
        return self._casbin.enforce(role, purpose, what, action)

    def decider(self, roles: frozenset[str], purpose: str, case: bool) -> Decider:
        """The decisions for an actor's roles, one purpose, and whether a case is named."""
        key = (roles, purpose, case)
        if key not in self._deciders:
            self._deciders[key] = Decider(self, roles, purpose, case)
        return self._deciders[key]


class _Casbin:
    """Casbin over the lines of one policy, its answers remembered."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines: dict[str, list[Line]] = {}
        for line in lines:
            self._lines.setdefault(line.action, []).append(line)
        self._matching: dict[tuple[str, str, str], tuple[Line, ...]] = {}
        self._answers: dict[tuple[str, str, str, str], bool] = {}

    def enforce(self, role: str, purpose: str, what: str, action: str) -> bool:
        asked = (role, purpose, what, action)
        if asked not in self._answers:
            casbin = _enforcer(self._that_can_match(role, purpose, action))
            names = (f"role:{role}", f"purpose:{purpose}", what, action)
            self._answers[asked] = casbin.enforce(*names)
        return self._answers[asked]

    def _that_can_match(self, role: str, purpose: str, action: str) -> tuple[Line, ...]:
        # A line of another role, purpose or action cannot, and each one costs microseconds.
        key = (role, purpose, action)
        if key not in self._matching:
            self._matching[key] = tuple(
                line
                for line in self._lines.get(action, ())
                if line.role in (f"role:{role}", ANY_ROLE)
                and line.purpose in (f"purpose:{purpose}", ANY_PURPOSE)
            )
        return self._matching[key]


@lru_cache(maxsize=1000)
def _enforcer(lines: tuple[Line, ...]) -> casbin.Enforcer:
    # All share one tree of labels, which is most of an enforcer.
    made = enforcer(lines, ONE_LABEL)
    made.model.model["g"]["g2"].rm = _labelled().model.model["g"]["g2"].rm
    return made


ONE_LABEL = {"Addressee": GRAPH.classes["Addressee"]}
"""Casbin takes no empty policy."""


@lru_cache(maxsize=1)
def _labelled() -> casbin.Enforcer:
    return enforcer((), GRAPH.classes)


_casbin = lru_cache(maxsize=8)(_Casbin)


class Decider:
    """The decisions for one actor's roles, one purpose and whether a case is named."""

    def __init__(self, book: Book, roles: frozenset[str], purpose: str, case: bool) -> None:
        self.book = book
        self.roles = roles
        self.purpose = purpose
        self.case = case
        self._decided: dict[tuple[str, str], Decision] = {}
        self._granting: dict[tuple[str, str], tuple[Grant, ...]] = {}

    def decide(self, coordinate: str, action: str) -> Decision:
        """The cell."""
        key = (coordinate, action)
        if key not in self._decided:
            grants = self._grants(coordinate, action)
            if any(grant.whole for grant in grants):
                self._decided[key] = Decision(grants)
            else:
                reason = "MASKED" if grants else self._reason(coordinate, action)
                self._decided[key] = Decision(grants, reason)
        return self._decided[key]

    def may(self, coordinate: str, action: str) -> bool:
        """Whether anything of the cell is open."""
        return bool(self._grants(coordinate, action))

    @cached_property
    def seen_in_the_log(self) -> frozenset[str]:
        """The classes of which a reader of the log may see who came into a record by them: all of
        each is listed, of everybody, and nothing of it is ever withheld."""
        closed = [
            set(classes)
            for coordinate, classes in GRAPH.classes.items()
            if not any(not grant.population for grant in self.decide(coordinate, LIST).whole)
        ]
        closed.sort(key=len)
        seen = {code for code in CLASSES if not withheld([code])}
        for classes in closed:
            seen -= classes if classes <= seen else set()
        return frozenset(seen)

    def _grants(self, coordinate: str, action: str) -> tuple[Grant, ...]:
        key = (coordinate, action)
        if key not in self._granting:
            is_number = NUMBERS.intersection(GRAPH.classes[coordinate])
            find = self._number_grants if is_number else self._plain_grants
            self._granting[key] = tuple(find(coordinate, action))
        return self._granting[key]

    def _plain_grants(self, coordinate: str, action: str) -> Iterator[Grant]:
        whole = [
            Grant(self._population(role), True, self._despite_cover(role, coordinate, action))
            for role in self._granted(coordinate, action)
            if self._lawful(role, coordinate, action)
        ]
        yield from whole
        if not whole and action in (READ, LIST) and coordinate in MASKABLE:
            for role in self._granted(coordinate, "mask"):
                if self._lawful(role, coordinate, action):
                    yield Grant(self._population(role), whole=False)

    def _number_grants(self, coordinate: str, action: str) -> Iterator[Grant]:
        """For one person at a time, by a handler beside another role, with a case."""
        business = self.book.purposes[self.purpose]["individual_number_business"]
        if action in (LIST, SEARCH) or not business or not self.case or len(self.roles) == 1:
            return
        if NUMBER_HANDLER in self._granted(coordinate, action):
            yield Grant(self._population(NUMBER_HANDLER))

    def _reason(self, coordinate: str, action: str) -> str:
        """Why nothing is open."""
        granted = self._granted(coordinate, action)
        if NUMBERS.isdisjoint(GRAPH.classes[coordinate]):
            return "INVARIANT" if granted else self._why_not(coordinate, action)
        if action in (LIST, SEARCH):
            granted = granted or self._granted(coordinate, READ)
        if not granted:
            return self._why_not(coordinate, action)
        with_case = Decider(self.book, self.roles, self.purpose, case=True)
        return (
            "INVARIANT" if self.case or not with_case.may(coordinate, action) else "CASE_REFERENCE"
        )

    def _granted(self, coordinate: str, action: str, purpose: str | None = None) -> list[str]:
        """The roles to which the policy alone allows it.

        A role adds nothing for a purpose that it may not act for, a number handler excepted: that
        role opens no purpose of its own.
        """
        purpose = purpose or self.purpose
        return [
            role
            for role in sorted(self.roles)
            if (role, purpose) in self.book.opened or role == NUMBER_HANDLER
            if self.book.allows(role, purpose, coordinate, action)
        ]

    def _lawful(self, role: str, coordinate: str, action: str) -> bool:
        """The invariants, for one role."""
        classes = GRAPH.classes[coordinate]
        if role in IMPERSONAL and any(CLASSES[code].personal for code in classes):
            return False
        listed = role == MACHINE and action == LIST and coordinate in ABOUT_PERSONS
        if listed or (action != WRITE and (coordinate in ABOUT_OTHERS or withheld(classes))):
            # Otherwise the gap would tell what the flag hides.
            same = READ if action == READ else LIST
            return all(self.book.allows(role, self.purpose, told, same) for told in RELEASE)
        return True

    def _despite_cover(self, role: str, coordinate: str, action: str) -> bool:
        """Each class that an obligation withholds has to be opened in spite of it, and to a role
        that is marked for protection work."""
        classes = [code for code in GRAPH.classes[coordinate] if CLASSES[code].withheld]
        return (
            action == READ
            and role in self.book.protects
            and bool(classes)
            and all(
                self.book.enforce(role, self.purpose, label(coordinate, code), "read-withheld")
                for code in classes
            )
        )

    def _population(self, role: str) -> frozenset[str]:
        names = (self.book.purposes[self.purpose]["population"], POPULATIONS.get(role))
        return frozenset(name for name in names if name is not None)

    def _why_not(self, coordinate: str, action: str) -> str:
        if action == LIST and self._granted(coordinate, READ):
            return "LIST"
        others = self.book.open_to(self.roles) - {self.purpose}
        if any(self._granted(coordinate, action, purpose) for purpose in sorted(others)):
            return "PURPOSE"
        return "ROLE"


def withheld(classes: Iterable[str]) -> bool:
    """Whether an obligation withholds what carries these classes."""
    return any(CLASSES[code].withheld for code in classes)
