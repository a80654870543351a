"""Lockout by growing delay: guesses against one staff id get slower and slower.

Every attempt is paid for before its password is looked at, so parallel guesses do not outrun the
count. The first `FREE` cost nothing; then each locks the id for 1, 2, 4 … seconds up to a quarter
of an hour. A sign-in that succeeds forgets the count; so does an hour without attempts. Ids that
nobody has are counted alike: a lockout tells nothing. Attempts while locked do not prolong it, or
anybody could keep a colleague out for good.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from redis.asyncio import Redis

from authz.session import TAG, answering, script

FREE = 5
FIRST = dt.timedelta(seconds=1)
LONGEST = dt.timedelta(minutes=15)
FORGOTTEN_AFTER = dt.timedelta(hours=1)

_ADMIT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local locked = redis.call('HGET', KEYS[1], 'until')
if locked and now < tonumber(locked) then return tonumber(locked) - now end
local attempts = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
local over = attempts - ARGV[1]
if over > 0 then
  redis.call('HSET', KEYS[1], 'until', now + math.min(ARGV[2] * 2 ^ (over - 1), tonumber(ARGV[3])))
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
"""


class Lockout:
    """Counts attempts per staff id in Redis, for all workers together."""

    def __init__(
        self,
        redis: Redis,
        *,
        free: int = FREE,
        first: dt.timedelta = FIRST,
        longest: dt.timedelta = LONGEST,
    ) -> None:
        self._redis = redis
        self._admit = script(redis, _ADMIT)
        self._limits = [free, *(_milliseconds(span) for span in (first, longest, FORGOTTEN_AFTER))]

    async def admit(self, staff_id: str) -> bool:
        """Count an attempt; false while the id is locked. Raises `Unavailable`."""
        async with answering():
            wait = await self._admit(keys=[_key(staff_id)], args=self._limits)
        return int(wait) == 0

    async def forget(self, staff_id: str) -> None:
        """The attempt was genuine. Raises `Unavailable`."""
        async with answering():
            await self._redis.delete(_key(staff_id))


def _key(staff_id: str) -> str:
    # What was typed may be a password in the wrong field: not stored in clear.
    digest = hashlib.sha256(staff_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{TAG}attempts:{digest}"


def _milliseconds(span: dt.timedelta) -> int:
    return span // dt.timedelta(milliseconds=1)
