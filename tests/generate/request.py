"""Random documents over everything that the schema offers, with variables.

The guide tells what is stored and what the actor may do, so that most requests hit something; the
writer goes against it now and then.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

from models.graph.graph import COMPUTED, GRAPH, Leaf, Type
from tests.generate.dice import Dice
from tests.generate.town import TEXTS, values_of
from tests.oracle.operands import order_word
from tests.oracle.schema import noun_of

READ, LIST, MATCH, SEARCH = "read", "list", "match", "search"
META = "__typename"
BOOLEAN: Any = GraphQLNonNull(GraphQLBoolean)
IDENTITY: Any = GraphQLNonNull(GraphQLID)


@dataclass(frozen=True, slots=True)
class Guide:
    """What is stored, and what the actor may do.

    `keys` and `values` (of a column, by its leaf's coordinate) are those in the tables.
    """

    keys: Mapping[str, Sequence[Any]]
    values: Mapping[str, Sequence[Any]]
    numbers: Sequence[str]
    node_id: Callable[[str, Any], str]
    may: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Written:
    """A document with its variables."""

    document: str
    variables: dict[str, Any]


class Writer:
    """Writes one document. `fields`: about how many fields it may have."""

    def __init__(self, dice: Dice, schema: GraphQLSchema, guide: Guide, fields: int = 24) -> None:
        self.dice, self.schema, self.guide = dice, schema, guide
        self.left = fields
        self.variables: dict[str, Any] = {}
        self.declared: list[str] = []
        self.fragments: list[tuple[str, str, str]] = []
        self.taken: set[str] = set()
        self.aliases = 0
        self.names = 0
        self.constant = False
        self.stranger = False

    def write(self) -> Written:
        """A query of one root field or a few."""
        query = self.schema.query_type
        assert query is not None
        roots = [self._root(query) for _ in range(self.dice.pick([1, 1, 1, 1, 1, 2, 3]))]
        if self.dice.chance(5):
            roots.append(self.dice.pick([META, "__schema { queryType { name } }"]))
        head = f"({', '.join(self.declared)})" if self.declared else ""
        named = f"query Q{head} " if head or self.dice.chance(20) else ""
        fragments = [f"fragment {name} on {on} {body}" for name, on, body in self.fragments]
        document = "\n".join([f"{named}{{ {' '.join(roots)} }}", *fragments])
        return Written(document, self.variables)

    def one(self, type_name: str, key: Any, more: str = "") -> Written:
        """A query of one row by its id, whatever the actor may see of it. `more`: select it too."""
        selected = f"{{ {more} ... {self._selection(self._object(type_name), READ, 4)} }}"
        id_ = self._as_variable(IDENTITY, self.guide.node_id(type_name, key))
        fragments = [f"fragment {name} on {on} {body}" for name, on, body in self.fragments]
        node = f"node(id: {id_}) {{ ... on {type_name} {selected} }}"
        head = f"query ({', '.join(self.declared)})"
        return Written("\n".join([f"{head} {{ {node} }}", *fragments]), self.variables)

    # -- selections --------------------------------------------------------------------------------

    def _root(self, query: GraphQLObjectType) -> str:
        rows = [name for name in query.fields if name not in COMPUTED]
        wanted = [
            name
            for name in rows
            for field in (query.fields[name],)
            if self._fits(f"Query.{name}", READ, LIST)
            for _ in range(_weight(field))
        ]
        name = self.dice.pick(rows if self.dice.chance(10) else wanted)
        action = LIST if _is_connection(query.fields[name]) else READ
        return self._field(query, name, action, 6)

    def _field(self, parent: GraphQLObjectType, name: str, action: str, depth: int) -> str:
        field = parent.fields[name]
        target = get_named_type(field.type)
        self.left -= 1
        plain = is_leaf_type(target) or not field.args
        key = "" if self._keeps_name(name, plain) else f"{self._alias()}: "
        if parent is self.schema.query_type and name == "node":
            return self._node(key, depth)
        arguments = self._arguments(parent, field)
        selection = ""
        if isinstance(target, GraphQLObjectType):
            noun = noun_of(parent.name)
            edge = GRAPH.types[noun].edges.get(name) if noun in GRAPH.types else None
            inner = LIST if edge is not None and edge.other_person else action
            selection = f" {self._selection(target, inner, depth - 1)}"
        return f"{key}{name}{arguments}{self._directive()}{selection}"

    def _keeps_name(self, name: str, plain: bool) -> bool:
        """Whether a field goes without an alias: what has arguments only once in a document."""
        if self.stranger or (self.dice.chance(12) and self.aliases < 12):
            return False
        if plain:
            return True
        fresh = name not in self.taken
        self.taken.add(name)
        return fresh

    def _alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def _selection(self, type_: GraphQLObjectType, action: str, depth: int) -> str:
        chosen = [
            self._wrapped(type_, name, action, depth) for name in self._names(type_, action, depth)
        ]
        if self.dice.chance(6):
            chosen.append(META)
        return f"{{ {' '.join(chosen or [META])} }}"

    def _names(self, type_: GraphQLObjectType, action: str, depth: int) -> Iterator[str]:
        if type_.name.endswith("Connection"):
            lists = ["nodes", "nodes", *(["edges"] if "edges" in type_.fields else [])]
            yield self.dice.pick(lists)
            yield from self.dice.sample(["totalCount", "pageInfo", lists[-1]], 2)
            return
        if type_.name.endswith("Edge"):
            yield from ("node", "cursor")
            return
        if type_.name == "ObjectPrivacy":
            yield from self.dice.sample(["hidden", "obligation"], 2)
            return
        names = list(type_.fields)
        if depth <= 0 or self.left <= 0:
            names = [
                name for name in names if is_leaf_type(get_named_type(type_.fields[name].type))
            ]
        allowed = [name for name in names if self._fits(f"{noun_of(type_.name)}.{name}", action)]
        for _ in range(1 + self.dice.below(5)):
            yield self._one_of(type_, names if self.dice.chance(25) or not allowed else allowed)

    def _one_of(self, type_: GraphQLObjectType, names: Sequence[str]) -> str:
        """A field: half of the time its class is chosen first, as most classes have few fields."""
        if self.dice.chance(50):
            return self.dice.pick(names)
        classes = {name: GRAPH.classes.get(f"{noun_of(type_.name)}.{name}", ()) for name in names}
        chosen = self.dice.pick(sorted(set(classes.values())))
        return self.dice.pick([name for name in names if classes[name] == chosen])

    def _fits(self, coordinate: str, *actions: str) -> bool:
        if coordinate not in GRAPH.classes:
            return True
        return any(self.guide.may(coordinate, action) for action in actions)

    def _wrapped(self, type_: GraphQLObjectType, name: str, action: str, depth: int) -> str:
        field = self._field(type_, name, action, depth)
        if not self.dice.chance(16):
            return field
        if not self.stranger and self.dice.chance(50):
            return self._spread(type_, field)
        on = self.dice.pick(["", f" on {type_.name}"])
        if type_.interfaces and self.dice.chance(30):
            return f"{field} ... on Node{self._directive()} {{ id {META} }}"
        return f"...{on}{self._directive()} {{ {field} }}"

    def _spread(self, type_: GraphQLObjectType, field: str) -> str:
        known = [name for name, on, _ in self.fragments if on == type_.name]
        if known and self.dice.chance(40):
            return f"{field} ...{self.dice.pick(known)}{self._directive()}"
        self.names += 1
        name = f"F{self.names}"
        self.fragments.append((name, type_.name, f"{{ {field} }}"))
        return f"...{name}{self._directive()}"

    def _node(self, key: str, depth: int) -> str:
        types = [name for name in GRAPH.types if self.guide.keys[name]]
        allowed = [name for name in types if self.guide.may(name, READ)]
        name = self.dice.pick(types if self.dice.chance(15) or not allowed else allowed)
        parts = [f"... on {name} {self._selection(self._object(name), READ, depth - 1)}"]
        if self.dice.chance(20):
            # Fields of two types share one place: only aliases keep them apart.
            self.stranger = True
            other = self.dice.pick(sorted(set(GRAPH.types) - {name}))
            parts.append(f"... on {other} {self._selection(self._object(other), READ, 0)}")
            self.stranger = False
        parts += self.dice.sample(["id", META], 1)
        id_ = self._value(IDENTITY, self._id(name))
        return f"{key}node(id: {id_}) {{ {' '.join(parts)} }}"

    def _object(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def _directive(self) -> str:
        if not self.dice.chance(7):
            return ""
        name, value = self.dice.pick([("include", True), ("skip", False), ("skip", True)])
        return f" @{name}(if: {self._value(BOOLEAN, value, often=True)})"

    # -- arguments ---------------------------------------------------------------------------------

    def _arguments(self, parent: GraphQLObjectType, field: GraphQLField) -> str:
        given = []
        for name, argument in field.args.items():
            text = self._argument(parent, field, name, argument)
            if text is not None:
                given.append(f"{name}: {text}")
        return f"({', '.join(given)})" if given else ""

    def _argument(
        self, parent: GraphQLObjectType, field: GraphQLField, name: str, argument: GraphQLArgument
    ) -> str | None:
        if name == "after":
            return self._after() if self.dice.chance(60) else None
        if name == "first":
            pages = [3, 1, 2, 0, 5, 200]
            first = self.dice.pick([-1, 201]) if self.dice.chance(6) else self.dice.pick(pages)
            return self._value(argument.type, first) if self.dice.chance(45) else None
        if name == "filter":
            if not self.dice.chance(45):
                return None
            tree = self._filter(_listed(field), get_named_type(argument.type), 2)
            return self._value(argument.type, tree)
        if name == "orderBy":
            return self._value(argument.type, self._order(field)) if self.dice.chance(35) else None
        if name == "individualNumber":
            number = self.dice.pick([*self.guide.numbers, "123456789012"])
            return self._value(argument.type, number, often=not self.dice.chance(5))
        if name == "code":
            codes = self.guide.keys["Addressee"]
            code = self.dice.pick(TEXTS if self.dice.chance(8) or not codes else codes)
            return self._value(argument.type, code)
        return self._value(argument.type, self._id(get_named_type(field.type).name))

    def _id(self, type_name: str) -> str:
        if self.dice.chance(6):
            return self.dice.pick(["", "AAAA", "not an id"])
        if self.dice.chance(6):
            type_name = self.dice.pick(sorted(GRAPH.types))
        keys = self.guide.keys[type_name]
        if not keys:
            return self.guide.node_id("Account", 10**9)
        return self.guide.node_id(type_name, self.dice.pick(keys))

    def _after(self) -> str:
        """A variable that later requests bring a cursor in."""
        self.names += 1
        name = f"after{self.names}"
        self.declared.append(f"${name}: String")
        if self.dice.chance(4):
            self.variables[name] = "AAAA"
        return f"${name}"

    def _order(self, field: GraphQLField) -> list[dict[str, str]]:
        type_ = _listed(field)
        order = self.schema.type_map[f"{type_.name}OrderField"]
        assert isinstance(order, GraphQLEnumType)
        leaves = {order_word(leaf): leaf for leaf in type_.operands()}
        words = list(order.values)
        allowed = [word for word in words if self.guide.may(leaves[word].coordinate, SEARCH)]
        terms: list[dict[str, str]] = []
        if not allowed and not self.dice.chance(10):
            return terms
        for _ in range(1 + self.dice.below(2)):
            word = self.dice.pick(words if self.dice.chance(3) or not allowed else allowed)
            if any(term["field"] == word for term in terms) and not self.dice.chance(5):
                continue
            terms.append({"field": word})
            if self.dice.chance(60):
                terms[-1]["direction"] = self.dice.pick(["ASC", "DESC"])
        return terms

    # -- filters -----------------------------------------------------------------------------------

    def _filter(self, type_: Type, given: Any, depth: int) -> dict[str, Any]:
        assert isinstance(given, GraphQLInputObjectType)
        leaves: dict[str, Any] = {}
        for leaf in type_.operands():
            part = next(
                (name for name, (_, inner) in type_.parts.items() if leaf in inner.values()), None
            )
            leaves[f"{part}.{leaf.name}" if part else leaf.name] = leaf
        allowed = [
            name
            for name, leaf in leaves.items()
            if self.guide.may(leaf.coordinate, MATCH) or self.guide.may(leaf.coordinate, SEARCH)
        ]
        tree: dict[str, Any] = {}
        if not allowed and not self.dice.chance(10):
            return tree
        for _ in range(self.dice.pick([1, 1, 2, 2, 0])):
            if depth and self.dice.chance(35):
                word = self.dice.pick(["not", "and", "or"])
                tree[word] = (
                    self._filter(type_, given, depth - 1)
                    if word == "not"
                    else [self._filter(type_, given, depth - 1) for _ in range(self.dice.below(3))]
                )
                continue
            name = self.dice.pick(list(leaves) if self.dice.chance(2) or not allowed else allowed)
            part, _, inner = name.rpartition(".")
            leaf = leaves[name]
            operand = given.fields[part or name].type
            operators = get_named_type(operand)
            if part:
                operators = get_named_type(operators.fields[inner].type)
                tree.setdefault(part, {})[inner] = self._operators(leaf, operators)
            else:
                tree[name] = self._operators(leaf, operators)
        return tree

    def _operators(self, leaf: Leaf, operators: GraphQLInputObjectType) -> dict[str, Any]:
        names = list(operators.fields)
        allowed = [
            name
            for name in names
            if self.guide.may(leaf.coordinate, MATCH if name in ("eq", "in", "isNull") else SEARCH)
        ]
        found: dict[str, Any] = {}
        for _ in range(self.dice.pick([1, 1, 1, 2])):
            name = self.dice.pick(names if self.dice.chance(2) or not allowed else allowed)
            found[name] = self._operand(leaf, name)
        if self.dice.chance(2):
            found[self.dice.pick(names)] = None
        return found if not self.dice.chance(1) else {}

    def _operand(self, leaf: Leaf, operator: str) -> Any:
        if operator == "isNull":
            return self.dice.chance(50)
        stored = self.guide.values[leaf.coordinate]
        pool = values_of(leaf.column) if self.dice.chance(25) or not stored else stored
        if leaf.label.folded and self.dice.chance(40):
            pool = TEXTS
        if operator == "in":
            found = [self.dice.pick(pool) for _ in range(self.dice.pick([1, 2, 3, 0]))]
            return found[0] if found and self.dice.chance(10) else found
        value = self.dice.pick(pool)
        return value[: self.dice.below(len(value) + 1)] if operator == "prefix" else value

    # -- values ------------------------------------------------------------------------------------

    def _value(self, type_: Any, value: Any, *, often: bool = False) -> str:
        """A literal, or a variable that brings the value."""
        if not self.constant and self.dice.chance(95 if often else 14):
            return self._as_variable(type_, value)
        return self._literal(type_, value)

    def _literal(self, type_: Any, value: Any) -> str:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if value is None:
            return "null"
        if isinstance(type_, GraphQLList):
            if not isinstance(value, list):
                # One value stands for a list of one, but no variable does.
                return self._literal(type_.of_type, value)
            return f"[{', '.join(self._value(type_.of_type, item) for item in value)}]"
        if isinstance(type_, GraphQLInputObjectType):
            entries = (
                f"{name}: {self._value(type_.fields[name].type, inner)}"
                for name, inner in value.items()
            )
            return f"{{{', '.join(entries)}}}"
        if isinstance(type_, GraphQLEnumType):
            return str(value)
        return json.dumps(_wire(value), ensure_ascii=False)

    def _as_variable(self, type_: Any, value: Any) -> str:
        self.names += 1
        name = f"v{self.names}"
        nullable = not isinstance(type_, GraphQLNonNull)
        declared = str(type_)
        if nullable and value is not None and self.dice.chance(25):
            declared, nullable = f"{declared}!", False
        if nullable and self.dice.chance(10):
            self.constant = True
            declared += f" = {self._value(type_, value)}"
            self.constant = False
        elif nullable and self.dice.chance(5):
            self.variables[name] = None
        elif not nullable or not self.dice.chance(5):
            self.variables[name] = to_json(value)
        self.declared.append(f"${name}: {declared}")
        return f"${name}"


def _weight(field: GraphQLField) -> int:
    """Roots are chosen by how much there is to see behind them."""
    type_ = GRAPH.types.get(_noun(field))
    return 3 if type_ is None else 2 + (len(type_.leaves) + len(type_.edges)) // 8


def _is_connection(field: GraphQLField) -> bool:
    return get_named_type(field.type).name.endswith("Connection")


def _listed(field: GraphQLField) -> Type:
    return GRAPH.types[_noun(field)]


def _noun(field: GraphQLField) -> str:
    return noun_of(get_named_type(field.type).name.removesuffix("Connection"))


def _wire(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        value = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, dt.date) else value


def to_json(value: Any) -> Any:
    """A value as a variable brings it."""
    if isinstance(value, dict):
        return {name: to_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [to_json(inner) for inner in value]
    return _wire(value)
