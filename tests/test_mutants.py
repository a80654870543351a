"""Every guard is broken once, and something notices: a named test, or the search.

A named test passes over a town of its own, and fails over the same town with the guard broken. What
no named test tells of, the search does: `tests/prove/seeds.json` says at which seed it noticed last
(`make prove ARGS=--mutants` tries all of them and writes it), and there it begins. A guard whose
mutant nothing notices is no guard, or has no test.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
import redis

from authz.redis.embedded import EmbeddedRedis
from tests.conftest import Stores, new_sqlite_file
from tests.department import departments
from tests.prove.mutants import MUTANTS, NAMED, Mutant, hunt, seeds
from tests.prove.processes import searching
from tests.prove.search import Search
from tests.test_policy_versions import attacked
from tests.test_second_wall import without_the_second
from tests.world import (
    HANAKO,
    KEIKO,
    NISHI,
    World,
    make_stores,
    owing,
    running,
    settings_of,
)

SEARCHED = [mutant for mutant in MUTANTS if mutant.test is None]
BY_NAME = [mutant for mutant in (*MUTANTS, *NAMED) if mutant.test is not None]
MOST = 400
"""Conversations before a mutant counts as unnoticed."""


@pytest.fixture(scope="module")
def search() -> Iterator[Search]:
    """Small towns on SQLite, few states: what a mutant breaks shows soon."""
    with searching(states=3, small=True, aimed=85, writing=0, trailing=0) as search:
        yield search
        search.close()


@pytest.mark.slow
@pytest.mark.parametrize("mutant", SEARCHED, ids=lambda mutant: mutant.name)
def test_the_search_notices(search: Search, mutant: Mutant) -> None:
    first = seeds()[mutant.name]
    caught = hunt(search, mutant, range(first, first + MOST))
    assert caught is not None, mutant.guard
    # Mended, the same conversation is as it should be.
    search.once(caught.seed)


@pytest.fixture(scope="module")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """The small town on SQLite, to be copied for every test that is to fail."""
    folder = tmp_path_factory.mktemp("mutants")
    urls = new_sqlite_file(folder, None), new_sqlite_file(folder, None)
    return Stores(*urls, folder, await make_stores(*urls, folder))


@pytest.mark.parametrize("mutant", BY_NAME, ids=lambda mutant: mutant.name)
async def test_a_named_test_notices(
    stores: Stores, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory, mutant: Mutant
) -> None:
    run = partial(_run, named(mutant), mutant, stores, valkey, tmp_path_factory)
    with pytest.MonkeyPatch.context() as patch:
        if mutant.alone:
            without_the_second(patch)
        await run(patch)
        mutant.apply(patch)
        with pytest.raises((Exception, pytest.fail.Exception)):
            await run(patch)


async def _run(
    test: Any,
    mutant: Mutant,
    stores: Stores,
    valkey: EmbeddedRedis,
    folders: pytest.TempPathFactory,
    patch: pytest.MonkeyPatch,
) -> None:
    """A test with the fixtures that it asks for, over new copies of the stores."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    async with contextlib.AsyncExitStack() as stack:
        given = dict(mutant.given)
        wanted = inspect.signature(test).parameters
        simple = {"valkey": valkey, "redis_url": valkey.url, "tmp_path_factory": folders}
        made = partial(new_sqlite_file, stores.folder)
        simple["new_database"] = lambda *, like=None: made(like)
        given |= {name: value for name, value in simple.items() if name in wanted}
        for name in {"world", "own_world", "town", "chain"} & set(wanted):
            if wanted[name].annotation == "Town":
                folder = folders.mktemp("departments")
                town: Any = departments(simple["new_database"], valkey, folder)
            else:
                town = _copied(stores, valkey)
            given[name] = await stack.enter_async_context(town)
            if test.__module__ == "tests.test_issuing":
                # As its own fixture does: else nobody is among the people of the purpose.
                await stack.enter_async_context(owing(given[name], HANAKO, KEIKO, NISHI))
        if "chain" in given:
            given["chain"] = await stack.enter_async_context(attacked(given["chain"]))
        if "monkeypatch" in wanted:
            given["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
        found = test(**given)
        if inspect.isawaitable(found):
            await found


@contextlib.asynccontextmanager
async def _copied(stores: Stores, valkey: EmbeddedRedis) -> AsyncIterator[World]:
    urls = [
        new_sqlite_file(stores.folder, url) for url in (stores.database_url, stores.numbers_url)
    ]
    settings = settings_of(*urls, valkey.url, stores.folder)
    async with running(settings, stores.passwords) as world:
        yield world


def named(mutant: Mutant) -> Any:
    """The test that is to notice a mutant."""
    assert mutant.test is not None
    module, _, name = mutant.test.partition("::")
    return getattr(importlib.import_module(f"tests.{module}"), name)
