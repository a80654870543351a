"""How an individual number is stored: encrypted and bound to its row, found by a keyed index.

AES-256-GCM-SIV with a random nonce; the associated data name table, column, row and key, so that a
ciphertext opens nowhere but where it was put. The blind index is HMAC-SHA256: the space of numbers
is so small (10^11) that anything without a key is reversed in minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from models.tables.individual_number import NUMBERS, IndividualNumber

NONCE = 12
ENCRYPTION = "individual-number/encryption"
BLIND_INDEX = "individual-number/blind-index"
PROOF = "individual-number/store-proof"


class KeySource(Protocol):
    """Where keys come from (`authz.keys.Keys`)."""

    @property
    def key_id(self) -> str:
        """The secret that new ciphertexts use."""

    def derive(self, purpose: str, length: int = 32, key_id: str | None = None) -> bytes:
        """The key for one purpose. Raises `KeyError` for an unknown key id."""


class NotGenuine(Exception):
    """A stored number was altered, moved from another row, or belongs to a key that is not held."""


def proof(keys: KeySource, key_id: str) -> bytes:
    """What only this secret makes of a fixed text. Raises `KeyError` for an unknown key id."""
    return hmac.digest(keys.derive(PROOF, 32, key_id), b"individual-number store", hashlib.sha256)


class NumberCipher:
    """The keys of one store, each derived once."""

    def __init__(self, keys: KeySource, key_ids: Iterable[str]) -> None:
        """`key_ids`: every key the store was written with. Raises `KeyError` if one is lost."""
        self.key_id = keys.key_id
        others = [key_id for key_id in key_ids if key_id != keys.key_id]
        held = [keys.key_id, *others]
        self._ciphers = {key_id: AESGCMSIV(keys.derive(ENCRYPTION, 32, key_id)) for key_id in held}
        self._index_keys = [keys.derive(BLIND_INDEX, 32, key_id) for key_id in held]

    def seal(self, code: str, number: IndividualNumber) -> bytes:
        """Nonce and ciphertext of this addressee's number, under the current key."""
        nonce = os.urandom(NONCE)
        cipher = self._ciphers[self.key_id]
        return nonce + cipher.encrypt(nonce, _bytes(number), _place(code, self.key_id))

    def unseal(self, code: str, key_id: str, sealed: bytes) -> IndividualNumber:
        """The number in this addressee's row. Raises `NotGenuine`."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise NotGenuine
        try:
            plain = cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _place(code, key_id))
        except (InvalidTag, ValueError):
            raise NotGenuine from None
        return IndividualNumber(plain.decode())

    def indexes(self, number: IndividualNumber) -> list[bytes]:
        """The blind index under every key of the store, the current one first."""
        given = _bytes(number)
        return [hmac.digest(key, given, hashlib.sha256) for key in self._index_keys]


def _place(code: str, key_id: str) -> bytes:
    return orjson.dumps([NUMBERS.name, NUMBERS.c.ciphertext.name, code, key_id])


def _bytes(number: IndividualNumber) -> bytes:
    # What was asked for may hold anything, and must fail no sooner than a number that is unknown.
    return number.reveal().encode("utf-8", "replace")
