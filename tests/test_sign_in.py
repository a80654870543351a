"""Signing in: one answer for every cause, a record for each, and rights that end at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from redis.asyncio import Redis
from sqlmodel import SQLModel

from authz.channel import Channel, Front
from authz.errors import BadInput, Refused, TooManyRequests, Unauthenticated, Unavailable
from authz.keys import Keys
from authz.policy.invariants import conflicting_roles
from authz.redis.connection import connect
from authz.sessions.devices import LIFETIME, Devices
from authz.sessions.lockout import PLACES, STRANGERS, Lockout, Place
from authz.sessions.passwords import LONGEST, QUICK, Cost, Passwords
from authz.sessions.revocations import Revocations
from authz.sessions.session import VERSION_KEY, Sessions
from authz.staff.members import SignInEvent, Staffing
from authz.staff.records import NO_PASSWORD
from authz.staff.sign_in import SignIn
from models.graph.graph import GRAPH
from models.store.database import Database
from models.tables.client import CLIENT
from models.tables.staff import (
    PURPOSE,
    ROLE,
    ROLE_PURPOSE,
    SECTION,
    STAFF,
    STAFF_ROLE,
    StaffState,
    first_content,
)
from tests.valkey import Valkey, until, valkey

PROXY = "192.0.2.9"
KEYS = Keys("k-1", {"k-1": bytes(32)})
LOCKOUT = KEYS.derive("lockout")
HERE = Place(ip_address("198.51.100.1"))
PASSWORD = "正しい馬 電池"
MIDDAY = dt.datetime(2026, 4, 1, 3, 0, tzinfo=dt.UTC)
"""Noon of 1 April in Tokyo."""


class LogDownError(Exception):
    """The access log does not answer."""


@dataclass
class World:
    """A small office: real stores, a log in memory, and a calendar that the test turns."""

    database: Database
    redis: Redis
    passwords: Passwords
    today: dt.datetime = MIDDAY
    sessions: list[Sessions] = field(default_factory=list)
    log_is_down: bool = False
    log: list[SignInEvent] = field(default_factory=list)

    async def record(self, event: SignInEvent) -> None:
        if self.log_is_down:
            raise LogDownError
        self.log.append(event)

    def worker(
        self, *, free: int = 1000, failures: int = 10_000, poll_seconds: float = 60.0
    ) -> SignIn:
        """The use cases of one worker process."""
        sessions = Sessions(self.redis)
        self.sessions.append(sessions)
        revocations = Revocations(self.database, poll_seconds=poll_seconds)
        staffing = Staffing(
            self.database, sessions, revocations, self.record, now=lambda: self.today
        )
        lockout = Lockout(
            self.redis, LOCKOUT, free=free, first=dt.timedelta(milliseconds=100), failures=failures
        )
        front = Front("https://atena.example", (ip_network(f"{PROXY}/32"),))
        devices = Devices(KEYS)
        passwords = self.passwords
        return SignIn(
            sessions, revocations, staffing, passwords, lockout, self.record, front, devices
        )

    async def hire(
        self,
        staff_id: str,
        *roles: str,
        valid_from: dt.date | None = None,
        valid_until: dt.date | None = None,
    ) -> None:
        """A staff member whose password is `PASSWORD`."""
        password_hash = await self.passwords.hash(PASSWORD)
        async with self.database.write() as connection:
            await connection.execute(
                sa.insert(STAFF).values(
                    id=staff_id,
                    name="釧路 花子",
                    section="nozei",
                    password_hash=password_hash,
                    state=StaffState.ACTIVE,
                )
            )
            for role in roles:
                await connection.execute(
                    sa.insert(STAFF_ROLE).values(
                        staff_id=staff_id,
                        role=role,
                        valid_from=valid_from,
                        valid_until=valid_until,
                    )
                )

    async def alter(self, staff_id: str, **values: object) -> None:
        """Change a staff record behind the use cases' back."""
        async with self.database.write() as connection:
            await connection.execute(
                sa.update(STAFF).where(STAFF.c.id == staff_id).values(**values)
            )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest_asyncio.fixture
async def world(server: Valkey, database_url: str) -> AsyncIterator[World]:
    database = await Database.open(database_url)
    async with database.write() as connection:
        await connection.run_sync(
            lambda sync: SQLModel.metadata.create_all(
                sync,
                tables=[
                    *(SECTION, STAFF, ROLE, STAFF_ROLE, PURPOSE, ROLE_PURPOSE),
                    *(GRAPH.types["TransferDefinition"].table, CLIENT),
                ],
            )
        )
        section = {"code": "nozei", "name_ja": "納税課", "name": "tax payment"}
        await connection.execute(sa.insert(SECTION), [section])
        for table, rows in first_content().items():
            await connection.execute(sa.insert(table), rows)
    redis = connect(server.url)
    await redis.flushall()
    await redis.set(VERSION_KEY, 1)
    passwords = Passwords(QUICK)
    office = World(database, redis, passwords)
    yield office
    for sessions in office.sessions:
        await sessions.disconnect()
    passwords.close()
    await redis.aclose()
    await database.close()


@pytest_asyncio.fixture
async def desk(world: World) -> SignIn:
    await world.hire("s-1", "collection-clerk")
    worker = world.worker()
    await worker.revocations.poll()
    return worker


async def refused(work: object) -> tuple[type[Refused], str, str, int]:
    with pytest.raises(Refused) as refusal:
        await work  # type: ignore[misc]
    error = refusal.value
    return type(error), error.code, error.message, error.status


# --- signing in and out ---------------------------------------------------------------------


async def test_sign_in_opens_a_session_and_is_recorded(world: World, desk: SignIn) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    touched = await desk.authenticate(signed_in.token)
    assert touched.actor == signed_in.actor
    assert touched.actor.roles == {"collection-clerk"}
    assert touched.actor.section == "nozei"
    [event] = world.log
    assert event == SignInEvent("sign-in", "s-1", signed_in.actor.session, signed_in.actor.roles)
    assert signed_in.token not in repr(world.log)


async def test_sign_out_ends_it_and_is_recorded(world: World, desk: SignIn) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    await desk.sign_out(signed_in.token)
    assert world.log[-1].kind == "sign-out"
    assert world.log[-1].session == signed_in.actor.session
    with pytest.raises(Unauthenticated):
        await desk.authenticate(signed_in.token)
    with pytest.raises(Unauthenticated):
        await desk.sign_out(signed_in.token)


async def test_a_password_is_the_same_however_the_keyboard_composed_it(desk: SignIn) -> None:
    assert (await desk.sign_in("s-1", "正しい馬\u3000電池")).actor.id == "s-1"


# --- one answer -----------------------------------------------------------------------------


async def test_every_refusal_is_the_same_answer_and_only_the_log_knows_why(
    world: World, desk: SignIn
) -> None:
    await world.hire("suspended", "collection-clerk")
    await world.alter("suspended", state=StaffState.SUSPENDED)
    await world.hire("without-role")
    await world.hire("number-alone", "number-handler")
    await world.hire("mixed", "policy-administrator", "collection-clerk")
    await world.hire("expired", "collection-clerk", valid_until=dt.date(2026, 3, 31))
    # By the clock of the session store this day has ended.
    await world.hire("ending", "collection-clerk", valid_until=MIDDAY.date())
    attempts = [
        ("s-1", "wrong", "password"),
        ("s-1", "", "password"),
        ("s-1", "x" * (LONGEST + 1), "password"),
        ("s-1", "\ud800", "password"),
        ("s-9", PASSWORD, "unknown"),
        ("", PASSWORD, "unknown"),
        ("S-1", PASSWORD, "unknown"),
        (" s-1", PASSWORD, "unknown"),
        ("s-1\x00", PASSWORD, "unknown"),
        ("\ud800", PASSWORD, "unknown"),
        ("x" * 100_000, PASSWORD, "unknown"),
        ("suspended", PASSWORD, "suspended"),
        ("suspended", "wrong", "password"),
        ("without-role", PASSWORD, "roles"),
        ("number-alone", PASSWORD, "roles"),
        ("mixed", PASSWORD, "roles"),
        ("expired", PASSWORD, "roles"),
        ("ending", PASSWORD, "roles"),
    ]
    answers = [await refused(desk.sign_in(who, password)) for who, password, _ in attempts]
    assert set(answers) == {(Unauthenticated, "UNAUTHENTICATED", answers[0][2], 401)}
    assert [event.cause for event in world.log] == [cause for *_, cause in attempts]
    known = {"s-1", "suspended", "without-role", "number-alone", "mixed", "expired", "ending"}
    for (who, _, _), event in zip(attempts, world.log, strict=True):
        assert event.kind == "sign-in-refused"
        assert event.staff_id == (who if who in known else None)
    assert PASSWORD not in repr(world.log)


async def test_an_unknown_id_takes_the_time_of_a_wrong_password(world: World) -> None:
    """And so does a member who has no password yet."""
    world.passwords = Passwords(Cost(passes=1, memory=16_384, lanes=1))
    await world.hire("s-1", "collection-clerk")
    await world.hire("s-2", "collection-clerk")
    await world.alter("s-2", password_hash=NO_PASSWORD)
    desk = world.worker()
    times: dict[str, list[float]] = {"s-1": [], "s-2": [], "s-9": []}
    for _ in range(15):
        for staff_id, spent in times.items():
            began = time.perf_counter()
            await refused(desk.sign_in(staff_id, "wrong"))
            spent.append(time.perf_counter() - began)
    world.passwords.close()
    known, fresh, unknown = (statistics.median(spent) for spent in times.values())
    # Without the dummy verification the ratio would be near 4; a busy machine makes some noise.
    assert 0.5 < known / unknown < 2
    assert 0.5 < known / fresh < 2


async def test_what_was_typed_is_not_in_redis(world: World, desk: SignIn) -> None:
    await refused(desk.sign_in("my-password-in-the-wrong-field", "secret-password"))
    for key in await world.redis.keys("{atena}attempts:*"):
        content = repr((key, await world.redis.hgetall(key)))
        assert "my-password" not in content
        assert "secret-password" not in content


async def test_a_long_password_is_refused_before_any_hashing() -> None:
    passwords = Passwords(Cost(passes=20, memory=65_536, lanes=1))
    began = time.process_time()
    assert not await passwords.verify(None, "x" * (LONGEST + 1))
    with pytest.raises(ValueError, match="256"):
        await passwords.hash("x" * (LONGEST + 1))
    assert time.process_time() - began < 0.05
    passwords.close()


async def test_a_flood_of_sign_ins_is_turned_away_and_leaves_no_trace(world: World) -> None:
    passwords = world.passwords
    outcomes = await asyncio.gather(
        *(passwords.verify(None, "x") for _ in range(200)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {bool, Unavailable}
    waiting = [asyncio.create_task(passwords.verify(None, "x")) for _ in range(60)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    again = await asyncio.gather(*(passwords.verify(None, "x") for _ in range(50)))
    assert again == [False] * 50


# --- lockout --------------------------------------------------------------------------------


@pytest.mark.parametrize("staff_id", ["s-1", "s-9"])
async def test_guesses_lock_the_id_whether_it_exists_or_not(
    world: World, desk: SignIn, staff_id: str
) -> None:
    desk = world.worker(free=3)
    for _ in range(4):
        await refused(desk.sign_in(staff_id, "wrong"))
    answer = await refused(desk.sign_in(staff_id, PASSWORD))
    assert answer[:2] == (Unauthenticated, "UNAUTHENTICATED")
    causes = [event.cause for event in world.log]
    assert causes[-1] == ("locked" if staff_id == "s-1" else "unknown")


async def is_admitted(lockout: Lockout, place: Place = HERE) -> bool:
    return (await lockout.admit("s-1", place)).admitted


async def test_a_lock_ends_by_itself_grows_and_is_forgotten_on_success(
    world: World, desk: SignIn
) -> None:
    lockout = Lockout(world.redis, LOCKOUT, free=1, first=dt.timedelta(milliseconds=40))
    waits = []
    for _ in range(4):
        began = time.monotonic()
        await until(lambda: is_admitted(lockout))
        waits.append(time.monotonic() - began)
    assert waits[0] < 0.04
    assert waits[2] >= 0.03
    assert waits[3] >= 0.07
    assert not await is_admitted(lockout)
    await lockout.succeed("s-1", HERE)
    assert await is_admitted(lockout)
    assert await is_admitted(lockout)
    assert not await is_admitted(lockout)


async def test_a_lock_has_a_longest_time_and_is_not_prolonged_by_trying(world: World) -> None:
    lockout = Lockout(
        world.redis,
        LOCKOUT,
        free=0,
        first=dt.timedelta(hours=1),
        longest=dt.timedelta(milliseconds=100),
    )
    assert await is_admitted(lockout)
    began = time.monotonic()
    await until(lambda: is_admitted(lockout))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("known", [False, True])
async def test_parallel_guesses_do_not_outrun_the_count(world: World, known: bool) -> None:
    # A first lock that outlasts the fifty attempts, however slow the machine.
    lockout = Lockout(world.redis, LOCKOUT, free=5, first=dt.timedelta(minutes=5))
    if known:
        await lockout.succeed("s-1", HERE)
    admitted = await asyncio.gather(*(is_admitted(lockout) for _ in range(50)))
    assert admitted.count(True) == 6


async def test_a_genuine_sign_in_forgets_the_failures(world: World, desk: SignIn) -> None:
    desk = world.worker(free=3)
    for _ in range(3):
        for _ in range(2):
            await refused(desk.sign_in("s-1", "wrong"))
        assert (await desk.sign_in("s-1", PASSWORD)).actor.id == "s-1"


# --- somebody who guesses keeps nobody out ----------------------------------------------------


def coming(address: str = "198.51.100.1", cookie: str = "") -> Channel:
    """Over the proxy, as a browser that may keep a token of its device."""
    headers = {"x-forwarded-for": address, "cookie": cookie}
    return Channel(PROXY, "POST", "/graphql", headers)


async def lock(desk: SignIn, *addresses: str, staff_id: str = "s-1", tries: int = 30) -> None:
    """Guesses from each address, far beyond what is free."""
    for address in addresses:
        for _ in range(tries):
            await refused(desk.sign_in(staff_id, "wrong", coming(address)))


@pytest.fixture
def hours() -> dict[str, Any]:
    return {"free": 5, "first": dt.timedelta(hours=1), "longest": dt.timedelta(hours=1)}


@pytest_asyncio.fixture
async def guarded(world: World, desk: SignIn, hours: dict[str, Any]) -> SignIn:
    """A desk whose locks last longer than any test."""
    return replace(desk, lockout=Lockout(world.redis, LOCKOUT, **hours))


async def test_guesses_from_one_address_leave_every_other_open(
    world: World, guarded: SignIn
) -> None:
    await lock(guarded, "203.0.113.5")
    assert (await guarded.sign_in("s-1", PASSWORD, coming())).actor.id == "s-1"
    await refused(guarded.sign_in("s-1", PASSWORD, coming("203.0.113.5")))
    assert [event.cause for event in world.log][:7] == ["password"] * 5 + ["guessing", "locked"]


async def test_guesses_from_everywhere_leave_the_places_of_the_owner_open(
    world: World, guarded: SignIn
) -> None:
    await guarded.sign_in("s-1", PASSWORD, coming())
    known = await guarded.sign_in("s-1", PASSWORD, coming("198.51.100.7"))
    crowd = [f"203.0.113.{each}" for each in range(STRANGERS * 6)]
    await lock(guarded, *crowd, tries=6)
    # A place that nobody knows waits with the crowd, whoever is there.
    await refused(guarded.sign_in("s-1", PASSWORD, coming("198.51.100.2")))
    cookie = f"other=1; {known.device.name}={known.device.value}"
    for place in (coming(), coming("198.51.100.2", cookie)):
        assert (await guarded.sign_in("s-1", PASSWORD, place)).actor.id == "s-1"
    # From there they are known now.
    assert (await guarded.sign_in("s-1", PASSWORD, coming("198.51.100.2"))).actor.id == "s-1"


async def test_guesses_at_the_owners_own_address_leave_the_owners_device_open(
    world: World, guarded: SignIn
) -> None:
    known = await guarded.sign_in("s-1", PASSWORD, coming())
    await lock(guarded, "198.51.100.1")
    await refused(guarded.sign_in("s-1", PASSWORD, coming()))
    cookie = f"{known.device.name}={known.device.value}"
    assert (await guarded.sign_in("s-1", PASSWORD, coming(cookie=cookie))).actor.id == "s-1"


async def test_a_device_may_not_be_guessed_on_for_ever_either(
    world: World, guarded: SignIn
) -> None:
    known = await guarded.sign_in("s-1", PASSWORD, coming())
    cookie = f"{known.device.name}={known.device.value}"
    for _ in range(6):
        await refused(guarded.sign_in("s-1", "wrong", coming(cookie=cookie)))
    await refused(guarded.sign_in("s-1", PASSWORD, coming(cookie=cookie)))
    assert world.log[-1].cause == "locked"


async def test_a_token_of_a_device_is_good_for_its_owner_alone(
    world: World, guarded: SignIn
) -> None:
    await world.hire("s-2", "collection-clerk")
    own, other = [(await guarded.sign_in(each, PASSWORD)).device for each in ("s-1", "s-2")]
    await lock(guarded, "198.51.100.1")
    forged = [
        f"{own.name}={other.value}",
        f"{other.name}={other.value}",
        f"{own.name}={own.value[:-6]}AAAA==",
        f"{own.name}=",
        f"{own.name}",
        f"{own.name}={'é' * 44}",
        f"{own.name}={Devices(Keys('k-2', {'k-2': bytes(range(32))})).issue('s-1').value}",
    ]
    for cookie in forged:
        await refused(guarded.sign_in("s-1", PASSWORD, coming(cookie=cookie)))


def test_a_token_of_a_device_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = Devices(KEYS)
    made = devices.issue("s-1")
    cookie = f"{made.name}={made.value}"
    assert devices.known("s-1", cookie) is not None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LIFETIME.total_seconds() + 1)
    assert devices.known("s-1", cookie) is None


async def test_addresses_are_remembered_by_number_and_not_in_clear(
    world: World, guarded: SignIn
) -> None:
    for each in range(PLACES + 4):
        await guarded.sign_in("s-1", PASSWORD, coming(f"198.51.100.{each}"))
    [key] = await world.redis.keys("{atena}places:*")
    kept = await world.redis.zrange(key, 0, -1)
    assert len(kept) == PLACES
    assert "198.51" not in repr((key, kept))
    assert await world.redis.pttl(key) > 0


async def test_an_address_of_ipv6_is_its_network(world: World, guarded: SignIn) -> None:
    await lock(guarded, *(f"2001:db8::{each}" for each in range(6)), tries=1)
    await refused(guarded.sign_in("s-1", PASSWORD, coming("2001:db8::ffff")))
    assert (await guarded.sign_in("s-1", PASSWORD, coming("2001:db8:1::1"))).actor.id == "s-1"


async def test_an_address_that_fails_too_often_is_turned_away_before_any_password(
    world: World, desk: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever ids it names; but not a device that is known, and nobody elsewhere."""
    desk, hashed = world.worker(failures=4), []
    known = await desk.sign_in("s-1", PASSWORD, coming())
    verify = world.passwords.verify

    async def counted(stored: str | None, password: str) -> bool:
        hashed.append(password)
        return await verify(stored, password)

    world.passwords.verify = counted  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING, "atena.alert"):
        for who in ("s-1", "s-9", "", "s-1", "s-9", "s-1", "s-1"):
            with pytest.raises((Unauthenticated, TooManyRequests)) as refusal:
                await desk.sign_in(who, "wrong", coming())
    assert isinstance(refusal.value, TooManyRequests)
    assert 0 < refusal.value.retry_after <= 60
    assert len(hashed) == 4
    assert [event.cause for event in world.log].count("address") == 1
    assert [record.getMessage() for record in caplog.records] == [
        "sign-in limit: 198.51.100.1 fails too often"
    ]
    with pytest.raises(TooManyRequests):
        await desk.sign_in("s-1", PASSWORD, coming())
    cookie = f"{known.device.name}={known.device.value}"
    for place in (coming(cookie=cookie), coming("198.51.100.2")):
        assert (await desk.sign_in("s-1", PASSWORD, place)).actor.id == "s-1"


async def test_an_office_behind_one_address_signs_in_one_after_the_other(
    world: World, desk: SignIn
) -> None:
    """What succeeds is no failure."""
    desk = world.worker(failures=3)
    for _ in range(10):
        assert (await desk.sign_in("s-1", PASSWORD, coming())).actor.id == "s-1"


async def test_a_lock_is_told_to_the_operator_but_not_what_was_typed(
    world: World, guarded: SignIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "atena.alert"):
        await lock(guarded, "203.0.113.5")
        await lock(guarded, "203.0.113.6", staff_id="my-password")
    [alert] = [record.getMessage() for record in caplog.records]
    assert "s-1" in alert
    assert "203.0.113.5" in alert
    assert [event.cause for event in world.log].count("guessing") == 1


async def test_a_broken_lock_lets_in_and_stays_open_at_the_address_that_was_told(
    world: World, guarded: SignIn
) -> None:
    crowd = [f"203.0.113.{each}" for each in range(STRANGERS * 6)]
    await lock(guarded, *crowd, tries=1)
    await refused(guarded.sign_in("s-1", PASSWORD, coming()))
    await guarded.lockout.break_lock("s-1", None)
    await lock(guarded, *crowd, tries=1)
    await refused(guarded.sign_in("s-1", PASSWORD, coming()))
    await guarded.lockout.break_lock("s-1", ip_address("198.51.100.1"))
    await lock(guarded, *crowd, tries=1)
    assert (await guarded.sign_in("s-1", PASSWORD, coming())).actor.id == "s-1"


# --- no log, no sign-in; no store, no sign-in -----------------------------------------------


async def test_without_a_log_nobody_signs_in_and_no_session_stays(
    world: World, desk: SignIn
) -> None:
    world.log_is_down = True
    with pytest.raises(LogDownError):
        await desk.sign_in("s-1", PASSWORD)
    assert await world.redis.keys("{atena}session:*") == []


async def test_without_a_log_one_can_still_sign_out_and_be_suspended(
    world: World, desk: SignIn
) -> None:
    first, second = [await desk.sign_in("s-1", PASSWORD) for _ in range(2)]
    world.log_is_down = True
    with pytest.raises(LogDownError):
        await desk.sign_out(first.token)
    with pytest.raises(LogDownError):
        await desk.suspend("s-1")
    for token in (first.token, second.token):
        with pytest.raises(Unauthenticated):
            await desk.authenticate(token)


async def test_without_a_log_no_role_is_given(world: World, desk: SignIn) -> None:
    world.log_is_down = True
    with pytest.raises(LogDownError):
        await desk.change_roles("s-1", frozenset({"collection-director"}))
    member = await desk.staffing.find("s-1")
    assert member is not None
    assert member.roles == {"collection-clerk"}


async def test_without_redis_sign_in_is_unavailable_and_suspension_still_works(
    world: World, desk: SignIn, server: Valkey
) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    server.kill()
    try:
        assert (await refused(desk.sign_in("s-1", PASSWORD)))[0] is Unavailable
        await desk.suspend("s-1")
    finally:
        server.restart()
    with pytest.raises(Unauthenticated):
        await desk.authenticate(signed_in.token)


async def test_without_the_database_sign_in_is_unavailable(world: World, desk: SignIn) -> None:
    async with world.database.write() as connection:
        await connection.execute(sa.text("ALTER TABLE staff RENAME TO lost"))
    assert (await refused(desk.sign_in("s-1", PASSWORD)))[0] is Unavailable


# --- rights that end ------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["suspend", "change_roles"])
async def test_the_next_request_after_a_change_is_refused(
    world: World, desk: SignIn, change: str
) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    other_worker = world.worker()
    await other_worker.revocations.poll()
    if change == "suspend":
        await desk.suspend("s-1")
        assert (await refused(desk.sign_in("s-1", PASSWORD)))[0] is Unauthenticated
    else:
        await desk.change_roles("s-1", frozenset({"arrears-officer", "number-handler"}))
        roles = (await desk.sign_in("s-1", PASSWORD)).actor.roles
        assert roles == {"arrears-officer", "number-handler"}
    for worker in (desk, other_worker):
        with pytest.raises(Unauthenticated):
            await worker.authenticate(signed_in.token)


async def test_a_revocation_holds_although_redis_forgot_the_deletion(
    world: World, desk: SignIn
) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    before_failover = await _dump(world.redis)
    await desk.change_roles("s-1", frozenset({"branch-clerk"}))
    await _restore(world.redis, before_failover)
    other_worker = world.worker()
    await other_worker.revocations.poll()
    for worker in (desk, other_worker):
        with pytest.raises(Unauthenticated):
            await worker.authenticate(signed_in.token)
    again = await desk.sign_in("s-1", PASSWORD)
    for worker in (desk, other_worker):
        assert (await worker.authenticate(again.token)).actor.roles == {"branch-clerk"}


async def _dump(redis: Redis) -> dict[Any, Any]:
    return {key: await redis.dump(key) for key in await redis.keys("*")}


async def _restore(redis: Redis, stored: dict[Any, Any]) -> None:
    for key, value in stored.items():
        await redis.restore(key, 3_600_000, value, replace=True)


async def test_changes_in_one_moment_are_different_epochs(world: World, desk: SignIn) -> None:
    token, _ = await desk.sessions.open("s-1", ["collection-clerk"], None, epoch=0)
    epochs = []
    for role in ("branch-clerk", "collection-clerk", "branch-clerk"):
        await desk.change_roles("s-1", frozenset({role}))
        member = await desk.staffing.find("s-1")
        assert member is not None
        epochs.append(member.epoch)
    assert epochs == sorted(set(epochs))
    between, _ = await desk.sessions.open("s-1", ["collection-clerk"], None, epoch=epochs[1])
    for outdated in (token, between):
        with pytest.raises(Unauthenticated):
            await desk.authenticate(outdated)


async def test_a_session_opened_while_its_owner_is_suspended_does_not_stay(
    world: World, desk: SignIn
) -> None:
    member = await desk.staffing.find("s-1")
    assert member is not None
    await desk.suspend("s-1")
    # What a sign-in does that read the record before the suspension and opens afterwards.
    assert (await refused(desk._open(member)))[0] is Unauthenticated
    assert await world.redis.keys("{atena}session:*") == []


async def test_the_watcher_learns_what_another_worker_revoked(world: World, desk: SignIn) -> None:
    token, _ = await desk.sessions.open("s-1", ["collection-clerk"], "nozei")
    watcher = world.worker(poll_seconds=0.01)
    await watcher.revocations.start()
    try:
        assert (await watcher.authenticate(token)).actor.id == "s-1"
        await world.alter("s-1", sessions_revoked_at=MIDDAY)
        await until(lambda: _is_refused(watcher, token))
    finally:
        await watcher.revocations.stop()
    assert not await _is_refused(desk, token)


async def _is_refused(worker: SignIn, token: str) -> bool:
    try:
        await worker.authenticate(token)
    except Unauthenticated:
        return True
    return False


async def test_revocations_unknown_for_too_long_refuse_everybody(
    world: World, desk: SignIn
) -> None:
    signed_in = await desk.sign_in("s-1", PASSWORD)
    blind = replace(desk, revocations=Revocations(world.database, stale_seconds=0.0))
    with pytest.raises(Unavailable):
        await blind.authenticate(signed_in.token)
    await blind.revocations.poll()
    with pytest.raises(Unavailable):
        await blind.authenticate(signed_in.token)


# --- roles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        ({"collection-clerk", "arrears-officer"}, True),
        ({"addressee-registrar", "number-handler"}, True),
        ({"policy-administrator", "system-operator", "privacy-auditor"}, True),
        (set(), True),
        ({"number-handler"}, False),
        ({"policy-administrator", "collection-clerk"}, False),
        ({"system-operator", "linkage-operator"}, False),
        ({"privacy-auditor", "number-handler"}, False),
        ({"privacy-auditor", "a role made later"}, False),
        ({"department-client"}, False),
    ],
)
async def test_roles_that_may_be_held_together(
    desk: SignIn, roles: set[str], allowed: bool
) -> None:
    assert (conflicting_roles(roles) is None) == allowed
    if not allowed:
        with pytest.raises(BadInput):
            await desk.change_roles("s-1", frozenset(roles))


async def test_unknown_staff_and_unknown_roles_are_refused(desk: SignIn) -> None:
    for change in (
        desk.change_roles("s-9", frozenset({"branch-clerk"})),
        desk.change_roles("s-1", frozenset({"mayor"})),
        desk.suspend("s-9"),
    ):
        assert (await refused(change))[0] is BadInput


@pytest.mark.parametrize(
    ("moment", "roles"),
    [
        ("2026-03-31T14:59:59Z", {"branch-clerk"}),
        ("2026-03-31T15:00:00Z", {"branch-clerk", "arrears-officer"}),
        ("2026-04-30T14:59:59Z", {"branch-clerk", "arrears-officer"}),
        ("2026-04-30T15:00:00Z", {"branch-clerk"}),
    ],
)
async def test_a_role_is_held_on_its_days_in_tokyo(
    world: World, desk: SignIn, moment: str, roles: set[str]
) -> None:
    await world.hire(
        "s-2", "arrears-officer", valid_from=dt.date(2026, 4, 1), valid_until=dt.date(2026, 4, 30)
    )
    await desk.change_roles("s-2", frozenset({"arrears-officer", "branch-clerk"}))
    world.today = dt.datetime.fromisoformat(moment)
    member = await desk.staffing.find("s-2")
    assert member is not None
    assert member.roles == roles
    ends = dt.datetime(2026, 4, 30, 15, tzinfo=dt.UTC)
    assert member.until == (ends if "arrears-officer" in roles else None)


async def test_a_role_until_the_last_day_of_the_calendar_has_no_end(
    world: World, desk: SignIn
) -> None:
    """Files write that day for no end, and none comes after it."""
    await world.hire("s-2", "branch-clerk", valid_until=dt.date.max)
    world.today = dt.datetime.now(dt.UTC)
    member = await desk.staffing.find("s-2")
    assert member is not None
    assert (member.roles, member.until) == ({"branch-clerk"}, None)
    assert (await desk.sign_in("s-2", PASSWORD)).actor.id == "s-2"
    with pytest.raises(Unauthenticated):
        await desk.sign_in("s-2", "another")


async def test_a_session_ends_with_the_role_that_ends_first(world: World, desk: SignIn) -> None:
    tomorrow = dt.datetime.now(dt.timezone(dt.timedelta(hours=9))).date()
    world.today = dt.datetime.now(dt.UTC)
    await world.hire("s-2", "branch-clerk", valid_until=tomorrow)
    actor = (await desk.sign_in("s-2", PASSWORD)).actor
    midnight = dt.datetime.combine(tomorrow + dt.timedelta(days=1), dt.time(), dt.UTC)
    assert actor.expires_at <= midnight - dt.timedelta(hours=9)
