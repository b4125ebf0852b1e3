"""Workers killed during renewals: every group is still charged once."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from models import Account, Invoice, Job, JobStatus, Letter, Order, Reminder, Renewal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.payments import payments
from shop.sandbox_link import switches
from shop.settings import Settings
from tests.support import processes, purchases
from tests.support.parties import Provider

pytestmark = pytest.mark.waits

GROUPS = 24
KILLS = 2


def is_done() -> bool:
    """Return whether every group is renewed and its payment requested."""
    return Reminder.select().where(Reminder.failed_at.is_null(False)).count() == GROUPS


def is_renewing() -> bool:
    """Return whether a worker is in the middle of the renewals."""
    return 0 < Renewal.select().count() < GROUPS or is_done()


def test_renewals_survive_workers_killed_again_and_again(
    app: Flask, alice: Account, provider: Provider, settings: Settings, tmp_path: Path
) -> None:
    for _ in range(GROUPS):
        payments.record_manual_payment(
            purchases.place(alice, purchases.basket(business=1)), by="operator"
        )
    queue.drain()
    assert Order.select().where(Order.status == "delivered").count() == GROUPS
    switches.switch(switches.CLOCK, str(timedelta(days=32).total_seconds()))
    environment = processes.environment_of(settings, tmp_path)
    for _ in range(KILLS):
        with processes.worker_runs(environment) as worker:
            processes.runs_until(worker, is_renewing)
            processes.runs_for(worker, random.uniform(0.0, 0.3))
            processes.kill(worker)
    with processes.worker_runs(environment) as worker:
        processes.runs_until(worker, is_done)
    assert Renewal.select().count() == GROUPS
    assert Letter.select().where(Letter.kind == "payment_failed").count() == GROUPS
    numbers = [row.number.rpartition("-") for row in Invoice.select().order_by(Invoice.id)]
    assert len(numbers) == 2 * GROUPS
    for year in {year for year, _, _ in numbers}:  # two of them where a new year has begun
        of_year = [int(number) for found, _, number in numbers if found == year]
        assert of_year == list(range(1, len(of_year) + 1))
    assert list(ledger_proof.find_faults()) == []
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]
