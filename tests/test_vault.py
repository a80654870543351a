"""Individual numbers: one at a time, recorded first, bound to their row, not shown by accident."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import hashlib
import logging
import pickle
import secrets
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from authz.access_log import UNREADABLE
from authz.errors import BadInput, Unavailable
from authz.numbers.vault import NumberRecord, Rejection, StoreRefused, Unattended, Vault
from models.store.database import Database
from models.tables.individual_number import (
    NUMBER_ACCESS,
    NUMBERS,
    OLD_NUMBERS,
    IndividualNumber,
    NumbersTable,
    StoreKind,
)
from models.trade.check_digits import demo_check_digit, individual_check_digit

PURPOSE = "addressee-matching"
CASE = "2026/A-1"


@dataclass(frozen=True)
class Handler:
    id: str = "staff-1"
    session: str = "session-1"
    roles: frozenset[str] = frozenset({"number-handler", "addressee-registrar"})


@dataclass(frozen=True)
class TestKeys:
    """Keys as `authz.keys` derives them, from secrets of the test."""

    __test__ = False
    key_id: str
    held: dict[str, bytes]

    @classmethod
    def fresh(cls, key_id: str = "k-1") -> TestKeys:
        return cls(key_id, {key_id: secrets.token_bytes(32)})

    def derive(self, purpose: str, length: int = 32, key_id: str | None = None) -> bytes:
        secret = self.held[key_id or self.key_id]
        return hashlib.sha256(secret + purpose.encode()).digest()[:length]


def demo(first: int) -> IndividualNumber:
    """A number that can belong to nobody."""
    eleven = f"{first:011}"
    return IndividualNumber(f"{eleven}{demo_check_digit(eleven)}")


def real(first: int) -> IndividualNumber:
    eleven = f"{first:011}"
    return IndividualNumber(f"{eleven}{individual_check_digit(eleven)}")


ONE, TWO, THREE = demo(11111111111), demo(22222222222), demo(33333333333)
BY = Handler()


@pytest.fixture
def keys() -> TestKeys:
    return TestKeys.fresh()


@pytest.fixture
async def vault(numbers_url: str, keys: TestKeys) -> AsyncIterator[Vault]:
    vault = await Vault.open(numbers_url, keys, "demo")
    yield vault
    await vault.close()


@pytest.fixture
async def store(numbers_url: str) -> AsyncIterator[Database]:
    """Another way into the same store, for whoever could reach its files."""
    database = Database(numbers_url)
    yield database
    await database.close()


async def write(vault: Vault, *records: NumberRecord) -> list[Rejection]:
    return await vault.write_many(records, Unattended(), "addressee-management")


async def uses(store: Database) -> list[tuple[str, str | None, str]]:
    async with store.write() as connection:
        rows = await connection.execute(
            sa.select(NUMBER_ACCESS).where(NUMBER_ACCESS.c.action != "write").order_by("id")
        )
        return [(row.action, row.addressee_code, row.outcome) for row in rows]


async def execute(store: Database, *statements: sa.Executable) -> None:
    async with store.write() as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_a_number_is_read_and_found_as_it_was_written(vault: Vault) -> None:
    day = dt.date(2026, 4, 1)
    record = NumberRecord("A1", ONE, "02", day, None)
    assert await write(vault, record, NumberRecord("A2", TWO)) == []
    assert await vault.read(BY, PURPOSE, CASE, "A1") == record
    assert await vault.match(BY, PURPOSE, CASE, TWO) == "A2"


async def test_who_is_not_there_has_no_number(vault: Vault) -> None:
    assert await vault.read(BY, PURPOSE, CASE, "A9") is None


@pytest.mark.parametrize(
    "given",
    ["", "1", "abc", "1" * 13, "1" * 1000, "\ud800", "\0", "' OR 1=1 --", THREE.reveal()],
)
async def test_unknown_and_malformed_numbers_find_nobody(
    vault: Vault, store: Database, given: str
) -> None:
    await write(vault, NumberRecord("A1", ONE))
    assert await vault.match(BY, PURPOSE, CASE, IndividualNumber(given)) is None
    assert await uses(store) == [("match", None, "ABSENT")]


async def test_full_width_digits_and_separators_mean_the_same_number(vault: Vault) -> None:
    await write(vault, NumberRecord("A1", ONE))
    digits = ONE.reveal()
    spaced = f"{digits[:4]}-{digits[4:8]} {digits[8:]}".translate(
        {ord("0") + n: ord("０") + n for n in range(10)}
    )
    assert await vault.match(BY, PURPOSE, CASE, IndividualNumber(spaced)) == "A1"


async def test_every_use_is_recorded_before_it_is_answered(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE))
    await vault.read(BY, PURPOSE, CASE, "A1")
    await vault.match(BY, PURPOSE, CASE, ONE)
    await vault.match(BY, PURPOSE, CASE, TWO)
    await vault.read(BY, PURPOSE, CASE, "A9")
    async with store.write() as connection:
        rows = (await connection.execute(sa.select(NUMBER_ACCESS).order_by("id"))).all()
    assert [(row.action, row.addressee_code, row.outcome) for row in rows] == [
        ("write", "A1", "OK"),
        ("read", "A1", "OK"),
        ("match", "A1", "OK"),
        ("match", None, "ABSENT"),
        ("read", "A9", "ABSENT"),
    ]
    assert {(row.actor, row.session, row.purpose, row.case_reference) for row in rows[1:]} == {
        (BY.id, BY.session, PURPOSE, CASE)
    }
    assert rows[0].actor == "import"


async def test_nothing_is_answered_when_it_cannot_be_recorded(
    vault: Vault, store: Database
) -> None:
    await write(vault, NumberRecord("A1", ONE))
    await execute(store, sa.text("ALTER TABLE number_access RENAME TO elsewhere"))
    for use in (
        vault.read(BY, PURPOSE, CASE, "A1"),
        vault.match(BY, PURPOSE, CASE, ONE),
        write(vault, NumberRecord("A2", TWO)),
    ):
        with pytest.raises(Unavailable):
            await use
    await execute(store, sa.text("ALTER TABLE elsewhere RENAME TO number_access"))
    assert await vault.read(BY, PURPOSE, CASE, "A2") is None
    assert await vault.match(BY, PURPOSE, CASE, ONE) == "A1"


@pytest.mark.parametrize(
    ("by", "case"),
    [
        (replace(BY, roles=frozenset({"addressee-registrar"})), CASE),
        (replace(BY, roles=frozenset({"number-handler"})), CASE),
        (replace(BY, roles=frozenset()), CASE),
        (BY, None),
        (BY, ""),
        (BY, "621498320257"),
    ],
)
async def test_only_a_handler_on_a_case_uses_a_number(
    vault: Vault, store: Database, by: Handler, case: str | None
) -> None:
    await write(vault, NumberRecord("A1", ONE))
    for use in (vault.read(by, PURPOSE, case, "A1"), vault.match(by, PURPOSE, case, ONE)):
        with pytest.raises(BadInput):
            await use
    assert [outcome for _, _, outcome in await uses(store)] == ["REFUSED", "REFUSED"]


async def test_the_vaults_log_cannot_be_changed(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE))
    for statement in (
        "UPDATE number_access SET actor = 'other'",
        "DELETE FROM number_access",
        "UPDATE store SET kind = 'real'",
        "DELETE FROM store",
        "DELETE FROM store_key",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append only"):
            await execute(store, sa.text(statement))


async def test_a_demo_store_takes_only_numbers_that_belong_to_nobody(vault: Vault) -> None:
    rejected = await write(vault, NumberRecord("A1", real(11111111111)), NumberRecord("A2", ONE))
    assert [(one.position, one.code) for one in rejected] == [(0, "A1")]
    assert await vault.read(BY, PURPOSE, CASE, "A1") is None


async def test_a_real_store_takes_only_right_numbers(numbers_url: str, keys: TestKeys) -> None:
    vault = await Vault.open(numbers_url, keys, "real")
    rejected = await write(vault, NumberRecord("A1", real(11111111111)), NumberRecord("A2", ONE))
    assert [one.code for one in rejected] == ["A2"]
    await vault.close()


async def test_a_store_stays_what_it_was_made_as(
    vault: Vault, numbers_url: str, keys: TestKeys
) -> None:
    with pytest.raises(StoreRefused, match="demo"):
        await Vault.open(numbers_url, keys, StoreKind.REAL)
    again = await Vault.open(numbers_url, keys, StoreKind.DEMO)
    await again.close()


async def test_a_store_does_not_open_with_other_keys(vault: Vault, numbers_url: str) -> None:
    for other in (TestKeys.fresh("k-1"), TestKeys.fresh("k-2")):
        with pytest.raises(StoreRefused, match="k-1"):
            await Vault.open(numbers_url, other, "demo")


async def test_a_new_key_beside_the_old_one_finds_and_reads_both(
    vault: Vault, numbers_url: str, keys: TestKeys
) -> None:
    await write(vault, NumberRecord("A1", ONE))
    both = TestKeys("k-2", {**keys.held, **TestKeys.fresh("k-2").held})
    newer = await Vault.open(numbers_url, both, "demo")
    rejected = await write(newer, NumberRecord("A2", TWO), NumberRecord("A3", ONE))
    assert [one.code for one in rejected] == ["A3"]
    assert await newer.match(BY, PURPOSE, CASE, ONE) == "A1"
    assert await newer.match(BY, PURPOSE, CASE, TWO) == "A2"
    found = await newer.read(BY, PURPOSE, CASE, "A1")
    assert found is not None
    assert found.number == ONE
    await newer.close()


async def test_several_workers_open_a_new_store_at_once(numbers_url: str, keys: TestKeys) -> None:
    vaults = await asyncio.gather(*(Vault.open(numbers_url, keys, "demo") for _ in range(4)))
    for each in vaults:
        await each.close()


async def test_an_import_may_run_again(vault: Vault) -> None:
    records = [NumberRecord(f"A{n}", demo(10_000_000_000 + n)) for n in range(1, 1101)]
    assert await write(vault, *records[:700]) == []
    assert await write(vault, *records) == []
    assert await vault.match(BY, PURPOSE, CASE, records[-1].number) == "A1100"


async def test_an_import_rejects_by_rule_and_never_repeats_a_number(vault: Vault) -> None:
    await write(vault, NumberRecord("A1", ONE))
    rows = [
        NumberRecord("A2", ONE),
        NumberRecord("A1", TWO),
        NumberRecord("A3", IndividualNumber("123")),
        NumberRecord("A4", real(22222222222)),
        NumberRecord("A5", THREE),
        NumberRecord("A5", THREE),
        NumberRecord("A6", THREE),
    ]
    rejected = await write(vault, *rows)
    assert [one.position for one in rejected] == [0, 1, 2, 3, 5, 6]
    for one in rejected:
        assert one.reason
        assert rows[one.position].number.reveal() not in repr(one)
    assert await vault.match(BY, PURPOSE, CASE, THREE) == "A5"
    assert await vault.match(BY, PURPOSE, CASE, ONE) == "A1"


async def test_two_imports_at_once_give_a_number_to_one_addressee(vault: Vault) -> None:
    ends = await asyncio.gather(
        write(vault, NumberRecord("A1", ONE)), write(vault, NumberRecord("A2", ONE))
    )
    assert sorted(map(len, ends)) == [0, 1]


async def test_an_old_number_is_recognised_and_refused(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE))
    assert await write(vault, NumberRecord("A1", TWO, "03", dt.date(2026, 4, 1))) == []
    assert await vault.match(BY, PURPOSE, CASE, TWO) == "A1"
    assert await vault.match(BY, PURPOSE, CASE, ONE) is None
    assert (await uses(store))[-1] == ("match", None, "REPLACED")
    for code in ("A1", "A2"):
        (rejected,) = await write(vault, NumberRecord(code, ONE, "03"))
        assert "replaced" in rejected.reason
    async with store.write() as connection:
        (row,) = await connection.execute(sa.select(OLD_NUMBERS))
    assert (row.addressee_code, row.change_reason) == ("A1", "03")


def of(code: str) -> sa.ColumnElement[bool]:
    return NUMBERS.c.addressee_code == code


async def columns(store: Database, code: str) -> Any:
    async with store.write() as connection:
        return (await connection.execute(sa.select(NUMBERS).where(of(code)))).one()


async def test_a_changed_ciphertext_is_refused(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE))
    stored = (await columns(store, "A1")).ciphertext
    for position in (0, 12, len(stored) - 1):
        spoilt = bytearray(stored)
        spoilt[position] ^= 1
        await execute(store, sa.update(NUMBERS).values(ciphertext=bytes(spoilt)))
        for use in (vault.read(BY, PURPOSE, CASE, "A1"), vault.match(BY, PURPOSE, CASE, ONE)):
            with pytest.raises(Unavailable):
                await use
    for short in (b"", stored[:12], stored[:20]):
        await execute(store, sa.update(NUMBERS).values(ciphertext=short))
        with pytest.raises(Unavailable):
            await vault.read(BY, PURPOSE, CASE, "A1")
    assert {outcome for _, _, outcome in await uses(store)} == {"NOT_GENUINE"}
    await execute(store, sa.update(NUMBERS).values(ciphertext=stored))
    assert await vault.read(BY, PURPOSE, CASE, "A1") == NumberRecord("A1", ONE)


async def test_rows_that_changed_places_are_refused(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE), NumberRecord("A2", TWO))
    other = (await columns(store, "A2")).ciphertext
    await execute(store, sa.update(NUMBERS).where(of("A1")).values(ciphertext=other))
    with pytest.raises(Unavailable):
        await vault.read(BY, PURPOSE, CASE, "A1")


async def test_an_index_that_was_moved_leads_to_nobody(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE), NumberRecord("A2", TWO))
    index = (await columns(store, "A2")).blind_index
    await execute(
        store,
        sa.delete(NUMBERS).where(of("A2")),
        sa.update(NUMBERS).where(of("A1")).values(blind_index=index),
    )
    with pytest.raises(Unavailable):
        await vault.match(BY, PURPOSE, CASE, TWO)


async def test_a_row_of_another_key_is_refused(vault: Vault, store: Database) -> None:
    await write(vault, NumberRecord("A1", ONE))
    await execute(store, sa.update(NUMBERS).values(key_id="k-9"))
    with pytest.raises(Unavailable):
        await vault.read(BY, PURPOSE, CASE, "A1")


async def test_equal_numbers_do_not_look_equal(numbers_url: str, new_database: Any) -> None:
    """Neither does a number look the same twice, nor in the store of another city."""
    seen: set[bytes] = set()
    for url in (numbers_url, new_database()):
        vault = await Vault.open(url, TestKeys.fresh(), "demo")
        await write(vault, NumberRecord("A1", ONE))
        database = Database(url)
        row = await columns(database, "A1")
        seen |= {row.ciphertext, row.blind_index}
        await database.close()
        await vault.close()
    assert len(seen) == 4


async def test_a_store_that_is_down_refuses_and_is_used_again(
    vault: Vault, store: Database
) -> None:
    await write(vault, NumberRecord("A1", ONE))
    await execute(store, sa.text("ALTER TABLE individual_number RENAME TO elsewhere"))
    for use in (vault.read(BY, PURPOSE, CASE, "A1"), vault.match(BY, PURPOSE, CASE, ONE)):
        with pytest.raises(Unavailable) as raised:
            await use
        assert raised.value.__suppress_context__
    await execute(store, sa.text("ALTER TABLE elsewhere RENAME TO individual_number"))
    assert await vault.match(BY, PURPOSE, CASE, ONE) == "A1"


async def test_a_store_that_cannot_be_reached_is_said_to_be_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.mkdir()
    with pytest.raises(Unavailable):
        await Vault.open(f"sqlite:///{file}", TestKeys.fresh(), "demo")


async def test_a_number_is_in_no_file_no_log_and_no_error(
    vault: Vault, store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "sqlalchemy.engine")
    seeded = [demo(90_000_000_000 + n) for n in range(20)]
    await write(vault, *(NumberRecord(f"A{n}", number) for n, number in enumerate(seeded)))
    # What arrives where no number belongs.
    digits = [number.reveal() for number in seeded]
    careless = Handler(digits[0], digits[1])
    await vault.read(careless, digits[2], CASE, digits[3])
    await vault.match(BY, PURPOSE, CASE, seeded[4])
    await execute(store, sa.text("ALTER TABLE number_access RENAME TO elsewhere"))
    shown = ""
    for use in (
        vault.match(BY, PURPOSE, CASE, seeded[4]),
        write(vault, NumberRecord("A0", seeded[5], "03"), NumberRecord("A30", seeded[6])),
    ):
        with pytest.raises(Unavailable) as raised:
            await use
        report = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        lines = list(report.format())
        # The locals of this test's own frame know the numbers, of course.
        shown += "".join(line for line in lines if "in test_a_number" not in line)
        assert "authz/numbers/vault.py" in shown
    await execute(store, sa.text("ALTER TABLE elsewhere RENAME TO number_access"))
    everything = caplog.text + shown + await contents(store)
    assert not [each for each in digits if each in everything]


async def contents(store: Database) -> str:
    """Every byte of the store that can be read: rows, and the files where they are ours."""
    parts: list[str] = []
    async with store.write() as connection:
        for table in NumbersTable.metadata.tables.values():
            parts += [str(row) for row in await connection.execute(sa.select(table))]
    if store.dialect == "sqlite":
        path = Path(store.url.database or "")
        parts += [each.read_bytes().decode("latin-1") for each in path.parent.glob(f"{path.name}*")]
    return "".join(parts)


async def test_a_code_that_nobody_has_is_not_kept_if_it_may_be_a_number(
    vault: Vault, store: Database
) -> None:
    await vault.read(BY, PURPOSE, CASE, ONE.reveal())
    assert await uses(store) == [("read", UNREADABLE, "ABSENT")]


@given(st.integers(0, 99_999_999_999))
def test_a_number_shows_itself_to_nobody_who_does_not_ask(first: int) -> None:
    number = demo(first)
    digits = number.reveal()
    record = NumberRecord("A1", number)
    for text in (
        repr(number),
        str(number),
        f"{number}",
        f"{number:>20}",
        repr(record),
    ):
        assert digits not in text
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(number)
    apart: list[Callable[[Any], Any]] = [iter, len, vars, bytes, int]
    for take in apart:
        with pytest.raises(TypeError):
            take(number)


@given(st.integers(0, 99_999_999_999), st.integers(0, 99_999_999_999))
def test_numbers_are_equal_when_their_digits_are(first: int, second: int) -> None:
    assert (demo(first) == demo(second)) == (first == second)
    assert demo(first) != demo(first).reveal()


@given(st.integers(0, 99_999_999_999))
def test_no_number_suits_both_kinds_of_store(first: int) -> None:
    assert demo(first).suits(StoreKind.DEMO)
    assert not demo(first).suits(StoreKind.REAL)
    assert real(first).suits(StoreKind.REAL)
    assert not real(first).suits(StoreKind.DEMO)


def test_the_numbers_tables_are_not_in_the_main_metadata() -> None:
    from sqlmodel import SQLModel

    assert not NumbersTable.metadata.tables.keys() & SQLModel.metadata.tables.keys()
