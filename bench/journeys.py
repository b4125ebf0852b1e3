"""Measure complete order journeys: home, order, summary, identification, contracts, confirmation,
payment at the sandbox bank, installation, e-mails.

Every second customer signs in with a new demo account, the others register. Each has an HTTP
client with cookies of its own and submits the forms of the pages; scripts, styles and images are
not fetched. The first unexpected outcome ends the measurement with an error.

::

    python -m bench.journeys                                 a temporary shop, on SQLite
    DATABASE_URL=postgresql://… python -m bench.journeys      the same on PostgreSQL
    python -m bench.journeys --url http://localhost:5000     a running shop (RATE_LIMITS=off)
    python -m bench.journeys --customers 8 --journeys 100 --runs 5
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlsplit

from bench.customer import Customer, Room
from bench.shop import Shop, existing_shop, temporary_shop
from bench.stopwatch import Stopwatch, table
from bench.visitor import JourneyFailed

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Run:
    """One measurement of ``journeys`` journeys, which took ``seconds``.

    ``processor`` holds the CPU seconds by service (empty when unknown), ``own`` those of the
    simulated customers themselves, ``requests`` how many requests a customer with an account
    (``known``) and a ``new`` one made at the shop, redirects included, until the paid order.
    """

    journeys: int
    seconds: float
    processor: Mapping[str, float] = field(default_factory=dict)
    own: float = 0.0
    requests: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Journeys per second."""
        return self.journeys / self.seconds

    def processor_of(self, service: str) -> float:
        """Return the CPU seconds of one service for each journey."""
        return self.processor.get(service, 0.0) / self.journeys


def measure(
    shop: Shop, customers: int, journeys: int, limit: float, total: Stopwatch,
    *, are_busy: bool = False,
) -> Run:  # fmt: skip
    """Run ``journeys`` journeys, ``customers`` at a time; add the step times to ``total``.

    ``are_busy``: those who wait for the installation are not counted, and others come meanwhile.

    Raises `JourneyFailed` when a journey fails or ``limit`` seconds have passed.
    """
    accounts = [shop.new_account() if number % 2 else None for number in range(journeys)]
    stopwatch, stopping, requests = Stopwatch(), threading.Event(), dict[str, int]()
    room = Room(customers) if are_busy else None

    def one(account: dict[str, str] | None) -> None:
        if not stopping.is_set():
            customer = Customer(shop.url, stopwatch, account, room=room)
            customer.order()
            requests["known" if account else "new"] = customer.to_order

    began, used, own = time.perf_counter(), shop.processor_seconds(), time.process_time()
    with ThreadPoolExecutor(journeys if are_busy else customers) as pool:
        futures = [pool.submit(one, account) for account in accounts]
        done, pending = wait(futures, timeout=limit, return_when=FIRST_EXCEPTION)
        stopping.set()
    seconds, own = time.perf_counter() - began, time.process_time() - own
    for future in done:
        future.result()
    if pending:
        raise JourneyFailed(f"{len(pending)} journeys were not over after {limit:g} s")
    total.merge(stopwatch)
    spent = {name: total - used[name] for name, total in shop.processor_seconds().items()}
    return Run(journeys, seconds, spent, own, requests)


def report(runs: Sequence[Run], stopwatch: Stopwatch) -> str:
    """Format the results: medians with the values of each run, and each step's times."""
    lines = [spread("journeys a second", [run.rate for run in runs])]
    for service in sorted({service for run in runs for service in run.processor}):
        each = [run.processor_of(service) * 1000 for run in runs]
        lines.append(spread(f"CPU milliseconds a journey, {service}", each))
    lines.append(spread("… of the customers", [run.own / run.journeys * 1000 for run in runs]))
    for kind, number in sorted(runs[-1].requests.items()):
        lines.append(f"requests of a {kind} customer until the paid order: {number}")
    return "\n".join([*lines, "", table(stopwatch.times)])


def spread(name: str, figures: Sequence[float]) -> str:
    """Format a figure: its median, and the value of each run."""
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
    except (JourneyFailed, RuntimeError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(report(runs, stopwatch))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.journeys", description="Measure order journeys."
    )
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


if __name__ == "__main__":
    sys.exit(main())
