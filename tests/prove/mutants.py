"""Guards of the product, each broken once: what notices it?

A mutant lives in the tests alone: a function or method of the product is replaced by one without
the guard. The search (server beside oracle, and pairs of states) must notice, or a named test.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import authz.access_log
import authz.clients.dpop
import authz.clients.tokens
import authz.numbers.vault
import authz.policy.clearance
import authz.policy.policy
import authz.policy.seal
import authz.policy.store
import authz.scopes
import authz.sessions.lookup_budget
import models.store.database
import resolvers.policy.changes
import resolvers.protection.issue_document
import resolvers.protection.lift
import resolvers.protection.protective_measure
import resolvers.read.decisions
import resolvers.read.lift_use
import resolvers.read.object_privacy
import resolvers.read.obligations
import resolvers.read.operands
import resolvers.read.pages
import resolvers.read.pipeline
import resolvers.read.plan
import resolvers.read.population
import resolvers.read.seal
import resolvers.read.shape
import resolvers.read.sql
import resolvers.read.stopped_output
import resolvers.read.trail
import resolvers.write.pipeline
import schema.request.answer
import schema.request.errors
from authz.policy.clearance import Cell, Clearance, Verdict
from authz.policy.policy import Reference
from models.facts import CLASSES
from resolvers.read.cache import Bounded
from resolvers.read.levels import ANYBODY, Guard
from resolvers.read.seal import view_of
from tests import world
from tests.generate.policy import PURPOSES
from tests.oracle.beside import Difference
from tests.prove.pairs import Leak
from tests.prove.search import Search

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard broken. `test`: what notices it (`module::test`), with the arguments `given`.

    `alone`: the second wall is out of the way, for it holds what the broken guard lets through.
    `writes`: only conversations with mutations tell of it; the others hold none. `logged`: only
    what the log's readers are shown.
    """

    name: str
    guard: str
    apply: Break
    test: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    writes: bool = False
    logged: bool = False


@dataclass(frozen=True, slots=True)
class Caught:
    """What noticed a mutant, after how many pairs of states and requests."""

    by: str
    pairs: int
    requests: int
    told: str
    seed: int = -1


MOST_SEEDS, SEEDS_BESIDE = 1000, 100
"""How long the search tries; the second where a named test notices the mutant too."""
SEEDS = Path(__file__).parent / "seeds.json"


def seeds() -> dict[str, int]:
    """Where the search noticed each mutant last."""
    found: dict[str, int] = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    return found


def hunt(search: Search, mutant: Mutant, seeds: range) -> Caught | None:
    """Break the guard, search, and mend it again."""
    pairs, requests = search.coverage.pairs, search.coverage.requests
    search.writing = 100 if mutant.writes else 0
    search.trailing = 100 if mutant.logged else 0
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
        answerer._reads._ready = Bounded(resolvers.read.pipeline.PLANS_WEIGHT)
        answerer._operations = Bounded(schema.request.answer.DOCUMENTS_WEIGHT)
        reads, compiled = answerer._reads, compiling()
        # Of a town that was opened while a guard was broken, nothing is kept.
        kept = reads.__dict__.setdefault("_by_compiler", {})
        reads._clearances = kept.setdefault(
            compiled, Bounded(resolvers.read.pipeline.CLEARANCES_WEIGHT)
        )


def compiling() -> tuple[Any, ...]:
    """What a clearance depends on, as it is now: the same while no guard of it is broken."""
    decider = authz.policy.clearance.Decider
    return (
        resolvers.read.pipeline.clear,
        Reference.open_to,
        authz.policy.policy._allowed,
        authz.policy.policy.Policy.allows,
        decider._despite_protection,
        authz.policy.clearance.is_number,
        authz.policy.clearance.is_impersonal,
        authz.policy.clearance.may_handle_numbers,
        authz.policy.clearance.depends_on_protection,
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


def _anywhere(is_in_scope: Any) -> Any:
    """Whoever may write anybody may write everybody."""

    async def mutated(connection: Any, database: Any, type_: Any, key: Any, *scope: Any) -> Any:
        return await is_in_scope(connection, database, type_, key, ANYBODY, scope[-1])

    return mutated


def _only_the_parent(counting: Any) -> Any:
    """A count over every row of the parents, hidden ones too."""

    def mutated(self: Any, where: Sequence[Any]) -> Any:
        kept = [one for one in where if isinstance(one, models.store.database.IsIn)]
        return counting(self, kept if self.level.edge is not None else [])

    return mutated


def _uncovered_anyway(guard_of: Any) -> Any:
    def mutated(type_: Any, classes: Any, cell: Any, about: Any = (), **lift: Any) -> Guard:
        guard = guard_of(type_, classes, cell, about, **lift)
        withheld = resolvers.read.decisions.withheld_of(classes)
        return dataclasses.replace(guard, uncovered=()) if withheld else guard

    return mutated


def _as_on_a_screen(guard_of: Any) -> Any:
    """What goes out is withheld as what is read: by the place alone."""
    return lambda *given, **lift: dataclasses.replace(guard_of(*given, **lift), issued=False)


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
    return lambda self, key, author="": get(self, _anonymous(key), author)


def _put_for_everybody(put: Any) -> Any:
    return lambda self, key, value, weight=1, author="": put(
        self, _anonymous(key), value, weight, author
    )


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


def _every_purpose(self: Any, name: str, reason: Any, needs: Any) -> dict[str, Any]:
    return {"field": name, "reason": reason.value, "purposes": list(PURPOSES)}


def _readable(self: Any, plain: bytes, bound: Any) -> str:
    """Signed and not sealed."""
    sealed = self._cipher.encrypt(plain, bound)[:16]
    return base64.urlsafe_b64encode(sealed + plain).decode().rstrip("=")


def _read_openly(self: Any, text: str, bound: Any) -> Any:
    try:
        opened = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if self._cipher.encrypt(opened[16:], bound)[:16] != opened[:16]:
            raise resolvers.read.seal.SealBroken
        return opened[16:]
    except ValueError as error:
        raise resolvers.read.seal.SealBroken from error


def _always_told(self: Any, action: Any, scope: Any) -> Guard:
    return Guard()


def _any_type(key: Any) -> Any:
    def mutated(self: Any, level: Any, variables: Any) -> Any:
        if level.keyed is not None and level.keyed[0] is resolvers.read.pipeline.Keyed.ID:
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

    def mutated(self: Any, **options: Any) -> Any:
        return read(self, **options | {"snapshot": False})

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
    self._add(("source", nested.child), self.row.c[resolvers.read.sql.parent_column(edge)])


def _source_leaves(add_source: Any) -> Any:
    """What an edge goes by is read beside the row's key."""

    def mutated(self: Any, nested: Any) -> None:
        add_source(self, nested)
        edge = self.level.children[nested.child].edge
        self._add(("leaving", nested.child), self.row.c[edge.source_column])

    return mutated


def _nobody_refused(hold: Any) -> Any:
    """Persons are counted, and no budget ends."""

    async def mutated(
        self: Any, actor: str, purpose: str, ledgers: Any, units: int, named: Any
    ) -> Any:
        endless = tuple((code, 10**9) for code, _ in ledgers)
        return await hold(self, actor, purpose, endless, units, named)

    return mutated


async def _uncounted(connection: Any, user: Any, keys: Sequence[int]) -> list[int]:
    """Every lift that was there before is used, as often as anybody wants."""
    return list(keys)


def _any_key(check_channel: Any) -> Any:
    """A proof or certificate must be there and good, and may be anybody's."""

    async def mutated(self: Any, grant: Any, token: str, channel: Any) -> None:
        if channel.scheme == "dpop":
            proof = channel.headers.get("dpop", "")
            url = self.front.url(channel)
            key = authz.clients.dpop.check(proof, method=channel.method, url=url, token=token).key
        else:
            key = self.front.certificate(channel)
        await check_channel(self, dataclasses.replace(grant, key=key), token, channel)

    return mutated


async def _used_again(self: Any, proof: Any) -> None:
    pass


async def _believed(self: Any, connection: Any, number: int) -> None:
    pass


def _levies_of_payers(of_items: Any) -> Any:
    """Whoever pays an item is shown with the levies of every other item."""

    def mutated(type_: Any, row: Any, items: str) -> Any:
        levy = resolvers.read.population.collection.alias()
        return sa.exists(
            sa.select(sa.literal_column("1"))
            .select_from(levy)
            .where(
                levy.c.addressee_code == row.c[type_.noun.owner],
                models.store.database.IsIn(levy.c.tax_item_code, items),
            )
        )

    return mutated


def _everything_written(use_case: Any, clearance: Any) -> Any:
    return tuple((each, "write", Verdict.SHOWN.value) for each in use_case.writes)


async def _no_record(*given: Any) -> None:
    pass


def _anybody(*given: Any) -> None:
    pass


BESIDE = (
    f'{{ addressee(code: "{world.YAMADA}") {{ individualNumber householdMemberships'
    " { nodes { members { nodes { code } } } } } }"
)

MUTANTS: Sequence[Mutant] = (
    Mutant(
        "hidden operands are taken",
        "filter check: `Decisions.operand`",
        _replace(resolvers.read.decisions.Decisions, "operand", _open_operand),
        "test_promises::test_a_hidden_operand_is_refused_alike_for_every_value",
        {"condition": "{residence: {address: {eq: $v}}}", "value": "x"},
    ),
    Mutant(
        "a hidden value orders a list",
        "order check: `Operands.order`",
        _wrap(resolvers.read.operands.Operands, "order", _undecided),
    ),
    Mutant(
        "a match right is a search right",
        "search check: `MATCHING`",
        _replace(
            resolvers.read.operands,
            "MATCHING",
            frozenset({"eq", "in", "isNull", "prefix", "lt", "lte", "gt", "gte"}),
        ),
    ),
    Mutant(
        "a count counts what is hidden",
        "count: `_Builder._counting`",
        _wrap(resolvers.read.sql._Builder, "_counting", _only_the_parent),
        "test_promises::test_a_purpose_narrows_people",
    ),
    Mutant(
        "a withheld value is shown",
        "withheld rule: `guard_of`",
        _all(
            _wrap(resolvers.read.plan, "guard_of", _uncovered_anyway),
            _wrap(resolvers.read.operands, "guard_of", lambda guard_of: guard_of),
        ),
        "test_promises::test_a_protected_persons_place_is_withheld_with_everybody_linked",
        {"code": world.TANAKA},
        alone=True,
    ),
    Mutant(
        "a withheld value is an operand",
        "withheld rule of operands: `guard_of`",
        _wrap(resolvers.read.operands, "guard_of", _uncovered_anyway),
        "test_promises::test_a_withheld_value_is_no_operand",
        {"condition": "{residence: {address: {eq: $v}}}"},
        alone=True,
    ),
    Mutant(
        "a negation finds what is withheld",
        "negated operands: `_Builder._condition`",
        _wrap(resolvers.read.sql._Builder, "_condition", _negated_without_guard),
        "test_guards::test_a_negation_finds_nobody_covered",
        alone=True,
    ),
    Mutant(
        "a holder's name tells of whom it is",
        "`about` rule: `guard_of`",
        _all(
            _wrap(resolvers.read.plan, "guard_of", _about_nobody_else),
            _wrap(resolvers.read.operands, "guard_of", _about_nobody_else),
        ),
        "test_hostile::test_a_covered_person_of_another_row_is_no_read_of_hers",
        alone=True,
    ),
    Mutant(
        "only the owner of a row is protected",
        "persons of a row: `guard_of`",
        _wrap(resolvers.read.plan, "guard_of", _owner_alone),
        "test_guards::test_a_row_about_two_is_withheld_for_either",
        alone=True,
    ),
    Mutant(
        "whose place it may be does not matter where mail goes",
        "agents: `_Builder._uncovered_agents`",
        _replace(resolvers.read.sql._Builder, "_uncovered_agents", lambda self, *issued: sa.true()),
        "test_guards::test_where_mail_goes_is_withheld_with_whoever_acts_for_the_person",
        alone=True,
    ),
    Mutant(
        "an edge leads to covered persons",
        "edge leave-out: `_left_out`",
        _replace(resolvers.read.plan, "_left_out", lambda classes, cell: frozenset()),
        "test_promises::test_a_row_about_a_covered_person_is_left_out_of_an_uncovered_record",
        alone=True,
    ),
    Mutant(
        "the key of a closed edge leaves the database",
        "edge source: `_Builder._add_source`",
        _replace(resolvers.read.sql._Builder, "_add_source", _source_unguarded),
    ),
    Mutant(
        "what an open edge goes by leaves the database",
        "edge followed inside the database: `parent_column`",
        _wrap(resolvers.read.sql._Builder, "_add_source", _source_leaves),
        "test_promises::test_what_an_open_edge_goes_by_stays_in_the_database",
    ),
    Mutant(
        "a part is an object although it is withheld",
        "part: `RowShape._embedded`",
        _wrap(resolvers.read.shape.RowShape, "_embedded", _guard_forgotten),
        "test_promises::test_a_protected_persons_place_is_withheld_with_everybody_linked",
        {"code": world.TANAKA},
    ),
    Mutant(
        "two persons are read, not listed",
        "list rule: `_Planner._reads_one`",
        _replace(resolvers.read.plan._Planner, "_reads_one", lambda self, type_, many: not many),
        "test_promises::test_aliases_do_not_turn_a_list_into_reads",
    ),
    Mutant(
        "a number stands beside other persons",
        "one-person rule: `Decisions.number_allowed`",
        _wrap(resolvers.read.decisions.Decisions, "__init__", _number_always),
        "test_promises::test_a_number_never_shows_beside_another_person",
        {"document": BESIDE},
    ),
    Mutant(
        "a number is listed and searched",
        "number invariant: `is_number`",
        _replace(authz.policy.clearance, "is_number", lambda classes: False),
        "test_invariants::test_no_line_shows_a_number_in_a_list_or_to_somebody_else",
    ),
    Mutant(
        "anybody whom a line names handles numbers",
        "number handler: `may_handle_numbers`",
        _replace(authz.policy.clearance, "may_handle_numbers", lambda *given: True),
        "test_invariants::test_no_line_shows_a_number_in_a_list_or_to_somebody_else",
    ),
    Mutant(
        "a number needs no case",
        "case reference: `clear`",
        _wrap(resolvers.read.pipeline, "clear", _without_case),
        "test_promises::test_a_number_shows_to_a_handler_on_one_person_with_a_case",
    ),
    Mutant(
        "rows outside the population are there",
        "population of rows: `is_there`",
        _wrap(resolvers.read.sql, "is_there", _every_value),
        "test_promises::test_a_section_clerk_sees_the_sections_payers_and_levies_only",
    ),
    Mutant(
        "values outside the population are shown",
        "population of cells: `narrowed`",
        _all(
            _wrap(resolvers.read.plan, "narrowed", _without_population),
            _wrap(resolvers.read.operands, "narrowed", _without_population),
        ),
        "test_guards::test_a_role_shows_its_cells_in_its_own_population_alone",
    ),
    Mutant(
        "whoever administers sees persons",
        "impersonal roles: `is_impersonal`",
        _replace(authz.policy.clearance, "is_impersonal", lambda role, classes: False),
        "test_invariants::test_no_line_shows_a_person_to_whoever_administers",
    ),
    Mutant(
        "the gap is seen without the obligation",
        "handling dependency: `depends_on_protection`",
        _replace(authz.policy.clearance, "depends_on_protection", lambda *given: False),
        "test_invariants::test_nobody_holds_what_depends_on_the_obligation_without_seeing_it",
    ),
    Mutant(
        "reading is reading in spite of protection",
        "read-withheld: `Decider._despite_protection`",
        _replace(
            authz.policy.clearance.Decider,
            "_despite_protection",
            lambda self, coordinate, action, opened: True,
        ),
        "test_promises::test_a_protected_persons_place_is_withheld_with_everybody_linked",
        {"code": world.TANAKA},
    ),
    Mutant(
        "everybody is told the obligation",
        "obligation told: `_Planner.warning`",
        _replace(resolvers.read.plan._Planner, "warning", _always_told),
        "test_guards::test_whoever_may_not_see_the_obligation_is_not_told_it",
    ),
    Mutant(
        "nobody is told the obligation",
        "obligation told: `obligations`",
        _replace(resolvers.read.pipeline, "obligations", lambda found, path: ()),
        "test_promises::test_a_protected_persons_place_is_withheld_with_everybody_linked",
        {"code": world.TANAKA},
    ),
    Mutant(
        "an ended obligation shows",
        "presence: `_Builder._where`",
        _wrap(resolvers.read.sql._Builder, "_where", _no_present_flags),
        "test_hostile::test_an_ended_obligation_looks_like_none",
    ),
    Mutant(
        "a masked value is whole",
        "masked form: `_masked`",
        _replace(resolvers.read.sql, "_masked", _whole),
        "test_promises::test_a_clerk_reads_a_payer_without_number_and_flags",
    ),
    Mutant(
        "every purpose is open",
        "purpose check: `Reference.open_to`",
        _replace(Reference, "open_to", _any_purpose),
        "test_promises::test_no_purpose_no_data",
    ),
    Mutant(
        "a deny does not deny",
        "deny beats allow: `_allowed`",
        _replace(authz.policy.policy, "_allowed", _deny_loses),
        "test_invariants::test_within_a_role_deny_beats_allow_but_another_role_stays_open",
    ),
    Mutant(
        "one class of a field is enough",
        "every class: `Policy.allows`",
        _wrap(authz.policy.policy.Policy, "allows", _one_class_is_enough),
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
        _replace(resolvers.read.pipeline, "variables_shape", lambda *given: ()),
    ),
    Mutant(
        "a cursor is anybody's",
        "cursor binding: `_binding`",
        _replace(resolvers.read.pipeline, "_binding", lambda actor, clearance: b""),
        "test_promises::test_a_cursor_is_bound_to_actor_purpose_and_list",
    ),
    Mutant(
        "an id opens a row of any type",
        "node id: `Reads._key`",
        _wrap(resolvers.read.pipeline.Reads, "_key", _any_type),
        "test_guards::test_an_id_of_one_type_is_none_of_another",
    ),
    Mutant(
        "reject answers",
        "`Privacy-Mode`: `refuse_hidden`",
        _replace(resolvers.read.pipeline, "refuse_hidden", lambda plan: None),
        "test_promises::test_privacy_mode_reject_and_dry_run",
    ),
    Mutant(
        "a change reaches who is outside the population",
        "population of a change: `Change.reach`",
        _wrap(resolvers.write.pipeline, "is_in_scope", _anywhere),
        writes=True,
    ),
    Mutant(
        "the log names whoever came in",
        "the trail: `Plan.through`",
        _replace(resolvers.read.plan.Plan, "through", lambda plan: frozenset()),
        "test_trail::test_a_measure_with_a_counterparty_reads_like_one_without",
        logged=True,
    ),
    Mutant(
        "the log does not ask what found somebody",
        "the trail: `_operands`",
        _replace(resolvers.read.trail, "_operands", lambda level: iter(())),
        "test_trail::test_who_came_in_by_anything_but_their_code_is_not_told",
        {
            "staff": "kobayashi",
            "purpose": "protection-measures",
            "document": "{ addressees(filter: {dvFlag: {eq: true}}) { nodes { code } } }",
            "variables": {},
            "persons": [],
        },
        logged=True,
    ),
    Mutant(
        "the log does not ask who belongs to a purpose",
        "the trail: `_inputs`",
        _replace(resolvers.read.trail, "_inputs", lambda populations: iter(())),
        "test_trail::test_who_came_in_by_anything_but_their_code_is_not_told",
        {
            "staff": "takahashi",
            "purpose": "delinquency",
            "document": "{ addressees { nodes { code } } }",
            "variables": {},
            "persons": [],
        },
        logged=True,
    ),
    Mutant(
        "pages have no end",
        "limits: `MAX_PAGE`",
        _wrap(
            resolvers.read.pipeline,
            "open_pages",
            lambda opened: lambda *given, **most: opened(*given, max_page=10**6, max_rows=10**9),
        ),
        "test_promises::test_page_sizes_and_rows_are_bounded",
    ),
)

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
        _replace(authz.policy.store.PolicyStore, "at_least", _stale),
        "test_guards::test_whoever_is_told_of_a_newer_version_decides_by_it",
    ),
    Mutant(
        "statements of one operation see two states",
        "snapshot: `Database.read`",
        _wrap(models.store.database.Database, "read", _one_by_one),
        "test_hostile::test_one_operation_sees_one_state",
    ),
    Mutant(
        "a cursor of one list opens another",
        "cursor binding to the list: `normal_tree`",
        _replace(resolvers.read.operands, "normal_tree", lambda tree: "?"),
        "test_promises::test_a_cursor_is_bound_to_actor_purpose_and_list",
    ),
    Mutant(
        "an id is the same in a list and for any purpose",
        "view in ids: `Shaping.view`",
        _replace(resolvers.read.shape.Shaping, "view", lambda self, position: b"viewed"),
        "test_object_privacy::test_views_that_may_differ_never_share_an_id",
    ),
    Mutant(
        "an id is the same with a lift",
        "view in ids: `Reads._lifted`",
        _replace(
            resolvers.read.shape, "view_of", lambda purpose, position, _: view_of(purpose, position)
        ),
        "test_object_privacy::test_what_a_lift_shows_has_an_id_of_its_own",
    ),
    Mutant(
        "an object says of any purpose that it shows all",
        "purposes of a hidden field: `Clearance.elsewhere`",
        _replace(resolvers.read.object_privacy.Holder, "_entry", _every_purpose),
        "test_object_privacy::test_purposes_are_those_that_show_it",
    ),
    Mutant(
        "cursors and ids can be read",
        "sealing: `Seal`",
        _all(
            _replace(resolvers.read.seal.Seal, "_seal", _readable),
            _replace(resolvers.read.seal.Seal, "_open", _read_openly),
        ),
        "test_hostile::test_a_cursor_and_an_id_tell_nothing_of_what_they_hold",
    ),
    Mutant(
        "an error repeats what was sent",
        "error masking: `safe_message`",
        _replace(schema.request.errors, "safe_message", _talkative),
        "test_errors::test_the_class_of_mistake_stays",
        {
            "text": '{ find(day: "x") { name } }',
            "variables": {},
            "message": "Expected value of type 'Day'.",
        },
    ),
    Mutant(
        "did you mean",
        "suggestion hiding: `_first_fit`",
        _wrap(schema.request.errors, "_first_fit", _with_suggestions),
        "test_errors::test_suggestions_are_dropped_even_where_graphql_core_makes_them",
    ),
    Mutant(
        "no budget of persons ends",
        "harvest: `Harvest.hold`",
        _wrap(authz.sessions.lookup_budget.Harvest, "hold", _nobody_refused),
        "test_harvest::test_an_hour_ends_as_a_whole",
    ),
    Mutant(
        "a list is read before it is counted",
        "harvest: `could_tell`",
        _replace(resolvers.read.pipeline, "could_tell", lambda *given: 0),
        "test_guards::test_a_list_is_held_before_it_is_read",
    ),
    Mutant(
        "a lift that is over opens",
        "lift predicate: `lives`",
        _replace(resolvers.read.lift_use, "lives", lambda row: sa.true()),
        "test_lifts::test_whatever_closes_it_closes_it",
        {"closed": "revoked_at = '2020-01-01 00:00:00'"},
    ),
    Mutant(
        "a lift is used without end",
        "lift count: `use`",
        _replace(resolvers.read.lift_use, "use", _uncounted),
        "test_lifts::test_many_at_once_use_it_no_more_often_than_it_says",
    ),
    Mutant(
        "a lift is for any class",
        "lift classes: `_names`",
        _replace(resolvers.read.lift_use, "_names", lambda row, class_: sa.true()),
        "test_lifts::test_the_statement_that_reads_decides_anew",
        {"closed": "classes = 'contact'"},
    ),
    Mutant(
        "what is stopped goes out",
        "stopped output: `needs_lift`",
        _all(
            _replace(resolvers.protection.issue_document, "needs_lift", lambda *given: False),
            _replace(resolvers.read.stopped_output, "needs_lift", lambda *given: False),
        ),
        "test_issuing::test_of_a_withheld_place_whatever_tells_none_goes_out",
    ),
    Mutant(
        "a stopped output closes nothing that goes out",
        "what an issued value tells of: `guard_of`",
        _wrap(resolvers.read.plan, "guard_of", _as_on_a_screen),
        "test_issuing::test_of_a_stopped_output_a_lift_lets_out_what_it_names_too",
    ),
    Mutant(
        "what the coordinator reads goes out",
        "issuing clearance: `for_issuing`",
        _replace(resolvers.write.pipeline, "for_issuing", lambda clearance: clearance),
        "test_issuing::test_a_coordinator_needs_a_lift_like_everybody",
    ),
    Mutant(
        "who else is on a paper does not matter",
        "strictest obligation: `Reads.look_over`",
        _replace(resolvers.write.pipeline, "brings_others", lambda plan: False),
        "test_issuing::test_who_is_stopped_on_it_leaves_the_lift_unused",
    ),
    Mutant(
        "an obligation that begins meanwhile does not matter",
        "look before it goes out: `check_nobody_is_stopped`",
        _replace(resolvers.read.pipeline, "check_nobody_is_stopped", lambda *given: None),
        "test_issuing::test_an_obligation_that_begins_meanwhile_stops_it",
        {"dialect": "sqlite"},
    ),
    Mutant(
        "whose obligation is not told comes along",
        "obligation of others: `check_all_are_told`",
        _replace(resolvers.write.pipeline, "check_all_are_told", lambda plan: None),
        "test_issuing::test_whoever_comes_into_it_must_be_told_of",
    ),
    Mutant(
        "a token asks whatever the policy opens",
        "token scopes: `Limits.admits`",
        _replace(authz.scopes.Limits, "admits", lambda self, coordinate, action: True),
        "test_scopes::test_without_scopes_nothing_but_the_warning",
    ),
    Mutant(
        "a stolen token opens, with anybody's proof",
        "token binding: `Tokens._check_channel`",
        _wrap(authz.clients.tokens.Tokens, "_check_channel", _any_key),
        "test_tokens::test_a_stolen_token_opens_nothing",
    ),
    Mutant(
        "a stolen token opens, with anybody's certificate",
        "token binding: `Tokens._check_channel`",
        _wrap(authz.clients.tokens.Tokens, "_check_channel", _any_key),
        "test_tokens::test_a_token_of_a_certificate_is_good_with_that_one_alone",
    ),
    Mutant(
        "a proof is used again",
        "single use: `Tokens._use_proof`",
        _replace(authz.clients.tokens.Tokens, "_use_proof", _used_again),
        "test_tokens::test_a_proof_has_one_use",
    ),
    Mutant(
        "a department sees every levy of its payers",
        "population of a department: `_of_items`",
        _wrap(resolvers.read.population, "_of_items", _levies_of_payers),
        "test_departments::test_lists_counts_and_pages_hold_the_own_payers_alone",
        {"code": "nursing-care"},
    ),
    Mutant(
        "a policy that nobody sealed decides",
        "policy seal: `Chain.verify`",
        _replace(authz.policy.seal.Chain, "verify", _believed),
        "test_policy_versions::test_a_changed_version_is_found",
    ),
    Mutant(
        "who proposed a policy approves it",
        "four eyes: `check_somebody_else`",
        _replace(resolvers.policy.changes, "check_somebody_else", _anybody),
        "test_policy_editing::test_a_director_who_proposed_needs_another_one",
    ),
    Mutant(
        "who proposed a lift approves it",
        "four eyes: `check_somebody_else`",
        _replace(resolvers.protection.lift, "check_somebody_else", _anybody),
        "test_lifts::test_two_persons_grant_it_and_neither_is_whom_it_serves",
    ),
    Mutant(
        "who proposed a measure's end ends it",
        "four eyes: `check_somebody_else`",
        _replace(resolvers.protection.protective_measure, "check_somebody_else", _anybody),
        "test_measures::test_an_end_takes_two_and_says_so",
    ),
    Mutant(
        "approvers widen their own view",
        "four eyes: `check_not_widened`",
        _replace(resolvers.policy.changes, "check_not_widened", _anybody),
        "test_policy_editing::test_nobody_approves_what_widens_their_own_view",
    ),
    Mutant(
        "whoever reads writes",
        "write right: `_decisions`",
        _replace(resolvers.write.pipeline, "_decisions", _everything_written),
        "test_write::test_who_may_not_write_changes_nothing_and_is_on_the_log",
        {
            "staff": "sato",
            "purpose": "consultation",
            "status": 403,
            "code": "WRITE_NOT_ALLOWED",
        },
    ),
    Mutant(
        "a change names whom it changed",
        "the trail: `UseCase.through`",
        _replace(resolvers.write.pipeline.UseCase, "through", lambda use_case: frozenset()),
        "test_trail::test_a_change_names_nobody_beside_what_it_is_called",
    ),
    Mutant(
        "who may read the log is cleared for everything in it",
        "the trail: `held`",
        _replace(resolvers.read.plan, "held", lambda clearance: frozenset(CLASSES)),
        "test_trail::test_a_measure_with_a_counterparty_reads_like_one_without",
    ),
    Mutant(
        "a change is made without its record",
        "record in the transaction of a change: `Writes._change`",
        _replace(authz.access_log, "insert", _no_record),
        "test_write::test_without_the_log_nothing_is_changed",
    ),
)
"""The search cannot notice these: they are about failures, time, changes, machines, or what no
state can tell."""


HEAD = (
    "| Mutant | Guard | Noticed by | Pairs | Requests |",
    "| --- | --- | --- | --- | --- |",
)
"""Of the report, a table."""


def line_of(mutant: Mutant, caught: Caught | None) -> str:
    """One line of it."""
    by = [caught.by] if caught else []
    by += [f"`{mutant.test.partition('::')[2]}`"] if mutant.test else []
    counts = f"{caught.pairs} | {caught.requests}" if caught else " | "
    return f"| {mutant.name} | {mutant.guard} | {', '.join(by) or 'NOTHING'} | {counts} |"
