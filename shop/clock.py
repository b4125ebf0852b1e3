"""The shop's clock: real time, or in the sandbox real time moved on."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
"""Where the shop's days begin and end."""

_moved_on: ContextVar[timedelta] = ContextVar("moved_on", default=timedelta(0))


def real_now() -> datetime:
    """The machine's time (aware, UTC): for leases between processes, never for business rules."""
    return datetime.now(UTC)


def now() -> datetime:
    """The shop's time (aware, UTC)."""
    return real_now() + _moved_on.get()


def day_of(moment: datetime) -> date:
    """The day in Paris on which a moment lies. Raises `ValueError` for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    """The moment a day begins in Paris (aware, UTC)."""
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def today() -> date:
    """The shop's calendar day (Europe/Paris)."""
    return day_of(now())


def move_on(by: timedelta) -> None:
    """Run this request or job ``by`` later than real time; the sandbox alone asks for this."""
    _moved_on.set(by)
