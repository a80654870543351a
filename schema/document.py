"""From text to a valid document, within bounds: parse, count, validate."""

from __future__ import annotations

from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, validate
from graphql.execution.values import VariableValues, get_variable_values

from authz.errors import BadInput
from schema.errors import BAD_USER_INPUT, MAX_ERRORS, VALIDATION_FAILED, InvalidRequest
from schema.limits import DEFAULT_LIMITS, Limits, check_document, parse_document


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


def find_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to answer: the named one, or the only one. Raises `BadInput`."""
    operations = [
        definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        and (name is None or (definition.name is not None and definition.name.value == name))
    ]
    if len(operations) == 1:
        return operations[0]
    if name is None and operations:
        raise BadInput("Name one of the document's operations in operationName.")
    raise BadInput("The document has no operation of that name.")


def read_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> dict[str, Any]:
    """The operation's variables, coerced. Raises `InvalidRequest`."""
    found = get_variable_values(
        schema,
        operation.variable_definitions or (),
        given,
        max_errors=MAX_ERRORS - 1,
        hide_suggestions=True,
    )
    if isinstance(found, VariableValues):
        return found.coerced
    raise InvalidRequest(BAD_USER_INPUT, found)
