"""Departments' clients: registered, found, given new credentials, suspended.

Secrets are derived from the key file and a nonce, so that the database holds nothing with which
anybody could sign. Whatever changes a client ends its tokens: the revocation epoch moves first.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey, RSAKey, import_key
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.access_log import COMMAND, insert_command
from authz.actor import actor_id
from authz.errors import BadInput, Unavailable
from authz.keys import Keys
from authz.scopes import LEAVES, objection
from authz.sessions.revocations import Revocations, epoch_of, instant_of
from authz.sessions.session import Sessions
from models.store.database import Database
from models.tables.client import (
    CLIENT,
    CLIENT_CREDENTIAL,
    ClientAuthentication,
    ClientState,
    CredentialKind,
    TokenBinding,
    client_id_objection,
    network_objection,
    networks_of,
)
from models.tables.staff import PURPOSE, OpenTo
from models.trade.office_time import day_of, midnight_after

LIVE = 2
"""Credentials of one kind that live at a time: the old one and the new one."""

CURVES = {"P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
"""Curves of keys, each with the algorithm by which it signs assertions."""

RSA_ALGORITHM = "PS256"
RSA_BITS = 2048
_KEPT_MEMBERS = ("crv", "e", "kty", "n", "x", "y")
"""Of a public key; names and notes of its file could hold anything."""
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A linkage definition as it is registered."""

    id: str
    definition: str
    purpose: str
    scopes: frozenset[str]
    networks: tuple[str, ...]
    authentication: ClientAuthentication
    binding: TokenBinding
    items: frozenset[str] | None = None
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """What an operator is told of a credential. A secret has no thumbprint."""

    number: int
    kind: CredentialKind
    thumbprint: str | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as of one moment. `keys` verify its assertions, `certificates` are thumbprints."""

    definition: Definition
    state: ClientState
    epoch: int
    secrets: tuple[str, ...]
    keys: tuple[Key, ...]
    certificates: frozenset[str]

    @property
    def id(self) -> str:
        """The client id."""
        return self.definition.id

    def usable(self, today: dt.date) -> bool:
        """Whether it gets tokens on this day (Asia/Tokyo)."""
        first, last = self.definition.valid_from, self.definition.valid_until
        return (
            self.state is ClientState.ACTIVE
            and (first is None or first <= today)
            and (last is None or today <= last)
        )

    @property
    def until(self) -> dt.datetime | None:
        """The first moment at which it is no longer valid, if any."""
        return midnight_after(self.definition.valid_until)


class Clients:
    """Reads and changes the registrations. `sessions` and `revocations` end what was issued."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        sessions: Sessions | None = None,
        revocations: Revocations | None = None,
        operator: str = COMMAND,
    ) -> None:
        self._database = database
        self._operator = operator
        self._keys = keys
        self._sessions = sessions
        self._revocations = revocations

    async def find(self, client_id: str) -> Registered | None:
        """The registration with its live credentials, or `None`."""
        wanted = "" if client_id_objection(client_id) else client_id
        async with self._database.look() as connection:
            found = await connection.execute(sa.select(CLIENT).where(CLIENT.c.id == wanted))
            row = found.mappings().one_or_none()
            if row is None:
                return None
            return self._registered(row, await _credentials(connection, wanted))

    async def all(self) -> list[Registered]:
        """Every registration, by id."""
        async with self._database.look() as connection:
            rows = (await connection.execute(sa.select(CLIENT).order_by(CLIENT.c.id))).mappings()
            return [
                self._registered(row, await _credentials(connection, row["id"])) for row in rows
            ]

    async def credentials(self, client_id: str) -> list[Credential]:
        """The live credentials of a client, newest first."""
        columns = CLIENT_CREDENTIAL.c
        statement = sa.select(columns.id, columns.kind, columns.value, columns.created_at)
        async with self._database.look() as connection:
            rows = await connection.execute(
                statement.where(columns.client_id == client_id).order_by(columns.id.desc())
            )
            return [
                Credential(number, CredentialKind(kind), _thumbprint(kind, value), created)
                for number, kind, value, created in rows
            ]

    async def register(
        self,
        definition: Definition,
        by: str,
        *,
        jwk: str | None = None,
        certificate: str | None = None,
    ) -> str | None:
        """Propose a new definition with its first credentials; its secret, where it has one.

        It gets no token before another person than `by` approves it. `jwk` is a public key as JSON,
        `certificate` a thumbprint. Raises `BadInput`.
        """
        _check(definition)
        if definition.valid_until is not None and definition.valid_until < day_of(
            dt.datetime.now(dt.UTC)
        ):
            raise BadInput("the last day lies in the past")
        wanted = _wanted(definition, jwk, certificate)
        async with self._database.write() as connection:
            await self._check_references(connection, definition)
            await connection.execute(sa.insert(CLIENT), _row(definition, by))
            await self._record(connection, "register", definition.id)
            return await self._add(connection, definition.id, wanted)

    async def approve(self, client_id: str, by: str) -> None:
        """Put a proposed definition in force. Raises `BadInput` for the person who proposed it."""
        async with self._database.write() as connection:
            found = await connection.execute(
                sa.select(CLIENT.c.state, CLIENT.c.proposed_by)
                .where(CLIENT.c.id == client_id)
                .with_for_update()
            )
            row = found.one_or_none()
            if row is None:
                raise BadInput("no such client")
            if row.state != ClientState.PROPOSED:
                raise BadInput("this client does not wait for approval")
            if _same_person(row.proposed_by, by):
                raise BadInput("another person than the one who registered it approves a client")
            await connection.execute(
                sa.update(CLIENT).where(CLIENT.c.id == client_id).values(state=ClientState.ACTIVE)
            )
            await self._record(connection, "approve", client_id)

    async def remove(self, client_id: str, number: int) -> None:
        """Remove one credential, such as a compromised key, and end every token. Raises
        `BadInput`."""
        await self._existing(client_id)
        columns = CLIENT_CREDENTIAL.c
        async with self._database.write() as connection:
            epoch = await self._next_epoch(connection, client_id)
            removed = await connection.execute(
                sa.delete(CLIENT_CREDENTIAL).where(
                    columns.client_id == client_id, columns.id == number
                )
            )
            if not removed.rowcount:
                raise BadInput("this client has no such credential: see `client list`")
            await self._record(connection, "remove", client_id)
        await self._end_tokens(client_id, epoch)

    async def rotate(
        self, client_id: str, *, jwk: str | None = None, certificate: str | None = None
    ) -> str | None:
        """Add credentials: the ones given, else a new secret. The newest two of a kind live on.

        Its tokens end where a credential does. Raises `BadInput`.
        """
        client = await self._existing(client_id)
        wanted = _given(jwk, certificate)
        signs = client.definition.authentication is ClientAuthentication.PRIVATE_KEY_JWT
        if jwk is not None and not signs:
            raise BadInput("this client has a secret: it takes no public key")
        if not wanted:
            if signs:
                raise BadInput("name a key or a certificate: this client has no secret")
            wanted = [(CredentialKind.SECRET, None)]
        async with self._database.write() as connection:
            # Of two at once the second must count what the first adds.
            own = sa.select(CLIENT.c.id).where(CLIENT.c.id == client_id)
            await connection.execute(own.with_for_update())
            await _check_new(connection, client_id, wanted)
            await self._record(connection, "rotate", client_id)
            secret = await self._add(connection, client_id, wanted)
            epoch = None
            if await _retire(connection, client_id, {kind for kind, _ in wanted}):
                epoch = await self._next_epoch(connection, client_id)
        if epoch is not None:
            await self._end_tokens(client_id, epoch)
        return secret

    async def change_state(self, client_id: str, state: ClientState) -> None:
        """Suspend or resume; every token ends at the next request. Raises `BadInput`."""
        if (await self._existing(client_id)).state is ClientState.PROPOSED:
            raise BadInput("this client waits for approval by another person: `client approve`")
        async with self._database.write() as connection:
            epoch = await self._next_epoch(connection, client_id)
            await connection.execute(
                sa.update(CLIENT).where(CLIENT.c.id == client_id).values(state=state)
            )
            what = "suspend" if state is ClientState.SUSPENDED else "resume"
            await self._record(connection, what, client_id)
        await self._end_tokens(client_id, epoch)

    # -- inside --------------------------------------------------------------------------------

    async def _record(self, connection: AsyncConnection, what: str, client_id: str) -> None:
        about = actor_id(client_id)
        dialect = self._database.dialect
        await insert_command(connection, dialect, f"client:{what}", about, self._operator)

    async def _existing(self, client_id: str) -> Registered:
        found = await self.find(client_id)
        if found is None:
            raise BadInput("no such client")
        return found

    async def _check_references(self, connection: AsyncConnection, definition: Definition) -> None:
        alike = sa.select(CLIENT.c.id).where(sa.func.lower(CLIENT.c.id) == definition.id.lower())
        if await connection.scalar(alike):
            raise BadInput("there is a client of this id already, in large or small letters")
        purpose = (
            await connection.execute(
                sa.select(PURPOSE.c.open_to, PURPOSE.c.population).where(
                    PURPOSE.c.code == definition.purpose
                )
            )
        ).one_or_none()
        if (
            purpose is None
            or purpose.open_to != OpenTo.DEPARTMENT
            or purpose.population != f"payers:{definition.definition}"
        ):
            raise BadInput("the purpose is not the one of this transfer definition")

    async def _add(
        self,
        connection: AsyncConnection,
        client_id: str,
        wanted: Sequence[tuple[CredentialKind, str | None]],
    ) -> str | None:
        secret = None
        for kind, value in wanted:
            if kind is CredentialKind.SECRET:
                value = f"{self._keys.key_id}.{secrets.token_urlsafe(16)}"
                secret = self._secret(client_id, value)
            await connection.execute(
                sa.insert(CLIENT_CREDENTIAL).values(
                    client_id=client_id,
                    kind=kind,
                    value=value,
                    created_at=dt.datetime.now(dt.UTC),
                )
            )
        return secret

    async def _next_epoch(self, connection: AsyncConnection, client_id: str) -> int:
        statement = sa.select(CLIENT.c.tokens_revoked_at).where(CLIENT.c.id == client_id)
        before = await connection.scalar(statement.with_for_update())
        epoch = max(epoch_of(dt.datetime.now(dt.UTC)), epoch_of(before) + 1)
        await connection.execute(
            sa.update(CLIENT)
            .where(CLIENT.c.id == client_id)
            .values(tokens_revoked_at=instant_of(epoch))
        )
        return epoch

    async def _end_tokens(self, client_id: str, epoch: int) -> None:
        if self._revocations is not None:
            self._revocations.note(actor_id(client_id), epoch)
        if self._sessions is not None:
            with contextlib.suppress(Unavailable):
                await self._sessions.close_all(actor_id(client_id))

    def _secret(self, client_id: str, stored: str) -> str:
        key_id, _, nonce = stored.rpartition(".")
        key = self._keys.derive("client-secrets", 32, key_id)
        digest = hmac.digest(key, f"{client_id}\n{nonce}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _registered(self, row: Any, credentials: Sequence[tuple[str, str]]) -> Registered:
        def of(kind: CredentialKind) -> list[str]:
            return [value for each, value in credentials if each == kind]

        shared = tuple(self._secret(row["id"], value) for value in of(CredentialKind.SECRET))
        public = [import_key(orjson.loads(value)) for value in of(CredentialKind.JWK)]
        return Registered(
            definition=Definition(
                id=row["id"],
                definition=row["definition_code"],
                purpose=row["purpose"],
                scopes=frozenset(row["scopes"].split()),
                networks=tuple(row["networks"].split()),
                authentication=ClientAuthentication(row["authentication"]),
                binding=TokenBinding(row["binding"]),
                items=None if row["items"] is None else frozenset(row["items"].split()),
                valid_from=row["valid_from"],
                valid_until=row["valid_until"],
            ),
            state=ClientState(row["state"]),
            epoch=epoch_of(row["tokens_revoked_at"]),
            secrets=shared,
            keys=tuple(public) or tuple(OctKey.import_key(secret) for secret in shared),
            certificates=frozenset(of(CredentialKind.CERTIFICATE)),
        )


async def _credentials(connection: AsyncConnection, client_id: str) -> list[tuple[str, str]]:
    columns = CLIENT_CREDENTIAL.c
    rows = await connection.execute(
        sa.select(columns.kind, columns.value)
        .where(columns.client_id == client_id)
        .order_by(columns.id.desc())
    )
    return [(kind, value) for kind, value in rows]


async def _retire(
    connection: AsyncConnection, client_id: str, kinds: Iterable[CredentialKind]
) -> bool:
    """Drop what is older than the newest two of each kind; whether there was any."""
    columns, old = CLIENT_CREDENTIAL.c, []
    for kind in kinds:
        rows = await connection.execute(
            sa.select(columns.id)
            .where(columns.client_id == client_id, columns.kind == kind)
            .order_by(columns.id.desc())
            .offset(LIVE)
        )
        old += list(rows.scalars())
    if old:
        await connection.execute(sa.delete(CLIENT_CREDENTIAL).where(columns.id.in_(old)))
    return bool(old)


async def _check_new(
    connection: AsyncConnection,
    client_id: str,
    wanted: Iterable[tuple[CredentialKind, str | None]],
) -> None:
    """The same credential once more would end an older one, and leave the client with one alone."""
    known = {
        (kind, _thumbprint(kind, value))
        for kind, value in await _credentials(connection, client_id)
    }
    for kind, value in wanted:
        if value is not None and (kind, _thumbprint(kind, value)) in known:
            raise BadInput("the client has this credential already: nothing was changed")


def _thumbprint(kind: str, value: str) -> str | None:
    """What names a credential whatever else its text says; `None` for a secret."""
    if kind == CredentialKind.SECRET:
        return None
    if kind == CredentialKind.CERTIFICATE:
        return value
    return import_key(orjson.loads(value)).thumbprint()


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _row(definition: Definition, by: str) -> dict[str, Any]:
    items = definition.items
    return {
        "id": definition.id,
        "definition_code": definition.definition,
        "purpose": definition.purpose,
        "scopes": " ".join(sorted(definition.scopes)),
        "items": None if items is None else " ".join(sorted(items)),
        "networks": " ".join(definition.networks),
        "authentication": definition.authentication,
        "binding": definition.binding,
        "valid_from": definition.valid_from,
        "valid_until": definition.valid_until,
        "state": ClientState.PROPOSED,
        "proposed_by": by,
    }


def _check(definition: Definition) -> None:
    reasons = [client_id_objection(definition.id), *map(objection, sorted(definition.scopes))]
    found = next((reason for reason in reasons if reason), None)
    if found is None and not definition.scopes:
        found = "name at least one scope"
    if found is None and not (definition.items or frozenset()) <= LEAVES:
        found = "an item is a coordinate of a value, such as Collection.taxAmount"
    if found is not None:
        raise BadInput(found)
    try:
        networks = networks_of(" ".join(definition.networks))
    except ValueError:
        raise BadInput("a network is written as 192.0.2.0/24, without host bits") from None
    if not networks:
        raise BadInput("name at least one network that the client may come from")
    for network in networks:
        if (objection_to := network_objection(network)) is not None:
            raise BadInput(objection_to)
    first, last = definition.valid_from, definition.valid_until
    if first is not None and last is not None and last < first:
        raise BadInput("the last day of the definition is before its first day")


def _wanted(
    definition: Definition, jwk: str | None, certificate: str | None
) -> list[tuple[CredentialKind, str | None]]:
    wanted = _given(jwk, certificate)
    has_key = any(kind is CredentialKind.JWK for kind, _ in wanted)
    if has_key is not (definition.authentication is ClientAuthentication.PRIVATE_KEY_JWT):
        raise BadInput("private_key_jwt, and nothing else, needs a public key")
    if definition.binding is TokenBinding.MTLS and certificate is None:
        raise BadInput("tokens bound to a certificate need one")
    return wanted if has_key else [(CredentialKind.SECRET, None), *wanted]


def _given(jwk: str | None, certificate: str | None) -> list[tuple[CredentialKind, str | None]]:
    given: list[tuple[CredentialKind, str | None]] = []
    if jwk is not None:
        given.append((CredentialKind.JWK, _public(jwk)))
    if certificate is not None:
        given.append((CredentialKind.CERTIFICATE, certificate))
    return given


def _signs(key: Key) -> bool:
    if isinstance(key, RSAKey):
        return bool(key.public_key.key_size >= RSA_BITS)
    return key.as_dict(private=False)["crv"] in CURVES


def _may_verify(members: Mapping[str, Any]) -> bool:
    """Whether the key says that it is for this; no token ever comes of another one."""
    algorithm = CURVES.get(members.get("crv", ""), RSA_ALGORITHM)
    return (
        members.get("use", "sig") == "sig"
        and "verify" in members.get("key_ops", ["verify"])
        and members.get("alg", algorithm) == algorithm
    )


def _public(jwk: str) -> str:
    try:
        members = orjson.loads(jwk)
        if not isinstance(members, dict) or members.get("kty") not in {"EC", "OKP", "RSA"}:
            raise BadInput("a key is a public JWK of kind EC, OKP or RSA")
        if _PRIVATE_MEMBERS & set(members):
            raise BadInput("this is a private key: keep it, and register the public one")
        key = import_key(members)
        if not _signs(key):
            raise BadInput(
                "a key is on P-256, P-384, Ed25519 or Ed448, or RSA with at least 2048 bits"
            )
        if not _may_verify(members):
            raise BadInput("by its `use`, `key_ops` or `alg` this key verifies no assertion")
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadInput("this is no JWK") from None
    kept = {name: members[name] for name in _KEPT_MEMBERS if name in members}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
