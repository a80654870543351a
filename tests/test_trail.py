"""What the log tells its readers of persons: over HTTP, as auditor and director read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resolvers.protection.protective_measure import USE_CASES as MEASURES
from tests.test_measures import VIOLENCE, do, handling, town  # noqa: F401
from tests.world import KATO, NUMBER, SUZUKI, TANAKA, YAMADA, World

COORDINATOR, AUDITOR, DIRECTOR = "kobayashi", "sasaki", "kato"
CLERK, ARREARS, HANDLER = "sato", "takahashi", "nakamura"
READERS = (
    (AUDITOR, "audit"), (DIRECTOR, "audit"), (DIRECTOR, "policy-administration"),
)  # fmt: skip

TRAIL = """query ($first: Int!, $actor: String!) {
  accessRecords(first: $first, orderBy: [{field: AT, direction: DESC}],
                filter: {actor: {eq: $actor}}) {
    nodes { kind actor purpose persons personCount personsThrough outcome
            operation { normalForm coordinates records(first: 1) { nodes { persons } } } }
  }
}"""
PLAIN = """query ($first: Int!) {
  accessRecords(first: $first) { nodes { actor persons personCount personsThrough outcome } }
}"""
BY_CODE = "query ($c: String!) { addressee(code: $c) { %s } }"


async def trail(world: World, actor: str, last: int = 1) -> list[dict[str, Any]]:
    """The newest records of somebody, newest first, as the auditor reads them."""
    given = {"first": last, "actor": actor}
    found = await world.data(AUDITOR, "audit", TRAIL, variables=given)
    nodes: list[dict[str, Any]] = found["accessRecords"]["nodes"]
    return nodes


async def told(world: World, actor: str) -> list[str]:
    """Of whom the newest record of somebody tells; each reader and each count says the same."""
    [record] = await trail(world, actor)
    assert record["personCount"] == len(record["persons"])
    for staff, purpose in READERS:
        found = await world.data(staff, purpose, PLAIN, variables={"first": 200})
        records = [one for one in found["accessRecords"]["nodes"] if one["actor"] == actor]
        assert records[-1]["persons"] == record["persons"]
        assert records[-1]["personCount"] == record["personCount"]
    persons: list[str] = record["persons"]
    return persons


async def test_a_measure_with_a_counterparty_reads_like_one_without(town: World) -> None:  # noqa: F811
    """The counterparty would stand beside the coordinate: only violence has one."""
    document = BY_CODE % "protectiveMeasures { nodes { kind counterparty { code } } }"
    records = []
    entered = {"addresseeCode": YAMADA, "kind": "GUARDIANSHIP"}
    await do(town, COORDINATOR, "recordMeasure", entered)
    for counterparty in (None, KATO):
        if counterparty is not None:
            await town.change(
                "UPDATE protective_measure SET kind = 'SPOUSAL_VIOLENCE',"
                f" counterparty_addressee_code = '{KATO}' WHERE addressee_code = '{YAMADA}'"
            )
        found = await town.data(
            COORDINATOR, "protection-measures", document, variables={"c": YAMADA}
        )
        [shown] = found["addressee"]["protectiveMeasures"]["nodes"]
        assert shown["counterparty"] == (counterparty and {"code": counterparty})
        assert await told(town, COORDINATOR) == [YAMADA]
        records.append(await trail(town, COORDINATOR))
    assert records[0] == records[1]


# Who came in by their code alone is told, and nobody who came in by anything else.
WAYS: tuple[tuple[str, str, str, dict[str, Any], list[str]], ...] = (
    (CLERK, "consultation", BY_CODE % "fullName", {"c": YAMADA}, [YAMADA]),
    (CLERK, "consultation", BY_CODE % "fullName", {"c": TANAKA}, [TANAKA]),
    (
        CLERK, "consultation",
        "query ($c: [String!]!) { addressees(filter: {code: {in: $c}}) { nodes { code } } }",
        {"c": [YAMADA, KATO]}, [YAMADA, KATO],
    ),
    (
        COORDINATOR, "protection-measures",
        "{ addressees(filter: {dvFlag: {eq: true}}) { nodes { code } } }", {}, [],
    ),
    (
        COORDINATOR, "protection-measures",
        "{ addressees(filter: {not: {dvFlag: {eq: false}}}) { totalCount } }", {}, [],
    ),
    (
        COORDINATOR, "protection-measures",
        "{ addressees(filter: {neglectFlag: {isNull: true}}) { nodes { code } } }", {}, [],
    ),
    (COORDINATOR, "protection-measures", "{ protectiveMeasures { nodes { kind } } }", {}, []),
    (
        COORDINATOR, "protection-measures",
        BY_CODE % "counterpartyOf { nodes { addressee { code } } }", {"c": SUZUKI}, [SUZUKI],
    ),
    (
        COORDINATOR, "protection-measures",
        BY_CODE % "householdMemberships { nodes { members { nodes { code } } } }",
        {"c": YAMADA}, [YAMADA],
    ),
    (
        CLERK, "consultation",
        '{ addressees(filter: {fullName: {eq: "山田 太郎"}}) { nodes { code } } }', {}, [],
    ),
    (
        CLERK, "consultation",
        "{ addressees(orderBy: [{field: FULL_NAME_SEARCH_KANA}]) { nodes { code } } }", {}, [],
    ),
    (
        ARREARS, "field-survey",
        "query ($p: String!) { addressees(filter: {residence: {address: {prefix: $p}}})"
        " { pageInfo { hasNextPage } } }", {"p": "釧路市"}, [],
    ),
    (CLERK, "collection-management", "{ collections { nodes { status } } }", {}, []),
    # A population is an operand, too: who is overpaid or in arrears.
    (CLERK, "refund", BY_CODE % "fullName", {"c": KATO}, []),
    (ARREARS, "delinquency", BY_CODE % "fullName", {"c": YAMADA}, []),
    (ARREARS, "delinquency", "{ addressees { nodes { code } } }", {}, []),
)  # fmt: skip


@pytest.mark.parametrize(("staff", "purpose", "document", "variables", "persons"), WAYS)
async def test_who_came_in_by_anything_but_their_code_is_not_told(
    world: World,
    staff: str,
    purpose: str,
    document: str,
    variables: dict[str, Any],
    persons: list[str],
) -> None:
    await world.data(staff, purpose, document, variables=variables)
    assert await told(world, staff) == persons
    [stored] = [one for one in await world.log(20) if one["actor"] == staff][-1:]
    everybody = json.loads(stored["persons"])
    assert set(persons) <= set(everybody)
    # The store has them all, for whoever may look there.
    assert len(everybody) == stored["person_count"]


async def test_who_is_found_by_number_is_not_told(world: World) -> None:
    document = (
        "query ($n: IndividualNumber!) { addresseeByIndividualNumber(individualNumber: $n)"
        " { code } }"
    )
    found = await world.data(
        HANDLER, "addressee-management", document, variables={"n": NUMBER}, case_reference="K-1"
    )
    assert found["addresseeByIndividualNumber"] is not None
    assert await told(world, HANDLER) == []


async def test_a_change_names_nobody_beside_what_it_is_called(town: World) -> None:  # noqa: F811
    await do(town, COORDINATOR, "recordMeasure", VIOLENCE)
    document = """mutation ($input: ProposeFlagEndInput!) {
      proposeFlagEnd(input: $input) { protectiveMeasure { addressee { code } } } }"""
    response = await town.ask(
        COORDINATOR, "protection-measures", document,
        {"input": {"addresseeCode": TANAKA, "flag": "DV_FLAG", "reason": "ended"}},
    )  # fmt: skip
    assert "errors" not in response.json(), response.text
    stored = [one for one in await town.log(50) if one["actor"] == COORDINATOR]
    assert any(one["person_count"] and one["kind"] == "WRITE" for one in stored)
    records = await trail(town, COORDINATOR, 50)
    for one in records:
        if one["kind"] == "WRITE":
            assert (one["persons"], one["personCount"]) == ([], 0), one
        elif (one["operation"] or {}).get("normalForm", "").startswith("{node"):
            # Nor does the record of the rows that the answer to it shows.
            assert (one["persons"], one["personCount"]) == ([], 0), one


@pytest.mark.parametrize("path", ["MAIL", "COUNTER"])
async def test_what_is_issued_names_nobody(world: World, path: str) -> None:
    """That it went out says that the person's output is not stopped."""
    document = """mutation ($input: IssueDocumentInput!) {
      issueDocument(input: $input) { content { fullName } } }"""
    given = {"addresseeCode": YAMADA, "document": "PAYMENT_SLIP", "path": path}
    await world.data(CLERK, "consultation", document, variables={"input": given})
    assert await told(world, CLERK) == []
    assert [one["persons"] for one in await trail(world, CLERK, 2)] == [[], []]


def test_every_change_of_persons_is_bounded() -> None:
    """A mutation whose name tells something of a person says which classes it takes to know."""
    for use_case in MEASURES:
        assert "protection" in use_case.through(), use_case.name


async def test_what_a_reader_does_not_see_they_cannot_query_by(world: World) -> None:
    """A count of two would say that somebody stood behind the edge."""
    document = BY_CODE % "householdMemberships { nodes { members { nodes { code } } } }"
    await world.data(COORDINATOR, "protection-measures", document, variables={"c": YAMADA})
    await world.data(CLERK, "consultation", BY_CODE % "code", variables={"c": YAMADA})
    await world.data(CLERK, "consultation", "{ addressees(first: 3) { nodes { code } } }")
    [listed] = await trail(world, CLERK)
    assert listed["personCount"] == 3
    asked = """query ($f: AccessRecordFilter!, $after: String) {
      accessRecords(first: 1, after: $after, filter: $f,
                    orderBy: [{field: PERSON_COUNT, direction: DESC}]) {
        totalCount nodes { actor personCount } pageInfo { endCursor hasNextPage } } }"""
    several = {"personCount": {"gte": 2}, "actor": {"in": [COORDINATOR, CLERK]}}
    found = await world.data(AUDITOR, "audit", asked, variables={"f": several})
    counts, after = [], None
    while True:
        found = await world.data(AUDITOR, "audit", asked, variables={"f": several, "after": after})
        page = found["accessRecords"]
        counts += [one["personCount"] for one in page["nodes"]]
        assert {one["actor"] for one in page["nodes"]} <= {CLERK}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == page["totalCount"]
