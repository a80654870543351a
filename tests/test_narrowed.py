"""The SDL of one clearance: what is in it is answered, what is not is hidden."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    parse,
    validate,
    validate_schema,
)

from authz.redis.embedded import EmbeddedRedis
from models.graph.graph import GRAPH
from server import _schema_of
from tests.conftest import NewDatabase
from tests.department import CODES, Town, departments
from tests.test_departments import LIST, ONE
from tests.test_transfers import CLERK, MANAGEMENT

RECEIVED = """
mutation ($code: String!, $digest: String!) {
  acknowledgeTransfer(input: {code: $code, digest: $digest}) { transfer { state personCount } }
}
"""


@pytest.fixture(scope="module")
async def town(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    async with departments(new_database, valkey, tmp_path_factory.mktemp("narrowed")) as made:
        yield made


async def schema_of(town: Town, code: str, **form: str) -> GraphQLSchema:
    department = town[code]
    await department.sign_in(**form)
    path = "/schema.graphql"
    response = await department.http.get(path, headers=department.presented("GET", path))
    assert response.status_code == 200, response.text
    schema = build_schema(response.text)
    assert validate_schema(schema) == []
    return schema


def coordinates(schema: GraphQLSchema) -> Iterator[str]:
    """Every field of an object type that is a noun's or a part's."""
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields:
                if f"{name}.{field}" in GRAPH.classes:
                    yield f"{name}.{field}"


@pytest.mark.parametrize("code", CODES)
async def test_it_holds_exactly_what_the_clearance_shows(town: Town, code: str) -> None:
    schema = await schema_of(town, code)
    asked = "{ viewer { clearance { coordinate read list match search } } }"
    cells = {
        cell["coordinate"]: cell for cell in (await town[code].data(asked))["viewer"]["clearance"]
    }
    shown = {name for name, cell in cells.items() if "SHOWN" in (cell["read"], cell["list"])}
    fields = set(coordinates(schema))
    assert fields <= shown
    leaves = {
        leaf.coordinate
        for type_ in ("Addressee", "Collection", "Receipt", "Handling", "Transfer")
        for leaf in GRAPH.types[type_].leaves.values()
    }
    assert fields & leaves == shown & leaves
    assert {"Residence", "Account", "HouseholdMembership", "PolicyVersion"}.isdisjoint(
        schema.type_map
    )
    for document in (LIST, ONE, RECEIVED):
        assert validate(schema, parse(document)) == []
    assert set(schema.mutation_type.fields) == {"acknowledgeTransfer", "rejectTransfer"}  # type: ignore[union-attr]
    operands = schema.type_map["AddresseeFilter"]
    assert isinstance(operands, GraphQLInputObjectType)
    name = get_named_type(operands.fields["fullName"].type)
    # Found by the exact name alone: `search` is not the client's.
    assert isinstance(name, GraphQLInputObjectType)
    assert set(name.fields) == {"eq", "in", "isNull"}


async def test_a_narrower_token_has_a_smaller_schema(town: Town) -> None:
    schema = await schema_of(town, "nursing-care", scope="036:addressee:list")
    assert set(coordinates(schema)) <= {
        leaf.coordinate for leaf in GRAPH.types["Addressee"].leaves.values()
    } | {
        "Query.addressees",
        "Addressee.handling",
        "Handling.addressWithheld",
        "Handling.stopOutput",
    }
    assert "Collection" not in schema.type_map
    assert schema.mutation_type is None
    assert "filter" not in schema.query_type.fields["addressees"].args  # type: ignore[union-attr]


async def test_staff_have_one_for_each_purpose(town: Town) -> None:
    token = await town.world.sign_in(CLERK)
    http, headers = town.world.client, {"authorization": f"Bearer {token}"}
    missing = await http.get("/schema.graphql", headers=headers)
    assert (missing.status_code, missing.json()["error"]) == (403, "purpose_required")
    told = await http.get("/schema.graphql", headers=headers | {"purpose-of-use": MANAGEMENT})
    schema = build_schema(told.text)
    assert validate_schema(schema) == []
    assert {"prepareTransfer", "releaseTransfer"} <= set(schema.mutation_type.fields)  # type: ignore[union-attr]
    assert "acknowledgeTransfer" not in schema.mutation_type.fields  # type: ignore[union-attr]
    assert "individualNumber" not in schema.type_map["Addressee"].fields  # type: ignore[attr-defined]
    assert (await http.get("/schema.graphql", headers={"authorization": "x"})).status_code == 401


async def test_the_command_prints_the_same(town: Town) -> None:
    department = town["child-welfare"]
    await department.sign_in()
    path = "/schema.graphql"
    response = await department.http.get(path, headers=department.presented("GET", path))
    assert await _schema_of(town.settings, "child-welfare") == response.text
