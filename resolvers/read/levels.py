"""What a plan is made of: levels of rows, fields, conditions, orders and pages. Plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from authz.policy.clearance import Population
from models.graph.edges import Edge
from models.graph.graph import Leaf, Type
from models.tables.policy import Action
from resolvers.read.operation import Selected, Source
from resolvers.read.seal import Position

ANYBODY: frozenset[Population] = frozenset({frozenset()})


class Keyed(Enum):
    """What the operand of a single row is: a code, an opaque node id, or an individual number."""

    CODE = "code"
    ID = "id"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Guard:
    """A value is there only if no person named by `uncovered` columns is covered by an obligation,
    and the row lies in one of `populations`.

    `naming`: where none of these columns names anybody, `uncovered` does not count: the value tells
    of the other person alone.
    `lift`: the classes that a temporary lift must name for the value to be there although the one
    person asked for is covered; of none, no lift helps. `issued`: it goes out of the office, so
    that a stopped output closes it as well as a withheld place.
    """

    uncovered: tuple[str, ...] = ()
    populations: frozenset[Population] = ANYBODY
    lift: frozenset[str] = frozenset()
    issued: bool = False
    naming: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it never closes."""
        return not self.uncovered and self.populations == ANYBODY


@dataclass(frozen=True, slots=True)
class Value:
    """A column shown (or masked) under a response key."""

    key: str
    leaf: Leaf
    guard: Guard
    masked: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """A hidden field: `null`."""

    key: str


@dataclass(frozen=True, slots=True)
class Literal:
    """`__typename`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The opaque node id of the row in its position."""

    key: str
    position: Position


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is hidden of the object, and what must be observed: `parts` by response key.

    A part is the same for every row, or an `Obligation`.
    """

    key: str
    parts: tuple[tuple[str, Any], ...]

    @property
    def told(self) -> bool:
        """Whether any of it differs from row to row."""
        return any(isinstance(part, Obligation) for _, part in self.parts)


@dataclass(frozen=True, slots=True)
class Obligation:
    """What must be observed with the row's person: (key, name) pairs."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A field of the vault (individual number, reason or day of its change)."""

    key: str
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Embedded:
    """A part of the row as an object of its own; `null` where the guard closes."""

    key: str
    guard: Guard
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """An edge: what the level `child` (an index into the row's level) found for this row."""

    key: str
    guard: Guard
    child: int


Field: TypeAlias = Value | Nothing | Literal | Identity | Privacy | Number | Embedded | Nested


@dataclass(frozen=True, slots=True)
class Compare:
    """One operand: `operator` of `leaf` against a value; false where the guard closes."""

    leaf: Leaf
    operator: str
    source: Source
    guard: Guard
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds; of none: true."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds; of none: false."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Compare | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Order:
    """One term of an ordering; nulls come last in both directions."""

    leaf: Leaf
    descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a connection: `binding` ties its cursors to this list and no other."""

    first: Source
    after: Source | None
    order: tuple[Order, ...]
    binding: str


@dataclass(frozen=True, slots=True)
class Connection:
    """How a connection is written: its own fields in order, each `edges`, `nodes`, … with a key.

    `parts` entries are (response key, kind, inner): kind `edges` has (key, `cursor` | row fields),
    `nodes` the row fields, `pageInfo` its (key, name) pairs, `totalCount` nothing.
    """

    parts: tuple[tuple[str, str, Any], ...]


@dataclass(frozen=True, slots=True)
class Level:
    """Rows of one type, reached over one edge (or at the root), and what becomes of them.

    `entry` a person comes into the answer here: the log names them
    `names` it may be seen whose the rows are, so that two of one person can be told from two
    `warns` the obligation is told with the row, where this guard is open
    `lift` the classes that a lift must name for a row to be there that is else left out
    `keyed` the root operand, for a single row
    `single_parent` at most one row lies above, so that a plain LIMIT pages it
    `through` the classes of the edges and operands by which rows come in, from the root down
    `held` the classes of which the actor may see in the log who came in by them
    """

    type: Type
    edge: Edge | None
    action: Action
    populations: frozenset[Population]
    leave_out_covered: bool
    lift: frozenset[str]
    fields: tuple[Field, ...]
    children: tuple[Level, ...]
    condition: Condition | None = None
    page: Page | None = None
    connection: Connection | None = None
    count: bool = False
    entry: bool = False
    names: bool = False
    warns: Guard | None = None
    keyed: tuple[Keyed, Source] | None = None
    single_parent: bool = True
    through: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Root:
    """One root field: a level, a computed view, a hidden field, the viewer, or `__typename`."""

    key: str
    level: Level | None = None
    literal: str | None = None
    selected: Selected | None = None
    computed: Selected | None = None


def row_fields(level: Level) -> list[Sequence[Field]]:
    """The selections of a level's rows: one, or one for each of `nodes` and `edges`."""
    if level.connection is None:
        return [level.fields]
    found: list[Sequence[Field]] = []
    for _, kind, inner in level.connection.parts:
        if kind == "nodes":
            found.append(inner)
        elif kind == "edges":
            found += [fields for _, name, fields in inner if name == "node"]
    return found


def guarded(level: Level) -> Iterator[tuple[str, Guard]]:
    """Every column that a level's rows show or compare, with its guard."""
    for fields in row_fields(level):
        yield from _guarded_fields(level, fields)
    if level.condition is not None:
        yield from _guarded_operands(level.condition)


def _guarded_fields(level: Level, fields: Sequence[Field]) -> Iterator[tuple[str, Guard]]:
    for field in fields:
        if isinstance(field, Value):
            yield field.leaf.column.name, field.guard
        elif isinstance(field, Embedded):
            yield from _guarded_fields(level, field.fields)
        elif isinstance(field, Nested):
            edge = level.children[field.child].edge
            assert edge is not None
            yield edge.source_column, field.guard


def _guarded_operands(condition: Condition) -> Iterator[tuple[str, Guard]]:
    if isinstance(condition, Compare):
        yield condition.leaf.column.name, condition.guard
        return
    for inner in condition.conditions:
        yield from _guarded_operands(inner)
