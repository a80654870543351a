"""The promises over HTTP: what each role gets for each purpose, and what it never gets."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from models import facts
from models.store.database import Database, Reader
from models.tables.policy import first_lines
from resolvers.read.sql import today
from tests.world import (
    HANAKO,
    KATO,
    KEIKO,
    NISHI,
    NUMBER,
    SECRET_ADDRESS,
    SUZUKI,
    TANAKA,
    TANAKA_BEFORE,
    YAMADA,
    World,
    owing,
)

CLERK, ARREARS, REGISTRAR, HANDLER = "sato", "takahashi", "yamamoto", "nakamura"
COORDINATOR, ADMINISTRATOR, SECTION_CLERK = "kobayashi", "yamada", "watanabe"

RECORD = """
query ($code: String!) {
  addressee(code: $code) {
    code fullName individualNumber dvFlag neglectFlag
    residence { address }
    handling { addressWithheld }
    accounts { nodes { bankCode branchCode accountNumber } }
    collections { totalCount nodes { taxAmount status } }
  }
}
"""


def reasons(content: dict[str, Any]) -> dict[str, str]:
    """Coordinate → reason of everything hidden."""
    hidden = content["extensions"]["privacy"]["hidden"]
    return {entry["coordinate"]: entry["reason"] for entry in hidden}


def codes(connection: dict[str, Any]) -> list[str]:
    return [node["code"] for node in connection["nodes"]]


async def test_a_clerk_reads_a_payer_without_number_and_flags(world: World) -> None:
    response = await world.ask(CLERK, "consultation", RECORD, {"code": YAMADA})
    content = response.json()
    person = content["data"]["addressee"]
    assert person["fullName"] == "山田 太郎"
    assert person["residence"] == {"address": "釧路市北大通1番1号"}
    assert person["collections"]["totalCount"] == 3
    assert person["accounts"]["nodes"] == [
        {"bankCode": "0116", "branchCode": None, "accountNumber": "****321"}
    ]
    assert (person["individualNumber"], person["dvFlag"], person["neglectFlag"]) == (None,) * 3
    assert reasons(content) == {
        "Addressee.individualNumber": "ROLE",
        "Addressee.dvFlag": "ROLE",
        "Addressee.neglectFlag": "ROLE",
        "Account.branchCode": "PURPOSE",
        "Account.accountNumber": "MASKED",
    }


async def test_the_read_is_on_the_log_with_decisions_and_persons_but_no_values(
    world: World,
) -> None:
    document = RECORD.replace("addressee(", "heimlich: addressee(")
    await world.ask(CLERK, "consultation", document, {"code": YAMADA}, case_reference="K-7")
    [record] = await world.log()
    assert record["actor"] == CLERK
    assert (record["purpose"], record["case_reference"]) == ("consultation", "K-7")
    assert (record["outcome"], record["policy_version"]) == ("OK", 1)
    assert json.loads(record["persons"]) == [YAMADA]
    assert YAMADA not in record["normal_form"]
    assert "heimlich" not in record["normal_form"]
    decisions = json.loads(record["coordinates"])
    assert ["Addressee.dvFlag", "read", "hidden"] in decisions
    assert ["Account.accountNumber", "read", "masked"] in decisions
    assert ["Addressee.code", "match", "shown"] in decisions


@pytest.mark.parametrize("code", [TANAKA, TANAKA_BEFORE, KEIKO])
async def test_a_protected_persons_place_is_withheld_with_everybody_linked(
    world: World, code: str
) -> None:
    response = await world.ask(CLERK, "consultation", RECORD, {"code": code})
    content = response.json()
    person = content["data"]["addressee"]
    assert person["residence"] is None
    assert person["handling"] == {"addressWithheld": True}
    assert content["extensions"]["privacy"]["obligations"] == [
        {"path": ["addressee"], "addressWithheld": True, "stopOutput": True}
    ]
    assert SECRET_ADDRESS not in response.text
    assert "Addressee.residence" not in reasons(content)


async def test_cover_does_not_tell_violence(world: World) -> None:
    person = (await world.data(CLERK, "consultation", RECORD, variables={"code": NISHI}))[
        "addressee"
    ]
    assert person["residence"] is None
    assert person["handling"] == {"addressWithheld": True}


async def test_the_coordinator_sees_flags_and_one_protected_persons_place(world: World) -> None:
    person = (
        await world.data(COORDINATOR, "protection-measures", RECORD, variables={"code": TANAKA})
    )["addressee"]
    assert (person["dvFlag"], person["neglectFlag"]) == (True, False)
    assert person["residence"] == {"address": SECRET_ADDRESS}


async def test_even_the_coordinator_gets_no_list_of_withheld_places(world: World) -> None:
    response = await world.ask(
        COORDINATOR,
        "protection-measures",
        "{ addressees { nodes { code residence { address } } } }",
    )
    assert SECRET_ADDRESS not in response.text
    assert reasons(response.json()) == {"Addressee.residence": "LIST"}


async def test_a_number_shows_to_a_handler_on_one_person_with_a_case(world: World) -> None:
    document = "query ($code: String!) { addressee(code: $code) { individualNumber } }"
    variables = {"code": YAMADA}
    response = await world.ask(
        HANDLER, "addressee-matching", document, variables, case_reference="C-1"
    )
    assert response.json()["data"] == {"addressee": {"individualNumber": NUMBER}}
    without = await world.ask(HANDLER, "addressee-matching", document, variables)
    assert without.json()["data"] == {"addressee": {"individualNumber": None}}
    assert reasons(without.json()) == {"Addressee.individualNumber": "CASE_REFERENCE"}


@pytest.mark.parametrize(
    "document",
    [
        "{ addressees { nodes { individualNumber } } }",
        "{ a: addressee(code: YAMADA) { individualNumber } b: addressee(code: HANAKO) { code } }",
        "{ addressee(code: YAMADA) { individualNumber householdMemberships"
        " { nodes { members { nodes { code } } } } } }",
        "{ addressee(code: YAMADA) { collections { nodes { addressee { individualNumber } } } } }",
        "{ addressee(code: YAMADA) { individualNumber specialAddresseeOf { nodes { kind } } } }",
    ],
)
async def test_a_number_never_shows_beside_another_person(world: World, document: str) -> None:
    document = document.replace("YAMADA", f'"{YAMADA}"').replace("HANAKO", f'"{HANAKO}"')
    response = await world.ask(HANDLER, "addressee-matching", document, case_reference="C-1")
    assert response.status_code == 200
    assert NUMBER not in response.text
    assert "INVARIANT" in response.text or "ROLE" in response.text


async def test_a_number_is_matched_for_one_person_and_only_as_a_variable(world: World) -> None:
    document = (
        "query ($n: IndividualNumber!)"
        " { addresseeByIndividualNumber(individualNumber: $n) { code } }"
    )
    found = await world.ask(
        HANDLER, "addressee-matching", document, {"n": NUMBER}, case_reference="C-1"
    )
    assert found.json()["data"] == {"addresseeByIndividualNumber": {"code": YAMADA}}
    nobody = await world.ask(
        HANDLER, "addressee-matching", document, {"n": "123456789012"}, case_reference="C-1"
    )
    assert nobody.json()["data"] == {"addresseeByIndividualNumber": None}
    literal = document.replace("query ($n: IndividualNumber!)", "").replace("$n", f'"{NUMBER}"')
    refused = await world.ask(HANDLER, "addressee-matching", literal, case_reference="C-1")
    assert refused.status_code == 400
    assert NUMBER not in refused.text
    uncased = (await world.ask(HANDLER, "addressee-matching", document, {"n": NUMBER})).json()
    assert uncased["errors"][0]["extensions"]["code"] == "OPERAND_HIDDEN"
    assert "Case-Reference" in uncased["errors"][0]["message"]
    clerk = await world.ask(CLERK, "consultation", document, {"n": NUMBER}, case_reference="C-1")
    assert clerk.json()["errors"][0]["extensions"]["code"] == "OPERAND_HIDDEN"


async def test_no_purpose_no_data(world: World) -> None:
    document = "{ addressees { nodes { code } } }"
    for purpose, code in ((None, "PURPOSE_REQUIRED"), ("audit", "PURPOSE_NOT_ALLOWED")):
        response = await world.ask(CLERK, purpose, document)
        assert response.status_code == 403
        assert response.json()["errors"][0]["extensions"]["code"] == code
        assert "data" not in response.json()
    unknown = await world.ask(CLERK, "no-such-purpose", document)
    not_open = await world.ask(CLERK, "audit", document)
    assert unknown.content == not_open.content


async def test_a_purpose_narrows_people(world: World) -> None:
    document = "{ addressees(first: 50) { totalCount nodes { code } } }"
    overpaid = await world.data(CLERK, "refund", document)
    assert codes(overpaid["addressees"]) == [KATO]
    assert overpaid["addressees"]["totalCount"] == 1
    arrears = await world.data(ARREARS, "delinquency", document)
    assert codes(arrears["addressees"]) == [YAMADA, TANAKA, SUZUKI]


async def test_a_section_clerk_sees_the_sections_payers_and_levies_only(world: World) -> None:
    document = "{ addressees { nodes { code collections { nodes { taxItemCode } } } } }"
    found = (await world.data(SECTION_CLERK, "consultation", document))["addressees"]["nodes"]
    assert found == [{"code": YAMADA, "collections": {"nodes": [{"taxItemCode": "13"}]}}]
    outside = await world.data(SECTION_CLERK, "consultation", RECORD, variables={"code": TANAKA})
    absent = await world.data(SECTION_CLERK, "consultation", RECORD, variables={"code": "9"})
    assert outside == absent == {"addressee": None}


async def test_a_policy_administrator_never_sees_a_person(world: World) -> None:
    response = await world.ask(ADMINISTRATOR, "policy-administration", RECORD, {"code": YAMADA})
    assert response.json()["errors"][0]["extensions"]["code"] == "OPERAND_HIDDEN"
    assert "山田" not in response.text


@pytest.mark.parametrize("value", ["釧路市秘密町9番9号", "nowhere", ""])
@pytest.mark.parametrize(
    "condition",
    [
        "{residence: {address: {eq: $v}}}",
        "{not: {residence: {address: {eq: $v}}}}",
        "{or: [{code: {eq: $v}}, {and: [{not: {residence: {address: {prefix: $v}}}}]}]}",
    ],
)
async def test_a_hidden_operand_is_refused_alike_for_every_value(
    world: World, condition: str, value: str
) -> None:
    document = f"query ($v: String!) {{ addressees(filter: {condition}) {{ totalCount }} }}"
    response = await world.ask(CLERK, "consultation", document, {"v": value})
    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "message": "`Residence.address` is no operand for this role and purpose",
                "extensions": {"code": "OPERAND_HIDDEN", "coordinate": "Residence.address"},
            }
        ]
    }


@pytest.mark.parametrize(
    "condition",
    [
        "{residence: {address: {eq: $v}}}",
        "{not: {residence: {address: {eq: $v}}}}",
        "{residence: {address: {isNull: false}}}",
        "{residence: {address: {isNull: true}}}",
        "{not: {not: {residence: {address: {gte: $v}}}}}",
        "{residence: {address: {in: [$v]}}}",
    ],
)
async def test_a_withheld_value_is_no_operand(world: World, condition: str) -> None:
    """The survey may search by place; covered persons match no condition, nor its negation."""
    head = "query ($v: String!)" if "$v" in condition else "query"
    document = f"{head} {{ addressees(first: 50, filter: {condition}) {{ nodes {{ code }} }} }}"
    variables = {"v": SECRET_ADDRESS} if "$v" in condition else {}
    found = await world.data(ARREARS, "field-survey", document, variables=variables)
    assert not {TANAKA, TANAKA_BEFORE, KEIKO, NISHI} & set(codes(found["addressees"]))


async def test_an_uncovered_place_is_an_operand_for_the_survey(world: World) -> None:
    document = (
        '{ addressees(filter: {residence: {address: {prefix: "釧路市旧"}}}) { nodes { code } } }'
    )
    found = await world.data(ARREARS, "field-survey", document)
    assert codes(found["addressees"]) == [SUZUKI]


async def test_household_members_leave_covered_persons_out(world: World) -> None:
    document = """
    query ($code: String!) { addressee(code: $code) {
      householdMemberships { nodes { relationship members { totalCount nodes { code } } } }
    } }
    """
    async with owing(world, HANAKO):
        plain = await world.data(ARREARS, "field-survey", document, variables={"code": YAMADA})
    [membership] = plain["addressee"]["householdMemberships"]["nodes"]
    assert codes(membership["members"]) == [YAMADA, HANAKO]
    covered = await world.data(ARREARS, "field-survey", document, variables={"code": TANAKA})
    assert covered["addressee"]["householdMemberships"] is None


async def test_who_came_into_a_household_twice_is_a_member_once(town: World) -> None:
    """Moved in again, and the day of leaving never entered: two memberships that go on."""
    await town.change(
        "INSERT INTO household_membership (addressee_code, household_code, relationship)"
        f" VALUES ('{HANAKO}', 'H1', '子')"
    )
    document = """
    query ($code: String!, $first: Int!, $after: String) { addressee(code: $code) {
      householdMemberships { nodes { members(first: $first, after: $after) {
        totalCount nodes { code } pageInfo { hasNextPage endCursor } } } }
    } }
    """
    async with owing(town, HANAKO):
        for code, memberships in ((YAMADA, 1), (HANAKO, 2)):
            asked = {"code": code, "first": 1}
            found = await town.data(ARREARS, "field-survey", document, variables=asked)
            rows = found["addressee"]["householdMemberships"]["nodes"]
            assert len(rows) == memberships
            for row in rows:
                assert (row["members"]["totalCount"], codes(row["members"])) == (2, [YAMADA])
                after = row["members"]["pageInfo"]["endCursor"]
                asked = {"code": code, "first": 1, "after": after}
                found = await town.data(ARREARS, "field-survey", document, variables=asked)
                second = found["addressee"]["householdMemberships"]["nodes"][0]["members"]
                assert (codes(second), second["pageInfo"]["hasNextPage"]) == ([HANAKO], False)


async def test_the_coordinator_sees_with_whom_a_protected_person_lives(world: World) -> None:
    document = """
    query ($code: String!) { addressee(code: $code) {
      householdMemberships { nodes { members { nodes { code residence { address } } } } }
      relatedAddressees { nodes { addressee { code } } }
    } }
    """
    found = await world.data(
        COORDINATOR, "protection-measures", document, variables={"code": TANAKA}
    )
    [membership] = found["addressee"]["householdMemberships"]["nodes"]
    assert membership["members"]["nodes"] == [
        {"code": TANAKA, "residence": None},
        {"code": KEIKO, "residence": None},
    ]
    assert found["addressee"]["relatedAddressees"]["nodes"] == [
        {"addressee": {"code": TANAKA_BEFORE}}
    ]


async def test_a_row_about_a_covered_person_is_left_out_of_an_uncovered_record(
    world: World,
) -> None:
    document = """
    query ($code: String!) { addressee(code: $code) {
      specialAddressees { totalCount nodes { kind addressee { code } } }
      specialAddresseeOf { totalCount }
    } }
    """
    found = await world.data(ARREARS, "delinquency", document, variables={"code": SUZUKI})
    assert found["addressee"]["specialAddressees"] == {
        "totalCount": 1,
        "nodes": [{"kind": "納税管理人", "addressee": None}],
    }
    hers = await world.data(
        COORDINATOR, "protection-measures", document, variables={"code": TANAKA}
    )
    assert hers["addressee"]["specialAddresseeOf"] == {"totalCount": 1}


async def test_who_leaves_on_a_day_to_come_is_a_member_until_then(world: World) -> None:
    """Listed as long as an obligation extends to them for it (`protection.lives_there`)."""
    document = """
    query ($code: String!) {
      addressee(code: $code) { householdMemberships { nodes { members { nodes { code } } } } }
    }
    """
    leaves = "UPDATE household_membership SET left_on = {} WHERE addressee_code = '" + HANAKO + "'"
    try:
        for days, members in ((1, {YAMADA, HANAKO}), (-1, {YAMADA})):
            day = today() + dt.timedelta(days=days)
            await world.change(leaves.format(f"'{day}'"))
            found = await world.data(
                COORDINATOR, "protection-measures", document, variables={"code": YAMADA}
            )
            [membership] = found["addressee"]["householdMemberships"]["nodes"]
            assert {node["code"] for node in membership["members"]["nodes"]} == members
    finally:
        await world.change(leaves.format("NULL"))


async def test_what_an_open_edge_goes_by_stays_in_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Members show to a coordinator, and their household's code to nobody who asks for them."""
    document = """
    query ($code: String!) {
      addressee(code: $code) { householdMemberships { nodes { members { nodes { code } } } } }
    }
    """
    seen: list[Any] = []
    with monkeypatch.context() as patch:
        notice_rows(patch, seen)
        found = await world.data(
            COORDINATOR, "protection-measures", document, variables={"code": YAMADA}
        )
    [membership] = found["addressee"]["householdMemberships"]["nodes"]
    assert {node["code"] for node in membership["members"]["nodes"]} == {YAMADA, HANAKO}
    assert HANAKO in seen
    assert "H1" not in seen


def notice_rows(patch: pytest.MonkeyPatch, seen: list[Any]) -> None:
    """Every value that readers get from the database."""
    read = Database.read

    @contextlib.asynccontextmanager
    async def noted(self: Database, **options: Any) -> AsyncIterator[Any]:
        async with read(self, **options) as reader:
            yield Noting(reader)

    @dataclass
    class Noting:
        reader: Reader

        async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
            found = await self.reader.rows(sql, arguments)
            seen.extend(value for row in found for value in row)
            return found

    patch.setattr(Database, "read", noted)


async def test_one_record_of_the_log_does_not_lead_to_those_of_others(world: World) -> None:
    """Whoever may read one record has no list of them by asking when else the same was asked."""
    await world.data(CLERK, "consultation", "{ addressees { nodes { code } } }")
    his = """query ($staff: String!) {
      accessRecords(first: 1, filter: {actor: {eq: $staff}, kind: {eq: "READ"}}) { nodes { id } }
    }"""
    found = await world.data("sasaki", "audit", his, variables={"staff": CLERK})
    [record] = found["accessRecords"]["nodes"]
    document = """query ($id: ID!) { node(id: $id) { ... on AccessRecord {
      actor operation { normalForm records { nodes { actor persons } } }
    } } }"""
    for staff, purpose, listed in (
        ("sasaki", "audit", True), ("inoue", "disclosure-request", False),
    ):  # fmt: skip
        found = await world.data(staff, purpose, document, variables=record)
        assert found["node"]["actor"] == CLERK
        assert (found["node"]["operation"]["records"] is not None) is listed


async def test_an_account_does_not_lead_to_a_covered_holder(world: World) -> None:
    document = """
    query ($code: String!) { addressee(code: $code) {
      accounts { nodes { bankCode holderKana branchCode holder { code } } }
      collections { nodes { childAddressee { code } } }
    } }
    """
    found = await world.data(ARREARS, "delinquency", document, variables={"code": SUZUKI})
    assert found["addressee"]["accounts"]["nodes"] == [
        {"bankCode": "0116", "holderKana": None, "branchCode": None, "holder": None}
    ]
    assert found["addressee"]["collections"]["nodes"] == [{"childAddressee": None}]
    plain = await world.data(ARREARS, "delinquency", document, variables={"code": YAMADA})
    [account] = plain["addressee"]["accounts"]["nodes"]
    assert (account["holderKana"], account["branchCode"]) == ("ﾔﾏﾀﾞ ﾀﾛｳ", "301")


async def test_pages_have_no_gap_and_no_repeat_and_nulls_come_last(world: World) -> None:
    document = """
    query ($after: String, $direction: OrderDirection!) {
      addressees(first: 3, after: $after,
                 orderBy: [{field: FULL_NAME_SEARCH_KANA, direction: $direction}]) {
        nodes { code fullNameSearchKana } pageInfo { hasNextPage endCursor }
      }
    }
    """
    for direction in ("ASC", "DESC"):
        kana: list[str | None] = []
        seen: list[str] = []
        after = None
        while True:
            page = (
                await world.data(
                    CLERK,
                    "consultation",
                    document,
                    variables={"after": after, "direction": direction},
                )
            )["addressees"]
            kana += [node["fullNameSearchKana"] for node in page["nodes"]]
            seen += codes(page)
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert len(seen) == len(set(seen)) == 8
        assert kana[-1] is None
        known = [word for word in kana if word is not None]
        assert known == sorted(known, reverse=direction == "DESC")


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_days_are_paged_with_the_unknown_ones_last(world: World, direction: str) -> None:
    document = """
    query ($after: String, $direction: OrderDirection!) {
      addressees(first: 3, after: $after, orderBy: [{field: BIRTH_DATE, direction: $direction}]) {
        nodes { birthDate } pageInfo { hasNextPage endCursor }
      }
    }
    """
    days: list[str | None] = []
    page: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        variables = {"after": page["pageInfo"]["endCursor"], "direction": direction}
        found = await world.data(REGISTRAR, "addressee-management", document, variables=variables)
        page = found["addressees"]
        days += [node["birthDate"] for node in page["nodes"]]
    known = [day for day in days if day is not None]
    assert known == sorted(known, reverse=direction == "DESC")
    assert days == [*known, None]
    assert len(days) == 8


async def test_a_cursor_is_bound_to_actor_purpose_and_list(world: World) -> None:
    first = "{ addressees(first: 2) { pageInfo { endCursor } } }"
    page = await world.data(CLERK, "consultation", first)
    cursor = page["addressees"]["pageInfo"]["endCursor"]
    again = "query ($a: String) { addressees(first: 2, after: $a) { nodes { code } } }"
    other = (
        'query ($a: String) { addressees(first: 2, after: $a, filter: {fullName: {eq: "x"}})'
        " { nodes { code } } }"
    )
    good = await world.ask(CLERK, "consultation", again, {"a": cursor})
    assert good.status_code == 200
    for staff, purpose, document, given in (
        (ARREARS, "consultation", again, cursor),
        (CLERK, "collection-management", again, cursor),
        (CLERK, "consultation", other, cursor),
        (CLERK, "consultation", again, cursor[:-2] + "AA"),
        (CLERK, "consultation", again, "arrayconnection:0"),
    ):
        response = await world.ask(staff, purpose, document, {"a": given})
        assert response.json()["errors"][0]["extensions"]["code"] == "CURSOR_INVALID"


async def test_a_node_id_is_opaque_and_the_same_for_everybody_but_opens_nothing(
    world: World,
) -> None:
    document = "query ($code: String!) { addressee(code: $code) { id } }"
    mine = await world.data(CLERK, "consultation", document, variables={"code": TANAKA})
    yours = await world.data(ARREARS, "consultation", document, variables={"code": TANAKA})
    assert mine == yours
    node = """
    query ($id: ID!) {
      node(id: $id) { __typename id ... on Addressee { code residence { address } } }
    }
    """
    node_id = mine["addressee"]["id"]
    opened = await world.data(CLERK, "consultation", node, variables={"id": node_id})
    assert opened["node"] == {
        "__typename": "Addressee",
        "id": node_id,
        "code": TANAKA,
        "residence": None,
    }
    outside = await world.data(SECTION_CLERK, "consultation", node, variables={"id": node_id})
    forged = await world.data(CLERK, "consultation", node, variables={"id": "Addressee:1"})
    assert outside == forged == {"node": None}


async def test_privacy_mode_reject_and_dry_run(world: World) -> None:
    document = "{ addressees { nodes { code dvFlag } } }"
    rejected = await world.ask(CLERK, "consultation", document, privacy_mode="reject")
    assert rejected.status_code == 400
    assert rejected.json()["errors"][0]["extensions"] == {
        "code": "FIELD_HIDDEN",
        "coordinate": "Addressee.dvFlag",
    }
    dry = await world.ask(CLERK, "consultation", document, privacy_mode="dry-run")
    assert dry.json()["data"] == {"addressees": None}
    assert reasons(dry.json()) == {"Addressee.dvFlag": "ROLE"}
    [record] = await world.log()
    assert json.loads(record["persons"]) == []
    wrong = await world.ask(CLERK, "consultation", document, privacy_mode="maybe")
    assert wrong.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_aliases_do_not_turn_a_list_into_reads(world: World) -> None:
    document = (
        "{ a: addressee(code: %s) { residence { address } } b: addressee(code: %s) { code } }"
    )
    response = await world.ask(
        CLERK, "consultation", document % (json.dumps(YAMADA), json.dumps(HANAKO))
    )
    assert response.json()["data"]["a"] == {"residence": None}
    assert reasons(response.json()) == {"Addressee.residence": "LIST"}


async def test_kana_is_found_by_any_spelling(world: World) -> None:
    document = """
    query ($k: String!) {
      addressees(filter: {fullNameSearchKana: {prefix: $k}}) { nodes { code } }
    }
    """
    for spelling in ("やまだ", "ﾔﾏﾀﾞ", "ヤマタ", "ヤマダ タ"):
        found = await world.data(CLERK, "consultation", document, variables={"k": spelling})
        assert YAMADA in codes(found["addressees"])


async def test_page_sizes_and_rows_are_bounded(world: World) -> None:
    for document, code in (
        ("{ addressees(first: 201) { nodes { code } } }", "LIMIT_EXCEEDED"),
        ("{ addressees(first: -1) { nodes { code } } }", "BAD_USER_INPUT"),
        (
            "{ addressees(first: 200) { nodes { collections(first: 200) { nodes { term } } } } }",
            "LIMIT_EXCEEDED",
        ),
    ):
        response = await world.ask(CLERK, "consultation", document)
        assert response.json()["errors"][0]["extensions"]["code"] == code
        [record] = await world.log()
        assert record["outcome"] == code


async def test_null_and_empty_operands_never_mean_everything(world: World) -> None:
    for condition, status in (
        ("{code: {eq: null}}", 400),
        ("{code: {}}", 400),
        ("{code: null}", 400),
        ("{not: null}", 400),
        ("{code: {in: []}}", 200),
        ("{or: []}", 200),
    ):
        document = f"{{ addressees(filter: {condition}) {{ nodes {{ code }} }} }}"
        response = await world.ask(CLERK, "consultation", document)
        assert response.status_code == status, condition
        if status == 200:
            assert response.json()["data"]["addressees"]["nodes"] == []


# -- nobody walks the city ------------------------------------------------------------------------

PLACES = {"residence", "former-residence", "forwarding-address", "contact", "household",
          "payment-place", "case-note", "resident-record", "bank-branch", "membership"}  # fmt: skip
LISTING = {"list", "match", "search"}


def test_who_lists_places_is_bounded_or_says_why_not() -> None:
    """Every purpose of the first policy for which a class that tells a place is listed, searched or
    matched has a population, or a reason to touch everybody."""
    bounded = {row["purpose"]: row for row in facts.rows("populations")}
    lists = {
        line["purpose"].removeprefix("purpose:")
        for line in first_lines()
        if line["action"] in LISTING and line["what"].removeprefix("class:") in PLACES
    }
    assert lists >= {"reminder-dispatch", "field-survey", "addressee-management"}
    for purpose in lists:
        assert bounded[purpose]["population"] or len(bounded[purpose]["why"]) > 20, purpose
    assert bounded["reminder-dispatch"]["population"] == "to-be-reminded"
    assert all(row["why"] for row in facts.rows("harvest-budgets"))


DISPATCH = """{ addressees(first: 20) { totalCount nodes { code residence { address }
    handling { stopOutput } } } }"""


async def test_a_mailing_run_sees_those_past_due_and_not_reminded(world: World) -> None:
    """Everybody else is not there for it: not listed, not counted, not found by code."""

    async def run() -> set[str]:
        found = (await world.data(CLERK, "reminder-dispatch", DISPATCH))["addressees"]
        assert found["totalCount"] == len(found["nodes"])
        return {node["code"] for node in found["nodes"]}

    one = "query ($c: String!) { addressee(code: $c) { fullName residence { address } } }"
    assert await run() == {YAMADA, SUZUKI, TANAKA}
    for code in (KATO, HANAKO, NISHI, "000000000009999"):
        found = await world.data(CLERK, "reminder-dispatch", one, variables={"c": code})
        assert found == {"addressee": None}
    of_yamada = f"WHERE addressee_code = '{YAMADA}'"
    for done in (
        "reminded_on = '2026-07-20'",
        "arrears_state = 'IN_GRACE'",
        "arrears_state = 'SUSPENDED'",
        "due_on = '2999-01-01'",
        "outstanding = 0",
    ):
        before = await world.rows(f"SELECT id, {done.split()[0]} FROM collection {of_yamada}")
        await world.change(f"UPDATE collection SET {done} {of_yamada}")
        assert await run() == {SUZUKI, TANAKA}, done
        for row in before:
            name = done.split()[0]
            value = "NULL" if row[name] is None else f"'{row[name]}'"
            await world.change(f"UPDATE collection SET {name} = {value} WHERE id = {row['id']}")
    assert await run() == {YAMADA, SUZUKI, TANAKA}


async def test_a_survey_looks_for_the_place_of_nobody_who_owes_nothing(world: World) -> None:
    by_place = """query ($a: String!) { addressees(filter: {residence: {address: {prefix: $a}}}) {
        totalCount nodes { code } } }"""
    found = await world.data(ARREARS, "field-survey", by_place, variables={"a": "釧路市"})
    assert codes(found["addressees"]) == [YAMADA, SUZUKI]
    async with owing(world, KATO):
        found = await world.data(ARREARS, "field-survey", by_place, variables={"a": "釧路市"})
        assert codes(found["addressees"]) == [YAMADA, SUZUKI, KATO]


async def test_the_administrator_sees_each_budget_with_its_reason(world: World) -> None:
    document = """{ policyVocabulary { purposes { code population populationReason }
        budgets { role purpose class persons reason } } }"""
    found = (await world.data("yamada", "policy-administration", document))["policyVocabulary"]
    assert len(found["budgets"]) > 10
    assert all(budget["reason"] for budget in found["budgets"])
    purposes = {one["code"]: one for one in found["purposes"]}
    assert purposes["reminder-dispatch"]["population"] == "to-be-reminded"
    assert purposes["addressee-matching"]["population"] is None
    assert "anybody" in purposes["addressee-matching"]["populationReason"]
