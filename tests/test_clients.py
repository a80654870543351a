"""The public audit of GraphQL over HTTP (npm `graphql-http`): every MUST and SHOULD passes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.tiny_server import tiny_server

SCRIPT = Path(__file__).with_name("graphql_http_audit.mjs")

GET_AUDITS = {"5A70", "D6D5", "6A70"}
"""They ask for GET, which the specification leaves open (MAY): our URLs carry no data."""


@pytest.mark.node
def test_the_audit_passes(node: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    with tiny_server(PROJECT / "node_modules") as address:
        run = node(SCRIPT, f"{address}/graphql")
    assert run.returncode == 0, run.stderr
    audits = [json.loads(line) for line in run.stdout.splitlines()]
    failed = {audit["id"]: audit for audit in audits if audit["status"] != "ok"}
    assert len(audits) == 61
    assert set(failed) == GET_AUDITS, failed
    assert all(audit["name"].startswith("MAY") for audit in failed.values())
