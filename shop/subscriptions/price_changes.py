"""Prices with validity dates, and how a change reaches the services that run: announced first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from peewee import IntegrityError, ModelSelect, fn

from records.accounts import Account
from records.base import database
from records.batches import in_batches
from records.catalogue import Offer, Price
from records.groups import LicenceGroup
from records.subscriptions import PriceAnnouncement, Subscription
from shop import clock, mail
from shop.errors import N_, Refusal
from shop.pricing import periods

ANNOUNCED_BEFORE = timedelta(days=30)
"""How long before a renewal its new price is announced (general terms, 5.4)."""


# --- What is in force ------------------------------------------------------------------------


def in_force(offer: str, at: datetime) -> Price:
    """The price of an offer at a moment."""
    return (
        Price.select()
        .where(Price.offer == offer, Price.valid_from <= at)
        .order_by(Price.valid_from.desc())
        .get()
    )


def for_renewal(subscription: Subscription, on: date) -> Price:
    """What a licence costs from the renewal on a day: the last price announced for it in time."""
    price: Price | None = Price.get_or_none(Price.id == announced(subscription.id, on))
    return price or subscription.price


def announced(subscription: Any, on: Any) -> ModelSelect[Any]:
    """The key of the price last announced for the renewals up to a day, if any; both arguments
    are values, or columns of the query around it."""
    return (
        PriceAnnouncement.select(PriceAnnouncement.price)
        .where(PriceAnnouncement.subscription == subscription, PriceAnnouncement.applies_on <= on)
        .order_by(PriceAnnouncement.applies_on.desc(), PriceAnnouncement.id.desc())
        .limit(1)
    )


def change(offer: str, cents: int, valid_from: datetime) -> Price:
    """Let an offer cost ``cents`` a month, excluding VAT, from a moment to come on.

    Raises `Refusal` for an unknown offer, an amount no price is, and a moment that is over.
    """
    if Offer.get_or_none(Offer.code == offer) is None:
        raise Refusal(N_("There is no such offer."), "offer")
    if not 0 < cents <= 100_000_00:
        raise Refusal(N_("A licence costs between 0.01 and 100,000 euros a month."), "amount")
    if valid_from < clock.now():
        raise Refusal(N_("A price changes on a day to come."), "valid_from")
    try:
        with database.atomic():
            return Price.create(offer=offer, amount_cents=cents, valid_from=valid_from)
    except IntegrityError:
        raise Refusal(N_("The offer has a price from this moment on already.")) from None


# --- Announcing ------------------------------------------------------------------------------


def announce() -> int:
    """Tell every customer of the price of the first renewal that is 30 days away, where it is a
    new one; how many letters were written. Safe to repeat."""
    now = clock.now()
    return sum(
        announce_to(subscription, now)
        for offer in Offer.select()
        for subscription in _with_older_price(offer, now)
    )


def _with_older_price(offer: Offer, now: datetime) -> Iterator[Subscription]:
    """The subscriptions of an offer whose price is not the newest that may reach them soon."""
    # A renewal at least 30 days away is at most 62 days away: a month is the most in between.
    newest = in_force(offer.code, now + ANNOUNCED_BEFORE + timedelta(days=32))
    told = PriceAnnouncement.select(PriceAnnouncement.id).where(
        PriceAnnouncement.subscription == Subscription.id, PriceAnnouncement.price == newest
    )
    untold = (
        Subscription.select(Subscription, LicenceGroup, Account)
        .join(LicenceGroup)
        .join(Account)
        .where(
            LicenceGroup.offer == offer,
            Subscription.price != newest,
            Subscription.renews_on.is_null(False),
            ~fn.EXISTS(told),
        )
    )
    return in_batches(untold, Subscription.id)


def announce_to(subscription: Subscription, now: datetime) -> bool:
    """Write the letter to one customer, if there is a new price; False if not, or told already."""
    renewal = first_renewal_in_time(subscription, now)
    price = in_force(subscription.group.offer_id, clock.midnight(renewal))
    before = for_renewal(subscription, renewal)
    if price.amount_cents == before.amount_cents:
        return False
    with database.atomic():
        told = (
            PriceAnnouncement.insert(
                subscription=subscription, price=price, applies_on=renewal, announced_at=now
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )
        if told:
            mail.price_change(subscription, price, before, renewal)
    return bool(told)


def first_renewal_in_time(subscription: Subscription, now: datetime) -> date:
    """The first renewal for which a price can still be announced 30 days before."""
    renewal = subscription.period_end
    while clock.midnight(renewal) < now + ANNOUNCED_BEFORE:
        renewal = periods.renewal_after(renewal, subscription.anchor)
    return renewal


def listed() -> list[Price]:
    """Every price of every offer, oldest first, for the operator."""
    return list(Price.select().order_by(Price.offer, Price.valid_from))
