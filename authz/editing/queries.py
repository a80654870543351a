"""What those who edit the policy look at: versions and drafts by their lines, staff by roles, and
what was asked lately. Reads only the tables of the policy, of staff and of the log.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.access_log import Coordinate
from authz.errors import BadInput
from authz.policy.policy import Line
from authz.policy.seal import VERSION, table
from authz.policy.store import aware, in_force, lines_of
from models.tables.access_log import ACCESS_LOG, LOGGED_OPERATION
from models.tables.policy import DraftState, PolicyDraft, PolicyDraftLine
from models.tables.staff import SECTION, STAFF, STAFF_ROLE, StaffState

DRAFT, DRAFT_LINE = table(PolicyDraft), table(PolicyDraftLine)
MOST_REPLAYED = 5000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A version whose instant has not come."""

    number: int
    effective_from: dt.datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A shape of request that was made: by which roles, for which purpose, and what was decided."""

    roles: frozenset[str]
    purpose: str
    case_reference: bool
    normal_form: str
    coordinates: tuple[Coordinate, ...]


async def waiting(connection: AsyncConnection, at: dt.datetime) -> list[Waiting]:
    """The versions that will take effect, in the order in which they do.

    One that was written anew waits no more: a higher number comes with it, or before it.
    """
    current = await in_force(connection, at)
    rows = await connection.execute(
        sa.select(VERSION.c.number, VERSION.c.effective_from)
        .where(VERSION.c.effective_from > at, VERSION.c.number > current)
        .order_by(VERSION.c.number.desc())
    )
    found: list[Waiting] = []
    for number, instant in rows:
        if not found or aware(instant) < found[-1].effective_from:
            found.append(Waiting(number, aware(instant)))
    return found[::-1]


async def version_lines(connection: AsyncConnection, number: int) -> list[Line]:
    """The lines of a version. Raises `BadInput` if there is none."""
    known = sa.select(VERSION.c.number).where(VERSION.c.number == number)
    if await connection.scalar(known) is None:
        raise BadInput("there is no such version of the policy")
    return await lines_of(connection, number)


async def draft_lines(connection: AsyncConnection, draft_id: int) -> list[tuple[int, Line]]:
    """The lines of a draft with their keys, in their order."""
    rows = await connection.execute(
        sa.select(
            DRAFT_LINE.c.id,
            *(DRAFT_LINE.c[name] for name in ("role", "purpose", "what", "action", "effect")),
            DRAFT_LINE.c.note,
        )
        .where(DRAFT_LINE.c.draft_id == draft_id)
        .order_by(DRAFT_LINE.c.id)
    )
    return [(key, Line(*words)) for key, *words in rows]


async def draft_of(
    connection: AsyncConnection, draft_id: int, *states: DraftState, lock: bool = False
) -> Any:
    """The row of a draft. Raises `BadInput` where there is none, or not in one of the states."""
    statement = sa.select(DRAFT).where(DRAFT.c.id == draft_id)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).first()
    if row is None:
        raise BadInput("there is no such draft")
    if states and row.state not in states:
        raise BadInput(f"the draft is {DraftState(row.state).value}", "STATE_NOT_ALLOWED")
    return row


async def staff_by_roles(connection: AsyncConnection, day: dt.date) -> Counter[frozenset[str]]:
    """How many active staff members hold each set of roles on a day."""
    rows = await connection.execute(
        sa.select(STAFF_ROLE.c.staff_id, STAFF_ROLE.c.role)
        .join_from(STAFF, STAFF_ROLE, STAFF_ROLE.c.staff_id == STAFF.c.id)
        .where(
            STAFF.c.state == StaffState.ACTIVE,
            sa.or_(STAFF_ROLE.c.valid_from.is_(None), STAFF_ROLE.c.valid_from <= day),
            sa.or_(STAFF_ROLE.c.valid_until.is_(None), STAFF_ROLE.c.valid_until >= day),
        )
    )
    held: dict[str, set[str]] = {}
    for staff_id, role in rows:
        held.setdefault(staff_id, set()).add(role)
    return Counter(frozenset(roles) for roles in held.values())


async def asked_since(connection: AsyncConnection, since: dt.datetime) -> Sequence[Asked]:
    """The shapes of the requests since then: never who made one, how many there were, or of whom.

    Raises `BadInput` if there are too many different ones to go through.
    """
    log, operation = ACCESS_LOG, LOGGED_OPERATION
    rows = await connection.execute(
        sa.select(
            log.c.roles,
            log.c.purpose,
            log.c.case_reference.is_not(None),
            operation.c.normal_form,
            operation.c.coordinates,
        )
        .join_from(log, operation, operation.c.digest == log.c.operation)
        .where(log.c.at >= since, log.c.purpose.is_not(None))
        .distinct()
        .limit(MOST_REPLAYED + 1)
    )
    found = [
        Asked(
            frozenset(roles.split()),
            purpose,
            bool(case),
            normal_form,
            tuple((name, action, verdict) for name, action, verdict in orjson.loads(coordinates)),
        )
        for roles, purpose, case, normal_form, coordinates in rows
    ]
    if len(found) > MOST_REPLAYED:
        raise BadInput("too many different requests to replay: ask for fewer days")
    return sorted(found, key=lambda asked: (sorted(asked.roles), asked.purpose, asked.normal_form))


async def all_sections(connection: AsyncConnection) -> Sequence[Any]:
    """Every section of the office, by code."""
    return (await connection.execute(sa.select(SECTION).order_by(SECTION.c.code))).all()


async def roles_today(connection: AsyncConnection, staff_id: str, day: dt.date) -> frozenset[str]:
    """The roles that a staff member holds on a day. Raises `BadInput` for who sees nothing then."""
    state = await connection.scalar(sa.select(STAFF.c.state).where(STAFF.c.id == staff_id))
    if state is None:
        raise BadInput("there is no such staff member")
    if state != StaffState.ACTIVE:
        raise BadInput("the staff member is not in service")
    rows = await connection.execute(
        sa.select(STAFF_ROLE.c.role).where(
            STAFF_ROLE.c.staff_id == staff_id,
            sa.or_(STAFF_ROLE.c.valid_from.is_(None), STAFF_ROLE.c.valid_from <= day),
            sa.or_(STAFF_ROLE.c.valid_until.is_(None), STAFF_ROLE.c.valid_until >= day),
        )
    )
    found = frozenset(rows.scalars())
    if not found:
        raise BadInput("the staff member holds no role today")
    return found


async def roles_of(connection: AsyncConnection, staff_id: str, day: dt.date) -> frozenset[str]:
    """Every role that a staff member holds on a day or will hold."""
    rows = await connection.execute(
        sa.select(STAFF_ROLE.c.role).where(
            STAFF_ROLE.c.staff_id == staff_id,
            sa.or_(STAFF_ROLE.c.valid_until.is_(None), STAFF_ROLE.c.valid_until >= day),
        )
    )
    return frozenset(rows.scalars())
