"""What Redis counts of clients: names that are used once, and how often somebody asks."""

from __future__ import annotations

import hashlib

from redis.asyncio import Redis

from authz.errors import TooManyRequests
from authz.redis.connection import TAG, answering, script

MINUTE = 60_000

_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if count <= tonumber(ARGV[1]) then return 0 end
return math.max(redis.call('PTTL', KEYS[1]), 1)
"""


class Once:
    """Names that may be used once (`jti`), whichever worker sees them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def use(self, owner: str, name: str, seconds: float) -> bool:
        """Use a name of the owner's; false if it was used in the last `seconds`.

        Raises `Unavailable`.
        """
        digest = hashlib.sha256(f"{owner}\n{name}".encode("utf-8", "surrogatepass")).hexdigest()
        async with answering():
            stored = await self._redis.set(
                f"{TAG}once:{digest}", 1, nx=True, ex=max(int(seconds) + 1, 1)
            )
        return bool(stored)


class Rate:
    """At most so many a minute, for whoever is counted."""

    def __init__(self, redis: Redis, name: str, most: int) -> None:
        self._count = script(redis, _COUNT)
        self._name = name
        self._most = most

    async def admit(self, who: str) -> None:
        """Count one. Raises `TooManyRequests` with the seconds to wait, or `Unavailable`."""
        async with answering():
            key = f"{TAG}rate:{self._name}:{hashlib.sha256(who.encode()).hexdigest()}"
            wait = int(await self._count(keys=[key], args=[self._most, MINUTE]))
        if wait:
            raise TooManyRequests(-(-wait // 1000))
