"""The embedded server: private, persistent, alone on its data, and gone with its parent."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from authz.redis import embedded as embedded_redis
from authz.redis.embedded import EmbeddedRedis, EmbeddedRedisError

PARENT = """
import pathlib, signal, sys
from authz.redis.embedded import EmbeddedRedis
server = EmbeddedRedis.start(pathlib.Path(sys.argv[1]))
print(server.pid, server.url, flush=True)
signal.pause()
"""


def ends(process: int, seconds: float = 5.0) -> bool:
    """Whether a process (given by its pidfd) ends within a deadline."""
    return bool(select.select([process], [], [], seconds)[0])


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def socket_of(url: str) -> Path:
    return Path(url.removeprefix("unix://"))


def test_only_its_owner_can_reach_it(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path / "redis") as server, redis.from_url(server.url) as client:
        socket = socket_of(server.url)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert client.config_get("port") == {"port": "0"}
        client.set("a", "b")
        kept = list((tmp_path / "redis").rglob("*.aof"))
        assert kept
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in kept)


def test_data_outlives_a_stop_and_a_crash(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as first, redis.from_url(first.url) as client:
        client.set("stopped", "kept")
    with EmbeddedRedis.start(tmp_path) as second, redis.from_url(second.url) as client:
        assert client.get("stopped") == b"kept"
        client.set("crashed", "kept")
        os.kill(second.pid, signal.SIGKILL)
    with EmbeddedRedis.start(tmp_path) as third, redis.from_url(third.url) as client:
        assert client.get("crashed") == b"kept"


def test_stop_leaves_nothing_running_or_lying_about(tmp_path: Path) -> None:
    server = EmbeddedRedis.start(tmp_path)
    server.stop()
    server.stop()
    assert not alive(server.pid)
    assert not socket_of(server.url).parent.exists()


def test_a_long_temporary_folder_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with EmbeddedRedis.start(tmp_path / "redis") as server:
        assert len(str(socket_of(server.url))) <= embedded_redis.SOCKET_PATH_LIMIT


def test_two_servers_never_share_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "STOP_SECONDS", 0.05)
    server = EmbeddedRedis.start(tmp_path)
    with pytest.raises(EmbeddedRedisError, match="another server"):
        EmbeddedRedis.start(tmp_path)
    monkeypatch.undo()
    server.stop()


def test_a_server_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("no folder")
    with pytest.raises(EmbeddedRedisError, match=r"redis\.log"):
        EmbeddedRedis.start(tmp_path)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        with redis.from_url(url) as client:
            client.set("a", "kept")
        child = os.pidfd_open(int(pid))
        parent.send_signal(how)
    assert ends(child)
    os.close(child)
    assert socket_of(url).parent.exists()
    with EmbeddedRedis.start(tmp_path) as server, redis.from_url(server.url) as client:
        assert client.get("a") == b"kept"
        assert not socket_of(url).parent.exists()


def test_a_folder_is_taken_until_its_last_server_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        child = os.pidfd_open(int(pid))
        os.kill(int(pid), signal.SIGSTOP)
        parent.kill()
    with monkeypatch.context() as hasty:
        hasty.setattr(embedded_redis, "STOP_SECONDS", 0.05)
        with pytest.raises(EmbeddedRedisError, match="another server"):
            EmbeddedRedis.start(tmp_path)
    os.kill(int(pid), signal.SIGCONT)
    assert ends(child)
    os.close(child)
    socket_of(url).parent.rmdir()


def test_ctrl_c_of_the_group_does_not_reach_it(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)
