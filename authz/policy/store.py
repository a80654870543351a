"""Loads the published policy from the database and keeps the worker's current one.

A new version is built aside and swapped in by one assignment: an answer that began under one
version ends under it. `load_policy` in place would let wrong answers through while it runs.

The version in force is the one with the highest number among those whose instant has come. Whoever
publishes its number first (`keep_published`) decides that for every worker, so that clocks which
differ a little do not matter.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import Unavailable
from authz.policy.implicit_flow import check
from authz.policy.policy import Line, Policy, PolicyError, Purpose, Reference
from authz.policy.seal import LINE, LINES, VERSION, Chain, ChainBroken
from authz.policy.validate import ignored
from models import facts
from models.graph.graph import GRAPH
from models.store.database import Database
from models.store.failures import words_of
from models.tables.lookup_budget import HARVEST_BUDGET, first_budgets
from models.tables.policy import first_lines
from models.tables.population import PopulationItem
from models.tables.staff import ROLE, RolePurpose
from models.tables.staff import Purpose as PurposeRow

PUBLISH_SECONDS = 1.0
_log = logging.getLogger("atena.policy")
_alert = logging.getLogger("atena.alert")

ROLE_POPULATIONS: Mapping[str, str] = {"section-clerk": "own-section"}


class PolicyStore:
    """The current policy of this worker. Raises `Unavailable` where there is none to decide by."""

    def __init__(
        self, database: Database, coordinates: Mapping[str, tuple[str, ...]], chain: Chain
    ) -> None:
        self._database = database
        self._coordinates = coordinates
        self.chain = chain
        self._current: Policy | None = None
        self._reloading = asyncio.Lock()

    async def begin(self) -> None:
        """Seal the first version of a new store."""
        async with self._database.write() as connection:
            await self.chain.begin(connection)

    async def load(self, told: int = 0) -> Policy:
        """Read the version in force and make it the current one.

        `told`: a number that was published, so that its instant has come.
        """
        try:
            async with self._database.look() as connection:
                number = max(await in_force(connection), told)
                current = await self.read(connection, number)
            await asyncio.to_thread(_examined, current)
        except (sa.exc.SQLAlchemyError, OSError, PolicyError, ChainBroken) as error:
            _log.error("the policy cannot be used: %s", words_of(error))
            raise Unavailable("the policy cannot be read") from error
        if self._current is None or self._current.version <= current.version:
            self._current = current
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
                await self.load(version)
        if self._current is None or self._current.version < version:
            raise Unavailable("the policy in force is not there")
        return self._current

    async def keep_published(self, publish: Callable[[int], Awaitable[None]]) -> None:
        """Tell Redis the version in force, again and again: a Redis that lost it would keep every
        worker at 503, and a version that waits takes effect at its instant. `publish` never lowers
        the number."""
        while True:
            pause = PUBLISH_SECONDS
            try:
                async with self._database.look() as connection:
                    version = await in_force(connection)
                    pause = min(pause, await _until_next(connection))
                await publish(version)
            except Exception as error:
                # Whatever it was: nobody begins this anew, and the next time may succeed.
                _log.warning("the policy version was not published: %s", type(error).__name__)
            await asyncio.sleep(pause)

    async def read(self, connection: AsyncConnection, number: int) -> Policy:
        """One version, verified and built. Raises `PolicyError` or `ChainBroken`."""
        await self.chain.verify(connection, number)
        lines, reference = await lines_of(connection, number), await self.reference(connection)
        # Beside the loop: it takes as long as some requests, which must not wait for it.
        return await asyncio.to_thread(Policy.build, number, lines, reference, self._coordinates)

    async def roles(self, connection: AsyncConnection) -> list[Any]:
        """The roles with their names."""
        return list(await connection.execute(sa.select(ROLE).order_by(ROLE.c.code)))

    async def reference(self, connection: AsyncConnection) -> Reference:
        """What the lines speak about, as the database has it."""
        purposes = await connection.execute(sa.select(_table(PurposeRow)))
        budgets = (await connection.execute(sa.select(HARVEST_BUDGET))).all()
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
                    row.population_why,
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
            budgets={(row.role, row.purpose, row.sensitivity): row.persons for row in budgets},
            budget_reasons={(row.role, row.purpose, row.sensitivity): row.why for row in budgets},
            protection_roles=frozenset(
                row.code for row in await self.roles(connection) if row.protection_work
            ),
        )


def _examined(policy: Policy) -> None:
    """Raises `PolicyError` for what cannot be used; says which lines an invariant closes."""
    check(policy)
    for finding in ignored(policy):
        _alert.error(
            "version %d of the policy: line %d opens nothing: %s",
            policy.version,
            finding.line,
            finding.reason,
        )


async def in_force(connection: AsyncConnection, at: dt.datetime | None = None) -> int:
    """The number of the version in force. Raises `Unavailable` where there is none."""
    begun = sa.or_(
        VERSION.c.effective_from.is_(None),
        VERSION.c.effective_from <= (at or dt.datetime.now(dt.UTC)),
    )
    number = await connection.scalar(sa.select(sa.func.max(VERSION.c.number)).where(begun))
    if number is None:
        raise Unavailable("no policy has been published")
    return int(number)


async def _until_next(connection: AsyncConnection) -> float:
    """Seconds until the next waiting version takes effect; many where none waits."""
    now = dt.datetime.now(dt.UTC)
    next_one = await connection.scalar(
        sa.select(sa.func.min(VERSION.c.effective_from)).where(VERSION.c.effective_from > now)
    )
    if next_one is None:
        return PUBLISH_SECONDS
    return max(0.0, (aware(next_one) - dt.datetime.now(dt.UTC)).total_seconds())


def aware(at: dt.datetime) -> dt.datetime:
    """An instant as the database gave it (SQLite forgets the zone), in UTC."""
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


async def lines_of(connection: AsyncConnection, number: int) -> list[Line]:
    """The lines of a version, in their order."""
    lines = await connection.execute(
        sa.select(*(LINES.c[name] for name in LINE))
        .where(LINES.c.version == number)
        .order_by(LINES.c.id)
    )
    return [Line(*(str(word) for word in line)) for line in lines]


def check_first_policy() -> Policy:
    """Build and check the policy that a new database starts with. Raises `PolicyError`."""
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
        protection_roles=frozenset(facts.protection_work()),
    )
    lines = (
        Line(line["role"], line["purpose"], line["what"], line["action"], line["effect"])
        for line in first_lines()
    )
    return check(Policy.build(1, lines, reference, GRAPH.classes))


def _table(model: type) -> sa.Table:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table
