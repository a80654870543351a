"""代替送付先: what may be used instead of a withheld address, set by the protection coordinator."""

from __future__ import annotations

import sqlalchemy as sa

from authz.errors import BadInput
from models.graph import GRAPH
from models.rules import postal_code as postal_code_objection
from resolvers.write import Change, Changed, Input, UseCase

TABLE = GRAPH.types["SubstituteAddress"].table


async def set_substitute_address(change: Change, given: Input) -> Changed:
    """Set all of it at once. Raises `BadInput` for a person who is not there or a postal code that
    is none."""
    code = given["addresseeCode"]
    await change.reach("Addressee", code)
    postal_code = given.get("postalCode")
    objection = postal_code_objection(postal_code) if postal_code else None
    if objection is not None:
        raise BadInput(f"`postalCode`: {objection}")
    values = {
        "recipient": given.get("recipient"),
        "postal_code": postal_code,
        "address": given.get("address"),
    }
    own = TABLE.c.addressee_code == code
    updated = await change.connection.execute(sa.update(TABLE).where(own).values(values))
    if updated.rowcount == 0:
        await change.connection.execute(sa.insert(TABLE).values(addressee_code=code, **values))
    return Changed(rows={"substituteAddress": code}, persons=(code,), named=(code,))


USE_CASES = (
    UseCase(
        "setSubstituteAddress",
        writes=(
            "SubstituteAddress",
            "SubstituteAddress.address",
            "SubstituteAddress.postalCode",
            "SubstituteAddress.recipient",
        ),
        run=set_substitute_address,
    ),
)
