"""Atena's server: the command line. The one place that reads the environment.

python server.py serve          start (embedded stores unless URLs are set)
python server.py migrate        bring the databases up to date
python server.py seed           load the demo town
python server.py import …       load the city's files
python server.py client …       register, rotate, suspend and list other offices' clients
python server.py transfer       order the day's transfers to other offices
python server.py export-schema  print the SDL
python server.py password …     issue a staff member's password
python server.py unlock …       let a staff member sign in again whom guesses lock
python server.py check          check settings, schema and policy, and end
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import hashlib
import json
import multiprocessing.process
import os
import pwd
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import uvicorn
from starlette.applications import Starlette

from authz.access_log import COMMAND, insert_command, readable
from authz.channel import Address, address_of
from authz.client_certificate import NotInForce, thumbprint_of_pem
from authz.clients.registry import Clients, Definition
from authz.errors import BadInput, Refused
from authz.keys import KeysError
from authz.numbers.store import StoreRefused, faults_of
from authz.numbers.vault import Vault
from authz.policy.clearance import clear
from authz.policy.invariants import MACHINE_ROLE
from authz.policy.seal import Chain, ChainBroken
from authz.policy.store import PolicyStore, check_first_policy
from authz.redis.check import objections
from authz.redis.connection import connect, disconnect
from authz.redis.embedded import EmbeddedRedis, EmbeddedRedisError
from authz.scopes import Limits
from authz.sessions.lockout import Lockout
from authz.sessions.passwords import QUICK, STRONG, Passwords, fresh_password
from authz.staff import recovery
from authz.staff.indispensable import INDISPENSABLE
from authz.staff.records import member_of, set_password
from models import facts
from models.demo.cast_staff import CAST, new_password
from models.demo.town import FILE_NAMES, Town
from models.graph.graph import GRAPH, PROTECTED
from models.store.database import DRIVERS_ERRORS, Database, DatabaseError
from models.store.failures import tell_no_values, trace_of, words_of
from models.store.migrate import faults, has_table, is_current, migrate, tells_values
from models.tables.client import (
    ClientAuthentication,
    ClientState,
    TokenBinding,
    client_id_objection,
)
from models.tables.individual_number import StoreKind
from models.tables.transfer import TransferExtent
from resolvers.demo.clients import SCOPES, register_departments
from resolvers.demo.staff import hire, is_staffed
from resolvers.demo.town import seed
from resolvers.imports.measures import import_measures
from resolvers.imports.run import (
    Contents,
    FileRefused,
    Report,
    import_file,
    progress_bar,
    rejects_of,
)
from resolvers.imports.staff import import_staff
from resolvers.transfer import changes as transfer
from schema.build import graphql_schema, sdl
from schema.http import serving
from schema.http.application import (
    LATE,
    NOT_MIGRATED,
    create_app,
    lasting_services,
    main_database,
    open_services,
    use_cases,
)
from schema.http.connections import Doors
from schema.settings import (
    DATABASE_FILE,
    KEY_FILE,
    NUMBERS_FILE,
    SettingError,
    Settings,
    variable,
)
from schema.visible_part import changes_open_to, narrowed_sdl

PROJECT = Path(__file__).parent
WHO = "who you are, for the log; default: your account here"


def application() -> Starlette:
    """What each worker process runs: the application from the environment's settings."""
    tell_no_values()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    return create_app(Settings.read(os.environ), lasting_services)


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    """End with the process that watches the workers, however it ended: alone they would keep the
    port from the next server, and whoever watched over them and the embedded Valkey is gone."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


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
    """Set up an embedded or new demo store, with its town and cast; change nothing else.

    At last it opens what a worker opens: what would stop one is said once, before there are any.
    """
    async with main_database(settings, migrated=False) as database:
        await _set_up(settings, database)
        new = settings.store is StoreKind.DEMO and not await is_staffed(database)
    if new:
        # The cast comes last: a start that was interrupted before goes on with the town.
        await load_town(settings, settings.people)
        await seed_clients(settings)
        await seed_cast(settings)
    async with open_services(settings):
        pass


async def _set_up(settings: Settings, database: Database) -> None:
    """A server's database is changed by `migrate` alone, unless it is a new demo store's."""
    if await is_current(database):
        return
    if not await _may_set_up(settings, database):
        raise SettingError(NOT_MIGRATED)
    await migrate(database)


async def _may_set_up(settings: Settings, database: Database) -> bool:
    new = settings.store is StoreKind.DEMO and not await has_table(database, "alembic_version")
    return new or not settings.database_url


async def load_town(settings: Settings, people: int) -> None:
    """Generate the demo town's files and load them; what is there already stays."""
    if settings.store is not StoreKind.DEMO:
        raise SettingError("ATENA_STORE: the demo town goes into a demo store only")
    async with _stores(settings) as (database, vault):
        with ExitStack() as bars, _unseen(settings.data) as folder:

            def bar(title: str, size: int) -> Callable[[int], None]:
                return bars.enter_context(progress_bar(title, size))

            for report in await seed(Town(people), folder, database, vault, bar):
                if report.rejected:
                    raise SettingError(f"the demo town has {report.rejected} rejected rows")


@contextlib.contextmanager
def _unseen(parent: Path) -> Iterator[Path]:
    """A folder for the town's files, of whose numbers nothing is left however this process ends:
    where the system can, the files have no names, and the folder leads to them while they live."""
    opened = Path(f"/proc/{os.getpid()}/fd")
    with TemporaryDirectory(dir=parent) as name, ExitStack() as files:
        folder = Path(name)
        for each in FILE_NAMES if opened.is_dir() else ():
            file = files.enter_context(TemporaryFile(dir=folder))
            (folder / each).symlink_to(opened / str(file.fileno()))
        yield folder


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


async def issue_password(settings: Settings, staff_id: str, by: str) -> str:
    """Another password for a staff member, told once; every session of theirs ends."""
    password = fresh_password()
    hashing = Passwords(STRONG if settings.store is StoreKind.REAL else QUICK)
    try:
        stored = await hashing.hash(password)
        at = datetime.now(UTC)
        async with main_database(settings) as database, database.write() as connection:
            await set_password(connection, staff_id, stored, at)
            await insert_command(connection, database.dialect, "password", staff_id, by)
    finally:
        hashing.close()
    return password


async def break_lock(settings: Settings, staff_id: str, address: Address | None, by: str) -> None:
    """Let a staff member sign in at once; from `address` however long somebody goes on guessing."""
    redis = connect(_running_redis(settings))
    try:
        async with main_database(settings) as database, database.write() as connection:
            await member_of(connection, staff_id)
            await insert_command(connection, database.dialect, "unlock", staff_id, by)
            key = settings.load_keys().derive("lockout")
            await Lockout(redis, key).break_lock(staff_id, address)
    finally:
        await disconnect(redis)


def _running_redis(settings: Settings) -> str:
    """Where the sessions of the server are that runs with these settings."""
    own = settings.data.absolute() / "redis" / "socket" / "redis.sock"
    if not settings.redis_url and not own.exists():
        raise SettingError("ATENA_DATA: no server runs over this folder: start it first")
    return settings.redis_url or f"unix://{own}"


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
    async with main_database(settings) as database:
        if not await is_staffed(database):
            # Before they are hired: who is hired without it has a password that nobody knows.
            _write_private(path, content)
            await hire(database, CAST, passwords, Passwords(QUICK))


async def seed_clients(settings: Settings) -> None:
    """Register the departments' clients of a demo store, once, and write down their secrets."""
    async with _clients(settings) as clients:
        kept = await register_departments(clients)
    if kept:
        _write_private(settings.data / "clients.json", kept)


def _write_private(path: Path, content: Any) -> None:
    """Write a file for this user alone, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(unfinished, flags, 0o600), "w") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
    unfinished.replace(path)


@asynccontextmanager
async def _clients(settings: Settings, by: str = COMMAND) -> AsyncIterator[Clients]:
    """The registrations, for the command line; workers notice a change within a second."""
    async with main_database(settings) as database:
        yield Clients(database, settings.load_keys(), operator=by)


def serve(settings: Settings) -> int:
    """Prepare, start, and say where; the exit status, 0 only where the end was asked for."""
    _check_address(settings)
    signal.signal(signal.SIGTERM, _end_in_order)
    with embedded_redis(settings) as ready, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_prepared(ready))
        _greet(ready)
        return serving.run(_configuration(ready))
    return 0


def _end_in_order(*_: object) -> None:
    """What a signal ends ends what it has started, too."""
    sys.exit(0)


def _configuration(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "server:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        # Called as a class is; it is copied into each worker.
        http=Doors(proxies=settings.proxies),  # type: ignore[arg-type]
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        # What a client says of its address is not believed.
        proxy_headers=False,
        timeout_graceful_shutdown=settings.drain_timeout.total_seconds(),  # type: ignore[arg-type]
    )


async def _prepared(settings: Settings) -> None:
    """`prepare`, once the stores answer. Raises what it does if they do not in time."""
    last = time.monotonic() + settings.store_timeout.total_seconds()
    while True:
        try:
            return await prepare(settings)
        except LATE as error:
            if time.monotonic() > last or not settings.has_servers:
                raise
            told = error if isinstance(error, SettingError | Refused) else type(error).__name__
            print(f"atena: {told}; trying again", file=sys.stderr, flush=True)
        await asyncio.sleep(1)


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
    EmbeddedRedisError, OSError, *DRIVERS_ERRORS,
)  # fmt: skip
"""What a command says in a sentence instead of a traceback."""

FAULT = 70
"""The exit status where Atena itself is wrong: what is said is the class and the place alone."""


def main(arguments: list[str]) -> int:
    """The command line. Returns the exit status."""
    tell_no_values()
    # What the embedded stores write is for this user alone.
    os.umask(0o077)
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(Settings.read(os.environ), chosen))
    except FAILURES as error:
        print(f"atena: {_sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        print(f"atena: failed with {type(error).__name__}\n{trace_of(error)}", file=sys.stderr)
        return FAULT


def _sentence(error: Exception) -> str:
    """What stopped a command, without the text of a driver."""
    if isinstance(error, DRIVERS_ERRORS):
        return f"the database refused a statement ({type(error).__name__})"
    if isinstance(error, OSError):
        return str(error) or type(error).__name__
    return words_of(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="server.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, words: str, run: Callable[..., int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(run=run)
        return added

    command("serve", "start the server", _serve)
    moved = command("migrate", "bring the databases up to date", _migrate)
    town = command("seed", "load the demo town", _seed)
    town.add_argument("--people", type=int, help="how many people (default: ATENA_PEOPLE)")
    files = command("import", "load one of the city's files", _import)
    files.add_argument("contents", choices=[*(str(each) for each in Contents), *ROW_BY_ROW])
    files.add_argument("file", type=Path, help="CSV in UTF-8 or CP932; the header decides")
    _add_client_commands(command("client", "other offices' clients (連携定義)", _client))
    issue = command("password", "issue a staff member's password, told once", _password)
    issue.add_argument("staff_id", help="staff id")
    _add_recovery(command("recover", "give a role nobody can approve, by two operators", _recover))
    unlock = command("unlock", "let a staff member sign in whom somebody's guesses lock", _unlock)
    unlock.add_argument("staff_id", help="staff id")
    unlock.add_argument("--address", help="where they sit: nobody locks it from elsewhere again")
    daily = command("transfer", "order the day's transfers, one for each client in force", _daily)
    daily.add_argument("--changed", action="store_true", help="only who changed since the last one")
    for changing in (files, town, issue, unlock, daily, moved):
        changing.add_argument("--operator", help=WHO)
    exported = command("export-schema", "print the SDL", _export_schema)
    exported.add_argument("--client", help="only what this client's clearance shows")
    command("check", "check settings, keys, schema and policy, and end", _check)
    return parser


def _add_recovery(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", required=True)
    begin = steps.add_parser("begin", help="the first operator: say who gets which role, and why")
    begin.add_argument("staff_id", help="staff id of a member in service")
    begin.add_argument("--role", required=True, choices=INDISPENSABLE)
    begin.add_argument("--reason", required=True)
    confirm = steps.add_parser("confirm", help="another operator: give it")
    confirm.add_argument("number", type=row_number, help="what the first step said")
    for step in (begin, confirm):
        step.add_argument("--operator", required=True, help="name of who runs this command")


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    return serve(settings)


def _migrate(settings: Settings, chosen: argparse.Namespace) -> int:
    asyncio.run(_migrated(settings, "migrate", "databases", chosen))
    return 0


async def _migrated(settings: Settings, what: str, about: str, chosen: argparse.Namespace) -> None:
    """Bring both databases up to date; on the log as soon as there is one."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with main_database(settings, migrated=False) as database:
        await migrate(database)
    await _signed(settings, what, about, chosen)
    vault = await Vault.open(settings.vault_url, settings.load_keys(), settings.store, "missing")
    await vault.close()


def _seed(settings: Settings, chosen: argparse.Namespace) -> int:
    asyncio.run(_migrated(settings, "seed", "demo-town", chosen))
    asyncio.run(load_town(settings, chosen.people or settings.people))
    asyncio.run(seed_clients(settings))
    asyncio.run(seed_cast(settings))
    return 0


def _import(settings: Settings, chosen: argparse.Namespace) -> int:
    if not chosen.file.is_file():
        raise SettingError(f"there is no file {chosen.file}")
    size = chosen.file.stat().st_size
    about = f"file:{_digest(chosen.file)}"
    asyncio.run(_signed(settings, f"import:{chosen.contents}", about, chosen))
    if chosen.contents in ROW_BY_ROW:
        report = asyncio.run(load_rows(settings, chosen.contents, chosen.file, size))
    else:
        report = asyncio.run(load_file(settings, Contents(chosen.contents), chosen.file, size))
    print(f"loaded {report.loaded}, already there {report.already_there}, ", end="")
    print(f"rejected {report.rejected}" + (f" (see {report.rejects})" if report.rejected else ""))
    if report.namesakes:
        lines = ", ".join(map(str, report.namesakes[:20]))
        more = " …" if len(report.namesakes) > 20 else ""
        print(f"another record has the same name and birthday: line {lines}{more}")
        print("see whether they are one person before anything is sent or collected")
    return 1 if report.rejected else 0


def _digest(path: Path) -> str:
    """The first digits of its SHA-256, by which somebody who holds a file can tell that it was this
    one; no twelve of them, which could be an individual number."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:11]


def _add_client_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="change", required=True)

    def command(name: str, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.add_argument("id", help="client id")
        added.add_argument("--operator", help=WHO)
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
    command("approve", "put it in force; by another person than the one who registered it")
    removed = command("remove", "remove one credential, and end every token")
    removed.add_argument(
        "--credential", type=row_number, required=True, help="number in `client list`"
    )
    command("suspend", "no tokens any more, and end those that there are")
    command("resume", "tokens again")
    commands.add_parser("list", help="all clients")


def _client(settings: Settings, chosen: argparse.Namespace) -> int:
    return asyncio.run(_change_client(settings, chosen))


async def _change_client(settings: Settings, chosen: argparse.Namespace) -> int:
    by = COMMAND if chosen.change == "list" else signature(chosen)
    async with _clients(settings, by) as clients:
        if chosen.change == "list":
            for found in await clients.all():
                one = found.definition
                print(f"{one.id}  {found.state}  {one.authentication}  {one.binding}", end="  ")
                print(f"{one.purpose}  {' '.join(one.networks)}")
                for each in await clients.credentials(one.id):
                    print(f"    {each.number}  {each.kind}  {each.created_at:%Y-%m-%d}", end="  ")
                    print(each.thumbprint or "")
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
    except NotInForce as error:
        raise BadInput(f"{path}: {error}") from error
    except ValueError as error:
        raise BadInput(f"{path}: no certificate in PEM") from error


async def _changed_client(clients: Clients, chosen: argparse.Namespace) -> str | None:
    if chosen.change in {"suspend", "resume"}:
        suspended = chosen.change == "suspend"
        state = ClientState.SUSPENDED if suspended else ClientState.ACTIVE
        await clients.change_state(chosen.id, state)
        return None
    if chosen.change == "approve":
        await clients.approve(chosen.id, operator(chosen))
        return None
    if chosen.change == "remove":
        await clients.remove(chosen.id, chosen.credential)
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
    return await clients.register(definition, operator(chosen), **given)


def row_number(text: str) -> int:
    """The number of a row, as both databases have it. Raises `ValueError`."""
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError
    return number


def operator(chosen: argparse.Namespace) -> str:
    """Who types the command: as `--operator` names them, else the account on this machine."""
    name = account() if chosen.operator is None else chosen.operator
    if client_id_objection(name) is not None:
        raise BadInput("--operator: name yourself with 1 to 57 letters, digits, dots or hyphens")
    return str(name)


def account() -> str:
    """The account on this machine, whatever the environment says; by its number where the log
    could not tell its name."""
    number = f"uid-{os.getuid()}"
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return number
    return name if readable(name) == name else number


def signature(chosen: argparse.Namespace) -> str:
    """How who types the command stands on the log: a name of their own is beside the account's.
    Raises `BadInput` where both together are more than the log tells."""
    name, own = operator(chosen), account()
    signed = f"{recovery.OPERATOR}{name}{'' if name == own else f'@{own}'}"
    if readable(signed) != signed:
        raise BadInput(
            "--operator: a shorter name, with fewer digits: the log tells 64 characters of it and"
            " of your account, and eleven digits"
        )
    return signed


async def _signed(settings: Settings, what: str, about: str, chosen: argparse.Namespace) -> None:
    """Put a command on the log, before it changes anything."""
    async with main_database(settings) as database, database.write() as connection:
        await insert_command(connection, database.dialect, what, about, signature(chosen))


def _password(settings: Settings, chosen: argparse.Namespace) -> int:
    print(asyncio.run(issue_password(settings, chosen.staff_id, signature(chosen))))
    return 0


def _recover(settings: Settings, chosen: argparse.Namespace) -> int:
    return asyncio.run(_recovered(settings, chosen))


async def _recovered(settings: Settings, chosen: argparse.Namespace) -> int:
    async with main_database(settings) as database, database.write() as connection:
        if chosen.step == "begin":
            number = await recovery.begin(
                connection, chosen.staff_id, chosen.role, signature(chosen), chosen.reason
            )
            print(f"another operator runs: server.py recover confirm {number} --operator NAME")
        else:
            given = await recovery.confirm(connection, chosen.number, signature(chosen))
            print(f"{given.staff_id} holds {given.role}")
    return 0


def _unlock(settings: Settings, chosen: argparse.Namespace) -> int:
    address = address_of(chosen.address)
    if chosen.address and address is None:
        raise BadInput("--address: an IP address, as the server sees it (X-Forwarded-For)")
    asyncio.run(break_lock(settings, chosen.staff_id, address, signature(chosen)))
    return 0


def _daily(settings: Settings, chosen: argparse.Namespace) -> int:
    return asyncio.run(_ordered(settings, chosen.changed, signature(chosen)))


async def _ordered(settings: Settings, changed: bool, by: str) -> int:
    """Order by the account that runs the command; a worker makes them, people release them."""
    extent = TransferExtent.CHANGED if changed else TransferExtent.FULL
    async with main_database(settings) as database:
        codes = await transfer.order_daily(database, extent, dt.datetime.now(dt.UTC), by)
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
    graphql_schema()
    check_first_policy()
    return asyncio.run(_checked(settings))


LOGS_VALUES = (
    "ATENA_DATABASE_URL: beside an error PostgreSQL writes the values of a row into its own log:"
    " ALTER ROLE … SET log_error_verbosity = terse"
)


async def _checked(settings: Settings) -> int:
    """Open everything that a server opens, and look for what is missing; nothing is changed."""
    new, lacking = settings.unmade, []
    if new:
        _check_folder(settings.data.absolute())
        print(f"not there yet, a first start makes it: {', '.join(new)}")
    found = [f"ATENA_REDIS_URL: {each}" for each in await objections(settings.redis_url)]
    if DATABASE_FILE not in new:
        lacking += [f"ATENA_DATABASE_URL: {each}" for each in await _database_faults(settings)]
    if NUMBERS_FILE not in new:
        lacking += [f"ATENA_NUMBERS_URL: {each}" for each in await _numbers_faults(settings)]
    versions = 0 if {DATABASE_FILE, KEY_FILE} & {*new} else await _verified(settings)
    for each in (*found, *lacking):
        print(f"atena: {each}", file=sys.stderr)
    if lacking:
        print("atena: `migrate` makes what is missing of a database", file=sys.stderr)
    if found or lacking:
        return 2
    sound = "settings and schema" if new else "settings, keys, stores, schema and policy"
    print(f"{sound} are sound; {versions} versions of the policy are sealed")
    return 0


def _check_folder(folder: Path) -> None:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SettingError(f"ATENA_DATA: nothing can be made in {there}")


async def _database_faults(settings: Settings) -> list[str]:
    async with main_database(settings, migrated=False) as database:
        if await tells_values(database):
            print(LOGS_VALUES)
        if await is_current(database):
            return await faults(database)
        if await _may_set_up(settings, database):
            print("the main database is not set up for this version yet: a start does that")
            return []
    return ["the database is not migrated to this version: run `migrate`"]


async def _numbers_faults(settings: Settings) -> list[str]:
    if KEY_FILE in settings.unmade:
        return [f"the key file {KEY_FILE} is not there, without which no number can be read"]
    return await faults_of(
        settings.vault_url, settings.load_keys(), settings.store, new=settings.makes_numbers
    )


async def _verified(settings: Settings) -> int:
    """How many versions of the policy are stored, every one as it was sealed."""
    async with main_database(settings, migrated=False) as database:
        if not await has_table(database, "policy_seal"):
            return 0
        async with database.engine.connect() as connection, connection.begin() as looking:
            chain = Chain(settings.load_keys())
            await chain.begin(connection)
            versions = await chain.verify_all(connection)
            # Of a store that no server has opened yet the first version is not sealed.
            await looking.rollback()
        return versions


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
