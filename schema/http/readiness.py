"""`GET /readyz`: whether this worker could answer a request now, tried by what an answer needs.

Nobody is asked who they are, so all who ask within a second get the answer of one try.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from authz.access_log import AccessLog
from authz.errors import Refused
from authz.policy.store import PolicyStore
from authz.sessions.revocations import Revocations
from authz.sessions.session import Sessions
from authz.tasks import end
from models.store.database import Database, DatabaseError

GOOD_FOR = 1.0
PATIENCE = 2.0

Try = Callable[[], Awaitable[None]]
NOT_READY = (Refused, DatabaseError, OSError)


class Readiness:
    """Tries the stores of one worker, one try at a time, in at most `PATIENCE` seconds."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        policies: PolicyStore,
        revocations: Revocations,
        log: AccessLog,
    ) -> None:
        async def read() -> None:
            async with database.read(snapshot=False, reserved=True) as reader:
                await reader.rows("SELECT 1", ())

        async def hold_session() -> None:
            await sessions.publish_policy_version((await policies.current()).version)
            await sessions.rehearse()

        async def decide() -> None:
            await policies.at_least(sessions.newest_policy_version)

        async def know_revocations() -> None:
            revocations.check_known()

        self._tries: Mapping[str, Try] = {
            "database": read,
            "log": log.rehearse,
            "policy": decide,
            "redis": hold_session,
            "revocations": know_revocations,
        }
        self._trying: asyncio.Task[list[str]] | None = None
        self._tried_at = 0.0

    async def missing(self) -> list[str]:
        """The stores that do not do what an answer needs."""
        now = asyncio.get_running_loop().time()
        if self._trying is None or (self._trying.done() and now > self._tried_at + GOOD_FOR):
            self._trying = asyncio.create_task(self._try())
        return await asyncio.shield(self._trying)

    async def stop(self) -> None:
        """End the try that is under way."""
        if self._trying is not None:
            await end(self._trying)

    async def _try(self) -> list[str]:
        worked = await asyncio.gather(*(_works(each) for each in self._tries.values()))
        self._tried_at = asyncio.get_running_loop().time()
        return [name for name, works in zip(self._tries, worked, strict=True) if not works]


async def _works(attempt: Try) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await attempt()
    except NOT_READY:
        return False
    return True
