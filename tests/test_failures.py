"""No text of a driver reaches a terminal or a log: it may hold the values of a row."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

import server
from authz.errors import BadInput
from models.graph.graph import GRAPH
from models.store.bulk import add
from models.store.database import Database, DatabaseError
from models.store.failures import lifespan_without_values, tell_no_values, words_of
from models.store.migrate import migrate

PROJECT = Path(__file__).parent.parent
SECRET = "account 7654321"


def drivers_error() -> Exception:
    """As asyncpg raises it, with the key in its detail."""
    error: Exception = asyncpg.UniqueViolationError(f"duplicate key: {SECRET}")
    error.detail = f"Key (account_number)=({SECRET}) already exists."  # type: ignore[attr-defined]
    return error


def wrapped() -> Exception:
    return sa.exc.IntegrityError(f"INSERT {SECRET}", {"number": SECRET}, drivers_error())


def chained() -> Exception:
    """An error of ours whose cause is the driver's."""
    error = DatabaseError("the database refused a statement")
    error.__cause__ = wrapped()
    return error


def fault() -> Exception:
    return KeyError(SECRET)


EVERY = (drivers_error, wrapped, chained, fault)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("command", ["_check", "_migrate", "_import", "_password", "_serve"])
def test_a_command_fails_without_values(
    make: Callable[[], Exception],
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(*given: Any) -> int:
        raise make()

    monkeypatch.setattr(server, command, fail)
    monkeypatch.setenv("ATENA_DATA", str(tmp_path))
    words = {"_import": ["staff", "x.csv"], "_password": ["sato"]}.get(command, [])
    status = server.main([command.strip("_"), *words])
    told = capsys.readouterr()
    assert status == (server.FAULT if make is fault else 2)
    assert SECRET not in told.out + told.err
    assert told.err.startswith("atena: ")
    assert (make is fault) or told.err.count("\n") == 1


@pytest.fixture
def written() -> Any:
    """What every logger writes, with the usual formatter."""
    tell_no_values()
    target = io.StringIO()
    handler = logging.StreamHandler(target)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield target
    root.removeHandler(handler)


@pytest.mark.parametrize("make", EVERY)
def test_whoever_logs_an_exception_logs_no_value(
    make: Callable[[], Exception], written: io.StringIO
) -> None:
    for name in ("uvicorn.error", "asyncio", "sqlalchemy.pool", "atena", "any"):
        try:
            raise make()
        except Exception as error:
            logging.getLogger(name).error("it failed", exc_info=True)
            logging.getLogger(name).error("it failed with %s", error)
            logging.getLogger(name).error("it failed with %(error)s", {"error": error})
            logging.getLogger(name).error(error)
    text = written.getvalue()
    assert SECRET not in text
    assert type(make()).__name__ in text
    assert "test_failures.py" in text


async def test_a_forgotten_task_tells_no_value(written: io.StringIO) -> None:
    async def fail() -> None:
        raise drivers_error()

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"Exception in callback f({SECRET!r})", "exception": wrapped()}
    )
    assert "UniqueViolationError" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_a_thread_and_the_interpreter_tell_no_value(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    tell_no_values()

    def fail() -> None:
        raise drivers_error()

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(KeyError, fault(), None)
    assert written.getvalue().count("failed with") == 2
    assert SECRET not in written.getvalue()


async def test_a_server_that_cannot_start_tells_no_value(written: io.StringIO) -> None:
    @lifespan_without_values
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise chained()
        yield

    with pytest.raises(Exception, match="the database refused a statement") as caught:
        async with lifespan(None):
            pass
    one: BaseException | None = caught.value
    assert one is not None
    assert one.__cause__ is None
    assert one.__suppress_context__
    assert SECRET not in written.getvalue()


def test_words_of_our_own_are_told() -> None:
    assert words_of(BadInput("a row has a name")) == "a row has a name"
    assert words_of(drivers_error()) == "UniqueViolationError"


async def test_adding_a_row_twice_tells_no_key(database_url: str) -> None:
    database = Database(database_url)
    table = GRAPH.types["Addressee"].table
    row = dict.fromkeys(column.name for column in table.columns) | {"code": "000000000099001"}
    row |= {"dv_flag": False, "neglect_flag": False}

    async def add_twice() -> None:
        async with database.write() as connection:
            await add(connection, table, [row])
            await add(connection, table, [row])

    try:
        await migrate(database)
        with pytest.raises((DatabaseError, sa.exc.IntegrityError)) as caught:
            await add_twice()
        if database.dialect == "postgresql":
            assert str(caught.value) == "the database refused a batch (UniqueViolationError)"
            assert caught.value.__cause__ is None
    finally:
        await database.close()


async def test_who_waits_for_a_turn_gets_it_when_the_other_dies(database_url: str) -> None:
    """The lock is the process's own: kill -9 gives it up."""
    code = (
        "import asyncio, sys\n"
        "from models.store.database import Database\n"
        "async def main():\n"
        "    async with Database(sys.argv[1]).turn('import of tests'):\n"
        "        print('mine', flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    database = Database(database_url)
    order = []
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, database_url, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"mine\n"

    async def take() -> None:
        async with database.turn("import of tests"):
            order.append("taken")

    async with database.turn("import of others"):
        pass
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(take(), 1)
    assert not order
    other.kill()
    await other.wait()
    await asyncio.wait_for(take(), 30)
    assert order == ["taken"]
    await database.close()
