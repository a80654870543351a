"""`python -m benchmarks`: Atena against hand-written SQL, in one run. See benchmarks/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop

from authz.embedded_redis import EmbeddedRedis
from benchmarks import parts, report, town
from benchmarks.cases import CASES, ROLES, Case
from benchmarks.load import CONNECTIONS, ask, press
from benchmarks.processes import cpu_seconds, free_port, server, with_children
from benchmarks.requests import Atena, Limit, Place, Target, anybody, places, sign_in, sources
from tests.postgres import SETTINGS, PostgresCluster

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""The access log waits for the disk, so the disk is measured too."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How large a town, how many rounds, and how many seconds each."""

    people: int
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs while it is measured: two servers, their PostgreSQL, the sources."""

    limit_port: int
    limit_process: int
    atena_port: int
    atena_process: int
    database_process: int | None
    environment: Mapping[str, str]


@contextmanager
def staged(people: int) -> Iterator[Stage]:
    """Start everything on a filled town; everything ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atena-bench-")))
        cluster = PostgresCluster.start(settings=SETTINGS | DURABLE)
        stack.callback(cluster.stop)
        redis = stack.enter_context(EmbeddedRedis.start(folder / "redis"))
        url, atena_port, limit_port = cluster.create_database(), free_port(), free_port()
        environment = {
            "ATENA_DATA": str(folder),
            "ATENA_PORT": str(atena_port),
            "ATENA_DATABASE_URL": url,
            "ATENA_NUMBERS_URL": cluster.create_database(),
            "ATENA_REDIS_URL": redis.url,
            "ATENA_IDLE_TIMEOUT": "7200",
            "ATENA_PEOPLE": "1",
        }
        run = stack.enter_context
        atena = run(server(["server.py", "serve"], atena_port, environment, folder / "atena.out"))
        addressees, levies = uvloop.run(town.fill(url, people))
        print(f"{addressees:,} addressees, {levies:,} levy items", flush=True)
        arguments = ["-m", "benchmarks.limit", url, str(limit_port)]
        limit = run(server(arguments, limit_port, {}, folder / "limit.out"))
        yield Stage(limit_port, limit, atena_port, atena, cluster.pid, environment)


async def measure(stage: Stage, cases: list[Case], effort: Effort) -> list[report.Rounds]:
    """Check that both servers say the same, then measure them in turn."""
    token = await _token(stage)
    atena, limit = Atena(token), Limit()
    lists = await places(stage.atena_port, atena, effort.people)
    single = anybody(effort.people)
    measured = []
    for case in cases:
        where = single if case.rows == 1 else lists
        await _same(stage, case, atena, limit, where[1])
        measured.append(report.Rounds(case))
        await _both(stage, report.Rounds(case), atena, limit, where, min(effort.seconds, 1))
    for number in range(effort.rounds):
        for rounds in measured:
            where = single if rounds.case.rows == 1 else lists
            await _both(stage, rounds, atena, limit, where, effort.seconds)
        print(f"round {number + 1} of {effort.rounds}", file=sys.stderr, flush=True)
    return measured


async def _both(
    stage: Stage,
    rounds: report.Rounds,
    atena: Atena,
    limit: Limit,
    where: list[Place],
    seconds: float,
) -> None:
    """One round, the limit first and Atena first by turns."""
    first: list[Callable[[], Any]] = [
        lambda: _limit(stage, rounds, limit, where, seconds),
        lambda: _atena(stage, rounds, atena, where, seconds),
    ]
    if len(rounds.limit) % 2:
        first.reverse()
    for one in first:
        await one()


async def _limit(
    stage: Stage, rounds: report.Rounds, target: Limit, where: list[Place], seconds: float
) -> None:
    found = await _one(stage, stage.limit_port, stage.limit_process, rounds, target, where, seconds)
    rounds.limit.append(found)


async def _atena(
    stage: Stage, rounds: report.Rounds, target: Atena, where: list[Place], seconds: float
) -> None:
    found = await _one(stage, stage.atena_port, stage.atena_process, rounds, target, where, seconds)
    rounds.atena.append(found)


async def _one(
    stage: Stage,
    port: int,
    process: int,
    rounds: report.Rounds,
    target: Target,
    where: list[Place],
    seconds: float,
) -> report.Cost:
    database = with_children(stage.database_process) if stage.database_process else []
    requests = sources(rounds.case, target, where, CONNECTIONS)
    before = cpu_seconds([process]), cpu_seconds(database)
    run = await press(port, requests, seconds)
    after = cpu_seconds([process]), cpu_seconds(database)
    return report.Cost(run, after[0] - before[0], after[1] - before[1])


async def _same(stage: Stage, case: Case, atena: Atena, limit: Limit, place: Place) -> None:
    """Both servers must say the same, or the comparison means nothing."""
    ours = orjson.loads(await ask(stage.atena_port, atena.at(case, place)))["data"]
    theirs = orjson.loads(await ask(stage.limit_port, limit.at(case, place)))["data"]
    if case.follows:
        del ours["addressees"]["pageInfo"], theirs["addressees"]["pageInfo"]
    if ours != theirs:
        raise SystemExit(f"the answers to `{case.name}` differ:\n{ours}\n{theirs}")


async def _token(stage: Stage) -> str:
    cast = json.loads((Path(stage.environment["ATENA_DATA"]) / "cast.json").read_text())
    clerk = next(member for member in cast if tuple(member["roles"]) == ROLES)
    answer = await ask(stage.atena_port, sign_in(clerk["staffId"], clerk["password"]))
    token: str = orjson.loads(answer)["data"]["signIn"]["token"]
    return token


def main() -> int:
    """Measure and print; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: a sign, no figure")
    parser.add_argument("--people", type=int, help="addressees (100000; quick: 20000)")
    parser.add_argument("--rounds", type=int, help="pairs of rounds for each case (9; quick: 3)")
    parser.add_argument("--seconds", type=float, help="seconds for each round (2; quick: 0.5)")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    chosen = parser.parse_args()
    usual = Effort(20_000, 3, 0.5) if chosen.quick else Effort(100_000, 9, 2.0)
    effort = Effort(
        chosen.people or usual.people,
        chosen.rounds or usual.rounds,
        chosen.seconds or usual.seconds,
    )
    cases = [case for case in CASES if not chosen.case or case.name in chosen.case]
    with staged(effort.people) as stage:
        measured = uvloop.run(measure(stage, cases, effort))
        print(report.table(measured), flush=True)
        print(uvloop.run(parts.measure(stage.environment, cases)))
    below = report.missed(measured)
    print(f"below the bar: {', '.join(below)}" if below else "every bar is met")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
