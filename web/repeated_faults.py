"""Repeated faults in the log: one line per fault and minute, with a count."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from traceback import extract_tb
from types import TracebackType
from typing import Any

import structlog
from flask import g, has_request_context

from shop.database import DATABASE_UNAVAILABLE

Event = MutableMapping[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Key = tuple[str, ...]

PERIOD = 60.0
"""Seconds during which a fault that was logged is only counted."""

OUTAGES = {"job_failed", "not_ready", "redis_unavailable", "webhook_deferred"}
"""Events without a traceback that an outage repeats; their details are kept elsewhere."""

MOST_FAULTS = 1000
"""Distinct faults that are followed at one time."""


@dataclass
class _Fault:
    event: Event
    count: int = 0


class RepeatedFaults:
    """A structlog processor: passes a fault's first line, then one line a period with the count.

    The first line has the traceback, the later ones have none. A fault that did not occur for a
    whole period is new again. ``write`` logs the line of a fault that has ended.
    """

    def __init__(
        self,
        write: Callable[[Event], None],
        later: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        self._write = write
        self._later = later or _in_the_background
        self._lock = threading.Lock()
        self._faults: dict[Key, _Fault] = {}

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        """Return ``event``; drop it if it repeats a fault of the present period."""
        key = _key(event)
        if key is None:
            return event
        event["fault"] = hashlib.sha256("|".join(key).encode()).hexdigest()[:8]
        if has_request_context():
            # The line of the request names the fault, also where the line of the fault is dropped.
            g.fault = event["fault"]
        with self._lock:
            known = self._faults.get(key)
            if known is not None:
                known.count += 1
                raise structlog.DropEvent
            if len(self._faults) < MOST_FAULTS:
                self._faults[key] = _Fault(_without_traceback(event))
                self._later(PERIOD, lambda: self._end_period(key))
        return event

    def _end_period(self, key: Key) -> None:
        """Log how often a fault was repeated, and begin its next period; forget it otherwise."""
        with self._lock:
            fault = self._faults.get(key)
            if fault is None:
                return
            count, fault.count = fault.count, 0
            if not count:
                del self._faults[key]
                return
            self._later(PERIOD, lambda: self._end_period(key))
        self._write(dict(fault.event) | {"repeated": count})

    def forget(self) -> None:
        """Follow no fault any more: the log is set up again."""
        with self._lock:
            self._faults = {}

    def flush(self) -> None:
        """Log the counts of all faults at once: the process ends."""
        with self._lock:
            ended, self._faults = list(self._faults.values()), {}
        for fault in ended:
            if fault.count:
                self._write(dict(fault.event) | {"repeated": fault.count})


def _key(event: Event) -> Key | None:
    """Return what identifies the fault of a log line; None for a line that always counts."""
    name = str(event.get("event", ""))
    error = _exception(event)
    if error is not None:
        kind = f"{error[0].__module__}.{error[0].__qualname__}"
        # An unavailable database fails wherever it is used: that is one fault.
        if issubclass(error[0], tuple(DATABASE_UNAVAILABLE)):
            return (name, kind)
        frames = extract_tb(error[2])
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        return (name, kind, place)
    if name in OUTAGES:
        reason = str(event.get("reason", "")).partition(":")[0]
        return (name, str(event.get("kind", "")), reason)
    return None


def _exception(event: Event) -> ExcInfo | None:
    given = event.get("exc_info")
    if isinstance(given, BaseException):
        return (type(given), given, given.__traceback__)
    found = sys.exc_info() if given is True else given
    return found if isinstance(found, tuple) and found[0] is not None else None


def _without_traceback(event: Event) -> Event:
    """Return what a fault's later lines say; not what concerned its first occurrence alone."""
    error = _exception(event)
    kept = {name: event[name] for name in ("event", "level", "kind", "fault") if name in event}
    if error is not None:
        kept["reason"] = f"{error[0].__name__}: {error[1]}"[:300]
    elif "reason" in event:
        kept["reason"] = str(event["reason"])[:300]
    return kept


def _in_the_background(seconds: float, act: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
