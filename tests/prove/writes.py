"""Conversations with mutations, over two states that the conversation cannot tell apart.

    the first time   one mutation or two, reads before and after, of the actor and of others; what
                     each mutation wrote is told by reading the tables before and after
    put back         the tables are exactly as they were (`undo.py`)
    once more        over a changed state: each observation is the same, and so is what was written

Changes of state leave alone what the mutations' actors could tell (`tests/oracle/written.py`).
Mostly they leave alone too what the transactions go by: then everything is compared. Otherwise only
the outcome of the first mutation that goes by something else: its status, and a refusal's text.

The server's clock stands still, and the random part of a transfer's number is counted: whatever
else differs would be a leak.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

import resolvers.protection.substitute_place
import resolvers.read.lift_use
import resolvers.transfer.changes
import resolvers.write.pipeline
from models.graph.graph import GRAPH
from resolvers.write.pipeline import UseCase
from schema.http.application import use_cases
from tests.generate.actor import ALONE, OPEN, Person, Terms, terms
from tests.generate.dice import Dice
from tests.generate.mutation import WITHHELD, MutationWriter, mutations
from tests.generate.policy import OPENED
from tests.generate.request import Writer
from tests.generate.town import new_row
from tests.oracle.answer import Oracle, Refusal, Request
from tests.oracle.beside import ATTEMPTS, Difference, Site, tells_of_the_log
from tests.oracle.policy import READ, RELEASE
from tests.oracle.schema import executable_schema
from tests.oracle.state import Row, State
from tests.oracle.view import Facts, Sight
from tests.oracle.written import OUTCOMES, WriteEvaluation, looked_at, make_writable, may, outcome
from tests.prove.aim import aimed
from tests.prove.change import AnyChange, Change, Changing, NumberChange, make
from tests.prove.observe import Observation, body_of
from tests.prove.pairs import Leak, Pairs, Turn, _report, _undone
from tests.prove.undo import TABLES, Delta, Stored, Undo, deltas, left, undo_of

PATIENCE = 4
"""How many mutations are tried until one is open to somebody."""
LIFTING = 12
"""Of a hundred conversations that write, in how many a lift is used, and nothing else written."""
WHOLE = 60
"""Of a hundred changed states, in how many the transactions go by the same."""
WITHHELD_OF_ONE = (
    "residence { address }",
    "w: contacts(first: 5) { nodes { value } }",
    "w: forwardingAddresses(first: 5) { nodes { address } }",
    "",
)
"""Selected of whom a lift is for: without any of it, it opens nothing."""
NUMBER = "individualNumber"
USE_CASES = {use_case.name: use_case for use_case in use_cases()}
CLOCKS = (
    resolvers.write.pipeline,
    resolvers.read.lift_use,
    resolvers.protection.substitute_place,
)
"""Modules that read the clock while they change something."""


@dataclass(frozen=True, slots=True)
class Mutated:
    """A mutation that was carried out or refused, over the state before and after it."""

    evaluation: WriteEvaluation
    named: frozenset[Any]
    before: State
    sight: Sight
    outcome: str

    @property
    def name(self) -> str:
        """Which mutation."""
        return self.evaluation.use_case.name

    def view(self) -> Facts:
        """What its actor could tell: nothing of the state, where that decides nothing."""
        if not self.sight.reads:
            return {}
        # What is issued is looked over before it is, and may be refused for whom it would show.
        reads = self.outcome == "OK" or self.evaluation.use_case.issues
        shown = self.sight.view() if reads else {}
        return {"outcome": outcome(self.evaluation, self.before, self.named), **shown}

    def goes_by(self) -> Facts:
        """What its transaction goes by; nothing where it never begins."""
        return looked_at(self.before, self.name) if self.sight.reads else {}


@dataclass(frozen=True, slots=True)
class Held:
    """A lift that is stored for somebody, and lives: whose, and for whom."""

    change: Change
    who: Terms
    person: str


@dataclass(frozen=True, slots=True)
class Step:
    """One request, what came back, the tables after it, what it wrote; of a mutation the rest.

    `lifted`: the person of whom it may show more by a lift.
    """

    turn: Turn
    told: Observation
    after: Stored
    wrote: dict[str, Delta] = field(default_factory=dict)
    mutated: Mutated | None = None
    lifted: str | None = None

    def view(self) -> Facts:
        """What this request could tell."""
        if self.mutated is not None:
            return self.mutated.view()
        facts = self.turn.sight.view() if self.turn.sight else {}
        if self.lifted is not None and self.turn.sight and self.turn.sight.reads:
            facts["lifted"] = dict(lifted(self.turn.sight, self.lifted))
        return facts


@dataclass
class Had:
    """A conversation as it was had first. `states`: the town before it, and after each request that
    wrote; `stored`: its tables then.

    `recent`: rows that mutations showed last, by type; `named`: what their inputs named; `wrote`:
    the tables written to.
    """

    states: list[State]
    stored: list[Stored]
    lift: Held | None = None
    steps: list[Step] = field(default_factory=list)
    recent: dict[str, Any] = field(default_factory=dict)
    named: set[Any] = field(default_factory=set)
    wrote: set[str] = field(default_factory=set)


class Writings:
    """Conversations with mutations over one town."""

    def __init__(self, pairs: Pairs) -> None:
        make_writable()
        self.pairs = pairs
        self.undo: Undo = undo_of(pairs.site.services)
        self._able: dict[str, list[tuple[frozenset[str], str]]] = {}
        self._instant = dt.datetime.now(dt.UTC)
        self._numbers = count()

    @property
    def site(self) -> Site:
        """The town."""
        return self.pairs.site

    def close(self) -> None:
        """Disconnect."""
        self.undo.close()

    async def converse(self, dice: Dice) -> None:
        """One conversation, over the town as it is and over other states.

        Raises `Leak` or `Difference`.
        """
        self._instant = dt.datetime.now(dt.UTC)
        with self._standing_still():
            begun = await self.undo.read()
            lift = await self._lift(dice) if dice.chance(LIFTING) else None
            if lift is None:
                await self._converse(dice, begun, None)
                return
            make(self.site.oracle.state, lift.change)
            try:
                await self.pairs.stores.make([lift.change])
                await self._converse(dice, await self.undo.read(), lift)
            finally:
                make(self.site.oracle.state, lift.change.back)
                await self.undo.restore(begun)

    async def _converse(self, dice: Dice, stored: Stored, lift: Held | None) -> None:
        had = Had([self.site.oracle.state], [stored], lift)
        self._numbers = count()
        try:
            await (self._lifted if lift else self._written)(dice, had)
        finally:
            await self.undo.restore(stored, self._taken(had.wrote))
        self.pairs.coverage.conversations += 1
        views = [step.view() for step in had.steps]
        goes_by = [step.mutated.goes_by() if step.mutated else {} for step in had.steps]
        for _ in range(self.pairs.states):
            await self._over_another(dice, had, views, goes_by)
        assert await self.undo.read() == stored, "the changes of state were not put back"

    @contextlib.contextmanager
    def _standing_still(self) -> Iterator[None]:
        """The clock of changes stands still, and random parts are counted."""
        instant = self._instant

        class Still(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                return instant.astimezone(tz)

        clock = type("clock", (), {**vars(dt), "datetime": Still})
        letters = str.maketrans("0123456789", "ghjkmnpqrs")
        with pytest.MonkeyPatch.context() as patch:
            for module in CLOCKS:
                patch.setattr(module, "dt", clock)
            patch.setattr(
                resolvers.transfer.changes,
                "fresh",
                lambda _: f"{next(self._numbers):08x}".translate(letters),
            )
            yield

    # -- the conversation --------------------------------------------------------------------------

    async def _written(self, dice: Dice, had: Had) -> None:
        """A conversation with mutations."""
        if dice.chance(20):
            await self._read_anything(dice, had, terms(dice))
        for _ in range(dice.pick([1, 1, 2])):
            await self._mutate(dice, had)
            await self._read_what_was_touched(dice, had)

    async def _mutate(self, dice: Dice, had: Had) -> None:
        """One mutation by somebody who may, or by anybody."""
        names = mutations(executable_schema())
        name = dice.pick(names)
        for _ in range(PATIENCE):
            # Some are open to nobody in this town; those refuse alike.
            if self._who_may(name):
                break
            name = dice.pick(names)
        who = self._asking(dice, name)
        with self._over(had.states[-1]):
            guide = self.site.guide(who.person, who.purpose, who.case)
            writer = MutationWriter(dice, executable_schema(), guide, had.recent, self._instant)
            written = writer.change(name)
            had.named |= writer.named
            request = Request(written.document, written.variables, who.purpose, who.case, who.mode)
            body = body_of(request.document, request.variables)
            turn = Turn(who.person, request, body, None)
            told = await self._observe_change(turn, had.stored[-1])
        before, changed = had.states[-1], self.pairs.observer.changed
        wrote = await self._after(had)
        _, actor = await self.site.signed(who.person)
        evaluated = partial(
            WriteEvaluation,
            Oracle(had.states[-1], self.site.oracle.book, self.site.oracle.seal), request, actor,
            self.site.cursors, USE_CASES[name], changed.rows, changed.values,
        )  # fmt: skip
        self._check(evaluated, turn, told, wrote)
        evaluation = evaluated()
        sight = Sight(evaluation)
        named = frozenset(writer.named)
        mutated = Mutated(evaluation, named, before, sight, _outcome(told))
        asked = replace(turn, sight=sight)
        had.steps.append(Step(asked, told, had.stored[-1], wrote, mutated))
        payload: Any = executable_schema().mutation_type.fields[name].type  # type: ignore[union-attr]
        for key, value in changed.rows.items():
            had.recent[payload.fields[key].type.name] = value
        self.pairs.coverage.changes[name, _outcome(told)] += 1

    def _who_may(self, name: str) -> list[tuple[frozenset[str], str]]:
        """The roles and purposes that may carry a mutation out in this town."""
        if name not in self._able:
            use_case, book = USE_CASES[name], self.site.oracle.book
            self._able[name] = [
                (frozenset({role}), purpose)
                for role, purpose in OPEN
                if (role, purpose) in book.opened and _may(use_case, book, role, purpose)
            ]
        return self._able[name]

    def _asking(self, dice: Dice, name: str) -> Terms:
        who, able = terms(dice), self._who_may(name)
        if not able or not dice.chance(85):
            return who
        narrow = [pair for pair in able if self._is_narrow(name, *pair)] if dice.chance(40) else []
        roles, purpose = dice.pick(narrow or able)
        # Two sections: of two people with the same role one proposes, another decides.
        section = dice.pick(["branch", "other", "branch", who.person.section])
        return Terms(Person(roles, section), purpose, who.case, who.mode)

    def _is_narrow(self, name: str, roles: frozenset[str], purpose: str) -> bool:
        """Whether they may write within a population alone."""
        decider = self.site.oracle.book.decider(roles, purpose, True)
        coordinate, action = USE_CASES[name].asks()[0]
        return all(grant.population for grant in decider.decide(coordinate, action.value).whole)

    async def _observe_change(self, turn: Turn, stored: Stored) -> Observation:
        """Where a store was slow, everything is put back and asked again."""
        for _ in range(ATTEMPTS):
            told = await self.pairs.observe_once(turn)
            if told.status != 503:
                break
            await self.undo.restore(stored, self._taken())
        return told

    def _taken(self, *beside: set[str]) -> set[str]:
        """The tables written to since somebody last asked, and others."""
        wrote = set().union(self.pairs.observer.wrote, *beside)
        self.pairs.observer.wrote.clear()
        return wrote

    async def _after(self, had: Had) -> dict[str, Delta]:
        """What a request wrote; the state after it is the last one from now on."""
        names, before = self._taken(), had.states[-1]
        had.wrote |= names
        after = await self.undo.read(had.stored[-1], names)
        wrote = deltas(had.stored[-1], after)
        if wrote:
            tables = {name: list(rows) for name, rows in before.tables.items()}
            async with self.site.services.database.look() as connection:
                for name in wrote.keys() & TABLES.keys():
                    found = await connection.execute(sa.select(TABLES[name]))
                    tables[name] = [dict(row._mapping) for row in found]
            had.states.append(State(tables, dict(before.numbers)))
            had.stored.append(after)
        return wrote

    def _check(
        self,
        evaluated: Callable[[], WriteEvaluation],
        turn: Turn,
        told: Observation,
        wrote: dict[str, Delta],
    ) -> None:
        """What the oracle knows of it: who may, and what the payload shows of the rows after it.

        Raises `Difference`.
        """
        refused, use_case = _outcome(told) != "OK", evaluated().use_case
        if refused and wrote:
            raise Difference(f"{_words(turn)}\nrefused, and yet written: {wrote}")
        expected = evaluated().survey()
        if refused and (expected is None or use_case.issues):
            # By its use case, of which the oracle knows nothing.
            return
        if "lift_use" in wrote or (use_case.issues and NUMBER in turn.request.document):
            # Nor of lifts, nor how far beneath a root a payload's number stands.
            return
        expected = expected or evaluated().outcome()
        if isinstance(expected, Refusal) or refused:
            self.site._refused(turn.person, turn.request, expected, _outcome(told))
        else:
            self.site._answered(turn.person, turn.request, expected, told.body)

    # -- reads around it ---------------------------------------------------------------------------

    async def _read_what_was_touched(self, dice: Dice, had: Had) -> None:
        """What a mutation wrote to, or named, read by its actor and by others; and anything."""
        last = had.steps[-1]
        assert last.mutated is not None
        for _ in range(1 + dice.below(2)):
            row = self._touched(dice, had)
            who = Terms(last.turn.person, last.turn.request.purpose, "K-7/a", "null")
            if dice.chance(50):
                roles = dice.pick(ALONE)
                purposes = OPENED[next(iter(roles))] or [""]
                who = Terms(Person(roles, "other"), dice.pick(purposes), "K-7/a", "null")
            if row is None or dice.chance(25):
                await self._read_anything(dice, had, who)
                continue
            with self._over(had.states[-1]):
                guide = self.site.guide(who.person, who.purpose, who.case)
                writer = Writer(dice, executable_schema(), guide, fields=12)
                written = writer.one(row.type.name, row.key)
                await self._read(had, who, Request(
                    written.document, written.variables, who.purpose, who.case
                ))  # fmt: skip

    def _touched(self, dice: Dice, had: Had) -> Row | None:
        """A row that was written, one that belongs to the same person, or one that was named."""
        state = had.states[-1]
        wrote, rows = had.steps[-1].wrote, []
        for type_ in GRAPH.types.values():
            delta = wrote.get(type_.table.name)
            keys = {key for key, _ in delta.cells} | delta.added.keys() if delta else set()
            for row in state.rows[type_.name]:
                if (row.key,) in keys or row.key in had.named or row.owner in had.named:
                    rows.append(row)
        return dice.pick(rows) if rows else None

    async def _read_anything(self, dice: Dice, had: Had, who: Terms) -> None:
        with self._over(had.states[-1]):
            at = aimed(self.site, dice) if dice.chance(50) else None
            if at is None:
                guide = self.site.guide(who.person, who.purpose, who.case)
                at = who, Writer(dice, executable_schema(), guide).write()
            who, written = at
            request = Request(written.document, written.variables, who.purpose, who.case, who.mode)
            if not tells_of_the_log(written.document):
                await self._read(had, who, request)

    async def _read(self, had: Had, who: Terms, request: Request) -> None:
        uses = had.lift is not None and who.person == had.lift.who.person
        if self.pairs.compare and not uses:
            await self.site.compare(who.person, request)
        turn = await self.pairs._turn(who.person, request, None)
        told = await self.pairs._observe(turn)
        wrote = await self._after(had) if had.lift else {}
        person = had.lift.person if uses and had.lift else None
        had.steps.append(Step(turn, told, had.stored[-1], wrote, lifted=person))

    # -- lifts -------------------------------------------------------------------------------------

    async def _lifted(self, dice: Dice, had: Had) -> None:
        """A conversation in which a lift is used, as often as it may be; a stranger gets nothing
        by it."""
        assert had.lift is not None
        who, person = had.lift.who, had.lift.person
        stranger = replace(who, person=replace(who.person, section="stranger"))
        for asking in (who, who, stranger, who):
            with self._over(had.states[-1]):
                guide = self.site.guide(who.person, who.purpose, who.case)
                written = Writer(dice, executable_schema(), guide, 16).one(
                    "Addressee", person, dice.pick(WITHHELD_OF_ONE)
                )
                await self._read(had, asking, Request(
                    written.document, written.variables, who.purpose, who.case
                ))  # fmt: skip
        used = sum("lift_use" in step.wrote for step in had.steps)
        self.pairs.coverage.changes["(a lift)", f"used {used} times"] += 1

    async def _lift(self, dice: Dice) -> Held | None:
        """A lift that lives, for somebody who may see what it opens but for the cover."""
        state, table = self.site.oracle.state, GRAPH.types["Lift"].table
        covered = [row.key for row in state.rows["Addressee"] if state.covered(row, ["code"])]
        if not covered or not self._lifting():
            return None
        roles, purpose = dice.pick(self._lifting())
        who = Terms(Person(roles, dice.pick(["branch", "other"])), purpose, "K-7/a", "null")
        person, key = dice.pick(covered), max((row.key for row in state.rows["Lift"]), default=0)
        _, actor = await self.site.signed(who.person)
        row = new_row(dice, table, key + 1, state.tables) | {
            "addressee_code": person, "staff_id": actor.id, "path": "SCREEN",
            "classes": " ".join(sorted({"residence", *dice.sample(WITHHELD, 4)})),
            "ends_at": self._instant + dt.timedelta(days=1), "used": 0, "uses": 1 + dice.below(3),
            "proposed_by": "abe", "approved_by": "mori", "revoked_at": None,
        }  # fmt: skip
        return Held(Change(GRAPH.types["Lift"], key + 1, None, row), who, person)

    def _lifting(self) -> list[tuple[frozenset[str], str]]:
        """The roles and purposes to which lifts open something in this town."""
        if "" not in self._able:
            book = self.site.oracle.book
            self._able[""] = [
                (frozenset({role}), purpose)
                for role, purpose in OPEN
                if (role, purpose) in book.opened
                and all(
                    book.decider(frozenset({role}), purpose, True).decide(each, READ).whole
                    for each in ("Addressee", *RELEASE, "Residence.address", "Addressee.residence")
                )
            ]
        return self._able[""]

    @contextlib.contextmanager
    def _over(self, state: State) -> Iterator[None]:
        """The oracle looks at another state."""
        oracle = self.site.oracle
        self.site.oracle = replace(oracle, state=state)
        try:
            yield
        finally:
            self.site.oracle = oracle

    # -- another state -----------------------------------------------------------------------------

    async def _over_another(
        self, dice: Dice, had: Had, views: Sequence[Facts], goes_by: Sequence[Facts]
    ) -> None:
        changes: list[AnyChange] = []
        stored: Stored | None = None
        differs, again = None, set[str]()
        try:
            self._change(dice, had, views, goes_by, changes)
            if not changes:
                return
            await self.pairs.stores.make(changes)
            tables = {change.type.table.name for change in changes if isinstance(change, Change)}
            stored = await self.undo.read(had.stored[0], tables)
            differs = await self._have_again(had, goes_by, stored, again)
        finally:
            back = self._undo(had, changes)
            if stored is not None:
                await self.undo.restore(stored, self._taken(again))
                await self.pairs.stores.make(back)
        self.pairs.coverage.pairs += 1
        if differs is not None:
            raise Leak(_report(changes, *differs[:3]) + differs[3])
        self.pairs._cover([step.turn for step in had.steps], changes)

    async def _have_again(
        self, had: Had, goes_by: Sequence[Facts], stored: Stored, wrote: set[str]
    ) -> Any:
        """The first turn of which something differs: with what came before and after. `wrote`: the
        tables written to are added."""
        self._numbers = count()
        for step, same in zip(had.steps, goes_by, strict=True):
            if step.mutated is None:
                seen = await self.pairs._observe(step.turn)
            else:
                seen = await self._observe_change(step.turn, stored)
                if step.mutated.goes_by() != same:
                    one, other = _told(step.told), _told(seen)
                    return None if one == other else (step.turn, step.told, seen, "")
            if seen != step.told:
                return step.turn, step.told, seen, ""
            if step.mutated is not None or had.lift is not None:
                tables = self._taken()
                wrote |= tables
                after = await self.undo.read(stored, tables)
                wrote_now = deltas(stored, after)
                one = left(step.wrote, wrote_now, step.after)
                other = left(wrote_now, step.wrote, after)
                stored = after
                if one != other:
                    return step.turn, step.told, seen, f"\nwritten:\n{one}\n{other}"
        return None

    def _change(
        self,
        dice: Dice,
        had: Had,
        views: Sequence[Facts],
        goes_by: Sequence[Facts],
        changes: list[AnyChange],
    ) -> None:
        """Add changes, made in every state, that leave every view as it is."""
        changing = _Changing(dice, had)
        whole = dice.chance(WHOLE)
        groups, size = dice.pick([(1, 1), (1, 1), (6, 3)])
        for _ in range(groups):
            kept = len(changes)
            for _ in range(size):
                change = changing.propose()
                if change is not None and self._make(had, change):
                    changes.append(change)
            if len(changes) == kept:
                continue
            same = all(view == step.view() for step, view in zip(had.steps, views, strict=True))
            if same and whole:
                same = all(
                    step.mutated is None or step.mutated.goes_by() == by
                    for step, by in zip(had.steps, goes_by, strict=True)
                )
            if not same:
                self._undo(had, changes[kept:])
                del changes[kept:]

    def _make(self, had: Had, change: AnyChange) -> bool:
        """Make a change in every state, if it can be one of each."""
        told = [_as_in(state, change) for state in had.states]
        if any(one is None for one in told):
            return False
        for state, one in zip(had.states, told, strict=True):
            assert one is not None
            make(state, one)
        return True

    def _undo(self, had: Had, changes: Sequence[AnyChange]) -> list[AnyChange]:
        """Take changes back in every state; what does the same in the stores."""
        for state in had.states[1:]:
            for change in reversed(changes):
                back = _as_in(state, change.back)
                assert back is not None
                make(state, back)
        return _undone(had.states[0], changes)


class _Changing(Changing):
    """Proposes also changes of the rows that the mutations named."""

    def __init__(self, dice: Dice, had: Had) -> None:
        sights = [step.turn.sight for step in had.steps if step.turn.sight]
        super().__init__(dice, had.states[0], {what for sight in sights for what, _ in sight.asked})
        self.named = had.named
        self.told = [
            told
            for step in had.steps
            if step.mutated is not None
            for told in OUTCOMES.get(step.mutated.name, ())
        ]

    def propose(self) -> AnyChange | None:
        """A change of some kind."""
        if self.told and self.dice.chance(50):
            return self._of_named()
        return super().propose()

    def _of_named(self) -> AnyChange | None:
        """A cell of a row that is named, mostly one that outcomes depend on, or the row itself."""
        told = self.dice.pick(self.told)
        type_, rows = GRAPH.types[told.type], [*told.rows(self.state, self.named)]
        if rows and self.dice.chance(25):
            row = self.dice.pick(rows)
            gone = Change(type_, row.key, dict(row.values), None)
            return None if self._is_referred_to(gone) else gone
        columns = [*told.columns, *told.own]
        if not columns or self.dice.chance(30):
            columns = [column.name for column in type_.table.columns]
        return self._cell(type_, columns, rows)


def _as_in(state: State, change: AnyChange) -> AnyChange | None:
    """A change as one of a later state, if it can be: the row is as it was, in this cell."""
    if isinstance(change, NumberChange):
        return change
    row = state.by_key(change.type.name, change.key)
    if change.before is None:
        return change if row is None else None
    if row is None:
        return None
    if change.after is None:
        return change if dict(row.values) == dict(change.before) else None
    assert change.column is not None
    if row.values[change.column] != change.before[change.column]:
        return None
    values = dict(row.values)
    after = values | {change.column: change.after[change.column]}
    return Change(change.type, change.key, values, after, change.column)


def lifted(sight: Sight, person: str) -> Iterator[tuple[Any, Any]]:
    """What a lift could open at most: as if nobody covered were of the rows of this person."""
    evaluation = sight._evaluation
    for type_ in GRAPH.types.values():
        if (type_.name, READ) not in sight.asked:
            continue
        parts = [leaf for _, leaves in type_.parts.values() for leaf in leaves.values()]
        leaves = [leaf for leaf in (*type_.leaves.values(), *parts) if not leaf.vault]
        for row in evaluation.state.rows[type_.name]:
            if person not in [row.values[column] for column in type_.noun.persons]:
                continue

            def opens(coordinate: str, row: Row = row) -> bool:
                asked = (coordinate, READ) in sight.asked
                return asked and bool(
                    evaluation.in_scope(sight.decision(coordinate, READ).whole, row)
                )

            if opens(type_.name):
                yield (
                    (type_.name, row.key),
                    [
                        row.owner,
                        row.owner is not None and evaluation.released(row, READ),
                        *(
                            row.values[leaf.column.name]
                            for leaf in leaves
                            if opens(leaf.coordinate)
                        ),
                        *(
                            sorted(target.key for target in evaluation.state.targets(row, edge))
                            for edge in type_.edges.values()
                            if opens(edge.coordinate)
                        ),
                    ],
                )
    for row in evaluation.state.rows["Lift"]:
        if row.owner == person and row.values["staff_id"] == evaluation.actor.id:
            yield ("Lift", row.key), dict(row.values)


def _may(use_case: UseCase, book: Any, role: str, purpose: str) -> bool:
    return may(use_case, book.decider(frozenset({role}), purpose, True))


def _outcome(told: Observation) -> str:
    """`OK`, or the code of a refusal."""
    errors = orjson.loads(told.body).get("errors")
    return str(errors[0]["extensions"]["code"]) if errors else "OK"


def _told(observed: Observation) -> Any:
    """What an outcome tells by itself: of an answer, that it is one."""
    return observed.status, None if observed.status == 200 else observed.body


def _words(turn: Turn) -> str:
    return f"{sorted(turn.person.roles)} for {turn.request.purpose}\n{turn.body.decode()}"
