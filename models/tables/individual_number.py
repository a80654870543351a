"""The individual numbers' own database, and the value that a number travels in.

Its tables have a metadata of their own: nothing in the main database can refer to them or join
them. `authz/numbers/vault.py` and its helpers are the only modules that read them.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.days import PAST
from models.labels import column, text
from models.trade import codes
from models.trade.check_digits import is_demo_number, is_individual_number

LOG = "access-log"
NUMBER = "individual-number"
HISTORY = "individual-number-history"
REDACTED = "IndividualNumber(redacted)"
LONGEST = 64


class StoreKind(StrEnum):
    """What a store of numbers may hold, decided once for its whole life."""

    DEMO = "demo"
    REAL = "real"


class IndividualNumber:
    """A number as it was given: it shows itself only through `reveal`.

    How its digits are written and parted is folded away (`codes.number`). It need not be well
    formed: what is wrong with it is found out where the answer cannot tell. It cannot be formatted,
    pickled or copied out.
    """

    __slots__ = ("_digits",)

    def __init__(self, given: str) -> None:
        self._digits = codes.number(given[:LONGEST])

    def reveal(self) -> str:
        """The digits. Whoever calls this answers for where they go."""
        return self._digits

    def suits(self, kind: StoreKind) -> bool:
        """Whether a store of this kind may hold it: 12 digits and the check digit of that kind."""
        rule = is_demo_number if kind is StoreKind.DEMO else is_individual_number
        return rule(self._digits)

    @property
    def well_formed(self) -> bool:
        """Twelve digits, whatever the check digit."""
        return len(self._digits) == 12 and self._digits.isascii() and self._digits.isdigit()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IndividualNumber):
            return NotImplemented
        # As bytes: what was given may hold anything.
        mine, theirs = (one.encode("utf-8", "replace") for one in (self._digits, other._digits))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self._digits)

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return REDACTED

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an individual number is not serialised")


@dataclass(frozen=True, slots=True)
class NumberRecord:
    """Record items 1-3 of one addressee. `change_date_text` is set where the day is incomplete."""

    code: str
    number: IndividualNumber
    change_reason: str | None = None
    change_date: dt.date | None = None
    change_date_text: str | None = None


class NumbersTable(SQLModel, registry=sa.orm.registry()):
    """The base of the tables in the numbers' database."""


class IndividualNumberRow(NumbersTable, table=True):
    """Record items 1-3 of one addressee."""

    __tablename__ = "individual_number"

    addressee_code: str = column(
        "identifier", ja="宛名コード", en="addressee code", graphql=None, type=text(40),
        primary_key=True,
    )  # fmt: skip
    ciphertext: bytes = column(
        NUMBER, ja="個人番号", en="nonce and AES-GCM-SIV ciphertext of the individual number",
        item=1, graphql=None, type=sa.LargeBinary(),
    )  # fmt: skip
    key_id: str = column(
        NUMBER, ja="鍵番号", en="key that it is encrypted with", graphql=None, type=text(64)
    )
    blind_index: bytes = column(
        NUMBER, ja="検索索引", en="HMAC-SHA256 of the number", graphql=None,
        type=sa.LargeBinary(32), unique=True,
    )  # fmt: skip
    change_reason: str | None = column(
        HISTORY, ja="個人番号異動事由", en="reason for the change of the number", item=2,
        graphql=None, type=text(40), default=None,
    )  # fmt: skip
    change_date: dt.date | None = column(
        HISTORY, ja="個人番号異動日", en="day of the change of the number", item=3, graphql=None,
        type=sa.Date(), default=None, days=PAST,
    )  # fmt: skip
    change_date_text: str | None = column(
        HISTORY, ja="個人番号異動日（表記）", graphql=None, type=text(40), default=None,
        en="day of the change as written, where part of it is unknown (不詳)",
    )  # fmt: skip


class NumberHistoryRow(NumbersTable, table=True):
    """A number that somebody no longer has: still recognised, and refused."""

    __tablename__ = "number_history"

    blind_index: bytes = column(
        NUMBER, ja="検索索引", en="HMAC-SHA256 of the old number", graphql=None,
        type=sa.LargeBinary(32), primary_key=True,
    )  # fmt: skip
    key_id: str = column(
        NUMBER, ja="鍵番号", en="key of the blind index", graphql=None, type=text(64)
    )
    addressee_code: str = column(
        "identifier", ja="宛名コード", en="addressee code", graphql=None, type=text(40), index=True
    )
    replaced_at: dt.datetime = column(
        HISTORY, ja="変更日時", en="when it was replaced (UTC)", graphql=None,
        type=sa.DateTime(timezone=True),
    )  # fmt: skip
    change_reason: str | None = column(
        HISTORY, ja="個人番号異動事由", en="reason for the change", graphql=None, type=text(40),
        default=None,
    )  # fmt: skip


class NumberAccessRow(NumbersTable, table=True):
    """One use of one number. It holds neither the number nor its blind index."""

    __tablename__ = "number_access"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = column(
        LOG, ja="記録番号", en="record number", graphql=None, default=None, primary_key=True,
        type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    )  # fmt: skip
    at: dt.datetime = column(
        LOG, ja="日時", en="point in time (UTC)", graphql=None, type=sa.DateTime(timezone=True)
    )
    actor: str = column(LOG, ja="職員番号", en="staff id", graphql=None, type=text(64))
    session: str = column(
        LOG, ja="セッション参照", en="public reference of the session", graphql=None, type=text(64)
    )
    purpose: str = column(LOG, ja="利用目的", en="stated purpose", graphql=None, type=text(64))
    case_reference: str | None = column(
        LOG, ja="案件番号", en="case reference", graphql=None, type=text(64), default=None
    )
    addressee_code: str | None = column(
        LOG, ja="宛名コード", en="addressee code; null where a match found nobody", graphql=None,
        type=text(40), default=None,
    )  # fmt: skip
    action: str = column(LOG, ja="操作", en="read, match or write", graphql=None, type=text(40))
    outcome: str = column(LOG, ja="結果", en="outcome code", graphql=None, type=text(40))


class StoreRow(NumbersTable, table=True):
    """What this store was made as. There is one row."""

    __tablename__ = "store"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = column(
        "policy", ja="番号", en="always 1", graphql=None, primary_key=True, type=sa.Integer(),
        sa={"autoincrement": False},
    )  # fmt: skip
    kind: str = column("policy", ja="種別", en="demo or real", graphql=None, type=text(10))
    made_at: dt.datetime = column(
        "policy", ja="作成日時", en="made at (UTC)", graphql=None, type=sa.DateTime(timezone=True)
    )


class StoreKeyRow(NumbersTable, table=True):
    """A key this store has been opened with: another one under the same id is found out."""

    __tablename__ = "store_key"

    key_id: str = column(
        "policy", ja="鍵番号", en="key id", graphql=None, type=text(64), primary_key=True
    )
    proof: bytes = column(
        "policy", ja="鍵の照合値", en="what only this key makes of a fixed text", graphql=None,
        type=sa.LargeBinary(32),
    )  # fmt: skip


NUMBERS: sa.Table = IndividualNumberRow.__table__  # type: ignore[attr-defined]
OLD_NUMBERS: sa.Table = NumberHistoryRow.__table__  # type: ignore[attr-defined]
NUMBER_ACCESS: sa.Table = NumberAccessRow.__table__  # type: ignore[attr-defined]
STORE: sa.Table = StoreRow.__table__  # type: ignore[attr-defined]
STORE_KEY: sa.Table = StoreKeyRow.__table__  # type: ignore[attr-defined]
