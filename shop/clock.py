"""The shop's clock: real time, plus an offset in the sandbox."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
"""The time zone of the shop's calendar days."""

_moved_on: ContextVar[timedelta] = ContextVar("moved_on", default=timedelta(0))


def real_now() -> datetime:
    """Return the machine's time (aware, UTC).

    For what is between machines (leases, limits, codes and signatures that expire, names of files),
    never for business rules.
    """
    return datetime.now(UTC)


def now() -> datetime:
    """Return the shop's time (aware, UTC)."""
    return real_now() + _moved_on.get()


def day_of(moment: datetime) -> date:
    """Return the calendar day in Paris of ``moment``. Raise `ValueError` if it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    """Return the moment at which ``day`` begins in Paris (aware, UTC).

    The calendar's first day begins before all moments; its second one stands for it.
    """
    return datetime.combine(max(day, date(1, 1, 2)), time(), PARIS).astimezone(UTC)


def next_midnight(day: date) -> datetime:
    """Return the moment at which ``day`` ends in Paris (aware, UTC)."""
    return midnight(day + timedelta(days=1))


def today() -> date:
    """Return the shop's calendar day (Europe/Paris)."""
    return day_of(now())


def move_on(by: timedelta) -> None:
    """Run this request or job ``by`` later than real time; only the sandbox asks for this."""
    _moved_on.set(by)
