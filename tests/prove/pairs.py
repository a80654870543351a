"""Conversations over two states that the conversation cannot tell apart, compared byte for byte."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from authz.actor import Actor
from models.graph.graph import GRAPH
from tests.generate.actor import ALONE, Person, Terms, terms
from tests.generate.dice import Dice
from tests.generate.policy import OPENED
from tests.generate.request import Guide, Writer
from tests.oracle.answer import Evaluation, Request
from tests.oracle.beside import (
    ATTEMPTS,
    CASE_REFERENCE,
    PATIENCE,
    PRIVACY_MODE,
    PURPOSE_OF_USE,
    Site,
    tells_of_the_log,
)
from tests.oracle.policy import LIST, MATCH, READ, SEARCH
from tests.oracle.schema import executable_schema
from tests.oracle.state import State
from tests.oracle.view import Facts, Sight
from tests.prove.aim import aimed
from tests.prove.change import AnyChange, Changing, Stores, make
from tests.prove.observe import Observation, Observer, body_of

CLEARED = 4
"""People cleared for a changed cell who are asked at most: not all of them reach its row."""
POSITIONS = (READ, LIST, MATCH, SEARCH)
STATES = 16
"""Other states that a conversation is had over."""
ENOUGH = 3
"""How often somebody cleared is shown to see a difference, for each class and rule."""
TRIES = 40
"""After so many changes that nobody cleared saw, something is wrong with what is proved."""


class Leak(AssertionError):
    """An observation depends on what its actor may not see."""


@dataclass
class Coverage:
    """What a search has been through.

    `cells`  (coordinate, position, rule): changes that stayed invisible, by what hid them
    `shown`  (class, rule): how often a cleared actor was shown to see such a change
    `unseen` (class, rule): changes of which every attempt to show them failed
    `changes` (mutation, outcome): how often one was part of a conversation
    """

    pairs: int = 0
    requests: int = 0
    conversations: int = 0
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    shown: Counter[tuple[str, str]] = field(default_factory=Counter)
    unseen: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Coverage) -> None:
        """Add up."""
        self.pairs += other.pairs
        self.requests += other.requests
        self.conversations += other.conversations
        self.cells.update(other.cells)
        self.shown.update(other.shown)
        self.unseen.update(other.unseen)
        self.changes.update(other.changes)

    def write(self, path: Path) -> None:
        """A table of `cells`."""
        with path.open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["coordinate", "position", "hidden_by", "changes"])
            table.writerows((*cell, number) for cell, number in sorted(self.cells.items()))

    def never_shown(self) -> list[tuple[str, str]]:
        """What was changed again and again, could be seen by somebody cleared, and never was."""
        return sorted(
            key for key, tried in self.unseen.items() if tried >= TRIES and not self.shown[key]
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of a conversation. `sight`: `None` where no document was understood."""

    person: Person
    request: Request
    body: bytes
    sight: Sight | None


@dataclass
class Pairs:
    """Conversations over one town, and over states beside it."""

    site: Site
    observer: Observer
    stores: Stores
    coverage: Coverage
    compare: bool = True
    states: int = STATES
    aimed: int = 50
    # What the coverage decides must not be rolled with the dice of a conversation.
    own_dice: Dice = field(default_factory=lambda: Dice.seeded(0))

    @classmethod
    def over(cls, site: Site, coverage: Coverage, **options: Any) -> Pairs:
        """`compare`: also with the oracle's answer. `states`: how many beside the first. `aimed`:
        how many of a hundred requests are of that kind."""
        services = site.services
        stores = Stores(services.database, services.answer._reads.vault)
        return cls(site, Observer(services), stores, coverage, **options)

    async def converse(self, dice: Dice) -> None:
        """One conversation over the town as it is, and over other states.

        Raises `Leak` or `Difference`.
        """
        turns, told = await self._begin(dice)
        if not turns:
            return
        views = [turn.sight.view() for turn in turns if turn.sight]
        self.coverage.conversations += 1
        for _ in range(self.states):
            await self._over_another(dice, turns, views, told)

    # -- the conversation --------------------------------------------------------------------------

    async def _begin(self, dice: Dice) -> tuple[list[Turn], list[Observation]]:
        """Requests of somebody, pages that follow, another purpose, a stranger; what they got."""
        at = aimed(self.site, dice) if dice.chance(self.aimed) else None
        if at is None:
            who = terms(dice)
            written = Writer(dice, executable_schema(), self._guide(dice, who)).write()
        else:
            who, written = at
        request = Request(written.document, written.variables, who.purpose, who.case, who.mode)
        turns, told = [], []
        if tells_of_the_log(written.document):
            # The log grows with every request; what goes into it is compared as it is written.
            return turns, told

        async def ask(person: Person, request: Request, body: bytes | None = None) -> Any:
            turn = await self._turn(person, request, body)
            cursors: Sequence[Any] = ()
            if self.compare and body is None:
                cursors = await self.site.compare(person, request)
            turns.append(turn)
            told.append(await self._observe(turn))
            return cursors

        cursors = await ask(who.person, request)
        if dice.chance(6):
            await ask(who.person, request, _broken(dice, request))
        if dice.chance(15):
            purpose = dice.pick(sorted({p for r in who.person.roles for p in OPENED[r]} | {""}))
            await ask(who.person, replace(request, purpose=purpose or None))
        if dice.chance(15):
            await ask(replace(who.person, roles=dice.pick(ALONE)), request)
        for _ in range(2):
            carried = [(place, text) for place, text in cursors if place.listing.variable]
            if not carried:
                break
            place, text = dice.pick(carried)
            variables = {**request.variables, str(place.listing.variable): text}
            request = replace(request, variables=variables)
            cursors = await ask(who.person, request)
        return turns, told

    def _guide(self, dice: Dice, who: Terms) -> Guide:
        """Half of the writers ask for what they may not see; hidden operands only end a request."""
        guide = self.site.guide(who.person, who.purpose, who.case)
        if dice.chance(50):
            return guide
        may = guide.may
        return replace(guide, may=lambda what, how: how in (READ, LIST) or may(what, how))

    async def _turn(self, person: Person, request: Request, body: bytes | None) -> Turn:
        if body is not None:
            return Turn(person, request, body, None)
        _, actor = await self.site.signed(person)
        sight = self._sight(request, actor)
        return Turn(person, request, body_of(request.document, request.variables), sight)

    def _sight(self, request: Request, actor: Actor) -> Sight:
        return Sight(Evaluation(self.site.oracle, request, actor, self.site.cursors))

    async def _observe(self, turn: Turn) -> Observation:
        for _ in range(ATTEMPTS):
            observed = await self.observe_once(turn)
            # A store was slow: that tells of the machine.
            if observed.status != 503:
                break
            await asyncio.sleep(PATIENCE)
        return observed

    async def observe_once(self, turn: Turn) -> Observation:
        """Send a turn's request, and see what it does."""
        token, _ = await self.site.signed(turn.person)
        headers = {"authorization": f"Bearer {token}"}
        for name, value in (
            (PURPOSE_OF_USE, turn.request.purpose),
            (CASE_REFERENCE, turn.request.case),
            (PRIVACY_MODE, turn.request.mode),
        ):
            if value is not None:
                headers[name] = value
        self.coverage.requests += 1
        return await self.observer.ask(turn.body, headers)

    # -- another state -----------------------------------------------------------------------------

    async def _over_another(
        self, dice: Dice, turns: Sequence[Turn], views: Sequence[Facts], told: Sequence[Observation]
    ) -> None:
        changes: list[AnyChange] = []
        differing, witnesses, stored = None, [], False
        try:
            self._change(dice, turns, views, changes)
            if not changes:
                return
            await self.stores.make(changes)
            stored = True
            for turn, before in zip(turns, told, strict=True):
                after = await self._observe(turn)
                if after != before:
                    differing = turn, before, after
                    break
            else:
                witnesses = await self._witnesses(turns, changes)
        finally:
            back = _undone(self.site.oracle.state, changes)
            if stored:
                await self.stores.make(back)
        self.coverage.pairs += 1
        if differing is not None:
            raise Leak(_report(changes, *differing))
        self._cover(turns, changes)
        for witness in witnesses:
            await witness()

    def _change(
        self,
        dice: Dice,
        turns: Sequence[Turn],
        views: Sequence[Facts],
        changes: list[AnyChange],
    ) -> None:
        """Add changes, made, that leave every view as it is; in groups, to look less often."""
        state = self.site.oracle.state
        sights = [turn.sight for turn in turns if turn.sight]
        changing = Changing(dice, state, {what for sight in sights for what, _ in sight.asked})
        groups, size = dice.pick([(1, 1), (1, 1), (8, 3)])
        for _ in range(groups):
            kept = len(changes)
            for _ in range(size):
                change = changing.propose()
                if change is not None:
                    make(state, change)
                    changes.append(change)
            if any(view != sight.view() for sight, view in zip(sights, views, strict=True)):
                _undone(state, changes[kept:])
                del changes[kept:]

    # -- coverage ----------------------------------------------------------------------------------

    def _cover(self, turns: Sequence[Turn], changes: Sequence[AnyChange]) -> None:
        for change in changes:
            for coordinate in change.coordinates:
                found = set(_hidden_by(turns, change, coordinate))
                self.coverage.cells.update(
                    (coordinate, position, rule) for position, rule in found or {("-", "not asked")}
                )

    async def _witnesses(
        self, turns: Sequence[Turn], changes: Sequence[AnyChange]
    ) -> list[Callable[[], Awaitable[None]]]:
        """Ask somebody cleared over the changed state; what is returned asks over the first one."""
        if len(changes) != 1:
            return []
        [change] = changes
        found = []
        for coordinate in change.coordinates:
            for _, rule in sorted(set(_hidden_by(turns, change, coordinate))):
                keys = [(class_, rule) for class_ in GRAPH.classes[coordinate]]
                if all(self.coverage.shown[key] >= ENOUGH for key in keys):
                    continue
                turns_of = await self._cleared(change, coordinate, rule)
                if turns_of:
                    found.append(await self._witness(turns_of, keys))
        return found

    async def _witness(
        self, turns: Sequence[Turn], keys: Sequence[tuple[str, str]]
    ) -> Callable[[], Awaitable[None]]:
        after = [await self._observe(turn) for turn in turns]

        async def compare() -> None:
            before = [await self._observe(turn) for turn in turns]
            differs = any(one.body != other.body for one, other in zip(before, after, strict=True))
            (self.coverage.shown if differs else self.coverage.unseen).update(keys)

        return compare

    async def _cleared(self, change: AnyChange, coordinate: str, rule: str) -> list[Turn]:
        """Requests of a few who may read the changed cell of such a row, if anybody may."""
        book, type_ = self.site.oracle.book, change.row.type
        despite = rule == "cover"
        may = [
            (roles, purpose)
            for roles in CAST
            for purpose in sorted(book.open_to(roles))
            if _reads(book.decider(roles, purpose, True), type_.name, coordinate, despite)
        ]
        node = self.site.node_id(type_.name, change.row.key)
        document = (
            f"query ($id: ID!) {{ node(id: $id) {{ {_selecting(type_.name, coordinate)} }} }}"
        )
        return [
            await self._turn(
                Person(roles, "other"), Request(document, {"id": node}, purpose, "K-7/a"), None
            )
            for roles, purpose in self.own_dice.sample(may, CLEARED)
        ]


def _undone(state: State, changes: Sequence[AnyChange]) -> list[AnyChange]:
    """Take changes of the oracle's rows back; what does the same in the stores."""
    back = [change.back for change in reversed(changes)]
    for change in back:
        make(state, change)
    return back


CAST = [*ALONE, frozenset({"addressee-registrar", "number-handler"})]


def _reads(decider: Any, type_name: str, coordinate: str, despite: bool) -> bool:
    """Whether a row and a cell of it may be read whole, in spite of a cover if need be."""
    needed = {type_name, coordinate}
    part = PARTS.get(coordinate.partition(".")[0])
    if part is not None:
        needed.add(part)
    decisions = [decider.decide(what, READ) for what in sorted(needed)]
    if not all(decision.whole for decision in decisions):
        return False
    return not despite or any(grant.despite_cover for one in decisions for grant in one.whole)


PARTS = {
    part.type_name: f"{type_.name}.{part.field}"
    for type_ in GRAPH.types.values()
    for part, _ in type_.parts.values()
}


def _selecting(type_name: str, coordinate: str) -> str:
    """A selection of `node` that shows a field, an edge, or that the row is there."""
    owner, _, name = coordinate.partition(".")
    if not name:
        return f"... on {type_name} {{ id }}"
    edge = GRAPH.types[owner].edges.get(name) if owner in GRAPH.types else None
    if edge is not None:
        name += " { nodes { id } }" if edge.many else " { id }"
    part = PARTS.get(owner)
    if part is not None:
        name = f"{part.partition('.')[2]} {{ {name} }}"
    return f"... on {type_name} {{ {name} }}"


def _hidden_by(turns: Sequence[Turn], change: AnyChange, coordinate: str) -> Any:
    """Where the conversation asked for what was changed, and what hid it there."""
    for turn in turns:
        if turn.sight is None:
            continue
        for position in POSITIONS:
            if (coordinate, position) in turn.sight.asked:
                rule = turn.sight.hides(change.row, coordinate, position)
                if rule is not None or not turn.sight.reads:
                    yield position, rule or "refused"


def _broken(dice: Dice, request: Request) -> bytes:
    """A request that is none: cut short, misspelt, too much, or with variables that do not fit."""
    document, variables = request.document, dict(request.variables)
    kind = dice.below(5)
    if kind == 0:
        document = document[: dice.below(len(document))]
    elif kind == 1:
        at = dice.below(len(document))
        document = f"{document[:at]}x{document[at:]}"
    elif kind == 2:
        document = " ".join(["query {", *(f"a{at}: viewer {{ id }}" for at in range(400)), "}"])
    elif kind == 3:
        variables = {name: [value, {"x": value}] for name, value in variables.items()}
    else:
        return body_of(document, variables)[: dice.below(40)]
    return body_of(document, variables)


# -- reports ---------------------------------------------------------------------------------------


def _report(
    changes: Sequence[AnyChange], turn: Turn, before: Observation, after: Observation
) -> str:
    sent = turn.body.decode(errors="replace")
    return "\n".join(
        [
            f"{'+'.join(sorted(turn.person.roles))} of {turn.person.section}",
            f"Purpose-Of-Use: {turn.request.purpose}",
            f"Case-Reference: {turn.request.case}",
            f"Privacy-Mode: {turn.request.mode}",
            turn.request.document,
            sent,
            "may not see, and yet it matters:",
            *(f"  {change}" for change in changes),
            *_differing(before, after),
        ]
    )


def _differing(before: Observation, after: Observation) -> list[str]:
    """The first thing that differs."""
    if (before.status, before.headers) != (after.status, after.headers):
        return [
            f"status and headers: {before.status} {before.headers}",
            f"{after.status} {after.headers}",
        ]
    if before.body != after.body:
        return ["the answer, before and after:", _words(before.body), _words(after.body)]
    for one, other in zip(before.calls, after.calls, strict=False):
        if one != other:
            return ["a call to a store, before and after:", str(one), str(other)]
    return [f"{len(before.calls)} and {len(after.calls)} calls to stores"]


def _words(body: bytes) -> str:
    return json.dumps(orjson.loads(body), ensure_ascii=False)
