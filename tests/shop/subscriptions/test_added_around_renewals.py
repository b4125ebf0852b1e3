"""Licences added to a group around its renewal: charged once, and only if they are delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models import (
    Account,
    Addition,
    GroupStatus,
    Invoice,
    InvoiceKind,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Renewal,
)
from shop import clock
from shop.clock import midnight
from shop.delivery import installation
from shop.errors import Refusal
from shop.jobs import queue
from shop.office.protocol import OperationStatus
from shop.orders import withdrawals
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from shop.subscriptions import give_backs, renewals
from tests.support import billing, groups, purchases, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """Return a group of three licences, two minutes before its renewal."""
    made = running.delivered(alice, bank)
    before = timedelta(minutes=2)
    running.pass_time(midnight(running.subscription_of(made).renews_on) - clock.now() - before)
    return made


def charged_today(group: LicenceGroup) -> int:
    """Return the number of licences of a group charged for today, less those credited."""
    today, number = clock.today(), 0
    for invoice in Invoice.select():
        sign = -1 if invoice.kind == InvoiceKind.CREDIT_NOTE else 1
        for line in invoice.lines:
            if line.period_start <= today < line.period_end and line.service == group.name:
                number += sign * line.quantity
    return number


def hours_pass(hours: int = 15) -> None:
    for _ in range(hours // 3):
        running.pass_time(timedelta(hours=3))


def refuse_what_is_pending(provider: Provider) -> None:
    for key in list(provider._later):
        provider.operations[key] = replace(
            provider.operations[key], status=OperationStatus.FAILED, reason="No more."
        )
    provider._later.clear()
    provider.pending = False


def test_what_is_added_before_a_late_run_is_not_charged_twice(
    group: LicenceGroup, bank: Bank
) -> None:
    running.move_on(timedelta(minutes=12))
    purchases.pay(groups.add(group, 2), bank)
    renewals.run_renewals()
    queue.drain()
    assert Renewal.get().quantity == 3
    assert charged_today(group) == fresh(group).seats_total == 5
    running.to_renewal(group)
    assert charged_today(group) == 5


@pytest.mark.parametrize("is_confirming", [True, False], ids=["bank confirms late", "paid late"])
def test_what_is_paid_after_the_renewal_is_not_delivered_but_refunded(
    group: LicenceGroup, bank: Bank, is_confirming: bool
) -> None:
    order = groups.add(group, 2)
    payment = purchases.start_paying(order)
    if is_confirming:
        outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.PROCESSING))
    running.move_on(timedelta(minutes=5))
    renewals.run_renewals()
    outcomes.CHECKOUTS.settle(fresh(payment), bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    hours_pass()
    assert fresh(payment).status == PaymentStatus.REFUNDED
    assert fresh(order).status == OrderStatus.EXPIRED
    assert "n’était" not in Letter.get(Letter.kind == "payment_refunded").text
    assert charged_today(group) == fresh(group).seats_total == 3
    assert fresh(group).places_taken == 3
    billing.assert_balanced()


def test_after_the_renewal_no_payment_is_begun(group: LicenceGroup, bank: Bank) -> None:
    order = groups.add(group, 2)
    running.move_on(timedelta(minutes=5))
    with pytest.raises(Refusal, match="can no longer be paid"):
        purchases.start_paying(order)
    assert not Payment.select().where(Payment.order == order).exists()


def test_what_was_charged_for_licences_that_never_came_is_credited(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    provider.pending = True
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    queue.drain()
    running.pass_time(timedelta(minutes=5))
    assert Renewal.get().quantity == 5
    refuse_what_is_pending(provider)
    hours_pass()
    assert fresh(order).status == OrderStatus.REFUNDED
    assert charged_today(group) == fresh(group).seats_total == 3
    billing.assert_balanced()


def test_a_failed_addition_is_refunded_when_its_period_is_over(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No more."
    order = groups.add(group, 2)
    before = bank.balance()
    purchases.pay(order, bank)
    queue.drain()
    running.move_on(timedelta(minutes=5))
    provider.failing = ""
    with pytest.raises(Refusal, match="this order is refunded"):
        installation.retry_delivery(fresh(order), by="operator")
    hours_pass()
    assert fresh(order).status == OrderStatus.REFUNDED
    assert bank.balance() == before + Renewal.get().invoice.total_cents
    assert charged_today(group) == fresh(group).seats_total == 3
    billing.assert_balanced()


def test_a_failed_addition_may_be_tried_again_until_then(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No more."
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    queue.drain()
    provider.failing = ""
    installation.retry_delivery(fresh(order), by="operator")
    hours_pass()
    assert fresh(order).status == OrderStatus.DELIVERED
    assert charged_today(group) == fresh(group).seats_total == 5


def test_one_licence_that_is_there_stays_whatever_is_being_added(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    provider.pending = True
    purchases.pay(groups.add(group, 2), bank)
    queue.drain()
    with pytest.raises(Refusal, match="At least one licence stays"):
        give_backs.give_back_seats(group, [1, 2, 3], by="alice")
    give_backs.give_back_seats(group, [1, 2], by="alice")
    with pytest.raises(Refusal, match="At least one licence stays"):
        give_backs.give_back_seats(group, [3], by="alice")


def test_licences_for_a_group_that_has_ended_cannot_be_paid(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    order = groups.add(group, 2)
    open_page = purchases.start_paying(order)
    withdrawals.withdraw_from_service(group, by="alice")
    with pytest.raises(Refusal):
        purchases.start_paying(fresh(order))
    outcomes.CHECKOUTS.settle(
        fresh(open_page), bank.tell(open_page.checkout, CheckoutStatus.SUCCEEDED)
    )
    hours_pass()
    assert fresh(group).status == GroupStatus.TERMINATED
    assert bank.balance() == 0
    assert "n’était" not in Letter.get(Letter.kind == "payment_refunded").text
    assert not Addition.select().where(Addition.status == "installed").exists()
    assert Order.get_by_id(order.id).status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


def test_an_unpaid_order_for_a_group_that_ends_is_cancelled(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    order = groups.add(group, 2)
    withdrawals.withdraw_from_service(group, by="alice")
    queue.drain()
    assert fresh(order).status == OrderStatus.CANCELLED
