"""The combinations of language, screen size and JavaScript that browser tests run with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import product


@dataclass(frozen=True)
class Combination:
    """A visitor's language, screen size, and whether JavaScript runs (``script``)."""

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
    """Return the combinations with the values of ``only``: ``allowed(script=True)``."""
    return [
        combination
        for combination in EVERY
        if all(getattr(combination, name) == value for name, value in only.items())
    ]


def few(choice: Iterable[Combination], turn: int) -> list[Combination]:
    """Return a few of ``choice`` that together hold every value found in it.

    ``turn`` selects the first one: tests of a module have consecutive turns, so that four in a
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
