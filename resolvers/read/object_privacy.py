"""`privacy` of an object: which of its fields this view hides or masks, and what must be observed.

It names every field of the type, selected or not: caches join the answers about an object, and what
one request says of it must hold for what another one selected. So it depends on nothing but what
the object's id seals (`seal.py`), and never on a row: what protection withholds is not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from authz.policy.clearance import Cell, Clearance, Need, Reason, Verdict
from authz.policy.invariants import is_number
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from models.tables.policy import Action
from resolvers.read.seal import Position


class Holder:
    """An object of a type, or one of its parts, in one view.

    `purposes`: which of the actor's own would show a field is asked, too.
    """

    def __init__(
        self, clearance: Clearance, action: Action, position: Position, *, purposes: bool
    ) -> None:
        self.clearance = clearance
        self.action = action
        self.position = position
        self.purposes = purposes

    def of_type(self, type_: Type) -> list[dict[str, Any]]:
        """What is hidden of a row, by name."""
        found = [
            *self.of_leaves(type_.leaves),
            *self._named((name, f"{type_.name}.{name}") for name in type_.parts),
            *(entry for edge in type_.edges.values() for entry in self._of_edge(edge)),
        ]
        return sorted(found, key=itemgetter("field"))

    def of_leaves(self, leaves: Mapping[str, Leaf]) -> list[dict[str, Any]]:
        """What is hidden of these fields, by name."""
        return list(self._named((name, leaves[name].coordinate) for name in sorted(leaves)))

    def _named(self, fields: Iterator[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        for name, coordinate in fields:
            cell = self.clearance.cell(coordinate, self.action)
            needs: tuple[Need, ...] = ((coordinate, self.action),)
            if cell.allowed and self._lacks_number(coordinate):
                cell, needs = Cell(Verdict.HIDDEN, Reason.INVARIANT), ()
            if cell.reason is not None:
                yield self._entry(name, cell.reason, needs)

    def _of_edge(self, edge: Edge) -> Iterator[dict[str, Any]]:
        beyond = Action.LIST if edge.other_person else self.action
        needs = ((edge.coordinate, self.action), (edge.target, beyond))
        reason = next((r for n in needs if (r := self.clearance.cell(*n).reason)), None)
        if reason is not None:
            yield self._entry(edge.field, reason, needs)

    def _entry(self, name: str, reason: Reason, needs: tuple[Need, ...]) -> dict[str, Any]:
        opening = self.clearance.elsewhere(needs) if self.purposes and needs else ()
        return {"field": name, "reason": reason.value, "purposes": list(opening)}

    def _lacks_number(self, coordinate: str) -> bool:
        return is_number(GRAPH.classes[coordinate]) and self.position is not Position.NUMBER
