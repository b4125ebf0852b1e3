"""The job queue: jobs are enqueued in the caller's transaction and run at least once.

A SqlHuey message carries the job's id to a worker at once; the row in `records.jobs.Job` holds the
payload, the number of attempts and the worker's lease. A periodic sweep dispatches overdue jobs
again, so a killed worker, a lost message or a changed clock delays a job and never loses it.
Handlers are idempotent: a job may run again if its worker died before it finished.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, cast

import structlog
from huey.contrib.sql_huey import SqlHuey
from peewee import fn

from records.base import database
from records.jobs import Job, JobStatus
from shop import clock, durations, settings
from shop.errors import PartyUnavailable
from shop.sandbox_link import test_points
from shop.security.signing import MessageSerializer
from shop.settings import PerProcess

log = structlog.get_logger()

REDISPATCH = timedelta(seconds=15)
"""The time after which a job that was dispatched and not started is dispatched again."""

LONGEST_DELAY = timedelta(hours=1)
"""The longest delay between two attempts of a failing job."""

BATCH = 200
"""The number of overdue jobs that one sweep dispatches."""


class Priority(IntEnum):
    """The order in which waiting jobs are run: highest first, across all customers."""

    AWAITED = 10  # a customer is waiting: the link for a new password
    PAID = 5  # paid work: deliveries, and resuming groups
    USUAL = 0
    LETTER = -10  # e-mails: rendering their PDFs takes longer than installing a group
    BULK = -20  # one of thousands of jobs that one customer started


LONG_QUEUE = 50
"""From this number of messages on, a dispatched job counts as waiting and not as lost."""

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


_handlers: dict[str, Handler] = {}
_running: set[int] = set()
_running_lock = threading.Lock()


def register_handler(kind: str, handler: Handler) -> None:
    """Run jobs of ``kind`` with ``handler``. Raise `ValueError` if the kind has one already."""
    if kind in _handlers:
        raise ValueError(f"jobs of kind {kind!r} have a handler already")
    _handlers[kind] = handler


def lease_duration() -> timedelta:
    """Return how long a worker keeps a job without renewing its lease (``JOB_LEASE``)."""
    return timedelta(seconds=settings.current().job_lease)


class _Serializer(MessageSerializer):
    """Signs messages with the last of ``secrets``, and reads those signed with any of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__(secret=secrets[-1], salt="jobs")
        self._former = [MessageSerializer(secret=each, salt="jobs") for each in secrets[:-1]]

    def _unsign(self, signed: bytes) -> bytes:
        for former in self._former:
            with suppress(ValueError):
                return bytes(former._unsign(signed))
        return bytes(super()._unsign(signed))


class Messages:
    """Sends the ids of jobs to workers, through SqlHuey on the shop's database.

    Messages are signed with the last of ``secrets``; those of the others are valid.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.huey = SqlHuey(
            "shop",
            database=database.obj,
            create_tables=False,
            results=False,
            serializer=_Serializer(secrets),
        )
        self._task = self.huey.task(name="run_job")(run_job)

    def send(self, job: Job) -> None:
        """Send a job's id to the workers."""
        self._task(job.id, priority=job.priority)


messages = PerProcess[Messages]()
"""The message sender of this process."""


def huey() -> SqlHuey:
    """Return the SqlHuey queue of this process."""
    return messages().huey


def create_queue_tables() -> None:
    """Create SqlHuey's own tables if they are missing."""
    huey().storage.create_tables()


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
    job = {"kind": kind, "key": key, "payload": payload, "priority": priority, "created_at": now}
    with database.atomic():
        written = (
            Job.insert(**job, run_at=run_at or now).on_conflict_ignore().as_rowcount().execute()
        )
        if written and (run_at is None or run_at <= now):
            _dispatch(_to_dispatch(Job.key == key))


def restart(key: str) -> bool:
    """Queue a failed or finished job again, with all its attempts.

    Return False if there is no such job.
    """
    with database.atomic():
        again = (
            Job.update(status=JobStatus.QUEUED, attempts=0, run_at=clock.now(), error="")
            .where(Job.key == key, Job.status.in_([JobStatus.FAILED, JobStatus.DONE]))
            .execute()
        )
        if again:
            _dispatch(_to_dispatch(Job.key == key))
    return bool(again)


def _to_dispatch(which: Any) -> Job:
    return Job.select(Job.id, Job.priority).where(which).get()


def _dispatch(job: Job) -> None:
    """Send a job's message; the sweep repeats this if the message is lost."""
    Job.update(dispatched_at=clock.real_now()).where(Job.id == job.id).execute()
    messages().send(job)


def run_job(job_id: int) -> None:
    """Run one job if it is due and no other worker holds its lease."""
    database.connect(reuse_if_open=True)
    test_points.follow_clock()
    job = _claim(job_id)
    if job is None:
        return
    with _running_lock:
        _running.add(job.id)
    try:
        _attempt(job)
    finally:
        with _running_lock:
            _running.discard(job.id)


def _claim(job_id: int) -> Job | None:
    now, real = clock.now(), clock.real_now()
    due = (Job.status == JobStatus.QUEUED) & (Job.run_at <= now)
    abandoned = (Job.status == JobStatus.RUNNING) & (Job.lease_until < real)
    claimed = (
        Job.update(
            status=JobStatus.RUNNING, attempts=Job.attempts + 1, lease_until=real + lease_duration()
        )
        .where(Job.id == job_id, due | abandoned)
        .execute()
    )
    return Job.get_by_id(job_id) if claimed else None


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
        _release(job, run_at=clock.now() + later.delay, attempts=job.attempts - 1)
    except Exception as error:
        _failed(job, handler, error)
    else:
        outcome = "done"
        _release(job, status=JobStatus.DONE)
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
    """End this worker's lease of a job, unless it has expired and another worker holds the job."""
    return bool(
        Job.update(status=status, lease_until=None, dispatched_at=None, **changes)
        .where(Job.id == job.id, Job.status == JobStatus.RUNNING, Job.attempts == job.attempts)
        .execute()
    )


def _overdue() -> Any:
    """Return the condition for jobs that are due, not leased and not dispatched recently.

    In a long queue a dispatched job is still waiting there: dispatching it again would only add
    duplicate messages.
    """
    now, real = clock.now(), clock.real_now()
    unsent = Job.dispatched_at.is_null()
    if huey().pending_count() < LONG_QUEUE:
        unsent |= Job.dispatched_at < real - REDISPATCH
    waiting = (Job.status == JobStatus.QUEUED) & (Job.run_at <= now) & unsent
    died = (Job.status == JobStatus.RUNNING) & (Job.lease_until < real)
    # A job whose lease expired was dispatched before its run: only a later dispatch counts.
    return waiting | (died & (unsent | (Job.dispatched_at <= Job.lease_until)))


def due_jobs(limit: int = BATCH) -> list[Job]:
    """Return the id and priority of overdue jobs: by highest priority, then oldest ``run_at``."""
    late = Job.select(Job.id, Job.priority).where(_overdue())
    return list(late.order_by(Job.priority.desc(), Job.run_at).limit(limit))


def sweep() -> int:
    """Dispatch overdue jobs; return their number.

    If several workers sweep at once, each job is dispatched by one of them.
    """
    dispatched, overdue = 0, _overdue()
    for job in due_jobs():
        with database.atomic():
            mine = (
                Job.update(dispatched_at=clock.real_now())
                .where(Job.id == job.id, overdue)
                .execute()
            )
            if mine:
                messages().send(job)
                dispatched += 1
    return dispatched


def renew_leases() -> None:
    """Renew the leases of the jobs that this process is running."""
    with _running_lock:
        running = list(_running)
    if running:
        Job.update(lease_until=clock.real_now() + lease_duration()).where(
            Job.id.in_(running), Job.status == JobStatus.RUNNING
        ).execute()


def drain(limit: int = 10_000) -> int:
    """Run all due jobs in this thread, in a worker's order; return their number (for tests)."""
    for done in range(limit):
        due_now = Job.select(Job.id).where(
            Job.status == JobStatus.QUEUED, Job.run_at <= clock.now()
        )
        job = due_now.order_by(Job.priority.desc(), Job.run_at, Job.id).first()
        if job is None:
            return done
        run_job(job.id)
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


def counts_by_status() -> dict[str, int]:
    """Return the number of jobs in each status."""
    rows = Job.select(Job.status, fn.COUNT(Job.id)).group_by(Job.status).tuples()
    return dict(cast("Any", rows))


def delete_finished(before: datetime) -> int:
    """Delete the finished jobs created before a moment; return their number."""
    return Job.delete().where(Job.status == JobStatus.DONE, Job.created_at < before).execute()
