"""What may not stand in a substitute address (代替送付先): every place that it is to keep hidden.

It must not name a place of the person, of anybody tied to them, of a household that they left, or
of a counterparty and whoever acts for one, nor a counterparty. A place of somebody whom a measure
protects from them counts too. What comes to name one afterwards is shown to nobody until it is set
anew (`review`).

Only coordinators who may read all of these places set one, so that what is refused tells them
nothing more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.tables.handling import SubstituteStatus
from models.trade.place import names, same_place
from resolvers.protection.causes import addressee, chunks, covered_person, measure, measure_protects
from resolvers.protection.ties import Ties, household, rows_of

substitute = GRAPH.types["SubstituteAddress"].table
proposal = GRAPH.types["SubstituteAddressProposal"].table
forwarding = GRAPH.types["ForwardingAddress"].table
agent = GRAPH.types["SpecialAddressee"].table

NAMES = ("full_name", "full_name_kana")
PLACES = (
    (addressee, "code", ("address", "building")),
    (addressee, "code", ("moved_from_address", "moved_from_building")),
    (addressee, "code", ("moved_out_address", "moved_out_building")),
    (forwarding, "addressee_code", ("address", "building")),
)


@dataclass(slots=True)
class Forbidden:
    """Places and names that must not stand in one person's substitute address.

    `around`: everybody on whom that depends. `home`: whose places count; `against`: counterparties.
    """

    home: set[str] = field(default_factory=set)
    against: set[str] = field(default_factory=set)
    around: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)

    def meets(self, recipient: str | None, address: str | None) -> bool:
        """Whether a recipient and an address name any of them, also where both together do."""
        texts = [text for text in (recipient, address) if text]
        if len(texts) > 1:
            texts += ["".join(texts), "".join(reversed(texts))]
        return any(
            any(same_place(text, place) for place in self.places)
            or any(names(text, name) for name in self.names)
            for text in texts
        )


async def forbidden_to(connection: AsyncConnection, person: str) -> Forbidden:
    """What must not stand in a person's substitute address."""
    found = await _around(connection, [person])
    await _fill(connection, found.values())
    return found[person]


async def review(connection: AsyncConnection, touched: Collection[str]) -> None:
    """Take away every substitute address that came to name what it must not.

    `touched`: addressees of whom something was written in this transaction.
    """
    stored = (await connection.execute(sa.select(substitute))).mappings().all()
    if not stored:
        return
    around = await _around(connection, [row["addressee_code"] for row in stored])
    concerned = {code: one for code, one in around.items() if not one.around.isdisjoint(touched)}
    await _fill(connection, concerned.values())
    for row in stored:
        one = concerned.get(row["addressee_code"])
        if one is not None and one.meets(row["recipient"], row["address"]):
            await take_away(connection, row["addressee_code"], SubstituteStatus.SUSPENDED)


async def take_away(
    connection: AsyncConnection, person: str, status: SubstituteStatus, by: str | None = None
) -> None:
    """Nobody sees a person's substitute address any more. `by`: staff id; none for the review."""
    await connection.execute(sa.delete(substitute).where(substitute.c.addressee_code == person))
    in_force = sa.and_(
        proposal.c.addressee_code == person,
        proposal.c.status == SubstituteStatus.IN_FORCE.value,
    )
    ended = {"status": status.value, "ended_by": by, "ended_at": dt.datetime.now(dt.UTC)}
    await connection.execute(sa.update(proposal).where(in_force).values(ended))


async def _around(connection: AsyncConnection, persons: Sequence[str]) -> dict[str, Forbidden]:
    """On whom it depends what each of these must not be shown with."""
    ties = await Ties.around(connection, persons)
    measures = await _measures(connection, ties.codes)
    both = {code for one in measures for code in (*one.covers, *one.against)}
    if not both <= ties.codes:
        ties = await Ties.around(connection, ties.codes | both)
    agents = await _agents(connection, ties.codes)
    found = {}
    for person in persons:
        one = _of_one(person, ties, measures)
        one.against |= {agent for code in one.against for agent in agents.get(code, ())}
        found[person] = one
    lived = await _lived_with(connection, {c for o in found.values() for c in o.home | o.against})
    for one in found.values():
        near = {member for code in one.home | one.against for member in lived.get(code, ())}
        one.home |= one.against | near
        one.around |= one.home
    return found


@dataclass(frozen=True, slots=True)
class _Measure:
    covers: frozenset[str]
    against: frozenset[str]
    name: str | None


def _of_one(person: str, ties: Ties, measures: Iterable[_Measure]) -> Forbidden:
    """The person and whoever is covered with them, over any number of ties; and counterparties."""
    one, grown = Forbidden(ties.everybody_near(person)), True
    while grown:
        before = len(one.home)
        for each in measures:
            if not each.covers.isdisjoint(one.home):
                one.home |= {c for code in each.covers for c in ties.everybody_near(code)}
                one.against |= {c for code in each.against for c in ties.person(code)}
                one.names |= {each.name} if each.name else set()
        grown = len(one.home) > before
    # Whom a measure protects from the person: their place is nobody's substitute.
    for each in measures:
        if not each.against.isdisjoint(ties.person(person)):
            one.home |= {c for code in each.covers for c in ties.everybody_near(code)}
    return one


async def _measures(connection: AsyncConnection, codes: Collection[str]) -> list[_Measure]:
    """The measures that hold about any of these, as covered or as the counterparty."""
    columns = (measure.c.id, measure.c.addressee_code, measure.c.counterparty_addressee_code,
               measure.c.counterparty_name)  # fmt: skip
    holds = sa.select(*columns).where(measure_protects())
    found = {}
    for key in (measure.c.addressee_code, measure.c.counterparty_addressee_code):
        async for row in rows_of(connection, holds, key, codes):
            found[row.id] = row
    joined = holds.join(covered_person, covered_person.c.measure_id == measure.c.id)
    async for row in rows_of(connection, joined, covered_person.c.addressee_code, codes):
        found[row.id] = row
    covers: dict[int, set[str]] = {key: {row.addressee_code} for key, row in found.items()}
    for chunk in chunks(found):
        whom = sa.select(covered_person).where(covered_person.c.measure_id.in_(chunk))
        for row in await connection.execute(whom):
            covers[row.measure_id].add(row.addressee_code)
    return [
        _Measure(
            frozenset(covers[key]),
            frozenset({row.counterparty_addressee_code} - {None}),
            row.counterparty_name,
        )
        for key, row in found.items()
    ]


async def _agents(connection: AsyncConnection, codes: Collection[str]) -> Mapping[str, set[str]]:
    """Who acts for each of these, and for whom each of these acts."""
    found: dict[str, set[str]] = {}
    pairs = sa.select(agent.c.addressee_code, agent.c.special_addressee_code)
    for key in (agent.c.addressee_code, agent.c.special_addressee_code):
        async for one, other in rows_of(connection, pairs, key, codes):
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found


async def _lived_with(
    connection: AsyncConnection, codes: Collection[str]
) -> Mapping[str, set[str]]:
    """Everybody of every household to which each of these belongs or belonged."""
    own, other = household.alias("own"), household.alias("other")
    together = sa.select(own.c.addressee_code, other.c.addressee_code).join(
        other, own.c.household_code == other.c.household_code
    )
    found: dict[str, set[str]] = {}
    async for code, member in rows_of(connection, together, own.c.addressee_code, codes):
        found.setdefault(code, set()).add(member)
    return found


async def _fill(connection: AsyncConnection, found: Iterable[Forbidden]) -> None:
    """Add the places and the names of those whom it depends on."""
    wanted = list(found)
    codes = {code for one in wanted for code in one.home}
    places: dict[str, set[str]] = {}
    for table, key, columns in PLACES:
        stated = sa.select(table.c[key], *(table.c[name] for name in columns))
        async for code, *parts in rows_of(connection, stated, table.c[key], codes):
            places.setdefault(code, set()).update(part for part in parts if part)
    called: dict[str, set[Any]] = {}
    named = sa.select(addressee.c.code, *(addressee.c[name] for name in NAMES))
    against = {code for one in wanted for code in one.against}
    async for code, *texts in rows_of(connection, named, addressee.c.code, against):
        called[code] = {text for text in texts if text}
    for one in wanted:
        one.places |= {place for code in one.home for place in places.get(code, ())}
        one.names |= {name for code in one.against for name in called.get(code, ())}
