"""Who asks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in staff member.

    `id` staff id, `roles` role codes, `section` the section whose tax and fee items bound the
    actor's population, `session` a public reference of the session (safe in logs, never the token),
    `expires_at` its absolute end, `idle_timeout` in seconds.
    """

    id: str
    roles: frozenset[str]
    section: str | None
    session: str
    expires_at: dt.datetime
    idle_timeout: int
