"""Jobs that failed for good and are nobody's affair but the operator's: seen, retried, forgotten.

A job whose handler gives up in its own way is not among them: the customer is shown what came of
it (a licence in error, a letter not sent, a delivery that failed) and may ask for it anew.
"""

from __future__ import annotations

from datetime import datetime

from peewee import ModelSelect

from records.jobs import Job, JobStatus
from shop.jobs import queue


def unattended() -> ModelSelect[Job]:
    """The failed jobs that nobody was shown anything of, newest first."""
    return (
        Job.select()
        .where(Job.status == JobStatus.FAILED, Job.kind.not_in(queue.kinds_given_up()))
        .order_by(Job.id.desc())
    )


def find_failed(number: int) -> Job | None:
    """The one of them with that number."""
    return unattended().where(Job.id == number).first()


def retry(job: Job) -> bool:
    """Start one of them anew, with all its attempts; False if somebody was quicker."""
    return queue.ask_again(job.key)


def forget(job: Job) -> bool:
    """Let one of them be, for good; False if somebody was quicker."""
    gone = Job.delete().where(Job.id == job.id, Job.status == JobStatus.FAILED).execute()
    return bool(gone)


def forget_old(before: datetime) -> int:
    """Delete failed jobs of every kind made before a moment; how many."""
    old = Job.delete().where(Job.status == JobStatus.FAILED, Job.created_at < before)
    return int(old.execute())
