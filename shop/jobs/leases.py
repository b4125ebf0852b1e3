"""Leases: a job is a worker's from its claim to its release, or until the worker dies.

A worker renews the leases of what it runs. Each has a number of its own, so that a worker that was
stalled and lost its lease neither ends nor renews that of the next run.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from peewee import ModelUpdate

from records.jobs import Job, JobStatus
from shop import clock, settings
from shop.sql.prepared import Prepared, prepared_update

_held: dict[int, int] = {}
"""The jobs that this process runs, by their leases: one job may be run by two, if one stalled."""

_held_lock = threading.Lock()


def lease_duration() -> timedelta:
    """Return how long a worker keeps a job without renewing its lease (``JOB_LEASE``)."""
    return timedelta(seconds=settings.current().job_lease)


def claim(job_id: int) -> Job | None:
    """Take a job that is due, or whose lease expired; return None if another worker took it."""
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


@contextmanager
def held(job: Job) -> Iterator[None]:
    """Keep the lease of a job in this block: it is renewed."""
    with _held_lock:
        _held[job.lease] = job.id
    try:
        yield
    finally:
        with _held_lock:
            del _held[job.lease]


def release(job: Job, status: str = JobStatus.QUEUED, **changes: Any) -> bool:
    """End this worker's lease of a job, unless it has expired and another worker holds the job.

    Attempts are compared, too: workers of the previous release know no numbers of leases.
    """
    released = _released(tuple(changes))
    return bool(released.changed(job.id, job.lease, job.attempts, status, *changes.values()))


@cache
def _released(names: tuple[str, ...]) -> Prepared[Any]:
    """Return the update that ends a lease, with changes of these names."""

    @prepared_update
    def update(job_id: int, lease: int, attempt: int, status: str, *changes: Any) -> ModelUpdate:
        changed = dict(zip(names, changes, strict=True))
        own = (Job.lease == lease) & (Job.attempts == attempt)
        return Job.update(status=status, lease_until=None, dispatched_at=None, **changed).where(
            Job.id == job_id, Job.status == JobStatus.RUNNING, own
        )

    return update


def sweep() -> int:
    """Queue again what dead workers held; return the number of jobs."""
    died = (Job.status == JobStatus.RUNNING) & (Job.lease_until < clock.real_now())
    if not Job.select(Job.id).where(died).exists():
        return 0
    return Job.update(status=JobStatus.QUEUED, lease_until=None).where(died).execute()


def renew() -> None:
    """Renew the leases of the jobs that this process is running, unless another worker has them."""
    with _held_lock:
        running = dict(_held)
    if running:
        Job.update(lease_until=clock.real_now() + lease_duration()).where(
            Job.id.in_(set(running.values())), Job.lease.in_(list(running)),
            Job.status == JobStatus.RUNNING,
        ).execute()  # fmt: skip
