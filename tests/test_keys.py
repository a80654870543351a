"""The key file: one winner, private, refused when spoilt; keys that tell nothing of another."""

from __future__ import annotations

import hashlib
import hmac
import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from authz.keys import Keys, KeysError


def derive_in_worker(path: Path) -> bytes:
    return Keys.load_or_create(path).derive("cursor")


def test_a_new_file_is_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    keys = Keys.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Keys.load_or_create(path)
    assert again.key_id == keys.key_id
    assert again.derive("cursor") == keys.derive("cursor")
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]


def test_workers_that_race_read_one_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        derived = pool.map(derive_in_worker, [tmp_path / "keys.json"] * 16, chunksize=1)
    assert len(set(derived)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


def test_keys_differ_by_purpose_by_file_and_have_the_length_asked(tmp_path: Path) -> None:
    keys = Keys.load_or_create(tmp_path / "a")
    other = Keys.load_or_create(tmp_path / "b")
    derived = {keys.derive("cursor"), keys.derive("blind index"), other.derive("cursor")}
    assert len(derived) == 3
    assert len(keys.derive("cursor", 64)) == 64
    assert keys.derive("cursor", key_id=keys.key_id) == keys.derive("cursor")
    with pytest.raises(KeyError):
        keys.derive("cursor", key_id="k-of-another-file")


def test_derivation_is_hkdf_sha256(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"current": "k", "secrets": {"k": "%s="}}' % ("A" * 43))
    path.chmod(0o600)
    # RFC 5869 with 32 zero bytes, no salt, info "cursor"; computed with HMAC alone.
    extracted = hmac.digest(bytes(32), bytes(32), hashlib.sha256)
    expected = hmac.digest(extracted, b"cursor\x01", hashlib.sha256)
    assert Keys.load(path).derive("cursor") == expected


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    Keys.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(KeysError, match="ATENA_KEYS"):
        Keys.load_or_create(path)


def spoilt() -> list[str]:
    secret = "A" * 43 + "="
    return [
        "",
        "no json",
        "[]",
        "{}",
        '"text"',
        "[" * 60_000,
        json.dumps({"current": "k", "secrets": []}),
        json.dumps({"current": "k", "secrets": {}}),
        json.dumps({"current": "other", "secrets": {"k": secret}}),
        json.dumps({"current": ["k"], "secrets": {"k": secret}}),
        json.dumps({"current": "k", "secrets": {"k": "AAAA"}}),
        json.dumps({"current": "k", "secrets": {"k": "*" * 44}}),
        json.dumps({"current": "k", "secrets": {"k": 7}}),
        json.dumps({"current": "k", "secrets": {"k": secret, "old": "AAAA"}}),
    ]


@pytest.mark.parametrize("content", spoilt())
def test_a_malformed_file_is_refused_without_its_content(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeysError, match="ATENA_KEYS") as refusal:
        Keys.load_or_create(path)
    assert "AAAA" not in str(refusal.value)
    assert path.read_text() == content


def test_a_missing_file_is_only_made_when_asked(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="ATENA_KEYS"):
        Keys.load(tmp_path / "keys.json")
    with pytest.raises(KeysError, match="ATENA_KEYS"):
        Keys.load_or_create(tmp_path)


def test_secrets_do_not_show_in_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = Keys.load_or_create(path)
    secret = json.loads(path.read_text())["secrets"][keys.key_id]
    assert secret not in repr(keys)
    assert repr(keys) == f"Keys({keys.key_id})"
