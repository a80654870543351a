"""Four eyes: who may approve what somebody else proposed.

The right to approve is no line of the policy, so that no proposed line can open it: it belongs to
the collection director (収納管理監), and for what would widen the director's own view to the
privacy auditor (点検担当). Both act for a purpose of their own and need to see what they approve.
Nobody approves what they proposed, nor what widens what they themselves may see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from authz.editing.compare import Roles, Tables, compare
from authz.errors import BadInput, WriteRefused
from authz.policy.policy import Policy
from models.tables.policy import Action

APPROVERS = {
    "collection-director": "policy-administration",
    "privacy-auditor": "audit",
}
"""The roles that approve, each with the purpose for which it does."""

DIRECTOR, DEPUTY = "collection-director", "privacy-auditor"

EDITOR = ("policy-administrator", "policy-administration")
DECIDED = ("PolicyDraft", "PolicyLine", "PolicyVersion")
EDITED = (*DECIDED, "PolicyDraftLine", "StaffMember", "RoleGrant", "StaffProposal")
PROTECTOR = ("protection-coordinator", "protection-measures", "ProtectiveMeasure")

Step = tuple[Policy, Policy]
"""The policies before and after one instant at which a change shows."""


def check_changeable(policy: Policy) -> None:
    """Raises `BadInput` for a policy that could not be changed any more, and so not be mended, or
    under which nobody could give a role or protect anybody."""
    edits = all(policy.allows(*EDITOR, each, Action.WRITE) for each in EDITED)
    decides = all(
        policy.allows(role, purpose, each, Action.READ)
        for role, purpose in APPROVERS.items()
        for each in (*DECIDED, "StaffProposal")
    )
    if not (edits and decides):
        raise BadInput("nobody could change the policy any more, or nobody decide on a change")
    if not policy.allows(*PROTECTOR, Action.WRITE):
        raise BadInput("nobody could enter a protective measure any more")


def check_approver(roles: Roles, purpose: str) -> None:
    """Raises `WriteRefused` unless one of the roles approves for this purpose."""
    if not any(role in roles and opened == purpose for role, opened in APPROVERS.items()):
        raise WriteRefused("approving is for the collection director, or for the auditor's purpose")


def check_somebody_else(actor: str, concerned: Collection[str | None]) -> None:
    """Raises `WriteRefused` if the actor is one of those who made what is to be decided."""
    if actor in concerned:
        raise WriteRefused("nobody decides on what they made or proposed themselves")


def check_not_widened(steps: Iterable[Step], approver: Roles, held: Roles, purpose: str) -> None:
    """Raises `WriteRefused` if the change widens what the approver may see.

    `held`: every role that the approver has or will have. What the role by which they approve
    gains counts although another role of theirs shows it already: that one may end. The auditor
    stands in only where the director may not.
    """
    made = list(steps)
    approving = [frozenset({role}) for role in sorted(approver & APPROVERS.keys())]
    if opens_to(made, [approver, held | approver, *approving]):
        raise WriteRefused("nobody approves what widens what they themselves may see")
    check_deputy(purpose, opens_to(made, [frozenset({DIRECTOR})]))


def check_deputy(purpose: str, concerns_director: bool) -> None:
    """Raises `WriteRefused` if the auditor decides on what the director may decide on."""
    if purpose == APPROVERS[DEPUTY] and not concerns_director:
        raise WriteRefused("the auditor decides only on what the collection director may not")


def opens_to(steps: Iterable[Step], role_sets: Collection[Roles]) -> bool:
    """Whether a change shows more to whoever holds one of these sets of roles, for any purpose."""
    for before, after in steps:
        tables = Tables(before)
        if compare(tables, Tables(after, tables), role_sets).gains:
            return True
    return False
