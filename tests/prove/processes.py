"""A run of the search: blocks of seeds in several processes, until it is enough."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from authz.redis.embedded import EmbeddedRedis
from tests.conftest import new_sqlite_file
from tests.oracle.beside import Difference
from tests.oracle.towns import BLOCK, Towns
from tests.postgres import PostgresCluster
from tests.prove.ledger import Segment
from tests.prove.pairs import Leak
from tests.prove.search import Search

Keep = Callable[[Segment], None]
IN_MEMORY = Path("/dev/shm")
EVERY = 5.0
"""Seconds between two lines of progress."""


@dataclass(frozen=True)
class Shared:
    """What the processes share: how many pairs there have been, and whether to stop."""

    pairs: Any
    stop: Event


_shared: Shared


def run(
    first: int, pairs: int | None, processes: int, postgresql: bool, keep: Keep
) -> tuple[list[Segment], str | None]:
    """What was done, and what was found, if anything. Ctrl-C ends it.

    `keep` is handed each block of seeds as soon as it is done.
    """
    # Started in the background, a shell has interrupts ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with _processes(processes) as (pool, shared):
        return _run(pool, shared, first, pairs, postgresql, keep)


@contextmanager
def _processes(number: int) -> Iterator[tuple[ProcessPoolExecutor, Shared]]:
    context = multiprocessing.get_context("spawn")
    shared = Shared(context.Value("q", 0), context.Event())
    with ProcessPoolExecutor(
        number, context, initializer=_begin, initargs=(shared.pairs, shared.stop)
    ) as pool:
        yield pool, shared


def _begin(pairs: Any, stop: Event) -> None:
    """In each process: Ctrl-C is the first one's affair."""
    global _shared
    _shared = Shared(pairs, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(
    pool: ProcessPoolExecutor,
    shared: Shared,
    first: int,
    pairs: int | None,
    postgresql: bool,
    keep: Keep,
) -> tuple[list[Segment], str | None]:
    """Blocks of seeds one after the other, until it is enough or something was found."""
    blocks = _blocks(first)
    running: set[Future[Segment]] = set()
    segments: list[Segment] = []

    def ended(blocks: Iterable[Future[Segment]]) -> None:
        for block in blocks:
            segments.append(block.result())
            keep(block.result())

    began = told = time.monotonic()
    try:
        while not shared.stop.is_set():
            while len(running) < pool._max_workers:  # type: ignore[attr-defined]
                running.add(pool.submit(_block, next(blocks), postgresql))
            done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            ended(done)
            if any(segment.failure for segment in segments):
                break
            if pairs is not None and shared.pairs.value >= pairs:
                break
            if time.monotonic() - told > EVERY:
                told = time.monotonic()
                rate = 60 * shared.pairs.value / (told - began)
                print(f"\r{shared.pairs.value} pairs, {rate:.0f} a minute ", end="", flush=True)
    except KeyboardInterrupt:
        pass
    print("\rending ...", flush=True)
    shared.stop.set()
    ended(running)
    segments.sort(key=lambda segment: segment.first)
    failure = next((segment.failure for segment in segments if segment.failure), None)
    return segments, failure


def _blocks(first: int) -> Iterator[range]:
    """Seeds that share their towns, from `first` on."""
    yield range(first, first - first % BLOCK + BLOCK)
    for block in count(first // BLOCK + 1):
        yield range(block * BLOCK, (block + 1) * BLOCK)


def _block(seeds: range, postgresql: bool) -> Segment:
    """One process's share. What it finds is in the segment, small and ready to send."""
    began, failure, done = time.process_time(), None, seeds.start
    with searching(postgresql, compare=False) as search:
        for seed in seeds:
            if _shared.stop.is_set():
                break
            before = search.coverage.pairs
            try:
                search.run(seed)
            except (Leak, Difference) as found:
                failure = "\n".join([str(found), *getattr(found, "__notes__", ())])
                break
            except Exception:
                # The search itself is wrong: what the others have done must not be lost with it.
                failure = f"{traceback.format_exc()}seed {seed}"
                break
            done = seed + 1
            with _shared.pairs.get_lock():
                _shared.pairs.value += search.coverage.pairs - before
        search.close()
    used = time.process_time() - began
    return Segment(seeds.start, done, used, search.coverage, failure)


@contextmanager
def searching(postgresql: bool = False, **options: Any) -> Iterator[Search]:
    """A search in stores of its own. `options` are those of `Search`."""
    with ExitStack() as stack:
        where = IN_MEMORY if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prove-", dir=where)))
        new_database: Any = partial(_new_file, folder)
        if postgresql:
            cluster = PostgresCluster.start()
            stack.callback(cluster.stop)
            new_database = partial(_new_database, cluster)
        server = stack.enter_context(EmbeddedRedis.start(folder / "redis"))
        runner = stack.enter_context(asyncio.Runner())
        yield Search(Towns(new_database, server.url, folder, runner), **options)


def _new_file(folder: Path, *, like: str | None = None) -> str:
    return new_sqlite_file(folder, like)


def _new_database(cluster: PostgresCluster, *, like: str | None = None) -> str:
    return cluster.create_database(like)
