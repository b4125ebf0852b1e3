"""Placing, cancelling and expiring orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import (
    Acceptance,
    Account,
    Attachment,
    Event,
    Job,
    Letter,
    LicenceGroup,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentStatus,
    Price,
)
from shop import clock as shop_clock
from shop.errors import Conflict, Refusal
from shop.jobs import kinds
from shop.orders import baskets, contracts, orders
from shop.overviews import order_progress
from shop.payments import payables
from shop.payments.gateway import CheckoutStatus
from shop.pricing.lines import lines_of
from shop.sandbox_link import test_points
from tests.support import billing, groups, purchases
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor


def test_an_order_keeps_what_it_was_placed_with(alice: Account) -> None:
    order = purchases.place(alice, purchases.basket(business=7, pro_plus=2))
    Price.insert(
        offer="business", amount_cents=99, valid_from=shop_clock.now() - timedelta(seconds=1)
    ).execute()
    lines = lines_of(order)
    assert [(line.offer_name, line.quantity, line.unit_price_cents) for line in lines] == [
        ("Office 365 Business", 7, 880),
        ("Office 365 Pro Plus", 2, 1290),
    ]
    assert (order.net_cents, order.vat_cents, order.total_cents) == (8740, 1748, 10488)
    assert order.customer["nic_handle"] == alice.nic_handle


def test_an_order_records_each_contract_accepted(alice: Account) -> None:
    order = purchases.place(alice)
    accepted = Acceptance.select().where(Acceptance.order == order)
    assert {row.contract.kind for row in accepted} == set(contracts.KINDS)
    assert all(row.digest == row.contract.digest for row in accepted)
    assert all(row.ip_address == "203.0.113.7" for row in accepted)


def test_placing_writes_its_letter_its_event_and_its_jobs(alice: Account) -> None:
    order = purchases.place(alice)
    assert Letter.select().where(Letter.key == f"order_placed:{order.id}").count() == 1
    assert Attachment.select().count() == 1 + len(contracts.KINDS)
    assert [event.name for event in Event.select().where(Event.subject == "order")] == [
        "order_placed"
    ]
    assert Job.select().where(Job.key == f"expire_order:{order.id}").count() == 1


def test_confirming_twice_makes_one_order(alice: Account) -> None:
    basket = purchases.basket()
    first, second = purchases.place(alice, basket), purchases.place(alice, basket)
    assert first.id == second.id
    assert OrderLine.select().count() == 1


def test_the_same_basket_name_of_another_customer_is_another_order(
    alice: Account, charlie: Account
) -> None:
    basket = purchases.basket()
    assert purchases.place(alice, basket).id != purchases.place(charlie, basket).id


def test_a_price_that_changed_since_it_was_shown_is_not_charged(alice: Account) -> None:
    basket = purchases.basket()
    seen = purchases.seen_by(alice, basket)
    Price.insert(
        offer="business", amount_cents=990, valid_from=shop_clock.now() - timedelta(seconds=1)
    ).execute()
    with pytest.raises(Conflict, match="price has changed"):
        baskets.place_order(alice, basket, seen)
    assert not Order.select().exists()


def test_changing_the_basket_replaces_the_unpaid_order(alice: Account, bank: Bank) -> None:
    first = purchases.place(alice, purchases.basket(business=3, name="one-and-the-same-basket"))
    payment = purchases.start_paying(first)
    second = purchases.place(alice, purchases.basket(business=4, name="one-and-the-same-basket"))
    assert Order.get_by_id(first.id).status == OrderStatus.CANCELLED
    assert second.status == OrderStatus.AWAITING_PAYMENT
    assert bank.checkouts[payment.checkout].status == CheckoutStatus.CLOSED
    # The first basket again: its order is closed, so this places a new one.
    third = purchases.place(alice, purchases.basket(business=3, name="one-and-the-same-basket"))
    assert third.id != first.id


def test_changing_is_refused_while_the_bank_confirms_a_payment(alice: Account, bank: Bank) -> None:
    first = purchases.place(alice, purchases.basket(business=3, name="one-and-the-same-basket"))
    payment = purchases.start_paying(first)
    bank.tell(payment.checkout, CheckoutStatus.PROCESSING)
    with pytest.raises(payables.PaymentUnderWay):
        purchases.place(alice, purchases.basket(business=4, name="one-and-the-same-basket"))
    assert Order.select().count() == 1


def test_an_unpaid_order_can_be_cancelled(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    orders.cancel_order(order, by=alice.nic_handle)
    order = Order.get_by_id(order.id)
    assert order.status == OrderStatus.CANCELLED
    assert order.basket_key is None
    assert Letter.select().where(Letter.kind == "order_cancelled").count() == 1


def steps_of(order: Order) -> list[str]:
    """Return the names of the steps that the page of an order shows."""
    return [step.name for step in order_progress.for_order(order, lines_of(order)).steps]


def test_a_cancelled_order_shows_no_further_steps(alice: Account) -> None:
    order = purchases.place(alice)
    assert steps_of(order)[-1] == "delivered"
    orders.cancel_order(order, by="alice")
    assert steps_of(Order.get_by_id(order.id)) == ["ordered"]


def test_cancelling_closes_the_bank_page_first(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    orders.cancel_order(order, by=alice.nic_handle)
    assert bank.checkouts[payment.checkout].status == CheckoutStatus.CLOSED


def test_cancelling_is_refused_while_a_payment_is_being_confirmed(
    alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.PROCESSING)
    with pytest.raises(payables.PaymentUnderWay):
        orders.cancel_order(order, by=alice.nic_handle)
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT


def test_a_paid_order_is_not_cancelled(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    purchases.pay(order, bank)
    with pytest.raises(Refusal, match="Only an unpaid order"):
        orders.cancel_order(Order.get_by_id(order.id), by=alice.nic_handle)


def test_an_order_paid_just_before_the_cancellation_stays_paid(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED)
    with pytest.raises(Conflict):
        orders.cancel_order(order, by=alice.nic_handle)
    assert Order.get_by_id(order.id).status == OrderStatus.PAID


def test_an_unpaid_order_expires_after_14_days(
    clock: time_machine.Traveller, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    clock.shift(timedelta(days=13, hours=23))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    clock.shift(timedelta(hours=2))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.EXPIRED
    assert Letter.select().where(Letter.kind == "order_expired").count() == 1


def test_an_order_does_not_expire_under_a_pending_payment(
    clock: time_machine.Traveller, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    payment = purchases.start_paying(order)
    bank.tell(payment.checkout, CheckoutStatus.PROCESSING)
    clock.shift(timedelta(days=14, minutes=1))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    bank.tell(payment.checkout, CheckoutStatus.DECLINED, "card_declined")
    clock.shift(timedelta(minutes=11))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.EXPIRED
    assert Payment.get_by_id(payment.id).status == PaymentStatus.DECLINED


def begin_to_pay_at_the_worst_moment(order: Order) -> None:
    """Let a payment begin after the last one was closed, and before the order is."""

    def pay() -> None:
        test_points.hook("orders.payment_stopped", None)
        purchases.start_paying(order)

    test_points.hook("orders.payment_stopped", pay)


def test_an_order_that_loses_a_race_at_its_expiry_expires_later(
    clock: time_machine.Traveller, alice: Account, bank: Bank, drain: Callable[[], int]
) -> None:
    order = purchases.place(alice)
    clock.shift(timedelta(days=14, minutes=1))
    begin_to_pay_at_the_worst_moment(order)
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    billing.assert_balanced()
    clock.shift(timedelta(minutes=11))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.EXPIRED
    assert Letter.select().where(Letter.kind == "order_expired").count() == 1
    (checkout,) = bank.checkouts.values()
    assert checkout.status == CheckoutStatus.CLOSED


def test_licences_for_a_group_that_ended_are_cancelled_later_after_a_lost_race(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    group = groups.installed(alice, bank)
    order = groups.add(group, 2)
    LicenceGroup.update(status="terminated").where(LicenceGroup.id == group.id).execute()
    kinds.close_addition.later(order=order.id)

    def pay() -> None:
        test_points.hook("orders.payment_stopped", None)
        Payment.create(
            key="begun-at-once", order=order, amount_cents=order.total_cents, currency="EUR",
            store_card=False, created_at=shop_clock.now(),
        )  # fmt: skip

    test_points.hook("orders.payment_stopped", pay)
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    clock.shift(timedelta(minutes=11))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.CANCELLED


# --- Amounts that no bank accepts --------------------------------------------------------------


def test_an_order_over_the_limit_of_the_bank_is_refused_before_it_is_placed(
    alice: Account,
) -> None:
    # 12.90 and 20 % of VAT: 64,599 licences are 999,992.52 and 64,600 are 1,000,008.00.
    with pytest.raises(Refusal, match="more than banks accept"):
        purchases.place(alice, purchases.basket(business=0, pro_plus=64_600))
    assert not Order.select().exists()
    order = purchases.place(alice, purchases.basket(business=0, pro_plus=64_599))
    assert order.total_cents == 99_999_252


@pytest.mark.parametrize("cents", [0, 41])
def test_an_order_under_the_minimum_of_the_bank_is_refused_before_it_is_placed(
    alice: Account, cents: int
) -> None:
    Price.insert(
        offer="business", amount_cents=cents, valid_from=shop_clock.now() - timedelta(seconds=1)
    ).execute()
    with pytest.raises(Refusal, match="less than banks accept"):
        purchases.place(alice, purchases.basket(business=1))
    assert not Order.select().exists()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("fr", "C’est plus que ce que les banques acceptent en un paiement."),
     ("en", "This comes to more than banks accept in one payment.")],
)  # fmt: skip
def test_too_many_licences_for_a_card_are_refused_at_their_number(
    visitor: Visitor, alice: Account, language: str, sentence: str
) -> None:
    alice.language = language
    alice.save()
    visitor.open(f"/{language}/order")
    order, go_on = {"fr": ("Commander", "Poursuivre"), "en": ("Order", "Continue")}[language]
    assert visitor.press(order, business="0", pro_plus="64600").status_code == 422
    assert visitor.sees(sentence)
    typed = f"/{language}/order/totals?business=0&pro_plus=64600"
    partial = {"HX-Request": "true", "HX-Request-Type": "partial"}
    assert sentence.encode() in visitor.client.get(typed, headers=partial).data
    # In the customer area, and at a contract step opened by its address.
    visitor.log_in(alice)
    visitor.open("/manager/order/office?offer=pro_plus&quantity=64600")
    assert visitor.sees(sentence)
    assert visitor.press(go_on).status_code == 422
    assert visitor.sees(sentence)
    name = purchases.basket().name
    visitor.open(f"/{language}/order/contracts?business=0&pro_plus=64600&basket={name}")
    confirm = {"fr": "Confirmer et Payer", "en": "Confirm and Pay"}[language]
    assert visitor.press(confirm, accepted="yes").status_code == 422
    assert visitor.sees(sentence)
    assert not Order.select().exists()


def test_another_customers_order_is_not_found(alice: Account, charlie: Account) -> None:
    order = purchases.place(alice)
    assert orders.find_order(charlie, order.number) is None
    assert orders.find_order(alice, order.number) == order
