"""The server as a whole: settings, stores that fail, sessions that end."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
import redis

from authz.policy.policy import Line
from authz.redis import embedded as embedded_redis
from authz.redis.embedded import EmbeddedRedis
from authz.sessions import revocations
from authz.sessions.revocations import STALE_SECONDS
from authz.sessions.session import VERSION_KEY
from authz.tasks import end
from models.store.database import Database
from schema.http.application import create_app, open_services
from schema.http.readiness import GOOD_FOR, Readiness
from schema.settings import SettingError, Settings
from server import account, main
from tests.conftest import PROJECT, NewDatabase
from tests.valkey import until
from tests.world import SIGN_IN, YAMADA, World, make_stores, running, settings_of

CLERK = "sato"
DOCUMENT = "query ($code: String!) { addressee(code: $code) { code fullName } }"
ASKED = {"code": YAMADA}


@pytest.fixture
def own_redis(tmp_path: Path) -> EmbeddedRedis:
    """A Valkey server that a test may stop."""
    return EmbeddedRedis.start(tmp_path / "redis")


@pytest.fixture
async def own_world(
    new_database: NewDatabase, own_redis: EmbeddedRedis, tmp_path: Path
) -> AsyncIterator[World]:
    """A town that a test may break, with short timeouts."""
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, tmp_path)
    settings = settings_of(
        database_url, numbers_url, own_redis.url, tmp_path, idle_timeout="1.5", absolute_timeout="3"
    )
    async with running(settings, passwords) as town:
        yield town
    own_redis.stop()


def code_of(content: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    return content["errors"][0]["extensions"]["code"]


async def test_without_the_log_nothing_is_answered(own_world: World) -> None:
    assert (await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)).status_code == 200
    await own_world.change("ALTER TABLE access_log RENAME TO moved_away")
    token = own_world.tokens[CLERK]
    for purpose in ("consultation", "no-such-purpose"):
        response = await own_world.post(
            DOCUMENT, ASKED, authorization=f"Bearer {token}", purpose_of_use=purpose
        )
        assert response.status_code == 503
        assert code_of(response.json()) == "UNAVAILABLE"
        assert "山田" not in response.text
    for path in ("/schema.graphql", "/transfers/x"):
        for authorization in (f"Bearer {token}", "Bearer x"):
            headers = {"authorization": authorization, "purpose-of-use": "consultation"}
            told = await own_world.client.get(path, headers=headers)
            assert (told.status_code, told.json()["error"]) == (503, "temporarily_unavailable")
    await own_world.change("ALTER TABLE moved_away RENAME TO access_log")
    again = await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    assert again.json()["data"]["addressee"]["fullName"] == "山田 太郎"


async def test_without_redis_nobody_is_signed_in(
    own_world: World, own_redis: EmbeddedRedis
) -> None:
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    own_redis.stop()
    response = await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    assert response.status_code == 503
    assert list(response.json()) == ["errors"]
    ready = await own_world.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"missing": ["redis"]})


async def readiness(world: World) -> tuple[int, list[str]]:
    """What the load balancer is told once the answer to the last one is old."""
    await asyncio.sleep(GOOD_FOR + 0.05)
    told = await world.client.get("/readyz")
    return told.status_code, told.json()["missing"]


BREAKS_REDIS = {
    "a replica": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "full": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
}


@pytest.mark.parametrize("broken", BREAKS_REDIS)
async def test_a_redis_that_takes_no_writes_is_not_ready(
    broken: str, own_world: World, own_redis: EmbeddedRedis
) -> None:
    assert await readiness(own_world) == (200, [])
    breaks, mends = BREAKS_REDIS[broken]
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command(*breaks)
        assert await readiness(own_world) == (503, ["redis"])
        client.execute_command(*mends)
    assert await readiness(own_world) == (200, [])


@pytest.mark.parametrize("table", ["access_log", "logged_operation"])
async def test_a_log_that_cannot_be_added_to_is_not_ready(table: str, own_world: World) -> None:
    database = Database(own_world.database_url)
    async with database.write() as connection:
        if database.dialect == "postgresql":
            await connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE MODE")
        assert await readiness(own_world) == (503, ["log"])
    assert await readiness(own_world) == (200, [])
    await database.close()
    await own_world.change(f"ALTER TABLE {table} RENAME TO moved_away")
    assert await readiness(own_world) == (503, ["log"])


async def test_without_the_policy_in_force_it_is_not_ready(
    own_world: World, own_redis: EmbeddedRedis
) -> None:
    """The database was put back to an earlier state than Redis knows of."""
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    with redis.Redis.from_url(own_redis.url) as client:
        client.incr(VERSION_KEY)
    assert (await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)).status_code == 503
    assert await readiness(own_world) == (503, ["policy"])


async def test_without_the_revocations_it_is_not_ready(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    await own_world.change("ALTER TABLE client RENAME TO moved_away")
    late = SimpleNamespace(monotonic=lambda: time.monotonic() + STALE_SECONDS)
    monkeypatch.setattr(revocations, "time", late)
    assert (await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)).status_code == 503
    assert await readiness(own_world) == (503, ["revocations"])


async def test_to_ask_whether_it_is_ready_leaves_nothing_on_the_log(own_world: World) -> None:
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    [before] = await own_world.log()
    for _ in range(3):
        assert await readiness(own_world) == (200, [])
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    first, second = await own_world.log(2)
    assert (first["id"], second["id"]) == (before["id"], before["id"] + 1)


async def test_many_who_ask_whether_it_is_ready_get_the_answer_of_one_try(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    once = Readiness._try

    async def counted(self: Readiness) -> list[str]:
        tried.append(self)
        return await once(self)

    monkeypatch.setattr(Readiness, "_try", counted)
    answers = await asyncio.gather(*(own_world.client.get("/readyz") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(tried) == 1


async def test_without_the_table_the_answer_is_503_and_logged(own_world: World) -> None:
    await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    await own_world.change("DROP VIEW contact_uncovered")  # what readers read of the table
    document = "query ($code: String!) { addressee(code: $code) { contacts { nodes { value } } } }"
    response = await own_world.ask(CLERK, "consultation", document, ASKED)
    assert response.status_code == 503
    [record] = await own_world.log()
    assert record["outcome"] == "UNAVAILABLE"


def test_of_a_first_start_that_is_killed_no_file_holds_numbers(tmp_path: Path) -> None:
    """Nobody tidies up after SIGKILL, at whatever moment it comes."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ATENA_")},
        "ATENA_DATA": str(tmp_path / "data"),
    }
    number = re.compile(rb"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")
    for lines in (50, 1):
        process = subprocess.Popen(
            [sys.executable, "server.py", "seed", "--people", "3000"],
            cwd=PROJECT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stderr is not None
        seen = 0
        while seen < lines * 40 and (part := os.read(process.stderr.fileno(), 65536)):
            seen += len(part)
        process.kill()
        process.wait()
        process.stderr.close()
    left = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert left
    for path in left:
        if path.suffix not in {".sqlite", ".sqlite-wal", ".sqlite-shm"}:
            assert not number.search(path.read_bytes()), path
            # The turns that imports take are empty files.
            empty = path.suffix == ".lock" and not path.stat().st_size
            assert empty or path.name in {"keys.json", "lock"}, path


async def test_an_idle_session_ends_on_time_and_a_busy_one_at_its_absolute_end(
    own_world: World,
) -> None:
    """Idle 1.5 s, absolute 3 s: asked every 0.3 s it lives to the absolute end, and no longer."""
    token = await own_world.sign_in(CLERK)
    opened = time.monotonic()
    alive = 0.0
    while time.monotonic() - opened < 4:
        response = await own_world.post(
            "{ viewer { id expiresAt } }", authorization=f"Bearer {token}"
        )
        if response.status_code != 200:
            break
        alive = time.monotonic() - opened
        await asyncio.sleep(0.3)
    assert response.status_code == 401
    assert 2 <= alive <= 3.5

    idle = await own_world.sign_in(CLERK)
    await asyncio.sleep(1.7)
    ended = await own_world.post("{ viewer { id } }", authorization=f"Bearer {idle}")
    assert (ended.status_code, code_of(ended.json())) == (401, "UNAUTHENTICATED")


async def test_signing_out_ends_the_session_and_is_logged(own_world: World) -> None:
    token = await own_world.sign_in(CLERK)
    bearer = f"Bearer {token}"
    out = await own_world.post("mutation { signOut { signedOut } }", authorization=bearer)
    assert out.json() == {"data": {"signOut": {"signedOut": True}}}
    after = await own_world.post("{ viewer { id } }", authorization=bearer)
    assert after.status_code == 401
    kinds = [(record["kind"], record["outcome"]) for record in await own_world.log(3)]
    assert kinds == [("SIGN_IN", "OK"), ("SIGN_OUT", "OK"), ("READ", "UNAUTHENTICATED")]


async def test_a_wrong_password_and_an_unknown_id_are_answered_alike(own_world: World) -> None:
    document = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
    answers = [
        await own_world.post(document, {"input": {"staffId": staff, "password": "wrong"}})
        for staff in (CLERK, "nobody-has-this")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == answers[1].status_code == 401


@pytest.fixture
async def proxied_world(
    new_database: NewDatabase, own_redis: EmbeddedRedis, tmp_path: Path
) -> AsyncIterator[World]:
    """A town behind a proxy that tells where a request comes from."""
    database_url, numbers_url = new_database(), new_database()
    passwords = await make_stores(database_url, numbers_url, tmp_path)
    settings = settings_of(
        database_url, numbers_url, own_redis.url, tmp_path, proxies="127.0.0.1/32"
    )
    async with running(settings, passwords) as town:
        yield town
    own_redis.stop()


ATTACKER, OFFICE, HOME = "203.0.113.5", "198.51.100.1", "198.51.100.77"


def browser(town: World, address: str) -> httpx2.AsyncClient:
    """A client of its own, at an address."""
    transport = town.client._transport
    headers = {"x-forwarded-for": address}
    return httpx2.AsyncClient(transport=transport, base_url="http://atena", headers=headers)


async def try_sign_in(client: httpx2.AsyncClient, who: str, password: str) -> httpx2.Response:
    given = {"input": {"staffId": who, "password": password}}
    return await client.post("/graphql", json={"query": SIGN_IN, "variables": given})


async def test_whoever_guesses_all_the_time_keeps_nobody_out(proxied_world: World) -> None:
    """Both coordinators, by one who tries every expiry of every lock, and the owners meanwhile."""
    town, ended, tried = proxied_world, asyncio.Event(), []

    async def guess(who: str) -> None:
        async with browser(town, ATTACKER) as attacker:
            while not ended.is_set():
                tried.append((await try_sign_in(attacker, who, "guess")).status_code)

    coordinators = ("kobayashi", "mori")
    attack = [asyncio.create_task(guess(who)) for who in coordinators for _ in range(2)]
    await until(lambda: _is(len(tried) > 40), 30)
    let_in = []
    for who in coordinators:
        async with browser(town, OFFICE) as owner:
            for _ in range(10):
                answer = await try_sign_in(owner, who, town.passwords[who])
                let_in.append(answer.status_code)
            # The device is known now, at the attacker's own address too.
            owner.headers["x-forwarded-for"] = ATTACKER
            let_in.append((await try_sign_in(owner, who, town.passwords[who])).status_code)
        async with browser(town, HOME) as elsewhere:
            answer = await try_sign_in(elsewhere, who, town.passwords[who])
            let_in.append(answer.status_code)
    ended.set()
    await asyncio.gather(*attack)
    assert let_in == [200] * 24
    assert set(tried) == {401, 429}
    causes = [record["outcome"] for record in await town.log(200)]
    assert {"REFUSED_GUESSING", "REFUSED_LOCKED", "REFUSED_ADDRESS"} <= set(causes)
    assert causes.count("REFUSED_ADDRESS") <= 2


async def _is(holds: bool) -> bool:
    await asyncio.sleep(0)
    return holds


async def test_neither_a_lock_nor_a_limit_tells_which_ids_there_are(proxied_world: World) -> None:
    async with browser(proxied_world, ATTACKER) as one, browser(proxied_world, HOME) as other:
        for _ in range(8):
            known = await try_sign_in(one, CLERK, "guess")
            unknown = await try_sign_in(other, "nobody-has-this", "guess")
            assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
            assert known.headers.keys() == unknown.headers.keys()
            assert not known.cookies


async def test_a_device_is_kept_out_of_every_scripts_reach(proxied_world: World) -> None:
    async with browser(proxied_world, OFFICE) as client:
        answer = await try_sign_in(client, CLERK, proxied_world.passwords[CLERK])
        kept = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/graphql"} <= set(kept.split("; "))
        assert CLERK not in kept
        # It is no session.
        without = await client.post("/graphql", json={"query": "{ viewer { id } }"})
        assert without.status_code == 401


async def test_an_operator_breaks_a_lock_and_is_on_the_log(
    proxied_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town = proxied_world
    for name, value in (
        ("DATABASE_URL", town.database_url),
        ("NUMBERS_URL", town.numbers_url),
        ("REDIS_URL", town.redis_url),
        ("DATA", str(town.folder)),
    ):
        monkeypatch.setenv(f"ATENA_{name}", value)
    async with browser(town, HOME) as client:
        for _ in range(6):
            await try_sign_in(client, CLERK, "guess")
        right = town.passwords[CLERK]
        assert (await try_sign_in(client, CLERK, right)).status_code == 401
        command = ["unlock", CLERK, "--address", HOME, "--operator", "tani"]
        assert await asyncio.to_thread(main, command) == 0
        [record] = await town.log()
        assert (record["kind"], record["actor"]) == ("WRITE", f"operator:tani@{account()}")
        assert (record["session"], record["normal_form"]) == (CLERK, "unlock")
        assert (await try_sign_in(client, CLERK, right)).status_code == 200
    for wrong in (["unlock", "nobody"], ["unlock", CLERK, "--address", "here"]):
        assert await asyncio.to_thread(main, wrong) == 2
    assert "Traceback" not in capsys.readouterr().err


async def test_introspection_and_typename_need_no_session(own_world: World) -> None:
    response = await own_world.post("{ __typename __schema { queryType { name } } }")
    assert response.json()["data"] == {
        "__typename": "Query",
        "__schema": {"queryType": {"name": "Query"}},
    }


async def test_the_newest_policy_version_binds_the_next_request(own_world: World) -> None:
    before = await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
    assert before.json()["data"]["addressee"]["fullName"] == "山田 太郎"
    await own_world.publish(Line("role:any", "purpose:any", "class:name", "read", "deny"))
    deadline = time.monotonic() + 10
    while True:
        after = await own_world.ask(CLERK, "consultation", DOCUMENT, ASKED)
        if after.json()["data"]["addressee"]["fullName"] is None or time.monotonic() > deadline:
            break
    assert after.json()["data"] == {"addressee": {"code": YAMADA, "fullName": None}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATENA_PORT", "eighty"),
        ("ATENA_STORE", "play"),
        ("ATENA_IDLE_TIMEOUT", "-1"),
        ("ATENA_INTROSPECTION", "yes"),
        ("ATENA_DATABASE_URL", "mysql://x/y"),
        ("ATENA_DATABASE_URL", "nonsense"),
        ("ATENA_DATABASE_URL", "postgresql://x/y?sslmode=require"),
        ("ATENA_REDIS_URL", "localhost:6379"),
        ("ATENA_PORT", "65536"),
        ("ATENA_WORKERS", "0"),
        ("ATENA_CLIENT_RATE", "0"),
        ("ATENA_DRAIN_TIMEOUT", "-1"),
        ("ATENA_STORE_TIMEOUT", "4000"),
        ("ATENA_ABSOLUTE_TIMEOUT", "inf"),
        ("ATENA_NO_SUCH_SETTING", "1"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


Refusal = Callable[[list[str]], str]


@pytest.fixture
def refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refusal:
    """What a command that cannot go on says, over a data folder of its own."""
    monkeypatch.setenv("ATENA_DATA", str(tmp_path))
    monkeypatch.setenv("ATENA_PORT", "0")
    monkeypatch.setenv("ATENA_STORE_TIMEOUT", "0")

    def told(command: list[str]) -> str:
        assert main(command) == 2
        return capsys.readouterr().err

    return told


SECRET_URLS = {
    "ATENA_REDIS_URL": (
        "redis://:S3cret/Pw@127.0.0.1:6379/0",
        "redis://:123/S3cret@127.0.0.1:6379/0",
        "redis://:1?S3cret@127.0.0.1:6379/0",
        "redis://:1#S3cret@127.0.0.1:6379/0",
        "redis://:[S3cret@127.0.0.1:6379/0",
        "redis://:x@127.0.0.1:S3cret/0",
        "redis://:x@127.0.0.1:6379/S3cret",
        "redis://:x@127.0.0.1:6379/0?S3cret=1",
        "rediss://:x@127.0.0.1:6379/0?S3cret",
        "unix:///run/redis.sock?S3cret=1",
        "unix:///run/redis.sock?db=S3cret",
        "redis://:x@127.0.0.1:6379/0?db=S3cret",
        "redis://:x@127.0.0.1:6379/0?db=1&db=2",
        "redis://:x@127.0.0.1:6379/0?db=",
        "rediss://:x@127.0.0.1:6379/0?ssl_cert_reqs=S3cret",
        "REDIS://:S3cret@127.0.0.1:6379/0",
        "http://S3cret",
        "S3cret",
    ),
    "ATENA_DATABASE_URL": (
        "postgresql://atena:S3cret/Pw@127.0.0.1/atena",
        "postgresql://atena:123/S3cret@127.0.0.1/atena",
        "postgresql://atena:1?S3cret@127.0.0.1/atena",
        "postgresql://atena:1#S3cret@127.0.0.1/atena",
        "postgresql://atena:[S3cret@127.0.0.1/atena",
        "postgresql://atena:x@127.0.0.1:S3cret/atena",
        "postgresql://atena:x@127.0.0.1/atena?S3cret=bar",
        "postgresql://atena:x@127.0.0.1/atena?S3cret",
        "postgresql://atena:S3cret@127.0.0.1",
        "postgresql+psycopg2://atena:S3cret@127.0.0.1/atena",
        "postgresql://atena:S3cret@127.0.0.1/atena?port=x&host=y",
        "postgresql://atena:S3cret@127.0.0.1/atena?host=a&host=b",
        "postgres://atena:S3cret@127.0.0.1/atena",
        "POSTGRESQL://atena:S3cret@127.0.0.1/atena",
        "sqlite:S3cret",
        "sqlite:///x.db?S3cret=1",
        "sqlite://S3cret",
    ),
}
SECRET_URLS["ATENA_NUMBERS_URL"] = SECRET_URLS["ATENA_DATABASE_URL"]


@pytest.mark.parametrize(
    ("name", "url"), [(name, url) for name, urls in SECRET_URLS.items() for url in urls]
)
def test_of_a_url_that_cannot_be_read_no_part_is_told(
    name: str, url: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)
    for command in ("check", "serve"):
        told = refusal([command])
        assert told.startswith(f"atena: {name}: ")
        assert told.count("\n") == 1
        assert "S3cret" not in told


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("ATENA_REDIS_URL", "redis://127.0.0.1"),
        ("ATENA_REDIS_URL", "redis://user:a%2Fb@[::1]:6379/15"),
        ("ATENA_REDIS_URL", "rediss://:x@redis.internal:6380/0?ssl_ca_certs=/etc/ca.pem"),
        ("ATENA_REDIS_URL", "unix://:x@/run/redis.sock?db=3"),
        ("ATENA_DATABASE_URL", "postgresql://atena:a%2Fb@db.internal:5433/atena"),
        ("ATENA_DATABASE_URL", "postgresql:///atena?host=/var/run/postgresql"),
        ("ATENA_DATABASE_URL", "sqlite:////tmp/x.db"),
    ],
)
def test_a_url_that_can_be_read_is_taken(name: str, url: str) -> None:
    assert url in (getattr(Settings.read({name: url}), name.removeprefix("ATENA_").lower()),)


def test_a_real_store_wants_its_key_file_named() -> None:
    with pytest.raises(SettingError, match="ATENA_KEYS"):
        Settings.read({"ATENA_STORE": "real"})


def test_the_command_line_names_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATENA_PORT", "no")
    assert main(["check"]) == 2
    assert "ATENA_PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["check"], ["migrate"], ["seed"], ["serve"], ["client", "list"], ["password", "a1"]]
)
def test_a_database_that_does_not_answer_is_named(
    command: list[str], refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENA_DATABASE_URL", "postgresql://x:hidden@127.0.0.1:1/y")
    told = refusal(command)
    assert "ATENA_DATABASE_URL" in told
    assert "hidden" not in told


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid"])
def test_an_address_on_which_it_cannot_listen_is_named(
    host: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("ATENA_HOST", host)
        monkeypatch.setenv("ATENA_PORT", str(taken.getsockname()[1]))
        assert "ATENA_PORT" in refusal(["serve"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["client", "list"], ["transfer"], ["password", "a1"]])
def test_a_command_says_that_the_database_is_not_migrated(
    command: list[str], refusal: Refusal
) -> None:
    assert "migrate" in refusal(command)


def test_a_data_folder_of_another_server_or_of_nobody_is_named(
    refusal: Refusal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATENA_REDIS_URL", raising=False)
    with EmbeddedRedis.start(tmp_path / "redis"), monkeypatch.context() as hasty:
        hasty.setattr(embedded_redis, "STOP_SECONDS", 0.05)
        assert "another server" in refusal(["serve"])
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.setenv("ATENA_DATA", str(tmp_path / "taken" / "data"))
    for command in ("serve", "migrate", "check"):
        assert "taken" in refusal([command])


def test_a_file_that_holds_no_certificate_is_refused_in_a_sentence(
    refusal: Refusal, tmp_path: Path
) -> None:
    assert main(["migrate"]) == 0
    nothing = tmp_path / "nothing.pem"
    assert str(nothing) in refusal(["client", "rotate", "x", "--jwk", str(nothing)])
    nothing.write_text("nothing")
    assert "certificate" in refusal(["client", "rotate", "x", "--certificate", str(nothing)])


async def test_a_database_that_was_not_migrated_is_refused(
    database_url: str, numbers_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_of(database_url, numbers_url, redis_url, tmp_path)
    with pytest.raises(SettingError, match="migrate"):
        async with open_services(settings):
            pass


async def test_health_says_starting_before_the_stores_are_open() -> None:
    app = create_app(Settings.read({}))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://atena") as client:
        assert (await client.get("/healthz")).status_code == 503
        assert (await client.get("/readyz")).json() == {"missing": ["server"]}


WATCHED = """
import multiprocessing, time
import server

def work():
    server.application()
    print("working", flush=True)
    time.sleep(60)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work)
    process.start()
    process.join()
"""


def test_workers_end_with_the_process_that_watches_them(tmp_path: Path) -> None:
    """Alone they would keep the port from the next server."""
    script = tmp_path / "watched.py"
    script.write_text(WATCHED)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATENA_")}
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env=kept | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"working\n"
    parent.kill()
    # The pipe ends when nobody holds it any more.
    assert parent.communicate(timeout=20) == (b"", None)


async def test_a_task_ends_although_an_error_took_its_cancellation() -> None:
    """A driver that is interrupted may raise its own error: a start once never ended after it."""
    went_on = False

    async def keep_running() -> None:
        nonlocal went_on
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            went_on = True
        await asyncio.sleep(3600)

    task = asyncio.create_task(keep_running())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end(task)
    assert task.cancelled()
    assert went_on
