"""The whole path of a change, in order: who, what for, may they write, change, log, show.

operation  = what is asked, free of GraphQL        selection.py
clearance  = what the policy allows                authz/policy/clearance.py
shown      = the plan of what the answer shows     plan.py
             use case and log record               one transaction: no log, no change
answer     = the rows, read by that plan           pipeline.py

An operation holds one change. What the answer shows is read after it, by the same road and under
the same clearance as any other read.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from graphql import get_named_type
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import access_log
from authz.access_log import AccessLog, Coordinate, Kind, LoggedOperation, Record
from authz.actor import Actor
from authz.errors import BadInput, HarvestLimit, Refused, Unavailable, WriteRefused
from authz.policy.clearance import Clearance, Verdict, for_issuing
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.sessions.lookup_budget import Held
from models.graph.graph import GRAPH, Type
from models.graph.paper import CARRIED, shown_by
from models.labels import camel, label_of
from models.store.database import Database, DatabaseError
from models.tables.policy import Action
from models.trade import codes
from models.trade.codes import Form, could_be_number
from models.trade.rules import COULD_BE_NUMBER, prose
from resolvers.read.decisions import together, withheld_of
from resolvers.read.operation import Null, Operation, Selected, Slot, value_of
from resolvers.read.pipeline import (
    Prepared,
    PrivacyMode,
    Reads,
    Ready,
    Terms,
    record_of,
    refuse_hidden,
)
from resolvers.read.plan import Plan, normal_form
from resolvers.read.seal import UNSEEN
from resolvers.read.sql import is_in_scope, row_to_change
from resolvers.read.stopped_output import Issued, brings_others, check_all_are_told
from resolvers.read.trail import classes_of

META = "__typename"
_alert = logging.getLogger("atena.alert")

NOT_TOLD_WHY = (
    "nothing was changed; beyond the budget of persons it is not told why: check the codes and what"
    " is said"
)
NOT_ALLOWED = "this role may not change that for this purpose"

Need = tuple[str, Action]
"""A coordinate, and what one must be cleared to do with it."""


def reads(*coordinates: str) -> tuple[Need, ...]:
    """To be cleared to read each of them."""
    return tuple((each, Action.READ) for each in coordinates)


FORMS: Mapping[str, Form] = {
    camel(column.name): form
    for type_ in GRAPH.types.values()
    for column in type_.table.columns
    if (form := label_of(column).form) is not None
} | {"otherPersons": codes.addressee, "code": codes.plain}
"""The canonical form of what an input field of a mutation names: that of the column it is about."""

Input = Mapping[str, Any]
"""The `input` of a mutation, coerced: words of enums as text, days as `date`; absent is absent."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a use case is handed. `connection` is inside the one transaction of the change; `at` is
    its instant, in UTC; `shown` the plan of its payload; `asks` all that the use case needs."""

    connection: AsyncConnection
    actor: Actor
    policy: Policy
    clearance: Clearance
    terms: Terms
    at: dt.datetime
    shown: Plan
    asks: tuple[Need, ...]
    database: Database = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)
    policies: PolicyStore = field(repr=False)
    open_id: Callable[[str], tuple[str, str | int] | None] = field(repr=False)

    @property
    def purpose(self) -> str:
        """The stated purpose, which is open to the actor."""
        return self.clearance.purpose

    def key_of(self, node_id: str, type_name: str) -> Any:
        """The key that an opaque node id seals. Raises `BadInput` for any other text."""
        opened = self.open_id(node_id)
        if opened is None or opened[0] != type_name:
            raise BadInput(f"there is no such `{type_name}`")
        return opened[1]

    async def reach(self, type_name: str, key: Any) -> None:
        """Make sure that the row is one of which the actor may do all that the use case does.

        Raises `BadInput`, alike for a row that is not there and one outside the population of any
        of these cells.
        """
        populations = together(*(self.clearance.cell(*need).populations for need in self.asks))
        type_ = GRAPH.types[type_name]
        if not await is_in_scope(
            self.connection, self.database, type_, key, populations, self.context
        ):
            raise BadInput(f"there is no such `{type_name}`")

    async def row(self, type_name: str, node_id: str) -> sa.RowMapping:
        """The row that an opaque id names, as it is stored, and nobody else's until the end.

        Raises `BadInput` as `reach` does.
        """
        key = self.key_of(node_id, type_name)
        await self.reach(type_name, key)
        return await row_to_change(self.connection, GRAPH.types[type_name], key)


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """A version of the policy is in force from now on."""

    number: int


@dataclass(frozen=True, slots=True)
class RightsTaken:
    """A staff member's sessions of before this revocation epoch are over."""

    staff_id: str
    epoch: int


Event = PolicyPublished | RightsTaken
Tell = Callable[[Event], Awaitable[None]]


SHA_256 = re.compile(r"[0-9a-fA-F]{64}")
FILES = frozenset({"csv"})
"""Inputs that are whole files, whose lines have nothing to do with each other."""


def received(given: Any, name: str = "input", form: Form | None = None) -> Any:
    """What somebody types into a change, as it may be stored: each code in its canonical form.

    Raises `BadInput` for a text that could be an individual number, whatever it is meant for, and
    for one that its reader would not see as it is. What is a file (`FILES`) is left to its use
    case, which asks that of each line.
    """
    if isinstance(given, Mapping):
        return {each: received(value, each, FORMS.get(each)) for each, value in given.items()}
    if isinstance(given, list):
        return [received(each, name, form) for each in given]
    if not isinstance(given, str) or name in FILES:
        return given
    if name == "digest" and SHA_256.fullmatch(given):
        # It is compared and not stored; one in forty has twelve digits in a row.
        return given
    if could_be_number(given):
        raise BadInput(f"`{name}`: {COULD_BE_NUMBER}")
    if form is not None:
        return form(given)
    reason = prose(given)
    if reason is not None:
        raise BadInput(f"`{name}`: {reason}")
    return given


async def nobody(event: Event) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a use case returns.

    `rows` for each payload field of a noun, the key of the row to show (`None`: nothing)
    `values` the payload fields that are plain values
    `persons` codes of the addressees who were changed, for the log
    `named` codes of those whom the input names, and who are there: the budget counts them, and not
    whom else it changed, or what is left would tell who that was
    `issued` what of the payload may go out of the office, where it is to
    `events` what must be told once the change is committed, before it is answered
    """

    rows: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    persons: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    issued: Issued | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class UseCase:
    """One mutation. `writes`: coordinates that must all be cleared for `write`.

    `approves`: coordinates that must all be cleared for `read` by who decides on what somebody
    else proposed; `run` asks who may (`authz/editing/four_eyes.py`). `needs`: whatever else must
    be cleared. `issues`: what the payload shows goes out of the office (`issuing.py`). `protects`:
    it raises or keeps protection, which waits for no hour to end: beyond the budget it is made,
    and not shown. `run` raises `BadInput` where the state of things does not allow the change.
    """

    name: str
    run: Callable[[Change, Input], Awaitable[Changed]]
    writes: tuple[str, ...] = ()
    approves: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    issues: bool = False
    protects: bool = False

    def asks(self) -> tuple[Need, ...]:
        """Everything for which it must be cleared."""
        return (
            *self.needs,
            *reads(*self.approves),
            *((coordinate, Action.WRITE) for coordinate in self.writes),
        )

    def through(self) -> frozenset[str]:
        """The classes of what it is about: its name tells of whom it changes."""
        return classes_of(coordinate for coordinate, _ in self.asks())


class Writes:
    """Carries out mutations. One for each worker."""

    def __init__(
        self,
        reads: Reads,
        database: Database,
        log: AccessLog,
        use_cases: Iterable[UseCase],
        tell: Tell = nobody,
    ) -> None:
        self._tell = tell
        self._reads = reads
        self._database = database
        self._log = log
        self._use_cases = {use_case.name: use_case for use_case in use_cases}

    async def write(
        self,
        prepared: Prepared,
        variables: Mapping[str, Any],
        terms: Terms,
        actor: Actor,
        policy: Policy,
        encode: Callable[[dict[str, Any]], bytes],
    ) -> bytes:
        """Carry out one mutation and answer `data` and `extensions`.

        Raises `Refused` after the refusal is on the log; then nothing is changed. The exception is
        `Unavailable` after the change, while what it shows is read: the log tells which it was.
        """
        draft = record_of(Kind.WRITE, actor, policy, terms)
        logged: LoggedOperation | None = None
        try:
            operation = prepared.select(variables)
            logged = LoggedOperation.of(_normal(operation), ())
            clearance = self._reads.clearance(actor, policy, terms)
            mutation = _mutation(operation)
            use_case = self._use_cases[mutation.name]
            asked = _decisions(use_case, clearance)
            logged = LoggedOperation.of(_normal(operation), asked)
            if any(verdict != Verdict.SHOWN for _, _, verdict in asked):
                raise WriteRefused(NOT_ALLOWED)
            given = received(value_of(mutation.arguments.get("input", Null()), variables))
            showing = clearance
            if use_case.issues:
                showing = for_issuing(clearance, CARRIED.get(given["document"], frozenset()))
            shown = self._shown(prepared, mutation, showing, use_case.through())
            if use_case.issues:
                check_all_are_told(shown.plan)
            if terms.mode is PrivacyMode.REJECT:
                refuse_hidden(shown.plan)
            if terms.mode is PrivacyMode.DRY_RUN:
                await self._log.record(draft, logged)
                return encode(_answer(mutation, None, shown, {}))
            held, beyond = await self._hold(use_case, shown, variables, actor, draft, logged)
            try:
                named = partial(self._named, prepared, mutation, variables)
                changed = await self._change(
                    use_case, given, clearance, shown, named, terms, actor, policy, draft, logged
                )
            except Exception as error:
                self._reads.missed(held)
                if beyond and isinstance(error, Refused | sa.exc.IntegrityError):
                    raise BadInput(NOT_TOLD_WHY) from error
                raise
        except sa.exc.IntegrityError as error:
            # The cause's text names constraints and values.
            contradiction = BadInput("the change contradicts what is stored")
            await self._reads.refuse(draft, logged, contradiction, error)
        except (DatabaseError, sa.exc.SQLAlchemyError, OSError) as error:
            unavailable = Unavailable("the database does not answer")
            await self._reads.refuse(draft, logged, unavailable, error)
        except Refused as error:
            await self._reads.refuse(draft, logged, error, error)
        except Exception:
            await self._log.record(draft._replace(outcome="INTERNAL"), logged)
            raise
        if beyond:
            return encode(_unshown(mutation, changed, shown))
        content = await self._reads.show(
            shown, named(changed), terms, actor, policy, held, changed.named, changed.issued
        )
        return encode(_answer(mutation, changed, shown, content))

    async def admit(self, prepared: Prepared, terms: Terms, actor: Actor, policy: Policy) -> None:
        """Refuse, after it is on the log, a change that the actor is not cleared for, whatever its
        input will be. Raises `Refused`."""
        draft = record_of(Kind.WRITE, actor, policy, terms)
        operation = prepared.select({})
        logged = LoggedOperation.of(_normal(operation), ())
        try:
            clearance = self._reads.clearance(actor, policy, terms)
            asked = _decisions(self._use_cases[_mutation(operation).name], clearance)
            logged = LoggedOperation.of(_normal(operation), asked)
            if any(verdict != Verdict.SHOWN for _, _, verdict in asked):
                raise WriteRefused(NOT_ALLOWED)
        except Refused as error:
            await self._reads.refuse(draft, logged, error, error)

    async def _hold(
        self,
        use_case: UseCase,
        shown: Ready,
        variables: Mapping[str, Any],
        actor: Actor,
        draft: Record,
        logged: LoggedOperation,
    ) -> tuple[Held | None, bool]:
        """What is taken from the budget of persons, and whether it goes beyond."""
        changing = {coordinate for coordinate, _ in use_case.asks()}
        try:
            return await self._reads.hold(shown, changing, variables, actor), False
        except HarvestLimit as limit:
            if not use_case.protects:
                raise
            await self._log.record(draft._replace(outcome=limit.code), logged)
            _alert.warning("beyond the harvest limit: staff %s, %s", actor.id, use_case.name)
            return await self._reads.hold_beyond(shown, changing, actor), True

    async def _change(
        self,
        use_case: UseCase,
        given: Input,
        clearance: Clearance,
        shown: Ready,
        named: Callable[[Changed], Mapping[str, Any]],
        terms: Terms,
        actor: Actor,
        policy: Policy,
        draft: Record,
        logged: LoggedOperation,
    ) -> Changed:
        """The change and its record, both or neither."""
        async with self._database.write() as connection:
            change = Change(
                connection,
                actor,
                policy,
                clearance,
                terms,
                dt.datetime.now(dt.UTC),
                shown.plan,
                use_case.asks(),
                self._database,
                self._reads.context(actor, policy),
                self._reads.policies,
                self._reads.open_id,
            )
            changed = await use_case.run(change, given)
            if changed.issued is not None and brings_others(shown.plan):
                await self._reads.look_over(shown, named(changed), actor, policy, changed.issued)
            record = draft._replace(persons=changed.persons, through=use_case.through())
            await access_log.insert(connection, self._database.dialect, record, logged)
        for event in changed.events:
            # What is committed holds; whoever is not told now learns it from the database.
            with contextlib.suppress(Unavailable):
                await self._tell(event)
        return changed

    def _shown(
        self,
        prepared: Prepared,
        mutation: Selected,
        clearance: Clearance,
        through: frozenset[str],
    ) -> Ready:
        """The plan of the payload's rows, each read like a `node` whose id the change will tell."""
        roots, types = [], {}
        for part in mutation.fields:
            type_ = _row_type(prepared, part)
            if type_ is not None:
                key = {"id": Slot(_slot(part.name))}
                roots.append(Selected(part.key, "node", "Query", key, part.fields))
                types[part.key] = type_.name
        return self._reads.ready(Operation(tuple(roots)), clearance, types, through)

    def _named(
        self, prepared: Prepared, mutation: Selected, variables: Mapping[str, Any], changed: Changed
    ) -> dict[str, Any]:
        """The variables, with the id of each row that the payload shows."""
        keys = {
            _slot(part.name): self._node_id(_row_type(prepared, part), changed.rows.get(part.name))
            for part in mutation.fields
        }
        return {**variables, **keys}

    def _node_id(self, type_: Type | None, key: Any) -> str:
        return (
            ""
            if type_ is None or key is None
            else self._reads.seal.node_id(UNSEEN, type_.name, key)
        )


def _mutation(operation: Operation) -> Selected:
    """The one root field (`schema/request/limits.py`), unless a directive took it away."""
    for mutation in operation.roots:
        return mutation
    raise BadInput("the operation selects no mutation")


def _decisions(use_case: UseCase, clearance: Clearance) -> tuple[Coordinate, ...]:
    return tuple(
        (coordinate, action.value, _verdict(clearance, coordinate, action).value)
        for coordinate, action in sorted(use_case.asks())
    )


def _verdict(clearance: Clearance, coordinate: str, action: Action) -> Verdict:
    """A refusal does not stop at an obligation: it tells only who may read in spite of one."""
    cell = clearance.cell(coordinate, action)
    withheld = action is Action.READ and withheld_of(GRAPH.classes[coordinate])
    return Verdict.HIDDEN if withheld and not cell.despite_protection else cell.verdict


def _row_type(prepared: Prepared, part: Selected) -> Type | None:
    """The noun that a payload field shows; `None` where it is a plain value."""
    payload: Any = prepared.schema.type_map[part.type_name]
    field_ = payload.fields.get(part.name)
    return GRAPH.types.get(shown_by(get_named_type(field_.type).name)) if field_ else None


def _slot(name: str) -> str:
    """No variable of a client has such a name."""
    return f"(row of {name})"


def _normal(operation: Operation) -> str:
    """Without the input's fields: that there is a counterparty tells what kind of cause it is."""
    unread = (
        replace(each, arguments=dict.fromkeys(each.arguments, Null())) for each in operation.roots
    )
    return f"mutation {normal_form(Operation(tuple(unread)))}"


def _answer(
    mutation: Selected,
    changed: Changed | None,
    shown: Ready,
    content: Mapping[str, Any],
) -> dict[str, Any]:
    """The payload in the order of its selection, with the privacy of what it shows."""
    payload = None
    if changed is not None:
        rows = content["data"]
        payload = {
            part.key: part.type_name
            if part.name == META
            else rows.get(part.key, changed.values.get(part.name))
            for part in mutation.fields
        }
    told = content.get("extensions", {}).get("privacy", {}).get("obligations", [])
    privacy = {
        "hidden": [_beneath(mutation, entry) for entry in shown.hidden],
        "obligations": [_beneath(mutation, entry) for entry in told],
    }
    return {"data": {mutation.key: payload}, "extensions": {"privacy": privacy}}


def _unshown(mutation: Selected, changed: Changed, shown: Ready) -> dict[str, Any]:
    """The payload of a change that was made beyond the budget of persons: without its rows."""
    answer = _answer(mutation, changed, shown, {"data": {}})
    answer["extensions"]["privacy"]["beyondBudget"] = True
    return answer


def _beneath(mutation: Selected, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "path": [mutation.key, *entry["path"]]}
