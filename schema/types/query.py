"""The root fields of queries. All are nullable, and all are planned: nothing here reads."""

from __future__ import annotations

from typing import Any

import strawberry

from models.graph.graph import GRAPH, Type
from schema.types import policy as policy_views
from schema.types.directives import Classified
from schema.types.nouns import TYPES, Node, declared, described, fill
from schema.types.scalars import IndividualNumberText
from schema.types.viewer import Viewer


def _root_fields(type_: Type) -> dict[str, Any]:
    one, many = type_.noun.root
    marks = [Classified(as_=code) for code in type_.noun.existence]
    members: dict[str, Any] = {}
    if one is not None:
        operand = {"code": str} if type_.noun.key == "code" else {"id": strawberry.ID}
        resolver = declared(one, TYPES.objects[type_.name] | None, operand, required=True)
        members[one] = (
            None,
            described(f"{type_.noun.ja}(一件): {type_.noun.en}", one, resolver, directives=marks),
        )
    if many is not None:
        result = TYPES.connections[type_.name] | None
        resolver = declared(many, result, TYPES.arguments(type_))
        members[many] = (
            None,
            described(f"{type_.noun.ja}(一覧): a list", many, resolver, directives=marks),
        )
    return members


def _query() -> type:
    members: dict[str, Any] = {}
    by_number = declared(
        "addresseeByIndividualNumber",
        TYPES.objects["Addressee"] | None,
        {"individualNumber": IndividualNumberText},
        required=True,
    )
    node = declared("node", Node | None, {"id": strawberry.ID}, required=True)
    members["viewer"] = (
        None,
        described("利用者: who is signed in", "viewer", declared("viewer", Viewer | None, {})),
    )
    members["node"] = (None, described("識別子による一件: anything by its opaque id", "node", node))
    members["addresseeByIndividualNumber"] = (
        None,
        described(
            "個人番号による宛名(一件): the person with exactly this number; number handlers only",
            "addresseeByIndividualNumber",
            by_number,
            directives=[Classified(as_="identifier")],
        ),
    )
    for type_ in GRAPH.types.values():
        members |= _root_fields(type_)
    members |= {name: (None, field) for name, field in policy_views.FIELDS.items()}
    query = type("Query", (), {})
    fill(query, members)
    return strawberry.type(query, description="照会: everything that can be asked.")


Query = _query()
