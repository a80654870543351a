"""Check digits of the three public numbers: a typing aid, never a proof of identity or existence.

Individual number   12 digits, the last is the check digit (Number Act enforcement order, art. 8;
                    ordinance of MIC no. 85 of 2014, art. 5)
Corporate number    13 digits, the first is the check digit 1-9 (ordinance of MOF no. 70 of 2014,
                    art. 2)
Municipality code   6 digits, the last is the check digit (national local government code)
"""

from __future__ import annotations

INDIVIDUAL_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
MUNICIPALITY_WEIGHTS = (6, 5, 4, 3, 2)


def individual_check_digit(first_eleven: str) -> int:
    """The check digit of an individual number from its first 11 digits. Raises `ValueError`."""
    remainder = _weighted(first_eleven, INDIVIDUAL_WEIGHTS) % 11
    return 0 if remainder <= 1 else 11 - remainder


def is_individual_number(number: str) -> bool:
    """Twelve digits with the right check digit: the only kind that a real store takes."""
    return _digits(number, 12) and int(number[11]) == individual_check_digit(number[:11])


def is_demo_number(number: str) -> bool:
    """Twelve digits whose check digit is one too high (9 wraps to 0).

    No such number can have been issued, so demo data in this form belongs to nobody.
    """
    return _digits(number, 12) and int(number[11]) == demo_check_digit(number[:11])


def demo_check_digit(first_eleven: str) -> int:
    """The digit that a demo store asks for in place of the check digit. Raises `ValueError`."""
    return (individual_check_digit(first_eleven) + 1) % 10


def corporate_check_digit(last_twelve: str) -> int:
    """The leading check digit (1-9) of a corporate number from its other 12 digits.

    Raises `ValueError` for anything but 12 digits.
    """
    return 9 - _weighted(last_twelve, (2, 1) * 6) % 9


def is_corporate_number(number: str) -> bool:
    """Thirteen digits with the right leading check digit."""
    return _digits(number, 13) and int(number[0]) == corporate_check_digit(number[1:])


def municipality_check_digit(first_five: str) -> int:
    """The check digit of a municipality code from prefecture (2) and municipality (3).

    Raises `ValueError` for anything but 5 digits.
    """
    return (11 - _weighted(first_five, MUNICIPALITY_WEIGHTS) % 11) % 10


def is_municipality_code(code: str) -> bool:
    """Six digits with the right check digit."""
    return _digits(code, 6) and int(code[5]) == municipality_check_digit(code[:5])


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    if not _digits(digits, len(weights)):
        # The message must not repeat what was given: it may be part of somebody's number.
        raise ValueError(f"needs exactly {len(weights)} digits 0-9")
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()
