"""職員 staff: hire, roles, suspension, transfer to another section (人事異動).

Taking rights away needs one person and acts on the next request. Giving any needs two, neither of
whom is the one who gets them.
"""

from __future__ import annotations

import sqlalchemy as sa

from authz.editing.four_eyes import DIRECTOR, check_approver, check_deputy, check_somebody_else
from authz.errors import BadInput, WriteRefused
from authz.staff import records as staff_desk
from authz.staff.records import Wanted
from models.tables.staff import ProposalKind, ProposalState
from resolvers.policy.changes import reason_of
from resolvers.read.sql import today
from resolvers.write.pipeline import Change, Changed, Input, RightsTaken, UseCase


async def hire(change: Change, given: Input) -> Changed:
    """Add a staff member without roles. Raises `BadInput`."""
    staff_id = given["staffId"]
    await staff_desk.hire(change.connection, staff_id, given["name"], given.get("section"))
    return Changed(rows={"staffMember": staff_id})


async def propose_role(change: Change, given: Input) -> Changed:
    """Propose that somebody else gets a role."""
    first, last = given.get("validFrom"), given.get("validUntil")
    if first is not None and first < today():
        raise BadInput("`validFrom` lies in the past: leave it out for from the approval on")
    wanted = Wanted(given["staffId"], given["role"], first, last)
    return await _propose(change, wanted, reason_of(given))


async def propose_reinstatement(change: Change, given: Input) -> Changed:
    """Propose that somebody who was suspended returns to service."""
    return await _propose(change, Wanted(given["staffId"]), reason_of(given))


async def approve(change: Change, given: Input) -> Changed:
    """Give what somebody else proposed for a third."""
    proposal = await _to_decide(change, given)
    epoch = await staff_desk.give(change.connection, proposal, change.at)
    await staff_desk.decide(
        change.connection,
        proposal.id,
        ProposalState.APPROVED,
        change.actor.id,
        reason_of(given),
        change.at,
    )
    return Changed(
        rows={"proposal": proposal.id, "staffMember": proposal.staff_id},
        events=(RightsTaken(proposal.staff_id, epoch),),
    )


async def reject(change: Change, given: Input) -> Changed:
    """Turn down what somebody else proposed."""
    proposal = await _to_decide(change, given)
    await staff_desk.decide(
        change.connection,
        proposal.id,
        ProposalState.REJECTED,
        change.actor.id,
        reason_of(given),
        change.at,
    )
    return Changed(rows={"proposal": proposal.id, "staffMember": proposal.staff_id})


async def withdraw(change: Change, given: Input) -> Changed:
    """Take one's own proposal back."""
    proposal = await _proposal(change, given)
    if proposal.proposed_by != change.actor.id:
        raise BadInput("only its proposer takes a proposal back")
    await staff_desk.decide(
        change.connection, proposal.id, ProposalState.WITHDRAWN, change.actor.id, None, change.at
    )
    return Changed(rows={"proposal": proposal.id, "staffMember": proposal.staff_id})


async def revoke_role(change: Change, given: Input) -> Changed:
    """Take a role away, at once."""
    staff_id, role = given["staffId"], given["role"]
    epoch = await staff_desk.take_role(change.connection, staff_id, role, change.at)
    return await _taken(change, given, ProposalKind.REVOCATION, epoch, role)


async def suspend(change: Change, given: Input) -> Changed:
    """Bar a staff member, at once."""
    epoch = await staff_desk.suspend(change.connection, given["staffId"], change.at)
    return await _taken(change, given, ProposalKind.SUSPENSION, epoch)


async def transfer(change: Change, given: Input) -> Changed:
    """Move a staff member to another section: the roles of the old one end, at once."""
    staff_id, section = given["staffId"], given["section"]
    epoch = await staff_desk.move(change.connection, staff_id, section, change.at)
    return await _taken(change, given, ProposalKind.TRANSFER, epoch)


async def _propose(change: Change, wanted: Wanted, reason: str) -> Changed:
    if wanted.staff_id == change.actor.id:
        raise WriteRefused("nobody proposes a right for themselves")
    key = await staff_desk.propose(change.connection, wanted, change.actor.id, reason, change.at)
    return Changed(rows={"proposal": key, "staffMember": wanted.staff_id})


async def _to_decide(change: Change, given: Input) -> sa.Row[tuple[object, ...]]:
    """The proposal, if it is the actor's to decide on. Raises `BadInput` or `WriteRefused`."""
    check_approver(change.actor.roles, change.purpose)
    proposal = await _proposal(change, given)
    check_somebody_else(change.actor.id, {proposal.proposed_by, proposal.staff_id})
    held = await staff_desk.roles_held(change.connection, proposal.staff_id)
    check_deputy(change.purpose, DIRECTOR in held)
    return proposal


async def _proposal(change: Change, given: Input) -> sa.Row[tuple[object, ...]]:
    key = change.key_of(given["proposal"], "StaffProposal")
    row: sa.Row[tuple[object, ...]] = await staff_desk.proposal_of(change.connection, key)
    return row


async def _taken(
    change: Change, given: Input, kind: ProposalKind, epoch: int, role: str | None = None
) -> Changed:
    staff_id, reason = given["staffId"], reason_of(given)
    await staff_desk.record_taken(
        change.connection, staff_id, kind, change.actor.id, reason, change.at, role
    )
    return Changed(rows={"staffMember": staff_id}, events=(RightsTaken(staff_id, epoch),))


KEEPS = ("StaffMember", "StaffMember.name", "StaffMember.section", "StaffMember.staffId")
PROPOSES = ("StaffProposal", "StaffProposal.role", "StaffProposal.staffId")
TAKES = ("RoleGrant", "StaffMember", "StaffMember.state")

USE_CASES = (
    UseCase("hireStaffMember", writes=KEEPS, run=hire),
    UseCase("proposeRole", writes=PROPOSES, run=propose_role),
    UseCase("proposeReinstatement", writes=PROPOSES, run=propose_reinstatement),
    UseCase("withdrawStaffProposal", writes=PROPOSES, run=withdraw),
    UseCase("revokeRole", writes=TAKES, run=revoke_role),
    UseCase("suspendStaffMember", writes=TAKES, run=suspend),
    UseCase("transferStaffMember", writes=(*KEEPS, "RoleGrant"), run=transfer),
    UseCase("approveStaffProposal", approves=PROPOSES, run=approve),
    UseCase("rejectStaffProposal", approves=PROPOSES, run=reject),
)
