"""Sessions in Redis: an opaque token, an idle and an absolute timeout, one round trip a request.

The token (256 random bits) leaves the server once and is stored nowhere: Redis knows its SHA-256.
`touch` is one script: it reads the server's own clock, ends what is past its absolute end, moves
the idle end, and brings the number of the policy version in the same answer, so that an edit of the
policy binds the very next request (a version is committed first, then published). A script
is atomic and only ever moves the end of a session that is still there: nothing resurrects one.

All keys carry one hash tag, so scripts also run on a cluster:

    {atena}session:<sha256>   hash: abs, idle, issued (ms), staff, who (JSON)
    {atena}staff:<staff id>   sorted set of that actor's sessions by absolute end
    {atena}policy-version     number of the published policy version
    {atena}rehearsal          nothing, for a millisecond: whether Redis still takes writes
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from hiredis import HiredisError
from redis.asyncio import Redis

from authz.actor import Actor, Grant
from authz.errors import Unauthenticated, Unavailable
from authz.redis.connection import REHEARSAL_KEY, TAG, answering, script
from authz.redis.pipelined_script import ScriptLine
from authz.scopes import Limits
from models.trade.codes import fresh

IDLE = dt.timedelta(minutes=15)
ABSOLUTE = dt.timedelta(hours=8)

VERSION_KEY = f"{TAG}policy-version"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_MILLISECOND = dt.timedelta(milliseconds=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# A key that expires at T still lives during the millisecond T: a session must not, hence the -1.
_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

_TOUCH = (
    """
local version = redis.call('GET', KEYS[2])
if not version then return {KEYS[1]} end
local found = redis.call('HMGET', KEYS[1], 'who', 'abs', 'idle', 'issued')
if not found[1] then return {KEYS[1], version} end
"""
    + _NOW
    + """
local last = tonumber(found[2])
if now >= last then
  redis.call('DEL', KEYS[1])
  return {KEYS[1], version}
end
redis.call('PEXPIREAT', KEYS[1], math.min(now + found[3], last) - 1)
return {KEYS[1], version, found[1], found[2], found[3], found[4]}
"""
)

_OPEN = (
    _NOW
    + """
local idle, last = tonumber(ARGV[3]), math.min(now + ARGV[4], tonumber(ARGV[5]))
if last <= now then return {} end
redis.call('HSET', KEYS[1],
  'who', ARGV[1], 'staff', ARGV[2], 'idle', idle, 'abs', last, 'issued', now)
redis.call('PEXPIREAT', KEYS[1], math.min(now + idle, last) - 1)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], last, KEYS[1])
local longest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[2], longest[2])
return redis.call('HMGET', KEYS[1], 'who', 'abs', 'idle', 'issued')
"""
)

_LOOK = """
local found = redis.call('HMGET', KEYS[1], 'who', 'abs', 'idle', 'issued')
return found[1] and found or {}
"""

_CLOSE = """
local found = redis.call('HMGET', KEYS[1], 'who', 'abs', 'idle', 'issued', 'staff')
if not found[1] then return {} end
redis.call('DEL', KEYS[1])
redis.call('ZREM', ARGV[1] .. found[5], KEYS[1])
return {found[1], found[2], found[3], found[4]}
"""

_CLOSE_ALL = """
local sessions = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, key in ipairs(sessions) do redis.call('DEL', key) end
redis.call('DEL', KEYS[1])
return #sessions
"""

_PUBLISH = """
local published = redis.call('GET', KEYS[1])
if not published or tonumber(ARGV[1]) > tonumber(published) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return redis.call('GET', KEYS[1])
"""


@dataclass(frozen=True, slots=True)
class Session:
    """What Redis holds of a session.

    `epoch` is the revocation epoch (microseconds, 0: none) of the staff record it was opened under.
    """

    actor: Actor
    issued_at: dt.datetime
    epoch: int


class Touched(NamedTuple):
    """A session found alive, and the policy version that binds this request."""

    session: Session
    policy_version: int

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.session.actor


class Sessions:
    """The sessions of all staff members. `idle` and `absolute` are exact to the millisecond."""

    def __init__(
        self, redis: Redis, *, idle: dt.timedelta = IDLE, absolute: dt.timedelta = ABSOLUTE
    ) -> None:
        if not _MILLISECOND < idle <= absolute:
            raise ValueError("the idle timeout must be positive and at most the absolute one")
        self.idle = idle
        self.absolute = absolute
        self._seen = 0
        self._redis = redis
        self._line = ScriptLine(redis, _TOUCH)
        self._open = script(redis, _OPEN)
        self._look = script(redis, _LOOK)
        self._close = script(redis, _CLOSE)
        self._close_all = script(redis, _CLOSE_ALL)
        self._publish = script(redis, _PUBLISH)

    async def open(
        self,
        staff_id: str,
        roles: Iterable[str],
        section: str | None,
        *,
        epoch: int = 0,
        until: dt.datetime | None = None,
        grant: Grant | None = None,
        lifetime: dt.timedelta | None = None,
    ) -> tuple[str, Actor]:
        """Begin a session; the token is told here and never again.

        `until` (a role's last moment) ends the session before its absolute timeout would.
        `grant` makes it a client's token, `lifetime` replaces both timeouts.
        Raises `Unavailable`, or `Unauthenticated` when `until` is past.
        """
        token = secrets.token_urlsafe(32)
        who = {
            "staff": staff_id,
            "roles": sorted(roles),
            "section": section,
            "session": fresh(16),
            "epoch": epoch,
            "grant": None if grant is None else _stored_grant(grant),
        }
        limit = _milliseconds(until - _EPOCH) if until else 2**53
        async with answering():
            stored = await self._open(
                keys=[_session_key(token), _index_key(staff_id)],
                args=[
                    json.dumps(who),
                    staff_id,
                    _milliseconds(lifetime or self.idle),
                    _milliseconds(lifetime or self.absolute),
                    limit,
                ],
            )
        if not stored:
            raise Unauthenticated("the session is over")
        return token, _session(*stored).actor

    async def touch(self, token: str) -> Touched:
        """Use a session: its idle time begins anew. One round trip.

        Raises `Unauthenticated` (never was, ended, closed), or `Unavailable` within half a second
        (Redis down or slow, or its policy version missing or older than one already seen here:
        such a Redis has lost writes, perhaps revocations too).
        """
        if not _TOKEN.match(token):
            raise Unauthenticated("not signed in")
        key = _session_key(token)
        # What this worker learns while it waits binds the next request, not this one.
        seen = self._seen
        try:
            found = await self._line.call(key, VERSION_KEY)
        except (OSError, HiredisError):
            raise Unavailable("the session store does not answer") from None
        if found[0] != key.encode():
            self._line.give_up()
            raise Unavailable("the session store answered out of order")
        return self._touched(found, seen)

    async def look(self, token: str) -> Session | None:
        """What a token stands for now, without using it. Raises `Unavailable`."""
        if not _TOKEN.match(token):
            return None
        async with answering():
            stored = await self._look(keys=[_session_key(token)])
        return _session(*stored) if stored else None

    async def close(self, token: str) -> Session | None:
        """End a session; what it was, or `None` if there was none."""
        if not _TOKEN.match(token):
            return None
        async with answering():
            stored = await self._close(keys=[_session_key(token)], args=[_index_key("")])
        return _session(*stored) if stored else None

    async def close_all(self, staff_id: str) -> int:
        """End every session of one staff member; how many there were."""
        async with answering():
            return int(await self._close_all(keys=[_index_key(staff_id)]))

    async def policy_version(self) -> int:
        """The policy version that binds a request without a session. Raises `Unavailable`."""
        seen = self._seen
        async with answering():
            found = await self._redis.get(VERSION_KEY)
        return self._known_version(0 if found is None else int(found), seen)

    async def publish_policy_version(self, number: int) -> None:
        """Tell every worker the policy version of the next request. A number never goes down."""
        async with answering():
            published = await self._publish(keys=[VERSION_KEY], args=[number])
        self.saw_policy_version(int(published))

    @property
    def newest_policy_version(self) -> int:
        """The newest one that this worker was told of: an older one decides nothing any more."""
        return self._seen

    async def rehearse(self) -> None:
        """Do what a session needs of Redis, and leave none. Raises `Unavailable`."""
        with suppress(Unauthenticated):
            await self.touch(secrets.token_urlsafe(32))
        # A replica and a full store still tell what they hold.
        async with answering():
            await self._redis.set(REHEARSAL_KEY, "", px=1)

    def saw_policy_version(self, number: int) -> None:
        """Refuse from now on what an older version would answer."""
        self._seen = max(self._seen, number)

    async def disconnect(self) -> None:
        """Close the connection that `touch` keeps for itself (the client is its owner's)."""
        await self._line.close()

    def _touched(self, found: Sequence[bytes], seen: int) -> Touched:
        version = self._known_version(int(found[1]) if len(found) > 1 else 0, seen)
        if len(found) == 2:
            raise Unauthenticated("not signed in")
        return Touched(_session(*found[2:]), version)

    def _known_version(self, version: int, seen: int) -> int:
        if version < max(seen, 1):
            raise Unavailable("the policy version is not known")
        self.saw_policy_version(version)
        return version


@lru_cache(maxsize=4096)
def _session(who: bytes, last: bytes, idle: bytes, issued: bytes) -> Session:
    """Read what Redis stored. Remembered: it only repeats the reading, never the decision."""
    stored: dict[str, Any] = json.loads(who)
    actor = Actor(
        id=stored["staff"],
        roles=frozenset(stored["roles"]),
        section=stored["section"],
        session=stored["session"],
        expires_at=_EPOCH + int(last) * _MILLISECOND,
        idle_timeout=int(idle) // 1000,
        grant=_grant(stored.get("grant")),
    )
    return Session(actor, _EPOCH + int(issued) * _MILLISECOND, stored["epoch"])


def _stored_grant(grant: Grant) -> dict[str, Any]:
    items = grant.limits.items
    return {
        "client": grant.client,
        "purpose": grant.limits.purpose,
        "scopes": sorted(grant.limits.scopes),
        "items": None if items is None else sorted(items),
        "networks": grant.networks,
        "binding": grant.binding,
        "key": grant.key,
    }


def _grant(stored: dict[str, Any] | None) -> Grant | None:
    if stored is None:
        return None
    items = stored["items"]
    return Grant(
        client=stored["client"],
        limits=Limits(
            stored["purpose"],
            frozenset(stored["scopes"]),
            None if items is None else frozenset(items),
        ),
        networks=tuple(stored["networks"]),
        binding=stored["binding"],
        key=stored["key"],
    )


def _session_key(token: str) -> str:
    return f"{TAG}session:{hashlib.sha256(token.encode()).hexdigest()}"


def _index_key(staff_id: str) -> str:
    return f"{TAG}staff:{staff_id}"


def _milliseconds(duration: dt.timedelta) -> int:
    return duration // _MILLISECOND
