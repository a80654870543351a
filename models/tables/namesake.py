"""同姓同名・同一生年月日: whether two records could be one person, by name, kana, birthday and sex.

What went wrong elsewhere: the deposits of somebody with the same name and birthday were seized; and
whoever was registered a second time stood there without the care that the first record asks for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from models.tables.addressee import Sex
from models.trade.kana import fold_kana
from models.trade.texts import bare, same_signs

COLUMNS = (
    "full_name", "full_name_kana", "full_name_search_kana", "birth_date", "birth_date_text", "sex",
)  # fmt: skip


class Identity(NamedTuple):
    """What people tell a person by. An empty text: not known."""

    born: str
    name: str
    kana: str
    sex: str

    def could_be(self, other: Identity) -> bool:
        """Whether nothing parts the two, and a name joins them. What is not known parts nobody."""
        pairs = (self[1:3], other[1:3])
        named = any(mine and mine == theirs for mine, theirs in zip(*pairs, strict=True))
        alike = (
            not mine or not theirs or mine == theirs
            for mine, theirs in zip(self, other, strict=True)
        )
        return named and all(alike)


def identity_of(values: Mapping[str, Any]) -> Identity | None:
    """Of an addressee, by column; `None` where name or birthday are lacking."""
    born = values.get("birth_date_text") or values.get("birth_date")
    name = values.get("full_name") or ""
    kana = values.get("full_name_kana") or values.get("full_name_search_kana") or ""
    if born is None or not (name or kana):
        return None
    sex = values.get("sex")
    known = "" if sex in (None, Sex.UNKNOWN.value) else str(sex)
    return Identity(str(born), _folded(name), fold_kana(kana), known)


def _folded(name: str) -> str:
    """Spaces and the signs of another encoding make no other name."""
    return "".join(unicodedata.normalize("NFKC", same_signs(bare(name))).split()).casefold()
