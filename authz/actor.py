"""Who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from authz.scopes import Limits


@dataclass(frozen=True, slots=True)
class Grant:
    """What a department's client was granted with its token.

    `client` its id, `limits` what narrows it, `networks` where it may come from (CIDR), `binding`
    and `key` what the token is bound to: `mtls` and the thumbprint of a certificate (RFC 8705), or
    `dpop` and that of a proof key (RFC 9449).
    """

    client: str
    limits: Limits
    networks: tuple[str, ...]
    binding: str
    key: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in staff member, or a department's client with a token (`grant`).

    `id` staff id, or `client:` and the client's; `roles` role codes, `section` the section whose
    tax and fee items bound the actor's population, `session` a public reference of the session
    (safe in logs, never the token), `expires_at` its absolute end, `idle_timeout` in seconds.
    """

    id: str
    roles: frozenset[str]
    section: str | None
    session: str
    expires_at: dt.datetime
    idle_timeout: int
    grant: Grant | None = None

    @property
    def limits(self) -> Limits | None:
        """What narrows the clearance beyond the roles; staff have none."""
        return None if self.grant is None else self.grant.limits

    def among(self, purposes: Iterable[str]) -> frozenset[str]:
        """Those of the purposes that the actor may state."""
        limits = self.limits
        return frozenset(purposes) if limits is None else frozenset(purposes) & {limits.purpose}


def actor_id(client_id: str) -> str:
    """The actor of a client; no staff id has a colon."""
    return f"client:{client_id}"
