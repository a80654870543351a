"""Guards of the product, each broken once: what notices it?

A mutant lives in the tests alone: a function or method of the product is replaced by one without
the guard. The search (server beside oracle, and pairs of states) must notice, or a named test.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import authz.access_log
import authz.clearance
import authz.policy
import authz.policy_store
import authz.vault
import models.database
import resolvers.decisions
import resolvers.obligations
import resolvers.operands
import resolvers.pages
import resolvers.pipeline
import resolvers.plan
import resolvers.population
import resolvers.seal
import resolvers.shape
import resolvers.sql
import schema.answer
import schema.errors
from authz.clearance import Cell, Clearance, Verdict
from authz.policy import Reference
from resolvers.bounded import Bounded
from resolvers.levels import ANYBODY, Guard
from tests.oracle.beside import Difference
from tests.prove.pairs import Leak
from tests.prove.search import Search

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard broken. `test`: what notices it (`module::test`) where the search need not."""

    name: str
    guard: str
    apply: Break
    test: str | None = None


@dataclass(frozen=True, slots=True)
class Caught:
    """What noticed a mutant, after how many pairs of states and requests."""

    by: str
    pairs: int
    requests: int
    told: str
    seed: int = -1


MOST_SEEDS = 1000
SEEDS = Path(__file__).parent / "seeds.json"


def seeds() -> dict[str, int]:
    """Where the search noticed each mutant last."""
    found: dict[str, int] = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    return found


def hunt(search: Search, mutant: Mutant, seeds: range) -> Caught | None:
    """Break the guard, search, and mend it again."""
    pairs, requests = search.coverage.pairs, search.coverage.requests
    with Patch.context() as patch:
        mutant.apply(patch)
        try:
            forget(search)
            for seed in seeds:
                try:
                    search.once(seed)
                except (Leak, Difference) as found:
                    by = "pairs of states" if isinstance(found, Leak) else "server beside oracle"
                    return Caught(
                        by,
                        search.coverage.pairs - pairs,
                        search.coverage.requests - requests,
                        str(found),
                        seed,
                    )
        finally:
            patch.undo()
            forget(search)
    return None


def forget(search: Search) -> None:
    """Let every worker forget its plans. Clearances, which take long to compile, keep a place for
    each way to compile them."""
    for site in search.sites():
        answerer: Any = site.services.answer
        answerer._reads._ready = Bounded(3_000_000)
        answerer._operations = Bounded(500_000)
        reads, compiled = answerer._reads, compiling()
        kept = reads.__dict__.setdefault("_by_compiler", {compiled: reads._clearances})
        reads._clearances = kept.setdefault(compiled, Bounded(500))


def compiling() -> tuple[Any, ...]:
    """What a clearance depends on, as it is now: the same while no guard of it is broken."""
    decider = authz.clearance.Decider
    return (
        resolvers.pipeline.clear,
        Reference.open_to,
        authz.policy._allowed,
        authz.policy.Policy.allows,
        decider._despite_protection,
        authz.clearance.is_number,
        authz.clearance.is_impersonal,
        authz.clearance.may_handle_numbers,
        authz.clearance.depends_on_protection,
    )


# -- how guards are broken -------------------------------------------------------------------------


def _replace(owner: Any, name: str, value: Any) -> Break:
    return lambda patch: patch.setattr(owner, name, value)


def _wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> Break:
    """Replace a function by what `make` makes of it."""
    return lambda patch: patch.setattr(owner, name, make(getattr(owner, name)))


def _all(*breaks: Break) -> Break:
    def apply(patch: Patch) -> None:
        for each in breaks:
            each(patch)

    return apply


def _open_operand(self: Any, coordinate: str, action: Any) -> Cell:
    cell = self.clearance.cell(coordinate, action)
    self.asked.add((coordinate, action.value, cell.verdict.value))
    return cell if cell.allowed else OPEN


OPEN = Cell(Verdict.SHOWN, None, ANYBODY)


def _undecided(order: Any) -> Any:
    """Orderings by whatever there is: the schema alone keeps withheld values out."""

    def mutated(self: Any) -> Any:
        self.decisions.operand = lambda coordinate, action: OPEN
        try:
            return order(self)
        finally:
            del self.decisions.operand

    return mutated


def _only_the_parent(counting: Any) -> Any:
    """A count over every row of the parents, hidden ones too."""

    def mutated(self: Any, where: Sequence[Any]) -> Any:
        kept = [one for one in where if isinstance(one, models.database.IsIn)]
        return counting(self, kept if self.level.edge is not None else [])

    return mutated


def _uncovered_anyway(guard_of: Any) -> Any:
    def mutated(type_: Any, classes: Any, cell: Any, about: Any = (), **lift: Any) -> Guard:
        guard = guard_of(type_, classes, cell, about, **lift)
        withheld = resolvers.decisions.withheld_of(classes)
        return dataclasses.replace(guard, uncovered=()) if withheld else guard

    return mutated


def _about_nobody_else(guard_of: Any) -> Any:
    return lambda type_, classes, cell, about=(), **lift: guard_of(type_, classes, cell, **lift)


def _owner_alone(guard_of: Any) -> Any:
    """A row about several persons, withheld for its owner alone."""

    def mutated(type_: Any, classes: Any, cell: Any, about: Any = (), **lift: Any) -> Guard:
        guard = guard_of(type_, classes, cell, about, **lift)
        own = tuple(one for one in guard.uncovered if one == type_.noun.owner)
        return dataclasses.replace(guard, uncovered=own)

    return mutated


def _without_population(narrowed: Any) -> Any:
    return lambda guard, scope: dataclasses.replace(guard, populations=ANYBODY)


def _same_for_everybody(get: Any) -> Any:
    """A cache whose keys forget who asks."""
    return lambda self, key: get(self, _anonymous(key))


def _put_for_everybody(put: Any) -> Any:
    return lambda self, key, value, weight=1: put(self, _anonymous(key), value, weight)


def _anonymous(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(one for one in key if not isinstance(one, Clearance))
    return key


def _negated_without_guard(condition: Any) -> Any:
    def mutated(self: Any, tree: Any) -> Any:
        if getattr(tree, "negated", False):
            tree = dataclasses.replace(tree, guard=Guard())
        return condition(self, tree)

    return mutated


def _readable(self: Any, value: Any, bound: Any) -> str:
    """Signed and not sealed."""
    plain = resolvers.seal.orjson.dumps(value)
    sealed = self._cipher.encrypt(plain, bound)[:16]
    return base64.urlsafe_b64encode(sealed + plain).decode().rstrip("=")


def _read_openly(self: Any, text: str, bound: Any) -> Any:
    try:
        opened = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if self._cipher.encrypt(opened[16:], bound)[:16] != opened[:16]:
            raise resolvers.seal.SealBroken
        return resolvers.seal.orjson.loads(opened[16:])
    except ValueError as error:
        raise resolvers.seal.SealBroken from error


def _always_told(self: Any, action: Any, scope: Any) -> Guard:
    return Guard()


def _any_type(key: Any) -> Any:
    def mutated(self: Any, level: Any, variables: Any) -> Any:
        if level.keyed is not None and level.keyed[0] is resolvers.pipeline.Keyed.ID:
            opened = self.open_id(level.keyed[1].get(variables))
            wanted = level.type.key.type.python_type
            if opened is not None and isinstance(opened[1], wanted):
                return opened[1]
        return key(self, level, variables)

    return mutated


async def _stale(self: Any, version: int) -> Any:
    return self._current or await self.load()


def _at_once(begin: Any) -> Any:
    """A record that nobody waits for."""

    def mutated(self: Any, record: Any, operation: Any = None) -> Any:
        import asyncio

        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    return mutated


def _one_by_one(read: Any) -> Any:
    """Every statement in a snapshot of its own."""

    def mutated(self: Any, *, snapshot: bool = True, reserved: bool = False) -> Any:
        return read(self, snapshot=False, reserved=reserved)

    return mutated


def _number_always(init: Any) -> Any:
    def mutated(self: Any, clearance: Any, *, number_allowed: bool) -> None:
        init(self, clearance, number_allowed=True)

    return mutated


def _without_case(clear: Any) -> Any:
    def mutated(*arguments: Any, **options: Any) -> Any:
        return clear(*arguments, **options | {"case_reference": True})

    return mutated


def _any_purpose(self: Reference, roles: Any) -> frozenset[str]:
    return frozenset(self.purposes)


def _deny_loses(effects: Any) -> bool:
    return "allow" in effects


def _one_class_is_enough(allows: Any) -> Any:
    def mutated(
        self: Any, role: str, purpose: str, coordinate: str, action: str, only: Any = None
    ) -> bool:
        classes = self.coordinates[coordinate] if only is None else (only,)
        return any(allows(self, role, purpose, coordinate, action, code) for code in classes)

    return mutated


def _guard_forgotten(embedded: Any) -> Any:
    def mutated(self: Any, selected: Any, inner: Any, written: Any, rows: Any) -> None:
        for record, part in zip(written, inner, strict=True):
            record[selected.key] = part

    return mutated


def _whole(column: Any, leaf: Any) -> Any:
    return column


def _talkative(error: Any, code: str) -> str:
    return str(error.message)


def _with_suggestions(first_fit: Any) -> Any:
    def mutated(message: str, sentences: Any) -> Any:
        return message if "Did you mean" in message else first_fit(message, sentences)

    return mutated


def _no_present_flags(where: Any) -> Any:
    """A row that has ended counts as there."""

    def mutated(self: Any) -> Any:
        kept = where(self)
        return [one for one in kept if not _tells_presence(self, one)]

    return mutated


def _tells_presence(builder: Any, condition: Any) -> bool:
    flags = {builder.row.c[name] for name in builder.level.type.noun.present}
    return (
        bool(flags)
        and {
            column for column in sa.sql.visitors.iterate(condition) if isinstance(column, sa.Column)
        }
        >= flags
    )


def _every_value(where: Any) -> Any:
    """A list or edge that does not ask in which population a row lies."""
    return lambda *arguments: None


def _source_unguarded(self: Any, nested: Any) -> None:
    edge = self.level.children[nested.child].edge
    self._add(("source", nested.child), self.row.c[edge.source_column])


MUTANTS: Sequence[Mutant] = (
    Mutant(
        "hidden operands are taken",
        "filter check: `Decisions.operand`",
        _replace(resolvers.decisions.Decisions, "operand", _open_operand),
    ),
    Mutant(
        "a hidden value orders a list",
        "order check: `Operands.order`",
        _wrap(resolvers.operands.Operands, "order", _undecided),
    ),
    Mutant(
        "a match right is a search right",
        "search check: `MATCHING`",
        _replace(
            resolvers.operands,
            "MATCHING",
            frozenset({"eq", "in", "isNull", "prefix", "lt", "lte", "gt", "gte"}),
        ),
    ),
    Mutant(
        "a count counts what is hidden",
        "count: `_Builder._counting`",
        _wrap(resolvers.sql._Builder, "_counting", _only_the_parent),
    ),
    Mutant(
        "a withheld value is shown",
        "withheld rule: `guard_of`",
        _all(
            _wrap(resolvers.plan, "guard_of", _uncovered_anyway),
            _wrap(resolvers.operands, "guard_of", lambda guard_of: guard_of),
        ),
    ),
    Mutant(
        "a withheld value is an operand",
        "withheld rule of operands: `guard_of`",
        _wrap(resolvers.operands, "guard_of", _uncovered_anyway),
    ),
    Mutant(
        "a negation finds what is withheld",
        "negated operands: `_Builder._condition`",
        _wrap(resolvers.sql._Builder, "_condition", _negated_without_guard),
    ),
    Mutant(
        "a holder's name tells of whom it is",
        "`about` rule: `guard_of`",
        _all(
            _wrap(resolvers.plan, "guard_of", _about_nobody_else),
            _wrap(resolvers.operands, "guard_of", _about_nobody_else),
        ),
    ),
    Mutant(
        "only the owner of a row is protected",
        "persons of a row: `guard_of`",
        _wrap(resolvers.plan, "guard_of", _owner_alone),
    ),
    Mutant(
        "an edge leads to covered persons",
        "edge leave-out: `_left_out`",
        _replace(resolvers.plan, "_left_out", lambda classes, cell: frozenset()),
    ),
    Mutant(
        "the key of a closed edge leaves the database",
        "edge source: `_Builder._add_source`",
        _replace(resolvers.sql._Builder, "_add_source", _source_unguarded),
    ),
    Mutant(
        "a part is an object although it is withheld",
        "part: `RowShape._embedded`",
        _wrap(resolvers.shape.RowShape, "_embedded", _guard_forgotten),
    ),
    Mutant(
        "two persons are read, not listed",
        "list rule: `_Planner._reads_one`",
        _replace(resolvers.plan._Planner, "_reads_one", lambda self, type_, many: not many),
    ),
    Mutant(
        "a number stands beside other persons",
        "one-person rule: `Decisions.number_allowed`",
        _wrap(resolvers.decisions.Decisions, "__init__", _number_always),
    ),
    Mutant(
        "a number is listed and searched",
        "number invariant: `is_number`",
        _replace(authz.clearance, "is_number", lambda classes: False),
    ),
    Mutant(
        "anybody whom a line names handles numbers",
        "number handler: `may_handle_numbers`",
        _replace(authz.clearance, "may_handle_numbers", lambda *given: True),
    ),
    Mutant(
        "a number needs no case",
        "case reference: `clear`",
        _wrap(resolvers.pipeline, "clear", _without_case),
    ),
    Mutant(
        "rows outside the population are there",
        "population of rows: `is_there`",
        _wrap(resolvers.sql, "is_there", _every_value),
    ),
    Mutant(
        "values outside the population are shown",
        "population of cells: `narrowed`",
        _all(
            _wrap(resolvers.plan, "narrowed", _without_population),
            _wrap(resolvers.operands, "narrowed", _without_population),
        ),
    ),
    Mutant(
        "whoever administers sees persons",
        "impersonal roles: `is_impersonal`",
        _replace(authz.clearance, "is_impersonal", lambda role, classes: False),
    ),
    Mutant(
        "the gap is seen without the obligation",
        "handling dependency: `depends_on_protection`",
        _replace(authz.clearance, "depends_on_protection", lambda *given: False),
    ),
    Mutant(
        "reading is reading in spite of protection",
        "read-withheld: `Decider._despite_protection`",
        _replace(
            authz.clearance.Decider,
            "_despite_protection",
            lambda self, coordinate, action, opened: True,
        ),
    ),
    Mutant(
        "everybody is told the obligation",
        "obligation told: `_Planner._warning`",
        _replace(resolvers.plan._Planner, "_warning", _always_told),
    ),
    Mutant(
        "nobody is told the obligation",
        "obligation told: `obligations`",
        _replace(resolvers.pipeline, "obligations", lambda found, path: ()),
    ),
    Mutant(
        "an ended obligation shows",
        "presence: `_Builder._where`",
        _wrap(resolvers.sql._Builder, "_where", _no_present_flags),
    ),
    Mutant(
        "a masked value is whole",
        "masked form: `_masked`",
        _replace(resolvers.sql, "_masked", _whole),
    ),
    Mutant(
        "every purpose is open",
        "purpose check: `Reference.open_to`",
        _replace(Reference, "open_to", _any_purpose),
    ),
    Mutant(
        "a deny does not deny",
        "deny beats allow: `_allowed`",
        _replace(authz.policy, "_allowed", _deny_loses),
    ),
    Mutant(
        "one class of a field is enough",
        "every class: `Policy.allows`",
        _wrap(authz.policy.Policy, "allows", _one_class_is_enough),
    ),
    Mutant(
        "a plan is everybody's",
        "cache keys: `Reads._plan`",
        _all(
            _wrap(Bounded, "get", _same_for_everybody),
            _wrap(Bounded, "put", _put_for_everybody),
        ),
    ),
    Mutant(
        "a plan does not ask which variables are there",
        "cache keys: `variables_shape`",
        _replace(resolvers.pipeline, "variables_shape", lambda *given: ()),
    ),
    Mutant(
        "a cursor is anybody's",
        "cursor binding: `_binding`",
        _replace(resolvers.pipeline, "_binding", lambda actor, clearance: b""),
    ),
    Mutant(
        "an id opens a row of any type",
        "node id: `Reads._key`",
        _wrap(resolvers.pipeline.Reads, "_key", _any_type),
    ),
    Mutant(
        "reject answers",
        "`Privacy-Mode`: `refuse_hidden`",
        _replace(resolvers.pipeline, "refuse_hidden", lambda plan: None),
    ),
    Mutant(
        "pages have no end",
        "limits: `MAX_PAGE`",
        _wrap(
            resolvers.pipeline,
            "open_pages",
            lambda opened: lambda *given, **most: opened(*given, max_page=10**6, max_rows=10**9),
        ),
    ),
)
"""The search notices these."""

NAMED: Sequence[Mutant] = (
    Mutant(
        "an answer leaves before its record",
        "log before answer: `AccessLog.begin`",
        _wrap(authz.access_log.AccessLog, "begin", _at_once),
        "test_server::test_without_the_log_nothing_is_answered",
    ),
    Mutant(
        "yesterday's policy decides",
        "policy version: `PolicyStore.at_least`",
        _replace(authz.policy_store.PolicyStore, "at_least", _stale),
        "test_server::test_the_newest_policy_version_binds_the_next_request",
    ),
    Mutant(
        "statements of one operation see two states",
        "snapshot: `Database.read`",
        _wrap(models.database.Database, "read", _one_by_one),
        "test_hostile::test_one_operation_sees_one_state",
    ),
    Mutant(
        "a cursor of one list opens another",
        "cursor binding to the list: `normal_tree`",
        _replace(resolvers.operands, "normal_tree", lambda tree: "?"),
        "test_promises::test_a_cursor_is_bound_to_actor_purpose_and_list",
    ),
    Mutant(
        "cursors and ids can be read",
        "sealing: `Seal`",
        _all(
            _replace(resolvers.seal.Seal, "_seal", _readable),
            _replace(resolvers.seal.Seal, "_open", _read_openly),
        ),
        "test_hostile::test_a_cursor_and_an_id_tell_nothing_of_what_they_hold",
    ),
    Mutant(
        "an error repeats what was sent",
        "error masking: `safe_message`",
        _replace(schema.errors, "safe_message", _talkative),
        "test_errors::test_no_literal_is_repeated",
    ),
    Mutant(
        "did you mean",
        "suggestion hiding: `_first_fit`",
        _wrap(schema.errors, "_first_fit", _with_suggestions),
        "test_errors::test_suggestions_are_dropped_even_where_graphql_core_makes_them",
    ),
)
"""Named tests notice these: they are about failures, time, or what no state can tell."""


HEAD = (
    "| Mutant | Guard | Noticed by | Pairs | Requests |",
    "| --- | --- | --- | --- | --- |",
)
"""Of the report, a table."""


def line_of(mutant: Mutant, caught: Caught | None) -> str:
    """One line of it."""
    if mutant.test is not None:
        return f"| {mutant.name} | {mutant.guard} | `{mutant.test}` | | |"
    if caught is None:
        return f"| {mutant.name} | {mutant.guard} | NOTHING | | |"
    counts = f"{caught.pairs} | {caught.requests}"
    return f"| {mutant.name} | {mutant.guard} | {caught.by} | {counts} |"
