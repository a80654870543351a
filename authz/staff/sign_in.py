"""Signing in and out, and finding out who asks.

An id that nobody has, a wrong password, a suspended member, a locked id and roles that open nothing
are one answer at one cost: the same look-up, one argon2 verification, one log record. Only the log
knows the cause. No log, no sign-in: a token leaves only after its record is written. An address
that fails too often is turned away before that, whichever id it names.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from authz.actor import Actor
from authz.channel import Channel, Front
from authz.clients.tokens import Tokens
from authz.errors import Unauthenticated, Unavailable
from authz.policy.invariants import conflicting_roles
from authz.sessions.devices import Devices, DeviceToken
from authz.sessions.lockout import Admission, Lockout, Place, TooManyFailures
from authz.sessions.passwords import Passwords
from authz.sessions.revocations import Revocations
from authz.sessions.session import Session, Sessions, Touched
from authz.staff.members import Member, Record, SignInEvent, Staffing
from models.store.database import DatabaseError
from models.tables.staff import StaffState

_alert = logging.getLogger("atena.alert")

FAILED = "the staff id or the password is wrong, or the account cannot be used now"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just opened. The token is told this once; `device` is for the next sign-in here."""

    token: str
    actor: Actor
    device: DeviceToken


@dataclass(frozen=True, slots=True)
class SignIn:
    """The use cases around a session; one for each worker."""

    sessions: Sessions
    revocations: Revocations
    staffing: Staffing
    passwords: Passwords
    lockout: Lockout
    record: Record
    front: Front
    devices: Devices
    tokens: Tokens | None = None

    async def sign_in(
        self, staff_id: str, password: str, channel: Channel | None = None
    ) -> SignedIn:
        """Open a session.

        Raises `Unauthenticated` (one answer for every cause), `TooManyRequests` (of one address,
        whichever ids it names), `Unavailable` (Redis or the database is down, or too many sign-ins
        at once), or what `record` raises.
        """
        place = self._place(staff_id, channel)
        await self._admit_address(place)
        admission = await self.lockout.admit(staff_id, place)
        member = await self._find(staff_id)
        stored = member.password_hash if member and admission.admitted else None
        genuine = await self.passwords.verify(stored, password)
        cause = self._cause(member, admission, genuine)
        if member is None or cause is not None:
            known = member.id if member else None
            if cause == "guessing":
                _alert.warning(
                    "sign-in lock: the password of staff id %s is being guessed from %s",
                    known,
                    place.neighbourhood,
                )
            await self.record(SignInEvent("sign-in-refused", known, cause=cause))
            raise Unauthenticated(FAILED)
        await self.lockout.succeed(staff_id, place, stranger=admission.stranger)
        return await self._open(member)

    def _place(self, staff_id: str, channel: Channel | None) -> Place:
        if channel is None:
            return Place()
        device = self.devices.known(staff_id, channel.headers.get("cookie", ""))
        return Place(self.front.address(channel), device)

    async def _admit_address(self, place: Place) -> None:
        try:
            await self.lockout.admit_address(place)
        except TooManyFailures as refused:
            # Once a minute: whoever knocks all the time does not fill the log.
            if refused.first:
                _alert.warning("sign-in limit: %s fails too often", place.neighbourhood)
                await self.record(SignInEvent("sign-in-refused", None, cause="address"))
            raise

    async def authenticate(self, token: str, channel: Channel | None = None) -> Touched:
        """Who asks, and under which policy version: the one way from a token to an actor.

        `channel` is how the token came: without it a department's client is nobody. Raises
        `Unauthenticated`, `TooManyRequests` or `Unavailable`.
        """
        touched = await self.sessions.touch(token)
        self.revocations.check(touched.session)
        if self.tokens is not None:
            await self.tokens.check(touched.session, token, channel)
        elif touched.actor.grant is not None:
            raise Unauthenticated("not signed in")
        return touched

    async def sign_out(self, token: str) -> None:
        """Close a session, then record it: a log that is down keeps nobody signed in.

        A client's token is no session: it is revoked, by who proves to be that client. Raises
        `Unauthenticated` if there is none, `Unavailable`, or what `record` raises.
        """
        found = await self.sessions.look(token)
        granted = found is not None and found.actor.grant is not None
        session = None if granted else await self.sessions.close(token)
        if session is None:
            raise Unauthenticated("not signed in")
        actor = session.actor
        await self.record(SignInEvent("sign-out", actor.id, actor.session, actor.roles))

    async def suspend(self, staff_id: str) -> None:
        """Bar a staff member and end every session: see `Staffing.suspend`."""
        await self.staffing.suspend(staff_id)

    async def change_roles(self, staff_id: str, roles: frozenset[str]) -> None:
        """Let a staff member hold exactly these roles: see `Staffing.change_roles`."""
        await self.staffing.change_roles(staff_id, roles)

    def _cause(self, member: Member | None, admission: Admission, genuine: bool) -> str | None:
        if member is None:
            return "unknown"
        if not admission.admitted:
            return "locked"
        if not genuine:
            return "guessing" if self.lockout.begins(admission.over) else "password"
        if member.state is not StaffState.ACTIVE:
            return "suspended"
        if not member.roles or conflicting_roles(member.roles):
            return "roles"
        return None

    async def _open(self, member: Member) -> SignedIn:
        try:
            token, actor = await self.sessions.open(
                member.id, member.roles, member.section, epoch=member.epoch, until=member.until
            )
        except Unauthenticated:
            # A role's last day ended while the password was looked at.
            await self.record(SignInEvent("sign-in-refused", member.id, cause="roles"))
            raise Unauthenticated(FAILED) from None
        try:
            await self._confirm(member)
            await self.record(SignInEvent("sign-in", actor.id, actor.session, actor.roles))
        except Exception:
            await self._abandon(token)
            raise
        return SignedIn(token, actor, self.devices.issue(member.id))

    async def _confirm(self, member: Member) -> None:
        """A suspension may have closed all sessions just before this one was opened."""
        now = await self._find(member.id)
        if now is None or now.epoch != member.epoch:
            await self.record(SignInEvent("sign-in-refused", member.id, cause="suspended"))
            raise Unauthenticated(FAILED)

    async def _abandon(self, token: str) -> Session | None:
        try:
            return await self.sessions.close(token)
        except Unavailable:
            return None

    async def _find(self, staff_id: str) -> Member | None:
        try:
            return await self.staffing.find(staff_id)
        except DatabaseError:
            raise Unavailable("the staff records do not answer") from None
