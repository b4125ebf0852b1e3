"""How tests wait for other processes: as long as there is progress, on machines of any speed."""

from __future__ import annotations

import time
from collections.abc import Callable

STUCK = 300.0
"""Seconds without any progress after which something counts as stuck, not as slow."""


class Watch:
    """Watches ``progress``, a number that grows with the work done, for a standstill."""

    def __init__(self, progress: Callable[[], float], stuck: float = STUCK) -> None:
        self._progress, self._stuck = progress, stuck
        self.reached = progress()
        self._deadline = time.monotonic() + stuck

    def is_stuck(self) -> bool:
        """Return whether nothing was done for ``stuck`` seconds."""
        if time.monotonic() <= self._deadline:
            return False
        before, self.reached = self.reached, self._progress()
        self._deadline = time.monotonic() + self._stuck
        return self.reached <= before


def wait_until(
    happened: Callable[[], bool],
    progress: Callable[[], float],
    between: Callable[[], None] = lambda: time.sleep(0.05),
) -> None:
    """Wait until something has happened, and call ``between`` after each check.

    Fails when ``progress``, a number that grows with the work done, has not grown for `STUCK`
    seconds.
    """
    watch = Watch(progress)
    while not happened():
        assert not watch.is_stuck(), f"no progress beyond {watch.reached} for {STUCK:.0f} seconds"
        between()
