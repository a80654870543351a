"""GraphQL types, derived from the labelled columns and the edges of `models/graph/graph.py`.

Every classified field is nullable, so that what is hidden can be `null`. No type here has a
resolver that reads: queries are planned (`resolvers/read/pipeline.py`), and graphql-core only
completes values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any

import sqlalchemy as sa
import strawberry

from authz.policy.clearance import Reason
from models.facts import CLASSES
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from models.graph.paper import ISSUED, may_go_out
from models.labels import Count, Part, Words
from resolvers.read.operands import order_name
from schema.types.directives import Classified, RecordItem
from schema.types.scalars import Date, DateTime, IndividualNumberText, Yen


@strawberry.interface(
    name="Node", description="識別子をもつもの: anything with an opaque, stable id."
)
class Node:
    """Relay's `Node`."""

    id: strawberry.ID


@strawberry.type(name="PageInfo", description="ページ情報: where a page lies in its list.")
class PageInfo:
    """Relay's `PageInfo`."""

    hasNextPage: bool
    hasPreviousPage: bool
    startCursor: str | None
    endCursor: str | None


@strawberry.enum(name="OrderDirection", description="並び順: nulls come last in both.")
class OrderDirection(Enum):
    """Direction of one ordering term."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.type(
    name="Obligation",
    description="取扱注意: what must be observed with a person, and not why.",
)
class ObligationType:
    """What an obligation asks of whoever works with the record."""

    addressWithheld: bool = strawberry.field(
        description="住所秘匿: do not tell or write down where the person lives, works or pays"
    )
    stopOutput: bool = strawberry.field(
        description="出力停止: nothing about the person is printed, sent or told"
    )


HiddenReason = strawberry.enum(
    Reason, name="HiddenReason", description="非表示の理由: why a field is not shown whole."
)


@strawberry.type(
    name="HiddenField", description="非表示項目: a field that this view hides or masks."
)
class HiddenField:
    """One field of an object, whatever the row."""

    field: str = strawberry.field(description="項目: the field's name in the schema, no alias")
    reason: Reason = strawberry.field(description="理由: why; `MASKED` shows a masked form")
    purposes: list[str] = strawberry.field(
        description="利用目的: which other purposes of the viewer show it whole in this position"
    )


@strawberry.type(
    name="ObjectPrivacy",
    description="表示の制限: what this view of an object hides, and what must be observed. The"
    " same for whatever is selected of the object, so that a cache may join answers by `id`.",
)
class ObjectPrivacy:
    """What `extensions.privacy` says of an object, in the data."""

    hidden: list[HiddenField] = strawberry.field(
        description="非表示項目: every hidden or masked field of the type; never what an obligation"
        " withholds"
    )
    obligation: ObligationType | None = strawberry.field(
        description="取扱注意: of the person whose the object is; null where nothing is due, and"
        " for whoever is not cleared for `handling`"
    )


def _privacy_member() -> tuple[Any, Any]:
    return ObjectPrivacy, described("表示の制限: what is hidden of it, and what is due", "privacy")


def _make(name: str, bases: tuple[type, ...], members: Mapping[str, Any]) -> type:
    """A class with annotated members: each is `annotation` or `(annotation, default or field)`."""
    body: dict[str, Any] = {"__annotations__": {}, "__module__": __name__}
    for member, given in members.items():
        annotation, value = given if isinstance(given, tuple) else (given, None)
        body["__annotations__"][member] = annotation
        if isinstance(given, tuple):
            body[member] = value
    return type(name, bases, body)


def described(description: str, name: str, resolver: Any = None, **options: Any) -> Any:
    """A Strawberry field under exactly this name."""
    if resolver is None:
        return strawberry.field(description=description, name=name, **options)
    return strawberry.field(resolver, description=description, name=name, **options)


def _about(ja: str, en: str, items: Iterable[int] = (), classes: Iterable[str] = ()) -> str:
    numbers = ", ".join(str(item) for item in items)
    named = "、".join(CLASSES[code].ja for code in classes)
    item = f" (記録項目 {numbers})" if numbers else ""
    return f"{ja}: {en}{item}。区分: {named}" if named else f"{ja}: {en}{item}"


def _marks(items: Iterable[int], classes: Iterable[str]) -> list[object]:
    return [*(RecordItem(no=item) for item in items), *(Classified(as_=code) for code in classes)]


# -- scalars and operands ------------------------------------------------------------------------


@cache
def enumerated(words: type[Enum]) -> Any:
    """The GraphQL enumeration of a closed vocabulary."""
    return strawberry.enum(words, description=inspect.cleandoc(words.__doc__ or ""))


def _scalar(leaf: Leaf) -> Any:
    type_ = leaf.column.type
    if leaf.coordinate == "Addressee.individualNumber":
        return IndividualNumberText
    if isinstance(type_, sa.Enum) and type_.enum_class is not None:
        # Words that are no names of GraphQL (`read-withheld`) stay texts.
        named = all(word.name == word.value for word in type_.enum_class)
        return enumerated(type_.enum_class) if named else str
    for kind, scalar in (
        (Words, list[str]),
        (Count, int),
        (sa.Boolean, bool),
        (sa.BigInteger, Yen),
        (sa.Integer, int),
        (sa.DateTime, DateTime),
        (sa.Date, Date),
    ):
        if isinstance(type_, kind):
            return scalar
    return str


OPERATORS = {
    "eq": ("等しい: equals", False),
    "in": ("いずれか: equals one of", True),
    "isNull": ("空: whether there is no value", False),
    "prefix": ("前方一致: begins with", False),
    "lt": ("未満: less than", False),
    "lte": ("以下: at most", False),
    "gt": ("超: greater than", False),
    "gte": ("以上: at least", False),
}
EXACT = ("eq", "in", "isNull")
RANGE = ("lt", "lte", "gt", "gte")


@cache
def _operand(name: str, scalar: Any, operators: tuple[str, ...]) -> type:
    members: dict[str, Any] = {}
    for operator in operators:
        words, many = OPERATORS[operator]
        annotation = bool if operator == "isNull" else list[scalar] if many else scalar
        python_name = f"{operator}_" if operator == "in" else operator
        members[python_name] = (
            annotation | None,
            strawberry.field(name=operator, description=words, default=strawberry.UNSET),
        )
    description = "条件: operands; several must all hold. A null value satisfies none but isNull."
    return strawberry.input(_make(name, (), members), name=name, description=description)


def _filter_operand(leaf: Leaf) -> type:
    scalar = _scalar(leaf)
    type_name = {str: "String", bool: "Boolean", int: "Int", Yen: "Yen", Date: "Date"}.get(scalar)
    if type_name is None:
        type_name = "DateTime" if scalar is DateTime else scalar.__name__
    if not leaf.label.search or scalar is bool or isinstance(leaf.column.type, sa.Enum):
        exact = ("eq", "isNull") if scalar is bool else EXACT
        return _operand(f"{type_name}Match", scalar, exact)
    searching = ("prefix", *RANGE) if scalar is str else RANGE
    return _operand(f"{type_name}Search", scalar, (*EXACT, *searching))


# -- one type and what belongs to it -----------------------------------------------------------


class _Types:
    """All derived types by name; made empty first, so that they can refer to one another."""

    def __init__(self) -> None:
        self.objects: dict[str, type] = {name: type(name, (Node,), {}) for name in GRAPH.types}
        self.issued: dict[str, type] = {
            name: type(ISSUED[name], (), {}) for name in GRAPH.types if name in ISSUED
        }
        self.filters = {name: type(f"{name}Filter", (), {}) for name in GRAPH.types}
        self.connections: dict[str, type] = {}
        self.orders: dict[str, type | None] = {}
        for type_ in GRAPH.types.values():
            self.orders[type_.name] = _order_input(type_)
            self.connections[type_.name] = self._connection(type_)
        self.issued_connections = {
            name: self._issued_connection(GRAPH.types[name]) for name in self.issued
        }
        for type_ in GRAPH.types.values():
            self._finish_filter(type_)
            self._finish_object(type_)
        for name in self.issued:
            self._finish_issued(GRAPH.types[name])

    def arguments(self, type_: Type) -> dict[str, Any]:
        """The arguments of a connection of the type."""
        arguments: dict[str, Any] = {"first": int | None, "after": str | None}
        if any(type_.operands()):
            arguments["filter"] = self.filters[type_.name] | None
        order = self.orders[type_.name]
        if order is not None:
            arguments["orderBy"] = list[order] | None  # type: ignore[valid-type]
        return arguments

    def _connection(self, type_: Type) -> type:
        node = self.objects[type_.name]
        edge = strawberry.type(
            _make(
                f"{type_.name}Edge",
                (),
                {
                    "cursor": (str, described("カーソル: a sealed place in the list", "cursor")),
                    "node": (node, described(type_.noun.ja, "node")),
                },
            ),
            name=f"{type_.name}Edge",
            description=f"{type_.noun.ja}の一覧の一件: one entry of a list.",
        )
        members = {
            "edges": (list[edge], described("各件とカーソル: entries with cursors", "edges")),  # type: ignore[valid-type]
            **_page(node),
        }
        name = f"{type_.name}Connection"
        description = f"{type_.noun.ja}の一覧: a page of a list (first: at most 200, default 20)."
        return strawberry.type(_make(name, (), members), name=name, description=description)

    def _issued_connection(self, type_: Type) -> type:
        name = f"{ISSUED[type_.name]}Connection"
        description = f"発行する{type_.noun.ja}の一覧: a page of a list that goes out."
        members = _page(self.issued[type_.name])
        return strawberry.type(_make(name, (), members), name=name, description=description)

    def _finish_issued(self, type_: Type) -> None:
        """What goes out of a row: without `id`, and without what no paper carries."""
        members: dict[str, Any] = {
            leaf.name: (_scalar(leaf) | None, _leaf_field(leaf))
            for leaf in type_.leaves.values()
            if may_go_out(leaf.coordinate)
        }
        for part, leaves in type_.parts.values():
            issued = _part_type(part, tuple(leaves.values()), ISSUED[part.type_name])
            members[part.field] = (issued | None, _part_field(part))
        for edge in type_.edges.values():
            if may_go_out(edge.coordinate, edge.target):
                members[edge.field] = self._edge_member(edge, self.issued, self.issued_connections)
        fill(self.issued[type_.name], members)
        strawberry.type(
            self.issued[type_.name],
            name=ISSUED[type_.name],
            description=f"発行する{type_.noun.ja}: what goes out of {type_.noun.en}; it has no id.",
            directives=[Classified(as_=code) for code in type_.noun.existence],
        )

    def _finish_object(self, type_: Type) -> None:
        members: dict[str, Any] = {"privacy": _privacy_member()}
        for leaf in type_.leaves.values():
            members[leaf.name] = (_scalar(leaf) | None, _leaf_field(leaf))
        for part, leaves in type_.parts.values():
            members[part.field] = (
                _part_type(part, tuple(leaves.values()), part.type_name) | None,
                _part_field(part),
            )
        for edge in type_.edges.values():
            members[edge.field] = self._edge_member(edge, self.objects, self.connections)
        fill(self.objects[type_.name], members)
        strawberry.type(
            self.objects[type_.name],
            name=type_.name,
            description=f"{type_.noun.ja}: {type_.noun.en}.",
            directives=[Classified(as_=code) for code in type_.noun.existence],
        )

    def _edge_member(
        self, edge: Edge, objects: Mapping[str, type], connections: Mapping[str, type]
    ) -> Any:
        target = GRAPH.types[edge.target]
        marks = _marks(edge.items, edge.classes)
        description = _about(edge.ja, edge.en, edge.items, edge.classes)
        if not edge.many:
            field = described(description, edge.field, directives=marks)
            return objects[edge.target] | None, field
        result = connections[edge.target] | None
        resolver = declared(edge.field, result, self.arguments(target))
        return None, described(description, edge.field, resolver, directives=marks)

    def _finish_filter(self, type_: Type) -> None:
        own = self.filters[type_.name]
        members: dict[str, Any] = {}
        for word, ja in (
            ("and", "すべて: all hold"),
            ("or", "いずれか: one holds; of none, false"),
        ):
            members[f"{word}_"] = (list[own] | None, _input(word, ja))  # type: ignore[valid-type]
        members["not_"] = (own | None, _input("not", "否定: does not hold"))
        for leaf in type_.leaves.values():
            if leaf.label.match:
                members[leaf.name] = (
                    _filter_operand(leaf) | None,
                    _input(leaf.name, _about(leaf.label.ja, leaf.label.en)),
                )
        for part, leaves in type_.parts.values():
            operands = [leaf for leaf in leaves.values() if leaf.label.match]
            if operands:
                members[part.field] = (
                    _part_filter(part, operands) | None,
                    _input(part.field, part.ja),
                )
        fill(own, members)
        strawberry.input(
            own,
            name=f"{type_.name}Filter",
            description=f"{type_.noun.ja}の条件: conditions; several must all hold.",
        )


def _input(name: str, description: str) -> Any:
    return strawberry.field(name=name, description=description, default=strawberry.UNSET)


def fill(empty: type, members: Mapping[str, Any]) -> None:
    """Give a class its annotated members, before Strawberry makes a type of it."""
    annotations: dict[str, Any] = {}
    for name, (annotation, value) in members.items():
        if annotation is not None:
            annotations[name] = annotation
        setattr(empty, name, value)
    empty.__annotations__ = annotations


def _leaf_field(leaf: Leaf) -> Any:
    label = leaf.label
    return described(
        _about(label.ja, label.en, label.items, label.classes),
        leaf.name,
        directives=_marks(label.items, label.classes),
    )


def _part_field(part: Part) -> Any:
    return described(
        _about(part.ja, part.en, (), part.classes), part.field, directives=_marks((), part.classes)
    )


def _page(node: type) -> dict[str, Any]:
    return {
        "nodes": (list[node], described("各件: the entries alone", "nodes")),  # type: ignore[valid-type]
        "pageInfo": (PageInfo, described("ページ情報: where the page lies", "pageInfo")),
        "totalCount": (int, described("総件数: entries in the whole list", "totalCount")),
    }


@cache
def _part_type(part: Part, leaves: tuple[Leaf, ...], name: str) -> type:
    members = {} if name in ISSUED.values() else {"privacy": _privacy_member()}
    members |= {leaf.name: (_scalar(leaf) | None, _leaf_field(leaf)) for leaf in leaves}
    return strawberry.type(
        _make(name, (), members),
        name=name,
        description=f"{part.ja}: {part.en}.",
    )


def _part_filter(part: Part, leaves: Iterable[Leaf]) -> type:
    members = {
        leaf.name: (
            _filter_operand(leaf) | None,
            _input(leaf.name, _about(leaf.label.ja, leaf.label.en)),
        )
        for leaf in leaves
    }
    name = f"{part.type_name}Filter"
    return strawberry.input(_make(name, (), members), name=name, description=f"{part.ja}の条件.")


def _order_input(type_: Type) -> type | None:
    leaves = [
        leaf
        for leaf in type_.operands()
        if leaf.label.search and not leaf.withheld and not leaf.label.about
    ]
    if not leaves:
        return None
    members_of_enum = {order_name(leaf): order_name(leaf) for leaf in leaves}
    make_enum: Any = Enum
    words = make_enum(f"{type_.name}OrderField", members_of_enum)
    field_enum = strawberry.enum(words, description=f"{type_.noun.ja}の並べ替え項目.")
    name = f"{type_.name}Order"
    members = {
        "field": (field_enum, strawberry.field(name="field", description="項目: by what")),
        "direction": (
            OrderDirection,
            strawberry.field(
                name="direction", description="順: which way", default=OrderDirection.ASC
            ),
        ),
    }
    return strawberry.input(
        _make(name, (), members),
        name=name,
        description=f"{type_.noun.ja}の並び順: one ordering term.",
    )


def declared(
    name: str,
    result: Any,
    arguments: Mapping[str, Any],
    required: bool | Container[str] = False,
) -> Callable[..., Any]:
    """A resolver that declares arguments and completes what is there already; it reads nothing.

    `required`: whether the arguments must be given, or which of them.
    """

    def resolver(self, **given):  # type: ignore[no-untyped-def]
        return self.get(name) if isinstance(self, Mapping) else None

    def default(argument: str) -> Any:
        needed = required if isinstance(required, bool) else argument in required
        return inspect.Parameter.empty if needed else strawberry.UNSET

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)] + [
        inspect.Parameter(
            argument,
            inspect.Parameter.KEYWORD_ONLY,
            default=default(argument),
            annotation=annotation,
        )
        for argument, annotation in arguments.items()
    ]
    resolver.__signature__ = inspect.Signature(parameters, return_annotation=result)  # type: ignore[attr-defined]
    resolver.__annotations__ = {**arguments, "return": result}
    resolver.__name__ = name
    return resolver


TYPES = _Types()
