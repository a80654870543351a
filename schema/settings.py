"""Every setting of a server: its variable, its default, what it means, what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from authz.channel import Front
from authz.keys import Keys
from models.store.database import DatabaseError
from models.tables.client import Network, networks_of
from models.tables.individual_number import StoreKind
from schema.store_urls import database_url_objection, redis_url_objection

PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
MOST_PORT = 65535
KEY_FILE, DATABASE_FILE, NUMBERS_FILE = "keys.json", "atena.sqlite", "numbers.sqlite"
Networks = tuple[Network, ...]


class SettingError(Exception):
    """A setting is missing or wrong; the message names the variable."""


def setting(default: str, meaning: str) -> Any:
    """A field of `Settings`: its default as text, and what it means (for the README's table)."""
    return field(metadata={"default": default, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, read once from `ATENA_*` variables. An empty variable counts as unset."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting("8000", "port to listen on")
    data: Path = setting(".atena", "folder of the embedded stores and of the cast")
    database_url: str = setting("", "main database; unset: SQLite in the data folder")
    numbers_url: str = setting(
        "", "separate database of individual numbers; unset: SQLite in the data folder"
    )
    redis_url: str = setting("", "Redis or Valkey; unset: an embedded Valkey as a child process")
    keys: str = setting("", "key file, mode 600; unset: made in the data folder")
    store: StoreKind = setting("demo", "`demo` or `real`, decided once for a store's whole life")
    idle_timeout: timedelta = setting("300", "seconds without a request that end a session")
    absolute_timeout: timedelta = setting("28800", "seconds that end a session in any case")
    introspection: bool = setting("on", "`on` or `off`: may clients ask for the schema")
    graphiql: bool = setting("on", "`on` or `off`: serve GraphiQL at /graphiql")
    console: bool = setting("on", "`on` or `off`: serve the policy console at /console")
    workers: int = setting("1", "processes that answer")
    store_timeout: timedelta = setting(
        "60", "seconds that a start waits for stores that do not answer yet"
    )
    drain_timeout: timedelta = setting(
        "20", "seconds that requests in progress get when the server ends"
    )
    people: int = setting("2000", "people in the demo town at the first start")
    public_url: str = setting(
        "", "address at which clients reach the server; unset: http://HOST:PORT"
    )
    proxies: Networks = setting(
        "", "networks (CIDR) of the proxies that tell a client's address and certificate"
    )
    token_lifetime: timedelta = setting("300", "seconds that a department's token lives")
    client_rate: int = setting("600", "requests a minute of one department's client")
    client_secret_basic: bool = setting(
        "off", "`on` or `off`: may clients send their secret itself"
    )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check. Raises `SettingError`, naming the variable."""
        known = {variable(name.name) for name in fields(cls)}
        unknown = [
            name
            for name in environment
            if name.startswith("ATENA_") and name not in known and not name.startswith("ATENA_TEST")
        ]
        if unknown:
            raise SettingError(f"unknown setting {', '.join(sorted(unknown))}")
        values = {}
        for item in fields(cls):
            text = environment.get(variable(item.name), "") or item.metadata["default"]
            try:
                values[item.name] = PARSERS[str(item.type)](text)
            except (ValueError, OverflowError, DatabaseError) as error:
                raise SettingError(f"{variable(item.name)}: {error}") from error
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        for name, objection in (
            ("database_url", database_url_objection),
            ("numbers_url", database_url_objection),
            ("redis_url", redis_url_objection),
        ):
            told = objection(getattr(self, name)) if getattr(self, name) else None
            if told is not None:
                raise SettingError(f"{variable(name)}: {told}")
        if self.database_url and self.database_url == self.numbers_url:
            raise SettingError(
                "ATENA_NUMBERS_URL: must be another database than ATENA_DATABASE_URL"
            )
        if not timedelta(0) < self.idle_timeout <= self.absolute_timeout:
            raise SettingError(
                "ATENA_IDLE_TIMEOUT: must be positive, at most ATENA_ABSOLUTE_TIMEOUT"
            )
        if self.port > MOST_PORT:
            raise SettingError(f"ATENA_PORT: must be a whole number from 0 to {MOST_PORT}")
        for name in ("store_timeout", "drain_timeout"):
            if not timedelta(0) <= getattr(self, name) <= timedelta(hours=1):
                raise SettingError(f"{variable(name)}: must be from 0 to 3600")
        for name in ("workers", "client_rate"):
            if getattr(self, name) < 1:
                raise SettingError(f"{variable(name)}: must be at least 1")
        if self.public_url and not PUBLIC_URL.fullmatch(self.public_url):
            raise SettingError("ATENA_PUBLIC_URL: must be https://HOST or http://HOST, no path")
        if not timedelta(0) < self.token_lifetime <= timedelta(hours=1):
            raise SettingError("ATENA_TOKEN_LIFETIME: must be positive, at most 3600")
        if self.store is StoreKind.REAL and not self.keys:
            raise SettingError("ATENA_KEYS: a real store needs a key file that is named")

    @property
    def front(self) -> Front:
        """The public face."""
        return Front(self.public_url or f"http://{self.host}:{self.port}", self.proxies)

    @property
    def main_url(self) -> str:
        """URL of the main database."""
        return self.database_url or f"sqlite:///{(self.data / DATABASE_FILE).absolute()}"

    @property
    def vault_url(self) -> str:
        """URL of the database of individual numbers."""
        return self.numbers_url or f"sqlite:///{(self.data / NUMBERS_FILE).absolute()}"

    @property
    def unmade(self) -> list[str]:
        """Files of the data folder that a first start makes, and has not made yet."""
        own = (
            (self.keys, KEY_FILE),
            (self.database_url, DATABASE_FILE),
            (self.numbers_url, NUMBERS_FILE),
        )
        return [name for named, name in own if not named and not (self.data / name).exists()]

    @property
    def makes_numbers(self) -> bool:
        """Whether a start makes the numbers' database; a server's is made by `migrate` alone,
        unless it is a new demo store's."""
        return not self.numbers_url or self.store is StoreKind.DEMO

    @property
    def has_servers(self) -> bool:
        """Whether a store is a server of its own, which may come up later than Atena."""
        return bool(self.database_url or self.numbers_url or self.redis_url)

    def load_keys(self) -> Keys:
        """The key file; the embedded one is made where it is missing."""
        if self.keys:
            return Keys.load(Path(self.keys))
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Keys.load_or_create(self.data / KEY_FILE)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"ATENA_{name.upper()}"


def _natural(text: str) -> int:
    if not re.fullmatch("[0-9]{1,8}", text) or int(text) > 10_000_000:
        raise ValueError("must be a whole number from 0 to 10000000")
    return int(text)


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError("must be on or off")
    return text == "on"


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


def _networks(text: str) -> Networks:
    return networks_of(text.replace(",", " "))


PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _natural,
    "Path": Path,
    "bool": _switch,
    "timedelta": _seconds,
    "StoreKind": StoreKind,
    "Networks": _networks,
}
