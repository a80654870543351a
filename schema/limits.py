"""Bounds on a document, before it is validated: what a hostile one may cost.

Everything is counted on the expanded operation, as fragments hide aliases and fields from a count
on the text (CVE-2026-47707). The expansion itself is never written out: each fragment's totals are
counted once, so sixty fragments that double each other cost sixty steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from authz.errors import BadInput
from schema.errors import PARSE_FAILED, InvalidRequest

LIMIT_EXCEEDED = "LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one document.

    The widest document of use, every record item of an addressee with accounts, collections and
    receipts, has about 400 fields on 11 levels; the introspection query of the common tools has
    about 350 on 16.
    """

    tokens: int = 5_000
    definitions: int = 60
    directives: int = 5
    """On one field, fragment, operation or variable."""
    depth: int = 15
    introspection_depth: int = 20
    """Below `__schema` or `__type`."""
    fields: int = 1_000
    aliases: int = 30
    root_fields: int = 15
    selections: int = 3_000
    """Fields, spreads and inline fragments of all definitions, each expanded by itself."""
    same_name_pairs: int = 1_000
    """Pairs of fields with one response name in one place: validation compares each pair."""
    nesting: int = 20
    """Lists and objects inside each other in a variable's value."""


DEFAULT_LIMITS = Limits()


def parse_document(text: str, limits: Limits = DEFAULT_LIMITS) -> DocumentNode:
    """Parse. Raises `InvalidRequest` for a syntax error, `BadInput` for too many tokens."""
    try:
        return parse(text, max_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if error.message.endswith("Parsing aborted."):
            raise _exceeded("The document is too long or nested too deeply.") from None
        raise InvalidRequest(PARSE_FAILED, [error]) from None


def check_document(document: DocumentNode, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `BadInput` with `LIMIT_EXCEEDED` where the document passes a bound.

    Says nothing of validity: undefined, unused and circular fragments are left to validation.
    """
    if len(document.definitions) > limits.definitions:
        raise _exceeded(f"A document may have at most {limits.definitions} definitions.")
    _Count(document, limits).check()


def check_nesting(value: Any, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `BadInput` where lists and objects of a variable's value nest too deeply."""
    level: list[Any] = [value]
    for _ in range(limits.nesting + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise _exceeded("The variables are nested too deeply.")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _exceeded(message: str) -> BadInput:
    return BadInput(message, LIMIT_EXCEEDED)


@dataclass(slots=True)
class _Size:
    """Totals of an expanded selection set."""

    fields: int = 0
    aliases: int = 0
    roots: int = 0
    selections: int = 0
    depth: int = 0

    def add(self, other: _Size) -> None:
        """Put a part on the same level beside this one."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.roots += other.roots
        self.selections += other.selections
        self.depth = max(self.depth, other.depth)


_Selectable = FieldNode | FragmentSpreadNode | InlineFragmentNode


@dataclass(slots=True)
class _Count:
    document: DocumentNode
    limits: Limits
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    sizes: dict[str, _Size] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    pairs: int = 0

    def check(self) -> None:
        for definition in self.document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                self.fragments[definition.name.value] = definition
        everything = 0
        for definition in self.document.definitions:
            everything += self.definition(definition).selections
            self.bound(everything, self.limits.selections, "selections")
        for definition in self.document.definitions:
            if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
                self.compare([definition.selection_set])

    def definition(self, definition: object) -> _Size:
        if isinstance(definition, FragmentDefinitionNode):
            return self.fragment(definition.name.value, 0)
        if not isinstance(definition, OperationDefinitionNode):
            return _Size()
        self.directives(definition)
        for variable in definition.variable_definitions or ():
            self.directives(variable)
        size = self.selection_set(definition.selection_set, 0)
        self.bound(size.roots, self.limits.root_fields, "root fields")
        return size

    def fragment(self, name: str, above: int) -> _Size:
        """Totals of a fragment, counted once; a circular spread counts nothing."""
        if name not in self.sizes:
            fragment = self.fragments.get(name)
            if fragment is None or name in self.open:
                return _Size()
            self.directives(fragment)
            self.open.add(name)
            self.sizes[name] = self.selection_set(fragment.selection_set, above)
            self.open.remove(name)
        return self.sizes[name]

    def selection_set(self, selection_set: SelectionSetNode, above: int) -> _Size:
        """Totals of a set that hangs `above` levels deep; raises as soon as a bound is passed."""
        self.bound(above, max(self.limits.depth, self.limits.introspection_depth), "levels")
        size = _Size()
        for selection in selection_set.selections:
            self.directives(selection)
            size.add(self.selection(selection, above))
            size.selections += 1
            self.bound(size.selections, self.limits.selections, "selections")
        self.bound(size.fields, self.limits.fields, "fields")
        self.bound(size.aliases, self.limits.aliases, "aliases")
        self.bound(size.depth, self.limits.depth, "levels")
        return size

    def selection(self, selection: object, above: int) -> _Size:
        if isinstance(selection, FieldNode):
            return self.field_node(selection, above)
        if isinstance(selection, InlineFragmentNode):
            return self.selection_set(selection.selection_set, above)
        if isinstance(selection, FragmentSpreadNode):
            return self.fragment(selection.name.value, above)
        return _Size()

    def field_node(self, node: FieldNode, above: int) -> _Size:
        size = _Size(fields=1, aliases=int(node.alias is not None), roots=1, depth=1)
        if node.selection_set is None:
            return size
        introspection = node.name.value in ("__schema", "__type")
        inside = (
            self.introspection(node.selection_set)
            if introspection
            else self.selection_set(node.selection_set, above + 1)
        )
        size.fields += inside.fields
        size.aliases += inside.aliases
        size.selections += inside.selections
        size.depth += 0 if introspection else inside.depth
        return size
