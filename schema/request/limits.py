"""Bounds on a document, before it is validated: what a hostile one may cost.

Everything is counted on the expanded operation, as fragments hide aliases and fields from a count
on the text (CVE-2026-47707). The expansion itself is never written out: each fragment's totals are
counted once, so sixty fragments that double each other cost sixty steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    parse,
)

from authz.errors import BadInput
from schema.request.errors import PARSE_FAILED, VALIDATION_FAILED, InvalidRequest

LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
_EXECUTABLE = (OperationDefinitionNode, FragmentDefinitionNode)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document.

    The widest document of use, everything that hangs on an addressee once, has 6 KB, 720 tokens and
    640 fields on 8 levels; the introspection query of the common tools 230 fields on 14.
    """

    tokens: int = 3_000
    definitions: int = 60
    directives: int = 5
    """On one field, fragment, operation or variable."""
    depth: int = 15
    introspection_depth: int = 20
    """Below `__schema` or `__type`."""
    fields: int = 1_500
    aliases: int = 30
    root_fields: int = 15
    mutations: int = 1
    """Root fields of a mutation: one request must not try many passwords."""
    selections: int = 3_000
    """Fields, spreads and inline fragments of all definitions, each expanded by itself."""
    same_name_pairs: int = 1_000
    """Pairs of fields with one response name in one place: validation compares each pair."""
    nesting_of_selections: int = 80
    """Fields and fragments inside each other: keeps the counting itself from nesting deeply."""
    nesting: int = 20
    """Lists and objects inside each other in a variable's value."""


DEFAULT_LIMITS = Limits()


def parse_document(text: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """Parse. Raises `InvalidRequest` for a syntax error, `BadInput` for too many tokens."""
    try:
        document = parse(text, max_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if error.message.endswith("nested too deeply. Parsing aborted."):
            raise BadInput("The document is nested too deeply.", LIMIT_EXCEEDED) from None
        if error.message.endswith("Parsing aborted."):
            raise _exceeded("tokens", limits.tokens) from None
        raise InvalidRequest(PARSE_FAILED, [error]) from None
    if "\\u" in text:
        check_texts(list(_literals(document)))
    return document


def _literals(document: DocumentNode) -> Iterator[str]:
    token = document.loc.start_token if document.loc else None
    while token is not None:
        yield token.value or ""
        token = token.next


def check_texts(value: Any) -> None:
    """Raise `BadInput` where a text holds U+0000, however it was written: PostgreSQL's text has no
    such character, SQLite's has, and nobody may tell them apart."""
    if isinstance(value, str):
        if "\x00" in value:
            raise BadInput("The character U+0000 is not taken.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_texts(name)
            check_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_texts(inner)


def check_document(document: DocumentNode, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `BadInput` with `LIMIT_EXCEEDED` where the document passes a bound.

    Circular and doubly defined fragments raise `InvalidRequest`: there is nothing to count in them.
    Everything else about validity is left to validation.
    """
    if len(document.definitions) > limits.definitions:
        raise _exceeded("definitions", limits.definitions)
    counter = _Counter(limits, _fragments(document))
    counter.count(document)
    for definition in document.definitions:
        if isinstance(definition, _EXECUTABLE):
            counter.compare([definition.selection_set])


def check_nesting(value: Any, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `BadInput` where lists and objects of a variable's value nest too deeply."""
    level: list[Any] = [value]
    for _ in range(limits.nesting + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _exceeded("levels in the variables", limits.nesting)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _exceeded(what: str, at_most: int) -> BadInput:
    return BadInput(f"A request may have at most {at_most} {what}.", LIMIT_EXCEEDED)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            name = definition.name.value
            if fragments.setdefault(name, definition) is not definition:
                raise _invalid(f"There can be only one fragment named '{name}'.", definition)
    return fragments


def _invalid(message: str, node: Node) -> InvalidRequest:
    return InvalidRequest(VALIDATION_FAILED, [GraphQLError(message, node)])


@dataclass(slots=True)
class _Size:
    """Totals of an expanded selection set. `below_meta` is the depth under `__schema`, `__type`."""

    fields: int = 0
    aliases: int = 0
    roots: int = 0
    selections: int = 0
    depth: int = 0
    below_meta: int = 0

    def add(self, other: _Size) -> None:
        """Put another part beside this one."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.roots += other.roots
        self.selections += other.selections
        self.depth = max(self.depth, other.depth)
        self.below_meta = max(self.below_meta, other.below_meta)


class _Counter:
    def __init__(self, limits: Limits, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.limits = limits
        self.fragments = fragments
        self.sizes: dict[str, _Size] = {}
        self.open: set[str] = set()
        self.pairs = 0

    def count(self, document: DocumentNode) -> None:
        """Check every bound but the pairs."""
        limits, total = self.limits, 0
        for definition in document.definitions:
            size = self.definition(definition)
            total += size.selections
            at_most(size.roots, self.roots(definition), "fields at the root")
            at_most(size.depth, limits.depth, "levels of fields")
            at_most(size.below_meta, limits.introspection_depth, "levels of introspection")
            at_most(total, limits.selections, "selections")

    def roots(self, definition: DefinitionNode) -> int:
        mutates = (
            isinstance(definition, OperationDefinitionNode)
            and definition.operation is OperationType.MUTATION
        )
        return self.limits.mutations if mutates else self.limits.root_fields

    def definition(self, definition: DefinitionNode) -> _Size:
        if isinstance(definition, FragmentDefinitionNode):
            size = self.fragment(definition.name.value, definition, 0)
            # Its own depth and roots count where it is spread.
            return _Size(selections=size.selections)
        if not isinstance(definition, OperationDefinitionNode):
            return _Size()
        self.directives(definition)
        for variable in definition.variable_definitions or ():
            self.directives(variable)
        return self.selection_set(definition.selection_set, 0)

    def directives(self, node: Any) -> None:
        at_most(len(node.directives or ()), self.limits.directives, "directives in one place")

    def fragment(self, name: str, spread: Node, above: int) -> _Size:
        """Totals of a fragment, counted once."""
        if name in self.open:
            raise _invalid(f"Cannot spread fragment '{name}' within itself.", spread)
        if name not in self.fragments:
            return _Size()
        if name not in self.sizes:
            self.directives(self.fragments[name])
            self.open.add(name)
            self.sizes[name] = self.selection_set(self.fragments[name].selection_set, above + 1)
            self.open.remove(name)
        return self.sizes[name]

    def selection_set(self, selection_set: SelectionSetNode, above: int) -> _Size:
        """Totals of a set `above` fields and fragments deep; raises once a bound is passed."""
        limits, size = self.limits, _Size()
        at_most(above, limits.nesting_of_selections, "levels")
        for selection in selection_set.selections:
            self.directives(selection)
            size.add(self.selection(selection, above))
            size.selections += 1
            at_most(size.selections, limits.selections, "selections")
        at_most(size.fields, limits.fields, "fields")
        at_most(size.aliases, limits.aliases, "aliases")
        return size

    def selection(self, selection: SelectionNode, above: int) -> _Size:
        if isinstance(selection, FieldNode):
            return self.field(selection, above)
        if isinstance(selection, InlineFragmentNode):
            return self.selection_set(selection.selection_set, above + 1)
        if isinstance(selection, FragmentSpreadNode):
            return self.fragment(selection.name.value, selection, above)
        return _Size()

    def field(self, node: FieldNode, above: int) -> _Size:
        size = _Size()
        if node.selection_set is not None:
            size = self.selection_set(node.selection_set, above + 1)
        meta = node.name.value in ("__schema", "__type")
        return _Size(
            fields=size.fields + 1,
            aliases=size.aliases + (node.alias is not None),
            roots=1,
            selections=size.selections,
            depth=1 if meta else size.depth + 1,
            below_meta=size.depth if meta else size.below_meta,
        )

    def compare(self, together: Sequence[SelectionSetNode]) -> None:
        """Count the pairs of fields that share a response name in one place."""
        places: dict[str, list[FieldNode]] = {}
        for node in self.fields(together):
            name = (node.alias or node.name).value
            places.setdefault(name, []).append(node)
        for nodes in places.values():
            self.pairs += len(nodes) * (len(nodes) - 1) // 2
            at_most(self.pairs, self.limits.same_name_pairs, "pairs of fields with the same name")
            below = [node.selection_set for node in nodes if node.selection_set is not None]
            if below:
                self.compare(below)

    def fields(self, together: Sequence[SelectionSetNode]) -> Iterator[FieldNode]:
        """The fields of one place with all fragments spread (few: they are counted already)."""
        waiting = list(together)
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, FieldNode):
                    yield selection
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode):
                    fragment = self.fragments.get(selection.name.value)
                    if fragment is not None:
                        waiting.append(fragment.selection_set)


def at_most(found: int, limit: int, what: str) -> None:
    """Raise `BadInput` with `LIMIT_EXCEEDED` where more is found than the limit."""
    if found > limit:
        raise _exceeded(what, limit)
