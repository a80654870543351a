"""Which tax and fee items bound a population: data, not code.

`population` is `payers:<transfer definition>` or `section:<section>`.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from models.labels import column, text

OVERPAID = "overpaid"
IN_ARREARS = "in-arrears"
TO_BE_REMINDED = "to-be-reminded"
OWN_SECTION = "own-section"
PAYERS = "payers:"
OUTPUT_ALLOWED = "output-allowed"
SECTION = "section:"


def is_known(population: str) -> bool:
    """Whether there is a predicate under this name."""
    named = {OVERPAID, IN_ARREARS, TO_BE_REMINDED, OWN_SECTION}
    return population in named or population.startswith(PAYERS)


class PopulationItem(SQLModel, table=True):
    """One tax or fee item whose payers belong to a population."""

    __tablename__ = "population_item"

    population: str = column(
        "policy", ja="対象者の範囲", en="population", graphql=None, type=text(), primary_key=True
    )
    tax_item_code: str = column(
        "policy",
        ja="科目コード",
        en="tax or fee item",
        graphql=None,
        type=text(4),
        references="tax_item.code",
        primary_key=True,
    )
