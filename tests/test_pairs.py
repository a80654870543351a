"""Non-interference: what an actor may not see changes no byte that this actor receives.

A bounded slice of the search of `tests/prove/`, which `make prove` runs for as long as one likes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
import redis

from authz.redis.embedded import EmbeddedRedis
from tests.conftest import NewDatabase
from tests.oracle.towns import Towns
from tests.prove.search import Search

CONVERSATIONS = 60


@pytest.fixture(scope="module")
def search(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Search]:
    """A search that has not begun."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    with asyncio.Runner() as runner:
        towns = Towns(new_database, valkey.url, tmp_path_factory.mktemp("towns"), runner)
        search = Search(towns)
        yield search
        search.close()


@pytest.mark.slow
def test_what_is_hidden_changes_nothing(search: Search) -> None:
    for seed in range(CONVERSATIONS):
        search.run(seed)
    assert_populated(search)


def assert_populated(search: Search) -> None:
    """The silence is about something: changes of every kind, and people who do see them."""
    coverage = search.coverage
    rules: Counter[str] = Counter()
    positions: Counter[str] = Counter()
    for (_, position, rule), number in coverage.cells.items():
        rules[rule] += number
        positions[position] += number
    assert coverage.pairs > 5 * CONVERSATIONS
    assert min(positions[name] for name in ("read", "list", "match", "search")) > 1, positions
    assert min(rules[name] for name in ("ROLE", "cover", "population")) > 5, rules
    assert len(coverage.shown) > 10, coverage.shown
    assert not coverage.never_shown()
