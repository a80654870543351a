"""What anybody who reaches the port may cost: time, bytes, connections, and places in the queue."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from schema.http.connections import HEAD_BYTES, Bounds, Doors
from schema.http.serving import Server
from tests.valkey import until
from tests.world import World

SOON = 0.2
"""Seconds of a bound that a test waits for."""
HEAD = b"POST /graphql HTTP/1.1\r\nhost: atena\r\ncontent-type: application/json\r\n"
GET = b"GET /graphql HTTP/1.1\r\nhost: atena\r\n\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
SHORT = Bounds(
    head_seconds=SOON,
    body_seconds=SOON,
    idle_seconds=SOON,
    stall_seconds=SOON,
    linger_seconds=SOON,
    leave_seconds=SOON,
)
PATIENT = Bounds(head_seconds=60, body_seconds=60, idle_seconds=60, stall_seconds=60)


@dataclass
class Port:
    """A worker that listens."""

    doors: Doors
    server: Server
    address: tuple[str, int]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of anybody."""
        return await asyncio.open_connection(*self.address)

    async def told(self, *sent: bytes) -> bytes:
        """Everything that comes back, until the server ends the connection."""
        reader, writer = await self.connect()
        try:
            for part in sent:
                writer.write(part)
                with suppress(ConnectionError):
                    await writer.drain()
            return await read_all(reader)
        finally:
            writer.close()


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Until the end of the connection, which must come."""
    async with asyncio.timeout(30):
        return await reader.read()


def status(answer: bytes) -> int:
    """Of the last answer in what came back."""
    line = answer[answer.rindex(b"HTTP/1.1 ") :]
    return int(line.split()[1])


@asynccontextmanager
async def listening(
    app: ASGIApp, bounds: Bounds = PATIENT, proxies: str | None = None, drain: int = 30
) -> AsyncIterator[Port]:
    """An application behind the doors, in this event loop."""
    doors = Doors(bounds, (ip_network(proxies),) if proxies else ())
    config = uvicorn.Config(
        app,
        http=doors,  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=drain,
    )
    server = Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        await server.startup(sockets=[listener])
        ticking = asyncio.create_task(server.main_loop())
        try:
            yield Port(doors, server, address)
        finally:
            server.should_exit = True
            await ticking
            if server.servers[0].is_serving():
                await server.shutdown()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes the body, then answers."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    await PlainTextResponse("taken")(scope, receive, send)


# --- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n", b"HTTP/1.1 408"),
        (b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-A: ", b"HTTP/1.1 408"),
        (HEAD, b"HTTP/1.1 408"),
        (HEAD + b"content-length: 100\r\n\r\n", b"HTTP/1.1 408"),
        (HEAD + b"content-length: 100\r\n\r\n{", b"HTTP/1.1 408"),
        (CHUNKED, b"HTTP/1.1 408"),
        (CHUNKED + b"5\r\nhel", b"HTTP/1.1 408"),
        (CHUNKED + b"5\r\nhello\r\n0\r\nx-trailer: ", b"HTTP/1.1 408"),
        (HEAD + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n", b"HTTP/1.1 100"),
        (HEAD + b"upgrade: websocket\r\nconnection: upgrade\r\n\r\n", b"HTTP/1.1 200"),
        (GET, b"HTTP/1.1 200"),
        (GET + b"GET /gra", b"HTTP/1.1 200"),
        (GET + HEAD + b"content-length: 100\r\n\r\n{", b"HTTP/1.1 200"),
    ],
)
async def test_nobody_who_stops_in_the_middle_keeps_a_connection(
    sent: bytes, answer: bytes
) -> None:
    async with listening(echo, SHORT) as port:
        assert (await port.told(sent)).startswith(answer)
        await until_so(lambda: not port.server.server_state.connections)
        await until_so(lambda: not port.server.server_state.tasks)
        assert not port.doors._open


@pytest.mark.parametrize("drop", [b"x-a: b\r\n", b"1\r\nx\r\n"])
async def test_nobody_who_sends_a_little_now_and_then_does_either(drop: bytes) -> None:
    """The time is for the whole head, and for the whole body."""
    async with listening(echo, SHORT) as port:
        reader, writer = await port.connect()
        writer.write(HEAD if drop.startswith(b"x") else CHUNKED)
        reading = asyncio.create_task(read_all(reader))
        while not reading.done():
            writer.write(drop)
            await asyncio.sleep(SOON / 20)
        assert status(reading.result()) == 408
        writer.close()


async def test_a_body_that_arrives_in_time_is_answered_however_long_that_takes() -> None:
    """The bounds are on what a client does, not on what the server does with it."""
    answering = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await answering.wait()
        await echo(scope, receive, send)

    async with listening(slow, SHORT) as port:
        first = asyncio.create_task(
            port.told(HEAD + b"content-length: 2\r\n\r\n{}" + GET + b"GET /half")
        )
        await asyncio.sleep(3 * SOON)
        assert not first.done()
        answering.set()
        answer = await first
        assert answer.count(b"HTTP/1.1 200") == 2


# --- size -----------------------------------------------------------------------------------


def head_of(size: int) -> bytes:
    """A whole head of so many bytes."""
    start, end = GET[:-2] + b"connection: close\r\nx-a: ", b"\r\n\r\n"
    return start + b"a" * (size - len(start) - len(end)) + end


async def test_a_head_may_have_so_many_bytes_and_no_more() -> None:
    async with listening(echo) as port:
        assert status(await port.told(head_of(HEAD_BYTES))) == 200
        assert status(await port.told(head_of(HEAD_BYTES + 1))) == 431


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET /", b"a" * 65_536),
        (HEAD + b"x-a: ", b"a" * 65_536),
        (HEAD + b"x", b"x" * 65_536),
        (HEAD, b"x-a: b\r\n" * 8_192),
        (b"", b"\r\n" * 32_768),
        (CHUNKED + b"1;", b"a" * 65_536),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"x-a: b\r\n" * 8_192),
        (CHUNKED + b"1\r\nx\r\n0\r\nx-a: ", b"a" * 65_536),
    ],
)
async def test_whatever_has_no_end_is_refused_while_it_is_small(start: bytes, more: bytes) -> None:
    """Lines, names, values, empty lines, extensions of chunks and trailers: all of it is counted,
    and the answer arrives although the client is still sending."""
    kept = 0
    async with listening(echo) as port:
        reader, writer = await port.connect()
        reading = asyncio.create_task(read_all(reader))
        writer.write(start)
        with suppress(ConnectionError):
            while not reading.done() and kept < 100_000_000:
                writer.write(more)
                kept += len(more)
                await writer.drain()
        assert status(await reading) == 431
        assert kept < 100_000_000
        writer.close()


async def test_a_body_in_small_chunks_is_no_endless_one() -> None:
    async with listening(echo) as port:
        body = b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
        head = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        assert status(await port.told(head + body)) == 200


async def test_many_requests_in_one_write_are_no_large_head() -> None:
    async with listening(echo) as port:
        answer = await port.told(GET * 1_500 + head_of(1_000))
        assert answer.count(b"HTTP/1.1 200") == 1_501


# --- an answer that nobody takes ------------------------------------------------------------


async def test_an_answer_that_nobody_takes_is_broken_off() -> None:
    ended = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 65_536
        finally:
            ended.set()

    async with listening(StreamingResponse(parts()), SHORT) as port:
        _, writer = await port.connect()
        writer.write(GET)
        async with asyncio.timeout(30):
            await ended.wait()
        await until_so(lambda: not port.server.server_state.connections)
        writer.close()


@pytest.mark.parametrize("close", [b"close", b"keep-alive"])
async def test_a_whole_answer_that_nobody_takes_holds_no_connection(close: bytes) -> None:
    answer = PlainTextResponse("x" * 20_000_000)
    async with listening(answer, SHORT) as port:
        _, writer = await port.connect()
        writer.write(GET[:-2] + b"connection: " + close + b"\r\n\r\n")
        await until_so(lambda: bool(port.server.server_state.connections))
        await until_so(lambda: not port.server.server_state.connections)
        writer.close()


async def test_whoever_takes_an_answer_slowly_gets_it() -> None:
    size, client = 8_000_000, socket.socket()
    # With a large one the client would tell seldom what it took.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    async with listening(PlainTextResponse("x" * size), SHORT) as port:
        client.connect(port.address)
        reader, writer = await asyncio.open_connection(sock=client)
        writer.write(GET)
        taken = 0
        while taken < size:
            part = await reader.read(400_000)
            assert part
            taken += len(part)
            await asyncio.sleep(SOON / 15)
        writer.close()


# --- how many -------------------------------------------------------------------------------


async def test_connections_are_bounded_by_address_and_altogether() -> None:
    bounds = Bounds(connections=5, of_one_address=3, linger_seconds=SOON)
    for proxies, most in ((None, 3), ("127.0.0.1/32", 5)):
        async with listening(echo, bounds, proxies) as port:
            held = [await port.connect() for _ in range(most)]
            await until_so(lambda most=most, port=port: port.doors._open.total() == most)
            answer = await port.told(GET)
            assert status(answer) == 503
            assert b"retry-after: 1" in answer
            assert b'"UNAVAILABLE"' in answer
            held.pop()[1].close()
            await until_so(lambda most=most, port=port: port.doors._open.total() == most - 1)
            assert status(await port.told(head_of(100))) == 200
            for _, writer in held:
                writer.close()


def test_one_network_of_ipv6_is_one_address() -> None:
    doors = Doors(Bounds(of_one_address=2))
    entered = [doors.enter(ip_address(f"2001:db8::{each}")) for each in range(3)]
    assert [room is not None and room.is_refused for room in entered] == [False, False, True]
    for other in ("2001:db8:0:1::1", "192.0.2.1"):
        room = doors.enter(ip_address(other))
        assert room is not None
        assert not room.is_refused


async def test_whoever_is_refused_takes_nobodys_room() -> None:
    """One address comes again and again, faster than it can be told to come back."""
    bounds = Bounds(connections=20, of_one_address=5, refused=6, refused_of_one_address=3)
    async with listening(echo, bounds) as port:
        crowd = []
        for _ in range(60):
            with suppress(ConnectionError):
                crowd.append(await port.connect())
        told = [await asyncio.wait_for(reader.read(12), 0.2) for reader, _ in crowd[5:8]]
        assert told == [b"HTTP/1.1 503"] * 3
        for reader, _ in crowd[8:]:
            with suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
        reader, writer = await asyncio.open_connection(*port.address, local_addr=("127.0.0.2", 0))
        writer.write(GET[:-2] + b"connection: close\r\n\r\n")
        assert status(await read_all(reader)) == 200
        for _, open_one in (*crowd, (reader, writer)):
            open_one.close()


async def test_whoever_comes_while_too_many_wait_is_told_at_once() -> None:
    """But for the question whether the worker lives; and half a body takes nobody's place."""
    answering, bounds = asyncio.Event(), Bounds(waiting=2)
    asked = 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.request" and scope["path"] != "/healthz":
            await answering.wait()
        await PlainTextResponse("taken")(scope, receive, send)

    post = HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n"
    get = GET[:-2] + b"connection: close\r\n\r\n"
    async with listening(slow, bounds) as port:
        halves = [await port.connect() for _ in range(5)]
        for _, writer in halves:
            writer.write(post + b"{")
        waiting = [asyncio.create_task(port.told(each)) for each in (post + b"{}", get)]
        await until_so(lambda: port.doors.waiting == 2 and asked == 7)
        for each in (get, post + b"{}"):
            answer = await port.told(each)
            assert (status(answer), b"retry-after: 1" in answer) == (503, True)
        assert asked == 7
        halves[0][1].write(b"}")
        assert status(await read_all(halves[0][0])) == 503
        assert status(await port.told(get.replace(b"/graphql", b"/healthz"))) == 200
        answering.set()
        assert [status(await each) for each in waiting] == [200, 200]
        assert port.doors.waiting == 0
        assert status(await port.told(post + b"{}")) == 200
        for _, writer in halves:
            writer.close()


async def test_many_who_come_in_one_moment_wait_no_longer_than_the_bound() -> None:
    """Before any of them had its turn: the queue is what is bounded."""
    async with listening(echo, Bounds(waiting=10)) as port:
        clients = [socket.create_connection(port.address) for _ in range(50)]
        await until_so(lambda: port.doors._open.total() == 50)
        for client in clients:
            client.sendall(HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n{}")
        await until_so(lambda: not port.server.server_state.tasks)
        told = []
        for client in clients:
            reader, writer = await asyncio.open_connection(sock=client)
            told.append(status(await read_all(reader)))
            writer.close()
        assert (told.count(200), told.count(503)) == (10, 40)


async def test_a_refused_request_reaches_no_endpoint(world: World) -> None:
    """Over the application itself: every path but the health refuses with the error's own code."""
    app = world.client._transport.app  # type: ignore[attr-defined]
    async with listening(app, Bounds(waiting=0)) as port:
        base = f"http://127.0.0.1:{port.address[1]}"
        async with httpx2.AsyncClient(base_url=base) as client:
            for method, path in (
                ("POST", "/graphql"),
                ("POST", "/oauth/token"),
                ("GET", "/transfers/x"),
                ("GET", "/schema.graphql"),
            ):
                body: dict[str, Any] = {"json": {"query": "{ __typename }"}}
                answer = await client.request(method, path, **(body if method == "POST" else {}))
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert (await client.get("/healthz")).status_code == 200


# --- the end --------------------------------------------------------------------------------


async def test_whoever_has_asked_or_connected_is_answered_before_the_end() -> None:
    asked, answering = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await answering.wait()
        await echo(scope, receive, send)

    async with listening(slow, SHORT) as port:
        first = asyncio.create_task(port.told(GET))
        await asked.wait()
        fresh, late = await port.connect(), socket.create_connection(port.address)
        ending = asyncio.create_task(port.server.shutdown())
        await until_so(lambda: not port.server.servers[0].is_serving())
        fresh[1].write(GET)
        late.sendall(GET)
        answering.set()
        assert status(await first) == status(await read_all(fresh[0])) == 200
        late.setblocking(False)
        answer = await asyncio.get_running_loop().sock_recv(late, 65_536)
        assert b"connection: close" in answer
        await ending
        for writer in (fresh[1], late):
            writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET /", HEAD + b"content-length: 9\r\n\r\n{", GET])
async def test_no_client_keeps_a_server_from_ending(sent: bytes) -> None:
    never = asyncio.Event()

    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await (never.wait() if scope["method"] == "GET" else echo(scope, receive, send))

    async with listening(stuck, PATIENT, drain=1) as port:
        _, writer = await port.connect()
        writer.write(sent)
        await until_so(lambda: bool(port.server.server_state.connections))
        async with asyncio.timeout(30):
            await port.server.shutdown()
        writer.close()


async def until_so(holds: Callable[[], bool]) -> None:
    """The event loop goes on until it holds."""

    async def held() -> bool:
        await asyncio.sleep(0.01)
        return holds()

    await until(held, 30)
