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
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.store.append_only import exclusively
from models.tables.population import PAYERS, PopulationItem
from models.tables.protective_measure import ExclusionStatus
from resolvers.protection.causes import (
    OBLIGATIONS,
    Causes,
    addressee,
    asked_for,
    chunks,
    codes_of,
    enter_unspecified,
)
from resolvers.protection.substitute_place import review
from resolvers.protection.ties import Ties, exclusion, household, lives_there

handling = GRAPH.types["Handling"].table
notice = GRAPH.types["HandlingNotice"].table
levy = GRAPH.types["Collection"].table
destination = GRAPH.types["TransferDefinition"].table
population_item: sa.Table = PopulationItem.__table__  # type: ignore[attr-defined]

LOCK = 4_815_170_104


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
    await review(connection, touched)
    ties = Ties(set())
    near = set(touched) | await ties.add(connection, touched)
    asked, held = await asked_for(connection, near), await _held(connection, near)
    sources = asked.codes() | held.codes() | (causes.codes() if causes else set())
    if not sources:
        return set()
    ties = await Ties.around(connection, sources)
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
    ties = await Ties.around(connection, codes)
    held = await _held(connection, ties.codes)
    before = await _explained(connection, ties)
    changed: set[str] = set()
    yield changed
    ties = await Ties.around(connection, ties.codes)
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
    ties = await Ties.around(connection, codes)
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
    ties = await Ties.around(connection, codes)
    held, explained = await _held(connection, codes), await _explained(connection, ties)
    lacking = [held.of(name) - explained.of(name) for name in OBLIGATIONS]
    await enter_unspecified(connection, Causes(*lacking))


async def _explained(connection: AsyncConnection, ties: Ties) -> Causes:
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
