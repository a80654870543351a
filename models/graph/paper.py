"""文書と区分: which sensitivity classes each kind of document may carry, and the types of what goes
out.

What goes out of the office has GraphQL types of its own, without `id` and no `Node`. A client's
cache merges rows by `id`: it would show on an open screen what a lift let out for one paper.

What went wrong elsewhere: a public notice carried the address of the person it was about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from models import facts
from models.graph.graph import GRAPH
from models.tables.issued_document import DocumentKind

PERSON = "Addressee"
NEVER = frozenset(
    {"individual-number", "individual-number-history", "other-number", "protection", "handling"}
)
"""On no paper, whatever is said: `handling` is for who makes the paper, not for who reads it."""


def may_go_out(*coordinates: str) -> bool:
    """Whether there is any paper at all that could carry them."""
    return all(NEVER.isdisjoint(GRAPH.classes[each]) for each in coordinates)


def _issued() -> Iterator[tuple[str, str]]:
    """Everything that a way from the person leads to without passing what never goes out."""
    pending, seen = [PERSON], {PERSON}
    while pending:
        name = pending.pop()
        type_ = GRAPH.types[name]
        yield name, "IssuedContent" if name == PERSON else f"Issued{name}"
        yield from ((part.type_name, f"Issued{part.type_name}") for part, _ in type_.parts.values())
        for edge in type_.edges.values():
            if edge.target not in seen and may_go_out(edge.coordinate, edge.target):
                seen.add(edge.target)
                pending.append(edge.target)


ISSUED: Mapping[str, str] = MappingProxyType(dict(_issued()))
"""A noun or a part of it, and the GraphQL type of what goes out of it."""

_SHOWN = {issued: name for name, issued in ISSUED.items()}


def shown_by(type_name: str) -> str:
    """The noun, or the part of one, that a GraphQL type shows."""
    return _SHOWN.get(type_name, type_name)


def carried() -> Mapping[str, frozenset[str]]:
    """The classes that each kind of document may carry (`models/facts/papers.csv`)."""
    found = {row["document"]: frozenset(row["classes"].split()) for row in facts.rows("papers")}
    assert set(found) <= set(DocumentKind)
    for classes in found.values():
        assert classes.isdisjoint(NEVER)
        assert classes <= set(facts.CLASSES)
    return MappingProxyType(found)


CARRIED = carried()
