"""A worker killed at any moment delays jobs, and neither loses nor repeats their effects."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from models import (
    Account,
    GroupStatus,
    Invoice,
    Job,
    JobStatus,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Seat,
)
from shop import clock as shop_clock
from shop.invoicing import ledger_proof
from shop.payments import payments
from shop.settings import Settings
from tests.support import processes, purchases

pytestmark = pytest.mark.waits

ORDERS = 200
KILLS = 10


@pytest.fixture
def environment(app: Flask, settings: Settings, tmp_path: Path) -> dict[str, str]:
    """Variables for the worker and the sandbox of this test."""
    return processes.environment_of(settings, tmp_path)


@pytest.fixture
def sandbox(environment: dict[str, str]) -> Iterator[None]:
    """The sandbox's Office provider."""
    with processes.sandbox_runs(environment):
        yield


def is_done() -> bool:
    """Return whether every order is delivered and every due e-mail sent."""
    undelivered = Order.select().where(Order.status != OrderStatus.DELIVERED).exists()
    unwritten = Letter.select().where(Letter.status == "queued").exists()
    return not undelivered and not unwritten


def is_at_work() -> bool:
    """Return whether a living worker holds a job, or no job is left."""
    just_taken = Job.lease_until > shop_clock.real_now() + timedelta(seconds=1)
    return Job.select().where(Job.status == JobStatus.RUNNING, just_taken).exists() or is_done()


def test_200_orders_survive_a_worker_killed_again_and_again(
    alice: Account,
    environment: dict[str, str],
    sandbox: None,
    request: pytest.FixtureRequest,
) -> None:
    # The large number is tested on SQLite alone; that a kill loses nothing, on both databases.
    number = 80 if request.config.getoption("postgresql") else ORDERS
    sizes = [random.randint(1, 5) for _ in range(number)]
    for size in sizes:
        payments.record_manual_payment(
            purchases.place(alice, purchases.basket(business=size)), by="operator"
        )
    abandoned = 0
    for _ in range(KILLS):
        with processes.worker_runs(environment) as worker:
            processes.runs_until(worker, is_at_work)
            processes.runs_for(worker, random.uniform(0.0, 1.5))
            processes.kill(worker)
        abandoned += Job.select().where(Job.status == JobStatus.RUNNING).count()
    assert abandoned, "no kill hit a running job: this run proves nothing"

    with processes.worker_runs(environment) as worker:
        processes.runs_until(worker, is_done)

    assert Counter(row.status for row in Order.select()) == {OrderStatus.DELIVERED: number}
    groups = LicenceGroup.select()
    assert Counter(row.status for row in groups) == {GroupStatus.INSTALLED: number}
    assert sorted(row.places_taken for row in groups) == sorted(sizes)
    assert Seat.select().count() == sum(sizes)
    assert Counter(row.status for row in Payment.select()) == {"succeeded": number}
    letters = Counter(row.kind for row in Letter.select())
    assert letters == {
        "account_created": 1,
        "order_placed": number,
        "payment_received": number,
        "service_installed": number,
        "invoice_issued": number,
    }
    numbers = sorted(int(row.number[-6:]) for row in Invoice.select())
    assert numbers == list(range(1, number + 1))
    assert list(ledger_proof.find_faults()) == []
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]
