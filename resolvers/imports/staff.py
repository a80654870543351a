"""The personnel file (人事情報): who works where and holds which roles, from a day on.

One row for each staff member: 職員番号, 氏名, 所属課, 状態 (在職 or anything else), ロール (codes
separated by spaces or commas), 有効開始日, 有効終了日. Who is in no row stays as they are.
What the file takes away (a role, a section's roles, service itself) is taken at once; what it gives
waits as a proposal for somebody who may approve it, because a file is one person's word. Only where
nobody holds a role yet there is nobody who could approve: a store's first file gives what it says.
What a row takes away depends on no other cell of it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import access_log
from authz.access_log import Kind, LoggedOperation, Record
from authz.errors import BadInput
from authz.staff import records as staff_desk
from authz.staff.records import Wanted
from models.store.database import Database, DatabaseError
from models.tables.staff import STAFF, STAFF_ROLE, ProposalKind, StaffState
from models.trade.codes import plain
from models.trade.texts import half_width, same
from models.trade.wareki import NotADateError, parse_day
from resolvers.imports.city_file import CityFile, Line, Progress
from resolvers.imports.report import Problem, RejectFile, Report

ID, NAME, SECTION, STATE, ROLES, FROM, UNTIL = COLUMNS = (
    "職員番号", "氏名", "所属課", "状態", "ロール", "有効開始日", "有効終了日",
)  # fmt: skip
IN_SERVICE = "在職"
BY, REASON = "import", "personnel file (人事情報)"
OPERATION = LoggedOperation.of(
    "import staff",
    tuple((name, "write", "shown") for name in ("RoleGrant", "StaffMember", "StaffProposal")),
)


def _half_width(text: str) -> str:
    return half_width(text).strip()


SEVERAL = re.compile(r"[\s、,;；・/|]+")
READ: Mapping[str, Callable[[str], str]] = {ID: plain, NAME: str, SECTION: plain, STATE: plain}
"""How a cell is read, where it is neither a list nor a day."""


@dataclass(frozen=True, slots=True)
class Member:
    """Who one row is about, and what it takes away. `roles` null: the file has no such column.

    `cells`: the other cells, of which none keeps anybody in what the row takes.
    """

    staff_id: str
    in_service: bool
    roles: frozenset[str] | None
    cells: dict[str, str]


async def import_staff(
    path: Path, database: Database, rejects: Path, progress: Progress = lambda size: None
) -> Report:
    """Bring the staff records up to the file, row by row; a rerun changes nothing more.

    Raises `FileRefused` where the file is no personnel file, `DatabaseError`.
    """
    file = CityFile.open(path, COLUMNS, (ID, NAME))
    async with database.turn("import of staff"):
        give = await _nobody_holds_a_role(database)
        return await _rows(file, database, rejects, progress, give)


async def _rows(
    file: CityFile, database: Database, rejects: Path, progress: Progress, give: bool
) -> Report:
    loaded = already_there = 0
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
    cells = {name: READ.get(name, _half_width)(text) for name, text in line.cells.items()}
    if not cells.get(ID):
        raise BadInput(f"a row has a {ID}")
    return Member(
        staff_id=cells[ID],
        in_service=(cells.get(STATE) or IN_SERVICE) == IN_SERVICE,
        roles=frozenset(map(plain, SEVERAL.split(cells.get(ROLES, "")))) - {""}
        if ROLES in header
        else None,
        cells=cells,
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
    """Bring one record up to its row; whether anything had to be done. Raises `BadInput`.

    What the row takes away is committed first: nothing else that it says may stand in the way.
    """
    taken = await _on_the_log(database, member, _take)
    return await _on_the_log(database, member, partial(_give, first=give)) or taken


Step = Callable[[AsyncConnection, Member, dt.datetime], Awaitable[bool]]


async def _on_the_log(database: Database, member: Member, step: Step) -> bool:
    """One step in a transaction of its own, recorded if it changed anything."""
    at = dt.datetime.now(dt.UTC)
    async with database.write() as connection:
        changed = await step(connection, member, at)
        if changed:
            record = Record(kind=Kind.WRITE, outcome="OK", actor=BY, at=at)
            await access_log.insert(connection, database.dialect, record, OPERATION)
    return changed


async def _take(connection: AsyncConnection, member: Member, at: dt.datetime) -> bool:
    """Bar who left, end the roles of another section, and take each role that the row does not
    name."""
    known = await _known(connection, member)
    if known is None:
        if not member.in_service:
            raise BadInput("there is no such staff member")
        return False
    if not member.in_service:
        return await _left(connection, member, known.state, at)
    section = member.cells.get(SECTION)
    if section not in {None, known.section} and await staff_desk.is_section(connection, section):
        await staff_desk.move(connection, member.staff_id, section, at)
        await _recorded(connection, member.staff_id, ProposalKind.TRANSFER, at)
        return True
    if member.roles is None:
        return False
    gone = await staff_desk.roles_held(connection, member.staff_id) - member.roles
    for role in sorted(gone):
        await staff_desk.take_role(connection, member.staff_id, role, at)
        await _recorded(connection, member.staff_id, ProposalKind.REVOCATION, at, role)
    return bool(gone)


async def _give(
    connection: AsyncConnection, member: Member, at: dt.datetime, *, first: bool
) -> bool:
    """Bring the rest up to the row. `first`: what it gives holds at once."""
    changed = await _reconcile(connection, member, at)
    if first and member.roles and member.in_service:
        await staff_desk.give_first(connection, member.staff_id, at)
    return changed


async def _known(connection: AsyncConnection, member: Member) -> Any:
    found = await connection.execute(sa.select(STAFF).where(STAFF.c.id == member.staff_id))
    return found.one_or_none()


async def _reconcile(connection: AsyncConnection, member: Member, at: dt.datetime) -> bool:
    known, name, section = (
        await _known(connection, member), member.cells.get(NAME), member.cells.get(SECTION),
    )  # fmt: skip
    if known is None:
        await staff_desk.hire(connection, member.staff_id, _needed(name), section)
        await _propose_roles(connection, member, at)
        return True
    changed = await _named(connection, member.staff_id, name, known.name)
    if not member.in_service:
        return changed
    _needed(name)
    if known.state == StaffState.SUSPENDED:
        changed = await _proposed(connection, Wanted(member.staff_id), at) or changed
    await staff_desk.check_section(connection, section)
    return await _propose_roles(connection, member, at) or changed


def _needed(name: str | None) -> str:
    if name is None:
        raise BadInput(f"a row has a {NAME}")
    return name


async def _named(connection: AsyncConnection, staff_id: str, wanted: str | None, name: str) -> bool:
    if wanted is None or same(wanted, name):
        return False
    await connection.execute(
        sa.update(STAFF).where(STAFF.c.id == staff_id).values(name=staff_desk.checked_name(wanted))
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


async def _propose_roles(connection: AsyncConnection, member: Member, at: dt.datetime) -> bool:
    """Propose what the row names and is not held."""
    if member.roles is None:
        return False
    changed = False
    held = await staff_desk.roles_held(connection, member.staff_id)
    first, last = _day(member.cells.get(FROM)), _day(member.cells.get(UNTIL))
    for role in sorted(member.roles - held):
        wanted = Wanted(member.staff_id, role, first, last)
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
