"""What a database must have beside its rows: `check` names what is missing, `migrate` makes it, and
neither they nor a start touch what is as it should be."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

import models.store.migrate
from authz.numbers.store import StoreRefused
from authz.redis.embedded import EmbeddedRedis
from models.store.database import Database, DatabaseError
from models.store.migrate import faults, migrate
from schema.settings import SettingError
from server import main, prepare
from tests.conftest import Dialect, NewDatabase
from tests.world import make_stores, settings_of

BOTH = {
    "DROP VIEW contact_uncovered": "the view contact_uncovered",
    "DROP INDEX ix_collection_due_on": "the index ix_collection_due_on",
    "DROP INDEX addressee_by_search_kana": "the index addressee_by_search_kana",
    "DROP VIEW addressee_open; CREATE VIEW addressee_open AS SELECT * FROM addressee": "_open",
}
BROKEN: dict[Dialect, dict[str, str]] = {
    "sqlite": BOTH
    | {
        "DROP TRIGGER access_log_no_update": "the append-only triggers of access_log",
        "DROP TRIGGER policy_seal_no_delete": "the append-only triggers of policy_seal",
        "DROP TRIGGER lift_use_no_replace; CREATE TRIGGER lift_use_no_replace BEFORE INSERT ON"
        " lift_use WHEN 0 BEGIN SELECT RAISE(ABORT, ''); END": "triggers of lift_use",
    },
    "postgresql": BOTH
    | {
        "DROP TRIGGER access_log_append_only ON access_log": "triggers of access_log",
        "ALTER TABLE logged_operation DISABLE TRIGGER USER": "triggers of logged_operation",
        "ALTER TABLE access_log ENABLE REPLICA TRIGGER access_log_append_only": "of access_log",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW;END'": "triggers of issued_document",
        "GRANT SELECT (address) ON addressee TO atena_reads": "the rights of atena_reads",
        "GRANT SELECT ON addressee TO PUBLIC": "the rights of atena_reads",
        "GRANT DELETE ON access_log TO atena_withheld": "the rights of atena_withheld",
        "GRANT UPDATE ON handling TO atena_restricted": "the rights of atena_restricted",
        "REVOKE SELECT ON addressee_open FROM atena_reads": "the rights of atena_reads",
    },
}


@pytest.fixture
async def migrated(new_database: NewDatabase) -> Database:
    """A database as it should be."""
    database = Database(new_database())
    await migrate(database)
    assert await faults(database) == []
    return database


async def change(database: Database, statements: str) -> None:
    async with database.write() as connection:
        for statement in statements.split("; ", 1):
            await connection.exec_driver_sql(statement)


async def test_what_is_missing_or_altered_is_named_and_made(
    dialect: Dialect, migrated: Database
) -> None:
    for statements, told in BROKEN[dialect].items():
        await change(migrated, statements)
        found = await faults(migrated)
        assert found, statements
        assert told in " ".join(found)
        await migrate(migrated)
        assert await faults(migrated) == [], statements
    await migrated.close()


async def test_a_column_that_is_missing_is_named(migrated: Database) -> None:
    async with migrated.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE harvest_budget RENAME persons TO people")
    assert await faults(migrated) == ["the column harvest_budget.persons"]
    await migrated.close()


async def test_what_is_as_it_should_be_is_not_touched(migrated: Database) -> None:
    told: list[str] = []
    sa.event.listen(
        migrated.engine.sync_engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, *_: told.append(statement),
    )
    await migrate(migrated)
    words = {statement.split(None, 1)[0].upper() for statement in told if "tried" not in statement}
    assert words <= {"BEGIN", "SELECT", "WITH", "PRAGMA", "SET", "SAVEPOINT", "ROLLBACK", "RELEASE"}
    await migrated.close()


async def test_nobody_waits_for_who_reads(
    migrated: Database, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that reads a view keeps it; a start, `check` and `migrate` need not wait."""
    if dialect == "sqlite":
        await migrated.close()
        pytest.skip("readers of SQLite keep nobody waiting")
    monkeypatch.setattr(models.store.migrate, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(models.store.migrate, "LOCK_MILLISECONDS", 100)
    reading = Database(migrated.url.render_as_string(hide_password=False))
    async with reading.look() as connection:
        await connection.exec_driver_sql("SELECT count(*) FROM addressee_open")
        assert await faults(migrated) == []
        await migrate(migrated)
    await change(
        migrated, "DROP VIEW addressee_open; CREATE VIEW addressee_open AS SELECT 1 AS one"
    )
    async with reading.look() as connection:
        await connection.exec_driver_sql("SELECT count(*) FROM addressee_open")
        with pytest.raises(DatabaseError, match="end their transaction"):
            await migrate(migrated)
        # Whoever comes in between is not kept waiting.
        async with migrated.look() as other:
            await other.exec_driver_sql("SELECT count(*) FROM addressee_open")
    await migrate(migrated)
    assert await faults(migrated) == []
    await reading.close()
    await migrated.close()


OLDER = "UPDATE alembic_version SET version_num = '0006'; DROP VIEW addressee_open"
Checked = Callable[[], tuple[int, str]]


@pytest.fixture
async def checked(
    new_database: NewDatabase,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Checked:
    """What `check` says of whole stores."""
    main_url, numbers_url = new_database(), new_database()
    await make_stores(main_url, numbers_url, tmp_path)
    for name, value in {
        "DATABASE_URL": main_url,
        "NUMBERS_URL": numbers_url,
        "REDIS_URL": redis_url,
        "DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"ATENA_{name}", value)

    def check() -> tuple[int, str]:
        status = main(["check"])
        told = capsys.readouterr()
        return status, told.out + told.err

    return check


async def test_check_opens_what_a_server_opens(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dialect: Dialect
) -> None:
    status, told = await asyncio.to_thread(checked)
    assert status == 0, told
    for name, url, expected in (
        ("REDIS_URL", "redis://:S3cret@127.0.0.1:1/0", "does not answer"),
        ("NUMBERS_URL", "postgresql://x:S3cret@127.0.0.1:1/y", "does not answer"),
        ("DATABASE_URL", "postgresql://x:S3cret@127.0.0.1:1/y", "does not answer"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(f"ATENA_{name}", url)
            status, told = await asyncio.to_thread(checked)
            assert status == 2
            assert f"ATENA_{name}" in told
            assert expected in told
            assert "S3cret" not in told
    with EmbeddedRedis.start(tmp_path / "other") as server, monkeypatch.context() as patch:
        patch.setenv("ATENA_REDIS_URL", server.url)
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
            status, told = await asyncio.to_thread(checked)
            assert (status, "noeviction" in told) == (2, True)
            client.execute_command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            status, told = await asyncio.to_thread(checked)
            assert (status, "takes no writes" in told) == (2, True)


async def test_check_says_where_the_server_of_the_database_logs_values(
    checked: Checked, dialect: Dialect
) -> None:
    status, told = await asyncio.to_thread(checked)
    assert (status, "log_error_verbosity" in told) == (0, dialect == "postgresql")
    if dialect == "postgresql":
        database = Database(os.environ["ATENA_DATABASE_URL"])
        async with database.write() as connection:
            name = await connection.scalar(sa.text("SELECT current_database()"))
            quiet = f'ALTER DATABASE "{name}" SET log_error_verbosity = terse'
            await connection.exec_driver_sql(quiet)
        await database.close()
        status, told = await asyncio.to_thread(checked)
        assert (status, "log_error_verbosity" in told) == (0, False)


NUMBERS_LACK: dict[Dialect, dict[str, str]] = {
    "sqlite": {
        "DROP TRIGGER number_access_no_delete": "the append-only triggers of number_access",
        "DROP INDEX ix_number_history_addressee_code": "the index ix_number_history_addressee_code",
    },
    "postgresql": {
        "DROP TRIGGER number_access_append_only ON number_access": "triggers of number_access",
        "ALTER TABLE store DISABLE TRIGGER USER": "the append-only triggers of store",
        "DROP INDEX ix_number_history_addressee_code": "the index ix_number_history_addressee_code",
    },
}
ALTERED = "ALTER TABLE individual_number DROP CONSTRAINT individual_number_blind_index_key"


async def test_check_names_what_the_numbers_lack_and_migrate_alone_makes_it(
    checked: Checked, dialect: Dialect, redis_url: str, tmp_path: Path
) -> None:
    main_url, numbers_url = os.environ["ATENA_DATABASE_URL"], os.environ["ATENA_NUMBERS_URL"]
    numbers = Database(numbers_url)
    for statements, expected in NUMBERS_LACK[dialect].items():
        await change(numbers, statements)
        await prepare(settings_of(main_url, numbers_url, redis_url, tmp_path))
        status, told = await asyncio.to_thread(checked)
        assert (status, expected in told) == (2, True), told
        assert await asyncio.to_thread(main, ["migrate"]) == 0
        status, told = await asyncio.to_thread(checked)
        assert status == 0, told
    if dialect == "postgresql":
        await change(numbers, ALTERED)
        status, told = await asyncio.to_thread(checked)
        assert (status, "a constraint of individual_number" in told) == (2, True)
    await numbers.close()


async def test_check_says_what_keeps_a_server_from_starting(
    checked: Checked, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where `serve` refuses, so does `check`; and it makes nothing where nothing is."""
    monkeypatch.setenv("ATENA_STORE", "real")
    monkeypatch.setenv("ATENA_KEYS", str(tmp_path / "keys.json"))
    for name in ("DATABASE_URL", "NUMBERS_URL"):
        monkeypatch.setenv(f"ATENA_{name}", new_database())
    status, told = await asyncio.to_thread(checked)
    assert status == 2
    for name in ("DATABASE_URL", "NUMBERS_URL"):
        assert re.search(f"ATENA_{name}: .*run `migrate`", told), told
    for name in ("DATABASE_URL", "NUMBERS_URL", "KEYS", "STORE"):
        monkeypatch.delenv(f"ATENA_{name}")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("ATENA_DATA", str(empty))
    status, told = await asyncio.to_thread(checked)
    assert (status, "a first start makes it" in told) == (0, True), told
    assert list(empty.iterdir()) == []


async def test_a_start_makes_no_numbers_of_a_real_store(
    new_database: NewDatabase, redis_url: str, tmp_path: Path
) -> None:
    """A wrong address is no new store."""
    main_url, numbers_url, nothing = new_database(), new_database(), new_database()
    await make_stores(main_url, numbers_url, tmp_path)
    settings = settings_of(
        main_url, nothing, redis_url, tmp_path, store="real", keys=str(tmp_path / "keys.json")
    )
    with pytest.raises(StoreRefused, match="migrate"):
        await prepare(settings)
    database = Database(nothing)
    async with database.look() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
    await database.close()


async def test_a_start_leaves_a_server_s_database_to_migrate(
    new_database: NewDatabase, redis_url: str, tmp_path: Path
) -> None:
    main_url, numbers_url = new_database(), new_database()
    await make_stores(main_url, numbers_url, tmp_path)
    database = Database(main_url)
    await change(database, OLDER)
    with pytest.raises(SettingError, match="migrate"):
        await prepare(settings_of(main_url, numbers_url, redis_url, tmp_path))
    async with database.look() as connection:
        views = await connection.run_sync(lambda sync: sa.inspect(sync).get_view_names())
    assert "addressee_open" not in views
    await database.close()
