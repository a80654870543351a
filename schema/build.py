"""The one schema, the same for everybody, so that generated clients stay stable."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import GraphQLSchema

from schema.mutations.root import Mutation
from schema.types.nouns import TYPES
from schema.types.query import Query
from schema.types.scalars import CONFIG


@cache
def build_schema() -> strawberry.Schema:
    """Strawberry's schema over everything in `models/graph/graph.py`."""
    return strawberry.Schema(
        query=Query, mutation=Mutation, types=list(TYPES.objects.values()), config=CONFIG
    )


def graphql_schema() -> GraphQLSchema:
    """The same schema as graphql-core knows it."""
    return build_schema()._schema


@cache
def sdl() -> str:
    """The schema in SDL, as committed in `schema.graphql`."""
    return build_schema().as_str() + "\n"
