"""The demo town's files, loaded like any other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from authz.numbers.vault import Vault
from models.demo.town import Files, Town
from models.store.database import Database
from resolvers.demo.measures import enter_demo_measures
from resolvers.imports.city_file import Progress
from resolvers.imports.report import Report
from resolvers.imports.run import Contents, import_file


async def seed(
    town: Town,
    folder: Path,
    database: Database,
    vault: Vault,
    bars: Callable[[str, int], Progress] = lambda title, size: lambda count: None,
) -> list[Report]:
    """Make the demo town's files in the folder, load them by the same import, and enter why care is
    due.

    `bars(title, size)` gives the progress of one step. Raises as `import_file` does.
    """
    files = town.write(folder, bars("デモの町を作成中 making the town", town.people))
    reports = [
        await import_file(
            contents, path, database, vault, progress=bars(title, path.stat().st_size)
        )
        for contents, path, title in _steps(files)
    ]
    await enter_demo_measures(database)
    return reports


def _steps(files: Files) -> tuple[tuple[Contents, Path, str], ...]:
    return (
        (Contents.ADDRESSEES, files.addressees, "宛名 addressees"),
        (Contents.COLLECTIONS, files.collections, "収納 collections"),
        (Contents.RECEIPTS, files.receipts, "収納履歴 receipts"),
    )
