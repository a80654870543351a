"""Mutations of staff (職員): hire, roles, suspension, transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from schema.mutations.declare import change, payload
from schema.types.scalars import Date


def _is(description: str) -> Any:
    return strawberry.field(description=description)


WHO = "職員番号: staff id of whom it is about"
REASON = "理由: why"


@strawberry.input(description="採用の入力.")
class HireStaffMemberInput:
    """A new staff member, without roles."""

    staffId: str = _is("職員番号: a new staff id; one that was used is never used again")
    name: str = _is("職員氏名: name")
    section: str | None = _is("所属課: code of the section")


@strawberry.input(description="ロールの提案の入力.")
class ProposeRoleInput:
    """A role for somebody else."""

    staffId: str = _is(WHO)
    role: str = _is("ロール: code of the role")
    validFrom: Date | None = _is("有効開始日: first day; null: from the approval on")
    validUntil: Date | None = _is("有効終了日: last day; null: without end")
    reason: str = _is(REASON)


@strawberry.input(description="職員の指定: a staff member, and why.")
class StaffMemberInput:
    """A staff member, with a reason."""

    staffId: str = _is(WHO)
    reason: str = _is(REASON)


@strawberry.input(description="ロールの取消の入力.")
class RevokeRoleInput:
    """A role to take away."""

    staffId: str = _is(WHO)
    role: str = _is("ロール: code of the role")
    reason: str = _is(REASON)


@strawberry.input(description="異動の入力: the roles of the old section end.")
class TransferStaffMemberInput:
    """A new section."""

    staffId: str = _is(WHO)
    section: str = _is("所属課: code of the new section")
    reason: str = _is(REASON)


@strawberry.input(description="提案の決定の入力.")
class DecideStaffProposalInput:
    """A decision."""

    proposal: strawberry.ID = _is("提案: id of the proposal")
    reason: str = _is(REASON)


@strawberry.input(description="提案の取下げの入力.")
class WithdrawStaffProposalInput:
    """One's own proposal."""

    proposal: strawberry.ID = _is("提案: id of the proposal")


StaffMemberPayload = payload(
    "StaffMemberPayload",
    "職員の変更の結果.",
    {"staffMember": ("StaffMember", "職員: as they are now")},
)
StaffProposalPayload = payload(
    "StaffProposalPayload",
    "提案の結果.",
    {
        "proposal": ("StaffProposal", "提案: as it is now"),
        "staffMember": ("StaffMember", "職員: whom it is about"),
    },
)

CHANGES: Mapping[str, Any] = {
    name: change(name, input_type, payload_type, words)
    for name, input_type, payload_type, words in (
        (
            "hireStaffMember",
            HireStaffMemberInput,
            StaffMemberPayload,
            "採用: add a staff member without roles; the operator issues the password.",
        ),
        (
            "proposeRole",
            ProposeRoleInput,
            StaffProposalPayload,
            "ロールの提案: a role for somebody else, for a second person to decide.",
        ),
        (
            "proposeReinstatement",
            StaffMemberInput,
            StaffProposalPayload,
            "復職の提案: a suspended staff member's return, for a second person to decide.",
        ),
        (
            "withdrawStaffProposal",
            WithdrawStaffProposalInput,
            StaffProposalPayload,
            "提案の取下げ: take one's own proposal back.",
        ),
        (
            "approveStaffProposal",
            DecideStaffProposalInput,
            StaffProposalPayload,
            "提案の承認: give what somebody else proposed for a third; it acts at once.",
        ),
        (
            "rejectStaffProposal",
            DecideStaffProposalInput,
            StaffProposalPayload,
            "提案の却下: turn down what somebody else proposed.",
        ),
        (
            "revokeRole",
            RevokeRoleInput,
            StaffMemberPayload,
            "ロールの取消: take a role away; one person suffices, and it acts at once.",
        ),
        (
            "suspendStaffMember",
            StaffMemberInput,
            StaffMemberPayload,
            "停止: bar a staff member; one person suffices, and it acts at once.",
        ),
        (
            "transferStaffMember",
            TransferStaffMemberInput,
            StaffMemberPayload,
            "異動: move to another section; the roles of the old one end at once.",
        ),
    )
}
