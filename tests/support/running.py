"""Factories for running services: delivered, renewed, unpaid, suspended."""

from __future__ import annotations

from datetime import timedelta

from models import Account, Card, Invoice, LicenceGroup, Subscription
from shop import clock
from shop.clock import midnight
from shop.invoicing import receivables
from shop.jobs import queue
from shop.sandbox_link import switches, test_points
from shop.subscriptions import dunning, renewals, subscriptions
from tests.support import purchases
from tests.support.parties import Bank
from tests.support.remembered import remembered


@remembered
def delivered(
    account: Account, bank: Bank, quantity: int = 3, *, card: str = "4242"
) -> LicenceGroup:
    """Return a group of Business licences, paid and installed, with a stored ``card``, if any.

    A card that ends in 0341 is declined when the customer is not present.
    """
    order = purchases.place(account, purchases.basket(business=quantity))
    purchases.pay(order, bank, store_card=bool(card), number=card)
    queue.drain()
    newest = LicenceGroup.select().where(LicenceGroup.account == account)
    return newest.order_by(LicenceGroup.id.desc()).get()


def charge_to(group: LicenceGroup, card: Card) -> None:
    """Let the renewals of a group be charged to a stored card, as its customer may."""
    subscriptions.choose_card(subscription_of(group), card, by=card.account.nic_handle)


def subscription_of(group: LicenceGroup) -> Subscription:
    """Return the current subscription of a group."""
    subscription = subscriptions.for_group(group)
    assert subscription is not None
    return subscription


def move_on(by: timedelta) -> None:
    """Move the clock on without doing any jobs."""
    moved_on = clock.now() - clock.real_now() + by
    switches.switch(switches.CLOCK, str(moved_on.total_seconds()))
    test_points.follow_clock()


def pass_time(by: timedelta) -> None:
    """Move the clock on and do all that is due by then."""
    move_on(by)
    renewals.run_renewals()
    queue.drain()


def to_renewal(group: LicenceGroup) -> None:
    """Move the clock on to the next renewal and do it."""
    renews_on = subscription_of(group).renews_on
    assert renews_on is not None
    pass_time(midnight(renews_on) - clock.now() + timedelta(minutes=1))


def owed(group: LicenceGroup) -> Invoice:
    """Return the oldest unpaid invoice of a group."""
    return receivables.unpaid_invoices(group.id)[0]


def suspended(account: Account, bank: Bank) -> LicenceGroup:
    """Return a group suspended because its renewal was not paid."""
    group = delivered(account, bank, card="")
    to_renewal(group)
    for wait in dunning.WAITS:
        pass_time(wait + timedelta(minutes=1))
    return group
