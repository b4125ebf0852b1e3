"""The shop's clock: real time, or in the sandbox real time moved on."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
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


def today() -> date:
    """The shop's calendar day (Europe/Paris)."""
    return now().astimezone(PARIS).date()


def move_on(by: timedelta) -> None:
    """Run this request or job ``by`` later than real time; the sandbox alone asks for this."""
    _moved_on.set(by)
