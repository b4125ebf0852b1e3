"""Withdrawals beside everything else: one refund, nothing left at the provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import Account, Letter, LicenceGroup, Order, Payment
from shop.delivery import installation
from shop.errors import Refusal
from shop.jobs import queue
from shop.orders import orders, withdrawals
from shop.payments import disputes, taken_back
from shop.payments.gateway import DisputeState
from shop.subscriptions import corrections, terminations
from tests.support import billing, purchases, racing, running
from tests.support.groups import fresh
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    """A group of a consumer's order."""
    return running.delivered(alice, bank)


@pytest.fixture
def paid(alice: Account, bank: Bank, provider: Provider) -> Order:
    """A paid order, of which nothing is delivered yet."""
    order = purchases.place(alice)
    purchases.pay(order, bank)
    return fresh(order)


@pytest.fixture
def failed(paid: Order, provider: Provider) -> Order:
    """An order whose delivery failed."""
    provider.failing = "No."
    queue.drain()
    provider.failing = ""
    return fresh(paid)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Do these acts at the same moment, each in a thread; return what they returned or raised."""
    left = list(acts)
    return racing.race(lambda: left.pop()(), len(acts))


def withdraw(order: Order) -> Callable[[], str]:
    """Return the act of withdrawing from an order."""

    def act() -> str:
        withdrawals.withdraw(order, by="alice")
        return "withdrawn"

    return act


def check_over(bank: Bank, provider: Provider, order: Order) -> None:
    """Assert that all was paid back once and that nothing is left, once all jobs are done."""
    queue.drain()
    running.pass_time(2 * withdrawals.UNDER_WAY_DELAY)
    assert bank.balance() == 0
    assert sum(each.amount_cents for each in bank.refunds.values()) == 3168
    assert provider.tenants == {}
    assert fresh(order).is_withdrawn
    billing.assert_no_fault()


def test_four_withdrawals_at_once_are_one(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = terminations.order_of(group)
    with racing.all_meet_at("withdrawals.declare", 4):
        outcomes = racing.race(withdraw(order), 4)
    assert [each for each in outcomes if each == "withdrawn"] == ["withdrawn"]
    assert sum(isinstance(each, Refusal) for each in outcomes) == 3
    assert Letter.select().where(Letter.kind == "withdrawal_received").count() == 1
    check_over(bank, provider, order)


def test_without_the_guard_an_order_would_be_withdrawn_from_twice(
    paid: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: the same race with the order's row not read again."""
    monkeypatch.setattr(withdrawals, "_locked", lambda rows: [Order.get_by_id(paid.id)])
    monkeypatch.setattr(withdrawals, "_check", lambda _: None)
    monkeypatch.setattr(withdrawals, "_carry_out", lambda *_: 0)
    with racing.all_meet_at("withdrawals.declare", 2):
        outcomes = racing.race(withdraw(paid), 2)
    assert outcomes == ["withdrawn"] * 2
    assert Letter.select().where(Letter.kind == "withdrawal_received").count() == 2


def test_from_the_order_and_from_its_service_at_once(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = terminations.order_of(group)
    outcomes = together(
        withdraw(order), lambda: withdrawals.withdraw_from_service(group, by="alice")
    )
    assert sum(isinstance(each, Refusal) for each in outcomes) == 1, outcomes
    check_over(bank, provider, order)


def test_while_the_delivery_installs(paid: Order, bank: Bank, provider: Provider) -> None:
    installation.deliver_order(paid.id)
    made = LicenceGroup.get()
    together(withdraw(paid), lambda: installation.install_group(made.id))
    check_over(bank, provider, paid)


def test_while_the_delivery_begins(paid: Order, bank: Bank, provider: Provider) -> None:
    together(withdraw(paid), lambda: installation.deliver_order(paid.id))
    check_over(bank, provider, paid)


def test_while_what_was_not_delivered_is_refunded(
    failed: Order, bank: Bank, provider: Provider
) -> None:
    outcomes = together(withdraw(failed), lambda: orders.refund_order(failed, by="alice"))
    assert sum(isinstance(each, Refusal) for each in outcomes) == 1, outcomes
    queue.drain()
    assert (bank.balance(), len(bank.refunds), provider.tenants) == (0, 1, {})
    assert fresh(failed).is_refunded
    billing.assert_balanced()


def test_while_the_delivery_is_tried_again(failed: Order, bank: Bank, provider: Provider) -> None:
    together(withdraw(failed), lambda: installation.retry_delivery(failed, by="alice"))
    check_over(bank, provider, failed)


def test_while_its_invoice_is_corrected(
    group: LicenceGroup, bank: Bank, provider: Provider
) -> None:
    order = terminations.order_of(group)
    invoice, details = billing.invoice_of(order), {"street": "2 rue Haute"}
    outcomes = together(
        withdraw(order), lambda: corrections.correct(invoice, details, "Error.", by="operator")
    )
    assert "withdrawn" in outcomes
    check_over(bank, provider, order)


@pytest.mark.parametrize("state", [DisputeState.OPEN, DisputeState.LOST])
def test_while_the_bank_takes_the_money_back(
    paid: Order, bank: Bank, provider: Provider, state: DisputeState
) -> None:
    payment = Payment.get()
    cents = payment.amount_cents
    made = bank.dispute(payment.checkout, cents, state=state, withdrawn_cents=cents)
    together(withdraw(paid), lambda: disputes.settle(payment, made))
    queue.drain()
    assert (bank.refunds, provider.tenants) == ({}, {})
    assert taken_back.left_of(payment) == 0
    billing.assert_balanced()
