"""How many persons an hour somebody may look up: which budgets a request must fit into. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from authz.policy.policy import Reference
from models.facts import CLASSES
from models.tables.lookup_budget import ANY

Ledgers = tuple[tuple[str, int], ...]
"""(class or `any`, persons an hour): every count that a request must fit into."""


def budgets_of(reference: Reference, roles: Iterable[str], purpose: str) -> Mapping[str, int]:
    """Persons an hour by class, `any` for all together.

    Each role that may act for the purpose brings its most specific row, and the largest counts.
    """
    acting = [role for role in roles if purpose in reference.role_purposes.get(role, ())]
    found: dict[str, int] = {}
    for code in (ANY, *CLASSES):
        given = [_of_role(reference.budgets, role, purpose, code) for role in acting]
        known = [persons for persons in given if persons is not None]
        if known:
            found[code] = max(known)
    return MappingProxyType(found)


def _of_role(
    budgets: Mapping[tuple[str, str, str], int], role: str, purpose: str, code: str
) -> int | None:
    for key in ((role, purpose), (role, ANY), (ANY, purpose), (ANY, ANY)):
        if (*key, code) in budgets:
            return budgets[*key, code]
    return None


def ledgers_of(budgets: Mapping[str, int], classes: Iterable[str]) -> Ledgers:
    """The budgets that a request which tells of these classes must fit into.

    Without one for all persons together it is nobody.
    """
    own = ((code, budgets[code]) for code in sorted(classes) if code in budgets)
    return ((ANY, budgets.get(ANY, 0)), *own)
