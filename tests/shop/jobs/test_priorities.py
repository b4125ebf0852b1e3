"""Priorities: which of the waiting jobs is taken next."""

from __future__ import annotations

from datetime import timedelta

import time_machine

from models import Job
from shop import clock as shop_clock
from shop.jobs import priorities, queue
from shop.jobs.priorities import Priority
from tests.support.work import KIND, Work, enqueue_job


def waiting_keys() -> list[str]:
    """Return the keys of the waiting jobs in the order in which workers take them."""
    return [Job.get_by_id(number).key for number in priorities.due_jobs(100)]


def test_awaited_jobs_run_before_bulk_jobs(work: Work) -> None:
    for priority in (Priority.BULK, Priority.USUAL, Priority.AWAITED):
        queue.enqueue(KIND, f"{priority.name} 1", priority=priority)
        queue.enqueue(KIND, f"{priority.name} 2", priority=priority)
    expected = ["AWAITED 1", "AWAITED 2", "USUAL 1", "USUAL 2", "BULK 1", "BULK 2"]
    assert waiting_keys() == expected
    assert [Job.get_by_id(number).key for number in priorities.due_jobs(2)] == expected[:2]


def test_jobs_that_wait_for_later_hide_none_that_is_due(
    work: Work, clock: time_machine.Traveller
) -> None:
    later = shop_clock.now() + timedelta(days=14)
    for number in range(30):
        queue.enqueue(KIND, f"later {number}", run_at=later, priority=Priority.AWAITED)
    enqueue_job("due")
    assert waiting_keys() == ["due"]
    clock.shift(timedelta(days=15))
    assert len(waiting_keys()) == 31


def test_a_job_of_a_priority_that_is_not_known_is_run_last(work: Work) -> None:
    queue.enqueue(KIND, "of a newer version", priority=7)
    enqueue_job("known")
    queue.enqueue(KIND, "known, of bulk", priority=Priority.BULK)
    keys = ["known", "known, of bulk", "of a newer version"]
    assert waiting_keys() == keys
    assert [Job.get_by_id(number).key for number in priorities.due_jobs(1)] == keys[:1]
    assert queue.drain() == 3


def test_drain_takes_jobs_in_the_order_of_a_worker(work: Work) -> None:
    for priority in (Priority.BULK, Priority.USUAL, Priority.AWAITED):
        queue.enqueue(KIND, priority.name, priority=priority, number=priority.name)
    work.act = lambda: queue.enqueue(KIND, "new", priority=Priority.PAID, number="new")
    queue.drain()
    assert [payload["number"] for payload in work.done] == ["AWAITED", "new", "USUAL", "BULK"]
