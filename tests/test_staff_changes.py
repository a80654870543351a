"""Staff over HTTP: hire, roles with dates, suspension, transfer; who gives, who takes, at once."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from models.store.database import Database
from models.store.migrate import migrate
from models.tables.staff import STAFF_ROLE
from resolvers.imports.run import Report, rejects_of
from resolvers.imports.staff import import_staff
from server import account, issue_password, main
from tests.test_hostile import code_of
from tests.world import World, settings_of

ADMIN, DIRECTOR, AUDITOR, CLERK, OFFICER = "yamada", "kato", "sasaki", "sato", "takahashi"
EDITING = "policy-administration"
MEMBER = "staffMember { staffId state section roles { nodes { role validFrom validUntil } } }"
BOTH = f"proposal {{ id state kind role decidedBy }} {MEMBER}"
PAYLOAD = {
    "hireStaffMember": ("HireStaffMember", MEMBER),
    "proposeRole": ("ProposeRole", BOTH),
    "proposeReinstatement": ("StaffMember", BOTH),
    "withdrawStaffProposal": ("WithdrawStaffProposal", BOTH),
    "approveStaffProposal": ("DecideStaffProposal", BOTH),
    "rejectStaffProposal": ("DecideStaffProposal", BOTH),
    "revokeRole": ("RevokeRole", MEMBER),
    "suspendStaffMember": ("StaffMember", MEMBER),
    "transferStaffMember": ("TransferStaffMember", MEMBER),
}


async def attempt(
    world: World, who: str, name: str, given: Mapping[str, Any], purpose: str = EDITING
) -> dict[str, Any]:
    kind, shown = PAYLOAD[name]
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {shown} }} }}"
    response = await world.ask(who, purpose, document, {"input": dict(given)})
    content: dict[str, Any] = response.json()
    return content


async def do(world: World, who: str, mutation: str, /, **given: Any) -> Any:
    content = await attempt(world, who, mutation, given)
    assert "errors" not in content, content
    return content["data"][mutation]


async def given_role(world: World, staff_id: str, role: str, **days: str) -> Any:
    told = await do(
        world, ADMIN, "proposeRole", staffId=staff_id, role=role, reason="needed", **days
    )
    return await do(
        world, DIRECTOR, "approveStaffProposal", proposal=told["proposal"]["id"], reason="yes"
    )


def roles(member: Mapping[str, Any]) -> list[str]:
    return sorted(grant["role"] for grant in member["roles"]["nodes"])


async def test_a_role_taken_away_ends_the_session_at_once(town: World) -> None:
    assert (await town.ask(CLERK, "consultation", "{ viewer { id } }")).status_code == 200
    told = await do(
        town, ADMIN, "revokeRole", staffId=CLERK, role="collection-clerk", reason="moved"
    )
    assert roles(told["staffMember"]) == []
    response = await town.ask(CLERK, "consultation", "{ viewer { id } }")
    assert (response.status_code, code_of(response.json())) == (401, "UNAUTHENTICATED")


async def test_nobody_is_hired_as_what_acts_on_the_log(town: World) -> None:
    """Nor by what the log would not tell, as it could be an individual number."""
    for name in ("import", "Operator", "server.py", "100000000001", "a-100000000001-b"):
        content = await attempt(town, ADMIN, "hireStaffMember", {"staffId": name, "name": "x"})
        assert code_of(content) == "BAD_USER_INPUT", name


async def test_a_role_is_given_by_two(town: World) -> None:
    told = await do(
        town, ADMIN, "proposeRole", staffId=CLERK, role="arrears-officer", reason="helps out"
    )
    proposal = told["proposal"]["id"]
    assert roles(told["staffMember"]) == ["collection-clerk"]
    for who in (ADMIN, CLERK):
        content = await attempt(
            town, who, "approveStaffProposal", {"proposal": proposal, "reason": "x"},
            EDITING if who == ADMIN else "consultation",
        )  # fmt: skip
        assert code_of(content) == "WRITE_NOT_ALLOWED"
        [record] = await town.log()
        assert (record["kind"], record["actor"], record["outcome"]) == (
            "WRITE", who, "WRITE_NOT_ALLOWED"
        )  # fmt: skip
    told = await do(
        town, DIRECTOR, "approveStaffProposal", proposal=proposal, reason="until spring"
    )
    assert roles(told["staffMember"]) == ["arrears-officer", "collection-clerk"]
    assert told["proposal"]["decidedBy"] == DIRECTOR
    # The session of before had not the role: a new one has.
    del town.tokens[CLERK]
    found = await town.data(CLERK, "delinquency", "{ viewer { roles } }")
    assert found["viewer"]["roles"] == ["arrears-officer", "collection-clerk"]


async def test_nobody_gives_a_right_to_themselves(town: World) -> None:
    mine = {"staffId": ADMIN, "role": "privacy-auditor", "reason": "I need it"}
    assert code_of(await attempt(town, ADMIN, "proposeRole", mine)) == "WRITE_NOT_ALLOWED"
    told = await do(
        town, ADMIN, "proposeRole", staffId=DIRECTOR, role="arrears-officer", reason="x"
    )
    content = await attempt(
        town, DIRECTOR, "approveStaffProposal",
        {"proposal": told["proposal"]["id"], "reason": "mine"},
    )  # fmt: skip
    assert code_of(content) == "WRITE_NOT_ALLOWED"
    # What concerns the director is the auditor's to decide, and nothing else is.
    given = {"proposal": told["proposal"]["id"], "reason": "no objection"}
    content = await attempt(town, AUDITOR, "approveStaffProposal", given, "audit")
    assert roles(content["data"]["approveStaffProposal"]["staffMember"]) == [
        "arrears-officer", "collection-director"
    ]  # fmt: skip
    told = await do(town, ADMIN, "proposeRole", staffId=CLERK, role="branch-clerk", reason="x")
    given = {"proposal": told["proposal"]["id"], "reason": "mine"}
    content = await attempt(town, AUDITOR, "approveStaffProposal", given, "audit")
    assert code_of(content) == "WRITE_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("staff_id", "role"),
    [
        (CLERK, "policy-administrator"),
        (AUDITOR, "collection-clerk"),
        (CLERK, "department-client"),
        (CLERK, "no-such-role"),
        ("nobody", "collection-clerk"),
    ],
)
async def test_roles_that_do_not_go_together_are_not_proposed(
    world: World, staff_id: str, role: str
) -> None:
    given = {"staffId": staff_id, "role": role, "reason": "x"}
    assert code_of(await attempt(world, ADMIN, "proposeRole", given)) == "BAD_USER_INPUT"


async def test_days_bound_a_role(town: World) -> None:
    told = await given_role(town, CLERK, "arrears-officer", validFrom="2099-04-01")
    assert {"role": "arrears-officer", "validFrom": "2099-04-01", "validUntil": None} in (
        told["staffMember"]["roles"]["nodes"]
    )
    found = await town.data(CLERK, "consultation", "{ viewer { roles } }")
    assert found["viewer"]["roles"] == ["collection-clerk"]


async def test_days_in_the_past_are_refused(town: World, tmp_path: Path) -> None:
    given = {"staffId": CLERK, "role": "arrears-officer", "reason": "x"}
    for days in ({"validFrom": "2020-04-01"}, {"validUntil": "2020-04-01"}):
        assert code_of(await attempt(town, ADMIN, "proposeRole", given | days)) == "BAD_USER_INPUT"
    row = f"{CLERK},佐藤 一郎,,在職,collection-clerk arrears-officer,,2020-03-31"
    report = await import_rows(town, tmp_path, row, header=HEADER.strip())
    assert (report.loaded, report.rejected) == (0, 1)
    # A day that passes while the proposal waits gives nothing either.
    told = await do(town, ADMIN, "proposeRole", **given, validUntil="2099-03-31")
    await town.change("UPDATE staff_proposal SET valid_until = '2020-03-31'")
    decide = {"proposal": told["proposal"]["id"], "reason": "yes"}
    content = await attempt(town, DIRECTOR, "approveStaffProposal", decide)
    assert code_of(content) == "STATE_NOT_ALLOWED"


async def test_who_is_suspended_returns_by_two(town: World) -> None:
    await do(town, ADMIN, "suspendStaffMember", staffId=CLERK, reason="lost badge")
    with pytest.raises(KeyError):  # no data: signing in is refused
        await town.sign_in(CLERK)
    told = await do(town, ADMIN, "proposeReinstatement", staffId=CLERK, reason="found it")
    await do(town, DIRECTOR, "approveStaffProposal", proposal=told["proposal"]["id"], reason="seen")
    assert await town.sign_in(CLERK)
    given = {"proposal": told["proposal"]["id"], "reason": "seen again"}
    again = await attempt(town, DIRECTOR, "approveStaffProposal", given)
    assert code_of(again) == "STATE_NOT_ALLOWED"


async def test_a_transfer_ends_the_roles_of_the_old_section(town: World) -> None:
    told = await do(
        town, ADMIN, "transferStaffMember", staffId=OFFICER, section="branch", reason="1 April"
    )
    assert (told["staffMember"]["section"], roles(told["staffMember"])) == ("branch", [])
    document = """
    { staffProposals(filter: {staffId: {eq: "takahashi"}}) {
        nodes { kind state proposedBy decidedBy reason } } }
    """
    found = await town.data(AUDITOR, "audit", document)
    assert found["staffProposals"]["nodes"] == [
        {"kind": "TRANSFER", "state": "APPROVED", "proposedBy": ADMIN, "decidedBy": None,
         "reason": "1 April"}
    ]  # fmt: skip


async def test_a_member_is_hired_without_roles_and_without_a_password(town: World) -> None:
    told = await do(
        town, ADMIN, "hireStaffMember", staffId="ueda", name="上田 望", section="tax-payment"
    )
    assert told["staffMember"]["state"] == "ACTIVE"
    await given_role(town, "ueda", "collection-clerk")
    sign_in = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    for password in ("", "none yet", "ueda"):
        response = await town.post(sign_in, {"i": {"staffId": "ueda", "password": password}})
        assert code_of(response.json()) == "UNAUTHENTICATED"
    content = await attempt(town, ADMIN, "hireStaffMember", {"staffId": "ueda", "name": "上田"})
    assert code_of(content) == "BAD_USER_INPUT"


@pytest.mark.parametrize("who", [CLERK, DIRECTOR, AUDITOR])
async def test_only_the_administrator_changes_staff(world: World, who: str) -> None:
    purpose = {CLERK: "consultation", DIRECTOR: EDITING, AUDITOR: "audit"}[who]
    given = {"staffId": OFFICER, "reason": "x"}
    content = await attempt(world, who, "suspendStaffMember", given, purpose)
    assert code_of(content) == "WRITE_NOT_ALLOWED"


HEADER = "職員番号,氏名,所属課,状態,ロール,有効開始日,有効終了日\n"
FILE = (
    HEADER
    + """sato,佐藤 一郎,tax-payment,在職,collection-clerk arrears-officer,R8.4.1,
takahashi,高橋 直人,branch,在職,branch-clerk,,
ito,伊藤 美咲,branch,退職,,,
ueda,上田 望,tax-payment,在職,addressee-registrar number-handler,,
ueno,上野 光,no-such-section,在職,collection-clerk,,
yamada,山田 健,tax-payment,在職,policy-administrator collection-clerk,,
oda,小田 学,tax-payment,在職,collection-clerk,yesterday,
"""
)


async def test_the_personnel_file_takes_at_once_and_proposes(town: World, tmp_path: Path) -> None:
    path = tmp_path / "personnel.csv"
    path.write_bytes(FILE.encode("cp932"))
    for who, purpose in ((CLERK, "consultation"), (OFFICER, "delinquency")):
        await town.data(who, purpose, "{ viewer { id } }")
    database = Database(town.database_url)
    try:
        first = await import_staff(path, database, rejects_of(path))
        again = await import_staff(path, database, rejects_of(path))
    finally:
        await database.close()
    assert (first.loaded, first.rejected) == (4, 3)
    assert (again.loaded, again.already_there, again.rejected) == (0, 4, 3)
    rejects = rejects_of(path).read_text(encoding="utf-8-sig")
    assert [row.split(",")[0] for row in rejects.splitlines()[1:]] == ["6", "7", "8"]
    assert "no-such-section" not in rejects
    document = """
    { staffMembers(first: 50) { nodes { staffId section state roles { nodes { role } }
        proposals { nodes { kind state role proposedBy validFrom } } } } }
    """
    found = await town.data(AUDITOR, "audit", document)
    members = {one["staffId"]: one for one in found["staffMembers"]["nodes"]}
    assert roles(members[CLERK]) == ["collection-clerk"]
    assert members[CLERK]["proposals"]["nodes"] == [
        {"kind": "ROLE", "state": "PROPOSED", "role": "arrears-officer", "proposedBy": "import",
         "validFrom": "2026-04-01"}
    ]  # fmt: skip
    assert (members[OFFICER]["section"], roles(members[OFFICER])) == ("branch", [])
    assert members["ito"]["state"] == "SUSPENDED"
    assert [one["role"] for one in members["ueda"]["proposals"]["nodes"]] == [
        "addressee-registrar", "number-handler"
    ]  # fmt: skip
    assert roles(members["yamada"]) == ["policy-administrator"]
    written = [one for one in await town.log(20) if one["actor"] == "import"]
    # Of a transfer with a new role: what was taken, and what is proposed.
    assert [one["kind"] for one in written] == ["WRITE"] * 5


async def import_rows(
    town: World, folder: Path, *rows: str, header: str = "職員番号,氏名,状態"
) -> Report:
    path = folder / "personnel.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    database = Database(town.database_url)
    try:
        return await import_staff(path, database, rejects_of(path))
    finally:
        await database.close()


async def member(town: World, staff_id: str) -> dict[str, Any]:
    document = f"""{{ staffMembers(filter: {{staffId: {{eq: "{staff_id}"}}}}) {{
        nodes {{ name state section roles {{ nodes {{ role }} }} }} }} }}"""
    [found] = (await town.data(AUDITOR, "audit", document))["staffMembers"]["nodes"]
    one: dict[str, Any] = found
    return one


@pytest.mark.parametrize(
    ("name", "rejected"),
    [
        ("佐藤　一郎", 0),
        ("佐藤\U000e0100 \ue000", 0),
        ("", 0),
        ("佐藤\u200b一郎", 1),
        ("佐" * 201, 1),
    ],
)
async def test_no_name_keeps_a_leaver_in(
    town: World, tmp_path: Path, name: str, rejected: int
) -> None:
    report = await import_rows(town, tmp_path, f"{CLERK},{name},退職")
    assert report.rejected == rejected
    found = await member(town, CLERK)
    assert found["state"] == "SUSPENDED"
    assert rejected or found["name"] in {name, "佐藤 一郎"}


async def test_taking_a_role_waits_for_no_other_cell(town: World, tmp_path: Path) -> None:
    header = "職員番号,氏名,所属課,状態,ロール,有効開始日"
    rows = (
        f"{CLERK},佐藤 一郎,no-such-section,在職,,",
        f"{OFFICER},高橋\u202e直人,branch,在職,branch-clerk,yesterday",
    )
    report = await import_rows(town, tmp_path, *rows, header=header)
    assert report.rejected == 2
    assert roles(await member(town, CLERK)) == roles(await member(town, OFFICER)) == []
    assert (await member(town, OFFICER))["section"] == "branch"


@pytest.mark.parametrize(
    "written",
    ["collection-clerk、number-handler", '"collection-clerk,number-handler"', "'collection-clerk",
     '"=""collection-clerk"""', "ｃｏｌｌｅｃｔｉｏｎ－ｃｌｅｒｋ", "collection‐clerk\u200b"],
)  # fmt: skip
async def test_no_spelling_of_a_role_takes_it(town: World, tmp_path: Path, written: str) -> None:
    row = f"{CLERK},佐藤 一郎,{written}"
    report = await import_rows(town, tmp_path, row, header="職員番号,氏名,ロール")
    assert report.rejected == 0
    assert roles(await member(town, CLERK)) == ["collection-clerk"]


async def test_a_leaver_who_is_not_there_is_reported(town: World, tmp_path: Path) -> None:
    rows = ("SATO,佐藤 一郎,退職", "12345,試験 職員,退職", "\u200bｉｔｏ,伊藤 美咲,退職")
    report = await import_rows(town, tmp_path, *rows)
    assert (report.loaded, report.already_there, report.rejected) == (1, 0, 2)
    assert report.rejects is not None
    assert report.rejects.read_text("utf-8-sig").count("there is no such staff member") == 2
    assert (await member(town, CLERK))["state"] == "ACTIVE"
    assert (await member(town, "ito"))["state"] == "SUSPENDED"


@pytest.mark.parametrize(
    "written", ['"=""sato"""', "'sato", "ｓａｔｏ", "\u202dsato\u202c", "sa to\u00a0", "“sato”"]
)
async def test_a_leaver_is_found_however_the_id_is_written(
    town: World, tmp_path: Path, written: str
) -> None:
    report = await import_rows(town, tmp_path, f"{written},佐藤 一郎,退　職")
    assert (report.loaded, report.rejected) == (1, 0)
    assert (await member(town, CLERK))["state"] == "SUSPENDED"


@pytest.mark.parametrize("state", ["在　職", "在職\u200b", '"=""在職"""', "'在職", ""])
async def test_nobody_leaves_for_the_spelling_of_being_in_service(
    town: World, tmp_path: Path, state: str
) -> None:
    report = await import_rows(town, tmp_path, f"{CLERK},佐藤 一郎,{state}")
    assert (report.loaded, report.rejected) == (0, 0)
    assert (await member(town, CLERK))["state"] == "ACTIVE"


@pytest.mark.parametrize("name", ["上田　望", "髙󠄀橋", "\ue000田 望"])
async def test_names_are_taken_as_they_are_written(town: World, name: str) -> None:
    await do(town, ADMIN, "hireStaffMember", staffId="ueda", name=name)
    assert (await member(town, "ueda"))["name"] == name


@pytest.mark.parametrize(
    "name", ["上田\u200b望", "\u202e望田上", "　", "\u200d", "上\x07田", "上" * 201]
)
async def test_what_is_no_name_is_refused(town: World, name: str) -> None:
    content = await attempt(town, ADMIN, "hireStaffMember", {"staffId": "ueda", "name": name})
    assert code_of(content) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "staff_id",
    ["Sato", "SATO", "sat0", "sato\u200b", "ｓａｔｏ", "a1001", "771000000075", "7710-0000-0075"],
)
async def test_a_staff_id_that_reads_like_another_one_is_refused(
    town: World, tmp_path: Path, staff_id: str
) -> None:
    await do(town, ADMIN, "hireStaffMember", staffId="al0OI", name="有 一")
    given = {"staffId": staff_id, "name": "上田 望"}
    assert code_of(await attempt(town, ADMIN, "hireStaffMember", given)) == "BAD_USER_INPUT"
    assert (await member(town, CLERK))["name"] == "佐藤 一郎"


async def test_a_number_without_its_zeros_is_somebody_elses(town: World, tmp_path: Path) -> None:
    assert (await import_rows(town, tmp_path, "0012,上田 望,在職")).loaded == 1
    report = await import_rows(town, tmp_path, "12,上田 望,在職", "120,上野 光,在職")
    assert (report.loaded, report.rejected) == (1, 1)


# -- the office is never without -------------------------------------------------------------------

LAST = {DIRECTOR: "collection-director", ADMIN: "policy-administrator"}


@pytest.mark.parametrize("who", [DIRECTOR, ADMIN])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("revokeRole", {}),
        ("suspendStaffMember", {}),
        ("transferStaffMember", {"section": "branch"}),
    ],
)
async def test_the_last_of_a_role_that_cannot_be_missed_stays(
    town: World, who: str, name: str, more: dict[str, str]
) -> None:
    if name == "revokeRole":
        more = {"role": LAST[who]}
    given = {"staffId": who, "reason": "leaves", **more}
    content = await attempt(town, ADMIN, name, given)
    assert code_of(content) == "STATE_NOT_ALLOWED"
    assert LAST[who] in content["errors"][0]["message"]
    # Neither somebody whose day has not come, nor who is suspended, is anybody else.
    await town.change(
        "INSERT INTO staff_role (staff_id, role, valid_from)"
        f" VALUES ('matsumoto', '{LAST[who]}', '2099-01-01')"
    )
    await town.change(f"INSERT INTO staff_role (staff_id, role) VALUES ('ito', '{LAST[who]}')")
    await town.change("UPDATE staff SET state = 'SUSPENDED' WHERE id = 'ito'")
    assert code_of(await attempt(town, ADMIN, name, given)) == "STATE_NOT_ALLOWED"
    assert await town.sign_in(who)
    await town.change("UPDATE staff SET state = 'ACTIVE' WHERE id = 'ito'")
    await do(town, ADMIN, name, **given)


async def test_of_two_coordinators_one_goes(town: World) -> None:
    await do(town, ADMIN, "suspendStaffMember", staffId="mori", reason="leaves")
    given = {"staffId": "kobayashi", "reason": "leaves"}
    assert code_of(await attempt(town, ADMIN, "suspendStaffMember", given)) == "STATE_NOT_ALLOWED"


async def test_of_two_at_once_one_stays(town: World) -> None:
    given = ({"staffId": each, "reason": "leaves"} for each in ("mori", "kobayashi"))
    answers = await asyncio.gather(
        *(attempt(town, ADMIN, "suspendStaffMember", each) for each in given)
    )
    assert sorted("errors" in each for each in answers) == [False, True]


async def test_a_day_to_come_takes_nothing_from_the_last_one(town: World) -> None:
    told = await do(
        town, ADMIN, "proposeRole", staffId=DIRECTOR, role=LAST[DIRECTOR], reason="anew",
        validFrom="2099-04-01",
    )  # fmt: skip
    given = {"proposal": told["proposal"]["id"], "reason": "as proposed"}
    content = await attempt(town, AUDITOR, "approveStaffProposal", given, "audit")
    assert code_of(content) == "STATE_NOT_ALLOWED"


async def test_a_role_that_nobody_else_holds_does_not_end_with_its_day(town: World) -> None:
    past = "SET valid_until = '2020-03-31'"
    await town.change(f"UPDATE staff_role {past} WHERE staff_id IN ('kato', 'sato')")
    # Who held it until an earlier day does not come back by that.
    await town.change(
        "INSERT INTO staff_role (staff_id, role, valid_until)"
        " VALUES ('takahashi', 'collection-director', '2019-03-31')"
    )
    viewer = "{ viewer { roles } }"
    found = await town.data(DIRECTOR, EDITING, viewer)
    assert found["viewer"]["roles"] == ["collection-director"]
    with pytest.raises(KeyError):  # no data: signing in is refused
        await town.sign_in(CLERK)
    found = await town.data(OFFICER, "delinquency", viewer)
    assert found["viewer"]["roles"] == ["arrears-officer"]
    given = {"staffId": DIRECTOR, "reason": "leaves"}
    assert code_of(await attempt(town, ADMIN, "suspendStaffMember", given)) == "STATE_NOT_ALLOWED"
    await given_role(town, "ito", "collection-director")
    with pytest.raises(KeyError):
        await town.sign_in(DIRECTOR)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_no_order_of_a_personnel_file_leaves_nobody_to_approve(
    town: World, tmp_path: Path, order: tuple[int, ...]
) -> None:
    rows = (
        "kato,加藤 修,tax-payment,退職,,,",
        "ueda,上田 望,tax-payment,在職,collection-director,,",
        "yamada,山田 健,branch,在職,system-operator,,",
    )
    path = tmp_path / "personnel.csv"
    path.write_text(HEADER + "\n".join(rows[at] for at in order) + "\n", encoding="utf-8")
    database = Database(town.database_url)
    try:
        report = await import_staff(path, database, rejects_of(path))
        assert (report.loaded, report.rejected) == (1, 2)
        assert "collection-director" in rejects_of(path).read_text(encoding="utf-8-sig")
        found = await town.data(
            DIRECTOR, EDITING, "{ staffProposals(first: 50) { nodes { id staffId state } } }"
        )
        [proposal] = [one for one in found["staffProposals"]["nodes"] if one["staffId"] == "ueda"]
        given = {"proposal": proposal["id"], "reason": "the next director"}
        await do(town, DIRECTOR, "approveStaffProposal", **given)
        report = await import_staff(path, database, rejects_of(path))
        assert (report.loaded, report.already_there, report.rejected) == (1, 1, 1)
    finally:
        await database.close()


async def test_two_operators_give_a_role_that_nobody_can_approve(
    town: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATENA_DATABASE_URL", town.database_url)
    monkeypatch.setenv("ATENA_DATA", str(town.folder))

    async def command(*arguments: str) -> int:
        return await asyncio.to_thread(main, ["recover", *arguments])

    begin = ("begin", "ito", "--role", "collection-director", "--reason", "kato has died")
    assert await command(*begin, "--operator", "ito") == 2
    assert await command("begin", "nobody", *begin[2:], "--operator", "hara") == 2
    number_in_it = [*begin[:-1], "7710ー0000ー0075"]
    assert await command(*number_in_it, "--operator", "hara") == 2
    assert "could be an individual number" in capsys.readouterr().err
    assert await command(*begin, "--operator", "hara") == 0
    [number] = re.findall(r"confirm (\d+)", capsys.readouterr().out)
    for name in ("hara", "HARA", "ito", "", "a b"):
        assert await command("confirm", number, "--operator", name) == 2
    assert await command("confirm", number, "--operator", "noda") == 0
    assert await command("confirm", number, "--operator", "noda") == 2
    found = await town.data("ito", EDITING, "{ viewer { roles } }")
    assert found["viewer"]["roles"] == ["branch-clerk", "collection-director"]
    document = """{ staffProposals(filter: {staffId: {eq: "ito"}}) {
        nodes { proposedBy decidedBy } } }"""
    found = await town.data(AUDITOR, "audit", document)
    assert found["staffProposals"]["nodes"] == [
        {"proposedBy": f"operator:hara@{account()}", "decidedBy": f"operator:noda@{account()}"}
    ]
    written = {one["actor"] for one in await town.log(20)}
    assert {f"operator:hara@{account()}", f"operator:noda@{account()}"} <= written


async def test_an_operator_confirms_nothing_that_was_proposed_in_the_console(
    town: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATENA_DATABASE_URL", town.database_url)
    monkeypatch.setenv("ATENA_DATA", str(town.folder))
    await do(town, ADMIN, "proposeRole", staffId="ito", role="collection-director", reason="x")
    [row] = await town.rows("SELECT id FROM staff_proposal")
    confirm = ["recover", "confirm", str(row["id"]), "--operator", "noda"]
    assert await asyncio.to_thread(main, confirm) == 2


async def test_a_password_is_issued_by_the_operator(town: World) -> None:
    await town.data(CLERK, "consultation", "{ viewer { id } }")
    settings = settings_of(town.database_url, town.numbers_url, town.redis_url, town.folder)
    password = await issue_password(settings, CLERK, "operator:noda")
    sign_in = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    response = await town.post(sign_in, {"i": {"staffId": CLERK, "password": password}})
    assert response.json()["data"]["signIn"]["token"]
    deadline = time.monotonic() + 10
    while (await town.ask(CLERK, "consultation", "{ viewer { id } }")).status_code == 200:
        assert time.monotonic() < deadline
    [record] = [one for one in await town.log(3000) if one["actor"] == "operator:noda"]
    assert (record["session"], record["normal_form"]) == (CLERK, "password")
    assert password not in str(record)


async def test_the_first_file_of_a_store_gives_what_it_says(
    database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "first.csv"
    rows = ["a1,管理 一,,在職,policy-administrator,,", "b2,監 二,,在職,collection-director,,",
            "c3,番号 三,,在職,number-handler addressee-registrar,,"]  # fmt: skip
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    database = Database(database_url)
    try:
        await migrate(database)
        assert (await import_staff(path, database, rejects_of(path))).loaded == 3
        path.write_text(HEADER + "d4,後 四,,在職,collection-clerk,,\n", encoding="utf-8")
        assert (await import_staff(path, database, rejects_of(path))).loaded == 1
        async with database.look() as connection:
            held = await connection.execute(
                sa.select(STAFF_ROLE.c.staff_id, STAFF_ROLE.c.role).order_by(
                    STAFF_ROLE.c.staff_id, STAFF_ROLE.c.role
                )
            )
            assert [tuple(row) for row in held] == [
                ("a1", "policy-administrator"),
                ("b2", "collection-director"),
                ("c3", "addressee-registrar"),
                ("c3", "number-handler"),
            ]
    finally:
        await database.close()


async def test_a_page_that_cannot_be_shown_refuses_a_change_before_it_is_made(
    world: World,
) -> None:
    document = """
    mutation ($input: HireStaffMemberInput!) {
      hireStaffMember(input: $input) { staffMember { roles(after: "AAAA") { totalCount } } }
    }
    """
    given = {"staffId": "not-hired", "name": "無"}
    response = await world.ask(ADMIN, EDITING, document, {"input": given})
    assert code_of(response.json()) == "CURSOR_INVALID"
    assert await world.rows("SELECT id FROM staff WHERE id = 'not-hired'") == []
