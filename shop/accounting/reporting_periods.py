"""The months and quarters that the accounting reports on."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

from shop import clock


def days_of_month(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month of a day."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def days_of_quarter(year: int, quarter: int) -> tuple[date, date]:
    """Return the first and the last day of a quarter, 1 to 4."""
    first = date(year, 3 * quarter - 2, 1)
    after = date(year + quarter // 4, (3 * quarter) % 12 + 1, 1)
    return first, date.fromordinal(after.toordinal() - 1)


def quarter_of(day: date) -> str:
    """Return the quarter of a day: "2026-Q4"."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def within(moment: Any, first: date, last: date) -> Any:
    """Return the condition that a column of moments lies in the days from one to another, both
    included."""
    return (moment >= clock.midnight(first)) & (moment < clock.next_midnight(last))
