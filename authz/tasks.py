"""Ending a task that runs beside the requests."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait until it has let go of its connections.

    Again and again: a database driver that is interrupted may raise an error of its own instead,
    after which a task that goes on in spite of errors has lost its cancellation.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)
