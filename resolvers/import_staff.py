"""The personnel file (人事情報): who works where and holds which roles, from a day on.

One row for each staff member: 職員番号, 氏名, 所属課, 状態 (在職 or anything else), ロール (codes
separated by spaces), 有効開始日, 有効終了日. Who is in no row stays as they are. What the file
takes away (a role, a section's roles, service itself) is taken at once; what it gives waits as a
proposal for somebody who may approve it, because a file is one person's word. Only where nobody
holds a role yet there is nobody who could approve: a store's first file gives what it says.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import access_log, staff_desk
from authz.access_log import Kind, LoggedOperation, Record
from authz.errors import BadInput
from authz.staff_desk import Wanted
from models.database import Database, DatabaseError
from models.staff import STAFF, STAFF_ROLE, ProposalKind, StaffState
from models.wareki import NotADateError, parse_day
from resolvers.import_file import CityFile, Line, Progress
from resolvers.import_report import Problem, RejectFile, Report

ID, NAME, SECTION, STATE, ROLES, FROM, UNTIL = COLUMNS = (
    "職員番号", "氏名", "所属課", "状態", "ロール", "有効開始日", "有効終了日",
)  # fmt: skip
IN_SERVICE = "在職"
BY, REASON = "import", "personnel file (人事情報)"
OPERATION = LoggedOperation.of(
    "import staff",
    tuple((name, "write", "shown") for name in ("RoleGrant", "StaffMember", "StaffProposal")),
)


@dataclass(frozen=True, slots=True)
class Member:
    """One row. `section` and `roles` null: the file has no such column."""

    staff_id: str
    name: str
    section: str | None
    in_service: bool
    roles: frozenset[str] | None
    valid_from: dt.date | None
    valid_until: dt.date | None


async def import_staff(
    path: Path, database: Database, rejects: Path, progress: Progress = lambda size: None
) -> Report:
    """Bring the staff records up to the file, row by row; a rerun changes nothing more.

    Raises `FileRefused` where the file is no personnel file, `DatabaseError`.
    """
    file = CityFile.open(path, COLUMNS, (ID, NAME))
    loaded = already_there = 0
    give = await _nobody_holds_a_role(database)
    with RejectFile(rejects) as rejected:
        for line in file.lines(progress):
            try:
                changed = await _row(database, _member(line, file.header), give)
            except BadInput as error:
                rejected.add(line.number, [Problem(error.message, classes=("staff",))])
                continue
            except sa.exc.SQLAlchemyError as error:
                # Its message would show the statement's values.
                reason = f"the database refused a row ({type(error).__name__})"
                raise DatabaseError(reason) from None
            loaded += changed
            already_there += not changed
        return rejected.report(loaded, already_there)


def _member(line: Line, header: tuple[str, ...]) -> Member:
    """Read a row. Raises `BadInput`."""
    if line.fault:
        raise BadInput(line.fault)
    cells = {
        name: unicodedata.normalize("NFKC", text) if name != NAME else text
        for name, text in line.cells.items()
    }
    if ID not in cells or NAME not in cells:
        raise BadInput(f"a row has a {ID} and a {NAME}")
    return Member(
        staff_id=cells[ID],
        name=cells[NAME],
        section=cells.get(SECTION),
        in_service=cells.get(STATE, IN_SERVICE) == IN_SERVICE,
        roles=frozenset(cells.get(ROLES, "").split()) if ROLES in header else None,
        valid_from=_day(cells.get(FROM)),
        valid_until=_day(cells.get(UNTIL)),
    )


def _day(text: str | None) -> dt.date | None:
    try:
        return parse_day(text).day if text else None
    except NotADateError as error:
        raise BadInput(str(error)) from error


async def _nobody_holds_a_role(database: Database) -> bool:
    async with database.look() as connection:
        return (await connection.execute(sa.select(STAFF_ROLE.c.id).limit(1))).first() is None


async def _row(database: Database, member: Member, give: bool) -> bool:
    """Bring one record up to its row; whether anything had to be done. Raises `BadInput`."""
    at = dt.datetime.now(dt.UTC)
    async with database.write() as connection:
        changed = await _reconcile(connection, member, at)
        if give and member.roles and member.in_service:
            await staff_desk.give_first(connection, member.staff_id, at)
        if changed:
            record = Record(kind=Kind.WRITE, outcome="OK", actor=BY, at=at)
            await access_log.insert(connection, database.dialect, record, OPERATION)
    return changed


async def _reconcile(connection: AsyncConnection, member: Member, at: dt.datetime) -> bool:
    found = await connection.execute(sa.select(STAFF).where(STAFF.c.id == member.staff_id))
    known = found.one_or_none()
    if known is None:
        if not member.in_service:
            return False
        await staff_desk.hire(connection, member.staff_id, member.name, member.section)
        await _roles(connection, member, at)
        return True
    changed = await _named(connection, member, known.name)
    if not member.in_service:
        return await _left(connection, member, known.state, at) or changed
    if known.state == StaffState.SUSPENDED:
        changed = await _proposed(connection, Wanted(member.staff_id), at) or changed
    if member.section is not None and member.section != known.section:
        await staff_desk.move(connection, member.staff_id, member.section, at)
        await _recorded(connection, member.staff_id, ProposalKind.TRANSFER, at)
        changed = True
    return await _roles(connection, member, at) or changed


async def _named(connection: AsyncConnection, member: Member, name: str) -> bool:
    if member.name == name:
        return False
    await connection.execute(
        sa.update(STAFF)
        .where(STAFF.c.id == member.staff_id)
        .values(name=staff_desk.checked_name(member.name))
    )
    return True


async def _left(
    connection: AsyncConnection, member: Member, state: StaffState, at: dt.datetime
) -> bool:
    if state == StaffState.SUSPENDED:
        return False
    await staff_desk.suspend(connection, member.staff_id, at)
    await _recorded(connection, member.staff_id, ProposalKind.SUSPENSION, at)
    return True


async def _roles(connection: AsyncConnection, member: Member, at: dt.datetime) -> bool:
    """Take what the row does not name, propose what it names and is not held."""
    if member.roles is None:
        return False
    held = await staff_desk.roles_held(connection, member.staff_id)
    for role in sorted(held - member.roles):
        await staff_desk.take_role(connection, member.staff_id, role, at)
        await _recorded(connection, member.staff_id, ProposalKind.REVOCATION, at, role)
    changed = bool(held - member.roles)
    for role in sorted(member.roles - held):
        wanted = Wanted(member.staff_id, role, member.valid_from, member.valid_until)
        changed = await _proposed(connection, wanted, at) or changed
    return changed


async def _proposed(connection: AsyncConnection, wanted: Wanted, at: dt.datetime) -> bool:
    if await staff_desk.is_proposed(connection, wanted):
        return False
    await staff_desk.propose(connection, wanted, BY, REASON, at)
    return True


async def _recorded(
    connection: AsyncConnection,
    staff_id: str,
    kind: ProposalKind,
    at: dt.datetime,
    role: str | None = None,
) -> None:
    await staff_desk.record_taken(connection, staff_id, kind, BY, REASON, at, role)
