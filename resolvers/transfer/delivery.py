"""Fetching a transfer: by the right client alone, in parts, each part checked and on the log.

What was checked and released is what goes out, if it still may: the plan must decide today, for
this token, what it decided when the content was made, and no obligation may have begun or ended.
Otherwise the transfer is withdrawn and must be made anew.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from authz.access_log import Kind, LoggedOperation, Record
from authz.actor import Actor
from authz.clients.registry import Clients, Definition
from authz.errors import Refused, Unavailable
from authz.policy.clearance import Clearance, Population, Verdict, for_transfer
from authz.policy.policy import Policy
from authz.policy.releases import IN_A_FILE
from authz.policy.store import aware
from models.store.database import DatabaseError
from models.tables.policy import Action
from models.tables.transfer import TransferMeans, TransferState
from resolvers.read.operation import Const, Operation, Selected
from resolvers.read.pipeline import PrivacyMode, Reads, Terms
from resolvers.read.seal import UNSEEN
from resolvers.read.trail import classes_of
from resolvers.transfer.content import HELD_BACK, WARNINGS, Content, Node, lines_of, status_of
from resolvers.transfer.job import decided, definition_in_force, items_sent, job_actor, on_paper
from resolvers.transfer.store import Chunk, Place, Row, TransferStore

FETCHABLE = (TransferState.RELEASED, TransferState.AUTHENTICATED, TransferState.SENT)
PRINTABLE = (TransferState.RELEASED, TransferState.PRINTED)
UNKNOWN = "-"
CAME_TO_ITS_END = "the transfer came to its end"

EVERYBODY: Population = frozenset()

Alive = Callable[[], None]
"""Raises where whoever fetches has lost the right meanwhile."""


class Form(StrEnum):
    """How the content is written."""

    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PRINT = "text/html"


class Undeliverable(Exception):
    """A transfer that does not go out. `code` as RFC 6750 (3.1) and this project write them."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def not_there() -> Undeliverable:
    """There is no such transfer, or not for this actor: one answer for both."""
    return Undeliverable("not_found", 404, "there is no such transfer")


def not_fetchable(message: str) -> Undeliverable:
    """The actor's own transfer, in a state in which it does not go out."""
    return Undeliverable("not_fetchable", 409, message)


def too_narrow(message: str) -> Undeliverable:
    """Whoever asks may not see all that the transfer holds."""
    return Undeliverable("insufficient_scope", 403, message)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who fetches what. `alive` is asked before each part."""

    code: str
    form: Form
    actor: Actor
    policy: Policy
    terms: Terms
    alive: Alive


@dataclass(frozen=True, slots=True)
class Delivery:
    """A transfer that may go out. `size` in bytes, `digest` its SHA-256 (printed: of
    the NDJSON)."""

    row: Row
    form: Form
    size: int
    digest: bytes
    places: Sequence[Place]

    @property
    def etag(self) -> str:
        """A strong validator of this form."""
        return f'"{base64.urlsafe_b64encode(self.digest).decode().rstrip("=")}"'


class TransferFiles:
    """Gives out transfers. One for each worker."""

    def __init__(self, store: TransferStore, reads: Reads, clients: Clients) -> None:
        self._store = store
        self._reads = reads
        self._clients = clients

    def clearance(self, actor: Actor, policy: Policy, terms: Terms) -> Clearance:
        """What the actor may do for the stated purpose. Raises `PurposeRefused`."""
        return self._reads.clearance(actor, policy, terms)

    async def open(self, asked: Asked) -> Delivery:
        """Make sure that it may go out, now and to this actor.

        Raises `Undeliverable` or `Refused`, after it is on the log.
        """
        # The log holds numbers of transfers that there are, not whatever somebody writes.
        unknown = replace(asked, code=UNKNOWN)
        async with self._refusals_on_the_log(unknown):
            key = await self._store.id_of(asked.code)
        known = unknown if key is None else asked
        async with self._refusals_on_the_log(known):
            return await self._open(known, key)

    def stream(
        self, asked: Asked, delivery: Delivery, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` to `stop` (exclusive). Each part is on the log, with the people in
        it, before it goes out. Raises `Undeliverable` or `Refused` where it may not any more, after
        that is on the log."""
        return self._answered(asked, self._stream(asked, delivery, start, stop))

    def print(self, asked: Asked, delivery: Delivery) -> AsyncIterator[bytes]:
        """The printable list, page by page of people. Raises as `stream` does."""
        return self._answered(asked, self._print(asked, delivery))

    async def _answered(self, asked: Asked, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with self._refusals_on_the_log(asked):
            async for part in parts:
                yield part

    @asynccontextmanager
    async def _refusals_on_the_log(self, asked: Asked) -> AsyncIterator[None]:
        """Whatever refuses it is on the log before it is raised."""
        try:
            yield
        except (Undeliverable, Refused) as refused:
            await self._record(asked, (), refused.code)
            raise
        except (DatabaseError, SQLAlchemyError, OSError) as error:
            await self._record(asked, (), Unavailable.code)
            raise Unavailable("the database does not answer") from error

    async def _stream(
        self, asked: Asked, delivery: Delivery, start: int, stop: int
    ) -> AsyncIterator[bytes]:
        content = Content.of(await self._clearance(delivery.row, asked.policy))
        await self._begin(delivery)
        if start == stop:
            await self._record(asked, (), "OK")
            await self._sent(asked, delivery)
        offset = 0
        for place in delivery.places:
            size = place.csv_size if delivery.form is Form.CSV else place.ndjson_size
            if offset + size > start and offset < stop:
                chunk = await self._part(asked, delivery, place)
                written = self._written(content, delivery, chunk)
                if offset + size >= delivery.size == stop:
                    # Before the last bytes: whoever has them may confirm at once.
                    await self._sent(asked, delivery)
                yield written[max(start - offset, 0) : stop - offset]
            offset += size

    async def _print(self, asked: Asked, delivery: Delivery) -> AsyncIterator[bytes]:
        content = Content.of(await self._clearance(delivery.row, asked.policy))
        yield _head(delivery.row, content)
        for place in delivery.places:
            chunk = await self._part(asked, delivery, place)
            yield _table_rows(content, lines_of(chunk.ndjson))
        # Before the last bytes: whoever has them may leave at once.
        await self._out(asked, delivery, PRINTABLE, TransferState.PRINTED)
        yield _foot(delivery.row)

    # -- may it go out -------------------------------------------------------------------------

    async def _open(self, asked: Asked, key: int | None) -> Delivery:
        clearance = self._reads.clearance(asked.actor, asked.policy, asked.terms)
        row = await self._row(asked, key, clearance)
        if row is None:
            raise not_there()
        printed = asked.form is Form.PRINT
        defined = await self._definition(row, asked.policy)
        if printed and defined is not None:
            # First: who may not see it is told nothing of how far it got.
            self._check_reader(Content.of(self._own(defined, row, asked.policy)), clearance)
        means = TransferMeans.PAPER if printed else TransferMeans.LINKAGE
        states: Sequence[TransferState] = PRINTABLE if printed else FETCHABLE
        late = row["expires_at"] is None or aware(row["expires_at"]) <= dt.datetime.now(dt.UTC)
        if row["state"] not in states or row["means"] != means or late:
            raise not_fetchable("this transfer is not to be fetched now")
        own = await self._clearance(row, asked.policy)
        items = items_sent(row, asked.policy)
        if decided(own, items) != row["plan_digest"]:
            await self._withdraw(row)
            raise not_fetchable("the policy changed: the transfer must be made anew")
        if not printed and decided(for_transfer(clearance), items) != row["plan_digest"]:
            raise too_narrow("the token does not name all that the transfer holds")
        csv = asked.form is Form.CSV
        return Delivery(
            row,
            asked.form,
            row["csv_size"] if csv else row["ndjson_size"],
            bytes.fromhex(row["csv_digest"] if csv else row["ndjson_digest"]),
            await self._store.places(row["id"]),
        )

    async def _row(self, asked: Asked, key: int | None, clearance: Clearance) -> Row | None:
        """The transfer, if the actor may read it: asked by a plan, as `node` is."""
        sealed = self._reads.seal.node_id(UNSEEN, "Transfer", -1 if key is None else key)
        fields = (Selected("state", "state", "Transfer"),)
        node = Selected("node", "node", "Query", {"id": Const(sealed)}, fields)
        ready = self._reads.ready(Operation((node,)), clearance, {"node": "Transfer"})
        shown = await self._reads.show(ready, {}, asked.terms, asked.actor, asked.policy, None, ())
        found = shown["data"]["node"]
        row = await self._store.row(key) if found is not None and found["state"] else None
        grant = asked.actor.grant
        if row is None or (grant is not None and row["client_id"] != grant.client):
            return None
        if (grant is None) is not (asked.form is Form.PRINT):
            return None
        return row

    async def _clearance(self, row: Row, policy: Policy) -> Clearance:
        """What the client may see under its linkage definition, which is in force."""
        defined = await definition_in_force(self._clients, row, policy)
        if defined is None:
            raise not_fetchable("the linkage definition is not in force")
        return self._own(defined, row, policy)

    async def _definition(self, row: Row, policy: Policy) -> Definition | None:
        """What decides the content, in force or not."""
        if row["client_id"] is None:
            return on_paper(row["definition_code"], policy)
        client = await self._clients.find(row["client_id"])
        return None if client is None else client.definition

    def _own(self, defined: Definition, row: Row, policy: Policy) -> Clearance:
        terms = Terms(defined.purpose, None, PrivacyMode.NULL)
        actor = job_actor(defined, row["code"])
        return for_transfer(self._reads.clearance(actor, policy, terms))

    def _check_reader(self, content: Content, clearance: Clearance) -> None:
        """Whoever prints a list sees it: they must be cleared for each of its fields themselves,
        the warnings among them, and of everybody."""
        warned = [f"Handling.{name}" for name in WARNINGS] if content.warned else []
        for coordinate in (*content.coordinates(), *warned):
            cell = clearance.cell(coordinate, Action.LIST)
            if cell.verdict is Verdict.SHOWN and EVERYBODY in cell.populations:
                continue
            raise too_narrow("the list holds what this role does not see for this purpose")

    # -- one part ------------------------------------------------------------------------------

    async def _part(self, asked: Asked, delivery: Delivery, place: Place) -> Chunk:
        asked.alive()
        states = PRINTABLE if delivery.form is Form.PRINT else FETCHABLE
        chunk = await self._store.chunk(delivery.row["id"], place.number, states)
        if chunk is None:
            raise not_fetchable(CAME_TO_ITS_END)
        lines = list(lines_of(chunk.ndjson))
        codes = [line["code"] for line in lines]
        now = await self._store.obligations(codes)
        for line in lines:
            if not _is_current(line, now.get(line["code"], (False, False))):
                await self._withdraw(delivery.row)
                raise not_fetchable("the content is no longer current: it must be made anew")
        await self._record(asked, codes, "OK")
        return chunk

    def _written(self, content: Content, delivery: Delivery, chunk: Chunk) -> bytes:
        if delivery.form is Form.CSV:
            return content.csv(lines_of(chunk.ndjson), header=chunk.number == 0)
        return chunk.ndjson

    async def _begin(self, delivery: Delivery) -> None:
        await self._store.change(
            delivery.row["id"], (TransferState.RELEASED,), state=TransferState.AUTHENTICATED
        )

    async def _sent(self, asked: Asked, delivery: Delivery) -> None:
        await self._out(asked, delivery, (TransferState.AUTHENTICATED,), TransferState.SENT)

    async def _out(
        self,
        asked: Asked,
        delivery: Delivery,
        before: Sequence[TransferState],
        state: TransferState,
    ) -> None:
        """It is out, unless it was taken back just now. Raises `Undeliverable`."""
        key, now = delivery.row["id"], dt.datetime.now(dt.UTC)
        values = {"state": state, "transferred_at": now, "transferred_by": asked.actor.id}
        out = await self._store.change(key, before, **values)
        if not out and not await self._store.change(key, (state,), state=state):
            raise not_fetchable(CAME_TO_ITS_END)

    async def _withdraw(self, row: Row) -> None:
        now = dt.datetime.now(dt.UTC)
        await self._store.change(
            row["id"],
            (*FETCHABLE, TransferState.PRINTED),
            state=TransferState.WITHDRAWN,
            ended_at=now,
        )

    async def _record(self, asked: Asked, persons: Sequence[str], outcome: str) -> None:
        record = Record(
            kind=Kind.OUTPUT,
            outcome=outcome,
            actor=asked.actor.id,
            session=asked.actor.session,
            roles=asked.actor.roles,
            purpose=asked.terms.purpose,
            case_reference=asked.terms.case_reference,
            policy_version=asked.policy.version,
            persons=persons,
            through=classes_of(IN_A_FILE),
        )
        operation = LoggedOperation.of(f"transfer:{asked.code} {asked.form.value}", ())
        await self._reads.log.record(record, operation)


def _is_current(line: Node, obligation: tuple[bool, bool]) -> bool:
    """Whether a line says of the obligation what it is now: address withheld, output stopped."""
    status = status_of(line)
    if status is not None:
        return status != HELD_BACK or obligation[1]
    told = line.get("handling") or {}
    return tuple(bool(told.get(name)) for name in WARNINGS) == obligation


# -- on paper ------------------------------------------------------------------------------------

STYLE = """
@page { size: A4 landscape; margin: 12mm 10mm 14mm }
body { font: 9pt/1.4 "Noto Sans CJK JP", "Yu Gothic", sans-serif }
h1 { font-size: 14pt } table { border-collapse: collapse; width: 100% }
th, td { border: 0.5pt solid #000; padding: 1mm; text-align: left; overflow-wrap: anywhere }
thead { display: table-header-group } tr { break-inside: avoid }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 4mm }
.care { font-weight: bold }
.sign { margin-top: 10mm; break-inside: avoid }
.sign td { height: 12mm }
"""


def _head(row: Row, content: Content) -> bytes:
    facts = {
        "移転番号": row["code"],
        "移転先": row["destination_ja"],
        "法令上の根拠": row["legal_basis_ja"],
        "用途": row["use_ja"],
        "移転する情報": row["information_ja"],
        "対象となる本人の範囲": row["subjects_ja"],
        "作成": row["prepared_by"] or "",
        "承認": row["released_by"] or "",
        "人数・件数": f"{row['person_count']}人 {row['levy_count']}件",
        "SHA-256 (CSV)": row["csv_digest"],
    }
    listed = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(said)}</dd>" for name, said in facts.items()
    )
    columns = "".join(f"<th>{_text(name)}</th>" for name in content.header())
    return (
        '<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>移転リスト</title>'
        f"<style>{STYLE}</style></head><body><h1>移転リスト</h1><dl>{listed}</dl>"
        "<p class=care>「住所秘匿」「出力停止」の欄に1がある人は取扱注意です。"
        "第三者に知らせず、出力の前に支援措置担当に確認してください。</p>"
        f"<table><thead><tr>{columns}</tr></thead><tbody>"
    ).encode()


def _table_rows(content: Content, lines: Iterable[Node]) -> bytes:
    rows = []
    for line in lines:
        for cells in content.rows(line):
            rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    return "".join(rows).encode()


def _foot(row: Row) -> bytes:
    blank = "".join(
        f"<tr><th>{who}</th><td></td><th>日時</th><td></td></tr>"
        for who in ("引渡者（署名）", "受領者（署名）")
    )
    return (
        "</tbody></table><section class=sign><h2>引渡記録</h2>"
        f"<p>{_text(row['code'])}</p><table>{blank}</table></section></body></html>"
    ).encode()


def _text(value: object) -> str:
    return "" if value is None else html.escape(str(value))
