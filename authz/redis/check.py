"""What Redis must be for sessions to be safe in it: new enough, writable, forgetting nothing."""

from __future__ import annotations

import asyncio

from redis.exceptions import RedisError

from authz.redis.connection import REHEARSAL_KEY, connect

SECONDS = 5.0
OLDEST = 7


async def objections(url: str) -> list[str]:
    """What is wrong with the Redis at a URL; of an embedded one (no URL) nothing."""
    if not url:
        return []
    redis = connect(url)
    try:
        async with asyncio.timeout(SECONDS):
            about = await redis.info()
            await redis.set(REHEARSAL_KEY, "", px=1)
    except (RedisError, OSError, ValueError):
        return ["it does not answer, refuses the password, or takes no writes"]
    finally:
        await redis.aclose()
    found = []
    if int(str(about["redis_version"]).partition(".")[0]) < OLDEST:
        found.append(f"it is older than version {OLDEST}")
    if about.get("maxmemory_policy", "noeviction") != "noeviction":
        found.append("it forgets what it has no room for: set `maxmemory-policy noeviction`")
    return found
