"""One worker: the stores that it opens, what it wires together, the routes that it answers."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from authz.access_log import AccessLog, Kind
from authz.access_log import Record as LogRecord
from authz.clients.registry import Clients
from authz.clients.single_use import Once, Rate
from authz.clients.tokens import Rates, Tokens
from authz.errors import Unavailable
from authz.numbers.vault import Vault
from authz.policy.seal import Chain
from authz.policy.store import PolicyStore
from authz.redis.connection import connect, disconnect
from authz.refusals import Refusals
from authz.sessions.devices import Devices
from authz.sessions.lockout import Lockout
from authz.sessions.lookup_budget import Harvest
from authz.sessions.passwords import QUICK, STRONG, Passwords
from authz.sessions.revocations import Revocations
from authz.sessions.session import Sessions
from authz.staff.members import SignInEvent, Staffing
from authz.staff.sign_in import SignIn
from authz.tasks import end
from models.graph.graph import GRAPH
from models.store.column_rights import WALL
from models.store.database import Database, DatabaseError
from models.store.failures import lifespan_without_values
from models.store.migrate import is_current
from models.tables.individual_number import StoreKind
from resolvers.policy import changes as policy_changes
from resolvers.policy.views import Views
from resolvers.protection import household_exclusion as household_exclusions
from resolvers.protection import issue_document as issuing
from resolvers.protection import lift as lifts
from resolvers.protection import protective_measure as measures
from resolvers.protection import substitute_address
from resolvers.read.pipeline import Reads
from resolvers.read.seal import Seal
from resolvers.staff import changes as staff_changes
from resolvers.transfer import changes as transfer
from resolvers.transfer.content import MOST_ROWS
from resolvers.transfer.delivery import TransferFiles
from resolvers.transfer.job import TransferRunner
from resolvers.transfer.store import TransferStore
from resolvers.write.pipeline import Event, PolicyPublished, Tell, UseCase, Writes
from schema.build import graphql_schema, sdl
from schema.http.console import console_routes
from schema.http.graphiql import graphiql_routes
from schema.http.graphql import GraphQLEndpoint
from schema.http.oauth import oauth_routes
from schema.http.policy_upload import PolicyUpload
from schema.http.readiness import Readiness
from schema.http.sdl import own_schema
from schema.http.transfers import TransferServices, transfer_routes
from schema.request.answer import Answerer
from schema.settings import SettingError, Settings

PROJECT = Path(__file__).parent.parent.parent
TOKENS_A_MINUTE = 60
FAILURES_A_MINUTE = 60
INTROSPECTIONS_A_MINUTE = 60
"""Of one address. Each takes a worker a quarter of a second; the same one again is free."""
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between a worker's tries to open its stores."""

_log = logging.getLogger("atena.server")


class StoreLate(SettingError):
    """A store does not answer: it may be down, or not up yet."""


NOT_MIGRATED = "ATENA_DATABASE_URL: run `python server.py migrate` first"
LATE = (StoreLate, Unavailable, DatabaseError, SQLAlchemyError, OSError)
"""What opening stores fails with while one of them does not answer."""


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
    readiness: Readiness


Opened = Callable[[Settings], AbstractAsyncContextManager[Services]]


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open every store and wire the worker; everything is closed at the end, whatever happens."""
    async with AsyncExitStack() as stack:
        keys = settings.load_keys()
        async with main_database(settings):
            pass
        database = await Database.open(settings.main_url, WALL)
        stack.push_async_callback(database.close)
        make: Literal["new", "nothing"] = "new" if settings.makes_numbers else "nothing"
        vault = await Vault.open(settings.vault_url, keys, settings.store, make)
        stack.push_async_callback(vault.close)
        redis = connect(settings.redis_url)
        stack.push_async_callback(disconnect, redis)
        log = AccessLog(database)
        stack.push_async_callback(log.stop)
        await log.start()
        refusals = Refusals(log, settings.front)
        counting = asyncio.create_task(refusals.keep_writing())
        stack.push_async_callback(refusals.write)
        stack.push_async_callback(end, counting)
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
            refusals,
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
        sign_in = SignIn(
            sessions,
            revocations,
            staffing,
            passwords,
            Lockout(redis, keys.derive("lockout")),
            record,
            settings.front,
            Devices(keys),
            tokens,
        )
        seal = Seal(keys.derive("seal", 64))
        harvest = Harvest(redis, keys.derive("harvest"))
        stack.push_async_callback(harvest.close)
        views = Views(database, policies, seal)
        reads = Reads(database, policies, log, vault, seal, harvest, views)
        whole = Reads(
            database, policies, log, vault, seal, None, views, max_page=MOST_ROWS, max_rows=10**12
        )
        store = TransferStore(database, keys)
        runner = TransferRunner(store, whole, policies, clients)
        transfers = TransferServices(
            sign_in, policies, revocations, TransferFiles(store, reads, clients), log, refusals
        )
        writes = Writes(reads, database, log, use_cases(), _teller(sessions, staffing))
        answer = Answerer(
            graphql_schema(),
            reads,
            writes,
            policies,
            sign_in,
            log,
            refusals,
            Rate(redis, "introspection", INTROSPECTIONS_A_MINUTE),
            introspection=settings.introspection,
        )
        readiness = Readiness(database, sessions, policies, revocations, log)
        stack.push_async_callback(readiness.stop)
        yield Services(
            database,
            sessions,
            policies,
            log,
            harvest,
            answer,
            tokens,
            transfers,
            runner,
            readiness,
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

    Raises `StoreLate` where nobody can connect to it, `SettingError` where it is not migrated.
    """
    database = Database(settings.main_url)
    try:
        try:
            current = await is_current(database)
        except (OSError, SQLAlchemyError) as error:
            raise StoreLate(
                "ATENA_DATABASE_URL: the database does not answer, or refuses this account"
            ) from error
        if migrated and not current:
            raise SettingError(NOT_MIGRATED)
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


@asynccontextmanager
async def lasting_services(settings: Settings) -> AsyncIterator[Services]:
    """What `open_services` opens, whenever the stores let it: a worker outlives an outage that
    it is started in. SIGTERM and SIGINT end the waiting. Raises `StoreLate` then."""
    async with AsyncExitStack() as stack:
        with _ended_by_signals() as ended:
            services = await _first_opened(settings, stack, ended)
        yield services


async def _first_opened(
    settings: Settings, stack: AsyncExitStack, ended: asyncio.Event
) -> Services:
    pause, ending = FIRST_PAUSE, asyncio.create_task(ended.wait())
    stack.push_async_callback(end, ending)
    while True:
        opening = asyncio.create_task(stack.enter_async_context(open_services(settings)))
        await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await end(opening)
            raise StoreLate("the worker was ended before its stores opened")
        error = opening.exception()
        if error is None:
            return opening.result()
        # Never its text: drivers put values into theirs.
        _log.error("the stores do not open (%s): trying again", type(error).__name__)
        await asyncio.wait({ending}, timeout=pause)
        pause = min(2 * pause, LONGEST_PAUSE)


@contextmanager
def _ended_by_signals() -> Iterator[asyncio.Event]:
    """An event that is set when a signal asks for the end, beside what it does otherwise."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    others = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

    def end(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(ended.set)
        other = others[signal.Signals(number)]
        if callable(other):
            other(number, frame)

    for each in others:
        signal.signal(each, end)
    try:
        yield ended
    finally:
        for each, other in others.items():
            signal.signal(each, other)


def create_app(settings: Settings, opened: Opened = open_services) -> Starlette:
    """The ASGI application of one worker."""
    state: dict[str, Services] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(settings) as services:
            state["services"] = services
            # The schema, the policy and the modules live as long as the worker: a collection that
            # walks them all again and again costs a tenth of every list. What one answer makes, up
            # to 20,000 objects, is gone before it is worth a walk.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 5, 5)
            running = asyncio.create_task(services.runner.keep_running())
            try:
                yield
            finally:
                state.clear()
                await end(running)

    async def answer(request: Any) -> Any:
        return await state["services"].answer(request)

    async def admit(request: Any) -> None:
        await state["services"].answer.admit(request)

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, 200 if state else 503, HEADERS)

    async def ready(request: Request) -> Response:
        missing = await state["services"].readiness.missing() if state else ["server"]
        return JSONResponse({"missing": missing}, 503 if missing else 200, HEADERS)

    async def schema(request: Request) -> Response:
        if not settings.introspection:
            return PlainTextResponse("the schema is not published here", 404, HEADERS)
        if "authorization" in request.headers:
            return await own_schema(state["services"].transfers, use_cases(), request)
        return PlainTextResponse(sdl(), headers=HEADERS)

    app = Starlette(
        lifespan=lifespan_without_values(lifespan),
        routes=[
            Route("/graphql", GraphQLEndpoint(answer)),
            Route("/policy/drafts/{draft}/lines", PolicyUpload(answer, admit)),
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
