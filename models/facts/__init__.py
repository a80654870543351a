"""The published facts that the model is loaded from and checked against.

`classes.csv`       sensitivity classes: personal or not, withheld under an obligation or not
`record-items.csv`  the 120 record items (assessment, annex 1): table, column, GraphQL name, class
`roles.csv`, `purposes.csv`, `role-purposes.csv`, `transfers.csv`, `first-policy.csv`,
`harvest-budgets.csv`, `protection-roles.csv`
                    first content of the database; afterwards they are data
`papers.csv`        which classes each kind of issued document may carry, and why
`requirements.csv`  what the assessment asks, with ids
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SensitivityClass:
    """One row of `classes.csv`. `withheld`: hidden where an obligation covers the person."""

    code: str
    ja: str
    meaning: str
    personal: bool
    withheld: bool


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one fact file, as written."""
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def protection_work() -> dict[str, str]:
    """The roles that are marked for protection work in a new store, each with the reason."""
    return {row["role"]: row["reason"] for row in rows("protection-roles")}


def _classes() -> Mapping[str, SensitivityClass]:
    return MappingProxyType(
        {
            row["code"]: SensitivityClass(
                code=row["code"],
                ja=row["name_ja"],
                meaning=row["meaning"],
                personal=row["personal"] == "yes",
                withheld=row["withheld"] == "yes",
            )
            for row in rows("classes")
        }
    )


CLASSES = _classes()
