"""What took how long, counted by many customers at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Times by step, in seconds; steps stay in the order in which they first came."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; one that fails is not counted."""
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count a step that took so long."""
        with self._lock:
            self.times.setdefault(name, []).append(seconds)

    def merge(self, other: Stopwatch) -> None:
        """Count everything another counted."""
        for name, seconds in other.times.items():
            self.times.setdefault(name, []).extend(seconds)


def percentile(times: list[float], share: float) -> float:
    """The time that so many percent of ``times`` did not exceed (nearest rank)."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def table(times: dict[str, list[float]]) -> str:
    """Each step's count and its percentiles in milliseconds."""
    head = f"{'step':<34}{'count':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}  ms"
    rows = [head, "-" * len(head)]
    for name, seconds in times.items():
        shown = [percentile(seconds, share) * 1000 for share in (50, 95, 99, 100)]
        rows.append(f"{name:<34}{len(seconds):>7}" + "".join(f"{ms:>9.1f}" for ms in shown))
    return "\n".join(rows)
