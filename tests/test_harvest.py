"""Harvest over HTTP: how many persons somebody may look up in an hour, and what counts as one."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
import redis

from authz.errors import HarvestLimit, Unavailable
from authz.policy.budgets import budgets_of, ledgers_of
from authz.policy.store import check_first_policy
from authz.redis.connection import connect
from authz.redis.embedded import EmbeddedRedis
from authz.sessions.lookup_budget import HOUR_MS, Harvest
from models.store.database import Database
from tests.conftest import NewDatabase
from tests.world import (
    HANAKO,
    KATO,
    KEIKO,
    NISHI,
    NUMBER,
    SUZUKI,
    TANAKA,
    TANAKA_BEFORE,
    YAMADA,
    World,
    make_stores,
    running,
    settings_of,
)

CLERK, COORDINATOR, HANDLER, SECTION_CLERK = "sato", "kobayashi", "nakamura", "watanabe"
BUDGETS = {
    ("any", "any", "any"): 6,
    ("collection-clerk", "refund", "any"): 4,
    ("protection-coordinator", "any", "any"): 3,
    ("any", "any", "individual-number"): 2,
}
ONE = "query ($code: String!) { addressee(code: $code) { fullName } }"
UNKNOWN = itertools.count()
EVERYBODY = [YAMADA, HANAKO, TANAKA, TANAKA_BEFORE, KEIKO, SUZUKI, KATO, NISHI]


@pytest.fixture(scope="module")
async def town(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The small town, with budgets as small."""
    folder = tmp_path_factory.mktemp("harvest")
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, folder)
    database = Database(database_url)
    async with database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM harvest_budget")
        for key, persons in BUDGETS.items():
            words = ", ".join(f"'{word}'" for word in key)
            await connection.exec_driver_sql(
                "INSERT INTO harvest_budget (role, purpose, sensitivity, persons, why)"
                f" VALUES ({words}, {persons}, 'few')"
            )
    await database.close()
    async with running(
        settings_of(database_url, numbers_url, valkey.url, folder), passwords
    ) as world:
        yield world


@pytest.fixture(autouse=True)
def new_hour(valkey: EmbeddedRedis) -> None:
    """Nobody has looked anybody up yet; sessions stay."""
    forget_hours(valkey.url)


def forget_hours(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter("{atena}harvest:*"):
            client.delete(key)


async def one(town: World, code: str, purpose: str = "consultation") -> httpx2.Response:
    return await town.ask(CLERK, purpose, ONE, {"code": code})


async def left(town: World, staff_id: str = CLERK, purpose: str = "consultation") -> int:
    """How many more persons fit: asked for one after the other, until one does not."""
    for number in range(100):
        response = await town.ask(staff_id, purpose, ONE, {"code": f"9{next(UNKNOWN)}"})
        if response.status_code == 429:
            return number
    raise AssertionError("no budget")


def refused(response: httpx2.Response) -> bool:
    if response.status_code != 429:
        return False
    assert response.json()["errors"][0]["extensions"] == {"code": "HARVEST_LIMIT"}
    assert "data" not in response.json()
    assert 0 < int(response.headers["retry-after"]) <= 3600
    return True


async def test_beyond_the_budget_nobody_is_shown_and_the_auditor_is_told(
    town: World, caplog: pytest.LogCaptureFixture
) -> None:
    for code in EVERYBODY[:6]:
        assert (await one(town, code)).status_code == 200
    with caplog.at_level(logging.WARNING, "atena.alert"):
        assert refused(await one(town, EVERYBODY[6]))
    [alert] = caplog.messages
    assert CLERK in alert
    assert "consultation" in alert
    assert EVERYBODY[6] not in alert
    [record] = await town.log()
    assert (record["actor"], record["outcome"], record["person_count"]) == (
        CLERK,
        "HARVEST_LIMIT",
        0,
    )
    assert "Addressee.fullName" in record["coordinates"]


async def test_a_person_counts_once_an_hour(town: World) -> None:
    for _ in range(3):
        for code in EVERYBODY[:6]:
            assert (await one(town, code)).status_code == 200
    assert refused(await one(town, EVERYBODY[6]))
    assert (await one(town, EVERYBODY[0])).status_code == 200


@pytest.mark.parametrize(
    ("staff_id", "code"),
    [(SECTION_CLERK, YAMADA), (SECTION_CLERK, TANAKA), (SECTION_CLERK, "8"), (CLERK, TANAKA)],
    ids=["found", "outside the population", "unknown", "covered"],
)
async def test_whoever_is_asked_for_by_code_costs_one(
    town: World, staff_id: str, code: str
) -> None:
    assert (await town.ask(staff_id, "consultation", ONE, {"code": code})).status_code == 200
    assert await left(town, staff_id) == 5


@pytest.mark.parametrize("code", [YAMADA, TANAKA, "8", "", "x" * 5000, "@", "#"])
async def test_the_refusal_does_not_depend_on_who_is_there(town: World, code: str) -> None:
    await left(town)
    told = (await one(town, code)).json()
    assert told == (await one(town, "777")).json()
    assert told["errors"][0]["extensions"]["code"] == "HARVEST_LIMIT"


async def test_no_operand_reaches_the_counters_themselves(town: World) -> None:
    for code in ("#", "@", "p", "p" + YAMADA):
        await one(town, code)
    assert await left(town) == 2


async def test_a_list_takes_its_page_and_gives_back_what_it_did_not_show(town: World) -> None:
    document = "query ($n: Int!) { addressees(first: $n) { nodes { fullName } } }"
    assert refused(await town.ask(CLERK, "refund", document, {"n": 5}))
    for _ in range(3):
        response = await town.ask(CLERK, "refund", document, {"n": 3})
        assert response.json()["data"]["addressees"]["nodes"] == [{"fullName": "加藤 翔"}]
    assert await left(town, CLERK, "refund") == 3


async def test_a_person_beyond_an_edge_counts_too(town: World) -> None:
    document = """query ($code: String!) { addressee(code: $code) {
        householdMemberships(first: 1) { nodes { members(first: 3) { nodes { code } } } } } }"""
    asked = await town.ask("yamamoto", "addressee-management", document, {"code": YAMADA})
    assert asked.status_code == 200
    assert HANAKO in asked.text
    assert await left(town, "yamamoto", "addressee-management") == 4


async def test_two_at_once_cannot_both_take_the_last(town: World) -> None:
    await one(town, YAMADA)
    responses = await asyncio.gather(*(one(town, f"8{number}") for number in range(20)))
    assert sum(response.status_code == 200 for response in responses) == 5
    assert sum(map(refused, responses)) == 15


async def test_a_count_costs_each_time(town: World) -> None:
    document = "{ addressees(first: 0) { totalCount } }"
    # The first row is read for the log too, and is the same person each time.
    costs = [(await town.ask(CLERK, "consultation", document)).status_code for _ in range(6)]
    assert costs == [200] * 4 + [429] * 2


async def test_every_value_of_a_filter_is_a_question(town: World) -> None:
    document = """query ($codes: [String!]!) {
        addressees(first: 1, filter: {code: {in: $codes}}) { nodes { code } } }"""
    seven = [f"8{number}" for number in range(7)]
    assert refused(await town.ask(CLERK, "consultation", document, {"codes": seven}))
    asked = await town.ask(CLERK, "consultation", document, {"codes": [YAMADA, "81", "82"]})
    assert asked.json()["data"]["addressees"]["nodes"] == [{"code": YAMADA}]
    assert await left(town) == 3


async def test_a_list_that_finds_nobody_costs_one(town: World) -> None:
    document = '{ addressees(first: 3, filter: {fullName: {eq: "誰"}}) { nodes { code } } }'
    assert (await town.ask(CLERK, "consultation", document)).status_code == 200
    assert await left(town) == 5


async def test_each_purpose_and_role_has_its_own_budget(town: World) -> None:
    assert await left(town) == 6
    assert await left(town, CLERK, "refund") == 4
    assert await left(town, COORDINATOR, "protection-measures") == 3
    assert await left(town, "takahashi") == 6


async def test_numbers_have_a_budget_of_their_own(town: World) -> None:
    document = (
        "query ($n: IndividualNumber!)"
        " { addresseeByIndividualNumber(individualNumber: $n) { code } }"
    )
    for number, status in ((NUMBER, 200), ("123456789012", 200), ("123456789013", 429)):
        response = await town.ask(
            HANDLER, "addressee-matching", document, {"n": number}, case_reference="C-1"
        )
        assert response.status_code == status
    assert await left(town, HANDLER, "addressee-matching") == 4


async def test_a_refused_change_tells_as_much_as_a_miss(town: World) -> None:
    document = """mutation ($input: SetSubstituteAddressInput!) {
        setSubstituteAddress(input: $input) { __typename } }"""
    statuses = []
    for number in range(4):
        given = {"addresseeCode": f"8{number}", "address": "局留"}
        response = await town.ask(COORDINATOR, "protection-measures", document, {"input": given})
        statuses.append(response.status_code)
    assert statuses == [400, 400, 400, 429]
    [record] = await town.log()
    assert (record["kind"], record["outcome"]) == ("WRITE", "HARVEST_LIMIT")


@pytest.mark.parametrize(
    ("staff_id", "code"),
    [(SECTION_CLERK, YAMADA), (SECTION_CLERK, TANAKA), (SECTION_CLERK, "8"), (CLERK, TANAKA)],
    ids=["found", "outside the population", "unknown", "stopped"],
)
async def test_asking_to_issue_costs_one(town: World, staff_id: str, code: str) -> None:
    document = """mutation ($code: String!) { issueDocument(input: {addresseeCode: $code,
        path: COUNTER, document: ANSWER}) { content { fullName } } }"""
    await town.ask(staff_id, "consultation", document, {"code": code})
    assert await left(town, staff_id) == 5


async def test_a_change_counts_whom_it_changes(town: World) -> None:
    document = """mutation ($input: SetSubstituteAddressInput!) {
        setSubstituteAddress(input: $input) { proposal { address } } }"""
    given = {"addresseeCode": TANAKA, "address": "釧路市役所気付"}
    for _ in range(2):
        await town.data(COORDINATOR, "protection-measures", document, variables={"input": given})
    assert await left(town, COORDINATOR, "protection-measures") == 2


async def test_a_change_does_not_count_whom_its_actor_did_not_name(town: World) -> None:
    """Whom a measure covers, and with whom somebody lives, is told by no count."""
    document = """mutation ($input: RecordMeasureInput!) {
        recordMeasure(input: $input) { protectiveMeasure { id } } }"""
    given = {"addresseeCode": YAMADA, "kind": "STALKING", "decidingMunicipalityCode": "012068"}
    found = await town.data(
        COORDINATOR, "protection-measures", document, variables={"input": given}
    )
    assert await left(town, COORDINATOR, "protection-measures") == 2, "hanako lives with yamada"
    document = """mutation ($id: ID!) { amendMeasure(input: {measureId: $id, note: "x"}) {
        __typename } }"""
    measure = {"id": found["recordMeasure"]["protectiveMeasure"]["id"]}
    for code in (YAMADA, KATO):
        forget_hours(town.redis_url)
        await town.data(COORDINATOR, "protection-measures", ONE, variables={"code": code})
        await town.data(COORDINATOR, "protection-measures", document, variables=measure)
        assert await left(town, COORDINATOR, "protection-measures") == 1, code
    await forget_measures(town)


async def test_a_counterparty_who_is_there_costs_one(town: World) -> None:
    """Else one measure would tell of any number of codes whether they are somebody's."""
    document = """mutation ($input: RecordMeasureInput!) {
        recordMeasure(input: $input) { __typename } }"""
    given = {"addresseeCode": KATO, "kind": "STALKING"}
    for counterparty in (SUZUKI, NISHI):
        asked = {"input": given | {"counterpartyAddresseeCode": counterparty}}
        await town.data(COORDINATOR, "protection-measures", document, variables=asked)
    written, _ = await town.log(2)
    assert json.loads(written["persons"]) == [KATO]
    assert await left(town, COORDINATOR, "protection-measures") == 0
    await forget_measures(town)


async def test_what_is_not_executed_costs_nothing(town: World) -> None:
    for _ in range(8):
        dry = await town.ask(CLERK, "consultation", ONE, {"code": YAMADA}, privacy_mode="dry-run")
        assert dry.status_code == 200
        await town.ask(
            CLERK, "consultation", "{ viewer { id } transferDefinitions { totalCount } }"
        )
    assert await left(town) == 6


async def test_the_counters_hold_no_code_of_anybody(town: World) -> None:
    """Neither of whom somebody asked for nor of whom they were told."""
    for code in (YAMADA, "8"):
        assert (await one(town, code)).status_code == 200
    await town.ask(CLERK, "consultation", "{ addressees(first: 3) { nodes { code } } }")
    with redis.Redis.from_url(town.redis_url) as client:
        sets = [client.smembers(key) for key in client.scan_iter("{atena}harvest:*:persons")]
    members = {member.decode() for members in sets for member in members}
    assert {len(member) for member in members} == {0, 32}
    assert not members & {*EVERYBODY, "8", "8".zfill(15)}


async def test_an_hour_ends_as_a_whole(redis_url: str) -> None:
    client = connect(redis_url)
    harvest = Harvest(client, b"key")
    ledgers = (("any", 2),)
    held = await harvest.hold("a", "p", ledgers, 2, [])
    with pytest.raises(HarvestLimit):
        await harvest.hold("a", "p", ledgers, 1, [])
    assert 0 < await client.pttl("{atena}harvest:a:p:any") <= HOUR_MS
    await client.delete("{atena}harvest:a:p:any")
    again = await harvest.hold("a", "p", ledgers, 1, [])
    # What belongs to the hour before changes nothing now.
    harvest.settle(held, 0, ["1", "2"])
    await harvest.close()
    with pytest.raises(HarvestLimit):
        await harvest.hold("a", "p", ledgers, 2, [])
    assert again.hours != held.hours
    await harvest.close()
    await client.aclose()


async def test_without_redis_nothing_is_counted_and_nothing_shown() -> None:
    client = connect("unix:///nowhere/at/all")
    with pytest.raises(Unavailable):
        await Harvest(client, b"key").hold("a", "p", (("any", 2),), 1, [])


def test_without_a_row_the_budget_is_nobody() -> None:
    """A store from which the rows were removed shows nobody."""
    policy = check_first_policy()
    empty = type(policy.reference)(
        policy.reference.purposes, policy.reference.role_purposes, policy.reference.role_populations
    )
    none = budgets_of(empty, ["collection-clerk"], "consultation")
    assert ledgers_of(none, ["name"]) == (("any", 0),)
    usual = budgets_of(policy.reference, ["collection-clerk"], "consultation")
    assert ledgers_of(usual, ["name"]) == (("any", 200),)
    assert ledgers_of(usual, ["name", "individual-number"])[1:] == (("individual-number", 60),)


# -- protection waits for no hour to end ----------------------------------------------------------

RECORD = """mutation ($input: RecordMeasureInput!) { recordMeasure(input: $input) {
    protectiveMeasure { id kind persons { nodes { addressee { code fullName } } }
        addressee { code fullName residence { address } } counterparty { fullName } } } }"""
BEYOND = {
    "data": {"recordMeasure": {"protectiveMeasure": None}},
    "extensions": {"privacy": {"hidden": [], "obligations": [], "beyondBudget": True}},
}


async def record(town: World, code: str, **others: object) -> httpx2.Response:
    given = {"addresseeCode": code, "kind": "STALKING", "decidingMunicipalityCode": "012068"}
    return await town.ask(
        COORDINATOR, "protection-measures", RECORD, {"input": {**given, **others}}
    )


async def covered(town: World, *codes: str) -> set[str]:
    """Who of these is covered, as another role is told."""
    document = """query ($c: String!) { addressee(code: $c) { handling { stopOutput } } }"""
    found = {
        code: await town.data("takahashi", "consultation", document, variables={"c": code})
        for code in codes
    }
    return {code for code, data in found.items() if data["addressee"]["handling"]}


async def test_protection_goes_beyond_the_budget_and_tells_nothing(
    town: World, caplog: pytest.LogCaptureFixture
) -> None:
    await left(town, COORDINATOR, "protection-measures")
    with caplog.at_level(logging.WARNING, "atena.alert"):
        alone = await record(town, KATO, counterpartyAddresseeCode=SUZUKI)
    assert sum("beyond the harvest limit" in message for message in caplog.messages) == 1
    assert COORDINATOR in caplog.messages[-1]
    limit, written = await town.log(2)
    assert [(each["kind"], each["outcome"]) for each in (limit, written)] == [
        ("WRITE", "HARVEST_LIMIT"),
        ("WRITE", "OK"),
    ]
    assert (limit["person_count"], written["person_count"]) == (0, 1)
    # With a household, which is covered too, it is the same answer.
    household = await record(town, YAMADA, otherPersons=[NISHI])
    assert alone.status_code == household.status_code == 200
    assert alone.json() == BEYOND
    assert alone.content == household.content
    assert await covered(town, KATO, YAMADA, HANAKO, SUZUKI) == {KATO, YAMADA, HANAKO}
    for document, asked in ((ONE, {"code": KATO}), ("{ protectiveMeasures { totalCount } }", {})):
        assert refused(await town.ask(COORDINATOR, "protection-measures", document, asked))
    await forget_measures(town)


async def test_what_is_refused_beyond_the_budget_is_refused_alike(town: World) -> None:
    before = await town.rows("SELECT count(*) AS n FROM protective_measure")
    await left(town, COORDINATOR, "protection-measures")
    answers = [
        await record(town, "8"),
        await record(town, KATO, decidingMunicipalityCode="012069"),
        await record(town, KATO, counterpartyAddresseeCode=KATO),
        await record(town, KATO, counterpartyAddresseeCode="8"),
        await record(town, KATO, otherPersons=["8"]),
    ]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].status_code == 400
    assert answers[0].json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert await town.rows("SELECT count(*) AS n FROM protective_measure") == before
    assert await covered(town, KATO, SUZUKI) == set()


async def test_whoever_asks_for_more_than_is_left_is_counted_all_the_same(town: World) -> None:
    """A payload that could tell of many is not shown, and the change costs one."""
    wide = "persons(first: 50) { nodes { addressee { code } } }"
    document = RECORD.replace("persons { nodes { addressee { code fullName } } }", wide)
    given = {"addresseeCode": KATO, "kind": "STALKING", "decidingMunicipalityCode": "012068"}
    found = await town.ask(COORDINATOR, "protection-measures", document, {"input": given})
    assert found.json() == BEYOND
    assert await left(town, COORDINATOR, "protection-measures") == 2
    await forget_measures(town)


@pytest.mark.parametrize(
    "name", ["proposeMeasureEnd", "confirmMeasureEnd", "approveLift", "confirmHouseholdExclusion"]
)
async def test_what_lowers_protection_waits(town: World, name: str) -> None:
    await left(town, COORDINATOR, "protection-measures")
    argument = {"approveLift": "liftId", "confirmHouseholdExclusion": "exclusionId"}.get(
        name, "measureId"
    )
    reason = ', reason: "x"' if name == "proposeMeasureEnd" else ""
    document = f'mutation {{ {name}(input: {{{argument}: "x"{reason}}}) {{ __typename }} }}'
    assert refused(await town.ask(COORDINATOR, "protection-measures", document))


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("amendMeasure", "measureId"),
        ("withdrawMeasureEnd", "measureId"),
        ("includeHouseholdMember", "exclusionId"),
        ("revokeLift", "liftId"),
    ],
)
async def test_whatever_protects_does_not_wait(town: World, name: str, argument: str) -> None:
    await left(town, COORDINATOR, "protection-measures")
    document = f'mutation {{ {name}(input: {{{argument}: "x"}}) {{ __typename }} }}'
    response = await town.ask(COORDINATOR, "protection-measures", document)
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


async def forget_measures(town: World) -> None:
    """Put the town back as it was."""
    for statement in (
        "DELETE FROM covered_person",
        "DELETE FROM protective_measure WHERE kind <> 'UNSPECIFIED'",
        f"DELETE FROM handling WHERE addressee_code IN ('{KATO}', '{YAMADA}', '{HANAKO}')",
    ):
        await town.change(statement)
