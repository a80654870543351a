"""Opaque node ids and cursors: deterministic authenticated encryption (AES-SIV, RFC 5297).

A node id is stable and the same for everybody; a cursor is bound to actor, purpose, policy version
and list, and padded to whole blocks, so that of the values that it carries it tells no more than in
how many blocks they fit.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

BLOCK = 64


class SealBroken(Exception):
    """The text was not sealed here, or was sealed for something else."""


class Seal:
    """Seals small JSON values. `key`: 64 bytes (AES-256-SIV)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def node_id(self, type_name: str, key: str | int) -> str:
        """The opaque id of one row."""
        return self._seal([type_name, key], [b"node"])

    def open_node_id(self, text: str) -> tuple[str, str | int]:
        """Type and key of a row. Raises `SealBroken`."""
        type_name, key = self._open(text, [b"node"])
        return type_name, key

    def cursor(self, values: list[Any], binding: bytes) -> str:
        """A place in one list of one actor."""
        return self._seal(values, [b"cursor", binding])

    def open_cursor(self, text: str, binding: bytes) -> list[Any]:
        """The values of a place. Raises `SealBroken` for a cursor of another list or actor."""
        values: list[Any] = self._open(text, [b"cursor", binding])
        return values

    def _seal(self, value: Any, bound: list[bytes]) -> str:
        plain = orjson.dumps(value)
        padded = plain + b" " * (-len(plain) % BLOCK)
        return base64.urlsafe_b64encode(self._cipher.encrypt(padded, bound)).decode().rstrip("=")

    def _open(self, text: str, bound: list[bytes]) -> Any:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return orjson.loads(self._cipher.decrypt(sealed, bound))
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SealBroken from error
