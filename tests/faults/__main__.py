"""``python -m tests.faults``: run the table, or the scenarios named, on both databases."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.faults import driver
from tests.faults.scenarios import SCENARIOS
from tests.support import databases

HEAD = f"{'scenario':<28} {'database':<11} {'faults':>6} {'lost':>5} {'doubled':>8} {'recovery':>9}"


def main() -> int:
    """Run what the command line asks for; return 1 if something was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--customers", type=int, default=3, help="at the same time (3)")
    parser.add_argument("--minutes", type=float, default=60, help="end after (60)")
    asked = parser.parse_args()
    wanted = [each for each in SCENARIOS if asked.only in each.name]
    kinds = ["sqlite", "postgresql"] if asked.database == "both" else [asked.database]
    ends, unsound = time.monotonic() + asked.minutes * 60, 0
    print(HEAD, flush=True)
    for kind in kinds:
        with _databases(kind) as new_database:
            for scenario in wanted:
                if not scenario.runs_on(sqlite=kind == "sqlite"):
                    continue
                if time.monotonic() > ends:
                    print(f"{scenario.name:<28} {kind:<11} not begun: the time is over")
                    continue
                with tempfile.TemporaryDirectory(prefix="shop-faults-") as folder:
                    url = new_database(Path(folder))
                    found = driver.run(
                        scenario, Path(folder), url, customers=asked.customers, ends=ends
                    )
                if found.is_cut:
                    print(f"{scenario.name:<28} {kind:<11} not finished: the time is over")
                    unsound += bool(found.doubled)
                    continue
                print(
                    f"{found.scenario:<28} {kind:<11} {found.faults:>6} {len(found.lost):>5} "
                    f"{len(found.doubled):>8} {found.recovery:>7.1f} s",
                    flush=True,
                )
                for sentence in [*found.lost, *found.doubled]:
                    print(f"    {sentence}")
                unsound += not found.is_sound
    return 1 if unsound else 0


@contextmanager
def _databases(kind: str) -> Iterator[object]:
    """Provide a function that makes an empty database and returns its URL."""
    if kind == "sqlite":
        yield lambda folder: f"sqlite:///{folder}/shop.db"
        return
    server, stop = databases.start_postgresql()
    made = 0

    def new(folder: Path) -> str:
        nonlocal made
        made += 1
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE faults_{made}".encode())
        base, mark, query = server.partition("?")
        return f"{base.rpartition('/')[0]}/faults_{made}{mark}{query}"

    try:
        yield new
    finally:
        stop()


if __name__ == "__main__":
    sys.exit(main())
