"""Compare 1, 4, 8 and 16 threads a web process, in alternate rounds.

For each: complete journeys a second with 8, 64 and 200 customers at once, and the pages of
visitors while customers ask for the page of a bank that takes 12 seconds.

::

    python -m bench.threads --threads 1 4 8 16 --rounds 2
    DATABASE_URL=postgresql://… python -m bench.threads
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence

from bench import slow_bank
from bench.journeys import measure, spread
from bench.shop import CHEAP_PASSWORDS, temporary_shop
from bench.stopwatch import Stopwatch, percentile
from bench.threads.web import THREADS
from bench.visitor import JourneyFailed

PROGRAM = ("-m", "bench.threads.serve")
LIMIT = 600.0
SLOW = 12.0
"""Seconds until the slow bank answers."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement of the command line; return the exit status, 1 for any error."""
    asked = _parser().parse_args(arguments)
    found: dict[str, list[float]] = defaultdict(list)
    try:
        for _ in range(asked.rounds):
            for threads in asked.threads:
                for name, value in _measured(threads, asked):
                    found[f"{threads:>2} threads: {name}"].append(value)
    except (JourneyFailed, RuntimeError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    for name in sorted(found):
        print(spread(name, found[name]))
    return 0


def _measured(threads: int, asked: argparse.Namespace) -> list[tuple[str, float]]:
    figures = []
    with temporary_shop({**CHEAP_PASSWORDS, THREADS: str(threads)}, PROGRAM) as shop:
        measure(shop, 8, 8, LIMIT, Stopwatch())
        for customers in asked.customers:
            run = measure(shop, customers, max(customers, asked.journeys), LIMIT, Stopwatch())
            figures.append((f"journeys a second with {customers:>3} customers", run.rate))
        payers = slow_bank.Payers(shop, asked.payers)
        slow_bank.slow_down(shop, SLOW)
        times = payers.during(lambda: slow_bank.visit(shop, asked.seconds))
        slow_bank.slow_down(shop, 0)
    for share in (50, 95):
        figures.append((f"page beside a slow bank, p{share} ms", percentile(times, share) * 1000))
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.threads", description="Compare numbers of threads."
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--customers", type=int, nargs="+", default=[8, 64, 200])
    parser.add_argument("--journeys", type=int, default=32, help="at least, in each round (32)")
    parser.add_argument("--payers", type=int, default=20, help="at the slow bank (20)")
    parser.add_argument("--seconds", type=float, default=15, help="beside the slow bank (15)")
    parser.add_argument("--rounds", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
