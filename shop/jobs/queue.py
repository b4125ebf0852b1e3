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
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cache
from typing import Any, cast

import structlog
from peewee import ModelUpdate, PostgresqlDatabase, fn

from records.base import database
from records.jobs import Job, JobStatus
from shop import clock, settings
from shop.database import connection
from shop.errors import PartyUnavailable
from shop.jobs import soon
from shop.metrics import durations
from shop.sandbox_link import test_points
from shop.sql.prepared import Prepared, prepared_update

log = structlog.get_logger()

NOTIFY, LISTEN, UNLISTEN = "NOTIFY shop_jobs", "LISTEN shop_jobs", "UNLISTEN shop_jobs"
"""By which PostgreSQL tells workers of new jobs."""

DELETED_AT_ONCE = 10_000
"""The most finished jobs that one statement deletes."""

LONGEST_DELAY = timedelta(hours=1)
"""The longest delay between two attempts of a failing job."""


class Priority(IntEnum):
    """The order in which waiting jobs are run: highest first, across all customers."""

    AWAITED = 10  # a customer is waiting: the link for a new password
    PAID = 5  # paid work: deliveries, and resuming groups
    USUAL = 0
    LETTER = -10  # e-mails: rendering their PDFs takes longer than installing a group
    BULK = -20  # one of thousands of jobs that one customer started


_PRIORITIES = tuple(map(int, Priority))

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
_running: dict[int, int] = {}
"""The jobs that this process runs, by their leases: one job may be run by two, if one stalled."""

_running_lock = threading.Lock()
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


def lease_duration() -> timedelta:
    """Return how long a worker keeps a job without renewing its lease (``JOB_LEASE``)."""
    return timedelta(seconds=settings.current().job_lease)


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


_DUE_OF_PRIORITY = (
    "SELECT * FROM (SELECT id, priority, run_at FROM job WHERE status = 'queued' AND priority = ? "
    "AND run_at <= ? ORDER BY run_at, id LIMIT ?) AS due"
)
_DUE_OF_ANY_PRIORITY = (
    "SELECT * FROM (SELECT id, -1000 AS priority, run_at FROM job WHERE status = 'queued' "
    "AND run_at <= ? ORDER BY run_at, id LIMIT ?) AS due"
)
"""Jobs of priorities that only a newer version knows come last; the others are found twice."""

_DUE = (
    " UNION ALL ".join([*[_DUE_OF_PRIORITY] * len(Priority), _DUE_OF_ANY_PRIORITY])
    + " ORDER BY priority DESC, run_at, id LIMIT ?"
)
"""Each priority is one look into the index `job_waiting`, however many jobs wait for later."""


def due_jobs(limit: int) -> list[int]:
    """Return the ids of jobs that wait for a worker, in the order in which they are taken."""
    sql = _DUE if database.obj.param == "?" else _DUE.replace("?", database.obj.param)
    moment = Job.run_at.db_value(clock.now())
    given = [value for priority in _PRIORITIES for value in (priority, moment, limit)]
    rows = database.execute_sql(sql, [*given, moment, limit, limit]).fetchall()
    return list(dict.fromkeys([row[0] for row in rows]))


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
        if (job := _claim(job_id)) is not None:
            _run(job)


def _run(job: Job, goes_on: Callable[[], bool] = _Turn.goes_on) -> Job | None:
    """Run a job; return the next one, if it was taken with the end of this one."""
    _turn.job, _turn.next, _turn.goes_on = job, None, goes_on
    with _running_lock:
        _running[job.lease] = job.id
    try:
        _attempt(job)
    finally:
        _turn.job = None
        with _running_lock:
            del _running[job.lease]
    return _turn.next


def _take() -> Job | None:
    """Take the next due job that no other worker takes."""
    test_points.follow_clock()
    taken = (_claim(job_id) for job_id in due_jobs(AT_ONCE))
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
        _release(job, status, **changes)
        if _turn.goes_on():
            _turn.next = _take()


def _claim(job_id: int) -> Job | None:
    real = clock.real_now()
    lease = secrets.randbits(63)
    claimed = _claimed.rows(job_id, clock.now(), real, lease, real + lease_duration())
    return next(iter(claimed), None)


@prepared_update
def _claimed(
    job_id: int, now: datetime, real: datetime, lease: int, until: datetime
) -> ModelUpdate:
    due = (Job.status == JobStatus.QUEUED) & (Job.run_at <= now)
    abandoned = (Job.status == JobStatus.RUNNING) & (Job.lease_until < real)
    return (
        Job.update(
            status=JobStatus.RUNNING, attempts=Job.attempts + 1, lease=lease, lease_until=until
        )
        .where(Job.id == job_id, due | abandoned)
        .returning(Job)
    )


def _attempt(job: Job) -> None:
    handler = _handlers.get(job.kind)
    if handler is None:
        # Queued by a newer version of the shop that runs beside this one (rolling update).
        log.error("job_unknown_kind", kind=job.kind, key=job.key)
        _release(job, run_at=clock.now() + UNKNOWN_KIND_DELAY, attempts=job.attempts - 1)
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
        _release(job, run_at=clock.now() + _delay(handler, job.attempts, error), error=reason)
        return
    with database.atomic():
        if _release(job, status=JobStatus.FAILED, error=reason) and handler.give_up:
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


def _release(job: Job, status: str = JobStatus.QUEUED, **changes: Any) -> bool:
    """End this worker's lease of a job, unless it has expired and another worker holds the job.

    Attempts are compared, too: workers of the previous release know no numbers of leases.
    """
    release = _released(tuple(changes))
    return bool(release.changed(job.id, job.lease, job.attempts, status, *changes.values()))


@cache
def _released(names: tuple[str, ...]) -> Prepared[Any]:
    """Return the update that ends a lease, with changes of these names."""

    @prepared_update
    def released(job_id: int, lease: int, attempt: int, status: str, *changes: Any) -> ModelUpdate:
        changed = dict(zip(names, changes, strict=True))
        held = (Job.lease == lease) & (Job.attempts == attempt)
        return Job.update(status=status, lease_until=None, dispatched_at=None, **changed).where(
            Job.id == job_id, Job.status == JobStatus.RUNNING, held
        )

    return released


def sweep() -> int:
    """Queue again what dead workers held; return the number of jobs."""
    died = (Job.status == JobStatus.RUNNING) & (Job.lease_until < clock.real_now())
    if not Job.select(Job.id).where(died).exists():
        return 0
    return Job.update(status=JobStatus.QUEUED, lease_until=None).where(died).execute()


def renew_leases() -> None:
    """Renew the leases of the jobs that this process is running, unless another worker has them."""
    with _running_lock:
        running = dict(_running)
    if running:
        Job.update(lease_until=clock.real_now() + lease_duration()).where(
            Job.id.in_(set(running.values())), Job.lease.in_(list(running)),
            Job.status == JobStatus.RUNNING,
        ).execute()  # fmt: skip


def drain(limit: int = 10_000) -> int:
    """Run all due jobs in this thread, in a worker's order; return their number (for tests)."""
    for done in range(limit):
        due = due_jobs(1)
        if not due:
            return done
        run_job(due[0])
    raise RuntimeError(f"more than {limit} jobs: do they ask for each other for ever?")


def kinds_given_up() -> set[str]:
    """Return the kinds of jobs with a ``give_up`` function: the customer sees their failures."""
    return {kind for kind, handler in _handlers.items() if handler.give_up}


def oldest_due() -> dict[Priority, timedelta]:
    """Return how long the oldest due job of each priority has been waiting; only where one is."""
    now = clock.now()
    rows = (
        Job.select(Job.priority, fn.MIN(Job.run_at).converter(Job.run_at.python_value))
        .where(Job.status == JobStatus.QUEUED, Job.run_at <= now)
        .group_by(Job.priority)
        .tuples()
    )
    return {Priority(priority): now - since for priority, since in cast("Any", rows)}


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
