"""Mutations of the policy (権限設定): drafts, proposals, approval, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from schema.mutations.declare import change, payload
from schema.types.scalars import DateTime


def _is(description: str) -> Any:
    return strawberry.field(description=description)


DRAFT = "草案: id of the draft"
REASON = "理由: why; it stays with the version"


@strawberry.input(description="行の入力: a line that is to be there.")
class PolicyLineInput:
    """One line."""

    role: str = _is("ロール: `role:…` or `role:any`")
    purpose: str = _is("利用目的: `purpose:…` or `purpose:any`")
    what: str = _is("対象: `class:…` or a coordinate")
    action: str = _is("操作: read, list, match, search, mask, read-withheld or write")
    effect: str | None = _is("効果: `allow` (if not given) or `deny`")
    note: str | None = _is("注記: why the line is there")


@strawberry.input(description="削除する行の入力: a line that is to go, whatever its effect.")
class PolicyLineKeyInput:
    """What a line speaks about."""

    role: str = _is("ロール: `role:…`")
    purpose: str = _is("利用目的: `purpose:…`")
    what: str = _is("対象: `class:…` or a coordinate")
    action: str = _is("操作: action")


@strawberry.input(description="草案の作成の入力.")
class CreatePolicyDraftInput:
    """A new draft."""

    title: str = _is("件名: what it is about")
    version: int | None = _is("元の版: whose lines to begin with; else the version in force")


@strawberry.input(description="草案の編集の入力: all of it, or nothing.")
class EditPolicyDraftInput:
    """Lines to set and to remove."""

    draft: strawberry.ID = _is(DRAFT)
    title: str | None = _is("件名: a new title")
    set: list[PolicyLineInput] | None = _is("設定する行: lines to set")
    remove: list[PolicyLineKeyInput] | None = _is("削除する行: lines to remove")


@strawberry.input(description="草案への取込みの入力: in place of all lines.")
class ImportPolicyDraftInput:
    """A file."""

    draft: strawberry.ID = _is(DRAFT)
    csv: str = _is("CSV: Casbin CSV, as `policyExport` writes it")


@strawberry.input(description="草案の指定.")
class PolicyDraftInput:
    """Which draft."""

    draft: strawberry.ID = _is(DRAFT)


@strawberry.input(description="提案の入力.")
class ProposePolicyInput:
    """A proposal."""

    draft: strawberry.ID = _is(DRAFT)
    reason: str = _is(REASON)
    effectiveFrom: DateTime | None = _is(
        "発効日時: for a change that only takes away; else it is refused, as the approver says it."
        " Default: at once"
    )


@strawberry.input(description="承認の入力.")
class ApprovePolicyInput:
    """An approval."""

    draft: strawberry.ID = _is(DRAFT)
    reason: str = _is(REASON)
    effectiveFrom: DateTime | None = _is("発効日時: when it takes effect. Default: at once")


@strawberry.input(description="却下の入力.")
class RejectPolicyInput:
    """A rejection."""

    draft: strawberry.ID = _is(DRAFT)
    reason: str = _is(REASON)


@strawberry.input(description="復元の入力: the lines of an earlier version, as a new one.")
class RollBackPolicyInput:
    """A roll back."""

    version: int = _is("版番号: whose lines")
    reason: str = _is(REASON)
    effectiveFrom: DateTime | None = _is("発効日時: as in `proposePolicy`")


PolicyDraftPayload = payload(
    "PolicyDraftPayload", "草案の結果.", {"draft": ("PolicyDraft", "草案: as it is now")}
)
PolicyProposalPayload = payload(
    "PolicyProposalPayload",
    "提案・承認の結果.",
    {
        "draft": ("PolicyDraft", "草案: as it is now"),
        "version": ("PolicyVersion", "成立した版: null while it waits for a second person"),
        "needsApproval": (
            bool,
            "承認要: it gives a right, so that a second person decides",
        ),
    },
)

CHANGES: Mapping[str, Any] = {
    name: change(name, input_type, payload_type, words)
    for name, input_type, payload_type, words in (
        (
            "createPolicyDraft",
            CreatePolicyDraftInput,
            PolicyDraftPayload,
            "草案の作成: begin a draft with the lines of a version.",
        ),
        (
            "editPolicyDraft",
            EditPolicyDraftInput,
            PolicyDraftPayload,
            "草案の編集: set and remove lines.",
        ),
        (
            "importPolicyDraft",
            ImportPolicyDraftInput,
            PolicyDraftPayload,
            "草案への取込み: put the lines of a file in place of all lines.",
        ),
        (
            "rebasePolicyDraft",
            PolicyDraftInput,
            PolicyDraftPayload,
            "草案の更新: make the draft's change to the version that is in force now.",
        ),
        (
            "abandonPolicyDraft",
            PolicyDraftInput,
            PolicyDraftPayload,
            "草案の破棄: give a draft up; it stays to be read.",
        ),
        (
            "proposePolicy",
            ProposePolicyInput,
            PolicyProposalPayload,
            "提案: in force at once if nobody gains a right, else for a second person to decide.",
        ),
        (
            "withdrawPolicy",
            PolicyDraftInput,
            PolicyDraftPayload,
            "提案の取下げ: take one's own proposal back, to edit it again.",
        ),
        (
            "approvePolicy",
            ApprovePolicyInput,
            PolicyProposalPayload,
            "承認: make what somebody else proposed a version; the collection director's.",
        ),
        (
            "rejectPolicy",
            RejectPolicyInput,
            PolicyDraftPayload,
            "却下: turn down what somebody else proposed.",
        ),
        (
            "rollBackPolicy",
            RollBackPolicyInput,
            PolicyProposalPayload,
            "復元: propose the lines of an earlier version as a new one.",
        ),
    )
}
