"""Leases: a job runs at least once, never twice at once, even if workers die."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from models import Job, JobStatus
from shop import clock as shop_clock
from shop.jobs import leases, priorities, queue
from tests.support import patience, racing
from tests.support.work import Work, enqueue_job, fail, the_job, waiting

pytestmark = pytest.mark.every_case

# --- Leases ------------------------------------------------------------------------------------


def die_holding(job: Job) -> None:
    """Put a job in the state a killed worker leaves: running, with an expired lease."""
    long_ago = shop_clock.real_now() - timedelta(minutes=5)
    Job.update(status=JobStatus.RUNNING, attempts=Job.attempts + 1, lease_until=long_ago).where(
        Job.id == job.id
    ).execute()


def test_a_job_whose_worker_died_is_run_again(work: Work) -> None:
    enqueue_job()
    die_holding(the_job())
    assert waiting() == 0
    assert leases.sweep() == 1
    assert waiting() == 1
    queue.run_job(the_job().id)
    assert len(work.done) == 1
    assert the_job().status == JobStatus.DONE


def test_a_job_is_not_run_twice_at_once(work: Work) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        assert may_end.wait(timeout=patience.STUCK)

    work.act = slowly
    enqueue_job()
    number = the_job().id

    def rival() -> None:
        assert begun.wait(timeout=patience.STUCK)
        for _ in range(5):
            queue.run_job(number)
        assert leases.sweep() == 0
        assert not queue.run_next()
        may_end.set()

    acts = iter([lambda: queue.run_job(number), rival])
    outcomes = racing.race(lambda: next(acts)(), 2)
    assert outcomes == [None, None], outcomes
    assert len(work.done) == 1
    assert the_job().status == JobStatus.DONE


def test_12_workers_with_one_job_run_it_once(work: Work) -> None:
    enqueue_job()
    number = the_job().id
    racing.race(lambda: queue.run_job(number), 12)
    assert len(work.done) == 1


def test_a_slow_jobs_lease_is_renewed(work: Work) -> None:
    def slowly() -> None:
        Job.update(lease_until=shop_clock.real_now()).execute()
        leases.renew()
        assert the_job().lease_until > shop_clock.real_now() + timedelta(seconds=10)
        assert not racing.race(lambda: leases.claim(number), 1)[0]

    work.act = slowly
    enqueue_job()
    number = the_job().id
    queue.drain()
    assert (the_job().status, the_job().error) == (JobStatus.DONE, "")


def test_a_worker_that_lost_the_lease_does_not_decide_the_outcome(work: Work) -> None:
    def lose_it() -> None:
        work.act = lambda: None
        Job.update(lease_until=shop_clock.real_now() - timedelta(seconds=1)).execute()
        racing.race(lambda: queue.run_job(number), 1)
        fail()

    work.act = lose_it
    enqueue_job()
    number = the_job().id
    queue.run_job(number)
    assert len(work.done) == 2, "at least once: the rival could not know"
    assert (the_job().status, the_job().error) == (JobStatus.DONE, "")
    assert work.given_up == []


def expire_the_lease() -> None:
    """Let a stalled worker's lease expire."""
    Job.update(lease_until=shop_clock.real_now() - timedelta(seconds=1)).execute()


def put_off() -> None:
    """Ask to be run later, as an act of a handler."""
    raise queue.Later(timedelta(minutes=1))


def lose_it_for_good(work: Work) -> None:
    """Have another worker take the job whose lease expired, and fail it for the last time."""
    work.act = fail
    Job.update(attempts=2).execute()
    expire_the_lease()
    racing.race(lambda: queue.run_job(the_job().id), 1)
    assert the_job().status == JobStatus.FAILED


@pytest.mark.parametrize("wake", [lambda: None, fail, put_off], ids=["done", "fails", "later"])
def test_a_worker_stalled_since_before_a_restart_does_not_end_the_next_run(
    work: Work, wake: Callable[[], None]
) -> None:
    def stall() -> None:
        lose_it_for_good(work)
        assert queue.restart("one")
        runs.extend(racing.race(lambda: leases.claim(number), 1))
        work.given_up.clear()
        wake()

    runs: list[Job] = []
    work.act = stall
    enqueue_job()
    number = the_job().id
    queue.run_job(number)
    assert (the_job().status, the_job().attempts, the_job().error) == (JobStatus.RUNNING, 1, "")
    assert work.given_up == []
    assert leases.release(runs[0], JobStatus.DONE), "the next run can end it"


def test_a_worker_that_lost_the_lease_does_not_renew_that_of_the_next_run(work: Work) -> None:
    def stall() -> None:
        expire_the_lease()
        racing.race(lambda: leases.claim(number), 1)
        expire_the_lease()
        leases.renew()
        assert leases.sweep() == 1

    work.act = stall
    enqueue_job()
    number = the_job().id
    queue.run_job(number)
    assert (the_job().status, the_job().error) == (JobStatus.QUEUED, "")


def test_a_stalled_run_that_ends_leaves_the_lease_of_the_next_one_renewed(work: Work) -> None:
    next_began, stalled_ended = threading.Event(), threading.Event()

    def outlive_the_stalled() -> None:
        next_began.set()
        assert stalled_ended.wait(timeout=patience.STUCK)
        expire_the_lease()
        leases.renew()
        assert leases.sweep() == 0

    def stall() -> None:
        work.act = outlive_the_stalled
        expire_the_lease()
        next_run.start()
        assert next_began.wait(timeout=patience.STUCK)

    work.act = stall
    enqueue_job()
    number = the_job().id
    next_run = threading.Thread(target=queue.run_job, args=(number,))
    queue.run_job(number)
    stalled_ended.set()
    next_run.join(timeout=patience.STUCK)
    assert (the_job().status, the_job().error) == (JobStatus.DONE, "")


def test_a_job_that_kills_its_workers_is_given_up(work: Work) -> None:
    enqueue_job()
    for _ in range(3 + queue.MAX_WORKER_DEATHS):
        die_holding(the_job())
    queue.run_job(the_job().id)
    assert work.done == []
    assert the_job().status == JobStatus.FAILED
    assert "died" in work.given_up[0]["reason"]


# --- Taking jobs ---------------------------------------------------------------------------------


def test_of_four_workers_one_queues_a_dead_workers_job_again(work: Work) -> None:
    for number in range(10):
        enqueue_job(f"job {number}")
    for job in list(Job.select()):
        die_holding(job)
    assert sum(racing.race(leases.sweep, 4)) == waiting() == 10


def test_four_threads_take_each_job_once(work: Work) -> None:
    for number in range(20):
        enqueue_job(f"job {number}", number=number)

    def take_all() -> int:
        return sum(iter(queue.run_next, False))

    assert sum(racing.race(take_all, 4)) == 20
    assert sorted(payload["number"] for payload in work.done) == list(range(20))


def test_control_without_compare_and_set_jobs_run_twice(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(job_id: int) -> Job:
        Job.update(status=JobStatus.RUNNING, attempts=1).where(Job.id == job_id).execute()
        return Job.get_by_id(job_id)

    seen, inner = threading.Barrier(4), priorities.due_jobs

    def look_together(limit: int) -> list[int]:
        found = inner(limit)
        seen.wait(timeout=patience.STUCK)
        return found

    monkeypatch.setattr(leases, "claim", careless)
    monkeypatch.setattr(priorities, "due_jobs", look_together)
    enqueue_job()
    racing.race(queue.run_next, 4)
    assert len(work.done) == 4
