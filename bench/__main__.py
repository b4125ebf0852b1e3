"""``python -m bench``: complete journeys by N customers at once, and what each step takes.

Without ``--url`` it serves a shop of its own, with its data in a temporary folder, on SQLite or on
the database of ``DATABASE_URL``. Everything stays on this machine, bounded in number.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from bench.journeys import JourneyFailed, Timings, travel
from e2e import live

MOST_JOURNEYS = 10_000
HERE = {"localhost", "127.0.0.1", "::1"}


def main() -> int:
    """Run the journeys asked for and print the table; 1 when one of them failed."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        database = os.environ.get("DATABASE_URL", f"sqlite:///{folder}/shop.db")
        own = live.running(database, Path(folder), WEB_PROCESSES="2")
        with nullcontext() if asked.url else own as shop:
            return _measure(asked.url or shop.url, asked.customers, asked.journeys)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--url", default="", help="a shop that runs on this machine already")
    parser.add_argument("--customers", type=int, default=8, help="customers at the same time")
    parser.add_argument("--journeys", type=int, default=40, help="journeys in all")
    asked = parser.parse_args()
    if asked.url and urlsplit(asked.url).hostname not in HERE:
        parser.error("only a shop on this machine is measured")
    if not 1 <= asked.customers <= 200 or not 1 <= asked.journeys <= MOST_JOURNEYS:
        parser.error(f"1 to 200 customers, 1 to {MOST_JOURNEYS} journeys")
    return asked


def _measure(shop: str, customers: int, journeys: int) -> int:
    timings = Timings()
    began = time.perf_counter()
    with ThreadPoolExecutor(customers) as crowd:
        runs = [crowd.submit(travel, shop, timings) for _ in range(journeys)]
        failures = [str(run.exception()) for run in runs if run.exception()]
    seconds = time.perf_counter() - began
    done = journeys - len(failures)
    print(f"{done} of {journeys} journeys, {customers} customers at once, {seconds:.1f} s")
    print(f"{done / seconds:.2f} journeys a second\n")
    _print_table(timings)
    for failure in failures[:10]:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _print_table(timings: Timings) -> None:
    print(f"{'step':<22}{'count':>7}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}")
    for name, taken in timings.steps.items():
        marks = statistics.quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else []
        p50, p95, p99 = (marks[49], marks[94], marks[98]) if marks else (taken[0],) * 3
        figures = "".join(f"{1000 * value:>10.0f}" for value in (p50, p95, p99))
        print(f"{name:<22}{len(taken):>7}{figures}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except JourneyFailed as error:
        sys.exit(str(error))
