"""Tokens of departments' clients over HTTP: who gets one, what it is bound to, how it ends."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from authz import refusals
from authz.access_log import AccessLog, Kind, LoggedOperation, Record
from authz.channel import Channel
from authz.client_certificate import thumbprint_of_pem
from authz.clients.registry import Registered
from authz.errors import BadInput
from authz.policy.policy import Line
from authz.redis.connection import connect, disconnect
from authz.redis.embedded import EmbeddedRedis
from authz.sessions.session import Sessions
from authz.tasks import end
from models.tables.client import ClientAuthentication, ClientState, TokenBinding
from resolvers.demo.clients import definition_of
from tests.authority import Authority
from tests.conftest import NewDatabase
from tests.department import CODES, ISSUER, Department, Town, departments, register
from tests.valkey import until

WHO = "{ viewer { id roles purposes } }"
EVERYBODY = "{ addressees { totalCount } }"


@pytest.fixture(scope="module")
async def town(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    with pytest.MonkeyPatch.context() as patch:
        # All tests come from one address.
        patch.setattr(refusals, "ROWS", 1_000_000)
        async with departments(new_database, valkey, tmp_path_factory.mktemp("tokens")) as made:
            yield made


async def refusal(town: Town) -> tuple[Any, ...]:
    """Kind, actor, outcome of the newest record."""
    [record] = await town.world.log()
    return record["kind"], record["actor"], record["outcome"]


@pytest.mark.parametrize("code", CODES)
async def test_each_client_gets_a_short_token_and_is_itself_alone(town: Town, code: str) -> None:
    department = town[code]
    response = await department.ask_token()
    told = response.json()
    assert (response.status_code, told["token_type"], told["expires_in"]) == (200, "DPoP", 300)
    assert response.headers["cache-control"] == "no-store"
    assert "refresh_token" not in told
    department.token = told["access_token"]
    [record] = await town.world.log()
    assert (record["kind"], record["actor"], record["outcome"]) == ("TOKEN", f"client:{code}", "OK")
    assert record["purpose"] == f"transfer-{code}"
    viewer = (await department.data(WHO))["viewer"]
    assert viewer == {
        "id": f"client:{code}",
        "roles": ["department-client"],
        "purposes": [f"transfer-{code}"],
    }


async def test_the_purpose_of_another_department_is_not_open(town: Town) -> None:
    response = await town["nursing-care"].ask(
        EVERYBODY, purpose_of_use="transfer-national-health-insurance"
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "PURPOSE_NOT_ALLOWED"


BAD_ASSERTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": int(time.time()) - 60}, "EXPIRED"),
    "too long a life": ({"exp": int(time.time()) + 6_000}, "LIFETIME"),
    "without an end": ({"exp": None}, "CLAIMS"),
    "without a name": ({"jti": None}, "CLAIMS"),
    "from the future": ({"iat": int(time.time()) + 3_000}, "CLAIMS"),
    "for another server": ({"aud": "https://elsewhere.example"}, "AUDIENCE"),
    "for several servers": ({"aud": [ISSUER, "https://elsewhere.example"]}, "AUDIENCE"),
    "for the endpoint": ({"aud": f"{ISSUER}/oauth/token"}, "AUDIENCE"),
}


@pytest.mark.parametrize("name", BAD_ASSERTIONS)
async def test_a_bad_assertion_is_refused_alike_and_logged(town: Town, name: str) -> None:
    changed, cause = BAD_ASSERTIONS[name]
    department = town["nursing-care"]
    response = await department.ask_token(
        department.form(client_assertion=department.assertion(**changed))
    )
    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
    }
    assert await refusal(town) == ("TOKEN", "client:nursing-care", f"REFUSED_{cause}")


async def test_an_assertion_has_one_use(town: Town) -> None:
    department = town["child-welfare"]
    form = department.form()
    assert (await department.ask_token(form)).status_code == 200
    again = await department.ask_token(form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_client")
    assert await refusal(town) == ("TOKEN", "client:child-welfare", "REFUSED_REPLAY")


async def test_nobody_signs_for_another(town: Town) -> None:
    nursing, health = town["nursing-care"], town["national-health-insurance"]
    posed = replace(nursing, key=health.key)
    assert (await posed.ask_token()).status_code == 400
    assert await refusal(town) == ("TOKEN", "client:nursing-care", "REFUSED_SIGNATURE")
    other = nursing.form(client_id="national-health-insurance")
    assert (await nursing.ask_token(other)).status_code == 400
    unknown = replace(nursing, id="nobody")
    assert (await unknown.ask_token()).json()["error"] == "invalid_client"
    assert await refusal(town) == ("TOKEN", None, "REFUSED_UNKNOWN")


async def test_an_algorithm_is_never_the_clients_choice(town: Town) -> None:
    """The public key as an HMAC secret, and no signature at all."""
    department = town["nursing-care"]
    public = OctKey.import_key(str(department.key.as_dict(private=False)))
    for forged in (
        jwt.encode({"alg": "HS256"}, department.claims(), public),
        "eyJhbGciOiJub25lIn0." + department.assertion().split(".")[1] + ".",
    ):
        response = await department.ask_token(department.form(client_assertion=forged))
        assert response.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"scope": "036:account:read"}, "invalid_scope"),
        ({"scope": "036:collection:read 036:collection:write"}, "invalid_scope"),
        ({"scope": "036:collection:search"}, "invalid_scope"),
        ({"scope": "介護"}, "invalid_scope"),
        ({"client_secret": "x"}, "invalid_client"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_assertion": "x"}, "invalid_client"),
    ],
)
async def test_errors_are_the_standards_and_repeat_nothing(
    town: Town, given: dict[str, str], error: str
) -> None:
    department = town["nursing-care"]
    response = await department.ask_token(department.form(**given))
    assert response.json()["error"] == error
    assert response.status_code == 400
    assert "www-authenticate" not in response.headers
    assert set(response.json()) == {"error", "error_description"}
    for value in given.values():
        assert not value or value not in response.json()["error_description"]
    [record] = await town.world.log()
    assert record["kind"] == "TOKEN"
    assert record["outcome"].startswith("REFUSED_")


async def test_a_request_that_is_no_form_is_refused(town: Town) -> None:
    http = town.world.client
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for options in (
        {"json": {"grant_type": "client_credentials"}},
        {"content": b"grant_type=a&grant_type=b", "headers": kind},
        {"content": b"grant_type=" + b"a" * 40_000, "headers": kind},
        {"content": b"\xff=1", "headers": kind},
        {"data": {"grant_type": "client_credentials"}, "params": {"client_id": "x"}},
    ):
        response = await http.post("/oauth/token", **options)  # type: ignore[arg-type]
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        assert await refusal(town) == ("TOKEN", None, "REFUSED_MALFORMED")
    assert (await http.get("/oauth/token")).status_code == 405


async def test_the_secret_itself_is_taken_only_behind_a_setting(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for setting, status in (("off", 401), ("on", 200)):
        folder = tmp_path_factory.mktemp("basic")
        async with departments(new_database, valkey, folder, client_secret_basic=setting) as made:
            definition = replace(
                definition_of("nursing-care"),
                id="legacy",
                authentication=ClientAuthentication.CLIENT_SECRET_BASIC,
            )
            secret = await made.clients.register(definition, "first")
            await made.clients.approve(definition.id, "second")
            legacy = Department("legacy", OctKey.generate_key(), made.world.client)
            for given, expected in ((secret, status), ("wrong", 401)):
                response = await made.world.client.post(
                    "/oauth/token",
                    data={"grant_type": "client_credentials"},
                    auth=("legacy", given or ""),
                    headers=legacy.proof("POST", "/oauth/token"),
                )
                assert response.status_code == expected
                # It names how to ask again where it is asked so (RFC 6749, 5.2).
                challenge = None if expected == 200 else 'Basic realm="oauth"'
                assert response.headers.get("www-authenticate") == challenge
            refused = await made["nursing-care"].ask_token({"client_assertion": "x"})
            assert refused.status_code == (401 if setting == "on" else 400)


# -- proofs (RFC 9449) -----------------------------------------------------------------------------


async def test_a_stolen_token_opens_nothing(town: Town) -> None:
    """The token alone, as Bearer or with a proof of another key."""
    victim = town["nursing-care"]
    await victim.sign_in()
    thief = replace(victim, proof_key=ECKey.generate_key("P-256"))
    bearer = {"authorization": f"Bearer {victim.token}", "dpop": ""}
    for who, headers, cause in ((victim, bearer, "PROOF"), (thief, {}, "PROOF_KEY")):
        response = await who.ask(EVERYBODY, **headers)
        assert response.status_code == 401
        assert "data" not in response.json()
        used, told = await town.world.log(2)
        assert (used["kind"], used["actor"]) == ("TOKEN", "client:nursing-care")
        assert used["outcome"] == f"REFUSED_{cause}"
        assert told["outcome"] == "UNAUTHENTICATED"
    assert (await victim.ask(EVERYBODY)).status_code == 200


def other_key(proof: dict[str, str], department: Department) -> dict[str, str]:
    header, claims, _ = proof["dpop"].split(".")
    _, _, signature = department.proof("POST", "/graphql", "x")["dpop"].split(".")
    return {"dpop": ".".join((header, claims, signature))}


def endless(department: Department) -> str:
    """A signed proof whose claims one reader of JSON takes, and another finds too deep."""
    claims = f'{{"jti": "x", "deep": {"[" * 1015}{"]" * 1015}}}'
    key = department.proof_key
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jws.serialize_compact(header, claims.encode(), key)


BAD_PROOFS: dict[str, Callable[[Department], dict[str, str]]] = {
    "another method": lambda d: d.proof("GET", "/graphql", d.token),
    "another address": lambda d: d.proof("POST", "/oauth/token", d.token),
    "another host": lambda d: d.proof(
        "POST", "/graphql", d.token, htu="http://elsewhere.example/graphql"
    ),
    "another token": lambda d: d.proof("POST", "/graphql", "x"),
    "no token": lambda d: d.proof("POST", "/graphql"),
    "old": lambda d: d.proof("POST", "/graphql", d.token, iat=int(time.time()) - 120),
    "of tomorrow": lambda d: d.proof("POST", "/graphql", d.token, iat=int(time.time()) + 120),
    "no instant": lambda d: d.proof("POST", "/graphql", d.token, iat="now"),
    "no name": lambda d: d.proof("POST", "/graphql", d.token, jti=""),
    "a wrong signature": lambda d: other_key(d.proof("POST", "/graphql", d.token), d),
    "nothing": lambda d: {"dpop": ""},
    "no token at all": lambda d: {"dpop": "a.b.c"},
    "lists without end": lambda d: {"dpop": endless(d)},
}


@pytest.mark.parametrize("name", BAD_PROOFS)
async def test_a_bad_proof_is_refused(town: Town, name: str) -> None:
    department = town["nursing-care"]
    await department.sign_in()
    response = await department.ask(EVERYBODY, **BAD_PROOFS[name](department))
    assert response.status_code == 401, name
    assert (await town.world.log(2))[0]["outcome"].startswith("REFUSED_PROOF") or name in {
        "a wrong signature",
        "nothing",
        "no token at all",
        "no name",
        "no instant",
        "lists without end",
    }


async def test_a_proof_has_one_use(town: Town) -> None:
    department = town["nursing-care"]
    await department.sign_in()
    proof = department.proof("POST", "/graphql", department.token)
    assert (await department.ask(EVERYBODY, **proof)).status_code == 200
    assert (await department.ask(EVERYBODY, **proof)).status_code == 401
    assert (await town.world.log(2))[0]["outcome"] == "REFUSED_REPLAY"


async def test_no_token_without_a_proof(town: Town) -> None:
    department = town["nursing-care"]
    for proof in ("", "a.b.c", department.proof("GET", "/oauth/token")["dpop"]):
        response = await department.ask_token(dpop=proof)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_staff_session_is_no_token_and_a_token_no_session(town: Town) -> None:
    session = await town.world.sign_in("sato")
    department = town["nursing-care"]
    proof = department.proof("POST", "/graphql", session)
    response = await town.world.post(WHO, authorization=f"DPoP {session}", **proof)
    assert response.status_code == 401
    await department.sign_in()
    for scheme in ("DPoP", "Bearer"):
        out = await town.world.post(
            "mutation { signOut { signedOut } }", authorization=f"{scheme} {department.token}"
        )
        assert out.status_code == 401
    # Without a proof nobody ends it either.
    assert (await department.ask(WHO)).status_code == 200


# -- certificates (RFC 8705) -----------------------------------------------------------------------


async def test_a_token_of_a_certificate_is_good_with_that_one_alone(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a proxy hands certificates over; over real TLS: `test_mutual_tls`."""
    folder = tmp_path_factory.mktemp("certificates")
    issue = Authority(folder, "city").issue
    own, other = (issue(name).certificate.read_bytes() for name in ("own", "other"))
    async with departments(new_database, valkey, folder, proxies="127.0.0.1/32") as made:
        definition = replace(definition_of("nursing-care"), id="bound", binding=TokenBinding.MTLS)
        mine = thumbprint_of_pem(own)
        client = await register(made.clients, made.world.client, definition, certificate=mine)
        seen = {"x-forwarded-for": "127.0.0.1", "client-cert": handed_over(own)}
        response = await client.ask_token(**seen)
        token = response.json()["access_token"]
        for certificate, status in ((own, 200), (other, 401), (None, 401)):
            answer = await made.world.client.post(
                "/graphql",
                json={"query": WHO},
                headers={
                    "authorization": f"Bearer {token}",
                    "x-forwarded-for": "127.0.0.1",
                    "client-cert": handed_over(certificate) if certificate else "",
                },
            )
            assert answer.status_code == status


def handed_over(pem: bytes) -> str:
    """The `Client-Cert` header of a certificate (RFC 9440)."""
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return f":{base64.b64encode(der).decode()}:"


# -- where it comes from -----------------------------------------------------------------------


async def test_the_network_is_part_of_the_definition(town: Town) -> None:
    elsewhere = replace(definition_of("nursing-care"), id="elsewhere", networks=("192.0.2.0/24",))
    department = await register(town.clients, town.world.client, elsewhere)
    assert (await department.ask_token()).status_code == 400
    assert await refusal(town) == ("TOKEN", "client:elsewhere", "REFUSED_NETWORK")
    # No proxy is configured here, so that nobody's word about an address counts.
    claimed = {"x-forwarded-for": "192.0.2.7", "forwarded": "for=192.0.2.7"}
    assert (await department.ask_token(**claimed)).status_code == 400


# -- telling and ending ------------------------------------------------------------------------


async def test_a_client_is_told_of_its_own_tokens_alone(town: Town) -> None:
    nursing, health = town["nursing-care"], town["national-health-insurance"]
    token = await nursing.sign_in(scope="036:collection:list 036:collection:read")

    async def introspect(department: Department, asked: str) -> Any:
        form = department.form(token=asked)
        return (await department.http.post("/oauth/introspect", data=form)).json()

    told = await introspect(nursing, token)
    assert told["active"] is True
    assert told["scope"] == "036:collection:list 036:collection:read"
    assert told["client_id"] == told["sub"] == "nursing-care"
    assert told["cnf"] == {"jkt": nursing.proof_key.thumbprint()}
    assert 0 < told["exp"] - told["iat"] <= 300
    assert await introspect(health, token) == {"active": False}
    assert await introspect(nursing, await town.world.sign_in("sato")) == {"active": False}
    assert await introspect(nursing, "nothing") == {"active": False}
    anybody = await town.world.client.post("/oauth/introspect", data={"token": token})
    assert anybody.status_code == 400


async def test_a_client_revokes_its_own_tokens_alone(town: Town) -> None:
    nursing, health = town["nursing-care"], town["national-health-insurance"]
    token = await nursing.sign_in()

    async def revoke(department: Department) -> int:
        form = department.form(token=token)
        return (await department.http.post("/oauth/revoke", data=form)).status_code

    assert await revoke(health) == 200
    assert (await nursing.ask(EVERYBODY)).status_code == 200
    assert await revoke(nursing) == 200
    assert (await nursing.ask(EVERYBODY)).status_code == 401
    assert await revoke(nursing) == 200


async def test_a_suspension_acts_on_tokens_and_on_new_ones(town: Town) -> None:
    department = await register(
        town.clients, town.world.client, replace(definition_of("nursing-care"), id="suspended")
    )
    department.id = "suspended"
    await department.sign_in()
    purpose = {"purpose_of_use": "transfer-nursing-care"}
    assert (await department.ask(EVERYBODY, **purpose)).status_code == 200
    await town.clients.change_state("suspended", ClientState.SUSPENDED)

    async def refused() -> bool:
        return (await department.ask(EVERYBODY, **purpose)).status_code == 401

    # Behind the worker's back, which reads the epochs each second.
    await until(refused)
    assert (await department.ask_token()).status_code == 400
    assert await refusal(town) == ("TOKEN", "client:suspended", "REFUSED_SUSPENDED")
    await town.clients.change_state("suspended", ClientState.ACTIVE)
    assert (await department.ask_token()).status_code == 200


async def let_end(town: Town, client_id: str) -> None:
    """Days go by, until the last day of a definition was the day before yesterday."""
    last = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
    await town.world.change(f"UPDATE client SET valid_until = '{last}' WHERE id = '{client_id}'")


async def test_a_definition_whose_day_ends_just_now_gives_no_token(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock of the session store it has ended."""
    monkeypatch.setattr(Registered, "usable", lambda client, today: True)
    definition = replace(definition_of("nursing-care"), id="ending")
    ending = await register(town.clients, town.world.client, definition)
    await let_end(town, "ending")
    response = await ending.ask_token()
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client")
    assert await refusal(town) == ("TOKEN", "client:ending", "REFUSED_SUSPENDED")


async def test_a_token_is_not_said_to_live_longer_than_its_definition(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=60)
    monkeypatch.setattr(Registered, "until", soon)
    told = (await town["nursing-care"].ask_token()).json()
    assert 0 < told["expires_in"] <= 60


async def test_a_definition_is_good_on_its_days(town: Town) -> None:
    today = replace(definition_of("nursing-care"), id="over")
    over = await register(town.clients, town.world.client, today)
    await let_end(town, "over")
    assert (await over.ask_token()).status_code == 400
    for_ever = replace(today, id="for-ever", valid_until=dt.date.max)
    department = await register(town.clients, town.world.client, for_ever)
    assert (await department.ask_token()).status_code == 200


async def test_two_credentials_live_at_a_time(town: Town) -> None:
    department = await register(
        town.clients, town.world.client, replace(definition_of("medical-pension"), id="rotating")
    )
    first = department.key
    second = await town.clients.rotate("rotating")
    third = await town.clients.rotate("rotating")
    assert second is not None
    assert third is not None
    assert second != third
    statuses = []
    for key in (first, OctKey.import_key(second), OctKey.import_key(third)):
        department.key = key
        statuses.append((await department.ask_token()).status_code)
    assert statuses == [400, 200, 200]
    # A public key would take the place of the secrets that the client signs with.
    public = ECKey.generate_key("P-256").as_dict(private=False)
    with pytest.raises(BadInput):
        await town.clients.rotate("rotating", jwk=json.dumps(public))
    assert (await department.ask_token()).status_code == 200


async def test_of_many_new_secrets_at_once_two_live(town: Town) -> None:
    definition = replace(
        definition_of("nursing-care"),
        id="hasty",
        authentication=ClientAuthentication.CLIENT_SECRET_JWT,
    )
    await register(town.clients, town.world.client, definition)
    await asyncio.gather(*(town.clients.rotate("hasty") for _ in range(6)))
    found = await town.clients.find("hasty")
    assert found is not None
    assert len(found.secrets) == 2


async def test_the_metadata_says_what_is_there(town: Town) -> None:
    response = await town.world.client.get("/.well-known/oauth-authorization-server")
    told = response.json()
    assert told["issuer"] == ISSUER
    assert told["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "client_secret_jwt"]
    assert "036:collection:list" in told["scopes_supported"]


async def test_who_asks_too_often_waits(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rate")
    async with departments(new_database, valkey, folder, client_rate="3") as made:
        department = made["nursing-care"]
        statuses = [(await department.ask(EVERYBODY)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        response = await department.ask(EVERYBODY)
        assert response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert 0 < int(response.headers["retry-after"]) <= 60
        assert (await made["child-welfare"].ask(EVERYBODY)).status_code == 200
        responses = [await department.ask_token() for _ in range(61)]
        assert responses[-1].status_code == 429
        assert responses[-1].json()["error"] == "temporarily_unavailable"
        assert 0 < int(responses[-1].headers["retry-after"]) <= 60


async def test_callers_without_a_credential_write_a_few_rows_and_one_that_counts(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else anybody fills the disk of the log. One subscriber of IPv6 has a whole /64."""
    monkeypatch.setattr(refusals, "ROWS", 2)
    log = AccessLog(town.database)
    await log.start()
    try:
        bounded = refusals.Refusals(log, town.settings.front)
        unknown = Record(kind=Kind.TOKEN, outcome="REFUSED_UNKNOWN")
        for peer in ("192.0.2.1", *(f"2001:db8::{last}" for last in range(1, 8))):
            channel = Channel(peer, "POST", "/oauth/token", {})
            await bounded.record(channel, unknown, LoggedOperation.of("oauth:token", ()))
        await bounded.write()
    finally:
        await log.stop()
    told = [(record["outcome"], record["normal_form"]) for record in await town.world.log(4)]
    assert told == [
        *[("REFUSED_UNKNOWN", "oauth:token")] * 3,
        ("REFUSED_RATE", "refused:5 more from one address"),
    ]


REVOKE = 'mutation { revokeRole(input: {staffId: "-", role: "-"}) { __typename } }'
DOORS: dict[str, Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]] = {
    "token": lambda http: http.post("/oauth/token", data={"client_assertion": "nothing"}),
    "query": lambda http: http.post("/graphql", json={"query": EVERYBODY}),
    "mutation": lambda http: http.post(
        "/graphql",
        json={"query": 'mutation { revokeRole(input: {staffId: "-", role: "-"}) { __typename } }'},
    ),
    "wrong token": lambda http: http.post(
        "/graphql", json={"query": EVERYBODY}, headers={"authorization": "Bearer nobodys"}
    ),
    "schema": lambda http: http.get("/schema.graphql", headers={"authorization": "Bearer -"}),
    "transfer": lambda http: http.get("/transfers/some-transfer"),
    "policy": lambda http: http.post(
        "/policy/drafts/some-draft/lines", content=b"p,", headers={"content-type": "text/csv"}
    ),
}


@pytest.mark.parametrize("door", DOORS)
async def test_no_door_lets_callers_without_a_credential_fill_the_log(
    town: Town, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(refusals, "ROWS", 2)
    before = await _rows(town)
    for _ in range(8):
        assert (await DOORS[door](town.world.client)).status_code in {400, 401}
    assert await _rows(town) - before <= 2


async def test_a_log_that_was_down_counts_refusals_again(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else an address that had its rows before the outage would have none ever after."""
    monkeypatch.setattr(refusals, "ROWS", 1)
    monkeypatch.setattr(refusals, "PERIOD", 0.02)
    log = AccessLog(town.database)
    await log.start()
    bounded = refusals.Refusals(log, town.settings.front)
    for _ in range(2):
        await bounded.record(
            Channel("192.0.2.9", "POST", "/graphql", {}), Record(kind=Kind.READ, outcome="REFUSED")
        )
    await log.stop()
    counting = asyncio.create_task(bounded.keep_writing())

    async def failed() -> bool:
        await asyncio.sleep(0.01)
        return "refusals were not counted" in caplog.text

    try:
        await until(failed)
        assert not counting.done()
    finally:
        await end(counting)


async def _rows(town: Town) -> int:
    async with town.database.look() as connection:
        return int(await connection.scalar(sa.text("SELECT count(*) FROM access_log")) or 0)


async def test_the_newest_policy_version_binds_the_next_token(town: Town) -> None:
    """Although this worker has answered nobody under it yet. The last test here: another world in
    the same store of sessions would be at an earlier version."""
    scope = {"scope": "036:transfer:write"}
    department = town["child-welfare"]
    assert (await department.ask_token(department.form(**scope))).status_code == 200
    closed = Line("role:any", "purpose:any", "class:transfer", "write", "deny")
    await _published(town, await town.world.publish(closed))
    try:
        refused = await department.ask_token(department.form(**scope))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    finally:
        await _published(town, await town.world.publish(without=lambda line: line == closed))
    assert (await department.ask_token(department.form(**scope))).status_code == 200


async def _published(town: Town, version: int) -> None:
    redis = connect(town.world.redis_url)
    await Sessions(redis).publish_policy_version(version)
    await disconnect(redis)
