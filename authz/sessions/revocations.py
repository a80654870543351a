"""Revocations as the database knows them: what ends a session even if Redis forgot that it ended.

Redis may lose its last writes when it fails over, and a deletion is a write. So every suspension
and every change of roles first moves the record's revocation epoch (`Staff.sessions_revoked_at`, of
a department's client `Client.tokens_revoked_at`), and a session that was opened under an earlier
epoch is refused. The two epochs come from the same column: no clock is compared with another's, and
a session that was being opened while its owner was suspended is caught as well.

Each worker reads the epochs once a second and knows its own changes at once. If no reading has
succeeded for `STALE_SECONDS` everybody is refused with 503: the database is then down or cut off,
so there is nothing to answer with anyway, and a revocation could be missed without limit. Ten
seconds, because a shorter time would turn one long pause of a busy worker into refusals.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from typing import Any

import sqlalchemy as sa

from authz.actor import actor_id
from authz.errors import Unauthenticated, Unavailable
from authz.sessions.session import Session
from authz.tasks import end
from models.store.database import Database
from models.tables.client import CLIENT
from models.tables.staff import STAFF

POLL_SECONDS = 1.0
STALE_SECONDS = 10.0

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_logger = logging.getLogger(__name__)


class Revocations:
    """The revocation epochs of all actors, in this worker's memory."""

    def __init__(
        self,
        database: Database,
        *,
        poll_seconds: float = POLL_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self._database = database
        self._statement = database.compile(_epochs())
        self._poll_seconds = poll_seconds
        self._stale_seconds = stale_seconds
        self._epochs: dict[str, int] = {}
        self._fresh_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read once, then keep reading. Raises `DatabaseError` if the first reading fails."""
        await self.poll()
        self._task = asyncio.create_task(self._keep_polling())

    async def stop(self) -> None:
        """End the reading."""
        if self._task is not None:
            await end(self._task)
            self._task = None

    async def poll(self) -> None:
        """Read the epochs now."""
        began = time.monotonic()
        async with self._database.read(snapshot=False, reserved=True) as reader:
            rows = await reader.rows(self._statement.sql, [])
        for actor, revoked_at in rows:
            self.note(actor, epoch_of(revoked_at))
        self._fresh_until = began + self._stale_seconds

    def note(self, actor: str, epoch: int) -> None:
        """A revocation known at once. Epochs only grow: a late reading cannot undo it."""
        self._epochs[actor] = max(epoch, self._epochs.get(actor, 0))

    def check(self, session: Session) -> None:
        """Refuse a session opened before its owner's last revocation.

        Raises `Unauthenticated`, or `Unavailable` when the revocations are no longer known.
        """
        self.check_known()
        if self._epochs.get(session.actor.id, 0) > session.epoch:
            raise Unauthenticated("not signed in")

    def check_known(self) -> None:
        """Raises `Unavailable` when they were not read for too long."""
        if time.monotonic() > self._fresh_until:
            raise Unavailable("the revocations are not known")

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.poll()
            except Exception as error:
                # Whatever it was: staleness refuses, and the next reading may succeed.
                _logger.warning("revocations not read: %s", type(error).__name__)


def _epochs() -> sa.Select[Any]:
    """Every actor with a revocation epoch: staff members, and clients under their actor ids."""
    staff = sa.select(STAFF.c.id.label("actor"), STAFF.c.sessions_revoked_at.label("epoch"))
    prefix: sa.ColumnElement[str] = sa.literal_column(f"'{actor_id('')}'", CLIENT.c.id.type)
    clients = sa.select(prefix.concat(CLIENT.c.id), CLIENT.c.tokens_revoked_at)
    every = sa.union_all(staff, clients).subquery()
    return sa.select(every.c.actor, every.c.epoch).where(every.c.epoch.is_not(None))


def epoch_of(instant: dt.datetime | str | None) -> int:
    """The epoch that a stored instant stands for: microseconds since 1970 in UTC; 0 for null."""
    if instant is None:
        return 0
    if isinstance(instant, str):
        instant = dt.datetime.fromisoformat(instant)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=dt.UTC)
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(epoch: int) -> dt.datetime:
    """The instant to store for an epoch."""
    return _EPOCH + epoch * _MICROSECOND
