"""Figures of a run: what was measured, beside its floor and what is required of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

LESS, MORE = "≤", "≥"


@dataclass(frozen=True)
class Aim:
    """What is required of a figure and what is aimed at; ``sense`` is `LESS` or `MORE`."""

    sense: str
    required: float | None = None
    aimed: float | None = None

    def verdict(self, value: float) -> str:
        """Return ``aim``, ``required`` or ``missed``; nothing where nothing is required."""
        for name, bound in (("aim", self.aimed), ("required", self.required)):
            if bound is not None and self._reached(value, bound):
                return name
        return "" if self.required is None else "missed"

    def _reached(self, value: float, bound: float) -> bool:
        return value <= bound if self.sense == LESS else value >= bound

    def worsening(self, before: float, now: float) -> float:
        """Return by which factor a figure became worse; below 1 it became better."""
        first, second = (before, now) if self.sense == LESS else (now, before)
        return second / first if first else 1.0


@dataclass(frozen=True)
class Figure:
    """One figure: its values in each round, in ``unit``, on one database.

    ``floor`` holds the values of the floor in the same rounds, in the same unit; empty where there
    is none. ``is_ratio`` says that the floor is divided by already, or that the figure is a count:
    then it is compared as it is.
    """

    name: str
    unit: str
    values: Sequence[float]
    aim: Aim
    database: str = ""
    floor: Sequence[float] = field(default_factory=tuple)
    is_ratio: bool = False

    @property
    def key(self) -> str:
        """What a figure of another run has in common with this one."""
        return f"{self.name} ({self.database})" if self.database else self.name

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    @property
    def comparable(self) -> float:
        """The value in multiples of its floor, which a slower machine changes little."""
        return self.value / median(self.floor) if self.floor else self.value

    def as_row(self) -> dict[str, Any]:
        """Return what the baseline file holds of it."""
        return {**asdict(self), "aim": self.aim.sense, "comparable": self.comparable}


def ratio(rounds: Iterable[tuple[float, float]]) -> list[float]:
    """Divide the value of each round by the floor's of the same round."""
    return [value / floor for value, floor in rounds]


HEAD = ("figure", "database", "median", "lowest to highest", "floor", "required", "aim", "reached")


def table(figures: Iterable[Figure]) -> str:
    """Format the figures as a table, with their spreads."""
    rows = [HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _row(figure: Figure) -> tuple[str, ...]:
    aim = figure.aim
    return (
        figure.name,
        figure.database,
        f"{_number(figure.value)} {figure.unit}".strip(),
        f"{_number(min(figure.values))} to {_number(max(figure.values))} of {len(figure.values)}",
        _number(median(figure.floor)) if figure.floor else "",
        _bound(aim.sense, aim.required),
        _bound(aim.sense, aim.aimed),
        aim.verdict(figure.value),
    )


def _bound(sense: str, bound: float | None) -> str:
    return "" if bound is None else f"{sense} {_number(bound)}"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
