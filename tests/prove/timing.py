"""Response times of two states that an actor cannot tell apart: can a stopwatch?

One request is sent over both states in turn, in random order, again and again. Of a few requests
over one state the quickest counts, as noise only ever adds. The differences within pairs go into
Wilcoxon's signed-rank test: it looks at ranks, so that a few wild ones weigh no more than others.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

import resolvers.pipeline
from models.graph import GRAPH
from tests.generate.actor import Person
from tests.oracle.beside import PURPOSE_OF_USE, Site
from tests.prove.change import Change, Stores
from tests.prove.observe import Observer, body_of
from tests.prove.search import Search

LOUD = 4.5
"""Standard deviations from which the test speaks: by chance once in 150,000 runs."""
REPEATED = 5
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
    """`z` of the signed-rank test, the median difference in µs, and how many pairs."""

    z: float
    shift: float
    pairs: int

    @property
    def speaks(self) -> bool:
        """Whether the two states can be told apart by time."""
        return abs(self.z) > LOUD

    def __str__(self) -> str:
        said = "SPEAKS" if self.speaks else "quiet"
        return f"{said}: z = {self.z:+.1f}, median {self.shift:+.0f} µs, {self.pairs} pairs"


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
    """Every flip by name. `planted`: seconds that the server takes longer over the second state."""
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
    node = site.oracle.seal.node_id("Addressee", change.key)
    ask = partial(observer.ask, body_of(DOCUMENT, {"id": node}), headers)
    dice, differences = random.Random(0), []
    first = await ask()
    with pytest.MonkeyPatch.context() as patch:
        late = _plant(patch, planted)
        for _ in range(pairs):
            took = {}
            for flipped in dice.sample([False, True], 2):
                await stores.make([change] if flipped else [change.back])
                late.append(flipped)
                seen = await ask()
                assert (seen.status, seen.body) == (200, first.body)
                took[flipped] = min([await _seconds(ask) for _ in range(REPEATED)])
            differences.append(took[True] - took[False])
        await stores.make([change.back])
    stores.close()
    median = sorted(differences)[len(differences) // 2]
    return Timing(signed_rank(differences), median * 1e6, pairs)


async def _seconds(ask: Any) -> float:
    began = time.perf_counter()
    await ask()
    return time.perf_counter() - began


def _plant(patch: pytest.MonkeyPatch, seconds: float) -> list[bool]:
    """Let the server dawdle while the last entry of the list is true."""
    late: list[bool] = [False]
    obligations = resolvers.pipeline.obligations

    def dawdling(*given: Any) -> Any:
        until = time.perf_counter() + (seconds if late[-1] else 0)
        while time.perf_counter() < until:
            pass
        return obligations(*given)

    if seconds:
        patch.setattr(resolvers.pipeline, "obligations", dawdling)
    return late
