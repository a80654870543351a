"""What is changed between two states: the rows that the oracle knows, and the stores, alike.

Four kinds, as the view has four ways to hide: the cause under an equal obligation; a stored value
of a covered person; an obligation itself; and any other cell, row or individual number, those of
staff and of policies in the making among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from authz.numbers.vault import Vault
from models.facts import CLASSES
from models.graph.graph import GRAPH, Type
from models.labels import label_of
from models.store.database import Database
from models.tables.individual_number import NUMBERS, IndividualNumber
from models.trade.check_digits import demo_check_digit
from tests.generate.dice import Dice
from tests.generate.town import OWNER, new_row, new_value
from tests.oracle.state import NumberOf, Row, State

HANDLING = GRAPH.types["Handling"]


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after (`None`: not there). `column`: the one cell that differs, if one."""

    type: Type
    key: Any
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    column: str | None = None

    @property
    def row(self) -> Row:
        """The row, as it was or will be."""
        return Row(self.type, self.before or self.after or {})

    @property
    def back(self) -> Change:
        """What undoes it."""
        return replace(self, before=self.after, after=self.before)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The fields and edges that could tell of it."""
        return COORDINATES.get((self.type.name, self.column), (self.type.name,))

    def __str__(self) -> str:
        if self.column is None:
            return f"{self.type.name} {self.key}: {self.before} -> {self.after}"
        values = [(row or {}).get(self.column) for row in (self.before, self.after)]
        return f"{self.type.name} {self.key}, {self.column}: {values[0]!r} -> {values[1]!r}"


@dataclass(frozen=True, slots=True)
class NumberChange:
    """The individual number of one addressee, before and after."""

    code: str
    before: NumberOf | None
    after: NumberOf | None

    @property
    def row(self) -> Row:
        """Whose it is."""
        return Row(GRAPH.types["Addressee"], {"code": self.code})

    @property
    def back(self) -> NumberChange:
        """What undoes it."""
        return replace(self, before=self.after, after=self.before)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The fields that could tell of it."""
        return NUMBER_FIELDS

    def __str__(self) -> str:
        return f"individual number of {self.code}: {self.before} -> {self.after}"


AnyChange = Change | NumberChange


def _coordinates() -> dict[tuple[str, str | None], tuple[str, ...]]:
    found: dict[tuple[str, str | None], tuple[str, ...]] = {}
    for type_ in GRAPH.types.values():
        parts = [leaf for _, leaves in type_.parts.values() for leaf in leaves.values()]
        leaves = [leaf for leaf in (*type_.leaves.values(), *parts) if not leaf.vault]
        told = [(leaf.column.name, leaf.coordinate) for leaf in leaves]
        told += [(edge.source_column, edge.coordinate) for edge in type_.edges.values()]
        for column, coordinate in told:
            key = (type_.name, column)
            found[key] = (*found.get(key, ()), coordinate)
    return found


NUMBER_FIELDS = tuple(
    leaf.coordinate
    for type_ in GRAPH.types.values()
    for leaf in type_.leaves.values()
    if leaf.vault
)
COORDINATES = _coordinates()
COLUMNS = {
    coordinate: key for key, coordinates in COORDINATES.items() for coordinate in coordinates
}
"""Type and column of every coordinate that is more than a row."""


class Changing:
    """Proposes changes of a state and makes them. `asked`: coordinates of interest."""

    def __init__(self, dice: Dice, state: State, asked: Iterable[str]) -> None:
        self.dice = dice
        self.state = state
        wanted = [COLUMNS[coordinate] for coordinate in asked if coordinate in COLUMNS]
        self.asked = sorted(
            {
                (name, column)
                for name, column in wanted
                if column is not None and GRAPH.types[name] in (*CHANGEABLE, *DESK)
            }
        )
        self.numbers = any(coordinate in NUMBER_FIELDS for coordinate in asked)

    def propose(self) -> AnyChange | None:
        """A change of some kind, if there is anything to change in that way."""
        kinds: Sequence[Callable[[], AnyChange | None]] = [
            *[self._of_asked] * 6,
            *[self._of_covered] * 2,
            self._of_cause,
            self._of_obligation,
            self._of_any_cell,
            self._of_row,
            self._of_number,
            self._of_desk,
        ]
        return self.dice.pick(kinds)()

    # -- kinds -------------------------------------------------------------------------------------

    def _of_asked(self) -> AnyChange | None:
        """A cell of a field that the conversation asks for."""
        if self.numbers and self.dice.chance(30):
            return self._of_number()
        if not self.asked:
            return None
        name, column = self.dice.pick(self.asked)
        rows = self.state.rows[name]
        if self.dice.chance(40):
            persons = GRAPH.types[name].noun.persons
            rows = tuple(row for row in rows if self.state.covered(row, persons)) or rows
        return self._cell(GRAPH.types[name], [column], rows)

    def _of_any_cell(self) -> AnyChange | None:
        type_ = self._type()
        return self._cell(type_, [column.name for column in type_.table.columns])

    def _of_covered(self) -> AnyChange | None:
        """A value that the cover of a person of its row withholds."""
        type_ = self._type()
        columns = [
            column.name
            for column in type_.table.columns
            if label_of(column).about or _is_withheld(label_of(column).classes)
        ]
        persons = type_.noun.persons
        rows = [row for row in self.state.rows[type_.name] if self.state.covered(row, persons)]
        return self._cell(type_, columns, rows)

    def _of_cause(self) -> AnyChange | None:
        """Why somebody is covered, and not that they are."""
        type_ = self.dice.pick(CAUSES)
        return self._cell(type_, [*_columns_of(type_, "protection")])

    def _of_obligation(self) -> AnyChange | None:
        """That somebody is covered."""
        if self.dice.chance(50):
            return self._cell(HANDLING, ["address_withheld", "stop_output"])
        return self._row(HANDLING)

    def _of_row(self) -> AnyChange | None:
        return self._row(self._type())

    def _of_desk(self) -> AnyChange | None:
        """A cell or a row of staff, or of a policy in the making."""
        type_ = self.dice.pick(DESK)
        if self.dice.chance(30):
            return self._row(type_)
        return self._cell(type_, [column.name for column in type_.table.columns])

    def _of_number(self) -> AnyChange | None:
        codes = [row["code"] for row in self.state.tables["addressee"]]
        if not codes:
            return None
        code = self.dice.pick(codes)
        before = self.state.numbers.get(code)
        if before is not None and self.dice.chance(30):
            return NumberChange(code, before, None)
        first = f"{98765432101 - 3 * self.dice.below(1000):011}"
        number = f"{first}{demo_check_digit(first)}"
        if any(held.number == number for held in self.state.numbers.values()):
            return None
        return NumberChange(code, before, NumberOf(number))

    # -- cells and rows ----------------------------------------------------------------------------

    def _type(self) -> Type:
        return self.dice.pick(CHANGEABLE)

    def _cell(
        self, type_: Type, columns: Sequence[str], rows: Sequence[Row] | None = None
    ) -> Change | None:
        rows = self.state.rows[type_.name] if rows is None else rows
        free = [name for name in columns if _is_free(type_, name)]
        if not rows or not free:
            return None
        row, name = self.dice.pick(rows), self.dice.pick(free)
        value = new_value(self.dice, type_.table.c[name], self.state.tables)
        if value == row.values[name]:
            return None
        before = dict(row.values)
        change = Change(type_, row.key, before, before | {name: value}, name)
        return change if self._keeps_constraints(change) else None

    def _row(self, type_: Type) -> Change | None:
        table, rows = type_.table, self.state.rows[type_.name]
        if rows and self.dice.chance(50):
            row = self.dice.pick(rows)
            change = Change(type_, row.key, dict(row.values), None)
            return None if self._is_referred_to(change) else change
        taken = {row.key for row in rows}
        if type_.key.foreign_keys:
            [parent] = type_.key.foreign_keys
            keys = [row[parent.column.name] for row in self.state.tables[parent.column.table.name]]
        else:
            keys = NEW_CODES if type_.key.type.python_type is str else list(range(2, 60, 3))
        free = [key for key in keys if key not in taken]
        needed = [column for column in table.columns if column.foreign_keys and not column.nullable]
        if not free or not all(self._parents(column) for column in needed):
            return None
        key = self.dice.pick(free)
        change = Change(type_, key, None, new_row(self.dice, table, key, self.state.tables))
        return change if self._keeps_constraints(change) else None

    def _parents(self, column: sa.Column[Any]) -> Sequence[Any]:
        [key] = column.foreign_keys
        return self.state.tables[key.column.table.name]

    def _keeps_constraints(self, change: Change) -> bool:
        assert change.after is not None
        rows = [row.values for row in self.state.rows[change.type.name] if row.key != change.key]
        return not any(
            _same(change.after, row, [column.name for column in constraint.columns])
            for constraint in change.type.table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
            for row in rows
        )

    def _is_referred_to(self, change: Change) -> bool:
        assert change.before is not None
        return any(
            row[column.name] == change.before[key.column.name]
            for table in SQLModel.metadata.tables.values()
            for column in table.columns
            for key in column.foreign_keys
            if key.column.table is change.type.table
            for row in self.state.tables[table.name]
        )


CHANGEABLE = [
    type_
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None or "transfer" in type_.noun.existence
]
"""What is about people, or sent about them."""
DESK = [
    GRAPH.types[name]
    for name in ("StaffMember", "RoleGrant", "StaffProposal", "PolicyDraft", "PolicyDraftLine")
]
"""Staff, and policies in the making. Versions of the policy and the log only grow, and the server
runs by the version in force; who asks has no record among the staff."""
NEW_CODES = [f"{at:015}" for at in range(900, 920)]


def _columns_of(type_: Type, code: str) -> Iterator[str]:
    return (column.name for column in type_.table.columns if code in label_of(column).classes)


CAUSES = [type_ for type_ in GRAPH.types.values() if any(_columns_of(type_, "protection"))]


def _is_withheld(classes: Iterable[str]) -> bool:
    return any(CLASSES[code].withheld for code in classes)


def _is_free(type_: Type, name: str) -> bool:
    """Whether a cell may hold another value: no key, and nobody else's receipt or levy."""
    column = type_.table.c[name]
    owned_together = name == OWNER and type_.name in ("Collection", "Receipt")
    return not column.primary_key and not owned_together and name != "collection_id"


def _same(one: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(one[name] is not None and one[name] == other[name] for name in names)


def make(state: State, change: AnyChange) -> None:
    """Make a change of the oracle's rows."""
    if isinstance(change, NumberChange):
        numbers: Any = state.numbers
        numbers.pop(change.code, None)
        if change.after is not None:
            numbers[change.code] = change.after
        return
    table, key = state.tables[change.type.table.name], change.type.noun.key
    if change.before is None:
        table.append(dict(change.after or {}))
    else:
        at = next(at for at, row in enumerate(table) if row[key] == change.key)
        if change.after is None:
            del table[at]
        else:
            table[at] = dict(change.after)
    rows: Any = state.rows
    rows[change.type.name] = tuple(Row(change.type, values) for values in table)


class Stores:
    """The stores of one town, as they are changed behind the server's back."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        # SQLite on this thread: a turn through the driver's own takes longer than the change.
        self._file, self._numbers = _file(database), _file(vault._database)
        self._known: dict[tuple[str, str], tuple[str, Any, Any]] = {}

    async def make(self, changes: Sequence[AnyChange]) -> None:
        """Make changes, in one transaction for each database."""
        rows = [change for change in changes if isinstance(change, Change)]
        numbers = [change for change in changes if isinstance(change, NumberChange)]
        if rows and self._file is not None:
            with self._file.begin() as connection:
                for row in rows:
                    self._make(connection, row)
        elif rows:
            async with self._database.write() as opened:
                for row in rows:
                    await opened.execute(_statement(row))
        if numbers and self._numbers is not None:
            with self._numbers.begin() as connection:
                for number in numbers:
                    self._keep(connection, number)
        elif numbers:
            async with self._vault._database.write() as opened:
                for number in numbers:
                    await opened.run_sync(self._keep, number)

    def _keep(self, connection: sa.Connection, number: NumberChange) -> None:
        connection.execute(FORGET, {"code": number.code})
        if number.after is not None:
            connection.execute(sa.insert(NUMBERS), _sealed(self._vault, number))

    def _make(self, connection: sa.Connection, change: Change) -> None:
        if change.column is None:
            connection.execute(_statement(change))
            return
        assert change.after is not None
        text, cell, key = self._updates(change.type, change.column)
        connection.exec_driver_sql(text, (cell(change.after[change.column]), key(change.key)))

    def _updates(self, type_: Type, column: str) -> tuple[str, Any, Any]:
        """The statement that sets one cell, made once, and how its two values are stored."""
        known = self._known.get((type_.name, column))
        if known is None:
            cell, key, dialect = type_.table.c[column], type_.key, self._database.engine.dialect
            update = sa.update(type_.table).where(key == sa.bindparam("row_key"))
            text = str(update.values({column: sa.bindparam("cell")}).compile(dialect=dialect))
            known = text, *(_stored(one.type, dialect) for one in (cell, key))
            self._known[type_.name, column] = known
        return known

    def close(self) -> None:
        """Disconnect."""
        for file in (self._file, self._numbers):
            if file is not None:
                file.dispose()


FORGET = sa.delete(NUMBERS).where(NUMBERS.c.addressee_code == sa.bindparam("code"))


def _file(database: Database) -> sa.Engine | None:
    """A connection of one's own to a database that is a file."""
    if database.dialect != "sqlite":
        return None
    engine = sa.create_engine(database.url, poolclass=sa.StaticPool)
    sa.event.listen(engine, "connect", _quickly)
    return engine


def _quickly(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA busy_timeout = 30000")


def _statement(change: Change) -> Any:
    table = change.type.table
    if change.before is None:
        return sa.insert(table).values(dict(change.after or {}))
    this = change.type.key == change.key
    if change.after is None:
        return sa.delete(table).where(this)
    assert change.column is not None
    return sa.update(table).where(this).values({change.column: change.after[change.column]})


def _stored(type_: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any]:
    return type_.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


def _sealed(vault: Vault, change: NumberChange) -> dict[str, Any]:
    assert change.after is not None
    number, cipher = IndividualNumber(change.after.number), vault._cipher
    return {
        "addressee_code": change.code,
        "ciphertext": cipher.seal(change.code, number),
        "key_id": cipher.key_id,
        "blind_index": cipher.indexes(number)[0],
        "change_reason": change.after.change_reason,
        "change_date": change.after.change_date,
        "change_date_text": None,
    }
