"""How an error is written: a stable code and a message that never repeats a value.

graphql-core puts literals, variable values and suggestions into its messages. Nothing of such a
message is passed on unless it fits, word by word, a sentence listed here whose gaps take GraphQL
names and types only; any other message is replaced by the name of its class. So a new release with
new sentences makes messages poorer, never more talkative.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError
from graphql.language.token_kind import TokenKind

from authz.errors import BadInput, CellHidden, Refused
from schema.request.message import Answer

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"

MAX_ERRORS = 10
"""More mistakes than a person reads at once; validation stops there."""

_UNFIT = {
    PARSE_FAILED: "Syntax error.",
    VALIDATION_FAILED: "The document does not fit the schema.",
    BAD_USER_INPUT: "A variable does not fit its type.",
}


class InvalidRequest(BadInput):
    """Syntax, validation or variable errors: `errors` as graphql-core tells them, still unmasked.

    `code` is one of `PARSE_FAILED`, `VALIDATION_FAILED`, `BAD_USER_INPUT`.
    """

    def __init__(self, code: str, errors: Sequence[GraphQLError]) -> None:
        super().__init__(_UNFIT[code], code)
        self.errors = tuple(errors)


def refusal(error: Refused) -> Answer:
    """The answer to a refused request: no data, the code's status."""
    if isinstance(error, InvalidRequest):
        masked = [_masked(one, error.code) for one in error.errors[:MAX_ERRORS]]
        return Answer(error.status, _body(masked), request_error=True)
    written = _written(error.message, error.code)
    if isinstance(error, CellHidden):
        written["extensions"]["coordinate"] = error.coordinate
    answer = Answer(error.status, _body([written]))
    wait = getattr(error, "retry_after", None)
    return answer if wait is None else answer._replace(headers=(("retry-after", str(wait)),))


def refused(code: str, message: str, status: int) -> Answer:
    """The answer with a single error. `message` must hold no value of the request."""
    return Answer(status, _body([_written(message, code)]))


def internal() -> Answer:
    """The answer to anything unforeseen: it tells nothing."""
    return refused(INTERNAL, "Internal error.", 500)


def executed(result: ExecutionResult) -> Answer:
    """The answer of graphql-core's executor (introspection and mutations).

    Where nothing but refusals came out, the first refusal's status and no data; otherwise 200.
    """
    errors = result.errors or []
    if not errors:
        return Answer(200, orjson.dumps({"data": result.data}))
    if not any(value is not None for value in (result.data or {}).values()):
        cause = _refusal_behind(errors[0])
        return internal() if cause is None else refusal(cause)
    written = [failed_field(error) for error in errors[:MAX_ERRORS]]
    return Answer(200, orjson.dumps({"data": result.data, "errors": written}))


def failed_field(error: GraphQLError) -> dict[str, Any]:
    """An error raised while a field was answered, as it goes on the wire."""
    cause = _refusal_behind(error)
    code, message = (INTERNAL, "Internal error.") if cause is None else (cause.code, cause.message)
    written = _written(message, code, error)
    if error.path:
        written["path"] = list(error.path)
    return written


_DIGITS = re.compile(r"[0-9]{9}")


def safe_message(error: GraphQLError, code: str) -> str:
    """The message without any value. `code` tells which kind of mistake it is about."""
    if code == PARSE_FAILED:
        return _safe_syntax(error.message)
    if code == BAD_USER_INPUT:
        return _safe_variable(error)
    cause = _refusal_behind(error)
    if cause is not None:
        return cause.message
    # The rules always name nodes; a scalar's own error, which may hold its value, names none.
    written = _first_fit(error.message, _DOCUMENT if error.nodes else _GENERAL)
    written = written or _first_fit(error.message, _VALUE) or _UNFIT[code]
    # A name that the client chose, such as a variable's, may end in a number that slipped into it.
    return _UNFIT[code] if _DIGITS.search(written) else written


def _body(errors: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"errors": errors})


def _masked(error: GraphQLError, code: str) -> dict[str, Any]:
    return _written(safe_message(error, code), code, error)


def _written(message: str, code: str, error: GraphQLError | None = None) -> dict[str, Any]:
    written: dict[str, Any] = {"message": message}
    if error is not None and error.locations:
        written["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    written["extensions"] = {"code": code}
    return written


def _refusal_behind(error: BaseException | None) -> Refused | None:
    while error is not None and not isinstance(error, Refused):
        error = getattr(error, "original_error", None)
    return error


# Sentences, one a line; a longer one goes on after four spaces. {name} is a GraphQL name, {type} a
# type reference. Three dots at the end: the rest of graphql-core's sentence is dropped. After =>
# stands what replaces the sentence; its gaps are the sentence's first ones, in order.

_NAME = r"[_A-Za-z][_0-9A-Za-z]{0,127}"
_GAPS = {"name": _NAME, "type": rf"\[{{0,8}}{_NAME}[\]!]{{0,16}}", "word": r"[a-z]{1,20}"}

_DOCUMENT_SENTENCES = """
Cannot query field '{name}' on type '{type}'. ...
Unknown argument '{name}' on field '{type}.{name}'. ...
Unknown argument '{name}' on directive '@{name}'. ...
Unknown argument '{name}' on fragment '{name}'. ...
Unknown type '{name}'. ...
Unknown directive '@{name}'.
Unknown fragment '{name}'.
Directive '@{name}' may not be used on {name}.
The directive '@{name}' can only be used once at this location.
The {word} operation is not supported by the schema.
The ... => The document may hold operations and fragments only.
Field '{name}' must not have a selection since type '{type}' has no subfields.
Field '{name}' of type '{type}' must have a selection of subfields. ...
Field '{name}' of type '{type}' must have at least one field selected.
Fields '{name}' conflict because they have differing arguments. ...
Fields '{name}' conflict because '{name}' and '{name}' are different fields. ...
Fields '{name}' conflict because ... => Fields '{name}' conflict.
There can be only one argument named '{name}'.
There can be only one operation named '{name}'.
There can be only one fragment named '{name}'.
There can be only one variable named '${name}'.
There can be only one input field named '{name}'.
This anonymous operation must be the only defined operation.
Variable '${name}' is not defined by operation '{name}'.
Variable '${name}' is not defined.
Variable '${name}' is never used in operation '{name}'.
Variable '${name}' is never used in fragment '{name}'.
Variable '${name}' is never used.
Variable '${name}' cannot be non-input type '{type}'.
Variable '${name}' expected value of type '{type}' which ...
    => Variable '${name}' cannot be non-input type '{type}'.
Variable '${name}' of type '{type}' used in position expecting type '{type}'.
Variable '${name}' is of type '{type}' but must be non-nullable to be used for OneOf
    Input Object '{type}'.
Fragment '{name}' is never used.
Fragment cannot condition on non composite type '{type}'.
Fragment '{name}' cannot condition on non composite type '{type}'.
Fragment cannot be spread here as objects of type '{type}' can never be of type '{type}'.
Fragment '{name}' cannot be spread here as objects of type '{type}' can never be of type '{type}'.
Cannot spread fragment '{name}' within itself... => Cannot spread fragment '{name}' within itself.
Argument '{type}.{name}({name}:)' of type '{type}' is required, but it was not provided.
Argument '@{name}({name}:)' of type '{type}' is required, but it was not provided.
GraphQL introspection has been disabled, but ... => Introspection is turned off.
Maximum introspection depth exceeded
"""

_GENERAL_SENTENCES = """
Too many validation errors, error limit reached. Validation aborted.
Validation aborted.
Too many errors processing variables, error limit reached. ...
Variable values are nested too deeply.
Must provide operation name if query contains multiple operations.
Must provide an operation.
Unknown operation named ... => There is no operation of that name.
"""

_VALUE_SENTENCES = """
Expected value of non-null type '{type}' not to be None.
    => Expected value of non-null type '{type}' not to be null.
Expected a value of non-null type '{type}' to be provided.
Expected value of type '{type}' to be an object...
    => Expected value of type '{type}' to be an object.
Expected value of type '{type}' to include required field '{name}'...
    => Expected value of type '{type}' to include required field '{name}'.
Expected value of type '{type}' not to include unknown field ...
    => Expected value of type '{type}' not to include an unknown field.
Within OneOf Input Object type '{type}', exactly one field must be specified,
    and the value for that field must be non-null.
Expected value of type '{type}'... => Expected value of type '{type}'.
Enum '{name}' cannot represent ... => Expected value of type '{name}'.
Value ... => The value is not one of its enum's.
{name} cannot represent ... => Expected value of type '{name}'.
"""

_GAP = re.compile(r"\{(name|type|word)\}")


def _compiled(line: str) -> tuple[re.Pattern[str], str]:
    """The pattern of a sentence, and what is written, with `%s` for the gaps' texts."""
    sentence, _, replacement = (part.strip() for part in line.partition("=>"))
    stem = sentence.removesuffix("...")
    parts = _GAP.split(stem if replacement else stem.rstrip())
    pattern = "".join(
        f"({_GAPS[part]})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    if sentence.endswith("..."):
        pattern += ".*"
    return re.compile(pattern, re.DOTALL), _GAP.sub("%s", replacement or stem.rstrip())


def _table(text: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(_compiled(line) for line in text.strip().replace("\n    ", " ").splitlines())


_DOCUMENT = _table(_DOCUMENT_SENTENCES)
_GENERAL = _table(_GENERAL_SENTENCES)
_VALUE = _table(_VALUE_SENTENCES)


def _first_fit(message: str, sentences: Iterable[tuple[re.Pattern[str], str]]) -> str | None:
    for pattern, written in sentences:
        if found := pattern.fullmatch(message):
            return written % found.groups()[: written.count("%s")]
    return None


_VARIABLE = re.compile(
    rf"Variable '\$({_NAME})' has invalid (default )?value"
    rf"(?: at ((?:\.{_NAME}|\[[0-9]{{1,9}}\]){{1,40}}))?: (.*)",
    re.DOTALL,
)


def _safe_variable(error: GraphQLError) -> str:
    """`Variable '$filter' has an invalid value at .code.eq: …`; the path holds schema names."""
    found = _VARIABLE.fullmatch(error.message)
    if not found:
        return _first_fit(error.message, (*_GENERAL, *_DOCUMENT)) or _UNFIT[BAD_USER_INPUT]
    name, _default, path, reason = found.groups()
    cause = _refusal_behind(error)
    said = _first_fit(reason, _VALUE) if cause is None else cause.message
    where = f" at {path}" if path else ""
    return f"Variable '${name}' has an invalid value{where}" + (f": {said}" if said else ".")


_KINDS = "|".join(sorted((re.escape(kind.value) for kind in TokenKind), key=len, reverse=True))
_TOKEN = rf"'?(?:{_KINDS})'?"
_SYNTAX = (
    (
        re.compile(
            rf"Expected ({_TOKEN}|'[a-z]{{1,12}}'), found ({_TOKEN})(?: '.*')?\.", re.DOTALL
        ),
        "Syntax error: expected %s, found %s.",
    ),
    (re.compile(rf"Unexpected ({_TOKEN})(?: '.*')?\.", re.DOTALL), "Syntax error: unexpected %s."),
    (re.compile(r"Unterminated string\."), "Syntax error: unterminated string."),
)


def _safe_syntax(message: str) -> str:
    said = _first_fit(message.removeprefix("Syntax Error: "), _SYNTAX)
    return said or _UNFIT[PARSE_FAILED]
