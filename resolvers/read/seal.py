"""Opaque node ids and cursors: deterministic authenticated encryption (AES-SIV, RFC 5297).

A node id names a row as it is seen: with the purpose, the position, and the lifts that were used.
Clients keep one record for each id, so what differs in what it shows must differ in its id. It is
stable and the same for everybody who sees the row so; it opens the row alone, as the request that
brings it may see it.

A cursor is bound to actor, purpose, policy version and list, and padded to whole blocks, so that of
the values that it carries it tells no more than in how many blocks they fit.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.graph.graph import GRAPH

BLOCK = 64
TYPE_BYTES, VIEW_BYTES, NUMBER_BYTES, TEXT_BLOCK = 2, 6, 8, 16
IS_NUMBER, IS_TEXT, MOST_DIGITS = 0, 255, 18


class SealBroken(Exception):
    """The text was not sealed here, or was sealed for something else."""


class Position(Enum):
    """Where a row stands in an answer, as far as it decides what the row shows."""

    LIST = "list"
    """Among several persons."""
    READ = "read"
    """Of one person."""
    NUMBER = "number"
    """Of one person, with what the numbers' database holds."""


@lru_cache(maxsize=1000)
def view_of(purpose: str, position: Position, lifts: tuple[int, ...] = ()) -> bytes:
    """What of an id tells two views of a row apart.

    The roles are not in it: another actor is another session, and another cache. Nor is the version
    of the policy: what a later version shows takes the place of what an earlier one did.
    """
    named = repr((purpose, position.value, lifts)).encode()
    return blake2b(named, digest_size=VIEW_BYTES).digest()


UNSEEN = bytes(VIEW_BYTES)
"""The view of an id that never leaves the server."""


def _names() -> Mapping[bytes, str]:
    names = {_type_bytes(name): name for name in GRAPH.types}
    assert len(names) == len(GRAPH.types), "two types have one name in ids: rename one"
    return names


@lru_cache(maxsize=1000)
def _type_bytes(type_name: str) -> bytes:
    return blake2b(type_name.encode(), digest_size=TYPE_BYTES).digest()


TYPES = _names()


class Seal:
    """Seals node ids and small JSON values. `key`: 64 bytes (AES-256-SIV)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def node_id(self, view: bytes, type_name: str, key: str | int) -> str:
        """The opaque id of one row, seen so (`view_of`)."""
        return self._seal(_type_bytes(type_name) + view + _packed(key), [b"node"])

    def open_node_id(self, text: str) -> tuple[str, str | int]:
        """Type and key of a row. Raises `SealBroken`."""
        plain = self._open(text, [b"node"])
        try:
            type_name = TYPES[plain[:TYPE_BYTES]]
        except KeyError as error:
            raise SealBroken from error
        return type_name, _unpacked(plain[TYPE_BYTES + VIEW_BYTES :])

    def cursor(self, values: list[Any], binding: bytes) -> str:
        """A place in one list of one actor."""
        plain = orjson.dumps(values)
        return self._seal(plain + b" " * (-len(plain) % BLOCK), [b"cursor", binding])

    def open_cursor(self, text: str, binding: bytes) -> list[Any]:
        """The values of a place. Raises `SealBroken` for a cursor of another list or actor."""
        values: list[Any] = orjson.loads(self._open(text, [b"cursor", binding]))
        return values

    def _seal(self, plain: bytes, bound: list[bytes]) -> str:
        return base64.urlsafe_b64encode(self._cipher.encrypt(plain, bound)).decode().rstrip("=")

    def _open(self, text: str, bound: list[bytes]) -> bytes:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed, bound)
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SealBroken from error


def _packed(key: str | int) -> bytes:
    """A key in few bytes; all numbers and all codes of digits in equally many."""
    if isinstance(key, int):
        return bytes([IS_NUMBER]) + key.to_bytes(NUMBER_BYTES, "big", signed=True)
    if key.isascii() and key.isdigit() and len(key) <= MOST_DIGITS:
        return bytes([len(key)]) + int(key).to_bytes(NUMBER_BYTES, "big")
    text = key.encode()
    return bytes([IS_TEXT]) + text + b"\0" * (-len(text) % TEXT_BLOCK)


def _unpacked(packed: bytes) -> str | int:
    kind, rest = packed[0], packed[1:]
    if kind == IS_NUMBER:
        return int.from_bytes(rest, "big", signed=True)
    if kind == IS_TEXT:
        return rest.rstrip(b"\0").decode()
    return f"{int.from_bytes(rest, 'big'):0{kind}d}"
