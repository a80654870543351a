"""Atena as a person starts it: `server.py serve` with stores of its own on a free port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import PROJECT

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
HEADERS = {
    "purpose": "Purpose-Of-Use",
    "case_reference": "Case-Reference",
    "privacy_mode": "Privacy-Mode",
}

START_SECONDS = 120
STEP = 0.1


@dataclass(frozen=True, slots=True)
class Member:
    """One of the demo cast."""

    staff_id: str
    password: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A running server: its address, and the folder of its stores and cast."""

    address: str
    data: Path

    def member(self, *roles: str) -> Member:
        """The member of the demo cast who holds exactly these roles."""
        for one in json.loads((self.data / "cast.json").read_text(encoding="utf-8")):
            if sorted(one["roles"]) == sorted(roles):
                return Member(
                    one["staffId"], one["password"], tuple(one["roles"]), tuple(one["purposes"])
                )
        raise LookupError(roles)

    def client(self, member: Member, **stated: str) -> Callable[..., dict[str, Any]]:
        """Sign in; returns a function of a document and variables that answers with the JSON.

        `stated`: `purpose`, `case_reference`, `privacy_mode`.
        """
        given = {"staffId": member.staff_id, "password": member.password}
        signed_in = self.ask(SIGN_IN, {"input": given})
        headers = {HEADERS[name]: value for name, value in stated.items()}
        headers["Authorization"] = f"Bearer {signed_in['data']['signIn']['token']}"

        def ask(document: str, **variables: Any) -> dict[str, Any]:
            return self.ask(document, variables, headers)

        return ask

    def ask(
        self, document: str, variables: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON of one answer, whatever its status."""
        answer = httpx2.post(
            f"{self.address}/graphql",
            json={"query": document, "variables": dict(variables)},
            headers=dict(headers or {}),
        )
        content: dict[str, Any] = answer.json()
        return content


@contextmanager
def live_server(data: Path, settings: Mapping[str, str]) -> Iterator[LiveServer]:
    """Start, wait until it answers, and stop as Ctrl-C does. `settings` are `ATENA_*` variables."""
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATENA_")}
    environment = kept | {"ATENA_DATA": str(data), "ATENA_PORT": str(port), **settings}
    with (data.parent / f"{data.name}.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "server.py", "serve"],
            cwd=PROJECT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/healthz", Path(out.name))
            yield LiveServer(f"http://127.0.0.1:{port}", data)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str, out: Path) -> None:
    for _ in range(int(START_SECONDS / STEP)):
        with suppress(httpx2.TransportError):
            if httpx2.get(address).status_code == 200:
                return
        with suppress(subprocess.TimeoutExpired):
            process.wait(STEP)
            break
    raise AssertionError(f"the server did not start:\n{out.read_text(errors='replace')[-2000:]}")
