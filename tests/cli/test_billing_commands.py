"""Billing by the operator's commands and the worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from models import (
    Account,
    Attach,
    Card,
    Job,
    JobStatus,
    Letter,
    Order,
    OrderStatus,
    Renewal,
    Subscription,
)
from shop import clock
from shop.clock import midnight
from shop.errors import PartyRejected, Refusal
from shop.jobs import queue
from shop.operations import worker
from shop.orders import orders
from shop.payments import mandates
from shop.pricing import periods
from shop.sandbox_link import switches, test_points
from shop.subscriptions import renewals, subscriptions
from tests.support import billing, exchange, groups, purchases, running
from tests.support.parties import Bank, Provider


def test_the_operators_preview_is_what_the_run_then_charges(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    renews_on = running.subscription_of(group).renews_on
    assert renews_on is not None
    run = app.test_cli_runner().invoke
    early = run(args=["billing", "preview", str(renews_on - timedelta(days=1))])
    assert "0 renewals" in early.output
    shown = run(args=["billing", "preview", str(renews_on)])
    assert group.name in shown.output
    assert "1 renewals, 26.40 EUR excl. VAT, 31.68 EUR incl. VAT" in shown.output
    wait = midnight(renews_on) - clock.now() + timedelta(minutes=1)
    switches.switch(switches.CLOCK, str((clock.now() - clock.real_now() + wait).total_seconds()))
    test_points.follow_clock()
    until = ["billing", "run", "--until", str(renews_on)]
    assert run(args=until).output == "1 renewed, 0 ended, 0 failed.\n"
    assert run(args=until).output == "0 renewed, 0 ended, 0 failed.\n"
    assert Renewal.get().invoice.total_cents == 3168


def test_one_group_that_cannot_be_renewed_keeps_no_other_from_it(
    alice: Account, bob: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = running.delivered(alice, bank), running.delivered(bob, bank)
    opening = renewals.period_billing.open_next

    def fail(subscription: Subscription) -> None:
        if subscription.group_id == broken.id:
            raise ValueError("ink ran out")
        opening(subscription)

    monkeypatch.setattr(renewals.period_billing, "open_next", fail)
    wait = midnight(running.subscription_of(sound).period_end) - clock.now()
    switches.switch(switches.CLOCK, str((wait + timedelta(minutes=1)).total_seconds()))
    test_points.follow_clock()
    assert vars(renewals.run_renewals()) == {"renewed": 1, "ended": 0, "failed": 1}
    monkeypatch.undo()
    assert vars(renewals.run_renewals()) == {"renewed": 1, "ended": 0, "failed": 0}


def test_the_operator_changes_prices(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    done = run(args=["prices", "set", "business", "990", "--from", "2999-01-01"])
    assert "9.90 EUR a month from 2999-01-01" in done.output
    assert "9.90 EUR from 2999-01-01" in run(args=["prices", "list"]).output
    back = ["prices", "take-back", "business", "--from", "2999-01-01", "--reason", "Too dear"]
    assert "is taken back" in run(args=back).output
    assert run(args=back).exit_code == 1
    assert "2999" not in run(args=["prices", "list"]).output
    assert run(args=["prices", "set", "none", "990", "--from", "2999-01-01"]).exit_code == 2


def test_groups_from_before_there_were_subscriptions_get_theirs_once(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    Subscription.delete().execute()
    running.pass_time(timedelta(days=100))
    assert subscriptions.start_missing() == 1
    assert subscriptions.start_missing() == 0
    begun = running.subscription_of(group)
    assert begun.period_start <= clock.today() < begun.period_end
    assert begun.anchor == periods.anchor_of(group.installed_at)
    assert not Renewal.select().exists()


def test_the_worker_asks_for_a_run_every_hour_and_only_once(app: Flask) -> None:
    for _ in range(3):
        renewals.queue_runs()
        renewals.queued().clear()
    assert Job.select().where(Job.kind == "billing_run").count() == 1
    running.pass_time(timedelta(hours=1))
    renewals.queue_runs()
    assert Job.select().where(Job.kind == "billing_run").count() == 2
    queue.drain()
    assert not Job.select().where(Job.status == "failed").exists()


def test_a_worker_queues_the_runs_again_after_its_database_was_restored(app: Flask) -> None:
    renewals.queue_runs()
    Job.delete().execute()
    worker._tick(600)
    assert Job.select().where(Job.kind == "billing_run").count() == 1


def test_the_month_of_office_attach_is_free_and_then_charged(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    Subscription.delete().execute()
    order = group.line.order
    Attach.create(
        service=exchange.service(alice), order=order, licences=3, unit_price_cents=880,
        renewal_accepted_at=clock.now(),
    )  # fmt: skip
    begun = subscriptions.start_delivered(groups.fresh(group), order)
    assert begun.free_until == begun.period_end
    free_until = midnight(begun.period_end)
    running.pass_time(free_until - clock.now() - timedelta(days=7, minutes=1))
    assert not Letter.select().where(Letter.kind == "free_period_ending").exists()
    running.pass_time(timedelta(minutes=2))
    assert Letter.select().where(Letter.kind == "free_period_ending").count() == 1
    running.to_renewal(group)
    assert Renewal.get().invoice.net_cents == 3 * 880


def test_the_card_of_a_service_is_charged_whatever_card_is_newer(
    alice: Account, bob: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    chosen = mandates.card_of(running.subscription_of(group))
    assert chosen is not None
    running.delivered(alice, bank, card="0341")
    assert mandates.card_of(running.subscription_of(group)) == chosen
    newer = Card.get(Card.last4 == "0341")
    subscriptions.choose_card(running.subscription_of(group), newer, by="alice")
    assert mandates.card_of(running.subscription_of(group)) == newer
    other = running.delivered(bob, bank, card="0002")
    with pytest.raises(Refusal, match="not registered"):
        subscriptions.choose_card(running.subscription_of(other), chosen, by="alice")


# --- Money the bank refuses to give back ---------------------------------------------------------


def refuse_refunds(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def refund(*_: object) -> None:
        raise PartyRejected("the card was closed")

    monkeypatch.setattr(bank, "refund", refund)


def transferred(number: str) -> list[str]:
    """Return the command that records a transfer of today."""
    day = clock.today().isoformat()
    return ["billing", "mark-refunded", number, "--date", day, "--reference", "VIR-7"]


def test_a_credit_note_the_bank_refuses_is_paid_back_otherwise(
    app: Flask, alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = app.test_cli_runner().invoke
    running.delivered(alice, bank)
    refuse_refunds(bank, monkeypatch)
    note = billing.credit(billing.invoice_of(Order.get()))
    command = transferred(note.number)
    assert "still being asked" in run(args=command).output
    queue.drain()
    assert run(args=command).output == f"The money of {note.number} is given back.\n"
    assert groups.fresh(note).paid_at is not None
    assert "Nothing is to be refunded" in run(args=command).output
    billing.assert_balanced()


def test_a_payment_the_bank_refuses_to_give_back_goes_back_otherwise(
    app: Flask, alice: Account, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = app.test_cli_runner().invoke
    provider.failing = "No."
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    refuse_refunds(bank, monkeypatch)
    orders.refund_order(groups.fresh(order), by="operator")
    queue.drain()
    command = transferred(order.number)
    assert run(args=command).exit_code == 0
    assert groups.fresh(order).status == OrderStatus.REFUNDED
    assert Letter.select().where(Letter.kind == "payment_refunded").exists()
    assert run(args=command).exit_code == 1
    billing.assert_balanced()


def test_what_a_silent_bank_was_asked_for_is_paid_back_otherwise_once_the_shop_gives_up(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    run = app.test_cli_runner().invoke
    running.delivered(alice, bank)
    note = billing.credit(billing.invoice_of(Order.get()))
    bank.silent = True
    for _ in range(60):
        running.pass_time(timedelta(hours=6))
    bank.silent = False
    assert Job.get(Job.kind == "send_refund").status == JobStatus.FAILED
    assert run(args=transferred(note.number)).exit_code == 0
    assert groups.fresh(note).paid_at is not None
    assert bank.refunds == {}
    billing.assert_balanced()


def test_nothing_unknown_is_given_back(app: Flask) -> None:
    said = app.test_cli_runner().invoke(args=transferred("AV2026-000009"))
    assert "There is no credit note, invoice or order AV2026-000009." in said.output
