"""What is wrong with the URL of a store. It may hold a password: no part of it is ever repeated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qsl, urlsplit

ENCODED = "the password percent-encoded (a slash as %2F)"
DATABASE_FORM = f"must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME, {ENCODED}"
REDIS_FORM = f"must be redis[s]://[USER]:PASSWORD@HOST:PORT/DB or unix://PATH, {ENCODED}"
PLACE = frozenset({"host", "port"})
_VALUES = {
    "port": re.compile("[0-9]{1,5}"),
    "db": re.compile("[0-9]{1,5}"),
    "ssl_cert_reqs": re.compile("none|optional|required"),
}
TLS = frozenset({"ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})


def database_url_objection(url: str) -> str | None:
    """What is wrong with the URL of a database; `None`: nothing that can be seen."""
    split = _split(url)
    if split is None:
        return DATABASE_FORM
    if split.scheme == "sqlite":
        right = url.startswith("sqlite:///") and len(split.path) > 1
        return _others(split, ()) if right else DATABASE_FORM
    named = re.fullmatch(r"/[^/@:]+", split.path)
    if split.scheme != "postgresql" or not named:
        return DATABASE_FORM
    if "sslmode" in (name for name, _ in _query(split)):
        return "takes no sslmode; set PGSSLMODE instead"
    if not split.hostname and "host" not in (name for name, _ in _query(split)):
        return DATABASE_FORM
    return _others(split, PLACE)


def redis_url_objection(url: str) -> str | None:
    """What is wrong with the URL of Redis; `None`: nothing that can be seen."""
    split = _split(url)
    if split is None:
        return REDIS_FORM
    if split.scheme == "unix":
        return _others(split, {"db"}) if len(split.path) > 1 else REDIS_FORM
    right = split.hostname and re.fullmatch(r"/?|/[0-9]{1,5}", split.path)
    if split.scheme not in {"redis", "rediss"} or not right:
        return REDIS_FORM
    return _others(split, {"db"} | (TLS if split.scheme == "rediss" else set()))


def _split(url: str) -> SplitResult | None:
    try:
        split = urlsplit(url)
        split.port  # noqa: B018  (it raises for what is no port)
    except ValueError:
        return None
    # Before a #, a password was taken for something else. The drivers take no scheme in capitals.
    return split if "#" not in url and url.startswith(f"{split.scheme}:") else None


def _query(split: SplitResult) -> list[tuple[str, str]]:
    return parse_qsl(split.query, keep_blank_values=True)


def _others(split: SplitResult, known: Iterable[str]) -> str | None:
    """An objection to a parameter that nobody knows or that says nothing; its name and its value
    may be a part of a password."""
    given = _query(split)
    if split.query and not {name for name, _ in given} <= set(known):
        allowed = f"only {', '.join(sorted(known))}" if known else "none"
        return f"has a parameter after the question mark that is not known here ({allowed})"
    if len(dict(given)) < len(given) or not all(_says(name, value) for name, value in given):
        return "has a parameter after the question mark twice, or with a value that it cannot have"
    return None if given or not split.query else "has something behind the question mark"


def _says(name: str, value: str) -> bool:
    rule = _VALUES.get(name)
    return bool(value if rule is None else rule.fullmatch(value))
