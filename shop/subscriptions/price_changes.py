"""Prices with validity dates, and the announcement of changes to running services."""

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
from shop.sql.prepared import prepared

ANNOUNCED_BEFORE = timedelta(days=30)
"""The least time between the announcement of a price and its first renewal (terms, 5.4)."""


# --- Prices ----------------------------------------------------------------------------------


def price_at(offer: str, at: datetime) -> Price:
    """Return the price of an offer at a moment."""
    found = _find_price(offer, at)
    assert found is not None, "what was sold has a price"
    return found


def _find_price(offer: str, at: datetime) -> Price | None:
    return _begun.first(offer, at)


@prepared
def _begun(offer: str, at: datetime) -> ModelSelect[Price]:
    return (
        Price.select()
        .where(Price.offer == offer, Price.valid_from <= at)
        .order_by(Price.valid_from.desc())
    )


def for_renewal(subscription: Subscription, on: date) -> Price:
    """Return the price of a licence from the renewal on a day: the last one announced for it."""
    price: Price | None = Price.get_or_none(Price.id == announced_price(subscription.id, on))
    return price or subscription.price


def announced_price(subscription: Any, on: Any) -> ModelSelect[Any]:
    """Select the key of the price last announced for renewals up to a day, if any.

    The arguments are values, or columns of the outer query.
    """
    return (
        PriceAnnouncement.select(PriceAnnouncement.price)
        .where(PriceAnnouncement.subscription == subscription, PriceAnnouncement.applies_on <= on)
        .order_by(PriceAnnouncement.applies_on.desc(), PriceAnnouncement.id.desc())
        .limit(1)
    )


def change_price(offer: str, cents: int, valid_from: datetime) -> Price:
    """Set the price of an offer to ``cents`` a month, excluding VAT, from a future moment on.

    Raise `Refusal` for an unknown offer, an amount out of range, and a moment in the past.
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


# --- Announcements ---------------------------------------------------------------------------


def announce_all() -> int:
    """Announce new prices that apply from the first renewal at least 30 days away; idempotent.

    Return the number of e-mails written.
    """
    now = clock.now()
    return sum(
        announce_to(subscription, now)
        for offer in list(Offer.select())
        for subscription in _with_older_price(offer, now)
    )


def _with_older_price(offer: Offer, now: datetime) -> Iterator[Subscription]:
    """Yield the subscriptions of an offer whose price is not the newest that may soon apply."""
    # The first renewal at least 30 days away is at most 62 days away: renewals are monthly.
    newest = _find_price(offer.code, now + ANNOUNCED_BEFORE + timedelta(days=32))
    if newest is None:
        return  # It is not sold yet.
    # Few: a query for those with another price than the newest would read all subscriptions.
    others = Price.select(Price.id).where(Price.offer == offer, Price.id != newest.id)
    announced = PriceAnnouncement.select(PriceAnnouncement.id).where(
        PriceAnnouncement.subscription == Subscription.id, PriceAnnouncement.price == newest
    )
    unannounced = (
        Subscription.select(Subscription, LicenceGroup, Account)
        .join(LicenceGroup)
        .join(Account)
        .where(
            LicenceGroup.offer == offer,
            Subscription.price.in_([each.id for each in others]),
            Subscription.renews_on.is_null(False),
            ~fn.EXISTS(announced),
        )
    )
    yield from in_batches(unannounced, Subscription.id)


def announce_to(subscription: Subscription, now: datetime) -> bool:
    """Announce a new price to one customer; return False if there is none or it was announced."""
    renewal = first_renewal_in_time(subscription, now)
    price = price_at(subscription.group.offer_id, clock.midnight(renewal))
    before = for_renewal(subscription, renewal)
    if price.amount_cents == before.amount_cents:
        return False
    with database.atomic():
        created = (
            PriceAnnouncement.insert(
                subscription=subscription, price=price, applies_on=renewal, announced_at=now
            )
            .on_conflict_ignore()
            .as_rowcount()
            .execute()
        )
        if created:
            mail.price_change(subscription, price, before, renewal)
    return bool(created)


def first_renewal_in_time(subscription: Subscription, now: datetime) -> date:
    """Return the first renewal for which a price can still be announced 30 days before."""
    renewal = subscription.period_end
    while clock.midnight(renewal) < now + ANNOUNCED_BEFORE:
        renewal = periods.renewal_after(renewal, subscription.anchor)
    return renewal


def all_prices() -> list[Price]:
    """Return every price of every offer, oldest first, for the operator."""
    return list(Price.select().order_by(Price.offer, Price.valid_from))
