"""How many persons a plan could tell of, and how many it told of: what a harvest budget counts.

A row counts as a person. A value in a filter counts as a person asked for: where fewer rows are
found, the rest are misses. A `totalCount` counts as one. What an actor knows by code is counted by
that code, so that asking for it costs the same whether there is such a person or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.graph.graph import GRAPH
from resolvers.read.levels import AllOf, AnyOf, Condition, Keyed, Level
from resolvers.read.pages import Given
from resolvers.read.plan import Plan
from resolvers.read.sql import KEYED, LIMIT, Found, Query, each_once

LONGEST_CODE = 15


def classes_told(plan: Plan) -> frozenset[str]:
    """The sensitivity classes of everything that a plan shows, masks or compares."""
    return frozenset(
        code
        for coordinate, _, verdict in plan.decisions
        if verdict != "hidden"
        for code in GRAPH.classes.get(coordinate, ())
    )


def tells_of_persons(queries: Sequence[Query]) -> bool:
    """Whether anybody comes into the answer."""
    return any(query.level.entry for root in queries for query in root.tree())


def asked_by_code(queries: Sequence[Query], given: Given) -> list[str]:
    """The codes by which persons are asked for, each once."""
    codes = (given[id(query.level)][KEYED] for query in queries if _is_named(query.level, given))
    return list(dict.fromkeys(codes))


def could_tell(queries: Sequence[Query], variables: Mapping[str, Any], given: Given) -> int:
    """The most persons that a request tells of, beside those whom it names."""
    return sum(_bound(query, 1, variables, given) for query in queries)


def counted(
    found: Sequence[Found], variables: Mapping[str, Any], given: Given
) -> tuple[int, Sequence[str]]:
    """Misses, counts and rows without a name; and the codes of the persons told of.

    Two rows are one person only to those who may see whose they are: else the count would tell it.
    """
    units = 0
    persons: list[Sequence[str]] = []
    for one in (inner for root in found for inner in root.tree() if inner.query.level.entry):
        level = one.query.level
        rows = sum(map(len, one.by_parent.values())) + len(one.more)
        if not _is_named(level, given):
            units += max(0, _probes(level, variables) - rows) + level.count
            units += 0 if level.names else rows
        if level.names:
            persons.append(one.persons)
    return units, each_once(persons)


def _bound(query: Query, parents: int, variables: Mapping[str, Any], given: Given) -> int:
    level = query.level
    rows = parents if level.page is None else parents * given[id(level)][LIMIT]
    below = sum(_bound(child, rows, variables, given) for child in query.children)
    if not level.entry or _is_named(level, given):
        return below
    return max(rows, _probes(level, variables)) + level.count + below


def _probes(level: Level, variables: Mapping[str, Any]) -> int:
    """How many persons the operands of a list or root ask for."""
    if level.condition is None:
        return 1 if level.edge is None else 0
    return max(1, _values(level.condition, variables))


def _values(condition: Condition, variables: Mapping[str, Any]) -> int:
    if isinstance(condition, AllOf):
        return max((_values(inner, variables) for inner in condition.conditions), default=1)
    if isinstance(condition, AnyOf):
        return sum(_values(inner, variables) for inner in condition.conditions)
    value = condition.source.get(variables)
    return len(value) if isinstance(value, list) else 1


def _is_named(level: Level, given: Given) -> bool:
    """Whether a root names its person: a text that could be a code, cleared as an operand."""
    if level.keyed is None or level.type.name != "Addressee":
        return False
    by = level.keyed[0]
    if by is Keyed.NUMBER or (by is Keyed.ID and not level.names):
        return False
    key = given.get(id(level), {}).get(KEYED)
    return isinstance(key, str) and 0 < len(key) <= LONGEST_CODE
