"""Filters and orderings over rows of the view.

A filter is three-valued: a comparison with a value that is not there (null, or ⊥ for this actor) is
neither true nor false, and neither is its negation. A row is kept where the whole filter is true.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.graph.graph import Leaf, Type
from models.trade.codes import plain as plain_code
from models.trade.kana import fold_kana
from models.trade.rules import WRITTEN
from models.trade.texts import same_signs, without_invisible
from tests.oracle.policy import MATCH, SEARCH

Tree = Mapping[str, Any]
Truth = bool | None
BOTTOM = object()
"""What an operand is where the actor may not use it on this row: ⊥."""

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value == operand,
    "in": lambda value, operand: value in operand,
    "prefix": lambda value, operand: value.startswith(operand),
    "lt": lambda value, operand: value < operand,
    "lte": lambda value, operand: value <= operand,
    "gt": lambda value, operand: value > operand,
    "gte": lambda value, operand: value >= operand,
}


def action_of(operator: str) -> str:
    """The right that an operator needs."""
    return MATCH if operator in ("eq", "in", "isNull") else SEARCH


def operands(type_: Type, tree: Tree) -> Iterator[tuple[Leaf, str, Any]]:
    """Every leaf in a filter with its operators and operands; what is null has none."""
    for name, inner in tree.items():
        if name == "not":
            yield from operands(type_, inner or {})
        elif name in ("and", "or"):
            for branch in inner or ():
                yield from operands(type_, branch)
        elif name in type_.parts:
            for leaf_name, operators in (inner or {}).items():
                leaf = type_.parts[name][1][leaf_name]
                yield from ((leaf, *given) for given in (operators or {}).items())
        else:
            yield from ((type_.leaves[name], *given) for given in (inner or {}).items())


def says_nothing(type_: Type, tree: Tree) -> bool:
    """Whether a filter has a null where an operand must be, or a column without an operator."""
    return any(_empty(type_, name, inner) for name, inner in tree.items())


def _empty(type_: Type, name: str, inner: Any) -> bool:
    if inner is None:
        return True
    if name == "not":
        return says_nothing(type_, inner)
    if name in ("and", "or"):
        return any(says_nothing(type_, branch) for branch in inner)
    columns = inner.values() if name in type_.parts else [inner]
    return any(not operators or None in operators.values() for operators in columns)


def holds(type_: Type, tree: Tree, value_of: Callable[[Leaf, str], Any]) -> Truth:
    """Whether a filter holds. `value_of`: a leaf's value for an action, or ⊥."""
    return every(_entry(type_, name, inner, value_of) for name, inner in tree.items())


def _entry(type_: Type, name: str, tree: Any, value_of: Callable[[Leaf, str], Any]) -> Truth:
    if name == "not":
        return opposite(holds(type_, tree, value_of))
    if name == "and":
        return every(holds(type_, branch, value_of) for branch in tree)
    if name == "or":
        return some(holds(type_, branch, value_of) for branch in tree)
    if name in type_.parts:
        leaves = type_.parts[name][1]
        return every(_leaf(leaves[inner], tree[inner], value_of) for inner in tree)
    return _leaf(type_.leaves[name], tree, value_of)


def _leaf(leaf: Leaf, operators: Tree, value_of: Callable[[Leaf, str], Any]) -> Truth:
    return every(
        compared(leaf, operator, value_of(leaf, action_of(operator)), operand)
        for operator, operand in operators.items()
    )


def compared(leaf: Leaf, operator: str, value: Any, operand: Any) -> Truth:
    """One comparison."""
    if value is BOTTOM:
        return None
    if operator == "isNull":
        return (value is None) is operand
    if value is None:
        return None
    if spelled(leaf, operator):
        value = same_signs(value)
    return COMPARISONS[operator](plain(value), folded(leaf, operator, operand))


def spelled(leaf: Leaf, operator: str) -> bool:
    """Whether texts are compared in any spelling of their signs."""
    written = leaf.label.form is None and leaf.label.check in WRITTEN
    return written and operator in {"eq", "in", "prefix"}


def folded(leaf: Leaf, operator: str, operand: Any) -> Any:
    """An operand as it is compared: a code by its canonical form, the beginning of one cleaned."""
    if isinstance(operand, list):
        return [folded(leaf, operator, one) for one in operand]
    if leaf.label.form is not None:
        return (plain_code if operator == "prefix" else leaf.label.form)(operand)
    if spelled(leaf, operator):
        return same_signs(without_invisible(operand))
    if not isinstance(operand, str):
        return operand
    return fold_kana(operand) if leaf.label.folded else without_invisible(operand)


def every(truths: Iterator[Truth]) -> Truth:
    """All of them: false beats unknown beats true."""
    found = list(truths)
    return False if False in found else None if None in found else True


def some(truths: Iterator[Truth]) -> Truth:
    """Any of them: true beats unknown beats false."""
    found = list(truths)
    return True if True in found else None if None in found else False


def opposite(truth: Truth) -> Truth:
    """Its negation."""
    return None if truth is None else not truth


Terms = Sequence[tuple[Leaf, bool]]
"""Leaves with whether they descend."""


def place(terms: Terms, value_of: Callable[[Leaf], Any], key: Any) -> tuple[Any, ...]:
    """Where a row stands in an order: the terms' values, then the key."""
    return (*(plain(value_of(leaf)) for leaf, _ in terms), key)


def compare(terms: Terms, one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """-1, 0 or 1: nulls come last in both directions, the key ends every order."""
    descending = [*(down for _, down in terms), False]
    for mine, theirs, down in zip(one, other, descending, strict=True):
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return 1 if mine is None else -1
        return -1 if (mine < theirs) is not down else 1
    return 0


def plain(value: Any) -> Any:
    """A stored value as operands compare it: instants in UTC."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    return value


def coordinates(type_: Type, leaf: Leaf) -> list[str]:
    """What has to be open for an operand: the leaf, and the part that it is in."""
    part = [part.field for part, leaves in type_.parts.values() if leaf in leaves.values()]
    return [leaf.coordinate, *(f"{type_.name}.{field}" for field in part)]


def order_word(leaf: Leaf) -> str:
    """The word for ordering by a leaf."""
    return (leaf.label.whole or leaf.column.name).upper()
