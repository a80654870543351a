"""代替送付先: what may be used instead of a withheld address.

Every clerk reads it, so a coordinator proposes it and another one confirms it. Neither can bring in
a place that it is to keep from people (`substitute_place.py`). Taking it away needs one person.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from authz.editing.four_eyes import check_somebody_else
from authz.errors import BadInput
from models.tables.handling import SubstituteStatus
from models.trade.rules import postal_code as postal_code_objection
from resolvers.protection.substitute_place import forbidden_to, proposal, substitute, take_away
from resolvers.write.checks import needs_state
from resolvers.write.pipeline import Change, Changed, Input, UseCase, reads

EXISTENCE = "SubstituteAddressProposal"
PARTS = ("recipient", "postal_code", "address")
NOT_THIS = (
    "this recipient or this address may not be used instead of the person's own: choose another"
)


async def set_substitute_address(change: Change, given: Input) -> Changed:
    """Propose it whole. What is in force stays so until somebody else confirms the new one."""
    code = given["addresseeCode"]
    await change.reach("Addressee", code)
    postal_code = given.get("postalCode")
    objection = postal_code_objection(postal_code) if postal_code else None
    if objection is not None:
        raise BadInput(f"`postalCode`: {objection}")
    values = {
        "recipient": given.get("recipient") or None,
        "postal_code": postal_code or None,
        "address": given.get("address") or None,
    }
    if values["recipient"] is None and values["address"] is None:
        raise BadInput("give a recipient or an address; `withdrawSubstituteAddress` takes one away")
    await _check(change, code, values)
    await _end(change, code, SubstituteStatus.PROPOSED, SubstituteStatus.WITHDRAWN)
    proposed = {
        "addressee_code": code,
        **values,
        "status": SubstituteStatus.PROPOSED.value,
        "proposed_by": change.actor.id,
        "proposed_at": change.at,
    }
    written = await change.connection.execute(sa.insert(proposal).values(proposed))
    key: int = written.inserted_primary_key[0]  # type: ignore[index]
    return _changed(key, code, (code,))


async def confirm_substitute_address(change: Change, given: Input) -> Changed:
    """Put in force what somebody else proposed. It is looked at once more."""
    stored = await change.row(EXISTENCE, given["proposalId"])
    needs_state(stored["status"], SubstituteStatus.PROPOSED)
    check_somebody_else(change.actor.id, {stored["proposed_by"]})
    code = stored["addressee_code"]
    values = {name: stored[name] for name in PARTS}
    await _check(change, code, values)
    await take_away(change.connection, code, SubstituteStatus.ENDED, change.actor.id)
    await change.connection.execute(sa.insert(substitute).values(addressee_code=code, **values))
    confirmed = {
        "status": SubstituteStatus.IN_FORCE.value,
        "confirmed_by": change.actor.id,
        "confirmed_at": change.at,
    }
    await _update(change, stored["id"], confirmed)
    return _changed(stored["id"], code)


async def withdraw_substitute_address(change: Change, given: Input) -> Changed:
    """Take a proposal back, or what is in force away, at once."""
    stored = await change.row(EXISTENCE, given["proposalId"])
    needs_state(stored["status"], SubstituteStatus.PROPOSED, SubstituteStatus.IN_FORCE)
    code = stored["addressee_code"]
    if stored["status"] == SubstituteStatus.IN_FORCE:
        await take_away(change.connection, code, SubstituteStatus.ENDED, change.actor.id)
    else:
        await _end(change, code, SubstituteStatus.PROPOSED, SubstituteStatus.WITHDRAWN)
    return _changed(stored["id"], code)


async def _check(change: Change, code: str, values: Input) -> None:
    """One refusal for every place and every name, so that it tells of none."""
    forbidden = await forbidden_to(change.connection, code)
    if forbidden.meets(values["recipient"], values["address"]):
        raise BadInput(NOT_THIS)


async def _end(change: Change, code: str, status: SubstituteStatus, then: SubstituteStatus) -> None:
    same = sa.and_(proposal.c.addressee_code == code, proposal.c.status == status.value)
    ended = {"status": then.value, "ended_by": change.actor.id, "ended_at": change.at}
    await change.connection.execute(sa.update(proposal).where(same).values(ended))


async def _update(change: Change, key: int, values: dict[str, Any]) -> None:
    update = sa.update(proposal).where(proposal.c.id == key).values(values)
    await change.connection.execute(update)


def _changed(key: int, code: str, named: tuple[str, ...] = ()) -> Changed:
    rows = {"substituteAddress": code, "proposal": key}
    return Changed(rows=rows, persons=(code,), named=named)


_SET = (
    "SubstituteAddress",
    "SubstituteAddress.address",
    "SubstituteAddress.postalCode",
    "SubstituteAddress.recipient",
    EXISTENCE,
)
# That a place is refused tells as much as reading it, and so does a name.
_TELLS = reads(
    "Residence.address",
    "Residence.building",
    "MovedFrom.address",
    "MovedOut.address",
    "Addressee.forwardingAddresses",
    "ForwardingAddress.address",
    "Addressee.householdMemberships",
    "Addressee.specialAddressees",
    "Addressee.relatedAddressees",
    "ProtectiveMeasure",
    "ProtectiveMeasure.counterparty",
    "ProtectiveMeasure.counterpartyName",
    "Addressee.fullName",
)

USE_CASES = (
    UseCase("setSubstituteAddress", set_substitute_address, _SET, needs=_TELLS),
    UseCase("confirmSubstituteAddress", confirm_substitute_address, _SET, needs=_TELLS),
    UseCase("withdrawSubstituteAddress", withdraw_substitute_address, _SET, protects=True),
)
