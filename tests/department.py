"""A department's machine, as its developer would write it: assertions, proofs, tokens, requests."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import redis
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey

from authz.clients.dpop import access_token_hash
from authz.clients.registry import Clients, Definition
from authz.redis.embedded import EmbeddedRedis
from models.store.database import Database
from models.tables.client import ClientAuthentication
from resolvers.demo.clients import definition_of
from schema.settings import Settings
from tests.conftest import NewDatabase
from tests.world import World, make_stores, running, settings_of

ISSUER = "http://127.0.0.1:8000"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CODES = (
    "municipal-and-property-tax",
    "nursing-care",
    "national-health-insurance",
    "medical-pension",
    "child-welfare",
)


@dataclass
class Department:
    """One client: `key` signs its assertions, `proof_key` its DPoP proofs."""

    id: str
    key: Key
    http: httpx2.AsyncClient
    algorithm: str = "ES256"
    proof_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    issuer: str = ISSUER
    token: str | None = None

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good assertion, with what a test changes; `None` leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def assertion(self, **changed: Any) -> str:
        """A signed client assertion."""
        return jwt.encode({"alg": self.algorithm}, self.claims(**changed), self.key)

    def form(self, **given: str) -> dict[str, str]:
        """The form of a request to a token endpoint."""
        proven = {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
        return {"grant_type": "client_credentials", **proven, **given}

    def proof(
        self, method: str, path: str, token: str | None = None, **changed: Any
    ) -> dict[str, str]:
        """The header with a DPoP proof for one request."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(time.time()),
        }
        if token is not None:
            claims["ath"] = access_token_hash(token)
        claims |= changed
        header = {
            "alg": "ES256",
            "typ": "dpop+jwt",
            "jwk": self.proof_key.as_dict(private=False),
        }
        return {"dpop": jwt.encode(header, claims, self.proof_key)}

    async def ask_token(
        self, form: Mapping[str, str] | None = None, **headers: str
    ) -> httpx2.Response:
        """One request to `/oauth/token`, with a good proof unless `dpop` is given."""
        proven = headers if "dpop" in headers else {**self.proof("POST", "/oauth/token"), **headers}
        return await self.http.post("/oauth/token", data=form or self.form(), headers=proven)

    async def sign_in(self, **form: str) -> str:
        """A new token."""
        response = await self.ask_token(self.form(**form))
        assert response.status_code == 200, response.text
        token: str = response.json()["access_token"]
        self.token = token
        return token

    def presented(self, method: str, path: str) -> dict[str, str]:
        """The headers with which the token is presented."""
        assert self.token is not None
        return {
            "authorization": f"DPoP {self.token}",
            **self.proof(method, path, self.token),
        }

    async def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx2.Response:
        """One GraphQL request for the client's own purpose."""
        if self.token is None:
            await self.sign_in()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(
            "/graphql",
            json={"query": document, "variables": dict(variables or {})},
            headers={
                "accept": "application/graphql-response+json",
                "purpose-of-use": f"transfer-{self.id}",
                **self.presented("POST", "/graphql"),
                **named,
            },
        )

    async def data(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The `data` of an answer that must be good."""
        response = await self.ask(document, variables)
        assert response.status_code == 200, response.text
        return response.json()["data"]


async def register(
    clients: Clients, http: httpx2.AsyncClient, definition: Definition, **given: Any
) -> Department:
    """Register a client and take its part."""
    if definition.authentication is ClientAuthentication.PRIVATE_KEY_JWT:
        key = ECKey.generate_key("P-256")
        public = json.dumps(key.as_dict(private=False))
        await clients.register(definition, "first", jwk=public, **given)
        await clients.approve(definition.id, "second")
        return Department(definition.id, key, http)
    secret = await clients.register(definition, "first", **given)
    await clients.approve(definition.id, "second")
    assert secret is not None
    return Department(definition.id, OctKey.import_key(secret), http, "HS256")


@dataclass
class Town:
    """A running world, its departments, and the registrations behind the application's back."""

    world: World
    departments: dict[str, Department]
    clients: Clients
    settings: Settings
    database: Database

    def __getitem__(self, code: str) -> Department:
        return self.departments[code]


@asynccontextmanager
async def departments(
    new_database: NewDatabase, valkey: EmbeddedRedis, folder: Path, **settings: str
) -> AsyncIterator[Town]:
    """The small town with its five clients."""
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, folder)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    chosen = settings_of(database_url, numbers_url, valkey.url, folder, **settings)
    database = Database(database_url)
    clients = Clients(database, chosen.load_keys())
    async with running(chosen, passwords) as world:
        made = {code: await register(clients, world.client, definition_of(code)) for code in CODES}
        yield Town(world, made, clients, chosen, database)
    await database.close()
