"""Which languages, sizes and scripts a browser test is run with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import product


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


def few(choice: Iterable[Combination], turn: int) -> list[Combination]:
    """Few of ``choice`` that still hold every value that stands in any of it.

    ``turn`` says which of them to begin with: the tests of a module take turns, so that four in a
    row hold every pair of values.
    """
    left = list(choice)
    wanted = {value for combination in left for value in _values(combination)}
    chosen: list[Combination] = []
    best = left[turn % max(1, len(left) // 2)]  # the other half are their opposites
    while wanted:
        chosen.append(best)
        wanted -= _values(best)
        best = max(left, key=lambda combination: len(wanted & _values(combination)))
    return chosen


def _values(combination: Combination) -> set[tuple[int, object]]:
    return set(enumerate(astuple(combination)))
