"""Connections to Redis: how long an answer may take, and how scripts are called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ReadOnlyError, RedisError

from authz.errors import Unavailable
from authz.redis.deadline import patience

TAG = "{atena}"


REHEARSAL_KEY = f"{TAG}rehearsal"


ANSWER_SECONDS = 0.45


CONNECTIONS = 32


def connect(url: str) -> Redis:
    """A client for use within `answering`: no retries, and a pool that waits when it is empty.

    The defaults of redis-py would try for seconds, repeat commands that may have run, and raise
    as soon as its connections are in use. Its own time limits would count a pause of this process.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=None,
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        # After a failover a connection may lead to a server that is no longer the one to ask.
        retry_on_error=[ReadOnlyError],
    )
    return Redis.from_pool(pool)


async def disconnect(redis: Redis) -> None:
    """Leave Redis; one that does not answer in time is left all the same."""
    with suppress(Unavailable):
        async with answering():
            await redis.aclose()


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Whatever keeps Redis from answering within half a second is `Unavailable`."""
    try:
        async with patience(ANSWER_SECONDS):
            yield
    except (RedisError, OSError, TimeoutError):
        raise Unavailable("the session store does not answer") from None


def script(redis: Redis, text: str) -> AsyncScript:
    """A script that is sent once and then called by its digest."""
    return redis.register_script(text)
