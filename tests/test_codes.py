"""Codes have one form, and what could be an individual number is kept nowhere but in the vault."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    get_named_type,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from models.demo.cast_staff import CAST
from models.facts import rows as facts
from models.graph.graph import GRAPH
from models.labels import label_of
from models.store.database import Database
from models.trade import codes
from schema.build import sdl
from tests.world import HANAKO, YAMADA, World, full_width

CLERK, COORDINATOR, REGISTRAR = "sato", "kobayashi", "nakamura"
TYPED = "771000000075"
"""A number that nobody in the town has."""

SEPARATORS = [
    "-", " ", "\u3000", "ー", "・", "‐", "–", "—", "−", "－", "ｰ", "一", "/", ".", "_", ":", "~",
    "〜", ", ", "、", "\u200b", "\u200e", "\u2066", "\ufeff", "\u00a0", "\u00ad", "の", "ノ", "\n",
    "\t", "|", "=", "'", "(", "→", "\U0001f600", "\u0301", "\ufe0f\u20e3",
]  # fmt: skip
STYLES = [
    "0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "〇一二三四五六七八九",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "⁰¹²³⁴⁵⁶⁷⁸⁹",
]  # fmt: skip
SPELLINGS = ["7710-0000-0075", "７７１０ー００００ー００７５", "771000・000075", "000771000000075"]
READERS = [(CLERK, "consultation"), (COORDINATOR, "protection-measures"), ("sasaki", "audit")]
HEADERS = ["purpose_of_use", "case_reference", "privacy_mode", "user_agent", "x_request_id",
           "traceparent", "x_forwarded_for", "dpop", "cookie"]  # fmt: skip
HEADER_SPELLINGS = ["7710-0000-0075", "7710.0000.0075", "REF/7710_0000_0075", "77100000007-5"]
DIGESTS = [
    made
    for text in {TYPED, *SPELLINGS, *HEADER_SPELLINGS}
    for name in ("md5", "sha1", "sha256", "blake2b")
    for digest in [hashlib.new(name, text.encode())]
    for made in (digest.hexdigest(), base64.b64encode(digest.digest()).decode())
]


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """The number in any grouping and style."""
    style, separator = draw(st.sampled_from(STYLES)), draw(st.sampled_from(SEPARATORS))
    assume(separator not in style)
    groups, left = [], TYPED
    while left:
        size = draw(st.integers(1, len(left)))
        groups.append("".join(style[int(digit)] for digit in left[:size]))
        left = left[size:]
    return separator.join(groups)


# -- what could be a number ------------------------------------------------------------------------


@given(
    spelled(), st.sampled_from(["", "番号は", "山田　", "No.", "("]), st.sampled_from(["", "です"])
)
def test_a_number_is_seen_in_every_grouping(text: str, before: str, after: str) -> None:
    assert codes.could_be_number(before + text + after)
    assert codes.holds_twelve_digits(text)
    assert codes.number(text) == TYPED


@pytest.mark.parametrize(
    "text",
    ["1234-5678-9012", "12345678901-2", "-123456-789012-", "A1234-5678-9012", "2026-7710-0000-0075",
     "1234一5678一9012", "❼❼❶⓿-⓿⓿⓿⓿-⓿⓿❼❺", "7️⃣7️⃣1️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣0️⃣7️⃣5️⃣", "⑦⑦⑩⑩⑩⑩⑦⑤"],
)  # fmt: skip
def test_so_is_one_among_other_signs(text: str) -> None:
    assert codes.could_be_number(text)


@pytest.mark.parametrize(
    "text",
    ["000000000010012", "0154-31-4200", "釧路市北大通3丁目901番5号 085-8505",
     "090-1234-5678 内線 12",
     "2026年4月1日 電話 0154-31-4200", "2026-04-01から2026-05-01まで", "請求 1234567890123 番",
     "令和8年度 第1期 12,000円 (督促 2026-05-20)", "", "〇〇市〇〇町"],
)  # fmt: skip
def test_what_people_write_beside_each_other_is_none(text: str) -> None:
    assert not codes.could_be_number(text)


@pytest.mark.parametrize("text", ["2026-04-01 0154-31-4200", "20260401-0012", "+81-90-1234-5678"])
def test_where_signs_alone_part_twelve_digits_it_refuses_too_much(text: str) -> None:
    """A word between them helps."""
    assert codes.could_be_number(text)


@given(st.text(max_size=60))
def test_every_text_has_an_answer(text: str) -> None:
    codes.could_be_number(text)
    forms = codes.plain, codes.addressee, codes.household, codes.notice, codes.postal, codes.number
    for form in forms:
        assert form(form(text)) == form(text)
    assert all(len(code) == 15 for code in codes.meant(text))


# -- the doors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HEADER_SPELLINGS)
async def test_no_header_takes_a_number(town: World, text: str) -> None:
    document = "query ($c: String!) { addressee(code: $c) { code } }"
    told = await town.ask(CLERK, "consultation", document, {"c": YAMADA}, case_reference=text)
    assert told.status_code == 400
    assert "eleven digits" in told.json()["errors"][0]["message"]
    assert text not in told.text
    taken = await town.ask(CLERK, "consultation", document, {"c": YAMADA}, case_reference="R8-12")
    assert taken.status_code == 200


async def test_whatever_is_typed_anywhere_is_kept_nowhere(
    town: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A number in each argument, filter, input field and header, one after the other."""
    schema = build_schema(sdl())
    doors = _Doors(schema, await _keys(town))
    before = await _remains(town)
    assert before == []
    refused, changed, whose = set[str](), set[tuple[str, str]](), dict[str, tuple[str, str]]()
    with caplog.at_level(logging.INFO, "atena"):
        for staff_id, purpose in READERS:
            for document, variables in doors.queries():
                await town.ask(staff_id, purpose, document, variables)
        for at, (mutation, path, asked) in enumerate(doors.mutations()):
            document, variables = asked(SPELLINGS[at % len(SPELLINGS)])
            for who in [whose[mutation]] if mutation in whose else _who():
                told = await town.ask(*who, document, variables)
                if "could be an individual number" in told.text:
                    refused.add(mutation)
                    whose[mutation] = who
                    break
                if "errors" not in told.json():
                    changed.add((mutation, path))
        for text in HEADER_SPELLINGS:
            for name in HEADERS:
                headers = {"authorization": f"Bearer {town.tokens[CLERK]}", name: text}
                await town.post("{ addressees { nodes { code } } }", **headers)
            document = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
            await town.post(document, {"i": {"staffId": text, "password": text}})
            asked_for = {"grant_type": "client_credentials", "client_id": text, "scope": text}
            await town.client.post("/oauth/token", data=asked_for)
    assert not changed
    assert refused == {mutation for mutation, _, _ in doors.mutations()}
    assert await _remains(town) == []
    assert not _holds(caplog.text)


def _who() -> Iterator[tuple[str, str]]:
    opened = {row["role"]: row["purpose"].split() for row in facts("role-purposes")}
    for member in CAST:
        for purpose in dict.fromkeys(each for role in member.roles for each in opened[role]):
            yield member.staff_id, purpose


async def _keys(town: World) -> Mapping[str, str]:
    """What a change needs to be carried out, by the name of the input field."""
    return {"addresseeCode": YAMADA, "memberCode": HANAKO, "staffId": "ito", "role": "branch-clerk",
            "section": "tax-payment", "path": "MAIL", "kind": "STALKING"}  # fmt: skip


class _Doors:
    """Operations of which one text is the number."""

    def __init__(self, schema: GraphQLSchema, known: Mapping[str, str]) -> None:
        self.schema = schema
        self.known = known

    def queries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        assert self.schema.query_type is not None
        for name, field in self.schema.query_type.fields.items():
            named = get_named_type(field.type)
            shown = "{ __typename }" if hasattr(named, "fields") else ""
            for argument, spec in field.args.items():
                for _, value in self._values(spec.type, SPELLINGS[0]):
                    document = f"query ($v: {spec.type}) {{ {name}({argument}: $v) {shown} }}"
                    yield document, {"v": value}

    def mutations(self) -> Iterator[tuple[str, str, Any]]:
        assert self.schema.mutation_type is not None
        for name, field in self.schema.mutation_type.fields.items():
            if name in ("signIn", "signOut"):
                continue
            type_ = field.args["input"].type
            document = f"mutation ($v: {type_}) {{ {name}(input: $v) {{ __typename }} }}"
            for path, _ in self._values(type_, ""):

                def asked(
                    text: str, path: str = path, type_: Any = type_, document: str = document
                ) -> Any:
                    values = dict(self._values(type_, text))
                    return document, {"v": values[path]}

                yield name, path, asked

    def _values(
        self, type_: GraphQLInputType, text: str, above: str = "", deep: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """Values of a type of which one text is this one, each with the path of that text."""
        if isinstance(type_, GraphQLNonNull):
            yield from self._values(type_.of_type, text, above, deep)
        elif isinstance(type_, GraphQLList):
            yield from ((p, [v]) for p, v in self._values(type_.of_type, text, above, deep))
        elif isinstance(type_, GraphQLInputObjectType) and deep < 3:
            needed = {
                name: self._plain(name, field.type)
                for name, field in type_.fields.items()
                if isinstance(field.type, GraphQLNonNull)
            }
            for name, field in type_.fields.items():
                if name not in ("and", "or", "not"):
                    for path, value in self._values(field.type, text, f"{above}.{name}", deep + 1):
                        yield path, needed | {name: value}
        elif getattr(type_, "name", "") in ("String", "ID", "IndividualNumber"):
            yield above, text

    def _plain(self, name: str, type_: Any) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._plain(name, type_.of_type)
        if isinstance(type_, GraphQLList):
            return [self._plain(name, type_.of_type)]
        if isinstance(type_, GraphQLInputObjectType):
            return {n: self._plain(n, f.type) for n, f in type_.fields.items()
                    if isinstance(f.type, GraphQLNonNull)}  # fmt: skip
        if name in self.known:
            return self.known[name]
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values))
        return {"Int": 1, "Boolean": True, "Date": "2026-04-01", "Yen": 1,
                "DateTime": "2026-12-20T00:00:00Z"}.get(type_.name, "理由")  # fmt: skip


async def _remains(town: World) -> list[str]:
    """Where the number stands, in any grouping, in Redis and in both databases."""
    found = [f"redis {key}" for key, content in _of_redis(town.redis_url) if _holds(content)]
    for url in (town.database_url, town.numbers_url):
        found += [f"{where}" async for where, content in _of_database(url) if _holds(content)]
    return found


def _holds(content: str) -> bool:
    """The number, or what whoever reads it can try all numbers against."""
    if any(digest in content for digest in DIGESTS):
        return True
    digits = "".join(str(int(sign)) for sign in content if sign.isdecimal())
    return TYPED in digits


def _of_redis(url: str) -> Iterator[tuple[str, str]]:
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            kind = client.type(key)
            if kind == b"hash":
                stored = client.hgetall(key)
                parts = [*stored.keys(), *stored.values()]
            elif kind == b"string":
                parts = [client.get(key)]
            else:
                parts = [*(client.smembers if kind == b"set" else _members(client))(key)]
            for part in (key, *parts):
                yield key.decode(), part.decode("utf-8", "replace")


def _members(client: Any) -> Any:
    return lambda key: client.zrange(key, 0, -1)


async def _of_database(url: str) -> Any:
    database = Database(url)
    async with database.look() as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        for name in names:
            rows = await connection.execute(sa.text(f'SELECT * FROM "{name}"'))
            for row in rows:
                for column, value in row._mapping.items():
                    if isinstance(value, str):
                        yield f"{name}.{column}", value
    await database.close()


# -- one form --------------------------------------------------------------------------------------


def test_every_code_that_a_file_brings_has_one_form() -> None:
    """By their names; a telephone number is no code."""
    without = [
        str(column)
        for type_ in GRAPH.types.values()
        for column in type_.table.columns
        if (label := label_of(column)).form is None
        and isinstance(column.type, sa.String)
        and label.ja.endswith(("コード", "コード3", "番号"))
        and "電話" not in label.ja
        and not {"transfer", "access-log", "staff", "policy"} & set(label.classes)
    ]
    assert not without


SPELLED = ["1", "000000000000001\u200e", '="000000000000001"', "'000000000000001",
           full_width("000000000000001"), " 0000000 00000001", "\u202d000000000000001\u202c",
           "\ufeff01"]  # fmt: skip


@pytest.mark.parametrize("text", SPELLED)
async def test_a_code_names_one_person_however_it_is_written(world: World, text: str) -> None:
    document = "query ($c: String!) { addressee(code: $c) { code } }"
    found = await world.data(CLERK, "consultation", document, variables={"c": text})
    assert found == {"addressee": {"code": YAMADA}}
    listed = """query ($c: String!) { a: addressees(filter: {code: {eq: $c}}) { nodes { code } }
        b: addressees(filter: {code: {in: [$c]}}) { nodes { code } } }"""
    found = await world.data(CLERK, "consultation", listed, variables={"c": text})
    assert [one["nodes"] for one in found.values()] == [[{"code": YAMADA}]] * 2


@pytest.mark.parametrize("text", [TYPED, "7710-0000-0075", "000771000000075", "x", "", "1" * 16])
async def test_what_is_no_code_names_nobody(world: World, text: str) -> None:
    document = "query ($c: String!) { addressee(code: $c) { code } }"
    assert await world.data(CLERK, "consultation", document, variables={"c": text}) == {
        "addressee": None
    }


@pytest.mark.parametrize("text", SPELLED)
async def test_a_change_reaches_the_same_person(town: World, text: str) -> None:
    document = """mutation ($input: RecordMeasureInput!) {
        recordMeasure(input: $input) { __typename } }"""
    given = {"addresseeCode": text, "kind": "STALKING", "otherPersons": [HANAKO.lstrip("0")]}
    told = await town.ask(COORDINATOR, "protection-measures", document, {"input": given})
    assert "errors" not in told.json(), told.text
    rows = await town.rows("SELECT addressee_code FROM covered_person ORDER BY addressee_code")
    assert {YAMADA, HANAKO} <= {row["addressee_code"] for row in rows}
