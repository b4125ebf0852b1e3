"""Orders of which a part is delivered: it is invoiced and kept, and the rest is refunded.

alice orders 3 Business licences (26.40, 31.68 with VAT) and 2 Pro Plus licences (25.80): 62.64 in
all. The provider refuses the second group, of which 30.96 go back to her.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from models import (
    Account,
    GroupStatus,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    OrderStatus,
    Payment,
    Refund,
    RefundStatus,
    Renewal,
    SubscriptionStatus,
)
from shop import clock
from shop.delivery import installation
from shop.errors import Refusal
from shop.invoicing import ledger_proof
from shop.jobs import queue
from shop.operations import monitoring
from shop.orders import orders, withdrawals
from shop.payments import notifications, payments
from shop.payments.gateway import Notification, RefundState
from shop.pricing.lines import positions_of
from shop.text import formats
from tests.support import billing, purchases, running
from tests.support.groups import fresh
from tests.support.letters import the
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("clock")

PAID, KEPT, BACK = 6264, 3168, 3096
AFTER = timedelta(days=3)


@pytest.fixture
def order(alice: Account, bank: Bank, provider: Provider) -> Order:
    """An order whose second group the provider refused, and would accept now."""
    provider.refused_offers.add("pro_plus")
    order = purchases.place(alice, purchases.basket(business=3, pro_plus=2))
    purchases.pay(order, bank)
    queue.drain()
    provider.refused_offers.clear()
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    assert bank.balance() == PAID
    return fresh(order)


def groups_of(order: Order) -> list[LicenceGroup]:
    """Return the group that works, and the one that could not be installed."""
    return list(LicenceGroup.select().order_by(LicenceGroup.id))


def told(order: Order, kind: str) -> str:
    """Return the text of the newest e-mail of a kind, with simple spaces."""
    return " ".join(the(order.account, kind).text.split())


def check_settled(order: Order, bank: Bank) -> None:
    """Assert that the group that works is invoiced and kept, and the other one paid back."""
    kept, missing = groups_of(order)
    assert fresh(order).status == OrderStatus.DELIVERED
    assert (kept.status, missing.status) == (GroupStatus.INSTALLED, GroupStatus.CANCELLED)
    assert running.subscription_of(kept).status == SubscriptionStatus.ACTIVE
    invoice = billing.invoice_of(order)
    assert invoice.total_cents == KEPT
    assert [position.service for position in positions_of(invoice)] == [kept.name]
    assert bank.balance() == KEPT
    assert not Invoice.select().where(Invoice.kind == "credit_note").exists()
    billing.assert_balanced()


def test_the_customer_keeps_what_works_and_is_refunded_the_rest_at_once(
    order: Order, bank: Bank, provider: Provider
) -> None:
    orders.refund_order(order, by="alice")
    queue.drain()
    check_settled(order, bank)
    letter = told(order, "rest_refunded")
    assert "Montant remboursé : 30,96 €" in letter
    assert "Remboursé, non installé : 2 × Office 365 Pro Plus" in letter
    assert f"Installé le {formats.day(clock.now(), 'fr')} : 3 × Office 365 Business" in letter
    with pytest.raises(Refusal, match="delivery failed"):
        orders.refund_order(fresh(order), by="alice")
    with pytest.raises(Refusal, match="Only a delivery that failed"):
        installation.retry_delivery(fresh(order), by="alice")
    kept = groups_of(order)[0]
    assert list(provider.tenants) == [kept.domain]
    running.to_renewal(kept)
    assert [row.quantity for row in Renewal.select()] == [3]


def test_what_was_not_delivered_is_refunded_of_itself(order: Order, bank: Bank) -> None:
    until = " ".join(formats.moment(clock.now() + AFTER, "fr").split())
    letter = told(order, "delivery_failed")
    assert "Non installé : 2 × Office 365 Pro Plus" in letter
    assert "Installé : 3 × Office 365 Business" in letter
    assert f"n’est pas installé d’ici le {until}" in letter
    running.pass_time(AFTER - timedelta(minutes=1))
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    assert not Refund.select().exists()
    billing.assert_balanced()
    running.pass_time(timedelta(minutes=2))
    check_settled(order, bank)


def test_another_attempt_begins_the_time_anew(order: Order, bank: Bank, provider: Provider) -> None:
    running.pass_time(timedelta(days=2))
    provider.refused_offers.add("pro_plus")
    installation.retry_delivery(order, by="alice")
    queue.drain()
    running.pass_time(timedelta(days=2))
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
    provider.refused_offers.clear()
    installation.retry_delivery(fresh(order), by="alice")
    queue.drain()
    assert fresh(order).status == OrderStatus.DELIVERED
    running.pass_time(timedelta(days=4))
    assert (billing.invoice_of(order).total_cents, bank.balance()) == (PAID, PAID)
    assert not Refund.select().exists()
    billing.assert_balanced()


def test_an_order_of_which_nothing_works_is_refunded_in_full_of_itself(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "No."
    order = purchases.place(alice, purchases.basket(3, 2))
    purchases.pay(order, bank)
    queue.drain()
    assert "intégralement" in the(alice, "delivery_failed").text
    running.pass_time(AFTER + timedelta(minutes=1))
    assert fresh(order).status == OrderStatus.REFUNDED
    assert bank.balance() == 0
    assert {group.status for group in groups_of(order)} == {GroupStatus.CANCELLED}
    assert not Invoice.select().exists()
    billing.assert_balanced()


def test_the_operators_refund_leaves_the_group_that_works(
    app: Flask, order: Order, bank: Bank
) -> None:
    said = app.test_cli_runner().invoke(args=["orders", "refund", str(order.number)])
    assert said.exit_code == 0
    queue.drain()
    check_settled(order, bank)


def test_the_group_that_works_can_be_withdrawn_from_after_the_refund(
    order: Order, bank: Bank
) -> None:
    orders.refund_order(order, by="alice")
    queue.drain()
    withdrawals.withdraw_from_service(groups_of(order)[0], by="alice")
    queue.drain()
    assert bank.balance() == 0
    billing.assert_balanced()


def test_a_refund_of_a_part_is_done_when_the_bank_says_so(
    app: Flask, order: Order, bank: Bank
) -> None:
    bank.refunding = RefundState.PENDING
    orders.refund_order(order, by="alice")
    queue.drain()
    assert not Letter.select().where(Letter.kind == "rest_refunded").exists()
    billing.assert_balanced()
    (made,) = bank.refunds.values()
    for state in (RefundState.SUCCEEDED, RefundState.FAILED):
        notifications.apply_notification(Notification("e", bank.tell_refund(made, state)))
    assert [fault for fault in ledger_proof.find_faults() if "failed" not in fault] == []
    assert monitoring.alarms()["failed_refunds"] == 1
    bank.refunding = RefundState.SUCCEEDED
    run = app.test_cli_runner().invoke
    assert run(args=["billing", "retry-refund", str(order.number)]).exit_code == 0
    queue.drain()
    assert Letter.select().where(Letter.kind == "rest_refunded").count() == 2
    check_settled(order, bank)


def test_a_part_of_an_order_paid_by_transfer_goes_back_by_transfer(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.refused_offers.add("pro_plus")
    order = purchases.place(alice, purchases.basket(3, 2))
    payments.record_manual_payment(order, by="operator")
    queue.drain()
    orders.refund_order(fresh(order), by="operator")
    queue.drain()
    (refund,) = Refund.select()
    assert (refund.status, refund.method, refund.cents) == (RefundStatus.ASKED, "manual", BACK)
    day = clock.today().isoformat()
    done = ["billing", "mark-refunded", str(order.number), "--date", day, "--reference", "VIR-7"]
    assert app.test_cli_runner().invoke(args=done).exit_code == 0
    assert "VIR-7" in the(alice, "rest_refunded").text
    assert Payment.get().has_succeeded
    billing.assert_balanced()


def test_a_failed_delivery_whose_refund_is_not_scheduled_is_found(order: Order) -> None:
    queue.Job.delete().where(queue.Job.kind == "refund_undelivered").execute()
    (fault,) = ledger_proof.find_faults()
    assert f"the delivery of order {order.number} failed" in fault


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_offers_the_refund_beside_the_next_attempt(
    order: Order, bank: Bank, visitor: Visitor, language: str
) -> None:
    account = order.account
    account.language = language
    account.save()
    french = language == "fr"
    visitor.log_in(account)
    page = f"/manager/account/orders/{order.number}" if french else f"/en/order/{order.number}"
    visitor.open(page)
    assert visitor.offers("Réessayer" if french else "Try again")
    assert visitor.sees("Non installé : 2 × Office 365 Pro Plus" if french else
                        "Not installed: 2 × Office 365 Pro Plus")  # fmt: skip
    assert visitor.sees(formats.moment(clock.now() + AFTER, language))
    visitor.press("Être remboursé" if french else "Get refunded")
    queue.drain()
    visitor.open(page)
    assert not visitor.offers("Réessayer" if french else "Try again")
    assert visitor.sees("3 × Office 365 Business")
    assert visitor.sees(formats.money(BACK, language))
    assert visitor.sees("Finalisée" if french else "Completed")
    check_settled(order, bank)


def test_a_stranger_has_nothing_refunded(order: Order, charlie: Account, visitor: Visitor) -> None:
    visitor.log_in(charlie)
    answer = visitor.client.post(f"/manager/account/orders/{order.number}/refund")
    assert answer.status_code in {400, 404}
    assert fresh(order).status == OrderStatus.DELIVERY_FAILED
