"""How many distinct persons somebody may look up in an hour (`authz/sessions/lookup_budget.py`):
data, not code.

First content is `models/facts/harvest-budgets.csv`; a store without rows shows nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from models import facts
from models.labels import column, text

ANY = "any"


class HarvestBudget(SQLModel, table=True):
    """Persons per staff member, purpose and hour. Of one role's rows the most specific counts.

    `sensitivity` is a class that has a budget of its own, or `any` for all persons together.
    """

    __tablename__ = "harvest_budget"

    role: str = column(
        "policy", ja="ロール", en="role code, or any", graphql=None, type=text(), primary_key=True
    )
    purpose: str = column(
        "policy",
        ja="利用目的",
        en="purpose code, or any",
        graphql=None,
        type=text(),
        primary_key=True,
    )
    sensitivity: str = column(
        "policy", ja="区分", en="class, or any", graphql=None, type=text(), primary_key=True
    )
    persons: int = column(
        "policy", ja="人数", en="distinct persons in an hour", graphql=None, type=sa.Integer()
    )
    why: str = column("policy", ja="理由", en="why so many", graphql=None, type=text())


HARVEST_BUDGET: sa.Table = HarvestBudget.__table__  # type: ignore[attr-defined]


def first_budgets() -> Iterator[dict[str, Any]]:
    """The argued first budgets; several names in one cell mean their product."""
    for row in facts.rows("harvest-budgets"):
        for role in row["role"].split():
            for purpose in row["purpose"].split():
                for sensitivity in row["class"].split():
                    yield {
                        "role": role,
                        "purpose": purpose,
                        "sensitivity": sensitivity,
                        "persons": int(row["persons"]),
                        "why": row["why"],
                    }
