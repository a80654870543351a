"""Sessions on a real server: both timeouts, the end of a session, faults, cancelled requests."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
import tempfile
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from authz.access_log import readable
from authz.errors import Unauthenticated, Unavailable
from authz.redis.connection import TAG, connect, disconnect
from authz.sessions.lookup_budget import Harvest
from authz.sessions.session import VERSION_KEY, Sessions
from tests.valkey import Valkey, until, valkey


class NewSessions(Protocol):
    """Makes the sessions of one worker; times in milliseconds."""

    def __call__(self, idle: int = ..., absolute: int = ...) -> Sessions: ...


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


@pytest_asyncio.fixture
async def new_sessions(redis: Redis) -> AsyncIterator[NewSessions]:
    made: list[Sessions] = []

    def new(idle: int = 3_600_000, absolute: int = 8 * 3_600_000) -> Sessions:
        made.append(Sessions(redis, idle=milliseconds(idle), absolute=milliseconds(absolute)))
        return made[-1]

    yield new
    for sessions in made:
        await sessions.disconnect()


@pytest.fixture
def sessions(new_sessions: NewSessions) -> Sessions:
    return new_sessions()


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


async def test_the_log_can_tell_every_session(sessions: Sessions) -> None:
    """Twelve digits would be kept out of it, as they could be an individual number."""
    _, actor = await sessions.open("s-1", ["collection-clerk"], None)
    assert readable(actor.session) == actor.session
    assert len(actor.session) >= 16
    assert actor.session.isalpha()


async def test_the_token_is_stored_nowhere(
    sessions: Sessions, redis: Redis, tmp_path: Path
) -> None:
    tokens = [(await sessions.open("s-1", ["collection-clerk"], None))[0] for _ in range(3)]
    for token in tokens:
        await sessions.touch(token)
    content = b"".join([await _everything(redis, key) for key in await redis.keys("*")])
    assert b"s-1" in content
    assert not [token for token in tokens if token.encode() in content]


async def _everything(redis: Redis, key: Any) -> bytes:
    readers: dict[Any, Callable[[], Awaitable[object]]] = {
        b"string": lambda: redis.get(key),
        b"hash": lambda: redis.hgetall(key),
        b"zset": lambda: redis.zrange(key, 0, -1, withscores=True),
    }
    return repr((key, await readers[await redis.type(key)]())).encode()


@pytest.mark.parametrize("token", ["", NOBODY, "A" * 42, "A" * 44, "*" * 43, "Ａ" * 43, "\ud800"])
async def test_what_is_no_token_of_ours_is_nobody(sessions: Sessions, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await sessions.touch(token)
    assert await sessions.close(token) is None


# --- timeouts -------------------------------------------------------------------------------


async def test_the_idle_end_is_exact(redis: Redis, new_sessions: NewSessions) -> None:
    sessions = new_sessions(150)
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


async def test_a_session_is_alive_to_its_last_millisecond(
    redis: Redis, new_sessions: NewSessions
) -> None:
    sessions = new_sessions(100)
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


async def test_activity_does_not_move_the_absolute_end(
    redis: Redis, new_sessions: NewSessions
) -> None:
    sessions = new_sessions(100, 300)
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


async def test_the_index_forgets_what_is_past(redis: Redis, new_sessions: NewSessions) -> None:
    brief = new_sessions(20, 20)
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


async def test_a_version_published_meanwhile_binds_the_next_request(sessions: Sessions) -> None:
    await sessions.publish_policy_version(1)
    token, _ = await sessions.open("sato", ["collection-clerk"], None)
    waiting = asyncio.create_task(sessions.touch(token))
    await asyncio.sleep(0)
    sessions.saw_policy_version(2)
    assert (await waiting).policy_version == 1
    with pytest.raises(Unavailable):
        await sessions.touch(token)


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


async def test_a_restart_between_two_requests_goes_unnoticed(
    sessions: Sessions, server: Valkey
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    await sessions.touch(token)
    server.kill()
    server.restart()
    touched = await asyncio.gather(*(sessions.touch(token) for _ in range(20)))
    assert {answer.actor.id for answer in touched} == {"s-1"}


async def test_a_failover_is_noticed_by_every_connection(tmp_path: Path) -> None:
    """A server that became a replica keeps its connections, and refuses whatever writes."""
    with valkey(tmp_path / "first") as server:
        redis = connect(server.url)
        sessions = Sessions(redis)
        await sessions.open("s-1", ["branch-clerk"], None)
        server.fail_over(tmp_path / "second")
        assert await quick_refusal(sessions.open("s-1", ["branch-clerk"], None)) < 0.5
        _, actor = await sessions.open("s-1", ["branch-clerk"], None)
        assert actor.id == "s-1"
        await disconnect(redis)


async def test_a_silent_server_is_unavailable_within_half_a_second(
    sessions: Sessions, server: Valkey
) -> None:
    token, _ = await sessions.open("s-1", ["branch-clerk"], None)
    server.pause()
    try:
        waits = await asyncio.gather(
            *(quick_refusal(sessions.touch(token)) for _ in range(100)),
            *(quick_refusal(sessions.look(token)) for _ in range(100)),
        )
    finally:
        server.resume()
    # A loaded test machine may be late itself; the sessions' own limit is what is at stake.
    assert max(waits) < 0.6
    assert (await sessions.touch(token)).actor.id == "s-1"


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_a_pause_of_this_process_is_not_held_against_the_server(
    server: Valkey, redis: Redis, turns: int
) -> None:
    """Whatever step of connecting and asking it falls into: the answers are there by then."""
    client = connect(server.url)
    sessions = Sessions(client)
    opening = asyncio.create_task(sessions.open("s-1", ["branch-clerk"], None))
    await pause_after(turns)
    token, actor = await opening
    touching = asyncio.create_task(sessions.touch(token))
    await pause_after(turns)
    assert (await touching).actor == actor
    await sessions.disconnect()
    await client.aclose()


async def pause_after(turns: int) -> None:
    """Let nothing run in this process for longer than any answer is waited for."""
    for _ in range(turns):
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(time.sleep, 0.6)


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


async def test_answers_find_their_callers_after_a_silence(
    sessions: Sessions, server: Valkey
) -> None:
    opened = [await sessions.open(f"s-{number}", ["branch-clerk"], None) for number in range(100)]
    await sessions.touch(opened[0][0])
    server.pause()
    tasks = [asyncio.create_task(sessions.touch(token)) for token, _ in opened]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks[::2])
    server.resume()
    for task, (_, actor) in list(zip(tasks, opened, strict=True))[1::2]:
        assert (await task).actor == actor


Spoil = Callable[[bytes, bytes], bytes | None]
"""From the last answer and this one, what the client gets; `None` cuts it in the middle."""


class Proxy:
    """Between a client and a server: passes everything, and `spoil`s the next answer if told."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self.spoil: Spoil | None = None
        self.connections = 0

    async def serve(self, target: str, client: StreamReader, out: StreamWriter) -> None:
        self.connections += 1
        answers, server = await asyncio.open_unix_connection(target.removeprefix("unix://"))
        requests = asyncio.create_task(self._pass(client, server))
        last = b""
        while data := await answers.read(65_536):
            spoil, self.spoil = self.spoil, None
            changed = spoil(last, data) if spoil else data
            out.write(changed if changed is not None else data[: len(data) // 2])
            if changed is None:
                break
            last = data
        out.close()
        server.close()
        requests.cancel()

    async def _pass(self, source: StreamReader, target: StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
        target.close()


@pytest_asyncio.fixture
async def proxy(server: Valkey, tmp_path: Path) -> AsyncIterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="atena-") as folder:
        path = Path(folder) / "proxy.sock"
        between = Proxy(path)
        listener = await asyncio.start_unix_server(partial(between.serve, server.url), path)
        yield between
        listener.close()


@pytest.mark.parametrize(
    ("spoil", "recovers"),
    [
        pytest.param(lambda last, data: None, True, id="cut in the middle"),
        pytest.param(lambda last, data: data + data, True, id="an answer too many at the end"),
        pytest.param(lambda last, data: last + data, False, id="an older answer once more"),
        pytest.param(lambda last, data: b"nonsense\r\n", True, id="no protocol"),
        pytest.param(lambda last, data: b"-READONLY a replica\r\n", False, id="failed over"),
        pytest.param(lambda last, data: b"-LOADING data\r\n", False, id="starting"),
        pytest.param(lambda last, data: b"", False, id="swallowed"),
    ],
)
async def test_a_spoilt_answer_is_nobodys(
    proxy: Proxy,
    redis: Redis,
    new_sessions: NewSessions,
    spoil: Spoil,
    recovers: bool,
) -> None:
    opened = [await new_sessions().open(f"s-{n}", ["branch-clerk"], None) for n in range(20)]
    client = connect(proxy.url)
    sessions = Sessions(client)
    await sessions.touch(opened[-1][0])
    proxy.spoil = spoil
    began = time.monotonic()
    outcomes = await asyncio.gather(
        *(sessions.touch(token) for token, _ in opened), return_exceptions=True
    )
    assert time.monotonic() - began < 0.6
    for outcome, (_, actor) in zip(outcomes, opened, strict=True):
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, Unavailable)
        else:
            assert outcome.actor == actor
    if not recovers:
        assert [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    for token, actor in opened:
        assert (await sessions.touch(token)).actor == actor
    assert proxy.connections == 2
    await sessions.disconnect()
    await client.aclose()


async def test_a_password_and_a_database_number_are_used(redis: Redis, server: Valkey) -> None:
    await redis.config_set("requirepass", "secret")
    try:
        wrong = connect(server.url.replace("unix://", "unix://:wrong@"))
        with pytest.raises(Unavailable):
            await Sessions(wrong).touch(NOBODY)
        right = connect(server.url.replace("unix://", "unix://default:secret@") + "?db=0")
        sessions = Sessions(right)
        token, actor = await sessions.open("s-1", ["branch-clerk"], None)
        assert (await sessions.touch(token)).actor == actor
        await sessions.disconnect()
        await right.aclose()
        await wrong.aclose()
    finally:
        await redis.config_set("requirepass", "")


async def test_what_is_given_back_of_a_budget_is_given_back_once(
    proxy: Proxy, redis: Redis
) -> None:
    """Although the connection was cut when that had been done already."""
    client = connect(proxy.url)
    harvest, ledgers = Harvest(client, b"key"), (("any", 10),)
    await harvest.hold("once", "p", ledgers, 5, [])
    held = await harvest.hold("once", "p", ledgers, 5, [])
    proxy.spoil = lambda last, data: None
    harvest.settle(held, 0)
    await harvest.close()
    assert await redis.hget(f"{TAG}harvest:once:p:any", "#") == b"5"
    await client.aclose()
