"""The linkage definitions of the demo town: one client for each transfer destination."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import ECKey

from authz.clients.registry import Clients, Definition
from authz.scopes import BUSINESS
from models import facts
from models.tables.client import ClientAuthentication, TokenBinding

LOOPBACK = ("127.0.0.0/8", "::1/128")
SCOPES = frozenset(
    f"{BUSINESS}:{resource}:{action}"
    for resource, actions in {
        "addressee": "read list match",
        "collection": "read list match",
        "receipt": "read list",
        "handling": "read list",
        "handlingNotice": "read list",
        "transferDefinition": "read list",
        "transfer": "read list write",
    }.items()
    for action in actions.split()
)
"""What a transfer destination's client asks for."""

WITH_SECRET = "medical-pension"
PROPOSER, APPROVER = "demo-first", "demo-second"
"""Who registers and who approves the clients of the demo town."""


def definition_of(code: str, **others: Any) -> Definition:
    """The linkage definition of one transfer destination, as the demo town has it."""
    given: dict[str, Any] = {
        "id": code,
        "definition": code,
        "purpose": f"transfer-{code}",
        "scopes": SCOPES,
        "networks": LOOPBACK,
        "authentication": ClientAuthentication.CLIENT_SECRET_JWT
        if code == WITH_SECRET
        else ClientAuthentication.PRIVATE_KEY_JWT,
        "binding": TokenBinding.DPOP,
    }
    return Definition(**given | others)


async def register_departments(clients: Clients) -> list[Mapping[str, Any]]:
    """Register the five clients where there are none; what each of them must keep to itself."""
    if await clients.all():
        return []
    kept: list[Mapping[str, Any]] = []
    for row in facts.rows("transfers"):
        definition = definition_of(row["code"])
        told: dict[str, Any] = {
            "clientId": definition.id,
            "purpose": definition.purpose,
            "authentication": definition.authentication.value,
            "binding": definition.binding.value,
            "scopes": sorted(definition.scopes),
        }
        if definition.authentication is ClientAuthentication.PRIVATE_KEY_JWT:
            key = ECKey.generate_key("P-256")
            public = json.dumps(key.as_dict(private=False))
            await clients.register(definition, PROPOSER, jwk=public)
            told["privateKey"] = key.as_dict(private=True)
        else:
            told["secret"] = await clients.register(definition, PROPOSER)
        await clients.approve(definition.id, APPROVER)
        kept.append(told)
    return kept
