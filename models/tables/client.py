"""連携定義: a department's client, the machine that asks in the name of one transfer destination.

One client is one linkage definition: for which transfer definition (and so on which legal basis)
and purpose it acts, which scopes and record items it may ask for, from which network, by which
credentials, and on which days. The population is the purpose's; nothing here widens the policy.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from enum import StrEnum

from sqlmodel import SQLModel

from models.labels import INSTANT, child_key, column, enum_of, text
from models.trade.codes import holds_twelve_digits

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,56}\Z")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientState(StrEnum):
    """Whether a client gets tokens. PROPOSED: a second person has not approved it yet."""

    PROPOSED = "PROPOSED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class ClientAuthentication(StrEnum):
    """How a client proves who it is at the token endpoint (RFC 7523; RFC 6749, 2.3.1)."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    CLIENT_SECRET_JWT = "client_secret_jwt"
    CLIENT_SECRET_BASIC = "client_secret_basic"


class TokenBinding(StrEnum):
    """What its tokens are bound to: a proof key (RFC 9449) or a certificate (RFC 8705)."""

    DPOP = "dpop"
    MTLS = "mtls"


class CredentialKind(StrEnum):
    """SECRET: a nonce from which the key file derives the secret. JWK: a public key as JSON.
    CERTIFICATE: its SHA-256 thumbprint in base64url."""

    SECRET = "SECRET"
    JWK = "JWK"
    CERTIFICATE = "CERTIFICATE"


def client_id_objection(value: str) -> str | None:
    """Why a text is no client id, or `None`. Client ids are ASCII, at most 57 characters."""
    if _CLIENT_ID.match(value) and not holds_twelve_digits(value):
        return None
    return "a client id has 1 to 57 letters, digits (at most 11), dots, hyphens or underscores"


WIDEST = {4: 8, 6: 32}
"""Shortest prefix of a network that a client may come from, by version of IP."""

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""All of IPv4 in its other spelling; a client's address is never compared in it."""


def networks_of(words: str) -> tuple[Network, ...]:
    """The networks of a definition, in CIDR notation. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(word) for word in words.split())


def network_objection(network: Network) -> str | None:
    """Why a client may not come from a network, or `None`: it must not be nearly everywhere."""
    shortest = WIDEST[network.version]
    if network.prefixlen < shortest:
        return f"a network of IPv{network.version} has a prefix of /{shortest} or longer"
    if isinstance(network, ipaddress.IPv6Network) and network.overlaps(MAPPED):
        return "a network of IPv4 is written as 192.0.2.0/24"
    return None


class Client(SQLModel, table=True):
    """連携定義 one linkage definition.

    `items` coordinates that may go out, null: all that policy and scopes open. `networks` in CIDR
    notation; none: no request is taken. `tokens_revoked_at` (null: never) is the revocation epoch:
    a token that was issued under an earlier one is refused. It only ever grows.
    """

    __tablename__ = "client"

    id: str = column(
        "transfer",
        ja="連携先ID",
        en="client id",
        graphql=None,
        type=text(57),
        primary_key=True,
        check=client_id_objection,
    )
    definition_code: str = column(
        "transfer",
        ja="移転先コード",
        en="transfer definition that it acts for",
        graphql=None,
        type=text(60),
        references="transfer_definition.code",
        index=True,
    )
    purpose: str = column(
        "transfer",
        ja="利用目的",
        en="the only purpose that it may state",
        graphql=None,
        type=text(),
        references="purpose.code",
    )
    scopes: str = column(
        "transfer", ja="スコープ", en="scopes that it may ask for", graphql=None, type=text()
    )
    items: str | None = column(
        "transfer", ja="項目", en="coordinates that may go out", graphql=None, type=text(),
        default=None,
    )  # fmt: skip
    networks: str = column(
        "transfer", ja="接続元", en="addresses that it may come from", graphql=None, type=text()
    )
    authentication: ClientAuthentication = column(
        "transfer",
        ja="認証方式",
        en="how it proves who it is",
        graphql=None,
        type=enum_of(ClientAuthentication),
    )
    binding: TokenBinding = column(
        "transfer",
        ja="トークンの束縛",
        en="what its tokens are bound to",
        graphql=None,
        type=enum_of(TokenBinding),
    )
    valid_from: dt.date | None = column(
        "transfer", ja="有効開始日", en="first day", graphql=None, default=None
    )
    valid_until: dt.date | None = column(
        "transfer", ja="有効終了日", en="last day", graphql=None, default=None
    )
    state: ClientState = column(
        "transfer",
        ja="状態",
        en="whether it gets tokens",
        graphql=None,
        type=enum_of(ClientState),
        default=ClientState.PROPOSED,
    )
    proposed_by: str = column(
        "transfer", ja="登録者", en="operator who registered it", graphql=None, type=text(64)
    )
    tokens_revoked_at: dt.datetime | None = column(
        "transfer",
        ja="トークン失効日時",
        en="tokens revoked at",
        graphql=None,
        type=INSTANT,
        default=None,
    )


class ClientCredential(SQLModel, table=True):
    """One credential of a client; of each kind at most two live at a time, for rotation."""

    __tablename__ = "client_credential"

    id: int | None = child_key("policy")
    client_id: str = column(
        "policy",
        ja="連携先ID",
        en="client that it belongs to",
        graphql=None,
        type=text(57),
        references="client.id",
        index=True,
    )
    kind: CredentialKind = column(
        "policy", ja="種別", en="kind", graphql=None, type=enum_of(CredentialKind)
    )
    value: str = column(
        "policy", ja="値", en="nonce, public key or thumbprint", graphql=None, type=text()
    )
    created_at: dt.datetime = column(
        "policy", ja="登録日時", en="registered at", graphql=None, type=INSTANT
    )


CLIENT = SQLModel.metadata.tables["client"]
CLIENT_CREDENTIAL = SQLModel.metadata.tables["client_credential"]
