"""A GraphQL server of a few fields behind the real HTTP endpoint, on a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from graphql import ExecutionResult, build_schema, execute
from starlette.applications import Starlette
from starlette.routing import Route

from authz.errors import PurposeRefused, Refused, Unauthenticated
from schema.document import find_operation, read_document, read_variables
from schema.errors import executed, refusal
from schema.graphiql import graphiql_routes
from schema.http import Answer, GraphQLEndpoint, GraphQLRequest

SCHEMA = build_schema(
    """
    type Query { viewer: Viewer addressee(code: String!): Addressee }
    type Mutation { signIn(input: SignInInput!): SignIn signOut: SignOut }
    type Addressee { name: String dvFlag: String }
    type Viewer { id: ID roles: [String!] purposes: [String!] }
    type SignIn { token: String expiresAt: String viewer: Viewer }
    type SignOut { done: Boolean }
    input SignInInput { staffId: String! password: String! }
    """
)
TOKEN = "token-of-the-test"
VIEWER = {"id": "s1", "roles": ["collection-clerk"], "purposes": ["consultation"]}
PRIVACY = {
    "hidden": [
        {"path": ["addressee", "dvFlag"], "coordinate": "Addressee.dvFlag", "reason": "ROLE"}
    ],
    "obligations": [{"path": ["addressee"], "addressWithheld": True, "stopOutput": False}],
}


class Root:
    """The resolvers; `request` is the one being answered."""

    def __init__(self, request: GraphQLRequest) -> None:
        self.request = request

    def viewer(self, info: Any) -> Any:
        self._signed_in()
        return VIEWER

    def addressee(self, info: Any, code: str) -> Any:
        self._signed_in()
        if self.request.headers.get("purpose-of-use") != "consultation":
            raise PurposeRefused("State a purpose.", "PURPOSE_REQUIRED")
        return {"name": f"宛名 {code}", "dvFlag": None}

    def signIn(self, info: Any, input: dict[str, str]) -> Any:
        if input["password"] != "right":
            raise Unauthenticated("Staff id or password is wrong.")
        return {"token": TOKEN, "expiresAt": "2026-11-24T08:30:00Z", "viewer": VIEWER}

    def signOut(self, info: Any) -> Any:
        return {"done": True}

    def _signed_in(self) -> None:
        if self.request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Unauthenticated("Sign in.")


async def answer(request: GraphQLRequest) -> Answer:
    """Answer as graphql-core does."""
    try:
        document = read_document(SCHEMA, request.document)
        operation = find_operation(document, request.operation_name)
        read_variables(SCHEMA, operation, request.variables)
    except Refused as error:
        return refusal(error)
    result = execute(
        SCHEMA,
        document,
        Root(request),
        variable_values=request.variables,
        operation_name=request.operation_name,
    )
    assert isinstance(result, ExecutionResult)
    written = executed(result)
    if written.status == 200 and "addressee" in (result.data or {}):
        body = orjson.loads(written.body) | {"extensions": {"privacy": PRIVACY}}
        return Answer(200, orjson.dumps(body))
    return written


@contextmanager
def tiny_server(assets: Path) -> Iterator[str]:
    """The address of a running server, with GraphiQL."""
    app = Starlette(
        routes=[
            Route("/graphql", GraphQLEndpoint(answer)),
            *graphiql_routes(assets, enabled=True),
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
