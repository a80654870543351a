"""支援措置対象者情報: a file of measures, from another municipality or the resident desk.

One row for each measure, its columns named as in the schema (宛名コード, 種類, 相手方氏名 …), and
whom it covers too in 併対象者宛名コード. A file raises protection and never lowers it: a measure is
entered, or more is said of it; one that the file calls ended goes on until two coordinators end it.
Of a row that cannot be read, whoever it names is protected all the same, without a reason.

What went wrong elsewhere: a notice about a protected family lay unread, and the next request for
their address was granted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import access_log
from authz.access_log import Kind, LoggedOperation, Record
from models.store.database import Database, DatabaseError
from models.tables.protective_measure import FLAGS, KUSHIRO, VIOLENCE, MeasureKind, MeasureStatus
from models.trade import codes
from models.trade.city_file import CODE, COVERED_TOO, Values
from models.trade.rules import Reason, addressee_code
from models.trade.texts import same
from resolvers.imports.brake import Brake, is_flag
from resolvers.imports.cells import OTHERS, measure_cells
from resolvers.imports.city_file import CityFile, Line, Progress
from resolvers.imports.report import Problem, RejectFile, Report, Row, convert, named, short_codes
from resolvers.protection.causes import (
    OBLIGATIONS,
    Causes,
    addressee,
    codes_of,
    covered_person,
    enter_measure,
    enter_unspecified,
    measure,
    measure_protects,
    records_of,
)
from resolvers.protection.obligation import lapse_exclusions, raise_obligations

BY = "import"
PART = measure.name
CELLS = measure_cells()
SAID = (
    "counterparty_name", "counterparty_addressee_code", "requested_on", "decided_on", "starts_on",
    "note",
)  # fmt: skip
IDENTITY = ("addressee_code", "kind", "deciding_municipality_code")
"""By which a row is recognised as one about a measure that a file has entered already."""

SEVERAL = re.compile(r"[\s、,，;；・/／|]+")
HEADERS = {cell.column: header for header, cell in CELLS.items()}
OPERATION = LoggedOperation.of(
    "import measures",
    tuple((name, "write", "shown") for name in ("CoveredPerson", "Handling", "ProtectiveMeasure")),
)
UNKNOWN = Reason("there is no such addressee", "この宛名コードはありません")
ENDED = Reason(
    "an end takes two coordinators: propose it", "終了は支援措置担当2名で行います (終了提案)"
)
A_FLAG = Reason("a flag comes with the addressees", "フラグは宛名ファイルで取り込みます")
BOTH = Reason("the counterparty is covered by the row, too", "相手方が対象者と同じです")
DIFFERS = Reason(
    "differs from the measure that is there: a coordinator amends it",
    "登録済みの支援措置と異なります (支援措置担当が訂正します)",
)


async def import_measures(
    path: Path, database: Database, rejects: Path, progress: Progress = lambda size: None
) -> Report:
    """Enter the measures of a file, row by row; a rerun changes nothing more.

    Raises `FileRefused` where the file is no such file, `DatabaseError`.
    """
    file = CityFile.open(path, CELLS, (CODE, "種類"))
    brake = Brake(dict.fromkeys(("住所秘匿の要否", "出力停止の要否"), is_flag))
    for line in file.lines():
        brake.see(line)
    brake.check()
    async with database.turn("import of measures"):
        return await _rows(file, database, rejects, progress)


async def _rows(file: CityFile, database: Database, rejects: Path, progress: Progress) -> Report:
    loaded = already_there = 0
    with RejectFile(rejects) as rejected:
        for line in file.lines(progress):
            row = convert(line, CELLS, CODE)
            try:
                changed = await _row(database, row, _codes(line, file.pieces(line)))
            except sa.exc.SQLAlchemyError as error:
                # Its message would show the statement's values.
                reason = f"the database refused a row ({type(error).__name__})"
                raise DatabaseError(reason) from None
            if row.problems:
                there = await records_of(database, short_codes(row.problems))
                rejected.add(row.line, named(row.problems, there))
            loaded += changed and not row.problems
            already_there += not changed and not row.problems
        return rejected.report(loaded, already_there)


def _codes(line: Line, pieces: Iterable[Line]) -> set[str]:
    """Whom the cells for codes mean, in a row or its pieces, and what stands as a whole code in a
    row that fell apart: shorter digits there could be anything."""
    found = set(filter(_is_code, re.findall("[0-9]+", codes.plain(line.text.replace(" ", ",")))))
    for each in (line, *pieces):
        for text in (each.cells.get(CODE, ""), *SEVERAL.split(each.cells.get(COVERED_TOO, ""))):
            found |= codes.meant(text)
    return found


def _is_code(text: str) -> bool:
    return addressee_code(text) is None


async def _row(database: Database, row: Row, loose: set[str]) -> bool:
    """Protect whom a row names; whether anything had to be done. Adds to the row's problems.

    `loose`: codes as they stand in the row; of one that fell apart everybody among them is named,
    the counterparty too.
    """
    at = dt.datetime.now(dt.UTC)
    values = row.parts.get(PART, {})
    named = {row.code, *values.get(OTHERS, ())} - {""}
    async with database.write() as connection:
        persons = await codes_of(connection, sa.select(addressee.c.code), named | loose)
        await _check(connection, row, values, named - persons)
        if not persons or _is_only_ended(row):
            return False
        if row.problems:
            said, fresh = False, await enter_unspecified(connection, Causes(persons, persons))
        else:
            said, fresh = await _enter(connection, row, values, at)
        if fresh:
            await lapse_exclusions(connection, fresh, at)
        covered = await raise_obligations(connection, persons)
        if said or fresh or covered:
            everybody = tuple(sorted(persons | covered))
            record = Record(
                Kind.WRITE, "OK", BY, at=at, persons=everybody, through=frozenset({"protection"})
            )
            await access_log.insert(connection, database.dialect, record, OPERATION)
    return bool(said or fresh or covered)


async def _check(connection: AsyncConnection, row: Row, values: Values, unknown: set[str]) -> None:
    """Add what is wrong with the row as a whole to its problems."""

    def problem(header: str, reason: Reason) -> None:
        row.problems.append(Problem.of(CELLS[header], reason))

    if row.code in unknown:
        problem(CODE, UNKNOWN)
    if not unknown <= {row.code}:
        problem(COVERED_TOO, UNKNOWN)
    if values.get("kind") in FLAGS:
        problem("種類", A_FLAG)
    if values.get("status") == MeasureStatus.ENDED:
        problem("状態", ENDED)
    counterparty = values.get("counterparty_addressee_code")
    if counterparty is not None:
        if counterparty in {row.code, *values.get(OTHERS, ())}:
            problem("相手方宛名コード", BOTH)
        elif not await codes_of(connection, sa.select(addressee.c.code), {counterparty}):
            problem("相手方宛名コード", UNKNOWN)


def _is_only_ended(row: Row) -> bool:
    """Whether nothing else is wrong with a row: it asks for an end, and for nobody's protection."""
    return [problem.reason for problem in row.problems] == [ENDED]


async def _enter(
    connection: AsyncConnection, row: Row, values: Values, at: dt.datetime
) -> tuple[bool, set[str]]:
    """Enter the measure of a sound row, or say more of it: whether that said anything, and whom it
    covers anew."""
    others = set(values.get(OTHERS, ()))
    wanted = _measure(row.code, values, at)
    same = (measure.c[name] == wanted[name] for name in IDENTITY)
    of_a_file = sa.and_(measure.c.recorded_by.is_(None), measure_protects(), *same)
    found = sa.select(measure).where(of_a_file).order_by(measure.c.id).limit(1).with_for_update()
    stored = (await connection.execute(found)).mappings().first()
    if stored is None:
        await enter_measure(connection, wanted, others)
        return True, {row.code, *others}
    more = _more(row, stored, wanted)
    if more:
        own = measure.c.id == stored["id"]
        await connection.execute(sa.update(measure).where(own).values(more))
    own_persons = sa.select(covered_person.c.addressee_code).where(
        covered_person.c.measure_id == stored["id"]
    )
    further = others - set(await connection.scalars(own_persons))
    for code in sorted(further):
        person = {"measure_id": stored["id"], "addressee_code": code}
        await connection.execute(sa.insert(covered_person).values(person))
    return bool(more), further


def _measure(code: str, values: Values, at: dt.datetime) -> Values:
    """The measure that a row tells of."""
    kind = values.get("kind") or MeasureKind.UNSPECIFIED.value
    whole = kind in VIOLENCE
    decided = values.get("status") == MeasureStatus.IN_FORCE or values.get("decided_on")
    status = MeasureStatus.IN_FORCE if decided else MeasureStatus.REQUESTED
    return {
        "addressee_code": code,
        "kind": kind,
        "deciding_municipality_code": values.get("deciding_municipality_code") or KUSHIRO,
        "status": status.value,
        "recorded_at": at,
        "ends_on": values.get("ends_on"),
        **{name: whole or values.get(name) is not False for name in OBLIGATIONS},
        **{name: values.get(name) for name in SAID},
    }


def _more(row: Row, stored: Any, wanted: Values) -> Values:
    """What a row says beyond the measure that is there. What contradicts it is a problem."""
    more = {name: True for name in OBLIGATIONS if wanted[name] and not stored[name]}
    for name in SAID:
        if wanted[name] is not None and stored[name] is None:
            more[name] = wanted[name]
        elif wanted[name] is not None and not same(wanted[name], stored[name]):
            row.problems.append(Problem(DIFFERS, HEADERS[name], CELLS[HEADERS[name]].classes))
    last, reminds = stored["ends_on"], wanted["ends_on"]
    if reminds is not None and (last is None or reminds > last):
        more["ends_on"] = reminds
    if stored["status"] == MeasureStatus.REQUESTED and wanted["status"] == MeasureStatus.IN_FORCE:
        more["status"] = wanted["status"]
    return more
