"""Staff (職員): who may sign in, which roles they hold, and the purposes that those roles open.

Roles, purposes and which role may act for which purpose begin as `models/facts/*.csv`
(`first_content`); afterwards they are data. Names of roles and purposes are plain codes here.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from models import facts
from models.labels import INSTANT, Noun, child_key, column, enum_of, text
from models.trade import rules
from models.trade.codes import holds_twelve_digits, plain

_STAFF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ALIKE = (("0", "o"), ("1", "l"), ("i", "l"))
"""Letters and digits that a reader takes for each other, in lower case."""


class StaffState(StrEnum):
    """Whether a staff member may sign in."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class OpenTo(StrEnum):
    """Who may state a purpose: a signed-in staff member, or another office's client."""

    STAFF = "staff"
    DEPARTMENT = "department"


NO_STAFF = frozenset({"import", "operator", "server.py"})
"""Who acts on the log without being a member of staff; nobody is hired by such a name."""


def staff_id_objection(value: str) -> str | None:
    """Why a text is no staff id, or `None`. Staff ids are ASCII, at most 64 characters."""
    if _STAFF_ID.match(value) and not holds_twelve_digits(value):
        return None
    return "a staff id has 1 to 64 letters, digits (at most 11), dots, hyphens or underscores"


def is_taken_for(staff_id: str) -> sa.ColumnElement[bool]:
    """Whose staff ids a reader takes for this one: `Sato` for `sato`, `10` for `lO`, and `12` for
    `0012`, of which a spreadsheet makes it."""
    alike: sa.ColumnElement[str] = sa.func.lower(STAFF.c.id)
    for one, other in _ALIKE:
        alike = sa.func.replace(alike, one, other)
    same = alike == _as_read(staff_id)
    if staff_id.isdigit():
        same = sa.or_(same, sa.func.ltrim(STAFF.c.id, "0") == staff_id.lstrip("0"))
    return same


def acts_on_the_log(staff_id: str) -> bool:
    """Whether the log means, or a reader takes it for, something else than a member of staff."""
    return _as_read(staff_id) in {_as_read(name) for name in NO_STAFF}


def _as_read(staff_id: str) -> str:
    text = staff_id.lower()
    for one, other in _ALIKE:
        text = text.replace(one, other)
    return text


class Section(SQLModel, table=True):
    """A section of the city office (課); its tax and fee items bound its clerks' population."""

    __tablename__ = "section"

    code: str = column("staff", ja="課コード", en="section code", type=text(), primary_key=True)
    name_ja: str = column("staff", ja="課名", en="name in Japanese", type=text())
    name: str = column("staff", ja="課名（英語）", en="name", type=text())


class Staff(SQLModel, table=True):
    """A staff member who may sign in.

    `sessions_revoked_at` (UTC, null: never) is the revocation epoch: a session that was opened
    under an earlier one is refused, whatever Redis says. It only ever grows.
    """

    __tablename__ = "staff"
    noun: ClassVar[Noun] = Noun(
        "StaffMember",
        ja="職員",
        en="a staff member who may sign in",
        existence=("staff",),
        root=("staffMember", "staffMembers"),
    )

    id: str = column(
        "staff",
        ja="職員番号",
        en="staff id",
        graphql="staffId",
        search=True,
        type=text(64),
        primary_key=True,
        check=staff_id_objection,
        form=plain,
    )
    name: str = column(
        "staff", ja="職員氏名", en="name", search=True, type=text(), check=rules.name
    )
    section: str | None = column(
        "staff",
        ja="所属課",
        en="section",
        match=True,
        type=text(),
        references="section.code",
        default=None,
    )
    password_hash: str = column(
        "staff", ja="パスワードハッシュ", en="password hash", type=text(), graphql=None
    )
    state: StaffState = column(
        "staff",
        ja="状態",
        en="state",
        match=True,
        type=enum_of(StaffState),
        default=StaffState.ACTIVE,
    )
    sessions_revoked_at: dt.datetime | None = column(
        "staff",
        ja="セッション失効日時",
        en="sessions revoked at",
        type=sa.DateTime(timezone=True),
        graphql=None,
        default=None,
    )


class Role(SQLModel, table=True):
    """A role that staff members hold and that policy lines speak of.

    `protection_work`: why its holders may read what an obligation withholds, one person at a time;
    null: they may not, whatever a line says. A migration changes it; nothing that is signed in can.
    """

    __tablename__ = "role"

    code: str = column("policy", ja="ロールコード", en="role code", type=text(), primary_key=True)
    name_ja: str = column("policy", ja="ロール名", en="name in Japanese", type=text())
    name: str = column("policy", ja="ロール名（英語）", en="name", type=text())
    note: str = column("policy", ja="備考", en="what the role does", type=text(), default="")
    protection_work: str | None = column(
        "policy",
        ja="支援措置の業務",
        en="why it is marked for protection work; null: it is not",
        type=text(),
        default=None,
    )


class StaffRole(SQLModel, table=True):
    """One role held by one staff member, on the days from `valid_from` to `valid_until`.

    Both days are in Asia/Tokyo and both count; null leaves that side open.
    """

    __tablename__ = "staff_role"
    __table_args__ = (sa.UniqueConstraint("staff_id", "role", name="staff_role_once"),)
    noun: ClassVar[Noun] = Noun(
        "RoleGrant",
        ja="ロールの付与",
        en="a role that a staff member holds",
        existence=("staff",),
        root=(None, "roleGrants"),
    )

    id: int | None = child_key("staff")
    staff_id: str = column(
        "staff",
        ja="職員番号",
        en="staff id",
        match=True,
        type=text(64),
        references="staff.id",
    )
    role: str = column(
        "staff", ja="ロール", en="role", match=True, type=text(), references="role.code"
    )
    valid_from: dt.date | None = column(
        "staff", ja="有効開始日", en="first day", type=sa.Date(), default=None
    )
    valid_until: dt.date | None = column(
        "staff", ja="有効終了日", en="last day", type=sa.Date(), default=None
    )


class ProposalKind(StrEnum):
    """What somebody is to be given, or what was taken from them (the last three: by one person)."""

    ROLE = "ROLE"
    REINSTATEMENT = "REINSTATEMENT"
    REVOCATION = "REVOCATION"
    SUSPENSION = "SUSPENSION"
    TRANSFER = "TRANSFER"


class ProposalState(StrEnum):
    """PROPOSED → APPROVED | REJECTED | WITHDRAWN (by its proposer)."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class StaffProposal(SQLModel, table=True):
    """A role, or a return to service, that one person proposes and another one decides on; and
    what was taken, with its reason (approved by nobody: one person sufficed)."""

    __tablename__ = "staff_proposal"
    noun: ClassVar[Noun] = Noun(
        "StaffProposal",
        ja="職員権限の提案・取消",
        en="what a staff member is to be given by two, or was deprived of by one",
        existence=("staff",),
        root=("staffProposal", "staffProposals"),
    )

    id: int | None = child_key("staff")
    staff_id: str = column(
        "staff",
        ja="職員番号",
        en="staff id",
        match=True,
        type=text(64),
        references="staff.id",
        index=True,
    )
    kind: ProposalKind = column(
        "staff", ja="種別", en="what is proposed", match=True, type=enum_of(ProposalKind)
    )
    role: str | None = column(
        "staff",
        ja="ロール",
        en="role, unless it is a return to service",
        match=True,
        type=text(),
        references="role.code",
        default=None,
    )
    valid_from: dt.date | None = column(
        "staff", ja="有効開始日", en="first day", type=sa.Date(), default=None
    )
    valid_until: dt.date | None = column(
        "staff", ja="有効終了日", en="last day", type=sa.Date(), default=None
    )
    state: ProposalState = column(
        "staff", ja="状態", en="how far it got", match=True, type=enum_of(ProposalState)
    )
    proposed_by: str = column(
        "staff", ja="提案者", en="staff id of the proposer", match=True, type=text(64)
    )
    proposed_at: dt.datetime = column(
        "staff", ja="提案日時", en="when it was proposed", search=True, type=INSTANT
    )
    reason: str = column("staff", ja="提案理由", en="why", type=text())
    decided_by: str | None = column(
        "staff", ja="決定者", en="staff id of who decided", type=text(64), default=None
    )
    decided_at: dt.datetime | None = column(
        "staff", ja="決定日時", en="when that was", type=INSTANT, default=None
    )
    decision_reason: str | None = column(
        "staff", ja="決定理由", en="why", type=text(), default=None
    )


class Purpose(SQLModel, table=True):
    """What personal data may be used for, and on which legal basis.

    `individual_number_business`: whether individual numbers may be used at all for it.
    `population`: name of the row predicate that narrows the people; null: no narrowing by purpose.
    """

    __tablename__ = "purpose"

    code: str = column(
        "policy", ja="利用目的コード", en="purpose code", type=text(), primary_key=True
    )
    name_ja: str = column("policy", ja="利用目的", en="name in Japanese", type=text())
    name: str = column("policy", ja="利用目的（英語）", en="name", type=text())
    legal_basis: str = column("policy", ja="法令上の根拠", en="legal basis", type=text())
    individual_number_business: bool = column(
        "policy", ja="個人番号利用事務", en="business that uses individual numbers"
    )
    open_to: OpenTo = column("policy", ja="対象", en="open to", type=enum_of(OpenTo))
    population: str | None = column(
        "policy", ja="対象者の範囲", en="population", type=text(), default=None
    )
    population_why: str | None = column(
        "policy", ja="対象者の範囲の理由", en="why these people, or everybody", type=text(),
        default=None,
    )  # fmt: skip


class RolePurpose(SQLModel, table=True):
    """A role may act for a purpose."""

    __tablename__ = "role_purpose"

    role: str = column(
        "policy", ja="ロール", en="role", type=text(), references="role.code", primary_key=True
    )
    purpose: str = column(
        "policy",
        ja="利用目的",
        en="purpose",
        type=text(),
        references="purpose.code",
        primary_key=True,
    )


SECTION = SQLModel.metadata.tables["section"]
STAFF = SQLModel.metadata.tables["staff"]
STAFF_ROLE = SQLModel.metadata.tables["staff_role"]
STAFF_PROPOSAL = SQLModel.metadata.tables["staff_proposal"]
ROLE = SQLModel.metadata.tables["role"]
PURPOSE = SQLModel.metadata.tables["purpose"]
ROLE_PURPOSE = SQLModel.metadata.tables["role_purpose"]


def first_content() -> dict[sa.Table, list[dict[str, Any]]]:
    """The published roles and purposes as rows, in an order that satisfies the foreign keys."""
    marked = facts.protection_work()
    return {
        ROLE: [
            {
                **{name: row[name] for name in ("code", "name_ja", "name", "note")},
                "protection_work": marked.get(row["code"]),
            }
            for row in facts.rows("roles")
        ],
        PURPOSE: [_purpose(row) for row in facts.rows("purposes")],
        ROLE_PURPOSE: [
            {"role": row["role"], "purpose": purpose}
            for row in facts.rows("role-purposes")
            for purpose in row["purpose"].split()
        ],
    }


def _purpose(row: dict[str, str]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "name_ja": row["name_ja"],
        "name": row["name"],
        "legal_basis": row["legal_basis"],
        "individual_number_business": row["individual_number_business"] == "yes",
        "open_to": OpenTo(row["open_to"]),
        "population": None,
    }
