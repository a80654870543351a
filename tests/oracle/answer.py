"""The evaluation of one request: what is refused, what is hidden, and what the answer is.

One set of resolvers runs three times over the same operation:

    reach    everything open, stand-ins for rows: which roots, which other persons
    survey   stand-ins for rows again: every decision and refusal, so that none depends on a row
    answer   the rows themselves
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key, partial
from typing import Any, Literal

from graphql import ExecutionResult, GraphQLResolveInfo, VariableNode, execute, parse
from graphql.pyutils import Path

from authz.actor import Actor
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Leaf, Type
from models.labels import Part, Words
from resolvers.read.seal import Position, Seal, SealBroken, view_of
from tests.oracle.operands import (
    BOTTOM,
    Terms,
    action_of,
    compare,
    coordinates,
    folded,
    holds,
    operands,
    order_word,
    place,
    plain,
    says_nothing,
)
from tests.oracle.policy import (
    LIST,
    MACHINE,
    MATCH,
    NUMBERS,
    READ,
    RELEASE,
    SEARCH,
    WRITE,
    Book,
    Decision,
    Grant,
    withheld,
)
from tests.oracle.schema import executable_schema
from tests.oracle.state import Row, State

DEFAULT_PAGE, MAX_PAGE, MAX_ROWS = 20, 200, 20_000
CURSOR = "\x00cursor "
"""How a cursor is written until the server's own, at the same place, is put there."""

BY_NUMBER = "addresseeByIndividualNumber"
Name = tuple[str | int, ...]
Info = GraphQLResolveInfo[Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends."""

    document: str
    variables: Mapping[str, Any]
    purpose: str | None
    case: str | None = None
    mode: str = "null"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a cursor belongs to: one list of one operation, one actor, purpose and version.

    `variable` brings its `after`; it is no part of what the cursor is bound to.
    """

    actor: str
    purpose: str
    version: int
    coordinate: str
    terms: tuple[tuple[str, bool], ...]
    filter: str
    variable: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list: where a cursor stands."""

    listing: Listing
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No data. The server says one of these codes: which of several comes first is its affair."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer; its cursors stand for themselves (`CURSOR` and an index of `cursors`).

    `counts`: what occurred in it, for the population clause.
    """

    content: dict[str, Any]
    cursors: Sequence[Place]
    counts: Counter[str]


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """A row as it was reached. `row` is `None` for a stand-in, which stands for `weight` rows."""

    type: Type
    row: Row | None
    action: str
    weight: int = 1
    place: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What of a list is shown. `entry`: other persons come into the answer with it."""

    rows: Sequence[Here]
    total: int = 0
    more: bool = False
    before: bool = False
    entry: bool = False


@dataclass(frozen=True, slots=True)
class Oracle:
    """Answers requests over one state under one policy. `seal` makes the ids of nodes."""

    state: State
    book: Book
    seal: Seal

    def answer(
        self, request: Request, actor: Actor, cursors: Mapping[str, Collection[Place]]
    ) -> Answer | Refusal:
        """What the server must say. `cursors`: where those that it has given out stand."""
        return Evaluation(self, request, actor, cursors).outcome()


class Evaluation:
    """One request over one state. `asked`: every decision that it has needed so far."""

    def __init__(
        self,
        oracle: Oracle,
        request: Request,
        actor: Actor,
        cursors: Mapping[str, Collection[Place]],
    ) -> None:
        self.oracle = oracle
        self.state, self.book, self.seal = oracle.state, oracle.book, oracle.seal
        self.request, self.actor, self.given_cursors = request, actor, cursors
        self.stage: Literal["reach", "survey", "answer"] = "reach"
        self.roots: dict[str, str] = {}
        self.reaches_others = False
        self.standing_node: Type | None = None
        self.hidden: list[dict[str, Any]] = []
        self.early: set[str] = set()
        self.late: set[str] = set()
        self.rows = 0
        self.obligations: dict[Name, dict[str, Any]] = {}
        self.cursors: list[Place] = []
        self.counts: Counter[str] = Counter()
        self.found_by_code: list[list[Any]] = []
        self.numbered: set[tuple[str, ...]] = set()
        self.asked: set[tuple[str, str]] = set()
        own = self.book.items.get(f"section:{actor.section}", frozenset())
        self._items = {**self.book.items, "own-section": own}

    def anew(self) -> Evaluation:
        """The same request, over the state as it is now."""
        return Evaluation(self.oracle, self.request, self.actor, self.given_cursors)

    def outcome(self) -> Answer | Refusal:
        """Run the stages."""
        told = self.survey()
        return self._answer(self._run("answer")) if told is None else told

    def survey(self) -> Answer | Refusal | None:
        """Decide everything; what is to be said if that needs no row, else `None`."""
        request = self.request
        reached = self._reach()
        if request.purpose is None:
            return self._without_purpose()
        if request.purpose not in self.book.open_to(self.actor.roles):
            return Refusal(frozenset({"PURPOSE_NOT_ALLOWED"}))
        self.decider = self.book.decider(
            self.actor.roles, request.purpose, request.case is not None
        )
        self.persons = sum(name in PERSON_ROOTS for name in self.roots.values())
        self.lone_root = len(reached) == 1
        self._run("survey")
        if self.early:
            return Refusal(frozenset(self.early))
        if request.mode == "reject" and self.hidden:
            return Refusal(frozenset({"FIELD_HIDDEN"}))
        if request.mode == "dry-run":
            return self._answer({key: self._untold(key, reached[key]) for key in reached})
        if self.rows > MAX_ROWS:
            self.late.add("LIMIT_EXCEEDED")
        if self.late:
            return Refusal(frozenset(self.late))
        return None

    def _reach(self) -> dict[str, Any]:
        reached = self._run("reach")
        if "node" in self.roots.values() and "individualNumber" in self.request.document:
            for self.standing_node in GRAPH.types.values():
                self._run("reach")
        return reached

    def _run(self, stage: Literal["reach", "survey", "answer"]) -> dict[str, Any]:
        self.stage = stage
        result = execute(
            executable_schema(),
            parse(self.request.document),
            context_value=self,
            variable_values=dict(self.request.variables),
        )
        assert isinstance(result, ExecutionResult)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    def _untold(self, key: str, value: Any) -> Any:
        """A dry run says nothing of a root; introspection asks no data."""
        return value if key not in self.roots and isinstance(value, dict) else None

    def _without_purpose(self) -> Answer | Refusal:
        if set(self.roots.values()) != {"viewer"} or self.request.mode != "null":
            return Refusal(frozenset({"PURPOSE_REQUIRED"}))
        return Answer({"data": self._run("answer")}, (), self.counts)

    def _answer(self, data: dict[str, Any]) -> Answer:
        obligations = [
            {"path": list(name), **self.obligations[name]}
            for name in _names(data)
            if name in self.obligations
        ]
        self.counts["hidden"] += len(self.hidden)
        self.counts["obligation"] += len(obligations)
        privacy = {"hidden": self.hidden, "obligations": obligations}
        return Answer({"data": data, "extensions": {"privacy": privacy}}, self.cursors, self.counts)

    # -- roots -------------------------------------------------------------------------------------

    def viewer(self, info: Info) -> dict[str, Any]:
        """Who asks, and what the table of decisions says."""
        self._root(info)
        actor, opened = self.actor, sorted(self.book.open_to(self.actor.roles))
        return {
            "id": actor.id,
            "roles": sorted(actor.roles),
            "purposes": opened,
            "purposesOfUse": [_named(self.book.purposes[code]) for code in opened],
            "purpose": self.request.purpose,
            "policyVersion": self.book.version,
            "expiresAt": _instant(actor.expires_at),
            # The worlds' idle time is as long as the absolute one.
            "idleExpiresAt": _instant(actor.expires_at),
            "idleTimeoutSeconds": actor.idle_timeout,
            "clearance": lambda info: self._clearance(),
        }

    def _clearance(self) -> list[dict[str, str]] | None:
        if self.stage != "answer":
            return []
        if self.request.purpose is None:
            return None
        return [
            {"coordinate": coordinate}
            | {
                action: self.decider.decide(coordinate, action).word
                for action in (READ, LIST, MATCH, SEARCH, WRITE)
            }
            for coordinate in sorted(GRAPH.classes)
        ]

    def by_code(self, info: Info, type_: Type, code: str) -> Here | None:
        """One row by its code, which is an operand."""
        leaf = type_.leaves["code"]
        key = folded(leaf, "eq", code)
        return self._one_root(info, type_, leaf, lambda: self.state.by_key(type_.name, key))

    def by_id(self, info: Info, type_: Type, id: str) -> Here | None:
        """One row by its opaque id."""
        found, key = self._opened(id)
        return self._one_root(
            info,
            type_,
            None,
            lambda: self.state.by_key(type_.name, key) if found is type_ else None,
        )

    def node(self, info: Info, id: str) -> Here | None:
        """Any row by its opaque id."""
        if self.stage == "reach":
            self._root(info)
            return Here(self.standing_node, None, READ) if self.standing_node else None
        type_, key = self._opened(id)
        if type_ is None:
            return None
        return self._one_root(
            info, type_, None, lambda: self.state.by_key(type_.name, key), type_.name
        )

    def by_number(self, info: Info, number: str) -> Here | None:
        """The addressee with exactly this number."""
        type_ = GRAPH.types["Addressee"]
        if self.stage == "survey":
            if _variable(info, "individualNumber") is None:
                self.early.add("BAD_USER_INPUT")
            if not self.number_allowed:
                self.early.add("OPERAND_HIDDEN")
        holders = [code for code, held in self.state.numbers.items() if held.number == number]
        return self._one_root(
            info,
            type_,
            type_.leaves["individualNumber"],
            lambda: self.state.by_key("Addressee", holders[0]) if holders else None,
        )

    def _one_root(
        self,
        info: Info,
        type_: Type,
        operand: Leaf | None,
        find: Callable[[], Row | None],
        coordinate: str | None = None,
    ) -> Here | None:
        """One row at the root: `read` where it is the only person of the operation."""
        self._root(info)
        if self.stage == "reach":
            return Here(type_, None, READ)
        action = READ if type_.noun.owner is None or self.persons == 1 else LIST
        if operand is not None:
            self._check_operand(type_, operand, MATCH)
        entrance = self._entrance(info, coordinate or f"Query.{info.field_name}", type_, action)
        if entrance is None:
            return None
        if self.stage == "survey":
            return self._stand_in(type_, action, 1)
        row = find()
        if row is None or (operand and self.operand(row, operand, MATCH) is BOTTOM):
            return None
        if not self.is_there(row, action, self.in_scope(entrance.whole, row)):
            return None
        by = [leaf for leaf in (operand,) if leaf is not None]
        if info.field_name != BY_NUMBER and self._finds_by_code(type_, action, entrance, by, MATCH):
            self.found_by_code.append([row.key])
        return self._entered(info.path, Here(type_, row, action))

    def everything(self, info: Info, type_: Type, arguments: Mapping[str, Any]) -> Page | None:
        """A list at the root."""
        self._root(info)
        if self.stage == "reach":
            return Page([Here(type_, None, LIST)])
        coordinate = f"Query.{info.field_name}"
        self._check_operands(type_, arguments, LIST)
        entrance = self._entrance(info, coordinate, type_, LIST)
        if entrance is None:
            return None
        if self.stage == "survey":
            return self._surveyed(info, type_, LIST, coordinate, arguments, 1)
        rows = [
            row
            for row in self.state.rows[type_.name]
            if self.is_there(row, LIST, self.in_scope(entrance.whole, row))
            if not self._left_out(row, type_)
        ]
        used = operands(type_, arguments.get("filter") or {})
        by = [*(leaf for leaf, _, _ in used), *(leaf for leaf, _ in _terms(type_, arguments))]
        if self._finds_by_code(type_, LIST, entrance, by, MATCH, SEARCH):
            self.found_by_code.append(sorted(row.key for row in rows))
        return self._page(
            info, type_, LIST, coordinate, arguments, rows, type_.noun.owner is not None
        )

    def _finds_by_code(
        self, type_: Type, action: str, entrance: Decision, by: Sequence[Leaf], *uses: str
    ) -> bool:
        """Whether a root finds people by nothing but their code, whoever they are. Then the log
        names them; whoever came in otherwise it names to nobody who is not cleared for that."""
        asked = [entrance, self.decider.decide(type_.name, action)]
        asked += [self.decider.decide("Addressee.code", use) for use in uses if by]
        return (
            type_.name == "Addressee"
            and all(leaf.coordinate == "Addressee.code" for leaf in by)
            and all(
                any(not grant.population for grant in each.whole) for each in asked if each.whole
            )
        )

    def _root(self, info: Info) -> None:
        self.roots[str(info.path.key)] = info.field_name

    def _opened(self, id: str) -> tuple[Type | None, Any]:
        try:
            name, key = self.seal.open_node_id(id)
        except SealBroken:
            return None, None
        return GRAPH.types[name], key

    # -- fields of a row ---------------------------------------------------------------------------

    def identity(self, info: Info, here: Here) -> str:
        """The opaque id: of the row, for the purpose, in its position."""
        if here.row is None:
            return ""
        assert self.request.purpose is not None
        view = view_of(self.request.purpose, self._position(info, here))
        return self.seal.node_id(view, here.type.name, here.row.key)

    def _position(self, info: Info, here: Here) -> Position:
        """An individual number makes a view of its own of whom it is shown of."""
        if tuple(_path(info)[:-1]) in self.numbered:
            return Position.NUMBER
        return Position.READ if here.action == READ else Position.LIST

    def privacy(self, info: Info, here: Here, type_name: str) -> dict[str, Any]:
        """What is hidden of a row, or of a part of it: of every field, selected or not."""

        def hidden(info: Info) -> list[dict[str, Any]]:
            if self.stage == "reach":
                return []
            owner = info.path.prev
            assert owner is not None
            numbers = tuple(key for key in owner.as_list()[:-1] if isinstance(key, str))
            fields = executable_schema().type_map[type_name].fields
            found = (self._hidden(here, type_name, name, numbers) for name in sorted(fields))
            return [entry for entry in found if entry is not None]

        return {"hidden": hidden, "obligation": lambda info: self._obligation(here)}

    def _hidden(self, here: Here, type_name: str, name: str, owner: Name) -> dict[str, Any] | None:
        coordinate = f"{type_name}.{name}"
        if coordinate not in GRAPH.classes:
            return None
        needs = [(coordinate, here.action)]
        edge = here.type.edges.get(name) if type_name == here.type.name else None
        if edge is not None:
            needs.append((edge.target, LIST if edge.other_person else here.action))
        reasons = [self.decider.decide(*need).reason for need in needs]
        reason = next((one for one in reasons if one is not None), None)
        purposes = self._elsewhere(needs)
        is_number = not NUMBERS.isdisjoint(GRAPH.classes[coordinate])
        if is_number and reason is None and owner not in self.numbered:
            reason, purposes = "INVARIANT", []
        if reason is None:
            return None
        return {"field": name, "reason": reason, "purposes": purposes}

    def _elsewhere(self, needs: Sequence[tuple[str, str]]) -> list[str]:
        """The actor's other purposes that show all of it whole."""
        roles, case = self.actor.roles, self.request.case is not None
        found = []
        for purpose in sorted(self.book.open_to(roles) - {self.request.purpose}):
            decider = self.book.decider(roles, purpose, case)
            if all(decider.decide(*need).reason is None for need in needs):
                found.append(purpose)
        return found

    def _obligation(self, here: Here) -> dict[str, bool] | None:
        """The obligation of a row's owner, for whoever may see it; `None` where nothing is due."""
        if self.stage == "reach" or here.type.noun.owner is None:
            return None
        for coordinate in RELEASE:
            self._decide(coordinate, here.action)
        told = self.released(here.row, here.action) if here.row else (False, False)
        if not any(told):
            return None
        self.counts["told"] += 1
        return {"addressWithheld": told[0], "stopOutput": told[1]}

    def leaf(self, info: Info, here: Here, leaf: Leaf) -> Any:
        """A value: whole, masked or nothing."""
        if self.stage == "reach":
            return None
        decision = self._decide(leaf.coordinate, here.action)
        is_number = not NUMBERS.isdisjoint(leaf.label.classes)
        if is_number and decision.grants:
            if self.number_allowed and len(_path(info)) == 2:
                self.numbered.add(tuple(_path(info)[:-1]))
            else:
                decision = Decision((), "INVARIANT")
        self._decided(info, leaf.coordinate, decision)
        if here.row is None:
            return None
        return self.shown(here.row, leaf, decision)

    def part(self, info: Info, here: Here, part: Part) -> Here | None:
        """A part of the row, as an object of its own."""
        if self.stage == "reach":
            return here
        decision = self._decided(
            info,
            f"{here.type.name}.{part.field}",
            self._decide(f"{here.type.name}.{part.field}", here.action),
        )
        if here.row is None:
            return here if decision.whole else None
        return here if self.part_is_there(here.row, part, decision) else None

    def one(self, info: Info, here: Here, edge: Edge) -> Here | None:
        """The row that an edge leads to."""
        type_, action = self._beyond(here, edge)
        if self.stage == "reach":
            return Here(type_, None, action)
        decision = self._entrance(info, edge.coordinate, type_, action, here.action)
        if decision is None:
            return None
        if here.row is None:
            return self._stand_in(type_, action, here.weight)
        rows = self.over(here.row, edge, decision, action)
        if not rows:
            return None
        [row] = rows
        found = Here(type_, row, action)
        return self._entered(info.path, found) if edge.enters else found

    def many(self, info: Info, here: Here, edge: Edge, arguments: Mapping[str, Any]) -> Page | None:
        """The rows that an edge leads to."""
        type_, action = self._beyond(here, edge)
        if self.stage == "reach":
            return Page([Here(type_, None, action)])
        self._check_operands(type_, arguments, action)
        decision = self._entrance(info, edge.coordinate, type_, action, here.action)
        if decision is None:
            return None
        if here.row is None:
            return self._surveyed(info, type_, action, edge.coordinate, arguments, here.weight)
        if not self.crossing_of(here.row, edge, decision):
            return None
        rows = self.over(here.row, edge, decision, action)
        return self._page(info, type_, action, edge.coordinate, arguments, rows, edge.enters)

    def _beyond(self, here: Here, edge: Edge) -> tuple[Type, str]:
        self.reaches_others |= edge.enters
        return GRAPH.types[edge.target], LIST if edge.other_person else here.action

    # -- lists -------------------------------------------------------------------------------------

    def nodes(self, info: Info, page: Page) -> Sequence[Here]:
        """The rows of a page."""
        if page.entry:
            for at, here in enumerate(page.rows):
                self._entered(info.path.add_key(at, None), here)
        return page.rows

    def entry(self, info: Info, here: Here) -> Here:
        """One row of a page, beside its cursor."""
        return self._entered(info.path, here) if here.place and self._is_entry(here) else here

    def cursor(self, here: Here) -> str:
        """The place of a row."""
        if here.place is None:
            return ""
        self.cursors.append(here.place)
        return f"{CURSOR}{len(self.cursors) - 1}"

    def page_info(self, page: Page) -> dict[str, Any]:
        """Where a page lies."""
        real = [here for here in page.rows if here.place]
        return {
            "hasNextPage": page.more,
            "hasPreviousPage": page.before,
            "startCursor": lambda info: self.cursor(real[0]) if real else None,
            "endCursor": lambda info: self.cursor(real[-1]) if real else None,
        }

    def _surveyed(
        self,
        info: Info,
        type_: Type,
        action: str,
        coordinate: str,
        arguments: Mapping[str, Any],
        weight: int,
    ) -> Page:
        first = _first(arguments)
        if first < 0:
            self.late.add("BAD_USER_INPUT")
        if first > MAX_PAGE:
            self.late.add("LIMIT_EXCEEDED")
        for leaf, operator, operand in operands(type_, arguments.get("filter") or {}):
            # A null is refused already, and cannot be folded.
            if operator == "prefix" and operand is not None and not folded(leaf, operator, operand):
                self.late.add("BAD_USER_INPUT")
        listing = self._listing(info, type_, coordinate, arguments)
        if arguments.get("after") is not None and self._after(arguments, listing) is None:
            self.late.add("CURSOR_INVALID")
        return Page([self._stand_in(type_, action, weight * max(first, 1))])

    def _page(
        self,
        info: Info,
        type_: Type,
        action: str,
        coordinate: str,
        arguments: Mapping[str, Any],
        rows: Iterable[Row],
        entry: bool,
    ) -> Page:
        tree, terms = arguments.get("filter"), _terms(type_, arguments)
        kept = [row for row in rows if tree is None or self._matches(row, tree)]
        listing = self._listing(info, type_, coordinate, arguments)
        placed = [(place(terms, partial(self.stored, row), row.key), row) for row in kept]
        order = cmp_to_key(partial(compare, terms))
        placed.sort(key=lambda found: order(found[0]))
        after = self._after(arguments, listing)
        beyond = [
            Here(type_, row, action, place=Place(listing, values))
            for values, row in placed
            if after is None or compare(terms, values, after.values) > 0
        ]
        first = _first(arguments)
        self.counts["row"] += len(beyond[:first])
        self.counts["carried"] += after is not None and bool(beyond[:first])
        return Page(beyond[:first], len(kept), len(beyond) > first, after is not None, entry)

    def _after(self, arguments: Mapping[str, Any], listing: Listing) -> Place | None:
        """The place of the cursor given, if it is one of this list."""
        places = self.given_cursors.get(arguments.get("after") or "", ())
        return next((place for place in places if place.listing == listing), None)

    def _matches(self, row: Row, tree: Mapping[str, Any]) -> bool:
        def value_of(leaf: Leaf, action: str) -> Any:
            return self.operand(row, leaf, action)

        return holds(row.type, tree, value_of) is True

    def _listing(
        self,
        info: Info,
        type_: Type,
        coordinate: str,
        arguments: Mapping[str, Any],
    ) -> Listing:
        assert self.request.purpose is not None
        return Listing(
            self.actor.id,
            self.request.purpose,
            self.book.version,
            coordinate,
            tuple((leaf.coordinate, down) for leaf, down in _terms(type_, arguments)),
            repr(arguments.get("filter")),
            _variable(info, "after"),
        )

    # -- decisions ---------------------------------------------------------------------------------

    def _decide(self, coordinate: str, action: str) -> Decision:
        self.asked.add((coordinate, action))
        return self.decider.decide(coordinate, action)

    def _decided(self, info: Info, coordinate: str, decision: Decision) -> Decision:
        if self.stage == "survey" and decision.reason is not None:
            self._hide(info, coordinate, decision.reason)
        return decision

    def _hide(self, info: Info, coordinate: str, reason: str) -> None:
        self.hidden.append({"path": _path(info), "coordinate": coordinate, "reason": reason})

    def _entrance(
        self,
        info: Info,
        coordinate: str,
        type_: Type,
        action: str,
        here: str | None = None,
    ) -> Decision | None:
        """The decision on a root or an edge; `None` where it is hidden, or what lies beyond is.

        Neither has a masked form. `action` is asked beyond, `here` on this side of an edge.
        """
        decision = self._decided(info, coordinate, self._decide(coordinate, here or action))
        beyond = self._decide(type_.name, action)
        if decision.whole and not beyond.whole and self.stage == "survey":
            self._hide(info, coordinate, str(beyond.reason))
        return decision if decision.whole and beyond.whole else None

    @property
    def number_allowed(self) -> bool:
        """A number is for one person at a time: one root, nobody else within reach."""
        return self.lone_root and not self.reaches_others

    def _check_operand(self, type_: Type, leaf: Leaf, action: str) -> None:
        for coordinate in coordinates(type_, leaf):
            if self.stage == "survey" and not self._decide(coordinate, action).whole:
                self.early.add("OPERAND_HIDDEN")

    def _check_operands(self, type_: Type, arguments: Mapping[str, Any], action: str) -> None:
        """Refuse hidden operands, alike for every value; and what says nothing."""
        if self.stage != "survey":
            return
        tree = arguments.get("filter") or {}
        if says_nothing(type_, tree):
            self.early.add("BAD_USER_INPUT")
        for leaf, operator, _ in operands(type_, tree):
            self._check_operand(type_, leaf, action_of(operator))
        ordered = [leaf for leaf, _ in _terms(type_, arguments)]
        if len(ordered) > len({leaf.coordinate for leaf in ordered}):
            self.early.add("BAD_USER_INPUT")
        for leaf in ordered:
            self._check_operand(type_, leaf, SEARCH)
            # A ⊥ has no place in an order: what orders must be there on every row of the list.
            scope = self._decide(type_.name, action).whole
            ordering = self._decide(leaf.coordinate, SEARCH).whole
            for grant in scope:
                if not any(other.population <= grant.population for other in ordering):
                    self.early.add("OPERAND_HIDDEN")

    # -- rows of the view --------------------------------------------------------------------------

    def shown(self, row: Row, leaf: Leaf, decision: Decision) -> Any:
        """A value whole, masked or nothing."""
        if leaf.vault:
            return self._number(row, leaf, decision)
        value = self.stored(row, leaf)
        persons = _persons_of(leaf, row)
        if self.holding(decision.whole, row, persons):
            self.counts["value"] += value is not None
            return _listed(value) if isinstance(leaf.column.type, Words) else _written(value)
        if self.holding(decision.grants, row, persons):
            self.counts["masked"] += value is not None
            return _masked(value, leaf)
        return None

    def part_is_there(self, row: Row, part: Part, decision: Decision) -> bool:
        """Whether a part of a row is an object, and not `null`."""
        persons = row.type.noun.persons if withheld(part.classes) else ()
        return bool(self.holding(decision.whole, row, persons))

    def operand(self, row: Row, leaf: Leaf, action: str) -> Any:
        """A value as an operand: ⊥ where anybody of the row is covered, for everybody."""
        for coordinate in coordinates(row.type, leaf):
            if not self.in_scope(self._decide(coordinate, action).whole, row):
                return BOTTOM
        if leaf.vault:
            return None
        if self.state.covered(row, _persons_of(leaf, row)):
            self.counts["bottom"] += 1
            return BOTTOM
        return self.stored(row, leaf)

    def stored(self, row: Row, leaf: Leaf) -> Any:
        """The value of a leaf: of the persons in the log as much as this reader may be told."""
        if leaf.label.whole is not None:
            through = frozenset(row.values["through"].split())
            if through <= self.decider.seen_in_the_log:
                return row.values[leaf.label.whole]
        return row.values[leaf.column.name]

    def in_scope(self, grants: Iterable[Grant], row: Row) -> list[Grant]:
        """The grants in whose population a row lies."""
        addressed = row.type.noun.destination
        return [
            grant
            for grant in grants
            if all(self.state.in_population(row, name, self._items) for name in grant.population)
            and (addressed is None or f"payers:{row.values[addressed]}" in grant.population)
        ]

    def holding(self, grants: Iterable[Grant], row: Row, persons: Iterable[str]) -> list[Grant]:
        """The grants that open a cell of a row which the cover of these persons withholds."""
        scope = self.in_scope(grants, row)
        if not self.state.covered(row, persons):
            return scope
        despite = [grant for grant in scope if grant.despite_cover]
        self.counts["withheld"] += bool(scope) and not despite
        self.counts["despite"] += bool(despite)
        return despite

    def crossing_of(self, row: Row, edge: Edge, decision: Decision) -> list[Grant]:
        """The grants that open an edge at its source."""
        persons = row.type.noun.persons if withheld(edge.classes) else ()
        return self.holding(decision.whole, row, persons)

    def over(self, row: Row, edge: Edge, decision: Decision, action: str) -> list[Row]:
        crossing = self.crossing_of(row, edge, decision)
        return [
            target
            for target in self.state.targets(row, edge)
            if self.is_there(target, action, crossing, edge.classes)
            if not (edge.enters and action == LIST and self._left_out(target, row.type))
        ]

    def _left_out(self, row: Row, source: Type) -> bool:
        """A department's machine lists nobody of whom nothing may go out, but for the notices that
        tell it of the change."""
        if MACHINE not in self.actor.roles or row.owner is None:
            return False
        return source.noun.destination is None and self.state.obligation(row.owner)[1]

    def is_there(
        self, row: Row, action: str, crossing: Sequence[Grant], over: Sequence[str] = ()
    ) -> bool:
        """Whether a row is there at all: for itself, and at the end of the way to it.

        `crossing`: the grants that opened the way, `over` its classes.
        """
        flags = row.type.noun.present
        if flags and not any(row.values[flag] for flag in flags):
            return False
        scope = self.in_scope(self._decide(row.type.name, action).whole, row)
        if not scope or not crossing:
            return False
        if not self.state.covered(row, row.type.noun.persons):
            return True
        ways = [(scope, row.type.noun.existence), (crossing, over)]
        closed = [grants for grants, classes in ways if withheld(classes)]
        despite = all(any(grant.despite_cover for grant in grants) for grants in closed)
        self.counts["despite"] += bool(closed) and despite
        self.counts["left out"] += not despite
        return despite

    def _number(self, row: Row, leaf: Leaf, decision: Decision) -> Any:
        held = self.state.numbers.get(row.key)
        if held is None or not self.in_scope(decision.whole, row):
            return None
        self.counts["number"] += 1
        value = {
            "individualNumber": held.number,
            "individualNumberChangeReason": held.change_reason,
            "individualNumberChangeDate": held.change_date,
        }[leaf.name]
        return _written(value)

    # -- what comes with it ------------------------------------------------------------------------

    def _is_entry(self, here: Here) -> bool:
        assert here.place is not None
        coordinate = here.place.listing.coordinate
        source, _, name = coordinate.partition(".")
        if here.type.noun.owner is None:
            return False
        return source == "Query" or GRAPH.types[source].edges[name].enters

    def _entered(self, path: Path, here: Here) -> Here:
        """A person comes into the answer, with the obligation for whoever may see it."""
        if here.row is None or here.row.owner is None:
            return here
        told = self.released(here.row, here.action)
        if any(told):
            self.obligations[tuple(path.as_list())] = {
                "addressWithheld": told[0],
                "stopOutput": told[1],
            }
        return here

    def released(self, row: Row, action: str) -> tuple[bool, bool]:
        """The obligation of a row's owner, told with every row of the roles that may see it: there
        the gaps tell it anyway."""
        may = all(
            self.in_scope(self._decide(coordinate, action).whole, row) for coordinate in RELEASE
        )
        return self.state.obligation(row.owner) if may else (False, False)

    def _stand_in(self, type_: Type, action: str, weight: int) -> Here:
        self.rows += weight
        return Here(type_, None, action, weight)


PERSON_ROOTS = {"node", BY_NUMBER} | {
    name
    for type_ in GRAPH.types.values()
    if type_.noun.owner is not None
    for name in type_.noun.root
    if name is not None
}


def _named(purpose: Mapping[str, Any]) -> dict[str, Any]:
    """A purpose as `viewer` tells it."""
    names = {"code": "code", "nameJa": "name_ja", "name": "name", "legalBasis": "legal_basis"}
    return {field: purpose[column] for field, column in names.items()}


def _persons_of(leaf: Leaf, row: Row) -> Sequence[str]:
    """The columns naming whose cover withholds a leaf."""
    names = any(row.values[column] is not None for column in leaf.label.about)
    return row.type.noun.persons if leaf.withheld or names else ()


def _first(arguments: Mapping[str, Any]) -> int:
    first = arguments.get("first")
    return DEFAULT_PAGE if first is None else first


def _terms(type_: Type, arguments: Mapping[str, Any]) -> Terms:
    leaves = {order_word(leaf): leaf for leaf in type_.operands()}
    return [
        (leaves[term["field"]], term["direction"] == "DESC")
        for term in arguments.get("orderBy") or ()
    ]


def _variable(info: Info, argument: str) -> str | None:
    """The variable that brings an argument, if one does."""
    for node in info.field_nodes[0].arguments or ():
        if node.name.value == argument and isinstance(node.value, VariableNode):
            return node.value.name.value
    return None


def _path(info: Info) -> list[str]:
    """Response keys from the root, list indices left out."""
    return [key for key in info.path.as_list() if isinstance(key, str)]


def _listed(value: str | None) -> list[str] | None:
    """A list that is stored as JSON; the words of an inner list are joined."""
    if value is None:
        return None
    return [" ".join(one) if isinstance(one, list) else one for one in json.loads(value)]


def _written(value: Any) -> Any:
    """A value on the wire."""
    if isinstance(value, dt.datetime):
        return _instant(plain(value))
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _masked(value: str | None, leaf: Leaf) -> str | None:
    return f"****{value[-3:]}" if value is not None and leaf.label.mask == "last3" else None


def _names(value: Any, name: Name = ()) -> Iterable[Name]:
    """Every place in an answer, in its order."""
    yield name
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _names(inner, (*name, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _names(inner, (*name, at))
