"""Atena's server: settings, application, command line. The one place that reads the environment.

python server.py serve          start (embedded stores unless URLs are set)
python server.py migrate        bring the databases up to date
python server.py seed           load the demo town
python server.py import …       load the city's files
python server.py client …       register, rotate, suspend and list other offices' clients
python server.py transfer       order the day's transfers to other offices
python server.py export-schema  print the SDL
python server.py password …     issue a staff member's password
python server.py check          check settings, schema and policy, and end
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import gc
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from authz.access_log import AccessLog, Kind, LoggedOperation, insert
from authz.access_log import Record as LogRecord
from authz.channel import Front
from authz.clearance import clear
from authz.client_certificate import thumbprint_of_pem
from authz.clients import Clients, Definition
from authz.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from authz.errors import BadInput, Refused
from authz.harvest import Harvest
from authz.invariants import MACHINE_ROLE
from authz.keys import Keys, KeysError
from authz.lockout import Lockout
from authz.number_store import StoreRefused
from authz.once import Once, Rate
from authz.passwords import QUICK, STRONG, Passwords, fresh_password
from authz.policy_chain import Chain, ChainBroken
from authz.policy_store import PolicyStore, check_first_policy
from authz.revocations import Revocations
from authz.scopes import Limits
from authz.session import Sessions, connect, disconnect
from authz.sign_in import SignIn
from authz.staff_desk import set_password
from authz.staffing import SignInEvent, Staffing
from authz.tasks import end
from authz.token import Rates, Tokens
from authz.vault import Vault
from models import facts
from models.client import (
    ClientAuthentication,
    ClientState,
    Network,
    TokenBinding,
    networks_of,
)
from models.database import Database, DatabaseError, dialect_of
from models.demo.cast_staff import CAST, new_password
from models.demo.town import Town
from models.graph import GRAPH, PROTECTED
from models.individual_number import StoreKind
from models.migrate import has_table, is_current, migrate
from models.second_wall import WALL
from models.transfer import TransferExtent
from resolvers import (
    household_exclusions,
    issuing,
    lifts,
    measures,
    policy_changes,
    staff_changes,
    substitute_address,
    transfer,
)
from resolvers.cast import hire, is_staffed
from resolvers.clients import SCOPES, register_departments
from resolvers.import_measures import import_measures
from resolvers.import_staff import import_staff
from resolvers.importing import (
    Contents,
    FileRefused,
    Report,
    import_file,
    progress_bar,
    rejects_of,
    seed,
)
from resolvers.pipeline import Reads
from resolvers.seal import Seal
from resolvers.transfer_content import MOST_ROWS
from resolvers.transfer_file import TransferFiles
from resolvers.transfer_run import TransferRunner
from resolvers.transfer_store import TransferStore
from resolvers.write import Event, PolicyPublished, Tell, UseCase, Writes
from schema.answer import Answerer
from schema.build import graphql_schema, sdl
from schema.console import console_routes
from schema.graphiql import graphiql_routes
from schema.http import GraphQLEndpoint
from schema.narrowed import changes_open_to, narrowed_sdl
from schema.oauth_http import oauth_routes
from schema.schema_http import own_schema
from schema.transfer_http import TransferServices, transfer_routes

PROJECT = Path(__file__).parent
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
REDIS_URLS = ("redis://", "rediss://", "unix://")
MOST_PORT = 65535
Networks = tuple[Network, ...]


class SettingError(Exception):
    """A setting is missing or wrong; the message names the variable."""


def setting(default: str, meaning: str) -> Any:
    """A field of `Settings`: its default as text, and what it means (for the README's table)."""
    return field(metadata={"default": default, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, read once from `ATENA_*` variables. An empty variable counts as unset."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting("8000", "port to listen on")
    data: Path = setting(".atena", "folder of the embedded stores and of the cast")
    database_url: str = setting("", "main database; unset: SQLite in the data folder")
    numbers_url: str = setting(
        "", "separate database of individual numbers; unset: SQLite in the data folder"
    )
    redis_url: str = setting("", "Redis or Valkey; unset: an embedded Valkey as a child process")
    keys: str = setting("", "key file, mode 600; unset: made in the data folder")
    store: StoreKind = setting("demo", "`demo` or `real`, decided once for a store's whole life")
    idle_timeout: timedelta = setting("300", "seconds without a request that end a session")
    absolute_timeout: timedelta = setting("28800", "seconds that end a session in any case")
    introspection: bool = setting("on", "`on` or `off`: may clients ask for the schema")
    graphiql: bool = setting("on", "`on` or `off`: serve GraphiQL at /graphiql")
    console: bool = setting("on", "`on` or `off`: serve the policy console at /console")
    workers: int = setting("1", "processes that answer")
    people: int = setting("2000", "people in the demo town at the first start")
    public_url: str = setting(
        "", "address at which clients reach the server; unset: http://HOST:PORT"
    )
    proxies: Networks = setting(
        "", "networks (CIDR) of the proxies that tell a client's address and certificate"
    )
    token_lifetime: timedelta = setting("300", "seconds that a department's token lives")
    client_rate: int = setting("600", "requests a minute of one department's client")
    client_secret_basic: bool = setting(
        "off", "`on` or `off`: may clients send their secret itself"
    )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check. Raises `SettingError`, naming the variable."""
        known = {variable(name.name) for name in fields(cls)}
        unknown = [
            name
            for name in environment
            if name.startswith("ATENA_") and name not in known and not name.startswith("ATENA_TEST")
        ]
        if unknown:
            raise SettingError(f"unknown setting {', '.join(sorted(unknown))}")
        values = {}
        for item in fields(cls):
            text = environment.get(variable(item.name), "") or item.metadata["default"]
            try:
                values[item.name] = PARSERS[str(item.type)](text)
            except (ValueError, OverflowError, DatabaseError) as error:
                raise SettingError(f"{variable(item.name)}: {error}") from error
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        for name in ("database_url", "numbers_url"):
            url = getattr(self, name)
            if url:
                try:
                    dialect_of(url)
                except Exception as error:
                    raise SettingError(
                        f"{variable(name)}: must begin with sqlite:/// or postgresql://"
                    ) from error
        if self.database_url and self.database_url == self.numbers_url:
            raise SettingError(
                "ATENA_NUMBERS_URL: must be another database than ATENA_DATABASE_URL"
            )
        if not timedelta(0) < self.idle_timeout <= self.absolute_timeout:
            raise SettingError(
                "ATENA_IDLE_TIMEOUT: must be positive, at most ATENA_ABSOLUTE_TIMEOUT"
            )
        for name in ("database_url", "numbers_url"):
            if "sslmode" in parse_qs(urlsplit(getattr(self, name)).query):
                raise SettingError(f"{variable(name)}: takes no sslmode; set PGSSLMODE instead")
        if self.redis_url and not self.redis_url.startswith(REDIS_URLS):
            raise SettingError(f"ATENA_REDIS_URL: must begin with {' or '.join(REDIS_URLS)}")
        if self.port > MOST_PORT:
            raise SettingError(f"ATENA_PORT: must be a whole number from 0 to {MOST_PORT}")
        for name in ("workers", "client_rate"):
            if getattr(self, name) < 1:
                raise SettingError(f"{variable(name)}: must be at least 1")
        if self.public_url and not PUBLIC_URL.fullmatch(self.public_url):
            raise SettingError("ATENA_PUBLIC_URL: must be https://HOST or http://HOST, no path")
        if not timedelta(0) < self.token_lifetime <= timedelta(hours=1):
            raise SettingError("ATENA_TOKEN_LIFETIME: must be positive, at most 3600")
        if self.store is StoreKind.REAL and not self.keys:
            raise SettingError("ATENA_KEYS: a real store needs a key file that is named")

    @property
    def front(self) -> Front:
        """The public face."""
        return Front(self.public_url or f"http://{self.host}:{self.port}", self.proxies)

    @property
    def main_url(self) -> str:
        """URL of the main database."""
        return self.database_url or f"sqlite:///{(self.data / 'atena.sqlite').absolute()}"

    @property
    def vault_url(self) -> str:
        """URL of the database of individual numbers."""
        return self.numbers_url or f"sqlite:///{(self.data / 'numbers.sqlite').absolute()}"

    def load_keys(self) -> Keys:
        """The key file; the embedded one is made where it is missing."""
        if self.keys:
            return Keys.load(Path(self.keys))
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Keys.load_or_create(self.data / "keys.json")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"ATENA_{name.upper()}"


def _natural(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 10_000_000:
        raise ValueError("must be a whole number from 0 to 10000000")
    return number


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("must be on or off")
    return text == "on"


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def _networks(text: str) -> Networks:
    return networks_of(text.replace(",", " "))


PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _natural,
    "Path": Path,
    "bool": _switch,
    "timedelta": _seconds,
    "StoreKind": StoreKind,
    "Networks": _networks,
}


# -- application -----------------------------------------------------------------------------------


TOKENS_A_MINUTE = 60
FAILURES_A_MINUTE = 60
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Services:
    """What one worker has open."""

    database: Database
    sessions: Sessions
    policies: PolicyStore
    log: AccessLog
    harvest: Harvest
    answer: Answerer
    tokens: Tokens
    transfers: TransferServices
    runner: TransferRunner


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open every store and wire the worker; everything is closed at the end, whatever happens."""
    async with AsyncExitStack() as stack:
        keys = settings.load_keys()
        async with main_database(settings):
            pass
        database = await Database.open(settings.main_url, WALL)
        stack.push_async_callback(database.close)
        vault = await Vault.open(settings.vault_url, keys, settings.store)
        stack.push_async_callback(vault.close)
        redis = connect(settings.redis_url)
        stack.push_async_callback(disconnect, redis)
        log = AccessLog(database)
        stack.push_async_callback(log.stop)
        await log.start()
        sessions = Sessions(redis, idle=settings.idle_timeout, absolute=settings.absolute_timeout)
        stack.push_async_callback(sessions.disconnect)
        revocations = Revocations(database)
        stack.push_async_callback(revocations.stop)
        await revocations.start()
        policies = PolicyStore(database, GRAPH.classes, Chain(keys))
        await policies.begin()
        await sessions.publish_policy_version((await policies.load()).version)
        publishing = asyncio.create_task(policies.keep_published(sessions.publish_policy_version))
        stack.push_async_callback(end, publishing)
        record = _sign_in_recorder(log)
        staffing = Staffing(database, sessions, revocations, record)
        cost = STRONG if settings.store is StoreKind.REAL else QUICK
        passwords = Passwords(cost)
        stack.callback(passwords.close)
        clients = Clients(database, keys, sessions, revocations)
        tokens = Tokens(
            sessions,
            revocations,
            clients,
            policies,
            log,
            Once(redis),
            Rates(
                tokens=Rate(redis, "token", TOKENS_A_MINUTE),
                requests=Rate(redis, "request", settings.client_rate),
                failures=Rate(redis, "failure", FAILURES_A_MINUTE),
            ),
            settings.front,
            lifetime=settings.token_lifetime,
            basic=settings.client_secret_basic,
        )
        sign_in = SignIn(sessions, revocations, staffing, passwords, Lockout(redis), record, tokens)
        seal = Seal(keys.derive("seal", 64))
        harvest = Harvest(redis)
        stack.push_async_callback(harvest.close)
        reads = Reads(database, policies, log, vault, seal, harvest)
        whole = Reads(
            database, policies, log, vault, seal, None, max_page=MOST_ROWS, max_rows=10**12
        )
        store = TransferStore(database, keys)
        runner = TransferRunner(store, whole, policies, clients)
        transfers = TransferServices(
            sign_in, policies, revocations, TransferFiles(store, reads, clients), log
        )
        writes = Writes(reads, database, log, use_cases(), _teller(sessions, staffing))
        answer = Answerer(
            graphql_schema(),
            reads,
            writes,
            policies,
            sign_in,
            log,
            introspection=settings.introspection,
        )
        yield Services(
            database, sessions, policies, log, harvest, answer, tokens, transfers, runner
        )


def _teller(sessions: Sessions, staffing: Staffing) -> Tell:
    async def tell(event: Event) -> None:
        if isinstance(event, PolicyPublished):
            await sessions.publish_policy_version(event.number)
        else:
            await staffing.end_sessions(event.staff_id, event.epoch)

    return tell


def use_cases() -> Iterator[UseCase]:
    """Everything that a mutation can change."""
    for module in (
        household_exclusions, issuing, lifts, measures, policy_changes, staff_changes,
        substitute_address, transfer
    ):  # fmt: skip
        yield from module.USE_CASES


@asynccontextmanager
async def main_database(settings: Settings, *, migrated: bool = True) -> AsyncIterator[Database]:
    """The main database, for one command that needs it `migrated`, or not.

    Raises `SettingError` where nobody can connect to it, or where it is not migrated.
    """
    database = Database(settings.main_url)
    try:
        try:
            current = await is_current(database)
        except (OSError, SQLAlchemyError) as error:
            raise SettingError(
                "ATENA_DATABASE_URL: the database does not answer, or refuses this account"
            ) from error
        if migrated and not current:
            raise SettingError("ATENA_DATABASE_URL: run `python server.py migrate` first")
        yield database
    finally:
        await database.close()


KINDS = {"sign-in": Kind.SIGN_IN, "sign-in-refused": Kind.SIGN_IN, "sign-out": Kind.SIGN_OUT}


def _sign_in_recorder(log: AccessLog) -> Callable[[SignInEvent], Any]:
    async def record(event: SignInEvent) -> None:
        refused = event.kind == "sign-in-refused"
        await log.record(
            LogRecord(
                kind=KINDS.get(event.kind, Kind.WRITE),
                outcome=f"REFUSED_{event.cause}".upper() if refused else "OK",
                actor=event.staff_id,
                session=event.session,
                roles=event.roles,
            )
        )

    return record


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of one worker."""
    state: dict[str, Services] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            state["services"] = services
            # The schema, the policy and the modules live as long as the worker: a collection that
            # walks them all again and again costs a tenth of every list. What one answer makes, up
            # to 20,000 objects, is gone before it is worth a walk.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 10, 10)
            running = asyncio.create_task(services.runner.keep_running())
            try:
                yield
            finally:
                state.clear()
                await end(running)

    async def answer(request: Any) -> Any:
        return await state["services"].answer(request)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, 200 if state else 503, HEADERS)

    async def ready(request: Request) -> Response:
        missing = await _missing(state.get("services"))
        return JSONResponse({"missing": missing}, 503 if missing else 200, HEADERS)

    async def schema(request: Request) -> Response:
        if not settings.introspection:
            return PlainTextResponse("the schema is not published here", 404, HEADERS)
        if "authorization" in request.headers:
            return await own_schema(state["services"].transfers, use_cases(), request)
        return PlainTextResponse(sdl(), headers=HEADERS)

    app = Starlette(
        lifespan=lifespan,
        routes=[
            Route("/graphql", GraphQLEndpoint(answer)),
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/schema.graphql", schema),
            *oauth_routes(lambda: state["services"].tokens),
            *transfer_routes(lambda: state["services"].transfers),
            *graphiql_routes(PROJECT / "node_modules", settings.graphiql),
            *console_routes(settings.console),
        ],
    )
    app.router.redirect_slashes = False
    return app


async def _missing(services: Services | None) -> list[str]:
    """Which stores do not answer."""
    if services is None:
        return ["server"]
    missing = []
    try:
        async with services.database.read(snapshot=False, reserved=True) as reader:
            await reader.rows("SELECT 1", ())
    except (DatabaseError, OSError):
        missing.append("database")
    try:
        policy = await services.policies.current()
        await services.sessions.publish_policy_version(policy.version)
    except Refused:
        missing.append("redis")
    return missing


def application() -> Starlette:
    """What each worker process runs: the application from the environment's settings."""
    return create_app(Settings.read(os.environ))


# -- command line ----------------------------------------------------------------------------------


@contextlib.contextmanager
def embedded_redis(settings: Settings) -> Iterator[Settings]:
    """The settings with a Redis: the one that is named, or a Valkey of our own."""
    if settings.redis_url:
        yield settings
        return
    with EmbeddedRedis.start(settings.data.absolute() / "redis") as server:
        os.environ[variable("redis_url")] = server.url
        yield replace(settings, redis_url=server.url)


async def prepare(settings: Settings) -> None:
    """Migrate, and fill a new demo store with its town and cast.

    At last it opens what a worker opens: what would stop one is said once, before there are any.
    """
    async with main_database(settings, migrated=False) as database:
        await migrate(database)
        new = settings.store is StoreKind.DEMO and not await is_staffed(database)
    if new:
        # The cast comes last: a start that was interrupted before goes on with the town.
        await load_town(settings, settings.people)
        await seed_clients(settings)
        await seed_cast(settings)
    async with open_services(settings):
        pass


async def load_town(settings: Settings, people: int) -> None:
    """Generate the demo town's files and load them; what is there already stays."""
    if settings.store is not StoreKind.DEMO:
        raise SettingError("ATENA_STORE: the demo town goes into a demo store only")
    async with _stores(settings) as (database, vault):
        with ExitStack() as bars, TemporaryDirectory(dir=settings.data) as folder:

            def bar(title: str, size: int) -> Callable[[int], None]:
                return bars.enter_context(progress_bar(title, size))

            for report in await seed(Town(people), Path(folder), database, vault, bar):
                if report.rejected:
                    raise SettingError(f"the demo town has {report.rejected} rejected rows")


async def load_file(settings: Settings, contents: Contents, path: Path, size: int) -> Report:
    """Load one of the city's files, of `size` bytes."""
    async with _stores(settings) as (database, vault):
        with progress_bar(str(contents), size) as progress:
            return await import_file(contents, path, database, vault, progress=progress)


ROW_BY_ROW = {"measures": import_measures, "staff": import_staff}
"""Files of which each row is a change of its own, on the log."""


async def load_rows(settings: Settings, contents: str, path: Path, size: int) -> Report:
    """Make the changes that a file asks for, row by row."""
    async with main_database(settings) as database:
        with progress_bar(contents, size) as progress:
            return await ROW_BY_ROW[contents](path, database, rejects_of(path), progress)


async def issue_password(settings: Settings, staff_id: str) -> str:
    """Another password for a staff member, told once; every session of theirs ends."""
    password = fresh_password()
    hashing = Passwords(STRONG if settings.store is StoreKind.REAL else QUICK)
    try:
        stored = await hashing.hash(password)
        at = datetime.now(UTC)
        async with main_database(settings) as database, database.write() as connection:
            await set_password(connection, staff_id, stored, at)
            record = LogRecord(kind=Kind.WRITE, outcome="OK", actor="operator", at=at)
            operation = LoggedOperation.of("issue password", (("StaffMember", "write", "shown"),))
            await insert(connection, database.dialect, record, operation)
    finally:
        hashing.close()
    return password


@asynccontextmanager
async def _stores(settings: Settings) -> AsyncIterator[tuple[Database, Vault]]:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(main_database(settings))
        vault = await Vault.open(settings.vault_url, settings.load_keys(), settings.store)
        stack.push_async_callback(vault.close)
        yield database, vault


async def seed_cast(settings: Settings) -> None:
    """Hire the cast of a demo store, once, and write down the passwords."""
    path = settings.data / "cast.json"
    passwords = {member.staff_id: new_password() for member in CAST}
    async with main_database(settings) as database:
        if not await hire(database, CAST, passwords, Passwords(QUICK)):
            return
    opened = {row["role"]: row["purpose"].split() for row in facts.rows("role-purposes")}
    content = [
        {
            "staffId": member.staff_id,
            "password": passwords[member.staff_id],
            "roles": list(member.roles),
            "purposes": sorted({p for role in member.roles for p in opened.get(role, ())}),
        }
        for member in CAST
    ]
    _write_private(path, content)


async def seed_clients(settings: Settings) -> None:
    """Register the departments' clients of a demo store, once, and write down their secrets."""
    async with _clients(settings) as clients:
        kept = await register_departments(clients)
    if kept:
        _write_private(settings.data / "clients.json", kept)


def _write_private(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)


@asynccontextmanager
async def _clients(settings: Settings) -> AsyncIterator[Clients]:
    """The registrations, for the command line; workers notice a change within a second."""
    async with main_database(settings) as database:
        yield Clients(database, settings.load_keys())


def serve(settings: Settings) -> None:
    """Prepare, start, and say where."""
    _check_address(settings)
    with embedded_redis(settings) as ready:
        asyncio.run(prepare(ready))
        _greet(ready)
        uvicorn.run(
            "server:application",
            factory=True,
            app_dir=str(PROJECT),
            host=ready.host,
            port=ready.port,
            workers=ready.workers,
            log_level="warning",
            access_log=False,
            server_header=False,
            # What a client says of its address is not believed.
            proxy_headers=False,
        )


def _check_address(settings: Settings) -> None:
    """Said before the town is made, and in a sentence."""
    try:
        kind, *_, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        socket.create_server(address[:2], family=kind).close()
    except OSError as error:
        raise SettingError(
            f"ATENA_HOST, ATENA_PORT: cannot listen on {settings.host}:{settings.port}"
            f" ({error.strerror})"
        ) from error


def _greet(settings: Settings) -> None:
    base = f"http://{settings.host}:{settings.port}"
    print(f"Atena\n  GraphQL   {base}/graphql\n  GraphiQL  {base}/graphiql")
    print(f"  Console   {base}/console\n  SDL       {base}/schema.graphql")
    cast = settings.data / "cast.json"
    if (clients := settings.data / "clients.json").exists():
        print(f"  OAuth     {base}/oauth/token  (demo clients: {clients})")
    if settings.store is StoreKind.DEMO and cast.exists():
        print("\n  デモ職員 demo cast (staff id, password, roles):")
        for member in json.loads(cast.read_text(encoding="utf-8")):
            print(f"    {member['staffId']:<12}{member['password']:<16}{' '.join(member['roles'])}")
    print(flush=True)


FAILURES = (
    SettingError, KeysError, StoreRefused, DatabaseError, Refused, FileRefused, ChainBroken,
    EmbeddedRedisError, OSError,
)  # fmt: skip
"""What a command says in a sentence instead of a traceback."""


def main(arguments: list[str]) -> int:
    """The command line. Returns the exit status."""
    # What the embedded stores write is for this user alone.
    os.umask(0o077)
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(Settings.read(os.environ), chosen))
    except FAILURES as error:
        print(f"atena: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="server.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, words: str, run: Callable[..., int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(run=run)
        return added

    command("serve", "start the server", _serve)
    command("migrate", "bring the databases up to date", _migrate)
    town = command("seed", "load the demo town", _seed)
    town.add_argument("--people", type=int, help="how many people (default: ATENA_PEOPLE)")
    files = command("import", "load one of the city's files", _import)
    files.add_argument("contents", choices=[*(str(each) for each in Contents), *ROW_BY_ROW])
    files.add_argument("file", type=Path, help="CSV in UTF-8 or CP932; the header decides")
    _add_client_commands(command("client", "other offices' clients (連携定義)", _client))
    issue = command("password", "issue a staff member's password, told once", _password)
    issue.add_argument("staff_id", help="staff id")
    daily = command("transfer", "order the day's transfers, one for each client in force", _daily)
    daily.add_argument("--changed", action="store_true", help="only who changed since the last one")
    exported = command("export-schema", "print the SDL", _export_schema)
    exported.add_argument("--client", help="only what this client's clearance shows")
    command("check", "check settings, keys, schema and policy, and end", _check)
    return parser


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    serve(settings)
    return 0


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    asyncio.run(_migrated(settings))
    return 0


async def _migrated(settings: Settings) -> None:
    async with main_database(settings, migrated=False) as database:
        await migrate(database)


def _seed(settings: Settings, chosen: argparse.Namespace) -> int:
    asyncio.run(_migrated(settings))
    asyncio.run(load_town(settings, chosen.people or settings.people))
    asyncio.run(seed_clients(settings))
    asyncio.run(seed_cast(settings))
    return 0


def _import(settings: Settings, chosen: argparse.Namespace) -> int:
    if not chosen.file.is_file():
        raise SettingError(f"there is no file {chosen.file}")
    size = chosen.file.stat().st_size
    if chosen.contents in ROW_BY_ROW:
        report = asyncio.run(load_rows(settings, chosen.contents, chosen.file, size))
    else:
        report = asyncio.run(load_file(settings, Contents(chosen.contents), chosen.file, size))
    print(f"loaded {report.loaded}, already there {report.already_there}, ", end="")
    print(f"rejected {report.rejected}" + (f" (see {report.rejects})" if report.rejected else ""))
    return 1 if report.rejected else 0


def _add_client_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="change", required=True)

    def command(name: str, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.add_argument("id", help="client id")
        return added

    new = command("register", "register a linkage definition")
    new.add_argument("--definition", required=True, help="code of the transfer definition")
    new.add_argument("--purpose", help="default: transfer-DEFINITION")
    new.add_argument(
        "--authentication",
        choices=[each.value for each in ClientAuthentication],
        default=ClientAuthentication.PRIVATE_KEY_JWT.value,
    )
    new.add_argument(
        "--binding",
        choices=[each.value for each in TokenBinding],
        default=TokenBinding.MTLS.value,
        help="what its tokens are bound to",
    )
    new.add_argument("--scope", action="append", help="may be given several times")
    new.add_argument("--item", action="append", help="a coordinate that may go out; default: all")
    new.add_argument("--network", action="append", required=True, help="CIDR")
    new.add_argument("--valid-from", type=date.fromisoformat)
    new.add_argument("--valid-until", type=date.fromisoformat)
    for added in (new, command("rotate", "add a credential; the newest two of a kind live")):
        added.add_argument("--jwk", type=Path, help="file with a public key")
        added.add_argument("--certificate", type=Path, help="file with a certificate (PEM)")
    command("suspend", "no tokens any more, and end those that there are")
    command("resume", "tokens again")
    commands.add_parser("list", help="all clients")


def _client(settings: Settings, chosen: argparse.Namespace) -> int:
    return asyncio.run(_change_client(settings, chosen))


async def _change_client(settings: Settings, chosen: argparse.Namespace) -> int:
    async with _clients(settings) as clients:
        if chosen.change == "list":
            for found in await clients.all():
                one = found.definition
                print(f"{one.id}  {found.state}  {one.authentication}  {one.binding}", end="  ")
                print(f"{one.purpose}  {' '.join(one.networks)}")
            return 0
        secret = await _changed_client(clients, chosen)
    if secret is not None:
        print(f"secret (told this once): {secret}")
    return 0


def _content(path: Path) -> bytes:
    """What is in a file that a command names. Raises `BadInput`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _thumbprint(path: Path) -> str:
    """Of the certificate in a file. Raises `BadInput`."""
    try:
        return thumbprint_of_pem(_content(path))
    except ValueError as error:
        raise BadInput(f"{path}: no certificate in PEM") from error


async def _changed_client(clients: Clients, chosen: argparse.Namespace) -> str | None:
    if chosen.change in {"suspend", "resume"}:
        suspended = chosen.change == "suspend"
        state = ClientState.SUSPENDED if suspended else ClientState.ACTIVE
        await clients.change_state(chosen.id, state)
        return None
    given = {
        "jwk": _content(chosen.jwk).decode(errors="replace") if chosen.jwk else None,
        "certificate": _thumbprint(chosen.certificate) if chosen.certificate else None,
    }
    if chosen.change == "rotate":
        return await clients.rotate(chosen.id, **given)
    definition = Definition(
        id=chosen.id,
        definition=chosen.definition,
        purpose=chosen.purpose or f"transfer-{chosen.definition}",
        scopes=frozenset(chosen.scope or SCOPES),
        networks=tuple(chosen.network),
        authentication=ClientAuthentication(chosen.authentication),
        binding=TokenBinding(chosen.binding),
        items=frozenset(chosen.item) if chosen.item else None,
        valid_from=chosen.valid_from,
        valid_until=chosen.valid_until,
    )
    return await clients.register(definition, **given)


def _password(settings: Settings, chosen: argparse.Namespace) -> int:
    print(asyncio.run(issue_password(settings, chosen.staff_id)))
    return 0


def _daily(settings: Settings, chosen: argparse.Namespace) -> int:
    return asyncio.run(_ordered(settings, chosen.changed))


async def _ordered(settings: Settings, changed: bool) -> int:
    """Order by the account that runs the command; a worker makes them, people release them."""
    extent = TransferExtent.CHANGED if changed else TransferExtent.FULL
    async with main_database(settings) as database:
        codes = await transfer.order_daily(database, extent, dt.datetime.now(dt.UTC))
    for code in codes:
        print(code)
    return 0


def _export_schema(settings: Settings, chosen: argparse.Namespace) -> int:
    print(asyncio.run(_schema_of(settings, chosen.client)) if chosen.client else sdl(), end="")
    return 0


async def _schema_of(settings: Settings, client_id: str) -> str:
    """The SDL of what a client's linkage definition shows."""
    async with _clients(settings) as clients:
        client = await clients.find(client_id)
        if client is None:
            raise SettingError(f"there is no client {client_id}")
        async with main_database(settings) as database:
            chain = Chain(settings.load_keys())
            policy = await PolicyStore(database, GRAPH.classes, chain).load()
    defined = client.definition
    limits = Limits(defined.purpose, defined.scopes, defined.items)
    clearance = clear(
        policy,
        frozenset({MACHINE_ROLE}),
        defined.purpose,
        case_reference=False,
        protected=PROTECTED,
        limits=limits,
    )
    return narrowed_sdl(clearance, changes_open_to(use_cases(), machine=True))


def _check(settings: Settings, _: argparse.Namespace) -> int:
    settings.load_keys()
    graphql_schema()
    check_first_policy()
    versions = asyncio.run(_verified(settings))
    print(f"settings, keys, schema and policy are sound; {versions} versions of it are sealed")
    return 0


async def _verified(settings: Settings) -> int:
    """How many versions of the policy are stored, every one as it was sealed."""
    async with main_database(settings, migrated=False) as database:
        if not await has_table(database, "policy_seal"):
            return 0
        async with database.write() as connection:
            chain = Chain(settings.load_keys())
            await chain.begin(connection)
            return await chain.verify_all(connection)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
