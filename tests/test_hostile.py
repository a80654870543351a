"""Requests that once leaked, crashed or blocked: each is told by what it does."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from graphql import get_introspection_query

from models.store.database import Database
from schema.http.application import INTROSPECTIONS_A_MINUTE
from tests.world import HANAKO, KATO, NISHI, NUMBER, SUZUKI, TANAKA, YAMADA, World, owing

CLERK, ARREARS, HANDLER, DISCLOSURE = "sato", "takahashi", "nakamura", "inoue"
COORDINATOR, AUDITOR = "kobayashi", "sasaki"


def code_of(content: dict[str, Any]) -> str:
    code: str = content["errors"][0]["extensions"]["code"]
    return code


async def test_a_closed_edge_leaves_no_trace_in_the_log(world: World) -> None:
    """A day-care levy names a covered child: the log must not tell the link to the auditor."""
    document = "query ($c: String!) { addressee(code: $c) { collections { nodes { %s } } } }"
    document = document.replace("%s", "childAddressee { code }")
    found = await world.data(ARREARS, "field-survey", document, variables={"c": SUZUKI})
    assert found["addressee"]["collections"]["nodes"] == [{"childAddressee": None}]
    [record] = await world.log()
    assert json.loads(record["persons"]) == [SUZUKI]


@pytest.mark.parametrize("asked", ["totalCount", "pageInfo { hasNextPage }"])
async def test_whoever_a_count_tells_of_is_on_the_log(world: World, asked: str) -> None:
    document = """
    query ($c: String!, $p: String!) {
      addressees(first: 0, filter: {code: {eq: $c}, residence: {address: {prefix: $p}}}) { ASKED }
    }
    """
    variables = {"c": YAMADA, "p": "釧路市北"}
    found = await world.data(
        ARREARS, "field-survey", document.replace("ASKED", asked), variables=variables
    )
    assert found["addressees"] in ({"totalCount": 1}, {"pageInfo": {"hasNextPage": True}})
    [record] = await world.log()
    assert json.loads(record["persons"]) == [YAMADA]


async def test_two_operations_of_one_document_do_not_share_a_plan(world: World) -> None:
    document = """
    query A($x: AddresseeFilter) { addressees(first: 50, filter: $x) { nodes { code } } }
    query B($x: Boolean!) { addressees(first: 1) { nodes { ...F } } }
    fragment F on Addressee { code @include(if: $x) }
    """
    token = await world.sign_in(CLERK)
    for condition, expected in (
        ({"code": {"eq": YAMADA}}, [YAMADA]),
        ({"fullName": {"eq": "加藤 翔"}}, [KATO]),
        ({"code": {"eq": KATO}, "fullName": {"eq": "nobody"}}, []),
    ):
        response = await world.client.post(
            "/graphql",
            json={"query": document, "variables": {"x": condition}, "operationName": "A"},
            headers={"authorization": f"Bearer {token}", "purpose-of-use": "consultation"},
        )
        nodes = response.json()["data"]["addressees"]["nodes"]
        assert [node["code"] for node in nodes] == expected


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        (
            "query ($b: Boolean = true) { addressees { nodes { code @include(if: $b) } } }",
            {"b": None},
            "BAD_USER_INPUT",
        ),
        (
            "{ addressees(orderBy: [{field: FULL_NAME_SEARCH_KANA},"
            " {field: FULL_NAME_SEARCH_KANA}]) { nodes { code } } }",
            {},
            "BAD_USER_INPUT",
        ),
        (
            '{ addressees(filter: {fullNameSearchKana: {prefix: "・"}}) { nodes { code } } }',
            {},
            "BAD_USER_INPUT",
        ),
        (
            "query ($f: AddresseeFilter) { addressees(filter: $f) { nodes { code } } }",
            {"f": {"or": [{"code": {"eq": str(n)}} for n in range(101)]}},
            "LIMIT_EXCEEDED",
        ),
        (
            "query ($k: String) { addressees(filter: {fullName: {eq: $k}}) { nodes { code } } }",
            {"k": "\u0301\u0316" * 200},
            "LIMIT_EXCEEDED",
        ),
        (
            "{ addressees(filter: "
            + '{fullName: {eq: "x"}, not: ' * 40
            + '{fullName: {eq: "x"}}'
            + "}" * 40
            + ") { totalCount } }",
            {},
            "LIMIT_EXCEEDED",
        ),
    ],
)
async def test_what_once_crashed_or_blocked_is_refused(
    world: World, document: str, variables: dict[str, Any], code: str
) -> None:
    response = await world.ask(CLERK, "consultation", document, variables)
    assert (response.status_code, code_of(response.json())) == (400, code)
    [record] = await world.log()
    assert record["outcome"] == code


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (r'"\u{0041}"', True),
        (r'"\u{00000041}"', True),
        (r'"C:\\u0000"', True),
        (r'"C:\\u{0}"', True),
        (r'"""C:\u0000 \u{0}"""', True),
        (r'"\u0000"', False),
        (r'"x\u{0}"', False),
        (r'"x\u{00000}y"', False),
        (r'"\\\u0000"', False),
    ],
)
async def test_a_text_is_judged_after_it_is_read(world: World, written: str, taken: bool) -> None:
    document = f"{{ addressees(filter: {{fullName: {{eq: {written}}}}}) {{ totalCount }} }}"
    response = await world.ask(CLERK, "consultation", document)
    assert response.status_code == (200 if taken else 400), response.text


@pytest.mark.parametrize(("text", "taken"), [(r"C:\u0000", True), ("C:\x00", False)])
async def test_a_variable_is_judged_by_its_characters(world: World, text: str, taken: bool) -> None:
    document = "query($c: String!) { addressees(filter: {fullName: {eq: $c}}) { totalCount } }"
    response = await world.ask(CLERK, "consultation", document, {"c": text})
    assert response.status_code == (200 if taken else 400), response.text


async def test_a_number_is_no_default_of_a_variable(world: World) -> None:
    document = (
        f'query ($n: IndividualNumber! = "{NUMBER}")'
        " { addresseeByIndividualNumber(individualNumber: $n) { code } }"
    )
    response = await world.ask(HANDLER, "addressee-matching", document, case_reference="C-1")
    assert response.status_code == 400
    assert NUMBER not in response.text


@pytest.mark.parametrize(
    "inner",
    [
        "types { fields { type { fields { name } } } }",
        "types { a: name }",
        "types { ...F } } } fragment F on __Type { fields { type { ...G } } }"
        " fragment G on __Type { possibleTypes { name }",
    ],
)
async def test_introspection_stays_small(world: World, inner: str) -> None:
    document = f"{{ __schema {{ {inner} }} }}"
    if "fragment" in inner:
        document = f"{{ __schema {{ {inner} }}"
    response = await world.post(document)
    assert code_of(response.json()) == "LIMIT_EXCEEDED"


async def test_the_usual_introspection_query_is_answered(world: World) -> None:
    response = await world.post(get_introspection_query())
    assert response.json()["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    "asked",
    [
        "{ a%d: __typename __schema { __typename } }",
        "query Q%d($x: Boolean = true) { __schema { __typename @include(if: $x) } }",
    ],
)
async def test_one_address_does_not_keep_a_worker_busy_with_introspection(
    asked: str, town: World
) -> None:
    """Each one that differs is computed anew, for whoever asks; the usual one is there already."""
    told: list[int] = []
    for number in range(INTROSPECTIONS_A_MINUTE + 10):
        response = await town.post(asked % number)
        told.append(response.status_code)
    assert (told[0], told[-1]) == (200, 429)
    assert int(response.headers["retry-after"]) <= 60
    assert (await town.post("{ __typename }")).status_code == 200


async def test_introspection_of_two_operations_is_not_mixed_up(world: World) -> None:
    document = """
    query A { __type(name: "Account") { name } } query B { __type(name: "Contact") { name } }
    """
    for operation, name in (("A", "Account"), ("B", "Contact")):
        response = await world.client.post(
            "/graphql", json={"query": document, "operationName": operation}
        )
        assert response.json()["data"] == {"__type": {"name": name}}


async def test_an_ended_obligation_looks_like_none(world: World) -> None:
    """Ended by a coordinator: nobody learns who was protected once."""
    document = "query ($c: String!) { addressee(code: $c) { handling { addressWithheld } } }"
    await world.change(
        "INSERT INTO handling (addressee_code, address_withheld, stop_output)"
        f" VALUES ('{HANAKO}', false, false)"
    )
    ended = await world.ask(CLERK, "consultation", document, {"c": HANAKO})
    never = await world.ask(CLERK, "consultation", document, {"c": YAMADA})
    await world.change(f"DELETE FROM handling WHERE addressee_code = '{HANAKO}'")
    assert ended.content == never.content
    covered = await world.data(CLERK, "consultation", document, variables={"c": NISHI})
    assert covered["addressee"]["handling"] == {"addressWithheld": True}


async def test_a_refused_operand_is_on_the_log_with_what_was_asked(world: World) -> None:
    document = '{ addressees(filter: {residence: {address: {eq: "x"}}}) { nodes { code } } }'
    await world.ask(CLERK, "consultation", document)
    [record] = await world.log()
    assert record["outcome"] == "OPERAND_HIDDEN"
    assert ["Residence.address", "match", "hidden"] in json.loads(record["coordinates"])


async def test_a_purpose_that_is_none_is_not_repeated_in_the_log(world: World) -> None:
    await world.ask(CLERK, "6214-9832-0258", "{ addressees { nodes { code } } }")
    [record] = await world.log()
    assert (record["outcome"], record["purpose"]) == ("PURPOSE_NOT_ALLOWED", None)


async def test_a_malformed_header_is_logged_with_who_sent_it(world: World) -> None:
    response = await world.ask(
        CLERK, "consultation", "{ addressees { nodes { code } } }", case_reference="123456789012"
    )
    assert response.status_code == 400
    [record] = await world.log()
    assert (record["actor"], record["outcome"]) == (CLERK, "BAD_USER_INPUT")
    assert record["case_reference"] is None


async def test_a_covered_person_of_another_row_is_no_read_of_hers(world: World) -> None:
    """`about` binds a value that is not of a withheld class: a holder's name on another's row."""
    document = (
        "query ($c: String!) { addressee(code: $c) { accounts { nodes { bankCode holderKana } } } }"
    )
    his = await world.data(CLERK, "consultation", document, variables={"c": SUZUKI})
    assert his["addressee"]["accounts"]["nodes"] == [{"bankCode": "0116", "holderKana": None}]
    [record] = await world.log()
    assert TANAKA not in record["persons"]


async def test_one_operation_sees_one_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two statements of one answer somebody writes: all of the answer is of before."""
    document = """
    query ($c: String!) { addressee(code: $c) { code collections { nodes { outstanding } } } }
    """
    before = await world.data(CLERK, "consultation", document, variables={"c": YAMADA})
    read = Database.read
    written: list[str] = []

    class Meddling:
        def __init__(self, reader: Any) -> None:
            self.reader = reader

        async def rows(self, sql: str, arguments: Any) -> Any:
            found = await self.reader.rows(sql, arguments)
            if "FROM addressee" in sql and not written:
                written.append(sql)
                await world.change("UPDATE collection SET outstanding = outstanding + 1")
            return found

    @contextlib.asynccontextmanager
    async def meddled(database: Database, **options: Any) -> Any:
        async with read(database, **options) as reader:
            yield Meddling(reader)

    monkeypatch.setattr(Database, "read", meddled)
    seen = await world.data(CLERK, "consultation", document, variables={"c": YAMADA})
    monkeypatch.undo()
    await world.change("UPDATE collection SET outstanding = outstanding - 1")
    assert written
    assert seen == before


async def test_a_cursor_and_an_id_tell_nothing_of_what_they_hold(world: World) -> None:
    """A value that orders a list may be one that is not shown: its cursor is opaque."""
    document = """
    { addressees(first: 1, orderBy: [{field: FULL_NAME_SEARCH_KANA}]) {
        nodes { id } pageInfo { endCursor } } }
    """
    found = (await world.data(CLERK, "consultation", document))["addressees"]
    for text in (found["nodes"][0]["id"], found["pageInfo"]["endCursor"]):
        opened = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        for told in (b"Addressee", b"00000", "ススキ".encode(), "タナカ".encode()):
            assert told not in opened


async def test_whose_rows_name_somebody_are_on_the_log(world: World) -> None:
    """Suzuki names Kato as an agent: that row is Suzuki's, from whichever side it is read."""
    document = (
        "query ($c: String!) { addressee(code: $c) { specialAddresseeOf { nodes { kind } } } }"
    )
    async with owing(world, KATO):
        found = await world.data(ARREARS, "field-survey", document, variables={"c": KATO})
    assert found["addressee"]["specialAddresseeOf"]["nodes"] == [{"kind": "納税管理人"}]
    [record] = await world.log()
    assert json.loads(record["persons"]) == [KATO, SUZUKI]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_instants_are_paged_with_the_unknown_ones_last(town: World, direction: str) -> None:
    """A page after an unknown instant once left out the rest, or began at the first one again."""
    for number in range(6):
        revoked = "NULL" if number % 2 else f"'2026-04-0{number + 1} 10:00:00.000000'"
        await town.change(
            "INSERT INTO lift (addressee_code, staff_id, classes, path, reason, ends_at, uses,"
            f" used, revoked_at) VALUES ('{TANAKA}', 'sato', 'residence', 'SCREEN', '{number}',"
            f" '2026-05-01 10:00:00.000000', 1, 0, {revoked})"
        )
    document = """
    query ($after: String, $direction: OrderDirection!) {
      lifts(first: 2, after: $after, orderBy: [{field: REVOKED_AT, direction: $direction}]) {
        nodes { reason } pageInfo { endCursor } } }
    """
    seen, after = [], None
    for _ in range(3):
        variables = {"after": after, "direction": direction}
        found = await town.data(COORDINATOR, "protection-measures", document, variables=variables)
        seen += [node["reason"] for node in found["lifts"]["nodes"]]
        after = found["lifts"]["pageInfo"]["endCursor"]
    known = ["0", "2", "4"] if direction == "ASC" else ["4", "2", "0"]
    assert seen == [*known, "1", "3", "5"]


async def test_a_list_of_operands_finds_what_is_in_it_and_nothing_else(world: World) -> None:
    """PostgreSQL cut a code that is too long, and found whose code its beginning is."""
    document = "query ($c: [String!]) { addressees(filter: {code: {in: $c}}) { nodes { code } } }"
    variables = {"c": [f"{YAMADA}x", KATO]}
    found = await world.data(CLERK, "consultation", document, variables=variables)
    assert found["addressees"]["nodes"] == [{"code": KATO}]


async def test_an_early_instant_comes_before_all_others(world: World) -> None:
    """The year 999 was written with three digits, and so after every stored one."""
    document = 'query { accessRecords(filter: {at: {lt: "0999-01-01T00:00:00Z"}}) { totalCount } }'
    found = await world.data(AUDITOR, "audit", document)
    assert found == {"accessRecords": {"totalCount": 0}}
