"""The demo town as a stream: people in the order of their codes, each with levies and receipts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.demo.cast import cast_records
from models.demo.cast_levies import levies_of_cast
from models.demo.dice import Dice
from models.demo.households import Street
from models.demo.levies import Levy, levies_of
from models.demo.record import Record, Row
from models.trade.city_file import ADDRESSEE_HEADER, COLLECTION_HEADER, RECEIPT_HEADER

DEFAULT_PEOPLE = 3_000
DEFAULT_SEED = 1
FIRST_SERIAL = 100_000


FILE_NAMES = ("addressees.csv", "collections.csv", "receipts.csv")


@dataclass(frozen=True, slots=True)
class Files:
    """The three files of a town."""

    addressees: Path
    collections: Path
    receipts: Path


@dataclass(frozen=True, slots=True)
class Town:
    """A town of `people` addressees, the named cast among them. The same seed, the same town."""

    people: int = DEFAULT_PEOPLE
    seed: int = DEFAULT_SEED

    def everybody(self) -> Iterator[tuple[Record, list[Levy]]]:
        """Each addressee record with its levy items; nothing is kept in memory."""
        cast = cast_records()
        for record in cast:
            yield record, list(levies_of_cast(record.code))
        street, dice = Street(self.seed, FIRST_SERIAL), Dice(self.seed)
        left, index = self.people - len(cast), 0
        while left > 0:
            household = street.next(index)
            index += 1
            for record in household:
                dice.random.seed(self.seed * 1_000_003 + int(record.code))
                yield record, list(levies_of(record, dice))
            # A household is never cut: somebody in it may be linked to somebody else.
            left -= len(household)

    def addressee_rows(self) -> Iterator[Row]:
        """The rows of the addressee file (columns that are empty are left out)."""
        for record, _ in self.everybody():
            yield from record.rows()

    def write(self, folder: Path, progress: Callable[[int], None] = lambda count: None) -> Files:
        """Write the three files, telling `progress` how many addressees each step made."""
        folder.mkdir(parents=True, exist_ok=True)
        files = Files(*(folder / name for name in FILE_NAMES))
        with (
            files.addressees.open("w", encoding="utf-8", newline="") as addressees,
            files.collections.open("w", encoding="utf-8", newline="") as collections,
            files.receipts.open("w", encoding="utf-8", newline="") as receipts,
        ):
            people = csv.DictWriter(addressees, ADDRESSEE_HEADER, lineterminator="\r\n")
            items = csv.DictWriter(collections, COLLECTION_HEADER, lineterminator="\r\n")
            money = csv.DictWriter(receipts, RECEIPT_HEADER, lineterminator="\r\n")
            for writer in (people, items, money):
                writer.writeheader()
            for record, levies in self.everybody():
                people.writerows(record.rows())
                for levy in levies:
                    items.writerow(levy.row)
                    money.writerows(levy.receipts)
                progress(1)
        return files
