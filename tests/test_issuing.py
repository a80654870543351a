"""Issuing over HTTP: what may go out about whom, on which lift, and who learns what by asking.

`takahashi` surveys, `sato` is a collection clerk, `kobayashi` and `mori` coordinate protection.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from graphql import get_named_type, is_object_type

from authz.policy.policy import Line
from models import facts
from models.tables.issued_document import IssuingPath
from schema.build import build_schema
from tests.conftest import Dialect
from tests.oracle.beside import ATTEMPTS, PATIENCE
from tests.test_hostile import code_of
from tests.test_lifts import CLOSED, SURVEY, lifted, uses
from tests.test_measures import FIRST, PURPOSE
from tests.test_policy_editing import told_of
from tests.test_promises import ARREARS, CLERK
from tests.world import (
    HANAKO,
    KEIKO,
    NISHI,
    NUMBER,
    SECRET_ADDRESS,
    SUZUKI,
    TANAKA,
    YAMADA,
    World,
    owing,
)

LETTER = "content { fullName residence { address } substituteAddress { address } }"
BARE = "content { fullName substituteAddress { address } }"
MEMBERS = "content { householdMemberships { nodes { members { nodes { fullName } } } } }"
SECTION_CLERK, HANDLER = "watanabe", "nakamura"


@pytest.fixture
async def town(world: World) -> AsyncIterator[World]:
    """The town of the module without lifts, its obligations put back as they were."""
    before = await world.rows("SELECT * FROM handling")
    await world.change("UPDATE lift SET used = uses")
    async with owing(world, HANAKO, KEIKO, NISHI):
        yield world
    await world.change("DELETE FROM handling")
    for row in before:
        await oblige(world, row["addressee_code"], row["address_withheld"], row["stop_output"])


async def oblige(world: World, code: str, withheld: bool, stop: bool) -> None:
    await world.change(f"DELETE FROM handling WHERE addressee_code = '{code}'")
    await world.change(
        "INSERT INTO handling (addressee_code, address_withheld, stop_output)"
        f" VALUES ('{code}', {bool(withheld)}, {bool(stop)})"
    )


async def issue(
    world: World,
    staff: str = ARREARS,
    purpose: str = SURVEY,
    code: str = TANAKA,
    path: str = "MAIL",
    document: str = "DISCLOSURE",
    shows: str = LETTER,
    **headers: str,
) -> httpx2.Response:
    """Ask for a document to go out."""
    mutation = (
        "mutation ($input: IssueDocumentInput!)"
        f" {{ issueDocument(input: $input) {{ __typename {shows} }} }}"
    )
    given = {"addresseeCode": code, "path": path, "document": document}
    return await world.ask(staff, purpose, mutation, {"input": given}, **headers)


async def issued(world: World, **asked: Any) -> Any:
    """What goes out, where it must."""
    response = await issue(world, **asked)
    assert response.status_code == 200, response.text
    return response.json()["data"]["issueDocument"].get("content")


async def stopped(world: World, **asked: Any) -> None:
    """Nothing goes out, nothing is recorded as if it had, and the log names nobody."""
    before = await world.rows("SELECT id FROM issued_document")
    response = await issue(world, **asked)
    assert (response.status_code, code_of(response.json())) == (403, "OUTPUT_STOPPED")
    assert "data" not in response.json()
    assert "出力停止" in response.json()["errors"][0]["message"]
    [record] = await world.log()
    assert (record["kind"], record["outcome"], record["person_count"]) == (
        "WRITE",
        "OUTPUT_STOPPED",
        0,
    )
    assert await world.rows("SELECT id FROM issued_document") == before


async def records(world: World) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM issued_document ORDER BY id")


@pytest.mark.parametrize("path", list(IssuingPath))
async def test_what_goes_out_of_anybody_else_is_recorded(town: World, path: str) -> None:
    person = await issued(
        town, staff=CLERK, purpose="consultation", code=YAMADA, path=path,
        document="TAX_CERTIFICATE", case_reference="C-7",
    )  # fmt: skip
    assert person["residence"] == {"address": "釧路市北大通1番1号"}
    record = (await records(town))[-1]
    told = {key: record[key] for key in ("addressee_code", "document", "path", "staff_id")}
    assert told == {
        "addressee_code": YAMADA, "document": "TAX_CERTIFICATE", "path": path, "staff_id": CLERK,
    }  # fmt: skip
    assert (record["purpose"], record["case_reference"]) == ("consultation", "C-7")
    assert record["lift_id"] is None
    written, read = await town.log(2)
    assert (written["kind"], written["outcome"], read["kind"]) == ("WRITE", "OK", "READ")
    assert json.loads(written["persons"]) == json.loads(read["persons"]) == [YAMADA]
    assert record["session"] == written["session"]
    assert "TAX_CERTIFICATE" not in json.dumps([written, read], default=str)
    with pytest.raises(sa.exc.DBAPIError, match="append only"):
        await town.change("DELETE FROM issued_document")


@pytest.mark.parametrize("path", list(IssuingPath))
async def test_nothing_goes_out_of_whom_output_is_stopped(town: World, path: str) -> None:
    await stopped(town, path=path, document="ANSWER")
    await stopped(town, staff=CLERK, purpose="consultation", path=path, shows="")
    await oblige(town, NISHI, False, True)
    await stopped(town, code=NISHI, path=path, shows=BARE)


async def test_of_a_withheld_place_whatever_tells_none_goes_out(town: World) -> None:
    """Somebody of whom only the place is withheld: a certificate without it may be handed out."""
    await stopped(town, code=NISHI)
    await stopped(town, code=NISHI, shows=f"one: {LETTER} two: {LETTER}")
    person = await issued(town, code=NISHI, shows=BARE)
    assert person == {"fullName": "西 一", "substituteAddress": None}
    assert await issued(town, code=NISHI, shows="") is None


async def test_a_lift_lets_out_what_it_names_once(town: World) -> None:
    await lifted(town, path="MAIL", uses=1)
    before = len(await town.rows("SELECT id FROM lift_use"))
    shows = LETTER.replace("{ fullName", "{ fullName contacts { nodes { value } }", 1)
    person = await issued(town, shows=shows, case_reference="S-1")
    assert person == {
        "fullName": "田中 美咲",
        "contacts": None,
        "residence": {"address": SECRET_ADDRESS},
        "substituteAddress": {"address": "釧路市役所気付"},
    }
    used = (await town.rows("SELECT * FROM lift_use ORDER BY id"))[before:]
    [lift] = await town.rows("SELECT id FROM lift ORDER BY id DESC LIMIT 1")
    record = (await records(town))[-1]
    assert [use["lift_id"] for use in used] == [record["lift_id"]] == [lift["id"]]
    assert (used[0]["session"], used[0]["case_reference"]) == (record["session"], "S-1")
    await stopped(town)


async def test_the_answer_carries_the_obligation(town: World) -> None:
    await lifted(town, path="MAIL", uses=1)
    privacy = (await issue(town)).json()["extensions"]["privacy"]
    assert privacy["obligations"] == [
        {"path": ["issueDocument", "content"], "addressWithheld": True, "stopOutput": True}
    ]


async def test_a_lift_for_viewing_lets_nothing_out_and_is_not_used(town: World) -> None:
    await lifted(town, uses=3)
    await stopped(town)
    assert await issued(town, code=YAMADA) is not None
    assert await uses(town) == [0]


@pytest.mark.parametrize("closed", [each for each in CLOSED if "MAIL" not in each])
async def test_whatever_closes_a_lift_closes_it(town: World, closed: str) -> None:
    await lifted(town, path="MAIL")
    await town.change(f"UPDATE lift SET {closed}")
    await stopped(town)


async def test_each_path_has_lifts_of_its_own(town: World) -> None:
    await lifted(town, path="TELEPHONE", uses=1)
    for path in set(IssuingPath) - {IssuingPath.TELEPHONE}:
        await stopped(town, path=path)
    assert await issued(town, path="TELEPHONE", document="ANSWER") is not None


async def test_the_lift_that_opens_most_is_used_and_no_other(town: World) -> None:
    both = "content { residence { address } contacts { totalCount } }"
    await lifted(town, path="MAIL", classes=["contact"])
    await lifted(town, path="MAIL", classes=["contact", "residence"])
    person = await issued(town, shows=both)
    assert person == {"residence": {"address": SECRET_ADDRESS}, "contacts": {"totalCount": 1}}
    assert await uses(town) == [0, 1]
    await issued(town, shows=both)
    assert await issued(town, shows=both) == {"residence": None, "contacts": {"totalCount": 1}}
    await stopped(town, shows="content { residence { address } }")
    assert await uses(town) == [1]


async def test_of_a_stopped_output_a_lift_lets_out_what_it_names_too(town: World) -> None:
    """Mail was returned, say: the place is not withheld, and still goes out by no lift for another
    class."""
    await oblige(town, TANAKA, False, True)
    await lifted(town, path="MAIL", classes=["contact"], uses=2)
    person = await issued(
        town, shows="content { fullName residence { address } contacts { totalCount } }"
    )
    assert person == {"fullName": "田中 美咲", "residence": None, "contacts": {"totalCount": 1}}
    beside = "content { residence { address } } beside: content { contacts { totalCount } }"
    assert await issued(town, shows=beside) == {"residence": None}
    await lifted(town, path="MAIL", classes=["residence"], uses=1)
    both = "content { residence { address } contacts { totalCount } }"
    await town.change("UPDATE lift SET used = uses WHERE classes = 'contact'")
    assert await issued(town, shows=both) == {
        "residence": {"address": SECRET_ADDRESS},
        "contacts": None,
    }


async def test_what_is_refused_or_not_executed_uses_nothing(town: World) -> None:
    await lifted(town, path="MAIL", uses=1)
    dry = await issue(town, privacy_mode="dry-run")
    assert dry.json()["data"] == {"issueDocument": None}
    hidden = await issue(town, shows="content { contacts { totalCount } }", document="DEMAND",
                         privacy_mode="reject")  # fmt: skip
    assert code_of(hidden.json()) == "FIELD_HIDDEN"
    assert await uses(town) == [0]


async def test_a_coordinator_needs_a_lift_like_everybody(town: World) -> None:
    """`read-withheld` is for reading: what goes out is what a lift names, and never the reason."""
    asked: dict[str, Any] = {"staff": FIRST, "purpose": PURPOSE}
    shows = "content { residence { address } contacts { nodes { value } } }"
    await stopped(town, **asked, shows=shows)
    await lifted(town, FIRST, path="MAIL", classes=["contact"], uses=1)
    person = await issued(town, **asked, shows=shows)
    assert person == {
        "residence": None,
        "contacts": {"nodes": [{"value": f"090-0000-{TANAKA[-4:]}"}]},
    }


@pytest.mark.parametrize(
    "never",
    [
        "individualNumber",
        "individualNumberChangeReason",
        "socialSecurityNumber",
        "dvFlag",
        "neglectFlag",
        "protectiveMeasures { totalCount }",
        "lifts { totalCount }",
        "handling { stopOutput }",
        "id",
    ],
)
async def test_what_no_paper_carries_is_in_no_issued_type(town: World, never: str) -> None:
    response = await issue(
        town, HANDLER, "addressee-management", YAMADA, shows=f"content {{ fullName {never} }}",
        case_reference="C-1",
    )  # fmt: skip
    assert code_of(response.json()) == "GRAPHQL_VALIDATION_FAILED"
    assert NUMBER not in response.text


# -- what is issued has no identity, and what a paper may carry ------------------------------------


def test_no_cache_can_merge_what_is_issued() -> None:
    """Nothing beneath the payload has an `id`, is a `Node`, or is a type that a query shows too."""
    types = build_schema()._schema.type_map
    reached: set[str] = set()
    pending = ["IssueDocumentPayload"]
    while pending:
        type_ = types[pending.pop()]
        if type_.name not in reached and is_object_type(type_):
            reached.add(type_.name)
            assert "id" not in type_.fields, type_.name
            assert not type_.interfaces, type_.name
            pending += [get_named_type(field.type).name for field in type_.fields.values()]
    nouns = {name for name in reached if name.startswith("Issued")}
    assert reached - nouns == {"IssueDocumentPayload", "PageInfo"}
    shown = {
        get_named_type(field.type).name
        for type_ in types.values()
        if is_object_type(type_) and type_.name not in reached | {"Mutation"}
        for field in type_.fields.values()
    }
    assert not shown & nouns


async def test_each_object_says_that_it_is_issued(town: World) -> None:
    shows = """content { __typename residence { __typename } collections { __typename nodes {
        __typename ... on IssuedCollection { taxItemCode } } }
        householdMemberships { nodes { members { nodes { __typename } } } } }"""
    person = await issued(town, code=YAMADA, shows=shows)
    names = set(re.findall(r'"__typename": "(\w+)"', json.dumps(person)))
    assert names == {
        "IssuedContent", "IssuedResidence", "IssuedCollectionConnection", "IssuedCollection",
    }  # fmt: skip
    assert person["collections"]["nodes"][0].keys() == {"__typename", "taxItemCode"}


WHOLE = """content { code fullName birthDate residence { address } contacts { totalCount }
    collections { totalCount nodes { taxItemCode remindedOn } } accounts { totalCount }
    householdMemberships { totalCount } substituteAddress { address } }"""


async def test_a_public_notice_carries_the_name_and_nothing_else(town: World) -> None:
    response = await issue(
        town, CLERK, "consultation", YAMADA, document="PUBLIC_NOTICE", shows=WHOLE
    )
    answer = response.json()
    content = answer["data"]["issueDocument"]["content"]
    assert {name for name, value in content.items() if value is not None} == {"fullName"}
    told = answer["extensions"]["privacy"]["hidden"]
    reasons = {hidden["coordinate"]: hidden["reason"] for hidden in told}
    assert reasons["Addressee.residence"] == reasons["Addressee.code"] == "PAPER"
    assert reasons["Addressee.collections"] == "PAPER"
    assert reasons["Addressee.householdMemberships"] == "ROLE"


async def test_each_paper_carries_its_classes_and_no_others(town: World) -> None:
    """Whatever the role may read: the table of papers decides what of it goes out."""
    coordinates = {
        "birthDate": "birth-and-sex", "residence": "residence", "contacts": "contact",
        "collections": "collection", "accounts": "bank-account", "code": "identifier",
        "householdMemberships": "household", "substituteAddress": "substitute-address",
    }  # fmt: skip
    for row in facts.rows("papers"):
        for staff, purpose in ((CLERK, "consultation"), (ARREARS, SURVEY)):
            answer = (
                await issue(town, staff, purpose, YAMADA, document=row["document"], shows=WHOLE)
            ).json()
            told = answer["extensions"]["privacy"]["hidden"]
            hidden = {each["path"][-1]: each["reason"] for each in told}
            for name, class_ in coordinates.items():
                if class_ not in row["classes"].split():
                    assert hidden[name] in {"PAPER", "ROLE", "PURPOSE"}, (row["document"], name)
                else:
                    assert hidden.get(name) != "PAPER", (row["document"], name)


async def test_what_a_paper_does_not_carry_selects_nothing_on_it(town: World) -> None:
    shows = "content { collections(filter: {remindedOn: {isNull: true}}) { totalCount } }"
    response = await issue(town, code=YAMADA, document="TAX_CERTIFICATE", shows=shows)
    assert code_of(response.json()) == "OPERAND_HIDDEN"


async def test_a_notice_of_the_name_alone_needs_no_lift_for_a_place(town: World) -> None:
    """The withheld place is not on it; a stopped output stops it all the same."""
    asked = {"staff": CLERK, "purpose": "consultation", "document": "PUBLIC_NOTICE"}
    assert await issued(town, **asked, code=NISHI) == {
        "fullName": "西 一", "residence": None, "substituteAddress": None,
    }  # fmt: skip
    await stopped(town, **asked)


async def test_many_at_once_use_a_lift_no_more_often_than_it_says(town: World) -> None:
    await lifted(town, path="COUNTER", uses=3)
    before, used = await records(town), len(await town.rows("SELECT id FROM lift_use"))
    await issue(town, code=YAMADA)

    async def at_the_counter() -> httpx2.Response:
        # They ask in one breath: a store that is slow then refuses them all, and no use is made.
        for _ in range(ATTEMPTS):
            answer = await issue(town, path="COUNTER")
            if answer.status_code != 503:
                break
            await asyncio.sleep(PATIENCE)
        return answer

    answers = await asyncio.gather(*(at_the_counter() for _ in range(60)))
    passed = [answer for answer in answers if answer.status_code == 200]
    assert len(passed) == 3, Counter((each.status_code, each.text[:200]) for each in answers)
    assert all(SECRET_ADDRESS in answer.text for answer in passed)
    assert {code_of(each.json()) for each in answers if each.status_code != 200} == {
        "OUTPUT_STOPPED"
    }
    assert len(await town.rows("SELECT id FROM lift_use")) == used + 3
    made = (await records(town))[len(before) :]
    assert [record["addressee_code"] for record in made] == [YAMADA, *[TANAKA] * 3]


OTHER = "000000000000099"


# -- a namesake ------------------------------------------------------------------------------------


@pytest.fixture
async def alone(town: World) -> AsyncIterator[World]:
    """The town; the namesake is taken away again."""
    yield town
    await town.change(f"DELETE FROM handling WHERE addressee_code IN ('{YAMADA}', '{OTHER}')")
    await town.change(f"DELETE FROM addressee WHERE code = '{OTHER}'")


async def namesake(town: World, withheld: bool = False) -> None:
    """Another record with yamada's name and birthday."""
    await town.change(
        "INSERT INTO addressee (code, full_name, birth_date, address, dv_flag, neglect_flag)"
        f" SELECT '{OTHER}', full_name, birth_date, '釧路市別町9番', false, false"
        f" FROM addressee WHERE code = '{YAMADA}'"
    )
    if withheld:
        await oblige(town, OTHER, True, True)


async def third_item(
    town: World, address: str | None, document: str, **who: Any
) -> httpx2.Response:
    mutation = "mutation ($i: IssueDocumentInput!) { issueDocument(input: $i) { __typename } }"
    given = {"addresseeCode": YAMADA, "path": "MAIL", "document": document, "address": address}
    asked = {"staff_id": ARREARS, "purpose": "delinquency"} | who
    return await town.ask(document=mutation, variables={"i": given}, **asked)


@pytest.mark.parametrize("document", ["DISPOSITION_NOTICE", "REFUND_NOTICE"])
@pytest.mark.parametrize("withheld", [False, True])
async def test_a_paper_about_money_asks_for_the_address_of_a_namesake(
    alone: World, document: str, withheld: bool
) -> None:
    """The same whether the other one is covered or not."""
    assert (await third_item(alone, None, document)).status_code == 200
    await namesake(alone, withheld)
    before = await records(alone)
    for wrong in (None, "", "釧路市別町9番"):
        told = await third_item(alone, wrong, document)
        assert (told.status_code, code_of(told.json())) == (400, "ADDRESS_NEEDED")
        assert "北大通" not in told.text
    assert await records(alone) == before
    for right in (
        "釧路市北大通1番1号",
        "釧路市　北大通１番１号",
        "北大通1−1",
        "北海道釧路市北大通一番一号",
    ):
        assert (await third_item(alone, right, document)).status_code == 200
    assert (await third_item(alone, None, "REMINDER")).status_code == 200


async def test_no_answer_tells_whether_a_withheld_address_was_right(alone: World) -> None:
    await namesake(alone)
    await oblige(alone, YAMADA, True, False)
    for address in (None, "釧路市北大通1番1号", "釧路市別町9番"):
        told = await third_item(alone, address, "DISPOSITION_NOTICE")
        assert (told.status_code, code_of(told.json())) == (403, "OUTPUT_STOPPED")


# -- somebody else on the paper -------------------------------------------------------------------


async def test_the_strictest_obligation_of_anybody_on_it_governs(town: World) -> None:
    assert await issued(town, code=YAMADA, shows=MEMBERS) is not None
    await oblige(town, HANAKO, False, True)
    await stopped(town, code=YAMADA, shows=MEMBERS)
    assert await issued(town, code=YAMADA) is not None


async def test_who_is_stopped_on_it_leaves_the_lift_unused(town: World) -> None:
    await lifted(town, path="MAIL", classes=["household"], uses=1)
    await oblige(town, KEIKO, False, True)
    await stopped(town, shows=MEMBERS)
    assert await uses(town) == [0]
    await oblige(town, KEIKO, True, True)
    person = await issued(town, shows=MEMBERS)
    assert person["householdMemberships"]["nodes"] == [{"members": {"nodes": []}}]


HOLDER = "content { fullName accounts { nodes { bankCode holderKana } } }"


async def test_nobody_whose_output_is_stopped_is_named_on_somebody_elses(town: World) -> None:
    """Whose account it is, without an edge to that person."""
    asked: dict[str, Any] = {"purpose": "delinquency", "code": SUZUKI}
    await oblige(town, SUZUKI, False, False)
    for withheld, stop, name in (
        (False, False, "ﾀﾅｶ ﾐｻｷ"),
        (False, True, None),
        (True, True, None),
    ):
        await oblige(town, TANAKA, withheld, stop)
        person = await issued(town, **asked, shows=HOLDER)
        assert person["accounts"] == {"nodes": [{"bankCode": "0116", "holderKana": name}]}
    await oblige(town, TANAKA, False, True)
    await stopped(town, **asked, shows="content { accounts { nodes { holder { fullName } } } }")


async def test_nobody_whose_output_is_stopped_is_named_where_mail_goes(town: World) -> None:
    """Her who acts for him, his own forwarding address names."""
    await oblige(town, SUZUKI, False, False)
    await town.change(
        "INSERT INTO forwarding_address (addressee_code, full_name)"
        f" VALUES ('{SUZUKI}', '田中 美咲')"
    )
    shows = "content { forwardingAddresses { nodes { fullName } } }"
    for withheld, stop, nodes in (
        (False, False, [{"fullName": "田中 美咲"}]),
        (False, True, [{"fullName": None}]),
        (True, True, []),
    ):
        await oblige(town, TANAKA, withheld, stop)
        person = await issued(town, code=SUZUKI, shows=shows)
        assert person["forwardingAddresses"]["nodes"] == nodes


ROW = f"INSERT INTO handling (addressee_code, address_withheld, stop_output) VALUES ('{YAMADA}'"
BEGUN = {
    "sqlite": (
        [f"CREATE TRIGGER begun AFTER INSERT ON issued_document BEGIN {ROW}, true, true); END"],
        ["DROP TRIGGER begun"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION begun() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {ROW}, true, true); RETURN NULL; END $$",
            "CREATE TRIGGER begun AFTER INSERT ON issued_document"
            " FOR EACH ROW EXECUTE FUNCTION begun()",
        ],
        ["DROP TRIGGER begun ON issued_document", "DROP FUNCTION begun"],
    ),
}
"""Statements after which each issue is overtaken by an obligation, and such as undo that."""


async def test_an_obligation_that_begins_meanwhile_stops_it(town: World, dialect: Dialect) -> None:
    begin, end = BEGUN[dialect]
    for statement in begin:
        await town.change(statement)
    try:
        response = await issue(town, code=YAMADA)
    finally:
        for statement in end:
            await town.change(statement)
    assert code_of(response.json()) == "OUTPUT_STOPPED"
    [record] = await town.log()
    assert (record["kind"], record["outcome"]) == ("READ", "OUTPUT_STOPPED")


# -- who learns what by asking --------------------------------------------------------------------


async def test_whoever_is_not_there_is_answered_alike(town: World) -> None:
    answers = set()
    for code in (TANAKA, NISHI, HANAKO, "000000000009999", "", "９", "x" * 5000):
        response = await issue(town, SECTION_CLERK, "consultation", code, shows=BARE)
        answers.add((response.status_code, response.content))
        [record] = await town.log()
        assert (record["outcome"], record["person_count"]) == ("BAD_USER_INPUT", 0)
    assert len(answers) == 1


async def publish(world: World, *denied: Line) -> None:
    """The first policy with these lines denied, in force."""
    version = await world.publish(*denied, without=lambda line: line.effect == "deny")
    await told_of(world, version)


async def test_who_may_not_see_handling_learns_nothing(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covered, free and unknown persons: the same bytes, before anything is looked at. Where a flag
    alone is hidden the policy cannot be used; the wall behind that has to hold."""
    monkeypatch.setattr("authz.policy.store.check", lambda policy: policy)
    denied = ("Handling", "Handling.addressWithheld", "Handling.stopOutput")
    for what in denied:
        await publish(
            town, Line("role:collection-clerk", "purpose:consultation", what, "read", "deny")
        )
        answers = {
            (await issue(town, CLERK, "consultation", code, shows=shows)).content
            for code in (TANAKA, NISHI, YAMADA, "unknown")
            for shows in (BARE, "")
        }
        [told] = answers
        assert code_of(json.loads(told)) == "WRITE_NOT_ALLOWED"
    await publish(town)
    await stopped(town, staff=CLERK, purpose="consultation")


async def test_whoever_comes_into_it_must_be_told_of(town: World) -> None:
    """Who may not list obligations brings nobody else into a document, covered or not."""
    await publish(
        town, Line("role:arrears-officer", "purpose:field-survey", "Handling", "list", "deny")
    )
    try:
        for covered in (False, True):
            await oblige(town, HANAKO, covered, covered)
            response = await issue(town, code=YAMADA, shows=MEMBERS)
            assert code_of(response.json()) == "WRITE_NOT_ALLOWED"
    finally:
        await publish(town)


@pytest.mark.parametrize(
    ("staff", "purpose"),
    [("sasaki", "audit"), ("yamada", "policy-administration"), ("matsumoto", "operations")],
)
async def test_who_sees_no_persons_issues_nothing(town: World, staff: str, purpose: str) -> None:
    for code in (TANAKA, YAMADA):
        response = await issue(town, staff, purpose, code, shows="")
        assert code_of(response.json()) == "WRITE_NOT_ALLOWED"


@pytest.mark.parametrize("wrong", [{"path": "SCREEN"}, {"document": "姓名"}])
async def test_what_is_no_path_or_document_is_not_repeated(
    town: World, wrong: dict[str, str]
) -> None:
    response = await issue(town, **wrong)
    assert code_of(response.json()) == "BAD_USER_INPUT"
    assert not set(wrong.values()) & set(response.text.split('"'))
