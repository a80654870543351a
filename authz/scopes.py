"""Scopes of tokens, `業務ID:リソース名:操作名`, and how they narrow a clearance.

`036:collection:list` is the business 036 (統合収滞納, integrated collection), type `Collection`,
action `list`. RFC 6749 (3.3) takes ASCII only, so the words are codes. A scope says what a
client may ask, never what it gets: whatever it names, the policy decides first, and a scope only
takes away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.graph.graph import COMPUTED, GRAPH
from models.tables.policy import Action

BUSINESS = "036"
ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        action.value: action
        for action in (Action.READ, Action.LIST, Action.MATCH, Action.SEARCH, Action.WRITE)
    }
)


def resource(type_name: str) -> str:
    """`TransferDefinition` → `transferDefinition`."""
    return type_name[0].lower() + type_name[1:]


def _resources() -> Mapping[str, str]:
    """Coordinate → resource. A part belongs to its row's type, a root field to its type."""
    found = {"Query.addresseeByIndividualNumber": "addressee"}
    found |= {f"Query.{name}": "policyVersion" for name in COMPUTED}
    for type_ in GRAPH.types.values():
        own = resource(type_.name)
        for name in type_.noun.root:
            if name is not None:
                found[f"Query.{name}"] = own
        for coordinate in GRAPH.classes:
            holder = coordinate.partition(".")[0]
            parts = {part.type_name for part, _ in type_.parts.values()}
            if holder == type_.name or holder in parts:
                found[coordinate] = own
    return MappingProxyType(found)


RESOURCE_OF = _resources()
RESOURCES = frozenset(resource(name) for name in GRAPH.types)
LEAVES = frozenset(
    leaf.coordinate
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None and type_.noun.destination is None
    for leaves in (type_.leaves, *(leaves for _, leaves in type_.parts.values()))
    for leaf in leaves.values()
)
"""Coordinates of values of a person's records: what the items of a linkage definition name."""


KEYS = frozenset({"Addressee.code"})
"""What no definition leaves out: without it nobody knows whose the other items are."""


def objection(scope: str) -> str | None:
    """Why a text is no scope, or `None`."""
    words = scope.split(":")
    if len(words) != 3 or words[0] != BUSINESS or words[1] not in RESOURCES:
        return "a scope is 業務ID:リソース名:操作名, such as 036:collection:list"
    if words[2] not in ACTIONS:
        return f"the operation of a scope is one of {' '.join(ACTIONS)}"
    return None


def scope_of(coordinate: str, action: Action) -> str | None:
    """The scope that a cell needs; `None` for a coordinate that none covers."""
    owner = RESOURCE_OF.get(coordinate)
    return None if owner is None else f"{BUSINESS}:{owner}:{action.value}"


def written(scopes: Iterable[str]) -> str:
    """Scopes as one text, sorted."""
    return " ".join(sorted(scopes))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token leaves of a clearance: one purpose, the scopes asked, the items defined.

    The warning of an obligation is no part of this: no limit takes it away
    (`authz/policy/clearance.py`).

    `items` are coordinates of values; `None`: all that policy and scopes open.
    """

    purpose: str
    scopes: frozenset[str]
    items: frozenset[str] | None = None

    def admits(self, coordinate: str, action: Action) -> bool:
        """Whether the cell may be asked at all."""
        if scope_of(coordinate, action) not in self.scopes:
            return False
        return self.items is None or coordinate not in LEAVES or coordinate in self.items | KEYS
