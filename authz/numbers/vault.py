"""The vault of individual numbers: the one module that reads and writes their database.

Every use is durably in the vault's own log before it is answered, and a number leaves only for one
addressee at a time. What may be asked at all is decided before (clearance, invariants); the vault
repeats the rules that need nothing but the caller.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.access_log import UNREADABLE, readable
from authz.errors import BadInput, Unavailable
from authz.numbers.batch import Batch, Rejection
from authz.numbers.cipher import KeySource, NotGenuine, NumberCipher
from authz.numbers.schema import create_schema, is_made
from authz.numbers.store import StoreRefused, check_keys, check_kind
from models.store import append_only
from models.store.database import Database, DatabaseError
from models.tables.individual_number import (
    NUMBER_ACCESS,
    NUMBERS,
    OLD_NUMBERS,
    IndividualNumber,
    NumberRecord,
    StoreKind,
)

PATIENCE = 2.0
BATCH_PATIENCE = 60.0
BATCH = 500
HANDLER = "number-handler"

__all__ = ["NumberRecord", "Rejection", "StoreRefused", "Unattended", "Vault"]

_logger = logging.getLogger(__name__)
_broken = (
    sa.exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DatabaseError,
    OSError,
    TimeoutError,
)


class Caller(Protocol):
    """Who uses a number; `authz.actor.Actor` is one."""

    @property
    def id(self) -> str: ...

    @property
    def session(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Unattended:
    """The caller of an import: the operator at the command line, without a session."""

    id: str = "import"
    session: str = "unattended"
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Use:
    by: Caller
    purpose: str
    case_reference: str | None
    action: str

    def row(self, code: str | None, outcome: str) -> dict[str, Any]:
        return {
            "at": _now(),
            "actor": readable(self.by.id),
            "session": readable(self.by.session),
            "purpose": readable(self.purpose),
            "case_reference": readable(self.case_reference),
            "addressee_code": code,
            "action": self.action,
            "outcome": outcome,
        }

    @property
    def allowed(self) -> bool:
        """A number handler who is something else besides, working on a case."""
        case = readable(self.case_reference)
        return (
            HANDLER in self.by.roles and len(self.by.roles) > 1 and case not in (None, UNREADABLE)
        )


class Vault:
    """An open store of individual numbers. Make one with `Vault.open`."""

    def __init__(self, database: Database, cipher: NumberCipher, kind: StoreKind) -> None:
        self._database = database
        self._cipher = cipher
        self.kind = kind

    @classmethod
    async def open(
        cls,
        url: str,
        keys: KeySource,
        kind: StoreKind | str,
        make: Literal["nothing", "new", "missing"] = "new",
    ) -> Vault:
        """Open the store at `url`. `make`: a store in which nothing is yet, or what is missing.

        Raises `StoreRefused` if it was made as the other kind or with other keys, or is not made,
        `Unavailable` if it does not answer.
        """
        kind = StoreKind(kind)
        database = Database(url)
        _keep_quiet(database)
        try:
            async with _transaction(database, BATCH_PATIENCE) as connection:
                await connection.run_sync(_made, make)
                await check_kind(connection, kind)
                cipher = NumberCipher(keys, await check_keys(connection, keys))
        except BaseException:
            await database.close()
            raise
        return cls(database, cipher, kind)

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    async def read(
        self, by: Caller, purpose: str, case_reference: str | None, code: str
    ) -> NumberRecord | None:
        """The number of one addressee, `None` if there is none.

        Raises `BadInput` for a caller who may not, `Unavailable` if the store does not answer or
        the stored number is not genuine.
        """
        use = _Use(by, purpose, case_reference, "read")
        async with _transaction(self._database) as connection:
            rows = await connection.execute(
                sa.select(NUMBERS).where(NUMBERS.c.addressee_code == code)
            )
            row, record = rows.one_or_none(), None
            outcome = _outcome(use, row is not None)
            if row is not None and outcome == "OK":
                record = self._genuine(row)
                outcome = "OK" if record else "NOT_GENUINE"
            logged = code if row is not None else readable(code)
            await connection.execute(sa.insert(NUMBER_ACCESS), use.row(logged, outcome))
        _raise_for(outcome)
        return record

    async def match(
        self, by: Caller, purpose: str, case_reference: str | None, number: IndividualNumber
    ) -> str | None:
        """The addressee code of whoever has exactly this number now, `None` for every other number:
        unknown, malformed, or no longer valid. Raises as `read` does.
        """
        use = _Use(by, purpose, case_reference, "match")
        indexes = self._cipher.indexes(number)
        async with _transaction(self._database) as connection:
            held = await connection.execute(
                sa.select(NUMBERS).where(NUMBERS.c.blind_index.in_(indexes))
            )
            old = await connection.execute(
                sa.select(OLD_NUMBERS.c.addressee_code).where(
                    OLD_NUMBERS.c.blind_index.in_(indexes)
                )
            )
            row, code = held.one_or_none(), None
            outcome = _outcome(use, row is not None)
            if outcome == "ABSENT" and old.first() is not None:
                outcome = "REPLACED"
            if row is not None and outcome == "OK":
                record = self._genuine(row)
                # An index that was moved to another row would lead to the wrong person.
                code = record.code if record and record.number == number else None
                outcome = "OK" if code else "NOT_GENUINE"
            await connection.execute(sa.insert(NUMBER_ACCESS), use.row(code, outcome))
        _raise_for(outcome)
        return code

    async def write_many(
        self,
        records: Sequence[NumberRecord],
        by: Caller,
        purpose: str,
        case_reference: str | None = None,
    ) -> list[Rejection]:
        """Store many numbers, 500 to a transaction; what is there already is left as it is.

        Returns the rows that a rule refused, with the reason. Another number for an addressee who
        has one needs a reason of change; the old number is then recognised and refused for ever.
        Raises `Unavailable`: transactions before the failure are stored, and a rerun goes on.
        """
        use = _Use(by, purpose, case_reference, "write")
        rejected: list[Rejection] = []
        fit = self._fit(records, rejected)
        for start in range(0, len(fit), BATCH):
            async with _transaction(self._database, BATCH_PATIENCE) as connection:
                batch = await Batch.begin(connection, self._cipher, fit[start : start + BATCH])
                await batch.store(connection, use.row)
            rejected += batch.rejected
        if rejected:
            refused = [use.row(readable(one.code), "REFUSED") for one in rejected]
            async with _transaction(self._database, BATCH_PATIENCE) as connection:
                await connection.execute(sa.insert(NUMBER_ACCESS), refused)
        return sorted(rejected, key=lambda rejection: rejection.position)

    def _fit(
        self, records: Sequence[NumberRecord], rejected: list[Rejection]
    ) -> list[tuple[int, NumberRecord]]:
        fit: dict[str, tuple[int, NumberRecord]] = {}
        for position, record in enumerate(records):
            reason = None
            if not record.number.well_formed:
                reason = "an individual number has 12 digits"
            elif not record.number.suits(self.kind):
                reason = f"the check digit is not that of a {self.kind.value} store"
            elif record.code in fit:
                reason = "the addressee code is given twice"
            if reason:
                rejected.append(Rejection(position, record.code, reason))
            else:
                fit[record.code] = (position, record)
        return list(fit.values())

    def _genuine(self, row: Any) -> NumberRecord | None:
        try:
            number = self._cipher.unseal(row.addressee_code, row.key_id, row.ciphertext)
        except NotGenuine:
            return None
        return NumberRecord(
            row.addressee_code, number, row.change_reason, row.change_date, row.change_date_text
        )


def _keep_quiet(database: Database) -> None:
    # Unless told otherwise, SQLAlchemy shows a statement's parameters in its errors and its log,
    # and aiosqlite in its own log.
    database.engine.sync_engine.hide_parameters = True
    logging.getLogger("aiosqlite").setLevel(logging.INFO)


@asynccontextmanager
async def _transaction(
    database: Database, patience: float = PATIENCE
) -> AsyncIterator[AsyncConnection]:
    """One durable transaction. Raises `Unavailable`, which hides the driver's words."""
    try:
        async with asyncio.timeout(patience), database.write() as connection:
            for statement in append_only.durably(database.dialect):
                await connection.exec_driver_sql(statement)
            yield connection
    except _broken as error:
        _logger.error("the store of numbers does not answer: %s", type(error).__name__)
        raise Unavailable("the store of numbers does not answer") from None


def _made(connection: sa.Connection, make: str) -> None:
    there = is_made(connection)
    if not there and make == "nothing":
        raise StoreRefused("nothing is in the numbers' database: run `python server.py migrate`")
    if not there or make == "missing":
        create_schema(connection)


def _outcome(use: _Use, found: bool) -> str:
    if not use.allowed:
        return "REFUSED"
    return "OK" if found else "ABSENT"


def _raise_for(outcome: str) -> None:
    if outcome == "REFUSED":
        raise BadInput(
            "an individual number is shown only to its handler, for a case", "FIELD_HIDDEN"
        )
    if outcome == "NOT_GENUINE":
        _logger.critical("a stored individual number is not genuine")
        raise Unavailable("the store of numbers cannot be trusted")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
