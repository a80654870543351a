"""The view as plain facts: what of a state one request could tell at all (docs/proof.md).

Two states with equal views must give equal observations. The view is made of the oracle's own
decisions and rows; a fact is in it if the request asks the action that would show it, even if the
request happens not to reach that row. So it is never too small, and sometimes larger than need be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from tests.oracle.answer import Evaluation
from tests.oracle.operands import BOTTOM
from tests.oracle.policy import LIST, MATCH, NUMBERS, READ, SEARCH, Decision, Grant
from tests.oracle.state import Row

Facts = dict[Any, Any]
ANY_WAY = [Grant(frozenset())]
"""A way to a row that closes nothing."""


class Sight:
    """One request of one actor, decided; it looks at the state as that is now.

    `asked`  every (coordinate, action) that the request needs a decision on
    `reads`  whether any row is looked at: nothing is if the request is refused, or a dry run
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self.reads = evaluation.survey() is None
        self.asked = frozenset(evaluation.asked)
        self._used: dict[tuple[str, str], list[tuple[Leaf, str]]] = {}

    def decision(self, coordinate: str, action: str) -> Decision:
        """What was decided on something asked."""
        decision = self._evaluation.decider.decide(coordinate, action)
        if self._is_number(coordinate) and not self._evaluation.number_allowed:
            return Decision((), "INVARIANT")
        return decision

    def view(self) -> Facts:
        """All facts, by what they are about."""
        facts: Facts = {}
        if not self.reads:
            return facts
        for type_ in GRAPH.types.values():
            for action in (READ, LIST):
                if (type_.name, action) in self.asked:
                    for row in self._evaluation.state.rows[type_.name]:
                        if self._evaluation.is_there(row, action, ANY_WAY):
                            facts[type_.name, row.key, action] = dict(self._of_row(row, action))
        return facts

    def by_code(self) -> list[list[Any]]:
        """Whom the log names of it to everybody: the people it found by their code alone, or could
        have."""
        looking = self._evaluation.anew()
        looking.outcome()
        return looking.found_by_code

    def hides(self, row: Row, coordinate: str, action: str) -> str | None:
        """By which rule something asked is not in the view of a row; `None` if it is.

        A reason of the decision, or `population` (out of scope) or `cover` (an obligation).
        """
        decision = self.decision(coordinate, action)
        if not decision.whole:
            return decision.reason
        if not self._evaluation.in_scope(decision.whole, row):
            return "population"
        there = [
            self._evaluation.is_there(row, way, ANY_WAY)
            for way in (READ, LIST)
            if (row.type.name, way) in self.asked
        ]
        covered = self._evaluation.state.covered(row, row.type.noun.persons)
        if not any(there):
            return "cover" if covered else "population"
        return "cover" if covered else None

    def _of_row(self, row: Row, action: str) -> Iterator[tuple[Any, Any]]:
        """What one row tells. Its owner is on the log."""
        evaluation, type_ = self._evaluation, row.type
        yield "owner", row.owner
        if row.owner is not None:
            yield "released", evaluation.released(row, action)
        for leaf, use in self._leaves(type_, action):
            yield (leaf.coordinate, use), self._of_leaf(row, leaf, use)
        for part, _ in type_.parts.values():
            coordinate = f"{type_.name}.{part.field}"
            if (coordinate, action) in self.asked:
                decision = self.decision(coordinate, action)
                yield coordinate, evaluation.part_is_there(row, part, decision)
        for edge in type_.edges.values():
            if (edge.coordinate, action) in self.asked:
                yield edge.coordinate, self._beyond(row, edge, action)

    def _leaves(self, type_: Type, action: str) -> Sequence[tuple[Leaf, str]]:
        """The leaves of a row that are shown by an action or used as operands, with that use."""
        key = (type_.name, action)
        if key not in self._used:
            parts = [leaf for _, leaves in type_.parts.values() for leaf in leaves.values()]
            self._used[key] = [
                (leaf, use)
                for leaf in (*type_.leaves.values(), *parts)
                for use in (action, MATCH, SEARCH)
                if (leaf.coordinate, use) in self.asked
            ]
        return self._used[key]

    def _of_leaf(self, row: Row, leaf: Leaf, use: str) -> Any:
        evaluation = self._evaluation
        if use in (READ, LIST):
            return evaluation.shown(row, leaf, self.decision(leaf.coordinate, use))
        value = evaluation.operand(row, leaf, use)
        if leaf.vault and value is not BOTTOM:
            return evaluation.state.numbers.get(row.key)
        return value

    def _beyond(self, row: Row, edge: Edge, action: str) -> list[Any] | None:
        """The keys of the rows that an edge leads to; `None` where it is closed."""
        decision = self.decision(edge.coordinate, action)
        if not self._evaluation.crossing_of(row, edge, decision):
            return None
        beyond = LIST if edge.other_person else action
        return sorted(target.key for target in self._evaluation.over(row, edge, decision, beyond))

    def _is_number(self, coordinate: str) -> bool:
        return not NUMBERS.isdisjoint(GRAPH.classes[coordinate])
