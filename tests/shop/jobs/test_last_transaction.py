"""The end of a job is one transaction with the last of its work, and with taking the next job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from models import Job, JobStatus, SandboxSwitch, database
from shop import jobs
from shop.jobs import queue
from tests.support import racing
from tests.support.work import Work, enqueue_job, fail

pytestmark = pytest.mark.every_case


def write(name: str) -> None:
    """Write a row, as the work of a job."""
    SandboxSwitch.create(name=name, value="written")


def written() -> list[str]:
    """Return the names of the rows that others see."""
    rows = SandboxSwitch.select().where(SandboxSwitch.value == "written")
    return sorted(row.name for row in rows.order_by(SandboxSwitch.name))


def statuses() -> dict[str, str]:
    """Return the status of each job, by its key."""
    return {job.key: job.status for job in Job.select()}


def work_then(follows: Callable[[], None] = lambda: None) -> None:
    """Write a row in the last transaction, and ``follows`` at its end."""
    with jobs.last_transaction():
        write("row")
        follows()


def test_a_job_is_done_in_the_commit_of_its_last_transaction(work: Work) -> None:
    def act() -> None:
        work_then()
        assert racing.race(statuses, 1) == [{"one": JobStatus.DONE}]

    work.act = act
    enqueue_job()
    assert queue.run_next()
    assert written() == ["row"]
    assert statuses() == {"one": JobStatus.DONE}


@pytest.mark.parametrize("error", [ValueError("out of paper"), jobs.Later(queue.LONGEST_DELAY)])
def test_work_that_fails_in_it_leaves_nothing_and_the_job_queued(
    work: Work, error: Exception
) -> None:
    def refuse() -> None:
        raise error

    work.act = lambda: work_then(refuse)
    enqueue_job()
    enqueue_job("two")
    taken: Iterator[bool] = iter([True, False, False])
    queue.run_due(lambda: next(taken))
    assert written() == []
    assert statuses() == {"one": JobStatus.QUEUED, "two": JobStatus.QUEUED}


def test_the_next_job_is_taken_with_the_end_of_the_last_one(work: Work) -> None:
    def act() -> None:
        before = len(work.done)
        with jobs.last_transaction():
            write(str(before))
        seen.append(racing.race(statuses, 1)[0])

    work.act = act
    seen: list[dict[str, str]] = []
    for key in ("one", "two", "three"):
        enqueue_job(key)
    queue.run_due(lambda: True)
    assert seen == [
        {"one": JobStatus.DONE, "two": JobStatus.RUNNING, "three": JobStatus.QUEUED},
        {"one": JobStatus.DONE, "two": JobStatus.DONE, "three": JobStatus.RUNNING},
        {"one": JobStatus.DONE, "two": JobStatus.DONE, "three": JobStatus.DONE},
    ]
    assert written() == ["1", "2", "3"]


def test_a_worker_that_stops_takes_no_other_job(work: Work) -> None:
    work.act = work_then
    enqueue_job()
    enqueue_job("two")
    queue.run_due(lambda: False)
    assert statuses() == {"one": JobStatus.DONE, "two": JobStatus.QUEUED}


def test_a_commit_that_fails_takes_no_job(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, going = queue._end, iter([True, False])

    def end(job: Job, status: str = JobStatus.QUEUED, **changes: object) -> None:
        inner(job, status, **changes)
        monkeypatch.setattr(queue, "_end", inner)
        fail()

    monkeypatch.setattr(queue, "_end", end)
    work.act = work_then
    enqueue_job()
    enqueue_job("two")
    queue.run_due(lambda: next(going, False))
    assert written() == []
    assert statuses() == {"one": JobStatus.QUEUED, "two": JobStatus.QUEUED}
    assert len(work.done) == 1


def test_a_part_of_a_jobs_work_does_not_end_it(work: Work) -> None:
    part = jobs.handles("a_part_of_tests")(work_then)

    def act() -> None:
        part()
        fail()

    work.act = act
    enqueue_job()
    try:
        assert queue.run_next()
    finally:
        del queue._handlers["a_part_of_tests"]
    assert written() == ["row"]
    assert statuses() == {"one": JobStatus.QUEUED}


def test_without_a_job_it_is_a_transaction(app: Flask) -> None:
    with pytest.raises(ValueError, match="out of paper"):
        work_then(fail)
    assert written() == []
    work_then()
    assert written() == ["row"]
    assert not database.in_transaction()
