"""Durations of requests and jobs, as histograms over all processes and machines.

Each process counts in memory and adds its counts to the database every few seconds. Prometheus's
own multi-process mode needs a folder that all processes share, which those of several machines do
not, and would leave out the worker, which has no page of metrics.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

import structlog
from peewee import EXCLUDED

from records.base import database
from records.durations import DurationCount

log = structlog.get_logger()

REQUESTS, JOBS = "request", "job"

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
"""The upper bounds of the buckets in seconds."""

NAMES = (*(f"{bound:g}" for bound in BOUNDS), "+Inf")

FLUSH_SECONDS = 10.0

Key = tuple[str, str, str]

_lock = threading.Lock()
_pending: dict[Key, list[float]] = defaultdict(lambda: [0, 0.0])


@dataclass
class Histogram:
    """The counts of one label: cumulative by bound, as Prometheus expects, and the total time."""

    label: str
    buckets: list[tuple[str, int]] = field(default_factory=list)
    seconds: float = 0.0


def observe(what: str, label: str, seconds: float) -> None:
    """Count a duration of ``what``, in memory."""
    key = (what, label[:160], NAMES[bisect_left(BOUNDS, seconds)])
    with _lock:
        counted = _pending[key]
        counted[0] += 1
        counted[1] += seconds


def flush() -> None:
    """Add this process's counts to the database; keep them if it is unavailable."""
    with _lock:
        counted = dict(_pending)
        _pending.clear()
    if not counted:
        return
    try:
        # In one order, so that processes do not wait for each other in a circle.
        _add([(*key, int(count), seconds) for key, (count, seconds) in sorted(counted.items())])
    except Exception:
        with _lock:
            for key, (count, seconds) in counted.items():
                _pending[key][0] += count
                _pending[key][1] += seconds
        raise


def _add(rows: list[tuple[str, str, str, int, float]]) -> None:
    table = DurationCount
    table.insert_many(
        rows, fields=[table.what, table.label, table.bound, table.count, table.seconds]
    ).on_conflict(
        conflict_target=[table.what, table.label, table.bound],
        update={
            table.count: table.count + EXCLUDED.count,
            table.seconds: table.seconds + EXCLUDED.seconds,
        },
    ).execute()


def flush_regularly() -> None:
    """Flush every few seconds in a thread of its own, until the process ends."""
    threading.Thread(target=_flush_for_ever, name="durations", daemon=True).start()


def _flush_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(FLUSH_SECONDS):
        flush_safely()


def flush_safely() -> None:
    """Flush, with a connection of its own; log that the database is unavailable."""
    try:
        with database.connection_context():
            flush()
    except Exception:
        log.exception("durations_not_stored")


def histograms() -> dict[str, list[Histogram]]:
    """Return the histograms of each label, by what they measure (one query)."""
    found: dict[tuple[str, str], dict[str, DurationCount]] = defaultdict(dict)
    table = DurationCount
    rows = table.select().where(table.what.in_((REQUESTS, JOBS)))
    for row in rows.order_by(table.what, table.label):
        found[row.what, row.label][row.bound] = row
    made: dict[str, list[Histogram]] = {REQUESTS: [], JOBS: []}
    for (what, label), by_bound in found.items():
        made[what].append(_histogram(label, by_bound))
    return made


def _histogram(label: str, by_bound: dict[str, DurationCount]) -> Histogram:
    shown, total = Histogram(label), 0
    for name in NAMES:
        if name in by_bound:
            total += by_bound[name].count
            shown.seconds += by_bound[name].seconds
        shown.buckets.append((name, total))
    return shown
