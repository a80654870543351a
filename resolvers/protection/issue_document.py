"""発行: asking before a document about a person goes out, or somebody is told something of them.

Whoever prints, sends or tells asks here first, and puts out what the payload shows and nothing
else. It gives nothing that the same actor could not read, but for what a lift for issuing opens; so
it takes no right but those of reading that person by code, and of `handling`, which its answer
tells. Were more needed, whoever may read and not issue would read and tell.

What went wrong elsewhere: the restriction was looked up after the address had been told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa

from authz.errors import BadInput, OutputStopped, WriteRefused
from authz.policy.clearance import Verdict
from authz.policy.invariants import HANDLING
from models.graph.graph import GRAPH
from models.tables.issued_document import DocumentKind, IssuedDocument
from models.tables.policy import Action
from models.trade.place import spellings
from resolvers.protection.namesake import has_namesake
from resolvers.read.lift_use import User, held, use
from resolvers.read.stopped_output import Issued, asks_withheld, needs_lift
from resolvers.write.pipeline import NOT_ALLOWED, Change, Changed, Input, Need, UseCase, reads

handling = GRAPH.types["Handling"].table
addressee = GRAPH.types["Addressee"].table
issued_document: sa.Table = IssuedDocument.__table__  # type: ignore[attr-defined]

ABOUT_MONEY = frozenset({DocumentKind.DISPOSITION_NOTICE.value, DocumentKind.REFUND_NOTICE.value})
"""Sent to a namesake, they take somebody else's money or give it away."""
ADDRESS = reads("Addressee.residence", "Residence.address")

NEEDS: tuple[Need, ...] = (
    *reads("Addressee", *HANDLING),
    ("Addressee.code", Action.MATCH),
)


async def issue_document(change: Change, given: Input) -> Changed:
    """Issue a document about a person. Raises `OutputStopped` for one who is covered, unless a lift
    for this path opens it: it is used once. Nobody else is covered, or `Writes` refuses."""
    if change.actor.grant is not None:
        raise WriteRefused(NOT_ALLOWED)
    person, path = given["addresseeCode"], given["path"]
    await change.reach("Addressee", person)
    lifts = await _use_lift(change, person, path)
    if given["document"] in ABOUT_MONEY and not lifts:
        await _check_third_item(change, person, given.get("address"))
    values = {
        "issued_at": change.at,
        "addressee_code": person,
        "document": given["document"],
        "path": path,
        "staff_id": change.actor.id,
        "session": change.actor.session,
        "purpose": change.purpose,
        "case_reference": change.terms.case_reference,
        "lift_id": next(iter(lifts), None),
    }
    await change.connection.execute(sa.insert(issued_document).values(values))
    return Changed(
        rows={"content": person},
        persons=(person,),
        named=(person,),
        issued=Issued(person, lifts),
    )


async def _check_third_item(change: Change, person: str, address: str | None) -> None:
    """Where another record has the name and birthday, the address tells the two apart.

    Only who may read the address can be asked for it, and a withheld one is compared with nothing:
    the answer would tell it. A lift was approved for this record, so it is not asked for.
    """
    if not await has_namesake(change.connection, person):
        return
    await replace(change, asks=(*change.asks, *ADDRESS)).reach("Addressee", person)
    if any(change.clearance.cell(*each).verdict is not Verdict.SHOWN for each in ADDRESS):
        raise WriteRefused(NOT_ALLOWED)
    columns = (addressee.c.address, addressee.c.building, handling.c.address_withheld)
    stored = await change.connection.execute(
        sa.select(*columns)
        .outerjoin_from(addressee, handling, handling.c.addressee_code == addressee.c.code)
        .where(addressee.c.code == person)
    )
    place, building, withheld = stored.one()
    if withheld:
        raise OutputStopped
    known = spellings(place or "") | spellings(f"{place or ''}{building or ''}")
    if (known & spellings(address or "")) <= {""}:
        raise BadInput(
            "another record has this name and birthday: look at both, and give the address of the"
            " one that is meant",
            "ADDRESS_NEEDED",
        )


async def _use_lift(change: Change, person: str, path: str) -> tuple[int, ...]:
    """The lift that was used; none, where none is needed."""
    stored = sa.select(handling.c.address_withheld, handling.c.stop_output).where(
        handling.c.addressee_code == person
    )
    flags = (await change.connection.execute(stored)).first()
    if flags is None or not needs_lift(*flags, asks_withheld(change.shown)):
        return ()
    user = User(change.actor.id, change.actor.session, change.purpose, change.terms.case_reference)
    found = await change.connection.execute(held(user.staff_id, person, path))
    for key in fitting([(key, classes) for key, classes in found], change.shown.liftable()):
        # Somebody else may have used the last of it meanwhile.
        if await use(change.connection, user, [key]):
            return (key,)
    raise OutputStopped


def fitting(lifts: Iterable[tuple[int, str]], asked: Iterable[frozenset[str]]) -> list[int]:
    """The lifts that open any of what is asked, the one that opens most of it first; every one,
    where nothing withheld is asked."""
    wanted = list(asked)
    opens = {
        key: sum(one <= frozenset(classes.split()) for one in wanted) for key, classes in lifts
    }
    return sorted((key for key in opens if opens[key] or not wanted), key=lambda key: -opens[key])


USE_CASES = (UseCase("issueDocument", issue_document, needs=NEEDS, issues=True),)
