"""The schema as one clearance shows it: for the developer of a client that sees little of it.

The server's schema is one for everybody; this is the part of it that a query could get anything
from. It follows from the same table that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    parse,
    print_ast,
)

from authz.policy.clearance import Clearance
from models.graph.graph import GRAPH, Leaf, Type
from models.graph.paper import ISSUED
from models.tables.policy import Action
from resolvers.read.operands import order_name
from resolvers.write.pipeline import UseCase
from schema.build import sdl

MACHINE = frozenset({"acknowledgeTransfer", "rejectTransfer"})
"""What a department's client does, and nobody else (`resolvers/transfer/changes.py`)."""

ALWAYS = frozenset({"id", "privacy", "viewer"})
COMBINING = frozenset({"and", "or", "not"})
BY_SEARCH = frozenset({"prefix", "lt", "lte", "gt", "gte"})


def narrowed_sdl(clearance: Clearance, changes: Iterable[UseCase]) -> str:
    """The SDL of what the clearance shows. `changes` are the mutations that the actor may call at
    all; those are kept for which it clears everything that they ask."""
    return _Narrowing(clearance, changes).text()


def changes_open_to(changes: Iterable[UseCase], *, machine: bool) -> list[UseCase]:
    """Mutations that a department's client, or a staff member, may call at all."""
    return [change for change in changes if (change.name in MACHINE) is machine]


@lru_cache(maxsize=1)
def _whole() -> DocumentNode:
    return parse(sdl(), no_location=True)


class _Narrowing:
    def __init__(self, clearance: Clearance, changes: Iterable[UseCase]) -> None:
        self.clearance = clearance
        self.changes = {
            change.name
            for change in changes
            if all(clearance.cell(*each).allowed for each in change.asks())
        }
        self.types: dict[str, TypeDefinitionNode] = {}
        self.directives: list[DirectiveDefinitionNode] = []
        self.parts = {
            part.type_name: leaves
            for type_ in GRAPH.types.values()
            for part, leaves in type_.parts.values()
        }
        for definition in _whole().definitions:
            if isinstance(definition, TypeDefinitionNode):
                self.types[definition.name.value] = definition
            elif isinstance(definition, DirectiveDefinitionNode):
                self.directives.append(definition)

    def text(self) -> str:
        """Narrow each type, then leave out what nothing leads to."""
        for type_ in GRAPH.types.values():
            self._operands(type_)
        for type_ in GRAPH.types.values():
            self._object(type_)
        for name, leaves in self.parts.items():
            shown = {field for field, leaf in leaves.items() if self._reads(leaf.coordinate)}
            shown |= ALWAYS
            self._keep_fields(name, shown.__contains__)
            self._keep_fields(ISSUED.get(name, name), shown.__contains__)
        self._keep_fields("Query", self._root)
        self._keep_fields("Mutation", lambda name: name in self.changes)
        if "Mutation" in self.types and not self.changes:
            del self.types["Mutation"]
        self._arguments()
        kept = self._reached()
        left = (definition for name, definition in self.types.items() if name in kept)
        definitions: list[DefinitionNode] = [*self.directives, *left]
        return print_ast(DocumentNode(definitions=tuple(definitions))) + "\n"

    # -- what is shown -------------------------------------------------------------------------

    def _reads(self, coordinate: str) -> bool:
        return any(
            self.clearance.cell(coordinate, action).allowed for action in (Action.READ, Action.LIST)
        )

    def _may(self, leaf: Leaf, action: Action) -> bool:
        return self.clearance.cell(leaf.coordinate, action).allowed

    def _root(self, name: str) -> bool:
        if name == "addresseeByIndividualNumber":
            number = GRAPH.types["Addressee"].leaves["individualNumber"]
            return self._may(number, Action.MATCH)
        if name == "node":
            return any(self._reads(type_) for type_ in GRAPH.types)
        type_ = next((t for t in GRAPH.types.values() if name in t.noun.root), None)
        if type_ is None:
            return name in ALWAYS
        keyed = name == type_.noun.root[0] and type_.noun.key == "code"
        if keyed and not self._may(type_.leaves["code"], Action.MATCH):
            return False
        return self._reads(f"Query.{name}") and self._reads(type_.name)

    # -- types ---------------------------------------------------------------------------------

    def _object(self, type_: Type) -> None:
        def shown(name: str) -> bool:
            if name in ALWAYS:
                return True
            if name in type_.edges:
                edge = type_.edges[name]
                return self._reads(edge.coordinate) and self._reads(edge.target)
            if name in type_.parts:
                part, leaves = type_.parts[name]
                coordinate = f"{type_.name}.{part.field}"
                return self._reads(coordinate) and any(
                    self._reads(leaf.coordinate) for leaf in leaves.values()
                )
            return self._reads(type_.leaves[name].coordinate)

        self._keep_fields(type_.name, shown)
        self._keep_fields(ISSUED.get(type_.name, type_.name), shown)

    def _keep_fields(self, name: str, keep: Callable[[str], bool]) -> None:
        definition = self.types.get(name)
        if isinstance(definition, ObjectTypeDefinitionNode):
            fields = tuple(field for field in definition.fields or () if keep(field.name.value))
            self.types[name] = replace(definition, fields=fields)

    def _operands(self, type_: Type) -> None:
        """The filter and the ordering of one type; gone where nothing of them is left."""
        self._filter(f"{type_.name}Filter", type_.leaves)
        for part, leaves in type_.parts.values():
            self._filter(f"{part.type_name}Filter", leaves)
        words = self.types.get(f"{type_.name}OrderField")
        if isinstance(words, EnumTypeDefinitionNode):
            leaves = {order_name(leaf): leaf for leaf in type_.operands() if leaf.label.search}
            values = tuple(
                value
                for value in words.values or ()
                if self._may(leaves[value.name.value], Action.SEARCH)
            )
            if values:
                self.types[f"{type_.name}OrderField"] = replace(words, values=values)
            else:
                del self.types[f"{type_.name}OrderField"], self.types[f"{type_.name}Order"]
        self._drop_empty_parts(f"{type_.name}Filter")

    def _filter(self, name: str, leaves: Mapping[str, Leaf]) -> None:
        definition = self.types.get(name)
        if not isinstance(definition, InputObjectTypeDefinitionNode):
            return
        fields = []
        for field in definition.fields or ():
            leaf = leaves.get(field.name.value)
            if leaf is None:
                fields.append(field)
            elif self._may(leaf, Action.MATCH):
                fields.append(field if self._may(leaf, Action.SEARCH) else self._exact(field))
        self.types[name] = replace(definition, fields=tuple(fields))

    def _drop_empty_parts(self, name: str) -> None:
        """Fields of a filter that lead to a filter of nothing; then the filter itself."""
        definition = self.types.get(name)
        if not isinstance(definition, InputObjectTypeDefinitionNode):
            return
        fields = tuple(
            field for field in definition.fields or () if not self._is_empty(_named(field.type))
        )
        if all(field.name.value in COMBINING for field in fields):
            del self.types[name]
        else:
            self.types[name] = replace(definition, fields=fields)

    def _is_empty(self, name: str) -> bool:
        definition = self.types.get(name)
        return isinstance(definition, InputObjectTypeDefinitionNode) and not definition.fields

    def _exact(self, field: InputValueDefinitionNode) -> InputValueDefinitionNode:
        """The same operand without its ranges and prefixes."""
        name = _named(field.type)
        whole = self.types.get(name)
        if not name.endswith("Search") or not isinstance(whole, InputObjectTypeDefinitionNode):
            return field
        exact = f"{name.removesuffix('Search')}Match"
        if exact not in self.types:
            operators = tuple(op for op in whole.fields or () if op.name.value not in BY_SEARCH)
            self.types[exact] = replace(whole, name=NameNode(value=exact), fields=operators)
        return replace(field, type=NamedTypeNode(name=NameNode(value=exact)))

    def _arguments(self) -> None:
        """Arguments whose type is gone go too."""
        for name, definition in list(self.types.items()):
            if isinstance(definition, ObjectTypeDefinitionNode):
                self.types[name] = replace(
                    definition,
                    fields=tuple(
                        replace(
                            field,
                            arguments=tuple(
                                each for each in field.arguments or () if self._known(each.type)
                            ),
                        )
                        for field in definition.fields or ()
                    ),
                )

    def _known(self, type_: TypeNode) -> bool:
        return _named(type_) in self.types or _named(type_) in BUILT_IN

    # -- what is left --------------------------------------------------------------------------

    def _reached(self) -> set[str]:
        """Names of the types that a root leads to; `node` leads to every noun that shows at all."""
        pending: list[str] = [name for name in ("Query", "Mutation") if name in self.types]
        pending += [_named(each.type) for one in self.directives for each in one.arguments or ()]
        reached: set[str] = set()
        while pending:
            name = pending.pop()
            if name in self.types and name not in reached:
                reached.add(name)
                pending += _leads_to(self.types[name])
                if name == "Node":
                    pending += [noun for noun in GRAPH.types if self._reads(noun)]
        return reached


BUILT_IN = frozenset({"String", "Int", "Float", "Boolean", "ID"})


def _leads_to(definition: TypeDefinitionNode) -> Iterator[str]:
    if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        for field in definition.fields or ():
            yield _named(field.type)
            yield from (_named(argument.type) for argument in field.arguments or ())
        yield from (each.name.value for each in definition.interfaces or ())
    elif isinstance(definition, InputObjectTypeDefinitionNode):
        yield from (_named(field.type) for field in definition.fields or ())


def _named(type_: TypeNode) -> str:
    while isinstance(type_, NonNullTypeNode | ListTypeNode):
        type_ = type_.type
    assert isinstance(type_, NamedTypeNode)
    return type_.name.value
