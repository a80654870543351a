"""Server and oracle say the same, byte for byte, to random requests over random towns.

The oracle (`tests/oracle/`) is graphql-core's ordinary execution with a naive resolver for every
field. What differs is printed as a request ready to send, made small by hypothesis.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import redis

from authz.embedded_redis import EmbeddedRedis
from models.database import Database
from models.migrate import migrate
from tests.conftest import NewDatabase
from tests.generate.dice import Dice, shrink
from tests.generate.policy import policy
from tests.oracle.beside import Difference, Site, converse, site
from tests.world import settings_of, spend_freely

ALL_DAY = "28800"


@dataclass(frozen=True, slots=True)
class Town:
    """What a town is made from: a seed, its size, and a policy of its own, unless the first."""

    seed: int
    persons: int
    own_policy: bool = False


BLOCK = 1000
"""Conversations with the same towns."""


def towns_of(block: int) -> list[Town]:
    """The towns of one block of seeds; the smallest first: hypothesis goes back to it."""
    sizes = [(2, False), (5, False), (30, False), (5, True), (8, True)]
    return [Town(5 * block + at, *size) for at, size in enumerate(sizes)]


@dataclass
class Towns:
    """Towns that are opened when they are first asked for; one event loop runs them all."""

    new_database: NewDatabase
    redis_url: str
    folder: Path
    runner: asyncio.Runner
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    opened: dict[Town, Site] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    empty: str | None = None

    def converse(self, towns: Sequence[Town], dice: Dice) -> None:
        """One conversation in one of the towns."""
        town = dice.pick(towns)
        self.runner.run(converse(self.site(town), dice))

    def site(self, town: Town) -> Site:
        """The town's server and oracle."""
        if town not in self.opened:
            self.opened[town] = self.runner.run(self._open(town))
        return self.opened[town]

    async def _open(self, town: Town) -> Site:
        if self.empty is None:
            self.empty = self.new_database()
            database = Database(self.empty)
            await migrate(database)
            await spend_freely(database)
            await database.close()
        folder = self.folder / str(town.seed)
        folder.mkdir()
        made = settings_of(
            self.new_database(like=self.empty),
            self.new_database(),
            self.redis_url,
            folder,
            idle_timeout=ALL_DAY,
        )
        lines = policy(Dice.seeded(town.seed), 60) if town.own_policy else None
        opening = site(made, Dice.seeded(town.seed), town.persons, lines)
        return await self.stack.enter_async_context(opening)

    def close(self) -> None:
        """Close every town, and add up what has occurred in it."""
        for one in self.opened.values():
            self.counts.update(one.counts)
        self.opened.clear()
        self.runner.run(self.stack.aclose())


@pytest.fixture(scope="module")
def towns(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Towns]:
    """No town yet."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    with asyncio.Runner() as runner:
        towns = Towns(new_database, valkey.url, tmp_path_factory.mktemp("towns"), runner)
        yield towns
        towns.close()


def seeds() -> range:
    """The conversations to have: `ATENA_TEST_SEEDS=1000:50000`, else a bounded slice."""
    first, _, last = os.environ.get("ATENA_TEST_SEEDS", "0:800").partition(":")
    return range(int(first), int(last))


@pytest.mark.slow
def test_server_and_oracle_say_the_same(towns: Towns) -> None:
    for seed in seeds():
        if seed % BLOCK == 0:
            towns.close()
        dice, here = Dice.seeded(seed), towns_of(seed // BLOCK)
        try:
            towns.converse(here, dice)
        except Difference as difference:
            difference.add_note(f"seed {seed}")
            shrink(dice.rolls, partial(towns.converse, here))
            raise
    towns.close()
    assert_populated(towns.counts)


def assert_populated(counts: Counter[str]) -> None:
    """The agreement is about something: every rule of the view was met, and more than once."""
    rare = [name for name, least in AT_LEAST.items() if counts[name] < least]
    assert not rare, f"{rare} in {dict(counts)}"
    assert counts["with rows"] > counts["answer"] // 3, dict(counts)


AT_LEAST = {
    "value": 800,
    "row": 300,
    "carried": 30,  # pages that a cursor asked for
    "hidden": 150,
    "withheld": 30,  # cells
    "left out": 1,  # rows about a covered person
    "bottom": 10,  # operands
    "despite": 3,  # cells and rows read in spite of the cover
    "masked": 2,
    "number": 1,
    "obligation": 100,
    "OPERAND_HIDDEN": 20,
    "BAD_USER_INPUT": 5,
    "CURSOR_INVALID": 1,
    "FIELD_HIDDEN": 2,
    "LIMIT_EXCEEDED": 1,
    "PURPOSE_NOT_ALLOWED": 2,
    "PURPOSE_REQUIRED": 1,
}
"""What has to occur in a slice, so that nothing is said about nothing."""
