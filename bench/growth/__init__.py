"""The cost of pages, searches and lists with 1,000 orders and seats, and with 1,000,000.

Two shops are made, each in a process and on a database of its own, by the same operations, and
their rows copied by SQL. Pages are requested alternately, all of them in each round, so that
neither profits from a warmer machine. The second customer of the large shop has as little as the
one of the small shop.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.growth import pages, shops
from bench.growth.shops import Shop
from bench.places import Place

SMALL, LARGE = 1_000, 1_000_000

MAX_RATIO = 1.3
"""The largest accepted ratio of response times, large to small."""


@dataclass(frozen=True)
class Growth:
    """A page's response times in milliseconds, and its SQL statements, small and large.

    ``beside`` is what the small customer waits for in the large shop.
    """

    page: str
    small: float
    large: float
    beside: float
    statements: tuple[int, int]

    @property
    def ratio(self) -> float:
        """How many times as long it takes in the large shop, for the one or the other customer."""
        return max(self.large, self.beside) / self.small

    @property
    def is_too_much(self) -> bool:
        """Whether the large one costs too much, in time or in statements."""
        return self.ratio > MAX_RATIO or self.statements[1] > self.statements[0]

    def __str__(self) -> str:
        counts = "{} / {}".format(*self.statements)
        times = f"{self.small:7.1f} {self.large:9.1f} {self.beside:9.1f}"
        return f"{self.page:34} {times} {self.ratio:6.2f}  {counts}"


def heading(large: int) -> str:
    """Return the heading of the table."""
    return f"{'page':34} {SMALL:>7,} {large:>9,} {'beside':>9}  ratio  statements"


def measure(place: Place, large: int = LARGE, rounds: int = 20, only: str = "") -> Iterator[Growth]:
    """Yield each page's measurement, of those whose name contains ``only``."""
    with (
        place.new_database() as few, place.new_database() as many,
        shops.opened(few, [("small", SMALL)]) as small,
        shops.opened(many, [("small", SMALL), ("large", large)]) as big,
    ):  # fmt: skip
        small.wait()
        print(f"{large:,} seats and orders: made in {big.wait()}", file=sys.stderr)
        shops_asked = ((small, "small"), (big, "large"), (big, "small"))
        asked = [
            _Page(whom, name, shops_asked)
            for whom, addresses in pages.ALL.items()
            for name in addresses
            if only in name
        ]
        # Page by page in each round: a slow second of the machine is one of many for each.
        for _ in range(rounds):
            for page in asked:
                page.ask()
        for page in asked:
            yield page.growth()


class _Page:
    """A page asked for in each shop, and what it took."""

    def __init__(self, whom: str, name: str, asked: Sequence[tuple[Shop, str]]) -> None:
        self._whom, self._name, self._asked = whom, name, asked
        self._taken = [list[float]() for _ in asked]
        self._statements = []
        for shop, who in asked:
            _, number, status = shop.ask(whom, name, who)
            if status not in (200, 303):
                print(f"{name}: {status}", file=sys.stderr)
            self._statements.append(number)

    def ask(self) -> None:
        """Ask each shop for it once."""
        for times, (shop, who) in zip(self._taken, self._asked, strict=True):
            times.append(shop.ask(self._whom, self._name, who)[0])

    def growth(self) -> Growth:
        """Return what came out."""
        few, many, beside = (statistics.median(times) for times in self._taken)
        counted = (self._statements[0], max(self._statements[1:]))
        return Growth(self._name, few, many, beside, counted)
