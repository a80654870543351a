"""Hiring the demo cast: staff members with roles and passwords, once per store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from authz.sessions.passwords import Passwords
from models.store.database import Database
from models.tables.staff import STAFF, STAFF_ROLE, StaffState


class Member(Protocol):
    """A staff member to hire."""

    @property
    def staff_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def section(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...


async def is_staffed(database: Database) -> bool:
    """Whether anybody works here yet."""
    async with database.look() as connection:
        return bool(await connection.scalar(sa.select(sa.func.count()).select_from(STAFF)))


async def hire(
    database: Database,
    cast: Sequence[Member],
    passwords: Mapping[str, str],
    hashing: Passwords,
) -> bool:
    """Write the members; False where there are staff already, who stay as they are."""
    hashes = {member.staff_id: await hashing.hash(passwords[member.staff_id]) for member in cast}
    async with database.write() as connection:
        if await connection.scalar(sa.select(sa.func.count()).select_from(STAFF)):
            return False
        await connection.execute(
            sa.insert(STAFF),
            [
                {
                    "id": member.staff_id,
                    "name": member.name,
                    "section": member.section,
                    "password_hash": hashes[member.staff_id],
                    "state": StaffState.ACTIVE,
                }
                for member in cast
            ],
        )
        await connection.execute(
            sa.insert(STAFF_ROLE),
            [
                {"staff_id": member.staff_id, "role": role}
                for member in cast
                for role in member.roles
            ],
        )
    return True
