"""Guards of which no other test tells by itself: `tests/prove/mutants.py` breaks each once."""

from __future__ import annotations

from typing import Any

import pytest

from authz.keys import Keys
from authz.policy.policy import Line
from authz.policy.seal import Chain
from authz.policy.store import PolicyStore
from models.graph.graph import GRAPH
from models.store.database import Database
from tests.test_issuing import oblige
from tests.test_measures import FIRST, PURPOSE, VIOLENCE, do, mutation
from tests.test_policy_editing import told_of
from tests.test_promises import ARREARS, CLERK, COORDINATOR, SECTION_CLERK, notice_rows
from tests.test_trail import DIRECTOR, PLAIN
from tests.world import (
    HANAKO,
    KATO,
    KEIKO,
    NISHI,
    SECRET_ADDRESS,
    SUZUKI,
    TANAKA,
    YAMADA,
    World,
    owing,
)

NAME = "query ($c: String!) { addressee(code: $c) { code fullName } }"
CLOSED = Line("role:branch-clerk", "purpose:any", "class:name", "read", "deny")


async def make_branch_clerk(town: World) -> None:
    """Give the clerk of a section the role that no section bounds, too."""
    await town.change(
        f"INSERT INTO staff_role (staff_id, role) VALUES ('{SECTION_CLERK}', 'branch-clerk')"
    )


async def test_an_id_of_one_type_is_none_of_another(world: World) -> None:
    """Levies and accounts are numbered alike: the type within an id is what tells them apart."""
    levies = await world.data(CLERK, "consultation", "{ collections { nodes { id } } }")
    document = "query ($id: ID!) { account(id: $id) { bankCode } }"
    nothing = await world.ask(CLERK, "consultation", document, {"id": "nothing"})
    for levy in levies["collections"]["nodes"]:
        found = await world.ask(CLERK, "consultation", document, {"id": levy["id"]})
        assert found.content == nothing.content


async def test_whoever_may_not_see_the_obligation_is_not_told_it(town: World) -> None:
    """No line opens `handling` to a clerk: then nothing says who is covered."""
    await town.publish(
        Line("role:collection-clerk", "purpose:any", "class:handling", "read", "deny")
    )
    await told_of(town, 2)
    for code in (TANAKA, YAMADA):
        response = await town.ask(CLERK, "consultation", NAME, {"c": code})
        assert response.json()["data"]["addressee"]["code"] == code
        assert response.json()["extensions"]["privacy"]["obligations"] == []


async def test_a_role_shows_its_cells_in_its_own_population_alone(town: World) -> None:
    """A branch clerk reads everybody's code, and names only as a clerk of a section."""
    await make_branch_clerk(town)
    await town.publish(CLOSED)
    await told_of(town, 2)
    names = {}
    for code in (YAMADA, HANAKO):
        found = await town.data(SECTION_CLERK, "consultation", NAME, variables={"c": code})
        names[found["addressee"]["code"]] = found["addressee"]["fullName"]
    assert names == {YAMADA: "山田 太郎", HANAKO: None}


@pytest.mark.parametrize(
    ("action", "person", "member"),
    [("read", YAMADA, HANAKO), ("read-withheld", TANAKA, KEIKO)],
    ids=["anybody's", "of who is covered"],
)
async def test_who_may_not_read_households_learns_of_none_by_excluding(
    town: World, action: str, person: str, member: str
) -> None:
    """A coordinator who has lost the households: members and strangers are refused alike."""
    await town.publish(
        Line("role:protection-coordinator", "purpose:any", "class:household", action, "deny")
    )
    await told_of(town, 2)
    document = """mutation ($m: String!) { excludeHouseholdMember(input: {addresseeCode: "%s",
        memberCode: $m, reason: "x"}) { householdExclusion { id } } }"""
    refusals = set()
    for other in (member, SUZUKI):
        response = await town.ask(
            COORDINATOR, "protection-measures", document % person, {"m": other}
        )
        refusals.add((response.status_code, response.content))
    [(status, _)] = refusals
    assert status == 403


async def test_whose_levies_may_not_be_told_is_not_told_by_their_count(town: World) -> None:
    """Two levies of one person and two of two cost alike where nothing leads to their payers."""
    await town.change("UPDATE harvest_budget SET persons = 9")
    ways = ("Collection.addressee", "Addressee.collections")
    await town.publish(
        *(
            Line("role:collection-clerk", "purpose:any", way, action, "deny")
            for way in ways
            for action in ("read", "list")
        )
    )
    await told_of(town, 2)
    listed = "query ($first: Int!) { collections(first: $first) { nodes { noticeNumber } } }"
    of_one = await town.data(CLERK, "consultation", listed, variables={"first": 2})
    assert of_one["collections"]["nodes"] == [{"noticeNumber": "N001"}] * 2
    variables = {"f": {"noticeNumber": {"in": ["N021", "N031"]}}}
    named = (
        "query ($f: CollectionFilter!) {"
        " collections(first: 2, filter: $f) { nodes { noticeNumber } } }"
    )
    of_two = await town.data(CLERK, "collection-management", named, variables=variables)
    assert len(of_two["collections"]["nodes"]) == 2
    refusals = [
        await town.ask(CLERK, purpose, listed, {"first": 9})
        for purpose in ("consultation", "collection-management")
    ]
    assert [response.status_code for response in refusals] == [429, 429]
    assert refusals[0].content == refusals[1].content


async def test_an_id_is_not_told_to_be_a_codes_by_their_count(town: World) -> None:
    """To whoever sees no codes, the id of somebody named by code costs as much as anybody's."""
    await town.change("UPDATE harvest_budget SET persons = 4")
    ids = {}
    for code in (YAMADA, SUZUKI):
        document = "query ($c: String!) { addressee(code: $c) { id } }"
        found = await town.data(COORDINATOR, "protection-measures", document, variables={"c": code})
        ids[code] = found["addressee"]["id"]
    denied = [
        Line("role:collection-clerk", "purpose:any", "Addressee.code", action, "deny")
        for action in ("read", "list")
    ]
    await town.publish(*denied)
    await told_of(town, 2)
    refusals = set()
    for purpose, code in (("consultation", YAMADA), ("collection-management", SUZUKI)):
        named = "query ($c: String!) { addressee(code: $c) { fullName } }"
        await town.data(CLERK, purpose, named, variables={"c": YAMADA})
        document = "query ($id: ID!) { node(id: $id) { ... on Addressee { fullName } } }"
        await town.data(CLERK, purpose, document, variables={"id": ids[code]})
        response = await town.ask(CLERK, purpose, "{ addressees(first: 9) { nodes { fullName } } }")
        refusals.add((response.status_code, response.content))
    [(status, _)] = refusals
    assert status == 429


@pytest.mark.parametrize("hidden", ["addressee", "persons", "counterparty"])
async def test_whom_a_measure_is_about_is_probed_by_nobody(town: World, hidden: str) -> None:
    """A coordinator from whom a line hides it: whoever is named, the refusal is the same."""
    measure = await do(town, FIRST, "recordMeasure", VIOLENCE | {"otherPersons": [HANAKO]})
    role, what = "role:protection-coordinator", f"ProtectiveMeasure.{hidden}"
    await town.publish(Line(role, "purpose:any", what, "read", "deny"))
    await told_of(town, 2)
    refusals = set()
    for field in ({"counterpartyAddresseeCode": code} for code in (YAMADA, HANAKO, KATO, TANAKA)):
        given = {"measureId": measure["id"], **field}
        response = await town.ask(FIRST, PURPOSE, mutation("amendMeasure"), {"input": given})
        refusals.add((response.status_code, response.content))
    [(status, _)] = refusals
    assert status == 403


async def test_a_change_needs_each_of_its_cells_of_whom_it_changes(town: World) -> None:
    """That there is a substitute address everybody's branch clerk writes, what it says the clerk of
    a section alone: of people outside the section the two roles together write nothing."""
    await town.change("DELETE FROM substitute_address_proposal")
    for code in (YAMADA, HANAKO):
        await town.change(
            "INSERT INTO substitute_address_proposal (addressee_code, address, status)"
            f" VALUES ('{code}', '局留', 'PROPOSED')"
        )
    listed = "{ substituteAddressProposals(first: 2) { nodes { id addressee { code } } } }"
    nodes = (await town.data(COORDINATOR, "protection-measures", listed))[
        "substituteAddressProposals"
    ]["nodes"]
    ids = {node["addressee"]["code"]: node["id"] for node in nodes}
    await make_branch_clerk(town)
    await town.publish(
        *(
            Line(f"role:{role}", "purpose:any", what, "write", "allow")
            for role, what in (
                ("branch-clerk", "SubstituteAddress"),
                ("section-clerk", "class:substitute-address"),
                ("section-clerk", "SubstituteAddressProposal"),
            )
        )
    )
    await told_of(town, 2)
    document = """mutation ($id: ID!) { withdrawSubstituteAddress(input: {proposalId: $id}) {
        __typename } }"""
    statuses = [
        (await town.ask(SECTION_CLERK, "consultation", document, {"id": ids[code]})).status_code
        for code in (YAMADA, HANAKO)
    ]
    assert statuses == [200, 400]
    stored = await town.rows(
        "SELECT addressee_code FROM substitute_address_proposal WHERE status = 'PROPOSED'"
    )
    assert [row["addressee_code"] for row in stored] == [HANAKO]


async def test_what_is_proposed_already_is_told_to_who_may_read_it_alone(town: World) -> None:
    """A coordinator who has lost the states: what is proposed and what is not is refused alike."""
    flag = f"""mutation {{ proposeFlagEnd(input: {{addresseeCode: "{TANAKA}", flag: DV_FLAG,
        reason: "x"}}) {{ __typename }} }}"""
    member = f"""mutation {{ excludeHouseholdMember(input: {{addresseeCode: "{YAMADA}",
        memberCode: "{HANAKO}", reason: "x"}}) {{ __typename }} }}"""
    for document in (flag, member):
        statuses = [
            (await town.ask(COORDINATOR, "protection-measures", document)).status_code
            for _ in range(2)
        ]
        assert statuses == [200, 400]
    await town.publish(
        *(
            Line("role:protection-coordinator", "purpose:any", what, "read", "deny")
            for what in ("ProtectiveMeasure.status", "HouseholdExclusion.status")
        )
    )
    await told_of(town, 2)
    for document in (flag, member):
        response = await town.ask(COORDINATOR, "protection-measures", document)
        assert response.status_code == 403


async def test_whole_goes_before_masked(town: World) -> None:
    """One role masks everybody's account numbers; beside it another shows those of a section."""
    await make_branch_clerk(town)
    await town.change(
        f"UPDATE bank_account SET tax_item_code = '13' WHERE addressee_code = '{YAMADA}'"
    )
    await town.change("UPDATE bank_account SET holder_addressee_code = NULL")
    number = "class:bank-account-number"
    masked = [
        Line("role:branch-clerk", "purpose:any", "class:bank-account", "read", "allow"),
        Line("role:branch-clerk", "purpose:any", number, "mask", "allow"),
    ]
    whole = Line("role:section-clerk", "purpose:any", number, "read", "allow")
    document = """query ($c: String!) { addressee(code: $c) { accounts { nodes {
        accountNumber } } } }"""
    shown: dict[str, list[Any]] = {YAMADA: [], SUZUKI: []}
    for version, lines in ((2, masked), (3, [*masked, whole])):
        await town.publish(*lines)
        await told_of(town, version)
        for code, seen in shown.items():
            found = await town.data(SECTION_CLERK, "consultation", document, variables={"c": code})
            seen += found["addressee"]["accounts"]["nodes"]
    assert shown == {
        YAMADA: [{"accountNumber": "****321"}, {"accountNumber": "7654321"}],
        SUZUKI: [{"accountNumber": "****223"}, {"accountNumber": None}],
    }


async def test_whose_obligation_is_not_told_is_like_whoever_has_none(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch clerk reads everybody, and is told of obligations only as a clerk of a section: whom
    the section has to do with does not leave the database either."""
    await make_branch_clerk(town)
    await town.publish(Line("role:branch-clerk", "purpose:any", "class:handling", "read", "deny"))
    await told_of(town, 2)
    document = "query ($c: String!) { addressee(code: $c) { code } }"
    told = {}
    for code in (YAMADA, HANAKO):
        seen: list[Any] = []
        with monkeypatch.context() as patch:
            notice_rows(patch, seen)
            await town.data(SECTION_CLERK, "consultation", document, variables={"c": code})
        told[code] = seen[seen.index(code) :]
    assert [bool(value) for value in told[YAMADA]] == [True, False, False]
    assert told[YAMADA][1:] == told[HANAKO][1:]


async def test_an_account_without_an_item_lies_in_no_section(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown is no: else the flags of whoever has an obligation would come as null."""
    await make_branch_clerk(town)
    await town.change(
        f"UPDATE bank_account SET tax_item_code = NULL WHERE addressee_code = '{YAMADA}'"
    )
    await town.publish(
        Line("role:branch-clerk", "purpose:any", "class:handling", "read", "deny"),
        Line("role:branch-clerk", "purpose:any", "class:bank-account", "read", "allow"),
    )
    await told_of(town, 2)
    accounts = "query ($c: String!) { addressee(code: $c) { accounts { nodes { id } } } }"
    found = await town.data(ARREARS, "delinquency", accounts, variables={"c": YAMADA})
    account = {"id": found["addressee"]["accounts"]["nodes"][0]["id"]}
    document = "query ($id: ID!) { node(id: $id) { ... on Account { id } } }"
    told = []
    for _ in range(2):
        seen: list[Any] = []
        with monkeypatch.context() as patch:
            notice_rows(patch, seen)
            await town.data(SECTION_CLERK, "consultation", document, variables=account)
        told.append(seen[seen.index(YAMADA) :])
        await oblige(town, YAMADA, False, True)
    assert told[0] == told[1]


async def test_a_negation_finds_nobody_covered(world: World) -> None:
    """Whom a condition does not find its negation does not find either."""
    document = """query ($v: String!) { addressees(first: 50, filter: {not: {residence:
        {address: {eq: $v}}}}) { totalCount nodes { code } } }"""
    found = await world.data(ARREARS, "field-survey", document, variables={"v": "nowhere"})
    codes = {node["code"] for node in found["addressees"]["nodes"]}
    assert YAMADA in codes
    assert not {TANAKA, NISHI} & codes


async def test_a_row_about_two_is_withheld_for_either(world: World) -> None:
    """His account is hers to be found by: branch and holder are withheld with her."""
    document = """query ($c: String!) { addressee(code: $c) {
        accounts { nodes { bankCode branchCode } } } }"""
    found = await world.data(ARREARS, "delinquency", document, variables={"c": SUZUKI})
    assert found["addressee"]["accounts"]["nodes"] == [{"bankCode": "0116", "branchCode": None}]


async def test_where_mail_goes_is_withheld_with_whoever_acts_for_the_person(town: World) -> None:
    """What his mail says of her who acts for him: her name and place, on his row."""
    document = """query ($c: String!) { addressee(code: $c) {
        forwardingAddresses { totalCount nodes { id fullName address } } } }"""
    row = "query ($id: ID!) { node(id: $id) { ... on ForwardingAddress { fullName } } }"
    for code in (SUZUKI, KATO):
        await town.change(
            "INSERT INTO forwarding_address (addressee_code, full_name, address)"
            f" VALUES ('{code}', '田中 美咲', '{SECRET_ADDRESS}')"
        )
    await oblige(town, SUZUKI, False, False)

    async def told(code: str, staff_id: str, purpose: str) -> Any:
        found = await town.data(staff_id, purpose, document, variables={"c": code})
        return found["addressee"]["forwardingAddresses"]

    await oblige(town, TANAKA, False, True)
    open_to_all = await told(SUZUKI, ARREARS, "field-survey")
    [place] = open_to_all["nodes"]
    assert (place["fullName"], place["address"]) == ("田中 美咲", SECRET_ADDRESS)
    await oblige(town, TANAKA, True, False)
    for ended in (None, "2020-01-01"):
        if ended:
            await town.change(f"UPDATE special_addressee SET abolished_on = '{ended}'")
        assert await told(SUZUKI, ARREARS, "field-survey") == {"totalCount": 0, "nodes": []}
        one = await town.ask(ARREARS, "field-survey", row, {"id": place["id"]})
        none = await town.ask(ARREARS, "field-survey", row, {"id": "nothing"})
        assert one.content == none.content
        async with owing(town, KATO):
            assert (await told(KATO, ARREARS, "field-survey"))["totalCount"] == 1
        anyway = await told(SUZUKI, COORDINATOR, "protection-measures")
        # For another purpose it has another id.
        assert [{**one, "id": place["id"]} for one in anyway["nodes"]] == [place]


async def test_a_covered_persons_account_names_nobody_else(town: World) -> None:
    """Through whose account somebody pays tells with whom they live; their own name does not."""
    document = """query ($c: String!) { addressee(code: $c) {
        accounts { nodes { holderName holderKana holder { code } } } } }"""

    async def named(code: str) -> Any:
        found = await town.data(ARREARS, "delinquency", document, variables={"c": code})
        [account] = found["addressee"]["accounts"]["nodes"]
        return account["holderKana"], account["holder"]

    await town.change(f"DELETE FROM handling WHERE addressee_code = '{TANAKA}'")
    assert await named(SUZUKI) == ("ﾀﾅｶ ﾐｻｷ", {"code": TANAKA})
    for code in (SUZUKI, YAMADA):
        await town.change(
            "INSERT INTO handling (addressee_code, address_withheld, stop_output)"
            f" VALUES ('{code}', true, true)"
        )
    assert await named(SUZUKI) == (None, None)
    assert await named(YAMADA) == ("ﾔﾏﾀﾞ ﾀﾛｳ", None)


@pytest.mark.parametrize("covered", [TANAKA, SUZUKI], ids=["the holder", "the payer"])
async def test_an_account_number_joins_no_covered_person_to_another(
    town: World, covered: str
) -> None:
    """He pays from her account: its number, on his row, would find hers, and hers his."""
    await town.change(
        "INSERT INTO bank_account (addressee_code, usage, bank_code, account_number)"
        f" VALUES ('{TANAKA}', 'REFUND', '0116', '1112223')"
    )
    await town.change(f"DELETE FROM handling WHERE addressee_code = '{TANAKA}'")
    read = "query ($c: String!) { addressee(code: $c) { accounts { nodes { accountNumber } } } }"
    match = """{ accounts(filter: {accountNumber: {eq: "1112223"}}) {
        totalCount nodes { addressee { code } } } }"""

    async def found() -> Any:
        numbers = {
            (purpose, code): (await town.data(CLERK, purpose, read, variables={"c": code}))[
                "addressee"
            ]["accounts"]["nodes"][0]["accountNumber"]
            for purpose in ("consultation", "direct-debit")
            for code in (SUZUKI, TANAKA)
        }
        with_it = (await town.data(CLERK, "direct-debit", match))["accounts"]
        assert with_it["totalCount"] == len(with_it["nodes"])
        return numbers, {node["addressee"]["code"] for node in with_it["nodes"]}

    numbers, with_it = await found()
    assert set(numbers.values()) == {"****223", "1112223"}
    assert with_it == {SUZUKI, TANAKA}
    await town.change(
        "INSERT INTO handling (addressee_code, address_withheld, stop_output)"
        f" VALUES ('{covered}', true, true)"
    )
    own = {key: number for key, number in numbers.items() if key[1] == TANAKA}
    nothing = {key: None for key in numbers if key[1] == SUZUKI}
    assert await found() == ({**own, **nothing}, {TANAKA})


async def test_a_list_is_held_before_it_is_read(town: World) -> None:
    """Whoever has two persons left is shown no list that could tell of three."""
    await town.change("UPDATE harvest_budget SET persons = 2")
    await town.publish(CLOSED)
    await told_of(town, 2)
    document = "query ($n: Int!) { addressees(first: $n) { nodes { code } } }"
    for first, status in ((3, 429), (2, 200)):
        response = await town.ask(CLERK, "consultation", document, {"n": first})
        assert response.status_code == status


async def test_whoever_is_told_of_a_newer_version_decides_by_it(town: World) -> None:
    """The number rides in with the session; no request is decided by what this worker had."""
    database = Database(town.database_url)
    chain = Chain(Keys.load(town.folder / "keys.json"))
    store = PolicyStore(database, GRAPH.classes, chain)
    try:
        assert (await store.current()).version == 1
        published = await town.publish(CLOSED)
        assert (await store.at_least(published)).version == published == 2
    finally:
        await database.close()


async def persons_told(town: World) -> list[list[str]]:
    """Of whom the coordinator's records tell the director, oldest first."""
    found = await town.data(DIRECTOR, "audit", PLAIN, variables={"first": 200})
    records = [one for one in found["accessRecords"]["nodes"] if one["actor"] == COORDINATOR]
    return [one["persons"] for one in records if one["outcome"] == "OK"][-3:]


async def test_who_is_cleared_for_all_of_it_is_told(town: World) -> None:
    """The director, under a policy that opens what the record was made by."""
    behind = "query ($c: String!) { addressee(code: $c) { protectiveMeasures { nodes { %s } } } }"
    flagged = "{ addressees(filter: {dvFlag: {eq: true}}) { nodes { code } } }"
    behind = behind % "counterparty { code }"
    await do(town, COORDINATOR, "recordMeasure", VIOLENCE)
    await town.data(COORDINATOR, "protection-measures", flagged)
    await town.data(COORDINATOR, "protection-measures", behind, variables={"c": YAMADA})
    by_name = '{ addressees(filter: {fullName: {eq: "山田 太郎"}}) { nodes { code } } }'
    await town.data(COORDINATOR, "protection-measures", by_name)
    opened = [
        Line("role:collection-director", "purpose:audit", f"class:{code}", action, "allow")
        for code in ("protection", "identifier")
        for action in ("read", "list")
    ]
    await town.publish(*opened)
    await told_of(town, 2)
    flags, measures, named = await persons_told(town)
    assert (TANAKA in flags, named) == (True, [])
    assert measures == [YAMADA, KATO]
    # One closed field of a class closes it: what the record shows could be that.
    closed = Line(
        "role:collection-director", "purpose:audit", "ProtectiveMeasure.endsOn", "list", "deny"
    )
    await town.publish(closed)
    await told_of(town, 3)
    assert await persons_told(town) == [[], [YAMADA], []]
