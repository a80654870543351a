"""`python -m benchmarks`: Atena against hand-written SQL, in one run. See benchmarks/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from authz.redis.embedded import EmbeddedRedis
from benchmarks import parts, report, town
from benchmarks.cases import CASES, FORMS, ROLES, Case
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
    """Everything that runs while it is measured: two servers, their PostgreSQL, the settings."""

    limit_port: int
    limit_process: int
    atena_port: int
    atena_process: int
    database_process: int | None
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server, and how it is asked."""

    name: str
    port: int
    process: int
    target: Target


@contextmanager
def staged(people: int, workers: int, flush: bool) -> Iterator[Stage]:
    """Start everything on a filled town; everything ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atena-bench-")))
        cluster = PostgresCluster.start(settings=SETTINGS | (DURABLE if flush else {}))
        stack.callback(cluster.stop)
        redis = stack.enter_context(EmbeddedRedis.start(folder / "redis"))
        url, atena_port, limit_port = cluster.create_database(), free_port(), free_port()
        environment = {
            "ATENA_DATA": str(folder),
            "ATENA_PORT": str(atena_port),
            "ATENA_WORKERS": str(workers),
            "ATENA_DATABASE_URL": url,
            "ATENA_NUMBERS_URL": cluster.create_database(),
            "ATENA_REDIS_URL": redis.url,
            "ATENA_IDLE_TIMEOUT": "7200",
            "ATENA_PEOPLE": "1",
        }
        uvloop.run(town.prepare(url))
        run = stack.enter_context
        atena = run(server(["server.py", "serve"], atena_port, environment, folder / "atena.out"))
        addressees, levies = uvloop.run(town.fill(url, people))
        print(f"{addressees:,} addressees, {levies:,} levy items", flush=True)
        arguments = ["-m", "benchmarks.limit", url, str(limit_port), str(workers)]
        limit = run(server(arguments, limit_port, {}, folder / "limit.out"))
        yield Stage(limit_port, limit, atena_port, atena, cluster.pid, environment)


async def measure(stage: Stage, cases: list[Case], effort: Effort) -> list[report.Rounds]:
    """Check that all say the same, then measure them in turn."""
    atena = Atena(await _token(stage))
    contestants = [
        Contestant(report.ATENA, stage.atena_port, stage.atena_process, atena),
        *(Contestant(form, stage.limit_port, stage.limit_process, Limit(form)) for form in FORMS),
    ]
    lists = await places(stage.atena_port, atena, effort.people)
    single = anybody(effort.people)
    measured = []
    for case in cases:
        where = single if case.answered == 1 else lists
        await _same(case, contestants, where[1])
        await _round(stage, report.Rounds(case), contestants, where, min(effort.seconds, 1))
        measured.append(report.Rounds(case))
    for number in range(effort.rounds):
        for rounds in measured:
            where = single if rounds.case.answered == 1 else lists
            # Each begins a round as often as the others.
            contestants.append(contestants.pop(0))
            await _round(stage, rounds, contestants, where, effort.seconds)
        print(f"round {number + 1} of {effort.rounds}", file=sys.stderr, flush=True)
    return measured


async def _round(
    stage: Stage,
    rounds: report.Rounds,
    contestants: list[Contestant],
    where: list[Place],
    seconds: float,
) -> None:
    for one in contestants:
        requests = sources(rounds.case, one.target, where, CONNECTIONS)
        before = _cpu(stage, one)
        run = await press(one.port, requests, seconds)
        after = _cpu(stage, one)
        cost = report.Cost(run, after[0] - before[0], after[1] - before[1])
        rounds.costs[one.name].append(cost)


def _cpu(stage: Stage, one: Contestant) -> tuple[float, float]:
    """CPU seconds until now: of a server, and of PostgreSQL if it was started here."""
    database = with_children(stage.database_process) if stage.database_process else []
    return cpu_seconds(with_children(one.process)), cpu_seconds(database)


async def _same(case: Case, contestants: list[Contestant], place: Place) -> None:
    """All must say the same, or the comparison means nothing."""
    said = []
    for one in contestants:
        data = orjson.loads(await ask(one.port, one.target.at(case, place)))["data"]
        if case.follows:
            del data["addressees"]["pageInfo"]
        said.append(data)
    if any(data != said[0] for data in said):
        raise SystemExit(f"the answers to `{case.name}` differ:\n{said}")


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
    parser.add_argument("--rounds", type=int, help="rounds for each case (9; quick: 3)")
    parser.add_argument("--seconds", type=float, help="seconds for each round (2; quick: 0.5)")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server (1)")
    parser.add_argument("--no-flush", action="store_true", help="do not wait for a busy disk")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    chosen = parser.parse_args()
    usual = Effort(20_000, 3, 0.5) if chosen.quick else Effort(100_000, 9, 2.0)
    effort = Effort(
        chosen.people or usual.people,
        chosen.rounds or usual.rounds,
        chosen.seconds or usual.seconds,
    )
    cases = [case for case in CASES if not chosen.case or case.name in chosen.case]
    with staged(effort.people, chosen.workers, not chosen.no_flush) as stage:
        measured = uvloop.run(measure(stage, cases, effort))
        print(report.table(measured), flush=True)
        print(uvloop.run(parts.measure(stage.environment, cases)))
    below = report.missed(measured)
    print(f"below the bar: {', '.join(below)}" if below else "every bar is met")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
