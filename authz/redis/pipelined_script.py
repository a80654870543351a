"""One script, called over one pipelined connection: the hot path of every request.

The general client spends about 0.1 ms of CPU on a call (pool, retry, encoding, a connection for
each caller); this one writes a request, queues its future, and lets replies complete the futures in
the order of the requests. That order is all the bookkeeping there is: a caller who was cancelled
leaves its place in the queue, so that its reply is dropped and nobody gets another's answer.

A connection that is late, broken or out of step is given up whole, with everybody who waits on it.
The next call connects anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection

from authz.redis.deadline import GRACE_SECONDS, patience

CONNECT_SECONDS = 0.15
REPLY_SECONDS = 0.28
RETRY_WITHIN_SECONDS = 0.1

Reply = asyncio.Future[Any]


class LineDownError(ConnectionError):
    """The connection was lost, or answered out of order."""


class ScriptLine:
    """Calls one script, which may run twice, on the server that a `redis` client points to.

    Raises `OSError` (`LineDownError`, `TimeoutError`) or `hiredis.HiredisError`, within half a
    second whatever the server does.
    """

    def __init__(self, redis: Redis, text: str) -> None:
        self._options: dict[str, Any] = redis.connection_pool.connection_kwargs
        self._tls = issubclass(redis.connection_pool.connection_class, SSLConnection)
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link] | None = None

    async def call(
        self, *keys: str, arguments: Iterable[str | int | bytes] = (), again: bool = True
    ) -> Any:
        """The script's answer for these keys, tried again once if the connection had gone.

        `again=False` for what must not happen twice.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        operands = (len(keys), *keys, *arguments)
        try:
            return await self._call(operands)
        except LineDownError:
            if not again or loop.time() - began > RETRY_WITHIN_SECONDS:
                raise
        return await self._call(operands)

    def give_up(self) -> None:
        """Drop a connection whose answers are not what was asked for."""
        if self._link is not None:
            self._link.give_up()

    async def close(self) -> None:
        """Disconnect; a later call connects again."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._link is not None:
            await self._link.close()

    async def _call(self, operands: tuple[str | int | bytes, ...]) -> Any:
        link = self._link
        if link is None or link.useless:
            link = await self._connected()
        try:
            return await link.ask("EVALSHA", self._digest, *operands)
        except hiredis.ReplyError as error:
            if str(error).startswith("NOSCRIPT"):
                return await link.ask("EVAL", self._text, *operands)
            # Loading, read-only after a failover, not authenticated: look for the server anew.
            link.give_up()
            raise

    async def _connected(self) -> _Link:
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add_done_callback(self._has_connected)
        # Many callers share the attempt: one that is cancelled must not end it.
        return await asyncio.shield(self._connecting)

    def _has_connected(self, attempt: asyncio.Task[_Link]) -> None:
        self._connecting = None
        # The exception is looked at here, should every caller have been cancelled meanwhile.
        if not attempt.cancelled() and attempt.exception() is None:
            self._link = attempt.result()

    async def _connect(self) -> _Link:
        async with patience(CONNECT_SECONDS):
            link = await self._open()
            try:
                await self._introduce(link)
            except BaseException:
                link.give_up()
                raise
        return link

    async def _open(self) -> _Link:
        loop, options = asyncio.get_running_loop(), self._options
        if "path" in options:
            _, link = await loop.create_unix_connection(_Link, options["path"])
            return link
        host, port = options.get("host", "localhost"), options.get("port", 6379)
        _, link = await loop.create_connection(_Link, host, port, ssl=self._tls_context())
        return link

    def _tls_context(self) -> ssl.SSLContext | None:
        return SSLConnection(**self._options).ssl_context.get() if self._tls else None

    async def _introduce(self, link: _Link) -> None:
        options = self._options
        if options.get("password"):
            user = [options["username"]] if options.get("username") else []
            await link.ask("AUTH", *user, options["password"])
        if options.get("db"):
            await link.ask("SELECT", options["db"])


class _Link(asyncio.Protocol):
    """A connection on which replies come in the order of the requests, until it is `useless`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._replies = hiredis.Reader()
        self._waiting: deque[tuple[Reply, float]] = deque()
        self._outgoing: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._late: Reply | None = None
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self.useless = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not False:
                future, _ = self._waiting.popleft()
                if future.done():
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            self.give_up()

    def connection_lost(self, error: Exception | None) -> None:
        self.give_up()
        self._gone.set_result(None)

    def ask(self, *command: str | int | bytes) -> Reply:
        """Send one command; its reply, in time to come."""
        reply = self._loop.create_future()
        if self.useless:
            reply.set_exception(LineDownError())
            return reply
        self._waiting.append((reply, self._loop.time()))
        if not self._outgoing:
            # The kernel's share of a write is the dear one: a turn of the loop makes one.
            self._loop.call_soon(self._send)
        # Its stub says a tuple of one.
        self._outgoing.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        if self._timer is None:
            self._timer = self._loop.call_later(REPLY_SECONDS, self._watch)
        return reply

    def _send(self) -> None:
        if not self.useless:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def give_up(self, error: type[OSError] = LineDownError) -> None:
        """Drop the connection: nobody who still waits can know which reply is theirs."""
        if self.useless:
            return
        self.useless = True
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        for reply, _ in self._waiting:
            if not reply.done():
                reply.set_exception(error())
        self._waiting.clear()

    async def close(self) -> None:
        """Disconnect, and wait until the socket is closed."""
        self.give_up()
        await asyncio.shield(self._gone)

    def _watch(self) -> None:
        """Give up when the oldest request is overdue, one moment after it was first seen so.

        The moment is for this process: after a long pause its timers may run before its reads.
        """
        self._timer = None
        if not self._waiting:
            return
        oldest, asked = self._waiting[0]
        left = asked + REPLY_SECONDS - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._watch)
        elif oldest is self._late:
            self.give_up(TimeoutError)
        else:
            self._late = oldest
            self._timer = self._loop.call_later(GRACE_SECONDS, self._watch)
