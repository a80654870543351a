"""What every test may ask for: a database of each kind, a Valkey server, node, Chromium.

PostgreSQL and Valkey are never missing: they come with the development packages. What a machine
may lack (Chromium) is skipped with a word, and fails in CI.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, Protocol

import pytest
import redis

from authz.redis.embedded import EmbeddedRedis
from tests.postgres import PostgresCluster
from tests.world import World, make_stores, running, settings_of

PROJECT = Path(__file__).parent.parent

Dialect = Literal["sqlite", "postgresql"]
DIALECTS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


class NewDatabase(Protocol):
    """Makes databases: empty ones, or copies of the one at `like` (nobody connected to it)."""

    def __call__(self, *, like: str | None = None) -> str: ...


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """The PostgreSQL server of this run."""
    cluster = PostgresCluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session", params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Both databases, one after the other: all tests on SQLite first."""
    kind: Dialect = request.param
    return kind


@pytest.fixture(scope="session")
def new_database(
    dialect: Dialect, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    """Makes URLs of new databases of the dialect: `new_database()`, `new_database(like=url)`."""
    if dialect == "postgresql":
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        return lambda *, like=None: cluster.create_database(like)
    folder = tmp_path_factory.mktemp("sqlite")
    return lambda *, like=None: new_sqlite_file(folder, like)


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A fresh, empty database."""
    return new_database()


@pytest.fixture
def numbers_url(new_database: NewDatabase) -> str:
    """A second one, for the individual numbers."""
    return new_database()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """The Valkey server of this run. A test that stops or breaks one starts its own."""
    with EmbeddedRedis.start(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_url(valkey: EmbeddedRedis) -> str:
    """The Valkey server, emptied."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        client.script_flush()
    return valkey.url


@pytest.fixture(scope="session")
def node() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of node_modules, or a script, by the node of the development packages.

    `node("graphql-codegen", "--config", path)` or `node(Path("script.mjs"))`; `cwd=` as usual.
    """
    folder = PROJECT / "node_modules"
    if not (folder / ".package-lock.json").exists():
        absent("node_modules: run `make dev`")

    def run(
        program: str | Path, *arguments: str | Path, cwd: Path = PROJECT
    ) -> subprocess.CompletedProcess[str]:
        script = program if isinstance(program, Path) else folder / ".bin" / program
        return subprocess.run(
            [Path(sys.executable).parent / "node", script, *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium, for Playwright's `executable_path`."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return found or absent("Chromium: install Debian's chromium and fonts-noto-cjk")


def absent(what: str) -> NoReturn:
    """Skip, saying what this machine lacks; in CI nothing may be lacking."""
    if os.environ.get("CI"):
        pytest.fail(f"missing in CI: {what}")
    pytest.skip(f"missing: {what}")


def new_sqlite_file(folder: Path, like: str | None) -> str:
    """The URL of a new file, empty or a copy."""
    # Counting the files would give a name twice: SQLite's -wal and -shm files come and go.
    path = folder / f"{secrets.token_hex(6)}.db"
    with closing(sqlite3.connect(path)) as new:
        if like:
            with closing(sqlite3.connect(like.removeprefix("sqlite:///"))) as old:
                old.backup(new)
    path.touch()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
async def world(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A small town with its application, one for all tests of a module: they only read."""
    folder = tmp_path_factory.mktemp("world")
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, folder)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    settings = settings_of(database_url, numbers_url, valkey.url, folder)
    async with running(settings, passwords) as town:
        yield town


@dataclass(frozen=True, slots=True)
class Stores:
    """Stores with the small town, to be copied: nobody is connected to them."""

    database_url: str
    numbers_url: str
    folder: Path
    passwords: Mapping[str, str]


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """The small town, made once for a module."""
    folder = tmp_path_factory.mktemp("stores")
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, folder)
    return Stores(database_url, numbers_url, folder, passwords)


@pytest.fixture(scope="session")
def second_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A server beside the one of the module's world."""
    with EmbeddedRedis.start(tmp_path_factory.mktemp("second-valkey")) as server:
        yield server


@pytest.fixture
async def town(
    stores: Stores, new_database: NewDatabase, second_valkey: EmbeddedRedis
) -> AsyncIterator[World]:
    """A small town of the test's own, beside `world`: whatever is written in it ends with it."""
    with redis.Redis.from_url(second_valkey.url) as client:
        client.flushall()
    settings = settings_of(
        new_database(like=stores.database_url),
        new_database(like=stores.numbers_url),
        second_valkey.url,
        stores.folder,
    )
    async with running(settings, stores.passwords) as town:
        yield town
