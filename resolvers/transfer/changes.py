"""移転 the changes of a transfer: ordered, released, taken back, confirmed, handed over.

Staff order and release, and whoever releases is not who ordered; the receiving client confirms or
refuses. Neither does the other's part, whatever the policy says.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.access_log import COMMAND, insert_command
from authz.errors import BadInput, WriteRefused
from authz.policy.store import aware
from models.store.database import Database
from models.tables.client import CLIENT, ClientState
from models.tables.transfer import OPEN, TransferExtent, TransferMeans, TransferState
from models.trade.codes import fresh
from models.trade.office_time import TOKYO
from resolvers.transfer.store import DEFINITION, TRANSFER, move
from resolvers.write.checks import needs_state
from resolvers.write.pipeline import NOT_ALLOWED, Change, Changed, Input, UseCase

WRITES = ("Transfer", "Transfer.state")
SIGNED = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
TAKEN_BACK = (TransferState.DEFINED, *sorted(OPEN))


async def prepare(change: Change, given: Input) -> Changed:
    """Order a transfer; a worker makes its content. Raises `BadInput` without such a definition, or
    without one client in force; on paper it needs none."""
    _staff(change)
    definition = given["definitionCode"]
    await change.reach("TransferDefinition", definition)
    extent = TransferExtent(given.get("extent") or TransferExtent.FULL)
    means = TransferMeans(given.get("means") or TransferMeans.LINKAGE)
    client = await _client(change, definition, given.get("clientId"), means)
    if client is None and extent is TransferExtent.CHANGED:
        raise BadInput("without a client nobody knows what was sent before: order it FULL")
    key, _ = await _ordered(
        change.connection, definition, client, extent, means, change.actor.id, change.at
    )
    return Changed(rows={"transfer": key})


async def order_daily(
    database: Database, extent: TransferExtent, at: dt.datetime, by: str = COMMAND
) -> list[str]:
    """Order a transfer for each client in force, all or none, on the log; their numbers.

    `by` runs the command; the transfers are the command's own, so that anybody may release them.
    """
    statement = sa.select(CLIENT.c.definition_code, CLIENT.c.id).where(_in_force(at))
    codes = []
    async with database.write() as connection:
        for definition, client in await connection.execute(statement.order_by(CLIENT.c.id)):
            linkage = TransferMeans.LINKAGE
            _, code = await _ordered(connection, definition, client, extent, linkage, COMMAND, at)
            about = f"transfer:{code}"
            await insert_command(connection, database.dialect, "transfer:order", about, by)
            codes.append(code)
    return codes


async def _ordered(
    connection: AsyncConnection,
    definition: str,
    client: str | None,
    extent: TransferExtent,
    means: TransferMeans,
    by: str,
    at: dt.datetime,
) -> tuple[int, str]:
    """The key and the number of a new order."""
    today = at.astimezone(TOKYO).date()
    code = f"{definition}-{today:%Y%m%d}-{fresh(8)}"
    changed = extent is TransferExtent.CHANGED
    inserted = await connection.execute(
        sa.insert(TRANSFER)
        .values(
            code=code,
            definition_code=definition,
            client_id=client,
            means=means,
            extent=extent,
            period_from=await _last_confirmed(connection, client) if client and changed else None,
            period_until=today,
            prepared_by=by,
            prepared_at=at,
            state=TransferState.DEFINED,
        )
        .returning(TRANSFER.c.id)
    )
    return inserted.scalar_one(), code


async def release(change: Change, given: Input) -> Changed:
    """Let a checked transfer go. Raises `WriteRefused` for whoever ordered it, or does not hold the
    role that the definition asks for."""
    _staff(change)
    row = await _row(change, given["code"])
    asked = await change.connection.execute(
        sa.select(DEFINITION.c.release_role, DEFINITION.c.hours_to_fetch).where(
            DEFINITION.c.code == row["definition_code"]
        )
    )
    role, hours = asked.one()
    if role is not None and (
        role not in change.actor.roles or change.actor.id == row["prepared_by"]
    ):
        raise WriteRefused(NOT_ALLOWED)
    needs_state(row["state"], TransferState.CHECKED)
    if row["expires_at"] is None or aware(row["expires_at"]) <= change.at:
        raise BadInput("the transfer was not released in time", "STATE_NOT_ALLOWED")
    return await _moved(
        change,
        row,
        (TransferState.CHECKED,),
        state=TransferState.RELEASED,
        released_by=change.actor.id,
        released_at=change.at,
        expires_at=change.at + dt.timedelta(hours=hours),
    )


async def withdraw(change: Change, given: Input) -> Changed:
    """Take a transfer back before it has come to its end; its content is erased."""
    _staff(change)
    row = await _row(change, given["code"])
    return await _moved(change, row, TAKEN_BACK, state=TransferState.WITHDRAWN, ended_at=change.at)


async def hand_over(change: Change, given: Input) -> Changed:
    """A printed list was signed for. `receivedBy` is who signed, at most 64 characters."""
    _staff(change)
    signed = given["receivedBy"].strip()
    if not SIGNED.fullmatch(signed):
        raise BadInput("`receivedBy` is a name of 1 to 64 characters")
    row = await _row(change, given["code"])
    return await _moved(
        change,
        row,
        (TransferState.PRINTED,),
        state=TransferState.HANDED_OVER,
        received_by=signed,
        ended_at=change.at,
    )


async def acknowledge(change: Change, given: Input) -> Changed:
    """The receiver has it whole: `digest` is the SHA-256, in hexadecimal, of what it received."""
    row = await _own(change, given["code"])
    # Of what it did not receive, a digest must not be told right or wrong.
    needs_state(row["state"], TransferState.SENT)
    if given["digest"].lower() not in (row["ndjson_digest"], row["csv_digest"]):
        raise BadInput("`digest` is not the one of this transfer")
    return await _moved(
        change, row, (TransferState.SENT,), state=TransferState.ACKED, ended_at=change.at
    )


async def reject(change: Change, given: Input) -> Changed:
    """The receiver refuses what it received."""
    row = await _own(change, given["code"])
    return await _moved(
        change,
        row,
        (TransferState.AUTHENTICATED, TransferState.SENT),
        state=TransferState.REJECTED,
        reject_reason=given["reason"],
        ended_at=change.at,
    )


def _staff(change: Change) -> None:
    """A department's client has `write` on its transfers, to confirm them: nothing more."""
    if change.actor.grant is not None:
        raise WriteRefused(NOT_ALLOWED)


async def _row(change: Change, code: str) -> Any:
    found = await change.connection.execute(sa.select(TRANSFER).where(TRANSFER.c.code == code))
    row = found.mappings().one_or_none()
    await change.reach("Transfer", -1 if row is None else row["id"])
    return row


async def _own(change: Change, code: str) -> Any:
    if change.actor.grant is None:
        raise WriteRefused(NOT_ALLOWED)
    row = await _row(change, code)
    if row["client_id"] != change.actor.grant.client:
        await change.reach("Transfer", -1)
    return row


async def _moved(change: Change, row: Any, before: tuple[str, ...], **values: Any) -> Changed:
    states = [TransferState(state) for state in before]
    if not await move(change.connection, row["id"], states, **values):
        raise BadInput("the transfer is in a state in which this is not done", "STATE_NOT_ALLOWED")
    return Changed(rows={"transfer": row["id"]})


def _in_force(at: dt.datetime) -> sa.ColumnElement[bool]:
    """Whether a client gets tokens: `Registered.usable`, in the database."""
    day = at.astimezone(TOKYO).date()
    first, last = CLIENT.c.valid_from, CLIENT.c.valid_until
    return sa.and_(
        CLIENT.c.state == ClientState.ACTIVE,
        sa.or_(first.is_(None), first <= day),
        sa.or_(last.is_(None), last >= day),
    )


async def _client(
    change: Change, definition: str, wanted: str | None, means: TransferMeans
) -> str | None:
    own = CLIENT.c.definition_code == definition
    statement = sa.select(CLIENT.c.id).where(own, _in_force(change.at))
    if wanted is not None:
        statement = statement.where(CLIENT.c.id == wanted)
    found = (await change.connection.execute(statement)).scalars().all()
    if not found and wanted is None and means is TransferMeans.PAPER:
        return None
    if len(found) != 1:
        raise BadInput("name one client of this definition (`clientId`)")
    return str(found[0])


async def _last_confirmed(connection: AsyncConnection, client: str) -> dt.date | None:
    last: dt.date | None = await connection.scalar(
        sa.select(sa.func.max(TRANSFER.c.period_until)).where(
            TRANSFER.c.client_id == client, TRANSFER.c.state == TransferState.ACKED
        )
    )
    return last


USE_CASES = tuple(
    UseCase(name, writes=WRITES, run=run)
    for name, run in (
        ("prepareTransfer", prepare),
        ("releaseTransfer", release),
        ("withdrawTransfer", withdraw),
        ("handOverTransfer", hand_over),
        ("acknowledgeTransfer", acknowledge),
        ("rejectTransfer", reject),
    )
)
