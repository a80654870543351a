"""Introspection within bounds: it needs no session, so its answers must stay small.

What went wrong: types → fields → type → fields under twenty aliases is five kilobytes that make
thirteen megabytes. Each name once, and no type's members inside another type's members: that is
what every tool's query needs, and bounds the answer by the size of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from authz.errors import BadInput

MEMBERS = frozenset({"fields", "inputFields", "interfaces", "possibleTypes"})

Fragments = Mapping[str, FragmentDefinitionNode]


def check_introspection(operation: OperationDefinitionNode, fragments: Fragments) -> None:
    """Raises `BadInput` `LIMIT_EXCEEDED` for an alias or for members inside members."""
    _Walk(fragments).roots(operation.selection_set)


class _Walk:
    def __init__(self, fragments: Fragments) -> None:
        self.fragments = fragments
        self.seen: set[tuple[str, bool]] = set()

    def roots(self, selections: SelectionSetNode) -> None:
        """Looks at `__schema` and `__type`; data fields are bounded elsewhere."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if node.name.value.startswith("__") and node.selection_set:
                    self.inside(node.selection_set, False)
            elif isinstance(node, FragmentSpreadNode):
                self.roots(self.fragments[node.name.value].selection_set)
            else:
                self.roots(node.selection_set)  # type: ignore[attr-defined]

    def inside(self, selections: SelectionSetNode, in_members: bool) -> None:
        """`in_members`: above is a list of some type's members already."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self.field(node, in_members)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if (name, in_members) not in self.seen:
                    self.seen.add((name, in_members))
                    self.inside(self.fragments[name].selection_set, in_members)
            else:
                self.inside(node.selection_set, in_members)  # type: ignore[attr-defined]

    def field(self, node: FieldNode, in_members: bool) -> None:
        if node.alias is not None:
            raise BadInput("introspection takes no aliases", "LIMIT_EXCEEDED")
        members = node.name.value in MEMBERS
        if members and in_members:
            raise BadInput("introspection lists members of one type at a time", "LIMIT_EXCEEDED")
        if node.selection_set:
            self.inside(node.selection_set, in_members or members)
