"""How much memory a value keeps that would be free without it: what a cache must reckon with."""

from __future__ import annotations

import sys
from enum import Enum
from gc import get_referents
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import sqlalchemy as sa
from graphql import GraphQLNamedType, GraphQLSchema

from authz.policy.clearance import Clearance
from models.graph.edges import Edge
from models.graph.graph import Leaf, Type

ENTRY = 500
SHARED = (
    type, ModuleType, BuiltinFunctionType, CodeType, Enum, GraphQLSchema, GraphQLNamedType,
    Clearance, Edge, Leaf, Type, sa.ClauseElement, sa.types.TypeEngine,
)  # fmt: skip
"""What lives anyhow, and is not counted with any one value."""


def weight(*values: Any) -> int:
    """The bytes of all that the values lead to, each object once, and of a place in a cache."""
    seen: set[int] = set()
    pending: list[Any] = [*values]
    total = ENTRY
    while pending:
        value = pending.pop()
        if value is None or isinstance(value, SHARED) or id(value) in seen:
            continue
        seen.add(id(value))
        total += sys.getsizeof(value)
        pending += _led_to(value)
    return total


def _led_to(value: Any) -> list[Any]:
    if not isinstance(value, FunctionType):
        return get_referents(value)
    # The names that a generated function is bound to are its own, those of a module are not.
    own = [] if "__name__" in value.__globals__ else [value.__globals__]
    return [*own, *(cell.cell_contents for cell in value.__closure__ or ())]
