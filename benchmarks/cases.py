"""What is measured: each case as a GraphQL operation, and as SQL by hand that gives the same JSON.

The SQL is what somebody who wants speed and nothing else would write: one statement, one round
trip, ready JSON made by PostgreSQL, no session, no purpose, no withholding, no log. It comes in two
forms: `objects` names every member (`json_build_object`), `rows` turns whole rows to JSON
(`row_to_json`), which is a quarter to a third quicker and the quickest that we know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PURPOSE = "consultation"
ROLES = ("collection-clerk",)

PERSON = {
    "code": "code",
    "entityKind": "entity_kind",
    "fullNameSearchKana": "full_name_search_kana",
    "fullName": "full_name",
    "fullNameKana": "full_name_kana",
    "givenName": "given_name",
    "givenNameKana": "given_name_kana",
    "aliasUse": "alias_use",
    "birthDate": "birth_date",
    "sex": "sex",
}
"""What the clerk may list of a person: GraphQL field → column."""

RESIDENCE = {
    "postalCodeArea": "postal_code_area",
    "postalCodeTown": "postal_code_town",
    "administrativeDistrict": "administrative_district",
    "address": "address",
    "building": "building",
}
"""What the clerk may read of one person."""

LEVY = {
    "taxItemCode": "tax_item_code",
    "fiscalYear": "fiscal_year",
    "noticeNumber": "notice_number",
    "term": "term",
    "dueOn": "due_on",
    "taxAmount": "tax_amount",
    "receivedTax": "received_tax",
    "outstanding": "outstanding",
    "status": "status",
}

FORMS = ("objects", "rows")


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request.

    `document`  what Atena is asked; its variable is `$code` or `$after`
    `objects`, `rows`  what the limit runs; the one parameter is an addressee code
    `answered`  rows in one answer, those of children included; about as many, where it varies
    `follows`   each request continues where the answer before it ended
    """

    name: str
    what: str
    document: str
    objects: str
    rows: str
    answered: int
    follows: bool = False

    def sql(self, form: str) -> str:
        """The limit's statement in one form."""
        return self.objects if form == "objects" else self.rows


def _fields(columns: Mapping[str, str]) -> str:
    return " ".join(columns)


def _object(columns: Mapping[str, str], **more: str) -> str:
    members = ", ".join(f"'{key}', {value}" for key, value in {**columns, **more}.items())
    return f"json_build_object({members})"


def _row(columns: Mapping[str, str]) -> str:
    return ", ".join(f'{value} AS "{key}"' for key, value in columns.items())


def _connection(list_: str, page_info: str = "") -> str:
    """The whole answer around the JSON text of a list."""
    more = f"""',"pageInfo":{{"endCursor":"' || {page_info} || '"}}' ||""" if page_info else ""
    return f"""'{{"data":{{"addressees":{{"nodes":' || {list_}::text || {more} '}}}}}}'"""


POINT = Case(
    "point",
    "one addressee by code, 15 fields",
    f"""query Point($code: String!) {{
        addressee(code: $code) {{ {_fields(PERSON)} residence {{ {_fields(RESIDENCE)} }} }}
    }}""",
    objects=f"""
        SELECT json_build_object('data', json_build_object('addressee',
            {_object(PERSON, residence=_object(RESIDENCE))}
        ))::text FROM addressee WHERE code = $1
    """,
    rows=f"""
        SELECT '{{"data":{{"addressee":' || row_to_json(a)::text || '}}}}' FROM (
            SELECT {_row(PERSON)},
                (SELECT row_to_json(r) FROM (SELECT {_row(RESIDENCE)}) AS r) AS residence
            FROM addressee WHERE code = $1
        ) AS a
    """,
    answered=1,
)


def _list(count: int, page_info: str = "") -> tuple[str, str]:
    page = f"FROM addressee WHERE code > $1 ORDER BY code LIMIT {count}"
    return (
        f"""
        SELECT {_connection(f"coalesce(json_agg({_object(PERSON)}), '[]')", page_info)}
        FROM (SELECT * {page}) AS a
        """,
        f"""
        SELECT {_connection("coalesce(json_agg(a), '[]')", page_info)}
        FROM (SELECT {_row(PERSON)} {page}) AS a
        """,
    )


LIST = Case(
    "list",
    "100 addressees, 10 fields",
    f"""query List($after: String) {{
        addressees(first: 100, after: $after) {{ nodes {{ {_fields(PERSON)} }} }}
    }}""",
    *_list(100),
    answered=100,
)

CHILDREN = "FROM collection WHERE addressee_code = people.code ORDER BY id LIMIT 10"
PARENTS = "(SELECT * FROM addressee WHERE code > $1 ORDER BY code LIMIT 50) AS people"

NESTED = Case(
    "nested",
    "50 addressees with up to 10 levy items each, 10 and 9 fields",
    f"""query Nested($after: String) {{
        addressees(first: 50, after: $after) {{
            nodes {{ {_fields(PERSON)} collections(first: 10) {{ nodes {{ {_fields(LEVY)} }} }} }}
        }}
    }}""",
    objects=f"""
        SELECT {_connection("coalesce(json_agg(node), '[]')")} FROM (
            SELECT {_object(PERSON, collections="json_build_object('nodes', levies.list)")} AS node
            FROM {PARENTS}, LATERAL (
                SELECT coalesce(json_agg({_object(LEVY)}), '[]') AS list
                FROM (SELECT * {CHILDREN}) AS c
            ) AS levies
            ORDER BY code
        ) AS a
    """,
    rows=f"""
        SELECT {_connection("coalesce(json_agg(a), '[]')")} FROM (
            SELECT {_row(PERSON)}, json_build_object('nodes', levies.list) AS collections
            FROM {PARENTS}, LATERAL (
                SELECT coalesce(json_agg(c), '[]') AS list
                FROM (SELECT {_row(LEVY)} {CHILDREN}) AS c
            ) AS levies
            ORDER BY code
        ) AS a
    """,
    answered=480,
)

BULK = Case(
    "bulk",
    "page after page of 200 addressees, 10 fields, each from the cursor of the page before",
    f"""query Bulk($after: String) {{
        addressees(first: 200, after: $after) {{
            nodes {{ {_fields(PERSON)} }} pageInfo {{ endCursor }}
        }}
    }}""",
    *_list(200, "coalesce(max(code), '')"),
    answered=200,
    follows=True,
)

CASES = (POINT, LIST, NESTED, BULK)
