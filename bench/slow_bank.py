"""Measure other customers' pages while the bank takes seconds to answer.

Visitors open pages, first alone, then while customers keep asking for the bank's page. The shop
bounds how many of its requests wait for the bank (``PARTY_CALLS``), so that the visitors should
hardly notice; those who pay get the bank's page or read at once that the bank is slow.

::

    python -m bench.slow_bank --payers 20 --delay 12 --seconds 30
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.customer import Customer
from bench.shop import Shop, temporary_shop
from bench.stopwatch import Stopwatch, percentile
from bench.visitor import JourneyFailed

VISITORS = 4


def visit(shop: Shop, seconds: float) -> list[float]:
    """Open pages for ``seconds`` with `VISITORS` at a time; return the pages' times, in seconds."""
    stopwatch, end = Stopwatch(), time.monotonic() + seconds

    def one() -> None:
        visitor = Customer(shop.url, stopwatch)
        while time.monotonic() < end:
            visitor.look_around()

    with ThreadPoolExecutor(VISITORS) as pool:
        for future in [pool.submit(one) for _ in range(VISITORS)]:
            future.result()
    return [each for times in stopwatch.times.values() for each in times]


class Payers:
    """Customers with an order each, who ask for the bank's page again and again."""

    def __init__(self, shop: Shop, number: int) -> None:
        self.customers = [
            Customer(shop.url, Stopwatch(), shop.new_account()) for _ in range(number)
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Customer.place, self.customers))
        self.outcomes: Counter[str] = Counter()
        self._stopping = threading.Event()

    def during(self, act: Callable[[], list[float]]) -> list[float]:
        """Return what ``act`` returns while they ask."""
        with ThreadPoolExecutor(len(self.customers)) as pool:
            asking = [pool.submit(self._ask, customer) for customer in self.customers]
            try:
                return act()
            finally:
                self._stopping.set()
                for future in asking:
                    future.result()

    def _ask(self, customer: Customer) -> None:
        while not self._stopping.is_set():
            came = customer.begin_payment()
            self.outcomes["bank's page" if came else "told that the bank is slow"] += 1
            self._stopping.wait(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement of the command line; return the exit status, 1 for any error."""
    asked = _parser().parse_args(arguments)
    try:
        with temporary_shop() as shop:
            payers = Payers(shop, asked.payers)
            print(f"{shop.description}; {VISITORS} visitors at a time")
            visit(shop, 3)
            alone = visit(shop, asked.seconds)
            slow_down(shop, asked.delay)
            beside = payers.during(lambda: visit(shop, asked.seconds))
            slow_down(shop, 0)
    except (JourneyFailed, RuntimeError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    _report("alone", alone)
    _report(f"beside {asked.payers} who pay at a bank that takes {asked.delay:g} s", beside)
    print(f"ratio of the 95th percentiles: {percentile(beside, 95) / percentile(alone, 95):.1f}")
    print(", ".join(f"{times} × {outcome}" for outcome, times in payers.outcomes.items()))
    return 0


def slow_down(shop: Shop, seconds: float) -> None:
    """Let the sandbox's bank take ``seconds`` for each answer."""
    shop.control("switches", {"bank_response_delay": seconds})


def _report(name: str, times: list[float]) -> None:
    shown = ", ".join(
        f"p{share} {percentile(times, share) * 1000:.0f} ms" for share in (50, 95, 99)
    )
    print(f"{name}: {len(times)} pages, {shown}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.slow_bank", description="Measure pages beside a slow bank."
    )
    parser.add_argument("--payers", type=int, default=20, help="customers who pay (20)")
    parser.add_argument("--delay", type=float, default=12, help="seconds the bank takes (12)")
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement (30)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
