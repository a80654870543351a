"""Tokens of departments' clients (OAuth 2.0 client credentials): issued, checked, told, revoked.

A token is an opaque session of an actor whose role is department-client: the same store, the same
one touch a request, the same revocation. It lives for minutes, and is bound to a certificate or a
proof key, so that a stolen one opens nothing. Every attempt is on the log; whoever fails is not
told why.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import sqlalchemy as sa

from authz.access_log import AccessLog, Kind, LoggedOperation, Record
from authz.actor import Actor, Grant, actor_id
from authz.channel import Channel, Front, neighbourhood, within
from authz.clients import assertion as client_assertion
from authz.clients import dpop
from authz.clients.jose import LEEWAY, BadToken
from authz.clients.registry import Clients, Registered
from authz.clients.single_use import Once, Rate
from authz.errors import (
    PurposeRefused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from authz.policy.clearance import clear
from authz.policy.invariants import MACHINE_ROLE
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.refusals import Refusals
from authz.scopes import Limits, scope_of, written
from authz.sessions.revocations import Revocations
from authz.sessions.session import Session, Sessions
from models.graph.graph import PROTECTED
from models.tables.client import ClientAuthentication, TokenBinding
from models.trade.office_time import TOKYO

Form = Mapping[str, str]

LIFETIME = dt.timedelta(minutes=5)
FAILED = "client authentication failed"
ROLES = frozenset({MACHINE_ROLE})
_SCOPES = re.compile(r"[!#-\[\]-~]{1,100}(?: [!#-\[\]-~]{1,100}){0,199}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class OAuthRefused(Exception):
    """A request that gets no token. `code` is the error of RFC 6749 (5.2) or RFC 9449 (5).

    `cause` is for the log alone: whoever fails to authenticate is not told why.
    """

    def __init__(self, code: str, cause: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.cause = cause
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the client gets it, once. `expires_in` in seconds."""

    token: str
    token_type: str
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How often clients may ask, a minute: tokens and requests by client, failures by address."""

    tokens: Rate
    requests: Rate
    failures: Rate


class Tokens:
    """The authorization server's use cases; one for each worker.

    `basic`: whether `client_secret_basic` is taken at all.
    """

    def __init__(
        self,
        sessions: Sessions,
        revocations: Revocations,
        clients: Clients,
        policies: PolicyStore,
        log: AccessLog,
        refusals: Refusals,
        once: Once,
        rates: Rates,
        front: Front,
        *,
        lifetime: dt.timedelta = LIFETIME,
        basic: bool = False,
    ) -> None:
        self._sessions = sessions
        self._revocations = revocations
        self._clients = clients
        self._policies = policies
        self._log = log
        self._refusals = refusals
        self._once = once
        self._rates = rates
        self.front = front
        self._lifetime = lifetime
        self.basic = basic

    # -- the endpoints -------------------------------------------------------------------------

    async def issue(self, form: Form, channel: Channel) -> Issued:
        """A token for an authenticated client.

        Raises `OAuthRefused`, `TooManyRequests` or `Unavailable`, after it is on the log.
        """
        client = await self._authenticated(form, channel, "token")
        try:
            await self._rates.tokens.admit(client.id)
            if form.get("grant_type") != "client_credentials":
                raise OAuthRefused(
                    "unsupported_grant_type", "GRANT_TYPE", "the grant is client_credentials"
                )
            binding = client.definition.binding
            key = await self._key(client, channel)
            policy = await self._policies.at_least(await self._sessions.policy_version())
            scopes = self._scopes(client, form.get("scope"), policy)
            token, actor = await self._sessions.open(
                actor_id(client.id),
                ROLES,
                None,
                epoch=client.epoch,
                until=client.until,
                lifetime=self._lifetime,
                grant=Grant(
                    client.id,
                    Limits(client.definition.purpose, scopes, client.definition.items),
                    client.definition.networks,
                    binding.value,
                    key,
                ),
            )
        except OAuthRefused as refused:
            await self._record("token", f"REFUSED_{refused.cause}", client=client.id)
            raise
        except TooManyRequests:
            await self._record("token", "REFUSED_RATE", client=client.id)
            raise
        except Unauthenticated:
            # The definition's last day ended just now.
            await self._record("token", "REFUSED_SUSPENDED", client=client.id)
            raise self._failed("SUSPENDED", channel) from None
        await self._confirm(client, token, channel)
        await self._record("token", "OK", actor=actor)
        return Issued(
            token,
            "DPoP" if binding is TokenBinding.DPOP else "Bearer",
            int(self._life(client).total_seconds()),
            written(scopes),
        )

    def _life(self, client: Registered) -> dt.timedelta:
        """How long a token of this moment lives: no longer than the definition is good."""
        if client.until is None:
            return self._lifetime
        return min(self._lifetime, client.until - dt.datetime.now(TOKYO))

    async def introspect(self, form: Form, channel: Channel) -> dict[str, Any]:
        """What a token of the asking client stands for now (RFC 7662); nobody else's is active."""
        client = await self._authenticated(form, channel, "introspect")
        session = await self._own(client, form.get("token", ""))
        await self._record("introspect", "OK", client=client.id)
        if session is None:
            return {"active": False}
        grant = session.actor.grant
        assert grant is not None
        name = "jkt" if grant.binding == TokenBinding.DPOP else "x5t#S256"
        return {
            "active": True,
            "scope": written(grant.limits.scopes),
            "client_id": client.id,
            "sub": client.id,
            "token_type": "DPoP" if grant.binding == TokenBinding.DPOP else "Bearer",
            "iat": _seconds(session.issued_at),
            "exp": _seconds(session.actor.expires_at),
            "iss": self.front.public_url,
            "purpose": grant.limits.purpose,
            "cnf": {name: grant.key},
        }

    async def revoke(self, form: Form, channel: Channel) -> None:
        """End a token of the asking client (RFC 7009). One that is not there is as good."""
        client = await self._authenticated(form, channel, "revoke")
        token = form.get("token", "")
        session = await self._own(client, token)
        if session is not None:
            await self._sessions.close(token)
        await self._record("revoke", "OK", client=client.id)

    async def refused(self, what: str, cause: str, channel: Channel) -> None:
        """Record a request that named no client at all."""
        await self._refused(channel, what, cause)

    # -- the check of every request --------------------------------------------------------------

    async def check(self, session: Session, token: str, channel: Channel | None) -> None:
        """Whether the token came from where, and by whom, it was granted to.

        Raises `Unauthenticated` (the cause is on the log), `TooManyRequests` or `Unavailable`.
        """
        grant = session.actor.grant
        if grant is None:
            if channel is not None and channel.scheme == "dpop":
                raise Unauthenticated("not signed in")
            return
        try:
            if channel is None:
                raise BadToken("CHANNEL")
            await self._check_channel(grant, token, channel)
        except BadToken as bad:
            await self._refused(channel, "use", bad.cause, actor=session.actor)
            raise Unauthenticated("not signed in") from None
        await self._rates.requests.admit(grant.client)

    async def _check_channel(self, grant: Grant, token: str, channel: Channel) -> None:
        if not within(self.front.address(channel), grant.networks):
            raise BadToken("NETWORK")
        if grant.binding == TokenBinding.MTLS:
            if channel.scheme != "bearer" or self.front.certificate(channel) != grant.key:
                raise BadToken("CERTIFICATE")
            return
        if channel.scheme != "dpop":
            raise BadToken("PROOF")
        proof = dpop.check(
            channel.headers.get("dpop", ""),
            method=channel.method,
            url=self.front.url(channel),
            token=token,
        )
        if proof.key != grant.key:
            raise BadToken("PROOF_KEY")
        await self._use_proof(proof)

    # -- who asks for a token ------------------------------------------------------------------

    async def _authenticated(self, form: Form, channel: Channel, what: str) -> Registered:
        """The client that the request proves to come from. Raises `OAuthRefused` and so on."""
        client: Registered | None = None
        try:
            name, proven = self._credentials(form, channel)
            client = await self._find(name)
            await self._check_credentials(client, proven)
            self._check_standing(client, channel)
        except BadToken as bad:
            known = client.id if client else None
            await self._refused(channel, what, bad.cause, client=known)
            await self._rates.failures.admit(neighbourhood(self.front.address(channel)))
            raise self._failed(bad.cause, channel) from None
        assert client is not None
        return client

    def _failed(self, cause: str, channel: Channel) -> OAuthRefused:
        """401 names a scheme (RFC 9110, 15.5.2): where there is one, or where the client used it
        (RFC 6749, 5.2)."""
        named = self.basic or channel.scheme == "basic"
        return OAuthRefused("invalid_client", cause, FAILED, 401 if named else 400)

    def _credentials(self, form: Form, channel: Channel) -> tuple[str, tuple[str, str]]:
        """Whom the request names, and by what it proves that: one way, not two (RFC 6749, 2.3)."""
        by_assertion = "client_assertion" in form or "client_assertion_type" in form
        by_basic = channel.scheme == "basic"
        if by_assertion is by_basic or "client_secret" in form:
            raise BadToken("METHOD")
        if by_basic:
            if not self.basic:
                raise BadToken("METHOD")
            return _basic(channel.headers.get("authorization", ""))
        if form.get("client_assertion_type") != client_assertion.TYPE:
            raise BadToken("METHOD")
        assertion = form.get("client_assertion", "")
        name = client_assertion.claimed_client(assertion)
        if form.get("client_id", name) != name:
            raise BadToken("CLAIMS")
        return name, ("assertion", assertion)

    async def _find(self, name: str) -> Registered | None:
        try:
            return await self._clients.find(name)
        except (sa.exc.SQLAlchemyError, OSError):
            raise Unavailable("the registrations do not answer") from None

    async def _check_credentials(self, client: Registered | None, proven: tuple[str, str]) -> None:
        if client is None:
            raise BadToken("UNKNOWN")
        kind, value = proven
        method = client.definition.authentication
        if kind == "basic":
            if method is not ClientAuthentication.CLIENT_SECRET_BASIC:
                raise BadToken("METHOD")
            given = value.encode()
            if not any(hmac.compare_digest(given, secret.encode()) for secret in client.secrets):
                raise BadToken("SECRET")
            return
        if method is ClientAuthentication.CLIENT_SECRET_BASIC:
            raise BadToken("METHOD")
        private = method is ClientAuthentication.PRIVATE_KEY_JWT
        found = client_assertion.check(
            value,
            client.keys,
            client_assertion.PRIVATE_KEY_ALGORITHMS
            if private
            else client_assertion.SECRET_ALGORITHMS,
            audience=self.front.public_url,
        )
        life = client_assertion.LONGEST_LIFE + 2 * LEEWAY
        if not await self._once.use(f"assertion {client.id}", found.jti, life):
            raise BadToken("REPLAY")

    def _check_standing(self, client: Registered | None, channel: Channel) -> None:
        assert client is not None
        if not client.usable(dt.datetime.now(TOKYO).date()):
            raise BadToken("SUSPENDED")
        if not within(self.front.address(channel), client.definition.networks):
            raise BadToken("NETWORK")
        if client.definition.binding is TokenBinding.MTLS:
            self._certificate(client, channel)

    def _certificate(self, client: Registered, channel: Channel) -> str:
        thumbprint = self.front.certificate(channel)
        if thumbprint is None or thumbprint not in client.certificates:
            raise BadToken("CERTIFICATE")
        return thumbprint

    async def _key(self, client: Registered, channel: Channel) -> str:
        """What the new token is bound to."""
        if client.definition.binding is TokenBinding.MTLS:
            return self._certificate(client, channel)
        try:
            proof = dpop.check(
                channel.headers.get("dpop", ""),
                method=channel.method,
                url=self.front.url(channel),
                token=None,
            )
            await self._use_proof(proof)
        except BadToken as bad:
            raise OAuthRefused(
                "invalid_dpop_proof", bad.cause, "the DPoP proof is missing or not good"
            ) from None
        return proof.key

    async def _use_proof(self, proof: dpop.Proof) -> None:
        if not await self._once.use(f"proof {proof.key}", proof.jti, dpop.WINDOW + 2 * LEEWAY):
            raise BadToken("REPLAY")

    def _scopes(self, client: Registered, asked: str | None, policy: Policy) -> frozenset[str]:
        """What was asked, within the registration, cut to what the policy opens at all."""
        registered = client.definition.scopes
        if asked is not None and not _SCOPES.fullmatch(asked):
            raise OAuthRefused("invalid_scope", "SCOPE", "the scope is malformed")
        wanted = registered if asked is None else frozenset(asked.split(" "))
        granted = wanted & _opened(client, wanted, policy)
        if not wanted <= registered or not granted:
            raise OAuthRefused("invalid_scope", "SCOPE", "this scope is not open to the client")
        return granted

    async def _confirm(self, client: Registered, token: str, channel: Channel) -> None:
        """A suspension may have ended all tokens just before this one was issued."""
        now = await self._find(client.id)
        if now is None or now.epoch != client.epoch:
            await self._sessions.close(token)
            await self._record("token", "REFUSED_SUSPENDED", client=client.id)
            raise self._failed("SUSPENDED", channel)

    async def _own(self, client: Registered, token: str) -> Session | None:
        session = await self._sessions.look(token)
        if session is None or session.actor.grant is None:
            return None
        if session.actor.grant.client != client.id:
            return None
        try:
            self._revocations.check(session)
        except Unauthenticated:
            return None
        return session

    async def _record(
        self, what: str, outcome: str, *, client: str | None = None, actor: Actor | None = None
    ) -> None:
        await self._log.record(_recorded(outcome, client, actor), _operation(what))

    async def _refused(
        self,
        channel: Channel | None,
        what: str,
        cause: str,
        *,
        client: str | None = None,
        actor: Actor | None = None,
    ) -> None:
        record = _recorded(f"REFUSED_{cause}", client, actor)
        await self._refusals.record(channel, record, _operation(what))


def _recorded(outcome: str, client: str | None, actor: Actor | None) -> Record:
    grant = actor.grant if actor else None
    return Record(
        kind=Kind.TOKEN,
        outcome=outcome,
        actor=actor.id if actor else actor_id(client) if client else None,
        session=actor.session if actor else None,
        roles=ROLES if actor or client else frozenset(),
        purpose=grant.limits.purpose if grant else None,
    )


def _operation(what: str) -> LoggedOperation:
    return LoggedOperation.of(f"oauth:{what}", ())


def _opened(client: Registered, scopes: frozenset[str], policy: Policy) -> frozenset[str]:
    """The scopes of which the policy opens at least one cell to the client."""
    limits = Limits(client.definition.purpose, scopes, client.definition.items)
    try:
        cells = clear(
            policy, ROLES, limits.purpose, case_reference=False, protected=PROTECTED, limits=limits
        ).cells
    except PurposeRefused:
        return frozenset()
    found = (scope_of(*key) for key, cell in cells.items() if cell.allowed)
    return frozenset(scope for scope in found if scope is not None)


def _basic(header: str) -> tuple[str, tuple[str, str]]:
    try:
        text = base64.b64decode(header.partition(" ")[2], validate=True).decode()
    except ValueError:
        raise BadToken("METHOD") from None
    name, colon, secret = text.partition(":")
    if not colon:
        raise BadToken("METHOD")
    return unquote_plus(name), ("basic", unquote_plus(secret))


def _seconds(instant: dt.datetime) -> int:
    return int((instant - _EPOCH).total_seconds())
