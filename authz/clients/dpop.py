"""DPoP proofs (RFC 9449): whoever presents a token shows that they hold the key it is bound to."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey

from authz.clients.jose import LEEWAY, BadToken, name_of_use, number, unverified, verified

ALGORITHMS = ("ES256", "EdDSA")
WINDOW = 60
"""Seconds for which a proof is good."""

_PUBLIC = {"EC": {"kty", "crv", "x", "y"}, "OKP": {"kty", "crv", "x"}}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: the thumbprint of its key (RFC 7638), and its name, to be used once."""

    key: str
    jti: str


def check(proof: str, *, method: str, url: str, token: str | None) -> Proof:
    """Verify a proof for this request. `token`: the one presented with it, none at its issue.

    Raises `BadToken`.
    """
    header, _ = unverified(proof)
    if header.get("typ") != "dpop+jwt":
        raise BadToken("PROOF")
    key = _public_key(header.get("jwk"))
    claims = verified(proof, key, ALGORITHMS)
    age = time.time() - number(claims, "iat")
    if not -LEEWAY <= age <= WINDOW:
        raise BadToken("PROOF_EXPIRED")
    if claims.get("htm") != method or _without_query(claims.get("htu")) != _without_query(url):
        raise BadToken("PROOF")
    if token is not None and claims.get("ath") != access_token_hash(token):
        raise BadToken("PROOF")
    return Proof(key.thumbprint(), name_of_use(claims))


def access_token_hash(token: str) -> str:
    """The `ath` of a token: SHA-256 in base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


def _public_key(jwk: Any) -> Key:
    # A private member would make the proof a gift of the key, an `oct` key no proof at all.
    if not isinstance(jwk, dict) or not _PUBLIC.get(str(jwk.get("kty")), set()) <= set(jwk):
        raise BadToken("PROOF")
    try:
        members = {name: jwk[name] for name in _PUBLIC[jwk["kty"]]}
        if "d" in jwk:
            raise BadToken("PROOF")
        kind = ECKey if jwk["kty"] == "EC" else OKPKey
        return kind.import_key(members)
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadToken("PROOF") from None


def _without_query(url: Any) -> tuple[str, str, str] | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme.lower(), parts.netloc.lower(), parts.path
