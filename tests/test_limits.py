"""Bounds on documents: what counts, and that a hostile one costs little more than a fair one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest
from graphql import DocumentNode, build_schema, get_introspection_query, parse

from authz.errors import BadInput, Refused
from schema.request.document import read_document
from schema.request.errors import InvalidRequest
from schema.request.limits import (
    DEFAULT_LIMITS,
    Limits,
    check_document,
    check_nesting,
    parse_document,
)

SCHEMA = build_schema(
    """
    type Query { people(first: Int, codes: [Int!]): [Person!] a: Int }
    type Person { name: String age: Int friend: Person friends(first: Int): [Person!] }
    """
)
SMALL = Limits(
    tokens=500,
    definitions=12,
    directives=2,
    depth=3,
    introspection_depth=4,
    fields=20,
    aliases=3,
    root_fields=4,
    selections=60,
    same_name_pairs=10,
)


def refused(text: str, limits: Limits = SMALL) -> str:
    """The refusal's message."""
    with pytest.raises(BadInput) as caught:
        check_document(parse_document(text, limits), limits)
    assert caught.value.code == "LIMIT_EXCEEDED"
    return caught.value.message


def taken(text: str, limits: Limits = SMALL) -> None:
    check_document(parse_document(text, limits), limits)


def test_depth_counts_through_fragments() -> None:
    taken("{ people { friend { name } } }")
    assert "levels" in refused("{ people { friend { friend { name } } } }")
    assert "levels" in refused(
        "{ people { ...F } } fragment F on Person { friend { ...G } }"
        " fragment G on Person { ... { friend { name } } }"
    )


def test_introspection_has_a_depth_of_its_own() -> None:
    taken("{ __schema { types { fields { type { name } } } } }")
    assert "introspection" in refused(
        "{ __schema { types { fields { type { ofType { name } } } } } }"
    )
    assert "levels of fields" in refused(
        "{ people { friend { __schema { name } } x { y { z } } } }"
    )


def test_aliases_count_on_the_expanded_operation() -> None:
    fragment = "fragment F on Query { x: a y: a }"
    taken(f"{{ ...F }} {fragment}")
    assert "aliases" in refused(f"{{ ...F ...F }} {fragment}")


def test_fields_count_on_the_expanded_operation() -> None:
    fragment = "fragment F on Person { name age friend { name age } }"
    limits = replace(SMALL, same_name_pairs=1000)
    taken(f"{{ people {{ ...F ...F ...F }} }} {fragment}", limits)
    assert "fields" in refused(f"{{ people {{ ...F ...F ...F ...F }} }} {fragment}", limits)


def test_root_fields_count_through_fragments() -> None:
    assert "root" in refused("{ a ...F } fragment F on Query { b c ... { d e } }")


def test_one_mutation_in_a_request() -> None:
    taken("mutation { signIn { token } }")
    assert "root" in refused("mutation { a: signIn { token } ...F } fragment F on M { b: signIn }")


@pytest.mark.parametrize(
    "place",
    [
        "{{ a {} }}",
        "query {} {{ a }}",
        "query ($x: Int {}) {{ a }}",
        "{{ ...F {} }} fragment F on Query {{ a }}",
        "{{ ... {} {{ a }} }}",
        "{{ ...F }} fragment F on Query {} {{ a }}",
    ],
)
def test_directives_in_one_place(place: str) -> None:
    taken(place.format("@d @d"))
    assert "directives" in refused(place.format("@d @d @d"))


def test_definitions_and_tokens() -> None:
    assert "definitions" in refused(" ".join(f"query Q{n} {{ a }}" for n in range(13)))
    assert "tokens" in refused("{" + "a " * 600 + "}")
    assert "tokens" in refused("#\n" * 600 + "{ a }")


def test_lists_nested_without_end_are_a_limit_too() -> None:
    for text in ("{ a(b: " + "[" * 2000, "{ a " * 2000, "{ ... " * 2000):
        assert refused(text, replace(SMALL, tokens=10_000))


def test_doubling_fragments_are_counted_without_expanding_them() -> None:
    count = 50
    text = "{ ...F0 }" + "".join(
        f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(count)
    )
    text += f" fragment F{count} on Query {{ a }}"
    assert "selections" in refused(text, DEFAULT_LIMITS)


def test_wide_bounds_do_not_make_counting_dear() -> None:
    """Each fragment is counted once: a million selections cost what fifty do."""
    wide = replace(DEFAULT_LIMITS, selections=10**6, fields=10**6, root_fields=10**6)
    single, double = (
        parse(
            "{ ...F0 }"
            + "".join(f" fragment F{n} on Query {{ {spread.format(n + 1)} }}" for n in range(50))
            + " fragment F50 on Query { a }"
        )
        for spread in ("...F{0} a", "...F{0} ...F{0}")
    )
    assert counting(double, wide) < 10 * counting(single, wide)


def counting(document: DocumentNode, limits: Limits) -> float:
    """CPU seconds to count, the best of some tries."""
    tries = []
    for _ in range(4):
        start = time.process_time()
        with suppress(Refused):
            check_document(document, limits)
        tries.append(time.process_time() - start)
    return min(tries)


def test_circular_and_double_fragments_are_validation_errors() -> None:
    circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    twice = "{ ...A } fragment A on Query { a } fragment A on Query { a }"
    for text in (circle, twice):
        with pytest.raises(InvalidRequest) as caught:
            check_document(parse(text))
        assert caught.value.code == "GRAPHQL_VALIDATION_FAILED"


def test_pairs_of_one_name_count_across_fragments_and_levels() -> None:
    parts = [f"fragment F{n} on Person {{ friend {{ name }} }}" for n in range(4)]
    spreads = " ".join(f"...F{n}" for n in range(4))
    # Four `friend` are six pairs, their four `name` six more.
    assert "same name" in refused(f"{{ people {{ {spreads} }} }} {' '.join(parts)}")
    taken(f"{{ people {{ ...F0 ...F1 ...F2 }} }} {' '.join(parts)}")


def test_unused_fragments_count_too() -> None:
    same = "name " * 8
    assert "same name" in refused(f"{{ a }} fragment F on Person {{ {same} }}")


def test_variables_nest_within_bounds() -> None:
    check_nesting({"a": [{"b": [1, 2]}]})
    deep: object = 1
    for _ in range(DEFAULT_LIMITS.nesting + 1):
        deep = {"a": deep}
    with pytest.raises(BadInput):
        check_nesting(deep)


def test_the_tools_introspection_passes() -> None:
    everything = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    read_document(SCHEMA, everything)


def test_an_empty_selection_is_a_syntax_error() -> None:
    with pytest.raises(InvalidRequest):
        parse_document("{ people { } }")


_PEOPLE = " ".join(["friend { name age }", "name", "age", "friends { name friend { age } }"])

HOSTILE = {
    "one name": "{ people { " + "name " * 980 + "} }",
    "one name with arguments": "{ people { " + "friends(first: 1) { name } " * 300 + "} }",
    "fragments of one name": "{ people { "
    + " ".join(f"...F{n}" for n in range(50))
    + " } }"
    + "".join(f" fragment F{n} on Person {{ {_PEOPLE} }}" for n in range(50)),
    "nested inline fragments": "{ people {" + "... {" * 70 + " name " + "}" * 72,
    "doubling": "{ ...F0 }"
    + "".join(f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(50))
    + " fragment F50 on Query { a }",
    "unknown fields": "{ people { " + " ".join(f"f{n}" for n in range(900)) + " } }",
    "unknown arguments": "{ people(" + " ".join(f"f{n}: 1" for n in range(900)) + ") { name } }",
    "variables": "query (" + " ".join(f"$v{n}: Int" for n in range(590)) + ") { a }",
    "literals": "{ people(codes: [" + "1 " * 2900 + "]) { name } }",
    "operations": " ".join(f"query Q{n} {{ ...F }}" for n in range(59))
    + " fragment F on Query { people { "
    + " ".join(f"... {{ {_PEOPLE} }}" for _ in range(4))
    + " } }",
}
FAIR = "{ people { " + " ".join(f"... {{ {_PEOPLE} }}" for _ in range(12)) + " } }"
"""144 fields; about a seventh of the tokens that a document may have."""


def cost(text: str) -> float:
    """CPU seconds to read a document, the best of some tries."""
    tries = []
    for _ in range(4):
        start = time.process_time()
        with suppress(Refused):
            read_document(SCHEMA, text)
        tries.append(time.process_time() - start)
    return min(tries)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_document_costs_a_small_multiple_of_a_fair_one(name: str) -> None:
    assert cost(HOSTILE[name]) < 10 * cost(FAIR)
