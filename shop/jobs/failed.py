"""Failed jobs that need the operator: listing, retrying and deleting them.

A job whose handler has a ``give_up`` function is excluded: the customer sees the failure (a
licence in error, an e-mail not sent, a failed delivery) and can request the work again.
"""

from __future__ import annotations

from datetime import datetime

from peewee import ModelSelect

from records.jobs import Job, JobStatus
from shop.jobs import queue


def unhandled_failures() -> ModelSelect[Job]:
    """Return the failed jobs whose handlers have no ``give_up`` function, newest first."""
    return (
        Job.select()
        .where(Job.status == JobStatus.FAILED, Job.kind.not_in(queue.kinds_given_up()))
        .order_by(Job.id.desc())
    )


def find_failed(number: int) -> Job | None:
    """Return the unhandled failure with this id, or None."""
    return unhandled_failures().where(Job.id == number).first()


def find_any(number: int) -> Job | None:
    """Return the job with this id, whatever became of it, or None."""
    return Job.get_or_none(Job.id == number)


def retry(job: Job) -> bool:
    """Queue a failed job again, with all its attempts.

    Return False if another process has restarted or deleted it already.
    """
    return queue.restart(job.key)


def delete(job: Job) -> bool:
    """Delete a failed job. Return False if another process has restarted or deleted it already."""
    deleted = Job.delete().where(Job.id == job.id, Job.status == JobStatus.FAILED).execute()
    return bool(deleted)


def delete_old(before: datetime) -> int:
    """Delete the failed jobs of every kind created before a moment; return their number."""
    old = Job.delete().where(Job.status == JobStatus.FAILED, Job.created_at < before)
    return int(old.execute())
