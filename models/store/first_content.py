"""What a new database is filled with: the published facts, afterwards data like any other.

Roles, purposes, sections, tax and fee items, populations, transfer definitions, policy version 1.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from models import facts
from models.tables import staff
from models.tables.collection import TaxItem
from models.tables.policy import PolicyLine, PolicyVersion, first_lines
from models.tables.population import PopulationItem
from models.tables.transfer import TransferDefinition

POPULATIONS = {row["purpose"]: row for row in facts.rows("populations")}
"""Purposes that bound the persons whom they may touch, or say why not; a transfer's is its own
payers."""

SECTIONS = {
    "municipal-tax": ("市民税課", "Municipal Tax Division", ("01", "02", "03", "05")),
    "property-tax": ("資産税課", "Property Tax Division", ("04",)),
    "nursing-care": ("介護高齢課", "Nursing Care and Elderly Division", ("13",)),
    "national-health-insurance": ("国民健康保険課", "National Health Insurance Division", ("11",)),
    "medical-pension": ("医療年金課", "Medical Care and Pension Division", ("12",)),
    "child-welfare": ("こども育成課", "Child Development Division", ("14",)),
    "tax-payment": ("納税課", "Tax Payment Division", ()),
    "branch": ("支所・行政センター市民課", "branch offices", ()),
}
"""The sections that use the system, with the items that bound a section clerk's population."""


async def fill(connection: AsyncConnection) -> bool:
    """Write the first content; False where there is some already."""
    if await connection.scalar(sa.select(sa.func.count()).select_from(table(PolicyVersion))):
        return False
    for target, rows in _rows().items():
        await connection.execute(sa.insert(target), rows)
    return True


def table(model: type[SQLModel]) -> sa.Table:
    """The table of a model."""
    found: sa.Table = model.__table__  # type: ignore[attr-defined]
    return found


def _rows() -> dict[sa.Table, list[dict[str, Any]]]:
    content = staff.first_content()
    content[staff.PURPOSE] = [_with_population(row) for row in content[staff.PURPOSE]]
    items = facts.rows("tax-items")
    return {
        **content,
        staff.SECTION: [
            {"code": code, "name_ja": ja, "name": en} for code, (ja, en, _) in SECTIONS.items()
        ],
        table(TaxItem): [
            {name: row[name] for name in ("code", "name_ja", "name", "kind")} for row in items
        ],
        table(PopulationItem): [
            *(
                {"population": f"payers:{row['transfer']}", "tax_item_code": row["code"]}
                for row in items
            ),
            *(
                {"population": f"section:{code}", "tax_item_code": item}
                for code, (_, _, codes) in SECTIONS.items()
                for item in codes
            ),
        ],
        table(TransferDefinition): [
            {
                name: row[name]
                for name in (column.name for column in table(TransferDefinition).columns)
                if name in row
            }
            for row in facts.rows("transfers")
        ],
        table(PolicyVersion): [
            {
                "number": 1,
                "published_at": dt.datetime.now(dt.UTC),
                "reason": "first policy",
            }
        ],
        table(PolicyLine): [{"version": 1, **line} for line in first_lines()],
    }


def _with_population(row: dict[str, Any]) -> dict[str, Any]:
    code = row["code"]
    if code.startswith("transfer-"):
        payers = "a transfer is for the payers of the destination's own items"
        return row | {
            "population": f"payers:{code.removeprefix('transfer-')}",
            "population_why": payers,
        }
    found = POPULATIONS.get(code, {})
    return row | {
        "population": found.get("population") or None,
        "population_why": found.get("why"),
    }
