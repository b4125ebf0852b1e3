"""A bank that refuses the shop: nothing is said of a card, everything is asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from models import (
    Account,
    Card,
    CardSetup,
    CardSetupStatus,
    InvoiceStatus,
    Job,
    JobStatus,
    Letter,
    OrderStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Reminder,
    SubscriptionStatus,
)
from shop.errors import PartyRejected, Refusal, ShopRefused
from shop.jobs import queue
from shop.operations import monitoring
from shop.orders import orders
from shop.payments import card_setups, cards, gateways, outcomes
from shop.payments.gateway import CheckoutStatus, Mandate
from tests.support import billing, purchases, running
from tests.support.groups import fresh
from tests.support.parties import CARD, Bank, Provider

REFUSALS = [
    ShopRefused("the key was revoked", "api_key_expired"),
    ShopRefused("the account is blocked", "account_blocked"),
    PartyRejected("over the limit", "amount_too_large"),
    PartyRejected("there is no such checkout", "unknown_checkout"),
]


@pytest.fixture(params=REFUSALS, ids=lambda refusal: refusal.code)
def refusal(request: pytest.FixtureRequest) -> PartyRejected:
    """Each way to refuse the shop, in turn."""
    found: PartyRejected = request.param
    return found


def letters(kind: str) -> int:
    return Letter.select().where(Letter.kind == kind).count()


def test_a_renewal_waits_and_nobody_is_reminded(
    alice: Account, bank: Bank, provider: Provider, refusal: PartyRejected
) -> None:
    group = running.delivered(alice, bank)
    bank.refusing = refusal
    running.to_renewal(group)
    for _ in range(30):
        running.pass_time(timedelta(days=1))
    assert letters("payment_failed") == letters("service_suspended") == 0
    assert not Reminder.select().where(Reminder.failed_at.is_null(False)).exists()
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    assert not Job.select().where(Job.status == JobStatus.FAILED).exists()
    assert monitoring.alarms()["bank_refusals"] == 1
    bank.refusing = None
    running.pass_time(timedelta(hours=2))
    assert Reminder.get(Reminder.stage == 0).invoice.status == InvoiceStatus.PAID
    assert monitoring.alarms()["bank_refusals"] == 0
    billing.assert_balanced()


def test_the_way_back_from_the_bank_shows_the_order(
    client: FlaskClient, alice: Account, bank: Bank, refusal: PartyRejected
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.refusing = refusal
    answer = client.get(f"/payment/return/{outcomes.CHECKOUTS.sign(payment)}")
    assert answer.status_code in {200, 302, 303}
    assert fresh(order).is_payable
    with pytest.raises(Refusal, match="not answering"):
        purchases.start_paying(order)


def test_a_page_that_the_bank_refuses_to_open_leaves_the_order_payable(
    alice: Account, bank: Bank, refusal: PartyRejected
) -> None:
    order = purchases.place(alice)
    bank.refusing = refusal
    with pytest.raises(Refusal, match="could not open"):
        purchases.start_paying(order)
    assert monitoring.alarms()["bank_refusals"] == 1
    bank.refusing = None
    assert purchases.start_paying(order).checkout_url


def test_a_payment_is_looked_up_until_the_bank_tells(
    alice: Account, bank: Bank, clock: time_machine.Traveller, refusal: PartyRejected
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    bank.refusing = refusal
    for _ in range(60):
        clock.shift(gateways.WATCH_EVERY)
        queue.drain()
    assert fresh(payment).is_unsettled
    bank.refusing = None
    clock.shift(gateways.WATCH_EVERY)
    queue.drain()
    assert fresh(payment).has_succeeded


def test_an_order_expires_though_the_bank_tells_nothing_of_its_payment(
    alice: Account, bank: Bank, clock: time_machine.Traveller, refusal: PartyRejected
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    clock.move_to(order.expires_at + timedelta(minutes=1))
    bank.refusing = refusal
    queue.drain()
    assert fresh(order).status == OrderStatus.EXPIRED
    assert fresh(payment).status == PaymentStatus.CLOSED
    bank.refusing = None
    late = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    outcomes.CHECKOUTS.settle(fresh(payment), late)
    queue.drain()
    assert fresh(payment).status == PaymentStatus.REFUNDED
    billing.assert_balanced()


def test_an_order_whose_payment_began_at_the_end_expires_once_its_page_is_over(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    order = purchases.place(alice)
    clock.move_to(order.expires_at - timedelta(minutes=5))
    purchases.start_paying(order)
    bank.refusing = REFUSALS[0]
    clock.move_to(order.expires_at + timedelta(minutes=1))
    queue.drain()
    assert fresh(order).is_payable
    for _ in range(5):
        clock.shift(timedelta(hours=10))
        queue.drain()
    assert fresh(order).status == OrderStatus.EXPIRED
    assert not Job.select().where(Job.status == JobStatus.FAILED).exists()


def test_a_silent_bank_expires_no_order_and_gives_nothing_up(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    order = purchases.place(alice)
    purchases.start_paying(order)
    clock.move_to(order.expires_at + timedelta(minutes=1))
    bank.silent = True
    for _ in range(60):
        clock.shift(timedelta(hours=1))
        queue.drain()
    assert fresh(order).is_payable
    bank.silent = False
    clock.shift(timedelta(hours=1))
    queue.drain()
    assert fresh(order).status == OrderStatus.EXPIRED


def test_a_refund_waits_for_a_bank_that_refuses_the_shop(
    alice: Account, bank: Bank, clock: time_machine.Traveller
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=alice.nic_handle)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED))
    bank.refusing = REFUSALS[0]
    for _ in range(60):
        clock.shift(timedelta(hours=1))
        queue.drain()
    assert Refund.get().status == RefundStatus.ASKED
    assert letters("refund_failed") == 0
    bank.refusing = None
    clock.shift(timedelta(hours=1))
    queue.drain()
    assert fresh(payment).status == PaymentStatus.REFUNDED


# --- Answers about a card --------------------------------------------------------------------


def test_a_card_that_the_bank_never_had_is_declined_and_removed(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    bank.refusing = PartyRejected("no such mandate", cards.UNKNOWN_MANDATE)
    running.to_renewal(group)
    assert running.subscription_of(group).status == SubscriptionStatus.PAST_DUE
    assert Card.get().removed_at is not None
    assert letters("payment_failed") == 1


def test_a_card_revoked_at_the_bank_is_removed_when_it_is_charged(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    bank.forgotten.add(Card.get().mandate)
    running.to_renewal(group)
    assert Card.get().removed_at is not None
    charges = len(bank.checkouts)
    running.pass_time(timedelta(days=20))
    assert len(bank.checkouts) == charges


def test_an_expired_card_is_charged_and_shown_as_the_bank_has_it(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    card = Card.get()
    Card.update(expiry_year=2020).execute()
    renewed = replace(CARD, reference=card.mandate, last4="9999", expiry_month=3, expiry_year=2034)
    bank.mandates[card.mandate] = renewed
    running.to_renewal(group)
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    found = Card.get()
    assert (found.last4, found.expiry_month, found.expiry_year) == ("9999", 3, 2034)
    assert Payment.select().where(Payment.status == PaymentStatus.SUCCEEDED).count() == 2


UNREADABLE = [
    None,
    replace(CARD, expiry_month=0),
    replace(CARD, expiry_year=0),
    replace(CARD, last4="more than four"),
    replace(CARD, reference="x" * 129),
    replace(CARD, reference=""),
]


@pytest.mark.every_case
@pytest.mark.parametrize("mandate", UNREADABLE)
def test_money_counts_where_the_card_cannot_be_kept(
    alice: Account, bank: Bank, mandate: Mandate | None
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order, store_card=True)
    told = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    outcomes.CHECKOUTS.settle(payment, replace(told, mandate=mandate))
    assert fresh(order).status == OrderStatus.PAID
    assert not Card.select().exists()


def test_a_registration_that_keeps_no_card_says_so(alice: Account, bank: Bank) -> None:
    setup = card_setups.register_card(
        alice, back_to="/manager/web", typed={}, base_url=purchases.BASE, by=alice.nic_handle
    )
    told = bank.tell(setup.checkout or "", CheckoutStatus.SUCCEEDED)
    for _ in range(2):
        setup = card_setups.CHECKOUTS.settle(setup, replace(told, mandate=None))
        assert setup.status == CardSetupStatus.DECLINED
    assert card_setups.failure_message(setup).startswith("The bank does not let this card be kept")
    assert CardSetup.select().count() == 1
    assert not Card.select().exists()
