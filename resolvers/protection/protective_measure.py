"""支援措置等: entering why care is due, and ending it by two persons.

Whatever begins or ends, the obligation follows in the same transaction (`protection.py`). A flag of
the record (items 53, 54) ends like a measure: the proposal to clear it is a row of its own kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from authz.editing.four_eyes import check_somebody_else
from authz.errors import BadInput
from models.graph.graph import GRAPH
from models.tables.protective_measure import FLAGS, VIOLENCE, MeasureKind, MeasureStatus
from models.trade.rules import municipality_code
from resolvers.protection.causes import covered_person, enter_measure, measure, measure_protects
from resolvers.protection.obligation import ending, lapse_exclusions, raise_obligations
from resolvers.write.checks import needs_state, reason_of
from resolvers.write.pipeline import Change, Changed, Input, UseCase, reads
from resolvers.write.typed_in import check_days

addressee = GRAPH.types["Addressee"].table

EXISTENCE = "ProtectiveMeasure"
OBLIGATION = ("Handling", "Handling.addressWithheld", "Handling.stopOutput")
SAID = {
    "decidingMunicipalityCode": "deciding_municipality_code",
    "counterpartyName": "counterparty_name",
    "counterpartyAddresseeCode": "counterparty_addressee_code",
    "requestedOn": "requested_on",
    "decidedOn": "decided_on",
    "startsOn": "starts_on",
    "endsOn": "ends_on",
    "note": "note",
}
"""What is said of a measure, and may be corrected: input field and column."""
NOTHING: Input = MappingProxyType({})


async def record_measure(change: Change, given: Input) -> Changed:
    """Enter a measure or another cause. It protects at once, decided or not."""
    owner, others = given["addresseeCode"], tuple(given.get("otherPersons") or ())
    persons = (owner, *others)
    values = {
        "addressee_code": owner,
        "kind": given["kind"],
        **await _said(change, given, persons),
        **_asks(given),
        "status": _status(given.get("decidedOn")),
        "recorded_by": change.actor.id,
        "recorded_at": change.at,
    }
    for code in persons:
        await change.reach("Addressee", code)
    await lapse_exclusions(change.connection, persons, change.at, change.actor.id)
    key = await enter_measure(change.connection, values, others)
    covered = await raise_obligations(change.connection, persons)
    return _changed(key, {*persons, *covered}, persons, given)


async def amend_measure(change: Change, given: Input) -> Changed:
    """Correct what is said of a measure, extend it, or cover further persons. It cannot lower."""
    stored = await change.row("ProtectiveMeasure", given["measureId"])
    open_states = (MeasureStatus.REQUESTED, MeasureStatus.IN_FORCE, MeasureStatus.END_PROPOSED)
    needs_state(stored["status"], *open_states)
    others = tuple(given.get("otherPersons") or ())
    for code in others:
        await change.reach("Addressee", code)
    covered_already = await _persons(change, stored)
    persons = {*covered_already, *others}
    values = await _said(change, given, persons, dict(stored))
    if "counterparty_addressee_code" not in values:
        _check_apart(stored["counterparty_addressee_code"], others)
    values |= _found_out(stored, given.get("kind"))
    if stored["status"] == MeasureStatus.REQUESTED and values.get("decided_on") is not None:
        values["status"] = MeasureStatus.IN_FORCE.value
    if values:
        await _update(change, stored["id"], values)
    further = persons - covered_already
    await lapse_exclusions(change.connection, further, change.at, change.actor.id)
    for code in sorted(further):
        await _cover(change, stored["id"], code)
    covered = await raise_obligations(change.connection, persons)
    return _changed(stored["id"], {*persons, *covered}, others, given)


async def propose_measure_end(change: Change, given: Input) -> Changed:
    """Propose that a measure ends. It protects as before."""
    stored = await change.row("ProtectiveMeasure", given["measureId"])
    needs_state(stored["status"], MeasureStatus.REQUESTED, MeasureStatus.IN_FORCE)
    await _update(change, stored["id"], _proposal(change, given))
    return _changed(stored["id"], await _persons(change, stored))


async def propose_flag_end(change: Change, given: Input) -> Changed:
    """Propose that a flag of the record is cleared. It protects as before."""
    owner, kind = given["addresseeCode"], given["flag"]
    if kind not in FLAGS:
        raise BadInput("`flag` is DV_FLAG or NEGLECT_FLAG")
    await change.reach("Addressee", owner)
    flag = addressee.c[FLAGS[kind]]
    record = sa.select(addressee.c.code).where(addressee.c.code == owner, flag.is_not(sa.false()))
    if await change.connection.scalar(record.with_for_update()) is None:
        raise BadInput("the record does not carry this flag", "STATE_NOT_ALLOWED")
    same = sa.select(measure.c.id).where(
        measure.c.addressee_code == owner, measure.c.kind == kind, measure_protects()
    )
    if await change.connection.scalar(same) is not None:
        raise BadInput(
            "there is a row about this flag already: propose its end", "STATE_NOT_ALLOWED"
        )
    values = {
        "addressee_code": owner,
        "kind": kind,
        "recorded_by": change.actor.id,
        "recorded_at": change.at,
        **_proposal(change, given),
    }
    return _changed(await enter_measure(change.connection, values), {owner}, (owner,))


async def withdraw_measure_end(change: Change, given: Input) -> Changed:
    """Take a proposal back, or refuse it: the measure goes on."""
    stored = await change.row("ProtectiveMeasure", given["measureId"])
    needs_state(stored["status"], MeasureStatus.END_PROPOSED)
    nothing = dict.fromkeys(("end_reason", "end_proposed_by", "end_proposed_at"))
    await _update(change, stored["id"], {"status": _status(stored["decided_on"]), **nothing})
    return _changed(stored["id"], await _persons(change, stored))


async def confirm_measure_end(change: Change, given: Input) -> Changed:
    """End a measure whose end somebody else proposed; the obligation ends where nothing else asks
    for it. Whoever entered it may confirm; who proposed may not."""
    stored = await change.row("ProtectiveMeasure", given["measureId"])
    needs_state(stored["status"], MeasureStatus.END_PROPOSED)
    check_somebody_else(change.actor.id, {stored["end_proposed_by"]})
    persons = await _persons(change, stored)
    values = {
        "status": MeasureStatus.ENDED.value,
        "end_confirmed_by": change.actor.id,
        "end_confirmed_at": change.at,
    }
    async with ending(change.connection, persons) as uncovered:
        await _update(change, stored["id"], values)
        if stored["kind"] in FLAGS:
            own = addressee.c.code == stored["addressee_code"]
            cleared = sa.update(addressee).where(own).values({FLAGS[stored["kind"]]: False})
            await change.connection.execute(cleared)
    return _changed(stored["id"], {*persons, *uncovered})


# -- the parts ------------------------------------------------------------------------------------


async def _said(
    change: Change, given: Input, persons: Collection[str], stored: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """Checked, together with what is stored already."""
    values = {column: given[name] for name, column in SAID.items() if name in given}
    check_days(measure, values, stored)
    city = values.get("deciding_municipality_code")
    if "deciding_municipality_code" in values:
        objection = municipality_code(city) if city else "it must be given"
        if objection is not None:
            raise BadInput(f"`decidingMunicipalityCode`: {objection}")
    counterparty = values.get("counterparty_addressee_code")
    if counterparty is not None:
        await change.reach("Addressee", counterparty)
        _check_apart(counterparty, persons)
    return values


def _check_apart(counterparty: str | None, persons: Collection[str]) -> None:
    if counterparty in persons:
        raise BadInput("the counterparty cannot be a person whom the measure covers")


def _found_out(stored: sa.RowMapping, kind: str | None) -> dict[str, Any]:
    """What a file asks for without saying why turns out to be this."""
    if kind is None:
        return {}
    needs_state(stored["kind"], MeasureKind.UNSPECIFIED)
    if kind in FLAGS:
        raise BadInput("a flag is proposed to be cleared, never entered as a measure")
    whole = {"address_withheld": True, "stop_output": True} if kind in VIOLENCE else {}
    return {"kind": kind, **whole}


def _asks(given: Input) -> dict[str, bool]:
    kind = given["kind"]
    if kind in FLAGS:
        raise BadInput("a flag is proposed to be cleared, never entered as a measure")
    asks = {
        column: given.get(name) is not False
        for name, column in (("addressWithheld", "address_withheld"), ("stopOutput", "stop_output"))
    }
    if kind in VIOLENCE and not all(asks.values()):
        raise BadInput("a protective measure asks for the whole obligation")
    if not any(asks.values()):
        raise BadInput("a measure asks for something")
    return asks


def _status(decided_on: object) -> str:
    status = MeasureStatus.REQUESTED if decided_on is None else MeasureStatus.IN_FORCE
    return status.value


def _proposal(change: Change, given: Input) -> dict[str, Any]:
    return {
        "status": MeasureStatus.END_PROPOSED.value,
        "end_reason": reason_of(given),
        "end_proposed_by": change.actor.id,
        "end_proposed_at": change.at,
    }


async def _persons(change: Change, stored: sa.RowMapping) -> set[str]:
    own = covered_person.c.measure_id == stored["id"]
    found = await change.connection.scalars(sa.select(covered_person.c.addressee_code).where(own))
    return {stored["addressee_code"], *found}


async def _cover(change: Change, key: int, code: str) -> None:
    person = {"measure_id": key, "addressee_code": code}
    await change.connection.execute(sa.insert(covered_person).values(person))


async def _update(change: Change, key: int, values: dict[str, Any]) -> None:
    update = sa.update(measure).where(measure.c.id == key).values(values)
    await change.connection.execute(update)


def _changed(
    key: int, persons: Collection[str], named: Iterable[str] = (), given: Input = NOTHING
) -> Changed:
    counterparty = given.get("counterpartyAddresseeCode")
    return Changed(
        rows={"protectiveMeasure": key},
        persons=tuple(sorted(persons)),
        named=(*named, *(() if counterparty is None else (counterparty,))),
    )


def _of(*fields: str) -> tuple[str, ...]:
    return (EXISTENCE, *(f"{EXISTENCE}.{field}" for field in fields))


_ENTERED = _of(
    "kind", "addressWithheld", "stopOutput", "decidingMunicipalityCode", "counterpartyName",
    "requestedOn", "decidedOn", "startsOn", "endsOn", "status", "note",
)  # fmt: skip
_PERSONS = ("CoveredPerson", "HouseholdExclusion")
_END = _of("status", "endReason")
_CLEARED = ("Addressee.dvFlag", "Addressee.neglectFlag")
# A person whom it covers is refused as its counterparty, which tells as much as reading it; so does
# that there is a row about a flag already.
_AMENDS = reads(*(f"{EXISTENCE}.{edge}" for edge in ("addressee", "persons", "counterparty")))
_TELLS = reads(*_of("kind", "status"))

USE_CASES = (
    UseCase("recordMeasure", record_measure, (*_ENTERED, *_PERSONS, *OBLIGATION), protects=True),
    UseCase(
        "amendMeasure",
        amend_measure,
        (*_ENTERED, *_PERSONS, *OBLIGATION),
        needs=_AMENDS,
        protects=True,
    ),
    UseCase("proposeMeasureEnd", propose_measure_end, _END),
    UseCase("proposeFlagEnd", propose_flag_end, (*_END, *_CLEARED), needs=_TELLS),
    UseCase("withdrawMeasureEnd", withdraw_measure_end, _END, protects=True),
    UseCase("confirmMeasureEnd", confirm_measure_end, (*_END, *_CLEARED, *OBLIGATION)),
)
