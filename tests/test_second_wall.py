"""The second wall: a condition is taken out of the first one, and the database still withholds.

Each test that breaks the first wall over HTTP has a twin without the second, in which the place of
a protected person does come out: so it is known to be broken.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from authz.policy.clearance import Cell, Verdict
from models.graph.graph import GRAPH
from models.labels import label_of
from models.store.column_rights import HIGHEST, WALL, rows_are_withheld, withheld
from models.store.database import Access, Database, DatabaseError
from models.store.migrate import migrate
from resolvers.read import plan, sql
from resolvers.read.decisions import Decisions
from resolvers.read.levels import ANYBODY, Guard, Level
from tests.conftest import NewDatabase
from tests.postgres import PostgresCluster
from tests.test_issuing import oblige
from tests.world import KEIKO, SECRET_ADDRESS, SUZUKI, TANAKA, YAMADA, World

CLERK, REGISTRAR, COORDINATOR, SURVEYOR = "sato", "yamamoto", "kobayashi", "takahashi"
NUMBERS = itertools.count()

PLACE = "{ addressee(code: $code) { fullName residence { address postalCodeArea } } }"
HOUSEHOLD = """{ addressee(code: $code) { householdMemberships { nodes {
    relationship members { nodes { code residence { address } } } } } } }"""
AGENTS = "{ addressee(code: $code) { specialAddressees { nodes { kind } } } }"
AGENT_IDS = "{ addressee(code: $code) { specialAddressees { nodes { __typename } } } }"
FLAG = "{ addressee(code: $code) { fullName dvFlag } }"


async def ask(
    world: World, staff_id: str, purpose: str, document: str, code: str = TANAKA
) -> tuple[int, str]:
    """Status and text. Each document is new, so that it is planned anew."""
    named = f"query Number{next(NUMBERS)}($code: String!) {document}"
    response = await world.ask(staff_id, purpose, named, {"code": code})
    return response.status_code, response.text


# -- the first wall, broken ------------------------------------------------------------------------


def forget_the_condition(patch: pytest.MonkeyPatch) -> None:
    """In the SQL nobody is ever covered."""
    patch.setattr(sql._Builder, "_uncovered", lambda self, *asked: sa.true())


def forget_the_guard(patch: pytest.MonkeyPatch) -> None:
    """In the plan no value depends on an obligation."""
    patch.setattr(plan, "guard_of", lambda *asked, **options: Guard())


def forget_to_leave_out(patch: pytest.MonkeyPatch) -> None:
    """In the plan no row is left out."""
    patch.setattr(plan, "_left_out", lambda classes, cell: frozenset())


def forget_to_hide(patch: pytest.MonkeyPatch) -> None:
    """In the plan every field is shown."""
    decided = Decisions.field

    def field(self: Decisions, *asked: Any) -> Cell:
        cell = decided(self, *asked)
        return cell if cell.allowed else Cell(Verdict.SHOWN, cell.reason, ANYBODY)

    patch.setattr(Decisions, "field", field)


def without_the_second(patch: pytest.MonkeyPatch) -> None:
    """Plans read the tables themselves, with every right."""

    def table(level: Level, lifted: bool) -> sa.Table:
        return level.type.table

    patch.setattr(sql, "_source", table)
    patch.setattr(sql, "uncovered_rows", lambda type_: type_.table)
    patch.setattr(Database, "read", _read_everything(Database.read))


def _read_everything(read: Any) -> Any:
    return lambda self, **options: read(self, **(options | {"reserved": True}))


BROKEN = [
    (forget_the_condition, CLERK, "consultation", PLACE, TANAKA, SECRET_ADDRESS, 200),
    (forget_the_guard, CLERK, "consultation", PLACE, TANAKA, SECRET_ADDRESS, 503),
    (forget_the_condition, REGISTRAR, "addressee-management", HOUSEHOLD, TANAKA, KEIKO, 200),
    (forget_to_leave_out, REGISTRAR, "addressee-management", AGENTS, SUZUKI, '{"kind":null}', 200),
    (forget_to_leave_out, REGISTRAR, "addressee-management", AGENT_IDS, SUZUKI, "Special", 503),
    (forget_to_hide, CLERK, "consultation", FLAG, TANAKA, '"dvFlag":true', 503),
]
CASES = pytest.mark.parametrize(
    ("forget", "staff_id", "purpose", "document", "code", "secret", "status"),
    BROKEN,
    ids=[f"{one[0].__name__}-{one[6]}" for one in BROKEN],
)


@CASES
async def test_what_the_first_wall_forgets_the_second_withholds(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    forget: Any,
    staff_id: str,
    purpose: str,
    document: str,
    code: str,
    secret: str,
    status: int,
) -> None:
    forget(monkeypatch)
    with caplog.at_level(logging.CRITICAL, "atena.alert"):
        told, text = await ask(world, staff_id, purpose, document, code)
    assert told == status
    assert secret not in text
    assert SECRET_ADDRESS not in text
    assert bool(caplog.messages) == (status == 503)
    if status == 200:
        assert "釧路市北大通" in (await ask(world, staff_id, purpose, PLACE, YAMADA))[1]


@CASES
async def test_without_the_second_wall_it_comes_out(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    forget: Any,
    staff_id: str,
    purpose: str,
    document: str,
    code: str,
    secret: str,
    status: int,
) -> None:
    forget(monkeypatch)
    without_the_second(monkeypatch)
    assert secret in (await ask(world, staff_id, purpose, document, code))[1]


async def test_a_filter_on_a_place_finds_nobody_covered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_condition(monkeypatch)
    document = """query Found($v: String!) {
        addressees(filter: {residence: {address: {prefix: $v}}}) { nodes { code } } }"""
    found = await world.ask(SURVEYOR, "field-survey", document, {"v": "釧路市"})
    codes = [node["code"] for node in found.json()["data"]["addressees"]["nodes"]]
    assert YAMADA in codes
    assert TANAKA not in codes


async def test_an_edge_does_not_lead_to_a_covered_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "{ addressee(code: $code) { accounts { nodes { bankCode holder { fullName } } } } }"
    forget_the_condition(monkeypatch)
    status, text = await ask(world, SURVEYOR, "delinquency", document, SUZUKI)
    assert status == 200
    assert "0116" in text
    assert "田中" not in text


async def test_where_an_agents_mail_goes_is_behind_both_walls(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await oblige(town, SUZUKI, False, False)
    await town.change(
        "INSERT INTO forwarding_address (addressee_code, address)"
        f" VALUES ('{SUZUKI}', '{SECRET_ADDRESS}')"
    )
    document = "{ addressee(code: $code) { forwardingAddresses { nodes { address } } } }"
    monkeypatch.setattr(sql._Builder, "_uncovered_agents", lambda self, *asked: sa.true())
    told = await ask(town, SURVEYOR, "field-survey", document, SUZUKI)
    assert told[0] == 200
    assert SECRET_ADDRESS not in told[1]
    without_the_second(monkeypatch)
    assert SECRET_ADDRESS in (await ask(town, SURVEYOR, "field-survey", document, SUZUKI))[1]


async def test_the_coordinator_still_reads_one_covered_persons_place(world: World) -> None:
    status, text = await ask(world, COORDINATOR, "protection-measures", PLACE)
    assert (status, SECRET_ADDRESS in text) == (200, True)


# -- the rights themselves -------------------------------------------------------------------------


@pytest.fixture
async def database(world: World) -> AsyncIterator[Database]:
    """The town's database, read as the server reads it."""
    opened = await Database.open(world.database_url, WALL)
    yield opened
    await opened.close()


async def may(database: Database, statement: str, access: Access) -> bool:
    try:
        async with database.read(access=access) as reader:
            await reader.rows(statement, ())
    except DatabaseError:
        return False
    return True


@pytest.mark.parametrize(
    ("statement", "who"),
    [
        ("SELECT code, full_name FROM addressee", "ORDINARY RESTRICTED WITHHELD"),
        ("SELECT count(*) FROM addressee", "ORDINARY RESTRICTED WITHHELD"),
        ("SELECT address FROM addressee_open", "ORDINARY RESTRICTED WITHHELD"),
        ("SELECT count(*) FROM household_membership_uncovered", "ORDINARY RESTRICTED WITHHELD"),
        ("SELECT dv_flag FROM addressee", "RESTRICTED WITHHELD"),
        ("SELECT dv_flag FROM addressee_open", "RESTRICTED WITHHELD"),
        ("SELECT 1 FROM addressee WHERE neglect_flag", "RESTRICTED WITHHELD"),
        ("SELECT address FROM addressee", "WITHHELD"),
        ("SELECT code FROM addressee ORDER BY address", "WITHHELD"),
        ("SELECT 1 FROM addressee WHERE address = ''", "WITHHELD"),
        ("SELECT * FROM addressee", "WITHHELD"),
        ("SELECT count(*) FROM household_membership", "WITHHELD"),
        ("SELECT addressee_code FROM household_membership", "WITHHELD"),
        ("SELECT password_hash FROM staff", ""),
        ("SELECT count(*) FROM access_log", "RESTRICTED WITHHELD"),
        ("SELECT persons FROM access_log", "RESTRICTED WITHHELD"),
        ("SELECT count(*) FROM protective_measure", "RESTRICTED WITHHELD"),
        ("SELECT count(*) FROM harvest_budget", ""),
        ("INSERT INTO handling VALUES ('1', true, true)", ""),
        ("UPDATE handling SET address_withheld = false", ""),
        ("DELETE FROM handling", ""),
        ("DROP VIEW addressee_open", ""),
        ("CREATE TEMPORARY VIEW addressee_open AS SELECT address FROM addressee", ""),
    ],
)
async def test_a_reader_has_these_rights_and_no_more(
    database: Database, statement: str, who: str
) -> None:
    allowed = [access.name for access in Access if await may(database, statement, access)]
    assert allowed == who.split()


async def test_no_withheld_and_no_highest_column_is_open_to_ordinary_readers(
    database: Database,
) -> None:
    asked = 0
    for type_ in GRAPH.types.values():
        for column in type_.table.columns:
            high = not HIGHEST.isdisjoint(label_of(column).classes)
            if high or column.name in withheld(type_) or rows_are_withheld(type_):
                statement = f"SELECT {column.name} FROM {type_.table.name}"
                assert not await may(database, statement, Access.ORDINARY), statement
                asked += 1
    assert asked > 80


async def test_the_views_withhold_every_such_column(database: Database) -> None:
    covered = f"(SELECT addressee_code FROM handling WHERE address_withheld AND '{TANAKA}' > '')"
    for name, columns in WALL.readable[Access.ORDINARY].items():
        if name.endswith("_uncovered"):
            type_ = GRAPH.of_table(name.removesuffix("_uncovered"))
            for person in set(type_.noun.persons) & columns:
                statement = f"SELECT 1 FROM {name} WHERE {person} IN {covered}"
                async with database.read() as reader:
                    assert not await reader.rows(statement, ()), name
        if name.endswith("_open"):
            type_ = GRAPH.of_table(name.removesuffix("_open"))
            for column in columns & withheld(type_):
                owner = type_.noun.owner
                statement = (
                    f"SELECT 1 FROM {name} WHERE {owner} IN {covered} AND {column} IS NOT NULL"
                )
                own = label_of(type_.table.c[column]).about
                async with database.read() as reader:
                    assert own or not await reader.rows(statement, ()), (name, column)


# -- who may make the roles ------------------------------------------------------------------------


async def migrated(new_database: NewDatabase) -> str:
    """A database with all that it needs, and on its server the roles."""
    database = Database(new_database())
    await migrate(database)
    await database.close()
    return database.url.render_as_string(hide_password=False)


@pytest.mark.postgresql
async def test_an_account_without_the_roles_is_told_who_makes_them(
    new_database: NewDatabase, postgres_cluster: PostgresCluster
) -> None:
    url = await migrated(new_database)
    if not url.startswith("postgresql"):
        return
    url = new_database()
    plain = sa.make_url(url).set(username="plain", password="plain")
    name = plain.database
    owner = await asyncpg.connect(url)
    await owner.execute(
        "DO $$ BEGIN CREATE ROLE plain LOGIN PASSWORD 'plain';"
        " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    await owner.execute(f"ALTER DATABASE {name} OWNER TO plain")
    await owner.execute("REVOKE atena_reads, atena_restricted, atena_withheld FROM plain")
    database = Database(plain.render_as_string(hide_password=False))
    with pytest.raises(DatabaseError, match="an administrator must first make the role"):
        await migrate(database)
    await owner.execute("GRANT atena_reads, atena_restricted, atena_withheld TO plain")
    await migrate(database)
    await database.close()
    walled = await Database.open(plain.render_as_string(hide_password=False), WALL)
    assert await may(walled, "SELECT code FROM addressee", Access.ORDINARY)
    assert not await may(walled, "SELECT address FROM addressee", Access.ORDINARY)
    await walled.close()
    await owner.close()


@pytest.mark.postgresql
async def test_a_connection_that_lost_its_role_is_not_used(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler may ignore what connections say at their beginning."""
    url = await migrated(new_database)
    if not url.startswith("postgresql"):
        return
    connect = asyncpg.connect

    async def through_a_pooler(dsn: str, *, server_settings: dict[str, str], **others: Any) -> Any:
        return await connect(dsn, **others)

    monkeypatch.setattr(asyncpg, "connect", through_a_pooler)
    with pytest.raises(DatabaseError, match="atena_reads"):
        await Database.open(url, WALL)
