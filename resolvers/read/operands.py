"""Operands of a list: conditions, orderings and pages, each decided before it is used.

A negation is pushed down to the comparisons, so that a withheld value makes a comparison and its
negation false alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from authz.errors import BadInput, CellHidden
from models.graph.graph import Leaf, Type
from models.tables.policy import Action
from resolvers.read.decisions import Decisions, guard_of, narrowed, together
from resolvers.read.levels import ANYBODY, AllOf, AnyOf, Compare, Condition, Guard, Order, Page
from resolvers.read.operation import Const, Each, Null, Selected, Slot, Source, Tree

DEFAULT_PAGE = 20
MOST_COMPARED = 100
MOST_NESTED = 20
"""Conditions inside each other: SQLite's parser takes hardly more than thirty."""
MATCHING = frozenset({"eq", "in", "isNull"})


class Operands:
    """Reads the operands of one selected list of rows of a type, which `action` reaches."""

    def __init__(
        self, decisions: Decisions, type_: Type, selected: Selected, action: Action
    ) -> None:
        self.decisions = decisions
        self.type = type_
        self.selected = selected
        self.scope = decisions.row(type_, action).populations

    def check(self) -> None:
        """Decide them although the list itself is hidden: a hidden operand is refused anyway."""
        self.condition()
        self.order()

    def condition(self) -> Condition | None:
        """The filter; `None` without one. Raises `BadInput`."""
        tree = self.selected.arguments.get("filter")
        if tree is None or isinstance(tree, Null):
            return None
        assert isinstance(tree, Mapping)
        if _nested(tree) > MOST_NESTED:
            raise BadInput(f"a filter nests at most {MOST_NESTED} times", "LIMIT_EXCEEDED")
        return self._all_of(dict(self.type.leaves), tree, negated=False)

    def _all_of(
        self, leaves: Mapping[str, Leaf], tree: Mapping[str, Tree], *, negated: bool
    ) -> Condition:
        found = tuple(
            self._entry(leaves, name, inner, negated=negated) for name, inner in tree.items()
        )
        return AnyOf(found) if negated else AllOf(found)

    def _entry(
        self, leaves: Mapping[str, Leaf], name: str, tree: Tree, *, negated: bool
    ) -> Condition:
        if name == "not":
            return self._all_of(leaves, _object(tree, name), negated=not negated)
        if name in {"and", "or"}:
            branches = tuple(
                self._all_of(leaves, _object(branch, name), negated=negated)
                for branch in _objects(tree, name)
            )
            return AllOf(branches) if (name == "and") is not negated else AnyOf(branches)
        if name in self.type.parts and name not in leaves:
            part_leaves = self.type.parts[name][1]
            return self._all_of(part_leaves, _object(tree, name), negated=negated)
        operators = _object(tree, name)
        if not operators:
            raise BadInput(f"the filter on `{name}` needs an operator")
        compared = tuple(
            self._compare(leaves[name], operator, operand, negated=negated)
            for operator, operand in operators.items()
        )
        return AnyOf(compared) if negated else AllOf(compared)

    def _compare(self, leaf: Leaf, operator: str, operand: Tree, *, negated: bool) -> Compare:
        self.decisions.compared += 1
        if self.decisions.compared > MOST_COMPARED:
            raise BadInput(f"an operation compares at most {MOST_COMPARED} times", "LIMIT_EXCEEDED")
        action = Action.MATCH if operator in MATCHING else Action.SEARCH
        cell = self.decisions.operand(leaf.coordinate, action)
        guard = guard_of(self.type, leaf.label.classes, cell, leaf.label.about)
        if leaf.type_name != self.type.name:
            # A part is asked as well as the value in it.
            part = next(p for p, _ in self.type.parts.values() if p.type_name == leaf.type_name)
            whole = self.decisions.operand(f"{self.type.name}.{part.field}", action)
            guard = replace(guard, populations=together(guard.populations, whole.populations))
        source = leaf_source(operand)
        return Compare(leaf, operator, source, narrowed(guard, self.scope), negated)

    def order(self) -> tuple[Order, ...]:
        """The ordering without the key that ends it. Raises `BadInput`."""
        tree = self.selected.arguments.get("orderBy")
        if tree is None or isinstance(tree, Null):
            return ()
        orders = []
        for entry in _objects(tree, "orderBy"):
            term = _object(entry, "orderBy")
            name, direction = _word(term["field"]), _word(term.get("direction", Const("ASC")))
            leaf = next(leaf for leaf in self.type.operands() if order_name(leaf) == name)
            if leaf.withheld or leaf.label.about:
                raise CellHidden(
                    f"`{leaf.coordinate}` is withheld where an obligation covers somebody"
                    ", so that nothing can be ordered by it",
                    "OPERAND_HIDDEN",
                    leaf.coordinate,
                )
            cell = self.decisions.operand(leaf.coordinate, Action.SEARCH)
            # What orders must be there on every row of the list, or its gaps would have a place.
            if narrowed(Guard(populations=cell.populations), self.scope).populations != ANYBODY:
                raise CellHidden(
                    f"`{leaf.coordinate}` is no operand here", "OPERAND_HIDDEN", leaf.coordinate
                )
            orders.append(Order(leaf, direction == "DESC"))
        if len({order.leaf.coordinate for order in orders}) < len(orders):
            raise BadInput("`orderBy` names a field twice")
        return tuple(orders)

    def page(self) -> Page:
        """The page, with what ties its cursors to this list."""
        first = self.selected.arguments.get("first")
        after = self.selected.arguments.get("after")
        order = self.order()
        terms = [(term.leaf.coordinate, term.descending) for term in order]
        filtered = normal_tree(self.selected.arguments.get("filter", Null()))
        return Page(
            first=Const(DEFAULT_PAGE)
            if first is None or isinstance(first, Null)
            else leaf_source(first),
            after=None if after is None or isinstance(after, Null) else leaf_source(after),
            order=order,
            binding=repr((self.selected.coordinate, terms, filtered)),
        )


def order_name(leaf: Leaf) -> str:
    """The word for ordering by a leaf (`FULL_NAME_SEARCH_KANA`)."""
    return (leaf.label.whole or leaf.column.name).upper()


def normal_tree(tree: Tree) -> str:
    """An argument without its values."""
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{k}: {normal_tree(v)}" for k, v in sorted(tree.items())) + "}"
    if isinstance(tree, tuple):
        return "[" + ", ".join(normal_tree(item) for item in tree) + "]"
    return "?"


def _nested(tree: Tree) -> int:
    """How many objects of a filter stand inside each other."""
    if isinstance(tree, Mapping):
        return 1 + max(map(_nested, tree.values()), default=0)
    return max(map(_nested, tree), default=0) if isinstance(tree, tuple) else 0


def leaf_source(tree: Tree) -> Source:
    """Where the value of an operand comes from. Raises `BadInput` for null."""
    if isinstance(tree, (Const, Slot, Each)):
        return tree
    if isinstance(tree, tuple):
        return Each(tuple(leaf_source(item) for item in tree))
    raise BadInput("`null` is no operand here; ask `isNull`")


def _object(tree: Tree, name: str) -> Mapping[str, Tree]:
    if isinstance(tree, Mapping):
        return tree
    raise BadInput(f"`{name}` must not be null in a filter")


def _objects(tree: Tree, name: str) -> tuple[Tree, ...]:
    if isinstance(tree, tuple):
        return tree
    if isinstance(tree, Mapping):
        return (tree,)
    raise BadInput(f"`{name}` must not be null")


def _word(tree: Tree) -> str:
    if isinstance(tree, Const):
        return str(tree.value)
    raise BadInput("`orderBy` needs a field and a direction")
