"""Operation × Clearance → Plan: what will be read, for whom, and what is hidden. Pure.

A `Plan` is made only here and only from a `Clearance`; `fetch` takes nothing else. Hidden columns
are not in it, so they cannot be in the SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authz.clearance import Cell, Clearance, Population, Reason, Verdict
from authz.errors import BadInput
from authz.invariants import is_number
from models.edges import Edge
from models.facts import CLASSES
from models.graph import GRAPH, Leaf, Type
from models.policy import Action
from resolvers.levels import (
    ANYBODY,
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Connection,
    Embedded,
    Field,
    Guard,
    Identity,
    Keyed,
    Level,
    Literal,
    Nested,
    Nothing,
    Number,
    Order,
    Page,
    Root,
    Value,
)
from resolvers.operation import Const, Each, Null, Operation, Selected, Slot, Source, Tree

DEFAULT_PAGE = 20
INTROSPECTION = frozenset({"__schema", "__type"})
MATCHING = frozenset({"eq", "in", "isNull"})


@dataclass(frozen=True, slots=True)
class Hidden:
    """One entry of `extensions.privacy.hidden`."""

    path: tuple[str, ...]
    coordinate: str
    reason: Reason


@dataclass(frozen=True)
class Plan:
    """The whole answer, decided before anything is read.

    `decisions` every coordinate with the action asked and the verdict, for the log
    `normal_form` the operation without literals, variables, aliases and the client's names
    """

    clearance: Clearance
    roots: tuple[Root, ...]
    hidden: tuple[Hidden, ...]
    decisions: tuple[tuple[str, str, str], ...]
    normal_form: str
    _token: object = field(repr=False, default=None)

    def __post_init__(self) -> None:
        if self._token is not _ONLY_HERE:
            raise TypeError("a Plan is made by make_plan, from a Clearance")

    @property
    def digest(self) -> str:
        """Stable name of what was asked and decided, under which the log keeps it once."""
        text = repr((self.normal_form, self.decisions))
        return hashlib.sha256(text.encode()).hexdigest()

    def levels(self) -> Iterable[Level]:
        """Every level, from the roots down."""
        pending = [root.level for root in self.roots if root.level is not None]
        while pending:
            level = pending.pop()
            yield level
            pending.extend(level.children)


_ONLY_HERE = object()


def make_plan(
    operation: Operation, clearance: Clearance, node_types: Mapping[str, str] | None = None
) -> Plan:
    """Decide every selected field and operand.

    `node_types` says for each response key of a `node` root which type its id names.
    Raises `BadInput` `OPERAND_HIDDEN` for an operand that the clearance hides, alike for every
    value, and `BAD_USER_INPUT` for a malformed filter.
    """
    planner = _Planner(operation, clearance, node_types or {})
    roots = tuple(
        planner.root(selected) for selected in operation.roots if selected.name not in INTROSPECTION
    )
    return Plan(
        clearance=clearance,
        roots=roots,
        hidden=tuple(planner.hidden),
        decisions=tuple(sorted(planner.decisions)),
        normal_form=normal_form(operation),
        _token=_ONLY_HERE,
    )


def normal_form(operation: Operation) -> str:
    """The operation without literals, variables, aliases and the client's names."""
    return "{" + " ".join(_normal(root) for root in operation.roots) + "}"


def _normal(selected: Selected) -> str:
    arguments = ", ".join(
        f"{name}: {_normal_tree(tree)}" for name, tree in sorted(selected.arguments.items())
    )
    inner = " ".join(_normal(field) for field in selected.fields)
    return (
        f"{selected.name}{f'({arguments})' if arguments else ''}{f' {{{inner}}}' if inner else ''}"
    )


def _normal_tree(tree: Tree) -> str:
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{k}: {_normal_tree(v)}" for k, v in sorted(tree.items())) + "}"
    if isinstance(tree, tuple):
        return "[" + ", ".join(_normal_tree(item) for item in tree) + "]"
    return "?"


PERSON_ROOTS = frozenset(
    name
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None
    for name in type_.noun.root
    if name is not None
) | {"node", "addresseeByIndividualNumber"}


class _Planner:
    def __init__(
        self, operation: Operation, clearance: Clearance, node_types: Mapping[str, str]
    ) -> None:
        self.clearance = clearance
        self.node_types = node_types
        self.hidden: list[Hidden] = []
        self.decisions: set[tuple[str, str, str]] = set()
        persons = [root for root in operation.roots if root.name in PERSON_ROOTS]
        self.one_person = len(persons) == 1
        self.number_allowed = len(operation.roots) == 1 and not _reaches_others(operation)

    # -- roots ---------------------------------------------------------------------------------

    def root(self, selected: Selected) -> Root:
        if selected.name == "__typename":
            return Root(selected.key, literal="Query")
        if selected.name == "viewer":
            return Root(selected.key, selected=selected)
        type_, many = self._root_type(selected)
        if type_ is None:
            return Root(selected.key)
        action = Action.READ if self._reads_one(type_, many) else Action.LIST
        coordinate = f"Query.{selected.name}" if selected.name != "node" else type_.name
        cell = self._decide((selected.key,), coordinate, action)
        keyed = None if many else self._key_operand(type_, selected)
        if not cell.allowed:
            self._check_operands(type_, selected)
            return Root(selected.key)
        return Root(
            selected.key,
            self._level(
                (selected.key,),
                selected,
                type_,
                None,
                action,
                many,
                keyed=keyed,
                single_parent=True,
            ),
        )

    def _root_type(self, selected: Selected) -> tuple[Type | None, bool]:
        if selected.name == "node":
            name = self.node_types.get(selected.key)
            return (GRAPH.types.get(name) if name else None), False
        if selected.name == "addresseeByIndividualNumber":
            return GRAPH.types["Addressee"], False
        for type_ in GRAPH.types.values():
            if selected.name in type_.noun.root:
                return type_, selected.name == type_.noun.root[1]
        raise AssertionError(f"unplanned root field {selected.name}")

    def _reads_one(self, type_: Type, many: bool) -> bool:
        return not many and (type_.noun.owner is None or self.one_person)

    def _key_operand(self, type_: Type, selected: Selected) -> tuple[Keyed, Source]:
        if selected.name == "addresseeByIndividualNumber":
            return self._number_operand(selected)
        if "code" in selected.arguments:
            self._operand(type_.leaves["code"], Action.MATCH)
            return Keyed.CODE, leaf_source(selected.arguments["code"])
        return Keyed.ID, leaf_source(selected.arguments["id"])

    def _number_operand(self, selected: Selected) -> tuple[Keyed, Source]:
        source = leaf_source(selected.arguments["individualNumber"])
        if not isinstance(source, Slot):
            raise BadInput("an individual number arrives as a variable, never in the document")
        leaf = GRAPH.types["Addressee"].leaves["individualNumber"]
        self._operand(leaf, Action.MATCH)
        if not self.number_allowed:
            raise BadInput("an individual number is no operand here", "OPERAND_HIDDEN")
        return Keyed.NUMBER, source

    # -- levels --------------------------------------------------------------------------------

    def _level(
        self,
        path: tuple[str, ...],
        selected: Selected,
        type_: Type,
        edge: Edge | None,
        action: Action,
        many: bool,
        *,
        keyed: tuple[Keyed, Source] | None = None,
        single_parent: bool,
        edge_cell: Cell | None = None,
    ) -> Level:
        existence = self.clearance.cell(type_.name, action)
        rows = _Rows(self, type_, action, existence.populations, single_parent and not many)
        if many:
            connection = rows.connection(path, selected)
            fields: tuple[Field, ...] = ()
        else:
            connection = None
            fields = rows.fields(path, selected.fields)
        despite = existence.despite_protection and (
            edge_cell is None or edge_cell.despite_protection
        )
        gated = type_.noun.existence if edge is None else (*type_.noun.existence, *edge.classes)
        entry = type_.noun.owner is not None and (edge is None or edge.other_person)
        return Level(
            type=type_,
            edge=edge,
            action=action,
            populations=existence.populations,
            leave_out_covered=_is_withheld(gated) and not despite,
            fields=fields,
            children=tuple(rows.children),
            condition=self._condition(type_, selected) if many else None,
            page=self._page(path, type_, selected) if many else None,
            connection=connection,
            count=connection is not None
            and any(kind == "totalCount" for _, kind, _ in connection.parts),
            entry=entry,
            warns=entry and self.clearance.cell("Addressee.handling", action).allowed,
            keyed=keyed,
            single_parent=single_parent,
        )

    # -- decisions -----------------------------------------------------------------------------

    def _decide(self, path: tuple[str, ...], coordinate: str, action: Action) -> Cell:
        cell = self.clearance.cell(coordinate, action)
        if (
            cell.allowed
            and is_number(GRAPH.classes[coordinate])
            and not (self.number_allowed and len(path) == 2)
        ):
            cell = Cell(Verdict.HIDDEN, Reason.INVARIANT)
        self.decisions.add((coordinate, action.value, cell.verdict.value))
        if cell.reason is not None:
            self.hidden.append(Hidden(path, coordinate, cell.reason))
        return cell

    def _operand(self, leaf: Leaf, action: Action) -> Cell:
        cell = self.clearance.cell(leaf.coordinate, action)
        self.decisions.add((leaf.coordinate, action.value, cell.verdict.value))
        if not cell.allowed:
            raise BadInput(
                f"`{leaf.coordinate}` is no operand for this role and purpose", "OPERAND_HIDDEN"
            )
        return cell

    def guard(
        self, type_: Type, classes: Iterable[str], cell: Cell, about: tuple[str, ...] = ()
    ) -> Guard:
        persons = type_.noun.persons if _is_withheld(classes) else about
        return Guard(() if cell.despite_protection else persons, cell.populations)

    # -- operands ------------------------------------------------------------------------------

    def _check_operands(self, type_: Type, selected: Selected) -> None:
        self._condition(type_, selected)
        self._order(type_, selected)

    def _condition(self, type_: Type, selected: Selected) -> Condition | None:
        tree = selected.arguments.get("filter")
        if tree is None or isinstance(tree, Null):
            return None
        assert isinstance(tree, Mapping)
        return self._all_of(type_, dict(type_.leaves), tree, negated=False)

    def _all_of(
        self, type_: Type, leaves: Mapping[str, Leaf], tree: Mapping[str, Tree], *, negated: bool
    ) -> Condition:
        found = tuple(
            self._entry(type_, leaves, name, inner, negated=negated) for name, inner in tree.items()
        )
        return AnyOf(found) if negated else AllOf(found)

    def _entry(
        self, type_: Type, leaves: Mapping[str, Leaf], name: str, tree: Tree, *, negated: bool
    ) -> Condition:
        if name == "not":
            return self._all_of(type_, leaves, _object(tree, name), negated=not negated)
        if name in {"and", "or"}:
            branches = tuple(
                self._all_of(type_, leaves, _object(branch, name), negated=negated)
                for branch in _objects(tree, name)
            )
            return AllOf(branches) if (name == "and") is not negated else AnyOf(branches)
        if name in type_.parts and name not in leaves:
            part_leaves = type_.parts[name][1]
            return self._all_of(type_, part_leaves, _object(tree, name), negated=negated)
        operators = _object(tree, name)
        if not operators:
            raise BadInput(f"the filter on `{name}` needs an operator")
        compared = tuple(
            self._compare(type_, leaves[name], operator, operand, negated=negated)
            for operator, operand in operators.items()
        )
        return AnyOf(compared) if negated else AllOf(compared)

    def _compare(
        self, type_: Type, leaf: Leaf, operator: str, operand: Tree, *, negated: bool
    ) -> Compare:
        cell = self._operand(leaf, Action.MATCH if operator in MATCHING else Action.SEARCH)
        source = leaf_source(operand)
        guard = self.guard(type_, leaf.label.classes, cell, leaf.label.about)
        scope = self.clearance.cell(type_.name, Action.READ).populations
        if scope == self.clearance.cell(type_.name, Action.LIST).populations:
            guard = narrowed(guard, scope)
        return Compare(leaf, operator, source, guard, negated)

    def _order(self, type_: Type, selected: Selected) -> tuple[Order, ...]:
        tree = selected.arguments.get("orderBy")
        if tree is None or isinstance(tree, Null):
            return ()
        orders = []
        for entry in _objects(tree, "orderBy"):
            term = _object(entry, "orderBy")
            name, direction = _word(term["field"]), _word(term.get("direction", Const("ASC")))
            leaf = next(leaf for leaf in type_.operands() if order_name(leaf) == name)
            if leaf.withheld or leaf.label.about:
                raise BadInput(
                    f"`{leaf.coordinate}` is withheld where an obligation covers somebody"
                    ", so that nothing can be ordered by it",
                    "OPERAND_HIDDEN",
                )
            cell = self._operand(leaf, Action.SEARCH)
            if cell.populations != self.clearance.cell(type_.name, Action.LIST).populations:
                raise BadInput(f"`{leaf.coordinate}` is no operand here", "OPERAND_HIDDEN")
            orders.append(Order(leaf, direction == "DESC"))
        return tuple(orders)

    def _page(self, path: tuple[str, ...], type_: Type, selected: Selected) -> Page:
        first = selected.arguments.get("first")
        after = selected.arguments.get("after")
        order = self._order(type_, selected)
        terms = [(term.leaf.coordinate, term.descending) for term in order]
        filtered = _normal_tree(selected.arguments.get("filter", Null()))
        return Page(
            first=Const(DEFAULT_PAGE)
            if first is None or isinstance(first, Null)
            else leaf_source(first),
            after=None if after is None or isinstance(after, Null) else leaf_source(after),
            order=order,
            binding=repr((selected.coordinate, terms, filtered)),
        )


class _Rows:
    """The fields of one level's rows; collects the levels beneath."""

    def __init__(
        self,
        planner: _Planner,
        type_: Type,
        action: Action,
        scope: frozenset[Population],
        single: bool,
    ) -> None:
        self.planner = planner
        self.type = type_
        self.action = action
        self.scope = scope
        self.single = single
        self.children: list[Level] = []

    def connection(self, path: tuple[str, ...], selected: Selected) -> Connection:
        return Connection(tuple(self._connection_part(path, part) for part in selected.fields))

    def _connection_part(self, path: tuple[str, ...], part: Selected) -> tuple[str, str, Any]:
        inner_path = (*path, part.key)
        if part.name == "edges":
            return (
                part.key,
                "edges",
                tuple(self._edge_part(inner_path, inner) for inner in part.fields),
            )
        if part.name == "nodes":
            return part.key, "nodes", self.fields(inner_path, part.fields)
        if part.name == "pageInfo":
            return part.key, "pageInfo", tuple((inner.key, inner.name) for inner in part.fields)
        if part.name == "__typename":
            return part.key, "__typename", part.type_name
        return part.key, "totalCount", None

    def _edge_part(self, path: tuple[str, ...], part: Selected) -> tuple[str, str, Any]:
        if part.name == "node":
            return part.key, "node", self.fields((*path, part.key), part.fields)
        return part.key, part.name, part.type_name

    def fields(self, path: tuple[str, ...], selected: Iterable[Selected]) -> tuple[Field, ...]:
        return tuple(
            self._field((*path, field.key), field)
            for field in selected
            if field.type_name == self.type.name
        )

    def _field(self, path: tuple[str, ...], selected: Selected) -> Field:
        name = selected.name
        if name == "__typename":
            return Literal(selected.key, selected.type_name)
        if name == "id":
            return Identity(selected.key)
        if name in self.type.edges:
            return self._edge(path, selected, self.type.edges[name])
        if name in self.type.parts:
            return self._part(path, selected)
        return self._leaf(path, selected.key, self.type.leaves[name])

    def _leaf(self, path: tuple[str, ...], key: str, leaf: Leaf) -> Field:
        cell = self.planner._decide(path, leaf.coordinate, self.action)
        if not cell.allowed:
            return Nothing(key)
        if leaf.vault:
            return Number(key, leaf)
        guard = self.planner.guard(self.type, leaf.label.classes, cell, leaf.label.about)
        return Value(key, leaf, self._within(guard), cell.verdict is Verdict.MASKED)

    def _part(self, path: tuple[str, ...], selected: Selected) -> Field:
        part, leaves = self.type.parts[selected.name]
        cell = self.planner._decide(path, selected.coordinate, self.action)
        if not cell.allowed:
            return Nothing(selected.key)
        guard = self._within(self.planner.guard(self.type, part.classes, cell))
        fields = tuple(
            Literal(inner.key, inner.type_name)
            if inner.name == "__typename"
            else self._leaf((*path, inner.key), inner.key, leaves[inner.name])
            for inner in selected.fields
        )
        return Embedded(selected.key, guard, fields)

    def _edge(self, path: tuple[str, ...], selected: Selected, edge: Edge) -> Field:
        target = GRAPH.types[edge.target]
        cell = self.planner._decide(path, edge.coordinate, self.action)
        action = Action.LIST if edge.other_person else self.action
        beyond = self.planner.clearance.cell(target.name, action)
        if cell.allowed and not beyond.allowed:
            assert beyond.reason is not None
            self.planner.hidden.append(Hidden(path, edge.coordinate, beyond.reason))
        if not (cell.allowed and beyond.allowed):
            self.planner._check_operands(target, selected)
            return Nothing(selected.key)
        level = self.planner._level(
            path, selected, target, edge, action, edge.many,
            single_parent=self.single, edge_cell=cell,
        )  # fmt: skip
        self.children.append(level)
        guard = self._within(self.planner.guard(self.type, edge.classes, cell))
        return Nested(selected.key, guard, len(self.children) - 1)

    def _within(self, guard: Guard) -> Guard:
        return narrowed(guard, self.scope)


def narrowed(guard: Guard, scope: frozenset[Population]) -> Guard:
    """The same guard, without the populations that every row in scope satisfies anyway."""
    implied = all(any(wider <= narrower for wider in guard.populations) for narrower in scope)
    return Guard(guard.uncovered, ANYBODY if implied else guard.populations)


def order_name(leaf: Leaf) -> str:
    """The word for ordering by a leaf (`FULL_NAME_SEARCH_KANA`)."""
    return leaf.column.name.upper()


def _reaches_others(operation: Operation) -> bool:
    return any(
        edge.coordinate == selected.coordinate and edge.other_person
        for selected in operation.walk()
        for type_ in (GRAPH.types.get(selected.type_name),)
        if type_ is not None
        for edge in type_.edges.values()
    )


def _is_withheld(classes: Iterable[str]) -> bool:
    return any(CLASSES[code].withheld for code in classes)


def leaf_source(tree: Tree) -> Source:
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
