"""Payments older than the invoices, and their migration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from peewee import Database, IntegrityError
from playhouse.migrations import Runner

import models
from models import Invoice, Job, LedgerEntry, Payment, Refund
from shop import database
from shop.invoicing import ledger_proof
from tests.migrations.test_migrated_rows import ACCOUNT, ORDER, THEN

pytestmark = pytest.mark.every_case

SETTLED = datetime(2026, 1, 15, 9, 40)

PAYMENTS = {
    "delivered": ["declined", "succeeded"],
    "delivery_failed": ["succeeded"],
    "refunded": ["refunded"],
    "cancelled": ["refund_due"],
    "awaiting_payment": ["closed", "open"],
    "expired": [],
}
"""One order of each status, with its payments of 31.68."""


@pytest.fixture
def after(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A database filled before the migration, migrated and checked."""
    opened = database.open_database(new_database("billed"))
    runner = Runner(opened, str(database.MIGRATIONS))
    runner.up("0021_usage")
    first = next(one for one in runner.migrations() if one.name == "0001_initial").load()
    with opened.bind_ctx([first.Account, first.Order, first.Payment, first.Job]):
        fill(first)
    runner.up()
    monkeypatch.setattr(ledger_proof, "database", opened)
    with opened.bind_ctx(models.all_tables()):
        yield opened
    opened.close()


def fill(first: Any) -> None:
    account = first.Account.create(**ACCOUNT)
    for number, (status, attempts) in enumerate(PAYMENTS.items(), start=1):
        told: dict[str, Any] = {"number": str(number), "status": status, "basket_key": f"b{number}"}
        if status == "delivered":
            told["delivered_at"] = SETTLED
        order = first.Order.create(account=account, **ORDER | told)
        if status == "awaiting_payment":
            first.Job.create(
                kind="expire_order", key=f"expire_order:{order.id}", status="queued", attempts=0,
                payload=json.dumps({"order": order.id}), run_at=SETTLED, error="", created_at=THEN,
            )  # fmt: skip
        for place, attempt in enumerate(attempts):
            first.Payment.create(
                order=order, status=attempt, method="card", key=f"{number}-{place}",
                amount_cents=3168, currency="EUR", store_card=False, checkout=f"{number}-{place}",
                checkout_url="", reason="", refund="", created_at=THEN,
                settled_at=None if attempt == "open" else SETTLED,
            )  # fmt: skip


def test_money_that_came_and_went_stands_in_the_ledger(after: Database) -> None:
    entries = LedgerEntry.select().order_by(LedgerEntry.kind, LedgerEntry.id)
    assert [(row.payment.key, row.kind, row.cents) for row in entries] == [
        ("1-1", "paid", -3168),
        ("2-0", "paid", -3168),
        ("3-0", "paid", -3168),
        ("4-0", "paid", -3168),
        ("3-0", "refunded", 3168),
    ]
    assert list(ledger_proof.find_faults()) == []


def test_refunds_made_and_due_are_kept(after: Database) -> None:
    (made,) = Refund.select()
    assert (made.payment.key, made.status, made.method, made.cents, made.key) == (
        "3-0", "succeeded", "card", 3168, "refund-3-0",
    )  # fmt: skip
    assert made.settled_at == SETTLED.replace(tzinfo=UTC)
    assert LedgerEntry.get(LedgerEntry.kind == "refunded").refund == made
    due = Payment.get(Payment.status == "refund_due")
    (job,) = Job.select().where(Job.kind == "refund_payment")
    assert (job.key, job.payload) == (f"refund_payment:{due.id}", {"payment": due.id})


def test_what_was_delivered_is_about_to_be_invoiced_and_nothing_else(after: Database) -> None:
    jobs = list(Job.select().where(Job.kind == "invoice_order"))
    assert [(job.key, job.payload, job.status) for job in jobs] == [
        ("invoice_order:1", {"order": 1}, "queued")
    ]
    ((payload,),) = after.execute_sql("SELECT payload FROM job WHERE kind = 'invoice_order'")
    assert json.loads(payload) == {"order": 1}
    assert not Invoice.select().exists()


def test_payments_from_before_stay_as_they_were(after: Database) -> None:
    found = [(row.key, row.status, row.amount_cents, row.order_id, row.invoice_id)
             for row in Payment.select().order_by(Payment.id)]  # fmt: skip
    assert found == [
        (f"{number}-{place}", attempt, 3168, number, None)
        for number, attempts in enumerate(PAYMENTS.values(), start=1)
        for place, attempt in enumerate(attempts)
    ]


def attempt(**changes: Any) -> None:
    told = {"key": "new", "amount_cents": 1, "created_at": THEN.replace(tzinfo=UTC)} | changes
    Payment.create(**told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": None},
        {"order": 5},  # one is under way
        {"order": 1, "status": "succeeded"},  # one has succeeded
        {"order": 1, "status": "paid"},
        {"order": 6, "method": "cash"},
        {"order": 6, "amount_cents": -1},
    ],
)
def test_their_rules_hold_after_the_migration(after: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), after.atomic():
        attempt(**wrong)
    attempt(order=6)


def test_an_order_or_an_invoice_is_paid_and_never_both(after: Database) -> None:
    invoice = Invoice.create(
        number="FA2026-000001", account=1, language="fr", customer={}, seller={}, net_cents=1,
        vat_cents=0, total_cents=1, vat_rate=0, vat_code="x",
        issued_at=THEN.replace(tzinfo=UTC), issued_on=THEN.date(), due_on=THEN.date(),
    )  # fmt: skip
    with pytest.raises(IntegrityError), after.atomic():
        attempt(order=6, invoice=invoice)
    attempt(invoice=invoice)
    with pytest.raises(IntegrityError), after.atomic():
        attempt(invoice=invoice, key="second")
