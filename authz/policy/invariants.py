"""Rules that hold whatever the policy says.

Each is a sentence about one cell of the decision table; `Clearance` asks them after the policy, so
that no line can open what they close.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from models.facts import CLASSES

IMPERSONAL_ROLES = frozenset({"policy-administrator", "system-operator", "privacy-auditor"})
"""Roles that never get a class marked personal, and are never held beside a role that does."""

MACHINE_ROLE = "department-client"
NUMBER_ROLE = "number-handler"
NUMBER_CLASSES = frozenset({"individual-number", "individual-number-history"})

HANDLING_OPERANDS = frozenset({"role:protection-coordinator"})
"""Who may ask for covered persons as a set."""

HANDLING = ("Addressee.handling", "Handling", "Handling.addressWithheld", "Handling.stopOutput")
"""What somebody must see to be cleared for `handling`: the edge, the row and its values."""


def is_impersonal(role: str, classes: Iterable[str]) -> bool:
    """The role administers the system and the data is somebody's: never."""
    return role in IMPERSONAL_ROLES and any(CLASSES[code].personal for code in classes)


def is_number(classes: Iterable[str]) -> bool:
    """The data is an individual number or tells of its change."""
    return not NUMBER_CLASSES.isdisjoint(classes)


def may_handle_numbers(role: str, roles: frozenset[str], number_business: bool) -> bool:
    """Numbers are for a number handler beside another role, in an individual number business."""
    return role == NUMBER_ROLE and len(roles) > 1 and number_business


def conflicting_roles(roles: Collection[str]) -> str | None:
    """Why nobody of the staff may hold these roles together; `None` where they may."""
    held = frozenset(roles)
    if MACHINE_ROLE in held:
        return "a department's client is no staff member"
    if held == {NUMBER_ROLE}:
        return f"`{NUMBER_ROLE}` is held beside another role, never alone"
    if held & IMPERSONAL_ROLES and held - IMPERSONAL_ROLES:
        return "a role that administers the system is not held beside one that sees personal data"
    return None
