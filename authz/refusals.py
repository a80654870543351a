"""Refusals of callers who proved nothing: a few rows of the log a minute, then one that counts.

Without this bound anybody could fill the log's disk without a credential. The count is kept in
the process: what a killed one had counted is lost, its first rows are not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from authz.access_log import AccessLog, Kind, LoggedOperation, Record
from authz.channel import Channel, Front, neighbourhood
from authz.errors import Unavailable

ROWS = 10
"""Rows for one address in one period; an operator who looks for a mistake needs a few."""

PERIOD = 60.0
"""Seconds."""

MOST_ADDRESSES = 1_000
OTHERS = "*"
"""All addresses beyond the first thousand of a period share one count."""

_log = logging.getLogger("atena.refusals")


@dataclass
class _Count:
    since: float
    rows: int = 0
    more: int = 0


class Refusals:
    """Writes refusals to the log, bounded for each address. One for each worker."""

    def __init__(self, log: AccessLog, front: Front) -> None:
        self._log = log
        self._front = front
        self._counts: dict[str, _Count] = {}

    async def record(
        self, channel: Channel | None, record: Record, operation: LoggedOperation | None = None
    ) -> None:
        """Log one refusal, or count it where the address has its rows already. Raises
        `Unavailable`."""
        address = neighbourhood(self._front.address(channel) if channel else None)
        if address not in self._counts and len(self._counts) >= MOST_ADDRESSES:
            address = OTHERS
        count = self._counts.setdefault(address, _Count(time.monotonic()))
        if count.rows < ROWS:
            count.rows += 1
            await self._log.record(record, operation)
        else:
            count.more += 1

    async def keep_writing(self) -> None:
        """Write the counts of past periods until cancelled."""
        while True:
            await asyncio.sleep(PERIOD / 4)
            try:
                await self.write(time.monotonic() - PERIOD)
            except Unavailable:
                # Else nothing is counted, nor any row written, ever after.
                _log.warning("refusals were not counted on the access log: it does not answer")

    async def write(self, until: float = float("inf")) -> None:
        """One row for each address whose period began before `until` and had more than its rows."""
        past = [address for address, count in self._counts.items() if count.since <= until]
        for address in past:
            more = self._counts.pop(address).more
            if more:
                what = LoggedOperation.of(f"refused:{more} more from one address", ())
                await self._log.record(Record(kind=Kind.TOKEN, outcome="REFUSED_RATE"), what)
