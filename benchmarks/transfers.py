"""`python -m benchmarks.transfers`: a whole run of a transfer, and how much memory it takes.

A server of its own, a town of as many people as asked, one order, one release, both forms fetched.
It prints people, levies and bytes a second, and the server's memory before, at most, and after.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from authz.clients.registry import Clients
from authz.redis.embedded import EmbeddedRedis
from benchmarks import town
from benchmarks.processes import free_port, server
from models.store.database import Database
from resolvers.demo.clients import definition_of
from schema.settings import Settings
from tests.department import Department, register
from tests.postgres import PostgresCluster
from tests.test_transfers import CSV, MANAGEMENT, NDJSON, mutation
from tests.world import SIGN_IN

CODE = "municipal-and-property-tax"
STATES = "{ transfers { nodes { code state personCount levyCount heldBackCount } } }"


@dataclass(frozen=True, slots=True)
class Stage:
    """The running server, and what names its stores."""

    address: str
    process: int
    settings: Settings
    folder: Path


@contextmanager
def staged(people: int) -> Iterator[Stage]:
    """Start everything on a filled town; everything ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atena-bench-")))
        cluster = PostgresCluster.start()
        stack.callback(cluster.stop)
        redis = stack.enter_context(EmbeddedRedis.start(folder / "redis"))
        url, port = cluster.create_database(), free_port()
        environment = {
            "ATENA_DATA": str(folder),
            "ATENA_PORT": str(port),
            "ATENA_DATABASE_URL": url,
            "ATENA_NUMBERS_URL": cluster.create_database(),
            "ATENA_REDIS_URL": redis.url,
            "ATENA_PEOPLE": "1",
        }
        asyncio.run(town.prepare(url))
        arguments = ["server.py", "serve"]
        process = stack.enter_context(server(arguments, port, environment, folder / "out"))
        addressees, levies = asyncio.run(town.fill(url, people))
        print(f"{addressees:,} addressees, {levies:,} levy items", flush=True)
        yield Stage(f"http://127.0.0.1:{port}", process, Settings.read(environment), folder)


async def measure(stage: Stage) -> None:
    """One transfer from its order to its receipt."""
    database = Database(stage.settings.main_url)
    clients = Clients(database, stage.settings.load_keys())
    async with httpx2.AsyncClient(base_url=stage.address, timeout=600) as http:
        definition = definition_of(CODE, id="benchmark")
        department = await register(clients, http, definition)
        department.issuer = stage.address
        await database.close()
        before = memory(stage.process)
        began = time.perf_counter()
        code, people, levies = await _made(stage, http)
        seconds = time.perf_counter() - began
        print(
            f"made    {people:,} people, {levies:,} levies in {seconds:.1f} s:"
            f" {people / seconds:,.0f} people/s, {levies / seconds:,.0f} levies/s"
        )
        for form in (NDJSON, CSV):
            await _fetched(department, http, code, form)
        after = memory(stage.process)
        print(f"memory  {before[0]} MB before, {after[1]} MB at most, {after[0]} MB after")


async def _made(stage: Stage, http: httpx2.AsyncClient) -> tuple[str, int, int]:
    """Order, wait, release; number, people and levies."""
    cast = json.loads((stage.folder / "cast.json").read_text(encoding="utf-8"))
    passwords = {member["staffId"]: member["password"] for member in cast}

    async def ask(who: str, document: str, **given: str) -> dict[str, dict[str, object]]:
        signed = {"staffId": who, "password": passwords[who]}
        body = {"query": SIGN_IN, "variables": {"input": signed}}
        signed_in = (await http.post("/graphql", json=body)).json()
        answer = await http.post(
            "/graphql",
            json={"query": document, "variables": {"input": given} if given else {}},
            headers={
                "authorization": f"Bearer {signed_in['data']['signIn']['token']}",
                "purpose-of-use": MANAGEMENT,
            },
        )
        data: dict[str, dict[str, object]] = answer.json()["data"]
        return data

    ordered = await ask(
        "sato", mutation("prepareTransfer"), definitionCode=CODE, clientId="benchmark"
    )
    code = str(ordered["prepareTransfer"]["transfer"]["code"])  # type: ignore[index]
    while True:
        await asyncio.sleep(0.5)
        nodes = (await ask("sato", STATES))["transfers"]["nodes"]
        made = next(node for node in nodes if node["code"] == code)  # type: ignore[attr-defined]
        if made["state"] != "DEFINED":
            break
    if made["state"] != "CHECKED":
        raise SystemExit(f"the transfer is {made['state']}")
    await ask("kato", mutation("releaseTransfer"), code=code)
    return code, int(made["personCount"]), int(made["levyCount"])


async def _fetched(department: Department, http: httpx2.AsyncClient, code: str, form: str) -> None:
    await department.sign_in()
    path, digest, size = f"/transfers/{code}", hashlib.sha256(), 0
    began = time.perf_counter()
    headers = {"accept": form, **department.presented("GET", path)}
    async with http.stream("GET", path, headers=headers) as response:
        async for part in response.aiter_bytes():
            digest.update(part)
            size += len(part)
    seconds = time.perf_counter() - began
    told = response.headers["repr-digest"]
    if department_digest(digest.digest()) != told:
        raise SystemExit("the digest differs")
    print(
        f"fetched {size / 2**20:,.0f} MB of {form} in {seconds:.1f} s:"
        f" {size / 2**20 / seconds:,.0f} MB/s, the digest is right"
    )


def department_digest(digest: bytes) -> str:
    """A `Repr-Digest` (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(digest).decode()}:"


def memory(process: int) -> tuple[int, int]:
    """Resident memory of a process now and at most until now, in MB (Linux)."""
    words = {}
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        words[name] = value
    return tuple(int(words[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.transfers", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    with staged(parser.parse_args().people) as stage:
        asyncio.run(measure(stage))


if __name__ == "__main__":
    main()
