"""The locks: every package pinned and hashed, and no address that a machine would have to reach."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT

LOCKS = ["requirements", "requirements-dev"]
PIN = re.compile(r"^([a-z0-9-]+)==([^ ]+)( ; .+)? \\$", re.MULTILINE)
WANTED = re.compile(r"^([A-Za-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)$", re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_pin_a_hash_or_a_comment(name: str) -> None:
    for line in _text(f"{name}.lock").splitlines():
        assert PIN.match(line) or re.match(r"^    (--hash=sha256:[0-9a-f]{64}( \\)?|#.*)$|^#", line)


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_follows_its_input(name: str) -> None:
    pins = _pins(f"{name}.lock")
    for package, version in WANTED.findall(_text(f"{name}.in")):
        assert pins[package.lower()] == version


def test_tests_run_on_what_is_served() -> None:
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()


def test_the_old_casbin_never_comes_beside_the_new() -> None:
    assert "casbin" not in _pins("requirements-dev.lock")


def test_javascript_packages_are_pinned_by_hash_without_addresses() -> None:
    packages = json.loads(_text("package-lock.json"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert "integrity" in package or name == ""


def test_javascript_versions_are_exact() -> None:
    wanted = json.loads(_text("package.json"))
    for version in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def _pins(name: str) -> dict[str, str]:
    return {package: version for package, version, _ in PIN.findall(_text(name))}


def _text(name: str) -> str:
    return Path(PROJECT, name).read_text()
