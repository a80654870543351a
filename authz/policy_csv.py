"""Casbin CSV: how a policy lives in a file, byte for byte the same on every way round.

    # why the lines below are there
    p, role:collection-clerk, purpose:consultation, class:residence, read, allow

A comment is the note of the lines beneath it, up to the next comment; a lone `#` ends it. Casbin
itself passes over comments.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable

from authz.policy import Line, PolicyError

WORDS = 6
LONGEST = 2000
MOST_LINES = 20_000


def export_csv(lines: Iterable[Line]) -> str:
    """The lines as Casbin CSV, in their order."""
    written: list[str] = []
    note = ""
    for line in lines:
        if line.note != note:
            note = line.note
            written.append(f"# {note}" if note else "#")
        written.append(f"p, {line.role}, {line.purpose}, {line.what}, {line.action}, {line.effect}")
    return "".join(f"{text}\n" for text in written)


def import_csv(text: str) -> tuple[Line, ...]:
    """The lines of a file. Raises `PolicyError` with the number of a line that is none."""
    found: list[Line] = []
    note = ""
    for number, written in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        stripped = written.strip()
        if len(stripped) > LONGEST:
            raise PolicyError(f"line {number}: longer than {LONGEST} characters")
        if not stripped:
            continue
        if stripped.startswith("#"):
            note = stripped[1:].strip()
            continue
        words = [word.strip() for word in next(csv.reader([stripped], skipinitialspace=True))]
        if words[0] != "p" or len(words) != WORDS or not all(words):
            raise PolicyError(
                f"line {number}: must be `p, role:…, purpose:…, class:… or a coordinate, action,"
                " allow or deny`"
            )
        if len(found) >= MOST_LINES:
            raise PolicyError(f"line {number}: a policy has at most {MOST_LINES} lines")
        role, purpose, what, action, effect = words[1:]
        found.append(Line(role, purpose, what, action, effect, note))
    return tuple(found)
