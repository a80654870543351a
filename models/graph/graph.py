"""The registry that everything else walks: nouns, their fields and edges, as one immutable graph.

A *coordinate* is `Type.field`, or `Type` alone for the existence of a row. `GRAPH.classes` says for
each one which sensitivity classes it carries: this is what the policy decides on, and what the
start-up check holds complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.facts import CLASSES
from models.graph.edges import EDGES, Edge
from models.labels import Label, Noun, Part, camel, label_of, text
from models.tables.access_log import AccessLogRow, LoggedOperationRow
from models.tables.account import Account
from models.tables.addressee import (
    Addressee,
    Contact,
    ForwardingAddress,
    HouseholdMembership,
    RelatedAddressee,
    SpecialAddressee,
    UnionMembership,
)
from models.tables.collection import Collection, Receipt
from models.tables.handling import (
    Handling,
    HandlingNotice,
    SubstituteAddress,
    SubstituteAddressProposal,
)
from models.tables.lift import Lift
from models.tables.policy import PolicyDraft, PolicyDraftLine, PolicyLine, PolicyVersion
from models.tables.protective_measure import CoveredPerson, HouseholdExclusion, ProtectiveMeasure
from models.tables.staff import Staff, StaffProposal, StaffRole
from models.tables.transfer import Transfer, TransferCheck, TransferDefinition

MODELS: tuple[type[SQLModel], ...] = (
    Addressee,
    Account,
    Collection,
    Receipt,
    Transfer,
    TransferDefinition,
    TransferCheck,
    ForwardingAddress,
    SpecialAddressee,
    RelatedAddressee,
    HouseholdMembership,
    UnionMembership,
    Contact,
    Handling,
    SubstituteAddress,
    SubstituteAddressProposal,
    ProtectiveMeasure,
    CoveredPerson,
    HouseholdExclusion,
    Lift,
    HandlingNotice,
    PolicyVersion,
    PolicyLine,
    PolicyDraft,
    PolicyDraftLine,
    Staff,
    StaffRole,
    StaffProposal,
    AccessLogRow,
    LoggedOperationRow,
)


VAULT_FIELDS: tuple[tuple[str, Label, sa.types.TypeEngine[Any]], ...] = (
    (
        "individualNumber",
        Label(("individual-number",), "個人番号", "individual number, twelve digits", items=(1,)),
        text(12),
    ),
    (
        "individualNumberChangeReason",
        Label(
            ("individual-number-history",), "個人番号異動事由", "reason of a change of number",
            items=(2,),
        ),
        text(),
    ),
    (
        "individualNumberChangeDate",
        Label(
            ("individual-number-history",), "個人番号異動日", "day of a change", items=(3,)
        ),
        sa.Date(),
    ),
)  # fmt: skip
"""Fields of `Addressee` whose values live in the database of individual numbers."""


COMPUTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "policyStatus": ("policy",),
        "policyVocabulary": ("policy", "staff"),
        "policyMatrix": ("policy",),
        "policyFindings": ("policy",),
        "policyComparison": ("policy", "staff"),
        "policyUnion": ("policy",),
        "policyExplanation": ("policy", "staff"),
        "policyReplay": ("policy",),
        "policyExport": ("policy",),
    }
)
"""Root fields that show no row: what is worked out of the policy, and the classes of each.

`policyReplay` goes through the access log and tells shapes of requests alone: a declared release.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar field of a type. `vault`: its value lives in the numbers' own database."""

    type_name: str
    name: str
    column: sa.Column[Any]
    label: Label
    vault: bool = False

    @property
    def coordinate(self) -> str:
        """The schema coordinate, `Type.field`."""
        return f"{self.type_name}.{self.name}"

    @property
    def withheld(self) -> bool:
        """Whether the protection of a person of the row withholds it."""
        return any(CLASSES[code].withheld for code in self.label.classes)


@dataclass(frozen=True, slots=True)
class Type:
    """One GraphQL object type over a table: its leaves, embedded parts and edges by field name.

    `leaves` includes those of the parts, under `Part.field` names (`Residence.address`).
    """

    noun: Noun
    table: sa.Table
    leaves: Mapping[str, Leaf]
    parts: Mapping[str, tuple[Part, Mapping[str, Leaf]]]
    edges: Mapping[str, Edge]

    @property
    def name(self) -> str:
        """The GraphQL name of the type."""
        return self.noun.type_name

    @property
    def key(self) -> sa.Column[Any]:
        """The column that identifies a row."""
        return self.table.c[self.noun.key]

    def operands(self) -> Iterator[Leaf]:
        """The leaves for which a filter makes sense, those of parts included."""
        for leaf in self.leaves.values():
            if leaf.label.match:
                yield leaf
        for _, leaves in self.parts.values():
            for leaf in leaves.values():
                if leaf.label.match:
                    yield leaf


@dataclass(frozen=True, slots=True)
class Graph:
    """All types by name, and the classes of every coordinate."""

    types: Mapping[str, Type]
    classes: Mapping[str, tuple[str, ...]]

    def of_table(self, name: str) -> Type:
        """The type over a table."""
        return next(type_ for type_ in self.types.values() if type_.table.name == name)


def _vault_leaves(type_name: str) -> dict[str, Leaf]:
    return {
        name: Leaf(type_name, name, sa.Column(name, type_), label, vault=True)
        for name, label, type_ in VAULT_FIELDS
    }


def _leaves(table: sa.Table, type_name: str, part: str | None) -> dict[str, Leaf]:
    found: dict[str, Leaf] = {}
    for column in table.columns:
        label = label_of(column)
        if label.graphql is None or label.part != part:
            continue
        name = label.graphql or camel(column.name)
        found[name] = Leaf(type_name, name, column, label)
    return found


def _type(model: type[SQLModel]) -> Type:
    noun: Noun = model.noun  # type: ignore[attr-defined]
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    leaves = _leaves(table, noun.type_name, None)
    if model is Addressee:
        leaves |= _vault_leaves(noun.type_name)
    return Type(
        noun=noun,
        table=table,
        leaves=MappingProxyType(leaves),
        parts=MappingProxyType(
            {
                part.field: (part, MappingProxyType(_leaves(table, part.type_name, part.type_name)))
                for part in noun.parts
            }
        ),
        edges=MappingProxyType(
            {edge.field: edge for edge in EDGES if edge.source == noun.type_name}
        ),
    )


def _classes(types: Mapping[str, Type]) -> dict[str, tuple[str, ...]]:
    classes: dict[str, tuple[str, ...]] = {"Query.addresseeByIndividualNumber": ("identifier",)}
    classes |= {f"Query.{name}": joined for name, joined in COMPUTED.items()}
    for type_ in types.values():
        classes[type_.name] = type_.noun.existence
        for name in type_.noun.root:
            if name is not None:
                classes[f"Query.{name}"] = type_.noun.existence
        for leaf in type_.leaves.values():
            classes[leaf.coordinate] = leaf.label.classes
        for part, leaves in type_.parts.values():
            classes[f"{type_.name}.{part.field}"] = part.classes
            for leaf in leaves.values():
                classes[leaf.coordinate] = leaf.label.classes
        for edge in type_.edges.values():
            classes[edge.coordinate] = edge.classes
    return classes


def _graph() -> Graph:
    types = MappingProxyType({model.noun.type_name: _type(model) for model in MODELS})  # type: ignore[attr-defined]
    return Graph(types, MappingProxyType(_classes(types)))


GRAPH = _graph()

PROTECTED: frozenset[str] = frozenset(
    leaf.coordinate
    for type_ in GRAPH.types.values()
    for leaf in type_.leaves.values()
    if leaf.label.about
)
"""Coordinates whose value depends on the protection of another person of the row."""

MASKABLE: frozenset[str] = frozenset(
    leaf.coordinate
    for type_ in GRAPH.types.values()
    for leaves in (type_.leaves, *(leaves for _, leaves in type_.parts.values()))
    for leaf in leaves.values()
    if leaf.label.mask
)
"""Coordinates that have a masked form."""
