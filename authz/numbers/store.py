"""What a store of individual numbers was made as, and with which keys: recorded inside, once."""

from __future__ import annotations

import datetime as dt
import hmac

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.numbers.cipher import KeySource, proof
from authz.numbers.schema import faults, is_made
from models.store.database import Database
from models.tables.individual_number import STORE, STORE_KEY, StoreKind


class StoreRefused(Exception):
    """The store is not the one the settings describe; the server must not start with it."""


async def check_kind(connection: AsyncConnection, kind: StoreKind) -> None:
    """Record the kind in a new store. Raises `StoreRefused` if it was made as the other."""
    made = (await connection.execute(sa.select(STORE.c.kind))).scalar_one_or_none()
    if made is None:
        row = {"id": 1, "kind": kind.value, "made_at": dt.datetime.now(dt.UTC)}
        await connection.execute(sa.insert(STORE), row)
    elif made != kind.value:
        raise StoreRefused(
            f"the store of numbers was made as {made}, and is not a {kind.value} one"
        )


async def check_keys(connection: AsyncConnection, keys: KeySource) -> list[str]:
    """The ids of every key that the store was written with; the current one is added.

    Raises `StoreRefused` if one of them is not held, or is another key under the same id.
    """
    stored = (await connection.execute(sa.select(STORE_KEY.c.key_id, STORE_KEY.c.proof))).all()
    for key_id, shown in stored:
        try:
            genuine = hmac.compare_digest(proof(keys, key_id), shown)
        except KeyError:
            genuine = False
        if not genuine:
            raise StoreRefused(f"the store of numbers was written with another key {key_id}")
    known = [key_id for key_id, _ in stored]
    if keys.key_id not in known:
        row = {"key_id": keys.key_id, "proof": proof(keys, keys.key_id)}
        await connection.execute(sa.insert(STORE_KEY), row)
    return known


async def faults_of(url: str, keys: KeySource, kind: StoreKind, *, new: bool) -> list[str]:
    """What is wrong with a store that a server would open. `new`: it may be not made yet.

    Nothing is changed. Raises `StoreRefused` for another kind or other keys.
    """
    database = Database(url)
    try:
        async with database.engine.connect() as connection, connection.begin() as looking:
            if not await connection.run_sync(is_made):
                return [] if new else ["nothing is in it: run `migrate`"]
            found = await connection.run_sync(faults)
            if not found:
                await check_kind(connection, kind)
                await check_keys(connection, keys)
            await looking.rollback()
    except (OSError, sa.exc.SQLAlchemyError):
        return ["the database does not answer, or refuses this account"]
    finally:
        await database.close()
    return found
