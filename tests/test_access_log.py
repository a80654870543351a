"""No log, no answer: durable before the answer, together where it can be, and never changed."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import resource
import sqlite3
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from authz.access_log import UNREADABLE, AccessLog, Kind, LoggedOperation, Record, readable
from authz.actor import actor_id
from authz.errors import Unavailable
from models.store.append_only import filled, triggers
from models.store.database import Database
from models.tables.access_log import ACCESS_LOG, LOGGED_OPERATION
from models.tables.client import client_id_objection
from models.tables.staff import staff_id_objection

PATIENCE = 0.5
READ = LoggedOperation.of("query{addressee{code}}", [("Addressee.code", "read", "shown")])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.write() as connection:
        await connection.run_sync(ACCESS_LOG.create)
        await connection.run_sync(LOGGED_OPERATION.create)
        for statement in triggers(database.dialect, ACCESS_LOG, LOGGED_OPERATION):
            await connection.exec_driver_sql(statement)
    yield database
    await database.close()


@pytest.fixture
async def log(database: Database) -> AsyncIterator[AccessLog]:
    log = AccessLog(database, patience=PATIENCE)
    await log.start()
    yield log
    await log.stop()


def of(actor: str, **more: Any) -> Record:
    return Record(Kind.READ, "OK", actor, **more)


async def rows(database: Database) -> list[Any]:
    """What another connection sees."""
    async with database.write() as connection:
        return list(await connection.execute(sa.select(ACCESS_LOG).order_by(ACCESS_LOG.c.id)))


async def actors(database: Database) -> list[str]:
    return sorted(row.actor for row in await rows(database))


@asynccontextmanager
async def blocked(database: Database) -> AsyncIterator[None]:
    """The store is there and does not answer."""
    async with database.write() as connection:
        if database.dialect == "postgresql":
            await connection.exec_driver_sql("LOCK TABLE access_log IN ACCESS EXCLUSIVE MODE")
        yield


@asynccontextmanager
async def broken(database: Database) -> AsyncIterator[None]:
    """The store answers with errors."""
    async with database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE access_log RENAME TO elsewhere")
    yield
    async with database.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO access_log")


async def transactions(database: Database) -> int:
    """How many transactions wrote what the log now holds."""
    if database.dialect == "postgresql":
        async with database.write() as connection:
            counted = await connection.exec_driver_sql(
                "SELECT count(DISTINCT xmin::text) FROM access_log"
            )
            return int(counted.scalar_one())
    return commits_in(Path(f"{database.url.database}-wal"))


def commits_in(wal: Path) -> int:
    """The commit frames of SQLite's write-ahead log (https://sqlite.org/fileformat.html#walformat)."""
    content = wal.read_bytes()
    page, salt = struct.unpack(">I", content[8:12])[0], content[16:24]
    frames = (content[at : at + 24] for at in range(32, len(content), 24 + page))
    return sum(frame[8:16] == salt and frame[4:8] != bytes(4) for frame in frames)


async def test_a_record_says_who_what_for_and_how_it_ended(
    database: Database, log: AccessLog
) -> None:
    at = dt.datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=dt.UTC)
    roles = frozenset({"number-handler", "collection-clerk"})
    await log.record(
        Record(
            Kind.READ, "OK", "staff-1", "session-1", roles, "consultation", "2026/A-1", 7,
            ["0000000002", "0000000001", "0000000002"], at,
        ),
        READ,
    )  # fmt: skip
    (row,) = await rows(database)
    stored = row.at if row.at.tzinfo else row.at.replace(tzinfo=dt.UTC)
    assert (stored, row.kind, row.outcome) == (at, "READ", "OK")
    assert (row.actor, row.session, row.policy_version) == ("staff-1", "session-1", 7)
    assert row.roles == "collection-clerk number-handler"
    assert (row.purpose, row.case_reference) == ("consultation", "2026/A-1")
    assert json.loads(row.persons) == ["0000000002", "0000000001"]
    assert (row.person_count, row.operation) == (2, READ.digest)


async def test_a_refused_request_without_an_actor_is_recorded(
    database: Database, log: AccessLog
) -> None:
    await log.record(Record(Kind.READ, "UNAUTHENTICATED"))
    (row,) = await rows(database)
    assert (row.outcome, row.actor, row.operation, row.persons) == (
        "UNAUTHENTICATED", None, None, "[]",
    )  # fmt: skip


async def test_it_is_on_disk_when_record_returns(database: Database, log: AccessLog) -> None:
    for number in range(5):
        await log.record(of(f"staff-{number}"))
        assert len(await rows(database)) == number + 1


async def test_every_commit_is_flushed(log: AccessLog, database: Database) -> None:
    connection: Any = log._appender._connection  # type: ignore[attr-defined]
    if database.dialect == "postgresql":
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
    else:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_many_requests_share_a_transaction(database: Database, log: AccessLog) -> None:
    await log.record(of("first"), READ)
    before = await transactions(database)
    for _ in range(2):
        await asyncio.gather(*(log.record(of(f"staff-{n}"), READ) for n in range(100)))
    assert len(await rows(database)) == 201
    assert 2 <= await transactions(database) - before <= 4


async def test_it_waits_for_one_writer_at_most(database: Database, log: AccessLog) -> None:
    done: list[str] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def write(name: str) -> None:
        async with database.write() as connection:
            await connection.execute(sa.select(ACCESS_LOG.c.id))
            begun.set()
            await go.wait()
        done.append(name)

    async def record() -> None:
        await log.record(of("clerk"))
        done.append("record")

    writers = [asyncio.create_task(write(f"writer {number}")) for number in range(12)]
    await begun.wait()
    recording = asyncio.create_task(record())
    for _ in range(10):
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*writers, recording)
    assert done.index("record") <= (1 if database.dialect == "sqlite" else len(writers))


async def test_an_operation_is_stored_once(database: Database, log: AccessLog) -> None:
    other = AccessLog(database, patience=PATIENCE)
    await other.start()
    await asyncio.gather(*(each.record(of("staff"), READ) for each in (log, other) * 5))
    await other.stop()
    async with database.write() as connection:
        (row,) = await connection.execute(sa.select(LOGGED_OPERATION))
    assert row.digest == READ.digest
    assert json.loads(row.coordinates) == [["Addressee.code", "read", "shown"]]


async def test_different_verdicts_are_different_operations() -> None:
    hidden = LoggedOperation.of(READ.normal_form, [("Addressee.code", "read", "hidden")])
    assert hidden.digest != READ.digest


async def test_no_record_points_nowhere_after_a_failure(database: Database, log: AccessLog) -> None:
    async with broken(database):
        with pytest.raises(Unavailable):
            await log.record(of("lost"), READ)
    await log.record(of("kept"), READ)
    async with database.write() as connection:
        orphans = sa.select(ACCESS_LOG).where(
            ACCESS_LOG.c.operation.not_in(sa.select(LOGGED_OPERATION.c.digest))
        )
        assert (await connection.execute(orphans)).all() == []


async def test_a_store_that_came_back_as_an_older_copy_learns_its_operations_again(
    database: Database, log: AccessLog
) -> None:
    await log.record(of("before"), READ)
    async with broken(database):
        async with database.write() as connection:
            await connection.run_sync(LOGGED_OPERATION.drop)
            await connection.run_sync(LOGGED_OPERATION.create)
        with pytest.raises(Unavailable):
            await log.record(of("lost"), READ)
    await log.record(of("after"), READ)
    async with database.write() as connection:
        (row,) = await connection.execute(sa.select(LOGGED_OPERATION))
    assert row.digest == READ.digest


async def test_a_store_that_does_not_answer_refuses_everybody_in_time(
    database: Database, log: AccessLog
) -> None:
    async with blocked(database):
        async with asyncio.timeout(PATIENCE * 3):
            ends = await asyncio.gather(
                *(log.record(of(f"lost-{n}")) for n in range(20)), return_exceptions=True
            )
        assert [type(end) for end in ends] == [Unavailable] * 20
    await log.record(of("after"))
    assert "after" in await actors(database)


async def test_a_store_that_fails_is_used_again_when_it_is_back(
    database: Database, log: AccessLog
) -> None:
    await log.record(of("before"))
    async with broken(database):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await log.record(of("lost"))
    await log.record(of("after"))
    assert await actors(database) == ["after", "before"]


@pytest.mark.parametrize("dialect", [pytest.param("postgresql", marks=pytest.mark.postgresql)],
                         indirect=True)  # fmt: skip
async def test_a_lost_server_refuses_and_a_new_connection_goes_on(
    database: Database, log: AccessLog
) -> None:
    await log.record(of("before"))
    administrator = await asyncpg.connect(
        database.url.set(database="postgres").render_as_string(hide_password=False)
    )
    name = database.url.database
    try:
        await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        for _ in range(3):
            with pytest.raises(Unavailable):
                await log.record(of("lost"))
    finally:
        await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await administrator.close()
    await log.record(of("after"))
    assert await actors(database) == ["after", "before"]


class Wire:
    """A network between the log and its server, on which old connections can fall silent."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._alive = asyncio.Event()
        self._alive.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = self._url.set(port=self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Nothing passes on the connections of now; later ones work."""
        self._alive.clear()
        self._alive = asyncio.Event()
        self._alive.set()

    async def _connect(self, near: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, far_writer = await asyncio.open_connection(self._url.host, self._url.port)
        for reader, to in ((near, far_writer), (far, writer)):
            task = asyncio.create_task(self._pass_on(reader, to, self._alive))
            self._tasks.add(task)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alive: asyncio.Event
    ) -> None:
        with closing(writer):
            while data := await reader.read(65536):
                await alive.wait()
                writer.write(data)


@pytest.mark.parametrize("dialect", [pytest.param("postgresql", marks=pytest.mark.postgresql)],
                         indirect=True)  # fmt: skip
async def test_a_connection_that_fell_silent_is_given_up(database: Database) -> None:
    async with Wire(database.url) as wire:
        far = Database(wire.url.render_as_string(hide_password=False))
        log = AccessLog(far, patience=PATIENCE)
        await log.start()
        await log.record(of("before"))
        wire.cut()
        with pytest.raises(Unavailable):
            await log.record(of("lost"))
        await log.record(of("after"))
        await log.stop()
        await far.close()
    assert await actors(database) == ["after", "before"]


@contextmanager
def full_disk(wal: Path) -> Iterator[None]:
    """No file of this process may grow beyond the size that the write-ahead log has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_full_disk_refuses_until_there_is_room(database: Database, log: AccessLog) -> None:
    await log.record(of("before"))
    with full_disk(Path(f"{database.url.database}-wal")):
        for _ in range(2):
            with pytest.raises(Unavailable):
                await log.record(of("lost"))
    await log.record(of("after"))
    assert await actors(database) == ["after", "before"]


async def test_start_says_when_the_store_is_not_there(database_url: str, tmp_path: Path) -> None:
    url = sa.make_url(database_url)
    missing = url.set(database=str(tmp_path / "none" / "log") if "sqlite" in url.drivername
                      else "missing")  # fmt: skip
    database = Database(missing.render_as_string(hide_password=False))
    # Making a Database makes its folder.
    with suppress(OSError):
        (tmp_path / "none").rmdir()
    log = AccessLog(database, patience=PATIENCE)
    with pytest.raises(Unavailable):
        await log.start()
    with pytest.raises(Unavailable):
        await log.record(of("staff"))
    await database.close()


async def test_a_cancelled_caller_takes_nobody_with_it(database: Database, log: AccessLog) -> None:
    async with blocked(database):
        tasks = [asyncio.create_task(log.record(of(f"staff-{n:02}"))) for n in range(10)]
        # The writer holds some of them already, the rest still wait.
        for _ in range(3):
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(log.record(of(f"staff-{n:02}"))) for n in range(10, 20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends[::2]] == [asyncio.CancelledError] * 10
    assert ends[1::2] == [None] * 10
    stored = await actors(database)
    assert len(stored) == len(set(stored))
    assert {f"staff-{n:02}" for n in range(1, 20, 2)} <= set(stored)


async def test_stop_stores_what_waits_and_refuses_what_follows(database: Database) -> None:
    log = AccessLog(database, patience=PATIENCE)
    await log.start()
    waiting = [asyncio.create_task(log.record(of(f"staff-{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    await log.stop()
    await asyncio.gather(*waiting)
    assert len(await rows(database)) == 10
    with pytest.raises(Unavailable):
        await log.record(of("late"))
    await log.stop()


CHANGES = [
    "UPDATE access_log SET actor = 'other'",
    "DELETE FROM access_log",
    "UPDATE logged_operation SET normal_form = ''",
    "DELETE FROM logged_operation",
]
CHANGES_BY_DIALECT = {
    "postgresql": [
        "TRUNCATE access_log",
        "DELETE FROM access_log WHERE false",
        "SET session_replication_role = replica; DELETE FROM access_log",
        "INSERT INTO logged_operation SELECT * FROM logged_operation"
        " ON CONFLICT (digest) DO UPDATE SET normal_form = ''",
    ],
    "sqlite": [
        "INSERT OR REPLACE INTO access_log SELECT * FROM access_log",
        "INSERT INTO logged_operation SELECT * FROM logged_operation WHERE true"
        " ON CONFLICT (digest) DO UPDATE SET normal_form = ''",
        "INSERT OR REPLACE INTO logged_operation"
        " SELECT digest, '', coordinates FROM logged_operation",
    ],
}


async def test_records_cannot_be_changed_or_removed(database: Database, log: AccessLog) -> None:
    await log.record(of("staff"), READ)
    for statement in CHANGES + CHANGES_BY_DIALECT[database.dialect]:
        # Where SQLite passes over a row in silence, nothing has changed either.
        with suppress(sa.exc.DBAPIError):
            async with database.write() as connection:
                for part in statement.split(";"):
                    await connection.exec_driver_sql(part)
            assert statement.startswith("INSERT")
        (row,) = await rows(database)
        assert row.actor == "staff"
        async with database.write() as connection:
            (operation,) = await connection.execute(sa.select(LOGGED_OPERATION))
        assert operation.normal_form == READ.normal_form


async def test_the_triggers_can_be_made_again(database: Database, log: AccessLog) -> None:
    async with database.write() as connection:
        for statement in triggers(database.dialect, ACCESS_LOG, LOGGED_OPERATION):
            await connection.exec_driver_sql(statement)
    await log.record(of("staff"), READ)


@pytest.mark.parametrize(
    "text",
    ["621498320257", "case 12", "x621498320257y", "a" * 65, "", "\0", "\ud800", "個人", "a\n"],
)
async def test_a_text_from_outside_that_may_hold_a_value_is_not_kept(
    database: Database, log: AccessLog, text: str
) -> None:
    """Nor does it make the records of others fail."""
    bad = Record(Kind.READ, "PURPOSE_NOT_ALLOWED", text, text, purpose=text, case_reference=text)
    await asyncio.gather(log.record(bad), log.record(of("staff")))
    first, _ = sorted(await rows(database), key=lambda row: row.outcome, reverse=True)
    assert {first.actor, first.session, first.purpose, first.case_reference} == {UNREADABLE}


@given(st.from_regex(r"[A-Za-z0-9._/-]{1,64}", fullmatch=True))
def test_every_case_reference_of_the_contract_is_readable(text: str) -> None:
    digits = sum(sign.isdigit() for sign in text)
    assert readable(text) == (UNREADABLE if digits >= 12 else text)


def test_a_normal_form_with_what_could_be_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no values") as raised:
        LoggedOperation.of('query{addressee(code:"621498320257"){code}}', [])
    assert "621498320257" not in str(raised.value)


async def test_a_seeded_number_is_nowhere_in_the_store(
    database: Database, log: AccessLog, caplog: pytest.LogCaptureFixture
) -> None:
    number = "621498320257"
    record = Record(Kind.READ, "BAD_USER_INPUT", number, purpose=number, case_reference=number)
    await log.record(record)
    async with broken(database):
        with pytest.raises(Unavailable) as raised:
            await log.record(record)
    assert raised.value.__cause__ is None
    assert number not in caplog.text
    if database.dialect == "sqlite":
        path = Path(database.url.database or "")
        assert all(
            number.encode() not in each.read_bytes() for each in path.parent.glob(f"{path.name}*")
        )
    assert number not in str(await rows(database))


def test_sqlite_stores_a_record_as_sqlalchemy_reads_it() -> None:
    """The appender writes past SQLAlchemy, in the order of `filled`."""
    assert [column.name for column in filled(ACCESS_LOG)] == [
        "at", "kind", "actor", "session", "roles", "purpose", "case_reference", "policy_version",
        "operation", "persons", "person_count", "through", "open_persons", "open_count",
        "outcome",
    ]  # fmt: skip
    assert sqlite3.sqlite_version_info >= (3, 24)


@pytest.mark.parametrize(
    "text", ["100000000001", "a-1000000000012", "7" * 11 + "-7", "7" * 11, "sato"]
)
def test_the_log_can_tell_whoever_may_have_an_id(text: str) -> None:
    told = readable(text) == text and readable(actor_id(text)) == actor_id(text)
    assert (staff_id_objection(text) is None, client_id_objection(text) is None) == (told, told)
