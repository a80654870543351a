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
from authz.clearance import Clearance
from authz.clients import Clients, Registered
from authz.invariants import MACHINE_ROLE
from authz.policy import Policy
from authz.policy_store import PolicyStore
from authz.scopes import Limits
from models.population import PAYERS
from models.tokyo import TOKYO
from models.transfer import OPEN, TransferExtent, TransferState
from resolvers.pipeline import PrivacyMode, Reads, Terms
from resolvers.plan import make_plan
from resolvers.transfer_content import AFTER, Checks, Content, Node, written
from resolvers.transfer_store import Row, TransferStore

Line = tuple[dict[str, Any], bytes]
"""One person's line, and its text."""

IDLE_SECONDS = 1.0
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
        client = await self._clients.find(row["client_id"])
        if client is None or not client.usable(dt.datetime.now(TOKYO).date()):
            if await self._store.finish(row, claimed, {"state": TransferState.FAILED}, ()):
                await self._reads.log.record(_ended(row, "REFUSED_SUSPENDED"), END)
            return
        # The version that is published, not the one that this worker happened to have.
        policy = await self._policies.load()
        whole = await self._store.row(row["id"])
        if whole is not None:
            await _Making(self._store, self._reads, policy, whole, client, claimed).run()


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
        client: Registered,
        claimed: dt.datetime,
    ) -> None:
        self.store = store
        self.reads = reads
        self.policy = policy
        self.row = row
        self.client = client
        self.claimed = claimed
        self.actor = job_actor(client, row["code"])
        self.terms = Terms(client.definition.purpose, None, PrivacyMode.NULL)
        self.clearance = reads.clearance(self.actor, policy, self.terms)
        self.content = Content.of(self.clearance)
        self.items = items_sent(row, policy)
        self.checks = Checks(self.content, frozenset(self.items))
        self.written = self.written_levies = self.chunks = 0
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
        kept = [node for node in nodes if self.checks.admit(node)]
        lines = await self._changed([(line, written(line)) for line in self.content.lines(kept)])
        ndjson = b"".join(text for _, text in lines)
        csv = self.content.csv((line for line, _ in lines), header=self.chunks == 0)
        self.ndjson_hash.update(ndjson)
        self.csv_hash.update(csv)
        self.ndjson_size += len(ndjson)
        self.csv_size += len(csv)
        self.written += len(lines)
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
            self.client.id, [line.get("code", "") for line, _ in lines]
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


def job_actor(client: Registered, code: str) -> Actor:
    """The client as the one in whose name a transfer is made."""
    defined = client.definition
    return Actor(
        id=actor_id(client.id),
        roles=frozenset({MACHINE_ROLE}),
        section=None,
        session=f"transfer:{code}",
        expires_at=dt.datetime.now(dt.UTC) + JOB_LIFETIME,
        idle_timeout=0,
        grant=Grant(
            client.id,
            Limits(defined.purpose, defined.scopes, defined.items),
            defined.networks,
            defined.binding.value,
            "",
        ),
    )


def _count(connection: Mapping[str, Any] | None) -> int:
    return -1 if connection is None else int(connection["totalCount"])
