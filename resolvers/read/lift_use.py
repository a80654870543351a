"""Using a lift (一時解除): counted and recorded in one transaction, before anything is shown.

A request reads first as it may without one. Where that one person is covered and the actor holds
lifts that would show more, each of these is used once, and the request reads again with the lifts
that it used. Whether one still holds is decided anew, in the statement that reads what it gates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.store.database import Database, IsIn, Now
from models.tables.lift import LiftUse, OutputPath

lift = GRAPH.types["Lift"].table
lift_use: sa.Table = LiftUse.__table__  # type: ignore[attr-defined]

LIFTS = "lifts"
"""The parameter with the lifts that a request has used: its actor's, for the person asked for."""


@dataclass(frozen=True, slots=True)
class User:
    """Who uses a lift, and on which occasion: recorded with each use."""

    staff_id: str
    session: str
    purpose: str
    case_reference: str | None


async def take(
    database: Database,
    user: User,
    person: str,
    wanted: Collection[frozenset[str]],
) -> list[int]:
    """Use what the user holds to see more of a person; the lifts that were used, often none.

    `wanted`: sensitivity classes, each set of which one lift has to name.
    """
    async with database.look() as connection:
        found = await connection.execute(held(user.staff_id, person, OutputPath.SCREEN))
        keys = chosen([(key, classes) for key, classes in found], wanted)
    if not keys:
        return []
    async with database.write() as connection:
        return await use(connection, user, keys)


def lives(row: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a lift opens anything now, by the database's clock; its count is seen to by `use`."""
    return sa.and_(
        row.c.approved_by.is_not(None),
        row.c.approved_by != row.c.proposed_by,
        row.c.approved_by != row.c.staff_id,
        row.c.revoked_at.is_(None),
        row.c.ends_at > Now(),
    )


def is_lifted(person: sa.ColumnElement[str], classes: Iterable[str]) -> sa.ColumnElement[bool]:
    """Whether a used lift still opens these classes together for the person."""
    row = lift.alias()
    conditions = (
        IsIn(row.c.id, LIFTS),
        row.c.addressee_code == person,
        lives(row),
        *(_names(row, class_) for class_ in sorted(classes)),
    )
    one: sa.ColumnElement[int] = sa.literal_column("1")
    return sa.exists(sa.select(one).select_from(row).where(*conditions))


def _names(row: sa.FromClause, class_: str) -> sa.ColumnElement[bool]:
    space: sa.ColumnElement[str] = sa.literal_column("' '", sa.String())
    listed = space + row.c.classes + space
    return listed.like(sa.literal_column(f"'% {class_} %'"))


def held(staff_id: str, person: str, path: str) -> sa.Select[Any]:
    """The lifts that a staff member holds for a person on a way out, the oldest first."""
    return (
        sa.select(lift.c.id, lift.c.classes)
        .where(
            lift.c.staff_id == staff_id,
            lift.c.addressee_code == person,
            lift.c.path == path,
            lift.c.used < lift.c.uses,
            lives(lift),
        )
        .order_by(lift.c.id)
    )


def chosen(lifts: Iterable[tuple[int, str]], wanted: Iterable[frozenset[str]]) -> list[int]:
    """The lifts to use: for each set of classes that is wanted together, the first that names all
    of it, unless one is used already."""
    found: dict[int, frozenset[str]] = {}
    held_lifts = [(key, frozenset(classes.split())) for key, classes in lifts]
    for classes in sorted(wanted, key=lambda each: (-len(each), sorted(each))):
        if not any(classes <= named for named in found.values()):
            fitting = next(((key, named) for key, named in held_lifts if classes <= named), None)
            if fitting is not None:
                found[fitting[0]] = fitting[1]
    return sorted(found)


async def use(connection: AsyncConnection, user: User, keys: Sequence[int]) -> list[int]:
    """Use each lift once, where it still can be: counted and recorded. Those that were used."""
    used = []
    for key in keys:
        still = (lift.c.id == key, lift.c.used < lift.c.uses, lives(lift))
        counted = sa.update(lift).where(*still).values(used=lift.c.used + 1)
        if (await connection.execute(counted)).rowcount == 1:
            used.append(key)
            record = {
                "lift_id": key,
                "used_at": dt.datetime.now(dt.UTC),
                "session": user.session,
                "purpose": user.purpose,
                "case_reference": user.case_reference,
            }
            await connection.execute(sa.insert(lift_use).values(record))
    return used
