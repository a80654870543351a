"""What a connection may cost before anybody knows who asks: how long, how large, how many.

uvicorn takes heads of any size and waits for ever, so anybody who reaches the port could hold its
memory and its connections. A `Connection` is uvicorn's own protocol with bounds: on time until
there is a head and a body, on bytes between two steps of its parser (so on header lines, chunk
extensions and trailers alike), on an answer that nobody takes. The `Doors` of a worker count its
connections, by address too, and the requests that wait for their answers.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from authz.channel import Address, address_of, neighbourhood
from authz.errors import BadInput, Unavailable
from models.tables.client import Network
from schema.request.errors import refused
from schema.request.limits import LIMIT_EXCEEDED

HEALTH = "/healthz"
"""Answered however many wait: whoever restarts a worker that is busy makes it worse."""


HEAD_BYTES = 32 * 1024
"""nginx passes on 36 KiB at most by itself; a token, an assertion and a proof have 8."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds, bytes and numbers, each for one worker."""

    head_seconds: float = 10
    body_seconds: float = 30
    head_bytes: int = HEAD_BYTES
    idle_seconds: float = 5
    proxy_idle_seconds: float = 75
    """Longer than a proxy keeps a connection (nginx: 60): who ends it first is not interrupted."""
    stall_seconds: float = 30
    stall_bytes: int = 32 * 1024
    """Whoever takes less of an answer in that time gets no more of it."""
    linger_seconds: float = 2
    """A refusal would be lost if its connection were reset under what the client still sends."""
    leave_seconds: float = 2
    """At the end of a worker, for a request that is not there yet as a whole."""
    connections: int = 1_000
    of_one_address: int = 200
    """Of a proxy there may be as many as of all."""
    refused: int = 100
    refused_of_one_address: int = 10
    """Connections that are just told to come back. The others are cut off, so that nobody takes the
    room of others by being refused."""
    waiting: int = 200
    """A worker answers some 500 a second: whoever comes later would wait for half a second."""
    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to a connection that is not let go on; no value of the request is in it."""

    status: HTTPStatus
    code: str
    message: str
    retry_after: int | None = None

    @property
    def written(self) -> bytes:
        """The whole answer, in the form of every error."""
        body = refused(self.code, self.message, self.status).body
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "connection: close",
        ]
        if self.retry_after is not None:
            lines.append(f"retry-after: {self.retry_after}")
        return "\r\n".join([*lines, "", ""]).encode() + body


_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    LIMIT_EXCEEDED,
    f"The request line and the headers may have {HEAD_BYTES} bytes: send fewer headers.",
)
_TOO_SLOW = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, LIMIT_EXCEEDED, "The request did not arrive in time: send it again."
)
_MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, BadInput.code, "The request is not HTTP/1.1.")


def _busy(bounds: Bounds) -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        Unavailable.code,
        "Too many requests at once: send it again after Retry-After.",
        bounds.retry_after,
    )


class _Stage(Enum):
    """What the client is to send next. `CONNECTED`: it has sent nothing yet."""

    CONNECTED = "a first request"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    IDLE = "another request, if it likes"
    CLOSING = "nothing"


class Doors:
    """Makes the connections of a worker and counts them. uvicorn calls it as its protocol class."""

    def __init__(self, bounds: Bounds | None = None, proxies: tuple[Network, ...] = ()) -> None:
        self.bounds = bounds or Bounds()
        self.leaving = False
        self.waiting = 0
        self._proxies = proxies
        self._open: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        """A connection that has just been accepted."""
        return Connection(self, config, server_state, app_state, _loop)

    def is_proxy(self, address: Address | None) -> bool:
        """Whether many people come from this address."""
        return address is not None and any(address in network for network in self._proxies)

    def enter(self, address: Address | None) -> Room | None:
        """A place for a connection, `None` where it is to be cut off."""
        name, bounds, of_proxy = neighbourhood(address), self.bounds, self.is_proxy(address)
        for counted, most, alone in (
            (self._open, bounds.connections, bounds.of_one_address),
            (self._refused, bounds.refused, bounds.refused_of_one_address),
        ):
            if counted.total() < most and (of_proxy or counted[name] < alone):
                counted[name] += 1
                return Room(counted, name, is_refused=counted is self._refused)
        return None


@dataclass(frozen=True, slots=True)
class Room:
    """Where a connection is counted. `is_refused`: only until it is told so."""

    _counted: Counter[str]
    _name: str
    is_refused: bool

    def leave(self) -> None:
        """The connection ended."""
        self._counted[self._name] -= 1
        if not self._counted[self._name]:
            del self._counted[self._name]


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, bounded."""

    def __init__(
        self,
        doors: Doors,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.doors = doors
        self._bounds = doors.bounds
        self._address: Address | None = None
        self._room: Room | None = None
        self._stage = _Stage.CONNECTED
        self._request: _Request | None = None
        # Bytes since the parser told of a head, of a part of a body, or of an end.
        self._unread = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # -- what comes in ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or tell it to come back."""
        super().connection_made(transport)
        self._address = address_of(self.client[0] if self.client else None)
        of_proxy = self.doors.is_proxy(self._address)
        bounds = self._bounds
        self.timeout_keep_alive = bounds.proxy_idle_seconds if of_proxy else bounds.idle_seconds  # type: ignore[assignment]
        self._room = self.doors.enter(self._address)
        if self._room is None:
            self._expect(_Stage.CLOSING)
            transport.abort()
        elif self._room.is_refused:
            self._refuse(_busy(bounds))
        else:
            self._expect(_Stage.CONNECTED, bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing of it stays."""
        self._expect(_Stage.CLOSING)
        if self._stall is not None:
            self._stall.cancel()
        if self._room is not None:
            self._room.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let the parser have what it may hold, and no more before it gets on."""
        if self._stage in (_Stage.CONNECTED, _Stage.IDLE):
            self._expect(_Stage.HEAD, self._bounds.head_seconds)
        while data and self._stage is not _Stage.CLOSING and not self.transport.is_closing():
            room = self._bounds.head_bytes - self._unread
            if room <= 0:
                self._refuse(_TOO_LARGE)
                return
            self._unread += min(room, len(data))
            super().data_received(data[:room])
            data = data[room:]

    def send_400_response(self, msg: str) -> None:
        """Once the answer is out, or not at all where another one has begun."""
        self._refuse(_MALFORMED)

    def on_message_begin(self) -> None:
        """A request begins, maybe right behind another one."""
        super().on_message_begin()
        if self._stage is _Stage.IDLE:
            self._expect(_Stage.HEAD, self._bounds.head_seconds)

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._stage is _Stage.CLOSING:
            return
        self._unread = 0
        self._expect(_Stage.BODY, self._bounds.body_seconds)
        super().on_headers_complete()
        if self.doors.leaving:
            self._last()

    def on_body(self, body: bytes) -> None:
        """Some of the body is there."""
        if self._stage is _Stage.CLOSING:
            return
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there as a whole: it is answered in its turn, or told to come back."""
        if self._stage is _Stage.CLOSING:
            return
        self._unread = 0
        self._expect(_Stage.IDLE)
        super().on_message_complete()
        request = self._request
        if request is not None and request.cycle is self.cycle and not request.takes_room():
            self._refuse(_busy(self._bounds))

    def _expect(self, stage: _Stage, seconds: float | None = None) -> None:
        """What comes next, and in which time."""
        self._stage = stage
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self._is_held_up():
            self._expect(self._stage, self._bounds.head_seconds)
        elif self._stage is _Stage.CONNECTED or (self._stage is _Stage.BODY and not self._is_busy):
            # Nobody waits for an answer.
            self._close()
        else:
            self._refuse(_TOO_SLOW)

    def _is_held_up(self) -> bool:
        """Whether it is the server that does not read on, or a request before this one."""
        if self.flow.read_paused or self.pipeline:
            return True
        return self._stage is _Stage.HEAD and self._is_busy

    @property
    def _is_busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    # -- what goes out ---------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._request = _Request(self, cycle, app)
        if cycle.more_body or self._request.takes_room():
            super()._start_asgi_task(cycle, self._request)  # type: ignore[arg-type]
        else:
            self._refuse(_busy(self._bounds))

    def on_response_complete(self) -> None:
        """An answer is out, or on its way."""
        super().on_response_complete()
        self.watch_close()

    def pause_writing(self) -> None:
        """The client takes less than is written."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client took most of it."""
        super().resume_writing()
        if self._stall is not None and not self.transport.is_closing():
            self._stall.cancel()
            self._stall = None

    def timeout_keep_alive_handler(self) -> None:
        """Idle for too long."""
        self._close()

    def shutdown(self) -> None:
        """The worker ends: what is asked already is answered, and so is what is on its way."""
        self._last()
        if self._stage is not _Stage.CLOSING:
            self.loop.call_later(self._bounds.leave_seconds, self._leave)

    def _last(self) -> None:
        """This request is the last one of its connection."""
        if self._is_busy and not self.pipeline:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        if self._stage is _Stage.BODY and self._is_busy:
            self._refuse(_TOO_SLOW)
        elif not self._is_busy:
            self._close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer, and read on for a moment, so that the answer arrives."""
        unanswered = True
        if self._is_busy:
            unanswered = not self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._expect(_Stage.CLOSING)
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        if self.transport.is_closing():
            return
        if unanswered:
            # At once: otherwise it goes out when everything that waits has had its turn.
            self.transport.set_write_buffer_limits(high=0)
            self.transport.write(refusal.written)
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(self._bounds.linger_seconds, self.transport.abort)

    def _close(self) -> None:
        self._expect(_Stage.CLOSING)
        self.transport.close()
        self.watch_close()

    def watch_close(self) -> None:
        """A connection is closed once its client has taken everything, which may be never."""
        if self.transport.is_closing():
            self._watch()

    def _watch(self) -> None:
        """Only while nothing new is written: what is left gets less as it is taken."""
        left = self.transport.get_write_buffer_size()
        if left and self._stall is None:
            self._stall = self.loop.call_later(self._bounds.stall_seconds, self._check, left)

    def _check(self, before: int) -> None:
        self._stall = None
        left = self.transport.get_write_buffer_size()
        if left and before - left < min(self._bounds.stall_bytes, before):
            self.transport.abort()
        else:
            self._watch()


class _Request:
    """One request, counted among those who wait from its last byte to the first of its answer."""

    def __init__(self, connection: Connection, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        self.cycle = cycle
        self._connection = connection
        self._doors = connection.doors
        self._app = app
        self._waits = False
        self._refused = False

    def takes_room(self) -> bool:
        """Now that it is there as a whole: whether it may wait."""
        if self.cycle.scope["path"] == HEALTH:
            return True
        self._refused = self._doors.waiting >= self._doors.bounds.waiting
        self._waits = not self._refused
        self._doors.waiting += self._waits
        return self._waits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            self._give_up_room()
            await send(message)

        try:
            if not self._refused:
                await self._app(scope, receive, sent)
        finally:
            self._give_up_room()
            # An answer that breaks off closes its connection after this.
            self._connection.loop.call_soon(self._connection.watch_close)

    def _give_up_room(self) -> None:
        self._doors.waiting -= self._waits
        self._waits = False
