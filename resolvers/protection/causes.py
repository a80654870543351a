"""What asks for an obligation: flags of the record (items 53, 54) and measures of every kind.

A flag asks unless it is `false`. A measure asks until its end was proposed by one person and
confirmed by another. Unknown, null, pending, overlapping, past its date: all of it asks, and there
is no clock.

What went wrong elsewhere: "protected today", computed from two days, had a comparison the wrong way
round, and took a missing end for the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.store.database import Database
from models.tables.protective_measure import MeasureKind, MeasureStatus

addressee = GRAPH.types["Addressee"].table
measure = GRAPH.types["ProtectiveMeasure"].table
covered_person = GRAPH.types["CoveredPerson"].table

CHUNK = 5000
OBLIGATIONS = ("address_withheld", "stop_output")


@dataclass(slots=True)
class Causes:
    """Codes of the addressees for whom an obligation is asked, by what it asks."""

    address_withheld: set[str] = field(default_factory=set)
    stop_output: set[str] = field(default_factory=set)

    def codes(self) -> set[str]:
        """Everybody for whom anything is asked."""
        return self.address_withheld | self.stop_output

    def of(self, name: str) -> set[str]:
        """By the name of the obligation's column."""
        found: set[str] = getattr(self, name)
        return found


def measure_protects() -> sa.ColumnElement[bool]:
    """Whether a measure still asks: unless one person proposed its end and another confirmed it."""
    ended = sa.and_(
        measure.c.status == MeasureStatus.ENDED.value,
        measure.c.end_proposed_by != measure.c.end_confirmed_by,
    )
    return ended.is_not(sa.true())


def flag_protects() -> sa.ColumnElement[bool]:
    """Whether a record's own flags (items 53 and 54) ask: unknown asks."""
    return sa.or_(
        addressee.c.dv_flag.is_not(sa.false()), addressee.c.neglect_flag.is_not(sa.false())
    )


async def asked_for(connection: AsyncConnection, among: Collection[str]) -> Causes:
    """For whom the flags and measures ask, and what."""
    found = Causes()
    flagged = sa.select(addressee.c.code).where(flag_protects())
    codes = await codes_of(connection, flagged, among)
    found.address_withheld |= codes
    found.stop_output |= codes
    for name in OBLIGATIONS:
        asks = sa.and_(measure_protects(), measure.c[name].is_not(sa.false()))
        by_owner = sa.select(measure.c.addressee_code).where(asks)
        by_person = sa.select(covered_person.c.addressee_code).where(
            covered_person.c.measure_id == measure.c.id, asks
        )
        found.of(name).update(await codes_of(connection, by_owner, among))
        found.of(name).update(await codes_of(connection, by_person, among))
    return found


async def enter_measure(
    connection: AsyncConnection, values: Mapping[str, Any], others: Iterable[str] = ()
) -> int:
    """Write a measure, with everybody whom it covers: its owner, and `others`. Its key.

    The obligation follows from it by `raise_obligations`, in the same transaction.
    """
    written = await connection.execute(sa.insert(measure).values(**values))
    key: int = written.inserted_primary_key[0]  # type: ignore[index]
    owner = values["addressee_code"]
    for code in dict.fromkeys((owner, *others)):
        person = {"measure_id": key, "addressee_code": code}
        await connection.execute(sa.insert(covered_person).values(person))
    return key


async def enter_unspecified(connection: AsyncConnection, causes: Causes) -> set[str]:
    """Write down that a file asks, without saying why: once, as long as it is not ended, whatever
    was found out about it since. For whom it did not ask before."""
    own = sa.and_(measure_protects(), measure.c.recorded_by.is_(None))
    lacking = {
        name: causes.of(name)
        - await codes_of(
            connection,
            sa.select(measure.c.addressee_code).where(own, measure.c[name].is_not(sa.false())),
            causes.of(name),
        )
        for name in OBLIGATIONS
    }
    fresh = set().union(*lacking.values())
    for code in sorted(fresh):
        unspecified = {
            "addressee_code": code,
            "kind": MeasureKind.UNSPECIFIED.value,
            "status": MeasureStatus.IN_FORCE.value,
            **{name: code in lacking[name] for name in OBLIGATIONS},
        }
        await enter_measure(connection, unspecified)
    return fresh


async def records_of(database: Database, codes: Collection[str]) -> set[str]:
    """Which of these addressees are there."""
    if not codes:
        return set()
    async with database.look() as connection:
        return await codes_of(connection, sa.select(addressee.c.code), codes)


async def codes_of(
    connection: AsyncConnection, select: sa.Select[tuple[str]], among: Collection[str]
) -> set[str]:
    """The codes that a statement finds among these; its one column is the code."""
    [key] = select.selected_columns
    found: set[str] = set()
    for chunk in chunks(among):
        found.update(await connection.scalars(select.where(key.in_(chunk))))
    return found


def chunks(codes: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(codes)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]
