"""The ways in which layers like this one have failed elsewhere: one test each, over HTTP.

Two servers run over two states of one town that differ in what is hidden or withheld alone
(`HIDE`). `alike` asks both the same and holds the answers equal, byte for byte; somebody who may
see the difference does see it (`test_the_two_towns_differ_for_those_who_may_see_it`). The numbers
are those of the list of attack classes in docs/threat-model.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
import sqlalchemy as sa
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_introspection_query,
    get_named_type,
)

from authz.errors import Unavailable
from authz.policy.policy import Line, Policy
from authz.redis.embedded import EmbeddedRedis
from authz.sessions.lookup_budget import Harvest
from models.graph.graph import GRAPH
from models.labels import UnclassifiedError, column
from models.store import database as pools
from models.store.database import Database
from resolvers.read import sql
from schema.settings import Settings
from tests.conftest import NewDatabase
from tests.world import (
    HANAKO,
    KATO,
    KEIKO,
    NISHI,
    NUMBER,
    SECRET_ADDRESS,
    SUZUKI,
    TANAKA,
    YAMADA,
    World,
    make_stores,
    running,
    settings_of,
)

CLERK, SURVEYOR, SECTION, REGISTRAR = "sato", "takahashi", "watanabe", "yamamoto"
HANDLER, COORDINATOR, ADMIN, AUDITOR = "nakamura", "kobayashi", "yamada", "sasaki"

OTHER_ADDRESS = "釧路市北大通9番"
OTHERS_PAYER = "000000000000099"
HIDE = [
    # Why somebody is covered, under an equal obligation.
    f"UPDATE addressee SET dv_flag = false, neglect_flag = true WHERE code = '{TANAKA}'",
    f"UPDATE addressee SET dv_flag = true WHERE code = '{NISHI}'",
    # Where covered persons live and how they are reached.
    f"UPDATE addressee SET address = '{OTHER_ADDRESS}', postal_code_area = '084',"
    f" resident_since = '1999-09-09' WHERE code IN ('{TANAKA}', '{KEIKO}', '{NISHI}')",
    f"UPDATE contact SET value = '0154-00-0000' WHERE addressee_code = '{TANAKA}'",
    f"UPDATE household_membership SET relationship = '姉' WHERE addressee_code = '{KEIKO}'",
    f"INSERT INTO special_addressee (addressee_code, special_addressee_code, kind)"
    f" VALUES ('{KATO}', '{TANAKA}', '相続人')",
    # Cells of classes that no clerk reads at the desk.
    f"UPDATE addressee SET moved_from_address = '札幌市中央区1番' WHERE code = '{YAMADA}'",
    f"UPDATE bank_account SET branch_code = '777', account_number = '9999321'"
    f" WHERE addressee_code = '{YAMADA}'",
    # A person who is nobody's payer but the municipal tax office's.
    "INSERT INTO addressee (code, kind, entity_kind, full_name, sex, dv_flag, neglect_flag)"
    f" VALUES ('{OTHERS_PAYER}', 'RESIDENT', 'INDIVIDUAL', '他課 一', 'UNKNOWN', false, false)",
]
"""Statements that change nothing which the clerks of these tests may see."""
SECRETS = [SECRET_ADDRESS, OTHER_ADDRESS, "相続人", "札幌市", "9999321", "0154-00-0000"]


@dataclass
class Towns:
    """The same town twice, with other hidden values."""

    one: World
    other: World
    schema: GraphQLSchema

    async def alike(
        self,
        staff_id: str,
        purpose: str | None,
        document: str,
        variables: Mapping[str, Any] | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """The answer, which both give."""
        answers = [
            await world.ask(staff_id, purpose, document, variables, **headers)
            for world in (self.one, self.other)
        ]
        assert answers[0].content == answers[1].content
        assert answers[0].status_code == answers[1].status_code
        assert dict(answers[0].headers) == dict(answers[1].headers)
        assert not [secret for secret in SECRETS if secret in answers[0].text]
        assert answers[0].status_code < 500, answers[0].text
        return answers[0]

    async def refused(self, code: str, staff_id: str, purpose: str | None, *asked: Any) -> str:
        """Both refuse with this code; what they say."""
        answer = await self.alike(staff_id, purpose, *asked)
        content = answer.json()
        assert "data" not in content, content
        assert content["errors"][0]["extensions"]["code"] == code, content
        return answer.text

    async def data(self, staff_id: str, purpose: str, *asked: Any) -> Any:
        """The `data` that both give."""
        content = (await self.alike(staff_id, purpose, *asked)).json()
        assert "data" in content, content
        return content["data"]


@dataclass
class Model:
    """Stores from which those of a test are copied: nobody else opens them."""

    database_url: str
    numbers_url: str
    folder: Path
    passwords: dict[str, str]

    def settings(self, new_database: NewDatabase, redis_url: str) -> Settings:
        """Settings over a copy of the town."""
        copy = new_database(like=self.database_url)
        return settings_of(copy, self.numbers_url, redis_url, self.folder)


@pytest.fixture(scope="module")
async def model(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The small town, made once."""
    folder = tmp_path_factory.mktemp("attacks")
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, folder)
    return Model(database_url, numbers_url, folder, passwords)


@pytest.fixture(scope="module")
async def towns(
    model: Model, new_database: NewDatabase, valkey: EmbeddedRedis
) -> AsyncIterator[Towns]:
    """Both towns, each with its server."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    first, second = [model.settings(new_database, valkey.url) for _ in range(2)]
    database = Database(second.database_url)
    async with database.write() as connection:
        for statement in HIDE:
            await connection.exec_driver_sql(statement)
    await database.close()
    async with (
        running(first, model.passwords) as one,
        running(second, model.passwords) as other,
    ):
        sdl = (await one.client.get("/schema.graphql")).text
        yield Towns(one, other, build_schema(sdl))


@pytest.fixture(scope="module")
def other_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """Of the towns whose policy changes."""
    with EmbeddedRedis.start(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def spare(
    model: Model, new_database: NewDatabase, other_valkey: EmbeddedRedis
) -> AsyncIterator[World]:
    """A town of its own, for what changes policy or staff."""
    with redis.Redis.from_url(other_valkey.url) as client:
        client.flushall()
    settings = model.settings(new_database, other_valkey.url)
    async with running(settings, model.passwords) as world:
        yield world


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any, int]]:
    """Every statement of clients' reads: text, arguments, rows that it found."""
    seen: list[tuple[str, Any, int]] = []
    for reader in (pools._SqliteReader, pools._PostgresqlReader):
        read = reader.rows

        async def rows(self: Any, text: str, arguments: Any, read: Any = read) -> Any:
            found = await read(self, text, arguments)
            # What the server asks for itself, of staff and policy, goes on beside.
            if " AS t " in text:
                seen.append((text, list(arguments), len(found)))
            return found

        monkeypatch.setattr(reader, "rows", rows)
    return seen


def everybody(inner: str, filter_: str = "$f") -> str:
    return (
        "query ($f: AddresseeFilter) { addressees(first: 50, filter: "
        f"{filter_}) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {inner} }} }} }}"
    )


def person(inner: str) -> str:
    return f"query ($c: String!) {{ addressee(code: $c) {{ {inner} }} }}"


async def test_the_two_towns_differ_for_those_who_may_see_it(towns: Towns) -> None:
    """The population clause: or two servers that show nothing would be alike as well."""
    for staff_id, purpose, code, inner in (
        (COORDINATOR, "protection-measures", TANAKA, "dvFlag residence { address }"),
        (COORDINATOR, "protection-measures", TANAKA, "contacts { nodes { value } }"),
        (SURVEYOR, "field-survey", YAMADA, "movedFrom { address }"),
        (SURVEYOR, "delinquency", YAMADA, "accounts { nodes { branchCode accountNumber } }"),
        (CLERK, "consultation", OTHERS_PAYER, "fullName"),
    ):
        one, other = [
            await world.data(staff_id, purpose, person(inner), variables={"c": code})
            for world in (towns.one, towns.other)
        ]
        assert one != other, inner


# -- operands --------------------------------------------------------------------------------------


def operators(kind: Any, value: str) -> Iterator[dict[str, Any]]:
    """Every operator of a filter on one field, with a value that fits."""
    for name, field in get_named_type(kind).fields.items():
        inner = get_named_type(field.type).name
        given: Any = {"Date": "1990-03-03", "Boolean": True, "Int": 1, "Yen": 1}.get(inner, value)
        if isinstance(get_named_type(field.type), GraphQLEnumType):
            given = next(iter(get_named_type(field.type).values))
        yield {name: [given] if name == "in" else given}


def conditions(schema: GraphQLSchema, value: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every comparison that a filter of addressees can hold, those inside parts too."""
    filter_ = schema.type_map["AddresseeFilter"]
    assert isinstance(filter_, GraphQLInputObjectType)
    for name, field in filter_.fields.items():
        kind = get_named_type(field.type)
        if name in {"and", "or", "not"}:
            continue
        assert isinstance(kind, GraphQLInputObjectType)
        if "eq" in kind.fields or "isNull" in kind.fields:
            for compared in operators(kind, value):
                yield name, {name: compared}
            continue
        for inner, part in kind.fields.items():
            if inner not in {"and", "or", "not"}:
                for compared in operators(part.type, value):
                    yield f"{name}.{inner}", {name: {inner: compared}}


KNOWN = [YAMADA, HANAKO, TANAKA, KEIKO, SUZUKI, KATO, NISHI]
HIDDEN_OPERANDS = frozenset({"dvFlag", "neglectFlag"})


async def test_ac_01_filter_oracle(towns: Towns) -> None:
    """Every operator on every field; what is hidden or withheld decides nothing."""
    known = json.dumps(KNOWN)
    lists = " ".join(
        f"{alias}: addressees(filter: {{and: [{{code: {{in: {known}}}}}, {asked}]}}) {{ {shown} }}"
        for alias, asked in (("a", "$f"), ("b", "{not: $f}"))
        for shown in ["totalCount nodes { code fullName }"]
    )
    document = f"query ($f: AddresseeFilter!) {{ {lists} }}"
    answered, refused = 0, 0
    for name, condition in conditions(towns.schema, SECRET_ADDRESS):
        answer = await towns.alike(SURVEYOR, "field-survey", document, {"f": condition})
        if name in HIDDEN_OPERANDS:
            assert answer.json()["errors"][0]["extensions"]["code"] == "OPERAND_HIDDEN"
            refused += 1
        answered += answer.status_code == 200
    assert refused >= 4
    assert answered > 60


async def test_ac_02_sort_oracle(towns: Towns) -> None:
    enum = towns.schema.type_map["AddresseeOrderField"]
    assert isinstance(enum, GraphQLEnumType)
    document = """query ($o: [AddresseeOrder!]) {
        addressees(first: 50, orderBy: $o) { nodes { code } edges { cursor } } }"""
    for first in enum.values:
        for direction in ("ASC", "DESC"):
            for second in set(enum.values) - {first}:
                order = [{"field": first, "direction": direction}, {"field": second}]
                await towns.alike(SECTION, "consultation", document, {"o": order})
                await towns.alike(REGISTRAR, "addressee-matching", ONLY_TOWN % document[6:], {
                    "o": order, "f": {"code": {"in": [TANAKA, KEIKO, NISHI, YAMADA]}},
                })  # fmt: skip
    orderable = {name.replace("_", "").lower() for name in enum.values}
    withheld = {leaf.name.lower() for leaf in GRAPH.types["Addressee"].operands() if leaf.withheld}
    assert not orderable & withheld


ONLY_TOWN = "query ($f: AddresseeFilter, %s"


async def test_ac_03_logical_wrapping(towns: Towns) -> None:
    hidden: dict[str, Any] = {"dvFlag": {"eq": True}}
    withheld: dict[str, Any] = {"residence": {"address": {"eq": SECRET_ADDRESS}}}
    for depth, wrapper in enumerate(["and", "or", "not", "and", "or", "not"]):
        hidden = {wrapper: hidden if wrapper == "not" else [{"code": {"eq": "1"}}, hidden]}
        withheld = {wrapper: withheld if wrapper == "not" else [withheld, {"not": withheld}]}
        await towns.refused(
            "OPERAND_HIDDEN", CLERK, "consultation", everybody("code"), {"f": hidden}
        )
        found = await towns.data(
            SURVEYOR, "field-survey", everybody("code"), {"f": {"and": [withheld]}}
        )
        assert TANAKA not in json.dumps(found), depth


@pytest.mark.parametrize(
    "name",
    [
        "residence.address", "residence_address", "t1.address", '"address"', "RESIDENCE",
        "dv_flag", "DvFlag", "dvFlag ", "ｄｖＦｌａｇ", "dv\u200bFlag", "addressee.dvFlag",
        "password_hash", "handling.addressWithheld", "__proto__", "$or",
    ],
)  # fmt: skip
async def test_ac_04_path_syntax(towns: Towns, name: str) -> None:
    await towns.refused(
        "BAD_USER_INPUT",
        CLERK, "consultation", everybody("code"), {"f": {name: {"eq": True}}},
    )  # fmt: skip
    selected = await towns.alike(CLERK, "consultation", person(name), {"c": TANAKA})
    assert selected.status_code == 400 or selected.json()["data"] == {"addressee": {"dvFlag": None}}


async def test_ac_05_relation_traversal(towns: Towns) -> None:
    """No filter leads over an edge, and every edge that selects does so within the view."""
    for type_ in GRAPH.types.values():
        filter_ = towns.schema.type_map.get(f"{type_.name}Filter")
        if isinstance(filter_, GraphQLInputObjectType):
            assert not set(filter_.fields) & set(type_.edges), type_.name
    edges = """accounts { nodes { holder { code } } }
        collections { nodes { childAddressee { code } } }
        specialAddressees { nodes { kind addressee { code } } } specialAddresseeOf { totalCount }
        heldAccounts { totalCount } childCollections { totalCount } relatedAddressees { totalCount }
        householdMemberships { totalCount nodes { relationship members { nodes { code } } } }"""
    for code in (YAMADA, SUZUKI, KATO, TANAKA):
        for staff_id, purpose in (
            (CLERK, "consultation"), (REGISTRAR, "addressee-management"),
            (SURVEYOR, "field-survey"), (SURVEYOR, "delinquency"),
        ):  # fmt: skip
            await towns.alike(staff_id, purpose, person(edges), {"c": code})
    inner = "accounts(filter: {branchCode: {eq: $b}}) { totalCount }"
    document = f"query ($b: String!) {{ addressees {{ nodes {{ {inner} }} }} }}"
    for branch in ("301", "777"):
        await towns.refused("OPERAND_HIDDEN", CLERK, "consultation", document, {"b": branch})


async def test_ac_06_search_box(towns: Towns) -> None:
    """A search looks into the one column that it names; a mask is not confirmed by a hit."""
    for text in ("タナカ", "ﾀﾅｶ", "たなか", SECRET_ADDRESS, NUMBER, "ヤマ"):
        found = await towns.data(
            CLERK, "consultation", everybody("code residence { address }"),
            {"f": {"fullNameSearchKana": {"prefix": text}}},
        )  # fmt: skip
        assert (TANAKA in json.dumps(found)) == (text in {"タナカ", "ﾀﾅｶ", "たなか"})
    document = "query ($n: String!) { accounts(filter: {accountNumber: {eq: $n}}) { totalCount } }"
    for number in ("7654321", "9999321", "1"):
        await towns.refused("OPERAND_HIDDEN", CLERK, "consultation", document, {"n": number})


async def test_ac_07_aggregate_and_group(towns: Towns) -> None:
    """There is one aggregate, `totalCount`; it takes the operands of its list, and no others."""
    for name, type_ in towns.schema.type_map.items():
        if name.endswith("Connection"):
            assert isinstance(type_, GraphQLObjectType)
            fields = {"nodes", "pageInfo", "totalCount"}
            assert set(type_.fields) - {"edges"} == fields
        if isinstance(type_, GraphQLObjectType) and not name.startswith("Policy"):
            words = ("min", "max", "sum", "avg", "average", "group", "having", "distinct")
            assert not [f for f in type_.fields if f.lower().startswith(words)], name
    for condition in ({"dvFlag": {"eq": True}}, {"residence": {"address": {"prefix": "釧"}}}):
        document = "query ($f: AddresseeFilter) { addressees(filter: $f) { totalCount } }"
        await towns.refused("OPERAND_HIDDEN", CLERK, "consultation", document, {"f": condition})


async def test_ac_08_counts_and_page_size(towns: Towns) -> None:
    """Whoever is outside is neither counted nor a gap in a page."""
    after: str | None = None
    pages = []
    for _ in range(3):
        document = """query ($a: String) { addressees(first: 1, after: $a) {
            totalCount pageInfo { hasNextPage endCursor } edges { cursor node { code } } } }"""
        found = (await towns.data(SECTION, "consultation", document, {"a": after}))["addressees"]
        pages.append(len(found["edges"]))
        assert found["totalCount"] == 1
        after = found["pageInfo"]["endCursor"] or after
    assert pages == [1, 0, 0]
    # KATO has an agent who is covered in one of the towns, and is seen with the other one alone.
    agents = "specialAddressees(first: 1) { totalCount pageInfo { hasNextPage } nodes { kind } }"
    found = await towns.data(REGISTRAR, "addressee-management", person(agents), {"c": KATO})
    assert found["addressee"]["specialAddressees"]["totalCount"] == 0


async def test_ac_09_output_alias(towns: Towns) -> None:
    document = """query ($c: String!) { addressee(code: $c) {
        fullName: dvFlag code: neglectFlag handling: movedFrom { address }
        a: accounts { nodes { bankCode: accountNumber branchCode ...More } } ...Twice } }
        fragment More on Account { holderKana: accountNumber shown: accountNumber }
        fragment Twice on Addressee {
            b: accounts { nodes { accountNumber bankCode: branchCode } } }"""
    found = (await towns.data(CLERK, "consultation", document, {"c": YAMADA}))["addressee"]
    assert (found["fullName"], found["code"], found["handling"]) == (None, None, None)
    assert found["a"]["nodes"] == [
        {"bankCode": "****321", "branchCode": None, "holderKana": "****321", "shown": "****321"}
    ]
    assert found["b"]["nodes"] == [{"accountNumber": "****321", "bankCode": None}]


async def node_id(world: World, staff_id: str, purpose: str, code: str) -> str:
    found = await world.data(staff_id, purpose, person("id"), variables={"c": code})
    identity: str = found["addressee"]["id"]
    return identity


async def test_ac_10_polymorphism(towns: Towns) -> None:
    """The one interface tells nothing but the id; by any fragment, a hidden field stays hidden."""
    schema = towns.schema
    assert not [t for t in schema.type_map.values() if isinstance(t, GraphQLUnionType)]
    interfaces = [t for t in schema.type_map.values() if isinstance(t, GraphQLInterfaceType)]
    assert [(one.name, set(one.fields)) for one in interfaces] == [("Node", {"id"})]
    identity = await node_id(towns.one, CLERK, "consultation", TANAKA)
    document = """query ($i: ID!) { node(id: $i) { __typename id ... on Node { ...F }
        ... on Addressee { dvFlag residence { address }
            ... on Node { ... on Addressee { neglectFlag } } } } }
        fragment F on Node { ... on Addressee { a: dvFlag movedFrom { address } } }"""
    found = (await towns.data(CLERK, "consultation", document, {"i": identity}))["node"]
    assert set(found.values()) == {"Addressee", identity, None}


# -- declarations ----------------------------------------------------------------------------------


def unguarded(schema: GraphQLSchema) -> Iterator[str]:
    """Fields of nouns without `@classified`."""
    types = [(type_.name, type_) for type_ in GRAPH.types.values()]
    parts = [part.type_name for type_ in GRAPH.types.values() for part, _ in type_.parts.values()]
    for name in [*(name for name, _ in types), *parts]:
        object_ = schema.type_map[name]
        assert isinstance(object_, GraphQLObjectType)
        for field_name, field in object_.fields.items():
            assert field.ast_node is not None
            directives = {directive.name.value for directive in field.ast_node.directives or ()}
            if field_name not in {"id", "privacy"} and "classified" not in directives:
                yield f"{name}.{field_name}"


async def test_ac_11_guard_not_recognised(towns: Towns) -> None:
    """The SDL's guard is printed from the label that decides; a renamed one would be missing."""
    assert list(unguarded(towns.schema)) == []
    sdl = (await towns.one.client.get("/schema.graphql")).text
    renamed = build_schema(sdl.replace("@classified", "@clasified"), assume_valid_sdl=True)
    assert len(list(unguarded(renamed))) > 200
    for coordinate, classes in GRAPH.classes.items():
        assert classes, coordinate


async def test_ac_12_second_door(towns: Towns) -> None:
    """`node`, single rows and other paths give what the front door gives."""
    assert towns.schema.query_type is not None
    assert "nodes" not in towns.schema.query_type.fields
    found = await towns.one.data(
        COORDINATOR, "protection-measures",
        person("contacts { nodes { id } } householdMemberships { nodes { id } }"),
        variables={"c": TANAKA},
    )  # fmt: skip
    ids = [
        found["addressee"][edge]["nodes"][0]["id"] for edge in ("contacts", "householdMemberships")
    ]
    document = """query ($i: ID!) { node(id: $i) { id ... on Contact { value }
        ... on HouseholdMembership { relationship } } }"""
    for staff_id, purpose in ((REGISTRAR, "addressee-management"), (CLERK, "consultation")):
        for identity in (*ids, "x" * 40):
            answer = await towns.alike(staff_id, purpose, document, {"i": identity})
            assert answer.json()["data"] == {"node": None}
    document = """query ($i: ID!) {
        account(id: $i) { accountNumber } collection(id: $i) { taxAmount } }"""
    assert await towns.data(CLERK, "consultation", document, {"i": ids[0]}) == {
        "account": None,
        "collection": None,
    }
    for path in ("/graphql/", "/graphql/batch", "/export", "/api", "/graphql?query={a}"):
        for answer in [await world.client.get(path) for world in (towns.one, towns.other)]:
            assert answer.status_code in {400, 401, 404, 405}, path


# -- decisions and what is remembered of them ------------------------------------------------------

ASKERS = [
    (CLERK, "consultation"), (CLERK, "refund"), (CLERK, "direct-debit"),
    (SURVEYOR, "delinquency"), (SURVEYOR, "field-survey"), (REGISTRAR, "addressee-management"),
    (SECTION, "consultation"), (COORDINATOR, "protection-measures"), (AUDITOR, "audit"),
]  # fmt: skip
MUCH = """{ addressees(first: 3) { totalCount nodes { code fullName birthDate dvFlag
    residence { address } accounts { nodes { bankCode branchCode accountNumber } }
    collections { totalCount } handling { addressWithheld } } } }"""


async def test_ac_13_decision_cache_key(towns: Towns) -> None:
    """One document by many, in any order: remembered decisions are those of whoever asks."""
    first = {asker: (await towns.one.ask(*asker, MUCH)).content for asker in ASKERS}
    assert len(set(first.values())) > 6
    shuffled = ASKERS * 3
    random.Random(1).shuffle(shuffled)
    for asker in shuffled:
        assert (await towns.one.ask(*asker, MUCH)).content == first[asker]
    for code in (YAMADA, TANAKA, YAMADA):
        document = person("residence { address }")
        found = await towns.one.data(CLERK, "consultation", document, variables={"c": code})
        assert (found["addressee"]["residence"] is None) == (code == TANAKA)


async def test_ac_14_shared_response_cache(towns: Towns, valkey: EmbeddedRedis) -> None:
    """No answer is kept: not in Redis, not by anything between."""
    answers = [await towns.one.ask(*asker, MUCH) for asker in ASKERS]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    for text in stored_in(valkey):
        assert not [value for value in ("山田", "北大通", "7654321", *SECRETS) if value in text]


def stored_in(valkey: EmbeddedRedis) -> Iterator[str]:
    """Everything that Redis holds, as text."""
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        for key in client.scan_iter("*"):
            kind = client.type(key)
            kinds = {"string": client.get, "hash": client.hgetall, "set": client.smembers}
            held = kinds.get(str(kind))
            yield f"{key} {held(key) if held else client.zrange(key, 0, -1)}"


async def test_ac_15_subscriptions(towns: Towns) -> None:
    """There are none: not in the schema, not as an operation, not as a connection."""
    assert towns.schema.subscription_type is None
    answer = await towns.alike(CLERK, "consultation", "subscription { addressees { totalCount } }")
    assert answer.status_code == 400
    for headers in ({"upgrade": "websocket", "connection": "upgrade"},
                    {"accept": "text/event-stream"}):  # fmt: skip
        assert (await towns.one.client.get("/graphql", headers=headers)).status_code in {405, 406}


async def test_ac_16_errors(towns: Towns) -> None:
    """An error tells the mistake, and no value, no name and no state."""
    for document, variables in (
        (person("adres"), {"c": TANAKA}),
        (person("dvFlg residance { address }"), {"c": TANAKA}),
        (everybody("code"), {"f": {"birthDate": {"eq": SECRET_ADDRESS}}}),
        (everybody("code"), {"f": {"entityKind": {"eq": SECRET_ADDRESS}}}),
        ("{ collections(filter: {taxAmount: {gt: 99999999999999999999}}) { totalCount } }", {}),
        (f'{{ addressee(code: "{SECRET_ADDRESS}", {SECRET_ADDRESS}: 1) {{ code }} }}', {}),
        (person("code"), {"c": {"x": SECRET_ADDRESS}}),
        (person("code"), {"c": "\x00"}),
    ):
        text = (await towns.alike(CLERK, "consultation", document, variables)).text
        assert "errors" in text or '"addressee":null' in text
        for word in ("Did you mean", "Traceback", "SELECT", "sqlite", "asyncpg", SECRET_ADDRESS):
            assert word not in text
    document = """mutation ($i: SetSubstituteAddressInput!) {
        setSubstituteAddress(input: $i) { substituteAddress { address } } }"""
    told = [
        await towns.refused(
            "WRITE_NOT_ALLOWED", CLERK, "consultation", document,
            {"i": {"addresseeCode": code, "address": "局留"}},
        )
        for code in (TANAKA, YAMADA, "8")
    ]  # fmt: skip
    assert len(set(told)) == 1


async def test_ac_17_statistics_and_plans(towns: Towns) -> None:
    """No plan, no trace, no cost and no time of the database comes out."""
    token = await towns.one.sign_in(CLERK)
    answer = await towns.one.client.post(
        "/graphql",
        json={
            "query": person("fullName"),
            "variables": {"c": TANAKA},
            "extensions": {"tracing": True, "explain": True, "persistedQuery": {"version": 1}},
        },
        headers={
            "authorization": f"Bearer {token}",
            "purpose-of-use": "consultation",
            "x-explain": "1",
            "apollo-tracing": "1",
        },
    )
    assert set(answer.json()) == {"data", "extensions"}
    assert set(answer.json()["extensions"]) == {"privacy"}
    assert not {"server-timing", "x-response-time", "x-runtime", "server"} & set(answer.headers)
    for document in ("{ __explain }", "{ _service { sdl } }", "EXPLAIN { viewer { id } }"):
        assert (await towns.alike(CLERK, "consultation", document)).status_code == 400


CLEARANCE = "{ viewer { clearance { coordinate read list match search write } } }"
ACTIONS = ("read", "list", "match", "search", "write")


async def cleared(world: World, staff_id: str, purpose: str) -> dict[tuple[str, str], bool]:
    found = await world.data(staff_id, purpose, CLEARANCE)
    return {
        (cell["coordinate"], action): cell[action] in {"SHOWN", "MASKED"}
        for cell in found["viewer"]["clearance"]
        for action in ACTIONS
    }


async def test_ac_18_role_composition(towns: Towns) -> None:
    """A second role adds its own cells, and nothing that neither role has."""
    for purpose in ("addressee-management", "addressee-matching"):
        alone = await cleared(towns.one, REGISTRAR, purpose)
        both = await cleared(towns.one, HANDLER, purpose)
        more = {cell for cell in both if both[cell] != alone[cell]}
        numbers = {
            coordinate
            for coordinate, classes in GRAPH.classes.items()
            if any(code.startswith("individual-number") for code in classes)
        }
        assert {coordinate for coordinate, _ in more} <= numbers
    answer = await towns.alike(HANDLER, "addressee-management", person("dvFlag"), {"c": TANAKA})
    assert answer.json()["data"] == {"addressee": {"dvFlag": None}}


async def test_ac_19_empty_set(towns: Towns) -> None:
    for condition in (
        {"code": {"in": []}}, {"or": []}, {"not": {"and": []}},
        {"and": [{"or": []}, {"code": {"eq": YAMADA}}]}, {"not": {"fullNameSearchKana": {"in": []}},
        "code": {"in": []}},
    ):  # fmt: skip
        found = await towns.data(SECTION, "consultation", everybody("code"), {"f": condition})
        assert found["addressees"]["totalCount"] == 0, condition
    for purpose in (None, "", " "):
        await towns.refused("PURPOSE_REQUIRED", CLERK, purpose, person("code"), {"c": YAMADA})
    document = "{ addressees(filter: {}) { nodes { code } } }"
    found = await towns.data(SECTION, "consultation", document)
    assert [node["code"] for node in found["addressees"]["nodes"]] == [YAMADA]


async def test_ac_19_no_role_and_no_line(spare: World) -> None:
    """Without a role nobody signs in; a policy without lines shows nothing."""
    await spare.change("DELETE FROM staff_role WHERE staff_id = 'ito'")
    given = {"input": {"staffId": "ito", "password": spare.passwords["ito"]}}
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
    assert (await spare.post(document, given)).status_code == 401
    number = await spare.publish(without=lambda line: True)
    await until(spare, number)
    answer = await spare.ask(CLERK, "consultation", MUCH)
    assert answer.json()["data"] == {"addressees": None}


async def until(world: World, version: int) -> None:
    """Wait until the worker decides by this version."""
    async with asyncio.timeout(20):
        while True:
            answer = await world.ask(CLERK, "consultation", "{ viewer { policyVersion } }")
            told = answer.json().get("data", {}).get("viewer", {}).get("policyVersion", 0)
            if told >= version:
                return
            await asyncio.sleep(0.02)


DESK, FILE = (CLERK, "consultation"), ("inoue", "disclosure-request")
FAULTS = [
    (Policy, "allows", RuntimeError("a line cannot be read"), FILE),
    (sql._Builder, "_uncovered", RuntimeError("an obligation cannot be looked up"), DESK),
    (sql._Builder, "_holds", RuntimeError("a predicate cannot be built"), DESK),
    (sql, "is_there", RuntimeError("a population is unknown"), DESK),
    (Harvest, "hold", Unavailable("no count"), DESK),
]


@pytest.mark.parametrize(
    ("place", "name", "fault", "asker"), FAULTS, ids=[one[1] for one in FAULTS]
)
async def test_ac_20_error_skips_a_deny(
    towns: Towns,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    fault: Exception,
    asker: tuple[str, str],
) -> None:
    """Whatever fails while it is decided: nothing is shown."""

    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    monkeypatch.setattr(place, name, fail)
    # The name of the operation is new, so that no plan of it is remembered.
    document = person("fullName residence { address }").replace("query", f"query Fault{name}")
    for world in (towns.one, towns.other):
        answer = await world.ask(*asker, document, {"c": TANAKA})
        assert answer.status_code in {500, 503}
        assert "data" not in answer.json()
        assert "田中" not in answer.text


async def test_ac_21_reload_window(spare: World) -> None:
    """While versions change, each answer is whole: by the one version or by the other."""
    closed = Line("role:any", "purpose:any", "class:name", "read", "deny")
    document = person("code fullName fullNameKana: fullName")
    answers: list[httpx2.Response] = []
    done = asyncio.Event()

    async def keep_asking() -> None:
        while not done.is_set():
            answers.append(await spare.ask(CLERK, "consultation", document, {"c": YAMADA}))

    await spare.ask(CLERK, "consultation", document, {"c": YAMADA})
    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    for turn in range(4):
        number = (
            await spare.publish(closed)
            if turn % 2 == 0
            else await spare.publish(without=lambda line: line == closed)
        )
        await until(spare, number)
    done.set()
    await asyncio.gather(*asking)
    shown = [answer.json()["data"]["addressee"] for answer in answers if answer.status_code == 200]
    assert all(one["fullName"] == one["fullNameKana"] for one in shown)
    assert {one["fullName"] for one in shown} == {"山田 太郎", None}
    assert all(answer.status_code in {200, 503} for answer in answers)


async def test_ac_22_name_reuse(spare: World) -> None:
    """A line for a field that is not there makes its version unusable; it waits for no namesake."""
    await spare.ask(CLERK, "consultation", "{ viewer { id } }")
    await spare.publish(Line("role:any", "purpose:any", "Addressee.removedField", "read", "allow"))
    async with asyncio.timeout(20):
        while True:
            answer = await spare.ask(CLERK, "consultation", person("fullName"), {"c": YAMADA})
            if answer.status_code == 503:
                break
            await asyncio.sleep(0.02)
    assert "data" not in answer.json()
    number = await spare.publish(without=lambda line: line.what == "Addressee.removedField")
    await until(spare, number)
    found = await spare.data(CLERK, "consultation", person("fullName"), variables={"c": YAMADA})
    assert found == {"addressee": {"fullName": "山田 太郎"}}


async def test_ac_23_shadow_copies(towns: Towns, valkey: EmbeddedRedis) -> None:
    """What was shown and asked for stands in no log, no counter and no other store."""
    document = person("individualNumber fullName residence { address }")
    found = await towns.one.ask(
        HANDLER, "addressee-matching", document, {"c": YAMADA}, case_reference="C-23"
    )
    assert NUMBER in found.text
    literal = f'{{ addressees(filter: {{fullName: {{eq: "{SECRET_ADDRESS}"}}}}) {{ totalCount }} }}'
    await towns.one.ask(CLERK, "consultation", literal)
    texts = list(stored_in(valkey))
    domain = {type_.table.name for name, type_ in GRAPH.types.items() if type_.noun.owner}
    database = Database(towns.one.database_url)
    async with database.look() as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        for name in set(names) - domain:
            rows = await connection.execute(sa.text(f"SELECT * FROM {name}"))
            texts += [repr(row) for row in rows]
    await database.close()
    assert any(CLERK in text for text in texts)
    for secret in (NUMBER, SECRET_ADDRESS, "北大通", towns.one.tokens[CLERK]):
        assert not [text for text in texts if secret in text], secret


async def test_ac_24_derived_fields(towns: Towns) -> None:
    """Nothing is worked out of a number; a folded name carries the class of the name."""
    assert not [name for name in conditions(towns.schema, "1") if "umber" in name[0]]
    for name, type_ in GRAPH.types.items():
        for leaf in type_.leaves.values():
            if leaf.label.folded:
                plain = leaf.name.replace("SearchKana", "")
                assert set(GRAPH.classes[f"{name}.{plain}"]) <= set(leaf.label.classes)
    inner = "individualNumber individualNumberChangeReason individualNumberChangeDate"
    for code in (YAMADA, HANAKO):
        # Whether somebody has a number at all is hidden with it.
        answer = await towns.alike(CLERK, "consultation", person(inner), {"c": code})
        assert set(answer.json()["data"]["addressee"].values()) == {None}
    for name in ("individualNumber", "hasIndividualNumber"):
        condition = {name: {"isNull": True}}
        await towns.refused(
            "BAD_USER_INPUT", HANDLER, "addressee-matching", everybody("code"), {"f": condition}
        )


async def test_ac_25_middleware_order(towns: Towns) -> None:
    """Modes, directives, introspection beside data, order of fields: hidden stays hidden."""
    fields = ["dvFlag", "fullName @skip(if: false)", "movedFrom { address }", "__typename"]
    for turn in range(4):
        inner = " ".join(fields[turn:] + fields[:turn])
        document = f"""query ($c: String!, $y: Boolean = true) {{ __typename
            addressee(code: $c) {{ {inner} ... @include(if: $y) {{ neglectFlag }} }}
            __type(name: "Addressee") {{ name }} }}"""
        for mode in ("null", "dry-run", "reject"):
            answer = await towns.alike(
                CLERK, "consultation", document, {"c": YAMADA}, privacy_mode=mode
            )
            if mode == "reject":
                assert answer.json()["errors"][0]["extensions"]["code"] == "FIELD_HIDDEN"
                continue
            shown = answer.json()["data"]["addressee"] or {}
            told = answer.json()["extensions"]["privacy"]["hidden"]
            hidden = {entry["coordinate"] for entry in told}
            assert {shown.get(n) for n in ("dvFlag", "neglectFlag", "movedFrom")} == {None}
            assert {"Addressee.dvFlag", "Addressee.neglectFlag", "Addressee.movedFrom"} == hidden


async def test_ac_26_work_before_the_check(
    towns: Towns, statements: list[tuple[str, Any, int]]
) -> None:
    """A hidden column is not read, and a refused operation reads nothing."""
    await towns.one.data(
        CLERK, "consultation", person("fullName dvFlag movedFrom { address }"),
        variables={"c": YAMADA},
    )  # fmt: skip
    [(text, _, _)] = statements
    assert "full_name" in text
    assert "dv_flag" not in text
    assert "moved_from" not in text
    statements.clear()
    await towns.refused(
        "OPERAND_HIDDEN", CLERK, "consultation", everybody("code"), {"f": {"dvFlag": {"eq": True}}}
    )
    await towns.alike(CLERK, "consultation", person("dvFlag"), {"c": YAMADA}, privacy_mode="reject")
    await towns.alike(CLERK, "consultation", person("code"), {"c": YAMADA}, privacy_mode="dry-run")
    await towns.alike(CLERK, "audit", person("code"), {"c": YAMADA})
    assert statements == []


async def test_ac_27_cursor(towns: Towns) -> None:
    """A cursor is sealed: it holds nothing to read, and opens in its own list alone."""
    document = """query ($a: String, $n: Int = 1) { addressees(first: $n, after: $a,
        orderBy: {field: FULL_NAME_SEARCH_KANA}) { pageInfo { endCursor } nodes { code } } }"""
    found = await towns.data(CLERK, "consultation", document, {"a": None})
    cursor = found["addressees"]["pageInfo"]["endCursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert b"0000" not in raw
    assert "スス".encode() not in raw
    await towns.data(CLERK, "consultation", document, {"a": cursor})
    broken = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    forged = base64.urlsafe_b64encode(json.dumps([TANAKA]).encode()).decode()
    for staff_id, purpose, given in (
        (CLERK, "consultation", broken), (CLERK, "consultation", forged),
        (CLERK, "consultation", "' OR 1=1 --"), (CLERK, "consultation", ""),
        (SURVEYOR, "consultation", cursor), (CLERK, "collection-management", cursor),
    ):  # fmt: skip
        await towns.refused("CURSOR_INVALID", staff_id, purpose, document, {"a": given})
    other = document.replace("SEARCH_KANA}", "SEARCH_KANA, direction: DESC}")
    await towns.refused("CURSOR_INVALID", CLERK, "consultation", other, {"a": cursor})


async def test_ac_28_name_collision(spare: World) -> None:
    """Somebody whose id is the name of a role has the roles given to them, and no other."""
    for name in ("protection-coordinator", "any"):
        await spare.change(
            "INSERT INTO staff (id, name, section, password_hash, state)"
            f" SELECT '{name}', name, section, password_hash, state FROM staff WHERE id = '{CLERK}'"
        )
        await spare.change(
            f"INSERT INTO staff_role (staff_id, role) VALUES ('{name}', 'collection-clerk')"
        )
        passwords = {**spare.passwords, name: spare.passwords[CLERK]}
        world = replace(spare, passwords=passwords, tokens={})
        refused = await world.ask(name, "protection-measures", person("dvFlag"), {"c": TANAKA})
        assert refused.json()["errors"][0]["extensions"]["code"] == "PURPOSE_NOT_ALLOWED"
        found = await world.data(name, "consultation", person("dvFlag"), variables={"c": TANAKA})
        assert found == {"addressee": {"dvFlag": None}}


async def test_ac_29_amplified_harvest(towns: Towns, valkey: EmbeddedRedis) -> None:
    """Fragments and aliases count as what they expand to, and each person as one."""
    ask = 'a{n}: addressee(code: "{n}") {{ code }}'
    many = " ".join(ask.format(n=number) for number in range(16))
    spread = (
        "{ "
        + " ".join(f"...F{number}" for number in range(16))
        + " }"
        + "".join(
            f" fragment F{number} on Query {{ {ask.format(n=number)} }}" for number in range(16)
        )
    )
    for document in (f"{{ {many} }}", spread):
        await towns.refused("LIMIT_EXCEEDED", CLERK, "consultation", document)
    two = f"""{{ a: addressee(code: "{YAMADA}") {{ residence {{ address }} }}
        b: addressee(code: "{KATO}") {{ code }} }}"""
    answer = await towns.alike(CLERK, "consultation", two)
    assert answer.json()["data"]["a"] == {"residence": None}
    with redis.Redis.from_url(valkey.url) as client:
        key = "{atena}harvest:ito:consultation:any"
        client.delete(key)
        few = " ".join(ask.format(n=f"7{number}") for number in range(15))
        await towns.one.ask("ito", "consultation", f"{{ {few} }}")
        assert client.scard(f"{key}:persons") - 1 == 15


async def test_ac_30_schema_leak(towns: Towns, valkey: EmbeddedRedis) -> None:
    """The schema is public or closed as a whole: it depends on nobody, and no error adds to it."""
    told = {(await towns.one.ask(*asker, get_introspection_query())).content for asker in ASKERS}
    assert len(told) == 1
    settings = settings_of(
        towns.one.database_url, towns.one.numbers_url, valkey.url, towns.one.folder,
        introspection="off", graphiql="off",
    )  # fmt: skip
    async with running(settings, towns.one.passwords) as closed:
        assert (await closed.client.get("/schema.graphql")).status_code == 404
        for document in (get_introspection_query(), '{ __type(name: "Addressee") { name } }'):
            answer = await closed.ask(CLERK, "consultation", document)
            assert answer.status_code == 400
            assert "Addressee" not in answer.text
        misspelt = await closed.ask(CLERK, "consultation", person("dvFla"), {"c": "1"})
        assert "dvFlag" not in misspelt.text


async def test_ac_31_writes_that_read(towns: Towns) -> None:
    """A change names its row by key; it takes no filter, and counts nothing."""
    mutations = towns.schema.mutation_type
    assert mutations is not None
    for name, field in mutations.fields.items():
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        counts = [f for f, one in payload.fields.items() if get_named_type(one.type).name == "Int"]
        assert set(counts) <= {"idleTimeoutSeconds"}, name
        for argument in field.args.values():
            given = get_named_type(argument.type)
            assert isinstance(given, GraphQLInputObjectType)
            kinds = {get_named_type(one.type).name for one in given.fields.values()}
            assert not [kind for kind in kinds if "Filter" in kind], name
    document = """mutation ($i: SetSubstituteAddressInput!) { setSubstituteAddress(input: $i) {
        substituteAddress { address } } }"""
    for code in (TANAKA, "8"):
        await towns.refused(
            "WRITE_NOT_ALLOWED", CLERK, "consultation", document,
            {"i": {"addresseeCode": code, "address": "局留"}},
        )  # fmt: skip
    issue = """mutation ($c: String!) {
        issueDocument(input: {addresseeCode: $c, path: MAIL, document: DISCLOSURE}) { content {
          fullName residence { address } contacts { totalCount }
          accounts { nodes { branchCode accountNumber } } } } }"""
    stopped = set()
    for asker in ((CLERK, "consultation"), (SURVEYOR, "field-survey"), (SECTION, "consultation")):
        others = [OTHERS_PAYER] if asker[0] == SECTION else []
        for code in (TANAKA, NISHI, KEIKO, YAMADA, KATO, "8", *others):
            answer = await towns.alike(*asker, issue, {"c": code})
            if answer.status_code == 403:
                stopped.add(code)
    assert stopped == {TANAKA, NISHI, KEIKO}


def test_ac_32_new_field_is_public() -> None:
    """A column without a class is no column, and a coordinate without a line is hidden."""
    with pytest.raises(UnclassifiedError):
        column(ja="新項目", en="new item")
    with pytest.raises(UnclassifiedError):
        column("no-such-class", ja="新項目", en="new item")


async def test_ac_32_a_class_without_a_line_is_hidden(towns: Towns) -> None:
    for asker in ASKERS:
        shown = await cleared(towns.one, *asker)
        other = {c for c, classes in GRAPH.classes.items() if "other-number" in classes}
        assert other
        assert any(shown.values())
        assert not [cell for cell, open_ in shown.items() if open_ and cell[0] in other]


async def test_ac_33_timing(towns: Towns, statements: list[tuple[str, Any, int]]) -> None:
    """The database does the same for both towns: statements, arguments, rows."""
    place = {"f": {"residence": {"address": {"prefix": "釧路市北"}}}}
    for asked in (
        (CLERK, "consultation", person("fullName dvFlag residence { address }"), {"c": TANAKA}),
        (CLERK, "consultation", person("fullName movedFrom { address }"), {"c": YAMADA}),
        (SURVEYOR, "field-survey", everybody("code"), place),
        (SECTION, "consultation", everybody("code fullName"), {"f": None}),
        (SECTION, "consultation", person("code"), {"c": OTHERS_PAYER}),
        (REGISTRAR, "addressee-management", person("householdMemberships { totalCount nodes {"
         " relationship } } specialAddressees { totalCount }"), {"c": KATO}),
    ):  # fmt: skip
        work = []
        for world in (towns.one, towns.other):
            statements.clear()
            await world.ask(*asked)
            work.append(list(statements))
        assert work[0] == work[1]
        assert work[0]


async def test_ac_34_stale_session(spare: World) -> None:
    """Suspended, deprived of a role, or signed out: the next request is refused."""
    asked = ("consultation", person("fullName"), {"c": YAMADA})
    suspend = """mutation ($i: StaffMemberInput!) { suspendStaffMember(input: $i) {
        staffMember { id } } }"""
    revoke = """mutation ($i: RevokeRoleInput!) { revokeRole(input: $i) { staffMember { id } } }"""
    for staff_id, document, given in (
        (CLERK, suspend, {"staffId": CLERK, "reason": "test"}),
        (SURVEYOR, revoke, {"staffId": SURVEYOR, "role": "arrears-officer", "reason": "test"}),
    ):
        assert (await spare.ask(staff_id, *asked)).status_code == 200
        done = await spare.ask(ADMIN, "policy-administration", document, {"i": given})
        assert "errors" not in done.json(), done.text
        after = await spare.ask(staff_id, *asked)
        assert after.status_code == 401
        assert "data" not in after.json()
    assert (await spare.ask(REGISTRAR, "addressee-management", *asked[1:])).status_code == 200
    await spare.ask(REGISTRAR, None, "mutation { signOut { signedOut } }")
    assert (await spare.ask(REGISTRAR, "addressee-management", *asked[1:])).status_code == 401


def test_every_class_of_attack_has_its_test() -> None:
    named = [name for name in globals() if name.startswith("test_ac_")]
    assert {int(name.split("_")[2]) for name in named} == set(range(1, 35))
