"""Search for a leak until told to stop (Ctrl-C), or for a number of pairs.

    make prove                               on SQLite, in two processes
    make prove ARGS="--pairs 100000"         a bounded run
    make prove ARGS="--postgresql"           on PostgreSQL
    make prove ARGS="--from 2000 --pairs 1"  these seeds, whatever was done before
    make prove ARGS=--mutants                break every guard, and see it noticed
    make prove ARGS=--timing                 response times of pairs, by ranks

Seeds that are done are written down (`prove/ledger.jsonl`), with the code that they were done with;
the next run goes on after them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tests.prove.ledger import Ledger, report
from tests.prove.mutants import HEAD, MOST_SEEDS, MUTANTS, NAMED, SEEDS, SEEDS_BESIDE, hunt, line_of
from tests.prove.pairs import Coverage
from tests.prove.processes import run, searching
from tests.prove.timing import measure


def main() -> int:
    """What the command line asks for."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="make prove", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pairs", type=int, help="stop after so many (default: never)")
    parser.add_argument("--from", type=int, dest="first", help="first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--timing", action="store_true")
    parser.add_argument("--coverage", type=Path, help="write a table of what was covered (CSV)")
    asked = parser.parse_args()
    if asked.mutants:
        return mutants()
    if asked.timing:
        return timing(asked.pairs or 600)
    ledger = Ledger.of("postgresql" if asked.postgresql else "sqlite")
    first = ledger.next() if asked.first is None else asked.first
    print(f"pairs of states from seed {first} on, {ledger.database}; Ctrl-C ends", flush=True)
    began = time.monotonic()
    segments, failure = run(first, asked.pairs, asked.processes, asked.postgresql, ledger.add)
    took = time.monotonic() - began
    total = Coverage()
    for segment in segments:
        total.add(segment.coverage)
    print(report(total, segments, took, ledger))
    if asked.coverage:
        total.write(asked.coverage)
    if failure is not None:
        print(failure)
    return int(failure is not None or bool(total.never_shown()))


def mutants() -> int:
    """Break every guard, and write down at which seed it was noticed."""
    noticed, missed = {}, 0
    print("\n".join(HEAD), flush=True)
    with searching(states=3, small=True, aimed=85, writing=0, trailing=0) as search:
        for mutant in MUTANTS:
            most = MOST_SEEDS if mutant.test is None else SEEDS_BESIDE
            caught = hunt(search, mutant, range(most))
            print(line_of(mutant, caught), flush=True)
            if caught:
                noticed[mutant.name] = caught.seed
            missed += caught is None and mutant.test is None
        search.close()
    for mutant in NAMED:
        print(line_of(mutant, None), flush=True)
    SEEDS.write_text(json.dumps(noticed, indent=1) + "\n")
    return int(missed > 0)


def timing(pairs: int) -> int:
    """Compare response times as they are, and with a delay of 100 µs planted."""
    failed = False
    with searching() as search:
        for planted in (0.0, 1e-4):
            for name, found in measure(search, pairs, planted).items():
                print(f"{name}, {planted * 1e6:.0f} µs planted: {found}", flush=True)
                failed |= found.speaks is not bool(planted)
        search.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
