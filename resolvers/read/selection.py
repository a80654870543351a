"""GraphQL selection → `Operation`: fragments expanded, directives applied, arguments as sources.

`variables_shape` is what of the variables an operation depends on: which input fields are present,
enum words, `@include`/`@skip` switches, list or null. Two requests with one shape share a plan.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    ListValueNode,
    Location,
    Node,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Token,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    value_from_ast,
)
from graphql.utilities import type_from_ast

from authz.errors import BadInput
from models.graph.paper import shown_by
from resolvers.read.operation import Const, Each, Null, Operation, Selected, Slot, Source, Tree

Fragments = Mapping[str, FragmentDefinitionNode]


def select(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    variables: Mapping[str, Any],
) -> Operation:
    """The operation for variables of this shape. The document must be valid for the schema."""
    root = schema.get_root_type(operation.operation)
    assert root is not None
    selector = _Selector(schema, operation, fragments, variables)
    return Operation(selector.fields(root, [operation.selection_set]))


def forget_tokens(document: DocumentNode) -> None:
    """Let the tokens go that the nodes were read from: they take as much room as the nodes, and
    hold each other, so that only a walk of the collector would free them."""
    pending: list[Node] = [document]
    while pending:
        node = pending.pop()
        if node.loc is not None:
            _cut(node.loc)
        for name in node.keys:
            inner = getattr(node, name)
            if isinstance(inner, Node):
                pending.append(inner)
            elif isinstance(inner, (list, tuple)):
                pending += inner


def _cut(location: Location) -> None:
    token: Token | None = getattr(location, "start_token", None)
    if token is None:
        return
    del location.start_token, location.end_token
    # Whatever names it, whole chains go at once.
    while token is not None and token.prev is not None:
        token.prev, token = None, token.prev


def switches(operation: OperationDefinitionNode, fragments: Fragments) -> frozenset[str]:
    """Names of the variables that `@include` and `@skip` read in what the operation reaches."""
    return frozenset(
        argument.value.name.value
        for node in _reached(operation, fragments)
        for directive in node.directives or ()
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    )


def _reached(
    operation: OperationDefinitionNode, fragments: Fragments
) -> Iterator[FieldNode | FragmentSpreadNode | InlineFragmentNode]:
    """Every selection of the operation and of the fragments that it spreads, each once."""
    spread: set[str] = set()
    pending = [operation.selection_set]
    while pending:
        for node in pending.pop().selections:
            assert isinstance(node, (FieldNode, FragmentSpreadNode, InlineFragmentNode))
            yield node
            if not isinstance(node, FragmentSpreadNode):
                if node.selection_set:
                    pending.append(node.selection_set)
            elif node.name.value not in spread:
                spread.add(node.name.value)
                pending.append(fragments[node.name.value].selection_set)


def root_names(operation: OperationDefinitionNode, fragments: Fragments) -> frozenset[str]:
    """Names of the root fields, whatever the directives say."""
    found: set[str] = set()
    seen: set[str] = set()

    def visit(selections: SelectionSetNode) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found.add(node.name.value)
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    visit(fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                visit(node.selection_set)

    visit(operation.selection_set)
    return frozenset(found)


def variable_types(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> tuple[tuple[str, Any], ...]:
    """The declared variables with their types."""
    return tuple(
        (definition.variable.name.value, type_from_ast(schema, definition.type))
        for definition in operation.variable_definitions or ()
    )


def variables_shape(
    types: Iterable[tuple[str, Any]], switching: frozenset[str], variables: Mapping[str, Any]
) -> Hashable:
    """What of the variables decides the plan; equal shapes give equal operations."""
    shape: list[Hashable] = []
    for name, type_ in types:
        if name not in variables:
            shape.append("absent")
        else:
            shape.append(_shape(variables[name], type_))
            if name in switching:
                shape.append(variables[name])
    return tuple(shape)


def _shape(value: Any, type_: Any) -> Hashable:
    if value is None:
        return None
    type_ = _nullable(type_)
    if isinstance(type_, GraphQLInputObjectType):
        return tuple(
            (name, _shape(value[name], field.type))
            for name, field in type_.fields.items()
            if name in value
        )
    if isinstance(type_, GraphQLList) and _is_structure(type_):
        return tuple(_shape(item, type_.of_type) for item in _as_list(value))
    if isinstance(type_, GraphQLEnumType):
        return str(_word(value))
    return "given"


class _Selector:
    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Fragments,
        variables: Mapping[str, Any],
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.types = {
            definition.variable.name.value: type_from_ast(schema, definition.type)
            for definition in operation.variable_definitions or ()
        }

    def fields(
        self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode]
    ) -> tuple[Selected, ...]:
        """The fields of the sets in order, those with one response key merged into one."""
        nodes: dict[str, list[FieldNode]] = {}
        for selections in sets:
            self._collect(parent, selections, nodes, set())
        return tuple(self._field(parent, key, found) for key, found in nodes.items())

    def _collect(
        self,
        parent: GraphQLObjectType,
        selections: SelectionSetNode,
        nodes: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        for node in selections.selections:
            if not self._included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                nodes.setdefault(key, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.fragments[name]
                if name not in visited and self._applies(fragment.type_condition, parent):
                    visited.add(name)
                    self._collect(parent, fragment.selection_set, nodes, visited)
            elif isinstance(node, InlineFragmentNode) and self._applies(
                node.type_condition, parent
            ):
                self._collect(parent, node.selection_set, nodes, visited)

    def _applies(self, condition: Any, parent: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == parent.name:
            return True
        type_ = self.schema.type_map.get(condition.name.value)
        return is_abstract_type(type_) and self.schema.is_sub_type(type_, parent)

    def _included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name in {"skip", "include"}:
                assert directive.arguments
                value = self.tree(directive.arguments[0].value, GraphQLBoolean)
                if not isinstance(value, (Const, Slot)):
                    raise BadInput(f"`@{name}` needs true or false")
                if bool(value.get(self.variables)) is (name == "skip"):
                    return False
        return True

    def _field(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        node = nodes[0]
        name = node.name.value
        if name.startswith("__"):
            return Selected(key, name, parent.name)
        definition = parent.fields[name]
        arguments: dict[str, Tree] = {}
        for argument in node.arguments or ():
            type_ = definition.args[argument.name.value].type
            tree = self.tree(argument.value, type_)
            if tree is not None:
                arguments[argument.name.value] = tree
        target = get_named_type(definition.type)
        sets = [found.selection_set for found in nodes if found.selection_set]
        inner = self._inner(target, sets)
        return Selected(key, name, shown_by(parent.name), arguments, inner)

    def _inner(self, target: Any, sets: list[SelectionSetNode]) -> tuple[Selected, ...]:
        if isinstance(target, GraphQLObjectType):
            return self.fields(target, sets)
        if is_abstract_type(target) and not isinstance(target, GraphQLUnionType):
            # One branch for each implementing type; `type_name` tells them apart.
            return tuple(
                field
                for possible in self.schema.get_possible_types(target)
                for field in self.fields(possible, sets)
            )
        return ()

    def tree(self, node: ValueNode, type_: GraphQLInputType) -> Tree | None:
        """One argument or input field; `None` where its variable was not given. Raises `BadInput`
        for a null where there may be none."""
        if isinstance(node, VariableNode):
            name = node.name.value
            if name not in self.variables:
                return None
            if self.variables[name] is None and isinstance(type_, GraphQLNonNull):
                # A variable with a default may stand here, and be given as null all the same.
                raise BadInput("a variable is null where a value must be given")
            return _from_variable(self.variables[name], self.types[name] or type_, Slot(name))
        if isinstance(node, NullValueNode):
            return Null()
        type_ = _nullable(type_)
        if isinstance(type_, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            found: dict[str, Tree] = {}
            for entry in node.fields:
                tree = self.tree(entry.value, type_.fields[entry.name.value].type)
                if tree is not None:
                    found[entry.name.value] = tree
            return found
        if isinstance(type_, GraphQLList):
            items = node.values if isinstance(node, ListValueNode) else (node,)
            trees = tuple(self.tree(item, type_.of_type) for item in items)
            if _is_structure(type_):
                return tuple(tree if tree is not None else Null() for tree in trees)
            return Each(tuple(_source(tree) for tree in trees))
        if isinstance(node, EnumValueNode):
            return Const(node.value)
        return Const(value_from_ast(node, type_))


def _from_variable(value: Any, type_: Any, slot: Slot) -> Tree:
    if value is None:
        return Null()
    type_ = _nullable(type_)
    if isinstance(type_, GraphQLInputObjectType):
        return {
            name: _from_variable(value[name], field.type, Slot(slot.name, (*slot.path, name)))
            for name, field in type_.fields.items()
            if name in value
        }
    if isinstance(type_, GraphQLList) and _is_structure(type_):
        if not isinstance(value, list):
            return (_from_variable(value, type_.of_type, slot),)
        return tuple(
            _from_variable(item, type_.of_type, Slot(slot.name, (*slot.path, index)))
            for index, item in enumerate(value)
        )
    if isinstance(type_, GraphQLEnumType):
        return Const(_word(value))
    return slot


def _source(tree: Tree | None) -> Source:
    return tree if isinstance(tree, (Const, Slot, Each)) else Const(None)


def _is_structure(type_: GraphQLList[Any]) -> bool:
    return isinstance(get_named_type(type_), (GraphQLInputObjectType, GraphQLEnumType))


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _word(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
