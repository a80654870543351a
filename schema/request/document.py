"""From text to a valid document, within bounds: parse, count, validate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values

from schema.request.errors import BAD_USER_INPUT, MAX_ERRORS, VALIDATION_FAILED, InvalidRequest
from schema.request.limits import DEFAULT_LIMITS, Limits, check_document, parse_document


def read_document(
    schema: GraphQLSchema, text: str, limits: Limits = DEFAULT_LIMITS
) -> DocumentNode:
    """The valid document. Raises `InvalidRequest` or, past a limit, `BadInput`."""
    document = parse_document(text, limits)
    check_document(document, limits)
    # One error fewer: graphql-core adds its own that says it stopped.
    errors = validate(schema, document, max_errors=MAX_ERRORS - 1, hide_suggestions=True)
    if errors:
        raise InvalidRequest(VALIDATION_FAILED, errors)
    return document


def read_variables(
    schema: GraphQLSchema,
    types: Sequence[tuple[str, Any]],
    given: dict[str, Any],
    operation: Callable[[], OperationDefinitionNode],
) -> dict[str, Any]:
    """The operation's variables, coerced. Raises `InvalidRequest`.

    `types`: theirs by name. graphql-core would look them up again for each request; it is asked,
    with the `operation` itself, where one is not given or not valid.
    """
    coerced = {
        name: coerce_input_value(given[name], type_) for name, type_ in types if name in given
    }
    if len(coerced) == len(types) and all(value is not Undefined for value in coerced.values()):
        return coerced
    found = get_variable_values(
        schema,
        operation().variable_definitions or (),
        given,
        max_errors=MAX_ERRORS - 1,
        hide_suggestions=True,
    )
    if isinstance(found, VariableValues):
        return found.coerced
    raise InvalidRequest(BAD_USER_INPUT, found)
