"""A time limit that a pause of this process does not use up.

After a pause the timers of an event loop are looked at before the tasks that wait for an answer,
even where the answer came long ago: a limit of the usual kind blames the other side for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GRACE_SECONDS = 0.02


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Raise `TimeoutError` after `seconds`, and after as much again as the timer itself was late.

    At least `GRACE_SECONDS` more, in which what has already arrived is read.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds

    def give_grace() -> None:
        now = loop.time()
        limit.reschedule(now + max(now - due, GRACE_SECONDS))

    async with asyncio.timeout(None) as limit:
        timer = loop.call_at(due, give_grace)
        try:
            yield
        finally:
            timer.cancel()
