"""Operation × Clearance → Plan: what will be read, for whom, and what is hidden. Pure.

A `Plan` is made only here and only from a `Clearance`; `fetch` takes nothing else. Hidden columns
are not in it, so they cannot be in the SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from authz.errors import BadInput, CellHidden, Refused
from authz.policy.clearance import Cell, Clearance, Population, Verdict
from authz.policy.invariants import HANDLING
from models.graph.edges import Edge
from models.graph.graph import COMPUTED, GRAPH, Leaf, Type
from models.graph.paper import shown_by
from models.store.database import Access
from models.tables.policy import Action
from models.tables.population import OUTPUT_ALLOWED
from resolvers.read.decisions import Decisions, Hidden, guard_of, narrowed, together, withheld_of
from resolvers.read.levels import (
    ANYBODY,
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
    Obligation,
    Privacy,
    Root,
    Value,
    guarded,
)
from resolvers.read.object_privacy import Holder
from resolvers.read.operands import Operands, leaf_source, normal_tree
from resolvers.read.operation import Operation, Selected, Slot, Source, project
from resolvers.read.seal import Position
from resolvers.read.trail import held, with_ways

INTROSPECTION = frozenset({"__schema", "__type"})
MOST_COMPUTED = 4
NUMBER = "Addressee.individualNumber"


@dataclass(frozen=True)
class Plan:
    """The whole answer, decided before anything is read.

    `decisions` every coordinate with the action asked and the verdict, for the log
    `normal_form` the operation without literals, variables, aliases and the client's names
    `access` how much of the database its statements may see
    """

    clearance: Clearance
    roots: tuple[Root, ...]
    hidden: tuple[Hidden, ...]
    decisions: tuple[tuple[str, str, str], ...]
    normal_form: str
    access: Access = Access.ORDINARY
    _token: object = field(repr=False, default=None)

    def __post_init__(self) -> None:
        if self._token is not _ONLY_HERE:
            raise TypeError("a Plan is made by make_plan, from a Clearance")

    @property
    def digest(self) -> str:
        """Stable name of what was asked and decided, under which the log keeps it once."""
        text = repr((self.normal_form, self.decisions))
        return hashlib.sha256(text.encode()).hexdigest()

    def liftable(self) -> frozenset[frozenset[str]]:
        """What lifts would show more of the person asked for: classes to be named together."""
        asked = {level.lift for level in self.levels()}
        asked |= {guard.lift for level in self.levels() for _, guard in guarded(level)}
        return frozenset(asked - {frozenset()})

    def through(self) -> frozenset[str]:
        """The classes by which persons could come in."""
        entries = (level.through for level in self.levels() if level.entry)
        return frozenset().union(*entries)

    def levels(self) -> Iterable[Level]:
        """Every level, from the roots down."""
        pending = [root.level for root in self.roots if root.level is not None]
        while pending:
            level = pending.pop()
            yield level
            pending.extend(level.children)


_ONLY_HERE = object()


def make_plan(
    operation: Operation,
    clearance: Clearance,
    node_types: Mapping[str, str] | None = None,
    through: frozenset[str] = frozenset(),
) -> Plan:
    """Decide every selected field and operand.

    `node_types` says for each response key of a `node` root which type its id names. `through`: the
    classes by which whoever is asked for came in before, by the change whose rows are shown.
    Raises `CellHidden` for an operand that the clearance hides, alike for every
    value, and `BAD_USER_INPUT` for a malformed filter.
    """
    if sum(root.name in COMPUTED for root in operation.roots) > MOST_COMPUTED:
        raise BadInput(f"an operation has at most {MOST_COMPUTED} computed views", "LIMIT_EXCEEDED")
    planner = _Planner(operation, clearance, node_types or {})
    asked = [root for root in operation.roots if root.name not in INTROSPECTION]
    try:
        roots = tuple(_logged(planner.root(selected), through) for selected in asked)
    except Refused as refusal:
        refusal.asked = tuple(sorted(planner.decisions.asked))
        raise
    return Plan(
        clearance=clearance,
        roots=roots,
        hidden=tuple(planner.decisions.hidden),
        decisions=tuple(sorted(planner.decisions.asked)),
        normal_form=normal_form(operation),
        access=planner.decisions.access,
        _token=_ONLY_HERE,
    )


def _logged(root: Root, through: frozenset[str]) -> Root:
    return root if root.level is None else replace(root, level=with_ways(root.level, through))


def normal_form(operation: Operation) -> str:
    """The operation without literals, variables, aliases and the client's names."""
    return "{" + " ".join(_normal(root) for root in operation.roots) + "}"


def _normal(selected: Selected) -> str:
    arguments = ", ".join(
        f"{name}: {normal_tree(tree)}" for name, tree in sorted(selected.arguments.items())
    )
    inner = " ".join(_normal(field) for field in selected.fields)
    return (
        f"{selected.name}{f'({arguments})' if arguments else ''}{f' {{{inner}}}' if inner else ''}"
    )


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
        self.node_types = node_types
        persons = [root for root in operation.roots if root.name in PERSON_ROOTS]
        self.one_person = len(persons) == 1
        self.asks_for_person = False
        alone = len(operation.roots) == 1 and not _reaches_others(operation)
        self.decisions = Decisions(clearance, number_allowed=alone)

    # -- roots ---------------------------------------------------------------------------------

    def root(self, selected: Selected) -> Root:
        if selected.name == "__typename":
            return Root(selected.key, literal="Query")
        if selected.name == "viewer":
            return Root(selected.key, selected=selected)
        if selected.name in COMPUTED:
            return self._computed(selected)
        type_, many = self._root_type(selected)
        if type_ is None:
            return Root(selected.key)
        action = Action.READ if self._reads_one(type_, many) else Action.LIST
        self.asks_for_person = type_.name == "Addressee" and action is Action.READ
        coordinate = f"Query.{selected.name}" if selected.name != "node" else type_.name
        cell = self.decisions.way((selected.key,), coordinate, action, type_, action)
        keyed, usable = (None, ANYBODY) if many else self._key_operand(type_, selected)
        if cell is None:
            Operands(self.decisions, type_, selected, action).check()
            return Root(selected.key)
        return Root(
            selected.key,
            self.level(
                (selected.key,),
                selected,
                type_,
                None,
                action,
                many,
                keyed=keyed,
                within=together(cell.populations, usable),
                single_parent=True,
            ),
        )

    def _computed(self, selected: Selected) -> Root:
        cell = self.decisions.field((selected.key,), f"Query.{selected.name}", Action.READ)
        return Root(selected.key, computed=selected if cell.allowed else None)

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

    def _key_operand(
        self, type_: Type, selected: Selected
    ) -> tuple[tuple[Keyed, Source], frozenset[Population]]:
        """The operand of a single row, and in which rows it may be used."""
        if selected.name == "addresseeByIndividualNumber":
            return self._number_operand(selected)
        if "code" in selected.arguments:
            cell = self.decisions.operand(type_.leaves["code"].coordinate, Action.MATCH)
            return (Keyed.CODE, leaf_source(selected.arguments["code"])), cell.populations
        return (Keyed.ID, leaf_source(selected.arguments["id"])), ANYBODY

    def _number_operand(
        self, selected: Selected
    ) -> tuple[tuple[Keyed, Source], frozenset[Population]]:
        source = leaf_source(selected.arguments["individualNumber"])
        if not isinstance(source, Slot):
            raise BadInput("an individual number arrives as a variable, never in the document")
        cell = self.decisions.operand(NUMBER, Action.MATCH)
        if not self.decisions.number_allowed:
            raise CellHidden("an individual number is no operand here", "OPERAND_HIDDEN", NUMBER)
        return (Keyed.NUMBER, source), cell.populations

    # -- levels --------------------------------------------------------------------------------

    def level(
        self,
        path: tuple[str, ...],
        selected: Selected,
        type_: Type,
        edge: Edge | None,
        action: Action,
        many: bool,
        *,
        keyed: tuple[Keyed, Source] | None = None,
        within: frozenset[Population] = ANYBODY,
        single_parent: bool,
        edge_cell: Cell | None = None,
    ) -> Level:
        existence = self.decisions.row(type_, action)
        scope = together(existence.populations, within)
        entry = type_.noun.owner is not None and (edge is None or edge.enters)
        if entry and action is Action.LIST and self.leaves_out_stopped(type_, edge):
            scope = together(scope, frozenset({frozenset({OUTPUT_ALLOWED})}))
        operands = Operands(self.decisions, type_, selected, action)
        rows = _Rows(self, type_, action, scope, single_parent and not many)
        if many:
            connection = rows.connection(path, selected)
            fields: tuple[Field, ...] = ()
        else:
            connection = None
            fields = rows.fields(path, selected.fields)
        left_out = _left_out(type_.noun.existence, existence)
        if edge is not None and edge_cell is not None:
            left_out |= _left_out(edge.classes, edge_cell)
        return Level(
            type=type_,
            edge=edge,
            action=action,
            populations=scope,
            leave_out_covered=bool(left_out),
            lift=left_out if rows.liftable else frozenset(),
            fields=fields,
            children=tuple(rows.children),
            condition=operands.condition() if many else None,
            page=operands.page() if many else None,
            connection=connection,
            count=connection is not None
            and any(kind == "totalCount" for _, kind, _ in connection.parts),
            entry=entry,
            names=entry and self._names(type_, action, scope),
            warns=self.warning(action, scope) if entry or rows.tells else None,
            keyed=keyed,
            single_parent=single_parent,
            held=held(self.decisions.clearance) if _tells_of_persons(type_) else frozenset(),
        )

    def leaves_out_stopped(self, type_: Type, edge: Edge | None) -> bool:
        """Whether nobody is listed of whom nothing may go out: not by a department's machine, but
        for the notices that tell it of the change, and whom they are about."""
        source = type_ if edge is None else GRAPH.types[edge.source]
        return self.decisions.clearance.leaves_out_stopped and source.noun.destination is None

    def _names(self, type_: Type, action: Action, scope: frozenset[Population]) -> bool:
        """Whether all of these rows may be seen with the code of whose they are."""
        needs = [("Addressee.code", action)]
        if type_.noun.key != type_.noun.owner:
            back = next((edge for edge in type_.edges.values() if _leads_back(type_, edge)), None)
            if back is None:
                return False
            beyond = Action.LIST if back.other_person else action
            needs = [(back.coordinate, action), ("Addressee", beyond), ("Addressee.code", beyond)]
        cells = [self.decisions.clearance.cell(*need) for need in needs]
        seen = Guard(populations=together(*(cell.populations for cell in cells)))
        return all(cell.allowed for cell in cells) and narrowed(seen, scope).open

    def warning(self, action: Action, scope: frozenset[Population]) -> Guard | None:
        """Where the obligation is told with a row: wherever all of `handling` may be seen."""
        cells = [self.decisions.clearance.cell(told, action) for told in HANDLING]
        if not all(cell.allowed for cell in cells):
            return None
        populations = together(*(cell.populations for cell in cells))
        issued = any(cell.issued for cell in cells)
        return narrowed(Guard(populations=populations, issued=issued), scope)


class _Rows:
    """The fields of one level's rows; collects the levels beneath.

    `tells`: the obligation is asked for with each row.
    """

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
        self.liftable = planner.asks_for_person and action is Action.READ
        self.position = Position.READ if action is Action.READ else Position.LIST
        self.tells = False
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
        own = [field for field in selected if shown_by(field.type_name) == self.type.name]
        if any(self._is_shown_number((*path, field.key), field) for field in own):
            self.position = Position.NUMBER
        return tuple(self._field((*path, field.key), field) for field in own)

    def _is_shown_number(self, path: tuple[str, ...], selected: Selected) -> bool:
        leaf = self.type.leaves.get(selected.name)
        if leaf is None or not leaf.vault:
            return False
        return self.planner.decisions.cell(path, leaf.coordinate, self.action).allowed

    def _field(self, path: tuple[str, ...], selected: Selected) -> Field:
        name = selected.name
        if name == "__typename":
            return Literal(selected.key, selected.type_name)
        if name == "id":
            return Identity(selected.key, self.position)
        if name == "privacy":
            return self._privacy(selected, lambda holder: holder.of_type(self.type))
        if name in self.type.edges:
            return self._edge(path, selected, self.type.edges[name])
        if name in self.type.parts:
            return self._part(path, selected)
        return self._leaf(path, selected.key, self.type.leaves[name])

    def _leaf(self, path: tuple[str, ...], key: str, leaf: Leaf) -> Field:
        cell = self.planner.decisions.field(path, leaf.coordinate, self.action)
        if not cell.allowed:
            return Nothing(key)
        if leaf.vault:
            return Number(key, leaf)
        label, liftable = leaf.label, self.liftable
        guard = guard_of(self.type, label.classes, cell, label.about, liftable=liftable)
        return Value(key, leaf, self._within(guard), cell.verdict is Verdict.MASKED)

    def _part(self, path: tuple[str, ...], selected: Selected) -> Field:
        part, leaves = self.type.parts[selected.name]
        cell = self.planner.decisions.field(path, selected.coordinate, self.action)
        if not cell.allowed:
            return Nothing(selected.key)
        guard = self._within(guard_of(self.type, part.classes, cell, liftable=self.liftable))
        fields = tuple(
            self._in_part((*path, inner.key), inner, leaves) for inner in selected.fields
        )
        return Embedded(selected.key, guard, fields)

    def _in_part(
        self, path: tuple[str, ...], selected: Selected, leaves: Mapping[str, Leaf]
    ) -> Field:
        if selected.name == "__typename":
            return Literal(selected.key, selected.type_name)
        if selected.name == "privacy":
            return self._privacy(selected, lambda holder: holder.of_leaves(leaves))
        return self._leaf(path, selected.key, leaves[selected.name])

    def _privacy(
        self, selected: Selected, hidden: Callable[[Holder], list[dict[str, Any]]]
    ) -> Privacy:
        def part(inner: Selected) -> Any:
            if inner.name == "__typename":
                return inner.type_name
            if inner.name == "obligation":
                return self._obligation(inner)
            purposes = any(field.name == "purposes" for field in inner.fields)
            holder = Holder(
                self.planner.decisions.clearance, self.action, self.position, purposes=purposes
            )
            return project(hidden(holder), inner.fields)

        return Privacy(selected.key, tuple((inner.key, part(inner)) for inner in selected.fields))

    def _obligation(self, selected: Selected) -> Obligation | None:
        """What must be observed, for whom `handling` is open; `None` for anybody else."""
        if self.type.noun.owner is None:
            return None
        for told in HANDLING:
            self.planner.decisions.told(told, self.action)
        if self.planner.warning(self.action, self.scope) is None:
            return None
        self.tells = True
        return Obligation(tuple((inner.key, inner.name) for inner in selected.fields))

    def _edge(self, path: tuple[str, ...], selected: Selected, edge: Edge) -> Field:
        target = GRAPH.types[edge.target]
        action = Action.LIST if edge.other_person else self.action
        cell = self.planner.decisions.way(path, edge.coordinate, self.action, target, action)
        if cell is None:
            Operands(self.planner.decisions, target, selected, action).check()
            return Nothing(selected.key)
        level = self.planner.level(
            path, selected, target, edge, action, edge.many,
            single_parent=self.single, edge_cell=cell,
        )  # fmt: skip
        self.children.append(level)
        guard = self._within(guard_of(self.type, edge.classes, cell, liftable=self.liftable))
        if edge.enters:
            # Whoever comes in with a stopped output stops the whole (`stopped.py`).
            guard = replace(guard, issued=False)
        return Nested(selected.key, guard, len(self.children) - 1)

    def _within(self, guard: Guard) -> Guard:
        return narrowed(guard, self.scope)


def _tells_of_persons(type_: Type) -> bool:
    return any(leaf.label.whole is not None for leaf in type_.leaves.values())


def _leads_back(type_: Type, edge: Edge) -> bool:
    """Whether an edge leads to whose the row is."""
    return edge.target == "Addressee" and edge.source_column == type_.noun.owner


def _reaches_others(operation: Operation) -> bool:
    return any(
        edge.coordinate == selected.coordinate and edge.enters
        for selected in operation.walk()
        for type_ in (GRAPH.types.get(selected.type_name),)
        if type_ is not None
        for edge in type_.edges.values()
    )


def _left_out(classes: Iterable[str], cell: Cell) -> frozenset[str]:
    """The classes for which rows about covered persons stay out: the fact is withheld, and not read
    anyway."""
    return frozenset() if cell.despite_protection else withheld_of(classes)
