"""Harvest: how many distinct persons somebody looks up in an hour, for each purpose and class.

The upper bound of what a request could tell is held before anything is read, and given back down to
what it told; a script does each in one step, so that two requests cannot both take the last of a
budget. Somebody who is asked for by code is counted by that code, whether there is such a person or
not, and once an hour however often. What names nobody (a miss, a count) is counted each time.

    {atena}harvest:<staff id>:<purpose>:<class or any>           hash: @ (which hour), # (persons
                                                                 held or unnamed)
    {atena}harvest:<staff id>:<purpose>:<class or any>:persons   set of keyed digests of codes, and
                                                                 the empty text from its beginning

What somebody types for a code could be anything, an individual number too: no code is stored here.

The hour begins with the first request and ends as a whole. What a crash leaves held comes back with
the next hour: too little is shown, never too much.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import orjson
from hiredis import HiredisError
from redis.asyncio import Redis

from authz.errors import HarvestLimit, Unavailable
from authz.policy.budgets import Ledgers
from authz.redis.connection import TAG
from authz.redis.pipelined_script import ScriptLine

HOUR_MS = 3_600_000
REMEMBERED = 20_000
"""Digests kept by a worker: to make one anew costs a microsecond."""


Words = tuple[str | int | bytes, ...]

_alert = logging.getLogger("atena.alert")
_log = logging.getLogger("atena.harvest")

# Each ledger has two keys. Codes come as one JSON list: that is a third of the cost of an argument
# for each. SADD takes 1,000 at a time, as Lua unpacks no more than some thousand.
_COUNT = """
local function note(key, codes)
  for from = 1, #codes, 1000 do
    redis.call('SADD', key, unpack(codes, from, math.min(from + 999, #codes)))
  end
end

local units, codes, ledgers = tonumber(ARGV[2]), cjson.decode(ARGV[3]), #KEYS / 2
if ARGV[1] == 'settle' then
  for at = 1, ledgers do
    if redis.call('HGET', KEYS[2 * at - 1], '@') == ARGV[3 + at] then
      redis.call('HINCRBY', KEYS[2 * at - 1], '#', -units)
      note(KEYS[2 * at], codes)
    end
  end
  return {KEYS[1]}
end

local begun = {}
for at = 1, ledgers do
  local hour = redis.call('HMGET', KEYS[2 * at - 1], '@', '#')
  local counted = redis.call('SCARD', KEYS[2 * at])
  local used, more = 0, units + #codes
  -- An hour is there as a whole, or not at all.
  if hour[1] and counted > 0 then
    begun[at] = hour[1]
    used = counted - 1 + hour[2]
    for _, code in ipairs(codes) do
      more = more - redis.call('SISMEMBER', KEYS[2 * at], code)
    end
  end
  if more > 0 and used + more > tonumber(ARGV[3 + at]) then
    return {KEYS[1], at, redis.call('PTTL', KEYS[2 * at - 1]), used, more}
  end
end
for at = 1, ledgers do
  local key, persons = KEYS[2 * at - 1], KEYS[2 * at]
  if not begun[at] then
    local clock = redis.call('TIME')
    local ends = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[4 + ledgers]
    begun[at] = clock[1] .. clock[2]
    redis.call('DEL', key, persons)
    redis.call('HSET', key, '@', begun[at], '#', 0)
    redis.call('SADD', persons, '')
    redis.call('PEXPIREAT', key, ends)
    redis.call('PEXPIREAT', persons, ends)
  end
  if units > 0 then redis.call('HINCRBY', key, '#', units) end
  note(persons, codes)
end
return {KEYS[1], unpack(begun)}
"""


class Held(NamedTuple):
    """What a request may tell of: `units` unnamed persons in each ledger, beside the named ones."""

    keys: tuple[str, ...]
    hours: tuple[bytes, ...]
    units: int
    named: frozenset[str] = frozenset()


class Harvest:
    """The counts of all staff members, for all workers together."""

    def __init__(self, redis: Redis, key: bytes) -> None:
        self._digest = lru_cache(maxsize=REMEMBERED)(partial(_digest, key))
        self._line = ScriptLine(redis, _COUNT)
        self._settling: set[asyncio.Task[None]] = set()

    async def hold(
        self, actor: str, purpose: str, ledgers: Ledgers, units: int, named: Sequence[str]
    ) -> Held:
        """Take what a request could tell of: `units` persons whom it does not name, and `named`.

        Raises `HarvestLimit` where it does not fit, with nothing taken, or `Unavailable`.
        """
        keys = tuple(chain.from_iterable(_keys(actor, purpose, code) for code, _ in ledgers))
        budgets = (persons for _, persons in ledgers)
        arguments: Words = ("hold", units, self._digests(named), *budgets, HOUR_MS)
        try:
            found = await self._line.call(*keys, arguments=arguments)
        except (OSError, HiredisError):
            raise Unavailable("the count of persons does not answer") from None
        if found[0] != keys[0].encode():
            self._line.give_up()
            raise Unavailable("the count of persons answered out of order")
        if len(found) == 5 and isinstance(found[1], int):
            raise self._refused(actor, purpose, ledgers[found[1] - 1], *found[2:])
        return Held(keys, tuple(found[1:]), units, frozenset(named))

    def settle(self, held: Held, units: int, persons: Sequence[str] = ()) -> None:
        """What was told: `units` misses and counts, and these persons; the rest is given back.

        Nobody waits for it. If it fails, everything held stays taken until the hour is over.
        """
        if units == held.units and held.named.issuperset(persons):
            return
        task = asyncio.create_task(self._settle(held, units, persons))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def close(self) -> None:
        """Settle what waits, and disconnect."""
        await asyncio.gather(*self._settling)
        await self._line.close()

    async def _settle(self, held: Held, units: int, persons: Sequence[str]) -> None:
        given_back = held.units - units
        arguments: Words = ("settle", given_back, self._digests(persons), *held.hours)
        try:
            # Twice it would give back what was told.
            await self._line.call(*held.keys, arguments=arguments, again=False)
        except (OSError, HiredisError) as error:
            _log.warning("persons were not given back: %s", type(error).__name__)

    def _digests(self, codes: Sequence[str]) -> bytes:
        return orjson.dumps([self._digest(code) for code in codes])

    def _refused(
        self, actor: str, purpose: str, ledger: tuple[str, int], left_ms: int, used: int, more: int
    ) -> HarvestLimit:
        code, budget = ledger
        _alert.warning(
            "harvest limit: staff %s, purpose %s, class %s, %d of %d persons used, %d more asked",
            actor, purpose, code, used, budget, more,
        )  # fmt: skip
        return HarvestLimit(
            f"at most {budget} persons an hour for this purpose: {used} are counted, and this"
            f" request could tell of {more} more; ask for fewer, or later",
            # Where no hour has begun, the request alone is too large, and stays so.
            retry_after=-(-(left_ms if left_ms > 0 else HOUR_MS) // 1000),
        )


def _digest(key: bytes, code: str) -> str:
    return blake2b(code.encode(), key=key, digest_size=16).hexdigest()


def _keys(actor: str, purpose: str, code: str) -> tuple[str, str]:
    key = f"{TAG}harvest:{actor}:{purpose}:{code}"
    return key, f"{key}:persons"
