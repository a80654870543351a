"""Loads the published policy from the database and keeps the worker's current one.

A new version is built aside and swapped in by one assignment: an answer that began under one version
ends under it. `load_policy` in place would let wrong answers through while it runs.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import Unavailable
from authz.policy import Line, Policy, Purpose, Reference
from models import facts
from models.database import Database
from models.policy import PolicyLine, PolicyVersion
from models.population import PopulationItem
from models.staff import Purpose as PurposeRow
from models.staff import RolePurpose

ROLE_POPULATIONS: Mapping[str, str] = {"section-clerk": "own-section"}


class PolicyStore:
    """The current policy of this worker. Raises `Unavailable` where there is none to decide by."""

    def __init__(self, database: Database, coordinates: Mapping[str, tuple[str, ...]]) -> None:
        self._database = database
        self._coordinates = coordinates
        self._current: Policy | None = None
        self._reloading = asyncio.Lock()

    async def load(self) -> Policy:
        """Read the newest version and make it the current one."""
        try:
            async with self._database.write() as connection:
                self._current = await self._read(connection)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise Unavailable("the policy cannot be read") from error
        return self._current

    async def current(self) -> Policy:
        """The policy that this worker has, read now if it has none yet."""
        return self._current or await self.load()

    async def at_least(self, version: int) -> Policy:
        """The policy that binds a request which was told `version`."""
        current = self._current
        if current is not None and current.version >= version:
            return current
        async with self._reloading:
            if self._current is None or self._current.version < version:
                await self.load()
        if self._current is None or self._current.version < version:
            raise Unavailable("the policy in force is not there")
        return self._current

    async def _read(self, connection: AsyncConnection) -> Policy:
        version = await connection.scalar(sa.select(sa.func.max(_column(PolicyVersion, "number"))))
        if version is None:
            raise Unavailable("no policy has been published")
        table = _table(PolicyLine)
        lines = await connection.execute(
            sa.select(table.c.role, table.c.purpose, table.c.what, table.c.action, table.c.effect)
            .where(table.c.version == version)
            .order_by(table.c.id)
        )
        return Policy.build(
            version,
            (Line(*(str(word) for word in line)) for line in lines),
            await self._reference(connection),
            self._coordinates,
        )

    async def _reference(self, connection: AsyncConnection) -> Reference:
        purposes = await connection.execute(sa.select(_table(PurposeRow)))
        opened: dict[str, set[str]] = defaultdict(set)
        for role, purpose in await connection.execute(
            sa.select(_column(RolePurpose, "role"), _column(RolePurpose, "purpose"))
        ):
            opened[role].add(purpose)
        items: dict[str, list[str]] = defaultdict(list)
        for population, item in await connection.execute(sa.select(_table(PopulationItem))):
            items[population].append(item)
        return Reference(
            purposes={
                row.code: Purpose(row.code, row.individual_number_business, row.population)
                for row in purposes
            },
            role_purposes={
                role["code"]: frozenset(opened[role["code"]]) for role in facts.rows("roles")
            },
            role_populations=ROLE_POPULATIONS,
            items={population: tuple(sorted(codes)) for population, codes in items.items()},
        )


def _table(model: type) -> sa.Table:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table


def _column(model: type, name: str) -> sa.Column[object]:
    return _table(model).c[name]
