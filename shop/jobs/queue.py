"""Work that must follow: queued with its cause, run at least once, never lost.

SqlHuey carries the job's number to a worker at once; our own row says what there is to do, how
often it was tried and until when somebody holds it. A sweep hands out again whatever is overdue,
so a killed worker, a lost message or a moved clock delays a job and never loses it. Handlers are
idempotent: a job may run again after its worker died half-way.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, cast

import structlog
from huey.contrib.sql_huey import SqlHuey
from huey.serializer import SignedSerializer
from peewee import fn

from records.base import database
from records.jobs import Job, JobStatus
from shop import clock, settings
from shop.errors import PartyUnavailable
from shop.sandbox_link import test_points
from shop.settings import PerProcess

log = structlog.get_logger()

REDISPATCH = timedelta(seconds=15)
"""When a job that was handed out and not begun is handed out again."""

LONGEST_DELAY = timedelta(hours=1)
"""The longest time between two attempts of a job that fails."""

BATCH = 200


class Priority(IntEnum):
    """Which of the jobs that wait are run first, whoever they are of."""

    AWAITED = 10  # somebody cannot go on without it: a link to a new password
    PAID = 5  # what was paid for: deliveries, and groups that resume
    USUAL = 0
    LETTER = -10  # making its documents takes longer than installing a group
    BULK = -20  # one of thousands that one customer asked for


CROWD = 50
"""How many messages make a queue in which a job that was handed out is taken to be waiting."""

UNKNOWN_AGAIN = timedelta(minutes=1)
"""When a job of a kind that this worker does not know is looked at again."""

ABANDONED_MOST = 5
"""How often workers may die beyond a job's attempts before it is the job that kills them."""


class Later(Exception):
    """A handler's word that there is nothing to do yet: come back after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(str(delay))
        self.delay = delay


@dataclass(frozen=True)
class Handler:
    """How one kind of job is run: how often, and what happens after the last attempt."""

    run: Callable[..., None]
    attempts: int
    first_delay: timedelta
    give_up: Callable[..., None] | None
    priority: Priority


_handlers: dict[str, Handler] = {}
_held: set[int] = set()
_held_lock = threading.Lock()


def register(kind: str, handler: Handler) -> None:
    """Have jobs of ``kind`` run by ``handler``."""
    if kind in _handlers:
        raise ValueError(f"jobs of kind {kind!r} have a handler already")
    _handlers[kind] = handler


def lease() -> timedelta:
    """How long a worker holds a job without renewing it (``JOB_LEASE``)."""
    return timedelta(seconds=settings.current().job_lease)


class Messages:
    """Carries the numbers of jobs to workers: by SqlHuey, on the shop's database.

    Messages are signed with ``secret``.
    """

    def __init__(self, secret: str) -> None:
        self.huey = SqlHuey(
            "shop",
            database=database.obj,
            create_tables=False,
            results=False,
            serializer=SignedSerializer(secret=secret, salt="jobs"),
        )
        self._task = self.huey.task(name="run_job")(run)

    def send(self, job: Job) -> None:
        """Hand a job's number to a worker."""
        self._task(job.id, priority=job.priority)


messages = PerProcess[Messages]()
"""What carries the jobs of this process."""


def connected() -> SqlHuey:
    """The queue of this process."""
    return messages().huey


def create_queue_tables() -> None:
    """Create SqlHuey's own tables where they are missing."""
    connected().storage.create_tables()


def enqueue(
    kind: str,
    key: str,
    *,
    run_at: datetime | None = None,
    priority: Priority | None = None,
    **payload: Any,
) -> None:
    """Ask for a job in the caller's transaction; asking twice with one ``key`` asks once.

    ``run_at`` is the shop's time from which it may run, now by default; ``priority`` is that of
    its kind by default.
    """
    if kind not in _handlers:
        raise KeyError(f"nobody handles jobs of kind {kind!r}")
    now = clock.now()
    if priority is None:
        priority = _handlers[kind].priority
    job = {"kind": kind, "key": key, "payload": payload, "priority": priority, "created_at": now}
    with database.atomic():
        written = (
            Job.insert(**job, run_at=run_at or now).on_conflict_ignore().as_rowcount().execute()
        )
        if written and (run_at is None or run_at <= now):
            _dispatch(_to_hand_out(Job.key == key))


def ask_again(key: str) -> bool:
    """Start a failed or finished job anew, with all its attempts; False if there is none."""
    with database.atomic():
        again = (
            Job.update(status=JobStatus.QUEUED, attempts=0, run_at=clock.now(), error="")
            .where(Job.key == key, Job.status.in_([JobStatus.FAILED, JobStatus.DONE]))
            .execute()
        )
        if again:
            _dispatch(_to_hand_out(Job.key == key))
    return bool(again)


def _to_hand_out(which: Any) -> Job:
    return Job.select(Job.id, Job.priority).where(which).get()


def _dispatch(job: Job) -> None:
    """Hand a job to the queue; the sweep repeats this if the message gets lost."""
    Job.update(dispatched_at=clock.real_now()).where(Job.id == job.id).execute()
    messages().send(job)


def run(job_id: int) -> None:
    """Run one job if it is due and nobody holds it."""
    database.connect(reuse_if_open=True)
    test_points.follow_clock()
    job = _claim(job_id)
    if job is None:
        return
    with _held_lock:
        _held.add(job.id)
    try:
        _attempt(job)
    finally:
        with _held_lock:
            _held.discard(job.id)


def _claim(job_id: int) -> Job | None:
    now, real = clock.now(), clock.real_now()
    due = (Job.status == JobStatus.QUEUED) & (Job.run_at <= now)
    abandoned = (Job.status == JobStatus.RUNNING) & (Job.lease_until < real)
    claimed = (
        Job.update(status=JobStatus.RUNNING, attempts=Job.attempts + 1, lease_until=real + lease())
        .where(Job.id == job_id, due | abandoned)
        .execute()
    )
    return Job.get_by_id(job_id) if claimed else None


def _attempt(job: Job) -> None:
    handler = _handlers.get(job.kind)
    if handler is None:
        # A newer version of the shop asked for it, and runs beside this one.
        log.error("nobody handles this kind of job here", kind=job.kind, key=job.key)
        _release(job, run_at=clock.now() + UNKNOWN_AGAIN, attempts=job.attempts - 1)
        return
    if job.attempts > handler.attempts + ABANDONED_MOST:
        _failed(job, handler, RuntimeError("every worker that tried it died"))
        return
    test_points.point(f"job.{job.kind}")
    try:
        handler.run(**job.payload)
    except Later as later:
        _release(job, run_at=clock.now() + later.delay, attempts=job.attempts - 1)
    except Exception as error:
        _failed(job, handler, error)
    else:
        _release(job, status=JobStatus.DONE)


def _failed(job: Job, handler: Handler, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:512]
    last = job.attempts >= handler.attempts
    log.warning("job failed", kind=job.kind, key=job.key, attempt=job.attempts, reason=reason)
    if not last:
        _release(job, run_at=clock.now() + _delay(handler, job.attempts, error), error=reason)
        return
    with database.atomic():
        if _release(job, status=JobStatus.FAILED, error=reason) and handler.give_up:
            handler.give_up(**job.payload, reason=str(error))


def _delay(handler: Handler, attempts: int, error: Exception) -> timedelta:
    """Exponential back-off with a little jitter, so that failed jobs do not come back in step.

    A party that asked to be left alone for a while is.
    """
    # Twenty doublings make any delay longer than the longest; fifty, no delay at all can be.
    delay = min(handler.first_delay * 2 ** min(attempts - 1, 20), LONGEST_DELAY)
    asked = error.retry_after if isinstance(error, PartyUnavailable) else 0
    wanted = timedelta(seconds=min(asked, LONGEST_DELAY.total_seconds()))
    return max(delay * random.uniform(0.9, 1.1), wanted)


def _release(job: Job, status: str = JobStatus.QUEUED, **changes: Any) -> bool:
    """Let go of a job, unless its lease ran out and somebody else holds it by now."""
    return bool(
        Job.update(status=status, lease_until=None, dispatched_at=None, **changes)
        .where(Job.id == job.id, Job.status == JobStatus.RUNNING, Job.attempts == job.attempts)
        .execute()
    )


def _overdue() -> Any:
    """What should be running, is in nobody's hands, and was not handed out a moment ago.

    Where many messages wait, a job that was handed out waits among them: a second message would
    only make the crowd larger, again and again.
    """
    now, real = clock.now(), clock.real_now()
    unsent = Job.dispatched_at.is_null()
    if connected().pending_count() < CROWD:
        unsent |= Job.dispatched_at < real - REDISPATCH
    waiting = (Job.status == JobStatus.QUEUED) & (Job.run_at <= now) & unsent
    died = (Job.status == JobStatus.RUNNING) & (Job.lease_until < real)
    # A job that was begun was handed out before; what counts is whether it was since its end.
    return waiting | (died & (unsent | (Job.dispatched_at <= Job.lease_until)))


def due(limit: int = BATCH) -> list[Job]:
    """The jobs (number and priority) that should run and are in nobody's hands: the highest
    priority first, and then the oldest."""
    late = Job.select(Job.id, Job.priority).where(_overdue())
    return list(late.order_by(Job.priority.desc(), Job.run_at).limit(limit))


def sweep() -> int:
    """Hand out what is overdue; of several workers sweeping at once, one hands out each job."""
    handed_out, overdue = 0, _overdue()
    for job in due():
        with database.atomic():
            mine = (
                Job.update(dispatched_at=clock.real_now())
                .where(Job.id == job.id, overdue)
                .execute()
            )
            if mine:
                messages().send(job)
                handed_out += 1
    return handed_out


def renew_leases() -> None:
    """Keep what this process is running in this process's hands."""
    with _held_lock:
        held = list(_held)
    if held:
        Job.update(lease_until=clock.real_now() + lease()).where(
            Job.id.in_(held), Job.status == JobStatus.RUNNING
        ).execute()


def drain(limit: int = 10_000) -> int:
    """Run everything due in this thread, in the order of a worker; how many jobs (for tests)."""
    for done in range(limit):
        due_now = Job.select(Job.id).where(
            Job.status == JobStatus.QUEUED, Job.run_at <= clock.now()
        )
        job = due_now.order_by(Job.priority.desc(), Job.run_at, Job.id).first()
        if job is None:
            return done
        run(job.id)
    raise RuntimeError(f"more than {limit} jobs: do they ask for each other for ever?")


def kinds_given_up() -> set[str]:
    """The kinds of jobs after whose last attempt the customer is shown what came of it."""
    return {kind for kind, handler in _handlers.items() if handler.give_up}


def counts() -> dict[str, int]:
    """How many jobs stand in each status."""
    rows = Job.select(Job.status, fn.COUNT(Job.id)).group_by(Job.status).tuples()
    return dict(cast("Any", rows))


def forget_finished(before: datetime) -> int:
    """Delete finished jobs made before a moment; how many."""
    return Job.delete().where(Job.status == JobStatus.DONE, Job.created_at < before).execute()
