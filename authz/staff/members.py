"""Staff records: who may sign in with which roles, suspension, and a change of roles.

Whatever takes rights away acts on the next request: the record's revocation epoch moves first (it
binds every worker within a second even without Redis), then the sessions are closed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import BadInput, Unavailable
from authz.policy.invariants import conflicting_roles
from authz.sessions.revocations import Revocations, epoch_of, instant_of
from authz.sessions.session import Sessions
from authz.staff.indispensable import INDISPENSABLE, check_dispensable, outlasted
from models.store.database import Database
from models.tables.staff import ROLE, STAFF, STAFF_ROLE, StaffState, staff_id_objection
from models.trade.office_time import TOKYO, midnight_after

_alert = logging.getLogger("atena.alert")

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class SignInEvent:
    """What the access log gets to know about signing in and out, and about rights taken or given.

    `staff_id` is null when nobody has the id that was typed (it may be a password in the wrong
    field); `session` is the public reference; `cause` says why a sign-in was refused, to the log
    alone: unknown, locked, password, suspended, roles; guessing (a wrong password that begins a
    lock, or the longest one); address (which failed too often).
    """

    kind: Literal["sign-in", "sign-in-refused", "sign-out", "suspend", "change-roles"]
    staff_id: str | None
    session: str | None = None
    roles: frozenset[str] = frozenset()
    cause: str | None = None


Record = Callable[[SignInEvent], Awaitable[None]]
"""Writes one event durably; raises when it cannot."""


@dataclass(frozen=True, slots=True)
class Member:
    """A staff record as of one moment. `until`: the first moment at which a role ends, if any."""

    id: str
    section: str | None
    password_hash: str
    state: StaffState
    epoch: int
    roles: frozenset[str]
    until: dt.datetime | None


def utc_now() -> dt.datetime:
    """The present, in UTC."""
    return dt.datetime.now(dt.UTC)


class Staffing:
    """Reads staff records and takes or gives rights."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        revocations: Revocations,
        record: Record,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._revocations = revocations
        self._record = record
        self._now = now
        self._member = database.compile(_member_statement())

    async def find(self, staff_id: str) -> Member | None:
        """The record with the roles valid today (Asia/Tokyo), or `None`. One statement either way.

        Raises `DatabaseError`.
        """
        # A text that no id can be costs the same look-up, of an id that nobody has.
        wanted = "" if staff_id_objection(staff_id) else staff_id
        today = self._today()
        given = self._member.arguments({"staff_id": wanted, "day": today})
        async with self._database.read(snapshot=False, reserved=True) as reader:
            rows = await reader.rows(self._member.sql, given)
        return _member(rows, today) if rows else None

    def _today(self) -> dt.date:
        return self._now().astimezone(TOKYO).date()

    async def suspend(self, staff_id: str) -> None:
        """Bar a staff member; every session ends. One person suffices, and a log that is down
        does not prevent it. Raises `BadInput` if nobody has the id, `DatabaseError`, or what
        `record` raises, after the fact.
        """
        async with self._database.write() as connection:
            epoch = await self._next_epoch(connection, staff_id)
            await check_dispensable(connection, staff_id, self._today())
            await connection.execute(
                sa.update(STAFF)
                .where(STAFF.c.id == staff_id)
                .values(state=StaffState.SUSPENDED, sessions_revoked_at=instant_of(epoch))
            )
        await self.end_sessions(staff_id, epoch)
        await self._record(SignInEvent("suspend", staff_id))

    async def change_roles(
        self,
        staff_id: str,
        roles: Collection[str],
        *,
        valid_from: dt.date | None = None,
        valid_until: dt.date | None = None,
    ) -> None:
        """Let a staff member hold exactly these roles; every session ends.

        Roles already held keep their dates; `valid_from` and `valid_until` are for the new ones.
        Recorded before it is done: no log, no change. Raises `BadInput` for an id nobody has, an
        unknown role or a forbidden combination, `DatabaseError`, or what `record` raises.
        """
        wanted = frozenset(roles)
        reason = conflicting_roles(wanted)
        if reason is not None:
            raise BadInput(reason)
        await self._record(SignInEvent("change-roles", staff_id, roles=wanted))
        async with self._database.write() as connection:
            epoch = await self._next_epoch(connection, staff_id)
            taken = [role for role in INDISPENSABLE if role not in wanted]
            await check_dispensable(connection, staff_id, self._today(), taken)
            await _replace_roles(connection, staff_id, wanted, (valid_from, valid_until))
            await connection.execute(
                sa.update(STAFF)
                .where(STAFF.c.id == staff_id)
                .values(sessions_revoked_at=instant_of(epoch))
            )
        await self.end_sessions(staff_id, epoch)

    async def _next_epoch(self, connection: AsyncConnection, staff_id: str) -> int:
        statement = sa.select(STAFF.c.sessions_revoked_at).where(STAFF.c.id == staff_id)
        row = (await connection.execute(statement.with_for_update())).one_or_none()
        if row is None:
            raise BadInput("no such staff member")
        return max(epoch_of(self._now()), epoch_of(row[0]) + 1)

    async def end_sessions(self, staff_id: str, epoch: int) -> None:
        """End every session that was opened before this epoch, on every worker."""
        self._revocations.note(staff_id, epoch)
        # Without Redis nobody is signed in, and should it come back the epoch refuses.
        with contextlib.suppress(Unavailable):
            await self._sessions.close_all(staff_id)


def _member_statement() -> sa.Select[Any]:
    return (
        sa.select(
            STAFF.c.id,
            STAFF.c.section,
            STAFF.c.password_hash,
            STAFF.c.state,
            STAFF.c.sessions_revoked_at,
            STAFF_ROLE.c.role,
            STAFF_ROLE.c.valid_from,
            STAFF_ROLE.c.valid_until,
            outlasted().label("outlasted"),
        )
        .join_from(STAFF, STAFF_ROLE, STAFF_ROLE.c.staff_id == STAFF.c.id, isouter=True)
        .where(STAFF.c.id == sa.bindparam("staff_id", type_=STAFF.c.id.type))
    )


def _member(rows: Any, today: dt.date) -> Member:
    staff_id, section, password_hash, state, revoked_at = rows[0][:5]
    grants = [
        (role, _day(first), _last_day(role, _day(last), bool(outlasted), today))
        for *_, role, first, last, outlasted in rows
        if role
    ]
    valid = [
        (role, last)
        for role, first, last in grants
        if (first is None or first <= today) and (last is None or today <= last)
    ]
    ends = [end for _, last in valid if (end := midnight_after(last)) is not None]
    return Member(
        id=staff_id,
        section=section,
        password_hash=password_hash,
        state=StaffState(state),
        epoch=epoch_of(revoked_at),
        roles=frozenset(role for role, _ in valid),
        until=min(ends, default=None),
    )


def _last_day(role: str, last: dt.date | None, outlasted: bool, today: dt.date) -> dt.date | None:
    """Day by day somebody keeps a role that nobody else holds and the office cannot be without."""
    if last is None or last >= today or outlasted or role not in INDISPENSABLE:
        return last
    _alert.warning("`%s` is kept past its last day: nobody else in service holds it", role)
    return today


def _day(value: dt.date | str | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


async def _replace_roles(
    connection: AsyncConnection,
    staff_id: str,
    wanted: frozenset[str],
    validity: tuple[dt.date | None, dt.date | None],
) -> None:
    known = set((await connection.execute(sa.select(ROLE.c.code))).scalars())
    if wanted - known:
        raise BadInput("no such role")
    of_member = STAFF_ROLE.c.staff_id == staff_id
    held = set((await connection.execute(sa.select(STAFF_ROLE.c.role).where(of_member))).scalars())
    await connection.execute(
        sa.delete(STAFF_ROLE).where(of_member, STAFF_ROLE.c.role.in_(held - wanted))
    )
    new = [
        {"staff_id": staff_id, "role": role, "valid_from": validity[0], "valid_until": validity[1]}
        for role in sorted(wanted - held)
    ]
    if new:
        await connection.execute(sa.insert(STAFF_ROLE), new)
