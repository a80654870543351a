"""`GET /schema.graphql` with a token: the part of the schema that the actor's clearance shows."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from authz.access_log import Kind, LoggedOperation
from authz.errors import Refused
from resolvers.read.pipeline import record_of
from resolvers.write.pipeline import UseCase
from schema.http.transfers import TransferServices, error_answer, who_asks
from schema.visible_part import changes_open_to, narrowed_sdl

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


async def own_schema(
    services: TransferServices, changes: Iterable[UseCase], request: Request
) -> Response:
    """The SDL for this actor and purpose. It holds no data, and is on the log."""
    try:
        return await _answered(services, changes, request)
    except Refused as refused:
        return error_answer(refused)


async def _answered(
    services: TransferServices, changes: Iterable[UseCase], request: Request
) -> Response:
    logged = LoggedOperation.of("schema.graphql", ())
    asking = await who_asks(services, request, Kind.READ, logged)
    record = record_of(Kind.READ, asking.actor, asking.policy, asking.terms)
    try:
        clearance = services.files.clearance(asking.actor, asking.policy, asking.terms)
    except Refused as refused:
        await services.log.record(record._replace(outcome=refused.code), logged)
        raise
    await services.log.record(record, logged)
    machine = asking.actor.grant is not None
    text = narrowed_sdl(clearance, changes_open_to(changes, machine=machine))
    return PlainTextResponse(text, headers=_HEADERS)
