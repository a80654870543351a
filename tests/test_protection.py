"""The one predicate, and whom an obligation extends to: safe whatever is stored, on any day.

A naive model beside it says what must be: an obligation for everybody for whom a flag or a measure
asks, for their other records, and for their present household but whom two persons excluded.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from models.graph.graph import GRAPH
from models.store.database import Database
from models.store.migrate import migrate
from models.tables.protective_measure import ExclusionStatus, MeasureKind, MeasureStatus
from resolvers.protection.causes import (
    OBLIGATIONS,
    Causes,
    asked_for,
    enter_measure,
    enter_unspecified,
)
from resolvers.protection.obligation import ending, raise_obligations
from tests.conftest import NewDatabase

PEOPLE = [f"{at:015d}" for at in range(1, 7)]
HOMES = ["H1", "H2"]
DAYS = [None, dt.date(1999, 1, 1), dt.date(2026, 1, 1), dt.date(9999, 12, 31)]
STAFF = [None, "kobayashi", "mori"]


@dataclass(frozen=True)
class Measure:
    """A measure as it may be found in a store, well or badly formed."""

    owner: int
    persons: frozenset[int]
    asks: tuple[bool, bool]
    status: str
    proposed_by: str | None
    confirmed_by: str | None
    days: tuple[dt.date | None, dt.date | None]
    municipality: str

    @property
    def ended(self) -> bool:
        """By two persons, and said so."""
        both = self.proposed_by is not None and self.confirmed_by is not None
        return self.status == "ENDED" and both and self.proposed_by != self.confirmed_by


@dataclass(frozen=True)
class Town:
    """A few people, what ties them and what asks for them."""

    flags: tuple[bool, ...]
    links: frozenset[tuple[int, int]]
    homes: tuple[tuple[int, str, bool], ...]
    measures: tuple[Measure, ...]
    excluded: frozenset[tuple[int, int, str, bool]] = field(default_factory=frozenset)

    def asked(self, obligation: int) -> set[int]:
        """For whom something asks."""
        found = {at for at, flag in enumerate(self.flags) if flag}
        for measure in self.measures:
            if not measure.ended and measure.asks[obligation]:
                found |= {measure.owner, *measure.persons}
        return found

    def covered(self, obligation: int) -> set[int]:
        """Whom the obligation must cover."""
        return {one for source in self.asked(obligation) for one in self.reached(source)}

    def reached(self, source: int) -> set[int]:
        """By rounds, until nobody is added."""
        person = self._grown({source}, lambda one, other: self._same(one, other))
        excluded = {
            (member, home) for who, member, home, holds in self.excluded if holds and who in person
        }

        def tied(one: int, other: int) -> bool:
            shared = self._present(one) & self._present(other)
            return self._same(one, other) or any((other, home) not in excluded for home in shared)

        return self._grown({source}, tied)

    def _same(self, one: int, other: int) -> bool:
        return (one, other) in self.links or (other, one) in self.links

    def _present(self, one: int) -> set[str]:
        return {home for at, home, left in self.homes if at == one and not left}

    def _grown(self, found: set[int], tied: object) -> set[int]:
        everybody = range(len(self.flags))
        while True:
            more = {b for a in found for b in everybody if tied(a, b)} | found  # type: ignore[operator]
            if more == found:
                return found
            found = more


people = st.integers(0, len(PEOPLE) - 1)
measures = st.builds(
    Measure,
    owner=people,
    persons=st.frozensets(people, max_size=2),
    asks=st.sampled_from([(True, True), (True, False), (False, True)]),
    status=st.sampled_from([status.value for status in MeasureStatus]),
    proposed_by=st.sampled_from(STAFF),
    confirmed_by=st.sampled_from(STAFF),
    days=st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)),
    municipality=st.sampled_from(["012068", "011002", "131016"]),
)
towns = st.builds(
    Town,
    flags=st.tuples(*[st.sampled_from([False, False, False, True])] * len(PEOPLE)),
    links=st.frozensets(
        st.tuples(people, people).filter(lambda pair: pair[0] != pair[1]), max_size=2
    ),
    homes=st.lists(st.tuples(people, st.sampled_from(HOMES), st.booleans()), max_size=6).map(tuple),
    measures=st.lists(measures, max_size=4).map(tuple),
    excluded=st.frozensets(
        st.tuples(people, people, st.sampled_from(HOMES), st.booleans()), max_size=2
    ),
)


class Store:
    """One database, emptied for each town; one event loop for hypothesis to call into."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url
        self.database = self.runner.run(self._open())

    async def _open(self) -> Database:
        database = Database(self.url)
        await migrate(database)
        return database

    def close(self) -> None:
        """Give back the loop and the connections."""
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.fixture(scope="module")
def store(new_database: NewDatabase) -> Iterator[Store]:
    opened = Store(new_database())
    yield opened
    opened.close()


def table(type_name: str) -> sa.Table:
    return GRAPH.types[type_name].table


class Undone(Exception):
    """Ends a transaction without a trace."""


def in_town(store: Store, town: Town, body: object) -> None:
    """Run `body(connection)` in the town; nothing stays."""

    async def run() -> None:
        try:
            async with store.database.write() as connection:
                await build(connection, town)
                await body(connection)  # type: ignore[operator]
                raise Undone
        except Undone:
            pass

    store.runner.run(run())


async def build(connection: AsyncConnection, town: Town) -> None:
    for code, flag in zip(PEOPLE, town.flags, strict=True):
        person = {
            "code": code, "kind": "RESIDENT", "entity_kind": "INDIVIDUAL", "dv_flag": flag,
            "neglect_flag": False,
        }  # fmt: skip
        await connection.execute(sa.insert(table("Addressee")).values(person))
    for later, earlier in town.links:
        link = {"addressee_code": PEOPLE[later], "previous_addressee_code": PEOPLE[earlier]}
        await connection.execute(sa.insert(table("RelatedAddressee")).values(link))
    for at, home, left in town.homes:
        membership = {
            "addressee_code": PEOPLE[at],
            "household_code": home,
            "left_on": dt.date(2025, 1, 1) if left else None,
        }
        await connection.execute(sa.insert(table("HouseholdMembership")).values(membership))
    for who, member, home, holds in town.excluded:
        decided = {
            "addressee_code": PEOPLE[who], "member_code": PEOPLE[member], "household_code": home,
            "status": (ExclusionStatus.IN_FORCE if holds else ExclusionStatus.PROPOSED).value,
            "proposed_by": "kobayashi", "confirmed_by": "mori" if holds else None,
        }  # fmt: skip
        await connection.execute(sa.insert(table("HouseholdExclusion")).values(decided))
    for measure in town.measures:
        await enter_measure(connection, stored(measure), [PEOPLE[at] for at in measure.persons])


def stored(measure: Measure) -> dict[str, object]:
    return {
        "addressee_code": PEOPLE[measure.owner],
        "kind": MeasureKind.SPOUSAL_VIOLENCE.value,
        "status": measure.status,
        "address_withheld": measure.asks[0],
        "stop_output": measure.asks[1],
        "deciding_municipality_code": measure.municipality,
        "starts_on": measure.days[0],
        "ends_on": measure.days[1],
        "end_proposed_by": measure.proposed_by,
        "end_confirmed_by": measure.confirmed_by,
    }


async def obligations(connection: AsyncConnection) -> tuple[set[int], set[int]]:
    rows = (await connection.execute(sa.select(table("Handling")))).mappings().all()
    withheld, stopped = (
        {PEOPLE.index(row["addressee_code"]) for row in rows if row[name]} for name in OBLIGATIONS
    )
    return withheld, stopped


def must_be(town: Town) -> tuple[set[int], set[int]]:
    return town.covered(0), town.covered(1)


ordinary = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PLAIN = Town((False,) * 6, frozenset(), (), ())


def ended_by(proposer: str | None, confirmer: str | None, status: str = "ENDED") -> Measure:
    return Measure(
        0, frozenset(), (True, True), status, proposer, confirmer, (None, None), "012068"
    )


@pytest.mark.parametrize("status", [status.value for status in MeasureStatus])
@pytest.mark.parametrize(("proposer", "confirmer"), [*itertools.product(STAFF, STAFF)])
def test_a_measure_asks_until_two_persons_ended_it(
    store: Store, status: str, proposer: str | None, confirmer: str | None
) -> None:
    """Every state, with nobody, one or two persons: only the last of them ends anything."""
    measure = ended_by(proposer, confirmer, status)

    async def body(connection: AsyncConnection) -> None:
        asked = await asked_for(connection, PEOPLE)
        two = {proposer, confirmer} == {"kobayashi", "mori"}
        assert (asked.address_withheld == set()) is (status == "ENDED" and two)
        assert asked.address_withheld == asked.stop_output

    in_town(store, Town((False,) * 6, frozenset(), (), (measure,)), body)


@pytest.mark.parametrize(("starts", "ends"), [*itertools.product(DAYS, DAYS)])
def test_no_day_ends_or_begins_anything(
    store: Store, starts: dt.date | None, ends: dt.date | None
) -> None:
    """Long past, in the future, missing, the wrong way round."""
    measure = Measure(
        0, frozenset(), (True, True), "IN_FORCE", None, None, (starts, ends), "011002"
    )

    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, PEOPLE)
        assert await obligations(connection) == ({0}, {0})

    in_town(store, Town((False,) * 6, frozenset(), (), (measure,)), body)


@ordinary
@given(town=towns)
@example(
    town=Town((True, *(False,) * 5), frozenset({(1, 0)}), ((0, "H1", False), (2, "H1", True)), ())
)
def test_whoever_is_asked_for_is_covered_with_whom_it_extends_to(store: Store, town: Town) -> None:
    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, PEOPLE)
        assert await obligations(connection) == must_be(town)

    in_town(store, town, body)


@ordinary
@given(town=towns, order=st.permutations(range(len(PEOPLE))))
def test_it_is_the_same_in_whatever_order_people_come(
    store: Store, town: Town, order: list[int]
) -> None:
    async def body(connection: AsyncConnection) -> None:
        for at in order:
            await raise_obligations(connection, [PEOPLE[at]])
        assert await obligations(connection) == must_be(town)

    in_town(store, town, body)


@ordinary
@given(town=towns, which=st.integers(0, 3))
def test_an_end_uncovers_only_whom_nothing_else_asks_for(
    store: Store, town: Town, which: int
) -> None:
    """Several measures, of several municipalities and times: the others go on."""
    if which >= len(town.measures):
        return
    ending_one = town.measures[which]
    rest = town.measures[:which] + town.measures[which + 1 :]
    without = Town(town.flags, town.links, town.homes, rest, town.excluded)

    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, PEOPLE)
        keys = list(await connection.scalars(sa.select(table("ProtectiveMeasure").c.id)))
        key = sorted(keys)[which]
        owner = PEOPLE[ending_one.owner]
        async with ending(connection, [owner, *(PEOPLE[at] for at in ending_one.persons)]):
            measure = table("ProtectiveMeasure")
            two = {"status": "ENDED", "end_proposed_by": "a", "end_confirmed_by": "b"}
            await connection.execute(sa.update(measure).where(measure.c.id == key).values(two))
        assert await obligations(connection) == must_be(without)

    in_town(store, town, body)


@ordinary
@given(town=towns, which=st.integers(0, 3))
def test_a_row_that_is_removed_lowers_nothing(store: Store, town: Town, which: int) -> None:
    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, PEOPLE)
        before = await obligations(connection)
        keys = sorted(await connection.scalars(sa.select(table("ProtectiveMeasure").c.id)))
        for name, column in (("CoveredPerson", "measure_id"), ("ProtectiveMeasure", "id")):
            gone = table(name).c[column].in_(keys[which : which + 1])
            await connection.execute(sa.delete(table(name)).where(gone))
        await raise_obligations(connection, PEOPLE)
        after = await obligations(connection)
        assert all(was <= now for was, now in zip(before, after, strict=True))

    in_town(store, town, body)


@ordinary
@given(town=towns, home=st.sampled_from(HOMES), who=people)
def test_whoever_joins_a_household_later_is_covered_like_the_rest(
    store: Store, town: Town, home: str, who: int
) -> None:
    joined = Town(
        town.flags, town.links, (*town.homes, (who, home, False)), town.measures, town.excluded
    )

    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, PEOPLE)
        membership = {"addressee_code": PEOPLE[who], "household_code": home}
        await connection.execute(sa.insert(table("HouseholdMembership")).values(membership))
        await raise_obligations(connection, [PEOPLE[who]])
        assert await obligations(connection) == must_be(joined)

    in_town(store, town, body)


def test_an_obligation_that_nothing_explains_protects_until_a_cause_that_covers_it_ends(
    store: Store,
) -> None:
    """A file asks for somebody whose own row is yet to come: the household is covered already."""
    town = Town((False,) * 6, frozenset({(2, 1)}), ((0, "H1", False), (1, "H1", False)), ())

    async def body(connection: AsyncConnection) -> None:
        await raise_obligations(connection, [PEOPLE[0]], Causes(address_withheld={PEOPLE[0]}))
        assert await obligations(connection) == ({0, 1, 2}, set())
        async with ending(connection, PEOPLE):
            pass
        assert await obligations(connection) == ({0, 1, 2}, set())
        measure = stored(ended_by(None, None, "IN_FORCE")) | {"addressee_code": PEOPLE[2]}
        key = await enter_measure(connection, measure)
        await raise_obligations(connection, [PEOPLE[2]])
        assert await obligations(connection) == ({0, 1, 2}, {0, 1, 2})
        async with ending(connection, [PEOPLE[2]]):
            two = {"status": "ENDED", "end_proposed_by": "a", "end_confirmed_by": "b"}
            own = table("ProtectiveMeasure").c.id == key
            await connection.execute(sa.update(table("ProtectiveMeasure")).where(own).values(two))
        assert await obligations(connection) == (set(), set())

    in_town(store, town, body)


def test_what_a_file_asks_for_is_written_down_once(store: Store) -> None:
    async def body(connection: AsyncConnection) -> None:
        causes = Causes(address_withheld={PEOPLE[0]}, stop_output={PEOPLE[0], PEOPLE[1]})
        for _ in range(2):
            await enter_unspecified(connection, causes)
        await raise_obligations(connection, PEOPLE[:2])
        rows = (await connection.execute(sa.select(table("ProtectiveMeasure")))).mappings().all()
        assert sorted(
            (row["addressee_code"], row["address_withheld"], row["stop_output"]) for row in rows
        ) == [(PEOPLE[0], True, True), (PEOPLE[1], False, True)]
        assert await obligations(connection) == ({0}, {0, 1})

    in_town(store, PLAIN, body)


def test_of_a_measure_and_a_tie_at_the_same_time_one_sees_the_other(store: Store) -> None:
    """Each is written before either is raised from, where the database lets them run at once; the
    first is not committed before the second is done or waits for it."""
    town = Town((False,) * 6, frozenset(), ((0, "H1", False),), ())
    at_once = store.database.dialect == "postgresql"
    both, done = asyncio.Barrier(2 if at_once else 1), asyncio.Event()
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

    async def join() -> None:
        async with store.database.write() as connection:
            membership = {"addressee_code": PEOPLE[1], "household_code": "H1"}
            await connection.execute(sa.insert(table("HouseholdMembership")).values(membership))
            await both.wait()
            await raise_obligations(connection, [PEOPLE[1]])
            while at_once and not done.is_set() and not await connection.scalar(waiting):
                pass

    async def measure() -> None:
        async with store.database.write() as connection:
            await enter_measure(connection, stored(ended_by(None, None, "IN_FORCE")))
            await both.wait()
            await raise_obligations(connection, [PEOPLE[0]])
            done.set()

    async def run() -> None:
        async with store.database.write() as connection:
            await build(connection, town)
        await asyncio.gather(join(), measure())
        async with store.database.write() as connection:
            assert await obligations(connection) == ({0, 1}, {0, 1})
            for name in ("Handling", "CoveredPerson", "ProtectiveMeasure", "HouseholdMembership"):
                await connection.execute(sa.delete(table(name)))
            await connection.execute(sa.delete(table("Addressee")))

    store.runner.run(run())
