"""Leases: a job runs at least once, never twice at once, even if workers die."""

from __future__ import annotations

import pickle
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from huey.contrib.sql_huey import SqlHuey
from huey.serializer import Serializer, SignedSerializer

from models import Job, JobStatus
from shop import clock as shop_clock
from shop.jobs import queue
from shop.jobs.queue import Priority
from tests.support import patience, racing
from tests.support.work import KIND, Work, ask, fail, lose_messages, messages, the_job

pytestmark = pytest.mark.every_case

# --- Leases ------------------------------------------------------------------------------------


def die_holding(job: Job) -> None:
    """Put a job in the state a killed worker leaves: running, with an expired lease."""
    long_ago = shop_clock.real_now() - timedelta(minutes=5)
    Job.update(
        status=JobStatus.RUNNING, attempts=Job.attempts + 1, lease_until=long_ago,
        dispatched_at=long_ago - timedelta(minutes=1),
    ).where(Job.id == job.id).execute()  # fmt: skip


def test_a_job_whose_worker_died_is_run_again(work: Work) -> None:
    ask()
    die_holding(the_job())
    assert queue.sweep() == 1
    queue.run_job(the_job().id)
    assert len(work.done) == 1
    assert the_job().status == JobStatus.DONE


def test_a_job_is_not_run_twice_at_once(work: Work) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        assert may_end.wait(timeout=patience.STUCK)

    work.act = slowly
    ask()
    number = the_job().id

    def rival() -> None:
        assert begun.wait(timeout=patience.STUCK)
        for _ in range(5):
            queue.run_job(number)
        assert queue.sweep() == 0
        may_end.set()

    acts = iter([lambda: queue.run_job(number), rival])
    outcomes = racing.race(lambda: next(acts)(), 2)
    assert outcomes == [None, None], outcomes
    assert len(work.done) == 1
    assert the_job().status == JobStatus.DONE


def test_12_workers_with_one_message_run_it_once(work: Work) -> None:
    ask()
    number = the_job().id
    racing.race(lambda: queue.run_job(number), 12)
    assert len(work.done) == 1


def test_a_slow_jobs_lease_is_renewed(work: Work) -> None:
    def slowly() -> None:
        Job.update(lease_until=shop_clock.real_now()).execute()
        queue.renew_leases()
        assert the_job().lease_until > shop_clock.real_now() + timedelta(seconds=10)
        assert not racing.race(lambda: queue._claim(number), 1)[0]

    work.act = slowly
    ask()
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
    ask()
    number = the_job().id
    queue.run_job(number)
    assert len(work.done) == 2, "at least once: the rival could not know"
    assert (the_job().status, the_job().error) == (JobStatus.DONE, "")
    assert work.given_up == []


def test_a_job_that_kills_its_workers_is_given_up(work: Work) -> None:
    ask()
    for _ in range(3 + queue.MAX_WORKER_DEATHS):
        die_holding(the_job())
    queue.run_job(the_job().id)
    assert work.done == []
    assert the_job().status == JobStatus.FAILED
    assert "died" in work.given_up[0]["reason"]


# --- Dispatching overdue jobs --------------------------------------------------------------------


def sweep_at_once(monkeypatch: pytest.MonkeyPatch, workers: int) -> list[Any]:
    """Sweep with several workers that have all selected before the first one updates."""
    look, seen = queue.due_jobs, threading.Barrier(workers)

    def look_together(limit: int = queue.BATCH) -> list[Job]:
        found = look(limit)
        seen.wait(timeout=patience.STUCK)
        return found

    monkeypatch.setattr(queue, "due_jobs", look_together)
    return racing.race(queue.sweep, workers)


@pytest.mark.parametrize("dead", [False, True])
def test_of_four_workers_one_dispatches_each_job(
    work: Work, monkeypatch: pytest.MonkeyPatch, dead: bool
) -> None:
    for number in range(10):
        ask(f"job {number}")
    for job in Job.select():
        if dead:
            die_holding(job)
    Job.update(dispatched_at=shop_clock.real_now() - timedelta(minutes=10)).execute()
    lose_messages()
    dispatched = sweep_at_once(monkeypatch, 4)
    assert sum(dispatched) == messages() == 10


def test_a_lost_message_delays_and_loses_nothing(work: Work, clock: time_machine.Traveller) -> None:
    ask()
    lose_messages()
    assert queue.sweep() == 0, "it may only be slow"
    clock.shift(queue.REDISPATCH + timedelta(seconds=1))
    assert queue.sweep() == 1
    assert queue.sweep() == 0
    assert messages() == 1


def test_a_long_queue_gets_no_duplicate_messages(work: Work, clock: time_machine.Traveller) -> None:
    for number in range(queue.LONG_QUEUE):
        ask(f"job {number}")
    dead = Job.select().first()
    for _ in range(3):
        clock.shift(queue.REDISPATCH + timedelta(seconds=1))
        assert queue.sweep() == 0
    die_holding(dead)
    assert queue.sweep() == 1, "its message was taken by the worker that died"
    assert messages() == queue.LONG_QUEUE + 1
    lose_messages()
    clock.shift(queue.REDISPATCH + timedelta(seconds=1))
    assert queue.sweep() == queue.LONG_QUEUE


def waiting_keys() -> list[str]:
    """Return the keys of the waiting jobs in the order in which workers take them."""
    return [Job.get_by_id(message.args[0]).key for message in queue.huey().pending()]


def test_awaited_jobs_run_before_bulk_jobs(work: Work, clock: time_machine.Traveller) -> None:
    for priority in (Priority.BULK, Priority.USUAL, Priority.AWAITED):
        queue.enqueue(KIND, f"{priority.name} 1", priority=priority)
        queue.enqueue(KIND, f"{priority.name} 2", priority=priority)
    expected = ["AWAITED 1", "AWAITED 2", "USUAL 1", "USUAL 2", "BULK 1", "BULK 2"]
    assert waiting_keys() == expected
    lose_messages()
    clock.shift(queue.REDISPATCH + timedelta(seconds=1))
    assert [Job.get_by_id(job.id).key for job in queue.due_jobs(limit=2)] == expected[:2]
    queue.sweep()
    assert waiting_keys() == expected


def test_drain_takes_jobs_in_the_order_of_a_worker(work: Work) -> None:
    for priority in (Priority.BULK, Priority.USUAL, Priority.AWAITED):
        queue.enqueue(KIND, priority.name, priority=priority, number=priority.name)
    work.act = lambda: queue.enqueue(KIND, "new", priority=Priority.PAID, number="new")
    queue.drain()
    assert [payload["number"] for payload in work.done] == ["AWAITED", "new", "USUAL", "BULK"]


def test_a_dead_workers_job_is_not_dispatched_every_second(
    work: Work, clock: time_machine.Traveller
) -> None:
    ask()
    die_holding(the_job())
    lose_messages()
    assert [queue.sweep() for _ in range(3)] == [1, 0, 0]
    clock.shift(queue.REDISPATCH + timedelta(seconds=1))
    assert queue.sweep() == 1


def test_jobs_that_ask_for_each_other_for_ever_are_noticed(work: Work) -> None:
    def again() -> None:
        raise queue.Later(timedelta(0))

    work.act = again
    ask()
    with pytest.raises(RuntimeError, match="for ever"):
        queue.drain(limit=20)


def test_finished_jobs_are_forgotten_and_failed_ones_kept(
    work: Work, clock: time_machine.Traveller
) -> None:
    ask("done")
    queue.drain()
    ask("failed")
    Job.update(status=JobStatus.FAILED).where(Job.key == "failed").execute()
    clock.shift(timedelta(days=100))
    assert queue.delete_finished(shop_clock.now() - timedelta(days=90)) == 1
    assert [job.key for job in Job.select()] == ["failed"]


# --- Messages ----------------------------------------------------------------------------------


class Trap:
    """A pickle that runs code when a worker loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "serializer", [Serializer(), SignedSerializer(secret="another secret", salt="jobs")]
)
def test_a_forged_message_is_not_unpickled(
    work: Work, serializer: Serializer, tmp_path: Path
) -> None:
    huey, sprung = queue.huey(), tmp_path / "sprung"
    huey.storage.enqueue(serializer.serialize(Trap(sprung)))
    ask()
    with pytest.raises(ValueError, match=r"[Ss]ignature|Separator"):
        huey.dequeue()
    assert not sprung.exists()
    take_message(huey)
    assert the_job().status == JobStatus.DONE, "and the next message is taken"


def test_control_without_a_signature_the_forged_job_would_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    pickle.loads(Serializer().serialize(Trap(sprung)))
    assert sprung.exists()


def take_message(huey: SqlHuey) -> None:
    """Take one message from the queue and run its task, as a worker does."""
    huey.execute(huey.dequeue())
