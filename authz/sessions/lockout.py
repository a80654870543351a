"""Lockout by growing delay: guesses at one staff id get slower and slower, and keep nobody out.

Attempts are counted in lanes. A place from which the id signed in before has a lane of its own: a
device that shows the token it was given then, or an address. Everybody else, a *stranger*, is
counted by id and address, and with all strangers of the id. So a stranger who guesses, from one
address or from many, keeps waiting whoever comes from a new place, and nobody who comes from their
own. And an address that fails too often, against whichever ids, is turned away before any password
is looked at.

Every attempt is paid for before, so parallel guesses do not outrun the count. A lane's first
attempts cost nothing; then each locks it for 1, 2, 4 … seconds up to a quarter of an hour. A
sign-in that succeeds forgets its lane; so does an hour without attempts. Ids that nobody has are
counted alike: a lockout tells nothing. Attempts while locked do not prolong it.

    {atena}attempts:<digest>   hash: for each lane of one id `n` (attempts) and `u` (locked until)
    {atena}places:<digest>     sorted set: addresses from which one id signed in, by the last time
    {atena}failures:<digest>   failures of one address in the minute

What somebody types for an id may be a password or an individual number, and there are few enough of
these, and of addresses, to try them all: every digest is made with a key of the server.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import NamedTuple

from redis.asyncio import Redis

from authz.channel import Address, neighbourhood
from authz.errors import TooManyRequests
from authz.redis.connection import TAG, answering, script

FREE = 5
FIRST = dt.timedelta(seconds=1)
LONGEST = dt.timedelta(minutes=15)
FORGOTTEN_AFTER = dt.timedelta(hours=1)
STRANGERS = 4
"""Times as many attempts are free for all strangers of an id together: one of them does not close
the door to the others."""
PLACES = 8
"""Addresses remembered of one id, the latest."""
REMEMBERED = dt.timedelta(days=90)
FAILURES_A_MINUTE = 120
"""Of one address, which may be that of a whole office; what is under way counts, too."""
MINUTE = 60_000

_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

_ADMIT = (
    _NOW
    + """
local lanes = {ARGV[1]}
local known = ARGV[2] == '1'
if not known then
  local last = redis.call('ZSCORE', KEYS[2], ARGV[1])
  known = last and now - last < tonumber(ARGV[8])
end
if not known then lanes[2] = '*' end
for _, lane in ipairs(lanes) do
  local locked = redis.call('HGET', KEYS[1], lane .. 'u')
  if locked and now < tonumber(locked) then return {0, 0, 0} end
end
local worst = 0
for place, lane in ipairs(lanes) do
  local free = ARGV[3] * (place == 2 and ARGV[7] or 1)
  local over = redis.call('HINCRBY', KEYS[1], lane .. 'n', 1) - free
  if over > 0 then
    local wait = math.min(ARGV[4] * 2 ^ (over - 1), tonumber(ARGV[5]))
    redis.call('HSET', KEYS[1], lane .. 'u', now + wait)
    worst = math.max(worst, over)
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {1, worst, known and 0 or 1}
"""
)

_SUCCEED = """
redis.call('HDEL', KEYS[1], ARGV[1] .. 'n', ARGV[1] .. 'u')
if ARGV[2] == '1' and redis.call('HEXISTS', KEYS[1], '*n') == 1 then
  redis.call('HINCRBY', KEYS[1], '*n', -1)
end
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECR', KEYS[2]) end
"""

_REMEMBER = (
    _NOW
    + """
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
)

_FAIL = """
local failures = redis.call('INCR', KEYS[1])
if failures == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {failures, math.max(redis.call('PTTL', KEYS[1]), 1)}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody signs in: an address, and a device that the id signed in on before."""

    address: Address | None = None
    device: str | None = None

    @property
    def neighbourhood(self) -> str:
        """Whose place it is, as far as an address tells."""
        return neighbourhood(self.address)

    @property
    def lane(self) -> str:
        """What it is among the lanes of an id."""
        return self.neighbourhood if self.device is None else f"device {self.device}"


NOWHERE = Place()


class Admission(NamedTuple):
    """Whether an attempt goes on. `over`: by how many attempts its lane is beyond the free ones."""

    admitted: bool
    over: int
    stranger: bool


class TooManyFailures(TooManyRequests):
    """An address failed too often. `first`: it is told so for the first time in the minute."""

    def __init__(self, retry_after: int, *, first: bool) -> None:
        super().__init__(retry_after)
        self.first = first


class Lockout:
    """Counts attempts in Redis, for all workers together."""

    def __init__(
        self,
        redis: Redis,
        key: bytes,
        *,
        free: int = FREE,
        first: dt.timedelta = FIRST,
        longest: dt.timedelta = LONGEST,
        failures: int = FAILURES_A_MINUTE,
    ) -> None:
        self._redis = redis
        self._secret = key
        self._admit = script(redis, _ADMIT)
        self._succeed = script(redis, _SUCCEED)
        self._remember = script(redis, _REMEMBER)
        self._fail = script(redis, _FAIL)
        self._free = free
        self._first, self._longest = _milliseconds(first), _milliseconds(longest)
        self._failures = failures

    async def admit_address(self, place: Place) -> None:
        """Count an attempt from an address. Raises `TooManyFailures`, or `Unavailable`.

        A device that is known is not counted: it may stand behind the address of an attacker.
        """
        if place.device is not None:
            return
        async with answering():
            count, left = await self._fail(keys=[self._failures_of(place)], args=[MINUTE])
        if int(count) > self._failures:
            raise TooManyFailures(-(-int(left) // 1000), first=int(count) == self._failures + 1)

    async def admit(self, staff_id: str, place: Place = NOWHERE) -> Admission:
        """Count an attempt in its lanes. Raises `Unavailable`."""
        async with answering():
            admitted, over, stranger = await self._admit(
                keys=[self._key("attempts", staff_id), self._key("places", staff_id)],
                args=[
                    self._digest(place.lane),
                    int(place.device is not None),
                    self._free,
                    self._first,
                    self._longest,
                    _milliseconds(FORGOTTEN_AFTER),
                    STRANGERS,
                    _milliseconds(REMEMBERED),
                ],
            )
        return Admission(bool(int(admitted)), int(over), bool(int(stranger)))

    def begins(self, over: int) -> bool:
        """Whether this attempt is the first that locks its lane, or the first for the longest."""
        wait = self._first * 2 ** (over - 1) if over > 0 else 0
        return over == 1 or wait >= self._longest > wait // 2

    async def succeed(
        self, staff_id: str, place: Place = NOWHERE, *, stranger: bool = True
    ) -> None:
        """The attempt was genuine: its lane is free, its address known. Raises `Unavailable`."""
        async with answering():
            await self._succeed(
                keys=[self._key("attempts", staff_id), self._failures_of(place)],
                args=[self._digest(place.lane), int(stranger), int(place.device is None)],
            )
            await self._know(staff_id, place.address)

    async def break_lock(self, staff_id: str, address: Address | None) -> None:
        """Forget every attempt against an id. At `address` it is known from now on, so that
        whoever goes on guessing elsewhere locks nobody out there. Raises `Unavailable`."""
        async with answering():
            await self._redis.delete(self._key("attempts", staff_id))
            if address is not None:
                await self._know(staff_id, address)

    async def _know(self, staff_id: str, address: Address | None) -> None:
        await self._remember(
            keys=[self._key("places", staff_id)],
            args=[self._digest(Place(address).lane), PLACES, _milliseconds(REMEMBERED)],
        )

    def _key(self, name: str, staff_id: str) -> str:
        return f"{TAG}{name}:{self._digest(staff_id)}"

    def _failures_of(self, place: Place) -> str:
        return f"{TAG}failures:{self._digest(place.neighbourhood)}"

    def _digest(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _milliseconds(span: dt.timedelta) -> int:
    return span // dt.timedelta(milliseconds=1)
