"""Concurrent renewals: one period, one invoice, one charge (lessons 3 and 11)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import Account, Invoice, Letter, LicenceGroup, Payment, Reminder, Renewal, database
from shop import clock, mail
from shop.clock import midnight
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.payments import outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.sandbox_link import switches, test_points
from shop.subscriptions import dunning, period_billing, renewals, terminations
from tests.support import letters, purchases, racing, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider


def due(group: LicenceGroup) -> None:
    """Move the clock to the next renewal without running it."""
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    wait = midnight(renews_on) - clock.now() + timedelta(minutes=1)
    switches.switch(switches.CLOCK, str((clock.now() - clock.real_now() + wait).total_seconds()))
    test_points.follow_clock()


def on_time(act: Callable[[], Any]) -> Callable[[], Any]:
    """Return ``act`` with the sandbox's clock, which each thread sets for itself."""

    def run() -> Any:
        test_points.follow_clock()
        return act()

    return run


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group whose renewal is due."""
    group = running.delivered(alice, bank)
    due(group)
    return group


def test_four_workers_run_the_month_once(group: LicenceGroup, bank: Bank) -> None:
    with racing.all_meet_at("renewals.renew", 4):
        reports = racing.race(on_time(renewals.run_renewals), 4)
    assert sorted(report.renewed for report in reports) == [0, 0, 0, 1]
    assert [report.failed for report in reports] == [0, 0, 0, 0]
    assert Renewal.select().count() == 1
    again = racing.race(on_time(renewals.run_renewals), 4)
    assert [vars(report) for report in again] == [{"renewed": 0, "ended": 0, "failed": 0}] * 4


def test_without_the_guards_the_month_would_be_charged_more_than_once(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: the same race with the row neither locked nor compared."""
    read = running.subscription_of(group)
    monkeypatch.setattr(renewals, "lock", lambda row: fresh_as(read))
    for index in ("renewal_group_id_period_start", "invoice_one_of_period"):
        database.execute_sql(f'DROP INDEX "{index}"')
    try:
        with racing.all_meet_at("renewals.renew", 4):
            racing.race(on_time(renewals.run_renewals), 4)
        assert Renewal.select().count() > 1
    finally:
        for table in ("renewal", "ledger_entry", "invoice_line", "place_proof"):
            database.execute_sql(f'DELETE FROM "{table}"')
        database.execute_sql('DELETE FROM "invoice" WHERE order_id IS NULL')
        database.execute_sql(
            'CREATE UNIQUE INDEX "renewal_group_id_period_start" '
            'ON "renewal" ("group_id", "period_start")'
        )
        database.execute_sql(
            'CREATE UNIQUE INDEX "invoice_one_of_period" ON "invoice" ("group_id", "period_start") '
            "WHERE kind = 'invoice' AND period_start IS NOT NULL"
        )


def fresh_as(row: Any) -> Any:
    """Return a stale copy of a row, as careless code would use it."""
    return type(row)(**row.__data__)


def test_five_notifications_and_five_runs_extend_one_period(
    group: LicenceGroup, bank: Bank
) -> None:
    invoice_of = period_billing.bill_ahead(running.subscription_of(group))
    payment = payments.start_payment(
        invoice_of, store_card=False, base_url=purchases.BASE, by="alice"
    )
    told = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    turns = iter(range(10))

    def act() -> Any:
        test_points.follow_clock()
        if next(turns) % 2:
            return outcomes.CHECKOUTS.settle(fresh(payment), told)
        return renewals.run_renewals()

    results = racing.race(act, 10)
    assert not [outcome for outcome in results if isinstance(outcome, Exception)]
    for _ in range(3):
        renewals.run_renewals()
        queue.drain()
    renewal = Renewal.get()
    assert Renewal.select().count() == 1
    assert running.subscription_of(group).period_end == renewal.period_end
    paid = Payment.select().where(Payment.invoice == renewal.invoice, Payment.status == "succeeded")
    assert paid.count() == 1
    assert bank.balance() == 2 * renewal.invoice.total_cents
    assert list(ledger_proof.find_faults()) == []


def test_one_stage_sends_one_letter_and_one_charge(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="0341")
    due(group)
    renewals.run_renewals()
    invoice = services_owed(group)
    with racing.all_meet_at("dunning.attempt", 4):
        racing.race(on_time(lambda: dunning.collect_invoice(invoice.id, 0)), 4)
    queue.drain()
    assert Reminder.select().where(Reminder.invoice == invoice).count() == 1
    assert Letter.select().where(Letter.kind == "payment_failed").count() == 1
    assert len([name for name in bank.checkouts if name.startswith("charge")]) == 1


def services_owed(group: LicenceGroup) -> Invoice:
    """Return the invoice of a group's renewal."""
    return Invoice.get(Invoice.group == group)


def test_paying_twice_resumes_once(alice: Account, bank: Bank, provider: Provider) -> None:
    group = running.suspended(alice, bank)
    invoice = running.owed(group)
    results = racing.race(
        on_time(lambda: payments.record_manual_payment(invoice, by="operator")), 4
    )
    assert len([one for one in results if not isinstance(one, Exception)]) == 1
    queue.drain()
    assert Letter.select().where(Letter.kind == "service_resumed").count() == 1
    assert [key for key in provider.calls if key.startswith("resume")] == [
        f"resume-{group.name}-1-first"
    ]


def test_a_link_pressed_by_many_confirms_once(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    purchases.by_a_business(alice)
    terminations.request_termination(group, by="alice")
    token = token_of()
    results = racing.race(on_time(lambda: terminations.confirm(token)), 4)
    assert len([one for one in results if not isinstance(one, Exception)]) == 1
    assert Letter.select().where(Letter.kind == "termination_scheduled").count() == 1


def token_of() -> str:
    html = mail.html_of(Letter.get(Letter.kind == "termination_link"))
    return next(link for link in letters.links(html) if "/termination/" in link).rsplit("/", 1)[-1]


def test_renewing_and_terminating_at_once_end_in_one_of_both(
    group: LicenceGroup,
) -> None:
    turns = iter(range(2))

    def act() -> Any:
        test_points.follow_clock()
        return (
            renewals.run_renewals()
            if next(turns)
            else terminations.request_termination(group, by="alice")
        )

    racing.race(act, 2)
    renewals.run_renewals()
    subscription = running.subscription_of(group)
    if subscription.is_over:
        assert not Renewal.select().exists()
    else:
        assert Renewal.select().count() == 1
