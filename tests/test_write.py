"""The road of a change: a purpose, a right to write, one transaction with its record, then a read.

`kobayashi` is the protection coordinator, `sato` a collection clerk.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from models.graph.graph import GRAPH
from schema.build import graphql_schema
from schema.http.application import use_cases
from schema.mutations.root import SESSION
from tests.test_hostile import code_of
from tests.world import KATO, TANAKA, World

COORDINATOR, CLERK, PURPOSE = "kobayashi", "sato", "protection-measures"
SET = """
mutation ($input: SetSubstituteAddressInput!) {
  set: setSubstituteAddress(input: $input) {
    __typename
    now: proposal { id recipient address postalCode status }
  }
}
"""
GIVEN = {"addresseeCode": KATO, "recipient": "釧路市役所気付 加藤", "address": "黒金町7番5号"}


@pytest.fixture
async def town(world: World) -> AsyncIterator[World]:
    """The town of the module, put back as it was."""
    yield world
    await world.change("DELETE FROM substitute_address_proposal")


async def stored(world: World, code: str = KATO) -> object:
    """The addresses that are proposed for somebody."""
    rows = await world.rows(
        f"SELECT address FROM substitute_address_proposal WHERE addressee_code = '{code}'"
    )
    return [row["address"] for row in rows]


async def test_a_change_is_made_recorded_and_shown(town: World) -> None:
    response = await town.ask(COORDINATOR, PURPOSE, SET, {"input": GIVEN})
    content = response.json()
    now = content["data"]["set"]["now"]
    assert content["data"]["set"]["__typename"] == "SetSubstituteAddressPayload"
    assert (now["recipient"], now["address"], now["postalCode"], now["status"]) == (
        "釧路市役所気付 加藤",
        "黒金町7番5号",
        None,
        "PROPOSED",
    )
    written, read = await town.log(2)
    assert (written["kind"], written["outcome"], read["kind"]) == ("WRITE", "OK", "READ")
    assert json.loads(written["persons"]) == json.loads(read["persons"]) == [KATO]
    assert ["SubstituteAddress.address", "write", "shown"] in json.loads(written["coordinates"])
    assert written["normal_form"].startswith("mutation {setSubstituteAddress(input: ?) {")
    assert "黒金町" not in json.dumps([written, read], default=str, ensure_ascii=False)
    assert await stored(town) == ["黒金町7番5号"]


async def test_literals_of_the_document_count_as_variables_do(town: World) -> None:
    document = (
        'mutation { setSubstituteAddress(input: {addresseeCode: "%s", address: "局留", recipient:'
        " null}) { proposal { address recipient } } }"
    )
    found = await town.data(COORDINATOR, PURPOSE, document % KATO)
    assert found["setSubstituteAddress"]["proposal"] == {
        "address": "局留",
        "recipient": None,
    }
    [written, _] = await town.log(2)
    assert "局留" not in written["normal_form"]


@pytest.mark.parametrize(
    "document",
    [
        'mutation ($g: SetSubstituteAddressInput = {addresseeCode: "x"})'
        " { setSubstituteAddress(input: $g) { substituteAddress { address } } }",
        'mutation ($g: ID = "x")'
        " { withdrawMeasureEnd(input: {measureId: $g}) { protectiveMeasure { id } } }",
        'mutation ($g: String = "x")'
        f' {{ proposeFlagEnd(input: {{addresseeCode: "{KATO}", flag: DV_FLAG, reason: $g}})'
        " { protectiveMeasure { id } } }",
    ],
)
async def test_a_default_that_is_given_as_null_is_refused(town: World, document: str) -> None:
    """It crashed, and a reason that nobody gave was stored as one."""
    before = await town.rows("SELECT count(*) FROM protective_measure")
    response = await town.ask(COORDINATOR, PURPOSE, document, {"g": None})
    assert (response.status_code, code_of(response.json())) == (400, "BAD_USER_INPUT")
    [record] = await town.log(1)
    assert (record["kind"], record["outcome"]) == ("WRITE", "BAD_USER_INPUT")
    assert await town.rows("SELECT count(*) FROM protective_measure") == before


@pytest.mark.parametrize(
    ("staff", "purpose", "status", "code"),
    [
        (CLERK, "consultation", 403, "WRITE_NOT_ALLOWED"),
        (CLERK, PURPOSE, 403, "PURPOSE_NOT_ALLOWED"),
        (COORDINATOR, None, 403, "PURPOSE_REQUIRED"),
    ],
)
async def test_who_may_not_write_changes_nothing_and_is_on_the_log(
    town: World, staff: str, purpose: str | None, status: int, code: str
) -> None:
    response = await town.ask(staff, purpose, SET, {"input": GIVEN})
    assert (response.status_code, code_of(response.json())) == (status, code)
    [record] = await town.log()
    assert (record["kind"], record["actor"], record["outcome"]) == ("WRITE", staff, code)
    assert await stored(town) == []


async def test_without_a_session_nothing_is_changed(town: World) -> None:
    response = await town.post(SET, {"input": GIVEN}, purpose_of_use=PURPOSE)
    assert code_of(response.json()) == "UNAUTHENTICATED"
    [record] = await town.log()
    assert (record["kind"], record["actor"]) == ("WRITE", None)
    assert await stored(town) == []


@pytest.mark.parametrize("code", ["000000000009999", "nobody", "９", "' OR 1=1"])
async def test_a_person_who_is_not_there_cannot_be_changed(town: World, code: str) -> None:
    given = GIVEN | {"addresseeCode": code}
    response = await town.ask(COORDINATOR, PURPOSE, SET, {"input": given})
    assert (response.status_code, code_of(response.json())) == (400, "BAD_USER_INPUT")
    assert code not in response.text


async def test_a_rule_of_the_trade_is_told_and_nothing_is_half_written(town: World) -> None:
    response = await town.ask(
        COORDINATOR, PURPOSE, SET, {"input": GIVEN | {"postalCode": "085-850"}}
    )
    message = response.json()["errors"][0]["message"]
    assert "seven digits" in message
    assert "085-8505" not in message
    assert await stored(town) == []


async def test_the_modes_hold_before_anything_is_changed(town: World) -> None:
    dry = await town.ask(COORDINATOR, PURPOSE, SET, {"input": GIVEN}, privacy_mode="dry-run")
    assert dry.json()["data"] == {"set": None}
    assert await stored(town) == []


@pytest.mark.parametrize(
    "beside",
    ["two: setSubstituteAddress(input: $input) { __typename }", "signOut { signedOut }"],
)
async def test_one_operation_changes_one_thing(town: World, beside: str) -> None:
    document = f"{SET.rstrip().removesuffix('}')} {beside} }}"
    response = await town.ask(COORDINATOR, PURPOSE, document, {"input": GIVEN})
    assert code_of(response.json()) == "LIMIT_EXCEEDED"
    assert await stored(town) == []


async def test_a_change_that_is_skipped_is_none(town: World) -> None:
    document = SET.replace("(input: $input) {", "(input: $input) @skip(if: true) {", 1)
    response = await town.ask(COORDINATOR, PURPOSE, document, {"input": GIVEN})
    assert code_of(response.json()) == "BAD_USER_INPUT"
    assert await stored(town) == []


async def test_without_the_log_nothing_is_changed(town: World) -> None:
    """The record is in the transaction of the change: one that cannot be written undoes it."""
    before = await stored(town, TANAKA)
    await town.ask(COORDINATOR, PURPOSE, "{ __typename }")  # who is signed in needs no record of it
    await town.change("ALTER TABLE access_log RENAME TO moved_away")
    try:
        given = GIVEN | {"addresseeCode": TANAKA, "address": "elsewhere"}
        response = await town.ask(COORDINATOR, PURPOSE, SET, {"input": given})
    finally:
        await town.change("ALTER TABLE moved_away RENAME TO access_log")
    assert (response.status_code, code_of(response.json())) == (503, "UNAVAILABLE")
    assert await stored(town, TANAKA) == before


def test_every_mutation_has_a_use_case_and_every_use_case_a_mutation() -> None:
    mutation = graphql_schema().mutation_type
    assert mutation is not None
    made = {case.name: case for case in use_cases()}
    assert set(mutation.fields) == set(made) | SESSION
    for case in made.values():
        assert case.asks(), case.name
        assert {coordinate for coordinate, _ in case.asks()} <= set(GRAPH.classes), case.name
