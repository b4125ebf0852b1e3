"""How tests wait for other processes: as long as there is progress, on machines of any speed."""

from __future__ import annotations

import time
from collections.abc import Callable

STUCK = 300.0
"""Seconds without any progress after which something counts as stuck, not as slow."""


def wait_until(
    happened: Callable[[], bool],
    progress: Callable[[], float],
    between: Callable[[], None] = lambda: time.sleep(0.05),
) -> None:
    """Wait until something has happened, and call ``between`` after each check.

    Fails when ``progress``, a number that grows with the work done, has not grown for `STUCK`
    seconds.
    """
    reached, deadline = progress(), time.monotonic() + STUCK
    while not happened():
        if time.monotonic() > deadline:
            before, reached = reached, progress()
            assert reached > before, f"no progress beyond {reached} for {STUCK:.0f} seconds"
            deadline = time.monotonic() + STUCK
        between()
