"""Durations of steps, recorded by many threads."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Durations in seconds by step, in the order in which the steps first came. Thread-safe."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; one that fails is not recorded."""
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Record the duration of a step."""
        with self._lock:
            self.times.setdefault(name, []).append(seconds)

    def merge(self, other: Stopwatch) -> None:
        """Add all durations of another stopwatch."""
        for name, seconds in other.times.items():
            self.times.setdefault(name, []).extend(seconds)


def percentile(times: list[float], share: float) -> float:
    """Return the percentile ``share`` (0 to 100) of ``times`` (nearest rank)."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def table(times: dict[str, list[float]]) -> str:
    """Format each step's count and its percentiles in milliseconds."""
    head = f"{'step':<34}{'count':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}  ms"
    rows = [head, "-" * len(head)]
    for name, seconds in times.items():
        shown = [percentile(seconds, share) * 1000 for share in (50, 95, 99, 100)]
        rows.append(f"{name:<34}{len(seconds):>7}" + "".join(f"{ms:>9.1f}" for ms in shown))
    return "\n".join(rows)
