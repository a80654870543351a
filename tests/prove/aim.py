"""Requests aimed at one field: of somebody who may use it in one position, on rows that there are.

Random documents meet the common fields often and the rare rules seldom; these meet every class, in
every position, and covered persons half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from models.facts import CLASSES
from models.graph.graph import GRAPH, Leaf, Type
from tests.generate.actor import OPEN, Person, Terms, terms
from tests.generate.dice import Dice
from tests.generate.request import Written, to_json
from tests.oracle.beside import Site
from tests.oracle.operands import coordinates, order_word
from tests.oracle.policy import LIST, MATCH, READ, SEARCH, Decider
from tests.oracle.state import Row

ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Target:
    """A leaf or an edge (`name`, in `part` if in one) of rows of a type."""

    type: Type
    coordinate: str
    name: str
    part: str | None = None
    leaf: Leaf | None = None

    def serves(self, use: str) -> bool:
        """Whether the schema has it for a use."""
        if use == READ:
            return True
        match = self.leaf is not None and self.leaf.label.match and not self.leaf.vault
        fits = {LIST: True, MATCH: match, SEARCH: match and (self.ranges or self.orders)}
        return bool(WAYS[self.type.name]) and bool(fits[use])

    @property
    def ranges(self) -> bool:
        """Whether the schema has a prefix or a range for it."""
        closed = (sa.Enum, sa.Boolean)
        leaf = self.leaf
        return bool(leaf and leaf.label.search and not isinstance(leaf.column.type, closed))

    @property
    def orders(self) -> bool:
        """Whether the schema orders by it."""
        leaf = self.leaf
        return bool(leaf and leaf.label.search and not leaf.withheld and not leaf.label.about)

    @property
    def selection(self) -> str:
        """How it is selected on a row."""
        edge = self.type.edges.get(self.name)
        shown = self.name
        if edge is not None:
            shown += " { nodes { id } totalCount }" if edge.many else " { id }"
        return f"{self.part} {{ {shown} }}" if self.part else shown


def _all_targets() -> Iterator[Target]:
    for type_ in GRAPH.types.values():
        parts = [(field, leaves) for field, (_, leaves) in type_.parts.items()]
        for field, leaves in ((None, type_.leaves), *parts):
            for name, leaf in leaves.items():
                yield Target(type_, leaf.coordinate, name, field, leaf)
        for name, edge in type_.edges.items():
            yield Target(type_, edge.coordinate, name)


def _ways() -> dict[str, list[tuple[str, str]]]:
    """What stands before and after the arguments and parts of a list of each type."""
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in GRAPH.types}
    for source in GRAPH.types.values():
        root = source.noun.root[1]
        if root is None:
            continue
        found[source.name] += [(root, "")] * 2
        for name, edge in source.edges.items():
            if edge.many:
                found[edge.target].append((f"{root}(first: 5) {{ nodes {{ {name}", " } }"))
    return found


def _by_class(use: str) -> dict[str, list[Target]]:
    """What can be used so, by sensitivity class."""
    found: dict[str, list[Target]] = {}
    for target in _all_targets():
        codes = [*GRAPH.classes[target.coordinate]]
        if target.leaf is not None and target.leaf.label.about:
            codes.append(ABOUT)
        for code in codes if target.serves(use) else ():
            if code not in SYSTEM:
                found.setdefault(code, []).append(target)
    return found


ABOUT = "about others"
"""As if it were a class: values that the protection of somebody else withholds."""
USES = (READ, READ, LIST, MATCH, MATCH, SEARCH)
IN_VAIN = (READ, LIST, MATCH, SEARCH, SEARCH, SEARCH)
SYSTEM = ("staff", "policy", "access-log")
WAYS = _ways()
TARGETS = {use: _by_class(use) for use in (READ, LIST, MATCH, SEARCH)}
CODES = {
    use: [*found, *(code for code in found if code == ABOUT or CLASSES[code].withheld)]
    for use, found in TARGETS.items()
}


def aimed(site: Site, dice: Dice) -> tuple[Terms, Written] | None:
    """Who asks, and what; `None` if nothing was found that somebody may use."""
    who = terms(dice)
    role, purpose = dice.pick(OPEN)
    roles = who.person.roles if dice.chance(40) and who.purpose else frozenset({role})
    purpose = who.purpose if roles == who.person.roles and who.purpose else purpose
    if dice.chance(10):
        # Two roles of which one has a population: cells that are narrower than their rows.
        roles, purpose = frozenset({"section-clerk", "collection-clerk"}), "consultation"
    book = site.oracle.book
    if purpose not in book.open_to(roles):
        return None
    who = Terms(Person(roles, who.person.section), purpose, who.case, who.mode)
    decider = book.decider(roles, purpose, who.case is not None)
    # Hidden ones too: what is asked for in vain must tell nothing either.
    in_vain = dice.chance(25)
    for _ in range(ATTEMPTS):
        use = dice.pick(IN_VAIN if in_vain else USES)
        target = dice.pick(TARGETS[use][dice.pick(CODES[use])])
        if _may(decider, target, use) is not in_vain:
            return who, _written(site, dice, target, use)
    return None


def _may(decider: Decider, target: Target, use: str) -> bool:
    """Whether it may be used so, and such rows be there."""
    there = READ if use == READ else LIST
    needed = [(target.type.name, there), (target.coordinate, use)]
    if target.leaf is not None:
        needed += [(name, use) for name in coordinates(target.type, target.leaf)]
    return all(bool(decider.decide(name, action).grants) for name, action in needed)


def _written(site: Site, dice: Dice, target: Target, use: str) -> Written:
    rows = site.oracle.state.rows[target.type.name]
    covered = [row for row in rows if site.oracle.state.covered(row, target.type.noun.persons)]
    row = dice.pick(covered if covered and dice.chance(50) else rows) if rows else None
    if use == READ:
        key = row.key if row else 0
        identity = site.node_id(target.type.name, key)
        selected = f"... on {target.type.name} {{ id {target.selection} }}"
        beside = 'another: addressee(code: "1") { __typename }' if dice.chance(15) else ""
        document = f"query ($id: ID!) {{ node(id: $id) {{ {selected} }} {beside} }}"
        return Written(document, {"id": identity})
    shown = target.selection if use == LIST or dice.chance(30) else ""
    arguments, variables = ["first: 5"], {}
    declared = ""
    if use == MATCH or (use == SEARCH and target.ranges and (not target.orders or dice.chance(40))):
        negated = dice.chance(40)
        if negated and rows:
            row = dice.pick(rows)
        condition = _condition(dice, target, use, row)
        if negated:
            condition = {"not": condition}
        arguments.append("filter: $f")
        declared, variables = f" ($f: {target.type.name}Filter)", {"f": to_json(condition)}
    elif use == SEARCH:
        assert target.leaf is not None
        direction = dice.pick(["ASC", "DESC"])
        word = order_word(target.leaf)
        arguments.append(f"orderBy: [{{field: {word}, direction: {direction}}}]")
    beside = dice.pick(["", "totalCount", "pageInfo { hasNextPage }"])
    parts = f"nodes {{ id {shown} }} {beside}"
    before, after = dice.pick(WAYS[target.type.name])
    listed = f"{before}({', '.join(arguments)}) {{ {parts} }}{after}"
    return Written(f"query{declared} {{ {listed} }}", variables)


def _condition(dice: Dice, target: Target, use: str, row: Row | None) -> dict[str, Any]:
    leaf = target.leaf
    assert leaf is not None
    value = None if row is None or leaf.vault else row.values[leaf.column.name]
    if use == MATCH:
        operator: dict[str, Any] = {"isNull": dice.chance(50)}
        if isinstance(value, bool):
            operator = dice.pick([{"eq": value}, operator])
        elif value is not None:
            operator = dice.pick([{"eq": value}, {"in": [value]}, operator])
    elif isinstance(value, str) and value:
        operator = {"prefix": value[: 1 + dice.below(len(value))]}
    elif value is not None and not isinstance(value, (str, bool)):
        operator = dice.pick([{"gte": value}, {"lt": value}])
    else:
        operator = {"isNull": dice.chance(50)}
    condition = {target.name: operator}
    return {target.part: condition} if target.part else condition
