"""Delivery of paid orders: installation, failure, retry and refund."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from models import (
    Account,
    Event,
    GroupStatus,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    PaymentStatus,
    Seat,
    SeatStatus,
)
from shop.delivery import installation
from shop.errors import Refusal
from shop.licences.groups import groups_of
from shop.operations import monitoring
from shop.orders import orders
from tests.support import purchases
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]


def paid(account: Account, bank: Bank, business: int = 2, pro_plus: int = 0) -> Order:
    order = purchases.place(account, purchases.basket(business=business, pro_plus=pro_plus))
    purchases.pay(order, bank)
    return order


def test_a_paid_order_becomes_one_group_for_each_offer(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    order = paid(alice, bank, business=2, pro_plus=3)
    drain()
    groups = groups_of(order)
    assert [(group.offer.code, group.status, group.places_taken) for group in groups] == [
        ("business", GroupStatus.INSTALLED, 2),
        ("pro_plus", GroupStatus.INSTALLED, 3),
    ]
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    assert sorted(provider.tenants.values()) == [2, 3]
    assert Letter.select().where(Letter.kind == "service_installed").count() == 2


def test_each_licence_is_an_unconfigured_seat(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    order = paid(alice, bank, business=0, pro_plus=2500)
    drain()
    seats = Seat.select().order_by(Seat.number)
    assert [seat.number for seat in seats] == list(range(1, 2501))
    assert {seat.status for seat in seats} == {SeatStatus.UNCONFIGURED}
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED


def test_the_shop_waits_for_the_provider_without_asking_twice(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.pending = True
    order = paid(alice, bank)
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERING
    clock.shift(timedelta(minutes=30))
    drain()
    provider.finish()
    clock.shift(timedelta(minutes=5))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    assert len(provider.calls) == 1


def test_a_silent_provider_delays_and_loses_nothing(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.silent = True
    order = paid(alice, bank)
    drain()
    provider.silent = False
    clock.shift(timedelta(minutes=1))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED


def test_a_refused_installation_is_said_and_can_be_tried_again(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.failing = "no capacity"
    order = paid(alice, bank)
    drain()
    order = Order.get_by_id(order.id)
    assert order.status == OrderStatus.DELIVERY_FAILED
    assert LicenceGroup.get().error == "no capacity"
    assert Letter.select().where(Letter.kind == "delivery_failed").count() == 1
    provider.failing = ""
    installation.retry_delivery(order, by=alice.nic_handle)
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED


def test_it_can_be_tried_again_where_the_bank_sends_back_to(
    alice: Account, bank: Bank, provider: Provider, drain: Drain, visitor: Visitor
) -> None:
    provider.failing = "no capacity"
    order = paid(alice, bank)
    drain()
    provider.failing = ""
    visitor.log_in(alice)
    visitor.open(f"/fr/order/{order.number}")
    visitor.press("Réessayer")
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED


def test_an_unreachable_provider_ends_in_a_failure_that_is_shown(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.silent = True
    order = paid(alice, bank)
    for _ in range(13):
        drain()
        clock.shift(timedelta(hours=2))
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERY_FAILED


def test_only_a_failed_delivery_is_tried_again(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    order = paid(alice, bank)
    with pytest.raises(Refusal, match="Only a delivery that failed"):
        installation.retry_delivery(Order.get_by_id(order.id), by=alice.nic_handle)


def test_a_failed_delivery_can_be_refunded_and_ends_its_groups(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.failing = "no capacity"
    order = paid(alice, bank)
    drain()
    provider.failing = ""
    orders.refund_order(Order.get_by_id(order.id), by="operator")
    with pytest.raises(Refusal, match="being refunded"):
        installation.retry_delivery(Order.get_by_id(order.id), by="operator")
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.REFUNDED
    assert LicenceGroup.get().status == GroupStatus.CANCELLED
    assert purchases.payments_of(order)[0].status == PaymentStatus.REFUNDED
    assert len(bank.refunds) == 1


def test_a_delivered_order_is_not_refunded(
    alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    order = paid(alice, bank)
    drain()
    with pytest.raises(Refusal, match="whose delivery failed"):
        orders.refund_order(Order.get_by_id(order.id), by="operator")


def test_a_paid_order_not_delivered_after_4_hours_raises_an_alarm(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.pending = True
    order = paid(alice, bank)
    drain()
    clock.shift(timedelta(hours=3, minutes=59))
    drain()
    assert monitoring.late_orders(10) == []
    assert monitoring.alarms()["late_deliveries"] == 0
    clock.shift(timedelta(minutes=2))
    drain()
    assert monitoring.late_orders(10) == [order]
    assert monitoring.alarms()["late_deliveries"] == 1
    assert Event.select().where(Event.name == "delivery_late").count() == 1
