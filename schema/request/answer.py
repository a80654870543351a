"""One GraphQL request, from its text to the bytes of its answer.

Queries of data take the planned path (`resolvers/read/pipeline.py`), changes of data that of
`resolvers/write/pipeline.py`. graphql-core completes the rest: introspection, signing in and out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_named_type,
    print_ast,
    type_from_ast,
)

from authz.access_log import AccessLog, Kind, Record
from authz.actor import Actor
from authz.channel import Channel, neighbourhood
from authz.clients.single_use import Rate
from authz.errors import BadInput, Refused, Unauthenticated
from authz.policy.policy import Policy
from authz.policy.store import PolicyStore
from authz.refusals import Refusals
from authz.sessions.devices import LIFETIME, DeviceToken
from authz.staff.sign_in import SignIn
from models.trade.codes import holds_twelve_digits
from resolvers.read.cache import Bounded
from resolvers.read.pipeline import Prepared, PrivacyMode, Reads, Terms, parsed_operation
from resolvers.read.selection import root_names
from resolvers.read.weight import weight
from resolvers.write.pipeline import Writes
from schema.mutations.root import SESSION, MutationContext
from schema.request.document import read_document, read_variables
from schema.request.errors import executed
from schema.request.introspection import check_introspection
from schema.request.limits import DEFAULT_LIMITS, Limits
from schema.request.message import Answer, GraphQLRequest

CASE_REFERENCE = re.compile(r"[A-Za-z0-9._/-]{1,64}")
STATED = ("purpose-of-use", "case-reference", "privacy-mode")
INTROSPECTION = frozenset({"__schema", "__type"})
DOCUMENTS_WEIGHT = 4_000_000
"""Bytes of all prepared documents that a worker keeps."""
ANSWERS_WEIGHT = 8_000_000
"""Bytes of all cached introspection answers."""


KEPT_SECONDS = int(LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a valid document.

    `changes`: a mutation. `asks_data`: a session is needed. `only_session`: it signs in or out,
    and nothing else.
    """

    prepared: Prepared
    changes: bool
    introspects: bool
    asks_data: bool
    only_viewer: bool
    only_session: bool


class Answerer:
    """Answers GraphQL requests. One for each worker."""

    def __init__(
        self,
        schema: GraphQLSchema,
        reads: Reads,
        writes: Writes,
        policies: PolicyStore,
        sign_in: SignIn,
        log: AccessLog,
        refusals: Refusals,
        introspections: Rate,
        *,
        introspection: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._schema = schema
        self._reads = reads
        self._writes = writes
        self._policies = policies
        self._sign_in = sign_in
        self._log = log
        self._refusals = refusals
        self._introspections = introspections
        self._introspection = introspection
        self._limits = limits
        self._operations: Bounded[Operation] = Bounded(DOCUMENTS_WEIGHT)
        self._introspected: Bounded[Answer] = Bounded(ANSWERS_WEIGHT)

    async def __call__(self, request: GraphQLRequest) -> Answer:
        """The answer. Raises `Refused`."""
        operation = self._operation(request)
        if operation.introspects and not self._introspection:
            raise BadInput("introspection is turned off here")
        variables = read_variables(
            self._schema,
            operation.prepared.types,
            request.variables,
            lambda: operation.prepared.parsed().operation,
        )
        if operation.changes:
            if operation.only_session:
                return await self._mutate_session(operation, request)
            return await self._write(operation, variables, request)
        if not operation.asks_data:
            return await self._introspect(operation, request)
        return await self._read(operation, variables, request)

    def _operation(self, request: GraphQLRequest) -> Operation:
        found = self._operations.get((request.document, request.operation_name))
        return found or _operation(
            self._schema, request.document, request.operation_name, self._limits
        )

    def _keep(self, request: GraphQLRequest, operation: Operation, actor: Actor) -> None:
        """Remember a document; only what comes with a session may take room."""
        key = (request.document, request.operation_name)
        if self._operations.get(key, actor.id) is not operation:
            self._operations.put(key, operation, weight(key, operation), actor.id)

    async def _asked(
        self, operation: Operation, request: GraphQLRequest, kind: Kind
    ) -> tuple[Actor, Policy, Terms]:
        """Who asks, under which policy, and what they state. A refusal is logged."""
        actor: Actor | None = None
        try:
            touched = await self._sign_in.authenticate(
                bearer_token(request.headers), request.channel
            )
            actor = touched.actor
            self._keep(request, operation, actor)
            policy = await self._policies.at_least(touched.policy_version)
            return actor, policy, terms_of(request.headers)
        except Refused as refusal:
            await self._log_refused(kind, actor, request.channel, refusal)
            raise

    async def admit(self, request: GraphQLRequest) -> None:
        """Refuse, and log it, where somebody may not make a change whose input is still to come."""
        operation = self._operation(request)
        actor, policy, terms = await self._asked(operation, request, Kind.WRITE)
        await self._writes.admit(operation.prepared, terms, actor, policy)

    async def _write(
        self, operation: Operation, variables: dict[str, Any], request: GraphQLRequest
    ) -> Answer:
        actor, policy, terms = await self._asked(operation, request, Kind.WRITE)
        body = await self._writes.write(
            operation.prepared, variables, terms, actor, policy, _encoded
        )
        return Answer(200, body)

    async def _read(
        self, operation: Operation, variables: dict[str, Any], request: GraphQLRequest
    ) -> Answer:
        actor, policy, terms = await self._asked(operation, request, Kind.READ)
        encode = await self._encoder(operation, request)
        if operation.only_viewer and terms.purpose is None and terms.mode is PrivacyMode.NULL:
            told = await self._reads.viewer(operation.prepared, variables, actor, policy)
            return Answer(200, encode(told))
        body = await self._reads.read(operation.prepared, variables, terms, actor, policy, encode)
        return Answer(200, body)

    async def _encoder(
        self, operation: Operation, request: GraphQLRequest
    ) -> Callable[[dict[str, Any]], bytes]:
        """How an answer is written; introspection beside data comes from graphql-core."""
        if not operation.introspects:
            return _encoded
        told = (await self._execute(operation, request.variables, None)).data or {}

        def merged(content: dict[str, Any]) -> bytes:
            data = {key: content["data"].get(key, value) for key, value in told.items()}
            return _encoded(content | {"data": data})

        return merged

    async def _log_refused(
        self, kind: Kind, actor: Actor | None, channel: Channel | None, refusal: Refused
    ) -> None:
        """A refusal before the purpose is known to be one; its headers could hold anything."""
        record = Record(kind=kind, outcome=refusal.code)
        if actor is None:
            await self._refusals.record(channel, record)
        else:
            known = record._replace(actor=actor.id, session=actor.session, roles=actor.roles)
            await self._log.record(known)

    async def _introspect(self, operation: Operation, request: GraphQLRequest) -> Answer:
        """Nobody need be signed in for it, so what is dear is done once, and not for one address
        again and again. Raises `TooManyRequests`."""
        if operation.prepared.types:
            await self._admit_introspection(operation, request)
            return executed(await self._execute(operation, request.variables, None))
        key = (print_ast(operation.prepared.parsed().document), request.operation_name)
        answer = self._introspected.get(key)
        if answer is None:
            await self._admit_introspection(operation, request)
            answer = executed(await self._execute(operation, {}, None))
            self._introspected.put(key, answer, weight=len(answer.body))
        return answer

    async def _admit_introspection(self, operation: Operation, request: GraphQLRequest) -> None:
        if operation.introspects and request.channel is not None:
            address = self._sign_in.front.address(request.channel)
            await self._introspections.admit(neighbourhood(address))

    async def _mutate_session(self, operation: Operation, request: GraphQLRequest) -> Answer:
        policy = await self._policies.current()
        token = bearer_token(request.headers) if "authorization" in request.headers else None
        context = MutationContext(self._sign_in, token, policy, request.channel)
        answer = executed(await self._execute(operation, request.variables, context))
        if context.device is None:
            return answer
        secure = self._sign_in.front.public_url.startswith("https:")
        return answer._replace(headers=(*answer.headers, kept_device(context.device, secure)))

    async def _execute(
        self, operation: Operation, variables: dict[str, Any], context: Any
    ) -> ExecutionResult:
        parsed = operation.prepared.parsed()
        name = parsed.operation.name
        result = execute(
            self._schema,
            parsed.document,
            root_value={},
            context_value=context,
            variable_values=variables,
            operation_name=name.value if name else None,
        )
        return await result if isawaitable(result) else result


def kept_device(device: DeviceToken, secure: bool) -> tuple[str, str]:
    """The header by which a browser keeps what it shows at its next sign-in, and no script sees."""
    parts = [f"{device.name}={device.value}", "Path=/graphql", f"Max-Age={KEPT_SECONDS}"]
    parts += ["HttpOnly", "SameSite=Strict", *(["Secure"] if secure else [])]
    return "set-cookie", "; ".join(parts)


def _operation(schema: GraphQLSchema, text: str, name: str | None, limits: Limits) -> Operation:
    parsed = parsed_operation(read_document(schema, text, limits), name)
    node = parsed.operation
    if node.operation is OperationType.SUBSCRIPTION:
        raise BadInput("there are no subscriptions here")
    _refuse_given_numbers(schema, node)
    names = root_names(node, parsed.fragments)
    if names & INTROSPECTION:
        check_introspection(node, parsed.fragments)
    data = names - INTROSPECTION - {"__typename"}
    return Operation(
        Prepared.of(schema, text, name, parsed),
        changes=node.operation is OperationType.MUTATION,
        introspects=bool(names & INTROSPECTION),
        asks_data=bool(data),
        only_viewer=data == {"viewer"},
        only_session=data <= SESSION,
    )


def _refuse_given_numbers(schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
    """A number is the value of a variable; a default would put it into the document."""
    for definition in operation.variable_definitions or ():
        type_ = get_named_type(type_from_ast(schema, definition.type))
        if definition.default_value and type_ is schema.type_map["IndividualNumber"]:
            raise BadInput("an individual number arrives as a variable, never in the document")


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer …`, or of a client's `DPoP …`.

    Raises `Unauthenticated` without one.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "dpop"} or not token.strip():
        raise Unauthenticated("sign in first, then send `Authorization: Bearer …`")
    return token.strip()


def terms_of(headers: Mapping[str, str]) -> Terms:
    """What the headers state. Raises `BadInput` for one that is malformed."""
    return _terms(*(headers.get(name, "").strip() for name in STATED))


@lru_cache(maxsize=64)
def _terms(purpose: str, case_reference: str, privacy_mode: str) -> Terms:
    case = case_reference or None
    if case is not None and (not CASE_REFERENCE.fullmatch(case) or holds_twelve_digits(case)):
        raise BadInput(
            "Case-Reference is 1 to 64 of A-Z a-z 0-9 . _ / - with at most eleven digits:"
            " twelve could be an individual number"
        )
    try:
        mode = PrivacyMode(privacy_mode.lower() or "null")
    except ValueError as error:
        raise BadInput("Privacy-Mode is null, reject or dry-run") from error
    return Terms(purpose or None, case, mode)


def _encoded(content: dict[str, Any]) -> bytes:
    body: bytes = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return body
