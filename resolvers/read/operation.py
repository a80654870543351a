"""What is asked, as plain data: free of GraphQL, of clearances and of databases.

A leaf of an argument is a *source*: where its value will come from in each request (a literal of
the document, or a place in the variables). The structure of arguments (which filter, which
operator, which order) is known when the operation is made, the values are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of the document, or a value that the server gives."""

    value: Any

    def get(self, variables: Mapping[str, Any]) -> Any:
        """The value, whatever the request."""
        return self.value


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the variables of a request: `path` leads into nested input objects and lists."""

    name: str
    path: tuple[str | int, ...] = ()

    def get(self, variables: Mapping[str, Any]) -> Any:
        """The value in this request."""
        value = variables[self.name]
        for step in self.path:
            value = value[step]
        return value


@dataclass(frozen=True, slots=True)
class Each:
    """A list of values, each from its own source."""

    sources: tuple[Source, ...]

    def get(self, variables: Mapping[str, Any]) -> Any:
        """The values in this request."""
        return [source.get(variables) for source in self.sources]


@dataclass(frozen=True, slots=True)
class Null:
    """An explicit `null`."""


Source: TypeAlias = Const | Slot | Each
Tree: TypeAlias = "Source | Null | Mapping[str, Tree] | tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Selected:
    """One selected field: `key` is its name in the answer, `name` its name in the schema."""

    key: str
    name: str
    type_name: str
    arguments: Mapping[str, Tree] = field(default_factory=dict)
    fields: tuple[Selected, ...] = ()

    @property
    def coordinate(self) -> str:
        """The schema coordinate, `Type.field`."""
        return f"{self.type_name}.{self.name}"

    def walk(self) -> Iterator[Selected]:
        """This field and everything beneath it."""
        yield self
        for inner in self.fields:
            yield from inner.walk()


@dataclass(frozen=True, slots=True)
class Operation:
    """The root fields of one query, fragments and directives resolved."""

    roots: tuple[Selected, ...]

    def walk(self) -> Iterator[Selected]:
        """Every selected field."""
        for root in self.roots:
            yield from root.walk()


def value_of(tree: Tree, variables: Mapping[str, Any]) -> Any:
    """An argument with its values."""
    if isinstance(tree, Null):
        return None
    if isinstance(tree, (Const, Slot, Each)):
        return tree.get(variables)
    if isinstance(tree, Mapping):
        return {name: value_of(inner, variables) for name, inner in tree.items()}
    return [value_of(inner, variables) for inner in tree]


def project(value: Any, fields: Sequence[Selected]) -> Any:
    """What of a plain value was selected, under the keys that were asked for."""
    if isinstance(value, list):
        return [project(item, fields) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        selected.key: selected.type_name
        if selected.name == "__typename"
        else project(value[selected.name], selected.fields)
        for selected in fields
    }
