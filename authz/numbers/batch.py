"""One transaction of an import of individual numbers: decided row by row, then written at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.numbers.cipher import NumberCipher
from models.store import append_only
from models.tables.individual_number import NUMBER_ACCESS, NUMBERS, OLD_NUMBERS, NumberRecord

Logged = Callable[[str, str], dict[str, Any]]
"""The row of the vault's log for an addressee code and an outcome."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not written: its position in what was given, and why (never the number).

    `holder`: the other addressee code under which the number is held, or was until replaced.
    """

    position: int
    code: str
    reason: str
    holder: str | None = None


class Batch:
    """What one transaction of an import does, decided row by row against what is stored."""

    def __init__(self, cipher: NumberCipher) -> None:
        self._cipher = cipher
        self.rejected: list[Rejection] = []
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._replaced: list[dict[str, Any]] = []
        self._outcomes: list[tuple[str, str]] = []

    @classmethod
    async def begin(
        cls,
        connection: AsyncConnection,
        cipher: NumberCipher,
        given: Sequence[tuple[int, NumberRecord]],
    ) -> Batch:
        """Decide every row of the batch."""
        # Two imports at once would otherwise meet at the unique index, after the decision.
        for lock in append_only.exclusively(connection.dialect.name, append_only.WRITER_LOCK):
            await connection.exec_driver_sql(lock)
        indexes = [cipher.indexes(record.number) for _, record in given]
        held = await _held(connection, [record.code for _, record in given], indexes)
        old = await _old(connection, indexes)
        batch = cls(cipher)
        for (position, record), mine in zip(given, indexes, strict=True):
            reason = batch._decide(record, mine, held, old)
            if reason:
                of = {codes[one] for codes in (held.codes, old) for one in mine if one in codes}
                holder = min(of - {record.code}, default=None)
                batch.rejected.append(Rejection(position, record.code, reason, holder))
        return batch

    def _decide(
        self, record: NumberRecord, mine: list[bytes], held: _Held, old: dict[bytes, str]
    ) -> str | None:
        stored = held.by_code.get(record.code)
        holder = next((held.codes[index] for index in mine if index in held.codes), None)
        if not old.keys().isdisjoint(mine):
            return "the number was replaced and is no longer valid"
        if holder is not None and holder != record.code:
            return "the number is held under another addressee code"
        if stored is None:
            self._new.append(self._row(record, mine))
        elif stored.blind_index in mine:
            self._outcomes.append((record.code, "UNCHANGED"))
            return None
        elif not record.change_reason:
            return "the addressee has another number, and no reason of change is given"
        else:
            old[stored.blind_index] = record.code
            self._replaced.append(_history(stored, record))
            self._changed.append(self._row(record, mine))
        held.codes.update(dict.fromkeys(mine, record.code))
        self._outcomes.append((record.code, "OK"))
        return None

    def _row(self, record: NumberRecord, mine: list[bytes]) -> dict[str, Any]:
        return {
            "addressee_code": record.code,
            "ciphertext": self._cipher.seal(record.code, record.number),
            "key_id": self._cipher.key_id,
            "blind_index": mine[0],
            "change_reason": record.change_reason,
            "change_date": record.change_date,
            "change_date_text": record.change_date_text,
        }

    async def store(self, connection: AsyncConnection, logged: Logged) -> None:
        """Write what was decided, with the log of it, in the caller's transaction."""
        changes = [{"of_code": row.pop("addressee_code"), **row} for row in self._changed]
        update = sa.update(NUMBERS).where(NUMBERS.c.addressee_code == sa.bindparam("of_code"))
        entries = [logged(code, outcome) for code, outcome in self._outcomes]
        for statement, rows in (
            (sa.insert(OLD_NUMBERS), self._replaced),
            (update, changes),
            (sa.insert(NUMBERS), self._new),
            (sa.insert(NUMBER_ACCESS), entries),
        ):
            if rows:
                await connection.execute(statement, rows)


@dataclass(frozen=True, slots=True)
class _Held:
    by_code: dict[str, Any]
    codes: dict[bytes, str]


async def _held(connection: AsyncConnection, codes: list[str], indexes: list[list[bytes]]) -> _Held:
    rows = await connection.execute(
        sa.select(NUMBERS).where(
            sa.or_(
                NUMBERS.c.addressee_code.in_(codes),
                NUMBERS.c.blind_index.in_([one for mine in indexes for one in mine]),
            )
        )
    )
    stored = rows.all()
    return _Held(
        {row.addressee_code: row for row in stored},
        {row.blind_index: row.addressee_code for row in stored},
    )


async def _old(connection: AsyncConnection, indexes: list[list[bytes]]) -> dict[bytes, str]:
    rows = await connection.execute(
        sa.select(OLD_NUMBERS.c.blind_index, OLD_NUMBERS.c.addressee_code).where(
            OLD_NUMBERS.c.blind_index.in_([one for mine in indexes for one in mine])
        )
    )
    return {row.blind_index: row.addressee_code for row in rows}


def _history(stored: Any, record: NumberRecord) -> dict[str, Any]:
    return {
        "blind_index": stored.blind_index,
        "key_id": stored.key_id,
        "addressee_code": stored.addressee_code,
        "replaced_at": dt.datetime.now(dt.UTC),
        "change_reason": record.change_reason,
    }
