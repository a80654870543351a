"""Bring the main database up to date: migrations, triggers, second wall, first content."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from models.store import column_rights as second_wall
from models.store import structure
from models.store.database import Database, DatabaseError
from models.store.first_content import fill

LOCK = 4_815_170_103
LOCK_MILLISECONDS = 2_000
PAUSES = (0.5, 1, 2, 4, 8, 8, 8, 8)
"""Seconds between tries; others work meanwhile."""
BUSY = frozenset({"55P03", "40P01"})
""""A lock is not there in time", and "a deadlock"."""
HERE = Path(__file__).parent.parent / "migrations"


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration over a connection that is handed in."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database) -> bool:
    """Upgrade to the newest revision, and make what of it is missing or altered; True where the
    first content was written just now. What is as it should be is not touched.

    Raises `DatabaseError` where somebody keeps what has to be changed.
    """
    for pause in PAUSES:
        try:
            return await _migrate(database)
        except sa.exc.DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in BUSY:
                raise
        await asyncio.sleep(pause)
    raise DatabaseError(
        "somebody uses the tables that have to be changed, for minutes: end their transaction, or"
        " stop the workers, and try again"
    )


async def _migrate(database: Database) -> bool:
    async with database.write() as connection:
        if database.dialect == "postgresql":
            # Whoever waits for a lock makes everybody behind it wait, too.
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
            # Several hosts may start at once: one migrates, the others find it done.
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        if await connection.run_sync(_revision) != newest():
            await second_wall.lower(connection)
            await connection.run_sync(lambda sync: command.upgrade(configuration(sync), "head"))
            await second_wall.build(connection)
        await connection.run_sync(structure.mend)
        return await fill(connection)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


async def faults(database: Database) -> list[str]:
    """What a migrated database lacks beside its rows (`models/store/structure.py`)."""
    async with database.engine.connect() as connection, connection.begin() as looking:
        try:
            return await connection.run_sync(structure.faults)
        finally:
            await looking.rollback()


async def tells_values(database: Database) -> bool:
    """Whether the database server writes values of rows into its own log, beside an error."""
    if database.dialect != "postgresql":
        return False
    async with database.look() as connection:
        return bool(await connection.scalar(sa.text("SHOW log_error_verbosity")) != "terse")


def newest() -> str | None:
    """The revision that the code expects."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


async def has_table(database: Database, name: str) -> bool:
    """Whether the database has a table of this name."""
    async with database.look() as connection:
        return await connection.run_sync(lambda sync: sa.inspect(sync).has_table(name))


async def is_current(database: Database) -> bool:
    """Whether the database is at the newest revision."""
    async with database.look() as connection:
        return await connection.run_sync(_revision) == newest()
