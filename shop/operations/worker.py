"""The worker process: threads that run jobs, one that wakes them, and a periodic tick."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta
from types import FrameType

import structlog

from records.base import database
from shop import clock
from shop.customers import activity_log, known_origins, one_time_links, sessions
from shop.jobs import failed, leases, priorities, queue, waking
from shop.licences import counts
from shop.metrics import durations
from shop.operations import garbage
from shop.sandbox_link import test_points
from shop.security import passkeys, rate_limits
from shop.staff import sessions as staff_sessions
from shop.staff import sign_in as staff_sign_in
from shop.subscriptions import renewals

log = structlog.get_logger()

TICK_SECONDS = 1.0
"""Seconds between two ticks: renewal of leases, billing runs, jobs of dead workers."""

PAUSE_SECONDS = 1.0
"""Seconds without the database, or after another fault, until a thread goes on."""

KEEP_FINISHED = timedelta(days=90)
KEEP_FAILED = timedelta(days=365)


class Stop:
    """Whether a worker has been asked to stop.

    It has no lock, unlike an event: the handler of a signal would wait for ever for one that the
    thread which it interrupts holds.
    """

    def __init__(self) -> None:
        self._is_asked = False

    def set(self) -> None:
        """Ask to stop."""
        self._is_asked = True

    def is_set(self) -> bool:
        """Return whether it was asked."""
        return self._is_asked

    def wait(self, seconds: float, /) -> bool:
        """Wait, also where it is asked meanwhile; return whether it was asked."""
        time.sleep(max(0.0, seconds))
        return self._is_asked


class Crew:
    """The threads that run jobs. One that has no job waits until it is called."""

    def __init__(self, threads: int, stopping: Stop) -> None:
        self._stopping = stopping
        self._calls = 0
        self._idle = 0
        self._called = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def call(self) -> None:
        """Wake as many threads as jobs are due; those that run one look for the next themselves."""
        with self._called:
            idle = self._idle
            # One that found none before, and is not counted as idle yet, has to look again.
            self._calls = 0 if idle else len(self._threads)
        if idle:
            due = len(priorities.due_jobs(idle))
            with self._called:
                self._calls = due
                self._called.notify(due)

    def finish(self) -> None:
        """Let each thread finish its job, and end."""
        self._stopping.set()
        with self._called:
            self._called.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                queue.run_due(lambda: not self._stopping.is_set())
            except Exception:
                # The job's lease ends, and it is run again.
                log.exception("worker_thread_failed")
                self._stopping.wait(PAUSE_SECONDS)
                continue
            with self._called:
                self._idle += 1
                self._called.wait_for(lambda: self._calls or self._stopping.is_set())
                self._idle -= 1
                self._calls -= 1


def run_worker(threads: int) -> None:
    """Run jobs until SIGTERM or SIGINT; jobs that are running are finished first."""
    stopping = Stop()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    garbage.look_rarely()
    crew = Crew(threads, stopping)
    crew.start()
    log.info("worker_started", threads=threads)
    try:
        _watch_until(stopping, crew)
    finally:
        crew.finish()
        durations.flush_safely()
        log.info("worker_stopped")


def _watch_until(stopping: Stop, crew: Crew) -> None:
    """Call the crew when jobs are due; tick every second."""
    watch, next_tick, ticks = None, time.monotonic(), 0
    while not stopping.is_set():
        try:
            database.connect(reuse_if_open=True)
            watch = watch or waking.watch()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_SECONDS
                _tick(ticks)
                ticks += 1
            crew.call()
            until_tick = next_tick - time.monotonic()
            watch.wait(min(until_tick, queue.put_off.next_in()), stopping)
        except Exception:
            # A temporary failure of the database must not end the worker.
            log.exception("worker_tick_failed")
            _let_go(watch)
            watch = None
            database.close()
            stopping.wait(PAUSE_SECONDS)
    _let_go(watch)


def _let_go(watch: waking.Watch | None) -> None:
    # The connection may be the very thing that failed.
    with suppress(Exception):
        if watch is not None:
            watch.close()


def _tick(number: int) -> None:
    test_points.follow_clock()
    leases.renew()
    if number % 600 == 0:
        # The database may have been restored to a state in which they are not queued.
        renewals.queued().clear()
    renewals.queue_runs()
    leases.sweep()
    if number % durations.FLUSH_SECONDS == 0:
        durations.flush()
    if number % 600 == 0:
        delete_expired()
        counts.add_up()


def delete_expired() -> None:
    """Delete expired rate limits, sessions, links, log entries and old jobs."""
    rate_limits.forget_expired()
    sessions.delete_old()
    staff_sessions.delete_old()
    staff_sign_in.delete_expired()
    one_time_links.delete_old_links()
    activity_log.delete_old()
    known_origins.delete_old()
    passkeys.delete_expired_challenges()
    queue.delete_finished(clock.now() - KEEP_FINISHED)
    failed.delete_old(clock.now() - KEEP_FAILED)
