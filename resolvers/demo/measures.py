"""The demo town's coordinators at work: why care is due, entered after the town was imported."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.demo import measures as demo
from models.graph.graph import GRAPH
from models.store.database import Database
from resolvers.protection.causes import addressee, enter_measure, measure
from resolvers.protection.obligation import raise_obligations
from resolvers.protection.ties import exclusion, household

lift = GRAPH.types["Lift"].table


async def enter_demo_measures(database: Database) -> None:
    """Enter them once; a town that has any is left as it is."""
    async with database.write() as connection:
        entered = sa.select(measure.c.id).where(measure.c.recorded_by.is_not(None))
        if await connection.scalar(entered.limit(1)) is not None:
            return
        await _tell_causes(connection)
        touched = await _enter_measures(connection)
        await connection.execute(sa.insert(exclusion).values(await _excluded(connection)))
        for values in demo.lifts(dt.datetime.now(dt.UTC)):
            await connection.execute(sa.insert(lift).values(values))
        await raise_obligations(connection, touched)


async def _tell_causes(connection: AsyncConnection) -> None:
    """What is behind the care that the files ask for without saying why."""
    rows = await connection.execute(sa.select(measure))
    for row in rows.mappings().all():
        code = row["addressee_code"]
        values = demo.told(code, row["address_withheld"], row["stop_output"])
        if code == demo.END_PROPOSED_FOR:
            values |= demo.PROPOSED_END
        if values:
            own = measure.c.id == row["id"]
            await connection.execute(sa.update(measure).where(own).values(values))


async def _enter_measures(connection: AsyncConnection) -> set[str]:
    """The measures of named people, and one behind each flag that is left."""
    covered: set[str] = set()
    for values, others in demo.named():
        await enter_measure(connection, values, others)
        covered |= {values["addressee_code"], *others}
    flagged = sa.select(addressee.c.code, addressee.c.dv_flag).where(
        sa.or_(addressee.c.dv_flag, addressee.c.neglect_flag)
    )
    for code, dv_flag in (await connection.execute(flagged.order_by(addressee.c.code))).all():
        if code not in covered:
            await enter_measure(connection, demo.behind_flag(code, dv_flag))
            covered.add(code)
    return covered


async def _excluded(connection: AsyncConnection) -> demo.Values:
    home = sa.select(household.c.household_code).where(
        household.c.addressee_code == demo.EXCLUSION["addressee_code"],
        household.c.left_on.is_(None),
    )
    return demo.EXCLUSION | {"household_code": await connection.scalar(home)}
