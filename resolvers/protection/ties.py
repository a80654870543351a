"""紐付け who is tied to whom: records of one person, and members of one household."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.tables.protective_measure import ExclusionStatus
from resolvers.protection.causes import chunks
from resolvers.read.sql import goes_on, today

related = GRAPH.types["RelatedAddressee"].table
household = GRAPH.types["HouseholdMembership"].table
exclusion = GRAPH.types["HouseholdExclusion"].table


@dataclass(slots=True)
class Ties:
    """Who is tied to whom: records of one person, and members of one household by its code."""

    codes: set[str]
    same: dict[str, set[str]] = field(default_factory=dict)
    homes: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    excluded: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    async def around(cls, connection: AsyncConnection, codes: Collection[str]) -> Ties:
        """Everybody tied to these, over any number of ties."""
        ties, frontier = cls(set(codes)), set(codes)
        while frontier:
            frontier = await ties.add(connection, frontier) - ties.codes
            ties.codes |= frontier
        decided = sa.select(
            exclusion.c.addressee_code, exclusion.c.member_code, exclusion.c.household_code
        ).where(excludes())
        async for person, member, home in rows_of(
            connection, decided, exclusion.c.addressee_code, ties.codes
        ):
            ties.excluded.setdefault(person, set()).add((member, home))
        return ties

    async def add(self, connection: AsyncConnection, codes: Collection[str]) -> set[str]:
        """Add the ties of these, and give whom they lead to."""
        found: set[str] = set()
        linked = sa.select(related.c.addressee_code, related.c.previous_addressee_code)
        for key in (related.c.addressee_code, related.c.previous_addressee_code):
            async for later, earlier in rows_of(connection, linked, key, codes):
                self.same.setdefault(later, set()).add(earlier)
                self.same.setdefault(earlier, set()).add(later)
                found |= {later, earlier}
        own, other = household.alias("own"), household.alias("other")
        together = (
            sa.select(own.c.addressee_code, other.c.addressee_code, own.c.household_code)
            .join(other, own.c.household_code == other.c.household_code)
            .where(lives_there(own), lives_there(other))
        )
        async for code, member, home in rows_of(connection, together, own.c.addressee_code, codes):
            self.homes.setdefault(code, {}).setdefault(member, set()).add(home)
            found.add(member)
        return found

    def person(self, code: str) -> set[str]:
        """All records of one person."""
        return closure(code, lambda each: self.same.get(each, ()))

    def everybody_near(self, code: str) -> set[str]:
        """Who shares the person or the present household with one, excluded or not."""
        return closure(code, lambda each: (*self.same.get(each, ()), *self.homes.get(each, ())))

    def reached(self, codes: Iterable[str]) -> set[str]:
        """Everybody to whom the obligation of these extends, themselves included."""
        return {code for source in codes for code in self._reached(source)}

    def _reached(self, source: str) -> set[str]:
        excluded = {
            pair for record in self.person(source) for pair in self.excluded.get(record, ())
        }

        def near(code: str) -> Iterator[str]:
            yield from self.same.get(code, ())
            for member, homes in self.homes.get(code, {}).items():
                if any((member, home) not in excluded for home in homes):
                    yield member

        return closure(source, near)


def closure(start: str, near: Callable[[str], Iterable[str]]) -> set[str]:
    """Everybody to whom one leads, over any number of steps."""
    found, frontier = {start}, [start]
    while frontier:
        for code in near(frontier.pop()):
            if code not in found:
                found.add(code)
                frontier.append(code)
    return found


def lives_there(membership: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a member has not left the household yet: a move is notified before its day."""
    return goes_on(membership.c.left_on, today())


def excludes() -> sa.ColumnElement[bool]:
    """Whether an exclusion holds: decided by two persons, and not ended."""
    return sa.and_(
        exclusion.c.status == ExclusionStatus.IN_FORCE.value,
        exclusion.c.proposed_by != exclusion.c.confirmed_by,
        exclusion.c.ended_by.is_(None),
    )


async def rows_of(
    connection: AsyncConnection,
    select: sa.Select[Any],
    key: sa.ColumnElement[str],
    among: Collection[str],
) -> AsyncIterator[Any]:
    """The rows of a statement of which a column is among these codes."""
    for chunk in chunks(among):
        for row in await connection.execute(select.where(key.in_(chunk))):
            yield row
