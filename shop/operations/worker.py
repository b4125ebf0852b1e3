"""The worker process: threads that run jobs, and a periodic tick that queues overdue ones."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from types import FrameType

import structlog
from huey.consumer import Consumer

from records.base import database
from shop import clock, durations
from shop.customers import activity_log, known_origins, one_time_links, sessions
from shop.customers.two_factor import passkeys
from shop.jobs import failed, queue
from shop.sandbox_link import test_points
from shop.security import rate_limits
from shop.subscriptions import renewals

log = structlog.get_logger()

TICK_SECONDS = 1.0
"""Seconds between two ticks: renewal of leases, billing runs, overdue jobs."""

LONGEST_POLL_DELAY = 0.5
KEEP_FINISHED = timedelta(days=90)
KEEP_FAILED = timedelta(days=365)


class _Consumer(Consumer):
    """Huey's consumer without its signal handlers, as this worker sets its own."""

    def _set_signal_handlers(self) -> None:
        return None


def run_worker(threads: int) -> None:
    """Run jobs until SIGTERM or SIGINT; jobs that are running are finished first."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    huey = queue.huey()
    consumer = _Consumer(
        huey, workers=threads, periodic=False, initial_delay=0.05, max_delay=LONGEST_POLL_DELAY,
        check_worker_health=True,
    )  # fmt: skip
    consumer.start()
    log.info("worker_started", threads=threads)
    try:
        _tick_until(stopping)
    finally:
        consumer.stop(graceful=True)
        durations.flush_safely()
        log.info("worker_stopped")


def _tick_until(stopping: threading.Event) -> None:
    ticks = 0
    while not stopping.wait(TICK_SECONDS):
        try:
            database.connect(reuse_if_open=True)
            test_points.follow_clock()
            queue.renew_leases()
            renewals.queue_runs()
            queue.sweep()
            if ticks % durations.FLUSH_SECONDS == 0:
                durations.flush()
            if ticks % 600 == 0:
                delete_expired()
        except Exception:
            # A temporary failure of the database must not end the worker.
            log.exception("worker_tick_failed")
            database.close()
        ticks += 1


def delete_expired() -> None:
    """Delete expired rate limits, sessions, links, log entries and old jobs."""
    rate_limits.forget_expired()
    sessions.delete_old()
    one_time_links.delete_old_links()
    activity_log.delete_old()
    known_origins.delete_old()
    passkeys.delete_expired_challenges()
    queue.delete_finished(clock.now() - KEEP_FINISHED)
    failed.delete_old(clock.now() - KEEP_FAILED)
