"""Casbin CSV: how a policy lives in a file, byte for byte the same on every way round.

    # why the lines below are there
    p, role:collection-clerk, purpose:consultation, class:residence, read, allow

A comment is the note of the lines beneath it, up to the next comment; a lone `#` ends it. Casbin
itself passes over comments.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator

from authz.policy.policy import Line, PolicyError

WORDS = 6
PADDING = "," * (WORDS - 1)
"""What a spreadsheet writes behind a comment, so that it has as many cells as a line."""

LONGEST_NOTE = 2000
LONGEST = LONGEST_NOTE + 200
MOST_LINES = 20_000
MOST_BYTES = 8 * 1024 * 1024
"""Of a whole policy as a file: what can be stored can be written, and what is written, read."""

GARBLED = frozenset("\ufffd\uf8f0\uf8f1\uf8f2\uf8f3")
"""What stands for bytes that no text in UTF-8 or CP932 has."""

END = re.compile(r"\r\n|\n|\r")


def export_csv(lines: Iterable[Line]) -> str:
    """The lines as Casbin CSV, in their order."""
    return "".join(f"{text}\n" for text in _written(lines))


def size_of(lines: Iterable[Line]) -> int:
    """Bytes of the file that the lines make."""
    return sum(len(text.encode()) + 1 for text in _written(lines))


def _written(lines: Iterable[Line]) -> Iterator[str]:
    note = ""
    for line in lines:
        if line.note != note:
            note = line.note
            yield _comment(note)
        yield f"p, {line.role}, {line.purpose}, {line.what}, {line.action}, {line.effect}"


def _comment(note: str) -> str:
    comment = f"# {note}" if note else "#"
    if comment.endswith(PADDING):
        quoted = comment.replace('"', '""')
        return f'"{quoted}"'
    return comment


def _note(comment: str) -> str:
    """What a comment says, written by an editor, or by a spreadsheet: padded, and quoted."""
    if comment.startswith('"'):
        first, *others = next(csv.reader([comment]))
        comment = ",".join((first, *filter(None, others)))
    else:
        comment = comment.removesuffix(PADDING)
    return comment[1:].strip()


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8 or CP932. Raises `PolicyError` for any other."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp932")
    except UnicodeDecodeError:
        raise PolicyError("the file is neither UTF-8 nor CP932 (Shift_JIS)") from None
    if any("\uff61" <= sign <= "\uff9f" for sign in text) and _is(content, "euc_jp"):
        raise PolicyError("the file may be CP932 or EUC-JP: save it as UTF-8")
    return text


def _is(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def import_csv(text: str) -> tuple[Line, ...]:
    """The lines of a file. Raises `PolicyError` with the number of a line that is none."""
    return tuple(line for _, line in numbered(text))


def numbered(text: str) -> list[tuple[int, Line]]:
    """The same, each with its number in the file, as an editor shows it."""
    found: list[tuple[int, Line]] = []
    note = ""
    for number, written in enumerate(END.split(text.removeprefix("\ufeff")), start=1):
        stripped = written.strip()
        if len(stripped) > LONGEST:
            raise PolicyError(f"line {number}: longer than {LONGEST} characters")
        if _is_garbled(stripped):
            raise PolicyError(
                f"line {number}: a sign that no text has; is the file UTF-8 or CP932?"
            )
        if not stripped.strip('",'):
            continue
        if stripped.startswith(("#", '"#')):
            note = _note(stripped)
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
        found.append((number, Line(role, purpose, what, action, effect, note)))
    return found


def _is_garbled(text: str) -> bool:
    """What a wrong encoding leaves behind, controls among it (ISO-2022-JP, UTF-16)."""
    return not GARBLED.isdisjoint(text) or (
        not text.isprintable()
        and any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in text)
    )
