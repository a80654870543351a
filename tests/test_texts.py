"""Texts in every spelling: what two tables of one encoding write differently is the same."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.trade.texts import bare, half_width, same_signs, spellings, without_invisible
from tests.world import World

CLERK, REGISTRAR, AUDITOR = "sato", "yamamoto", "sasaki"
KATO = "加藤 翔"
SIGNS = "～〜−－‐‑–-ー―—‖∥¢￠£￡¬￢12あア "
FEW = st.text(SIGNS, max_size=3)
PAIRS = [
    ("ハイツ1～3号", "ハイツ1〜3号"),
    *(("1－2", f"1{dash}2") for dash in "−‐‑–-ー"),
    ("五－三", "五ー三"), ("‖", "∥"), ("¢", "￠"), ("£", "￡"), ("¬", "￢"), ("―", "—"),
    ("…", "⋯"), ("¦", "￤"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_spellings_are_one(one: str, other: str) -> None:
    assert same_signs(one) == same_signs(other)
    assert other in spellings(one)
    assert one in spellings(other)


@pytest.mark.parametrize(
    ("one", "other"), [("コーヒー", "コ－ヒ－"), ("1～2", "1－2"), ("一", "ー")]
)
def test_other_signs_stay_apart(one: str, other: str) -> None:
    assert same_signs(one) != same_signs(other)


@given(FEW, FEW)
def test_a_look_up_finds_what_is_the_same_and_nothing_else(one: str, other: str) -> None:
    assert (other in spellings(one)) == (same_signs(one) == same_signs(other))


@given(st.text("～〜−－-12あ", max_size=60))
def test_a_long_text_is_looked_up_with_one_sign_throughout(text: str) -> None:
    found = spellings(text)
    assert text in found
    assert len(found) <= 1001
    assert {same_signs(each) for each in found} == {same_signs(text)}
    assert text.replace("～", "〜") in spellings(text.replace("〜", "～"))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    for fold in (same_signs, half_width, bare, without_invisible):
        assert fold(fold(text)) == fold(text)


@given(st.text(SIGNS), st.text(SIGNS))
def test_a_beginning_stays_one(head: str, tail: str) -> None:
    assert same_signs(head + tail).startswith(same_signs(head))


STORED = "釧路ハイツ1～3号棟1－2"
ASKED = ["釧路ハイツ1〜3号棟1−2", "釧路ハイツ1～3号棟1ー2", "釧路ハイツ\u200b1〜3号棟1‐2\u200e"]


async def count(world: World, who: str, purpose: str, root: str, tree: str, text: str) -> int:
    document = f"query ($t: String!) {{ {root}(filter: {tree}) {{ totalCount }} }}"
    found = await world.data(who, purpose, document, variables={"t": text})
    total: int = found[root]["totalCount"]
    return total


@pytest.fixture
async def spelled(world: World) -> World:
    """A town where one name and one place have such signs."""
    await world.change(
        f"UPDATE addressee SET full_name_kana = '{STORED}', address = '{STORED}'"
        f" WHERE full_name = '{KATO}'"
    )
    return world


@pytest.mark.parametrize("asked", [STORED, *ASKED])
async def test_a_filter_finds_the_other_spelling(spelled: World, asked: str) -> None:
    asking = (spelled, REGISTRAR, "addressee-management", "addressees")
    for leaf in (
        "fullNameKana: {eq: $t}",
        "residence: {address: {eq: $t}}",
        "residence: {address: {prefix: $t}}",
    ):
        assert await count(*asking, f"{{{leaf}}}", asked) == 1
        assert await count(*asking, f"{{{leaf}}}", asked + "x") == 0
        none = await count(*asking, f"{{not: {{{leaf}}}}}", "x")
        assert await count(*asking, f"{{not: {{{leaf}}}}}", asked) == none - 1


@pytest.mark.parametrize("mark", ["\u200e", "\u202e", "\ufeff"])
async def test_a_pasted_mark_changes_no_search(world: World, mark: str) -> None:
    tree = "{fullNameSearchKana: {prefix: $t}}"
    plain = await count(world, CLERK, "consultation", "addressees", tree, "ヤマダ")
    assert plain > 0
    marked = f"{mark}ヤマ{mark}ダ"
    assert await count(world, CLERK, "consultation", "addressees", tree, marked) == plain


@pytest.mark.parametrize(
    ("field", "tree", "text"),
    [("accessRecords", "{actor: {eq: $t}}", CLERK),
     ("accessRecords", "{outcome: {in: [$t]}}", "OK"),
     ("staffMembers", "{staffId: {prefix: $t}}", CLERK[:3]),
     ("roleGrants", "{role: {eq: $t}}", "collection-clerk")],
)  # fmt: skip
async def test_nor_one_of_the_log(world: World, field: str, tree: str, text: str) -> None:
    """An auditor who pastes a staff id would read that nobody looked at anything."""
    await world.data(CLERK, "consultation", "{ addressees(first: 1) { totalCount } }")
    found = await count(world, AUDITOR, "audit", field, tree, f"\u200e{text}\u202c")
    assert found > 0


async def test_a_colleague_is_found_by_a_beginning(town: World) -> None:
    await town.change("UPDATE staff SET name = '試験～職員' WHERE id = 'ito'")
    trees = ("{name: {prefix: $t}}", "{name: {eq: $t}}")
    for tree, text in product(trees, ("試験〜職員", "試験～職員")):
        assert await count(town, AUDITOR, "audit", "staffMembers", tree, text) == 1
    assert await count(town, AUDITOR, "audit", "staffMembers", "{name: {prefix: $t}}", "験") == 0
    none = "{not: {name: {prefix: $t}}}"
    assert await count(town, AUDITOR, "audit", "staffMembers", none, "試験〜") > 5
