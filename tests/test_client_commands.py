"""`server.py client …` and `server.py transfer`: what the city's operator types."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from server import account, main
from tests.authority import Authority

REGISTER = ["client", "register", "care", "--definition", "nursing-care", "--network", "10.0.0.0/8"]
SECRET = ["--authentication", "client_secret_jwt", "--binding", "dpop"]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store that nobody has used."""
    data = tmp_path_factory.mktemp("migrated") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATENA_DATA", str(data))
        assert main(["migrate"]) == 0
    return data


@pytest.fixture
def folder(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated store of its own, named by the environment."""
    shutil.copytree(migrated, tmp_path / "data")
    for name in os.environ:
        if name.startswith("ATENA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ATENA_DATA", str(tmp_path / "data"))
    return tmp_path


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "data" / "atena.sqlite")) as connection:
        return list(connection.execute(statement))


def test_a_client_is_registered_rotated_suspended_and_listed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = Authority(folder, "city").issue("care").certificate
    key = ECKey.generate_key("P-256")
    public = folder / "public.json"
    public.write_text(json.dumps(key.as_dict(private=False)), encoding="utf-8")
    given = ["--jwk", str(public), "--certificate", str(certificate)]
    assert main([*REGISTER, *given, "--item", "Collection.taxAmount"]) == 0
    assert main(["client", "approve", "care", "--operator", "second"]) == 0
    other = folder / "other.json"
    other.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=False)))
    assert main(["client", "rotate", "care", "--jwk", str(other)]) == 0
    assert main(["client", "suspend", "care"]) == 0
    capsys.readouterr()
    assert main(["client", "list"]) == 0
    told = capsys.readouterr().out.split()
    assert told[:4] == ["care", "SUSPENDED", "private_key_jwt", "mtls"]
    assert main(["client", "resume", "care"]) == 0
    logged = rows(
        folder,
        "SELECT l.actor, l.session, o.normal_form FROM access_log l JOIN logged_operation o"
        " ON o.digest = l.operation WHERE l.session = 'client:care' ORDER BY l.id",
    )
    assert [form for *_, form in logged] == [
        "client:register",
        "client:approve",
        "client:rotate",
        "client:suspend",
        "client:resume",
    ]
    own = f"operator:{account()}"
    assert [actor for actor, *_ in logged] == [own, f"operator:second@{account()}", *[own] * 3]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_command_that_changes_something_says_whose_it_is_and_what_it_is_about(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "people.csv"
    file.write_text("宛名コード\n")
    while not digest(file)[:11].isdigit():
        # The digest that looks most like a number is named, too.
        file.write_text(file.read_text() + "\n")
    staff = folder / "staff.csv"
    header = "職員番号,氏名,所属課,状態,ロール,有効開始日,有効終了日"
    staff.write_text(f"{header}\na1,後 四,,在職,collection-clerk,,\n")
    assert main([*REGISTER, *SECRET, "--operator", "first"]) == 0
    assert main(["client", "approve", "care"]) == 0
    commands = {
        "migrate": "databases",
        f"import addressees {file}": f"file:{digest(file)[:11]}",
        f"import staff {staff}": f"file:{digest(staff)[:11]}",
        "password a1": "a1",
        "transfer": "transfer:",
        "client rotate care": "client:care",
        "seed --people 60": "demo-town",
    }
    for command, about in commands.items():
        assert main([*command.split(), "--operator", "noda"]) == 0, capsys.readouterr()
        [(_, session)] = rows(
            folder,
            "SELECT l.actor, l.session FROM access_log l JOIN logged_operation o"
            f" ON o.digest = l.operation WHERE l.actor = 'operator:noda@{account()}'"
            " ORDER BY l.id DESC LIMIT 1",
        )
        assert session.startswith(about), command


def test_check_calls_nothing_sound_that_it_cannot_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in os.environ:
        if name.startswith("ATENA_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ATENA_DATA", str(tmp_path / "data"))
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert "a first start makes it" in told
    assert "stores" not in told
    with monkeypatch.context() as patch:
        patch.setenv("ATENA_REDIS_URL", "redis://127.0.0.1:1/0")
        assert main(["check"]) == 2
        assert "migrate" not in capsys.readouterr().err
    assert main(["migrate"]) == 0
    assert main(["check"]) == 0
    assert "stores, schema and policy are sound" in capsys.readouterr().out


def test_a_migration_that_stops_half_way_is_on_the_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENA_NUMBERS_URL", "postgresql://x:hidden@127.0.0.1:1/y")
    assert main(["migrate", "--operator", "noda"]) == 2
    logged = rows(
        folder,
        "SELECT l.session FROM access_log l JOIN logged_operation o ON o.digest = l.operation"
        f" WHERE l.actor = 'operator:noda@{account()}' AND o.normal_form = 'migrate'",
    )
    assert logged == [("databases",)]


@pytest.mark.parametrize(
    ("own", "given", "told"),
    [
        ("svc2", "12345678901", None),
        ("svc2", "n" * 57, None),
        ("svc2", "", None),
        ("svc2", "noda", "operator:noda@svc2"),
        ("市役所", "noda", f"operator:noda@uid-{os.getuid()}"),
        ("u771000000075", "noda", f"operator:noda@uid-{os.getuid()}"),
        ("svc2", None, "operator:svc2"),
    ],
)
def test_the_log_tells_who_typed_a_command_whatever_they_call_themselves(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    own: str,
    given: str | None,
    told: str | None,
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name=own))
    named = [] if given is None else ["--operator", given]
    assert main([*REGISTER, *SECRET, *named]) == (0 if told else 2)
    found = rows(folder, "SELECT actor FROM access_log WHERE session = 'client:care'")
    assert found == ([(told,)] if told else [])
    if not told:
        assert "--operator" in capsys.readouterr().err
        assert rows(folder, "SELECT id FROM client") == []


def test_a_secret_is_told_once_and_stored_nowhere(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*REGISTER, *SECRET]) == 0
    secret = capsys.readouterr().out.split()[-1]
    assert len(secret) == 43
    for path in (folder / "data").iterdir():
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["client", "suspend", "nobody"], "no such client"),
        (REGISTER, "needs a public key"),
        ([*REGISTER, "--jwk", "nowhere.json"], "nowhere.json: No such file"),
        ([*REGISTER, "--certificate", "README.md"], "README.md: no certificate in PEM"),
        ([*REGISTER, "--scope", "036:collection:mask"], "the operation of a scope"),
        ([*REGISTER, "--item", "Collection"], "an item is a coordinate"),
        ([*REGISTER[:-1], "10.0.0.1/8"], "a network is written as"),
        ([*REGISTER[:-1], "0.0.0.0/0"], "a prefix of /8 or longer"),
        ([*REGISTER[:-1], "128.0.0.0/1"], "a prefix of /8 or longer"),
        ([*REGISTER[:-1], "::/0"], "a prefix of /32 or longer"),
        ([*REGISTER[:-1], "::ffff:0:0/96"], "a network of IPv4 is written as"),
        (
            [*REGISTER, "--valid-from", "2026-02-01", "--valid-until", "2026-01-31"],
            "the last day of the definition is before its first day",
        ),
        ([*REGISTER, "--operator", "7710-0000-0075 x"], "name yourself"),
        ([*REGISTER, "--purpose", "consultation"], "the purpose is not the one"),
        (["export-schema", "--client", "nobody"], "there is no client"),
    ],
)
def test_what_cannot_be_is_said_and_not_done(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    if arguments[:2] == ["client", "register"] and said != "needs a public key":
        arguments = [*arguments, *SECRET]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert rows(folder, "SELECT * FROM client") == []


def test_a_definition_takes_two_persons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*REGISTER, *SECRET, "--operator", "first"]) == 0
    assert main(["client", "approve", "care", "--operator", "First"]) == 2
    assert "another person" in capsys.readouterr().err
    assert main(["client", "resume", "care"]) == 2
    assert "waits for approval" in capsys.readouterr().err
    assert rows(folder, "SELECT state FROM client") == [("PROPOSED",)]
    assert main(["client", "approve", "care", "--operator", "second"]) == 0
    assert rows(folder, "SELECT state FROM client") == [("ACTIVE",)]
    assert main(["client", "approve", "care", "--operator", "third"]) == 2
    assert "does not wait for approval" in capsys.readouterr().err


def test_the_same_key_again_changes_nothing_and_one_key_alone_is_removed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = [folder / "one.json", folder / "two.json"]
    keys = [ECKey.generate_key("P-256").as_dict(private=False) for _ in public]
    for path, key in zip(public, keys, strict=True):
        path.write_text(json.dumps(key))
    dpop = ["--binding", "dpop", "--jwk"]
    assert main([*REGISTER, *dpop, str(public[0])]) == 0
    assert main(["client", "rotate", "care", "--jwk", str(public[1])]) == 0
    kept = rows(folder, "SELECT id, value FROM client_credential ORDER BY id")
    public[1].write_text(json.dumps({**keys[1], "kid": "another name for the same key"}))
    for path in public:
        assert main(["client", "rotate", "care", "--jwk", str(path)]) == 2
        assert "has this credential already" in capsys.readouterr().err
    assert rows(folder, "SELECT id, value FROM client_credential ORDER BY id") == kept
    assert main(["client", "list"]) == 0
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert listed == [[str(number), "JWK"] for number, _ in reversed(kept)]
    compromised = str(kept[0][0])
    assert main(["client", "remove", "care", "--credential", compromised]) == 0
    assert main(["client", "remove", "care", "--credential", compromised]) == 2
    assert "no such credential" in capsys.readouterr().err
    assert rows(folder, "SELECT id, value FROM client_credential") == kept[1:]


def test_of_a_key_s_file_nothing_but_the_key_is_kept(folder: Path) -> None:
    key = ECKey.generate_key("P-256").as_dict(private=False)
    public = folder / "public.json"
    public.write_text(json.dumps({**key, "kid": "7710-0000-0075", "note": "771000000075"}))
    assert main([*REGISTER, "--binding", "dpop", "--jwk", str(public)]) == 0
    [(kept,)] = rows(folder, "SELECT value FROM client_credential")
    assert json.loads(str(kept)) == {name: key[name] for name in ("crv", "kty", "x", "y")}


@pytest.mark.parametrize(
    ("days", "said"),
    [(-1, "the certificate expired on"), (-20, "the certificate is never valid")],
)
def test_a_certificate_that_is_not_in_force_is_not_registered(
    folder: Path, capsys: pytest.CaptureFixture[str], days: int, said: str
) -> None:
    certificate = Authority(folder, "city").issue("care", days=days).certificate
    assert main([*REGISTER, *SECRET[:2], "--certificate", str(certificate)]) == 2
    assert said in capsys.readouterr().err
    assert rows(folder, "SELECT * FROM client") == []


def test_a_private_key_is_not_registered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    private = folder / "private.json"
    private.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))
    assert main([*REGISTER, "--binding", "dpop", "--jwk", str(private)]) == 2
    assert "this is a private key" in capsys.readouterr().err


@pytest.mark.parametrize(
    "generate",
    [
        lambda: RSAKey.generate_key(1024),
        lambda: ECKey.generate_key("secp256k1"),
        lambda: OKPKey.generate_key("X25519"),
    ],
    ids=["short", "another curve", "for secrecy"],
)
@pytest.mark.filterwarnings("ignore:Key size")
def test_a_key_that_does_not_sign_well_is_not_registered(
    folder: Path, capsys: pytest.CaptureFixture[str], generate: Callable[[], Key]
) -> None:
    public = folder / "public.json"
    public.write_text(json.dumps(generate().as_dict(private=False)))
    assert main([*REGISTER, "--binding", "dpop", "--jwk", str(public)]) == 2
    assert "2048 bits" in capsys.readouterr().err


@pytest.mark.parametrize(
    "says", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES384"}, {"alg": "none"}]
)
def test_a_key_with_which_no_assertion_is_verified_is_not_registered(
    folder: Path, capsys: pytest.CaptureFixture[str], says: dict[str, object]
) -> None:
    public = folder / "public.json"
    key = ECKey.generate_key("P-256").as_dict(private=False)
    public.write_text(json.dumps({**key, **says}))
    assert main([*REGISTER, "--binding", "dpop", "--jwk", str(public)]) == 2
    assert "verifies no assertion" in capsys.readouterr().err
    public.write_text(json.dumps({**key, "use": "sig", "key_ops": ["verify"], "alg": "ES256"}))
    assert main([*REGISTER, "--binding", "dpop", "--jwk", str(public)]) == 0


def test_no_two_clients_read_alike(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*REGISTER, *SECRET]) == 0
    assert main([*REGISTER[:2], "Care", *REGISTER[3:], *SECRET]) == 2
    assert "in large or small letters" in capsys.readouterr().err
    assert rows(folder, "SELECT id FROM client") == [("care",)]


@pytest.mark.parametrize("number", [str(2**63), "0", "-1", "one"])
def test_a_number_that_no_row_has_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["client", "remove", "care", f"--credential={number}"])
    assert "--credential" in capsys.readouterr().err


def test_the_days_transfers_are_ordered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, definition in (("care", "nursing-care"), ("child", "child-welfare")):
        common = ["--definition", definition, "--network", "10.0.0.0/8", *SECRET]
        assert main(["client", "register", name, *common]) == 0
        assert main(["client", "approve", name, "--operator", "second"]) == 0
    assert main(["client", "suspend", "child"]) == 0
    capsys.readouterr()
    assert main(["transfer", "--changed"]) == 0
    [code] = capsys.readouterr().out.split()
    assert code.startswith("nursing-care-")
    ordered = rows(folder, "SELECT code, client_id, extent, state, prepared_by FROM transfer")
    assert ordered == [(code, "care", "CHANGED", "DEFINED", "server.py")]


def test_a_definition_whose_last_day_is_past_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*REGISTER, "--authentication", "client_secret_jwt", "--valid-until", "2020-03-31"]
    assert main(given) == 2
    assert "past" in capsys.readouterr().err
