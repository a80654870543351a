"""What is measured: each case as a GraphQL operation, and as SQL by hand that gives the same JSON.

The SQL is what somebody who wants speed and nothing else would write: one statement, one round
trip, whole rows turned to JSON by PostgreSQL (`row_to_json`, a quarter quicker than
`json_build_object`), no session, no purpose, no withholding, no log.
"""

from __future__ import annotations

from dataclasses import dataclass

PURPOSE = "consultation"
ROLES = ("collection-clerk",)

PERSON = """
    code fullName fullNameKana givenName birthDate sex entityKind taxItemCode
"""
PERSON_COLUMNS = """
    code, full_name AS "fullName", full_name_kana AS "fullNameKana", given_name AS "givenName",
    birth_date AS "birthDate", sex, entity_kind AS "entityKind", tax_item_code AS "taxItemCode"
"""

LEVY = """
    taxItemCode fiscalYear noticeNumber term dueOn taxAmount receivedTax outstanding status
"""
LEVY_COLUMNS = """
    tax_item_code AS "taxItemCode", fiscal_year AS "fiscalYear", notice_number AS "noticeNumber",
    term, due_on AS "dueOn", tax_amount AS "taxAmount", received_tax AS "receivedTax",
    outstanding, status
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request.

    `document`  what Atena is asked; its variable is `$code` or `$after`
    `sql`       what the limit runs; its one parameter is an addressee code
    `rows`      rows in one answer, those of children included; about as many, where it varies
    `follows`   each request continues where the answer before it ended
    """

    name: str
    what: str
    document: str
    sql: str
    rows: int
    follows: bool = False


POINT = Case(
    "point",
    "one addressee by code, 15 fields",
    f"""query Point($code: String!) {{
        addressee(code: $code) {{
            {PERSON}
            residence {{
                administrativeDistrict postalCodeArea postalCodeTown addressKind addressCode
                address building
            }}
        }}
    }}""",
    f"""
        SELECT '{{"data":{{"addressee":' || row_to_json(a)::text || '}}}}' FROM (
            SELECT {PERSON_COLUMNS}, (
                SELECT row_to_json(r) FROM (SELECT
                    administrative_district AS "administrativeDistrict",
                    postal_code_area AS "postalCodeArea", postal_code_town AS "postalCodeTown",
                    address_kind AS "addressKind", address_code AS "addressCode", address, building
                ) AS r
            ) AS residence
            FROM addressee WHERE code = $1
        ) AS a
    """,
    rows=1,
)

LIST = Case(
    "list",
    "100 addressees, 8 fields",
    f"""query List($after: String) {{
        addressees(first: 100, after: $after) {{ nodes {{ {PERSON} }} }}
    }}""",
    f"""
        SELECT '{{"data":{{"addressees":{{"nodes":'
            || coalesce(json_agg(a), '[]')::text || '}}}}}}' FROM (
            SELECT {PERSON_COLUMNS} FROM addressee WHERE code > $1 ORDER BY code LIMIT 100
        ) AS a
    """,
    rows=100,
)

NESTED = Case(
    "nested",
    "50 addressees with up to 10 levy items each, 8 and 9 fields",
    f"""query Nested($after: String) {{
        addressees(first: 50, after: $after) {{
            nodes {{ {PERSON} collections(first: 10) {{ nodes {{ {LEVY} }} }} }}
        }}
    }}""",
    f"""
        SELECT '{{"data":{{"addressees":{{"nodes":'
            || coalesce(json_agg(a), '[]')::text || '}}}}}}' FROM (
            SELECT {PERSON_COLUMNS}, json_build_object('nodes', levies.list) AS collections
            FROM (SELECT * FROM addressee WHERE code > $1 ORDER BY code LIMIT 50) AS people,
            LATERAL (
                SELECT coalesce(json_agg(c), '[]') AS list FROM (
                    SELECT {LEVY_COLUMNS} FROM collection
                    WHERE addressee_code = people.code ORDER BY id LIMIT 10
                ) AS c
            ) AS levies
            ORDER BY code
        ) AS a
    """,
    rows=480,
)

BULK = Case(
    "bulk",
    "page after page of 200 addressees, 8 fields, each from the cursor of the page before",
    f"""query Bulk($after: String) {{
        addressees(first: 200, after: $after) {{
            nodes {{ {PERSON} }} pageInfo {{ endCursor }}
        }}
    }}""",
    f"""
        SELECT '{{"data":{{"addressees":{{"nodes":' || coalesce(json_agg(a), '[]')::text
            || ',"pageInfo":{{"endCursor":"' || coalesce(max(code), '') || '"}}}}}}}}' FROM (
            SELECT {PERSON_COLUMNS} FROM addressee WHERE code > $1 ORDER BY code LIMIT 200
        ) AS a
    """,
    rows=200,
    follows=True,
)

CASES = (POINT, LIST, NESTED, BULK)
