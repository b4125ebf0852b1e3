"""How things end: orders finished and closed, licences added, debts paid; and the ways on."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from models import Account, LicenceGroup, Order, OrderStatus, Payment
from shop import clock
from shop.jobs import queue
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from tests.support import billing, groups, purchases, running
from tests.support.client import CheckingClient
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def inside(visitor: Visitor, alice: Account, provider: Provider) -> Visitor:
    visitor.log_in(alice)
    return visitor


def come_back(inside: Visitor, bank: Bank) -> None:
    """Pay the newest checkout at the bank, and follow its way back."""
    payment = Payment.select().order_by(Payment.id.desc()).get()
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    queue.drain()
    back = bank.requests[payment.checkout].return_url
    inside.open(back.removeprefix("http://localhost"))


def test_a_finished_order_has_all_steps_done_and_nothing_due(
    inside: Visitor, client: CheckingClient, alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    inside.open(f"/fr/order/{order.number}")
    assert inside.sees("Étape 5 sur 5")
    assert inside.sees("Valable jusqu’au")
    purchases.pay(order, bank)
    queue.drain()
    # What refreshes itself brings the steps and the document.
    part = client.get(f"/fr/order/{order.number}/status", headers=PARTIAL).text
    for text in (part, client.get(f"/fr/order/{order.number}").text):
        assert "Toutes les étapes sont faites" in text
        assert "step-current" not in text
        assert "Total à payer" not in text
        assert "Valable jusqu’au" not in text
        assert 'id="document"' in text
    assert part.count('hx-swap-oob="outerMorph"') == 2


@pytest.mark.parametrize("page", ["/fr/order/{}", "/manager/account/orders/{}"])
def test_what_has_not_changed_does_not_come_again(
    inside: Visitor, client: CheckingClient, alice: Account, bank: Bank, page: str
) -> None:
    order = purchases.place(alice)
    purchases.start_paying(order)
    address = page.format(order.number)

    def asked_for(text: str) -> str:
        found = re.search(r'hx-get="([^"]+)" hx-trigger="every ', text)
        assert found
        return html.unescape(found[1])

    first = client.get(address).text
    again = client.get(asked_for(first), headers=PARTIAL).text
    assert 'id="document"' in first
    assert 'id="order-status"' in again
    assert 'id="document"' not in again
    purchases.pay(order, bank)
    paid = client.get(asked_for(again), headers=PARTIAL).text
    assert 'id="document"' in paid
    assert asked_for(paid) != asked_for(again)
    assert 'id="document"' not in client.get(asked_for(paid), headers=PARTIAL).text


def test_order_invoice_and_service_lead_to_each_other(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    order = billing.delivered(alice, bank)
    group = LicenceGroup.get()
    invoice = billing.invoice_of(order)
    inside.open(f"/manager/account/orders/{order.number}")
    inside.follow(f"Facture {invoice.number}")
    inside.follow("Son service")
    assert inside.address.endswith(f"/manager/services/{group.name}")
    inside.follow(f"Commande {order.number}")
    inside.follow("Son service")
    inside.follow(f"Facture {invoice.number}")
    inside.follow(order.number)
    assert inside.address.endswith(f"/manager/account/orders/{order.number}")
    running.to_renewal(group)
    inside.log_in(alice)
    inside.open(f"/manager/services/{group.name}")
    # Two invoices, and the one to be paid above.
    assert inside.response.text.count("/manager/account/bills/") == 3


def test_licences_added_are_followed_in_the_customer_area(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank)
    order = groups.add(group, 2)
    purchases.start_paying(order)
    come_back(inside, bank)
    assert inside.address.endswith(f"/manager/account/orders/{order.number}")
    assert inside.sees("Finalisée")


def test_an_order_paid_in_the_customer_area_is_followed_there(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    inside.open(f"/manager/account/orders/{order.number}")
    inside.press("Payer par carte", renewals="self")
    come_back(inside, bank)
    assert inside.address.endswith(f"/manager/account/orders/{order.number}")


def test_a_paid_debt_says_that_the_service_runs_again(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.suspended(alice, bank)
    invoice = running.owed(group)
    inside.log_in(alice)
    inside.open(f"/manager/services/{group.name}")
    inside.press("Payer 31,68 € par carte")
    come_back(inside, bank)
    assert inside.address.endswith(f"/manager/account/bills/{invoice.number}")
    assert inside.sees("Votre service fonctionne à nouveau")
    inside.follow("Son service")
    assert inside.sees("En service")


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_a_closed_order_can_be_ordered_again(
    inside: Visitor, alice: Account, status: OrderStatus
) -> None:
    order = purchases.place(alice)
    address = f"/fr/order/{order.number}"
    inside.open(address)
    assert not inside.offers("Annuler la commande"), "one tap shows what it means"
    if status == OrderStatus.CANCELLED:
        inside.press("Oui, annuler la commande")
    else:
        running.pass_time(order.expires_at - clock.now() + timedelta(minutes=1))
        inside.log_in(alice)
        inside.open(address)
    assert Order.get_by_id(order.id).status == status
    assert not inside.sees("Étape"), "a closed order is at no step"
    assert not inside.sees("Total à payer")
    inside.follow("Commander à nouveau")
    field = inside.find("input", id="business")
    assert field is not None
    assert field.get("value") == "3"
