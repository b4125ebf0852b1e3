"""The sandbox's clock: real time, moved on as the controls ask, never back.

Moments are unix seconds (float, UTC). What parties promise each other (latencies, expiries) goes
by `now`; what passes between processes (deliveries, signatures, sign-in limits) by `real_now`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox import key_value

PARIS = ZoneInfo("Europe/Paris")


def real_now() -> float:
    """The machine's time."""
    return time.time()


def moved_on() -> float:
    """By how many seconds the sandbox is ahead of real time."""
    return float(key_value.recall("clock.moved_on", 0))


def now() -> float:
    """The sandbox's time."""
    return real_now() + moved_on()


def set_moved_on(seconds: float) -> None:
    """Be ``seconds`` ahead of real time from now on, unless the clock is further already."""
    key_value.keep("clock.moved_on", max(seconds, moved_on()))


def as_datetime(moment: float) -> datetime:
    """A moment as the people of the sandbox read it (aware, Europe/Paris)."""
    return datetime.fromtimestamp(moment, UTC).astimezone(PARIS)
