"""Payments: begun once, settled once, refunded where they pay nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import Account, Card, Job, Letter, Order, OrderStatus, Payment, PaymentStatus
from shop.errors import Refusal
from shop.orders import orders
from shop.payments import outcomes, payables, payments
from shop.payments.gateway import Checkout, CheckoutStatus
from tests.support import purchases
from tests.support.parties import Bank


def test_paying_makes_the_order_paid_and_queues_its_delivery(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.pay(order, bank)
    assert payment.status == PaymentStatus.SUCCEEDED
    assert Order.get_by_id(order.id).status == OrderStatus.PAID
    assert Job.select().where(Job.key == f"deliver_order:{order.id}").count() == 1
    assert Letter.select().where(Letter.kind == "payment_received").count() == 1


def test_the_bank_is_asked_for_exactly_the_orders_total(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice, purchases.basket(business=7, pro_plus=2))
    payment = purchases.start_paying(order)
    request = bank.requests[payment.checkout]
    assert (request.amount_cents, request.currency) == (order.total_cents, "EUR")
    assert request.reference == order.number


def test_pressing_pay_again_reuses_the_open_bank_page(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    first, second = purchases.start_paying(order), purchases.start_paying(order)
    assert first.id == second.id
    assert first.checkout_url == second.checkout_url
    assert len(bank.checkouts) == 1


def test_changing_the_consent_closes_the_first_bank_page(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    first = purchases.start_paying(order)
    second = purchases.start_paying(order, store_card=True)
    assert bank.checkouts[first.checkout].status == CheckoutStatus.CLOSED
    assert bank.requests[second.checkout].store_card


def test_a_declined_card_leaves_the_order_payable(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    first = purchases.start_paying(order)
    outcomes.CHECKOUTS.settle(
        first, bank.tell(first.checkout, CheckoutStatus.DECLINED, "card_declined")
    )
    assert Order.get_by_id(order.id).is_payable
    second = purchases.pay(order, bank)
    assert second.id != first.id
    assert Order.get_by_id(order.id).status == OrderStatus.PAID


def test_no_second_charge_while_the_bank_confirms_the_first(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.PROCESSING)
    with pytest.raises(payables.PaymentUnderWay):
        purchases.start_paying(order)
    assert len(bank.checkouts) == 1


def test_pressing_pay_on_an_order_paid_since_charges_nothing(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED)
    assert purchases.start_paying(order).status == PaymentStatus.SUCCEEDED
    assert len(bank.checkouts) == 1


def test_an_unavailable_bank_charges_nothing_and_says_so(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    bank.silent = True
    with pytest.raises(Refusal, match="Nothing was charged"):
        purchases.start_paying(order)
    bank.silent = False
    payment = purchases.start_paying(order)
    assert payment.checkout_url
    assert Payment.select().count() == 1


def test_a_notification_replayed_100_times_pays_once(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    checkout = bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED)
    for _ in range(100):
        payment = outcomes.CHECKOUTS.settle(payment, checkout)
    assert Order.get_by_id(order.id).status == OrderStatus.PAID
    assert Letter.select().where(Letter.kind == "payment_received").count() == 1
    assert Job.select().where(Job.kind == "deliver_order").count() == 1


def test_a_late_refusal_does_not_undo_a_success(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.pay(order, bank)
    declined = Checkout(payment.checkout, CheckoutStatus.DECLINED, order.total_cents, "EUR")
    assert outcomes.CHECKOUTS.settle(payment, declined).status == PaymentStatus.SUCCEEDED


def test_money_for_a_closed_order_is_refunded_in_full_with_an_email(
    alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=alice.nic_handle)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    drain()
    assert Payment.get_by_id(payment.id).status == PaymentStatus.REFUNDED
    assert [refund.amount_cents for refund in bank.refunds.values()] == [order.total_cents]
    assert Letter.select().where(Letter.kind == "payment_refunded").count() == 1
    assert Order.get_by_id(order.id).status == OrderStatus.CANCELLED


def test_a_wrong_amount_does_not_pay_the_order(
    alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    wrong = Checkout(payment.checkout, CheckoutStatus.SUCCEEDED, 1, "EUR")
    bank.checkouts[payment.checkout] = wrong
    outcomes.CHECKOUTS.settle(payment, wrong)
    assert Order.get_by_id(order.id).is_payable
    assert Payment.get_by_id(payment.id).status == PaymentStatus.REFUND_DUE
    drain()
    assert [refund.amount_cents for refund in bank.refunds.values()] == [1]


def test_a_card_is_kept_only_with_consent(alice: Account, bob: Account, bank: Bank) -> None:
    purchases.pay(purchases.place(bob), bank)
    assert not Card.select().exists()
    purchases.pay(purchases.place(alice), bank, store_card=True)
    card = Card.get()
    assert (card.account, card.last4) == (alice, "4242")


def test_a_payment_without_notification_is_polled(
    clock: time_machine.Traveller, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED)
    clock.shift(timedelta(minutes=3))
    drain()
    assert Order.get_by_id(order.id).paid_at is not None


def test_marked_paid_by_the_operator_is_delivered_like_any_other(
    alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    payments.record_manual_payment(order, by="operator")
    assert Order.get_by_id(order.id).status == OrderStatus.PAID
    assert Job.select().where(Job.key == f"deliver_order:{order.id}").count() == 1
    # The bank page that was open cannot be paid any more.
    assert bank.checkouts[payment.checkout].status == CheckoutStatus.CLOSED


def test_only_a_signed_reference_names_a_payment(alice: Account, bank: Bank) -> None:
    payment = purchases.start_paying(purchases.place(alice))
    assert outcomes.CHECKOUTS.by_signature(outcomes.CHECKOUTS.sign(payment)) == payment
    assert outcomes.CHECKOUTS.by_signature(outcomes.CHECKOUTS.sign(payment) + "x") is None
    assert outcomes.CHECKOUTS.by_signature(str(payment.id)) is None
