"""Raising and ending the obligation (取扱注意): for whom something asks, and whom that extends to.

It covers a person: every record linked to theirs, and the members of their present household but
those whom a decision of two persons excludes. What asks is in `causes.py`. An obligation that
nothing stored explains (a file asks for somebody whose own row is yet to come) protects like one
that something asks for, until a cause that covers the same people ends.

Both run in the transaction that writes the cause, so that the obligation is in force before a new
address can be read. They touch no other column, and tell the transfer destinations.

What went wrong elsewhere: the flag stood on one record of the victim, and the address on another.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.append_only import exclusively
from models.graph import GRAPH
from models.population import PAYERS, PopulationItem
from models.protective_measure import ExclusionStatus
from resolvers.causes import (
    OBLIGATIONS,
    Causes,
    addressee,
    asked_for,
    chunks,
    codes_of,
    enter_unspecified,
)
from resolvers.sql import goes_on, today

handling = GRAPH.types["Handling"].table
related = GRAPH.types["RelatedAddressee"].table
household = GRAPH.types["HouseholdMembership"].table
exclusion = GRAPH.types["HouseholdExclusion"].table
notice = GRAPH.types["HandlingNotice"].table
levy = GRAPH.types["Collection"].table
destination = GRAPH.types["TransferDefinition"].table
population_item: sa.Table = PopulationItem.__table__  # type: ignore[attr-defined]

LOCK = 4_815_170_104


# -- whom it extends to --------------------------------------------------------------------------


@dataclass(slots=True)
class _Ties:
    """Who is tied to whom: records of one person, and members of one household by its code."""

    codes: set[str]
    same: dict[str, set[str]] = field(default_factory=dict)
    homes: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    excluded: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    async def around(cls, connection: AsyncConnection, codes: Collection[str]) -> _Ties:
        """Everybody tied to these, over any number of ties."""
        ties, frontier = cls(set(codes)), set(codes)
        while frontier:
            frontier = await ties._add(connection, frontier) - ties.codes
            ties.codes |= frontier
        decided = sa.select(
            exclusion.c.addressee_code, exclusion.c.member_code, exclusion.c.household_code
        ).where(excludes())
        async for person, member, home in _rows(
            connection, decided, exclusion.c.addressee_code, ties.codes
        ):
            ties.excluded.setdefault(person, set()).add((member, home))
        return ties

    async def _add(self, connection: AsyncConnection, codes: Collection[str]) -> set[str]:
        found: set[str] = set()
        linked = sa.select(related.c.addressee_code, related.c.previous_addressee_code)
        for key in (related.c.addressee_code, related.c.previous_addressee_code):
            async for later, earlier in _rows(connection, linked, key, codes):
                self.same.setdefault(later, set()).add(earlier)
                self.same.setdefault(earlier, set()).add(later)
                found |= {later, earlier}
        own, other = household.alias("own"), household.alias("other")
        together = (
            sa.select(own.c.addressee_code, other.c.addressee_code, own.c.household_code)
            .join(other, own.c.household_code == other.c.household_code)
            .where(lives_there(own), lives_there(other))
        )
        async for code, member, home in _rows(connection, together, own.c.addressee_code, codes):
            self.homes.setdefault(code, {}).setdefault(member, set()).add(home)
            found.add(member)
        return found

    def person(self, code: str) -> set[str]:
        """All records of one person."""
        return _closure(code, lambda each: self.same.get(each, ()))

    def reached(self, codes: Iterable[str]) -> set[str]:
        """Everybody to whom the obligation of these extends, themselves included."""
        return {code for source in codes for code in self._reached(source)}

    def _reached(self, source: str) -> set[str]:
        excluded = {
            pair for record in self.person(source) for pair in self.excluded.get(record, ())
        }

        def near(code: str) -> Iterator[str]:
            yield from self.same.get(code, ())
            for member, homes in self.homes.get(code, {}).items():
                if any((member, home) not in excluded for home in homes):
                    yield member

        return _closure(source, near)


def _closure(start: str, near: Callable[[str], Iterable[str]]) -> set[str]:
    found, frontier = {start}, [start]
    while frontier:
        for code in near(frontier.pop()):
            if code not in found:
                found.add(code)
                frontier.append(code)
    return found


def lives_there(membership: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a member has not left the household yet: a move is notified before its day."""
    return goes_on(membership.c.left_on, today())


async def _held(connection: AsyncConnection, among: Collection[str]) -> Causes:
    """Whom an obligation covers now."""
    return Causes(
        *[
            await codes_of(
                connection, sa.select(handling.c.addressee_code).where(handling.c[name]), among
            )
            for name in OBLIGATIONS
        ]
    )


async def covered_now(connection: AsyncConnection) -> tuple[Causes, Causes]:
    """Everybody whom an obligation covers now, and the households in which they live now."""
    codes, homes = Causes(), Causes()
    at_home = household.c.addressee_code == handling.c.addressee_code
    for name in OBLIGATIONS:
        held = sa.select(handling.c.addressee_code).where(handling.c[name])
        codes.of(name).update(await connection.scalars(held))
        lived_in = sa.select(household.c.household_code).join(handling, at_home)
        present = lived_in.where(handling.c[name], lives_there(household))
        homes.of(name).update(await connection.scalars(present))
    return codes, homes


def excludes() -> sa.ColumnElement[bool]:
    """Whether an exclusion holds: decided by two persons, and not ended."""
    return sa.and_(
        exclusion.c.status == ExclusionStatus.IN_FORCE.value,
        exclusion.c.proposed_by != exclusion.c.confirmed_by,
        exclusion.c.ended_by.is_(None),
    )


# -- raising and ending --------------------------------------------------------------------------


async def raise_obligations(
    connection: AsyncConnection, touched: Collection[str], causes: Causes | None = None
) -> set[str]:
    """Bring the obligations of the touched addressees, and of whoever they are tied to, up.

    `touched`: addressees written in this transaction, themselves, their links, their household or
    a cause about them. `causes`: who is asked for although nothing stored says so yet.
    Returns the codes of those whose obligation began.
    """
    await _alone(connection)
    ties = _Ties(set())
    near = set(touched) | await ties._add(connection, touched)
    asked, held = await asked_for(connection, near), await _held(connection, near)
    sources = asked.codes() | held.codes() | (causes.codes() if causes else set())
    if not sources:
        return set()
    ties = await _Ties.around(connection, sources)
    asked, held = await asked_for(connection, ties.codes), await _held(connection, ties.codes)
    changed: set[str] = set()
    for name in OBLIGATIONS:
        wanted = asked.of(name) | (causes.of(name) if causes else set())
        explained = ties.reached(wanted)
        everybody = explained | ties.reached(held.of(name) - explained)
        changed |= await _set(connection, name, everybody - held.of(name), True)
    await _tell(connection, changed)
    return changed


async def cover_both(connection: AsyncConnection, pairs: Collection[tuple[str, str]]) -> set[str]:
    """Where an obligation covers one of two records, cover the other too: something that is stored
    nowhere says that they are of one person. The codes of such pairs."""
    codes = {code for pair in pairs for code in pair}
    there = await codes_of(connection, sa.select(addressee.c.code), codes)
    held, both = await _held(connection, there), Causes()
    for name in OBLIGATIONS:
        for pair in pairs:
            if not held.of(name).isdisjoint(pair):
                both.of(name).update(there.intersection(pair))
    await raise_obligations(connection, both.codes(), both)
    return both.codes()


async def cover_alone(connection: AsyncConnection, causes: Causes) -> None:
    """Cover these people for a tie that is yet to be stored, and nobody else: from whom it extends,
    and from whom somebody was excluded, the stored tie will say."""
    await _alone(connection)
    held, changed = await _held(connection, causes.codes()), set[str]()
    for name in OBLIGATIONS:
        changed |= await _set(connection, name, causes.of(name) - held.of(name), True)
    await _tell(connection, changed)


@asynccontextmanager
async def ending(connection: AsyncConnection, codes: Collection[str]) -> AsyncIterator[set[str]]:
    """The block ends a cause about these addressees, or excludes somebody from it.

    Whoever was covered by it alone is so no longer; whoever anything else asks for, or of whom
    nobody knows why they are covered, stays. Gives a set that holds, after the block, the codes of
    those whose obligation ended.
    """
    await _alone(connection)
    ties = await _Ties.around(connection, codes)
    held = await _held(connection, ties.codes)
    before = await _explained(connection, ties)
    changed: set[str] = set()
    yield changed
    ties = await _Ties.around(connection, ties.codes)
    after = await _explained(connection, ties)
    for name in OBLIGATIONS:
        unexplained = held.of(name) - before.of(name)
        still = after.of(name) | ties.reached(unexplained)
        changed |= await _set(connection, name, held.of(name) - still, False)
    await _tell(connection, changed)


async def lapse_exclusions(
    connection: AsyncConnection, codes: Collection[str], at: dt.datetime, by: str | None = None
) -> None:
    """A new cause for these people asks anew whom it extends to, whichever of their records an
    exclusion names. `by`: staff id; none for a file."""
    ties = await _Ties.around(connection, codes)
    records = {record for code in codes for record in ties.person(code)}
    ended = {"status": ExclusionStatus.ENDED.value, "ended_by": by, "ended_at": at}
    for chunk in chunks(records):
        holding = sa.and_(
            exclusion.c.addressee_code.in_(chunk),
            exclusion.c.status != ExclusionStatus.ENDED.value,
        )
        await connection.execute(sa.update(exclusion).where(holding).values(ended))


async def write_down_unexplained(connection: AsyncConnection, codes: Collection[str]) -> None:
    """Give a cause of their own to those of these people who are covered and nothing says why."""
    await _alone(connection)
    ties = await _Ties.around(connection, codes)
    held, explained = await _held(connection, codes), await _explained(connection, ties)
    lacking = [held.of(name) - explained.of(name) for name in OBLIGATIONS]
    await enter_unspecified(connection, Causes(*lacking))


async def _explained(connection: AsyncConnection, ties: _Ties) -> Causes:
    """Whom something stored asks for, or reaches."""
    asked = await asked_for(connection, ties.codes)
    return Causes(*[ties.reached(asked.of(name)) for name in OBLIGATIONS])


async def _alone(connection: AsyncConnection) -> None:
    """One transaction at a time: of two that add a tie or a cause, one must see the other's."""
    for statement in exclusively(connection.dialect.name, LOCK):
        await connection.exec_driver_sql(statement)


async def _set(connection: AsyncConnection, name: str, codes: set[str], value: bool) -> set[str]:
    """Write one column of the obligation, and nothing else; whose obligation that was."""
    existing = await codes_of(connection, sa.select(handling.c.addressee_code), codes)
    for chunk in chunks(existing):
        update = sa.update(handling).where(handling.c.addressee_code.in_(chunk))
        await connection.execute(update.values({name: value}))
    fresh = [
        {"addressee_code": code, "address_withheld": False, "stop_output": False} | {name: value}
        for code in sorted(codes - existing)
    ]
    if fresh:
        await connection.execute(sa.insert(handling), fresh)
    return codes


async def _tell(connection: AsyncConnection, codes: Collection[str]) -> None:
    """Tell each transfer destination that holds one of these people: of what, it is not said."""
    payers = sa.literal(PAYERS) + destination.c.code
    holds = (
        sa.select(destination.c.code, levy.c.addressee_code)
        .join(population_item, population_item.c.population == payers)
        .join(levy, levy.c.tax_item_code == population_item.c.tax_item_code)
        .distinct()
    )
    for chunk in chunks(codes):
        rows = holds.where(levy.c.addressee_code.in_(chunk))
        await connection.execute(
            sa.insert(notice).from_select(["definition_code", "addressee_code"], rows)
        )


async def _rows(
    connection: AsyncConnection,
    select: sa.Select[Any],
    key: sa.ColumnElement[str],
    among: Collection[str],
) -> AsyncIterator[Any]:
    for chunk in chunks(among):
        for row in await connection.execute(select.where(key.in_(chunk))):
            yield row
