"""Random towns with server and oracle over each, opened when they are first asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.store.database import Database
from models.store.migrate import migrate
from tests.conftest import NewDatabase
from tests.generate.dice import Dice
from tests.generate.policy import policy
from tests.oracle.beside import Site, site
from tests.world import settings_of, spend_freely

ALL_DAY = "28800"


@dataclass(frozen=True, slots=True)
class Town:
    """What a town is made from: a seed, its size, and a policy of its own, unless the first.

    `wide`: its policy opens much to everybody, so that little but the invariants is left.
    """

    seed: int
    persons: int
    own_policy: bool = False
    wide: bool = False


BLOCK = 1000
"""Conversations with the same towns."""


def towns_of(block: int) -> list[Town]:
    """The towns of one block of seeds; the smallest first: hypothesis goes back to it."""
    sizes = [(2, False), (5, False), (30, False), (5, True), (8, True)]
    return [Town(5 * block + at, *size) for at, size in enumerate(sizes)]


def wide_towns(block: int) -> list[Town]:
    """Two more for a block, under policies that are as careless as can be."""
    return [Town(10**6 + 2 * block + at, 6, own_policy=True, wide=True) for at in (0, 1)]


Talk = Callable[[Site, Dice], Coroutine[Any, Any, None]]
"""A conversation in one town, as the dice have it."""


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

    def converse(self, talk: Talk, towns: Sequence[Town], dice: Dice) -> None:
        """One conversation in one of the towns."""
        town = dice.pick(towns)
        self.runner.run(talk(self.site(town), dice))

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
        lines = policy(Dice.seeded(town.seed), 60, wide=town.wide) if town.own_policy else None
        opening = site(made, Dice.seeded(town.seed), town.persons, lines)
        return await self.stack.enter_async_context(opening)

    def close(self) -> None:
        """Close every town, and add up what has occurred in it."""
        for one in self.opened.values():
            self.counts.update(one.counts)
        self.opened.clear()
        self.runner.run(self.stack.aclose())
