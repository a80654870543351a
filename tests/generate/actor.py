"""Who asks, and what for: every role, and every pair of roles that one person may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from authz.policy.invariants import NUMBER_ROLE, conflicting_roles
from models.store.first_content import SECTIONS
from tests.generate.dice import Dice
from tests.generate.policy import OPENED, PURPOSES, ROLES


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to sign in."""

    roles: frozenset[str]
    section: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Who asks, for which purpose, on which case, in which mode."""

    person: Person
    purpose: str | None
    case: str | None
    mode: str


OPEN: Sequence[tuple[str, str]] = [
    (role, purpose) for role in ROLES for purpose in OPENED[role] if role != NUMBER_ROLE
]
ALONE: Sequence[frozenset[str]] = [frozenset({role}) for role in ROLES if role != NUMBER_ROLE]


def terms(dice: Dice) -> Terms:
    """Mostly a purpose that is open, to one role or two that one person may hold."""
    role, opened = dice.pick(OPEN)
    roles = {role}
    if dice.chance(33):
        # What nobody else sees is only met by these few.
        role = dice.pick(["protection-coordinator", "addressee-registrar"])
        roles = {role} if role == "protection-coordinator" else {role, NUMBER_ROLE}
        opened = dice.pick(OPENED[role])
    elif dice.chance(40):
        beside = [other for other in ROLES if conflicting_roles({role, other}) is None]
        roles.add(dice.pick(beside or [role]))
    purpose: str | None = opened
    if dice.chance(6):
        purpose = dice.pick([None, "no-such-purpose", *PURPOSES])
    case = "K-7/a" if dice.chance(70) else None
    mode = dice.pick(["reject", "dry-run"]) if dice.chance(8) else "null"
    return Terms(Person(frozenset(roles), dice.pick(sorted(SECTIONS))), purpose, case, mode)
