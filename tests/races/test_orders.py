"""Concurrency: one order, one payment, one delivery, whoever presses how often and when.

Each race comes with a positive control: with its guard switched off, the same race must go wrong,
or it would prove nothing.
"""

from __future__ import annotations

import pytest

from models import Account, Event, Job, Letter, LicenceGroup, Order, OrderStatus, Payment, Seat
from shop.errors import Refusal
from shop.invoicing import ledger
from shop.jobs import queue
from shop.orders import orders
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support import purchases, racing
from tests.support.parties import Bank, Provider

BASKET_INDEX = "purchase_order_account_id_basket_key"
UNSETTLED_INDEX = "payment_one_unsettled"


def confirm_at_once(alice: Account, times: int) -> list[object]:
    basket = purchases.basket(business=4)
    seen = purchases.seen_by(alice, basket)
    with racing.all_meet_at("ordering.place", times):
        return racing.race(lambda: orders.place_order(alice, basket, seen), times)


def test_50_confirmations_of_one_basket_make_one_order(alice: Account) -> None:
    results = confirm_at_once(alice, 50)
    assert all(isinstance(outcome, Order) for outcome in results), results
    assert Order.select().count() == 1
    assert Letter.select().where(Letter.kind == "order_placed").count() == 1
    assert Event.select().where(Event.name == "order_placed").count() == 1


def test_control_without_the_unique_basket_there_are_more(alice: Account) -> None:
    with racing.without_index(BASKET_INDEX):
        confirm_at_once(alice, 5)
        assert Order.select().count() > 1
        Event.delete().execute()
        Job.delete().execute()


def test_two_presses_of_pay_open_one_bank_page(alice: Account, bank: Bank) -> None:
    order = purchases.place(alice)
    results = racing.race(lambda: purchases.start_paying(order), 12)
    assert all(isinstance(outcome, Payment) for outcome in results), results
    assert len({outcome.id for outcome in results}) == 1
    assert len(bank.checkouts) == 1


def settle_at_once(order: Order, bank: Bank, times: int) -> None:
    payment = purchases.start_paying(order)
    checkout = bank.tell(payment.checkout or "", CheckoutStatus.SUCCEEDED)
    with racing.all_meet_at("payment.settle", times):
        racing.race(lambda: outcomes.settle(payment, checkout), times)


def test_return_and_notification_at_once_pay_once(alice: Account, bank: Bank) -> None:
    for _ in range(10):
        order = purchases.place(alice)
        settle_at_once(order, bank, 10)
        assert Order.get_by_id(order.id).status == OrderStatus.PAID
        captured = [
            row.amount_cents for row in purchases.payments_of(order) if row.status == "succeeded"
        ]
        assert captured == [order.total_cents]
        paid = Event.select().where(Event.name == "order_paid", Event.subject_id == order.id)
        assert paid.count() == 1
        assert Letter.select().where(Letter.key == f"payment_received:{order.id}").count() == 1


def test_control_without_compare_and_set_it_pays_more_than_once(
    alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    racing.without_compare_and_set(monkeypatch)
    monkeypatch.setattr(outcomes, "lock", lambda row: row)
    # The ledger takes the money of a payment once; that guard is off, too.
    monkeypatch.setattr(ledger, "pay", lambda *_: None)
    order = purchases.place(alice)
    settle_at_once(order, bank, 5)
    assert Event.select().where(Event.name == "careless_paid").count() > 1


def test_cancelling_against_paying_ends_in_one_of_both(alice: Account, bank: Bank) -> None:
    for _ in range(10):
        order = purchases.place(alice)

        def cancel(order: Order = order) -> None:
            orders.cancel_order(Order.get_by_id(order.id), by=alice.nic_handle)

        def pay(order: Order = order) -> None:
            purchases.pay(order, bank)

        acts = iter([cancel, pay])
        results = racing.race(lambda acts=acts: next(acts)(), 2)
        assert all(outcome is None or isinstance(outcome, Refusal) for outcome in results)
        order = Order.get_by_id(order.id)
        statuses = [row.status for row in purchases.payments_of(order)]
        if order.status == OrderStatus.CANCELLED:
            # Whatever was taken goes back.
            assert set(statuses) <= {"closed", "refund_due"}, statuses
        else:
            assert order.status == OrderStatus.PAID
            assert statuses.count("succeeded") == 1


def test_four_workers_deliver_an_order_once(alice: Account, bank: Bank, provider: Provider) -> None:
    order = purchases.place(alice, purchases.basket(business=5, pro_plus=5))
    purchases.pay(order, bank)
    for _ in range(4):
        ids = [row.id for row in Job.select().where(Job.status == "queued")]
        for job_id in ids:
            racing.race(lambda job_id=job_id: queue.run(job_id), 4)
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    assert LicenceGroup.select().count() == 2
    assert Seat.select().count() == 10
    assert len(provider.calls) == 2
    assert Letter.select().where(Letter.kind == "service_installed").count() == 2
