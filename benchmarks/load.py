"""A small load generator: some connections, each asking again as soon as it is answered.

It costs a few microseconds of CPU a request, and the same for both servers: on two cores a dear
client would measure itself. It reads status line, `content-length` and body, nothing else of HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

CONNECTIONS = 8
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
GOOD = b"HTTP/1.1 200 "
DATA = b'{"data"'

NextRequest = Callable[[bytes | bytearray | None], bytes]
"""The bytes of the next request, after the answer before it (`None`: the first), head and all."""


class LoadError(Exception):
    """A server answered something else than data."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one round measured: answers, seconds, and each answer's latency in seconds, sorted."""

    answers: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    def latency(self, share: float) -> float:
        """The latency that this share of the answers stayed below, in seconds."""
        return self.latencies[min(int(share * self.answers), self.answers - 1)]


async def ask(port: int, request: bytes) -> bytes:
    """One answer's body. Raises `LoadError`."""
    answers: list[bytes] = []

    def once(answer: bytes | bytearray | None) -> bytes:
        if answer is not None:
            answers.append(bytes(answer))
            raise StopIteration
        return request

    await _connected(port, lambda: _Client(once, float("inf")))
    return answers[0].partition(HEAD_END)[2]


async def press(port: int, requests: Sequence[NextRequest], seconds: float) -> Run:
    """Ask for so many seconds on as many connections as there are sources of requests."""
    began = time.perf_counter()
    end = began + seconds
    clients = await asyncio.gather(
        *(_connected(port, partial(_Client, source, end)) for source in requests)
    )
    latencies = sorted(latency for client in clients for latency in client.latencies)
    return Run(len(latencies), time.perf_counter() - began, latencies)


async def _connected(port: int, make: Callable[[], _Client]) -> _Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(make, "127.0.0.1", port)
    await client.done
    return client


class _Client(asyncio.Protocol):
    def __init__(self, source: NextRequest, end: float) -> None:
        self._source = source
        self._end = end
        self._received = bytearray()
        self._body = 0
        self._missing = 0
        self._sent = 0.0
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._missing:
            self._missing -= len(data)
        else:
            self._head()
        if self._missing <= 0 and self._body:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError("the server closed the connection"))

    def _head(self) -> None:
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        at = self._received.index(LENGTH, 0, end) + len(LENGTH)
        length = int(self._received[at : self._received.index(b"\r", at)])
        self._body = end + len(HEAD_END)
        self._missing = self._body + length - len(self._received)

    def _answered(self) -> None:
        # Not the loop's time, which uvloop keeps in whole milliseconds.
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        good = self._received.startswith(GOOD) and self._received.startswith(DATA, self._body)
        if not good:
            self._end_with(LoadError(f"not an answer: {bytes(self._received[:400])!r}"))
        elif now < self._end:
            self._send(self._received)
        else:
            self._end_with(None)

    def _send(self, answer: bytearray | None) -> None:
        try:
            request = self._source(answer)
        except StopIteration:
            self._end_with(None)
            return
        self._received.clear()
        self._body = 0
        self._sent = time.perf_counter()
        self._transport.write(request)

    def _end_with(self, error: Exception | None) -> None:
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        self._transport.close()
