"""The read pools: a cancelled reader, an ended server and a slow statement leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
import sqlalchemy as sa

from models.store import database as pools
from models.store.database import Database, DatabaseError
from tests.conftest import NewDatabase


async def _one(database: Database, *, snapshot: bool) -> int:
    async with database.read(snapshot=snapshot) as reader:
        [row] = await reader.rows("SELECT 1", ())
        return int(row[0])


async def test_cancelled_readers_give_their_connections_back(new_database: NewDatabase) -> None:
    """A cancellation in the clean-up once took a connection along; after four, nobody read."""
    database = await Database.open(new_database())
    for number in range(120):
        reading = asyncio.create_task(_one(database, snapshot=number % 2 == 0))
        await asyncio.sleep((number % 8) / 4000)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    answers = await asyncio.gather(*(_one(database, snapshot=True) for _ in range(20)))
    assert answers == [1] * 20
    await database.close()


@pytest.mark.postgresql
async def test_ended_connections_are_refused_and_replaced(new_database: NewDatabase) -> None:
    database = await Database.open(new_database())
    if database.dialect == "sqlite":
        await database.close()
        return
    await asyncio.gather(*(_one(database, snapshot=True) for _ in range(8)))
    async with database.look() as connection:
        await connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    outcomes = await asyncio.gather(
        *(_one(database, snapshot=number % 2 == 0) for number in range(8)), return_exceptions=True
    )
    assert all(one == 1 or isinstance(one, DatabaseError) for one in outcomes)
    again = [await _one(database, snapshot=number % 2 == 0) for number in range(12)]
    assert again == [1] * 12
    await database.close()


async def test_a_slow_statement_is_given_up_and_the_next_one_answers(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "READ_SECONDS", 0.3)
    database = await Database.open(new_database())
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
        " SELECT max(i) FROM n"
    )
    begun = time.monotonic()
    with pytest.raises(DatabaseError):
        async with database.read() as reader:
            await reader.rows(slow, ())
    assert time.monotonic() - begun < 5
    assert await _one(database, snapshot=True) == 1
    await database.close()


@pytest.mark.postgresql
async def test_a_writer_that_is_paused_keeps_nobody_waiting_for_good(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paused one writes nothing any more."""
    monkeypatch.setattr(pools, "SILENT_SECONDS", 0.5)
    url = new_database()
    paused, other = Database(url), Database(url)
    if paused.dialect == "sqlite":
        return
    lock, on = "SELECT pg_advisory_xact_lock(1)", asyncio.Event()

    async def pause() -> None:
        async with paused.write() as connection:
            await connection.exec_driver_sql(lock)
            holds.set()
            await on.wait()
            await connection.exec_driver_sql("CREATE TABLE late (n INTEGER)")

    holds = asyncio.Event()
    pausing = asyncio.create_task(pause())
    try:
        await holds.wait()
        async with asyncio.timeout(20), other.write() as connection:
            await connection.exec_driver_sql(lock)
        on.set()
        with pytest.raises(sa.exc.DBAPIError):
            await pausing
    finally:
        await paused.close()
        await other.close()


async def test_an_idle_reader_holds_no_old_snapshot(new_database: NewDatabase) -> None:
    database = await Database.open(new_database())
    async with database.write() as connection:
        await connection.exec_driver_sql("CREATE TABLE seen (n INTEGER)")
    for number in range(1, 6):
        async with database.write() as connection:
            await connection.exec_driver_sql("INSERT INTO seen VALUES (1)")
        async with database.read() as reader:
            [row] = await reader.rows("SELECT count(*) FROM seen", ())
        assert row[0] == number
    await database.close()


@pytest.mark.postgresql
async def test_a_writer_sees_what_was_written_while_it_waited(new_database: NewDatabase) -> None:
    """Also where the database begins its transactions with one snapshot for all statements."""
    url = new_database()
    first = Database(url)
    if first.dialect == "sqlite":
        await first.engine.dispose()
        return
    async with first.write() as connection:
        await connection.exec_driver_sql("CREATE TABLE measure (n integer)")
        name = await connection.scalar(sa.text("SELECT current_database()"))
        await connection.exec_driver_sql(
            f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'"
        )
    second = Database(url)
    async with second.write() as waiting:
        await waiting.exec_driver_sql("SELECT 1 FROM measure")
        async with first.write() as connection:
            await connection.exec_driver_sql("INSERT INTO measure VALUES (1)")
        assert await waiting.scalar(sa.text("SELECT count(*) FROM measure")) == 1
    await first.close()
    await second.close()
