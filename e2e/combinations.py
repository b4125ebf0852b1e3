"""Which languages, sizes and scripts a browser test is run with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from itertools import combinations, product


@dataclass(frozen=True)
class Combination:
    """How one visitor meets the shop; ``script`` is whether JavaScript runs."""

    language: str
    size: str
    script: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.size}-{'script' if self.script else 'noscript'}"


EVERY = [
    Combination(language, size, script)
    for language, size, script in product(("fr", "en"), ("phone", "desktop"), (True, False))
]


def allowed(**only: object) -> list[Combination]:
    """The combinations with the values of ``only``: ``allowed(script=True)``."""
    return [
        combination
        for combination in EVERY
        if all(getattr(combination, name) == value for name, value in only.items())
    ]


def pairwise(choice: Iterable[Combination]) -> list[Combination]:
    """Few of ``choice`` that still hold every pair of values that stands in any of it."""
    left = list(choice)
    wanted = {pair for combination in left for pair in _pairs(combination)}
    chosen: list[Combination] = []
    while wanted:
        best = max(left, key=lambda combination: len(wanted & set(_pairs(combination))))
        chosen.append(best)
        wanted -= set(_pairs(best))
    return chosen


def _pairs(combination: Combination) -> Iterator[tuple[tuple[int, object], ...]]:
    return combinations(enumerate(astuple(combination)), 2)
