"""What customers feel when many come at once: 8, 64 and 200, each one journey after another.

Above what the machine serves in time, the shop refuses requests with 503 and says when to come
again; a customer waits that long and repeats the request. The output is the response times of each
step, which include that waiting, the refusals, and the memory over time. At the end nobody orders
any more: the time is shown until a page is as quick as before. An order that fails is an error, and
``flask audit`` has to find nothing lost and nothing doubled.

::

    python -m bench.overload                             a minute each with 8 and 64, 5 with 200
    python -m bench.overload --customers 200 --minutes 5
    DATABASE_URL=postgresql://… python -m bench.overload
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.client import Browser
from bench.customer import Customer
from bench.processor import memory_by_service
from bench.shop import Shop, temporary_shop
from bench.stopwatch import Stopwatch, percentile, table
from bench.visitor import JourneyFailed

LEVELS = {8: 1.0, 64: 1.0, 200: 5.0}
"""Customers at the same time, and for how many minutes."""

SAMPLE = 5.0
"""Seconds between two looks at the memory."""

CALM = 0.25
"""Seconds within which a page comes when the shop has recovered."""


@dataclass
class Memory:
    """The memory of web processes and worker in MiB, looked at every `SAMPLE` seconds."""

    samples: list[dict[str, float]] = field(default_factory=list)

    @contextmanager
    def watched(self, shop: Shop) -> Iterator[None]:
        """Watch inside this context."""
        stopping = threading.Event()

        def watch() -> None:
            while not stopping.wait(SAMPLE):
                self.samples.append(dict(memory_by_service(shop.process)))

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            stopping.set()
            watching.join()

    def report(self) -> str:
        """Say how much there was in each fifth of the time."""
        rows = []
        for service in ("web", "worker"):
            sizes = [sample.get(service, 0.0) for sample in self.samples]
            step = max(1, len(sizes) // 5)
            fifths = [statistics.median(sizes[at : at + step]) for at in range(0, len(sizes), step)]
            rows.append(f"memory of {service}, MiB: " + ", ".join(f"{size:.0f}" for size in fifths))
        return "\n".join(rows)


@dataclass
class Overload:
    """What many customers met: times of steps, refusals, memory, seconds until all is calm."""

    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    refusals: list[float] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    recovery: float = 0.0

    def report(self) -> str:
        """Format it for the terminal."""
        journeys = len(self.stopwatch.times.get("whole journey", ()))
        refused = f"{len(self.refusals)} requests refused with 503"
        if self.refusals:
            refused += f", 95 % of them within {percentile(self.refusals, 95) * 1000:.0f} ms"
        return "\n".join([
            f"{journeys} journeys; {refused}; calm after {self.recovery:.1f} s",
            self.memory.report(), table(self.stopwatch.times),
        ])  # fmt: skip


def measure(shop: Shop, customers: int, minutes: float) -> Overload:
    """Let ``customers`` order at the same time, one journey after another, for ``minutes``.

    Raises `JourneyFailed` for the first journey that fails.
    """
    end, found = time.monotonic() + minutes * 60, Overload()
    accounts = [shop.new_account() for _ in range(customers // 2)]

    def one(number: int) -> None:
        while time.monotonic() < end:
            account = accounts[number // 2] if number % 2 and number // 2 < len(accounts) else None
            customer = Customer(shop.url, found.stopwatch, account, is_patient=True)
            customer.order()
            found.refusals.extend(customer.refusals)

    with found.memory.watched(shop), ThreadPoolExecutor(customers) as pool:
        for future in [pool.submit(one, number) for number in range(customers)]:
            future.result()
    found.recovery = _recovery(shop)
    return found


def _recovery(shop: Shop) -> float:
    """Return the seconds until a page comes within `CALM`."""
    began = time.perf_counter()
    with Browser(shop.url, is_patient=True) as browser:
        while True:
            asked = time.perf_counter()
            browser.get("/fr/")
            if time.perf_counter() - asked < CALM:
                return asked - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement of the command line; return the exit status, 1 for any error."""
    asked = _parser().parse_args(arguments)
    levels = {asked.customers: asked.minutes} if asked.customers else LEVELS
    try:
        for customers, minutes in levels.items():
            with temporary_shop() as shop:
                print(f"{shop.description}; {customers} customers for {minutes:g} minutes")
                print(measure(shop, customers, minutes).report(), flush=True)
                _audit(shop)
    except (JourneyFailed, RuntimeError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


def _audit(shop: Shop) -> None:
    """Run ``flask audit`` on the shop's database. Raises `RuntimeError` for what it finds."""
    command = [sys.executable, "-m", "flask", "--app", "app", "audit", "--patience", "60"]
    done = subprocess.run(
        command, env=os.environ | dict(shop.environment), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the audit failed:\n{done.stdout}{done.stderr}")
    print(done.stdout.strip().splitlines()[-1])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.overload", description="Measure the shop with many customers."
    )
    parser.add_argument("--customers", type=int, default=0, help="at the same time (8, 64, 200)")
    parser.add_argument("--minutes", type=float, default=1.0, help="for one number of customers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
