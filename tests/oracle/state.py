"""The rows of every table as plain dicts, and what follows from them: cover, populations, edges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.graph.edges import Edge
from models.graph.graph import GRAPH, Type
from models.store.database import Database

Tables = Mapping[str, list[dict[str, Any]]]
TOKYO = dt.timezone(dt.timedelta(hours=9))


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of a type."""

    type: Type
    values: Mapping[str, Any]

    @property
    def key(self) -> Any:
        """What identifies it among the rows of its type."""
        return self.values[self.type.noun.key]

    @property
    def owner(self) -> str | None:
        """The person whom it is about."""
        return self.values[self.type.noun.owner] if self.type.noun.owner else None


@dataclass(frozen=True, slots=True)
class NumberOf:
    """What the store of numbers has of one addressee."""

    number: str
    change_reason: str | None = None
    change_date: dt.date | None = None


@dataclass(frozen=True)
class State:
    """Everything that is stored. `numbers` by addressee code."""

    tables: Tables
    numbers: Mapping[str, NumberOf]
    rows: Mapping[str, tuple[Row, ...]] = field(init=False)

    def __post_init__(self) -> None:
        rows = {
            name: tuple(Row(type_, values) for values in self.tables[type_.table.name])
            for name, type_ in GRAPH.types.items()
        }
        object.__setattr__(self, "rows", rows)

    @classmethod
    async def load(cls, database: Database, numbers: Mapping[str, NumberOf]) -> State:
        """Read every table."""
        tables: dict[str, list[dict[str, Any]]] = {}
        async with database.look() as connection:
            for name, table in SQLModel.metadata.tables.items():
                found = await connection.execute(sa.select(table))
                tables[name] = [dict(row._mapping) for row in found]
        return cls(tables, numbers)

    # -- cover -------------------------------------------------------------------------------------

    def obligation(self, code: str | None) -> tuple[bool, bool]:
        """Whether a person's address is withheld, and whether output is stopped."""
        for row in self.tables["handling"]:
            if row["addressee_code"] == code:
                return row["address_withheld"], row["stop_output"]
        return False, False

    def covered(self, row: Row, columns: Iterable[str]) -> bool:
        """Whether the obligation to withhold covers anybody whom these columns name."""
        return any(self.obligation(code)[0] for code in self._persons(row, columns))

    def stopped(self, row: Row, columns: Iterable[str]) -> bool:
        """Whether the output of anybody whom these columns name is stopped."""
        return any(self.obligation(code)[1] for code in self._persons(row, columns))

    def _persons(self, row: Row, columns: Iterable[str]) -> list[Any]:
        """Whom these columns name; with them whoever acts for the owner, where their place may be
        what the row tells."""
        named = [row.values[column] for column in columns]
        if named and row.type.noun.agents:
            named += [
                tie["special_addressee_code"]
                for tie in self.tables["special_addressee"]
                if tie["addressee_code"] == row.owner
            ]
        return named

    # -- populations -------------------------------------------------------------------------------

    def in_population(self, row: Row, name: str, items: Mapping[str, frozenset[str]]) -> bool:
        """Whether a row lies in a population; `items`: the tax and fee items that bound it."""
        if row.owner is None:
            destination = "code" if row.type.name == "TransferDefinition" else "definition_code"
            payers = name.startswith("payers:")
            if row.type.name not in ("Transfer", "TransferDefinition"):
                return not payers
            if payers and row.type.name == "Transfer":
                # One client's own: nobody who is asked for here has a client.
                return False
            return not payers or row.values[destination] == name.removeprefix("payers:")
        levies = [levy for levy in self.tables["collection"] if levy["addressee_code"] == row.owner]
        if name == "overpaid":
            return any(levy["overpaid"] > 0 for levy in levies)
        owing = [levy for levy in levies if levy["outstanding"] > 0 and _past(levy["due_on"])]
        if name == "in-arrears":
            return bool(owing)
        if name == "to-be-reminded":
            return any(
                levy["reminded_on"] is None
                and levy["arrears_state"] not in ("IN_GRACE", "SUSPENDED", "EXTINGUISHED")
                for levy in owing
            )
        bounding = items.get(name, frozenset())
        if row.type.name in ("Collection", "Account"):
            return row.values["tax_item_code"] in bounding
        if row.type.name == "Receipt":
            levies = [
                levy
                for levy in self.tables["collection"]
                if levy["id"] == row.values["collection_id"]
            ]
        return any(levy["tax_item_code"] in bounding for levy in levies)

    # -- edges -------------------------------------------------------------------------------------

    def targets(self, row: Row, edge: Edge) -> list[Row]:
        """The rows that an edge leads to, each once."""
        value = row.values[edge.source_column]
        if value is None:
            return []
        if edge.through is None:
            wanted = {value}
        else:
            wanted = {
                between[edge.through.target_column]
                for between in self.tables[edge.through.table]
                if between[edge.through.source_column] == value
                and not _past(between[edge.through.ended_column])
            }
        return [row for row in self.rows[edge.target] if row.values[edge.target_column] in wanted]

    def by_key(self, type_name: str, key: Any) -> Row | None:
        """The row of a key."""
        return next((row for row in self.rows[type_name] if row.key == key), None)


def _past(day: dt.date | None) -> bool:
    return day is not None and day < dt.datetime.now(TOKYO).date()
