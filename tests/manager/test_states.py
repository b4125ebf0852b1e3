"""One state of an order or a service on every page, and every deadline on the home."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from models import Account, LicenceGroup, Session
from shop import clock
from shop.jobs import queue
from shop.licences import groups as licence_groups
from shop.overviews import states
from shop.payments import outcomes
from shop.payments.gateway import CheckoutStatus
from shop.subscriptions import dunning, give_backs, terminations
from shop.text import formats
from tests.support import groups, purchases, running
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor
from web import auth

PAGES = ("/manager/web", "/manager/groups", "/manager/services")


@pytest.fixture
def inside(visitor: Visitor, alice: Account, provider: Provider) -> Visitor:
    visitor.log_in(alice)
    return visitor


def pages_of(group: LicenceGroup) -> list[str]:
    here = [f"/manager/groups/{group.name}{tab}" for tab in ("", "/usage", "/information")]
    return [*PAGES, *here, f"/manager/services/{group.name}"]


def test_an_order_is_checked_everywhere_while_the_bank_confirms(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    order = purchases.place(alice)
    inside.open("/manager/account/orders")
    assert inside.sees("Paiement non reçu")
    payment = purchases.start_paying(order)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.PROCESSING))
    orders = "/manager/account/orders"
    for page in ("/manager/web", orders, f"{orders}/{order.number}"):
        inside.open(page)
        assert inside.sees("Validation"), page
        assert not inside.sees("Paiement non reçu"), page


def test_a_service_that_ends_says_so_everywhere_and_asks_for_no_configuration(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank)
    inside.open("/manager/web")
    assert inside.sees("licences à configurer")
    terminations.request_termination(group, by="alice")
    day = formats.day(terminations.for_group(group).day, "fr")
    for page in pages_of(group):
        inside.open(page)
        assert inside.sees(f"Se termine le {day}"), page
    inside.open("/manager/web")
    assert not inside.sees("à configurer")
    assert inside.sees("peut être gardé jusqu’au")


def test_an_unpaid_renewal_says_everywhere_until_when_it_can_be_paid(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank, card="")
    running.to_renewal(group)
    first = states.owed_by(alice)[0].pay_before
    running.pass_time(timedelta(days=3, minutes=1))
    assert states.owed_by(alice)[0].pay_before == first, "each stage leaves the day as it was"
    inside.log_in(alice)
    day = formats.day(first, "fr")
    for page in pages_of(group):
        inside.open(page)
        assert inside.sees(f"avant le {day}"), page
        assert not inside.sees(f"jusqu’au {day}"), "it is suspended on that day"
        assert inside.sees("Renouvellement impayé") or page.endswith("/usage"), page
    for wait in dunning.WAITS[1:]:
        running.pass_time(wait + timedelta(minutes=1))
    assert running.subscription_of(group).is_suspended
    assert clock.today() == first
    assert states.owed_by(alice)[0].pay_before is None


def test_licences_given_back_are_no_more_to_be_configured(
    inside: Visitor, alice: Account, bank: Bank
) -> None:
    group = running.delivered(alice, bank)
    groups.configured(group, 1)
    give_backs.give_back_seats(group, [1, 3], by="alice")
    inside.open("/manager/web")
    assert inside.sees("2 licences se terminent le")
    assert inside.sees("1 licence à configurer")


def test_home_and_list_count_the_same_licences(
    inside: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    provider.failing = "no"
    order = purchases.place(alice)
    purchases.pay(order, bank)
    queue.drain()
    group = licence_groups.groups_of(order)[0]
    assert group.is_install_failed
    assert group.licences_shown == 0
    inside.open("/manager/groups")
    assert "Échec de l’installation" in inside.response.text
    inside.open("/manager/web")
    tile = inside.response.text.split('class="tile"')[1].split("</li>")[0]
    assert "licence" not in tile.split("</a>")[1]


def test_what_a_request_may_change_is_not_told_by_its_session(app: Flask) -> None:
    """A page made in the request that made a service late, or ended it, has to say so."""
    for method, may_be in (("GET", False), ("HEAD", True), ("POST", True)):
        with app.test_request_context("/manager/services", method=method):
            session = Session(account=Account())
            session.is_late = False
            auth.treat_as(session)
            assert auth.may_be("is_late") is may_be, method
