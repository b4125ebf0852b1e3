"""Workers killed while they read the bank's payouts: each line is still kept once."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from models import Account, Job, JobStatus, Payment, Payout, PayoutLine
from sandbox import create_sandbox
from sandbox.bank import checkouts
from sandbox.bank.ledger import book_payment
from sandbox.bank.models import Checkout, Movement
from sandbox.database import database as bank_books
from shop import clock
from shop.invoicing import ledger_proof
from shop.settings import Settings
from tests.sandbox.conftest import checkout_body
from tests.support import billing, processes
from tests.support.parties import Bank

pytestmark = [pytest.mark.waits, pytest.mark.usefixtures("provider")]

DAYS, A_DAY, KILLS = 20, 2, 2


def take_money(payments: list[Payment], environment: dict[str, str]) -> None:
    """Let the sandbox bank take the payments on as many days as there are, the last one today."""
    app = create_sandbox(environment)
    wanted = {name: value for name, value in checkout_body().items() if name != "reference"}
    with app.app_context(), bank_books.connection_context():
        for number, payment in enumerate(payments):
            made = checkouts.open_checkout(
                f"order-{number}",
                wanted | {"merchant_reference": "x", "amount_cents": payment.amount_cents},
            )
            book_payment(Checkout.get_by_id(made.reference))
            before = 86_400 * (number // A_DAY + 3)
            Movement.update(at=Movement.at - before).where(
                Movement.source == made.reference
            ).execute()
            Payment.update(
                checkout=made.reference, settled_at=clock.now() - timedelta(seconds=before)
            ).where(Payment.id == payment.id).execute()
    bank_books.close_all()


def read_payouts() -> int:
    return Payout.select().where(Payout.read_at.is_null(False)).count()


def is_reading() -> bool:
    """Return whether a worker is in the middle of the payouts."""
    return read_payouts() > 0


def is_done() -> bool:
    return read_payouts() == DAYS


def test_payouts_survive_workers_killed_again_and_again(
    alice: Account, bank: Bank, settings: Settings, tmp_path: Path
) -> None:
    payments = [billing.pay(billing.due(alice), bank) for _ in range(DAYS * A_DAY)]
    environment = processes.environment_of(settings, tmp_path)
    take_money(payments, environment)
    with processes.sandbox_runs(environment):
        for _ in range(KILLS):
            with processes.worker_runs(environment) as worker:
                processes.runs_until(worker, is_reading)
                processes.runs_for(worker, random.uniform(0.0, 0.1))
                processes.kill(worker)
        with processes.worker_runs(environment) as worker:
            processes.runs_until(worker, is_done)
    assert Payout.select().count() == DAYS
    assert all(row.is_read and not row.open_lines for row in Payout.select())
    assert all(row.is_automatic and row.line_count == A_DAY for row in Payout.select())
    assert PayoutLine.select().count() == len(payments)
    assert list(ledger_proof.find_faults()) == []
    failed = list(Job.select().where(Job.status == JobStatus.FAILED))
    assert not failed, [(job.key, job.error) for job in failed]
