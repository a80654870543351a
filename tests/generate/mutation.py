"""Random mutations: which, with what input, and what their payload shows.

Inputs are drawn from what is stored: rows in any state, of anybody, some that are not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from models.facts import CLASSES
from models.store.first_content import SECTIONS
from schema.mutations.root import SESSION
from tests.generate.dice import Dice
from tests.generate.policy import ROLES, random_line
from tests.generate.request import READ, Guide, Writer, Written
from tests.generate.town import DAYS, TEXTS

IDENTIFIED = {
    "measureId": "ProtectiveMeasure",
    "exclusionId": "HouseholdExclusion",
    "liftId": "Lift",
    "proposalId": "SubstituteAddressProposal",
    "proposal": "StaffProposal",
    "draft": "PolicyDraft",
}
"""Inputs that name a row by its opaque id: of which type."""
WITHHELD = sorted(code for code, class_ in CLASSES.items() if class_.withheld)
POOLS: Mapping[str, Sequence[Any]] = {
    "reason": ["because", "because", "because", "理由", " "],
    "title": ["a draft", "甲", ""],
    "name": ["甲", "a name", ""],
    "receivedBy": ["甲", ""],
    "postalCode": ["0850000", "0850000", "1"],
    "address": ["局留", "釧路市役所気付", "釧路市北大通1番1号", ""],
    "recipient": ["釧路市役所", "局留", ""],
    "decidingMunicipalityCode": ["012068", "012068", "012061"],
    "uses": [1, 2, 100, 0],
    "version": [2, 1, 3],
    "csv": ["p, role:collection-clerk, purpose:consultation, class:contact, read, allow", "?"],
    "digest": ["0" * 64],
    "section": sorted(SECTIONS),
    "role": ROLES,
    "classes": [*WITHHELD, *WITHHELD, "name"],
    "flag": ["DV_FLAG", "NEGLECT_FLAG", "DV_FLAG", "NEGLECT_FLAG", "GUARDIANSHIP"],
}
LINES = ("PolicyLineInput", "PolicyLineKeyInput")


def mutations(schema: GraphQLSchema) -> list[str]:
    """Every mutation of the schema but those about the session itself."""
    assert schema.mutation_type is not None
    return sorted(set(schema.mutation_type.fields) - SESSION)


class MutationWriter(Writer):
    """Writes one mutation. `recent`: rows to prefer, by type; `at`: the instant that it is.

    `named`: keys and codes that the input names, whatever of.
    """

    def __init__(
        self,
        dice: Dice,
        schema: GraphQLSchema,
        guide: Guide,
        recent: Mapping[str, Any],
        at: dt.datetime,
    ) -> None:
        super().__init__(dice, schema, guide, fields=10)
        self.recent, self.at = recent, at
        self.named: set[Any] = set()
        self.hires = False

    def change(self, name: str) -> Written:
        """A document with this one mutation."""
        mutation = self.schema.mutation_type
        assert mutation is not None
        self.hires = name.startswith("hire")
        field = self._field(mutation, name, READ, 5)
        head = f" ({', '.join(self.declared)})" if self.declared else ""
        fragments = [f"fragment {name} on {on} {body}" for name, on, body in self.fragments]
        return Written("\n".join([f"mutation{head} {{ {field} }}", *fragments]), self.variables)

    def _argument(
        self, parent: GraphQLObjectType, field: GraphQLField, name: str, argument: GraphQLArgument
    ) -> str | None:
        if parent is not self.schema.mutation_type:
            return super()._argument(parent, field, name, argument)
        given = get_named_type(argument.type)
        assert isinstance(given, GraphQLInputObjectType)
        return self._value(argument.type, self._input(given), often=True)

    def _input(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        if type_.name in LINES:
            line = random_line(self.dice)
            return {name: getattr(line, name) for name in type_.fields if name != "note"}
        return {
            name: self._given(name, field.type)
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull) or self.dice.chance(45)
        }

    def _given(self, name: str, type_: Any) -> Any:
        if not isinstance(type_, GraphQLNonNull) and self.dice.chance(8):
            return None
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            count = self.dice.pick([1, 2, 0]) if name != "classes" else 1 + self.dice.below(4)
            return [self._one(name, get_named_type(inner)) for _ in range(count)]
        return self._one(name, inner)

    def _one(self, name: str, type_: Any) -> Any:
        if name in IDENTIFIED:
            return self._identified(IDENTIFIED[name])
        if isinstance(type_, GraphQLInputObjectType):
            return self._input(type_)
        if isinstance(type_, GraphQLEnumType):
            words = list(type_.values)
            return self.dice.pick([each for each in POOLS.get(name, ()) if each in words] or words)
        if name in POOLS:
            return self.dice.pick(POOLS[name])
        if type_.name in PLAIN:
            return PLAIN[type_.name](self)
        return self._text(name)

    def _identified(self, type_name: str) -> str:
        """The id of a row: mostly one that was just written, or one that there is."""
        if self.dice.chance(5):
            return self.dice.pick(["", "AAAA", "not an id"])
        if self.dice.chance(5):
            type_name = self.dice.pick(sorted(IDENTIFIED.values()))
        keys = self.guide.keys[type_name]
        if type_name in self.recent and self.dice.chance(60):
            keys = [self.recent[type_name]]
        key = self.dice.pick(keys) if keys and not self.dice.chance(6) else 10**9
        self.named.add(key)
        return self.guide.node_id(type_name, key)

    def _text(self, name: str) -> str:
        """A code of somebody or something, or any text."""
        of = next((of for ending, of in CODED if name.endswith(ending)), None)
        pool: Sequence[str] = TEXTS
        if name == "code":
            pool = self.guide.values["Transfer.code"]
        elif of is not None:
            pool = self.guide.keys[of]
        if of is not None and self.dice.chance(60 if self.hires else 10):
            pool = [*TEXTS, "000000000000900", "000000000000901", "new-1", "new-2"]
        text: str = self.dice.pick(pool or TEXTS)
        self.named.add(text)
        return text


CODED = (
    ("definitionCode", "TransferDefinition"),
    ("Code", "Addressee"),
    ("otherPersons", "Addressee"),
    ("staffId", "StaffMember"),
    ("code", "Transfer"),
)
PLAIN: Mapping[str, Callable[[MutationWriter], Any]] = {
    "Boolean": lambda writer: writer.dice.chance(50),
    "Int": lambda writer: writer.dice.pick([1, 0, 2]),
    "Date": lambda writer: writer.dice.pick(DAYS),
    "DateTime": lambda writer: writer.at + dt.timedelta(days=writer.dice.pick([1, 2, 20, 40, -1])),
}
