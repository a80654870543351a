"""The PostgreSQL server of the tests: it starts, keeps databases apart and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests import postgres
from tests.conftest import PROJECT, NewDatabase
from tests.postgres import PostgresCluster, PostgresError

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def private() -> Iterator[PostgresCluster]:
    """A private server, whatever server the rest of the run uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ATENA_TEST_DATABASE_URL", raising=False)
        cluster = PostgresCluster.start()
    yield cluster
    cluster.stop()


async def test_databases_are_apart(private: PostgresCluster) -> None:
    one, two = private.create_database(), private.create_database()
    await _execute(one, "CREATE TABLE person (id int)")
    await _execute(two, "CREATE TABLE person (id int)")
    assert one != two


async def test_a_copy_has_the_content_and_leaves_its_model_alone(private: PostgresCluster) -> None:
    model = private.create_database()
    await _execute(model, "CREATE TABLE person AS SELECT 1 AS id")
    copy = private.create_database(like=model)
    await _execute(copy, "UPDATE person SET id = 2")
    assert await _value(model, "SELECT id FROM person") == 1
    assert await _value(copy, "SELECT id FROM person") == 2


async def test_dropped_while_somebody_is_connected(private: PostgresCluster) -> None:
    url = private.create_database()
    connection = await asyncpg.connect(url)
    private.drop_database(url)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)


async def test_not_without_the_password(private: PostgresCluster) -> None:
    password = urlsplit(private.url).password
    assert password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(private.url.replace(password, "wrong"))


def test_stops_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATENA_TEST_DATABASE_URL", raising=False)
    cluster = PostgresCluster.start()
    folder = _data_folder(cluster)
    assert (folder / "data" / "PG_VERSION").exists()
    cluster.stop()
    assert not folder.exists()
    with pytest.raises(OSError, match="onnect"):
        asyncio.run(asyncpg.connect(cluster.url))


def test_a_named_server_is_used_and_left_clean(
    private: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENA_TEST_DATABASE_URL", private.url)
    cluster = PostgresCluster.start()
    url = cluster.create_database()
    assert urlsplit(url).netloc == urlsplit(private.url).netloc
    cluster.stop()
    count = "SELECT count(*) FROM pg_database WHERE '/' || datname = "
    assert private._run(f"{count}'{urlsplit(url).path}'") == 0
    assert private._run("SELECT 1") == 1


def test_the_wheel_serves_when_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATENA_TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(postgres, "_candidates", lambda: iter(()))
    cluster = PostgresCluster.start()
    assert cluster.version >= 18
    cluster.stop()


def test_the_wheel_is_copied_when_its_folder_is_closed(tmp_path: Path) -> None:
    wheel = postgres._wheel()
    assert wheel is not None
    folder = tmp_path / "copy"
    bin_folder = postgres._copy_of_wheel(wheel, folder, postgres.Account.unprivileged())
    assert postgres._version(bin_folder, None) >= 18


def test_the_reason_of_a_failed_start_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ATENA_TEST_DATABASE_URL", raising=False)
    monkeypatch.setitem(postgres.SETTINGS, "no_such_setting", "1")
    with pytest.raises(PostgresError, match="no_such_setting"):
        PostgresCluster.start()


def test_ends_when_the_tests_are_killed() -> None:
    """A run that dies by SIGKILL takes its server along."""
    code = (
        "import sys\n"
        "from tests.postgres import PostgresCluster\n"
        "cluster = PostgresCluster.start()\n"
        "print(cluster._process.pid, cluster._folder, flush=True)\n"
        "sys.stdin.read()\n"
    )
    environment = {
        name: value for name, value in os.environ.items() if name != "ATENA_TEST_DATABASE_URL"
    }
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        server = os.pidfd_open(int(pid))
        run.send_signal(signal.SIGKILL)
    _wait_for_end(server)
    shutil.rmtree(folder)


async def test_both_kinds_of_database(new_database: NewDatabase) -> None:
    one, two = new_database(), new_database()
    assert one != two
    assert one.startswith(("sqlite:///", "postgresql://"))
    assert new_database(like=one) != one


def _wait_for_end(pidfd: int) -> None:
    with os.fdopen(pidfd) as end:
        assert select.select([end], [], [], postgres.STOP_SECONDS)[0]


def _data_folder(cluster: PostgresCluster) -> Path:
    assert cluster._folder is not None
    return cluster._folder


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def _value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    value: object = await connection.fetchval(sql)
    await connection.close()
    return value
