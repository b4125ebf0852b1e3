"""When jobs that this process put off are due: sooner than a worker looks."""

from __future__ import annotations

import heapq
import math
import threading
import time

HORIZON = 1.0
"""Seconds after which a worker looks: what is due later needs no reminder."""


class Reminders:
    """Moments at which a worker has to look for due jobs, by any thread's `time.monotonic`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: list[float] = []

    def add(self, seconds: float) -> None:
        """Remind in ``seconds``, if they are fewer than `HORIZON`."""
        if seconds < HORIZON:
            with self._lock:
                heapq.heappush(self._moments, time.monotonic() + seconds)

    def next_in(self) -> float:
        """Return the seconds until the next moment, infinity without one; those over are gone."""
        now = time.monotonic()
        with self._lock:
            while self._moments and self._moments[0] <= now:
                heapq.heappop(self._moments)
            return self._moments[0] - now if self._moments else math.inf
