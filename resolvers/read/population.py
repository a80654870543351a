"""Row predicates that bound the persons of a purpose or a role, as conditions on a table.

    overpaid      persons of whom too much was received                      (refund)
    in-arrears    persons with a levy item past due and not paid             (delinquency)
    to-be-reminded  the same, where it was not reminded yet                  (reminder dispatch)
    own-section   payers of the tax and fee items of the actor's section     (section clerk)
    payers:CODE   payers of the items of one transfer destination            (transfers)
    output-allowed  persons of whom something may go out: no 出力停止          (lists of machines)

A payers' population narrows levies, receipts and accounts to its items as well. Which items those
are is data, handed in with each request under the parameter that `items_of` names.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.policy.clearance import Population
from models.graph.graph import GRAPH, Type
from models.store.database import IsIn, named
from models.tables.collection import ArrearsState
from models.tables.population import (
    IN_ARREARS,
    OUTPUT_ALLOWED,
    OVERPAID,
    OWN_SECTION,
    PAYERS,
    TO_BE_REMINDED,
)

TODAY = "today"
CLIENT = "client"
"""The department's client that asks, for rows that are one client's alone."""

ZERO: sa.ColumnElement[int] = sa.literal_column("0")
ONE: sa.ColumnElement[int] = sa.literal_column("1")
PUT_OFF = [
    sa.literal_column(f"'{state.value}'", sa.String())
    for state in (ArrearsState.IN_GRACE, ArrearsState.SUSPENDED, ArrearsState.EXTINGUISHED)
]
"""Of what is put off, suspended or extinguished nobody is reminded."""
collection = GRAPH.types["Collection"].table
handling = GRAPH.types["Handling"].table


class UnknownPopulation(Exception):
    """A purpose or role names a population that nothing here defines."""


async def people(connection: AsyncConnection) -> int:
    """How many addressees the whole city has, in two figures, so that nobody shows in it."""
    table = GRAPH.types["Addressee"].table
    counted = await connection.scalar(sa.select(sa.func.count()).select_from(table))
    return int(float(f"{counted or 0:.1e}"))


def items_of(population: str) -> str:
    """The name of the parameter with the population's tax and fee items."""
    return f"items_{population.replace(':', '_').replace('-', '_')}"


def has_items(population: str) -> bool:
    """Whether the population is bounded by tax and fee items."""
    return population == OWN_SECTION or population.startswith(PAYERS)


def is_there(
    type_: Type, row: sa.FromClause, populations: frozenset[Population]
) -> sa.ColumnElement[bool] | None:
    """Whether the row is there for who is bounded by these populations; `None` where all are.

    A row addressed to one transfer destination is there in that destination's population alone.
    """
    if type_.noun.destination is not None:
        populations = frozenset(each for each in populations if any(map(_is_payers, each)))
    return in_any(type_, row, populations)


def in_any(
    type_: Type, row: sa.FromClause, populations: frozenset[Population]
) -> sa.ColumnElement[bool] | None:
    """Whether the row lies in one of the populations; `None` where that is everybody."""
    if frozenset() in populations:
        return None
    alternatives = []
    for population in sorted(populations, key=sorted):
        conditions = [in_one(type_, row, name) for name in sorted(population)]
        alternatives.append(sa.and_(sa.true(), *(c for c in conditions if c is not None)))
    return sa.or_(sa.false(), *alternatives)


def in_one(type_: Type, row: sa.FromClause, name: str) -> sa.ColumnElement[bool] | None:
    """Whether the row lies in one population; `None` where the type is about nobody."""
    if type_.noun.owner is None:
        if type_.name not in {"Transfer", "TransferDefinition"}:
            return sa.false() if _is_payers(name) else None
        if type_.name == "TransferDefinition":
            return _addressed(row.c.code, name)
        addressed = _addressed(row.c.definition_code, name)
        own = row.c.client_id == sa.bindparam(CLIENT, type_=sa.String())
        return None if addressed is None else sa.and_(addressed, row.c.client_id.is_not(None), own)
    person = row.c[type_.noun.owner]
    if name == OUTPUT_ALLOWED:
        due = named(handling, "d")
        stopped = sa.select(ONE).where(due.c.addressee_code == person, due.c.stop_output)
        return sa.not_(sa.exists(stopped))
    levy = named(collection, "l")
    if name == OVERPAID:
        return _there_is(levy, levy.c.addressee_code == person, levy.c.overpaid > ZERO)
    if name in {IN_ARREARS, TO_BE_REMINDED}:
        past_due = levy.c.due_on < sa.bindparam(TODAY, type_=sa.Date())
        owed = [levy.c.addressee_code == person, levy.c.outstanding > ZERO, past_due]
        if name == TO_BE_REMINDED:
            owed += [
                levy.c.reminded_on.is_(None),
                *(levy.c.arrears_state != one for one in PUT_OFF),
            ]
        return _there_is(levy, *owed)
    if has_items(name):
        payers = _of_items(type_, row, items_of(name))
        if type_.noun.destination is None:
            return payers
        addressed = _addressed(row.c[type_.noun.destination], name)
        return payers if addressed is None else sa.and_(payers, addressed)
    raise UnknownPopulation(name)


def _of_items(type_: Type, row: sa.FromClause, items: str) -> sa.ColumnElement[bool]:
    """Levies and accounts by their own item, receipts by their levy's, persons by having one."""
    if type_.name in {"Collection", "Account"}:
        own = IsIn(row.c.tax_item_code, items)
        # Never null: beside an obligation's flag it would be null for one of the two alone.
        unknown = type_.table.c.tax_item_code.nullable
        return sa.and_(row.c.tax_item_code.is_not(None), own) if unknown else own
    levy = named(collection, "l")
    assert type_.noun.owner is not None
    key = (
        levy.c.id == row.c.collection_id
        if type_.name == "Receipt"
        else levy.c.addressee_code == row.c[type_.noun.owner]
    )
    return _there_is(levy, key, IsIn(levy.c.tax_item_code, items))


def _there_is(levy: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists(sa.select(ONE).select_from(levy).where(*conditions))


def _is_payers(name: str) -> bool:
    return name.startswith(PAYERS)


def _addressed(destination: sa.ColumnElement[str], name: str) -> sa.ColumnElement[bool] | None:
    """Whether the row is of the destination whose payers the population names."""
    if not _is_payers(name):
        return None
    return destination == sa.literal_column(f"'{name.removeprefix(PAYERS)}'")
