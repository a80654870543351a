"""The servers under test as processes, and the CPU time that a set of processes has used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PROJECT = Path(__file__).parent.parent
START_SECONDS = 60
TICK = os.sysconf("SC_CLK_TCK")


class StartError(Exception):
    """A server did not come up; the message is what it wrote."""


@contextmanager
def server(
    arguments: list[str], port: int, environment: Mapping[str, str], out: Path
) -> Iterator[int]:
    """Run `python ARGUMENTS…` until the end of the block; its process id, once the port answers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATENA_")}
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**kept, **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_port(process, port, out)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int, out: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise StartError(out.read_text(errors="replace"))


def cpu_seconds(processes: Iterable[int]) -> float:
    """CPU time used by these processes until now, in user and kernel mode (Linux)."""
    total = 0
    for process in processes:
        with suppress(OSError):
            words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += int(words[11]) + int(words[12])
    return total / TICK


def with_children(process: int) -> list[int]:
    """A process and what it started (the backends of a PostgreSQL server)."""
    found = [process]
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(words[1]) == process:
                found.append(int(folder.name))
    return found
