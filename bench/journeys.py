"""Measure complete order journeys: home, order, summary, identification, contracts, confirmation,
payment at the sandbox bank, installation, e-mails.

Every second customer signs in with a new demo account, the others register. Each has an HTTP
client with cookies of its own and submits the forms of the pages; scripts, styles and images are
not fetched. The first unexpected outcome ends the measurement with an error.

::

    python -m bench                                          a temporary shop, on SQLite
    DATABASE_URL=postgresql://… python -m bench              the same on PostgreSQL
    python -m bench --url http://localhost:5000              a running shop (RATE_LIMITS=off)
    python -m bench --customers 8 --journeys 100 --runs 5
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

import httpx

from bench.customer import Customer, JourneyFailed
from bench.shop import Shop, existing_shop, temporary_shop
from bench.stopwatch import Stopwatch, table

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Run:
    """One measurement: the number of journeys, their duration and CPU time in seconds."""

    journeys: int
    seconds: float
    processor: float = 0.0

    @property
    def rate(self) -> float:
        """Journeys per second."""
        return self.journeys / self.seconds


def measure(shop: Shop, customers: int, journeys: int, limit: float, total: Stopwatch) -> Run:
    """Run ``journeys`` journeys, ``customers`` at a time; add the step times to ``total``.

    Raises `JourneyFailed` when a journey fails or ``limit`` seconds have passed.
    """
    accounts = [shop.new_account() if number % 2 else None for number in range(journeys)]
    stopwatch, stopping = Stopwatch(), threading.Event()

    def one(account: dict[str, str] | None) -> None:
        if not stopping.is_set():
            Customer(shop.url, stopwatch, account).order()

    began, used = time.perf_counter(), shop.processor_seconds()
    with ThreadPoolExecutor(customers) as pool:
        futures = [pool.submit(one, account) for account in accounts]
        done, pending = wait(futures, timeout=limit, return_when=FIRST_EXCEPTION)
        stopping.set()
    run = Run(journeys, time.perf_counter() - began, shop.processor_seconds() - used)
    for future in done:
        future.result()
    if pending:
        raise JourneyFailed(f"{len(pending)} journeys were not over after {limit:g} s")
    total.merge(stopwatch)
    return run


def report(runs: Sequence[Run], stopwatch: Stopwatch) -> str:
    """Format the results: medians with the values of each run, and each step's times."""
    lines = [_spread("journeys a second", [run.rate for run in runs])]
    if all(run.processor for run in runs):
        each = [run.processor / run.journeys for run in runs]
        lines.append(_spread("processor seconds a journey", each))
    return "\n".join([*lines, "", table(stopwatch.times)])


def _spread(name: str, figures: Sequence[float]) -> str:
    each = ", ".join(f"{figure:.2f}" for figure in figures)
    return f"{name}: {median(figures):.2f} (median of {len(figures)} runs: {each})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement of the command line; return the exit status, 1 for any error."""
    asked = _parser().parse_args(arguments)
    where: AbstractContextManager[Shop]
    where = nullcontext(existing_shop(asked.url)) if asked.url else temporary_shop()
    stopwatch = Stopwatch()
    try:
        with where as shop:
            print(f"{shop.description}; {asked.customers} customers at a time")
            measure(shop, asked.customers, asked.customers, asked.limit, Stopwatch())
            runs = []
            for number in range(asked.runs):
                run = measure(shop, asked.customers, asked.journeys, asked.limit, stopwatch)
                runs.append(run)
                print(f"run {number + 1}: {run.journeys} journeys in {run.seconds:.1f} s")
    except (JourneyFailed, RuntimeError, httpx.HTTPError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(report(runs, stopwatch))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure order journeys.")
    parser.add_argument("--customers", type=_count, default=8, help="at the same time (8)")
    parser.add_argument("--journeys", type=_count, default=60, help="in each run (60)")
    parser.add_argument("--runs", type=_count, default=3, help="after one to warm up (3)")
    parser.add_argument("--limit", type=float, default=300, help="seconds a run may take (300)")
    parser.add_argument("--url", type=_local_url, help="a shop that runs on this machine")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("from 1 to 10,000")
    return number


def _local_url(url: str) -> str:
    if urlsplit(url).hostname not in LOOPBACK:
        raise argparse.ArgumentTypeError("only a shop on this machine is measured")
    return url
