"""一時解除 temporary lifts: proposing, approving and revoking one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from authz.editing.four_eyes import check_somebody_else
from authz.errors import BadInput
from models.facts import CLASSES
from models.graph.graph import GRAPH
from models.tables.staff import STAFF, StaffState
from resolvers.write.checks import needs_state, reason_of
from resolvers.write.pipeline import Change, Changed, Input, UseCase

lift = GRAPH.types["Lift"].table

EXISTENCE = "Lift"
LONGEST = dt.timedelta(days=31)
MOST_USES = 100


async def propose_lift(change: Change, given: Input) -> Changed:
    """Propose a lift. It opens nothing."""
    person = given["addresseeCode"]
    await change.reach("Addressee", person)
    await _staff_member(change, given["staffId"])
    proposed = {
        "addressee_code": person,
        "staff_id": given["staffId"],
        "classes": " ".join(_classes(given["classes"])),
        "path": given["path"],
        "reason": reason_of(given),
        "ends_at": _end(change, given["endsAt"]),
        "uses": _uses(given["uses"]),
        "proposed_by": change.actor.id,
        "proposed_at": change.at,
    }
    written = await change.connection.execute(sa.insert(lift).values(proposed))
    key: int = written.inserted_primary_key[0]  # type: ignore[index]
    return _changed(key, person, (person,))


async def approve_lift(change: Change, given: Input) -> Changed:
    """Approve what somebody else proposed, for somebody else."""
    stored = await change.row("Lift", given["liftId"])
    needs_state(state_of(stored, change.at), "PROPOSED")
    check_somebody_else(change.actor.id, {stored["proposed_by"], stored["staff_id"]})
    approved = {"approved_by": change.actor.id, "approved_at": change.at}
    await _update(change, stored["id"], approved)
    return _changed(stored["id"], stored["addressee_code"])


async def revoke_lift(change: Change, given: Input) -> Changed:
    """End a lift, or refuse one, at once."""
    stored = await change.row("Lift", given["liftId"])
    needs_state(state_of(stored, change.at), "PROPOSED", "APPROVED")
    await _update(change, stored["id"], {"revoked_by": change.actor.id, "revoked_at": change.at})
    return _changed(stored["id"], stored["addressee_code"])


def state_of(stored: Any, at: dt.datetime) -> str:
    """PROPOSED → APPROVED; REVOKED by one person; OVER by its end or its count."""
    ends_at = stored["ends_at"]
    if ends_at.tzinfo is None:
        ends_at = ends_at.replace(tzinfo=dt.UTC)
    if stored["revoked_at"] is not None:
        return "REVOKED"
    if ends_at <= at or stored["used"] >= stored["uses"]:
        return "OVER"
    return "PROPOSED" if stored["approved_by"] is None else "APPROVED"


# -- the parts ------------------------------------------------------------------------------------


async def _staff_member(change: Change, staff_id: str) -> None:
    active = sa.select(STAFF.c.id).where(
        STAFF.c.id == staff_id, STAFF.c.state == StaffState.ACTIVE.value
    )
    if await change.connection.scalar(active) is None:
        raise BadInput("there is no such staff member")


def _classes(given: Sequence[str]) -> list[str]:
    """Classes that an obligation withholds: so numbers, and the reason itself, are never among."""
    classes = sorted(set(given))
    if not classes or any(code not in CLASSES or not CLASSES[code].withheld for code in classes):
        raise BadInput("`classes` names classes that an obligation withholds, and at least one")
    return classes


def _end(change: Change, ends_at: dt.datetime) -> dt.datetime:
    if not change.at < ends_at <= change.at + LONGEST:
        raise BadInput(f"`endsAt` lies ahead, at most {LONGEST.days} days")
    return ends_at


def _uses(given: int) -> int:
    if not 1 <= given <= MOST_USES:
        raise BadInput(f"`uses` is 1 to {MOST_USES}")
    return given


async def _update(change: Change, key: int, values: dict[str, Any]) -> None:
    await change.connection.execute(sa.update(lift).where(lift.c.id == key).values(values))


def _changed(key: int, person: str, named: tuple[str, ...] = ()) -> Changed:
    return Changed(rows={"lift": key}, persons=(person,), named=named)


_ALL = (
    EXISTENCE,
    *(
        f"Lift.{name}"
        for name in ("staffId", "classes", "path", "reason", "endsAt", "uses", "approvedBy")
    ),
)

USE_CASES = (
    UseCase("proposeLift", propose_lift, _ALL),
    UseCase("approveLift", approve_lift, _ALL),
    UseCase("revokeLift", revoke_lift, _ALL, protects=True),
)
