"""A town for measuring: as many people as asked, written straight into the tables by PostgreSQL.

The numbers are spread by arithmetic, so that every run measures the same rows. Each addressee has 4
to 16 levy items (10 on average), one in a hundred is covered by an obligation.
"""

from __future__ import annotations

import asyncpg  # type: ignore[import-untyped]

from models.graph.graph import GRAPH
from models.store.database import Database
from models.store.migrate import migrate

FEWEST, SPREAD = 4, 13

ADDRESSEES = """
    INSERT INTO addressee (
        code, kind, entity_kind, tax_item_code, alias_use,
        full_name, full_name_kana, full_name_search_kana,
        given_name, given_name_kana, given_name_search_kana,
        birth_date, sex, administrative_district, postal_code_area, postal_code_town,
        address_kind, address_code, lot_code, address, building, resident_since,
        dv_flag, neglect_flag, municipality_code
    )
    SELECT
        lpad(n::text, 15, '0'), 'RESIDENT', 'INDIVIDUAL', '01', false,
        family || '　' || given, family_kana || '　' || given_kana, family_kana || given_kana,
        given, given_kana, given_kana,
        date '1930-01-01' + n % 33000, CASE n % 2 WHEN 0 THEN 'FEMALE' ELSE 'MALE' END,
        '第' || n % 40 || '区', '085', lpad((n % 900)::text, 4, '0'),
        'IN_CITY', lpad((n % 300)::text, 12, '0'), (n % 90)::text,
        '釧路市大町' || n % 8 + 1 || '丁目' || n % 90 + 1 || '番' || n % 30 + 1 || '号',
        CASE n % 3 WHEN 0 THEN '第二団地' || n % 400 || '号室' END, date '1990-04-01' + n % 12000,
        false, false, '012068'
    FROM generate_series(1, $1::int) AS n,
    LATERAL (SELECT
        (ARRAY['佐藤','鈴木','高橋','田中','伊藤','渡辺','山本'])[n % 7 + 1],
        (ARRAY['サトウ','スズキ','タカハシ','タナカ','イトウ','ワタナベ','ヤマモト'])[n % 7 + 1],
        (ARRAY['一郎','花子','直人','美咲','隆'])[n % 5 + 1],
        (ARRAY['イチロウ','ハナコ','ナオト','ミサキ','タカシ'])[n % 5 + 1]
    ) AS names (family, family_kana, given, given_kana)
"""

COLLECTIONS = """
    INSERT INTO collection (
        addressee_code, tax_item_code, levy_year, fiscal_year, notice_number, term,
        due_on, statutory_due_on, tax_amount, reminder_fee, late_charge,
        received_tax, received_reminder_fee, received_late_charge, outstanding, overpaid,
        status, paid_on, arrears_state
    )
    SELECT
        lpad(n::text, 15, '0'), (ARRAY['01','04','05','11','13'])[item % 5 + 1],
        2018 + item / 4, 2018 + item / 4, lpad((n * 20 + item)::text, 13, '0'), item % 4 + 1,
        make_date(2018 + item / 4, 6 + item % 4, 30),
        make_date(2018 + item / 4, 6 + item % 4, 30),
        amount, 0, 0, CASE WHEN paid THEN amount ELSE 0 END, 0, 0,
        CASE WHEN paid THEN 0 ELSE amount END, 0,
        CASE WHEN paid THEN 'PAID' ELSE 'OVERDUE' END,
        CASE WHEN paid THEN make_date(2018 + item / 4, 6 + item % 4, 28) END, 'NONE'
    FROM generate_series(1, $1::int) AS n,
    LATERAL generate_series(0, $2::int + n % $3::int - 1) AS item,
    LATERAL (SELECT (n % 97 + item) * 1000 + 3000, (n + item) % 9 <> 0) AS levy (amount, paid)
"""

HANDLING = """
    INSERT INTO handling (addressee_code, address_withheld, stop_output)
    SELECT lpad(n::text, 15, '0'), true, n % 200 = 0 FROM generate_series(100, $1::int, 100) AS n
"""


async def prepare(url: str) -> None:
    """Migrate, with budgets of persons that no measurement meets."""
    database = Database(url)
    await migrate(database)
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE harvest_budget SET persons = 1000000000")
    await database.close()


def code(number: int) -> str:
    """The code of the addressee with this number, from 1."""
    return f"{number:015}"


async def fill(url: str, people: int) -> tuple[int, int]:
    """Put this town in place of the demo town; how many addressees and levy items there are."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            # The rows refer to each other rightly; checking a million of them takes a minute.
            await connection.execute("SET LOCAL session_replication_role = replica")
            # Not TRUNCATE … CASCADE: some of what hangs on addressees refuses to be emptied.
            for type_ in GRAPH.types.values():
                if type_.noun.owner is not None:
                    await connection.execute(f"DELETE FROM {type_.table.name}")
            await connection.execute(ADDRESSEES, people)
            await connection.execute(COLLECTIONS, people, FEWEST, SPREAD)
            await connection.execute(HANDLING, people)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        addressees = await connection.fetchval("SELECT count(*) FROM addressee")
        collections = await connection.fetchval("SELECT count(*) FROM collection")
        return addressees, collections
    finally:
        await connection.close()
