"""Errors keep the class of a mistake and the schema's names, and never a value."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.language import ValueNode
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.errors import BadInput, PurposeRefused, Refused, Unauthenticated
from resolvers.read.selection import variable_types
from schema.request.document import read_document, read_variables
from schema.request.errors import (
    PARSE_FAILED,
    VALIDATION_FAILED,
    InvalidRequest,
    executed,
    internal,
    refusal,
    safe_message,
)

SDL = """
scalar Day
scalar Rude
scalar Polite
enum Kind { RED BLUE }
input Choice @oneOf { number: Int text: String }
input Filter {
  text: String number: Int fraction: Float flag: Boolean kind: Kind day: Day rude: Rude
  polite: Polite inner: Filter many: [Int!] choice: Choice needed: ID!
}
type Query {
  find(text: String, number: Int, fraction: Float, flag: Boolean, kind: Kind, day: Day, id: ID,
    rude: Rude, polite: Polite, filter: Filter, many: [Int!], choice: Choice): Found
  must(code: String!): Found
}
type Found { name: String kind: Kind found(number: Int): Found }
"""
ARGUMENTS = {
    "text": "String",
    "number": "Int",
    "fraction": "Float",
    "flag": "Boolean",
    "kind": "Kind",
    "day": "Day",
    "rude": "Rude",
    "polite": "Polite",
    "filter": "Filter",
    "many": "[Int!]",
    "choice": "Choice",
}


def _echo(value: Any) -> Any:
    """Fails as a driver or a careless scalar does: with the value in its text."""
    raise ValueError(f"invalid isoformat string: {value!r}")


def _echo_graphql(value: Any) -> Any:
    raise GraphQLError(f"Unknown type '{value}'. It is {value!r}.")


def _polite(value: Any) -> Any:
    raise BadInput("A day is written YYYY-MM-DD.")


def _literal(parse_value: Any) -> Any:
    def parse_literal(node: ValueNode, variables: Any = None) -> Any:
        return parse_value(getattr(node, "value", "an object"))

    return parse_literal


def _schema() -> GraphQLSchema:
    schema = build_schema(SDL)
    for name, parse_value in (("Day", _echo), ("Rude", _echo_graphql), ("Polite", _polite)):
        scalar: Any = schema.type_map[name]
        scalar.parse_value = parse_value
        scalar.parse_literal = _literal(parse_value)
        scalar.coerce_input_value = parse_value
        scalar.coerce_input_literal = _literal(parse_value)
    return schema


SCHEMA = _schema()

secrets = st.one_of(
    st.from_regex(r"Zq[A-Za-z0-9]{6,20}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{11}", fullmatch=True),
    st.text("釧路市黒金町太郎カナ", min_size=4, max_size=12),
    st.from_regex(r"Zq' (in|of type|found:|to be) '[A-Z][a-z]{4,8}'\. ", fullmatch=True),
    st.from_regex(r"Zq[a-z]{3}[\n\t.%\\{}$]{1,3}[a-z]{3}", fullmatch=True),
)


def body_of(text: str, variables: dict[str, Any] | None = None) -> str:
    """What the client gets: the messages, and the bytes as they are."""
    try:
        document = read_document(SCHEMA, text)
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        types = variable_types(SCHEMA, operation)
        read_variables(SCHEMA, types, variables or {}, lambda: operation)
    except Refused as error:
        body = refusal(error).body
        return "\n".join((body.decode(), str(orjson.loads(body)), _messages(body)))
    return ""


def _messages(body: bytes) -> str:
    return "\n".join(error["message"] for error in orjson.loads(body)["errors"])


def quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def in_object(secret: Any) -> st.SearchStrategy[Any]:
    """The secret as it is, and within lists and objects with known and unknown members."""
    names = st.sampled_from([*ARGUMENTS, "inner", "needed", "unknown"])
    return st.recursive(
        st.just(secret),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.dictionaries(names, inner, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_variable_value_is_repeated(data: st.DataObject) -> None:
    secret = data.draw(secrets)
    name = data.draw(st.sampled_from(sorted(ARGUMENTS)))
    value = data.draw(in_object(secret))
    if data.draw(st.booleans()):
        value = {secret: value}
    text = f"query ($v: {ARGUMENTS[name]}) {{ find({name}: $v) {{ name }} }}"
    assert secret not in body_of(text, {"v": value})


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_literal_is_repeated(data: st.DataObject) -> None:
    secret = data.draw(secrets)
    name = data.draw(st.sampled_from([*sorted(ARGUMENTS), "unknown"]))
    value = _literal_text(data.draw(in_object(secret)), bare=data.draw(st.booleans()))
    text = data.draw(
        st.sampled_from(
            [
                f"{{ find({name}: {value}) {{ name }} }}",
                f"{{ must({name}: {value}) {{ name nope(a: {value}) }} }}",
                f"query ($v: {ARGUMENTS.get(name, 'Int')} = {value}) {{ find {{ name }} }}",
                f"{{ find @skip(if: {value}) @nope(a: {value}) {{ name }} }}",
                f"{{ find({name}: {value}) {{ name }} find({name}: 1) {{ name }} }}",
                f"{quoted(secret)} query {{ find }}",
                f"query {quoted(secret)} {{ find }}",
            ]
        )
    )
    cut = data.draw(st.integers(0, 12))
    assert secret not in body_of(text[: len(text) - cut] if cut > 3 else text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_literal_is_repeated_from_broken_text(data: st.DataObject) -> None:
    secret = data.draw(secrets)
    value = data.draw(st.sampled_from([quoted(secret), secret, f'"""{secret}"""', f'"{secret}']))
    text = f"query ($v: Int) {{ find(number: $v, text: {value}) {{ name }} }}"
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.sampled_from(["", "}", "{", '"', "\\u00", "#", "…", "on", value, "(", "$"]))
    # A name of the client's own, such as a variable's, is no literal and may be repeated.
    apart = " " if junk == value else ""
    assert secret not in body_of(f"{text[:at]}{apart}{junk}{apart}{text[at:]}")
    assert secret not in body_of(text[:at])


def _literal_text(value: Any, *, bare: bool) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{key}: {_literal_text(item, bare=bare)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal_text(item, bare=bare) for item in value)}]"
    return str(value) if bare else quoted(value)


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ("{", {}, "Syntax error: expected Name, found <EOF>."),
        ("{ find(text: x y) }", {}, "Syntax error: expected ':', found ')'."),
        ("{ find(text: 1.) }", {}, "Syntax error."),
        ('{ find(text: "x }', {}, "Syntax error: unterminated string."),
        ("nonsense { a }", {}, "Syntax error: unexpected Name."),
        ("{ fnd { name } }", {}, "Cannot query field 'fnd' on type 'Query'."),
        ("{ find }", {}, "Field 'find' of type 'Found' must have a selection of subfields."),
        ("{ find(x: 1) { name } }", {}, "Unknown argument 'x' on field 'Query.find'."),
        ("{ find(number: 1.5) { name } }", {}, "Expected value of type 'Int'."),
        ("{ find(kind: GREEN) { name } }", {}, "The value is not one of its enum's."),
        ('{ find(kind: "RED") { name } }', {}, "Expected value of type 'Kind'."),
        ('{ find(day: "x") { name } }', {}, "Expected value of type 'Day'."),
        ("{ find(rude: 1) { name } }", {}, "The document does not fit the schema."),
        ("{ find(polite: 1) { name } }", {}, "A day is written YYYY-MM-DD."),
        (
            "{ find(filter: {}) { name } }",
            {},
            "Expected value of type 'Filter' to include required field 'needed'.",
        ),
        (
            "{ find(filter: {needed: 1, nope: 2}) { name } }",
            {},
            "Expected value of type 'Filter' not to include an unknown field.",
        ),
        (
            "{ find { name: kind name } }",
            {},
            "Fields 'name' conflict because 'kind' and 'name' are different fields.",
        ),
        (
            "{ find { found(number: 1) { name } found(number: 2) { name } } }",
            {},
            "Fields 'found' conflict because they have differing arguments.",
        ),
        (
            "query ($v: Int) { find(text: $v) { name } }",
            {},
            "Variable '$v' of type 'Int' used in position expecting type 'String'.",
        ),
        (
            "query ($v: [Int!]) { find(many: $v) { name } }",
            {"v": [1, "x"]},
            "Variable '$v' has an invalid value at [1]: Expected value of type 'Int'.",
        ),
        (
            "query ($v: Filter) { find(filter: $v) { name } }",
            {"v": {"needed": "1", "inner": {"needed": "1", "kind": "GREEN"}}},
            "Variable '$v' has an invalid value at .inner.kind:"
            " The value is not one of its enum's.",
        ),
        (
            "query ($v: Polite) { find(polite: $v) { name } }",
            {"v": "x"},
            "Variable '$v' has an invalid value: A day is written YYYY-MM-DD.",
        ),
        (
            "query ($v: String!) { must(code: $v) { name } }",
            {},
            "Variable '$v' has an invalid value:"
            " Expected a value of non-null type 'String!' to be provided.",
        ),
        (
            "query ($v: Rude) { find(rude: $v) { name } }",
            {"v": "x"},
            "Variable '$v' has an invalid value.",
        ),
    ],
)
def test_the_class_of_mistake_stays(text: str, variables: dict[str, Any], message: str) -> None:
    assert message in body_of(text, variables).splitlines()


def test_suggestions_are_dropped_even_where_graphql_core_makes_them() -> None:
    document = parse("{ must(cod: 1) { nam } fnd ...F } fragment F on Foun { name }")
    errors = validate(SCHEMA, document)
    assert any("Did you mean" in error.message for error in errors)
    assert not any("mean" in safe_message(error, VALIDATION_FAILED) for error in errors)


@pytest.mark.parametrize("secret", ["Yamada", "123456789018", "釧路"])
def test_a_scalar_cannot_slip_a_value_into_a_sentence(secret: str) -> None:
    assert secret not in body_of(f'{{ find(rude: "{secret}") {{ name }} }}')
    assert secret not in body_of("query ($v: Rude) { find(rude: $v) { name } }", {"v": secret})


def test_an_unknown_sentence_is_replaced() -> None:
    error = GraphQLError("A new release says that 123456789018 is wrong.")
    assert safe_message(error, VALIDATION_FAILED) == "The document does not fit the schema."
    assert safe_message(error, PARSE_FAILED) == "Syntax error."


def test_the_form_of_errors() -> None:
    answer = refusal(_invalid("{ fnd }"))
    assert answer.status == 400
    assert answer.request_error
    assert orjson.loads(answer.body) == {
        "errors": [
            {
                "message": "Cannot query field 'fnd' on type 'Query'.",
                "locations": [{"line": 1, "column": 3}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ]
    }


def test_errors_are_few() -> None:
    answer = refusal(_invalid("{ " + " ".join(f"f{n}" for n in range(15)) + " }"))
    assert len(orjson.loads(answer.body)["errors"]) <= 10


def _invalid(text: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read_document(SCHEMA, text)
    return caught.value


def test_a_refusal() -> None:
    answer = refusal(PurposeRefused("State a purpose.", "PURPOSE_REQUIRED"))
    assert answer.status == 403
    assert not answer.request_error
    assert orjson.loads(answer.body) == {
        "errors": [{"message": "State a purpose.", "extensions": {"code": "PURPOSE_REQUIRED"}}]
    }


def _failed(cause: Exception) -> GraphQLError:
    return GraphQLError(str(cause), path=["signIn"], original_error=cause)


def test_the_executors_answers() -> None:
    assert executed(ExecutionResult({"a": 1}, None)).body == b'{"data":{"a":1}}'

    unauthenticated = executed(ExecutionResult({"signIn": None}, [_failed(Unauthenticated("No."))]))
    assert unauthenticated.status == 401
    assert b"data" not in unauthenticated.body

    assert executed(ExecutionResult(None, [_failed(ValueError("secret"))])) == internal()

    partly = executed(
        ExecutionResult(
            {"a": 1, "b": None}, [_failed(BadInput("No.")), _failed(KeyError("secret"))]
        )
    )
    assert partly.status == 200
    assert b"secret" not in partly.body
    assert orjson.loads(partly.body)["errors"][0] == {
        "message": "No.",
        "extensions": {"code": "BAD_USER_INPUT"},
        "path": ["signIn"],
    }
