"""Atena as a person starts it: `server.py serve`, a process of its own on a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.conftest import PROJECT

START_SECONDS = 180
STEP = 0.1


@contextmanager
def live_server(settings: Mapping[str, str], out: Path) -> Iterator[str]:
    """Start, wait until it answers, give its address, and stop it as Ctrl-C does.

    `settings` are `ATENA_*` variables; `out` is where it prints to.
    """
    with live_process(settings, out) as (process, address):
        wait_for(process, address, out)
        yield address


@contextmanager
def live_process(
    settings: Mapping[str, str], out: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start, and stop at the end: the process, and where it will listen."""
    port = settings.get("ATENA_PORT") or str(free_port())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATENA_")}
    with out.open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "server.py", "serve"],
            cwd=PROJECT,
            env=kept | {"ATENA_PORT": port} | dict(settings),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for(
    process: subprocess.Popen[bytes], address: str, out: Path, path: str = "/healthz"
) -> None:
    """Until it answers 200."""
    for _ in range(int(START_SECONDS / STEP)):
        with suppress(httpx2.TransportError):
            if httpx2.get(address + path).status_code == 200:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(STEP)
            break
    raise AssertionError(f"the server did not start:\n{out.read_text(errors='replace')[-2000:]}")
