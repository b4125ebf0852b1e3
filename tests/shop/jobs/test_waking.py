"""A worker's threads sleep until there is a job, and then take it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from models import Job, JobStatus, database
from shop.database import connection
from shop.jobs import leases, queue, waking
from shop.operations import worker
from tests.support import patience, queries, racing
from tests.support.work import KIND, Work, enqueue_job

pytestmark = pytest.mark.every_case

LONG = 3600.0
"""Seconds that no test waits: what ends the wait is a change."""


@pytest.fixture
def quiet_watch(work: Work) -> Iterator[waking.Watch]:
    """A watch that has seen what other tests told this connection."""
    database.connect(reuse_if_open=True)
    watch = waking.watch()
    while watch.wait(0.0, threading.Event()):
        continue
    yield watch
    watch.close()


@pytest.fixture
def crew(work: Work) -> Iterator[worker.Crew]:
    """Two threads that run jobs."""
    database.close()
    made = worker.Crew(2, worker.Stop())
    made.start()
    yield made
    made.finish()


def test_a_watch_sees_a_job_of_another_connection(quiet_watch: waking.Watch) -> None:
    racing.race(enqueue_job, 1)
    assert quiet_watch.wait(LONG, threading.Event())


def test_a_watch_that_was_closed_leaves_nothing_on_its_connection(work: Work) -> None:
    """A connection that is told and not read holds up the whole server in the end."""
    database.connect(reuse_if_open=True)
    watch = waking.watch()
    watch.close()
    if isinstance(watch, waking.Notifications):
        listening = database.execute_sql("SELECT pg_listening_channels()").fetchall()
        assert listening == []


def test_a_watch_ends_when_the_worker_is_to_stop(
    quiet_watch: waking.Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "LONGEST_WAIT", 0.01)
    stopping = threading.Event()
    stopping.set()
    assert not quiet_watch.wait(LONG, stopping)


def test_a_job_whose_cause_is_rolled_back_wakes_nobody(quiet_watch: waking.Watch) -> None:

    def roll_back() -> None:
        with database.atomic() as transaction:
            enqueue_job()
            transaction.rollback()

    racing.race(roll_back, 1)
    assert not quiet_watch.wait(0.01, threading.Event())


def test_threads_that_sleep_take_a_job_when_they_are_called(crew: worker.Crew, work: Work) -> None:
    done = threading.Event()
    work.act = done.set
    with connection():
        enqueue_job()
        crew.call()
    assert done.wait(timeout=patience.STUCK)


def test_a_thread_goes_on_with_the_jobs_that_follow(crew: worker.Crew, work: Work) -> None:
    """Nobody calls it again: what a job queues is run by whoever is free."""
    done = threading.Event()

    def again() -> None:
        if len(work.done) < 5:
            enqueue_job(f"job {len(work.done)}")
        else:
            done.set()

    work.act = again
    with connection():
        enqueue_job()
        crew.call()
    assert done.wait(timeout=patience.STUCK)


def test_a_job_that_comes_while_a_thread_is_about_to_sleep_is_run(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_none, may_sleep, done = (threading.Event() for _ in range(3))
    work.act = done.set
    inner = queue.run_due

    def run_due(goes_on: Callable[[], bool]) -> None:
        inner(goes_on)
        found_none.set()
        assert may_sleep.wait(timeout=patience.STUCK)

    monkeypatch.setattr(queue, "run_due", run_due)
    database.close()
    crew = worker.Crew(1, worker.Stop())
    crew.start()
    try:
        assert found_none.wait(timeout=patience.STUCK)
        with connection():
            enqueue_job()
            crew.call()
        may_sleep.set()
        assert done.wait(timeout=patience.STUCK)
    finally:
        may_sleep.set()
        crew.finish()


def test_threads_that_are_busy_look_for_the_next_job_themselves(
    crew: worker.Crew, work: Work
) -> None:
    both_run, may_end, done = threading.Barrier(3), threading.Event(), threading.Event()

    def act() -> None:
        if len(work.done) <= 2:
            both_run.wait(timeout=patience.STUCK)
            assert may_end.wait(timeout=patience.STUCK)
        else:
            done.set()

    work.act = act
    with connection():
        enqueue_job("first")
        enqueue_job("second")
        crew.call()
        both_run.wait(timeout=patience.STUCK)
        enqueue_job("third")
        with queries.recorded() as asked:
            crew.call()
        may_end.set()
    assert asked == []
    assert done.wait(timeout=patience.STUCK)


def test_a_thread_survives_a_fault_outside_of_jobs(
    crew: worker.Crew, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.0)
    faults, done, inner = iter([True, True]), threading.Event(), leases.claim

    def claim(job_id: int) -> Job | None:
        if next(faults, False):
            raise ConnectionError("the database is gone")
        return inner(job_id)

    monkeypatch.setattr(leases, "claim", claim)
    work.act = done.set
    with connection():
        enqueue_job()
        crew.call()
    assert done.wait(timeout=patience.STUCK)


def test_finishing_waits_for_the_job_that_runs(crew: worker.Crew, work: Work) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        assert may_end.wait(timeout=patience.STUCK)

    work.act = slowly
    with connection():
        enqueue_job()
        crew.call()
    assert begun.wait(timeout=patience.STUCK)
    finishing = threading.Thread(target=crew.finish)
    finishing.start()
    may_end.set()
    finishing.join(timeout=patience.STUCK)
    assert not finishing.is_alive()
    with connection():
        assert Job.get(Job.kind == KIND, Job.key == "one").status == JobStatus.DONE
