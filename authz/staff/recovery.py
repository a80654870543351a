"""Recovery at the command line: two operators give an indispensable role to somebody in service.

It is for the office that cannot decide any more: its only director has left for good. The first
operator proposes, another one confirms; both names, the reason and the member stand in the
proposals of the staff and on the access log, for the auditor to ask about.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import access_log
from authz.access_log import Kind, LoggedOperation, Record
from authz.errors import BadInput
from authz.policy.store import aware
from authz.staff import records as staff_desk
from authz.staff.indispensable import INDISPENSABLE
from models.tables.staff import (
    STAFF_PROPOSAL,
    ProposalKind,
    ProposalState,
    StaffState,
)
from models.trade.rules import plain_text

OPERATOR = "operator:"
"""Before the name of an operator; no staff id has a colon."""

GOOD_FOR = dt.timedelta(days=1)
OPERATION = LoggedOperation.of(
    "recover a role",
    tuple((name, "write", "shown") for name in ("RoleGrant", "StaffMember", "StaffProposal")),
)


async def begin(
    connection: AsyncConnection, staff_id: str, role: str, operator: str, reason: str
) -> int:
    """Write down what one operator wants; the number that the other one confirms. `operator`: as
    they stand on the log (`operator:NAME@ACCOUNT`). Raises `BadInput`."""
    at = dt.datetime.now(dt.UTC)
    _check_somebody_else(operator, staff_id)
    if role not in INDISPENSABLE:
        raise BadInput(f"only {', '.join(INDISPENSABLE)} are recovered; others are proposed")
    member = await staff_desk.member_of(connection, staff_id)
    if member.state != StaffState.ACTIVE:
        raise BadInput("the staff member is not in service")
    objection = plain_text(reason.strip()) if reason.strip() else "say why"
    if objection is not None:
        raise BadInput(f"--reason: {objection}")
    await staff_desk.check_together(connection, staff_id, {role})
    made = await connection.execute(
        sa.insert(STAFF_PROPOSAL).values(
            staff_id=staff_id,
            kind=ProposalKind.ROLE,
            role=role,
            state=ProposalState.PROPOSED,
            proposed_by=operator,
            proposed_at=at,
            reason=reason.strip(),
        )
    )
    await _logged(connection, operator, staff_id, at)
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


async def confirm(connection: AsyncConnection, number: int, operator: str) -> Any:
    """Give what another operator wanted; the proposal. Raises `BadInput`."""
    at = dt.datetime.now(dt.UTC)
    proposal = await staff_desk.proposal_of(connection, number)
    if not proposal.proposed_by.startswith(OPERATOR):
        raise BadInput("no operator began this: it is approved in the console")
    _check_somebody_else(operator, proposal.staff_id)
    if _name(operator) == _name(proposal.proposed_by):
        raise BadInput("another operator confirms it")
    if at - aware(proposal.proposed_at) > GOOD_FOR:
        raise BadInput("it was begun more than a day ago: begin anew")
    await staff_desk.give(connection, proposal, at)
    await staff_desk.decide(
        connection, number, ProposalState.APPROVED, operator, "confirmed by a second operator", at
    )
    await _logged(connection, operator, proposal.staff_id, at)
    return proposal


def _check_somebody_else(operator: str, staff_id: str) -> None:
    """Raises `BadInput` where the member's id is the operator's name, or their account."""
    if staff_id.casefold() in operator.removeprefix(OPERATOR).casefold().split("@"):
        raise BadInput("nobody recovers a role for themselves")


def _name(operator: str) -> str:
    """What an operator calls themselves; several may share an account."""
    return operator.removeprefix(OPERATOR).partition("@")[0].casefold()


async def _logged(connection: AsyncConnection, by: str, about: str, at: dt.datetime) -> None:
    record = Record(kind=Kind.WRITE, outcome="OK", actor=by, session=about, at=at)
    await access_log.insert(connection, connection.dialect.name, record, OPERATION)
