"""What each part of a read costs: timed in this process, in the worker's own wiring.

CPU is this process's alone, with eight requests under way at once, as behind HTTP.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from authz.access_log import Kind, LoggedOperation, Record
from authz.policy.clearance import clear
from benchmarks.cases import PURPOSE, ROLES, Case
from benchmarks.load import CONNECTIONS
from benchmarks.town import code
from models.graph.graph import PROTECTED
from schema.http.application import Services, open_services
from schema.request.message import GraphQLRequest
from schema.settings import Settings

CALLS = 2000
BUDGET = (("any", 1_000_000),)


async def measure(environment: Mapping[str, str], cases: Sequence[Case]) -> str:
    """A line for each part."""
    async with open_services(Settings.read(environment)) as services:
        token = await _token(services, Path(environment["ATENA_DATA"]))
        policy = await services.policies.current()
        roles = frozenset(ROLES)
        logged = LoggedOperation.of("{addressee}", [("Addressee", "read", "shown")])
        record = Record(kind=Kind.READ, outcome="OK", actor="clerk", roles=roles, persons=[code(1)])
        touched = await services.sessions.touch(token)
        cleared = _look_up(services, touched.actor, policy)
        lines = [
            "in process, eight at once: CPU µs (elapsed µs)",
            await _line("session: look-up, timeouts, policy version",
                        lambda: services.sessions.touch(token)),
            await _line("clearance: look-up", cleared),
            _compiled(policy, roles),
            await _line("harvest: one person held and counted",
                        lambda: services.harvest.hold("clerk", PURPOSE, BUDGET, 0, [code(1)])),
            await _line("log: one durable record", lambda: services.log.record(record, logged)),
        ]  # fmt: skip
        for case in cases:
            if "$code" in case.document:
                whole = partial(services.answer, _request(case, token))
                lines.append(await _line(f"a whole {case.name} read", whole))
        return "\n".join(lines)


def _look_up(services: Services, actor: Any, policy: Any) -> Callable[[], Awaitable[Any]]:
    from resolvers.read.pipeline import PrivacyMode, Terms

    terms = Terms(PURPOSE, None, PrivacyMode.NULL)
    reads = services.answer._reads

    async def look_up() -> Any:
        return reads.clearance(actor, policy, terms)

    return look_up


def _compiled(policy: Any, roles: frozenset[str]) -> str:
    began = time.perf_counter()
    clear(policy, roles, PURPOSE, case_reference=False, protected=PROTECTED)
    spent = time.perf_counter() - began
    return f"  {'clearance: compiled (once a policy version)':48}{spent * 1e6:8.0f}"


async def _line(name: str, call: Callable[[], Awaitable[Any]]) -> str:
    async def some() -> None:
        for _ in range(CALLS // CONNECTIONS):
            await call()

    await some()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some() for _ in range(CONNECTIONS)))
    spent, used = time.perf_counter() - began, time.process_time() - cpu
    return f"  {name:48}{used / CALLS * 1e6:8.1f}  ({spent / CALLS * CONNECTIONS * 1e6:.0f})"


def _request(case: Case, token: str) -> GraphQLRequest:
    headers = {"authorization": f"Bearer {token}", "purpose-of-use": PURPOSE}
    return GraphQLRequest(case.document, {"code": code(1)}, None, headers)


async def _token(services: Services, data: Path) -> str:
    token, _ = await services.sessions.open("sato", ROLES, "tax-payment")
    return token


__all__ = ["json", "measure"]
