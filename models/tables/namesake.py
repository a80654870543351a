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
from models.trade.kanji import one_form
from models.trade.texts import bare
from models.trade.wareki import around

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
        """Whether name or kana are the same, and birthday and sex part nobody.

        One of the two names is enough: a bank knows the kana alone, and who is entered by telephone
        gets the kanji that the clerk thought of. A sex that is not known parts nobody.
        """
        pairs = (self[1:3], other[1:3])
        named = any(mine and mine == theirs for mine, theirs in zip(*pairs, strict=True))
        sexes = {self.sex, other.sex} - {""}
        return named and self.born == other.born and len(sexes) < 2


def identity_of(values: Mapping[str, Any]) -> Identity | None:
    """Of an addressee, by column; `None` where name or birthday are lacking."""
    text = values.get("birth_date_text")
    born = values.get("birth_date") or (text and (around(text) or text))
    name = values.get("full_name") or ""
    kana = values.get("full_name_kana") or values.get("full_name_search_kana") or ""
    if born is None or not (name or kana):
        return None
    sex = values.get("sex")
    known = "" if sex in (None, Sex.UNKNOWN.value) else str(sex)
    return Identity(str(born), _folded(name), fold_kana(kana), known)


def _folded(name: str) -> str:
    """Spaces, points, another form of a kanji or another encoding make no other name."""
    plain = one_form(unicodedata.normalize("NFKC", bare(name))).casefold()
    return "".join(sign for sign in plain if unicodedata.category(sign)[0] in "LMN")
