"""Starting and ending a server, with stores that are down and clients that hold on to it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from schema.http.serving import FILES
from tests.conftest import PROJECT
from tests.live import free_port, live_process, wait_for
from tests.papers import blocks
from tests.test_mutual_tls import find_nginx, nginx_serving
from tests.valkey import Valkey, valkey
from tests.world import make_stores

HALF = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
HALF += b"content-length: 9\r\n\r\n{"
DEADLINE = 180
"""Seconds, for a machine that does much else."""


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture(scope="module")
async def town(redis_server: Valkey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings over stores with a few people."""
    folder = tmp_path_factory.mktemp("town")
    urls = [f"sqlite:///{folder / name}.sqlite" for name in ("main", "numbers")]
    await make_stores(urls[0], urls[1], folder)
    return {
        "ATENA_DATABASE_URL": urls[0],
        "ATENA_NUMBERS_URL": urls[1],
        "ATENA_REDIS_URL": redis_server.url,
        "ATENA_DATA": str(folder),
        "ATENA_DRAIN_TIMEOUT": "2",
    }


def wait_until(holds: Callable[[], bool]) -> None:
    """For what other processes do."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """The processes that a parent started to serve."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return {
        int(each)
        for each in children
        if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
    }


@dataclass
class Asking:
    """Clients that ask without a pause, and what came of it."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)


@asynccontextmanager
async def asking(address: str) -> AsyncIterator[Asking]:
    """Two clients that ask again and again while the block runs, each time anew, and for nothing
    that a busy store could refuse."""
    counted, ended = Asking(), asyncio.Event()
    async with httpx2.AsyncClient(base_url=address, timeout=DEADLINE) as client:

        async def ask() -> None:
            while not ended.is_set():
                try:
                    answer = await client.post(
                        "/graphql",
                        json={"query": "{ __typename }"},
                        headers={"connection": "close"},
                    )
                except httpx2.TransportError as error:
                    counted.failed.append(type(error).__name__)
                    continue
                await asyncio.sleep(0.01)
                if answer.status_code == 200:
                    counted.answered += 1
                else:
                    counted.failed.append(f"{answer.status_code} {answer.text}")

        clients = [asyncio.create_task(ask()) for _ in range(2)]
        try:
            yield counted
        finally:
            ended.set()
            await asyncio.gather(*clients)


@contextmanager
def held(address: str) -> Iterator[None]:
    """Clients that connect, send nothing, half a head or half a body, and wait."""
    port = int(address.rpartition(":")[2])
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(9)]
    for client, sent in zip(clients, (HALF, HALF[:9], b"") * 3, strict=True):
        client.sendall(sent)
    yield
    for client in clients:
        client.close()


@contextmanager
def few_files() -> Iterator[None]:
    """What starts meanwhile may open few files, unless it asks for more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@dataclass
class Pair:
    """A parent with two workers."""

    process: subprocess.Popen[bytes]
    address: str
    out: Path


@pytest.fixture(scope="module")
def pair(town: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """It ends when it is asked to, whatever its clients do."""
    out = tmp_path_factory.mktemp("pair") / "out"
    with live_process(town | {"ATENA_WORKERS": "2"}, out) as (process, address):
        wait_for(process, address, out)
        wait_until(lambda: len(workers_of(process)) == 2)
        yield Pair(process, address, out)
        with held(address):
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == 0


def test_a_store_that_is_late_is_waited_for_and_no_client_keeps_it_from_ending(
    town: dict[str, str], redis_server: Valkey, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    redis_server.kill()
    with few_files(), live_process(town, out) as (process, address):
        try:
            wait_until(lambda: b"trying again" in out.read_bytes())
        finally:
            redis_server.restart()
        wait_for(process, address, out, "/readyz")
        # However few its shell allows: it has room for every connection that it counts.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] >= min(FILES, most)
        with held(address):
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE) == 0


def test_a_single_worker_that_is_to_be_renewed_ends_in_order(
    town: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with live_process(town, out) as (process, address):
        wait_for(process, address, out, "/readyz")
        process.send_signal(signal.SIGHUP)
        assert process.wait(DEADLINE) == 0


async def test_workers_are_renewed_one_after_the_other_and_no_request_is_lost(
    pair: Pair,
) -> None:
    before = workers_of(pair.process)
    async with asking(pair.address) as counted:
        pair.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(
            wait_until,
            lambda: len(after := workers_of(pair.process)) == 2 and not after & before,
        )
    assert counted.failed == []
    assert counted.answered > 20


def test_a_worker_that_finds_a_store_down_waits_for_it_and_the_other_goes_on(
    pair: Pair, redis_server: Valkey
) -> None:
    wait_until(lambda: len(workers_of(pair.process)) == 2)
    first, second = workers_of(pair.process)
    redis_server.kill()
    try:
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: b"stores do not open" in pair.out.read_bytes())
        assert httpx2.get(f"{pair.address}/healthz").status_code == 200
        assert second in workers_of(pair.process)
    finally:
        redis_server.restart()
    [new] = workers_of(pair.process) - {first, second}
    os.kill(second, signal.SIGKILL)
    # Only the worker that waited is left to answer.
    wait_for(pair.process, pair.address, pair.out, "/readyz")
    assert new in workers_of(pair.process)


@pytest.mark.nginx
async def test_servers_behind_a_proxy_are_restarted_and_no_request_is_lost(
    town: dict[str, str], tmp_path: Path
) -> None:
    """With the configuration of the paper, on the ports of this test."""
    nginx = find_nginx()
    [site] = [
        block.text for block in blocks(PROJECT / "docs/operations.md") if block.language == "nginx"
    ]
    outside, ports = free_port(), [free_port(), free_port()]
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{outside}"),
        ("10.0.0.11:8000", f"127.0.0.1:{ports[0]}"),
        ("10.0.0.12:8000", f"127.0.0.1:{ports[1]}"),
    ):
        assert old in site
        site = site.replace(old, new)
    settings = [town | {"ATENA_PORT": str(port)} for port in ports]

    @contextmanager
    def server(place: int) -> Iterator[subprocess.Popen[bytes]]:
        out = tmp_path / f"out{place}"
        with live_process(settings[place], out) as (process, address):
            wait_for(process, address, out, "/readyz")
            yield process

    def restart(place: int, running: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        running.send_signal(signal.SIGTERM)
        assert running.wait(DEADLINE) == 0
        started = server(place)
        restarted.append(started)
        return started.__enter__()

    restarted: list[object] = []
    with server(0) as first, server(1) as second:
        with nginx_serving(nginx, tmp_path, site, outside):
            async with asking(f"http://127.0.0.1:{outside}") as counted:
                for place, running in enumerate((first, second)):
                    await asyncio.to_thread(restart, place, running)
        for started in restarted:
            started.__exit__(None, None, None)  # type: ignore[attr-defined]
    assert counted.failed == []
    assert counted.answered > 20
