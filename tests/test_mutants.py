"""Every guard is broken once, and something notices: the search, or a named test.

`tests/prove/seeds.json` says at which seed the search noticed last (`make prove ARGS=--mutants`
tries all of them and writes it): there it begins. A guard whose mutant nothing notices is no guard,
or has no test.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from authz.embedded_redis import EmbeddedRedis
from tests.conftest import new_sqlite_file
from tests.prove.mutants import MUTANTS, NAMED, Mutant, hunt, seeds
from tests.prove.processes import searching
from tests.prove.search import Search
from tests.world import World, make_stores, running, settings_of

KNOWN = [mutant for mutant in MUTANTS if mutant.name in seeds()]
MOST = 400
"""Conversations before a mutant counts as unnoticed."""


@pytest.fixture(scope="module")
def search() -> Iterator[Search]:
    """Small towns on SQLite, few states: what a mutant breaks shows soon."""
    with searching(states=3, small=True, aimed=85) as search:
        yield search
        search.close()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", KNOWN, ids=lambda mutant: mutant.name)
def test_the_search_notices(search: Search, mutant: Mutant) -> None:
    first = seeds()[mutant.name]
    assert hunt(search, mutant, range(first, first + MOST)), mutant.guard


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[World]:
    """A small town that a test may break."""
    urls = new_sqlite_file(tmp_path, None), new_sqlite_file(tmp_path, None)
    passwords = await make_stores(*urls, tmp_path)
    with EmbeddedRedis.start(tmp_path / "redis") as server:
        async with running(settings_of(*urls, server.url, tmp_path), passwords) as world:
            yield world


@pytest.mark.parametrize("mutant", NAMED, ids=lambda mutant: mutant.name)
async def test_a_named_test_notices(
    town: World, monkeypatch: pytest.MonkeyPatch, mutant: Mutant
) -> None:
    given = {"world": town, "own_world": town, "monkeypatch": monkeypatch}
    test = named(mutant)
    wanted = {name: given[name] for name in inspect.signature(test).parameters if name in given}
    with monkeypatch.context() as patch:
        mutant.apply(patch)
        with pytest.raises(AssertionError):
            await _run(test, wanted)


async def _run(test: Any, given: dict[str, Any]) -> None:
    found = test(**given)
    if inspect.isawaitable(found):
        await found


def named(mutant: Mutant) -> Any:
    """The test that is to notice a mutant."""
    assert mutant.test is not None
    module, _, name = mutant.test.partition("::")
    return getattr(importlib.import_module(f"tests.{module}"), name)
