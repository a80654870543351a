"""`viewer`: who is signed in, until when, and what they may see for the stated purpose.

The clearance shown here is the very table that decides.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from authz.actor import Actor
from authz.policy.clearance import Clearance, Verdict
from authz.policy.policy import Policy
from models.graph.graph import GRAPH
from models.tables.policy import Action

ACTIONS = {
    "read": Action.READ,
    "list": Action.LIST,
    "match": Action.MATCH,
    "search": Action.SEARCH,
    "write": Action.WRITE,
}


def viewer_value(actor: Actor, policy: Policy, clearance: Clearance | None) -> dict[str, Any]:
    """The whole viewer as plain data; `project` picks what was asked."""
    now = dt.datetime.now(dt.UTC)
    opened = purposes_of_use(policy, actor)
    idle = min(now + dt.timedelta(seconds=actor.idle_timeout), actor.expires_at)
    return {
        "id": actor.id,
        "roles": sorted(actor.roles),
        "purposes": [purpose["code"] for purpose in opened],
        "purposesOfUse": opened,
        "purpose": clearance.purpose if clearance else None,
        "policyVersion": policy.version,
        "expiresAt": instant(actor.expires_at),
        "idleExpiresAt": instant(idle),
        "idleTimeoutSeconds": actor.idle_timeout,
        "clearance": _clearance(clearance) if clearance else None,
    }


def purposes_of_use(policy: Policy, actor: Actor) -> list[dict[str, str]]:
    """The purposes that the actor may state, with their names, by code."""
    purposes = policy.reference.purposes
    return [
        {
            "code": code,
            "nameJa": purposes[code].name_ja,
            "name": purposes[code].name,
            "legalBasis": purposes[code].legal_basis,
        }
        for code in sorted(actor.among(policy.reference.open_to(actor.roles)))
    ]


def _clearance(clearance: Clearance) -> list[dict[str, Any]]:
    return [
        {"coordinate": coordinate}
        | {name: _word(clearance, coordinate, action) for name, action in ACTIONS.items()}
        for coordinate in sorted(GRAPH.classes)
    ]


def _word(clearance: Clearance, coordinate: str, action: Action) -> str:
    cell = clearance.cell(coordinate, action)
    if cell.verdict is Verdict.SHOWN:
        return "SHOWN"
    return cell.reason.value if cell.reason else "ROLE"


def instant(at: dt.datetime) -> str:
    """An instant in RFC 3339, in UTC."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
