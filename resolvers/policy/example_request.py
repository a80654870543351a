"""A request that shows what a change of the policy opens: GraphQL with placeholders, and headers.

Made from the graph alone: the shortest way from a root field to the coordinate that asks nothing
about another person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from authz.policy.clearance import Cell
from authz.policy.implicit_flow import LEAVES
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from models.tables.policy import Action


@dataclass(frozen=True, slots=True)
class Witness:
    """A document, the headers to send with it, and the coordinates that it asks besides."""

    document: str
    headers: tuple[str, ...]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """From a root type over edges to the type that holds the field."""

    root: Type
    edges: tuple[Edge, ...]


def witness(
    purpose: str, coordinate: str, action: Action, needs_case: bool, *beside: str
) -> Witness | None:
    """The request; `None` where no request can ask for the cell (no operand, no mutation).

    `beside`: other fields of the same type, which it reads as well.
    """
    if action is Action.WRITE:
        return None
    found = _document(coordinate, action, beside)
    if found is None:
        return None
    headers = [f"Purpose-Of-Use: {purpose}"]
    if needs_case:
        headers.append("Case-Reference: <CASE>")
    return Witness(found[0], tuple(headers), found[1])


def witnesses(
    purpose: str, coordinates: Sequence[str], action: Action, needs_case: bool
) -> Iterator[Witness]:
    """Requests that read what was gained, those that read most values first.

    One reads every value of its type that was gained: the worst is among them.
    """
    values: dict[str, list[str]] = {}
    for coordinate in coordinates:
        if coordinate in LEAVES:
            values.setdefault(coordinate.partition(".")[0], []).append(coordinate)
    together = sorted(values.values(), key=len, reverse=True)
    if action in {Action.MATCH, Action.SEARCH}:
        together = [[each] for each in chain.from_iterable(together)]
    for first, *beside in (*together, *([each] for each in coordinates if each not in LEAVES)):
        found = witness(purpose, first, action, needs_case, *beside)
        if found is not None:
            yield found


def shows(witness: Witness, action: Action, cell: Callable[[tuple[str, Action]], Cell]) -> bool:
    """Whether everything on the way to the cell is open too."""
    asked = Action.READ if action is Action.READ else Action.LIST
    return all(cell((coordinate, asked)).allowed for coordinate in witness.path)


def _document(
    coordinate: str, action: Action, beside: Iterable[str] = ()
) -> tuple[str, tuple[str, ...]] | None:
    type_name, _, name = coordinate.partition(".")
    if type_name == "Query":
        return _root(name, action)
    if type_name in GRAPH.types:
        type_, part = GRAPH.types[type_name], None
    else:
        type_, part = next(
            (holder, field)
            for holder in GRAPH.types.values()
            for field, (embedded, _) in holder.parts.items()
            if embedded.type_name == type_name
        )
    way = _way(type_, action)
    if way is None:
        return None
    if action in {Action.MATCH, Action.SEARCH}:
        return _operand(way, type_, part, name, action)
    names = (name, *(each.partition(".")[2] for each in beside))
    selected = _selected(type_, part, *names)
    path = [type_.name, *([f"{type_.name}.{part}"] if part else [])]
    return _through(way, selected, action, path)


def _root(name: str, action: Action) -> tuple[str, tuple[str, ...]] | None:
    for type_ in GRAPH.types.values():
        one, many = type_.noun.root
        if name == one and action is Action.READ:
            return f"{{ {name}({_key(type_)}) {{ id }} }}", (type_.name,)
        if name == many and action is Action.LIST:
            return f"{{ {name}(first: 20) {{ nodes {{ id }} }} }}", (type_.name,)
    return None


def _through(
    way: _Way, selected: str, action: Action, path: list[str]
) -> tuple[str, tuple[str, ...]] | None:
    for edge in reversed(way.edges):
        inner = f"nodes {{ {selected} }}" if edge.many else selected
        selected = f"{edge.field} {{ {inner} }}"
        path = [edge.source, edge.coordinate, *path]
    one, many = way.root.noun.root
    if action is Action.READ and one is not None:
        return f"{{ {one}({_key(way.root)}) {{ {selected} }} }}", (f"Query.{one}", *path)
    if many is not None:
        return f"{{ {many}(first: 20) {{ nodes {{ {selected} }} }} }}", (f"Query.{many}", *path)
    return None


def _selected(type_: Type, part: str | None, name: str, *beside: str) -> str:
    if beside:
        values = " ".join((name, *beside))
        return f"{part} {{ {values} }}" if part else values
    if not name:
        return "id"
    edge = type_.edges.get(name)
    if edge is not None:
        return f"{name} {{ {'nodes { id }' if edge.many else 'id'} }}"
    if name in type_.parts:
        return f"{name} {{ __typename }}"
    return f"{part} {{ {name} }}" if part else name


def _operand(
    way: _Way, type_: Type, part: str | None, name: str, action: Action
) -> tuple[str, tuple[str, ...]] | None:
    if f"{type_.name}.{name}" == "Addressee.individualNumber" and action is Action.MATCH:
        return (
            "query ($number: IndividualNumber!)"
            " { addresseeByIndividualNumber(individualNumber: $number) { id } }",
            ("Query.addresseeByIndividualNumber", "Addressee"),
        )
    leaf = next((leaf for leaf in type_.operands() if leaf.name == name and _in(leaf, part)), None)
    many = way.root.noun.root[1]
    if leaf is None or many is None or way.edges:
        return None
    if action is Action.SEARCH and not leaf.label.search:
        return None
    operator = "eq" if action is Action.MATCH else _searching(leaf)
    operand = f"{name}: {{{operator}: <VALUE>}}"
    filtered = f"{part}: {{{operand}}}" if part else operand
    document = f"{{ {many}(filter: {{{filtered}}}) {{ nodes {{ id }} }} }}"
    return document, (f"Query.{many}", type_.name)


def _in(leaf: Leaf, part: str | None) -> bool:
    return part is None or leaf.label.part is not None


def _searching(leaf: Leaf) -> str:
    return "prefix" if leaf.column.type.python_type is str else "gte"


def _key(type_: Type) -> str:
    return 'code: "<CODE>"' if type_.noun.key == "code" else 'id: "<ID>"'


def _way(type_: Type, action: Action) -> _Way | None:
    """The shortest way that stays with one person."""
    at = 0 if action is Action.READ else 1
    return next(
        (way for way in _ways() if _target(way) is type_ and way.root.noun.root[at] is not None),
        None,
    )


def _target(way: _Way) -> Type:
    return GRAPH.types[way.edges[-1].target] if way.edges else way.root


def _ways() -> Iterator[_Way]:
    """Every way from a root of at most two edges, the shortest first."""
    ways = [_Way(type_, ()) for type_ in GRAPH.types.values() if any(type_.noun.root)]
    for _ in range(3):
        yield from ways
        ways = [
            _Way(way.root, (*way.edges, edge))
            for way in ways
            for edge in _target(way).edges.values()
            if not edge.other_person
        ]
