"""Concurrent orders: one order, one payment, one delivery, whatever is pressed when.

Each race comes with a positive control: with its guard switched off, the same race must go wrong,
or it would prove nothing.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from peewee import PostgresqlDatabase

from models import (
    Account,
    Event,
    Job,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Seat,
    database,
)
from shop.errors import Conflict, Refusal
from shop.invoicing import ledger
from shop.jobs import queue
from shop.orders import baskets, closing, orders, placing
from shop.orders.additions import AdditionOrder, AdditionRequest
from shop.payments import checkouts, outcomes, payables
from shop.payments.gateway import CheckoutStatus
from shop.pricing.lines import lines_of
from shop.sandbox_link import test_points
from tests.support import billing, groups, purchases, racing
from tests.support.parties import Bank, Provider

BASKET_INDEX = "purchase_order_account_id_basket_key"


def confirm_at_once(alice: Account, times: int) -> list[object]:
    basket = purchases.basket(business=4)
    seen = purchases.seen_by(alice, basket)
    with racing.all_meet_at("ordering.place", times):
        return racing.race(lambda: baskets.place_order(alice, basket, seen), times)


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


NAME = "one-and-the-same-basket"


def edit(alice: Account, licences: int) -> Order:
    return purchases.place(alice, purchases.basket(business=licences, name=NAME))


def edit_while_its_payment_begins(alice: Account) -> Order:
    """Edit an order while its customer presses "Pay by card" at the worst moment."""
    first = edit(alice, 3)

    def pay() -> None:
        test_points.hook("ordering.place", None)
        purchases.start_paying(first)

    test_points.hook("ordering.place", pay)
    return edit(alice, 4)


def payable() -> list[Order]:
    return list(Order.select().where(Order.status == OrderStatus.AWAITING_PAYMENT))


def test_editing_while_a_payment_begins_leaves_one_payable_order(
    alice: Account, bank: Bank
) -> None:
    edited = edit_while_its_payment_begins(alice)
    assert payable() == [edited]
    (checkout,) = bank.checkouts.values()
    assert checkout.status == CheckoutStatus.CLOSED


def test_control_without_the_answer_of_closing_there_are_two(
    alice: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = closing.close_order
    monkeypatch.setattr(
        closing, "close_order", lambda order, *a, **kw: close(order, *a, **kw) or order
    )
    edit_while_its_payment_begins(alice)
    assert len(payable()) == 2


def test_editing_what_is_being_paid_is_refused(alice: Account, bank: Bank) -> None:
    first = edit(alice, 3)

    def pay() -> None:
        purchases.pay(first, bank)

    test_points.hook("ordering.place", pay)
    with pytest.raises(Conflict, match="just been paid"):
        edit(alice, 4)
    assert [order.status for order in Order.select()] == [OrderStatus.PAID]


def edit_in_tabs(alice: Account, times: int) -> list[object]:
    """Confirm one basket in that number of tabs at once, with another content in each."""
    numbers = iter(range(2, times + 2))
    with racing.all_meet_at("ordering.place", times):
        return racing.race(lambda: edit(alice, next(numbers)), times)


def test_edits_in_12_tabs_leave_one_payable_order(alice: Account) -> None:
    edit(alice, 1)
    results = edit_in_tabs(alice, 12)
    assert all(isinstance(outcome, Order) for outcome in results), results
    assert len(payable()) == 1
    assert Order.select().where(Order.status == OrderStatus.CANCELLED).count() == 12


def test_a_basket_confirmed_in_12_tabs_leaves_one_payable_order(alice: Account) -> None:
    results = edit_in_tabs(alice, 12)
    assert all(isinstance(outcome, Order) for outcome in results), results
    assert len(payable()) == 1


def test_control_without_a_second_look_there_are_more(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_look = threading.local()
    look = placing._to_replace

    def look_once(*about: Any) -> list[Order]:
        if not hasattr(first_look, "orders"):
            first_look.orders = look(*about)
        return first_look.orders

    monkeypatch.setattr(placing, "_to_replace", look_once)
    edit_in_tabs(alice, 5)
    assert len(payable()) > 1


def test_control_without_the_lock_there_are_more_on_postgresql(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(database.obj, PostgresqlDatabase):
        pytest.skip("SQLite lets one transaction write at a time")
    monkeypatch.setattr(placing, "lock", lambda row, **_: row)
    edit_in_tabs(alice, 12)
    assert len(payable()) > 1


# --- The same, of licences added to a group -----------------------------------------------------


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group of three licences, which has 297 places left."""
    return groups.installed(alice, bank)


def enlarge(group: LicenceGroup, licences: int) -> Order:
    requested = AdditionRequest(groups.fresh(group), licences, NAME)
    seen = groups.seen_by(group.account, requested)
    return placing.place(AdditionOrder(group.account, requested), seen)


def test_editing_an_addition_while_a_payment_begins_leaves_one_payable_order(
    group: LicenceGroup, bank: Bank
) -> None:
    first = enlarge(group, 297)

    def pay() -> None:
        test_points.hook("ordering.place", None)
        purchases.start_paying(first)

    test_points.hook("ordering.place", pay)
    edited = enlarge(group, 100)
    assert payable() == [edited]
    assert groups.fresh(group).places_taken == 103
    assert [row.status for row in purchases.payments_of(first)] == [CheckoutStatus.CLOSED]


def test_editing_an_addition_in_8_tabs_leaves_one_payable_order(group: LicenceGroup) -> None:
    enlarge(group, 297)
    numbers = iter(range(289, 297))
    with racing.all_meet_at("ordering.place", 8):
        results = racing.race(lambda: enlarge(group, next(numbers)), 8)
    assert all(isinstance(outcome, Order) for outcome in results), results
    (left,) = payable()
    assert groups.fresh(group).places_taken == 3 + lines_of(left)[0].quantity
    billing.assert_balanced()


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
        racing.race(lambda: outcomes.CHECKOUTS.settle(payment, checkout), times)


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
    monkeypatch.setattr(checkouts, "lock", lambda row: row)
    monkeypatch.setattr(payables, "lock", lambda row: row)
    # The ledger records a payment once; this guard is off, too.
    monkeypatch.setattr(ledger, "post_payment", lambda *_: None)
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
            # Every amount taken is refunded.
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
            racing.race(lambda job_id=job_id: queue.run_job(job_id), 4)
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    assert LicenceGroup.select().count() == 2
    assert Seat.select().count() == 10
    assert len(provider.calls) == 2
    assert Letter.select().where(Letter.kind == "service_installed").count() == 2
