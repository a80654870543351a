"""Roles without which the office could do nothing any more: somebody in service always holds each.

Nobody takes one from its last holder, and it does not end with its last day while nobody else
holds it. Otherwise nobody could ever approve, propose or protect again. What is left when a holder
is gone for good is `server.py recover`: two operators give the role to somebody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import BadInput
from models.store import append_only
from models.tables.staff import STAFF, STAFF_ROLE, StaffState

INDISPENSABLE = ("collection-director", "policy-administrator", "protection-coordinator")
"""Who approves, who administers, who protects."""

LOCK = 4_815_170_107


async def holders(connection: AsyncConnection, role: str, day: dt.date) -> frozenset[str]:
    """Who of those in service holds the role on a day: where nobody does any more, the last."""
    rows = await connection.execute(
        sa.select(STAFF.c.id, STAFF_ROLE.c.valid_until)
        .join_from(STAFF, STAFF_ROLE, STAFF_ROLE.c.staff_id == STAFF.c.id)
        .where(STAFF.c.state == StaffState.ACTIVE, STAFF_ROLE.c.role == role, started(day))
    )
    ends = {staff_id: until or dt.date.max for staff_id, until in rows}
    last = max(ends.values(), default=day)
    return frozenset(staff_id for staff_id, end in ends.items() if end >= min(day, last))


async def check_dispensable(
    connection: AsyncConnection, staff_id: str, day: dt.date, roles: Iterable[str] = INDISPENSABLE
) -> None:
    """Raises `BadInput` if somebody is the last to hold one of these roles. To be asked before
    it is taken away, in the same transaction: two at once would each leave it to the other."""
    for statement in append_only.exclusively(connection.dialect.name, LOCK):
        await connection.exec_driver_sql(statement)
    for role in INDISPENSABLE:
        if role in roles and await holders(connection, role, day) == {staff_id}:
            raise BadInput(
                f"nobody else in service holds `{role}`: give it to somebody else first",
                "STATE_NOT_ALLOWED",
            )


def started(
    day: dt.date | sa.BindParameter[dt.date], grant: sa.FromClause = STAFF_ROLE
) -> sa.ColumnElement[bool]:
    """The grant's first day has come."""
    return sa.or_(grant.c.valid_from.is_(None), grant.c.valid_from <= day)


def outlasted() -> sa.ColumnElement[bool]:
    """Whether somebody else in service holds the role of this grant for longer; the day is the
    parameter `day`."""
    grant, member = STAFF_ROLE.alias("another_grant"), STAFF.alias("another_member")
    day = sa.bindparam("day", type_=sa.Date())
    return (
        sa.select(grant.c.id)
        .join_from(grant, member, member.c.id == grant.c.staff_id)
        .where(
            grant.c.role == STAFF_ROLE.c.role,
            grant.c.staff_id != STAFF_ROLE.c.staff_id,
            member.c.state == StaffState.ACTIVE,
            started(day, grant),
            sa.or_(grant.c.valid_until.is_(None), grant.c.valid_until > STAFF_ROLE.c.valid_until),
        )
        .correlate(STAFF_ROLE)
        .exists()
    )
