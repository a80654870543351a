"""Serving requests: one worker in this process, or several that it watches over.

uvicorn serves; what it does not do is here. A worker that ends is replaced, however often, and the
others go on. At the end everybody who has asked is answered, and whatever still runs after the
drain time is cut off: nothing that a client does, and no store, keeps a server from ending.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

RESTART_SECONDS = 5.0
"""A worker that keeps ending is started this often, so that the others have the machine."""
SLACK_SECONDS = 5.0
"""For closing the stores after the drain time. Then the process is cut off."""
READY_SECONDS = 60.0
"""For a new worker to open its stores, before an old one makes room for it."""
HANGING_SECONDS = 30
"""Without any answer to its parent: a worker that does not come back."""
CUT_OFF = 1
FILES = 4_096
"""More than the connections of a worker and those that the system accepted for it meanwhile."""

_log = logging.getLogger("atena.server")


class Server(uvicorn.Server):
    """A worker that loses no request when it ends."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; but not later than the drain time allows."""
        if not self.should_exit:
            _cut_off_after(float(self.config.timeout_graceful_shutdown or 0) + SLACK_SECONDS)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and answer who has asked."""
        doors: Any = self.config.http
        doors.leaving = True
        with ExitStack() as stack:
            listening = [
                stack.enter_context(socket.socket(fileno=os.dup(one.fileno())))
                for server in self.servers
                for one in server.sockets
            ]
            for server in self.servers:
                server.close()
            for one in sockets or ():
                one.close()
            # Whoever has connected by now would be reset with the last copy of the socket.
            await self._accept(listening)
        await super().shutdown(None)

    async def _accept(self, listening: Iterable[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for one in listening:
            one.setblocking(False)
            while True:
                try:
                    accepted, _ = one.accept()
                except OSError:
                    break
                accepted.setblocking(False)
                await loop.connect_accepted_socket(self._connection, accepted)

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return made


def _cut_off_after(seconds: float) -> None:
    def end() -> None:
        _log.critical("cut off: the server did not end in its drain time")
        os._exit(CUT_OFF)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


class Worker(Process):
    """A process that serves."""

    @property
    def server(self) -> Server:
        """What runs in it."""
        if self._server is None:
            self._server = Server(self.config)
        assert isinstance(self._server, Server)
        return self._server


class Workers(Multiprocess):
    """The parent: it starts workers, replaces those that end, and ends them."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._started: dict[int | None, float] = {}
        self.cut_off = False

    def init_processes(self) -> None:
        """Start all of them."""
        self.processes += [self._worker() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        """Replace whoever ended, or does not answer any more."""
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if self._is_alive(process):
                continue
            process.kill()
            process.join()
            if time.monotonic() - self._started[process.pid] < RESTART_SECONDS:
                continue
            _log.error("a worker ended with status %s: another one starts", process.exitcode)
            del self._started[process.pid]
            self.processes[place] = self._worker()

    def _is_alive(self, process: Process) -> bool:
        # A worker that is being imported answers no question yet, on a busy machine for long.
        if time.monotonic() - self._started[process.pid] < READY_SECONDS:
            return process.process.is_alive()
        return process.is_alive(HANGING_SECONDS)

    def restart_all(self) -> None:
        """One after the other, each once another one serves in its place (SIGHUP)."""
        for place, old in enumerate(self.processes):
            new = self._worker()
            if not self._is_ready(new):
                new.kill()
                new.join()
                _log.error("a new worker did not open its stores: the old ones go on")
                return
            self.processes[place] = new
            old.terminate()
            self._join(old)
            self._started.pop(old.pid, None)

    def _is_ready(self, new: Worker) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and new.process.is_alive():
            if {signal.SIGTERM, signal.SIGINT} & set(self.signal_queue):
                return False
            if new.wait_until_ready(1):
                return True
        return False

    def terminate_all(self) -> None:
        """Stop listening here too, so that nobody connects whom no worker would answer."""
        for one in self.sockets:
            one.close()
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for all of them."""
        for process in self.processes:
            self._join(process)

    def handle_ttin(self) -> None:
        """The number of workers is a setting."""

    def handle_ttou(self) -> None:
        """The number of workers is a setting."""

    def _worker(self) -> Worker:
        worker = Worker(self.config, self.sockets)
        worker.start()
        self._started[worker.pid] = time.monotonic()
        return worker

    def _join(self, process: Process) -> None:
        # It cuts itself off before.
        process.process.join(float(self.config.timeout_graceful_shutdown or 0) + 2 * SLACK_SECONDS)
        if process.process.is_alive():
            process.process.kill()
            process.process.join()
        self.cut_off |= process.exitcode in (CUT_OFF, -signal.SIGKILL)


def run(config: uvicorn.Config) -> int:
    """Serve until a signal asks for the end. The exit status: 0 if nothing was cut off."""
    _allow_files()
    if config.workers > 1:
        workers = Workers(config, [config.bind_socket()])
        workers.run()
        return CUT_OFF if workers.cut_off else 0
    server = Server(config)
    # Nobody is there who could put another worker in its place: it ends in order.
    signal.signal(signal.SIGHUP, server.handle_exit)
    server.run()
    return 0 if server.started else STARTUP_FAILURE


def _allow_files() -> None:
    """Out of files, a worker could not even tell who comes that it is busy."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if resource.RLIM_INFINITY != allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
