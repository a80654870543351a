"""What both kinds of JSON Web Token share: bounded size, and one way to fail.

joserfc verifies; nothing of a token is used before its signature holds, except which key to take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

LONGEST = 8_192
LEEWAY = 5
"""Seconds by which two clocks may differ."""

_NOT_GOOD = (JoseError, ValueError, TypeError, KeyError, RecursionError)


class BadToken(Exception):
    """A token that proves nothing. `cause` is a word for the log."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as they are written, to choose the key. Raises `BadToken`."""
    if len(token) > LONGEST:
        raise BadToken("MALFORMED")
    try:
        signature = jws.extract_compact(token.encode())
        claims = orjson.loads(signature.payload)
    except _NOT_GOOD:
        raise BadToken("MALFORMED") from None
    if not isinstance(claims, dict):
        raise BadToken("MALFORMED")
    return signature.headers(), claims


def verified(token: str, key: Key, algorithms: Collection[str]) -> Mapping[str, Any]:
    """The claims, once the signature holds. Raises `BadToken`."""
    try:
        return jwt.decode(token, key, algorithms=list(algorithms)).claims
    except _NOT_GOOD:
        raise BadToken("SIGNATURE") from None


def number(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is an instant (seconds since 1970). Raises `BadToken`."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken("CLAIMS")
    return value


def name_of_use(claims: Mapping[str, Any]) -> str:
    """The `jti`. Raises `BadToken` where it is missing or too long."""
    value = claims.get("jti")
    if not isinstance(value, str) or not 1 <= len(value) <= 256:
        raise BadToken("CLAIMS")
    return value
