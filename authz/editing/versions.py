"""Writing versions: one after the other, each sealed, with those that wait carried along.

The policy of the city is a line in time: the version in force, then the versions that wait. A
change that takes effect at an instant is a change of everything from there on, so whatever waits
behind it is written anew with the change in it. Numbers therefore grow with the instants, and the
version in force is always the one with the highest number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.editing.queries import version_lines, waiting
from authz.errors import BadInput, Unavailable
from authz.policy.policy import Line
from authz.policy.seal import LINES, VERSION, Chain, ChainBroken
from authz.policy.store import in_force
from models.store import append_only
from models.tables.policy import Effect

LOCK = 4_815_170_106
MOST_WAITING = 10


AT_ONCE = 500
Row = TypeVar("Row")


def batched(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """A few rows at a time: a statement of thousands would keep the loop from everybody else."""
    for begin in range(0, len(rows), AT_ONCE):
        yield rows[begin : begin + AT_ONCE]


@dataclass(frozen=True, slots=True)
class Decided:
    """Who made a version what it is. `approved_by` null: one person sufficed."""

    reason: str
    proposed_by: str | None
    approved_by: str | None = None
    approval_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """A version to be written: what stands before it at its instant, and what it will be.

    `carries`: the number of the waiting version that it takes the place of.
    """

    before: tuple[Line, ...]
    lines: tuple[Line, ...]
    based_on: int
    effective_from: dt.datetime
    carries: int | None = None


async def one_at_a_time(connection: AsyncConnection) -> None:
    """Let nobody else write a version until this transaction ends."""
    for statement in append_only.exclusively(connection.dialect.name, LOCK):
        await connection.exec_driver_sql(statement)


def applied(
    lines: Sequence[Line], before: Sequence[Line], after: Sequence[Line]
) -> tuple[Line, ...]:
    """The change from `before` to `after`, made to other lines.

    What it denies takes the place of what the other lines allow, so that one person can take away
    what waits to be given.
    """
    if set(lines) == set(before):
        return tuple(after)
    gone = set(before) - set(after)
    gone |= {
        replace(line, effect=Effect.ALLOW.value)
        for line in set(after) - set(before)
        if line.effect == Effect.DENY
    }
    kept = [line for line in lines if line not in gone]
    known = set(kept) | set(before)
    return (*kept, *(line for line in after if line not in known))


async def sealed_lines(connection: AsyncConnection, chain: Chain, number: int) -> list[Line]:
    """The lines of a version, for what is made of them: never sealed anew unless they are as they
    were sealed. Raises `BadInput` if there is no such version, `Unavailable` if it was changed."""
    lines = await version_lines(connection, number)
    try:
        await chain.verify(connection, number)
    except ChainBroken as error:
        raise Unavailable("a version of the policy was changed after it was sealed") from error
    return lines


async def timeline(
    connection: AsyncConnection,
    chain: Chain,
    after: Sequence[Line],
    based_on: int,
    at: dt.datetime,
    effective_from: dt.datetime | None,
) -> list[Next]:
    """What must be written so that the change to `after`, made from version `based_on`, holds from
    an instant on (null: at once)."""
    current = await in_force(connection, at)
    later = await waiting(connection, at)
    begins = at if effective_from is None else max(at, effective_from)
    if begins > at and len(later) >= MOST_WAITING:
        raise BadInput(f"at most {MOST_WAITING} versions may wait")
    before = await sealed_lines(connection, chain, based_on)
    earlier = [one for one in later if one.effective_from <= begins]
    base = earlier[-1].number if earlier else current
    found = [await _next(connection, chain, base, before, after, begins)]
    for one in later[len(earlier) :]:
        carried = await _next(connection, chain, one.number, before, after, one.effective_from)
        found.append(replace(carried, carries=one.number))
    return found


async def _next(
    connection: AsyncConnection,
    chain: Chain,
    number: int,
    before: Sequence[Line],
    after: Sequence[Line],
    effective_from: dt.datetime,
) -> Next:
    lines = tuple(await sealed_lines(connection, chain, number))
    return Next(lines, applied(lines, before, after), number, effective_from)


async def write_all(
    connection: AsyncConnection,
    chain: Chain,
    versions: Iterable[Next],
    decided: Decided,
    at: dt.datetime,
) -> list[int]:
    """Write the versions of a timeline; their numbers."""
    numbers = []
    for version in versions:
        said = decided
        if version.carries is not None:
            said = await _said_of(connection, version.carries, decided)
        numbers.append(await write(connection, chain, version, said, at))
    return numbers


async def _said_of(connection: AsyncConnection, number: int, decided: Decided) -> Decided:
    """A waiting version stays its proposer's and approver's, with the change told."""
    row = (await connection.execute(sa.select(VERSION).where(VERSION.c.number == number))).one()
    reason = f"version {number} ({row.reason}), with: {decided.reason}"
    return Decided(reason, row.proposed_by, row.approved_by, row.approval_reason)


async def write(
    connection: AsyncConnection, chain: Chain, version: Next, decided: Decided, at: dt.datetime
) -> int:
    """Write and seal one version; its number."""
    newest = await connection.scalar(sa.select(sa.func.max(VERSION.c.number)))
    number = int(newest or 0) + 1
    await connection.execute(
        sa.insert(VERSION).values(
            number=number,
            published_at=at,
            reason=decided.reason,
            based_on=version.based_on,
            proposed_by=decided.proposed_by,
            approved_by=decided.approved_by,
            approval_reason=decided.approval_reason,
            effective_from=version.effective_from,
        )
    )
    rows = [
        {
            "version": number,
            "role": line.role,
            "purpose": line.purpose,
            "what": line.what,
            "action": line.action,
            "effect": line.effect,
            "note": line.note,
        }
        for line in version.lines
    ]
    for some in batched(rows):
        await connection.execute(sa.insert(LINES), some)
    await chain.add(connection, number)
    return number
