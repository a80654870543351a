"""Policy versions: numbered, immutable lists of lines in the words of `models/facts/`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum

from sqlmodel import SQLModel

from models import facts
from models.labels import INSTANT, child_key, column, enum_of, text


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


class PolicyVersion(SQLModel, table=True):
    """One published policy."""

    __tablename__ = "policy_version"

    number: int = column(
        "policy",
        ja="版番号",
        en="number of the version",
        graphql=None,
        primary_key=True,
        sa={"autoincrement": False},
    )
    published_at: dt.datetime = column(
        "policy", ja="公開日時", en="instant of publication", graphql=None, type=INSTANT
    )
    reason: str = column("policy", ja="理由", en="why it was made", graphql=None, type=text())


class PolicyLine(SQLModel, table=True):
    """One line of one version. `what` is `class:…` or a coordinate such as `Residence.address`."""

    __tablename__ = "policy_line"

    id: int | None = child_key("policy")
    version: int = column(
        "policy",
        ja="版番号",
        en="version that the line belongs to",
        graphql=None,
        references="policy_version.number",
        index=True,
    )
    role: str = column("policy", ja="役割", en="role:…", graphql=None, type=text(80))
    purpose: str = column("policy", ja="目的", en="purpose:…", graphql=None, type=text(80))
    what: str = column(
        "policy", ja="対象", en="class:… or a coordinate", graphql=None, type=text(120)
    )
    action: str = column("policy", ja="操作", en="action", graphql=None, type=enum_of(Action))
    effect: str = column(
        "policy", ja="効果", en="allow or deny", graphql=None, type=enum_of(Effect)
    )
    note: str = column(
        "policy", ja="注記", en="why the line is there", graphql=None, type=text(), default=""
    )


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
