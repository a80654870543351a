"""By what persons come into a record of the log, and who may see in it that they did.

A person whom a filter on a flag leaves, or who stands behind an edge, tells beside the coordinate
what the flag or the edge does. So a record says by which sensitivity classes its persons came in,
and shows those persons to nobody but who is cleared for all of these. A property of the plan: were
it one of the rows, its gaps would tell of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from authz.policy.clearance import Clearance, Population, Verdict
from authz.policy.releases import NAMED, POPULATION_INPUTS
from models.facts import CLASSES
from models.graph.graph import GRAPH
from models.tables.policy import Action
from resolvers.read.levels import (
    ANYBODY,
    AllOf,
    AnyOf,
    Condition,
    Embedded,
    Field,
    Guard,
    Keyed,
    Level,
    Nested,
    row_fields,
)

UNKNOWN = frozenset({"unknown"})
"""By what nothing here knows: no class, so that nobody is cleared for it."""


def classes_of(coordinates: Iterable[str]) -> frozenset[str]:
    """What it tells of a person to have come in by these coordinates, beyond their code."""
    return frozenset(
        code
        for coordinate in coordinates
        if coordinate not in NAMED
        for code in GRAPH.classes.get(coordinate, UNKNOWN)
    )


def with_ways(level: Level, above: frozenset[str], edge: Guard | None = None) -> Level:
    """The same level, and those beneath it, with the classes by which their rows come in.

    `edge`: where the edge that leads to it is open.
    """
    coordinates = {level.type.name, *_operands(level)}
    populations = [level.populations]
    if level.edge is not None:
        coordinates.add(level.edge.coordinate)
    if edge is not None:
        populations.append(edge.populations)
    if level.condition is not None:
        populations += (compare.populations for compare in _guards(level.condition))
    coordinates |= {each for names in populations for each in _inputs(names)}
    through = above | classes_of(coordinates)
    guards = dict(_nested(level))
    return replace(
        level,
        through=through,
        children=tuple(
            with_ways(child, through, guards.get(at)) for at, child in enumerate(level.children)
        ),
    )


def held(clearance: Clearance) -> frozenset[str]:
    """The classes of which the actor may see who came in by them: those of which they may list
    every field, edge and row, of everybody.

    Never what an obligation withholds: whoever is in a record may be covered by now.
    """
    closed = [
        frozenset(classes)
        for coordinate, classes in GRAPH.classes.items()
        if not _lists(clearance, coordinate)
    ]
    found = {code for code, class_ in CLASSES.items() if not class_.withheld}
    # First what is closed by itself: what it closes together with others says nothing of these.
    for classes in sorted(closed, key=len):
        if classes <= found:
            found -= classes
    return frozenset(found)


def _lists(clearance: Clearance, coordinate: str) -> bool:
    cell = clearance.cell(coordinate, Action.LIST)
    return cell.verdict is Verdict.SHOWN and frozenset() in cell.populations


def _operands(level: Level) -> Iterator[str]:
    """The coordinates of what finds and orders the rows."""
    if level.keyed is not None and level.keyed[0] is not Keyed.ID:
        by_number = level.keyed[0] is Keyed.NUMBER
        yield f"{level.type.name}.{'individualNumber' if by_number else 'code'}"
    if level.page is not None:
        yield from (order.leaf.coordinate for order in level.page.order)
    if level.condition is not None:
        parts = {part.type_name: part.field for part, _ in level.type.parts.values()}
        for coordinate in _compared(level.condition):
            yield coordinate
            part = parts.get(coordinate.partition(".")[0])
            if part is not None:
                yield f"{level.type.name}.{part}"


def _compared(condition: Condition) -> Iterator[str]:
    if isinstance(condition, (AllOf, AnyOf)):
        for inner in condition.conditions:
            yield from _compared(inner)
        return
    yield condition.leaf.coordinate


def _guards(condition: Condition) -> Iterator[Guard]:
    if isinstance(condition, (AllOf, AnyOf)):
        for inner in condition.conditions:
            yield from _guards(inner)
        return
    yield condition.guard


def _inputs(populations: frozenset[Population]) -> Iterator[str]:
    """What a row's being in one of them depends on."""
    if populations == ANYBODY:
        return
    for name in (name for population in populations for name in population):
        kind = next((each for each in POPULATION_INPUTS if name.startswith(each)), name)
        yield from POPULATION_INPUTS.get(kind, (f"population {name}",))


def _nested(level: Level) -> Iterator[tuple[int, Guard]]:
    for fields in row_fields(level):
        yield from _nested_in(fields)


def _nested_in(fields: Iterable[Field]) -> Iterator[tuple[int, Guard]]:
    for field in fields:
        if isinstance(field, Nested):
            yield field.child, field.guard
        elif isinstance(field, Embedded):
            yield from _nested_in(field.fields)
