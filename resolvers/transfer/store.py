"""A transfer's row and its sealed content: claimed, filled, opened, erased.

The content is sealed by a key derived from the key file and bound to its transfer and place, so
that the database holds no second copy of anybody's data in clear.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from authz.access_log import LoggedOperation, Record, insert
from authz.errors import Unavailable
from authz.keys import Keys
from models.graph.graph import GRAPH
from models.store.database import Database
from models.tables.transfer import OPEN, TransferExtent, TransferState
from resolvers.transfer.content import LEFT

TRANSFER = GRAPH.types["Transfer"].table
DEFINITION = GRAPH.types["TransferDefinition"].table
CHECK = GRAPH.types["TransferCheck"].table
CHUNK = SQLModel.metadata.tables["transfer_chunk"]
SENT = SQLModel.metadata.tables["transfer_sent"]
HANDLING = GRAPH.types["Handling"].table

CLAIM = dt.timedelta(minutes=2)
"""After so long without a word from it, a worker that makes a transfer counts as gone."""

NONCE = 12
ENDED = [state for state in TransferState if state not in OPEN and state != "DEFINED"]

Row = sa.RowMapping


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the content, opened."""

    number: int
    ndjson: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk's place and sizes, without its content."""

    number: int
    ndjson_size: int
    csv_size: int


class TransferStore:
    """Reads and changes transfers outside the plan: what the plan made, and how far it got."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._digest_key = keys.derive("transfer-digest")

    # -- jobs ----------------------------------------------------------------------------------

    async def work(self, now: dt.datetime) -> Sequence[Row]:
        """What there is to do: transfers to make, to let expire, to clear away."""
        waiting = sa.and_(
            TRANSFER.c.state == TransferState.DEFINED,
            sa.or_(TRANSFER.c.claimed_at.is_(None), TRANSFER.c.claimed_at < now - CLAIM),
        )
        late = sa.and_(TRANSFER.c.state.in_(OPEN), TRANSFER.c.expires_at < now)
        kept = sa.exists().where(CHUNK.c.transfer_id == TRANSFER.c.id)
        statement = sa.select(TRANSFER).where(
            sa.or_(waiting, late, sa.and_(TRANSFER.c.state.in_(ENDED), kept))
        )
        async with self._database.look() as connection:
            return (await connection.execute(statement.order_by(TRANSFER.c.id))).mappings().all()

    async def claim(self, row: Row, now: dt.datetime) -> bool:
        """Take a transfer to make; false where another worker was faster."""
        async with self._database.write() as connection:
            taken = await connection.execute(
                sa.update(TRANSFER)
                .where(_is_claimed(row["id"], row["claimed_at"]))
                .values(claimed_at=now)
            )
            if taken.rowcount:
                await connection.execute(sa.delete(CHUNK).where(CHUNK.c.transfer_id == row["id"]))
        return bool(taken.rowcount)

    async def add(
        self,
        transfer_id: int,
        number: int,
        ndjson: bytes,
        csv_size: int,
        claimed: dt.datetime,
        now: dt.datetime,
    ) -> bool:
        """Store a chunk; false where the transfer was taken back, or by another worker, meanwhile.
        `claimed` is when this one last said that it makes it."""
        async with self._database.write() as connection:
            alive = await connection.execute(
                sa.update(TRANSFER).where(_is_claimed(transfer_id, claimed)).values(claimed_at=now)
            )
            if alive.rowcount:
                await connection.execute(
                    sa.insert(CHUNK).values(
                        transfer_id=transfer_id,
                        number=number,
                        ndjson_size=len(ndjson),
                        csv_size=csv_size,
                        sealed=self._seal(transfer_id, number, ndjson),
                    )
                )
        return bool(alive.rowcount)

    async def finish(
        self,
        row: Row,
        claimed: dt.datetime,
        values: Mapping[str, Any],
        checks: Iterable[Mapping[str, Any]],
    ) -> bool:
        """The content is made: its counts, digests and checks. False, and nothing, where another
        worker has taken it over."""
        async with self._database.write() as connection:
            done = await connection.execute(
                sa.update(TRANSFER)
                .where(_is_claimed(row["id"], claimed))
                .values(claimed_at=None, **values)
            )
            if done.rowcount:
                own = CHECK.c.transfer_id == row["id"]
                await connection.execute(sa.delete(CHECK).where(own))
                for check in checks:
                    await connection.execute(
                        sa.insert(CHECK).values(
                            transfer_id=row["id"], definition_code=row["definition_code"], **check
                        )
                    )
        return bool(done.rowcount)

    async def expire(
        self, row: Row, now: dt.datetime, record: Record, operation: LoggedOperation
    ) -> None:
        """Nobody fetched it in time: with its record, or, where another worker was faster, none."""
        async with self._database.write() as connection:
            if await move(connection, row["id"], OPEN, state=TransferState.EXPIRED, ended_at=now):
                await insert(connection, self._database.dialect, record, operation)

    async def clear(self, row: Row) -> None:
        """Erase the content of a transfer that ended. Of one that was confirmed, what was sent of
        whom is kept as keyed digests, so that the next one can hold changes alone; where that is
        not known any more, the next one holds everybody."""
        if row["state"] == TransferState.ACKED:
            try:
                if row["extent"] == TransferExtent.FULL:
                    await self._forget(row["client_id"])
                for place in await self.places(row["id"]):
                    chunk = await self.chunk(row["id"], place.number, (TransferState.ACKED,))
                    if chunk is not None:
                        await self._confirm(row["client_id"], chunk)
            except Unavailable:
                await self._forget(row["client_id"])
        async with self._database.write() as connection:
            await connection.execute(sa.delete(CHUNK).where(CHUNK.c.transfer_id == row["id"]))

    async def _forget(self, client_id: str) -> None:
        """Take for unknown what a client holds: the next CHANGED has everybody."""
        async with self._database.write() as connection:
            await connection.execute(sa.delete(SENT).where(SENT.c.client_id == client_id))

    async def sent_codes(self, client_id: str) -> set[str]:
        """Everybody of whom the client is known to hold anything."""
        statement = sa.select(SENT.c.addressee_code).where(SENT.c.client_id == client_id)
        async with self._database.look() as connection:
            return set((await connection.execute(statement)).scalars())

    async def sent_digests(self, client_id: str, codes: Sequence[str]) -> dict[str, bytes]:
        """What the client last confirmed of these people."""
        statement = sa.select(SENT.c.addressee_code, SENT.c.digest).where(
            SENT.c.client_id == client_id, SENT.c.addressee_code.in_(codes)
        )
        async with self._database.look() as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}

    def digest(self, line: bytes) -> bytes:
        """A keyed digest of one person's line: without the key it tells nothing of the line."""
        return hmac.digest(self._digest_key, line, hashlib.sha256)[:16]

    # -- fetching ------------------------------------------------------------------------------

    async def row(self, transfer_id: Any) -> Row | None:
        """A transfer with what its definition says of it."""
        statement = (
            sa.select(
                TRANSFER,
                DEFINITION.c.hours_to_fetch,
                DEFINITION.c.release_role,
                DEFINITION.c.destination_ja,
                DEFINITION.c.legal_basis_ja,
                DEFINITION.c.use_ja,
                DEFINITION.c.information_ja,
                DEFINITION.c.subjects_ja,
            )
            .join_from(TRANSFER, DEFINITION, DEFINITION.c.code == TRANSFER.c.definition_code)
            .where(TRANSFER.c.id == transfer_id)
        )
        async with self._database.look() as connection:
            return (await connection.execute(statement)).mappings().one_or_none()

    async def id_of(self, code: str) -> int | None:
        """The key of a transfer by its number, for the plan that decides whether it is there."""
        async with self._database.look() as connection:
            found: int | None = await connection.scalar(
                sa.select(TRANSFER.c.id).where(TRANSFER.c.code == code)
            )
        return found

    async def places(self, transfer_id: int) -> list[Place]:
        """The chunks in order, without their content."""
        statement = (
            sa.select(CHUNK.c.number, CHUNK.c.ndjson_size, CHUNK.c.csv_size)
            .where(CHUNK.c.transfer_id == transfer_id)
            .order_by(CHUNK.c.number)
        )
        async with self._database.look() as connection:
            return [Place(*row) for row in await connection.execute(statement)]

    async def chunk(
        self, transfer_id: int, number: int, states: Iterable[TransferState]
    ) -> Chunk | None:
        """One chunk, opened; `None` where the transfer is in none of these states any more.

        Raises `Unavailable` where it was altered or its key is lost.
        """
        statement = (
            sa.select(CHUNK.c.sealed)
            .join(TRANSFER, TRANSFER.c.id == CHUNK.c.transfer_id)
            .where(
                CHUNK.c.transfer_id == transfer_id,
                CHUNK.c.number == number,
                TRANSFER.c.state.in_(list(states)),
            )
        )
        async with self._database.look() as connection:
            sealed = await connection.scalar(statement)
        return None if sealed is None else Chunk(number, self._open(transfer_id, number, sealed))

    async def obligations(self, codes: Sequence[str]) -> dict[str, tuple[bool, bool]]:
        """Of these people, whom an obligation covers now: address withheld, stop output."""
        columns = HANDLING.c
        statement = sa.select(
            columns.addressee_code, columns.address_withheld, columns.stop_output
        ).where(
            columns.addressee_code.in_(codes),
            sa.or_(columns.address_withheld, columns.stop_output),
        )
        async with self._database.look() as connection:
            rows = await connection.execute(statement)
            return {code: (withheld, stop) for code, withheld, stop in rows}

    async def change(
        self, transfer_id: int, before: Iterable[TransferState], **values: Any
    ) -> bool:
        """Move a transfer on from one of these states; false where it is in none of them."""
        async with self._database.write() as connection:
            return await move(connection, transfer_id, before, **values)

    # -- sealing -------------------------------------------------------------------------------

    def _seal(self, transfer_id: int, number: int, content: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        cipher = self._cipher(self._keys.key_id)
        place = _place(transfer_id, number)
        sealed = cipher.encrypt(nonce, zlib.compress(content, 1), place)
        return self._keys.key_id.encode() + b"\0" + nonce + sealed

    def _open(self, transfer_id: int, number: int, stored: bytes) -> bytes:
        key_id, _, sealed = stored.partition(b"\0")
        try:
            cipher = self._cipher(key_id.decode())
            place = _place(transfer_id, number)
            return zlib.decompress(cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place))
        except (InvalidTag, KeyError, ValueError, zlib.error):
            raise Unavailable("the content of the transfer cannot be opened") from None

    def _cipher(self, key_id: str) -> AESGCMSIV:
        return AESGCMSIV(self._keys.derive("transfer-content", 32, key_id))

    async def _confirm(self, client_id: str, chunk: Chunk) -> None:
        lines = chunk.ndjson.splitlines(keepends=True)
        told = {code_of(line): line for line in lines}
        digests = {code: self.digest(line) for code, line in told.items() if not has_left(line)}
        own = (SENT.c.client_id == client_id, SENT.c.addressee_code.in_(list(told)))
        async with self._database.write() as connection:
            await connection.execute(sa.delete(SENT).where(*own))
            if digests:
                await connection.execute(
                    sa.insert(SENT),
                    [
                        {"client_id": client_id, "addressee_code": code, "digest": digest}
                        for code, digest in digests.items()
                    ],
                )


async def move(
    connection: AsyncConnection, transfer_id: int, before: Iterable[TransferState], **values: Any
) -> bool:
    """Move a transfer on, inside a transaction; false where its state is another."""
    moved = await connection.execute(
        sa.update(TRANSFER)
        .where(TRANSFER.c.id == transfer_id, TRANSFER.c.state.in_(list(before)))
        .values(**values)
    )
    return bool(moved.rowcount)


def _is_claimed(transfer_id: int, at: dt.datetime | None) -> sa.ColumnElement[bool]:
    """Whether it is still to be made, and whoever makes it said so last at this instant; `None`:
    nobody does yet."""
    return sa.and_(
        TRANSFER.c.id == transfer_id,
        TRANSFER.c.state == TransferState.DEFINED,
        TRANSFER.c.claimed_at.is_(None) if at is None else TRANSFER.c.claimed_at == at,
    )


def code_of(line: bytes) -> str:
    """The addressee code of a line."""
    code: str = orjson.loads(line)["code"]
    return code


def has_left(line: bytes) -> bool:
    """Whether the line says that somebody left the population."""
    return LEFT in orjson.loads(line)


def _place(transfer_id: int, number: int) -> bytes:
    return f"transfer_chunk {transfer_id} {number}".encode()
