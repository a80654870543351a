"""Entering why care is due and ending it, over HTTP: what everybody else sees of it, and when.

`kobayashi` and `mori` are the protection coordinators.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from models.graph.graph import GRAPH
from resolvers.protection import household_exclusion as household_exclusions
from resolvers.protection import protective_measure as measures
from schema.build import graphql_schema
from tests.test_hostile import code_of
from tests.test_promises import ARREARS, CLERK, codes
from tests.world import (
    HANAKO,
    KATO,
    KEIKO,
    NISHI,
    SUZUKI,
    TANAKA,
    TANAKA_BEFORE,
    YAMADA,
    World,
    owing,
)

FIRST, SECOND, PURPOSE = "kobayashi", "mori", "protection-measures"
SURVEY = "field-survey"

MEASURE = """protectiveMeasure {
  id kind status endsOn decidingMunicipalityCode counterpartyName endProposedBy endConfirmedBy
  addressee { code } counterparty { code }
  persons { nodes { addressee { code } } }
}"""
EXCLUSION = "householdExclusion { id status proposedBy confirmedBy }"
SHOWS = {"householdExclusion": EXCLUSION, "protectiveMeasure": MEASURE}

CLEARED = (
    "DELETE FROM covered_person",
    "DELETE FROM protective_measure WHERE kind <> 'UNSPECIFIED'",
    "DELETE FROM household_exclusion",
    "DELETE FROM handling_notice",
)


@pytest.fixture
async def town(world: World) -> AsyncIterator[World]:
    """The town of the module; what a test entered is taken back."""
    before = await handling(world)
    yield world
    for statement in CLEARED:
        await world.change(statement)
    for code in (YAMADA, HANAKO, KATO, SUZUKI):
        if code not in before:
            await world.change(f"DELETE FROM handling WHERE addressee_code = '{code}'")
    for code in (TANAKA, KEIKO, NISHI):
        await world.change(
            f"UPDATE handling SET address_withheld = {before[code][0]},"
            f" stop_output = {before[code][1]} WHERE addressee_code = '{code}'"
        )
    await world.change(f"UPDATE addressee SET dv_flag = true WHERE code = '{TANAKA}'")


async def handling(world: World) -> dict[str, tuple[bool, bool]]:
    """Every obligation, as the clerk is told."""
    document = (
        "{ addressees(first: 50) { nodes { code handling { addressWithheld stopOutput } } } }"
    )
    found = await world.data(CLERK, "consultation", document)
    return {
        node["code"]: (node["handling"]["addressWithheld"], node["handling"]["stopOutput"])
        for node in found["addressees"]["nodes"]
        if node["handling"]
    }


def mutation(name: str) -> str:
    """The document of a mutation, with everything of the row that it shows."""
    made = graphql_schema().mutation_type
    assert made is not None
    field = made.fields[name]
    shown = SHOWS[next(iter(field.type.fields))]  # type: ignore[union-attr]
    head = f"mutation ($input: {field.args['input'].type})"
    return f"{head} {{ {name}(input: $input) {{ {shown} }} }}"


async def do(
    world: World, staff: str, name: str, given: Mapping[str, Any], purpose: str = PURPOSE
) -> Any:
    """A mutation that must go well: the row that it shows."""
    found = await world.data(staff, purpose, mutation(name), variables={"input": dict(given)})
    return next(iter(found[name].values()))


async def refused(world: World, staff: str, name: str, given: Mapping[str, Any]) -> str:
    """The code with which a mutation is refused."""
    response = await world.ask(staff, PURPOSE, mutation(name), {"input": dict(given)})
    assert response.status_code in {400, 403}, response.text
    [record] = await world.log()
    assert (record["kind"], record["outcome"]) == ("WRITE", code_of(response.json()))
    return code_of(response.json())


async def place(world: World, code: str) -> Any:
    """The residence, as a clerk gets it."""
    document = "query ($c: String!) { addressee(code: $c) { residence { address } } }"
    found = await world.data(CLERK, "consultation", document, variables={"c": code})
    return found["addressee"]["residence"]


VIOLENCE = {
    "addresseeCode": YAMADA,
    "kind": "SPOUSAL_VIOLENCE",
    "decidingMunicipalityCode": "011002",
    "counterpartyName": "加藤 翔",
    "counterpartyAddresseeCode": KATO,
    "requestedOn": "2026-11-01",
    "endsOn": "2027-10-31",
    "note": "札幌市からの通知",
}


async def test_a_request_protects_at_once_with_the_household(town: World) -> None:
    assert await place(town, YAMADA) is not None
    shown = await do(town, FIRST, "recordMeasure", VIOLENCE | {"otherPersons": [SUZUKI]})
    assert (shown["kind"], shown["status"]) == ("SPOUSAL_VIOLENCE", "REQUESTED")
    assert shown["decidingMunicipalityCode"] == "011002"
    assert shown["counterparty"] == {"code": KATO}
    persons = {node["addressee"]["code"] for node in shown["persons"]["nodes"]}
    assert persons == {YAMADA, SUZUKI}
    for code in (YAMADA, HANAKO, SUZUKI):
        assert await place(town, code) is None
        assert (await handling(town))[code] == (True, True)
    assert await place(town, KATO) is not None
    written = [row for row in await town.log(20) if row["kind"] == "WRITE"][-1]
    assert set(json.loads(written["persons"])) == {YAMADA, HANAKO, SUZUKI}
    assert "札幌" not in json.dumps(written, default=str, ensure_ascii=False)


@pytest.mark.parametrize(
    "days",
    [
        {"startsOn": "2026-11-02", "endsOn": "2026-11-01"},
        {"requestedOn": "2026-11-02", "decidedOn": "2026-11-01"},
        {"requestedOn": "2199-01-01"},
        {"decidedOn": "2199-01-01"},
        {"startsOn": "2199-01-01"},
        {"endsOn": "2199-01-01"},
    ],
)
async def test_a_measure_whose_days_cannot_be_is_refused(
    town: World, days: Mapping[str, str]
) -> None:
    given = {name: day for name, day in VIOLENCE.items() if not name.endswith("On")} | dict(days)
    assert await refused(town, FIRST, "recordMeasure", given) == "BAD_USER_INPUT"
    shown = await do(town, FIRST, "recordMeasure", VIOLENCE | {"startsOn": "2026-11-01"})
    amended = {"measureId": shown["id"]} | dict(days)
    assert await refused(town, SECOND, "amendMeasure", amended) == "BAD_USER_INPUT"
    alone = {"measureId": shown["id"], "endsOn": "2026-10-31"}
    assert await refused(town, SECOND, "amendMeasure", alone) == "BAD_USER_INPUT"


@pytest.mark.parametrize("sign", ["\u200b", "\u202e", "\u2066", "\ufeff", "\x07", "\ufffd"])
@pytest.mark.parametrize("field", ["counterpartyName", "note"])
async def test_a_text_that_is_not_seen_as_it_is_is_refused(
    town: World, field: str, sign: str
) -> None:
    given = VIOLENCE | {field: f"加藤{sign}翔"}
    assert await refused(town, FIRST, "recordMeasure", given) == "BAD_USER_INPUT"


async def test_a_text_keeps_its_lines_and_the_forms_of_its_signs(town: World) -> None:
    note = "髙\U000e0100橋\u3000様より\n電話"
    given = VIOLENCE | {"note": note, "addresseeCode": f"\u200e{YAMADA}"}
    assert (await do(town, FIRST, "recordMeasure", given))["status"] == "REQUESTED"
    found = await town.data(FIRST, PURPOSE, "{ protectiveMeasures(first: 50) { nodes { note } } }")
    assert note in [one["note"] for one in found["protectiveMeasures"]["nodes"]]


async def test_who_is_not_cleared_for_protection_sees_nothing_of_a_measure(town: World) -> None:
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    document = """query ($c: String!) { addressee(code: $c) {
      protectiveMeasures { totalCount } coverages { totalCount } counterpartyOf { totalCount }
      householdExclusions { totalCount } lifts { totalCount } handlingNotices { totalCount }
    } }"""
    for staff, purpose in ((CLERK, "consultation"), (ARREARS, "delinquency")):
        found = await town.data(staff, purpose, document, variables={"c": YAMADA})
        assert set(found["addressee"].values()) == {None}
    lists = "{ protectiveMeasures { totalCount } lifts { totalCount } }"
    found = await town.data(CLERK, "collection-management", lists)
    assert found == {"protectiveMeasures": None, "lifts": None}


async def test_the_coordinator_finds_it_from_every_side(town: World) -> None:
    await do(town, FIRST, "recordMeasure", VIOLENCE | {"otherPersons": [HANAKO]})
    document = """query ($c: String!) { addressee(code: $c) {
      protectiveMeasures { nodes { kind } } coverages { nodes { measure { kind } } }
      counterpartyOf { nodes { addressee { code } } }
    } }"""
    his = await town.data(FIRST, PURPOSE, document, variables={"c": YAMADA})
    assert his["addressee"]["protectiveMeasures"]["nodes"] == [{"kind": "SPOUSAL_VIOLENCE"}]
    hers = await town.data(FIRST, PURPOSE, document, variables={"c": HANAKO})
    assert hers["addressee"]["coverages"]["nodes"] == [{"measure": {"kind": "SPOUSAL_VIOLENCE"}}]
    other = await town.data(FIRST, PURPOSE, document, variables={"c": KATO})
    assert other["addressee"]["counterpartyOf"]["nodes"] == [{"addressee": {"code": YAMADA}}]


async def test_an_end_takes_two_and_says_so(town: World) -> None:
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE | {"decidedOn": "2026-11-05"})
    assert measure["status"] == "IN_FORCE"
    one = {"measureId": measure["id"]}
    assert await refused(town, SECOND, "confirmMeasureEnd", one) == "STATE_NOT_ALLOWED"
    why = one | {"reason": "本人の申出"}
    proposed = await do(town, FIRST, "proposeMeasureEnd", why)
    assert (proposed["status"], proposed["endProposedBy"]) == ("END_PROPOSED", FIRST)
    assert await refused(town, FIRST, "confirmMeasureEnd", one) == "WRITE_NOT_ALLOWED"
    assert await refused(town, FIRST, "proposeMeasureEnd", why) == "STATE_NOT_ALLOWED"
    assert await place(town, YAMADA) is None
    ended = await do(town, SECOND, "confirmMeasureEnd", one)
    assert (ended["status"], ended["endConfirmedBy"]) == ("ENDED", SECOND)
    assert await place(town, YAMADA) is not None
    assert YAMADA not in await handling(town)
    for name, given in (
        ("confirmMeasureEnd", one), ("withdrawMeasureEnd", one), ("proposeMeasureEnd", why),
        ("amendMeasure", one | {"note": "x"}),
    ):  # fmt: skip
        assert await refused(town, SECOND, name, given) == "STATE_NOT_ALLOWED"


async def test_an_end_leaves_what_anything_else_asks_for(town: World) -> None:
    first = await do(town, FIRST, "recordMeasure", VIOLENCE)
    other = VIOLENCE | {"addresseeCode": HANAKO, "decidingMunicipalityCode": "131016"}
    await do(town, FIRST, "recordMeasure", other)
    one = {"measureId": first["id"]}
    await do(town, FIRST, "proposeMeasureEnd", one | {"reason": "期間満了"})
    await do(town, SECOND, "confirmMeasureEnd", one)
    assert (await handling(town))[YAMADA] == (True, True)


async def test_a_proposal_can_be_withdrawn(town: World) -> None:
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
    one = {"measureId": measure["id"]}
    await do(town, FIRST, "proposeMeasureEnd", one | {"reason": "誤り"})
    back = await do(town, SECOND, "withdrawMeasureEnd", one)
    assert (back["status"], back["endProposedBy"]) == ("REQUESTED", None)
    assert await refused(town, SECOND, "confirmMeasureEnd", one) == "STATE_NOT_ALLOWED"


async def test_it_is_decided_extended_and_widened_but_never_lowered(town: World) -> None:
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
    one = {"measureId": measure["id"]}
    decided = await do(town, SECOND, "amendMeasure", one | {"decidedOn": "2026-11-05"})
    assert (decided["status"], decided["endsOn"]) == ("IN_FORCE", "2027-10-31")
    extended = await do(
        town, SECOND, "amendMeasure", one | {"endsOn": "2028-10-31", "otherPersons": [SUZUKI]}
    )
    assert extended["endsOn"] == "2028-10-31"
    assert await place(town, SUZUKI) is None
    again = await do(town, SECOND, "amendMeasure", one | {"otherPersons": [SUZUKI]})
    assert len(again["persons"]["nodes"]) == 2
    refusal = one | {"otherPersons": [KATO]}
    assert await refused(town, FIRST, "amendMeasure", refusal) == "BAD_USER_INPUT"


async def test_other_causes_are_the_same_mechanism(town: World) -> None:
    mail = {"addresseeCode": KATO, "kind": "MAIL_RETURNED", "addressWithheld": False}
    measure = await do(town, FIRST, "recordMeasure", mail)
    assert (await handling(town))[KATO] == (False, True)
    assert await place(town, KATO) is not None
    one = {"measureId": measure["id"]}
    await do(town, SECOND, "proposeMeasureEnd", one | {"reason": "新住所判明"})
    await do(town, FIRST, "confirmMeasureEnd", one)
    assert KATO not in await handling(town)


async def test_what_is_behind_a_file_turns_out_and_violence_asks_for_the_whole(
    town: World,
) -> None:
    """Nishi's care came with a file, which asked for the place alone."""
    document = "{ protectiveMeasures(filter: {kind: {eq: UNSPECIFIED}}) { nodes { id } } }"
    [found] = (await town.data(FIRST, PURPOSE, document))["protectiveMeasures"]["nodes"]
    one = {"measureId": found["id"]}
    assert await refused(town, FIRST, "amendMeasure", one | {"kind": "DV_FLAG"}) == "BAD_USER_INPUT"
    told_ = await do(town, FIRST, "amendMeasure", one | {"kind": "STALKING"})
    assert told_["kind"] == "STALKING"
    assert (await handling(town))[NISHI] == (True, True)
    again = one | {"kind": "GUARDIANSHIP"}
    assert await refused(town, FIRST, "amendMeasure", again) == "STATE_NOT_ALLOWED"
    await town.change(
        "UPDATE protective_measure SET kind = 'UNSPECIFIED', stop_output = false"
        f" WHERE addressee_code = '{NISHI}'"
    )


async def test_a_flag_is_cleared_by_two_and_nothing_else_is_touched(town: World) -> None:
    flags = "query ($c: String!) { addressee(code: $c) { dvFlag neglectFlag fullName\
 substituteAddress { address } residence { address } } }"
    before = await town.data(FIRST, PURPOSE, flags, variables={"c": TANAKA})
    given = {"addresseeCode": TANAKA, "flag": "DV_FLAG", "reason": "本人の申出"}
    proposed = await do(town, FIRST, "proposeFlagEnd", given)
    assert proposed["status"] == "END_PROPOSED"
    assert await refused(town, SECOND, "proposeFlagEnd", given) == "STATE_NOT_ALLOWED"
    one = {"measureId": proposed["id"]}
    assert await refused(town, FIRST, "confirmMeasureEnd", one) == "WRITE_NOT_ALLOWED"
    assert await place(town, TANAKA) is None
    await do(town, SECOND, "confirmMeasureEnd", one)
    after = await town.data(FIRST, PURPOSE, flags, variables={"c": TANAKA})
    assert after["addressee"] == before["addressee"] | {"dvFlag": False}
    assert await place(town, TANAKA) is not None
    assert {TANAKA, KEIKO}.isdisjoint(await handling(town))
    for flag in ("NEGLECT_FLAG", "STALKING"):
        code = await refused(town, FIRST, "proposeFlagEnd", given | {"flag": flag})
        assert code in {"STATE_NOT_ALLOWED", "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"stopOutput": False},
        {"kind": "MAIL_RETURNED", "stopOutput": False, "addressWithheld": False},
        {"kind": "DV_FLAG"},
        {"decidingMunicipalityCode": "011003"},
        {"decidingMunicipalityCode": None},
        {"counterpartyAddresseeCode": YAMADA},
        {"counterpartyAddresseeCode": "nobody"},
        {"addresseeCode": "nobody"},
        {"otherPersons": ["nobody"]},
    ],
)
async def test_what_makes_no_measure_is_told_and_changes_nothing(
    town: World, wrong: dict[str, Any]
) -> None:
    assert await refused(town, FIRST, "recordMeasure", VIOLENCE | wrong) == "BAD_USER_INPUT"
    assert YAMADA not in await handling(town)


async def test_a_stored_contradiction_is_told_by_no_refusal(town: World) -> None:
    """Whoever is stored as covered and as counterparty may be hidden from who amends a note."""
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
    await town.change("UPDATE protective_measure SET counterparty_addressee_code = addressee_code")
    one = {"measureId": measure["id"]}
    assert (await do(town, FIRST, "amendMeasure", one | {"note": "x"}))["id"] == measure["id"]
    for wrong in ({"counterpartyAddresseeCode": YAMADA}, {"otherPersons": [YAMADA]}):
        assert await refused(town, FIRST, "amendMeasure", one | wrong) == "BAD_USER_INPUT"


async def test_a_reason_is_needed_and_an_id_names_one_row(town: World) -> None:
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
    blank = {"measureId": measure["id"], "reason": " "}
    assert await refused(town, FIRST, "proposeMeasureEnd", blank) == "BAD_USER_INPUT"
    person = await town.data(FIRST, PURPOSE, f'{{ addressee(code: "{YAMADA}") {{ id }} }}')
    for made_up in ("1", person["addressee"]["id"]):
        given = {"measureId": made_up, "reason": "x"}
        assert await refused(town, FIRST, "proposeMeasureEnd", given) == "BAD_USER_INPUT"


async def test_a_household_member_is_excluded_by_two_and_included_by_one(town: World) -> None:
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    pair = {"addresseeCode": YAMADA, "memberCode": HANAKO, "reason": "別居の相手方"}
    proposed = await do(town, FIRST, "excludeHouseholdMember", pair)
    one = {"exclusionId": proposed["id"]}
    assert await place(town, HANAKO) is None
    assert await refused(town, SECOND, "excludeHouseholdMember", pair) == "STATE_NOT_ALLOWED"
    assert await refused(town, FIRST, "confirmHouseholdExclusion", one) == "WRITE_NOT_ALLOWED"
    decided = await do(town, SECOND, "confirmHouseholdExclusion", one)
    assert (decided["proposedBy"], decided["confirmedBy"]) == (FIRST, SECOND)
    assert await place(town, HANAKO) is not None
    assert await place(town, YAMADA) is None
    await do(town, FIRST, "includeHouseholdMember", one)
    assert await place(town, HANAKO) is None
    assert await refused(town, FIRST, "includeHouseholdMember", one) == "STATE_NOT_ALLOWED"
    stranger = pair | {"memberCode": KATO}
    assert await refused(town, FIRST, "excludeHouseholdMember", stranger) == "STATE_NOT_ALLOWED"


async def test_of_many_at_once_one_exclusion_is_proposed(town: World) -> None:
    """Else one of them is taken back, and the member stays excluded by another. Nor does the one
    way wait for the other."""
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    document = mutation("excludeHouseholdMember")
    pairs = [
        {"addresseeCode": person, "memberCode": member, "reason": "別居の相手方"}
        for person, member in [(YAMADA, HANAKO), (HANAKO, YAMADA)] * 6
    ]
    answers = await asyncio.gather(
        *(town.ask(FIRST, PURPOSE, document, {"input": pair}) for pair in pairs)
    )
    for each in (answers[::2], answers[1::2]):
        assert sorted(answer.status_code for answer in each) == [200] + [400] * 5


async def test_another_cause_asks_anew_whom_it_extends_to(town: World) -> None:
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    pair = {"addresseeCode": YAMADA, "memberCode": HANAKO, "reason": "相手方"}
    proposed = await do(town, FIRST, "excludeHouseholdMember", pair)
    await do(town, SECOND, "confirmHouseholdExclusion", {"exclusionId": proposed["id"]})
    assert await place(town, HANAKO) is not None
    await do(town, FIRST, "recordMeasure", VIOLENCE | {"kind": "STALKING"})
    assert await place(town, HANAKO) is None


@pytest.mark.parametrize("widened", [False, True])
async def test_it_asks_anew_whichever_record_of_the_person_it_names(
    town: World, widened: bool
) -> None:
    """Keiko was left out of what covers Tanaka; the next measure names Tanaka's earlier record."""
    pair = {"addresseeCode": TANAKA, "memberCode": KEIKO, "reason": "同居なし"}
    proposed = await do(town, FIRST, "excludeHouseholdMember", pair)
    await do(town, SECOND, "confirmHouseholdExclusion", {"exclusionId": proposed["id"]})
    assert await place(town, KEIKO) is not None
    if widened:
        measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
        assert await place(town, KEIKO) is not None
        wider = {"measureId": measure["id"], "otherPersons": [TANAKA_BEFORE]}
        await do(town, FIRST, "amendMeasure", wider)
    else:
        await do(town, FIRST, "recordMeasure", VIOLENCE | {"addresseeCode": TANAKA_BEFORE})
    assert await place(town, KEIKO) is None


async def test_a_change_that_shows_nothing_of_its_row_is_answered(town: World) -> None:
    document = mutation("recordMeasure").replace(
        MEASURE, "protectiveMeasure { id @skip(if: true) }"
    )
    found = await town.data(FIRST, PURPOSE, document, variables={"input": VIOLENCE})
    assert found == {"recordMeasure": {"protectiveMeasure": {}}}


async def test_the_trail_does_not_tell_what_was_said_of_a_measure(town: World) -> None:
    """Only violence has a counterparty; who reads the trail is not cleared for the cause."""
    mail = {"addresseeCode": YAMADA, "kind": "MAIL_RETURNED", "stopOutput": False}
    await do(town, FIRST, "recordMeasure", mail)
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    first, second = (row["operation"] for row in await town.log(4) if row["kind"] == "WRITE")
    assert first == second


async def test_the_queue_of_ends_is_a_list(town: World) -> None:
    """What a day reminds of, and what waits for a second person; nothing else."""
    await do(town, FIRST, "recordMeasure", VIOLENCE | {"endsOn": "2020-03-31"})
    await do(town, FIRST, "recordMeasure", VIOLENCE | {"addresseeCode": HANAKO})
    waits = await do(
        town, FIRST, "recordMeasure", {"addresseeCode": SUZUKI, "kind": "GUARDIANSHIP"}
    )
    await do(town, FIRST, "proposeMeasureEnd", {"measureId": waits["id"], "reason": "終了"})
    document = """query ($today: Date!) {
      protectiveMeasures(orderBy: [{field: ENDS_ON}], filter: {or: [
        {status: {eq: END_PROPOSED}},
        {endsOn: {lt: $today}, not: {status: {eq: ENDED}}}
      ]}) { totalCount nodes { id addressee { code } } }
    }"""
    found = await town.data(SECOND, PURPOSE, document, variables={"today": "2026-11-20"})
    persons = [node["addressee"]["code"] for node in found["protectiveMeasures"]["nodes"]]
    assert persons == [VIOLENCE["addresseeCode"], SUZUKI]
    clerk = await town.ask(CLERK, "consultation", document, {"today": "2026-11-20"})
    assert code_of(clerk.json()) == "OPERAND_HIDDEN"


@pytest.mark.parametrize("case", [*measures.USE_CASES, *household_exclusions.USE_CASES])
async def test_only_a_coordinator_for_this_purpose(town: World, case: Any) -> None:
    given = {
        name: "x" if str(argument.type).rstrip("!") in {"String", "ID"} else "STALKING"
        for name, argument in _arguments(case.name).items()
        if str(argument.type).endswith("!")
    }
    for staff, purpose in ((CLERK, "consultation"), (ARREARS, "delinquency")):
        response = await town.ask(staff, purpose, mutation(case.name), {"input": given})
        assert code_of(response.json()) == "WRITE_NOT_ALLOWED"
    assert set(case.writes) <= set(GRAPH.classes)


def _arguments(name: str) -> Mapping[str, Any]:
    made = graphql_schema().mutation_type
    assert made is not None
    fields: Mapping[str, Any] = made.fields[name].args["input"].type.of_type.fields  # type: ignore[union-attr]
    return fields


async def test_destinations_that_hold_the_person_are_told_that_and_not_what(town: World) -> None:
    """Yamada pays a municipal tax and nursing care; nobody else is told."""
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE)
    assert await told(town) == [
        ("municipal-and-property-tax", YAMADA),
        ("nursing-care", YAMADA),
    ]
    one = {"measureId": measure["id"]}
    await do(town, FIRST, "proposeMeasureEnd", one | {"reason": "終了"})
    assert len(await told(town)) == 2
    await do(town, SECOND, "confirmMeasureEnd", one)
    assert len(await told(town)) == 4


async def told(world: World) -> list[tuple[str, str]]:
    """The notices, behind the application's back."""
    rows = await world.rows("SELECT definition_code, addressee_code FROM handling_notice")
    return sorted((row["definition_code"], row["addressee_code"]) for row in rows)


async def test_nobody_lists_notices_but_the_destination_they_are_for(town: World) -> None:
    await do(town, FIRST, "recordMeasure", VIOLENCE)
    document = "{ handlingNotices { totalCount nodes { definitionCode } } }"
    found = await town.data(CLERK, "collection-management", document)
    assert found["handlingNotices"] == {"totalCount": 0, "nodes": []}
    coordinator = await town.data(FIRST, PURPOSE, document)
    assert coordinator["handlingNotices"] is None
    assert codes(
        (await town.data(FIRST, PURPOSE, "{ addressees { nodes { code } } }"))["addressees"]
    )


AGENTS = "{ totalCount nodes { kind } }"
BOTH_SIDES = [
    # Kato acts for Suzuki; a measure on either of them withholds that from the other's record.
    (KATO, SUZUKI, "delinquency", f"specialAddressees {AGENTS}", 1, 0),
    (SUZUKI, KATO, SURVEY, f"specialAddresseeOf {AGENTS}", 1, 0),
    # Hanako lives with Yamada: his membership shows no member who is covered, nor how many.
    (
        HANAKO,
        YAMADA,
        SURVEY,
        "householdMemberships { totalCount nodes { kind: relationship } }",
        1,
        None,
    ),
]


@pytest.mark.parametrize(("covered", "asked", "purpose", "field", "before", "after"), BOTH_SIDES)
async def test_a_measure_on_either_side_withholds_a_row_about_two(
    town: World, covered: str, asked: str, purpose: str, field: str, before: int, after: int | None
) -> None:
    document = f"query ($c: String!) {{ addressee(code: $c) {{ rows: {field} }} }}"

    async def rows() -> int | None:
        found = await town.data(ARREARS, purpose, document, variables={"c": asked})
        told_: int | None = found["addressee"]["rows"] and found["addressee"]["rows"]["totalCount"]
        return told_

    async with owing(town, asked):
        assert await rows() == before
        await do(town, FIRST, "recordMeasure", {"addresseeCode": covered, "kind": "STALKING"})
        assert await rows() == after
