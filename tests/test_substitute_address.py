"""代替送付先 over HTTP: what may stand in it, who sets it, and what takes it away again.

`kobayashi` and `mori` coordinate protection, `sato` is a collection clerk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from models.trade.place import names, same_place
from tests.test_hostile import code_of
from tests.test_measures import FIRST, PURPOSE, SECOND
from tests.test_promises import CLERK
from tests.world import HANAKO, KATO, KEIKO, NISHI, SECRET_ADDRESS, SUZUKI, TANAKA, YAMADA, World

SHOWN = """{ proposal { id status
    addressee { substituteAddress { recipient address } } } }"""
ELSEWHERE = "釧路市黒金町7丁目5番地 市役所気付"
HIS = "北海道釧路市愛国東2丁目911番8号"
PLACES = {
    "her own": (TANAKA, "address"),
    "where she moved to": (TANAKA, "moved_out_address"),
    "where she came from": (TANAKA, "moved_from_address"),
    "a household member's": (KEIKO, "address"),
    "his": (SUZUKI, "address"),
    "where he moved to": (SUZUKI, "moved_out_address"),
    "of who was in the household that she left": (KATO, "address"),
    "of who acts for him": (NISHI, "address"),
    "of his other record": (HANAKO, "address"),
}
"""Whose place is none for her, with the column that holds it."""
SPELLED = (
    HIS,
    "釧路市愛国東２丁目９１１番８号",
    "愛国東2-911-8",
    "愛国東二丁目九百十一番八号",
    "北海道 釧路市　愛国東２−９１１−８",
    "愛国東2ー911ー8",
    "愛国東2丁目911番地8",
    "愛国東2丁目911番地の8 メゾン愛国 203",
    "〒085-0058 北海道釧路市愛国東2丁目911番8号203号室",
    "愛国東2‐911‐8 203",
    "愛\u200b国東2-911-8",
    "鈴木方 愛国東2の911の8",
    "愛國東2丁911番8號",
    "愛国東第2町目911番地内8号",
    "愛国東2(911)8",
    "愛国東2一911丨8",
    "愛国東2＝911＊8",
    "アイコクヒガシ2-911-8",
    "Aikoku-higashi 2 chome 2-911-8",
)


@pytest.fixture
async def town(world: World) -> AsyncIterator[World]:
    """The town of the module: she is protected from him; everything put back as it was."""
    tables = ("substitute_address", "household_membership", "special_addressee",
              "related_addressee", "forwarding_address")  # fmt: skip
    before = {name: await world.rows(f"SELECT * FROM {name}") for name in tables}
    places = await world.rows("SELECT code, address, moved_out_address, moved_from_address"
                              " FROM addressee")  # fmt: skip
    names_ = await world.rows("SELECT code, full_name FROM addressee")
    handling = await world.rows("SELECT * FROM handling")
    measures = {row["id"] for row in await world.rows("SELECT id FROM protective_measure")}
    yield world
    await world.change("DELETE FROM substitute_address_proposal")
    for row in await world.rows("SELECT id FROM protective_measure"):
        if row["id"] not in measures:
            await world.change(f"DELETE FROM covered_person WHERE measure_id = {row['id']}")
            await world.change(f"DELETE FROM protective_measure WHERE id = {row['id']}")
    await world.change("DELETE FROM handling")
    await put_back(world, "handling", handling)
    for name, rows in before.items():
        await world.change(f"DELETE FROM {name}")
        await put_back(world, name, rows)
    for row in places + names_:
        sets = ", ".join(f"{name} = {word(value)}" for name, value in row.items() if name != "code")
        await world.change(f"UPDATE addressee SET {sets} WHERE code = '{row['code']}'")


def word(value: Any) -> str:
    """A value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    return f"'{value}'"


async def put_back(world: World, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        values = ", ".join(word(value) for value in row.values())
        await world.change(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")


async def ask(
    world: World, staff: str = FIRST, verb: str = "set", shows: str = SHOWN, **given: Any
) -> Any:
    name = f"{verb}SubstituteAddress"
    kind = "SetSubstituteAddressInput" if verb == "set" else "SubstituteAddressInput"
    document = f"mutation ($i: {kind}!) {{ {name}(input: $i) {shows} }}"
    return await world.ask(staff, PURPOSE, document, {"i": given})


async def proposed(world: World, code: str = TANAKA, **given: Any) -> str:
    """The id of a proposal that was taken."""
    answer = await ask(world, addresseeCode=code, **given)
    assert answer.status_code == 200, answer.text
    [payload] = answer.json()["data"].values()
    assert payload["proposal"]["status"] == "PROPOSED"
    proposal: str = payload["proposal"]["id"]
    return proposal


async def refused(world: World, code: str = TANAKA, **given: Any) -> str:
    """The text of a refusal, after which nothing is stored."""
    before = await world.rows("SELECT id FROM substitute_address_proposal")
    answer = await ask(world, addresseeCode=code, **given)
    assert (answer.status_code, code_of(answer.json())) == (400, "BAD_USER_INPUT")
    assert await world.rows("SELECT id FROM substitute_address_proposal") == before
    return str(answer.text)


async def in_force(world: World, address: str = ELSEWHERE, code: str = TANAKA) -> str:
    proposal = await proposed(world, code, address=address)
    answer = await ask(world, SECOND, "confirm", proposalId=proposal)
    assert answer.status_code == 200, answer.text
    return proposal


async def clerk_sees(world: World, code: str = TANAKA) -> Any:
    document = """query ($c: String!) { addressee(code: $c) {
        substituteAddress { recipient address } } }"""
    found = await world.data(CLERK, "consultation", document, variables={"c": code})
    return found["addressee"]["substituteAddress"]


async def status_of(world: World, proposal: str) -> str:
    document = "query ($i: ID!) { substituteAddressProposal(id: $i) { status } }"
    found = await world.data(FIRST, PURPOSE, document, variables={"i": proposal})
    status: str = found["substituteAddressProposal"]["status"]
    return status


async def against(world: World, code: str = SUZUKI, whom: str = TANAKA) -> None:
    """A measure protects somebody from a counterparty."""
    document = """mutation ($i: RecordMeasureInput!) { recordMeasure(input: $i) { __typename } }"""
    given = {"addresseeCode": whom, "kind": "SPOUSAL_VIOLENCE", "counterpartyAddresseeCode": code}
    await world.data(FIRST, PURPOSE, document, variables={"i": given})


async def everybody_around(world: World) -> None:
    """He is her counterparty; who is around the two of them lives at places of their own."""
    await against(world)
    await world.change("DELETE FROM substitute_address")
    for number, (code, column) in enumerate(PLACES.values()):
        await world.change(
            f"UPDATE addressee SET {column} = '北海道釧路市大楽毛{number + 1}丁目9{number}番2号'"
            f" WHERE code = '{code}'"
        )
    await world.change(
        "INSERT INTO household_membership (addressee_code, household_code, left_on)"
        f" VALUES ('{TANAKA}', 'H-9', '2020-01-01'), ('{KATO}', 'H-9', NULL)"
    )
    await world.change(
        "INSERT INTO special_addressee (addressee_code, special_addressee_code)"
        f" VALUES ('{SUZUKI}', '{NISHI}')"
    )
    await world.change(
        "INSERT INTO related_addressee (addressee_code, previous_addressee_code)"
        f" VALUES ('{HANAKO}', '{SUZUKI}')"
    )


async def test_no_place_that_it_keeps_hidden_is_taken(town: World) -> None:
    await everybody_around(town)
    texts = set()
    for number in range(len(PLACES)):
        place = f"大楽毛{number + 1}-9{number}-2"
        for given in ({"address": place}, {"address": ELSEWHERE, "recipient": place}):
            texts.add(await refused(town, **given))
    assert len(texts) == 1, "a refusal tells which place it was"
    await proposed(town, address=ELSEWHERE)


@pytest.mark.parametrize("spelled", SPELLED)
async def test_no_spelling_of_it_is_taken(town: World, spelled: str) -> None:
    await against(town)
    await town.change(f"UPDATE addressee SET address = '{HIS}' WHERE code = '{SUZUKI}'")
    await refused(town, address=spelled)
    await refused(town, recipient=spelled)
    half = len(spelled) // 2
    await refused(town, recipient=spelled[:half], address=spelled[half:])


async def test_her_own_place_is_refused_as_it_is_stored_and_without_its_building(
    town: World,
) -> None:
    await town.change(
        "UPDATE addressee SET address = '釧路市武佐4丁目922番3号', building = 'コーポ武佐205'"
        f" WHERE code = '{TANAKA}'"
    )
    try:
        for spelled in ("武佐4-922-3", "武佐4-922-3 コーポ武佐205", "コーポ武佐２０５"):
            await refused(town, address=spelled)
        await proposed(town, address="武佐4-922-13")
    finally:
        await town.change(f"UPDATE addressee SET building = NULL WHERE code = '{TANAKA}'")


async def test_a_forwarding_address_is_a_place(town: World) -> None:
    await town.change(
        "INSERT INTO forwarding_address (addressee_code, address)"
        f" VALUES ('{TANAKA}', '釧路市阿寒町1丁目2番3号')"
    )
    await refused(town, address="阿寒町1-2-3")


@pytest.mark.parametrize(
    "recipient",
    [
        "鈴木 一郎",
        "鈴木一郎 様",
        "鈴木　一郎様方",
        "鈴木一郎気付",
        "一郎　鈴木",
        "鈴木(一郎)",
        "鈴\U000e0100木・一郎",
    ],
)
async def test_no_recipient_names_the_counterparty(town: World, recipient: str) -> None:
    await town.change(f"UPDATE addressee SET full_name = '鈴木 一郎' WHERE code = '{SUZUKI}'")
    await against(town)
    await refused(town, recipient=recipient, address=ELSEWHERE)
    await refused(town, address=f"{ELSEWHERE} {recipient}")
    await proposed(town, recipient="釧路市役所 支援措置担当", address=ELSEWHERE)


async def test_a_counterparty_without_a_record_is_known_by_name(town: World) -> None:
    document = """mutation ($i: RecordMeasureInput!) { recordMeasure(input: $i) { __typename } }"""
    given = {"addresseeCode": TANAKA, "kind": "STALKING", "counterpartyName": "ｻﾄｳ ｹﾝ"}
    await town.data(FIRST, PURPOSE, document, variables={"i": given})
    await refused(town, recipient="サトウケン様", address=ELSEWHERE)


async def test_the_place_of_somebody_protected_from_the_person_is_none_for_them(
    town: World,
) -> None:
    """His own mail must not go to her."""
    await against(town)
    await refused(town, SUZUKI, address=SECRET_ADDRESS)


# -- two persons ----------------------------------------------------------------------------------


async def test_nobody_sees_it_before_another_coordinator_confirms_it(town: World) -> None:
    before = await clerk_sees(town)
    proposal = await proposed(town, address=ELSEWHERE, recipient="市役所")
    assert await clerk_sees(town) == before
    own = await ask(town, FIRST, "confirm", proposalId=proposal)
    assert code_of(own.json()) == "WRITE_NOT_ALLOWED"
    assert await clerk_sees(town) == before
    answer = await ask(town, SECOND, "confirm", proposalId=proposal)
    [payload] = answer.json()["data"].values()
    assert payload["proposal"]["status"] == "IN_FORCE"
    assert payload["proposal"]["addressee"]["substituteAddress"] == {
        "recipient": "市役所",
        "address": ELSEWHERE,
    }
    assert await clerk_sees(town) == {"recipient": "市役所", "address": ELSEWHERE}
    again = await ask(town, SECOND, "confirm", proposalId=proposal)
    assert code_of(again.json()) == "STATE_NOT_ALLOWED"


async def test_a_new_proposal_takes_the_place_of_one_that_waits(town: World) -> None:
    first = await proposed(town, address=ELSEWHERE)
    second = await proposed(town, address="局留")
    assert (await status_of(town, first), await status_of(town, second)) == (
        "WITHDRAWN",
        "PROPOSED",
    )


async def test_what_became_forbidden_meanwhile_is_not_confirmed(town: World) -> None:
    proposal = await proposed(town, address=HIS)
    await town.change(f"UPDATE addressee SET address = '{HIS}' WHERE code = '{KATO}'")
    await against(town, KATO)
    answer = await ask(town, SECOND, "confirm", proposalId=proposal)
    assert code_of(answer.json()) == "BAD_USER_INPUT"
    assert await clerk_sees(town) != {"recipient": None, "address": HIS}


async def test_one_person_takes_it_away_at_once(town: World) -> None:
    proposal = await in_force(town)
    answer = await ask(town, SECOND, "withdraw", proposalId=proposal)
    assert answer.json()["data"]["withdrawSubstituteAddress"]["proposal"]["status"] == "ENDED"
    assert await clerk_sees(town) is None


@pytest.mark.parametrize(
    "given", [{}, {"address": "", "recipient": None}, {"postalCode": "0850000"}]
)
async def test_an_empty_one_is_refused(town: World, given: dict[str, Any]) -> None:
    await refused(town, **given)


@pytest.mark.parametrize("verb", ["confirm", "withdraw"])
async def test_nobody_else_decides_on_it(town: World, verb: str) -> None:
    proposal = await proposed(town, address=ELSEWHERE)
    document = f"""mutation ($i: SubstituteAddressInput!) {{
        {verb}SubstituteAddress(input: $i) {{ __typename }} }}"""
    answer = await town.ask(CLERK, "consultation", document, {"i": {"proposalId": proposal}})
    assert code_of(answer.json()) == "WRITE_NOT_ALLOWED"


async def test_clerks_see_no_proposal(town: World) -> None:
    await proposed(town, address=ELSEWHERE)
    document = """query ($c: String!) { addressee(code: $c) {
        substituteAddressProposals { nodes { address } } } }"""
    found = await town.data(CLERK, "consultation", document, variables={"c": TANAKA})
    assert found["addressee"]["substituteAddressProposals"] is None


# -- what comes to name such a place --------------------------------------------------------------


async def test_a_measure_takes_away_what_names_its_counterparty(town: World) -> None:
    await town.change(f"UPDATE addressee SET address = '{HIS}' WHERE code = '{KATO}'")
    proposal = await in_force(town, "愛国東2-911-8")
    assert await clerk_sees(town) is not None
    await against(town, KATO)
    assert await clerk_sees(town) is None
    assert await status_of(town, proposal) == "SUSPENDED"
    await in_force(town)
    assert await clerk_sees(town) == {"recipient": None, "address": ELSEWHERE}


async def test_a_counterparty_who_is_named_later_takes_it_away(town: World) -> None:
    await town.change(f"UPDATE addressee SET address = '{HIS}' WHERE code = '{KATO}'")
    proposal = await in_force(town, HIS)
    record = """mutation ($i: RecordMeasureInput!) { recordMeasure(input: $i) {
        protectiveMeasure { id } } }"""
    given = {"addresseeCode": KEIKO, "otherPersons": [TANAKA], "kind": "STALKING"}
    made = await town.data(FIRST, PURPOSE, record, variables={"i": given})
    assert await clerk_sees(town) is not None
    amend = "mutation ($i: AmendMeasureInput!) { amendMeasure(input: $i) { __typename } }"
    named = {
        "measureId": made["recordMeasure"]["protectiveMeasure"]["id"],
        "counterpartyAddresseeCode": KATO,
    }
    await town.data(FIRST, PURPOSE, amend, variables={"i": named})
    assert await clerk_sees(town) is None
    assert await status_of(town, proposal) == "SUSPENDED"


async def test_a_measure_of_others_takes_nothing_away(town: World) -> None:
    proposal = await in_force(town)
    await against(town, KATO, YAMADA)
    assert await status_of(town, proposal) == "IN_FORCE"
    assert await clerk_sees(town) is not None


# -- spellings ------------------------------------------------------------------------------------

TOWNS = st.sampled_from(["武佐", "愛国東", "緑ケ岡", "北大通", "阿寒町中央", "鳥取大通", "千歳町"])
NUMBERS = st.tuples(*[st.integers(1, 9), st.integers(1, 999), st.integers(1, 99)])
KANJI = "〇一二三四五六七八九"


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isdigit() else sign
                   for sign in text)  # fmt: skip


def _kanji(text: str) -> str:
    return "".join(KANJI[int(sign)] if sign.isdigit() else sign for sign in text)


WAYS = st.sampled_from(
    [
        "{0}{1}丁目{2}番{3}号",
        "{0}　{1}丁目 {2}番 {3}号",
        "{0}{1}丁目{2}番地{3}",
        "{0}{1}丁目{2}番地の{3}",
        "{0}{1}の{2}の{3}",
        "{0}{1}-{2}-{3}",
        "{0} {1}−{2}−{3}",
        "{0}{1}ー{2}ー{3}",
    ]
)
BEFORE = st.sampled_from(["", "北海道釧路市", "釧路市", "〒085-0000 北海道 釧路市"])
BEHIND = st.sampled_from(["", " コーポ1", "　メゾン釧路203号室", " 203"])


@drawn(TOWNS, NUMBERS, WAYS, WAYS, BEFORE, BEHIND, st.sampled_from([str, _wide, _kanji]))
def test_a_place_is_the_same_in_every_spelling(
    where: str, numbers: tuple[int, int, int], one: str, other: str, before: str, behind: str,
    signs: Any,
) -> None:  # fmt: skip
    stored = f"北海道釧路市{one.format(where, *numbers)}"
    assert same_place(f"{before}{signs(other.format(where, *numbers))}{behind}", stored)


@drawn(TOWNS, NUMBERS, NUMBERS, WAYS, WAYS)
def test_another_house_is_another_place(
    where: str, one: tuple[int, int, int], other: tuple[int, int, int], way: str, too: str
) -> None:
    assert same_place(way.format(where, *one), too.format(where, *other)) is (one == other)


@pytest.mark.parametrize(
    ("text", "named"),
    [("田中　太郎 様", True), ("タナカ", False), ("釧路市役所", False), ("太郎田中", True),
     ("田中郎太", False)],
)  # fmt: skip
def test_a_name_is_found_with_its_title(text: str, named: bool) -> None:
    assert names(text, "田中 太郎") is named


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("千代田区霞が関1-2-3", "東京都千代田区霞ヶ関1丁目2番3号", True),
     ("櫻ケ岡1-2-3", "釧路市桜が岡1丁目2番3号", True), ("アケボノ1-2-3", "あけぼの9-1-2", False),
     ("ムサ4-922-33", "武佐4-922-3", False), ("ムサ4-922", "武佐4-922-3", True)],
)  # fmt: skip
def test_a_town_is_one_in_every_form_of_its_signs(one: str, other: str, same: bool) -> None:
    """Where kana stand against kanji, the numbers decide."""
    assert same_place(one, other) is same


def test_a_name_is_one_in_every_form_of_its_kanji() -> None:
    assert names("高橋　広 様方", "髙橋 廣")
