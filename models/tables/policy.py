"""Policy versions: numbered, immutable lists of lines in the words of `models/facts/`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from models import facts
from models.labels import INSTANT, KEY, Noun, child_key, column, enum_of, text


class Action(StrEnum):
    """What a line allows or denies; design and docs/policy.md say what each one means."""

    READ = "read"
    LIST = "list"
    MATCH = "match"
    SEARCH = "search"
    MASK = "mask"
    READ_WITHHELD = "read-withheld"
    WRITE = "write"


class Effect(StrEnum):
    """Within one role a deny beats every allow."""

    ALLOW = "allow"
    DENY = "deny"


class DraftState(StrEnum):
    """OPEN → PROPOSED → ENACTED | REJECTED; back to OPEN by its proposer; ABANDONED from either."""

    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    ENACTED = "ENACTED"
    REJECTED = "REJECTED"
    ABANDONED = "ABANDONED"


def _word(ja: str, en: str, type: Any) -> Any:
    return column("policy", ja=ja, en=en, match=True, type=type)


def _said(ja: str, en: str, type: Any, **options: Any) -> Any:
    """What may not be there yet: who, when, why."""
    return column("policy", ja=ja, en=en, type=type, default=None, **options)


class PolicyVersion(SQLModel, table=True):
    """One version of the policy: written once, never changed.

    `approved_by` is null where one person sufficed: the change only took rights away.
    `effective_from` null (a store's first version): from its publication on.
    """

    __tablename__ = "policy_version"
    noun: ClassVar[Noun] = Noun(
        "PolicyVersion",
        ja="権限設定の版",
        en="a version of the policy, numbered and never changed",
        existence=("policy",),
        root=("policyVersion", "policyVersions"),
        key="number",
    )

    number: int = column(
        "policy",
        ja="版番号",
        en="number of the version",
        search=True,
        primary_key=True,
        sa={"autoincrement": False},
    )
    published_at: dt.datetime = column(
        "policy", ja="作成日時", en="instant at which it was written", search=True, type=INSTANT
    )
    reason: str = column("policy", ja="理由", en="why it was proposed", type=text())
    based_on: int | None = _said(
        "元の版", "version that it was made from", None, references="policy_version.number"
    )
    proposed_by: str | None = _said("提案者", "staff id of the proposer", text(64))
    approved_by: str | None = _said("承認者", "staff id of the approver", text(64))
    approval_reason: str | None = _said("承認理由", "why it was approved", text())
    effective_from: dt.datetime | None = _said("発効日時", "when it takes effect", INSTANT)


class PolicySeal(SQLModel, table=True):
    """What binds a version's content to the version before: see `authz/policy/seal.py`."""

    __tablename__ = "policy_seal"

    version: int = column(
        "policy",
        ja="版番号",
        en="version that is sealed",
        graphql=None,
        references="policy_version.number",
        primary_key=True,
        sa={"autoincrement": False},
    )
    key_id: str = column("policy", ja="鍵番号", en="key id", graphql=None, type=text(64))
    seal: str = column("policy", ja="封印", en="HMAC-SHA256", graphql=None, type=text(64))


class PolicyLine(SQLModel, table=True):
    """One line of one version. `what` is `class:…` or a coordinate such as `Residence.address`."""

    __tablename__ = "policy_line"
    noun: ClassVar[Noun] = Noun(
        "PolicyLine",
        ja="権限設定の行",
        en="a line of a version of the policy",
        existence=("policy",),
    )

    id: int | None = child_key("policy")
    version: int = column(
        "policy",
        ja="版番号",
        en="version that the line belongs to",
        match=True,
        references="policy_version.number",
        index=True,
    )
    role: str = _word("ロール", "`role:…`", text(80))
    purpose: str = _word("利用目的", "`purpose:…`", text(80))
    what: str = _word("対象", "`class:…` or a coordinate", text(120))
    action: str = _word("操作", "action", enum_of(Action))
    effect: str = _word("効果", "`allow` or `deny`", enum_of(Effect))
    note: str = column("policy", ja="注記", en="why the line is there", type=text(), default="")


class PolicyDraft(SQLModel, table=True):
    """A policy in the making. Only what is `OPEN` can be edited; what is decided stays as it is."""

    __tablename__ = "policy_draft"
    noun: ClassVar[Noun] = Noun(
        "PolicyDraft",
        ja="権限設定の草案",
        en="a policy in the making",
        existence=("policy",),
        root=("policyDraft", "policyDrafts"),
    )

    id: int | None = child_key("policy")
    title: str = column("policy", ja="件名", en="what it is about", type=text(200))
    state: DraftState = _word("状態", "how far it got", enum_of(DraftState))
    based_on: int = column(
        "policy",
        ja="元の版",
        en="version that it was made from",
        match=True,
        references="policy_version.number",
    )
    created_by: str = _word("作成者", "staff id of who began it", text(64))
    created_at: dt.datetime = column(
        "policy", ja="作成日時", en="when it was begun", search=True, type=INSTANT
    )
    edited_at: dt.datetime = column(
        "policy", ja="更新日時", en="when it was edited last", type=INSTANT
    )
    proposed_by: str | None = _said("提案者", "staff id of the proposer", text(64))
    proposed_at: dt.datetime | None = _said("提案日時", "when it was proposed", INSTANT)
    reason: str | None = _said("提案理由", "why it is proposed", text())
    decided_by: str | None = _said("決定者", "staff id of who approved or rejected", text(64))
    decided_at: dt.datetime | None = _said("決定日時", "when that was", INSTANT)
    decision_reason: str | None = _said("決定理由", "why", text())
    version: int | None = _said(
        "成立した版", "version that it became", None, references="policy_version.number"
    )


class PolicyDraftLine(SQLModel, table=True):
    """One line of a draft."""

    __tablename__ = "policy_draft_line"
    noun: ClassVar[Noun] = Noun(
        "PolicyDraftLine",
        ja="草案の行",
        en="a line of a draft",
        existence=("policy",),
    )

    id: int | None = child_key("policy")
    draft_id: int = column(
        "policy",
        ja="草案番号",
        en="draft that the line belongs to",
        graphql=None,
        type=KEY,
        references="policy_draft.id",
        index=True,
    )
    role: str = _word("ロール", "`role:…`", text(80))
    purpose: str = _word("利用目的", "`purpose:…`", text(80))
    what: str = _word("対象", "`class:…` or a coordinate", text(120))
    action: str = _word("操作", "action", text(40))
    effect: str = _word("効果", "`allow` or `deny`", text(40))
    note: str = column("policy", ja="注記", en="why the line is there", type=text(), default="")


def sealed() -> tuple[sa.Table, ...]:
    """The tables of what is in force or was."""
    names = ("policy_version", "policy_line", "policy_seal")
    return tuple(SQLModel.metadata.tables[name] for name in names)


def first_lines() -> Iterator[dict[str, str]]:
    """The argued first policy: every product of `first-policy.csv`, cut to the pairs that are open.

    A number handler opens no purpose of its own and stands beside a role that does.
    """
    opened = {row["role"]: set(row["purpose"].split()) for row in facts.rows("role-purposes")}
    for row in facts.rows("first-policy"):
        for role in row["role"].split():
            for purpose in row["purpose"].split():
                if role != "number-handler" and purpose not in opened[role]:
                    continue
                for class_ in row["class"].split():
                    for action in row["actions"].split():
                        yield {
                            "role": f"role:{role}",
                            "purpose": f"purpose:{purpose}",
                            "what": f"class:{class_}",
                            "action": action,
                            "effect": "allow",
                            "note": row["why"],
                        }
