"""The key file: named 256-bit secrets, from which every key of the server is derived.

    {"current": "k-1f0c9a2e", "secrets": {"k-1f0c9a2e": "<32 bytes in base64>"}}

A secret is never used itself: HKDF-SHA256 (RFC 5869) derives one key for each purpose, so that a
cursor key says nothing about a blind index. The name of the secret is the key id that ciphertexts
carry; a second secret beside the current one is how a rotation begins.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
OTHERS = 0o077
SIZE_LIMIT = 65_536


class KeysError(Exception):
    """The key file cannot be used; the message names the setting ATENA_KEYS, never a secret."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"ATENA_KEYS: the key file {path} {reason}")


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The secrets of one key file. `key_id` names the one that new ciphertexts use."""

    key_id: str
    _secrets: Mapping[str, bytes]

    @classmethod
    def load_or_create(cls, path: Path) -> Keys:
        """Read the key file, made first if it is not there (mode 600).

        Several workers may race: one file wins whole, and all of them read that one.
        """
        if not path.exists():
            _create(path)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Read the key file. Raises `KeysError` if it is missing, open to others or malformed."""
        try:
            return _parse(path, _private_text(path))
        except OSError as error:
            reason = error.strerror or "input/output error"
            raise KeysError(path, f"cannot be read ({reason})") from None

    def derive(self, purpose: str, length: int = 32, key_id: str | None = None) -> bytes:
        """The key of `length` bytes for one purpose, under the current or a named secret.

        Raises `KeyError` for a key id that this file does not hold.
        """
        secret = self._secrets[key_id or self.key_id]
        return HKDF(SHA256(), length, salt=None, info=purpose.encode()).derive(secret)

    def __repr__(self) -> str:
        return f"Keys({self.key_id})"


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_fresh())
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link appears whole or not at all and never replaces the winner's file.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fresh() -> str:
    key_id = f"k-{secrets.token_hex(4)}"
    secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return json.dumps({"current": key_id, "secrets": {key_id: secret}}, indent=2) + "\n"


def _private_text(path: Path) -> bytes:
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & OTHERS:
            raise KeysError(path, "is open to group or others: chmod 600 it")
        if status.st_uid not in (0, os.geteuid()):
            raise KeysError(path, "belongs to another user")
        return file.read(SIZE_LIMIT)


def _parse(path: Path, text: bytes) -> Keys:
    try:
        content = json.loads(text)
        current, encoded = content["current"], content["secrets"]
        decoded = {
            name: base64.b64decode(secret, validate=True) for name, secret in encoded.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise KeysError(path, "is malformed") from None
    if any(len(secret) != SECRET_BYTES for secret in decoded.values()):
        raise KeysError(path, f"holds a secret that is not {SECRET_BYTES * 8} bits long")
    if not isinstance(current, str) or current not in decoded:
        raise KeysError(path, "does not hold the secret that it calls current")
    return Keys(current, MappingProxyType(decoded))
