"""The customer's home: figures, what needs attention, and quick actions."""

from __future__ import annotations

import pytest

from models import Account
from shop.delivery import progress
from shop.jobs import queue
from shop.text import formats
from tests.support import groups, purchases, running
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

HOME = "/manager/web"


@pytest.fixture
def inside(visitor: Visitor, alice: Account, provider: Provider) -> Visitor:
    visitor.log_in(alice)
    return visitor


def test_a_new_customer_is_led_to_the_order_page(inside: Visitor) -> None:
    inside.open(HOME)
    assert inside.sees("Commandez vos premières licences")
    assert not inside.sees("Prochain renouvellement")
    assert not inside.sees("Actions rapides")


def test_the_home_names_renewal_card_licences_and_debts(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank)
    groups.configured(group)
    inside.open(HOME)
    day = running.subscription_of(group).renews_on
    assert day is not None
    assert inside.sees(formats.day(day, "fr"))
    assert inside.sees("Carte Visa se terminant par 4242")
    assert inside.sees("1 sur 3")
    assert inside.sees("2\u00a0licences payées sans utilisateur")
    assert inside.sees("Toutes vos factures sont payées.")
    inside.follow("Configurer une licence")
    assert inside.sees("Non configuré")


def test_an_unpaid_renewal_is_an_amount_with_a_deadline(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank, card="")
    inside.open(HOME)
    assert inside.sees("aucune carte n’est débitée")
    running.to_renewal(group)
    inside.log_in(alice)  # the session has ended meanwhile
    inside.open(HOME)
    assert inside.sees(formats.money(running.owed(group).balance_cents, "fr"))
    assert inside.sees("1\u00a0facture impayée · à régler avant le")
    inside.follow("Régler ce qui est dû")
    assert inside.sees(running.owed(group).number)


def test_a_failed_delivery_is_told_with_the_time_of_its_refund(
    inside: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "no capacity"
    order = purchases.place(alice, purchases.basket(business=2))
    purchases.pay(order, bank)
    queue.drain()
    refunded_at = progress.refund_time(groups.fresh(order))
    inside.open(HOME)
    moment = formats.deadline(refunded_at, "fr")
    assert inside.sees(f"remboursée si elle n’est pas installée avant le {moment}")


def test_quick_acts_lead_to_what_is_to_pay_to_the_invoices_and_to_the_help(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank, card="")
    inside.open(HOME)
    assert not inside.sees("Régler une facture"), "there is none"
    inside.follow("Retrouver une facture")
    assert inside.address == "/manager/account/bills"
    inside.open(HOME)
    inside.follow("Trouver une réponse")
    assert inside.address.startswith("/fr/help")
    running.to_renewal(group)
    inside.log_in(alice)
    inside.open(HOME)
    inside.follow("Régler une facture")
    assert inside.sees(running.owed(group).number)
