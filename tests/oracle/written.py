"""What a mutation's actor could tell of a state: by its outcome, and by what its payload shows.

The payload's rows are read after the change like any other rows, so that their part of the view is
the ordinary one over the state after it. The outcome is another part: whether the change is made,
and what a refusal says. Nobody gets that far whom the policy does not let do all that the use case
asks for (`UseCase.asks`): their view is empty. Whoever does is told the following, and nothing
else:

    reach     whether the rows that the input names are there, in the population of all of that
    state     what a refusal checks of these rows (`OUTCOMES`): mostly columns that may be written
              too, and a few others, which are declared here as released by this mutation
    own       whether it was the actor who proposed or made it
    next key  SQLite gives a new row the key after the highest, and its opaque id follows from it

`LOOKED_AT` is wider: all that a use case's transaction goes by when it works out what to write. No
refusal depends on the rest of it, but statements, log and written rows do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import get_named_type

from models import facts
from models.graph.edges import Edge
from models.graph.graph import GRAPH, Type
from models.tables.namesake import COLUMNS as NAMED_BY
from models.tables.namesake import identity_of
from resolvers.write.pipeline import UseCase
from tests.oracle.answer import Answer, Evaluation, Here, Info, Oracle, Refusal, Request
from tests.oracle.policy import NUMBERS, READ, RELEASE, Decider, Decision, Grant, withheld
from tests.oracle.schema import executable_schema, noun_of
from tests.oracle.state import Row, State

Facts = dict[Any, Any]
Columns = tuple[str, ...]


class WriteEvaluation(Evaluation):
    """One mutation over the state after it. `rows` and `values`: what its use case returned."""

    def __init__(
        self,
        oracle: Oracle,
        request: Request,
        actor: Any,
        cursors: Any,
        use_case: UseCase,
        rows: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        super().__init__(oracle, request, actor, cursors)
        self.use_case, self.rows_changed, self.values = use_case, rows, values

    @property
    def decider(self) -> Decider:
        """The decisions; of what is issued narrower ones."""
        return self._decider

    @decider.setter
    def decider(self, found: Decider) -> None:
        self.deciding = found
        if self.use_case.issues:
            found = Issuing(found.book, found.roles, found.purpose, found.case)
        self._decider = found

    def survey(self) -> Answer | Refusal | None:
        """First whether the change may be made at all, then what the payload needs."""
        purpose = self.request.purpose
        if purpose is not None and purpose in self.book.open_to(self.actor.roles):
            case = self.request.case is not None
            self.decider = self.book.decider(self.actor.roles, purpose, case)
            if not self._run("reach"):
                return Refusal(frozenset({"BAD_USER_INPUT"}))
            if not self.may_write:
                return Refusal(frozenset({"WRITE_NOT_ALLOWED"}))
        return super().survey()

    @property
    def may_write(self) -> bool:
        """Whether the policy lets the actor do what the use case does."""
        return may(self.use_case, self.deciding)

    def changed(self, given: Mapping[str, Any]) -> Any:
        """The mutation itself: its payload resolves against this evaluation."""
        # Without an open purpose nothing is decided.
        deciding = getattr(self, "_decider", None)
        if isinstance(deciding, Issuing):
            deciding.carried = PAPERS.get(given["input"]["document"], frozenset())
        return self.values

    def changed_row(self, info: Info, type_: Type) -> Here | None:
        """A row of the payload, read like a `node` whose id the change told."""
        key = self.rows_changed.get(info.field_name)
        return self._one_root(
            info, type_, None, lambda: self.state.by_key(type_.name, key), type_.name
        )

    def holding(self, grants: Iterable[Grant], row: Row, persons: Iterable[str]) -> list[Grant]:
        """Of what goes out a stopped output closes as well as a withheld place."""
        if self.use_case.issues and self.state.stopped(row, persons):
            return []
        return super().holding(grants, row, persons)

    def crossing_of(self, row: Row, edge: Edge, decision: Decision) -> list[Grant]:
        """But who comes in with a stopped output stops the whole."""
        if edge.enters and withheld(edge.classes):
            return super().holding(decision.whole, row, row.type.noun.persons)
        return super().crossing_of(row, edge, decision)

    def _root(self, info: Info) -> None:
        self.roots[str(info.path.key)] = "node"

    def _untold(self, key: str, value: Any) -> Any:
        return None


PAPERS = {row["document"]: frozenset(row["classes"].split()) for row in facts.rows("papers")}


class Issuing(Decider):
    """What may go out of the office: no number, no reason of a protection, nothing that the paper
    does not carry, and nothing withheld but by a lift."""

    carried: frozenset[str] = frozenset()

    def decide(self, coordinate: str, action: str) -> Decision:
        """The cell."""
        decision, classes = super().decide(coordinate, action), GRAPH.classes[coordinate]
        if decision.grants and ("protection" in classes or not NUMBERS.isdisjoint(classes)):
            return Decision((), "INVARIANT")
        beside = coordinate == "Addressee" or coordinate in RELEASE
        if decision.grants and not beside and not self.carried.issuperset(classes):
            return Decision((), "PAPER")
        grants = tuple(replace(grant, despite_cover=False) for grant in decision.grants)
        return replace(decision, grants=grants)


def may(use_case: UseCase, decider: Decider) -> bool:
    """Whether all is cleared that a use case needs; what may be withheld, in spite of that."""
    return all(
        _is_cleared(decider.decide(coordinate, action.value), coordinate, action.value)
        for coordinate, action in use_case.asks()
    )


def _is_cleared(decision: Decision, coordinate: str, action: str) -> bool:
    if action != READ or not withheld(GRAPH.classes[coordinate]):
        return bool(decision.whole)
    anyway = [grant for grant in decision.whole if grant.despite_cover]
    return bool(anyway) and _people(anyway) == _people(decision.whole)


def _people(grants: Iterable[Grant]) -> set[frozenset[str]]:
    populations = {grant.population for grant in grants}
    return {frozenset()} if frozenset() in populations else populations


def make_writable() -> None:
    """Give the executable schema its mutations."""
    schema = executable_schema()
    assert schema.mutation_type is not None
    for field in schema.mutation_type.fields.values():
        field.resolve = lambda _, info, **given: info.context.changed(given)
        payload: Any = get_named_type(field.type)
        for inner in payload.fields.values():
            type_ = GRAPH.types.get(noun_of(get_named_type(inner.type).name))
            if type_ is not None:
                inner.resolve = _row_of(type_)


def _row_of(type_: Type) -> Any:
    return lambda _, info: info.context.changed_row(info, type_)


# -- outcomes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Of rows of a type that the input names by one of the columns `by`: these columns.

    `scoped`: only of rows where the actor may write. `own`: of these only if it is the actor.
    `everybody`: of all rows, named or not.
    """

    type: str
    columns: Columns
    by: Columns = ()
    own: Columns = ()
    scoped: bool = True
    everybody: bool = False

    def rows(self, state: State, named: Collection[Any]) -> Iterator[Row]:
        """The rows that are named."""
        by = self.by or (GRAPH.types[self.type].noun.key,)
        for row in state.rows[self.type]:
            if self.everybody or any(row.values[column] in named for column in by):
                yield row


PERSON = Told("Addressee", ())
MEASURE = ("status", "kind", "decided_on")
PROTECTS = ("kind", "status", "end_proposed_by", "end_confirmed_by")
LIFT = ("approved_by", "revoked_at", "ends_at", "uses", "used")
TRANSFER = ("state", "definition_code")
COVERED = Told("CoveredPerson", ("addressee_code",), ("measure_id",), scoped=False)
HOME = Told("HouseholdMembership", ("household_code", "left_on"), ("addressee_code",), scoped=False)
"""Released by the exclusion of a member: whether two persons share a household now."""
IN_SERVICE = Told("StaffMember", ("state",), scoped=False)
"""Released by a lift's proposal: whether somebody of this staff id is in service."""


LIFTS = (Told("Lift", (), ("addressee_code",), own=("staff_id",)),)


def _whole(type_name: str) -> Told:
    columns = tuple(column.name for column in GRAPH.types[type_name].table.columns)
    return Told(type_name, columns, everybody=True, scoped=False)


def _all_of(type_name: str, *by: str) -> Told:
    columns = tuple(column.name for column in GRAPH.types[type_name].table.columns)
    return Told(type_name, columns, by, scoped=False)


PLACES = tuple(
    _whole(type_name)
    for type_name in (
        "Addressee", "ForwardingAddress", "HouseholdMembership", "RelatedAddressee",
        "SpecialAddressee", "ProtectiveMeasure", "CoveredPerson", "SubstituteAddressProposal",
    )
)  # fmt: skip
"""A substitute address is held against every place of whoever is tied to the person; who sets one
may read them all, so that all of it counts as told."""


def _measure(*own: str) -> tuple[Told, ...]:
    return (PERSON, Told("ProtectiveMeasure", MEASURE, own=own), COVERED)


STAFF = tuple(
    _all_of(type_name, *by)
    for type_name, by in (
        ("StaffMember", ()), ("RoleGrant", ("staff_id",)), ("StaffProposal", ("staff_id", "id"))
    )
)  # fmt: skip
"""Who writes staff records or decides on them acts on all of a member's."""
POLICY = ("PolicyVersion", "PolicyLine", "PolicyDraft", "PolicyDraftLine")
STAFF_TYPES = ("StaffMember", "RoleGrant", "StaffProposal")

OUTCOMES: Mapping[str, tuple[Told, ...]] = {
    "setSubstituteAddress": (PERSON, *PLACES),
    "confirmSubstituteAddress": (
        Told("SubstituteAddressProposal", ("status",), own=("proposed_by",)),
        *PLACES,
    ),
    "withdrawSubstituteAddress": (Told("SubstituteAddressProposal", ("status",)),),
    "recordMeasure": (PERSON,),
    "amendMeasure": (
        PERSON,
        Told("ProtectiveMeasure", (*MEASURE, "addressee_code", "counterparty_addressee_code")),
        COVERED,
    ),
    "proposeMeasureEnd": _measure(),
    "withdrawMeasureEnd": _measure(),
    "confirmMeasureEnd": _measure("end_proposed_by"),
    "proposeFlagEnd": (
        Told("Addressee", ("dv_flag", "neglect_flag")),
        Told("ProtectiveMeasure", PROTECTS, ("addressee_code",), scoped=False),
    ),
    "excludeHouseholdMember": (
        PERSON,
        HOME,
        Told(
            "HouseholdExclusion",
            ("member_code", "household_code", "status"),
            ("addressee_code",),
            scoped=False,
        ),
    ),
    "confirmHouseholdExclusion": (Told("HouseholdExclusion", ("status",), own=("proposed_by",)),),
    "includeHouseholdMember": (Told("HouseholdExclusion", ("status",)),),
    "proposeLift": (PERSON, IN_SERVICE),
    "approveLift": (Told("Lift", LIFT, own=("proposed_by", "staff_id")),),
    "revokeLift": (Told("Lift", LIFT),),
    "prepareTransfer": (Told("TransferDefinition", ()),),
    "releaseTransfer": (
        Told("Transfer", TRANSFER, ("code",), own=("prepared_by",)),
        Told("TransferDefinition", ("release_role",), scoped=False),
    ),
    "withdrawTransfer": (Told("Transfer", TRANSFER, ("code",)),),
    "handOverTransfer": (Told("Transfer", TRANSFER, ("code",)),),
    "issueDocument": (PERSON, Told("Handling", ("address_withheld", "stop_output")), *LIFTS),
    # A department's client's alone: nobody of the staff gets as far as a row.
    "acknowledgeTransfer": (),
    "rejectTransfer": (),
}
"""What the outcome tells, by mutation. Those of policy and staff are below."""

INSERTED = {
    "recordMeasure": "ProtectiveMeasure",
    "proposeFlagEnd": "ProtectiveMeasure",
    "excludeHouseholdMember": "HouseholdExclusion",
    "proposeLift": "Lift",
    "setSubstituteAddress": "SubstituteAddressProposal",
    "prepareTransfer": "Transfer",
    "proposeRole": "StaffProposal",
    "proposeReinstatement": "StaffProposal",
    "createPolicyDraft": "PolicyDraft",
    "withdrawPolicy": "PolicyDraft",
    "rollBackPolicy": "PolicyDraft",
}
"""Mutations that show a new row, by type."""


def outcome(evaluation: WriteEvaluation, state: State, named: Collection[Any]) -> Facts:
    """What the outcome tells of the state before the change. The evaluation was surveyed."""
    facts: Facts = {}
    name = evaluation.use_case.name
    if name not in OUTCOMES:
        return _of_desk(state, name, named)
    if not OUTCOMES[name]:
        return facts
    before, use_case = _over(evaluation, state), evaluation.use_case
    scopes = [
        evaluation.deciding.decide(each, action.value).whole for each, action in use_case.asks()
    ]
    for told in OUTCOMES[name]:
        whom = named
        if told.type == "TransferDefinition" and not told.scoped:
            whom = {row.values["definition_code"] for row in state.rows["Transfer"]}
        for row in told.rows(state, whom):
            if told.scoped and not all(before.in_scope(scope, row) for scope in scopes):
                continue
            own = [row.values[column] == evaluation.actor.id for column in told.own]
            facts[told.type, row.key] = [row.values[column] for column in told.columns] + own
    facts["next"] = _next_key(state, name)
    if use_case.issues:
        facts |= _namesakes(state, named)
    return facts


def _namesakes(state: State, named: Collection[Any]) -> Facts:
    """Released by issuing: whether another record has the name and birthday. There the address is
    the third item; who may not read it is refused."""
    people = {row.key: identity_of(row.values) for row in state.rows["Addressee"]}
    told: Facts = {}
    for row in PERSON.rows(state, named):
        own = people[row.key]
        if own is not None and any(
            key != row.key and other is not None and own.could_be(other)
            for key, other in people.items()
        ):
            told["namesake", row.key] = (row.values["address"], row.values["building"])
    return told


def _over(evaluation: WriteEvaluation, state: State) -> Evaluation:
    oracle = Oracle(state, evaluation.book, evaluation.seal)
    return Evaluation(oracle, evaluation.request, evaluation.actor, {})


def _next_key(state: State, name: str) -> Any:
    type_name = INSERTED.get(name)
    return max((row.key for row in state.rows[type_name]), default=0) if type_name else None


def _of_desk(state: State, name: str, named: Collection[Any]) -> Facts:
    """Policy and staff are changed by who sees all of them; only what is named of a staff member
    tells where no policy is at stake."""
    facts: Facts = {"next": _next_key(state, name)}
    if "Policy" in name:
        for type_name in (*POLICY, *STAFF_TYPES):
            facts[type_name] = [dict(row.values) for row in state.rows[type_name]]
        return facts
    whom = {*named, *(row.values["staff_id"] for row in state.rows["StaffProposal"]
                      if row.key in named)}  # fmt: skip
    for told in STAFF:
        for row in told.rows(state, whom):
            facts[told.type, row.key] = dict(row.values)
    return facts


# -- what a transaction goes by --------------------------------------------------------------------

PLACED = (
    "code", "address", "building", "moved_from_address", "moved_from_building",
    "moved_out_address", "moved_out_building", "full_name", "full_name_kana",
)  # fmt: skip
"""What of a record a substitute address is held against."""
PLACE_TABLES: Mapping[str, Columns | None] = {
    "addressee": PLACED,
    "forwarding_address": ("addressee_code", "address", "building"),
    "special_addressee": ("addressee_code", "special_addressee_code"),
    "substitute_address": None,
    "substitute_address_proposal": None,
    **dict.fromkeys(
        ("related_addressee", "household_membership", "protective_measure", "covered_person")
    ),
}
PROTECTION: Mapping[str, Columns | None] = {
    **PLACE_TABLES,
    "addressee": (*PLACED, "dv_flag", "neglect_flag"),
    "protective_measure": (
        "id", "addressee_code", "kind", "status", "end_proposed_by", "end_confirmed_by",
        "address_withheld", "stop_output", "decided_on", "counterparty_addressee_code",
        "counterparty_name",
    ),
    "covered_person": None,
    "related_addressee": None,
    "household_membership": None,
    "household_exclusion": None,
    "handling": None,
    "handling_notice": None,
    "transfer_definition": ("code",),
    "collection": ("id", "addressee_code", "tax_item_code"),
}  # fmt: skip
DESK: Mapping[str, Columns | None] = dict.fromkeys(
    ("staff", "staff_role", "staff_proposal", "policy_version", "policy_line", "policy_draft",
     "policy_draft_line")
)  # fmt: skip
LOOKED_AT: Mapping[str, Mapping[str, Columns | None]] = {
    "SubstituteAddress": PLACE_TABLES,
    "Lift": {"lift": None, "staff": None},
    "Transfer": {"transfer": None, "transfer_definition": None},
    "issueDocument": {
        "lift": None,
        "handling": None,
        "addressee": ("code", *NAMED_BY, "address", "building"),
    },
}
"""By mutation, or by the end of its name."""


def looked_at(state: State, name: str) -> Facts:
    """All that the transaction of a mutation goes by."""
    tables = PROTECTION if name in OUTCOMES else DESK
    for ending, given in LOOKED_AT.items():
        if name.endswith(ending):
            tables = given
    return {
        table: [
            dict(row) if columns is None else [row[column] for column in columns]
            for row in state.tables[table]
        ]
        for table, columns in tables.items()
    }
