"""移転 from order to receipt, over HTTP: made, checked, released, fetched, confirmed or refused."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from starlette.types import Message

from authz.errors import Unauthenticated
from authz.policy.policy import Line
from authz.redis.embedded import EmbeddedRedis
from models.tables.client import ClientState
from resolvers.demo.clients import SCOPES, definition_of
from resolvers.transfer import content as transfer_content
from resolvers.transfer import job as transfer_run
from resolvers.transfer.content import status_of
from resolvers.transfer.delivery import TransferFiles, Undeliverable
from resolvers.transfer.job import TransferRunner
from resolvers.transfer.store import Row, TransferStore
from tests.conftest import NewDatabase
from tests.department import CODES, Department, Town, departments, register
from tests.test_departments import PAYERS
from tests.valkey import until
from tests.world import KATO, NUMBER, TANAKA, YAMADA

CLERK, DIRECTOR = "sato", "kato"
MANAGEMENT = "collection-management"
NDJSON, CSV, HTML = "application/x-ndjson", "text/csv", "text/html"
NURSING = "nursing-care"
HEALTH = "national-health-insurance"
CITY = "municipal-and-property-tax"

SHOWN = """
  transfer {
    code state personCount levyCount coveredCount heldBackCount ndjsonDigest csvDigest
    preparedBy releasedBy transferredBy rejectReason receivedBy
    checks { nodes { name passed reason } }
  }
"""
TRANSFERS = "{ transfers(first: 200) { totalCount nodes { code state definitionCode } } }"


def mutation(name: str) -> str:
    """The document of one mutation of transfers."""
    kind = name[0].upper() + name[1:]
    if name in {"releaseTransfer", "withdrawTransfer"}:
        kind = "Transfer"
    return f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {SHOWN} }} }}"


@pytest.fixture(scope="module")
async def town(
    new_database: NewDatabase, valkey: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer_run, "IDLE_SECONDS", 0.05)
        # One person a part, so that a transfer has several.
        patch.setattr(transfer_content, "PEOPLE", 1)
        async with departments(new_database, valkey, tmp_path_factory.mktemp("transfers")) as made:
            yield made


async def staff(town: Town, who: str, name: str, **given: Any) -> httpx2.Response:
    return await town.world.ask(who, MANAGEMENT, mutation(name), {"input": given})


async def client(department: Department, name: str, **given: Any) -> httpx2.Response:
    return await department.ask(mutation(name), {"input": given})


def shown(response: httpx2.Response) -> dict[str, Any]:
    """The transfer that a good mutation shows."""
    assert response.status_code == 200, response.text
    [payload] = response.json()["data"].values()
    transfer: dict[str, Any] = payload["transfer"]
    return transfer


def code_of_error(response: httpx2.Response) -> str:
    code: str = response.json()["errors"][0]["extensions"]["code"]
    return code


async def look(town: Town, code: str) -> dict[str, Any]:
    """A transfer as the clerk sees it."""
    document = f"{{ transfers(first: 200) {{ nodes {{ {SHOWN.strip()[10:-1]} }} }} }}"
    data = await town.world.data(CLERK, MANAGEMENT, document)
    return next(node for node in data["transfers"]["nodes"] if node["code"] == code)


async def made(town: Town, definition: str, **given: Any) -> dict[str, Any]:
    """Order a transfer, and wait until its content is made."""
    ordered = shown(await staff(town, CLERK, "prepareTransfer", definitionCode=definition, **given))
    assert ordered["state"] == "DEFINED"

    async def done() -> bool:
        return await _state(town, ordered["code"]) != "DEFINED"

    await until(done, 20)
    return await look(town, ordered["code"])


async def released(town: Town, definition: str, **given: Any) -> str:
    """A transfer that may be fetched."""
    transfer = await made(town, definition, **given)
    assert transfer["state"] == "CHECKED", transfer
    code: str = transfer["code"]
    assert shown(await staff(town, DIRECTOR, "releaseTransfer", code=code))["state"] == "RELEASED"
    return code


async def fetch(
    department: Department, code: str, accept: str = NDJSON, method: str = "GET", **headers: str
) -> httpx2.Response:
    if department.token is None:
        await department.sign_in()
    path = f"/transfers/{code}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    presented = department.presented(method, path)
    return await department.http.request(
        method, path, headers={"accept": accept, **presented, **named}
    )


def repr_digest(response: httpx2.Response) -> str:
    """The SHA-256 that an answer names, in hexadecimal."""
    text = response.headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":")
    return base64.b64decode(text).hex()


# -- the whole way -----------------------------------------------------------------------------


async def test_from_order_to_receipt(town: Town) -> None:
    transfer = await made(town, CITY)
    assert (transfer["state"], transfer["preparedBy"]) == ("CHECKED", CLERK)
    assert (transfer["personCount"], transfer["levyCount"]) == (2, 3)
    assert [check["passed"] for check in transfer["checks"]["nodes"]] == [True] * 4
    code = transfer["code"]
    early = await fetch(town[CITY], code)
    assert (early.status_code, early.json()["error"]) == (409, "not_fetchable")
    assert (
        shown(await staff(town, DIRECTOR, "releaseTransfer", code=code))["releasedBy"] == DIRECTOR
    )

    response = await fetch(town[CITY], code)
    assert response.status_code == 200
    assert response.headers["content-type"] == NDJSON
    assert hashlib.sha256(response.content).hexdigest() == transfer["ndjsonDigest"]
    assert repr_digest(response) == transfer["ndjsonDigest"]
    lines = [json.loads(line) for line in response.content.splitlines()]
    assert {line["code"]: len(line["collections"]) for line in lines} == {YAMADA: 2, KATO: 1}
    assert {levy["taxItemCode"] for line in lines for levy in line["collections"]} == {"01"}
    assert not {"address", "birthDate", "individualNumber"} & set(lines[0])
    records = await town.world.log(10)
    outputs = [r for r in records if (r["kind"], r["outcome"]) == ("OUTPUT", "OK")]
    assert [json.loads(output["persons"]) for output in outputs] == [[YAMADA], [KATO]]
    who = {(output["actor"], output["purpose"]) for output in outputs}
    assert who == {(f"client:{CITY}", f"transfer-{CITY}")}
    assert (await look(town, code))["state"] == "SENT"

    written = await fetch(town[CITY], code, CSV)
    assert hashlib.sha256(written.content).hexdigest() == transfer["csvDigest"]
    rows = list(csv.DictReader(io.StringIO(written.text)))
    assert [row["宛名コード"] for row in rows] == [YAMADA, YAMADA, KATO]
    assert [row["収納.税額"] for row in rows] == ["50000", "50000", "30000"]

    wrong = await client(town[CITY], "acknowledgeTransfer", code=code, digest="0" * 64)
    assert code_of_error(wrong) == "BAD_USER_INPUT"
    done = await client(
        town[CITY], "acknowledgeTransfer", code=code, digest=transfer["ndjsonDigest"]
    )
    assert shown(done)["state"] == "ACKED"
    assert (await fetch(town[CITY], code)).status_code == 409
    again = await client(town[CITY], "rejectTransfer", code=code, reason="OTHER")
    assert code_of_error(again) == "STATE_NOT_ALLOWED"


async def test_a_digest_is_told_right_or_wrong_only_of_what_was_received(town: Town) -> None:
    """Else a client confirms by it what a transfer holds that nobody released."""
    transfer = await made(town, CITY)
    refusals = set()
    for digest in (transfer["ndjsonDigest"], "0" * 64, f"{'a' * 26}621498320258{'b' * 26}"):
        response = await client(
            town[CITY], "acknowledgeTransfer", code=transfer["code"], digest=digest
        )
        assert code_of_error(response) == "STATE_NOT_ALLOWED"
        refusals.add(response.content)
    assert len(refusals) == 1


async def test_each_client_fetches_its_own_and_none_of_the_others(town: Town) -> None:
    made_together = await asyncio.gather(*(released(town, code) for code in CODES))
    codes = dict(zip(CODES, made_together, strict=True))
    for fetching in CODES:
        nothing = (await fetch(town[fetching], "nothing")).content
        for owner, code in codes.items():
            response = await fetch(town[fetching], code)
            if owner == fetching:
                assert response.status_code == 200
                people = [json.loads(line)["code"] for line in response.content.splitlines()]
                assert set(people) <= set(PAYERS[owner])
            else:
                assert (response.status_code, response.content) == (404, nothing)
                [*_, record] = await town.world.log()
                assert (record["kind"], record["outcome"]) == ("OUTPUT", "not_found")
                refused = await client(town[fetching], "rejectTransfer", code=code, reason="OTHER")
                assert code_of_error(refused) == "BAD_USER_INPUT"
        listed = (await town[fetching].data(TRANSFERS))["transfers"]["nodes"]
        assert {node["definitionCode"] for node in listed} == {fetching}


async def test_the_log_holds_no_number_that_somebody_writes(town: Town) -> None:
    department = town[NURSING]
    for code in (NUMBER, "nobody-asked-for-this"):
        response = await fetch(department, code)
        assert (response.status_code, response.json()["error"]) == (404, "not_found")
        last = (await town.world.log())[0]
        assert (last["outcome"], last["actor"]) == ("not_found", f"client:{NURSING}")
        assert last["normal_form"] == f"transfer:- {NDJSON}"


async def test_a_store_that_does_not_answer_is_said_and_logged(town: Town) -> None:
    code = await released(town, NURSING)
    await town.world.change("ALTER TABLE transfer RENAME TO moved_away")
    try:
        response = await fetch(town[NURSING], code)
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
        last = (await town.world.log())[0]
        assert (last["kind"], last["outcome"]) == ("OUTPUT", "UNAVAILABLE")
    finally:
        await town.world.change("ALTER TABLE moved_away RENAME TO transfer")


async def test_a_store_that_goes_away_before_the_first_part_is_said(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(store: TransferStore, *_: Any) -> None:
        raise ConnectionRefusedError

    code = await released(town, NURSING)
    monkeypatch.setattr(TransferStore, "chunk", fails)
    response = await fetch(town[NURSING], code)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


async def test_a_client_may_have_a_long_name(town: Town) -> None:
    long = replace(definition_of(NURSING), id="a" * 57)
    department = await register(town.clients, town.world.client, long)
    try:
        code = await released(town, NURSING, clientId=long.id)
        department.token = await department.sign_in()
        response = await fetch(department, code)
        assert response.status_code == 200
        assert hashlib.sha256(response.content).hexdigest() == repr_digest(response)
        assert (await look(town, code))["transferredBy"] == f"client:{long.id}"
    finally:
        await town.clients.change_state(long.id, ClientState.SUSPENDED)


async def test_nothing_is_ordered_for_a_client_whose_days_are_over(town: Town) -> None:
    """Nor has anybody to choose between it and the one that is in force."""
    over = replace(definition_of(NURSING), id="over")
    await register(town.clients, town.world.client, over)
    past = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=2)
    await town.world.change(f"UPDATE client SET valid_until = '{past}' WHERE id = 'over'")
    try:
        named = await staff(town, CLERK, "prepareTransfer", definitionCode=NURSING, clientId="over")
        assert code_of_error(named) == "BAD_USER_INPUT"
        code = shown(await staff(town, CLERK, "prepareTransfer", definitionCode=NURSING))["code"]
        await staff(town, CLERK, "withdrawTransfer", code=code)
    finally:
        await town.clients.change_state("over", ClientState.SUSPENDED)


async def test_another_client_of_the_same_destination_sees_and_fetches_nothing(town: Town) -> None:
    second = replace(definition_of(NURSING), id="second")
    other = await register(town.clients, town.world.client, second)
    try:
        code = await released(town, NURSING, clientId="second")
        await other.sign_in()
        for department, own in ((town[NURSING], False), (other, True)):
            response = await department.ask(TRANSFERS, purpose_of_use=f"transfer-{NURSING}")
            nodes = response.json()["data"]["transfers"]["nodes"]
            assert (code in {node["code"] for node in nodes}) is own
        assert (await fetch(town[NURSING], code)).status_code == 404
        refused = await client(town[NURSING], "rejectTransfer", code=code, reason="OTHER")
        assert code_of_error(refused) == "BAD_USER_INPUT"
        assert refused.json()["errors"][0]["message"] == "there is no such `Transfer`"
    finally:
        await town.clients.change_state("second", ClientState.SUSPENDED)


async def test_staff_and_strangers_fetch_nothing(town: Town) -> None:
    code = await released(town, NURSING)
    token = await town.world.sign_in(CLERK)
    http, path = town.world.client, f"/transfers/{code}"
    for headers in (
        {},
        {"authorization": "Bearer nothing"},
        {"authorization": f"DPoP {token}"},
        {"authorization": f"Bearer {town[NURSING].token or 'x'}"},
    ):
        response = await http.get(path, headers=headers)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    purpose = {"authorization": f"Bearer {token}", "purpose-of-use": MANAGEMENT}
    assert (await http.get(path, headers=purpose)).status_code == 404
    assert (await http.get(path, headers=purpose | {"accept": HTML})).status_code == 409


# -- a second person -----------------------------------------------------------------------------


async def test_release_takes_a_second_person_of_the_role(town: Town) -> None:
    transfer = await made(town, NURSING)
    assert code_of_error(await staff(town, CLERK, "releaseTransfer", code=transfer["code"])) == (
        "WRITE_NOT_ALLOWED"
    )
    ordered = shown(await staff(town, DIRECTOR, "prepareTransfer", definitionCode=NURSING))
    await until(lambda: _is(town, ordered["code"], "CHECKED"), 20)
    for who in (DIRECTOR, CLERK):
        # Who ordered it; and somebody else, who does not hold the role.
        refused = await staff(town, who, "releaseTransfer", code=ordered["code"])
        assert (refused.status_code, code_of_error(refused)) == (403, "WRITE_NOT_ALLOWED")
    assert (await look(town, ordered["code"]))["state"] == "CHECKED"
    assert shown(await staff(town, DIRECTOR, "releaseTransfer", code=transfer["code"]))[
        "state"
    ] == ("RELEASED")


async def _is(town: Town, code: str, state: str) -> bool:
    return await _state(town, code) == state


async def _state(town: Town, code: str) -> str:
    """From the store itself: whoever waits asks often."""
    state: str = await _value(town, f"SELECT state FROM transfer WHERE code = '{code}'")
    return state


async def _value(town: Town, statement: str) -> Any:
    async with town.database.look() as connection:
        return await connection.scalar(sa.text(statement))


async def test_a_client_confirms_and_does_nothing_else(town: Town) -> None:
    """The policy gives it `write` on transfers; the staff's part is never its own."""
    transfer = await made(town, NURSING)
    department = town[NURSING]
    for name, given in (
        ("prepareTransfer", {"definitionCode": NURSING}),
        ("releaseTransfer", {"code": transfer["code"]}),
        ("withdrawTransfer", {"code": transfer["code"]}),
        ("handOverTransfer", {"code": transfer["code"], "receivedBy": "x"}),
    ):
        response = await client(department, name, **given)
        assert (response.status_code, code_of_error(response)) == (403, "WRITE_NOT_ALLOWED")
    for name, given in (
        ("acknowledgeTransfer", {"digest": "x"}),
        ("rejectTransfer", {"reason": "OTHER"}),
    ):
        response = await staff(town, CLERK, name, code=transfer["code"], **given)
        assert code_of_error(response) == "WRITE_NOT_ALLOWED"


async def test_a_definition_may_do_without_a_second_person(town: Town) -> None:
    await town.world.change(
        "UPDATE transfer_definition SET release_role = NULL WHERE code = 'child-welfare'"
    )
    assert (await made(town, "child-welfare"))["state"] == "RELEASED"


# -- resuming ----------------------------------------------------------------------------------


async def test_what_broke_off_is_resumed(town: Town) -> None:
    code = await released(town, CITY)
    department = town[CITY]
    head = await fetch(department, code, method="HEAD")
    size = int(head.headers["content-length"])
    assert (head.status_code, head.content) == (200, b"")
    part = await fetch(department, code, method="HEAD", range="bytes=0-99")
    assert (part.status_code, part.headers["content-length"]) == (200, str(size))
    assert (await look(town, code))["state"] == "RELEASED"
    first = await fetch(department, code, range="bytes=0-99")
    assert (first.status_code, len(first.content)) == (206, 100)
    assert first.headers["content-range"] == f"bytes 0-99/{size}"
    assert (await look(town, code))["state"] == "AUTHENTICATED"
    etag = first.headers["etag"]
    rest = await fetch(department, code, range="bytes=100-", if_range=etag)
    whole = first.content + rest.content
    assert hashlib.sha256(whole).hexdigest() == repr_digest(rest) == repr_digest(first)
    assert (await look(town, code))["state"] == "SENT"
    last = await fetch(department, code, range="bytes=-7")
    assert last.content == whole[-7:]
    beyond = await fetch(department, code, range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    other = await fetch(department, code, range="bytes=5-", if_range='"another"')
    assert (other.status_code, other.content) == (200, whole)
    assert (await fetch(department, code, range="bytes=1-2,4-5")).status_code == 200
    written = await fetch(department, code, CSV)
    part = await fetch(department, code, CSV, range="bytes=10-40", if_range=written.headers["etag"])
    assert part.content == written.content[10:41]
    assert (await fetch(department, code, "application/xml")).status_code == 406


# -- it may not go out any more ----------------------------------------------------------------


async def obligation(town: Town, person: str, *, withheld: bool, stop: bool) -> None:
    await town.world.change(f"DELETE FROM handling WHERE addressee_code = '{person}'")
    if withheld or stop:
        words = (str(withheld).upper(), str(stop).upper())
        await town.world.change(
            "INSERT INTO handling (addressee_code, address_withheld, stop_output)"
            f" VALUES ('{person}', {words[0]}, {words[1]})"
        )


async def test_an_obligation_that_began_since_withdraws_it(town: Town) -> None:
    code = await released(town, NURSING)
    await obligation(town, YAMADA, withheld=True, stop=False)
    try:
        response = await fetch(town[NURSING], code)
        assert (response.status_code, response.json()["error"]) == (409, "not_fetchable")
        assert (await look(town, code))["state"] == "WITHDRAWN"
        transfer = await made(town, NURSING)
        assert (transfer["coveredCount"], transfer["heldBackCount"]) == (1, 0)
        await staff(town, DIRECTOR, "releaseTransfer", code=transfer["code"])
        [line] = (await fetch(town[NURSING], transfer["code"])).content.splitlines()
        assert json.loads(line)["handling"] == {"addressWithheld": True, "stopOutput": False}
        rows = csv.DictReader(io.StringIO((await fetch(town[NURSING], transfer["code"], CSV)).text))
        assert [row["住所秘匿"] for row in rows] == ["1"]
    finally:
        await obligation(town, YAMADA, withheld=False, stop=False)


async def test_a_download_breaks_off_where_it_may_not_go_on(town: Town) -> None:
    """Each part is checked when it goes out, not the whole at the beginning."""
    code = await released(town, CITY)
    await obligation(town, KATO, withheld=True, stop=True)
    try:
        with pytest.raises(Undeliverable):
            await fetch(town[CITY], code)
        assert (await look(town, code))["state"] == "WITHDRAWN"
        records = await town.world.log(12)
        outputs = [(r["outcome"], r["persons"]) for r in records if r["kind"] == "OUTPUT"]
        assert outputs == [("OK", json.dumps([YAMADA])), ("not_fetchable", "[]")]
    finally:
        await obligation(town, KATO, withheld=False, stop=False)


async def test_a_token_that_ends_meanwhile_gets_no_further_part(town: Town) -> None:
    code = await released(town, CITY)
    department = town[CITY]
    await department.sign_in()

    async def refused() -> bool:
        return (await fetch(department, "nothing")).status_code == 401

    async def suspend(part: str) -> None:
        # Somebody suspends the client while the worker is sending.
        await town.clients.change_state(CITY, ClientState.SUSPENDED)
        await until(refused)

    path = f"/transfers/{code}"
    headers = {"accept": NDJSON, **department.presented("GET", path)}
    try:
        told = await _download(town, path, headers, suspend, Unauthenticated)
        assert [json.loads(line)["code"] for line in told.splitlines()] == [YAMADA]
    finally:
        await town.clients.change_state(CITY, ClientState.ACTIVE)
        town[CITY].token = None


async def _download(
    town: Town,
    path: str,
    headers: dict[str, str],
    meanwhile: Callable[[str], Awaitable[None]],
    breaks_off: type[Exception] | None = None,
) -> str:
    """What comes in, part after part, with what happens `meanwhile`: after each of them."""
    told: list[str] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message.get("body"):
            told.append(message["body"].decode())
            await meanwhile(told[-1])

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("atena", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    with pytest.raises(breaks_off) if breaks_off else contextlib.nullcontext():
        await town.world.client._transport.app(scope, receive, send)  # type: ignore[attr-defined]
    return "".join(told)


async def _rests(runner: TransferRunner) -> bool:
    return False


async def test_what_is_taken_back_meanwhile_gets_no_further_part(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and not only when a worker has erased it."""
    code = await released(town, CITY)
    department = town[CITY]
    await department.sign_in()
    monkeypatch.setattr(TransferRunner, "step", _rests)

    async def take_back(part: str) -> None:
        shown(await staff(town, CLERK, "withdrawTransfer", code=code))

    path = f"/transfers/{code}"
    headers = {"accept": NDJSON, **department.presented("GET", path)}
    told = await _download(town, path, headers, take_back, Undeliverable)
    assert [json.loads(line)["code"] for line in told.splitlines()] == [YAMADA]
    assert await _state(town, code) == "WITHDRAWN"
    outcomes = [r["outcome"] for r in await town.world.log(8) if r["kind"] == "OUTPUT"]
    assert outcomes == ["OK", "not_fetchable"]


async def test_what_is_taken_back_at_the_last_moment_does_not_go_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be out, and the record would say that it was not."""
    code = await released(town, NURSING)
    record = TransferFiles._record

    async def take_back(files: TransferFiles, *rest: Any) -> None:
        await record(files, *rest)
        await staff(town, CLERK, "withdrawTransfer", code=code)

    monkeypatch.setattr(TransferFiles, "_record", take_back)
    assert (await fetch(town[NURSING], code)).status_code == 409
    assert await _state(town, code) == "WITHDRAWN"


async def test_nothing_is_sent_about_whom_nothing_may_be_sent(town: Town) -> None:
    await obligation(town, KATO, withheld=True, stop=True)
    try:
        transfer = await made(town, CITY)
        assert (transfer["state"], transfer["personCount"]) == ("CHECKED", 1)
        assert (transfer["coveredCount"], transfer["heldBackCount"]) == (1, 1)
        await staff(town, DIRECTOR, "releaseTransfer", code=transfer["code"])
        full, alone = (await fetch(town[CITY], transfer["code"])).content.splitlines()
        assert json.loads(full)["code"] == YAMADA
        assert json.loads(alone) == {"code": KATO, "version": 1, "heldBack": True}
    finally:
        await obligation(town, KATO, withheld=False, stop=False)


async def test_a_protected_payer_is_held_back_and_counted(town: Town) -> None:
    """The only payer of health insurance is one about whom nothing may be sent."""
    code = await released(town, HEALTH)
    transfer = await look(town, code)
    assert (transfer["personCount"], transfer["heldBackCount"]) == (0, 1)
    response = await fetch(town[HEALTH], code)
    assert response.status_code == 200
    assert response.json() == {"code": TANAKA, "version": 1, "heldBack": True}
    outputs = [record for record in await town.world.log(5) if record["kind"] == "OUTPUT"]
    assert [(record["outcome"], record["persons"]) for record in outputs] == [
        ("OK", f'["{TANAKA}"]')
    ]
    assert (await look(town, code))["state"] == "SENT"


async def test_how_many_are_covered_is_told_to_who_may_know(town: Town) -> None:
    """The director is not cleared for the obligation in collection management: a digest of the
    content, which holds it, would tell it to whoever knows the rest."""
    transfer = await made(town, HEALTH)
    document = "{ transfers { nodes { code coveredCount ndjsonDigest csvDigest } } }"
    response = await town.world.ask(DIRECTOR, MANAGEMENT, document)
    assert [
        entry["coordinate"] for entry in response.json()["extensions"]["privacy"]["hidden"]
    ] == [
        "Transfer.coveredCount",
        "Transfer.ndjsonDigest",
        "Transfer.csvDigest",
    ]
    assert transfer["coveredCount"] == 1
    assert len(transfer["ndjsonDigest"]) == 64


async def test_a_definition_that_became_narrower_withdraws_it(town: Town) -> None:
    code = await released(town, NURSING)
    await town[NURSING].sign_in()
    own = f"WHERE id = '{NURSING}'"
    await town.world.change(f"UPDATE client SET items = 'Addressee.code' {own}")
    try:
        response = await fetch(town[NURSING], code)
        assert (response.status_code, response.json()["error"]) == (409, "not_fetchable")
        assert (await look(town, code))["state"] == "WITHDRAWN"
    finally:
        await town.world.change(f"UPDATE client SET items = NULL {own}")


async def test_an_item_that_went_to_another_destination_withdraws_it(town: Town) -> None:
    """Its payers are none of this destination's any more, whatever was checked and released."""
    code = await released(town, NURSING)
    own = f"WHERE population = 'payers:{NURSING}'"
    await town.world.change(f"UPDATE population_item SET tax_item_code = '12' {own}")
    await _decided_by(town, await town.world.publish())
    try:
        response = await fetch(town[NURSING], code)
        assert (response.status_code, response.json()["error"]) == (409, "not_fetchable")
        assert (await look(town, code))["state"] == "WITHDRAWN"
    finally:
        await town.world.change(f"UPDATE population_item SET tax_item_code = '13' {own}")
        await _decided_by(town, await town.world.publish())


async def test_a_narrower_token_does_not_fetch(town: Town) -> None:
    code = await released(town, NURSING)
    department = replace(town[NURSING], token=None)
    await department.sign_in(scope="036:transfer:read 036:addressee:list")
    response = await fetch(department, code)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    await department.sign_in(scope="036:addressee:list")
    assert (await fetch(department, code)).status_code == 404


async def test_a_suspended_client_gets_nothing_more(town: Town) -> None:
    code = await released(town, NURSING)
    await town.clients.change_state(NURSING, ClientState.SUSPENDED)
    try:

        async def refused() -> bool:
            return (await fetch(town[NURSING], code)).status_code == 401

        await until(refused)
        ordered = await staff(town, CLERK, "prepareTransfer", definitionCode=NURSING)
        assert code_of_error(ordered) == "BAD_USER_INPUT"
    finally:
        await town.clients.change_state(NURSING, ClientState.ACTIVE)
        town[NURSING].token = None


async def test_whoever_comes_late_gets_nothing_though_nobody_has_noticed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await released(town, NURSING)
    monkeypatch.setattr(TransferRunner, "step", _rests)
    await town.world.change(
        f"UPDATE transfer SET expires_at = '2020-01-01 00:00:00+00:00' WHERE code = '{code}'"
    )
    assert (await fetch(town[NURSING], code)).status_code == 409
    assert await _state(town, code) == "RELEASED"


async def test_what_nobody_fetched_expires_and_is_erased(town: Town) -> None:
    code = await released(town, NURSING)
    await town.world.change(
        f"UPDATE transfer SET expires_at = '2020-01-01 00:00:00+00:00' WHERE code = '{code}'"
    )
    assert (await fetch(town[NURSING], code)).status_code == 409
    await until(lambda: _is(town, code, "EXPIRED"), 10)
    await until(lambda: _erased(town, code), 10)


async def test_whoever_releases_late_releases_nothing_though_nobody_has_noticed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (await made(town, NURSING))["code"]
    monkeypatch.setattr(TransferRunner, "step", _rests)
    await town.world.change(
        f"UPDATE transfer SET expires_at = '2020-01-01 00:00:00+00:00' WHERE code = '{code}'"
    )
    refused = await staff(town, DIRECTOR, "releaseTransfer", code=code)
    assert code_of_error(refused) == "STATE_NOT_ALLOWED"
    assert await _state(town, code) == "CHECKED"


async def test_that_it_expired_is_recorded_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever worker is faster."""
    work = TransferStore.work

    async def twice(store: TransferStore, now: dt.datetime) -> list[Row]:
        rows = await work(store, now)
        return [*rows, *rows]

    code = await released(town, NURSING)
    monkeypatch.setattr(TransferStore, "work", twice)
    await town.world.change(
        f"UPDATE transfer SET expires_at = '2020-01-01 00:00:00+00:00' WHERE code = '{code}'"
    )
    await until(lambda: _erased(town, code), 10)
    own = [r["outcome"] for r in await town.world.log(8) if r["session"] == f"transfer:{code}"]
    assert own.count("EXPIRED") == 1


async def test_one_that_fails_keeps_no_other_waiting(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await released(town, NURSING), await released(town, NURSING)
    clear = TransferStore.clear

    async def fails(store: TransferStore, row: Row) -> None:
        if row["code"] == first:
            raise OSError
        await clear(store, row)

    monkeypatch.setattr(TransferStore, "clear", fails)
    for code in (first, second):
        shown(await staff(town, CLERK, "withdrawTransfer", code=code))
    await until(lambda: _erased(town, second), 10)
    assert not await _erased(town, first)
    monkeypatch.undo()
    await until(lambda: _erased(town, first), 10)


async def _erased(town: Town, code: str) -> bool:
    statement = (
        "SELECT count(*) FROM transfer_chunk c JOIN transfer t ON t.id = c.transfer_id"
        f" WHERE t.code = '{code}'"
    )
    return bool(await _value(town, statement) == 0)


async def test_what_is_taken_back_or_refused_is_erased(town: Town) -> None:
    code = await released(town, NURSING)
    assert shown(await staff(town, CLERK, "withdrawTransfer", code=code))["state"] == "WITHDRAWN"
    assert (await fetch(town[NURSING], code)).status_code == 409
    await until(lambda: _erased(town, code), 10)
    code = await released(town, NURSING)
    await fetch(town[NURSING], code)
    refused = shown(
        await client(town[NURSING], "rejectTransfer", code=code, reason="COUNTS_DIFFER")
    )
    assert (refused["state"], refused["rejectReason"]) == ("REJECTED", "COUNTS_DIFFER")
    await until(lambda: _erased(town, code), 10)


async def test_the_content_lies_sealed(town: Town) -> None:
    """Neither names nor codes are in the database a second time in clear."""
    code = await released(town, CITY)
    sealed = await _value(
        town,
        "SELECT sealed FROM transfer_chunk c JOIN transfer t ON t.id = c.transfer_id"
        f" WHERE t.code = '{code}' AND number = 0",
    )
    assert YAMADA.encode() not in sealed
    assert "山田".encode() not in sealed
    await town.world.change(
        "UPDATE transfer_chunk SET number = number + 7 WHERE transfer_id ="
        f" (SELECT id FROM transfer WHERE code = '{code}')"
    )
    moved = await fetch(town[CITY], code)
    assert (moved.status_code, moved.json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize("step", ["add", "finish"])
async def test_a_worker_that_was_taken_for_gone_adds_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Else what one worker read under an earlier policy lies among what the other one read."""
    gone: list[str] = []
    write = getattr(TransferStore, step)

    async def late(store: TransferStore, of: Any, *rest: Any) -> Any:
        if gone:
            return await write(store, of, *rest)
        # The other one begins anew, as it does when nothing was said for two minutes.
        gone.append("first")
        row = await _claimed(store, of if step == "add" else of["id"])
        await store.claim(row, dt.datetime.now(dt.UTC))
        kept = await write(store, of, *rest)
        gone.append("kept" if kept else "nothing")
        return kept

    monkeypatch.setattr(TransferStore, step, late)
    ordered = shown(await staff(town, CLERK, "prepareTransfer", definitionCode=NURSING))
    await until(lambda: _told(gone), 20)
    assert gone == ["first", "nothing"]
    assert await _state(town, ordered["code"]) == "DEFINED"
    assert await _erased(town, ordered["code"])
    await staff(town, CLERK, "withdrawTransfer", code=ordered["code"])


async def _claimed(store: TransferStore, transfer_id: int) -> Row:
    row = await store.row(transfer_id)
    assert row is not None
    return row


async def _told(gone: list[str]) -> bool:
    await asyncio.sleep(0)
    return len(gone) == 2


async def test_of_a_levy_about_two_nothing_goes_that_either_withholds(town: Town) -> None:
    """Whether the child on it is covered is not looked at again when it is fetched."""
    own = f"WHERE addressee_code = '{YAMADA}' AND tax_item_code = '13'"
    await town.world.change(
        f"UPDATE collection SET child_addressee_code = '{KATO}',"
        f" withholding_agent_code = 'agent-77' {own}"
    )
    opened = Line(
        "role:department-client", f"purpose:transfer-{NURSING}", "class:case-note", "list", "allow"
    )
    await _decided_by(town, await town.world.publish(opened))
    try:
        code = await released(town, NURSING)
        await obligation(town, KATO, withheld=True, stop=True)
        response = await fetch(town[NURSING], code)
        assert "agent-77" not in response.text, response.text
    finally:
        await obligation(town, KATO, withheld=False, stop=False)
        await _decided_by(town, await town.world.publish(without=lambda line: line == opened))
        await town.world.change(
            "UPDATE collection SET child_addressee_code = NULL, withholding_agent_code = NULL"
            f" {own}"
        )


# -- logic checks --------------------------------------------------------------------------------


async def test_a_check_that_does_not_pass_says_why_and_nothing_is_kept(town: Town) -> None:
    own = f"WHERE addressee_code = '{YAMADA}' AND tax_item_code = '13'"
    await town.world.change(f"UPDATE collection SET outstanding = 6999 {own}")
    await town.world.change(f"UPDATE collection SET due_on = NULL {own}")
    try:
        transfer = await made(town, NURSING)
    finally:
        await town.world.change(
            f"UPDATE collection SET outstanding = 7000, due_on = '2026-06-30' {own}"
        )
    assert transfer["state"] == "FAILED"
    reasons = {check["name"]: check["reason"] for check in transfer["checks"]["nodes"]}
    assert reasons == {
        "POPULATION": None,
        "TOTALS": "1 levies whose balance is wrong",
        "CODES": "missing or unknown dueOn: 1",
        "WITHHELD": None,
    }
    assert YAMADA not in json.dumps(transfer)
    await until(lambda: _erased(town, transfer["code"]), 10)


@pytest.mark.parametrize("named", ["Handling", "Handling.addressWithheld", "Handling.stopOutput"])
async def test_without_all_of_the_obligation_no_transfer_is_made(town: Town, named: str) -> None:
    closed = Line("role:department-client", f"purpose:transfer-{NURSING}", named, "list", "deny")
    await _decided_by(town, await town.world.publish(closed))
    try:
        transfer = await made(town, NURSING)
        assert (transfer["state"], transfer["personCount"]) == ("FAILED", 0)
        failed = [check["name"] for check in transfer["checks"]["nodes"] if not check["passed"]]
        assert "WITHHELD" in failed
    finally:
        await _decided_by(town, await town.world.publish(without=lambda line: line == closed))


async def test_no_definition_takes_code_or_warning_out_of_a_transfer(town: Town) -> None:
    """A definition with one item, and without the scopes of the warning, gets both all the same."""
    narrow = replace(
        definition_of(HEALTH),
        id="one-item",
        scopes=frozenset(scope for scope in SCOPES if ":handling:" not in scope),
        items=frozenset({"Collection.taxAmount"}),
    )
    department = await register(town.clients, town.world.client, narrow)
    try:
        code = await released(town, HEALTH, clientId="one-item")
        department.token = await department.sign_in()
        response = await fetch(department, code)
        assert response.json() == {"code": TANAKA, "version": 1, "heldBack": True}
        both = await staff(town, CLERK, "prepareTransfer", definitionCode=HEALTH)
        assert code_of_error(both) == "BAD_USER_INPUT"
    finally:
        await town.clients.change_state("one-item", ClientState.SUSPENDED)


# -- changes alone -------------------------------------------------------------------------------


async def test_only_what_changed_since_the_last_confirmed_one(town: Town) -> None:
    async def confirmed(extent: str) -> list[str]:
        code = await released(town, CITY, extent=extent)
        response = await fetch(town[CITY], code)
        digest = hashlib.sha256(response.content).hexdigest()
        done = await client(town[CITY], "acknowledgeTransfer", code=code, digest=digest)
        assert shown(done)["state"] == "ACKED"
        await until(lambda: _erased(town, code), 10)
        return [json.loads(line)["code"] for line in response.content.splitlines()]

    assert await confirmed("FULL") == [YAMADA, KATO]
    assert await confirmed("CHANGED") == []
    await town.world.change(f"UPDATE addressee SET full_name = '加藤 翔太' WHERE code = '{KATO}'")
    assert await confirmed("CHANGED") == [KATO]
    assert await confirmed("CHANGED") == []


async def test_a_payer_who_was_held_back_or_left_comes_back_with_the_next_changes(
    town: Town,
) -> None:
    """An acknowledged FULL transfer replaces all that the client is known to hold."""

    async def confirmed(extent: str) -> dict[str, str]:
        code = await released(town, CITY, extent=extent)
        response = await fetch(town[CITY], code)
        table = (await fetch(town[CITY], code, "text/csv")).text.splitlines()
        digest = hashlib.sha256(response.content).hexdigest()
        shown(await client(town[CITY], "acknowledgeTransfer", code=code, digest=digest))
        await until(lambda: _erased(town, code), 10)
        lines = [json.loads(line) for line in response.content.splitlines()]
        told = {line["code"]: status_of(line) or "sent" for line in lines}
        status = {row.split(",")[0]: row.split(",")[-1] for row in table[1:]}
        words = {"sent": "", "heldBack": "保留", "left": "対象外"}
        assert status == {code: words[word] for code, word in told.items()}
        return told

    assert await confirmed("FULL") == {YAMADA: "sent", KATO: "sent"}
    await obligation(town, KATO, withheld=True, stop=True)
    try:
        assert await confirmed("FULL") == {YAMADA: "sent", KATO: "heldBack"}
        assert await confirmed("CHANGED") == {}
    finally:
        await obligation(town, KATO, withheld=False, stop=False)
    assert await confirmed("CHANGED") == {KATO: "sent"}
    moved = f"SET tax_item_code = '%s' WHERE addressee_code = '{KATO}' AND tax_item_code = '%s'"
    await town.world.change(f"UPDATE collection {moved % ('13', '01')}")
    try:
        assert await confirmed("CHANGED") == {KATO: "left"}
        assert await confirmed("CHANGED") == {}
    finally:
        await town.world.change(f"UPDATE collection {moved % ('01', '13')}")
    assert await confirmed("CHANGED") == {KATO: "sent"}


async def test_what_cannot_be_opened_is_erased_and_the_next_one_holds_everybody(
    town: Town,
) -> None:
    async def confirmed(extent: str, *, ruined: bool = False) -> list[str]:
        code = await released(town, CITY, extent=extent)
        response = await fetch(town[CITY], code)
        if ruined:
            await town.world.change(
                "UPDATE transfer_chunk SET number = number + 7 WHERE number = 1 AND transfer_id ="
                f" (SELECT id FROM transfer WHERE code = '{code}')"
            )
        digest = hashlib.sha256(response.content).hexdigest()
        shown(await client(town[CITY], "acknowledgeTransfer", code=code, digest=digest))
        await until(lambda: _erased(town, code), 10)
        return [json.loads(line)["code"] for line in response.content.splitlines()]

    assert await confirmed("FULL") == [YAMADA, KATO]
    assert await confirmed("FULL", ruined=True) == [YAMADA, KATO]
    assert await confirmed("CHANGED") == [YAMADA, KATO]
    assert await confirmed("CHANGED") == []


# -- on paper ------------------------------------------------------------------------------------


async def test_a_printed_list_is_handed_over_with_a_record(town: Town) -> None:
    code = await released(town, CITY, means="PAPER")
    assert (await fetch(town[CITY], code)).status_code == 409
    token = await town.world.sign_in(CLERK)
    headers = {
        "authorization": f"Bearer {token}",
        "purpose-of-use": MANAGEMENT,
        "accept": HTML,
    }
    path = f"/transfers/{code}"
    director = {"authorization": f"Bearer {await town.world.sign_in(DIRECTOR)}"}
    # Who may not list names for this purpose does not print them either.
    blind = await town.world.client.get(path, headers=headers | director)
    assert (blind.status_code, blind.json()["error"]) == (403, "insufficient_scope")
    response = await town.world.client.get(path, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "加藤 翔" in response.text
    assert "番号法第9条第1項 別表第24項" in response.text
    assert "引渡記録" in response.text
    assert "None" not in response.text
    records = await town.world.log(7)
    outputs = [r for r in records if (r["kind"], r["outcome"]) == ("OUTPUT", "OK")]
    assert [(r["actor"], json.loads(r["persons"])) for r in outputs] == [
        (CLERK, [YAMADA]),
        (CLERK, [KATO]),
    ]
    assert (await look(town, code))["state"] == "PRINTED"
    done = shown(await staff(town, CLERK, "handOverTransfer", code=code, receivedBy="国保 花子"))
    assert (done["state"], done["receivedBy"]) == ("HANDED_OVER", "国保 花子")
    assert (await town.world.client.get(path, headers=headers)).status_code == 409
    # Whoever may not print it is not told how far it got.
    blind = await town.world.client.get(path, headers=headers | director)
    assert (blind.status_code, blind.json()["error"]) == (403, "insufficient_scope")
    # A clerk of another purpose, and a role without the fields, print nothing.
    headers["purpose-of-use"] = "consultation"
    assert (await town.world.client.get(path, headers=headers)).status_code == 404


async def test_a_list_on_paper_needs_no_client(town: Town) -> None:
    """It holds what the policy opens to the destination, and no client sees it later."""
    await town.clients.change_state(HEALTH, ClientState.SUSPENDED)
    try:
        for given in ({}, {"means": "PAPER", "extent": "CHANGED"}):
            refused = await staff(town, CLERK, "prepareTransfer", definitionCode=HEALTH, **given)
            assert code_of_error(refused) == "BAD_USER_INPUT"
        code = await released(town, HEALTH, means="PAPER")
    finally:
        await town.clients.change_state(HEALTH, ClientState.ACTIVE)
    token = await town.world.sign_in(CLERK)
    headers = {"authorization": f"Bearer {token}", "purpose-of-use": MANAGEMENT, "accept": HTML}
    printed = await town.world.client.get(f"/transfers/{code}", headers=headers)
    assert (printed.status_code, TANAKA in printed.text, "保留" in printed.text) == (
        200,
        True,
        True,
    )
    assert "田中" not in printed.text
    await town[HEALTH].sign_in()
    nodes = (await town[HEALTH].data(TRANSFERS))["transfers"]["nodes"]
    assert code not in {node["code"] for node in nodes}
    assert (await fetch(town[HEALTH], code)).status_code == 404
    done = shown(await staff(town, CLERK, "handOverTransfer", code=code, receivedBy="国保 花子"))
    assert done["state"] == "HANDED_OVER"


async def test_a_list_is_printed_before_its_last_bytes_are_out(town: Town) -> None:
    code = await released(town, CITY, means="PAPER")
    token = await town.world.sign_in(CLERK)
    headers = {"authorization": f"Bearer {token}", "purpose-of-use": MANAGEMENT, "accept": HTML}
    states: list[str] = []

    async def note(part: str) -> None:
        states.append(await _state(town, code))

    told = await _download(town, f"/transfers/{code}", headers, note)
    assert told.endswith("</html>")
    assert (states[0], states[-1]) == ("RELEASED", "PRINTED")


async def test_whoever_prints_sees_the_warnings_and_everybody_themselves(town: Town) -> None:
    code = await released(town, CITY, means="PAPER")
    token = await town.world.sign_in(CLERK)
    headers = {"authorization": f"Bearer {token}", "purpose-of-use": MANAGEMENT, "accept": HTML}
    path = f"/transfers/{code}"
    closed = Line(
        "role:collection-clerk", f"purpose:{MANAGEMENT}", "class:handling", "list", "deny"
    )
    await _decided_by(town, await town.world.publish(closed))
    try:
        response = await town.world.client.get(path, headers=headers)
        assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    finally:
        await _decided_by(town, await town.world.publish(without=lambda line: line == closed))
    assert (await town.world.client.head(path, headers=headers)).status_code == 200
    assert (await look(town, code))["state"] == "RELEASED"
    assert (await town.world.client.get(path, headers=headers)).status_code == 200


async def _decided_by(town: Town, version: int) -> None:
    document = "{ viewer { policyVersion } }"

    async def known() -> bool:
        data = await town.world.data(CLERK, MANAGEMENT, document)
        return bool(data["viewer"]["policyVersion"] == version)

    await until(known, 20)
