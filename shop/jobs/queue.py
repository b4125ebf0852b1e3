"""The job queue: jobs are enqueued in the caller's transaction and run at least once.

The row in `records.jobs.Job` is the queue: it holds the payload, the number of attempts and the
worker's lease, each of which has a number of its own. A worker's thread takes the next due row
when it is free, and is woken by what `shop.jobs.waking` sees; what is not seen is found a second
later, so a lost signal or a changed clock delays a job and never loses it. A periodic sweep queues
again what a killed worker held.
Handlers are idempotent: a job may run again if its worker died before it finished.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import PostgresqlDatabase

from records.base import database
from records.jobs import Job, JobStatus
from shop import clock
from shop.database import connection
from shop.errors import PartyUnavailable
from shop.jobs import leases, priorities, soon
from shop.jobs.priorities import Priority
from shop.metrics import durations
from shop.sandbox_link import test_points

log = structlog.get_logger()

NOTIFY, LISTEN, UNLISTEN = "NOTIFY shop_jobs", "LISTEN shop_jobs", "UNLISTEN shop_jobs"
"""By which PostgreSQL tells workers of new jobs."""

DELETED_AT_ONCE = 10_000
"""The most finished jobs that one statement deletes."""

LONGEST_DELAY = timedelta(hours=1)
"""The longest delay between two attempts of a failing job."""

UNKNOWN_KIND_DELAY = timedelta(minutes=1)
"""The delay before a job of a kind unknown to this worker is tried again."""

MAX_WORKER_DEATHS = 5
"""The number of runs beyond a job's attempts that may end with the worker's death.

After that the job itself is taken to be the cause, and fails."""


class Later(Exception):
    """Raised by a handler that cannot proceed yet: run the job again after ``delay``.

    This is not a failure and does not count as an attempt.
    """

    def __init__(self, delay: timedelta) -> None:
        super().__init__(str(delay))
        self.delay = delay


@dataclass(frozen=True)
class Handler:
    """How one kind of job is run: the function, its attempts, and what follows the last failure."""

    run: Callable[..., None]
    attempts: int
    first_delay: timedelta
    give_up: Callable[..., None] | None
    priority: Priority


AT_ONCE = 4
"""The number of due jobs that a thread tries to take before it looks again."""

_handlers: dict[str, Handler] = {}
put_off = soon.Reminders()
"""When jobs are due that this process put off."""


class _Turn(threading.local):
    """The job that a thread runs, until it is over, and the one taken with its end.

    ``goes_on`` says whether the thread takes another job then.
    """

    job: Job | None = None
    next: Job | None = None
    goes_on: Callable[[], bool] = staticmethod(lambda: False)


_turn = _Turn()


def register_handler(kind: str, handler: Handler) -> None:
    """Run jobs of ``kind`` with ``handler``. Raise `ValueError` if the kind has one already."""
    if kind in _handlers:
        raise ValueError(f"jobs of kind {kind!r} have a handler already")
    _handlers[kind] = handler


def enqueue(
    kind: str,
    key: str,
    *,
    run_at: datetime | None = None,
    priority: Priority | None = None,
    **payload: Any,
) -> None:
    """Add a job in the caller's transaction; idempotent per ``key``.

    ``run_at`` is the shop's time from which it may run (default: now), ``priority`` defaults to
    that of its kind. Raise `KeyError` if no handler is registered for ``kind``.
    """
    if kind not in _handlers:
        raise KeyError(f"no handler for jobs of kind {kind!r}")
    now = clock.now()
    if priority is None:
        priority = _handlers[kind].priority
    job = Job.add_once(
        kind=kind, key=key, payload=payload, priority=priority, created_at=now,
        run_at=run_at or now,
    )  # fmt: skip
    if job is not None and (run_at is None or run_at <= now):
        _tell_workers()


def restart(key: str) -> bool:
    """Queue a failed or finished job again, with all its attempts.

    Return False if there is no such job.
    """
    again = (
        Job.update(status=JobStatus.QUEUED, attempts=0, run_at=clock.now(), error="")
        .where(Job.key == key, Job.status.in_([JobStatus.FAILED, JobStatus.DONE]))
        .execute()
    )
    if again:
        _tell_workers()
    return bool(again)


def _tell_workers() -> None:
    """Wake workers once the transaction is committed. On SQLite they see that data changed."""
    if isinstance(database.obj, PostgresqlDatabase):
        database.execute_sql(NOTIFY)


def run_due(goes_on: Callable[[], bool]) -> None:
    """Run jobs until none waits, or ``goes_on`` says no. Other workers may be taking them, too."""
    with connection():
        job = _take()
        while job is not None:
            job = _run(job, goes_on) or (_take() if goes_on() else None)


def run_next() -> bool:
    """Run the next due job; return False if none waits."""
    with connection():
        if (job := _take()) is not None:
            _run(job)
    return job is not None


def run_job(job_id: int) -> None:
    """Run one job if it is due and no other worker holds its lease."""
    with connection():
        test_points.follow_clock()
        if (job := leases.claim(job_id)) is not None:
            _run(job)


def _run(job: Job, goes_on: Callable[[], bool] = _Turn.goes_on) -> Job | None:
    """Run a job; return the next one, if it was taken with the end of this one."""
    _turn.job, _turn.next, _turn.goes_on = job, None, goes_on
    try:
        with leases.held(job):
            _attempt(job)
    finally:
        _turn.job = None
    return _turn.next


def _take() -> Job | None:
    """Take the next due job that no other worker takes."""
    test_points.follow_clock()
    taken = (leases.claim(job_id) for job_id in priorities.due_jobs(AT_ONCE))
    return next((job for job in taken if job is not None), None)


@contextmanager
def last_transaction() -> Iterator[None]:
    """Provide the last transaction of a handler: the job is done with it, and the next one taken.

    Work, end and beginning are one commit instead of three. Nothing may follow it in the handler.
    Where no job is run, or a job calls this handler for a part of its work, it is a transaction.
    """
    job = _turn.job
    try:
        with database.atomic(), on_its_own():
            yield
            if job is not None:
                _end(job, JobStatus.DONE)
    except BaseException:
        _turn.next = None
        raise
    if job is not None:
        _turn.job = None


@contextmanager
def on_its_own() -> Iterator[None]:
    """Let a `last_transaction` in this block not be the one of the job that the thread runs."""
    job, _turn.job = _turn.job, None
    try:
        yield
    finally:
        _turn.job = job


def _end(job: Job, status: str = JobStatus.QUEUED, **changes: Any) -> None:
    """Release a job, and take the next one, in one transaction."""
    with database.transaction():
        leases.release(job, status, **changes)
        if _turn.goes_on():
            _turn.next = _take()


def _attempt(job: Job) -> None:
    handler = _handlers.get(job.kind)
    if handler is None:
        # Queued by a newer version of the shop that runs beside this one (rolling update).
        log.error("job_unknown_kind", kind=job.kind, key=job.key)
        leases.release(job, run_at=clock.now() + UNKNOWN_KIND_DELAY, attempts=job.attempts - 1)
        return
    if job.attempts > handler.attempts + MAX_WORKER_DEATHS:
        _failed(job, handler, RuntimeError("every worker that tried it died"))
        return
    test_points.point(f"job.{job.kind}")
    began, outcome = time.perf_counter(), "failed"
    try:
        handler.run(**job.payload)
    except Later as later:
        outcome = "later"
        _end(job, run_at=clock.now() + later.delay, attempts=job.attempts - 1)
        put_off.add(later.delay.total_seconds())
    except Exception as error:
        _failed(job, handler, error)
    else:
        outcome = "done"
        if _turn.job is not None:
            _end(job, JobStatus.DONE)
    finally:
        durations.observe(durations.JOBS, f"{job.kind} {outcome}", time.perf_counter() - began)


def _failed(job: Job, handler: Handler, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:512]
    last = job.attempts >= handler.attempts
    log.warning("job_failed", kind=job.kind, key=job.key, attempt=job.attempts, reason=reason)
    if not last:
        leases.release(job, run_at=clock.now() + _delay(handler, job.attempts, error), error=reason)
        return
    with database.atomic():
        if leases.release(job, status=JobStatus.FAILED, error=reason) and handler.give_up:
            handler.give_up(**job.payload, reason=str(error))


def _delay(handler: Handler, attempts: int, error: Exception) -> timedelta:
    """Return the exponential back-off with jitter, so that failed jobs are not retried in step.

    The outside party's Retry-After is respected, up to `LONGEST_DELAY`.
    """
    # The exponent is capped: 20 doublings exceed any maximum, 50 would overflow `timedelta`.
    delay = min(handler.first_delay * 2 ** min(attempts - 1, 20), LONGEST_DELAY)
    asked = error.retry_after if isinstance(error, PartyUnavailable) else 0
    wanted = timedelta(seconds=min(asked, LONGEST_DELAY.total_seconds()))
    return max(delay * random.uniform(0.9, 1.1), wanted)


def drain(limit: int = 10_000) -> int:
    """Run all due jobs in this thread, in a worker's order; return their number (for tests)."""
    for done in range(limit):
        due = priorities.due_jobs(1)
        if not due:
            return done
        run_job(due[0])
    raise RuntimeError(f"more than {limit} jobs: do they ask for each other for ever?")


def kinds_given_up() -> set[str]:
    """Return the kinds of jobs with a ``give_up`` function: the customer sees their failures."""
    return {kind for kind, handler in _handlers.items() if handler.give_up}


def delete_finished(before: datetime) -> int:
    """Delete the finished jobs that were due before a moment; return their number.

    At most `DELETED_AT_ONCE`, so that no transaction is long; the next call deletes more.
    """
    old = (
        Job.select(Job.id)
        .where(Job.status == JobStatus.DONE, Job.run_at < before)
        .order_by(Job.run_at)
        .limit(DELETED_AT_ONCE)
    )
    return Job.delete().where(Job.id.in_(old)).execute()
