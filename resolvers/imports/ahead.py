"""Who must be protected, as a file of people asks for it.

A file may name the protected member of a household after the others, or the record that continues
another before it. So it is looked through beforehand: whoever shares a household or a person with
somebody it protects, or who is covered already, over any number of its rows, is covered in the very
transaction that brings their address in.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from models.tables.addressee import Sex
from models.tables.individual_number import IndividualNumber
from models.tables.namesake import Identity, identity_of
from models.trade.city_file import CODE, HANDLING, ITEM_NAMES, Values, word
from models.trade.codes import household, meant
from models.trade.wareki import NotADateError, parse_day
from resolvers.imports.brake import Brake, is_flag, is_handling
from resolvers.imports.cells import flag, read_handling
from resolvers.imports.city_file import CityFile, Line
from resolvers.imports.report import Row
from resolvers.protection.causes import OBLIGATIONS, Causes
from resolvers.protection.namesake import Covered, CoveredPeople
from resolvers.read.sql import today

FLAGS = ("dv_flag", "neglect_flag")
FLAG_HEADERS = (ITEM_NAMES[53], ITEM_NAMES[54])
HOUSEHOLD, LEFT, EARLIER = ITEM_NAMES[79], ITEM_NAMES[84], ITEM_NAMES[110]
AGENT = ITEM_NAMES[76]
KANA, NAME, BORN, SEX = (ITEM_NAMES[number] for number in (12, 14, 18, 19))
INDIVIDUAL_NUMBER = ITEM_NAMES[1]


@dataclass(slots=True)
class Ahead:
    """What the file asks for, found before the first row is loaded.

    `untold`: for whom it asks and no stored flag will say so: 取扱注意, a flag not to be read, or a
    row that fell apart.
    `covered`, `covered_homes`: who was covered before the file, and where they live; the file may
    tie newcomers to them.
    `namesakes`: by what people tell those for whom it asks.
    `agents`: by addressee, who acts for them, also in rows that are refused.
    """

    codes: Causes = field(default_factory=Causes)
    untold: Causes = field(default_factory=Causes)
    households: Causes = field(default_factory=Causes)
    covered: Causes = field(default_factory=Causes)
    covered_homes: Causes = field(default_factory=Causes)
    agents: dict[str, set[str]] = field(default_factory=dict)
    namesakes: CoveredPeople = field(default_factory=CoveredPeople)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @classmethod
    def look(cls, file: CityFile, covered: Causes, homes: Causes) -> Ahead:
        """Read the file for protection alone. Most files protect few people.

        Raises `FileRefused` where a column that protects is written in words that nobody knows.
        """
        found, header = cls(), set(file.header)
        if {HOUSEHOLD, EARLIER, INDIVIDUAL_NUMBER} & header:
            found.covered, found.covered_homes = covered, homes
        if {AGENT, HANDLING, *FLAG_HEADERS} & header:
            brake = Brake({HANDLING: is_handling, **dict.fromkeys(FLAG_HEADERS, is_flag)})
            for line in file.lines():
                brake.see(line)
                found._protect(line, untold_by_line(line))
                for piece in file.pieces(line):
                    found._protect(piece, asked_of_line(piece))
            brake.check()
        grown = bool(found._size())
        while grown:
            before = found._size()
            for line in file.lines():
                for piece in (line, *file.pieces(line)):
                    found._extend(piece)
            grown = found._size() > before
        if found.codes.codes():
            for line in file.lines():
                found._know(line)
        return found

    def _protect(self, line: Line, untold: tuple[bool, bool]) -> None:
        asked = asked_of_line(line)
        for code in _meant(line, CODE):
            _add(self.codes, code, asked)
            _add(self.untold, code, untold)
            self.agents.setdefault(code, set()).update(_meant(line, AGENT))

    def _extend(self, line: Line) -> None:
        """Whoever shares a household or a person with somebody is asked for like them."""
        number = self._number(line.cells.get(INDIVIDUAL_NUMBER, ""))
        records = _meant(line, CODE) | _meant(line, EARLIER)
        home = household(line.cells.get(HOUSEHOLD, ""))
        if has_left(line.cells.get(LEFT, "")):
            home = ""
        for asked, homes in (*self._asked(), *self._tied()):
            if not asked.isdisjoint(records) or not homes.isdisjoint((home, number)):
                asked.update(records)
                homes.update(filter(None, (home, number)))

    def _know(self, line: Line) -> None:
        """By what people tell somebody for whom the file asks."""
        for code in _meant(line, CODE):
            asks = (code in self.codes.address_withheld, code in self.codes.stop_output)
            identity = _identity(line) if any(asks) else None
            if identity is not None:
                self.namesakes.add(Covered(code, identity, asks))

    def _number(self, text: str) -> str | None:
        """What stands for an individual number among the households, during this look alone."""
        number = IndividualNumber(text)
        if not number.well_formed:
            return None
        return hmac.digest(self._key, number.reveal().encode(), "sha256").hex()

    def _asked(self) -> Iterator[tuple[set[str], set[str]]]:
        """The addressees and the households for which each of the obligations is asked."""
        yield self.codes.address_withheld, self.households.address_withheld
        yield self.codes.stop_output, self.households.stop_output

    def _tied(self) -> Iterator[tuple[set[str], set[str]]]:
        """The same, of those who are covered already and whoever the file ties to them."""
        yield self.covered.address_withheld, self.covered_homes.address_withheld
        yield self.covered.stop_output, self.covered_homes.stop_output

    def _size(self) -> int:
        return sum(len(codes) + len(homes) for codes, homes in (*self._asked(), *self._tied()))

    def ask(self, causes: Causes, rows: Iterable[Row]) -> None:
        """Add what these rows' addressees need."""
        _ask(causes, rows, self._asked())

    def tie(self, causes: Causes, rows: Iterable[Row]) -> None:
        """Add what these rows' addressees need for being tied to who is covered already."""
        _ask(causes, rows, self._tied())

    def asked_among(self, codes: Collection[str]) -> Causes:
        """For whom of these addressees the file asks."""
        return _among(self.codes, codes)

    def untold_among(self, codes: Collection[str]) -> Causes:
        """`untold`, of these addressees."""
        return _among(self.untold, codes)


def has_left(text: str) -> bool:
    """Whether a cell says on which day a household was left. What cannot be read does not, nor do
    the days that stand for none, and those to come."""
    try:
        return is_over(parse_day(text).day)
    except NotADateError:
        return False


def is_over(left_on: dt.date | None) -> bool:
    """Whether the day of leaving a household has passed."""
    return left_on is not None and left_on < today()


def asked_of_line(line: Line) -> tuple[bool, bool]:
    """Address withheld, output stopped: what one line asks for. What cannot be read protects."""
    if any(flag(line.cells.get(name, "0")) is True for name in FLAG_HEADERS):
        return True, True
    return untold_by_line(line)


def untold_by_line(line: Line) -> tuple[bool, bool]:
    """What a line asks for beside the flags that it sets."""
    if any(flag(line.cells.get(name, "0")) is None for name in FLAG_HEADERS):
        return True, True
    text = line.cells.get(HANDLING)
    if text is None:
        return False, False
    values: Values = {}
    read_handling(text, values)
    return values["address_withheld"], values["stop_output"]


def raised_flags(rows: Iterable[Row], base: Values) -> Values:
    """The flags (items 53, 54) that these rows raise on a record. None is ever lowered."""
    return {
        flag: True
        for row in rows
        for flag in FLAGS
        if row.parts.get("addressee", {}).get(flag) and not base.get(flag)
    }


def _identity(line: Line) -> Identity | None:
    try:
        born = parse_day(line.cells.get(BORN, ""))
    except NotADateError:
        return None
    return identity_of(
        {
            "full_name": line.cells.get(NAME),
            "full_name_kana": line.cells.get(KANA),
            "birth_date": born.day,
            "birth_date_text": born.text,
            "sex": word(Sex, line.cells.get(SEX, "")),
        }
    )


def _meant(line: Line, name: str) -> frozenset[str]:
    """Whom a cell means, however the code is written, also where its row is refused for it."""
    return meant(line.cells.get(name, ""))


def _ask(causes: Causes, rows: Iterable[Row], asked: Iterator[tuple[set[str], set[str]]]) -> None:
    for name, (codes, homes) in zip(OBLIGATIONS, asked, strict=True):
        for row in rows:
            home = row.parts.get("household_membership", {})
            household = None if is_over(home.get("left_on")) else home.get("household_code")
            if row.code in codes or household in homes:
                causes.of(name).add(row.code)


def _among(causes: Causes, codes: Collection[str]) -> Causes:
    return Causes(causes.address_withheld & set(codes), causes.stop_output & set(codes))


def _add(causes: Causes, name: str, asked: tuple[bool, bool]) -> None:
    withheld, stopped = asked
    if withheld:
        causes.address_withheld.add(name)
    if stopped:
        causes.stop_output.add(name)
