"""Transfers as jobs: what was ordered is made, page by page, under the client's own clearance.

Each page is read by a plan like any other read, and is on the log like one. The lines are sealed
chunk by chunk, so that a hundred thousand people need no more memory than a page of them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from authz.access_log import Kind, LoggedOperation, Record
from authz.actor import Actor, Grant, actor_id
from authz.clients.registry import Clients, Definition
from authz.policy.clearance import Clearance, for_transfer
from authz.policy.invariants import MACHINE_ROLE
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.scopes import BUSINESS, RESOURCES, Limits
from models.tables.client import ClientAuthentication, TokenBinding
from models.tables.population import PAYERS
from models.tables.transfer import OPEN, TransferExtent, TransferState
from models.trade.office_time import TOKYO
from resolvers.read.pipeline import PrivacyMode, Reads, Terms
from resolvers.read.plan import make_plan
from resolvers.transfer.content import (
    AFTER,
    LEFT,
    PEOPLE,
    Checks,
    Content,
    Node,
    code_alone,
    status_of,
    written,
)
from resolvers.transfer.store import Row, TransferStore

Line = tuple[dict[str, Any], bytes]
"""One person's line, and its text."""

IDLE_SECONDS = 1.0
LONGEST_CLIENT = 57
LISTS = frozenset(f"{BUSINESS}:{resource}:list" for resource in RESOURCES)
"""The scopes of a list on paper: a transfer lists, and does nothing else."""

JOB_LIFETIME = dt.timedelta(days=1)
END = LoggedOperation.of("transfer:end", ())
_log = logging.getLogger("atena.transfer")


class TransferRunner:
    """Makes what was ordered, lets expire what nobody fetched, clears away what ended.

    `reads` allows pages of `transfer_content.PEOPLE` with all that belongs to them.
    """

    def __init__(
        self, store: TransferStore, reads: Reads, policies: PolicyStore, clients: Clients
    ) -> None:
        self._store = store
        self._reads = reads
        self._policies = policies
        self._clients = clients

    async def keep_running(self) -> None:
        """Work until cancelled. What fails, a store that is down or a mistake of ours, is tried
        again: a transfer that was claimed, after a while."""
        while True:
            try:
                worked = await self.step()
            except Exception as error:
                _log.warning("transfers were not worked on: %s", type(error).__name__)
                worked = False
            if not worked:
                await asyncio.sleep(IDLE_SECONDS)

    async def step(self) -> bool:
        """Do what there is to do; whether anything was done. What fails keeps nothing else."""
        done = False
        for row in await self._store.work(dt.datetime.now(dt.UTC)):
            try:
                await self._work(row, dt.datetime.now(dt.UTC))
                done = True
            except Exception as error:
                _log.warning("a transfer was not worked on: %s", type(error).__name__)
        return done

    async def _work(self, row: Row, now: dt.datetime) -> None:
        if row["state"] in OPEN:
            await self._store.expire(row, now, _ended(row, "EXPIRED"), END)
        elif row["state"] == TransferState.DEFINED:
            if await self._store.claim(row, now):
                await self._make(row, now)
        else:
            await self._store.clear(row)

    async def _make(self, row: Row, claimed: dt.datetime) -> None:
        # The version that is published, not the one that this worker happened to have.
        policy = await self._policies.load()
        defined = await definition_in_force(self._clients, row, policy)
        if defined is None:
            if await self._store.finish(row, claimed, {"state": TransferState.FAILED}, ()):
                await self._reads.log.record(_ended(row, "REFUSED_SUSPENDED"), END)
            return
        whole = await self._store.row(row["id"])
        if whole is not None:
            await _Making(self._store, self._reads, policy, whole, defined, claimed).run()


def _ended(row: Row, outcome: str) -> Record:
    return Record(
        kind=Kind.OUTPUT,
        outcome=outcome,
        actor=actor_id(row["client_id"]) if row["client_id"] else None,
        session=f"transfer:{row['code']}",
    )


class _Making:
    """The making of one transfer."""

    def __init__(
        self,
        store: TransferStore,
        reads: Reads,
        policy: Policy,
        row: Row,
        defined: Definition,
        claimed: dt.datetime,
    ) -> None:
        self.store = store
        self.reads = reads
        self.policy = policy
        self.row = row
        self.claimed = claimed
        self.actor = job_actor(defined, row["code"])
        self.terms = Terms(defined.purpose, None, PrivacyMode.NULL)
        self.clearance = for_transfer(reads.clearance(self.actor, policy, self.terms))
        self.content = Content.of(self.clearance)
        self.items = items_sent(row, policy)
        self.checks = Checks(self.content, frozenset(self.items))
        self.written = self.written_levies = self.chunks = 0
        self.there: set[str] = set()
        self.ndjson_size = self.csv_size = 0
        self.ndjson_hash, self.csv_hash = hashlib.sha256(), hashlib.sha256()

    async def run(self) -> None:
        """Page after page, then the checks."""
        first = self.reads.ready(self.content.page(first=True), self.clearance, {})
        later = self.reads.ready(self.content.page(first=False), self.clearance, {})
        totals = self.reads.ready(self.content.totals(), self.clearance, {})
        counted = await self._show(totals, {})
        ready, variables = first, dict[str, Any]()
        while True:
            page = (await self._show(ready, variables))["addressees"]
            if page is None or not await self._add(page["nodes"]):
                break
            if not page["pageInfo"]["hasNextPage"]:
                break
            ready, variables = later, {AFTER: page["pageInfo"]["endCursor"]}
        await self._tell_leavers()
        checks = self.checks.result(_count(counted["addressees"]), _count(counted["collections"]))
        passed = all(check.passed for check in checks)
        await self.store.finish(
            self.row,
            self.claimed,
            self._values(passed, decided(self.clearance, self.items)),
            [
                {"name": check.name, "passed": check.passed, "reason": check.reason}
                for check in checks
            ],
        )

    async def _show(self, ready: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
        shown = await self.reads.show(
            ready, variables, self.terms, self.actor, self.policy, None, ()
        )
        data: dict[str, Any] = shown["data"]
        return data

    async def _add(self, nodes: list[Node]) -> bool:
        """One chunk; false where the transfer was taken back."""
        lines = [self.content.line(node, sent=self.checks.admit(node)) for node in nodes]
        self.there.update(line.get("code", "") for line in lines)
        return await self._write(await self._changed([(line, written(line)) for line in lines]))

    async def _tell_leavers(self) -> None:
        """Say who is known to the client and no longer in the population. FULL replaces all."""
        if self.row["extent"] == TransferExtent.CHANGED:
            gone = sorted(await self.store.sent_codes(self.row["client_id"]) - self.there)
            for at in range(0, len(gone), PEOPLE):
                lines = [code_alone(code, LEFT) for code in gone[at : at + PEOPLE]]
                await self._write([(line, written(line)) for line in lines])

    async def _write(self, lines: list[Line]) -> bool:
        ndjson = b"".join(text for _, text in lines)
        csv = self.content.csv((line for line, _ in lines), header=self.chunks == 0)
        self.ndjson_hash.update(ndjson)
        self.csv_hash.update(csv)
        self.ndjson_size += len(ndjson)
        self.csv_size += len(csv)
        self.written += sum(status_of(line) is None for line, _ in lines)
        self.written_levies += sum(len(line.get("collections") or ()) for line, _ in lines)
        number, self.chunks = self.chunks, self.chunks + 1
        before, self.claimed = self.claimed, dt.datetime.now(dt.UTC)
        return await self.store.add(self.row["id"], number, ndjson, len(csv), before, self.claimed)

    async def _changed(self, lines: list[Line]) -> list[Line]:
        """The lines that the client has not confirmed as they are; all of them where all are
        asked for."""
        if self.row["extent"] != TransferExtent.CHANGED:
            return lines
        sent = await self.store.sent_digests(
            self.row["client_id"], [line.get("code", "") for line, _ in lines]
        )
        return [
            (line, text)
            for line, text in lines
            if sent.get(line.get("code", "")) != self.store.digest(text)
        ]

    def _values(self, passed: bool, plan_digest: str) -> dict[str, Any]:
        good = TransferState.CHECKED if self.row["release_role"] else TransferState.RELEASED
        return {
            "state": good if passed else TransferState.FAILED,
            "expires_at": expiry(self.row, dt.datetime.now(dt.UTC)),
            "person_count": self.written,
            "levy_count": self.written_levies,
            "covered_count": self.checks.covered,
            "held_back_count": self.checks.held_back,
            "items": " ".join(self.content.coordinates()),
            "ndjson_size": self.ndjson_size,
            "ndjson_digest": self.ndjson_hash.hexdigest(),
            "csv_size": self.csv_size,
            "csv_digest": self.csv_hash.hexdigest(),
            "plan_digest": plan_digest,
        }


def items_sent(row: Row, policy: Policy) -> Sequence[str]:
    """The tax and fee items of whose payers a transfer tells its destination, sorted."""
    return policy.reference.items.get(f"{PAYERS}{row['definition_code']}", ())


def decided(clearance: Clearance, items: Sequence[str]) -> str:
    """What goes out, and of whom, as it is decided: by a plan of the whole content, and the items
    that bound its people. SHA-256 in hexadecimal."""
    plan = make_plan(Content.of(clearance).page(first=True), clearance)
    return hashlib.sha256(f"{plan.digest} {' '.join(items)}".encode()).hexdigest()


def expiry(row: Row, now: dt.datetime) -> dt.datetime:
    """When a transfer expires that may be fetched, or released, from now on."""
    return now + dt.timedelta(hours=row["hours_to_fetch"])


async def definition_in_force(clients: Clients, row: Row, policy: Policy) -> Definition | None:
    """What decides the content of a transfer: the client's linkage definition, if it is in force.
    A list on paper that names no client goes by the destination alone."""
    if row["client_id"] is None:
        return on_paper(row["definition_code"], policy)
    client = await clients.find(row["client_id"])
    if client is None or not client.usable(dt.datetime.now(TOKYO).date()):
        return None
    return client.definition


def on_paper(destination: str, policy: Policy) -> Definition | None:
    """The definition of a list on paper for a destination that has no client."""
    population = f"{PAYERS}{destination}"
    for code, purpose in policy.reference.purposes.items():
        if purpose.population == population:
            return Definition(
                id=f"paper:{destination}"[:LONGEST_CLIENT],
                definition=destination,
                purpose=code,
                scopes=LISTS,
                networks=(),
                authentication=ClientAuthentication.PRIVATE_KEY_JWT,
                binding=TokenBinding.MTLS,
            )
    return None


def job_actor(defined: Definition, code: str) -> Actor:
    """The client as the one in whose name a transfer is made."""
    return Actor(
        id=actor_id(defined.id),
        roles=frozenset({MACHINE_ROLE}),
        section=None,
        session=f"transfer:{code}",
        expires_at=dt.datetime.now(dt.UTC) + JOB_LIFETIME,
        idle_timeout=0,
        grant=Grant(
            defined.id,
            Limits(defined.purpose, defined.scopes, defined.items),
            defined.networks,
            defined.binding.value,
            "",
        ),
    )


def _count(connection: Mapping[str, Any] | None) -> int:
    return -1 if connection is None else int(connection["totalCount"])
