"""A small town in real stores, and the application over it: what the tests of promises ask.

yamada   a plain payer: household with hanako, an account, three levies, arrears
hanako   his wife, nothing owed
tanaka   protected (item 53); her earlier record is `tanaka_before`; keiko lives with her
suzuki   holds an account that pays for tanaka; her counterparty
kato     overpaid
nishi    mail returned: covered without any flag
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.editing.versions import Decided, Next, write
from authz.keys import Keys
from authz.numbers.vault import Unattended, Vault
from authz.policy.policy import Line
from authz.policy.seal import Chain
from authz.policy.store import in_force, lines_of
from authz.sessions.passwords import QUICK, Passwords
from models.demo.cast_staff import CAST
from models.graph.graph import GRAPH
from models.store.database import Database
from models.store.migrate import migrate
from models.tables.individual_number import IndividualNumber, NumberRecord
from resolvers.demo.staff import hire
from resolvers.protection.causes import Causes, enter_unspecified
from resolvers.protection.obligation import raise_obligations
from schema.http.application import create_app
from schema.settings import Settings

YAMADA, HANAKO = "000000000000001", "000000000000002"
TANAKA, TANAKA_BEFORE, KEIKO = "000000000000011", "000000000000012", "000000000000013"
SUZUKI, KATO, NISHI = "000000000000021", "000000000000031", "000000000000041"
SECRET_ADDRESS = "釧路市秘密町9番9号"
NUMBER = "621498320258"
"""A published sample with its check digit off by one: nobody's."""

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"


@dataclass
class World:
    """The stores of one town, and its running application."""

    database_url: str
    client: httpx2.AsyncClient
    passwords: Mapping[str, str]
    folder: Path
    numbers_url: str
    redis_url: str
    tokens: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, staff_id: str) -> str:
        """A new session's token."""
        given = {"staffId": staff_id, "password": self.passwords[staff_id]}
        response = await self.post(SIGN_IN, {"input": given})
        token: str = response.json()["data"]["signIn"]["token"]
        return token

    async def post(
        self, document: str, variables: Mapping[str, Any] | None = None, **headers: str | None
    ) -> httpx2.Response:
        """One request; `headers` with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        return await self.client.post(
            "/graphql",
            json={"query": document, "variables": dict(variables or {})},
            headers={"accept": "application/graphql-response+json", **named},
        )

    async def ask(
        self,
        staff_id: str,
        purpose: str | None,
        document: str,
        variables: Mapping[str, Any] | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """One request of a signed-in member of the cast."""
        if staff_id not in self.tokens:
            self.tokens[staff_id] = await self.sign_in(staff_id)
        token = self.tokens[staff_id]
        return await self.post(
            document,
            variables,
            authorization=f"Bearer {token}",
            purpose_of_use=purpose,
            **headers,
        )

    async def data(self, staff_id: str, purpose: str, document: str, **options: Any) -> Any:
        """The `data` of an answer that must be good."""
        response = await self.ask(staff_id, purpose, document, **options)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    async def log(self, last: int = 1) -> list[dict[str, Any]]:
        """The newest records of the access log, oldest first, with their operations."""
        database = Database(self.database_url)
        async with database.look() as connection:
            rows = await connection.execute(
                sa.text(
                    "SELECT l.*, o.normal_form, o.coordinates FROM access_log l LEFT JOIN"
                    f" logged_operation o ON o.digest = l.operation ORDER BY l.id DESC LIMIT {last}"
                )
            )
            found = [dict(row._mapping) for row in rows]
        await database.close()
        return found[::-1]

    async def publish(
        self, *added: Line, without: Callable[[Line], bool] = lambda line: False
    ) -> int:
        """Write a version behind the application's back, sealed: its number."""
        now = dt.datetime.now(dt.UTC)
        async with self._writing() as connection:
            current = await in_force(connection, now)
            lines = await lines_of(connection, current)
            kept = tuple(line for line in lines if not without(line))
            version = Next(tuple(lines), (*kept, *added), current, now)
            chain = Chain(Keys.load(self.folder / "keys.json"))
            return await write(connection, chain, version, Decided("a test", None), now)

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        """Look into a store behind the application's back."""
        database = Database(self.database_url)
        async with database.look() as connection:
            found = [dict(row._mapping) for row in await connection.execute(sa.text(statement))]
        await database.close()
        return found

    async def change(self, statement: str) -> None:
        """Change a store behind the application's back."""
        async with self._writing() as connection:
            await connection.exec_driver_sql(statement)

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        database = Database(self.database_url)
        try:
            async with database.write() as connection:
                yield connection
        finally:
            await database.close()


def full_width(digits: str) -> str:
    """As an input method writes them."""
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


async def make_stores(database_url: str, numbers_url: str, folder: Path) -> dict[str, str]:
    """Fill two empty databases with the town; returns the cast's passwords."""
    settings = settings_of(database_url, numbers_url, "unix:///nowhere", folder)
    database = Database(database_url)
    await migrate(database)
    await spend_freely(database)
    passwords = {member.staff_id: f"password of {member.staff_id}" for member in CAST}
    hashing = Passwords(QUICK)
    await hire(database, CAST, passwords, hashing)
    hashing.close()
    await _people(database)
    await database.close()
    vault = await Vault.open(numbers_url, settings.load_keys(), "demo")
    record = NumberRecord(YAMADA, IndividualNumber(NUMBER), "新規", dt.date(2016, 1, 1))
    assert await vault.write_many([record], Unattended(), "addressee-management") == []
    await vault.close()
    return passwords


@contextlib.asynccontextmanager
async def owing(world: World, *codes: str) -> AsyncIterator[None]:
    """These owe what Yamada owes meanwhile, so that a survey may look at them."""
    names = [column.name for column in GRAPH.types["Collection"].table.columns]
    copied = [name for name in names if name not in {"id", "addressee_code", "notice_number"}]
    for code in codes:
        await world.change(
            f"INSERT INTO collection (addressee_code, notice_number, {', '.join(copied)})"
            f" SELECT '{code}', 'OWING', {', '.join(copied)} FROM collection"
            f" WHERE addressee_code = '{YAMADA}' AND status = 'OVERDUE'"
        )
    try:
        yield
    finally:
        await world.change("DELETE FROM collection WHERE notice_number = 'OWING'")


async def spend_freely(database: Database) -> None:
    """Budgets that no test but those of budgets ever meets."""
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE harvest_budget SET persons = 1000000000")


def settings_of(
    database_url: str, numbers_url: str, redis_url: str, folder: Path, **others: str
) -> Settings:
    """Settings over these stores."""
    return Settings.read(
        {
            "ATENA_DATABASE_URL": database_url,
            "ATENA_NUMBERS_URL": numbers_url,
            "ATENA_REDIS_URL": redis_url,
            "ATENA_DATA": str(folder),
            **{f"ATENA_{name.upper()}": value for name, value in others.items()},
        }
    )


@contextlib.asynccontextmanager
async def running(settings: Settings, passwords: Mapping[str, str]) -> AsyncIterator[World]:
    """The application over the stores, with a client."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://atena") as client:
            yield World(
                settings.database_url,
                client,
                passwords,
                settings.data,
                settings.numbers_url,
                settings.redis_url,
            )


async def _people(database: Database) -> None:
    async with database.write() as connection:

        async def add(type_name: str, rows: Sequence[dict[str, Any]]) -> None:
            table = GRAPH.types[type_name].table
            for row in rows:
                await connection.execute(sa.insert(table), row)

        await add("Addressee", [_person(*one) for one in PEOPLE])
        await add("HouseholdMembership", HOUSEHOLDS)
        await add(
            "RelatedAddressee",
            [{"addressee_code": TANAKA, "previous_addressee_code": TANAKA_BEFORE}],
        )
        await add(
            "SpecialAddressee",
            [
                {"addressee_code": SUZUKI, "special_addressee_code": TANAKA, "kind": "代理人"},
                {"addressee_code": SUZUKI, "special_addressee_code": KATO, "kind": "納税管理人"},
            ],
        )
        await add("Account", ACCOUNTS)
        await add("Collection", [_levy(*one) for one in LEVIES])
        await add("Contact", [_contact(code) for code in (YAMADA, TANAKA)])
        await add("SubstituteAddress", [{"addressee_code": TANAKA, "address": "釧路市役所気付"}])
        await enter_unspecified(connection, Causes(address_withheld={NISHI}))
        await raise_obligations(connection, [one[0] for one in PEOPLE])


PEOPLE = [
    (YAMADA, "山田 太郎", "ヤマタタロウ", "釧路市北大通1番1号", False, dt.date(1978, 5, 14)),
    (HANAKO, "山田 花子", "ヤマタハナコ", "釧路市北大通1番1号", False, dt.date(1980, 1, 2)),
    (TANAKA, "田中 美咲", "タナカミサキ", SECRET_ADDRESS, True, dt.date(1990, 3, 3)),
    (TANAKA_BEFORE, "鈴木 美咲", "ススキミサキ", "釧路市旧住所3番", False, dt.date(1990, 3, 3)),
    (KEIKO, "田中 恵子", "タナカケイコ", SECRET_ADDRESS, False, dt.date(1962, 7, 7)),
    (SUZUKI, "鈴木 大輔", "ススキタイスケ", "釧路市旧住所3番", False, dt.date(1988, 9, 9)),
    (KATO, "加藤 翔", None, "釧路市幸町2番", False, None),
    (NISHI, "西 一", "ニシハシメ", "釧路市愛国3番", False, dt.date(1950, 2, 2)),
]
HOUSEHOLDS: list[dict[str, Any]] = [
    {"addressee_code": YAMADA, "household_code": "H1", "relationship": "世帯主"},
    {"addressee_code": HANAKO, "household_code": "H1", "relationship": "妻"},
    {"addressee_code": TANAKA, "household_code": "H2", "relationship": "世帯主"},
    {"addressee_code": KEIKO, "household_code": "H2", "relationship": "母"},
    {
        "addressee_code": TANAKA_BEFORE,
        "household_code": "H3",
        "relationship": "妻",
        "left_on": dt.date(2024, 4, 1),
    },
    {"addressee_code": SUZUKI, "household_code": "H3", "relationship": "世帯主"},
]
ACCOUNTS: list[dict[str, Any]] = [
    {
        "addressee_code": YAMADA,
        "usage": "DIRECT_DEBIT",
        "tax_item_code": "01",
        "bank_code": "0116",
        "branch_code": "301",
        "account_number": "7654321",
        "holder_kana": "ﾔﾏﾀﾞ ﾀﾛｳ",
        "holder_addressee_code": None,
    },
    {
        "addressee_code": SUZUKI,
        "usage": "DIRECT_DEBIT",
        "tax_item_code": "14",
        "bank_code": "0116",
        "branch_code": "999",
        "account_number": "1112223",
        "holder_kana": "ﾀﾅｶ ﾐｻｷ",
        "holder_addressee_code": TANAKA,
    },
]
LEVIES = [
    (YAMADA, "01", 1, "OVERDUE", 50_000, 50_000, 0, None),
    (YAMADA, "01", 2, "PAID", 50_000, 0, 0, None),
    (YAMADA, "13", 1, "DUE", 7_000, 7_000, 0, None),
    (SUZUKI, "14", 1, "OVERDUE", 20_000, 20_000, 0, TANAKA),
    (KATO, "01", 1, "OVERPAID", 30_000, 0, 5_000, None),
    (TANAKA, "11", 1, "OVERDUE", 9_000, 9_000, 0, None),
]


def _person(
    code: str, name: str, kana: str | None, address: str, dv: bool, born: dt.date | None
) -> dict[str, Any]:
    return {
        "code": code,
        "kind": "RESIDENT",
        "entity_kind": "INDIVIDUAL",
        "full_name": name,
        "full_name_search_kana": kana,
        "birth_date": born,
        "sex": "UNKNOWN",
        "address": address,
        "postal_code_area": "085",
        "dv_flag": dv,
        "neglect_flag": False,
        "resident_since": dt.date(2000, 1, 1),
    }


def _levy(
    code: str,
    item: str,
    term: int,
    status: str,
    amount: int,
    owed: int,
    over: int,
    child: str | None,
) -> dict[str, Any]:
    return {
        "addressee_code": code,
        "tax_item_code": item,
        "levy_year": 2026,
        "fiscal_year": 2026,
        "notice_number": f"N{code[-3:]}",
        "term": term,
        "due_on": dt.date(2026, 6, 30),
        "tax_amount": amount,
        "received_tax": amount - owed + over,
        "outstanding": owed,
        "overpaid": over,
        "status": status,
        "child_addressee_code": child,
    }


def _contact(code: str) -> dict[str, Any]:
    return {"addressee_code": code, "kind": "MOBILE", "value": f"090-0000-{code[-4:]}"}
