"""同姓同名: a newcomer who could be somebody covered is covered, until two coordinators decide.

The cause is a measure of its own kind (`NAMESAKE`). It ends like any other, by two persons: that is
the decision that the two records are two people. A record that is there already is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.tables.namesake import COLUMNS, Identity, identity_of
from models.tables.protective_measure import MeasureKind, MeasureStatus
from models.trade.city_file import Values
from resolvers.protection.causes import OBLIGATIONS, addressee, chunks, enter_measure

handling = GRAPH.types["Handling"].table
related = GRAPH.types["RelatedAddressee"].table

KNOWN = [addressee.c.code, *(addressee.c[name] for name in COLUMNS)]
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Covered:
    """Somebody whom an obligation covers, or for whom a file asks."""

    code: str
    identity: Identity
    asks: tuple[bool, bool]


@dataclass(slots=True)
class CoveredPeople:
    """Those whom a newcomer could be, by birthday."""

    born: dict[str, list[Covered]] = field(default_factory=dict)

    def add(self, person: Covered) -> None:
        """Add one."""
        self.born.setdefault(person.identity.born, []).append(person)

    def could_be(self, code: str, identity: Identity) -> list[Covered]:
        """Whom a record could be, but itself."""
        near = self.born.get(identity.born, ())
        return [each for each in near if each.code != code and identity.could_be(each.identity)]


async def enter_namesakes(
    connection: AsyncConnection, fresh: Mapping[str, Values], asked: CoveredPeople
) -> set[str]:
    """Write a cause down for each newcomer who could be somebody covered. Their codes.

    `asked`: for whom the file asks, on rows that may still be to come.
    """
    news = {code: one for code, values in fresh.items() if (one := identity_of(values))}
    stored = await _covered(connection, {one.born for one in news.values()})
    found = {
        code: [*stored.could_be(code, one), *asked.could_be(code, one)]
        for code, one in news.items()
    }
    linked = await _linked(connection, [code for code, others in found.items() if others])
    entered = set[str]()
    for code, others in found.items():
        apart = [each for each in others if (code, each.code) not in linked]
        if apart:
            entered.add(code)
            await enter_measure(connection, _measure(code, apart))
    return entered


async def have_namesakes(connection: AsyncConnection, fresh: Mapping[str, Values]) -> set[str]:
    """Of these newcomers, those of whom another record has the name and birthday: covered or not,
    so that it tells nothing of protection."""
    news = {code: one for code, values in fresh.items() if (one := identity_of(values))}
    born: dict[str, list[tuple[str, Identity]]] = {}
    for name in ("full_name", "full_name_search_kana"):
        known = {values[name] for values in fresh.values() if values.get(name)}
        for chunk in chunks(known):
            rows = await connection.execute(sa.select(*KNOWN).where(addressee.c[name].in_(chunk)))
            for row in rows.mappings():
                one = identity_of(dict(row))
                if one is not None:
                    born.setdefault(one.born, []).append((row["code"], one))
    return {
        code
        for code, one in news.items()
        if any(other != code and one.could_be(each) for other, each in born.get(one.born, ()))
    }


async def has_namesake(connection: AsyncConnection, code: str) -> bool:
    """Whether another record has this one's name and birthday."""
    stored = await connection.execute(sa.select(*KNOWN).where(addressee.c.code == code))
    own = {row["code"]: dict(row) for row in stored.mappings()}
    return bool(await have_namesakes(connection, own))


async def _covered(connection: AsyncConnection, born: Collection[str]) -> CoveredPeople:
    found = CoveredPeople()
    if not born:
        return found
    held = sa.or_(*(handling.c[name].is_(sa.true()) for name in OBLIGATIONS))
    rows = await connection.execute(
        sa.select(*KNOWN, *(handling.c[name] for name in OBLIGATIONS))
        .join(handling, handling.c.addressee_code == addressee.c.code)
        .where(held)
    )
    for row in rows.mappings():
        one = identity_of(dict(row))
        if one is not None and one.born in born:
            asks = tuple(bool(row[name]) for name in OBLIGATIONS)
            found.add(Covered(row["code"], one, (asks[0], asks[1])))
    return found


async def _linked(connection: AsyncConnection, codes: Collection[str]) -> set[tuple[str, str]]:
    """Pairs of records that are known to be of one person, both ways."""
    pairs = set[tuple[str, str]]()
    both = (related.c.addressee_code, related.c.previous_addressee_code)
    for chunk in chunks(codes):
        for key in both:
            for one, other in await connection.execute(sa.select(*both).where(key.in_(chunk))):
                pairs |= {(one, other), (other, one)}
    return pairs


def _measure(code: str, others: Collection[Covered]) -> Values:
    named = sorted({each.code for each in others})
    asks = [any(each.asks[at] for each in others) for at in range(len(OBLIGATIONS))]
    return {
        "addressee_code": code,
        "kind": MeasureKind.NAMESAKE.value,
        "status": MeasureStatus.IN_FORCE.value,
        "note": f"同一人の可能性 (同姓同名・同一生年月日): {' '.join(named[:5])}",
        **dict(zip(OBLIGATIONS, asks, strict=True)),
    }
