"""The demo cast: a staff member for each role, two coordinators, passwords of one store alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CastMember:
    """A staff member of the demo town."""

    staff_id: str
    name: str
    section: str
    roles: tuple[str, ...]


CAST: tuple[CastMember, ...] = (
    CastMember("sato", "佐藤 一郎", "tax-payment", ("collection-clerk",)),
    CastMember("takahashi", "高橋 直人", "tax-payment", ("arrears-officer",)),
    CastMember("ito", "伊藤 美咲", "branch", ("branch-clerk",)),
    CastMember("watanabe", "渡辺 隆", "nursing-care", ("section-clerk",)),
    CastMember("yamamoto", "山本 さくら", "tax-payment", ("addressee-registrar",)),
    CastMember("nakamura", "中村 亮", "tax-payment", ("addressee-registrar", "number-handler")),
    CastMember("kobayashi", "小林 恵", "tax-payment", ("protection-coordinator",)),
    CastMember("kato", "加藤 修", "tax-payment", ("collection-director",)),
    CastMember("yoshida", "吉田 香織", "tax-payment", ("linkage-operator",)),
    CastMember("yamada", "山田 健", "tax-payment", ("policy-administrator",)),
    CastMember("sasaki", "佐々木 薫", "tax-payment", ("privacy-auditor",)),
    CastMember("matsumoto", "松本 翔", "tax-payment", ("system-operator",)),
    CastMember("mori", "森 陽子", "tax-payment", ("protection-coordinator",)),
    CastMember("inoue", "井上 明", "tax-payment", ("disclosure-officer",)),
)
"""Every staff role; a department client is a machine and signs in otherwise."""


def new_password() -> str:
    """A password for one demo store: easy to type, and different in every store."""
    return "-".join(secrets.token_hex(2) for _ in range(3))
