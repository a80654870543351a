"""Client assertions (RFC 7523): a client proves who it is by a short JSON Web Token of its own.

`private_key_jwt` is signed by a registered key, `client_secret_jwt` by the shared secret. Issuer
and subject are the client, the audience is this server's issuer alone, and each has one use.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from joserfc.jwk import Key

from authz.clients.jose import LEEWAY, BadToken, name_of_use, number, unverified, verified

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
"""Seconds that an assertion may be good for."""

PRIVATE_KEY_ALGORITHMS = ("ES256", "ES384", "EdDSA", "PS256")
SECRET_ALGORITHMS = ("HS256",)


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds: its name, to be used once, and until when it would be good."""

    jti: str
    expires: float


def claimed_client(assertion: str) -> str:
    """Whom the assertion names, not yet believed. Raises `BadToken`."""
    _, claims = unverified(assertion)
    subject = claims.get("sub")
    if not isinstance(subject, str) or claims.get("iss") != subject:
        raise BadToken("CLAIMS")
    return subject


def check(
    assertion: str, keys: Collection[Key], algorithms: Collection[str], *, audience: str
) -> Assertion:
    """Verify with any of the client's keys. Raises `BadToken`."""
    for key in keys:
        try:
            claims = verified(assertion, key, algorithms)
        except BadToken:
            continue
        break
    else:
        raise BadToken("SIGNATURE")
    now, expires = time.time(), number(claims, "exp")
    if expires <= now - LEEWAY:
        raise BadToken("EXPIRED")
    if expires > now + LONGEST_LIFE + LEEWAY:
        raise BadToken("LIFETIME")
    for begins in ("iat", "nbf"):
        if begins in claims and number(claims, begins) > now + LEEWAY:
            raise BadToken("CLAIMS")
    if claims.get("aud") not in (audience, [audience]):
        raise BadToken("AUDIENCE")
    return Assertion(name_of_use(claims), expires)
