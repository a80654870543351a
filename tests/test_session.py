"""Sessions on a real server: both timeouts, the end of a session, faults, cancelled requests."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from authz.errors import Unauthenticated, Unavailable
from authz.session import VERSION_KEY, Sessions, connect
from tests.valkey import Valkey, until, valkey

HOUR = dt.timedelta(hours=1)
NOBODY = "A" * 43


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest_asyncio.fixture
async def redis(server: Valkey) -> AsyncIterator[Redis]:
    client = connect(server.url)
    await client.flushall()
    await client.set(VERSION_KEY, 1)
    yield client
    await client.aclose()


@pytest.fixture
def sessions(redis: Redis) -> Sessions:
    return Sessions(redis, idle=HOUR, absolute=8 * HOUR)


def milliseconds(count: int) -> dt.timedelta:
    return dt.timedelta(milliseconds=count)


def key_of(token: str) -> str:
    return "{atena}session:" + hashlib.sha256(token.encode()).hexdigest()


async def clock(redis: Redis) -> int:
    """The server's time in milliseconds."""
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


async def stored_end(redis: Redis, token: str) -> int:
    """The first millisecond at which the session is gone."""
    return int(await redis.pexpiretime(key_of(token))) + 1


async def gone(redis: Redis, token: str) -> bool:
    return not await redis.exists(key_of(token))


# --- what a session is ----------------------------------------------------------------------


async def test_a_session_tells_who_asks_and_the_policy_version(sessions: Sessions) -> None:
    await sessions.publish_policy_version(7)
    token, actor = await sessions.open("s-1", ["collection-clerk", "number-handler"], "nozei")
    touched = await sessions.touch(token)
    assert touched.actor == actor
    assert actor.id == "s-1"
    assert actor.roles == {"collection-clerk", "number-handler"}
    assert actor.section == "nozei"
    assert actor.idle_timeout == 3600
    assert touched.policy_version == 7
    assert actor.expires_at == touched.session.issued_at + 8 * HOUR
    assert len(token) == 43
    assert actor.session not in token


async def test_the_token_is_stored_nowhere(
    sessions: Sessions, redis: Redis, tmp_path: Path
) -> None:
    tokens = [(await sessions.open("s-1", ["collection-clerk"], None))[0] for _ in range(3)]
    for token in tokens:
        await sessions.touch(token)
    content = b"".join([await _everything(redis, key) for key in await redis.keys("*")])
    assert b"s-1" in content
    assert not [token for token in tokens if token.encode() in content]


async def _everything(redis: Redis, key: bytes) -> bytes:
    readers: dict[bytes, Callable[[], Awaitable[object]]] = {
        b"string": lambda: redis.get(key),
        b"hash": lambda: redis.hgetall(key),
        b"zset": lambda: redis.zrange(key, 0, -1, withscores=True),
    }
    return key + repr(await readers[await redis.type(key)]()).encode()


@pytest.mark.parametrize("token", ["", NOBODY, "A" * 42, "A" * 44, "*" * 43, "Ａ" * 43, "\ud800"])
async def test_what_is_no_token_of_ours_is_nobody(sessions: Sessions, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await sessions.touch(token)
    assert await sessions.close(token) is None


# --- timeouts -------------------------------------------------------------------------------


async def test_the_idle_end_is_exact(redis: Redis) -> None:
    sessions = Sessions(redis, idle=milliseconds(150), absolute=HOUR)
    before = await clock(redis)
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    assert before + 150 <= await stored_end(redis, token) <= await clock(redis) + 150
    before = await clock(redis)
    await sessions.touch(token)
    end = await stored_end(redis, token)
    assert before + 150 <= end <= await clock(redis) + 150
    await until(lambda: gone(redis, token))
    assert await clock(redis) >= end
    with pytest.raises(Unauthenticated):
        await sessions.touch(token)


async def test_a_session_is_alive_to_its_last_millisecond(redis: Redis) -> None:
    sessions = Sessions(redis, idle=milliseconds(100), absolute=HOUR)
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    end = await stored_end(redis, token)
    seen_alive = 0
    while True:
        began = await clock(redis)
        alive = not await gone(redis, token)
        ended = await clock(redis)
        if began >= end:
            assert not alive
            break
        if ended < end:
            assert alive
            seen_alive = ended
    assert seen_alive >= end - 50


async def test_activity_does_not_move_the_absolute_end(redis: Redis) -> None:
    sessions = Sessions(redis, idle=milliseconds(100), absolute=milliseconds(300))
    token, actor = await sessions.open("s-1", ["branch-clerk"], None)
    end = round(actor.expires_at.timestamp() * 1000)
    last_success = first_failure = 0
    while not first_failure:
        began = await clock(redis)
        try:
            await sessions.touch(token)
        except Unauthenticated:
            first_failure = await clock(redis)
        else:
            last_success = began
            assert await redis.pexpiretime(key_of(token)) < end
    assert end - 100 < last_success < end <= first_failure + 1
    assert await gone(redis, token)


async def test_a_session_past_its_absolute_end_is_deleted_even_if_its_key_lives(
    sessions: Sessions, redis: Redis
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await redis.hset(key_of(token), "abs", await clock(redis))
    await redis.persist(key_of(token))
    with pytest.raises(Unauthenticated):
        await sessions.touch(token)
    assert await gone(redis, token)


async def test_a_role_that_ends_ends_the_session(sessions: Sessions, redis: Redis) -> None:
    soon = dt.datetime.fromtimestamp((await clock(redis) + 60_000) / 1000, dt.UTC)
    token, actor = await sessions.open("s-1", ["branch-clerk"], None, until=soon)
    assert abs(actor.expires_at - soon) < milliseconds(1)
    assert await stored_end(redis, token) == round(actor.expires_at.timestamp() * 1000)
    with pytest.raises(Unauthenticated):
        await sessions.open("s-1", ["branch-clerk"], None, until=soon - HOUR)


@pytest.mark.parametrize(("idle", "absolute"), [(0, 10), (-1, 10), (11, 10)])
def test_timeouts_that_make_no_sense_are_refused(redis: Redis, idle: int, absolute: int) -> None:
    with pytest.raises(ValueError, match="idle timeout"):
        Sessions(redis, idle=milliseconds(idle), absolute=milliseconds(absolute))


# --- the end of a session -------------------------------------------------------------------


async def test_close_ends_one_session_and_close_all_the_rest(
    sessions: Sessions, redis: Redis
) -> None:
    mine = [(await sessions.open("s-1", ["branch-clerk"], None))[0] for _ in range(3)]
    other, _ = await sessions.open("s-2", ["branch-clerk"], None)
    closed = await sessions.close(mine[0])
    assert closed is not None
    assert closed.actor.id == "s-1"
    assert await sessions.close(mine[0]) is None
    assert await sessions.close_all("s-1") == 2
    assert await sessions.close_all("s-1") == 0
    for token in mine:
        with pytest.raises(Unauthenticated):
            await sessions.touch(token)
    assert (await sessions.touch(other)).actor.id == "s-2"
    assert await redis.zcard("{atena}staff:s-1") == 0


@pytest.mark.parametrize("ending", ["close", "close_all"])
async def test_no_touch_resurrects_a_closed_session(
    sessions: Sessions, redis: Redis, ending: str
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    touches = [asyncio.create_task(sessions.touch(token)) for _ in range(50)]
    end = sessions.close(token) if ending == "close" else sessions.close_all("s-1")
    closing = asyncio.create_task(_awaited(end))
    touches += [asyncio.create_task(sessions.touch(token)) for _ in range(50)]
    outcomes = await asyncio.gather(*touches, return_exceptions=True)
    await closing
    assert {type(outcome) for outcome in outcomes} & {Unauthenticated}
    assert await gone(redis, token)
    assert await redis.keys("*") == [VERSION_KEY.encode()]
    with pytest.raises(Unauthenticated):
        await sessions.touch(token)


async def _awaited(work: Awaitable[object]) -> None:
    await work


async def test_the_index_forgets_what_is_past(redis: Redis) -> None:
    brief = Sessions(redis, idle=milliseconds(20), absolute=milliseconds(20))
    token, _ = await brief.open("s-1", ["branch-clerk"], None)
    await until(lambda: gone(redis, token))
    await Sessions(redis).open("s-1", ["branch-clerk"], None)
    assert await redis.zcard("{atena}staff:s-1") == 1
    assert await redis.pttl("{atena}staff:s-1") > 0


# --- the policy version ---------------------------------------------------------------------


async def test_the_policy_version_only_rises(sessions: Sessions, redis: Redis) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await sessions.publish_policy_version(10)
    await sessions.publish_policy_version(9)
    assert (await sessions.touch(token)).policy_version == 10
    await Sessions(redis).publish_policy_version(11)
    assert (await sessions.touch(token)).policy_version == 11


@pytest.mark.parametrize("lost", [None, 9, 0])
async def test_a_lost_policy_version_is_unavailable(
    sessions: Sessions, redis: Redis, lost: int | None
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await sessions.publish_policy_version(10)
    await sessions.touch(token)
    await (redis.delete(VERSION_KEY) if lost is None else redis.set(VERSION_KEY, lost))
    for anybody in (token, NOBODY):
        with pytest.raises(Unavailable):
            await sessions.touch(anybody)
    await sessions.publish_policy_version(10)
    assert (await sessions.touch(token)).policy_version == 10


async def test_a_version_learnt_from_the_database_binds(sessions: Sessions) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    sessions.saw_policy_version(2)
    with pytest.raises(Unavailable):
        await sessions.touch(token)


# --- faults ---------------------------------------------------------------------------------


async def quick_refusal(touch: Awaitable[object]) -> float:
    """How long it took to be told `Unavailable`."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await touch
    return time.monotonic() - began


async def test_a_killed_server_is_unavailable_at_once_and_back_at_once(
    sessions: Sessions, server: Valkey
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await asyncio.gather(*(sessions.touch(token) for _ in range(20)))
    server.kill()
    try:
        assert await quick_refusal(sessions.touch(token)) < 0.5
        assert await quick_refusal(sessions.open("s-1", [], None)) < 0.5
    finally:
        server.restart()
    assert (await sessions.touch(token)).actor.id == "s-1"


async def test_a_silent_server_is_unavailable_within_half_a_second(
    sessions: Sessions, server: Valkey
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    server.pause()
    try:
        waits = await asyncio.gather(*(quick_refusal(sessions.touch(token)) for _ in range(100)))
    finally:
        server.resume()
    # A loaded test machine may be late itself; the sessions' own limit is what is at stake.
    assert max(waits) < 0.6
    assert (await sessions.touch(token)).actor.id == "s-1"


async def test_a_server_that_lost_its_scripts_is_taught_again(
    sessions: Sessions, redis: Redis
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await redis.script_flush()
    assert (await sessions.touch(token)).actor.id == "s-1"


async def test_a_cancelled_touch_never_gives_its_answer_to_another(sessions: Sessions) -> None:
    dice = random.Random(20_261_114)
    opened = [await sessions.open(f"s-{number}", ["branch-clerk"], None) for number in range(50)]
    for _ in range(4):
        chosen = [dice.choice(opened) for _ in range(500)]
        tasks = [asyncio.create_task(sessions.touch(token)) for token, _ in chosen]
        for task in tasks:
            if dice.random() < 0.5:
                asyncio.get_running_loop().call_later(dice.random() * 0.02, task.cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        answered = 0
        for outcome, (_, actor) in zip(outcomes, chosen, strict=True):
            if isinstance(outcome, BaseException):
                assert isinstance(outcome, (asyncio.CancelledError, Unavailable))
            else:
                assert outcome.actor == actor
                answered += 1
        assert answered
    for token, actor in opened:
        assert (await sessions.touch(token)).actor == actor
