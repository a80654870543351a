"""The labels that every column and every edge carries: what it is called and how sensitive it is.

A column is declared through `column`, which demands at least one sensitivity class
(`models/facts/classes.csv`), so that a field without a class cannot come into being. GraphQL types,
filters, orderings, the SDL and the policy's coordinates all follow from these labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from models.facts import CLASSES
from models.trade import codes

Check = Callable[[str], str | None]
"""A rule of the trade over one stored text: `None` when it holds, else the reason in words."""


class UnclassifiedError(Exception):
    """A column or an edge was declared without a sensitivity class, or with an unknown one."""


@dataclass(frozen=True, slots=True)
class Days:
    """Which days a column may hold (`models/days.py` looks).

    `ahead`       how many days after today at most; `None`: any
    `not_before`  the column of the same row whose day comes first
    `years_after` how many years after the fiscal year in `year`, a column of the same row, at most
    `from_year`   whether a day before that year cannot be
    """

    ahead: int | None = None
    not_before: str | None = None
    year: str | None = None
    years_after: int = 0
    from_year: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What one column is, for everybody who derives something from it.

    `classes`  sensitivity classes; all of them must be allowed (a derived field joins its inputs)
    `ja`, `en` the trade's name of the column, used in descriptions and reports `items`    numbers
    of the record items it stores (assessment, annex 1) `graphql`  field name in the schema; `None`
    keeps the column out of it `part`     name of the embedded GraphQL object that holds it
    (`Residence`), else the row's type `match`, `search`  the operands that make sense for it; the
    policy decides who may use them `mask`     name of the masked form (`last3`) `about`    columns
    naming other persons whose protection withholds this value too `folded`   stored in the folded
    form of `models/trade/kana.py`; operands are folded before comparison `check`    the rule of
    the trade that a stored value obeys `days`     which days are possible `form`     the canonical
    form in which a code is stored, and by which every reader compares `header`   the column's name
    in the city's import file, where it differs from `ja` `whole`    column with what is shown
    instead to whoever is cleared for all that the row's
               `through` names
    """

    classes: tuple[str, ...]
    ja: str
    en: str
    items: tuple[int, ...] = ()
    graphql: str | None = None
    part: str | None = None
    match: bool = False
    search: bool = False
    mask: str | None = None
    about: tuple[str, ...] = ()
    folded: bool = False
    check: Check | None = None
    days: Days | None = None
    form: codes.Form | None = None
    header: str | None = None
    whole: str | None = None


FORMS: dict[str, codes.Form] = {
    "addressee.code": codes.addressee,
    "staff.id": codes.plain,
    "tax_item.code": codes.plain,
}
"""The form of a column that refers to one of these."""


def text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Text compared byte by byte on every database, so that order and cursors agree."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def enum_of(words: type[StrEnum]) -> sa.types.TypeEngine[str]:
    """A closed vocabulary, stored as its words and checked by the database."""
    return sa.Enum(
        words,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda members: [member.value for member in members],
        length=40,
    )


def column(
    *classes: str,
    ja: str,
    en: str,
    item: int | tuple[int, ...] = (),
    graphql: str | None = "",
    part: str | None = None,
    match: bool = False,
    search: bool = False,
    mask: str | None = None,
    about: tuple[str, ...] = (),
    folded: bool = False,
    check: Check | None = None,
    days: Days | None = None,
    form: codes.Form | None = None,
    header: str | None = None,
    whole: str | None = None,
    type: Any = None,
    references: str | None = None,
    **field: Any,
) -> Any:
    """Declare one labelled column of a SQLModel table.

    `graphql=""` derives the camel-case name from the column's; `None` keeps it out of the schema.
    `references="table.column"` makes it a foreign key. Other keywords go to `sqlmodel.Field`.
    Raises `UnclassifiedError` without a class, or with one that `models/facts/classes.csv` lacks.
    """
    unknown = [code for code in classes if code not in CLASSES]
    if not classes or unknown:
        raise UnclassifiedError(f"column `{en}` needs known sensitivity classes, has {classes!r}")
    label = Label(
        classes=classes,
        ja=ja,
        en=en,
        items=(item,) if isinstance(item, int) else item,
        graphql=graphql,
        part=part,
        match=match or search,
        search=search,
        mask=mask,
        about=about,
        folded=folded,
        check=check,
        days=days,
        form=form or FORMS.get(references or ""),
        header=header,
        whole=whole,
    )
    if type is not None:
        field["sa_type"] = type
    if references is not None:
        field["foreign_key"] = references
    return Field(sa_column_kwargs={"info": {"label": label}, **field.pop("sa", {})}, **field)


def label_of(column: sa.Column[Any]) -> Label:
    """The label of a table's column. Raises `UnclassifiedError` where there is none."""
    label = column.info.get("label")
    if not isinstance(label, Label):
        raise UnclassifiedError(f"column `{column}` has no label")
    return label


def camel(name: str) -> str:
    """`full_name_kana` → `fullNameKana`."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True, slots=True)
class Part:
    """A GraphQL object embedded in a row (`Addressee.residence`), with classes of its own."""

    field: str
    type_name: str
    ja: str
    en: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Noun:
    """What one table is in the schema.

    `existence` classes of the fact that a row is there
    `owner`     column naming the person whom a row is about; `None` where no person is
    `persons`   every column naming a person of the row; if one of them is covered, the row's
                withheld values are withheld (default: the owner alone)
    `agents`    whoever acts for the owner (特定宛先人), or did, is a person of the row, too: it may
                hold their name and place
    `root`      names of the root fields for one row and for the list, where there are such
    `present`   a row counts as there only while one of these flags is true (default: always)
    `destination`  column naming the one transfer destination to which the row is addressed: it is
                there in that destination's own population and in no other
    `key`       column that identifies a row, from which the opaque node id is sealed
    """

    type_name: str
    ja: str
    en: str
    existence: tuple[str, ...]
    owner: str | None = None
    persons: tuple[str, ...] = ()
    agents: bool = False
    parts: tuple[Part, ...] = ()
    root: tuple[str | None, str | None] = (None, None)
    key: str = "id"
    present: tuple[str, ...] = ()
    destination: str | None = None

    def __post_init__(self) -> None:
        if not self.persons and self.owner is not None:
            object.__setattr__(self, "persons", (self.owner,))


def child_key(*classes: str) -> Any:
    """The surrogate key of a child row; outside the schema it is only seen sealed, as `id`."""
    return column(
        *classes,
        ja="行番号",
        en="row number",
        graphql=None,
        type=KEY,
        primary_key=True,
        default=None,
    )


def owner() -> Any:
    """The addressee whom a child row is about."""
    return column(
        "identifier",
        ja="宛名コード",
        en="addressee code of the owner",
        graphql=None,
        type=text(15),
        references="addressee.code",
        index=True,
    )


KEY: sa.types.TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
YEN: sa.types.TypeEngine[int] = sa.BigInteger()
"""Money in yen, an integer below 2^53."""


class Count(sa.BigInteger):
    """A number that is no money: an `Int` in the schema, though the column has room for more."""


class Words(sa.String):
    """A list stored as a JSON array in a text: of words, or of lists of words that belong together.

    On the wire it is a list of texts; words that belong together are joined by spaces.
    """


INSTANT: sa.types.TypeEngine[Any] = sa.DateTime(timezone=True)
"""A point in time, in UTC."""
