"""The chain of policy versions: each is sealed together with the seal of the version before.

seal(n) = HMAC-SHA256(key, content(n) ‖ seal(n − 1)), the key derived from the key file. Who can
write to the database but has no key file cannot change a version, leave one out, put one in or
bring an old one back as new. A store's first version is sealed by the first server that opens it.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from models.store import append_only
from models.tables.policy import PolicyLine, PolicySeal, PolicyVersion, first_lines

KEY_PURPOSE = "policy-chain"
LOCK = 4_815_170_105
HEADER = (
    "number", "published_at", "reason", "based_on", "proposed_by", "approved_by",
    "approval_reason", "effective_from",
)  # fmt: skip
LINE = ("role", "purpose", "what", "action", "effect", "note")


class ChainBroken(Exception):
    """A version is not what was sealed; the message names the version, never a key."""


class KeySource(Protocol):
    """Where keys come from: `authz.keys.Keys` is one."""

    @property
    def key_id(self) -> str: ...

    def derive(self, purpose: str, length: int = 32, key_id: str | None = None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Seals versions and verifies them. `keys`: the server's key file."""

    keys: KeySource

    async def begin(self, connection: AsyncConnection) -> None:
        """Seal the first version of a store in which nothing is sealed yet.

        Raises `ChainBroken` if that is anything but the first policy: whoever takes the seals away
        would have the server seal what they put in.
        """
        for statement in append_only.exclusively(connection.dialect.name, LOCK):
            await connection.exec_driver_sql(statement)
        if await connection.scalar(sa.select(sa.func.count()).select_from(SEAL)):
            return
        numbers = list((await connection.execute(_numbers())).scalars())
        lines = [tuple(line) for line in await connection.execute(_lines(1))]
        if numbers != [1] or lines != [
            tuple(line[name] for name in LINE) for line in first_lines()
        ]:
            raise ChainBroken("nothing is sealed, and what is stored is not the first policy")
        await self.add(connection, 1)

    async def add(self, connection: AsyncConnection, number: int) -> None:
        """Seal a version that was just written. Raises `ChainBroken` without the one before."""
        seal = self._seal(self.keys.key_id, await _content(connection, number))
        row = {"version": number, "key_id": self.keys.key_id, "seal": seal}
        await connection.execute(sa.insert(SEAL).values(row))

    async def verify(self, connection: AsyncConnection, number: int) -> None:
        """Raises `ChainBroken` unless the version is as it was sealed."""
        found = (await connection.execute(sa.select(SEAL).where(SEAL.c.version == number))).first()
        if found is None:
            raise ChainBroken(f"version {number} of the policy is not sealed")
        try:
            seal = self._seal(found.key_id, await _content(connection, number))
        except KeyError:
            raise ChainBroken(f"the key that sealed version {number} is not there") from None
        if not hmac.compare_digest(seal, found.seal):
            raise ChainBroken(f"version {number} of the policy was changed after it was sealed")

    async def verify_all(self, connection: AsyncConnection) -> int:
        """Verify every version, and that none is missing; how many there are."""
        numbers = (await connection.execute(_numbers())).scalars().all()
        if list(numbers) != list(range(1, len(numbers) + 1)):
            raise ChainBroken("a version of the policy is missing")
        for number in numbers:
            await self.verify(connection, number)
        return len(numbers)

    def _seal(self, key_id: str, content: bytes) -> str:
        key = self.keys.derive(KEY_PURPOSE, key_id=key_id)
        return hmac.new(key, content, "sha256").hexdigest()


def table(model: type[SQLModel]) -> sa.Table:
    """The table of a model."""
    found: sa.Table = model.__table__  # type: ignore[attr-defined]
    return found


VERSION, LINES, SEAL = table(PolicyVersion), table(PolicyLine), table(PolicySeal)


def _numbers() -> sa.Select[Any]:
    return sa.select(VERSION.c.number).order_by(VERSION.c.number)


def _lines(number: int) -> sa.Select[Any]:
    return (
        sa.select(*(LINES.c[name] for name in LINE))
        .where(LINES.c.version == number)
        .order_by(LINES.c.id)
    )


async def _content(connection: AsyncConnection, number: int) -> bytes:
    """Everything that a version says, and the seal before it, as one text of bytes."""
    header = (
        await connection.execute(
            sa.select(*(VERSION.c[name] for name in HEADER)).where(VERSION.c.number == number)
        )
    ).one()
    lines = await connection.execute(_lines(number))
    previous = await connection.scalar(sa.select(SEAL.c.seal).where(SEAL.c.version == number - 1))
    if previous is None and number > 1:
        raise ChainBroken(f"version {number - 1} of the policy is not sealed")
    return canonical(header._asdict(), [tuple(line) for line in lines], previous or "")


def canonical(header: Mapping[str, Any], lines: Sequence[Sequence[str]], previous: str) -> bytes:
    """The bytes that are sealed: a JSON array of plain texts and numbers, in a fixed order."""
    written = [_plain(header[name]) for name in HEADER]
    return orjson.dumps([written, [list(map(str, line)) for line in lines], previous])


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        at = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
        return at.isoformat(timespec="microseconds")
    return value
