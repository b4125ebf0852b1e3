"""Priorities: the order in which waiting jobs are run, across all customers."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import Any, cast

from peewee import fn

from records.base import database
from records.jobs import Job, JobStatus
from shop import clock


class Priority(IntEnum):
    """The order in which waiting jobs are run: highest first, across all customers."""

    AWAITED = 10  # a customer is waiting: the link for a new password
    PAID = 5  # paid work: deliveries, and resuming groups
    USUAL = 0
    LETTER = -10  # e-mails: rendering their PDFs takes longer than installing a group
    BULK = -20  # one of thousands of jobs that one customer started


_PRIORITIES = tuple(map(int, Priority))

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
