"""Loads the published policy from the database and keeps the worker's current one.

A new version is built aside and swapped in by one assignment: an answer that began under one
version ends under it. `load_policy` in place would let wrong answers through while it runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import Unavailable
from authz.policy import Line, Policy, PolicyError, Purpose, Reference
from models import facts
from models.database import Database
from models.graph import GRAPH
from models.harvest import HARVEST_BUDGET, first_budgets
from models.policy import PolicyLine, PolicyVersion, first_lines
from models.population import PopulationItem
from models.staff import Purpose as PurposeRow
from models.staff import RolePurpose

PUBLISH_SECONDS = 1.0
_log = logging.getLogger("atena.policy")

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
            async with self._database.look() as connection:
                self._current = await self._read(connection)
        except (sa.exc.SQLAlchemyError, OSError, PolicyError) as error:
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

    async def keep_published(self, publish: Callable[[int], Awaitable[None]]) -> None:
        """Tell Redis the newest version, again and again: a Redis that lost it would keep every
        worker at 503. `publish` never lowers the number."""
        while True:
            try:
                async with self._database.look() as connection:
                    version = await self._newest(connection)
                await publish(version)
            except (sa.exc.SQLAlchemyError, OSError, Unavailable) as error:
                _log.warning("the policy version was not published: %s", type(error).__name__)
            await asyncio.sleep(PUBLISH_SECONDS)

    async def _newest(self, connection: AsyncConnection) -> int:
        version = await connection.scalar(sa.select(sa.func.max(_table(PolicyVersion).c.number)))
        if version is None:
            raise Unavailable("no policy has been published")
        return int(version)

    async def _read(self, connection: AsyncConnection) -> Policy:
        version = await self._newest(connection)
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
        for row in await connection.execute(sa.select(_table(RolePurpose))):
            opened[row.role].add(row.purpose)
        items: dict[str, list[str]] = defaultdict(list)
        for population, item in await connection.execute(sa.select(_table(PopulationItem))):
            items[population].append(item)
        return Reference(
            purposes={
                row.code: Purpose(
                    row.code,
                    row.individual_number_business,
                    row.population,
                    row.name_ja,
                    row.name,
                    row.legal_basis,
                )
                for row in purposes
            },
            role_purposes={
                role["code"]: frozenset(opened[role["code"]]) for role in facts.rows("roles")
            },
            role_populations=ROLE_POPULATIONS,
            items={population: tuple(sorted(codes)) for population, codes in items.items()},
            budgets={
                (row.role, row.purpose, row.sensitivity): row.persons
                for row in await connection.execute(sa.select(HARVEST_BUDGET))
            },
        )


def check_first_policy() -> Policy:
    """Build the policy that a new database starts with. Raises `PolicyError`."""
    reference = Reference(
        purposes={
            row["code"]: Purpose(row["code"], row["individual_number_business"] == "yes")
            for row in facts.rows("purposes")
        },
        role_purposes={
            row["role"]: frozenset(row["purpose"].split()) for row in facts.rows("role-purposes")
        },
        role_populations=ROLE_POPULATIONS,
        budgets={
            (row["role"], row["purpose"], row["sensitivity"]): row["persons"]
            for row in first_budgets()
        },
    )
    lines = (
        Line(line["role"], line["purpose"], line["what"], line["action"], line["effect"])
        for line in first_lines()
    )
    return Policy.build(1, lines, reference, GRAPH.classes)


def _table(model: type) -> sa.Table:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table
