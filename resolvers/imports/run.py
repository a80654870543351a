"""Importing the city's files: addressees, accounts, collections, receipts.

A file is read as a stream, row by row converted and checked (`import_cells`), and loaded in batches
(`import_people`, `import_levies`). Every row that is refused goes to the reject file with line,
column, class and reason. A rerun loads what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from tqdm import tqdm

from authz.numbers.vault import Vault
from models.store.database import Database, DatabaseError
from models.store.first_content import table
from models.tables.collection import TaxItem
from models.tables.individual_number import StoreKind
from models.trade.city_file import CODE, COLLECTION_HEADER, RECEIPT_HEADER
from resolvers.imports.ahead import Ahead
from resolvers.imports.cells import (
    Cell,
    account_cells,
    collection_cells,
    people_cells,
    receipt_cells,
)
from resolvers.imports.city_file import CityFile, FileRefused, Line, Progress
from resolvers.imports.levies import LevyLoader, ReceiptLoader
from resolvers.imports.people import PeopleLoader
from resolvers.imports.report import Outcome, RejectFile, Report, Row, convert, named, short_codes
from resolvers.imports.rows import WholeRows
from resolvers.protection.causes import records_of
from resolvers.protection.obligation import covered_now

BATCH = 2_000
PASSES = 50

__all__ = ["Contents", "FileRefused", "Report", "import_file", "progress_bar"]


class Contents(StrEnum):
    """What a file holds."""

    ADDRESSEES = "addressees"
    ACCOUNTS = "accounts"
    COLLECTIONS = "collections"
    RECEIPTS = "receipts"


_TURNS = {
    Contents.ADDRESSEES: "import of people",
    # They come with the addressees, too.
    Contents.ACCOUNTS: "import of people",
    Contents.COLLECTIONS: "import of collections",
    Contents.RECEIPTS: "import of receipts",
}
"""Imports of one kind take turns: the second finds everything there already."""


class Loader(Protocol):
    """Loads one batch of converted rows in one transaction."""

    async def load(self, rows: list[Row], *, last: bool) -> Outcome: ...


def rejects_of(path: Path) -> Path:
    """Where the rejected rows of a file are named: `FILE.rejects.csv` beside it."""
    return path.with_name(f"{path.stem}.rejects.csv")


async def import_file(
    contents: Contents,
    path: Path,
    database: Database,
    vault: Vault | None = None,
    *,
    rejects: Path | None = None,
    progress: Progress = lambda size: None,
) -> Report:
    """Load one file; without a vault no individual number is accepted.

    `progress` is told how many bytes of the file were done since it was last told. Raises
    `FileRefused` where the file is none of the city's, `DatabaseError` where the database does not
    answer (what was loaded stays, a rerun goes on), `Unavailable` where the vault does not.
    """
    cells = _cells(contents, vault.kind if vault else StoreKind.DEMO)
    file = CityFile.open(path, cells, _needed(contents))
    async with database.turn(_TURNS[contents]):
        return await _import(contents, file, database, vault, cells, rejects, progress)


async def _import(
    contents: Contents,
    file: CityFile,
    database: Database,
    vault: Vault | None,
    cells: dict[str, Cell],
    rejects: Path | None,
    progress: Progress,
) -> Report:
    with RejectFile(rejects or rejects_of(file.path)) as rejected:
        try:
            loader = await _loader(contents, file, database, vault, cells)
            if isinstance(loader, PeopleLoader):
                await loader.begin()
            report = await _run(file, database, loader, cells, rejected, progress)
            if isinstance(loader, PeopleLoader):
                await loader.finish()
            return report
        except sa.exc.SQLAlchemyError as error:
            # Its message would show the statement's values.
            raise DatabaseError(f"the database refused a batch ({type(error).__name__})") from None


@contextmanager
def progress_bar(title: str, size: int, unit: str = "B") -> Iterator[Progress]:
    """A progress bar on the terminal, for `import_file(…, progress=…)`."""
    with tqdm(total=size, desc=title, unit=unit, unit_scale=True, leave=False) as bar:

        def advance(count: int) -> None:
            bar.update(count)

        yield advance


def _cells(contents: Contents, kind: StoreKind) -> dict[str, Cell]:
    if contents is Contents.ADDRESSEES:
        return people_cells(kind)
    if contents is Contents.ACCOUNTS:
        return account_cells(kind)
    return collection_cells() if contents is Contents.COLLECTIONS else receipt_cells()


def _needed(contents: Contents) -> tuple[str, ...]:
    if contents is Contents.COLLECTIONS:
        return (*COLLECTION_HEADER[:6], "納期限", "税額", "状態")
    if contents is Contents.RECEIPTS:
        return RECEIPT_HEADER[:8]
    return (CODE,)


async def _loader(
    contents: Contents,
    file: CityFile,
    database: Database,
    vault: Vault | None,
    cells: dict[str, Cell],
) -> Loader:
    async with database.write() as connection:
        items = set(await connection.scalars(sa.select(table(TaxItem).c.code)))
        if contents is Contents.COLLECTIONS:
            return LevyLoader(database, cells, items)
        if contents is Contents.RECEIPTS:
            return ReceiptLoader(database, cells)
        covered, homes = await covered_now(connection)
    ahead = Ahead.look(file, covered, homes)
    return PeopleLoader(database, vault, WholeRows(cells, items), ahead)


async def _run(
    file: CityFile,
    database: Database,
    loader: Loader,
    cells: dict[str, Cell],
    rejects: RejectFile,
    progress: Progress,
) -> Report:
    """Pass over the file until nothing waits any more, or nothing is gained by waiting."""
    loaded = already_there = 0
    namesakes = set[int]()
    only: frozenset[int] | None = None
    last = False
    for passes in range(1, PASSES + 1):
        waiting: set[int] = set()
        gained = False
        async for rows in _converted(_batches(file.lines(progress), only), cells):
            outcome = await loader.load(rows, last=last)
            loaded += len(outcome.loaded)
            already_there += len(outcome.already_there)
            waiting |= outcome.waiting
            namesakes |= outcome.namesakes
            gained |= outcome.gained
            refused = chain.from_iterable(outcome.rejected.values())
            there = await records_of(database, short_codes(refused))
            for number in sorted(outcome.rejected):
                rejects.add(number, named(outcome.rejected[number], there))
        if not waiting:
            break
        last = not gained or passes == PASSES - 1
        only, progress = frozenset(waiting), _silent
    report = rejects.report(loaded, already_there)
    return replace(report, namesakes=tuple(sorted(namesakes)))


async def _converted(
    batches: Iterator[list[Line]], cells: dict[str, Cell]
) -> AsyncIterator[list[Row]]:
    """Each batch, converted in a thread while the database is busy with the one before."""

    def step() -> list[Row] | None:
        lines = next(batches, None)
        return None if lines is None else [convert(line, cells, CODE) for line in lines]

    following = asyncio.create_task(asyncio.to_thread(step))
    try:
        while (rows := await following) is not None:
            following = asyncio.create_task(asyncio.to_thread(step))
            yield rows
    finally:
        await asyncio.gather(following, return_exceptions=True)


def _batches(lines: Iterator[Line], only: frozenset[int] | None) -> Iterator[list[Line]]:
    """Batches of rows; rows of one addressee that stand together stay together."""
    batch: list[Line] = []
    for line in lines:
        if only is not None and line.number not in only:
            continue
        if len(batch) >= BATCH and line.cells.get(CODE) != batch[-1].cells.get(CODE):
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def _silent(count: int) -> None:
    return None
