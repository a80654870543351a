"""Changes to staff records, inside the transaction of who makes them: hire, propose, give, take.

What gives somebody rights needs a proposal and a second person; what takes rights away moves the
record's revocation epoch, so that every session of before is over. A record is hired without a
password that fits: the operator issues one (`server.py password`), so that whoever administers
rights can sign in as nobody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import BadInput
from authz.policy.invariants import NUMBER_ROLE, conflicting_roles
from authz.sessions.revocations import epoch_of, instant_of
from authz.staff.indispensable import check_dispensable
from models.tables.staff import (
    ROLE,
    SECTION,
    STAFF,
    STAFF_PROPOSAL,
    STAFF_ROLE,
    ProposalKind,
    ProposalState,
    StaffState,
    acts_on_the_log,
    is_taken_for,
    staff_id_objection,
)
from models.trade.office_time import day_of
from models.trade.rules import name as name_objection

NO_PASSWORD = "none yet"
"""No hash of any password: nobody signs in with it, at the cost of any other attempt."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody is to be given. `role` null: to return to service."""

    staff_id: str
    role: str | None = None
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


async def member_of(connection: AsyncConnection, staff_id: str) -> Any:
    """The row of a staff member, locked. Raises `BadInput` where nobody has the id."""
    statement = sa.select(STAFF).where(STAFF.c.id == staff_id).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise BadInput("there is no such staff member")
    return row


async def hire(connection: AsyncConnection, staff_id: str, name: str, section: str | None) -> None:
    """Add a record that holds no role and has no password. Raises `BadInput`."""
    reason = staff_id_objection(staff_id)
    if reason is not None:
        raise BadInput(reason)
    if acts_on_the_log(staff_id):
        raise BadInput("the log means something else by this staff id")
    alike = set(await connection.scalars(sa.select(STAFF.c.id).where(is_taken_for(staff_id))))
    if staff_id in alike:
        raise BadInput("somebody has this staff id, or had it")
    if alike:
        raise BadInput("somebody has a staff id that reads alike, or had it: choose another one")
    await check_section(connection, section)
    await connection.execute(
        sa.insert(STAFF).values(
            id=staff_id,
            name=checked_name(name),
            section=section,
            password_hash=NO_PASSWORD,
            state=StaffState.ACTIVE,
        )
    )


async def check_section(connection: AsyncConnection, section: str | None) -> None:
    """Raises `BadInput` for a section that is not there."""
    if section is not None and not await is_section(connection, section):
        raise BadInput("there is no such section")


async def is_section(connection: AsyncConnection, code: str) -> bool:
    """Whether there is a section with this code."""
    known = sa.select(SECTION.c.code).where(SECTION.c.code == code)
    return await connection.scalar(known) is not None


def checked_name(name: str) -> str:
    """A name that says something. Raises `BadInput`."""
    stripped = name.strip()
    reason = name_objection(stripped)
    if reason is not None:
        raise BadInput(reason)
    return stripped


async def propose(
    connection: AsyncConnection, wanted: Wanted, by: str, reason: str, at: dt.datetime
) -> int:
    """Write down what somebody is to be given; the key of the proposal. Raises `BadInput`."""
    member = await member_of(connection, wanted.staff_id)
    if wanted.role is None:
        if member.state != StaffState.SUSPENDED:
            raise BadInput("the staff member is in service")
    else:
        await _check_role(connection, wanted, day_of(at))
    if await is_proposed(connection, wanted):
        raise BadInput("this is proposed already")
    made = await connection.execute(
        sa.insert(STAFF_PROPOSAL).values(
            staff_id=wanted.staff_id,
            kind=ProposalKind.REINSTATEMENT if wanted.role is None else ProposalKind.ROLE,
            role=wanted.role,
            valid_from=wanted.valid_from,
            valid_until=wanted.valid_until,
            state=ProposalState.PROPOSED,
            proposed_by=by,
            proposed_at=at,
            reason=reason,
        )
    )
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


async def is_proposed(connection: AsyncConnection, wanted: Wanted) -> bool:
    """Whether somebody else has yet to decide on just this."""
    role = STAFF_PROPOSAL.c.role
    same = sa.select(STAFF_PROPOSAL.c.id).where(
        STAFF_PROPOSAL.c.staff_id == wanted.staff_id,
        STAFF_PROPOSAL.c.state == ProposalState.PROPOSED,
        role.is_(None) if wanted.role is None else role == wanted.role,
    )
    return (await connection.execute(same)).first() is not None


async def set_password(
    connection: AsyncConnection, staff_id: str, stored: str, at: dt.datetime
) -> None:
    """Give a staff member another password, as its hash; every session ends."""
    await next_epoch(connection, staff_id, at)
    await connection.execute(
        sa.update(STAFF).where(STAFF.c.id == staff_id).values(password_hash=stored)
    )


async def _check_role(connection: AsyncConnection, wanted: Wanted, today: dt.date) -> None:
    known = sa.select(ROLE.c.code).where(ROLE.c.code == wanted.role)
    if await connection.scalar(known) is None:
        raise BadInput("there is no such role")
    first, last = wanted.valid_from, wanted.valid_until
    if first is not None and last is not None and last < first:
        raise BadInput("the last day is before the first")
    if last is not None and last < today:
        raise BadInput("the last day lies in the past")
    waiting = await connection.execute(
        sa.select(STAFF_PROPOSAL.c.role).where(
            STAFF_PROPOSAL.c.staff_id == wanted.staff_id,
            STAFF_PROPOSAL.c.state == ProposalState.PROPOSED,
            STAFF_PROPOSAL.c.role.is_not(None),
        )
    )
    # What is proposed beside it may be given first; in the end only what is held counts.
    await check_together(connection, wanted.staff_id, {str(wanted.role), *waiting.scalars()})


async def check_together(connection: AsyncConnection, staff_id: str, beside: Iterable[str]) -> None:
    """Raises `BadInput` if these roles must not be held beside those that are held."""
    held = await roles_held(connection, staff_id)
    reason = conflicting_roles(held | set(beside))
    if reason is not None:
        raise BadInput(reason)


async def roles_held(connection: AsyncConnection, staff_id: str) -> set[str]:
    """Every role of a staff member, whatever its days."""
    rows = await connection.execute(
        sa.select(STAFF_ROLE.c.role).where(STAFF_ROLE.c.staff_id == staff_id)
    )
    return set(rows.scalars())


async def proposal_of(connection: AsyncConnection, key: int) -> Any:
    """The row of an open proposal, locked. Raises `BadInput`."""
    statement = sa.select(STAFF_PROPOSAL).where(STAFF_PROPOSAL.c.id == key).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise BadInput("there is no such proposal")
    if row.state != ProposalState.PROPOSED:
        raise BadInput(f"the proposal is {ProposalState(row.state).value}", "STATE_NOT_ALLOWED")
    return row


async def decide(
    connection: AsyncConnection,
    key: int,
    state: ProposalState,
    by: str,
    reason: str | None,
    at: dt.datetime,
) -> None:
    """Close a proposal."""
    await connection.execute(
        sa.update(STAFF_PROPOSAL)
        .where(STAFF_PROPOSAL.c.id == key)
        .values(state=state, decided_by=by, decided_at=at, decision_reason=reason)
    )


async def give(connection: AsyncConnection, proposal: Any, at: dt.datetime) -> int:
    """Carry out an approved proposal; the revocation epoch, from which sessions have the role.

    A role that is held already gets the days of the proposal.
    """
    await member_of(connection, proposal.staff_id)
    last = proposal.valid_until
    if last is not None and last < day_of(at):
        raise BadInput("the last day lies in the past: reject it", "STATE_NOT_ALLOWED")
    if proposal.role is None:
        await connection.execute(
            sa.update(STAFF).where(STAFF.c.id == proposal.staff_id).values(state=StaffState.ACTIVE)
        )
    else:
        await check_together(connection, proposal.staff_id, {proposal.role})
        first = proposal.valid_from
        if first is not None and first > day_of(at):
            # Until then the days that are replaced would be missed.
            await check_dispensable(connection, proposal.staff_id, day_of(at), {str(proposal.role)})
        own = _grant(proposal.staff_id, proposal.role)
        days = {"valid_from": proposal.valid_from, "valid_until": proposal.valid_until}
        updated = await connection.execute(sa.update(STAFF_ROLE).where(own).values(days))
        if updated.rowcount == 0:
            await connection.execute(
                sa.insert(STAFF_ROLE).values(staff_id=proposal.staff_id, role=proposal.role, **days)
            )
    return await next_epoch(connection, proposal.staff_id, at)


async def give_first(connection: AsyncConnection, staff_id: str, at: dt.datetime) -> None:
    """Carry out every open proposal for a staff member, decided on by nobody: for a new store."""
    open_ones = await connection.execute(
        sa.select(STAFF_PROPOSAL)
        .where(
            STAFF_PROPOSAL.c.staff_id == staff_id,
            STAFF_PROPOSAL.c.state == ProposalState.PROPOSED,
        )
        # A number handler's role stands beside another one.
        .order_by(STAFF_PROPOSAL.c.role == NUMBER_ROLE, STAFF_PROPOSAL.c.id)
    )
    for proposal in open_ones.all():
        await give(connection, proposal, at)
        await connection.execute(
            sa.update(STAFF_PROPOSAL)
            .where(STAFF_PROPOSAL.c.id == proposal.id)
            .values(state=ProposalState.APPROVED, decided_at=at)
        )


async def take_role(connection: AsyncConnection, staff_id: str, role: str, at: dt.datetime) -> int:
    """Take a role away; the revocation epoch. Raises `BadInput` if it is not held."""
    await member_of(connection, staff_id)
    await check_dispensable(connection, staff_id, day_of(at), {role})
    deleted = await connection.execute(sa.delete(STAFF_ROLE).where(_grant(staff_id, role)))
    if deleted.rowcount == 0:
        raise BadInput("the staff member does not hold this role")
    return await next_epoch(connection, staff_id, at)


async def take_all_roles(connection: AsyncConnection, staff_id: str, at: dt.datetime) -> int:
    """Take every role away, and every proposal back; the revocation epoch. Raises `BadInput`."""
    await check_dispensable(connection, staff_id, day_of(at))
    await connection.execute(sa.delete(STAFF_ROLE).where(STAFF_ROLE.c.staff_id == staff_id))
    await connection.execute(
        sa.update(STAFF_PROPOSAL)
        .where(
            STAFF_PROPOSAL.c.staff_id == staff_id,
            STAFF_PROPOSAL.c.state == ProposalState.PROPOSED,
        )
        .values(state=ProposalState.WITHDRAWN, decided_at=at)
    )
    return await next_epoch(connection, staff_id, at)


async def move(connection: AsyncConnection, staff_id: str, section: str, at: dt.datetime) -> int:
    """Move a member to another section, without any role; the revocation epoch."""
    await member_of(connection, staff_id)
    await check_section(connection, section)
    await connection.execute(sa.update(STAFF).where(STAFF.c.id == staff_id).values(section=section))
    return await take_all_roles(connection, staff_id, at)


async def suspend(connection: AsyncConnection, staff_id: str, at: dt.datetime) -> int:
    """Bar a staff member; the revocation epoch. Raises `BadInput` where nobody has the id, or
    nobody else a role that the office cannot be without."""
    await member_of(connection, staff_id)
    await check_dispensable(connection, staff_id, day_of(at))
    await connection.execute(
        sa.update(STAFF).where(STAFF.c.id == staff_id).values(state=StaffState.SUSPENDED)
    )
    return await next_epoch(connection, staff_id, at)


async def record_taken(
    connection: AsyncConnection,
    staff_id: str,
    kind: ProposalKind,
    by: str,
    reason: str,
    at: dt.datetime,
    role: str | None = None,
) -> None:
    """Write down what was taken away and why; nobody else had to decide on it."""
    await connection.execute(
        sa.insert(STAFF_PROPOSAL).values(
            staff_id=staff_id,
            kind=kind,
            role=role,
            state=ProposalState.APPROVED,
            proposed_by=by,
            proposed_at=at,
            reason=reason,
        )
    )


async def next_epoch(connection: AsyncConnection, staff_id: str, at: dt.datetime) -> int:
    """Move the revocation epoch: sessions of before are over."""
    member = await member_of(connection, staff_id)
    epoch = max(epoch_of(at), epoch_of(member.sessions_revoked_at) + 1)
    await connection.execute(
        sa.update(STAFF).where(STAFF.c.id == staff_id).values(sessions_revoked_at=instant_of(epoch))
    )
    return epoch


def _grant(staff_id: str, role: str) -> sa.ColumnElement[bool]:
    return sa.and_(STAFF_ROLE.c.staff_id == staff_id, STAFF_ROLE.c.role == role)
