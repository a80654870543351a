"""Versions in the database: sealed, never changed, live on every worker at once."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg  # type: ignore[import-untyped]
import pytest
import redis.asyncio
import sqlalchemy as sa

from authz.errors import Unavailable
from authz.keys import Keys
from authz.policy import store as policy_store
from authz.policy.policy import Line
from authz.policy.seal import Chain, ChainBroken
from authz.policy.store import PolicyStore
from authz.sessions.session import Sessions
from authz.tasks import end
from models.graph.graph import GRAPH
from models.store.append_only import triggers
from models.store.database import Database
from server import main
from tests.conftest import Stores
from tests.test_hostile import code_of
from tests.test_policy_editing import EDITING, TIGHT, attempt, do
from tests.world import YAMADA, World, running, settings_of

CLERK = "sato"
RELOADS = int(os.environ.get("ATENA_TEST_RELOADS", "25"))
DOCUMENT = "query ($c: String!) { viewer { policyVersion } addressee(code: $c) { fullName } }"
CLOSED = Line("role:any", "purpose:any", "class:name", "read", "deny")
OPEN = [
    Line("role:collection-clerk", "purpose:consultation", f"class:{code}", action, "allow")
    for code in ("identifier", "name")
    for action in ("read", "match")
]


async def test_versions_lines_and_seals_only_grow(town: World) -> None:
    await town.publish(CLOSED)
    for statement in (
        "UPDATE policy_version SET reason = 'another'",
        "DELETE FROM policy_line WHERE version = 1",
        "UPDATE policy_seal SET seal = 'x'",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append only"):
            await town.change(statement)


@pytest.fixture
async def chain(town: World) -> AsyncIterator[tuple[Database, Chain]]:
    """See `attacked`."""
    async with attacked(town) as store:
        yield store


@contextlib.asynccontextmanager
async def attacked(town: World) -> AsyncIterator[tuple[Database, Chain]]:
    """The store with its chain, whose triggers an attacker has taken away."""
    await town.publish(CLOSED)
    await town.publish(without=lambda line: line == CLOSED)
    for table in ("policy_version", "policy_line", "policy_seal"):
        for name in ("no_update", "no_delete", "no_replace", "append_only"):
            suffix = f" ON {table}" if "postgresql" in town.database_url else ""
            await town.change(f"DROP TRIGGER IF EXISTS {table}_{name}{suffix}")
    database = Database(town.database_url)
    try:
        yield database, Chain(Keys.load(town.folder / "keys.json"))
    finally:
        await database.close()


LAST = "(SELECT max(id) FROM policy_line)"
TAMPERING = [
    (f"UPDATE policy_line SET action = 'write' WHERE id = {LAST}", 3),
    ("UPDATE policy_line SET note = 'x' WHERE id = (SELECT min(id) FROM policy_line)", 1),
    (f"DELETE FROM policy_line WHERE id = {LAST}", 3),
    ("UPDATE policy_version SET approved_by = 'kato' WHERE number = 2", 2),
    ("UPDATE policy_version SET effective_from = NULL WHERE number = 3", 3),
    ("DELETE FROM policy_seal WHERE version = 3", 3),
    ("UPDATE policy_seal SET key_id = 'k-other' WHERE version = 3", 3),
    # The seal of one version under another: an old one brought back as new.
    (
        "UPDATE policy_seal SET seal = (SELECT seal FROM policy_seal WHERE version = 1)"
        " WHERE version = 2",
        2,
    ),
]


async def test_a_database_that_takes_no_connection_is_said(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.asynccontextmanager
    async def refused(database: Database) -> AsyncIterator[None]:
        raise ConnectionRefusedError
        yield

    document = "{ policyStatus { version } }"
    assert (await town.ask("yamada", EDITING, document)).status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(Database, "look", refused)
        response = await town.ask("yamada", EDITING, document)
    assert (response.status_code, code_of(response.json())) == (503, "UNAVAILABLE")


async def test_whatever_keeps_a_version_from_being_published_it_is_tried_again(
    chain: tuple[Database, Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else no version that waits would take effect any more, nor one that takes rights away."""
    database, sealed = chain
    store, published = PolicyStore(database, GRAPH.classes, sealed), asyncio.Event()
    monkeypatch.setattr(policy_store, "PUBLISH_SECONDS", 0.01)
    lost = [asyncpg.InternalClientError("the server went away, before it was noticed")]

    async def publish(number: int) -> None:
        if lost:
            raise lost.pop()
        published.set()

    publishing = asyncio.create_task(store.keep_published(publish))
    try:
        await asyncio.wait_for(published.wait(), 5)
    finally:
        await end(publishing)


async def test_a_changed_version_is_found(chain: tuple[Database, Chain]) -> None:
    database, sealed = chain
    async with database.look() as connection:
        assert await sealed.verify_all(connection) == 3
    for tampering, number in TAMPERING:
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql(tampering)
            with pytest.raises(ChainBroken, match=f"version {number} "):
                await sealed.verify_all(connection)
            await connection.rollback()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_changed_version_is_not_sealed_anew(
    town: World, chain: tuple[Database, Chain], waits: bool
) -> None:
    """What a worker has in memory decides; what is made next is made from the database."""
    told = await do(town, "yamada", "createPolicyDraft", title="a test")
    draft = told["draft"]["id"]
    changed = 3
    if waits:
        await do(town, "yamada", "editPolicyDraft", draft=draft, set=[TIGHT])
        later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
        await do(town, "yamada", "proposePolicy", draft=draft, reason="-", effectiveFrom=later)
        told = await do(town, "yamada", "createPolicyDraft", title="another")
        draft, changed = told["draft"]["id"], 4
    await do(
        town, "yamada", "editPolicyDraft", draft=draft, set=[TIGHT | {"what": "class:nationality"}]
    )
    await town.change(
        "INSERT INTO policy_line (version, role, purpose, what, action, effect, note) VALUES"
        f" ({changed}, 'role:collection-clerk', 'purpose:consultation', 'class:nationality',"
        " 'list', 'allow', '')"
    )
    content = await attempt(town, "yamada", "proposePolicy", {"draft": draft, "reason": "less"})
    assert code_of(content) == "UNAVAILABLE"


async def test_without_a_sound_version_nothing_is_answered(
    town: World, chain: tuple[Database, Chain]
) -> None:
    await town.change("INSERT INTO policy_version (number, published_at, reason)"
                      " VALUES (4, '2026-11-01 00:00:00', 'mine')")  # fmt: skip
    for _ in range(2000):
        response = await town.ask(CLERK, "consultation", DOCUMENT, {"c": YAMADA})
        if response.status_code == 503:
            return
    raise AssertionError("a version that nobody sealed was used")


async def test_who_takes_the_seals_away_gets_no_new_ones(
    town: World, chain: tuple[Database, Chain]
) -> None:
    database, sealed = chain
    await town.change("DELETE FROM policy_seal")
    for statement in (
        "SELECT 1",
        "DELETE FROM policy_line WHERE version > 1",
        "DELETE FROM policy_version WHERE number > 1",
        "UPDATE policy_line SET action = 'write' WHERE id = (SELECT max(id) FROM policy_line)",
    ):
        await town.change(statement)
        last = statement.startswith("DELETE FROM policy_version")
        async with database.write() as connection:
            with contextlib.nullcontext() if last else pytest.raises(ChainBroken, match="sealed"):
                await sealed.begin(connection)
            await connection.exec_driver_sql("DELETE FROM policy_seal")


async def test_another_key_does_not_verify(town: World, chain: tuple[Database, Chain]) -> None:
    database, _ = chain
    other = Chain(Keys.load_or_create(town.folder / "other.json"))
    async with database.look() as connection:
        with pytest.raises(ChainBroken, match="key"):
            await other.verify(connection, 1)


def test_the_check_command_verifies_the_chain(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATENA_DATABASE_URL", stores.database_url)
    monkeypatch.setenv("ATENA_NUMBERS_URL", stores.numbers_url)
    monkeypatch.setenv("ATENA_DATA", str(stores.folder))
    assert main(["check"]) == 0
    assert "sound" in capsys.readouterr().out


async def test_the_check_command_looks_at_a_store_of_another_release(
    town: World,
    chain: tuple[Database, Chain],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever can change a version can also change what says which release the store is of."""
    monkeypatch.setenv("ATENA_DATABASE_URL", town.database_url)
    monkeypatch.setenv("ATENA_NUMBERS_URL", town.numbers_url)
    monkeypatch.setenv("ATENA_DATA", str(town.folder))
    await town.change("UPDATE alembic_version SET version_num = '0006'")
    assert await asyncio.to_thread(main, ["check"]) == 2
    assert "not migrated" in capsys.readouterr().err
    await town.change("UPDATE policy_version SET approved_by = 'kato' WHERE number = 2")
    assert await asyncio.to_thread(main, ["check"]) == 2
    assert "version 2 of the policy was changed" in capsys.readouterr().err


def test_triggers_are_made_for_each_table() -> None:
    from models.tables.policy import sealed

    for dialect in ("sqlite", "postgresql"):
        text = "\n".join(triggers(dialect, *sealed()))
        assert all(name in text for name in ("policy_version", "policy_line", "policy_seal"))
    assert triggers("sqlite") == []


async def published(publisher: Sessions, number: int) -> None:
    while True:
        with contextlib.suppress(Unavailable):
            return await publisher.publish_policy_version(number)


async def test_reloads_under_load_show_no_wrong_answer(town: World, stores: Stores) -> None:
    """Two workers, several clients, a new version again and again: odd ones close the names.

    Each answer belongs to one version whole, and to none older than what was in force when its
    request was sent.
    """
    await town.publish(CLOSED)
    in_force, stopped, seen = 2, False, Counter[int]()
    url = town.redis_url
    settings = settings_of(town.database_url, town.numbers_url, url, town.folder)
    client = redis.asyncio.Redis.from_url(url)
    publisher = Sessions(client)

    async def ask(world: World) -> None:
        while not stopped:
            least = in_force
            response = await world.ask(CLERK, "consultation", DOCUMENT, {"c": YAMADA})
            if response.status_code == 503 and "policy" not in response.text:
                # A store on a busy machine took too long: no answer is no wrong one.
                continue
            assert response.status_code == 200, response.text
            data = response.json()["data"]
            number = data["viewer"]["policyVersion"]
            assert number >= least
            name = data["addressee"] and data["addressee"]["fullName"]
            assert name == ("山田 太郎" if number % 2 == 1 else None), number
            seen[number] += 1

    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(running(settings, stores.passwords))
        async with asyncio.TaskGroup() as clients:
            for world in (town, second):
                await world.ask(CLERK, "consultation", DOCUMENT, {"c": YAMADA})
                for _ in range(3):
                    clients.create_task(ask(world))
            for _ in range(RELOADS):
                closing = in_force % 2 == 1
                number = await town.publish(
                    *(OPEN if not closing else [*OPEN, CLOSED]), without=lambda line: True
                )
                await published(publisher, number)
                in_force = number
            stopped = True
    await publisher.disconnect()
    await client.aclose()
    assert len(seen) > RELOADS // 4
