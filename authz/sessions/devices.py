"""Devices that an id signed in on before: a token for each, which opens nothing by itself.

It is made at a sign-in and shown at the next one, where it lets the attempt be counted apart from
everybody else's (`authz/sessions/lockout.py`), so that whoever guesses from the same address, or
from everywhere, keeps nobody out. It is bound to one id by a key of the server and stored nowhere.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from authz.keys import Keys

PREFIX = "atena-device-"
LIFETIME = dt.timedelta(days=180)
NONCE, TIME, MAC = 16, 8, 32


@dataclass(frozen=True, slots=True)
class DeviceToken:
    """What a browser keeps as a cookie: the name tells nobody whose it is."""

    name: str
    value: str


class Devices:
    """Makes and knows the tokens."""

    def __init__(self, keys: Keys) -> None:
        self._key = keys.derive("device")

    def issue(self, staff_id: str) -> DeviceToken:
        """A token for the device on which somebody just signed in."""
        made = secrets.token_bytes(NONCE) + int(time.time()).to_bytes(TIME, "big")
        value = made + self._mac("value", staff_id, made)
        return DeviceToken(self._name(staff_id), base64.urlsafe_b64encode(value).decode())

    def known(self, staff_id: str, cookies: str) -> str | None:
        """The device, where the header `Cookie` shows a token of this id; at one cost for all."""
        shown = dict.fromkeys((self._name(staff_id),), "")
        for pair in cookies.replace(",", ";").split(";"):
            name, _, value = pair.strip().partition("=")
            if name in shown:
                shown[name] = value
        [value] = shown.values()
        try:
            token = base64.urlsafe_b64decode(value.encode("ascii", "replace"))
        except (binascii.Error, ValueError):
            token = b""
        made, mac = token[: NONCE + TIME], token[NONCE + TIME :]
        genuine = hmac.compare_digest(mac, self._mac("value", staff_id, made))
        age = time.time() - int.from_bytes(made[NONCE:], "big")
        if not genuine or age > LIFETIME.total_seconds():
            return None
        return hashlib.sha256(made[:NONCE]).hexdigest()

    def _name(self, staff_id: str) -> str:
        return PREFIX + self._mac("name", staff_id).hex()[:16]

    def _mac(self, what: str, staff_id: str, made: bytes = b"") -> bytes:
        text = f"{what}\n{staff_id}\n".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text + made, "sha256")
