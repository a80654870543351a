"""Raising the obligation (取扱注意): whoever is protected, and everybody it must extend to.

It covers a person: every addressee record linked to theirs, and the members of their current
household. Called in the transaction that writes the cause, so that it is in force before a new
address can be read. It only ever raises; ending it is a coordinator's decision, never a clock's.

What went wrong elsewhere: the flag stood on one record of the victim, and the address on another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph import GRAPH

handling = GRAPH.types["Handling"].table
addressee = GRAPH.types["Addressee"].table
related = GRAPH.types["RelatedAddressee"].table
household = GRAPH.types["HouseholdMembership"].table

CHUNK = 5000


@dataclass(slots=True)
class Causes:
    """Codes of the addressees for whom an obligation is asked, by what it asks."""

    address_withheld: set[str] = field(default_factory=set)
    stop_output: set[str] = field(default_factory=set)


def protects(dv_flag: bool | None, neglect_flag: bool | None) -> bool:
    """Whether a record's own flags (items 53 and 54) ask for protection: unknown protects."""
    return dv_flag is not False or neglect_flag is not False


async def raise_obligations(
    connection: AsyncConnection, touched: Collection[str], causes: Causes | None = None
) -> None:
    """Bring the obligations of the touched addressees, and of whoever they are linked to, up.

    `touched`: addressees written in this transaction; their own flags count as causes, and so does
    an obligation that somebody they are linked to has already.
    """
    causes = causes or Causes()
    flagged = await _flagged(connection, touched)
    linked = set(touched) | await _neighbours(connection, touched)
    for column, asked in (
        (handling.c.address_withheld, causes.address_withheld),
        (handling.c.stop_output, causes.stop_output),
    ):
        covered = await _codes(
            connection, sa.select(handling.c.addressee_code).where(column), linked
        )
        everybody = await _reached(connection, asked | flagged | covered)
        await _raise(connection, column, everybody)


async def _flagged(connection: AsyncConnection, touched: Collection[str]) -> set[str]:
    asks = sa.or_(
        addressee.c.dv_flag.is_not(sa.false()), addressee.c.neglect_flag.is_not(sa.false())
    )
    return await _codes(connection, sa.select(addressee.c.code).where(asks), touched)


async def _reached(connection: AsyncConnection, covered: set[str]) -> set[str]:
    """Everybody linked to the covered, over any number of links."""
    reached, frontier = set(covered), set(covered)
    while frontier:
        frontier = await _neighbours(connection, frontier) - reached
        reached |= frontier
    return reached


async def _neighbours(connection: AsyncConnection, codes: Collection[str]) -> set[str]:
    """Other records of the same person, and the members of the current household."""
    own, other = household.alias("own"), household.alias("other")
    together = (
        sa.select(other.c.addressee_code)
        .join(own, own.c.household_code == other.c.household_code)
        .where(own.c.left_on.is_(None), other.c.left_on.is_(None))
    )
    earlier = sa.select(related.c.previous_addressee_code)
    later = sa.select(related.c.addressee_code)
    return (
        await _codes(connection, earlier, codes, related.c.addressee_code)
        | await _codes(connection, later, codes, related.c.previous_addressee_code)
        | await _codes(connection, together, codes, own.c.addressee_code)
    )


async def _codes(
    connection: AsyncConnection,
    select: sa.Select[tuple[str]],
    among: Iterable[str],
    column: sa.ColumnElement[str] | None = None,
) -> set[str]:
    key = column if column is not None else select.selected_columns[0]
    found: set[str] = set()
    codes = list(among)
    for start in range(0, len(codes), CHUNK):
        chunk = codes[start : start + CHUNK]
        found.update(await connection.scalars(select.where(key.in_(chunk))))
    return found


async def _raise(
    connection: AsyncConnection, column: sa.ColumnElement[bool], codes: set[str]
) -> None:
    existing = await _codes(connection, sa.select(handling.c.addressee_code), codes)
    name = str(column.key)
    if existing:
        for start in range(0, len(chunked := sorted(existing)), CHUNK):
            await connection.execute(
                sa.update(handling)
                .where(handling.c.addressee_code.in_(chunked[start : start + CHUNK]))
                .values({name: True})
            )
    fresh = [
        {"addressee_code": code, "address_withheld": False, "stop_output": False} | {name: True}
        for code in sorted(codes - existing)
    ]
    if fresh:
        await connection.execute(sa.insert(handling), fresh)
