"""Bring the main database up to date: migrations, triggers, second wall, first content."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from models import second_wall
from models.database import Database
from models.first_content import fill

LOCK = 4_815_170_103
HERE = Path(__file__).parent / "migrations"


def configuration(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration over a connection that is handed in."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database) -> bool:
    """Upgrade to the newest revision; True where the first content was written just now."""
    async with database.write() as connection:
        if database.dialect == "postgresql":
            # Several hosts may start at once: one migrates, the others wait and find it done.
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        await second_wall.lower(connection)
        await connection.run_sync(lambda sync: command.upgrade(configuration(sync), "head"))
        await second_wall.build(connection)
        return await fill(connection)


def newest() -> str | None:
    """The revision that the code expects."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


async def has_table(database: Database, name: str) -> bool:
    """Whether the database has a table of this name."""
    async with database.look() as connection:
        return await connection.run_sync(lambda sync: sa.inspect(sync).has_table(name))


async def is_current(database: Database) -> bool:
    """Whether the database is at the newest revision."""
    if not await has_table(database, "alembic_version"):
        return False
    async with database.look() as connection:
        found = await connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return bool(found == newest())
