"""The sandbox's clock: real time plus an offset that the controls can increase, never decrease.

Moments are Unix timestamps (float seconds, UTC). Business deadlines (latencies, expiries) use
`now`; technical ones between processes (deliveries, signatures, rate limits) use `real_now`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox import key_value

PARIS = ZoneInfo("Europe/Paris")


def real_now() -> float:
    """Return the machine's time."""
    return time.time()


def moved_on() -> float:
    """Return by how many seconds the sandbox is ahead of real time."""
    return float(key_value.get_value("clock.moved_on", 0))


def now() -> float:
    """Return the sandbox's time."""
    return real_now() + moved_on()


def set_moved_on(seconds: float) -> None:
    """Set the offset to ``seconds``, unless it is larger already."""
    key_value.set_value("clock.moved_on", max(seconds, moved_on()))


def as_datetime(moment: float) -> datetime:
    """Return a moment as an aware datetime in Europe/Paris."""
    return datetime.fromtimestamp(moment, UTC).astimezone(PARIS)
