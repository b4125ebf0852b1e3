"""Price changes: for new orders at once, for running services after 30 days' notice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from models import Account, Letter, PriceAnnouncement, Renewal
from shop import clock
from shop.clock import day_of, midnight
from shop.errors import Refusal
from shop.pricing import catalogue
from shop.subscriptions import previews, price_changes
from tests.support import running
from tests.support.parties import Bank, Provider


def announced() -> int:
    return Letter.select().where(Letter.kind == "price_change").count()


def pass_days(days: int) -> None:
    """Let days pass, with the price announcements of each."""
    for _ in range(days):
        running.pass_time(timedelta(days=1))
        price_changes.announce_all()


def test_a_change_reaches_the_first_renewal_30_days_after_its_email(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    first = running.subscription_of(group).renews_on
    assert first is not None
    price_changes.change_price("business", 990, clock.now() + timedelta(minutes=1))
    price_changes.announce_all()
    announcement = PriceAnnouncement.get()
    assert midnight(announcement.applies_on) - announcement.announced_at >= timedelta(days=30)
    while running.subscription_of(group).period_start < announcement.applies_on:
        shown = previews.preview(running.subscription_of(group))
        running.to_renewal(group)
        newest = Renewal.select().order_by(Renewal.id.desc()).get()
        expected = 880 if newest.period_start < announcement.applies_on else 990
        assert newest.invoice.net_cents == 3 * expected
        assert shown is not None
        assert shown.totals.total_cents == newest.invoice.total_cents
    assert announced() == 1


def test_without_an_announcement_the_price_stays(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    price_changes.change_price("business", 990, clock.now() + timedelta(minutes=1))
    for _ in range(3):
        running.to_renewal(group)
    assert {renewal.invoice.net_cents for renewal in Renewal.select()} == {3 * 880}


def test_it_is_announced_once_and_only_to_those_it_concerns(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank)
    price_changes.change_price("pro_plus", 1390, clock.now() + timedelta(minutes=1))
    pass_days(2)
    assert announced() == 0
    price_changes.change_price("business", 990, clock.now() + timedelta(minutes=1))
    pass_days(40)
    assert announced() == 1


def test_a_change_far_away_is_announced_when_its_renewal_comes_near(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    change = clock.now() + timedelta(days=150)
    price_changes.change_price("business", 990, change)
    price_changes.announce_all()
    assert announced() == 0
    pass_days(200)
    announcement = PriceAnnouncement.get()
    assert announcement.applies_on >= day_of(change)
    before = announcement.applies_on - day_of(announcement.announced_at)
    assert timedelta(days=30) <= before <= timedelta(days=62)
    assert running.subscription_of(group).price == announcement.price


def test_who_orders_after_the_change_pays_the_new_price_from_the_start(
    app: Flask, alice: Account, bank: Bank, provider: Provider
) -> None:
    price_changes.change_price("business", 990, clock.now() + timedelta(minutes=1))
    running.pass_time(timedelta(minutes=2))
    assert catalogue.offers()["business"].price_cents == 990
    group = running.delivered(alice, bank)
    price_changes.announce_all()
    assert announced() == 0
    running.to_renewal(group)
    assert Renewal.get().invoice.net_cents == 3 * 990


def test_two_changes_follow_each_other(alice: Account, bank: Bank, provider: Provider) -> None:
    group = running.delivered(alice, bank)
    price_changes.change_price("business", 900, clock.now() + timedelta(days=1))
    price_changes.change_price("business", 950, clock.now() + timedelta(days=70))
    pass_days(140)
    charged = [row.invoice.net_cents // 3 for row in Renewal.select().order_by(Renewal.id)]
    assert charged == sorted(charged)
    assert {880, 900, 950} >= set(charged) >= {900, 950}
    assert running.subscription_of(group).price.amount_cents == 950


@pytest.mark.parametrize(
    ("offer", "cents", "days"), [("none", 1, 1), ("business", 0, 1), ("business", 1, -1)]
)
def test_an_invalid_price_is_refused(app: Flask, offer: str, cents: int, days: int) -> None:
    with pytest.raises(Refusal):
        price_changes.change_price(offer, cents, clock.now() + timedelta(days=days))


def test_a_moment_has_one_price(app: Flask) -> None:
    at = midnight(date(2999, 1, 1))
    price_changes.change_price("business", 1, at)
    with pytest.raises(Refusal, match="already"):
        price_changes.change_price("business", 2, at)
