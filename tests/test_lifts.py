"""Temporary lifts over HTTP: one staff member, one person, some classes, an end and a count.

`kobayashi` proposes and `mori` approves; `takahashi` surveys, `sato` is a collection clerk.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from models.store.database import Database
from resolvers.protection.lift import USE_CASES
from resolvers.read.lift_use import LIFTS, User, is_lifted, take
from tests.test_hostile import code_of
from tests.test_measures import FIRST, PURPOSE, SECOND
from tests.test_promises import ARREARS, CLERK
from tests.world import KEIKO, NISHI, SECRET_ADDRESS, TANAKA, YAMADA, World, owing

SURVEY = "field-survey"
PLACE = """query ($c: String!) { addressee(code: $c) {
  fullName handling { addressWithheld }
  residence { address } contacts { totalCount nodes { value } }
} }"""


@pytest.fixture
async def town(world: World) -> World:
    """The town of the module without lifts."""
    await world.change("DELETE FROM lift WHERE id NOT IN (SELECT lift_id FROM lift_use)")
    await world.change("UPDATE lift SET used = uses")
    return world


def ahead(hours: float = 1) -> str:
    """An instant a few hours from now."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).isoformat()


def lift_for(staff: str = ARREARS, **others: Any) -> dict[str, Any]:
    """What a proposal says."""
    return {
        "addresseeCode": TANAKA, "staffId": staff, "classes": ["residence"], "path": "SCREEN",
        "endsAt": ahead(), "uses": 2, "reason": "実態調査",
    } | others  # fmt: skip


async def do(world: World, staff: str, name: str, given: Mapping[str, Any]) -> Any:
    """A mutation that must go well: the lift as it is then."""
    document = mutation_of(name)
    found = await world.data(staff, PURPOSE, document, variables={"input": dict(given)})
    return found[name]["lift"]


def mutation_of(name: str) -> str:
    return (
        f"mutation ($input: {INPUTS[name]}!) {{ {name}(input: $input) {{ lift {{ {SHOWN} }} }} }}"
    )


SHOWN = "id staffId classes path uses used proposedBy approvedBy revokedBy addressee { code }"
INPUTS = {"proposeLift": "ProposeLiftInput", "approveLift": "LiftInput", "revokeLift": "LiftInput"}


async def lifted(world: World, staff: str = ARREARS, **others: Any) -> str:
    """An approved lift: its id."""
    proposed = await do(world, FIRST, "proposeLift", lift_for(staff, **others))
    approved = await do(world, SECOND, "approveLift", {"liftId": proposed["id"]})
    assert (approved["proposedBy"], approved["approvedBy"]) == (FIRST, SECOND)
    one: str = proposed["id"]
    return one


async def seen(
    world: World, staff: str = ARREARS, purpose: str = SURVEY, code: str = TANAKA
) -> Any:
    """What a staff member gets of a person."""
    return (await world.data(staff, purpose, PLACE, variables={"c": code}))["addressee"]


async def uses(world: World) -> list[int]:
    """How often each lift that is not over was used, the oldest first."""
    document = "{ lifts(first: 100) { nodes { used uses revokedBy } } }"
    found = await world.data(FIRST, PURPOSE, document)
    return [lift["used"] for lift in found["lifts"]["nodes"] if lift["used"] < lift["uses"]]


async def test_it_opens_the_named_classes_of_the_named_person_as_often_as_it_says(
    town: World,
) -> None:
    assert (await seen(town))["residence"] is None
    await lifted(town)
    for _ in range(2):
        person = await seen(town)
        assert person["residence"] == {"address": SECRET_ADDRESS}
        assert person["contacts"] is None
        assert person["handling"] == {"addressWithheld": True}
    assert (await seen(town))["residence"] is None


async def test_nobody_else_sees_more_and_nobody_else_is_seen(town: World) -> None:
    await lifted(town)
    assert (await seen(town, CLERK, "consultation"))["residence"] is None
    async with owing(town, KEIKO, NISHI):
        assert (await seen(town, code=KEIKO))["residence"] is None
        assert (await seen(town, code=NISHI))["residence"] is None
    assert await uses(town) == [0]


@pytest.mark.parametrize(
    "document",
    [
        'query { addressees(filter: {code: {eq: "%s"}}) { nodes { residence { address } } } }',
        'query { a: addressee(code: "%s") { residence { address } }'
        ' b: addressee(code: "x") { code } }',
        'query { addressee(code: "%s") { code fullName } }',
        '{ addressees(first: 50, filter: {residence: {address: {eq: "%s"}}}) { totalCount } }',
    ],
)
async def test_only_the_read_of_that_one_person_uses_it(town: World, document: str) -> None:
    await lifted(town)
    response = await town.ask(ARREARS, SURVEY, document % TANAKA)
    assert response.status_code == 200
    assert SECRET_ADDRESS not in response.text
    assert await uses(town) == [0]


async def test_a_node_and_a_dry_run(town: World) -> None:
    await lifted(town)
    found = await town.data(ARREARS, SURVEY, f'{{ addressee(code: "{TANAKA}") {{ id }} }}')
    node = "query ($i: ID!) { node(id: $i) { ... on Addressee { residence { address } } } }"
    of = {"i": found["addressee"]["id"]}
    dry = await town.ask(ARREARS, SURVEY, node, of, privacy_mode="dry-run")
    assert dry.json()["data"] == {"node": None}
    assert await uses(town) == [0]
    assert (await town.data(ARREARS, SURVEY, node, variables=of))["node"] == {
        "residence": {"address": SECRET_ADDRESS}
    }
    assert await uses(town) == [1]


async def test_it_opens_only_what_the_clearance_allows(town: World) -> None:
    """A branch clerk sees no place of anybody: a lift changes nothing, and is not used."""
    await lifted(town, "ito")
    response = await town.ask("ito", "consultation", PLACE, {"c": TANAKA})
    assert response.json()["data"]["addressee"]["residence"] is None
    assert await uses(town) == [0]


async def test_rows_that_are_left_out_come_back_and_other_persons_do_not(town: World) -> None:
    await lifted(town, classes=["contact", "household"])
    document = """query ($c: String!) { addressee(code: $c) {
      residence { address } contacts { totalCount nodes { value } }
      householdMemberships { nodes { relationship members { totalCount nodes { code } } } }
    } }"""
    person = (await town.data(ARREARS, SURVEY, document, variables={"c": TANAKA}))["addressee"]
    assert person["residence"] is None
    assert person["contacts"] == {
        "totalCount": 1,
        "nodes": [{"value": f"090-0000-{TANAKA[-4:]}"}],
    }
    assert person["householdMemberships"]["nodes"] == [
        {"relationship": "世帯主", "members": {"totalCount": 0, "nodes": []}}
    ]


async def test_two_persons_grant_it_and_neither_is_whom_it_serves(town: World) -> None:
    proposed = await do(town, FIRST, "proposeLift", lift_for())
    one = {"input": {"liftId": proposed["id"]}}
    assert (await seen(town))["residence"] is None
    for_herself = await do(town, FIRST, "proposeLift", lift_for(SECOND))
    mine = {"input": {"liftId": for_herself["id"]}}
    for staff, given in ((FIRST, one), (SECOND, mine)):
        response = await town.ask(staff, PURPOSE, mutation_of("approveLift"), given)
        assert code_of(response.json()) == "WRITE_NOT_ALLOWED"
    await do(town, SECOND, "approveLift", {"liftId": proposed["id"]})
    again = await town.ask(SECOND, PURPOSE, mutation_of("approveLift"), one)
    assert code_of(again.json()) == "STATE_NOT_ALLOWED"


CLOSED = [
    "ends_at = '2020-01-01 00:00:00'",
    "revoked_at = '2020-01-01 00:00:00'",
    "used = uses",
    "approved_by = NULL",
    "approved_by = proposed_by",
    "approved_by = staff_id",
    "path = 'MAIL'",
    "staff_id = 'sato'",
    f"addressee_code = '{KEIKO}'",
    "classes = 'contact'",
]
WANTED = {frozenset({"residence"})}


@pytest.mark.parametrize("closed", CLOSED)
async def test_whatever_closes_it_closes_it(town: World, closed: str) -> None:
    await lifted(town)
    await town.change(f"UPDATE lift SET {closed}")
    assert (await seen(town))["residence"] is None


@pytest.mark.parametrize("closed", [None, *CLOSED[:2], *CLOSED[3:6], *CLOSED[8:]])
async def test_the_statement_that_reads_decides_anew(town: World, closed: str | None) -> None:
    """A lift that was used, and is closed before what it opens is read."""
    await lifted(town)
    database = await Database.open(town.database_url)
    try:
        used = await take(database, User(ARREARS, "session", SURVEY, None), TANAKA, WANTED)
        if closed is not None:
            await town.change(f"UPDATE lift SET {closed}")
        person = sa.literal_column(f"'{TANAKA}'")
        asked = database.compile(sa.select(is_lifted(person, ["residence"])))
        async with database.read() as reader:
            [[holds]] = await reader.rows(asked.sql, asked.arguments({LIFTS: used}))
    finally:
        await database.close()
    assert bool(holds) is (closed is None)


async def test_one_person_revokes_it_at_once(town: World) -> None:
    one = await lifted(town)
    revoked = await do(town, FIRST, "revokeLift", {"liftId": one})
    assert revoked["revokedBy"] == FIRST
    assert (await seen(town))["residence"] is None
    for name in ("approveLift", "revokeLift"):
        response = await town.ask(SECOND, PURPOSE, mutation_of(name), {"input": {"liftId": one}})
        assert code_of(response.json()) == "STATE_NOT_ALLOWED"


async def test_many_at_once_use_it_no_more_often_than_it_says(town: World) -> None:
    await lifted(town, uses=3)
    await seen(town, code=YAMADA)
    answers = await asyncio.gather(*(seen(town) for _ in range(8)))
    assert sum(answer["residence"] is not None for answer in answers) == 3


async def test_each_use_is_recorded_with_its_occasion_and_cannot_be_changed(town: World) -> None:
    before = len(await town.rows("SELECT id FROM lift_use"))
    await lifted(town)
    await town.ask(ARREARS, SURVEY, PLACE, {"c": TANAKA}, case_reference="S-12")
    uses_ = await town.rows("SELECT * FROM lift_use ORDER BY id")
    assert len(uses_) == before + 1
    assert (uses_[-1]["purpose"], uses_[-1]["case_reference"]) == (SURVEY, "S-12")
    [record] = await town.log()
    assert (record["actor"], record["session"]) == (ARREARS, uses_[-1]["session"])
    with pytest.raises(sa.exc.DBAPIError, match="append only"):
        await town.change("DELETE FROM lift_use")


@pytest.mark.parametrize(
    "wrong",
    [
        {"addresseeCode": "nobody"},
        {"staffId": "nobody"},
        {"classes": []},
        {"classes": ["individual-number"]},
        {"classes": ["protection"]},
        {"classes": ["residence", "% OR"]},
        {"endsAt": ahead(-1)},
        {"endsAt": ahead(24 * 40)},
        {"uses": 0},
        {"uses": 101},
        {"reason": " "},
    ],
)
async def test_what_makes_no_lift_is_told(town: World, wrong: dict[str, Any]) -> None:
    given = {"input": lift_for(**wrong)}
    response = await town.ask(FIRST, PURPOSE, mutation_of("proposeLift"), given)
    assert code_of(response.json()) == "BAD_USER_INPUT"


@pytest.mark.parametrize("case", USE_CASES, ids=lambda case: case.name)
async def test_only_a_coordinator_grants_one(town: World, case: Any) -> None:
    given = lift_for() if case.name == "proposeLift" else {"liftId": "x"}
    response = await town.ask(CLERK, "consultation", mutation_of(case.name), {"input": given})
    assert code_of(response.json()) == "WRITE_NOT_ALLOWED"
    assert case.name in mutation_of(case.name)


async def test_lifts_are_a_list_for_coordinators_alone(town: World) -> None:
    await do(town, FIRST, "proposeLift", lift_for())
    document = "{ lifts(filter: {approvedBy: {isNull: true}}) { totalCount } }"
    waiting = await town.data(SECOND, PURPOSE, document)
    assert waiting["lifts"]["totalCount"] >= 1
    refused = await town.ask(CLERK, "consultation", document)
    assert code_of(refused.json()) == "OPERAND_HIDDEN"
