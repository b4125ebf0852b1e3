"""The job queue: jobs are queued with their cause, retried when they fail, and given up."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from structlog.testing import capture_logs

from models import Job, JobStatus, database
from shop import clock as shop_clock
from shop.jobs import queue
from tests.support import racing
from tests.support.work import KIND, Work, enqueue_job, fail, the_job, waiting

# --- With its cause ----------------------------------------------------------------------------


def test_a_job_is_queued_with_its_cause(work: Work) -> None:
    with database.atomic():
        enqueue_job(number=7)
        assert the_job().status == JobStatus.QUEUED
    assert waiting() == 1
    assert queue.drain() == 1
    assert work.done == [{"number": 7}]
    assert the_job().status == JobStatus.DONE


def test_a_job_goes_with_a_cause_that_is_rolled_back(work: Work) -> None:
    with database.atomic() as transaction:
        enqueue_job()
        transaction.rollback()
    assert not Job.select().exists()
    assert waiting() == 0


def test_a_job_goes_with_a_cause_that_fails(work: Work) -> None:
    @database.atomic()
    def cause() -> None:
        enqueue_job()
        fail()

    with pytest.raises(ValueError, match="out of paper"):
        cause()
    assert not Job.select().exists()
    assert waiting() == 0


def test_a_job_is_invisible_before_its_cause_is_committed(work: Work) -> None:
    seen = []
    with database.atomic():
        enqueue_job()
        if not is_sqlite():
            seen = racing.race(lambda: Job.select().count(), 1)
    assert seen in ([], [0])
    assert racing.race(lambda: Job.select().count(), 1) == [1]


def is_sqlite() -> bool:
    return "sqlite" in type(database.obj).__name__.lower()


def test_asking_twice_asks_once(work: Work) -> None:
    enqueue_job(number=1)
    enqueue_job(number=2)
    assert waiting() == 1
    queue.drain()
    enqueue_job(number=3)
    queue.drain()
    assert work.done == [{"number": 1}]


def test_concurrent_requests_ask_once(work: Work) -> None:
    racing.race(enqueue_job, 12)
    assert Job.select().count() == 1
    assert waiting() == 1


def test_a_job_for_later_waits_for_its_time(work: Work, clock: time_machine.Traveller) -> None:
    queue.enqueue(KIND, "later", run_at=shop_clock.now() + timedelta(hours=1))
    assert waiting() == 0
    assert queue.drain() == 0
    queue.run_job(the_job().id)
    assert work.done == []
    clock.shift(timedelta(hours=1, seconds=1))
    assert waiting() == 1
    assert queue.drain() == 1


def test_a_job_of_an_unknown_kind_is_refused(app: Flask) -> None:
    with pytest.raises(KeyError, match="no handler"):
        queue.enqueue("unheard_of", "key")


def test_a_job_kind_of_a_newer_version_is_left_to_that_version(
    work: Work, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    enqueue_job()
    handler = queue._handlers.pop(KIND)
    with capture_logs() as said:
        queue.run_job(the_job().id)
    assert said[0]["event"] == "job_unknown_kind"
    assert (the_job().status, the_job().attempts) == (JobStatus.QUEUED, 0)
    queue._handlers[KIND] = handler
    clock.shift(timedelta(minutes=2))
    queue.drain()
    assert the_job().status == JobStatus.DONE


# --- Failing -----------------------------------------------------------------------------------


def test_a_failed_job_is_tried_again_later_each_time(
    work: Work, clock: time_machine.Traveller
) -> None:
    work.act = fail
    enqueue_job()
    waits = []
    for _ in range(2):
        queue.drain()
        job = the_job()
        waits.append((job.run_at - shop_clock.now()).total_seconds())
        assert (job.status, job.error) == (JobStatus.QUEUED, "ValueError: out of paper")
        clock.shift(job.run_at - shop_clock.now() + timedelta(seconds=1))
    assert 8 <= waits[0] <= 11
    assert 17 <= waits[1] <= 22


def test_no_wait_is_longer_than_an_hour(work: Work) -> None:
    for handler in queue._handlers.values():
        for attempt in range(1, handler.attempts + 1):
            assert queue._delay(handler, attempt, ValueError()) <= timedelta(hours=1.1)


def test_after_the_last_attempt_it_is_given_up_once(
    work: Work, clock: time_machine.Traveller
) -> None:
    work.act = fail
    enqueue_job(number=7)
    for _ in range(6):
        queue.drain()
        clock.shift(timedelta(hours=2))
    assert len(work.done) == 3
    assert work.given_up == [{"number": 7, "reason": "out of paper"}]
    assert the_job().status == JobStatus.FAILED
    assert waiting() == 0


def test_giving_up_that_fails_is_tried_again(work: Work, clock: time_machine.Traveller) -> None:
    handler = queue.Handler(work.run, 1, timedelta(seconds=1), lambda **_: fail(), 0)
    queue._handlers[KIND] = handler
    work.act = fail
    enqueue_job()
    with pytest.raises(ValueError, match="out of paper"):
        queue.drain()
    assert the_job().status == JobStatus.RUNNING, "what gave it up was rolled back with it"
    clock.shift(timedelta(minutes=1))
    queue._handlers[KIND] = queue.Handler(work.run, 1, timedelta(seconds=1), work.give_up, 0)
    queue.run_job(the_job().id)
    assert the_job().status == JobStatus.FAILED
    assert len(work.given_up) == 1


def test_running_later_is_not_an_attempt(work: Work, clock: time_machine.Traveller) -> None:
    def not_yet() -> None:
        raise queue.Later(timedelta(minutes=5))

    work.act = not_yet
    enqueue_job()
    for _ in range(20):
        queue.drain()
        clock.shift(timedelta(minutes=6))
    assert len(work.done) == 20
    assert (the_job().status, the_job().attempts) == (JobStatus.QUEUED, 0)
    work.act = lambda: None
    queue.drain()
    assert the_job().status == JobStatus.DONE


def test_a_failed_job_can_be_asked_for_again(work: Work, clock: time_machine.Traveller) -> None:
    work.act = fail
    enqueue_job()
    for _ in range(3):
        queue.drain()
        clock.shift(timedelta(hours=2))
    work.act = lambda: None
    assert queue.restart("one")
    assert waiting() >= 1
    queue.drain()
    assert (the_job().status, the_job().attempts) == (JobStatus.DONE, 1)
    assert not queue.restart("unheard of")


def test_a_waiting_job_is_not_asked_for_again(work: Work) -> None:
    enqueue_job()
    assert not queue.restart("one")


def test_jobs_that_ask_for_each_other_for_ever_are_noticed(work: Work) -> None:
    def again() -> None:
        raise queue.Later(timedelta(0))

    work.act = again
    enqueue_job()
    with pytest.raises(RuntimeError, match="for ever"):
        queue.drain(limit=20)


def test_finished_jobs_are_forgotten_and_failed_ones_kept(
    work: Work, clock: time_machine.Traveller
) -> None:
    enqueue_job("done")
    queue.drain()
    enqueue_job("failed")
    Job.update(status=JobStatus.FAILED).where(Job.key == "failed").execute()
    clock.shift(timedelta(days=100))
    assert queue.delete_finished(shop_clock.now() - timedelta(days=90)) == 1
    assert [job.key for job in Job.select()] == ["failed"]
