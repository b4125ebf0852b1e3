"""Measure complete journeys at django-oscar: home, product, basket, checkout, order, history.

Every second customer signs in with an account and its address, the others register. Each has an
HTTP client with cookies of its own; scripts, styles and pictures are not fetched. The first
unexpected outcome ends the measurement with an error.

::

    python -m bench.oscar --install                          once
    python -m bench.oscar                                    on SQLite
    DATABASE_URL=postgresql://… python -m bench.oscar        in the schema oscar_bench
    python -m bench.oscar --customers 8 --journeys 40 --runs 3 --threads 4
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.journeys import Run, report
from bench.oscar.environment import HOW_TO_INSTALL, OscarFailed, install, installed
from bench.oscar.served import PROCESSES, THREADS, Oscar, serving
from bench.visitor import JourneyFailed
from tooling.report import SetupError


def measure(shop: Oscar, customers: int, numbers: Sequence[int]) -> Run:
    """Make the journeys of these numbers, ``customers`` at a time. Raises `JourneyFailed`."""
    began, used, own = time.perf_counter(), shop.processor_seconds(), time.process_time()
    with ThreadPoolExecutor(customers) as pool:
        made = dict(zip(numbers, _results(pool, shop, numbers), strict=True))
    seconds, own = time.perf_counter() - began, time.process_time() - own
    kinds = {"known" if number % 2 else "new": requests for number, requests in made.items()}
    spent = {"web": shop.processor_seconds() - used}
    return Run(len(numbers), seconds, spent, own, kinds)


def _results(pool: ThreadPoolExecutor, shop: Oscar, numbers: Sequence[int]) -> Iterable[int]:
    try:
        return list(pool.map(shop.journey, numbers))
    except JourneyFailed:
        pool.shutdown(cancel_futures=True)
        raise


def main(arguments: Sequence[str] | None = None) -> int:
    """Install, or run the measurement of the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.install:
            install()
        elif not installed():
            print(HOW_TO_INSTALL)
        else:
            _measure(asked)
    except (JourneyFailed, OscarFailed, SetupError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(asked: argparse.Namespace) -> None:
    url = os.environ.get("DATABASE_URL")
    with serving(url, threads=asked.threads) as shop:
        database = (url or "sqlite").split(":")[0]
        print(
            f"django-oscar, {database}, {PROCESSES} processes of {asked.threads} threads; ", end=""
        )
        print(f"{asked.customers} customers at a time")
        measure(shop, asked.customers, range(asked.customers))
        shop.stopwatch.times.clear()
        runs = []
        for number in range(asked.runs):
            first = asked.customers + number * asked.journeys
            runs.append(measure(shop, asked.customers, range(first, first + asked.journeys)))
        print(report(runs, shop.stopwatch))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.oscar", description="Measure journeys at django-oscar."
    )
    parser.add_argument("--install", action="store_true", help="install it into build/oscar")
    parser.add_argument("--customers", type=int, default=8, help="at the same time (8)")
    parser.add_argument("--journeys", type=int, default=40, help="in each run (40)")
    parser.add_argument("--runs", type=int, default=3, help="after one to warm up (3)")
    parser.add_argument("--threads", type=int, default=THREADS, help=f"a process ({THREADS})")
    return parser
