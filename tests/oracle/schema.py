"""The committed SDL made executable by graphql-core, each field asking the evaluation.

`info.context` is the evaluation (`answer.py`). Nothing is decided here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from models.graph.graph import GRAPH, Type
from tests.conftest import PROJECT

Resolve = Callable[..., Any]


@cache
def executable_schema() -> GraphQLSchema:
    """The schema with resolvers."""
    schema = build_schema((PROJECT / "schema.graphql").read_text(encoding="utf-8"))
    for name, read in SCALARS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.parse_value = scalar.coerce_input_value = read  # type: ignore[method-assign, assignment]
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    node.resolve_type = lambda found, info, type_: found.type.name
    assert schema.query_type is not None
    _resolve(schema.query_type, _roots())
    for type_ in GRAPH.types.values():
        for name in _shown_as(schema, type_.name):
            _resolve(_object(schema, name), _fields(type_))
        for part, leaves in type_.parts.values():
            of_part = {name: _leaf(leaves[name]) for name in leaves}
            of_part["privacy"] = _privacy(part.type_name)
            for name in _shown_as(schema, part.type_name):
                _resolve(_object(schema, name), of_part)
    for name in schema.type_map:
        if name.endswith("Connection"):
            _resolve(_object(schema, name), CONNECTION)
        elif name.endswith("Edge"):
            _resolve(_object(schema, name), ENTRY)
    return schema


ISSUED_PERSON = "IssuedContent"


def noun_of(name: str) -> str:
    """The noun that a GraphQL type shows; what is issued has types of its own."""
    return "Addressee" if name == ISSUED_PERSON else name.removeprefix("Issued")


def _shown_as(schema: GraphQLSchema, noun: str) -> list[str]:
    return [name for name in schema.type_map if noun_of(name) == noun and name != "Issued"]


SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "Date": dt.date.fromisoformat,
    "DateTime": lambda text: dt.datetime.fromisoformat(text).astimezone(dt.UTC),
}


def _resolve(type_: GraphQLObjectType, resolvers: Mapping[str, Resolve]) -> None:
    for name, resolve in resolvers.items():
        if name in type_.fields:
            type_.fields[name].resolve = resolve


def _object(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def _roots() -> dict[str, Resolve]:
    found: dict[str, Resolve] = {
        "viewer": lambda _, info: info.context.viewer(info),
        "node": lambda _, info, id: info.context.node(info, id),
        "addresseeByIndividualNumber": lambda _, info, individualNumber: info.context.by_number(
            info, individualNumber
        ),
    }
    for type_ in GRAPH.types.values():
        one, many = type_.noun.root
        if one is not None:
            found[one] = _root_one(type_)
        if many is not None:
            found[many] = _root_many(type_)
    return found


def _root_one(type_: Type) -> Resolve:
    if type_.noun.key == "code":
        return lambda _, info, code: info.context.by_code(info, type_, code)
    return lambda _, info, id: info.context.by_id(info, type_, id)


def _root_many(type_: Type) -> Resolve:
    return lambda _, info, **arguments: info.context.everything(info, type_, arguments)


def _fields(type_: Type) -> dict[str, Resolve]:
    return {
        "id": lambda here, info: info.context.identity(info, here),
        "privacy": _privacy(type_.name),
        **{name: _leaf(leaf) for name, leaf in type_.leaves.items()},
        **{name: _part(part) for name, (part, _) in type_.parts.items()},
        **{name: _edge(edge) for name, edge in type_.edges.items()},
    }


def _privacy(type_name: str) -> Resolve:
    return lambda here, info: info.context.privacy(info, here, type_name)


def _leaf(leaf: Any) -> Resolve:
    return lambda here, info: info.context.leaf(info, here, leaf)


def _part(part: Any) -> Resolve:
    return lambda here, info: info.context.part(info, here, part)


def _edge(edge: Any) -> Resolve:
    if edge.many:
        return lambda here, info, **arguments: info.context.many(info, here, edge, arguments)
    return lambda here, info: info.context.one(info, here, edge)


CONNECTION: Mapping[str, Resolve] = {
    "edges": lambda page, info: page.rows,
    "nodes": lambda page, info: info.context.nodes(info, page),
    "pageInfo": lambda page, info: info.context.page_info(page),
    "totalCount": lambda page, info: page.total,
}
ENTRY: Mapping[str, Resolve] = {
    "cursor": lambda here, info: info.context.cursor(here),
    "node": lambda here, info: info.context.entry(info, here),
}
