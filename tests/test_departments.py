"""A department sees its own payers and of them its own levies; of anybody else there is no trace.

Everything over HTTP, for all five clients. The town has payers of city tax (yamada, kato), nursing
care (yamada), health insurance (tanaka), day-care (suzuki), and nobody with late-stage premiums.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from authz.policy.budgets import budgets_of
from authz.policy.invariants import MACHINE_ROLE
from authz.policy.store import check_first_policy
from authz.redis.embedded import EmbeddedRedis
from models.tables.lookup_budget import ANY
from resolvers.demo.clients import definition_of
from tests.conftest import NewDatabase
from tests.department import CODES, Town, departments, register
from tests.test_hostile import code_of
from tests.world import HANAKO, KATO, KEIKO, NISHI, SUZUKI, TANAKA, TANAKA_BEFORE, YAMADA

PAYERS: dict[str, dict[str, tuple[str, int]]] = {
    "municipal-and-property-tax": {YAMADA: ("01", 2), KATO: ("01", 1)},
    "nursing-care": {YAMADA: ("13", 1)},
    "national-health-insurance": {TANAKA: ("11", 1)},
    "medical-pension": {},
    "child-welfare": {SUZUKI: ("14", 1)},
}
"""Client → payer → tax or fee item, and how many levies."""

STOPPED = TANAKA
"""Nothing about her may go out: machines find her one by one, with the warning."""

EVERYBODY = (YAMADA, HANAKO, TANAKA, TANAKA_BEFORE, KEIKO, SUZUKI, KATO, NISHI)

LIST = """
query ($after: String, $filter: AddresseeFilter) {
  addressees(first: 1, after: $after, filter: $filter) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { id code fullName collections { totalCount nodes { id taxItemCode taxAmount } } }
  }
}
"""
ONE = """
query ($code: String!) {
  addressee(code: $code) { id code collections { totalCount nodes { taxItemCode } } }
}
"""
NODE = """
query ($id: ID!) {
  node(id: $id) { __typename ... on Addressee { code } ... on Collection { taxItemCode } }
}
"""
LEVIES = "{ collections { totalCount nodes { id taxItemCode addressee { code } } } }"


@pytest.fixture(scope="module")
async def town(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    async with departments(new_database, valkey, tmp_path_factory.mktemp("rows")) as made:
        yield made


async def pages(town: Town, code: str) -> list[dict[str, Any]]:
    """Every page of the list, one person each."""
    found, after = [], None
    while True:
        page = (await town[code].data(LIST, {"after": after}))["addressees"]
        found.append(page)
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("code", CODES)
async def test_lists_counts_and_pages_hold_the_own_payers_alone(town: Town, code: str) -> None:
    payers = {person: paid for person, paid in PAYERS[code].items() if person != STOPPED}
    found = await pages(town, code)
    assert {page["totalCount"] for page in found} == {len(payers)}
    people = [person for page in found for person in page["nodes"]]
    assert {person["code"] for person in people} == set(payers)
    for person in people:
        item, count = payers[person["code"]]
        levies = person["collections"]
        assert levies["totalCount"] == len(levies["nodes"]) == count
        assert {levy["taxItemCode"] for levy in levies["nodes"]} == {item}
    levies = (await town[code].data(LEVIES))["collections"]
    assert levies["totalCount"] == sum(count for _, count in payers.values())
    assert {levy["addressee"]["code"] for levy in levies["nodes"]} == set(payers)


@pytest.mark.parametrize("code", CODES)
async def test_anybody_else_is_as_if_not_there(town: Town, code: str) -> None:
    """Whole answers are compared: those of another's payer with those of nobody."""
    department = town[code]
    nobody = (await department.ask(ONE, {"code": "999999999999999"})).content
    for person in EVERYBODY:
        answer = await department.ask(ONE, {"code": person})
        if person in PAYERS[code]:
            assert answer.json()["data"]["addressee"]["code"] == person
        else:
            assert answer.content == nobody
            operand = {"filter": {"code": {"eq": person}}}
            found = (await department.data(LIST, operand))["addressees"]
            assert (found["totalCount"], found["nodes"]) == (0, [])


@pytest.mark.parametrize("code", CODES)
async def test_ids_and_cursors_of_others_open_nothing(town: Town, code: str) -> None:
    department = town[code]
    nothing = (await department.ask(NODE, {"id": "nothing"})).content
    broken = (await department.ask(LIST, {"after": "nothing"})).content
    for other in CODES:
        for page in await pages(town, other):
            for person in page["nodes"]:
                own = person["code"] in PAYERS[code]
                answer = await department.ask(NODE, {"id": person["id"]})
                assert (answer.content != nothing) is own
                for levy in person["collections"]["nodes"]:
                    answer = await department.ask(NODE, {"id": levy["id"]})
                    assert (answer.content != nothing) is (other == code)
            cursor = page["pageInfo"]["endCursor"]
            if other != code and cursor is not None:
                assert (await department.ask(LIST, {"after": cursor})).content == broken


async def test_a_machine_issues_nothing(town: Town) -> None:
    """It is told the obligation with the data; what it prints is the destination's to stop."""
    document = """mutation ($code: String!) {
      issueDocument(input: {addresseeCode: $code, path: FILE, document: OTHER}) { __typename } }"""
    answers = {
        (await town["nursing-care"].ask(document, {"code": person})).content
        for person in (YAMADA, TANAKA, "nobody")
    }
    [told] = answers
    assert code_of(json.loads(told)) == "WRITE_NOT_ALLOWED"


@pytest.mark.parametrize("code", CODES)
async def test_the_log_names_the_own_payers_alone(town: Town, code: str) -> None:
    for document, variables in ((LIST, {}), *((ONE, {"code": person}) for person in EVERYBODY)):
        await town[code].ask(document, variables)
        [record] = await town.world.log()
        assert record["actor"] == f"client:{code}"
        assert set(json.loads(record["persons"])) <= set(PAYERS[code])


@pytest.mark.parametrize("code", CODES)
async def test_place_number_and_others_definitions_stay_hidden(town: Town, code: str) -> None:
    document = """
    query ($code: String!) {
      addressee(code: $code) {
        individualNumber dvFlag birthDate residence { address } handling { addressWithheld }
        accounts { nodes { bankCode } } householdMemberships { nodes { relationship } }
      }
      transferDefinitions { totalCount nodes { code legalBasisJa } }
    }
    """
    response = await town[code].ask(document, {"code": TANAKA})
    content = response.json()
    hidden = {entry["coordinate"] for entry in content["extensions"]["privacy"]["hidden"]}
    assert {
        "Addressee.individualNumber",
        "Addressee.dvFlag",
        "Addressee.birthDate",
        "Addressee.residence",
        "Addressee.accounts",
        "Addressee.householdMemberships",
    } <= hidden
    definitions = content["data"]["transferDefinitions"]
    assert [node["code"] for node in definitions["nodes"]] == [code]
    assert definitions["totalCount"] == 1
    person = content["data"]["addressee"]
    if TANAKA in PAYERS[code]:
        # The obligation travels with the person; no place does.
        assert person.pop("handling") == {"addressWithheld": True}
        assert set(person.values()) == {None}
        assert content["extensions"]["privacy"]["obligations"]
    else:
        assert person is None


async def test_a_scope_that_was_not_asked_for_hides(town: Town) -> None:
    department = town["nursing-care"]
    await department.sign_in(scope="036:addressee:list 036:addressee:read")
    document = "{ addressees { nodes { code collections { nodes { taxAmount } } } } }"
    content = (await department.ask(document)).json()
    [person] = content["data"]["addressees"]["nodes"]
    assert person == {"code": YAMADA, "collections": None}
    [entry] = content["extensions"]["privacy"]["hidden"]
    assert (entry["coordinate"], entry["reason"]) == ("Addressee.collections", "SCOPE")
    refused = await department.ask('{ addressees(filter: {code: {eq: "1"}}) { totalCount } }')
    assert refused.json()["errors"][0]["extensions"]["code"] == "OPERAND_HIDDEN"
    await department.sign_in()
    [person] = (await department.data(document))["addressees"]["nodes"]
    assert person["collections"] == {"nodes": [{"taxAmount": 7000}]}


@pytest.mark.parametrize("scope", ["036:addressee:list 036:addressee:read", None])
async def test_no_list_holds_whose_output_is_stopped_and_one_person_comes_with_the_warning(
    town: Town, scope: str | None
) -> None:
    """A token that leaves the scopes of `handling` out is warned all the same."""
    department = town["national-health-insurance"]
    await department.sign_in(**({} if scope is None else {"scope": scope}))
    lists = "{ addressees { totalCount nodes { code } } }"
    assert await department.data(lists) == {"addressees": {"totalCount": 0, "nodes": []}}
    one = f'{{ addressee(code: "{TANAKA}") {{ code }} }}'
    if scope is not None:
        one = f'{{ node(id: "{await _id(town)}") {{ ... on Addressee {{ code }} }} }}'
    content = (await department.ask(one)).json()
    [person] = content["data"].values()
    assert person == {"code": TANAKA}
    [told] = content["extensions"]["privacy"]["obligations"]
    assert (told["addressWithheld"], told["stopOutput"]) == (True, True)
    await department.sign_in()


async def _id(town: Town) -> str:
    department = town["national-health-insurance"]
    token = department.token
    await department.sign_in()
    found = await department.data(f'{{ addressee(code: "{TANAKA}") {{ id }} }}')
    department.token = token
    return str(found["addressee"]["id"])


@pytest.mark.parametrize("counts", ["coveredCount", "heldBackCount"])
async def test_counts_of_the_covered_need_the_scope_of_handling(town: Town, counts: str) -> None:
    department = town["nursing-care"]
    document = f"{{ transfers {{ nodes {{ {counts} }} }} }}"
    for scope, hidden in (
        ("036:transfer:list", ["SCOPE"]),
        ("036:transfer:list 036:handling:list", []),
    ):
        await department.sign_in(scope=scope)
        told = (await department.ask(document)).json()["extensions"]["privacy"]["hidden"]
        assert [entry["reason"] for entry in told] == hidden
    await department.sign_in()


@pytest.mark.parametrize("code", CODES)
def test_a_population_is_not_pulled_by_queries(code: str) -> None:
    """A department looks up hundreds an hour; a population goes by transfer, which is released."""
    reference = check_first_policy().reference
    budgets = budgets_of(reference, frozenset({MACHINE_ROLE}), f"transfer-{code}")
    assert 0 < budgets[ANY] <= 300


async def test_items_of_the_definition_are_all_that_goes_out(town: Town) -> None:
    narrow = replace(
        definition_of("nursing-care"),
        id="narrow",
        items=frozenset({"Addressee.code", "Collection.taxAmount"}),
    )
    department = await register(town.clients, town.world.client, narrow)
    await department.sign_in()
    document = "{ addressees { nodes { code fullName collections { nodes { taxAmount term } } } } }"
    response = await department.ask(document, purpose_of_use="transfer-nursing-care")
    [person] = response.json()["data"]["addressees"]["nodes"]
    assert person == {
        "code": YAMADA,
        "fullName": None,
        "collections": {"nodes": [{"taxAmount": 7000, "term": None}]},
    }


NOTICES = "{ handlingNotices { totalCount nodes { id definitionCode addressee { code } } } }"
MEASURE = """
mutation ($input: RecordMeasureInput!) {
  recordMeasure(input: $input) { protectiveMeasure { status } }
}
"""


async def test_a_department_is_told_of_its_own_payers_that_their_handling_changed(
    town: Town,
) -> None:
    """Yamada pays city tax and nursing care; that Tanaka is protected was told from the start."""
    told = {
        "municipal-and-property-tax": [YAMADA],
        "nursing-care": [YAMADA],
        "national-health-insurance": [TANAKA],
    }
    given = {"addresseeCode": YAMADA, "kind": "GUARDIANSHIP"}
    done = await town.world.ask("kobayashi", "protection-measures", MEASURE, {"input": given})
    assert done.status_code == 200, done.text
    ids: dict[str, str] = {}
    for code in CODES:
        notices = (await town[code].data(NOTICES))["handlingNotices"]
        persons = [notice["addressee"]["code"] for notice in notices["nodes"]]
        assert persons == told.get(code, [])
        assert notices["totalCount"] == len(persons)
        for notice in notices["nodes"]:
            assert notice["definitionCode"] == code
            ids[code] = notice["id"]
    node = "query ($id: ID!) { node(id: $id) { ... on HandlingNotice { definitionCode } } }"
    for code in CODES:
        for owner, key in ids.items():
            found = (await town[code].data(node, {"id": key}))["node"]
            assert found == ({"definitionCode": code} if code == owner else None)
    hidden = "{ protectiveMeasures { totalCount } lifts { totalCount } }"
    assert await town["nursing-care"].data(hidden) == {"protectiveMeasures": None, "lifts": None}
