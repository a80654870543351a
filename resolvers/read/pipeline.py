"""The whole path of a read, in order: who, what for, plan, fetch, log, answer.

operation  = what is asked, free of GraphQL        selection.py
clearance  = what the policy allows                authz/policy/clearance.py
plan       = make_plan(operation, clearance)       plan.py
             harvest.hold                          authz/sessions/lookup_budget.py
found      = fetch(plan)                           sql.py
             access_log.record                     no log, no answer
answer     = shape(found)                          shape.py
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, Protocol

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)
from sqlalchemy.exc import SQLAlchemyError

from authz.access_log import AccessLog, Kind, LoggedOperation, Record, now
from authz.actor import Actor
from authz.errors import BadInput, CellHidden, PurposeRefused, Refused, Unavailable
from authz.numbers.vault import Vault
from authz.policy.budgets import Ledgers, ledgers_of
from authz.policy.clearance import Clearance, clear
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.sessions.lookup_budget import Harvest, Held
from models.facts import CLASSES
from models.graph.graph import GRAPH, PROTECTED, Type
from models.labels import label_of
from models.store.database import Access, Database, DatabaseError
from models.tables.individual_number import IndividualNumber, NumberRecord
from models.tables.population import OWN_SECTION, SECTION
from resolvers.read.cache import Bounded
from resolvers.read.levels import Keyed, Level, Root
from resolvers.read.lift_use import LIFTS, User, take
from resolvers.read.obligations import obligations
from resolvers.read.operands import leaf_source
from resolvers.read.operation import Operation, project, value_of
from resolvers.read.pages import Given, open_pages
from resolvers.read.person_count import (
    asked_by_code,
    classes_told,
    could_tell,
    counted,
    tells_of_persons,
)
from resolvers.read.plan import INTROSPECTION, Plan, make_plan, normal_form
from resolvers.read.population import CLIENT, TODAY, has_items, items_of
from resolvers.read.seal import Seal, SealBroken
from resolvers.read.selection import (
    Fragments,
    forget_tokens,
    root_names,
    select,
    switches,
    variable_types,
    variables_shape,
)
from resolvers.read.shape import LevelShape, Shaping, named_only, persons_of, wants_number
from resolvers.read.sql import KEYED, Found, Query, compile_plan, fetch, storable, today
from resolvers.read.stopped_output import Issued, check_nobody_is_stopped
from resolvers.read.viewer import viewer_value
from resolvers.read.weight import weight

PLANS_WEIGHT = 12_000_000
"""Bytes of all plans that a worker keeps."""
PARSED_WEIGHT = 2_000_000
"""Bytes of the nodes of documents that came just now."""
CLEARANCES_WEIGHT = 64_000_000
"""Bytes of all clearances that a worker keeps: some hundreds."""

NO_END = 10**12
"""A budget that nobody uses up."""

NOBODY = ""
"""A key that no row has: what is not there, not in scope and not well formed are read alike."""


class PrivacyMode(StrEnum):
    """`Privacy-Mode`: what becomes of a hidden selection."""

    NULL = "null"
    REJECT = "reject"
    DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request states beside its document."""

    purpose: str | None
    case_reference: str | None
    mode: PrivacyMode


class Parsed(NamedTuple):
    """One operation of a valid document, as graphql-core's nodes."""

    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: Fragments


_parsed: Bounded[Parsed] = Bounded(PARSED_WEIGHT)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What one operation of a valid document needs once it is planned.

    Its nodes are ten times as heavy, and are parsed again where another plan is made of it.
    `by_node`: it asks `node(id)`, so that the plan depends on the type which the id names.
    `number`: its own in this process; by it plans are kept, which must not keep the document.
    """

    schema: GraphQLSchema
    text: str
    name: str | None
    types: tuple[tuple[str, Any], ...]
    switching: frozenset[str]
    by_node: bool
    number: int = field(default_factory=count().__next__)

    @classmethod
    def of(cls, schema: GraphQLSchema, text: str, name: str | None, parsed: Parsed) -> Prepared:
        """Prepare an operation."""
        operation, fragments = parsed.operation, parsed.fragments
        prepared = cls(
            schema,
            text,
            name,
            variable_types(schema, operation),
            switches(operation, fragments),
            "node" in root_names(operation, fragments),
        )
        _parsed.put(prepared.number, parsed, weight(parsed))
        return prepared

    def parsed(self) -> Parsed:
        """Its nodes."""
        found = _parsed.get(self.number)
        if found is None:
            found = parsed_operation(parse(self.text), self.name)
            _parsed.put(self.number, found, weight(found))
        return found

    def select(self, variables: Mapping[str, Any]) -> Operation:
        """What is asked with variables of this shape."""
        parsed = self.parsed()
        return select(self.schema, parsed.operation, parsed.fragments, variables)


def parsed_operation(document: DocumentNode, name: str | None) -> Parsed:
    """The operation of this name, or the only one. Raises `BadInput`."""
    forget_tokens(document)
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    found = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (name is None or (definition.name is not None and definition.name.value == name))
    ]
    if len(found) != 1:
        raise BadInput("`operationName` must name one operation of the document")
    return Parsed(document, found[0], fragments)


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with its statements, the form that the log keeps, and the budgets it must fit into.

    `lifts`: those that were used for it.
    `through`: the classes by which persons come in.
    """

    plan: Plan
    queries: tuple[Query, ...]
    shapes: tuple[LevelShape, ...]
    logged: LoggedOperation
    hidden: tuple[dict[str, Any], ...]
    ledgers: Ledgers
    liftable: frozenset[frozenset[str]]
    through: frozenset[str]
    lifts: tuple[int, ...] = ()


class ComputedViews(Protocol):
    """Root fields that are worked out, with no row behind them."""

    async def compute(self, name: str, given: Mapping[str, Any], policy: Policy) -> Any:
        """The whole view as plain data. Raises `BadInput` for an operand that names nothing."""


@dataclass
class Reads:
    """Answers queries. One for each worker; every collaborator is handed in.

    `harvest`: none for jobs, whose persons are bounded by a definition and released by people.
    """

    database: Database
    policies: PolicyStore
    log: AccessLog
    vault: Vault
    seal: Seal
    harvest: Harvest | None
    views: ComputedViews
    max_page: int = 200
    max_rows: int = 20_000

    def __post_init__(self) -> None:
        self._clearances: Bounded[Clearance] = Bounded(CLEARANCES_WEIGHT)
        self._contexts: Bounded[Mapping[str, Any]] = Bounded(100)
        self._ready: Bounded[Ready] = Bounded(PLANS_WEIGHT)

    async def read(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        terms: Terms,
        actor: Actor,
        policy: Policy,
        encode: Callable[[dict[str, Any]], bytes],
    ) -> bytes:
        """Answer one query: `data` and `extensions`, as `encode` writes them.

        Raises `Refused` after the refusal is on the log.
        """
        draft = record_of(Kind.READ, actor, policy, terms)
        ready: Ready | None = None
        try:
            clearance = self.clearance(actor, policy, terms)
            ready = self._plan(prepared, variables, clearance, actor)
            if terms.mode is PrivacyMode.REJECT:
                refuse_hidden(ready.plan)
            if terms.mode is PrivacyMode.DRY_RUN:
                await self.log.record(draft, ready.logged)
                return encode(_answer({root.key: None for root in ready.plan.roots}, ready, []))
            ready, found, numbers = await self._fetch(ready, variables, actor, policy, terms)
            computed = await self._compute(ready, variables, policy)
        except (DatabaseError, SQLAlchemyError, OSError) as error:
            unavailable = Unavailable("the database does not answer")
            await self.refuse(draft, ready.logged if ready else None, unavailable, error)
        except Refused as error:
            await self.refuse(draft, ready.logged if ready else None, error, error)
        except Exception:
            draft = draft._replace(outcome="INTERNAL")
            await self.log.record(draft, ready.logged if ready else None)
            raise
        # The answer is written while the disk is, and leaves only when both are done.
        logged = self.log.begin(_shown(draft, ready, found), ready.logged)
        try:
            return encode(self._shape(ready, found, numbers, actor, policy, computed))
        finally:
            await logged

    async def show(
        self,
        ready: Ready,
        variables: Mapping[str, Any],
        terms: Terms,
        actor: Actor,
        policy: Policy,
        held: Held | None,
        named: Sequence[str],
        issued: Issued | None = None,
    ) -> dict[str, Any]:
        """The rows of a plan that was made already, as `data` and `extensions`; they are logged.

        `held` was taken for it before a change that named these persons. `issued`: they go out of
        the office. Raises `Unavailable`, or `OutputStopped` for an obligation that began just now.
        """
        draft = record_of(Kind.READ, actor, policy, terms)
        try:
            ready, found, numbers = await self._fetch(
                ready, variables, actor, policy, terms, held, named, issued
            )
            if issued is not None:
                check_nobody_is_stopped(ready.plan, found, issued)
        except Refused as error:
            await self.refuse(draft, ready.logged, error, error)
        except (DatabaseError, SQLAlchemyError, OSError) as error:
            unavailable = Unavailable("the database does not answer")
            await self.refuse(draft, ready.logged, unavailable, error)
        await self.log.record(_shown(draft, ready, found), ready.logged)
        return self._shape(ready, found, numbers, actor, policy)

    async def look_over(
        self,
        ready: Ready,
        variables: Mapping[str, Any],
        actor: Actor,
        policy: Policy,
        issued: Issued,
    ) -> None:
        """Look at what is about to go out, as it will be read. Raises `OutputStopped`."""
        given = self._given(ready, variables, actor)
        ready, found = await self._rows(ready, variables, given, actor, policy, issued.lifts)
        check_nobody_is_stopped(ready.plan, found, issued)

    async def viewer(
        self, prepared: Prepared, variables: Mapping[str, Any], actor: Actor, policy: Policy
    ) -> dict[str, Any]:
        """Answer a query of nothing but `viewer`, for which no purpose need be stated."""
        operation = prepared.select(variables)
        await self.log.record(
            Record(
                kind=Kind.READ,
                outcome="OK",
                actor=actor.id,
                session=actor.session,
                roles=actor.roles,
                policy_version=policy.version,
            ),
            LoggedOperation.of(normal_form(operation), ()),
        )
        value = viewer_value(actor, policy, None)
        data = {
            root.key: "Query" if root.name == "__typename" else project(value, root.fields)
            for root in operation.roots
            if root.name not in INTROSPECTION
        }
        return {"data": data}

    async def refuse(
        self, draft: Record, logged: LoggedOperation | None, refusal: Refused, cause: Exception
    ) -> NoReturn:
        """Raise the refusal after it is on the log."""
        if logged is None and refusal.asked:
            logged = LoggedOperation.of("{}", refusal.asked)
        await self.log.record(draft._replace(outcome=refusal.code), logged)
        raise refusal from cause

    def clearance(self, actor: Actor, policy: Policy, terms: Terms) -> Clearance:
        """What the actor may do for the stated purpose. Raises `PurposeRefused`."""
        if terms.purpose is None:
            raise PurposeRefused("state a purpose of use (Purpose-Of-Use)", "PURPOSE_REQUIRED")
        case = terms.case_reference is not None
        key = (policy.version, actor.roles, terms.purpose, case, actor.limits)
        cached = self._clearances.get(key, actor.id)
        if cached is None:
            cached = clear(
                policy,
                actor.roles,
                terms.purpose,
                case_reference=case,
                protected=PROTECTED,
                limits=actor.limits,
            )
            self._clearances.put(key, cached, weight(cached.cells), actor.id)
        return cached

    def _plan(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        clearance: Clearance,
        actor: Actor,
    ) -> Ready:
        nodes = self._node_types(prepared, variables) if prepared.by_node else ()
        variable_shape = variables_shape(prepared.types, prepared.switching, variables)
        key: Hashable = (prepared.number, clearance, variable_shape, nodes)
        ready = self._ready.get(key, actor.id)
        if ready is None:
            operation = prepared.select(variables)
            ready = self.ready(operation, clearance, dict(nodes))
            self._ready.put(key, ready, weight(key, ready), actor.id)
        return ready

    def ready(
        self,
        operation: Operation,
        clearance: Clearance,
        node_types: Mapping[str, str],
        through: frozenset[str] = frozenset(),
    ) -> Ready:
        """Plan an operation and compile its statements: see `make_plan`."""
        plan = make_plan(operation, clearance, node_types, through)
        queries = compile_plan(plan, self.database)
        return Ready(
            plan,
            queries,
            tuple(LevelShape(query) for query in queries),
            LoggedOperation.of(plan.normal_form, plan.decisions),
            tuple(
                {"path": list(h.path), "coordinate": h.coordinate, "reason": h.reason.value}
                for h in plan.hidden
            ),
            ledgers_of(clearance.budgets, classes_told(plan)) if tells_of_persons(queries) else (),
            plan.liftable(),
            plan.through(),
        )

    def _node_types(
        self, prepared: Prepared, variables: Mapping[str, Any]
    ) -> tuple[tuple[str, str], ...]:
        operation = prepared.select(variables)
        found = []
        for root in operation.roots:
            if root.name == "node":
                opened = self.open_id(leaf_source(root.arguments["id"]).get(variables))
                if opened is not None:
                    found.append((root.key, opened[0]))
        return tuple(found)

    async def _fetch(
        self,
        ready: Ready,
        variables: Mapping[str, Any],
        actor: Actor,
        policy: Policy,
        terms: Terms,
        held: Held | None = None,
        named: Sequence[str] = (),
        issued: Issued | None = None,
    ) -> tuple[Ready, list[Found], dict[str, NumberRecord | None]]:
        """What a plan finds, and how it is written where lifts opened more of it.

        `held`: what was taken from the budget before a change that named these. It counts as one at
        least, as it does where it is refused.
        """
        given = self._given(ready, variables, actor)
        least = 0 if held is None else 1
        held = held or await self._hold(ready, variables, given, actor)
        found: list[Found] = []
        try:
            await self._match(ready, variables, given, actor, terms)
            lifts: Sequence[int] = () if issued is None else issued.lifts
            ready, found = await self._rows(ready, variables, given, actor, policy, lifts)
            if issued is None:
                lifts = await self._lifts(ready, found, actor, terms)
                if lifts:
                    ready, found = await self._rows(ready, variables, given, actor, policy, lifts)
        finally:
            if held is not None and self.harvest is not None:
                units, persons = counted(found, variables, given)
                told = [*named, *persons] if named else persons
                self.harvest.settle(held, units if told else max(least, units), told)
        return ready, found, await self._numbers(found, actor, terms)

    async def _rows(
        self,
        ready: Ready,
        variables: Mapping[str, Any],
        given: Given,
        actor: Actor,
        policy: Policy,
        lifts: Sequence[int],
    ) -> tuple[Ready, list[Found]]:
        """What a plan finds, with the lifts that were used for it."""
        context, access = self.context(actor, policy), None
        if lifts and ready.liftable:
            ready, access = self._lifted(ready, lifts), Access.WITHHELD
            context = {**context, LIFTS: list(lifts)}
        found = await fetch(
            ready.plan, ready.queries, self.database, variables, context, given, access
        )
        return ready, found

    async def _lifts(
        self, ready: Ready, found: Sequence[Found], actor: Actor, terms: Terms
    ) -> Sequence[int]:
        """The lifts that this request uses, for it has not seen all that they open."""
        person = _covered_person(found) if ready.liftable else None
        if person is None:
            return []
        assert terms.purpose is not None
        user = User(actor.id, actor.session, terms.purpose, terms.case_reference)
        return await take(self.database, user, person, ready.liftable)

    def _lifted(self, ready: Ready, lifts: Sequence[int]) -> Ready:
        """The same plan where lifts count; they are too rare to be kept."""
        queries = compile_plan(ready.plan, self.database, lifted=True)
        shapes = tuple(LevelShape(query) for query in queries)
        return replace(ready, queries=queries, shapes=shapes, lifts=tuple(sorted(lifts)))

    def _given(self, ready: Ready, variables: Mapping[str, Any], actor: Actor) -> Given:
        """Pages and root keys, from the request alone."""
        given = self._pages(ready, variables, actor)
        for query in ready.queries:
            if query.level.keyed is not None:
                given.setdefault(id(query.level), {})[KEYED] = self._key(query.level, variables)
        return given

    def _pages(self, ready: Ready, variables: Mapping[str, Any], actor: Actor) -> Given:
        return open_pages(
            ready.queries,
            variables,
            self.seal,
            _binding(actor.id, ready.plan.clearance.purpose, ready.plan.clearance.version),
            max_page=self.max_page,
            max_rows=self.max_rows,
        )

    async def hold(
        self,
        ready: Ready,
        coordinates: Iterable[str],
        variables: Mapping[str, Any],
        actor: Actor,
    ) -> Held | None:
        """Take from the budget what a change of persons' data could tell: what it shows, and at
        least whether there is such a person. Raises `HarvestLimit`, or `BadInput` for pages that
        cannot be shown: a change that is refused for them afterwards would have been made."""
        pages = self._pages(ready, variables, actor)
        classes = {code for each in coordinates for code in GRAPH.classes.get(each, ())}
        if self.harvest is None or not any(CLASSES[code].personal for code in classes):
            return None
        clearance = ready.plan.clearance
        units = max(1, could_tell(ready.queries, variables, pages))
        ledgers = ledgers_of(clearance.budgets, classes | classes_told(ready.plan))
        return await self.harvest.hold(actor.id, clearance.purpose, ledgers, units, [])

    async def hold_beyond(
        self, ready: Ready, coordinates: Iterable[str], actor: Actor
    ) -> Held | None:
        """Count a change as one, although the budget has none left. Whom it changed is not counted
        by name: to look at them afterwards costs what it did before."""
        clearance = ready.plan.clearance
        classes = {code for each in coordinates for code in GRAPH.classes.get(each, ())}
        if self.harvest is None:
            return None
        ledgers = tuple((code, NO_END) for code, _ in ledgers_of(clearance.budgets, classes))
        return await self.harvest.hold(actor.id, clearance.purpose, ledgers, 1, [])

    def missed(self, held: Held | None) -> None:
        """A change was refused, which tells as much as a person who is not there."""
        if held is not None and self.harvest is not None:
            self.harvest.settle(held, 1)

    async def _hold(
        self, ready: Ready, variables: Mapping[str, Any], given: Given, actor: Actor
    ) -> Held | None:
        """Take what the request could tell of from the budget, before anything is read."""
        if self.harvest is None or not ready.ledgers:
            return None
        units = could_tell(ready.queries, variables, given)
        named = asked_by_code(ready.queries, given)
        purpose = ready.plan.clearance.purpose
        return await self.harvest.hold(actor.id, purpose, ready.ledgers, units, named)

    def context(self, actor: Actor, policy: Policy) -> Mapping[str, Any]:
        """Parameters of the row predicates of this actor, today."""
        key = (policy.version, actor.section, _client(actor), today())
        context = self._contexts.get(key)
        if context is None:
            context = _context(actor, policy)
            self._contexts.put(key, context)
        return context

    def _key(self, level: Level, variables: Mapping[str, Any]) -> Any:
        """The root operand as the database knows it; one that names nothing becomes nobody's."""
        if level.keyed is None or level.keyed[0] is Keyed.NUMBER:
            return NOBODY
        kind, source = level.keyed
        value = source.get(variables)
        if kind is Keyed.CODE:
            return _named_by(level.type, value)
        opened = self.open_id(value)
        if opened is None or opened[0] != level.type.name:
            return NOBODY if level.type.key.type.python_type is str else -1
        return opened[1]

    async def _match(
        self,
        ready: Ready,
        variables: Mapping[str, Any],
        given: Given,
        actor: Actor,
        terms: Terms,
    ) -> None:
        """Whose the numbers are by which roots ask."""
        assert terms.purpose is not None
        for query in ready.queries:
            if query.level.keyed is not None and query.level.keyed[0] is Keyed.NUMBER:
                number = IndividualNumber(query.level.keyed[1].get(variables))
                code = await self.vault.match(actor, terms.purpose, terms.case_reference, number)
                given[id(query.level)][KEYED] = code if code is not None else NOBODY

    def open_id(self, text: str) -> tuple[str, str | int] | None:
        """The type and key that an opaque node id seals; `None` for any other text."""
        try:
            return self.seal.open_node_id(text)
        except SealBroken:
            return None

    async def _compute(
        self, ready: Ready, variables: Mapping[str, Any], policy: Policy
    ) -> dict[str, Any]:
        """The views that the plan opens, by response key."""
        computed: dict[str, Any] = {}
        for root in ready.plan.roots:
            if root.computed is not None:
                given = {
                    name: value_of(tree, variables)
                    for name, tree in root.computed.arguments.items()
                }
                value = await self.views.compute(root.computed.name, given, policy)
                computed[root.key] = project(value, root.computed.fields)
        return computed

    async def _numbers(
        self, found: Sequence[Found], actor: Actor, terms: Terms
    ) -> dict[str, NumberRecord | None]:
        numbers: dict[str, NumberRecord | None] = {}
        assert terms.purpose is not None
        for level in found:
            if wants_number(level.query.level):
                for code in persons_of([level]):
                    numbers[code] = await self.vault.read(
                        actor, terms.purpose, terms.case_reference, code
                    )
        return numbers

    def _shape(
        self,
        ready: Ready,
        found: list[Found],
        numbers: dict[str, NumberRecord | None],
        actor: Actor,
        policy: Policy,
        computed: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        clearance = ready.plan.clearance
        binding = _binding(actor.id, clearance.purpose, clearance.version)
        shaping = Shaping(self.seal, binding, clearance.purpose, numbers, ready.lifts)
        levels = iter(zip(ready.shapes, found, strict=True))
        data: dict[str, Any] = {}
        told: list[dict[str, Any]] = []
        for root in ready.plan.roots:
            if root.level is not None:
                shape, rows = next(levels)
                data[root.key] = shape.write(rows, shaping)[None]
                told += obligations(rows, (root.key,))
            elif root.computed is not None:
                data[root.key] = computed[root.key]
            else:
                data[root.key] = _without_rows(root, actor, policy, clearance)
        return _answer(data, ready, told)


def record_of(kind: Kind, actor: Actor, policy: Policy, terms: Terms) -> Record:
    """The record of a request that goes well and tells of nobody."""
    return Record(
        kind=kind,
        outcome="OK",
        actor=actor.id,
        session=actor.session,
        roles=actor.roles,
        # A text that is no purpose could be anything, a number too.
        purpose=terms.purpose if terms.purpose in policy.reference.purposes else None,
        case_reference=terms.case_reference,
        policy_version=policy.version,
        at=now(),
    )


def refuse_hidden(plan: Plan) -> None:
    """`Privacy-Mode: reject`. Raises `CellHidden` `FIELD_HIDDEN`."""
    for hidden in plan.hidden:
        raise CellHidden(
            f"`{hidden.coordinate}` is hidden: {hidden.reason}", "FIELD_HIDDEN", hidden.coordinate
        )


def _named_by(type_: Type, text: str) -> str:
    """The key that a text names, however it is written; what could be no key names nobody."""
    label = label_of(type_.key)
    key = label.form(text) if label.form is not None else text
    fits = label.check is None or label.check(key) is None
    return key if fits and storable(key) else NOBODY


def _covered_person(found: Sequence[Found]) -> str | None:
    """The one person asked for, where the answer tells that their place is withheld."""
    for one in found:
        index = one.query.index
        if one.query.level.type.name == "Addressee" and one.query.level.warns is not None:
            for row in one.by_parent.get(None, ()):
                if row[index["address_withheld"]]:
                    person: str = row[index["person"]]
                    return person
    return None


def _without_rows(root: Root, actor: Actor, policy: Policy, clearance: Clearance) -> Any:
    if root.selected is not None:
        value = viewer_value(actor, policy, clearance)
        return project(value, root.selected.fields)
    return root.literal


def _answer(
    data: dict[str, Any], ready: Ready, obligations: list[dict[str, Any]]
) -> dict[str, Any]:
    privacy = {"hidden": ready.hidden, "obligations": obligations}
    return {"data": data, "extensions": {"privacy": privacy}}


@lru_cache(maxsize=1000)
def _binding(actor: str, purpose: str, version: int) -> bytes:
    return repr((actor, purpose, version)).encode()


def _client(actor: Actor) -> str | None:
    return None if actor.grant is None else actor.grant.client


def _context(actor: Actor, policy: Policy) -> dict[str, Any]:
    """Parameters of row predicates: today, and the items of every population."""
    items = policy.reference.items
    context: dict[str, Any] = {TODAY: today(), CLIENT: _client(actor)}
    for purpose in policy.reference.purposes.values():
        if purpose.population is not None and has_items(purpose.population):
            context[items_of(purpose.population)] = list(items.get(purpose.population, ()))
    # Last: a purpose may be bounded by the actor's own section as well.
    context[items_of(OWN_SECTION)] = list(items.get(f"{SECTION}{actor.section}", ()))
    return context


def _shown(draft: Record, ready: Ready, found: Sequence[Found]) -> Record:
    told = named_only(found) if ready.through else ()
    return draft._replace(persons=persons_of(found), open_persons=told, through=ready.through)
