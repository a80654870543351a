"""Check digits against the published values, and what they can and cannot find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade.check_digits import (
    corporate_check_digit,
    demo_check_digit,
    individual_check_digit,
    is_corporate_number,
    is_demo_number,
    is_individual_number,
    is_municipality_code,
    municipality_check_digit,
)


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def test_individual_number_of_the_published_examples() -> None:
    assert individual_check_digit("12345678901") == 8
    assert is_individual_number("621498320257")
    # The two remainders that share the check digit 0.
    assert is_individual_number("100000000080")
    assert is_individual_number("100000000030")


def test_corporate_number_of_the_published_examples() -> None:
    assert is_corporate_number("7123456789012")
    assert is_corporate_number("7000020012068")


@pytest.mark.parametrize("code", ["012068", "010006", "131016"])
def test_municipality_code_of_the_published_examples(code: str) -> None:
    assert is_municipality_code(code)


@given(digits(11))
def test_a_number_is_real_or_demo_and_never_both(first: str) -> None:
    real = [last for last in "0123456789" if is_individual_number(first + last)]
    demo = [last for last in "0123456789" if is_demo_number(first + last)]
    assert real == [str(individual_check_digit(first))]
    assert demo == [str(demo_check_digit(first))]
    assert real != demo


@given(digits(12))
def test_corporate_check_digit_is_one_to_nine(last: str) -> None:
    assert 1 <= corporate_check_digit(last) <= 9
    assert is_corporate_number(f"{corporate_check_digit(last)}{last}")


@given(digits(5))
def test_one_municipality_check_digit_fits(first: str) -> None:
    fitting = [last for last in "0123456789" if is_municipality_code(first + last)]
    assert fitting == [str(municipality_check_digit(first))]


@given(st.text(max_size=14))
def test_anything_but_ascii_digits_is_refused(text: str) -> None:
    if not (text.isascii() and text.isdigit()):
        assert not is_individual_number(text)
        assert not is_demo_number(text)
        assert not is_corporate_number(text)
        assert not is_municipality_code(text)


def test_full_width_digits_are_not_digits_here() -> None:
    assert not is_individual_number("６２１４９８３２０２５７")


@pytest.mark.parametrize("given", ["62149832025", "6214983202570", ""])
def test_a_wrong_length_is_refused(given: str) -> None:
    assert not is_individual_number(given)


def test_the_error_does_not_repeat_the_digits() -> None:
    with pytest.raises(ValueError, match="needs exactly 11 digits") as raised:
        individual_check_digit("6214983202570")
    assert "62149" not in str(raised.value)
