"""A cache of bounded weight in which nobody pushes out what others use."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class _Kept(NamedTuple, Generic[Value]):
    value: Value
    weight: int
    author: str


EVERYBODY = ""


class _Share:
    """The keys of one author, the one unused for longest first, and what they weigh."""

    def __init__(self) -> None:
        self.keys: OrderedDict[Hashable, None] = OrderedDict()
        self.weight = 0


class Bounded(Generic[Value]):
    """Values by key, of at most `weight` in all; each weighs what `put` says.

    A value is its author's until somebody else uses it, then everybody's. Where room is short, what
    was unused for longest goes: everybody's where that is more than half of the room, else that of
    the author who holds most. So whoever brings a new value with each request pushes out their own.
    """

    def __init__(self, weight: int) -> None:
        self._most = weight
        self.weight = 0
        self._values: dict[Hashable, _Kept[Value]] = {}
        self._shares: defaultdict[str, _Share] = defaultdict(_Share)

    def get(self, key: Hashable, author: str = EVERYBODY) -> Value | None:
        """The value, `None` if it is not there (or no longer)."""
        found = self._values.get(key)
        if found is None:
            return None
        if found.author not in (EVERYBODY, author):
            self._remove(key)
            self._add(key, found._replace(author=EVERYBODY))
        else:
            self._shares[found.author].keys.move_to_end(key)
        return found.value

    def put(self, key: Hashable, value: Value, weight: int = 1, author: str = EVERYBODY) -> None:
        """Keep a value, unless it is too heavy to be kept at all."""
        if weight > self._most:
            return
        if key in self._values:
            self._remove(key)
        self._add(key, _Kept(value, weight, author))
        while self.weight > self._most:
            self._remove(next(iter(self._shares[self._giving()].keys)))

    def _giving(self) -> str:
        """Whose oldest value goes next."""
        if self._shares[EVERYBODY].weight * 2 > self._most:
            return EVERYBODY
        authors = (author for author in self._shares if author != EVERYBODY)
        return max(authors, key=lambda author: self._shares[author].weight)

    def _add(self, key: Hashable, kept: _Kept[Value]) -> None:
        self._values[key] = kept
        self.weight += kept.weight
        share = self._shares[kept.author]
        share.keys[key] = None
        share.weight += kept.weight

    def _remove(self, key: Hashable) -> None:
        kept = self._values.pop(key)
        self.weight -= kept.weight
        share = self._shares[kept.author]
        del share.keys[key]
        share.weight -= kept.weight
        if not share.keys:
            del self._shares[kept.author]

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._shares.clear()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._values)
