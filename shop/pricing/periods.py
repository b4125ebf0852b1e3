"""Billing periods: months that begin and end at midnight in Paris, from an anchor day.

The anchor is the day of the month on which the service was delivered. In a month without that day
the renewal falls on its last day, and the next month uses the anchor again: 31 January, 28
February, 31 March. Days are calendar days of Europe/Paris, of 23 to 25 hours.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shop import clock
from shop.pricing.money import Share

UNDO_UNTIL = timedelta(hours=24)
"""How long before a renewal a termination can still be taken back (design)."""


@dataclass(frozen=True, order=True)
class Period:
    """The days from ``start`` up to, but excluding, ``end``: the day of the next renewal."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period from {self.start} cannot end on {self.end}")

    @property
    def days(self) -> int:
        """The number of days (28 to 31 for a whole month)."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """The last day included, as invoices state it."""
        return self.end - timedelta(days=1)

    @property
    def starts_at(self) -> datetime:
        """The moment at which the period begins (aware, UTC)."""
        return clock.midnight(self.start)

    @property
    def ends_at(self) -> datetime:
        """The moment of the renewal at its end (aware, UTC)."""
        return clock.midnight(self.end)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def anchor_of(delivered_at: datetime) -> int:
    """Return the day of the month on which a service delivered then renews (1 to 31)."""
    return clock.day_of(delivered_at).day


def renewal_in(year: int, month: int, anchor: int) -> date:
    """Return the renewal in a month: its anchor day, or its last day if the month is shorter."""
    return date(year, month, min(anchor, monthrange(year, month)[1]))


def renewal_after(day: date, anchor: int) -> date:
    """Return the first renewal later than ``day``."""
    this_month = renewal_in(day.year, day.month, anchor)
    if this_month > day:
        return this_month
    first_of_next = date(day.year, day.month, 1) + timedelta(days=32)
    return renewal_in(first_of_next.year, first_of_next.month, anchor)


def renewal_until(day: date, anchor: int) -> date:
    """Return the last renewal not later than ``day``."""
    this_month = renewal_in(day.year, day.month, anchor)
    if this_month <= day:
        return this_month
    last_of_previous = date(day.year, day.month, 1) - timedelta(days=1)
    return renewal_in(last_of_previous.year, last_of_previous.month, anchor)


def period_of(day: date, anchor: int) -> Period:
    """Return the period that includes ``day``."""
    return Period(renewal_until(day, anchor), renewal_after(day, anchor))


def first_period(delivered_at: datetime) -> Period:
    """Return the first period of a service: the one that includes the day of delivery."""
    return period_of(clock.day_of(delivered_at), anchor_of(delivered_at))


def next_period(period: Period, anchor: int) -> Period:
    """Return the period that follows ``period`` without a gap."""
    return Period(period.end, renewal_after(period.end, anchor))


def share_left(period: Period, moment: datetime) -> Share:
    """Return the share of ``period`` charged for licences that join at ``moment``, from that day.

    Raise `ValueError` for a moment outside the period.
    """
    day = clock.day_of(moment)
    if day not in period:
        raise ValueError(f"{day} does not lie in the period from {period.start} to {period.end}")
    return Share((period.end - day).days, period.days)


def can_be_undone(renewal: date, now: datetime) -> bool:
    """Return whether a termination for ``renewal`` can still be taken back."""
    return undo_until(renewal, now) is not None


def undo_until(renewal: date, now: datetime) -> datetime | None:
    """Return until when a termination for ``renewal`` can be taken back; None once that is past."""
    until = clock.midnight(renewal) - UNDO_UNTIL
    return until if now <= until else None
