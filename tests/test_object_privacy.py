"""What survives a client's cache: ids that seal the view, and `privacy` in the data.

A normalised cache keeps one record for each id and joins into it whatever any request showed. So
two views of a row that may differ never share an id, and what an object says of its privacy does
not depend on what was selected.
"""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from authz.policy.clearance import clear
from models.graph.graph import GRAPH
from models.store.database import Database
from resolvers.read.plan import make_plan
from resolvers.read.seal import Position, Seal, SealBroken, view_of
from resolvers.read.selection import select
from resolvers.read.sql import compile_plan
from schema.build import graphql_schema
from tests.generate.policy import first_policy
from tests.test_clearance import both
from tests.test_lifts import lifted
from tests.test_promises import ADMINISTRATOR, ARREARS, CLERK, COORDINATOR, HANDLER, SECTION_CLERK
from tests.world import HANAKO, NUMBER, SECRET_ADDRESS, TANAKA, YAMADA, World

SURVEY, CONSULTATION = "field-survey", "consultation"
REGISTER = "addressee-management"
ONE = "query ($c: String!) { addressee(code: $c) { id %s } }"
WHOLE = "privacy { hidden { field reason purposes } obligation { addressWithheld stopOutput } }"


async def person(world: World, staff: str, purpose: str, more: str = "", **options: Any) -> Any:
    """One person by code, with the id."""
    code = options.pop("code", YAMADA)
    found = await world.data(staff, purpose, ONE % more, variables={"c": code}, **options)
    return found["addressee"]


# -- ids -------------------------------------------------------------------------------------------


async def test_views_that_may_differ_never_share_an_id(town: World) -> None:
    listed = f'{{ addressees(filter: {{code: {{eq: "{YAMADA}"}}}}) {{ nodes {{ id }} }} }}'
    two = f'{{ a: addressee(code: "{YAMADA}") {{ id }} b: addressee(code: "{HANAKO}") {{ id }} }}'
    at_home = """query ($c: String!) { addressee(code: $c) {
        householdMemberships { nodes { members { nodes { id code } } } } } }"""
    number = {"case_reference": "R8-1"}
    views = {
        "one": (await person(town, CLERK, CONSULTATION))["id"],
        "another purpose": (await person(town, CLERK, "collection-management"))["id"],
        "listed": (await town.data(CLERK, CONSULTATION, listed))["addressees"]["nodes"][0]["id"],
        "number": (await person(town, HANDLER, REGISTER, "individualNumber", **number))["id"],
        "without number": (await person(town, HANDLER, REGISTER, **number))["id"],
    }
    assert len(set(views.values())) == len(views)
    # In a list, beside somebody, and in somebody's household it shows the same: one view.
    assert (await town.data(CLERK, CONSULTATION, two))["a"]["id"] == views["listed"]
    household = await town.data(HANDLER, REGISTER, at_home, variables={"c": HANAKO})
    members = household["addressee"]["householdMemberships"]["nodes"][0]["members"]["nodes"]
    beside = await town.data(HANDLER, REGISTER, listed)
    assert {one["code"]: one["id"] for one in members}[YAMADA] == (
        beside["addressees"]["nodes"][0]["id"]
    )


async def test_an_id_is_short_and_the_same_for_whoever_sees_it_so(world: World) -> None:
    lists = ("accounts", "collections", "contacts")
    everything = " ".join(f"{name} {{ nodes {{ id }} }}" for name in lists)
    found = await person(world, CLERK, CONSULTATION, everything)
    again = await person(world, SECTION_CLERK, CONSULTATION, everything)
    beneath = [node["id"] for name in lists for node in found[name]["nodes"]]
    ids = [found["id"], *beneath]
    assert again["id"] == found["id"]
    assert {len(one) for one in ids} == {44}
    assert len(set(ids)) == len(ids)


async def test_any_id_opens_the_row_as_one_person_for_the_purpose_that_is_stated(
    world: World,
) -> None:
    listed = f'{{ addressees(filter: {{code: {{eq: "{YAMADA}"}}}}) {{ nodes {{ id }} }} }}'
    node = "query ($i: ID!) { node(id: $i) { id ... on Addressee { code residence { address } } } }"
    as_one = await person(world, CLERK, CONSULTATION, "code residence { address }")
    elsewhere = await person(world, ARREARS, SURVEY)
    row = (await world.data(CLERK, CONSULTATION, listed))["addressees"]["nodes"][0]
    for one in (as_one, elsewhere, row):
        opened = await world.data(CLERK, CONSULTATION, node, variables={"i": one["id"]})
        assert opened["node"] == as_one


async def test_what_a_lift_shows_has_an_id_of_its_own(town: World) -> None:
    shown = "residence { address } contacts { nodes { id } } householdMemberships { nodes { id } }"
    before = await person(town, ARREARS, SURVEY, shown, code=TANAKA)
    assert before["residence"] is None
    await lifted(town, classes=["residence"], uses=1)
    during = await person(town, ARREARS, SURVEY, shown, code=TANAKA)
    assert during["residence"] == {"address": SECRET_ADDRESS}
    assert during["id"] != before["id"]
    assert (await person(town, ARREARS, SURVEY, shown, code=TANAKA)) == before


KEYS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.from_regex(r"[0-9]{1,40}", fullmatch=True),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=64),
)
VIEWS = st.builds(
    view_of, st.text(max_size=9), st.sampled_from(Position), st.lists(st.integers()).map(tuple)
)
SEAL = Seal(bytes(range(64)))


@given(st.sampled_from(sorted(GRAPH.types)), KEYS, VIEWS, VIEWS)
def test_any_key_comes_back_out_of_its_id(
    name: str, key: str | int, view: bytes, other: bytes
) -> None:
    sealed = SEAL.node_id(view, name, key)
    assert SEAL.open_node_id(sealed) == (name, key)
    assert (SEAL.node_id(other, name, key) == sealed) is (other == view)


@given(st.sampled_from(sorted(GRAPH.types)), KEYS, st.binary(max_size=90))
def test_what_was_not_sealed_here_opens_nothing(name: str, key: str | int, noise: bytes) -> None:
    sealed = SEAL.node_id(view_of("x", Position.READ), name, key)
    for text in (sealed[:-1], sealed[1:], sealed.swapcase(), noise.hex(), sealed + "AAAA"):
        with pytest.raises(SealBroken):
            SEAL.open_node_id(text)


# -- what is hidden --------------------------------------------------------------------------------


async def test_what_is_hidden_does_not_depend_on_what_is_selected(world: World) -> None:
    little = await person(world, CLERK, CONSULTATION, f"fullName {WHOLE}")
    much = await person(
        world, CLERK, CONSULTATION, f"a: dvFlag residence {{ address }} {WHOLE}"
        " accounts { nodes { accountNumber privacy { hidden { field reason } } } }",
    )  # fmt: skip
    assert little["privacy"] == much["privacy"]
    hidden = {one["field"]: one for one in little["privacy"]["hidden"]}
    assert hidden["dvFlag"] == {"field": "dvFlag", "reason": "ROLE", "purposes": []}
    assert "fullName" not in hidden
    [account] = much["accounts"]["nodes"]
    assert account["accountNumber"] == "****321"
    assert {"field": "accountNumber", "reason": "MASKED"} in account["privacy"]["hidden"]


async def test_it_says_for_every_field_what_the_table_that_decides_says(world: World) -> None:
    table = "viewer { clearance { coordinate read list } }"
    both = f"{{ {table} addressees(first: 1) {{ nodes {{ {WHOLE} }} }} }}"
    cleared = await world.data(CLERK, CONSULTATION, both)
    words = {one["coordinate"]: one for one in cleared["viewer"]["clearance"]}
    in_list = cleared["addressees"]["nodes"][0]["privacy"]["hidden"]
    as_one = (await person(world, CLERK, CONSULTATION, WHOLE))["privacy"]["hidden"]
    plain = GRAPH.types["Addressee"].leaves.keys() | GRAPH.types["Addressee"].parts.keys()
    for position, told in (("list", in_list), ("read", as_one)):
        said = {one["field"]: one["reason"] for one in told if one["field"] in plain}
        assert said == {
            name: words[f"Addressee.{name}"][position]
            for name in plain
            if words[f"Addressee.{name}"][position] != "SHOWN"
        }


async def test_purposes_are_those_that_show_it(world: World) -> None:
    accounts = f"accounts {{ nodes {{ {WHOLE} }} }}"
    found = await person(world, CLERK, CONSULTATION, accounts)
    told = {one["field"]: one for one in found["accounts"]["nodes"][0]["privacy"]["hidden"]}
    table = "{ viewer { purposes clearance { coordinate read } } }"
    shown: dict[str, list[str]] = {name: [] for name in told}
    purposes = (await world.data(CLERK, CONSULTATION, table))["viewer"]["purposes"]
    for purpose in purposes:
        viewer = (await world.data(CLERK, purpose, table))["viewer"]
        words = {one["coordinate"]: one["read"] for one in viewer["clearance"]}
        for name in told:
            if words[f"Account.{name}"] == "SHOWN":
                shown[name].append(purpose)
    assert {name: one["purposes"] for name, one in told.items()} == shown
    assert told["branchCode"]["reason"] == "PURPOSE"
    assert 0 < len(shown["branchCode"]) < len(purposes)


async def test_a_part_says_it_of_its_own_fields(world: World) -> None:
    found = await person(world, CLERK, CONSULTATION, "residence { address " + WHOLE + " }")
    assert set(found["residence"]) == {"address", "privacy"}
    assert found["residence"]["privacy"] == {"hidden": [], "obligation": None}


async def test_what_an_obligation_withholds_is_not_named(world: World) -> None:
    shown = f"residence {{ address }} {WHOLE}"
    covered = await person(world, CLERK, CONSULTATION, shown, code=TANAKA)
    plain = await person(world, CLERK, CONSULTATION, shown)
    assert covered["residence"] is None
    assert covered["privacy"]["hidden"] == plain["privacy"]["hidden"]


async def test_a_number_is_hidden_wherever_its_view_does_not_show_it(world: World) -> None:
    case = {"case_reference": "R8-1", "code": YAMADA}
    fields = f"{WHOLE} individualNumber"
    shown = await person(world, HANDLER, "addressee-management", fields, **case)
    assert shown["individualNumber"] == NUMBER
    fields = f"{WHOLE} accounts {{ nodes {{ holder {{ code }} }} }}"
    beside = await person(world, HANDLER, "addressee-management", fields, **case)
    alone = await person(world, HANDLER, "addressee-management", WHOLE, **case)
    words = [
        {one["field"]: one["reason"] for one in found["privacy"]["hidden"]}.get("individualNumber")
        for found in (shown, beside, alone)
    ]
    assert words == [None, "INVARIANT", "INVARIANT"]
    assert beside["id"] == alone["id"] != shown["id"]


# -- what is due -----------------------------------------------------------------------------------


async def test_the_obligation_stands_on_whatever_is_the_persons(world: World) -> None:
    fields = "privacy { obligation { addressWithheld stop: stopOutput } }"
    more = f"{fields} collections {{ nodes {{ {fields} }} }} residence {{ {fields} }}"
    due = {"addressWithheld": True, "stop": True}
    for code, said in ((TANAKA, due), (YAMADA, None)):
        found = await person(world, CLERK, CONSULTATION, more, code=code)
        assert found["privacy"]["obligation"] == said
        assert found["collections"]["nodes"][0]["privacy"]["obligation"] == said
    assert found["residence"]["privacy"]["obligation"] is None


async def test_whoever_may_not_see_handling_is_told_nothing_of_it(world: World) -> None:
    lines = "{ policyVersions(first: 1) { nodes { privacy { obligation { stopOutput } } } } }"
    found = await world.data(ADMINISTRATOR, "policy-administration", lines)
    assert found["policyVersions"]["nodes"][0]["privacy"] == {"obligation": None}


async def test_the_summary_names_whom_it_named_before(world: World) -> None:
    """Asked for on an account, the obligation makes no entry of its own."""
    rows = "accounts { nodes { privacy { obligation { stopOutput } } } }"
    document = ONE % rows
    response = await world.ask(COORDINATOR, "protection-measures", document, {"c": TANAKA})
    told = response.json()["extensions"]["privacy"]["obligations"]
    assert told == [{"path": ["addressee"], "addressWithheld": True, "stopOutput": True}]


def statements(selection: str) -> list[str]:
    """The SQL of a clerk's request about one person."""
    schema, policy = graphql_schema(), both(first_policy()).policy
    node = parse(ONE % selection).definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    clearance = clear(policy, frozenset({"collection-clerk"}), CONSULTATION, case_reference=False)
    plan = make_plan(select(schema, node, {}, {"c": YAMADA}), clearance)
    queries = compile_plan(plan, Database("sqlite:///nothing.db"))
    return [query.statement.sql for root in queries for query in root.tree()]


def test_what_is_hidden_costs_no_column_and_the_obligation_only_where_it_is_asked() -> None:
    shown = "fullName collections { nodes { id taxAmount %s } }"
    without = statements(shown % "")
    assert statements(shown % "privacy { hidden { field purposes } }") == without
    asked = statements(shown % "privacy { obligation { stopOutput } }")
    assert asked[0] == without[0]
    assert asked[1] != without[1]
    assert "handling" in asked[1]
