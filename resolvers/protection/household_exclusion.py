"""世帯員の除外: to which member of the household somebody's obligation does not extend.

Excluding lowers protection and takes two persons. Including raises it: one person, at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from authz.editing.four_eyes import check_somebody_else
from authz.errors import BadInput
from models.graph.graph import GRAPH
from models.tables.protective_measure import ExclusionStatus
from resolvers.protection.obligation import ending, raise_obligations
from resolvers.protection.ties import exclusion, household, lives_there
from resolvers.write.checks import needs_state, reason_of
from resolvers.write.pipeline import Change, Changed, Input, UseCase, reads

addressee = GRAPH.types["Addressee"].table

EXISTENCE = "HouseholdExclusion"


async def exclude_household_member(change: Change, given: Input) -> Changed:
    """Propose it. The member is covered as before."""
    person, member = given["addresseeCode"], given["memberCode"]
    for code in (person, member):
        await change.reach("Addressee", code)
    # Of two at once the second must see the first: else one is taken back, and the other holds.
    # The key is not locked: a row that names the person as the member would wait for it.
    record = sa.select(addressee.c.code).where(addressee.c.code == person)
    await change.connection.execute(record.with_for_update(key_share=True))
    home = await _shared_home(change, person, member)
    same = sa.select(exclusion.c.id).where(
        exclusion.c.addressee_code == person,
        exclusion.c.member_code == member,
        exclusion.c.household_code == home,
        exclusion.c.status != ExclusionStatus.ENDED.value,
    )
    if await change.connection.scalar(same) is not None:
        raise BadInput("this is proposed or decided already", "STATE_NOT_ALLOWED")
    proposed = {
        "addressee_code": person,
        "member_code": member,
        "household_code": home,
        "status": ExclusionStatus.PROPOSED.value,
        "reason": reason_of(given),
        "proposed_by": change.actor.id,
        "proposed_at": change.at,
    }
    written = await change.connection.execute(sa.insert(exclusion).values(proposed))
    key: int = written.inserted_primary_key[0]  # type: ignore[index]
    return _changed(key, {person, member}, (person, member))


async def confirm_household_exclusion(change: Change, given: Input) -> Changed:
    """Decide what somebody else proposed; the member's obligation ends where nothing else asks."""
    stored = await change.row("HouseholdExclusion", given["exclusionId"])
    needs_state(stored["status"], ExclusionStatus.PROPOSED)
    check_somebody_else(change.actor.id, {stored["proposed_by"]})
    both = {stored["addressee_code"], stored["member_code"]}
    decided = {
        "status": ExclusionStatus.IN_FORCE.value,
        "confirmed_by": change.actor.id,
        "confirmed_at": change.at,
    }
    async with ending(change.connection, both) as uncovered:
        await _update(change, stored["id"], decided)
    return _changed(stored["id"], both | uncovered)


async def include_household_member(change: Change, given: Input) -> Changed:
    """Take a proposal or a decision back: the member is covered with the household again."""
    stored = await change.row("HouseholdExclusion", given["exclusionId"])
    needs_state(stored["status"], ExclusionStatus.PROPOSED, ExclusionStatus.IN_FORCE)
    ended = {
        "status": ExclusionStatus.ENDED.value,
        "ended_by": change.actor.id,
        "ended_at": change.at,
    }
    await _update(change, stored["id"], ended)
    both = {stored["addressee_code"], stored["member_code"]}
    covered = await raise_obligations(change.connection, both)
    return _changed(stored["id"], both | covered)


async def _shared_home(change: Change, person: str, member: str) -> str:
    own, other = household.alias("own"), household.alias("other")
    shared = (
        sa.select(own.c.household_code)
        .join(other, own.c.household_code == other.c.household_code)
        .where(own.c.addressee_code == person, other.c.addressee_code == member)
        .where(lives_there(own), lives_there(other))
        .order_by(own.c.household_code)
    )
    home: str | None = await change.connection.scalar(shared)
    if home is None or person == member:
        raise BadInput("they are not members of one household now", "STATE_NOT_ALLOWED")
    return home


async def _update(change: Change, key: int, values: Mapping[str, Any]) -> None:
    update = sa.update(exclusion).where(exclusion.c.id == key).values(values)
    await change.connection.execute(update)


def _changed(key: int, persons: set[str], named: tuple[str, ...] = ()) -> Changed:
    return Changed(rows={"householdExclusion": key}, persons=tuple(sorted(persons)), named=named)


_DECISION = (EXISTENCE, "HouseholdExclusion.status", "HouseholdExclusion.reason")
# That two persons are no members of one household, or that it is proposed already, tells as much
# as reading it.
_TELLS = reads(
    EXISTENCE, *(f"{EXISTENCE}.{name}" for name in ("householdCode", "member", "status"))
)
_OBLIGATION = ("Handling", "Handling.addressWithheld", "Handling.stopOutput")

USE_CASES = (
    UseCase("excludeHouseholdMember", exclude_household_member, _DECISION, needs=_TELLS),
    UseCase("confirmHouseholdExclusion", confirm_household_exclusion, (*_DECISION, *_OBLIGATION)),
    UseCase(
        "includeHouseholdMember",
        include_household_member,
        (*_DECISION, *_OBLIGATION),
        protects=True,
    ),
)
