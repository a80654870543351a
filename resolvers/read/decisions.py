"""Every decision of one plan: looked up in the clearance, and written down for the log and wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from authz.errors import CellHidden
from authz.policy.clearance import Cell, Clearance, Population, Reason, Verdict
from authz.policy.invariants import is_number
from models.facts import CLASSES
from models.graph.graph import GRAPH, Type
from models.store.column_rights import HIGHEST
from models.store.database import Access
from models.tables.policy import Action
from resolvers.read.levels import ANYBODY, Guard


@dataclass(frozen=True, slots=True)
class Hidden:
    """One entry of `extensions.privacy.hidden`."""

    path: tuple[str, ...]
    coordinate: str
    reason: Reason


class Decisions:
    """Asks the clearance and remembers what it said.

    `number_allowed`: the operation is about one person alone, so that a number may stand directly
    beneath its root.
    """

    def __init__(self, clearance: Clearance, *, number_allowed: bool) -> None:
        self.clearance = clearance
        self.number_allowed = number_allowed
        self.hidden: list[Hidden] = []
        self.asked: set[tuple[str, str, str]] = set()
        self.compared = 0
        self._access = {Access.ORDINARY}

    @property
    def access(self) -> Access:
        """How much of the database the plan needs to see."""
        return next(one for one in reversed(Access) if one in self._access)

    def field(self, path: tuple[str, ...], coordinate: str, action: Action) -> Cell:
        """A selected field; hidden ones are named with their reason."""
        cell = self.cell(path, coordinate, action)
        self._note(coordinate, cell)
        self.asked.add((coordinate, action.value, cell.verdict.value))
        if cell.reason is not None:
            self.hidden.append(Hidden(path, coordinate, cell.reason))
        return cell

    def cell(self, path: tuple[str, ...], coordinate: str, action: Action) -> Cell:
        """The clearance of a field in this place."""
        cell = self.clearance.cell(coordinate, action)
        closed = is_number(GRAPH.classes[coordinate]) and not (
            self.number_allowed and len(path) == 2
        )
        return Cell(Verdict.HIDDEN, Reason.INVARIANT) if closed and cell.allowed else cell

    def operand(self, coordinate: str, action: Action) -> Cell:
        """An operand. Raises `CellHidden`, alike for every value, if it is hidden."""
        cell = self.clearance.cell(coordinate, action)
        self._note(coordinate, cell)
        self.asked.add((coordinate, action.value, cell.verdict.value))
        if not cell.allowed:
            missing = cell.reason is Reason.CASE_REFERENCE
            why = "without a Case-Reference" if missing else "for this role and purpose"
            raise CellHidden(f"`{coordinate}` is no operand {why}", "OPERAND_HIDDEN", coordinate)
        return cell

    def way(
        self, path: tuple[str, ...], coordinate: str, action: Action, type_: Type, beyond: Action
    ) -> Cell | None:
        """A root or an edge, and what lies beyond; `None` where either is hidden."""
        cell, row = self.field(path, coordinate, action), self.row(type_, beyond)
        if cell.allowed and not row.allowed:
            assert row.reason is not None
            self.hidden.append(Hidden(path, coordinate, row.reason))
        return cell if cell.allowed and row.allowed else None

    def told(self, coordinate: str, action: Action) -> None:
        """What is told with a row, if the clearance allows it: for the log and the budget."""
        cell = self.clearance.cell(coordinate, action)
        self.asked.add((coordinate, action.value, cell.verdict.value))

    def row(self, type_: Type, action: Action) -> Cell:
        """The existence of a row."""
        cell = self.clearance.cell(type_.name, action)
        self._note(type_.name, cell)
        return cell

    def _note(self, coordinate: str, cell: Cell) -> None:
        if cell.despite_protection:
            self._access.add(Access.WITHHELD)
        if cell.allowed and not HIGHEST.isdisjoint(GRAPH.classes.get(coordinate, ())):
            self._access.add(Access.RESTRICTED)


def guard_of(
    type_: Type,
    classes: Iterable[str],
    cell: Cell,
    about: tuple[str, ...] = (),
    *,
    liftable: bool = False,
) -> Guard:
    """When a value of these classes is there. `about`: columns with another person whom it
    tells of, and that the row's own has to do with them; `liftable`: it is the one person's who is
    asked for."""
    if cell.despite_protection:
        return Guard((), cell.populations)
    withheld = withheld_of(classes)
    return Guard(
        type_.noun.persons if withheld or about else (),
        cell.populations,
        withheld if liftable else frozenset(),
        issued=cell.issued,
        naming=() if withheld else about,
    )


def narrowed(guard: Guard, scope: frozenset[Population]) -> Guard:
    """The same guard, without the populations that every row in scope satisfies anyway."""
    implied = all(any(wider <= narrower for wider in guard.populations) for narrower in scope)
    return _alike(replace(guard, populations=ANYBODY if implied else guard.populations))


@lru_cache(maxsize=4096)
def _alike(guard: Guard) -> Guard:
    """One object for equal guards: there are few, and plans hold many."""
    return guard


def together(*populations: frozenset[Population]) -> frozenset[Population]:
    """Rows that lie in every one of the given alternatives."""
    joined = ANYBODY
    for alternatives in populations:
        joined = frozenset(one | other for one in joined for other in alternatives)
    return ANYBODY if frozenset() in joined else joined


def withheld_of(classes: Iterable[str]) -> frozenset[str]:
    """Those of the classes that an obligation withholds."""
    return frozenset(code for code in classes if CLASSES[code].withheld)
