"""The baseline: the figures of a run in a file, and what became slower since.

Figures are compared in multiples of the floors of their own runs, so that a baseline of another
machine, or of a busier hour, still says something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure

FILE = Path(__file__).with_name("baseline.json")
TOLERANCE = 1.15
"""The factor up to which a figure may be worse: that much two runs of one version differ."""


class NoBaseline(Exception):
    """There is nothing to compare with; the message says what to do."""


@dataclass(frozen=True)
class Change:
    """A figure that is worse than in the baseline, by ``factor``."""

    figure: Figure
    before: float
    factor: float

    def __str__(self) -> str:
        return (
            f"{self.figure.key}: {self.factor:.2f} times as slow "
            f"({self.before:.3g} before, {self.figure.comparable:.3g} now)"
        )


def write(figures: Iterable[Figure], file: Path) -> None:
    """Write the figures; those of parts that were not measured stay as they are."""
    rows = _read(file) if file.exists() else {}
    rows |= {figure.key: figure.as_row() for figure in figures}
    file.write_text(json.dumps(rows, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def slower(figures: Iterable[Figure], file: Path) -> Iterator[Change]:
    """Yield what became slower than the baseline by more than `TOLERANCE`.

    Raises `NoBaseline` without a file.
    """
    if not file.exists():
        raise NoBaseline(f"there is no {file.name}: run `make bench` first")
    rows = _read(file)
    for figure in figures:
        before = rows.get(figure.key, {}).get("comparable")
        factor = figure.aim.worsening(before, figure.comparable) if before else 1.0
        if factor > TOLERANCE:
            yield Change(figure, before, factor)


def _read(file: Path) -> dict[str, dict[str, float]]:
    return dict(json.loads(file.read_text()))
