"""Jobs: who goes first, and what becomes of those that nobody holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine

from models import Account, Job, JobStatus
from shop import jobs
from tests import orders
from tests.parties import Bank


@pytest.fixture
def queued(app: object) -> Callable[[], list[str]]:
    """Take everything from the queue: the kinds of jobs, in the order in which workers get them."""

    def taken() -> Iterator[str]:
        while (message := jobs.connected().dequeue()) is not None:
            yield Job.get_by_id(message.args[0]).kind

    return lambda: list(taken())


def test_an_installation_goes_before_the_letters_that_waited_longer(
    alice: Account, bank: Bank, queued: Callable[[], list[str]]
) -> None:
    orders.pay(orders.place(alice), bank)
    kinds = queued()
    assert kinds[0] == "deliver_order"
    assert kinds[1:] == ["send_letter"] * 3
    assert queued() == []


def test_what_is_swept_up_keeps_its_place(
    clock: time_machine.Traveller,
    alice: Account,
    bank: Bank,
    queued: Callable[[], list[str]],
) -> None:
    orders.pay(orders.place(alice), bank)
    assert len(queued()) == 4
    clock.shift(jobs.REDISPATCH + timedelta(seconds=1))
    assert jobs.sweep() == 4
    assert queued() == ["deliver_order"] + ["send_letter"] * 3


def test_a_message_is_repeated_only_when_it_seems_lost(
    clock: time_machine.Traveller,
    alice: Account,
    queued: Callable[[], list[str]],
) -> None:
    assert queued() == ["send_letter"]
    assert jobs.sweep() == 0
    clock.shift(jobs.REDISPATCH + timedelta(seconds=1))
    assert [jobs.sweep(), jobs.sweep()] == [1, 0]
    assert queued() == ["send_letter"]


def test_a_job_whose_worker_died_is_handed_out_when_its_lease_is_over(
    clock: time_machine.Traveller, alice: Account, queued: Callable[[], list[str]]
) -> None:
    assert queued() == ["send_letter"]
    job = Job.get(Job.kind == "send_letter")
    assert jobs._claim(job.id) is not None
    clock.shift(jobs.lease() - timedelta(seconds=1))
    assert jobs.sweep() == 0
    clock.shift(timedelta(seconds=2))
    assert jobs.sweep() == 1
    jobs.run(job.id)
    assert Job.get_by_id(job.id).status == JobStatus.DONE
