"""Offers changed by two at once, and orders placed while a sale ends or a limit is lowered."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

import pytest

from models import Account, Offer, OfferChange, Order, Price, database
from shop import clock
from shop.errors import Conflict, Refusal
from shop.orders import baskets, on_sale
from shop.pricing import catalogue
from shop.publishing import offers, prices
from shop.publishing.offers import Details, Sale
from shop.sandbox_link import test_points
from tests.support import groups, purchases, racing
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.usefixtures("app")

ADA = "staff:ada"
MINI = Details("Office 365 Mini", "", "Word", 5, 3)


def found(code: str = "business") -> Offer:
    return Offer.get_by_id(code)


def end_sale() -> None:
    offer = found()
    days = Sale(offer.on_sale_from, clock.today())
    offers.set_sale(offer, days, by=ADA, reason="Fin de vente")


def end_sale_at_the_worst_moment() -> None:
    """End the sale after everything was checked, just before the order is written."""

    def end() -> None:
        test_points.hook("ordering.place", None)
        end_sale()

    test_points.hook("ordering.place", end)


def test_an_order_placed_while_the_sale_ends_is_refused_at_its_field(alice: Account) -> None:
    end_sale_at_the_worst_moment()
    with pytest.raises(Refusal, match="no longer on sale") as refused:
        purchases.place(alice, purchases.basket(3))
    assert refused.value.field == "business"
    assert not Order.select().exists()


def test_control_without_the_check_in_its_transaction_it_is_placed(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_sale, "hold", lambda lines: None)
    end_sale_at_the_worst_moment()
    assert purchases.place(alice, purchases.basket(3)).number


def test_the_order_that_it_would_replace_stays(alice: Account) -> None:
    first = purchases.place(alice, purchases.basket(3, name="one-and-the-same-basket"))
    end_sale_at_the_worst_moment()
    with pytest.raises(Refusal):
        purchases.place(alice, purchases.basket(4, name="one-and-the-same-basket"))
    assert Order.get_by_id(first.id).is_payable


def test_a_limit_lowered_meanwhile_refuses_the_order(alice: Account) -> None:
    def lower() -> None:
        test_points.hook("ordering.place", None)
        row = found()
        less = Details(row.name, row.name_fr, row.applications, 2, row.position)
        offers.change_details(row, less, by=ADA, reason="Microsoft")

    test_points.hook("ordering.place", lower)
    with pytest.raises(Refusal, match="at most 2") as refused:
        purchases.place(alice, purchases.basket(3))
    assert refused.value.field == "business"


def test_no_order_is_placed_after_a_sale_has_ended(alice: Account) -> None:
    """Orders and the end of the sale at once: what was placed was placed before."""
    chosen = [purchases.basket(3) for _ in range(7)]
    seen, turns = purchases.seen_by(alice, chosen[0]), count()

    def act() -> Any:
        turn = next(turns)
        if turn == 7:
            return end_sale()
        return baskets.place_order(alice, chosen[turn], seen)

    results = racing.race(act, 8)
    placed = [each for each in results if isinstance(each, Order)]
    refused = [each for each in results if isinstance(each, Refusal)]
    assert len(placed) + len(refused) == 7, results
    assert Order.select().count() == len(placed)
    ended = OfferChange.get().at
    assert all(order.placed_at <= ended for order in Order.select()) or len(placed) == 7


def test_of_two_administrators_at_once_one_is_told() -> None:
    row, names = found(), count()

    def rename() -> None:
        details = Details(f"Office {next(names)}", "", row.applications, 300, 1)
        offers.change_details(row, details, by=ADA, reason="Nom")

    results = racing.race(rename, 5)
    assert [type(each) for each in results].count(Conflict) == 4, results
    assert (found().version, OfferChange.select().count()) == (2, 1)


def test_one_code_is_added_once() -> None:
    names = count()

    def add() -> Offer:
        details = Details(f"Office {next(names)}", "", "Word", 5, 3)
        return offers.add("mini", "business", details, by=ADA, reason="Petites équipes")

    results = racing.race(add, 5)
    assert sum(isinstance(each, Offer) for each in results) == 1, results
    assert all(isinstance(each, (Offer, Refusal)) for each in results), results
    assert OfferChange.select().count() == 1


def test_a_sale_does_not_begin_with_a_price_that_is_taken_back_at_once() -> None:
    offers.add("mini", "business", MINI, by=ADA, reason="Petites équipes")
    day = date.fromordinal(clock.today().toordinal() + 9)
    price = prices.set_price("mini", 450, day, by=ADA, reason="Prix")
    turns = count()

    def act() -> None:
        if next(turns):
            prices.take_back(price, by=ADA, reason="Trop cher")
        else:
            offers.set_sale(found("mini"), Sale(day, None), by=ADA, reason="Vente")

    results = racing.race(act, 2)
    assert sum(isinstance(each, Refusal) for each in results) == 1, results
    has_price = Price.select().where(Price.offer == "mini").exists()
    assert has_price is (found("mini").on_sale_from is not None)


def test_additions_at_once_stay_within_a_lowered_limit(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank, 3)
    Offer.update(places_limit=5).where(Offer.code == "business").execute()
    results = racing.race(lambda: groups.add(group, 1), 5)
    assert sum(isinstance(each, Order) for each in results) == 2, results
    assert groups.fresh(group).places_taken == 5
    assert database.is_closed() is False
    assert catalogue.offers()["business"].places_limit == 5
