"""Response times of two states that an actor cannot tell apart: can a stopwatch?

One request is sent over both states in turn, in random order, again and again. Of a few requests
over one state the quickest counts, as noise only ever adds. The differences within pairs go into
Wilcoxon's signed-rank test: it looks at ranks, so that a few wild ones weigh no more than others.

Two clocks run at once: the time that passes, which is what somebody with a stopwatch sees, and the
processor time of the whole process, which other work on the machine hardly disturbs (but which does
not run while the server waits). The test is asked after every `BATCH` pairs, ends when one of them
speaks, and is quiet when neither did after the last.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

import resolvers.read.pipeline
from models.graph.graph import GRAPH
from tests.generate.actor import Person
from tests.oracle.beside import PURPOSE_OF_USE, Site
from tests.prove.change import Change, Stores
from tests.prove.observe import Observer, body_of
from tests.prove.search import Search

LOUD = 5.0
"""Standard deviations from which the test speaks: one look at one clock does so by chance once in
1,700,000; with the 6 looks of 300 pairs, two clocks and two flips, at most once in 72,000 runs."""
BATCH = 50
"""Pairs from one look to the next."""
REPEATED = 6
"""Requests over each state of which the quickest counts."""
WARMING = 50
CLOCKS = {"time": time.perf_counter, "processor": time.process_time}
CLERK = Person(frozenset({"collection-clerk"}), "other")
DOCUMENT = """
query ($id: ID!) {
  node(id: $id) {
    ... on Addressee { code fullName dvFlag residence { address } collections { totalCount } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """By clock `z` of the signed-rank test, the median difference and the median size of one, both
    in µs; how many pairs."""

    z: dict[str, float]
    shift: dict[str, float]
    noise: dict[str, float]
    pairs: int

    @property
    def speaks(self) -> bool:
        """Whether the two states can be told apart by time."""
        return any(abs(one) > LOUD for one in self.z.values())

    def __str__(self) -> str:
        said = "SPEAKS" if self.speaks else "quiet"
        clocks = "; ".join(
            f"{name} z = {self.z[name]:+.1f}, median {self.shift[name]:+.0f} µs" for name in CLOCKS
        )
        return f"{said} after {self.pairs} pairs: {clocks}"

    @classmethod
    def of(cls, differences: dict[str, list[float]]) -> Timing:
        """What the differences of each clock, in seconds, say."""
        return cls(
            {name: signed_rank(given) for name, given in differences.items()},
            {name: _median(given) * 1e6 for name, given in differences.items()},
            {name: _median(list(map(abs, given))) * 1e6 for name, given in differences.items()},
            len(differences["time"]),
        )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def signed_rank(differences: Sequence[float]) -> float:
    """Wilcoxon's statistic in standard deviations (normal approximation, zeros left out)."""
    ranked = sorted((one for one in differences if one), key=abs)
    count = len(ranked)
    if not count:
        return 0.0
    above = sum(rank for rank, one in enumerate(ranked, 1) if one > 0)
    mean = count * (count + 1) / 4
    return (above - mean) / math.sqrt(count * (count + 1) * (2 * count + 1) / 24)


def measure(search: Search, pairs: int, planted: float = 0.0) -> dict[str, Timing]:
    """Every flip by name, after at most so many pairs.

    `planted`: seconds that the server takes longer over the second state.
    """
    site = search.site()
    return {
        name: search.towns.runner.run(_measure(site, change, pairs, planted))
        for name, change in flips(site).items()
    }


def flips(site: Site) -> dict[str, Change]:
    """Changes of one covered person that a collection clerk cannot see."""
    state, type_ = site.oracle.state, GRAPH.types["Addressee"]
    row = next(row for row in state.rows["Addressee"] if state.covered(row, ["code"]))
    values = dict(row.values)
    flipped = {
        "a withheld address": ("address", "釧路市" + "北" * 40),
        "the cause of an obligation": ("dv_flag", not values["dv_flag"]),
    }
    return {
        name: Change(type_, row.key, values, values | {column: value}, column)
        for name, (column, value) in flipped.items()
    }


async def _measure(site: Site, change: Change, pairs: int, planted: float) -> Timing:
    observer, services = Observer(site.services), site.services
    stores = Stores(services.database, services.answer._reads.vault)
    token, _ = await site.signed(CLERK)
    headers = {"authorization": f"Bearer {token}", PURPOSE_OF_USE: "consultation"}
    node = site.node_id("Addressee", change.key)
    ask = partial(observer.ask, body_of(DOCUMENT, {"id": node}), headers)
    for _ in range(WARMING):
        first = await ask()
    assert first.status == 200
    dice = random.Random(0)
    differences: dict[str, list[float]] = {name: [] for name in CLOCKS}
    with pytest.MonkeyPatch.context() as patch, _no_collection():
        late = _plant(patch, planted)
        while len(differences["time"]) < pairs:
            took: dict[bool, list[tuple[float, ...]]] = {False: [], True: []}
            for flipped in (one for _ in range(REPEATED) for one in dice.sample([False, True], 2)):
                await stores.make([change] if flipped else [change.back])
                late.append(flipped)
                began = [clock() for clock in CLOCKS.values()]
                seen = await ask()
                ended = [clock() for clock in CLOCKS.values()]
                assert (seen.status, seen.body) == (200, first.body)
                took[flipped].append(tuple(map(float.__sub__, ended, began)))
            quickest = {state: map(min, zip(*each, strict=True)) for state, each in took.items()}
            for name, base, flip in zip(CLOCKS, quickest[False], quickest[True], strict=True):
                differences[name].append(flip - base)
            gc.collect(0)
            if len(differences["time"]) % BATCH == 0 and Timing.of(differences).speaks:
                break
        await stores.make([change.back])
    stores.close()
    return Timing.of(differences)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected but between pairs, and nothing of what is there already."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _plant(patch: pytest.MonkeyPatch, seconds: float) -> list[bool]:
    """Let the server dawdle while the last entry of the list is true.

    It works for so long: a delay by the clock on the wall would now and then pass while it waits
    for a processor, and the quickest of a few requests is just that one.
    """
    late: list[bool] = [False]
    obligations = resolvers.read.pipeline.obligations

    def dawdling(*given: Any) -> Any:
        until = time.thread_time() + (seconds if late[-1] else 0)
        while time.thread_time() < until:
            pass
        return obligations(*given)

    if seconds:
        patch.setattr(resolvers.read.pipeline, "obligations", dawdling)
    return late
