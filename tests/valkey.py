"""Real Valkey servers for tests: one for each test that wants its own, at an address that stays."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from authz.redis.embedded import EmbeddedRedis


class Valkey:
    """A server that can be killed, paused and brought back under the same address."""

    def __init__(self, data: Path, link: Path) -> None:
        self._data = data
        self._link = link
        self.url = f"unix://{link}"
        self._server = self._start()
        self._replicas: list[EmbeddedRedis] = []

    def kill(self) -> None:
        """End it the hard way, as a crash does."""
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()

    def restart(self) -> None:
        """Bring it back with the data it kept."""
        self._server = self._start()

    def fail_over(self, data: Path) -> None:
        """Another server takes its place at the address; it lives on, and can only be read."""
        replica, self._data = self._server, data
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof("127.0.0.1", 1)
        self._replicas.append(replica)
        self._server = self._start()

    def pause(self) -> None:
        """Let it accept connections and answer nothing."""
        os.kill(self._server.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        os.kill(self._server.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it in order."""
        self.resume()
        for server in (self._server, *self._replicas):
            server.stop()

    def _start(self) -> EmbeddedRedis:
        server = EmbeddedRedis.start(self._data)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(server.url.removeprefix("unix://"))
        return server


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 5.0) -> None:
    """Ask a store again and again until a condition holds; fails after a deadline."""
    async with asyncio.timeout(seconds):
        while not await holds():
            pass


@contextmanager
def valkey(data: Path) -> Iterator[Valkey]:
    """A server for one test or one module."""
    with tempfile.TemporaryDirectory(prefix="atena-") as folder:
        server = Valkey(data, Path(folder) / "link")
        try:
            yield server
        finally:
            server.stop()
