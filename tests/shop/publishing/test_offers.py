"""Offers: added, changed, put on sale, taken from sale; each change undone where it can."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine

from models import (
    Account,
    Event,
    LicenceGroup,
    Offer,
    OfferChange,
    Price,
    PriceAnnouncement,
    Subscription,
)
from shop import clock as shop_clock
from shop.errors import Conflict, Refusal
from shop.jobs import queue
from shop.licences.reservations import PlacesExhausted
from shop.operations import audit
from shop.pricing import catalogue, catalogue_version
from shop.publishing import offers, prices
from shop.publishing.offers import Details, Sale
from shop.subscriptions import price_changes, renewals
from tests.support import groups, purchases, running
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.usefixtures("app")

ADA = "staff:ada"
MINI = Details("Office 365 Mini", "Office 365 Petit", "Word, Teams", 5, 3)


def today() -> date:
    return shop_clock.today()


def soon(days: int = 9) -> date:
    return today() + timedelta(days=days)


def added(details: Details = MINI, product: str = "business") -> Offer:
    return offers.add("mini", product, details, by=ADA, reason="Petites équipes")


def found(code: str) -> Offer:
    offer = offers.find_offer(code)
    assert offer is not None
    return offer


def sell(code: str, first: date | None, end: date | None = None) -> None:
    offers.set_sale(found(code), Sale(first, end), by=ADA, reason="Décidé en comité")


def details_of(code: str, **changed: object) -> Details:
    row = found(code)
    known = Details(row.name, row.name_fr, row.applications, row.places_limit, row.position)
    return replace(known, **changed)


def describe(code: str, **changed: object) -> None:
    given = details_of(code, **changed)
    offers.change_details(found(code), given, by=ADA, reason="Microsoft change")


def states() -> dict[str, str]:
    return {each.offer.code: each.state for each in offers.all_offers()}


def test_an_offer_is_added_priced_and_put_on_sale() -> None:
    before = catalogue_version.current()
    added()
    assert catalogue_version.current() != before
    assert states() == {"business": "sold", "pro_plus": "sold", "mini": "none"}
    with pytest.raises(Refusal, match="no price") as refused:
        sell("mini", soon())
    assert refused.value.field == "on_sale_from"
    prices.set_price("mini", 450, soon(10), by=ADA, reason="Prix")
    with pytest.raises(Refusal, match="no price"):
        sell("mini", soon(9))
    sell("mini", soon(10))
    assert states()["mini"] == "to_come"
    assert "mini" not in catalogue.on_sale(catalogue.offers())
    (sale, addition) = offers.history(found("mini"))
    assert (addition.kind, addition.after["name_fr"]) == ("added", "Office 365 Petit")
    assert (sale.kind, sale.by, sale.reason) == ("sale", ADA, "Décidé en comité")
    assert offers.after(sale) == {"on_sale_from": soon(10), "on_sale_until": None}
    noted = Event.select().where(Event.subject == "offer").order_by(Event.id)
    assert [(event.name, event.by) for event in noted] == [
        ("offer_added", ADA), ("offer_sale", ADA),
    ]  # fmt: skip


def test_it_is_sold_from_its_first_day_until_the_day_it_ends(
    clock: time_machine.Traveller,
) -> None:
    added()
    prices.set_price("mini", 450, soon(1), by=ADA, reason="Prix")
    sell("mini", soon(1), soon(3))
    sold = []
    for _ in range(4):
        sold.append("mini" in catalogue.on_sale(catalogue.offers()))
        clock.shift(timedelta(days=1))
    assert sold == [False, True, True, False]
    assert states()["mini"] == "over"


def test_a_price_with_which_a_sale_begins_is_not_taken_back() -> None:
    added()
    price = prices.set_price("mini", 450, soon(5), by=ADA, reason="Prix")
    sell("mini", soon(6))
    with pytest.raises(Conflict, match="begins with this price"):
        prices.take_back(price, by=ADA, reason="Trop cher")
    earlier = prices.set_price("mini", 400, soon(4), by=ADA, reason="Prix")
    prices.take_back(price, by=ADA, reason="Trop cher")
    with pytest.raises(Conflict, match="begins with this price"):
        prices.take_back(earlier, by=ADA, reason="Trop bas")
    offers.undo(found("mini"), by=ADA, reason="Reporté")
    prices.take_back(earlier, by=ADA, reason="Trop bas")
    assert not Price.select().where(Price.offer == "mini").exists()


@pytest.mark.parametrize("code", ["", "Mini", "1st", "mini_", "mi-ni", "a" * 17, "été"])
def test_a_code_of_another_shape_is_refused(code: str) -> None:
    with pytest.raises(Refusal, match="small letters") as refused:
        offers.read_code(code)
    assert refused.value.field == "code"


def test_no_code_and_no_name_is_used_twice() -> None:
    added()
    with pytest.raises(Refusal, match="twice") as refused:
        added(replace(MINI, name="Autre", name_fr=""))
    assert refused.value.field == "code"
    with pytest.raises(Refusal, match="twice"):
        offers.read_code("business")
    for name, field in (("Office 365 Petit", "name"), ("Office 365 Business", "name")):
        with pytest.raises(Refusal, match="this name") as refused:
            describe("pro_plus", name=name)
        assert refused.value.field == field


@pytest.mark.parametrize(
    ("product", "typed", "limit"),
    [("business", "300", 300), ("pro_plus", "", None), ("pro_plus", " 1000 ", 1000)],
)
def test_a_limit_is_that_of_the_product_at_most(
    product: str, typed: str, limit: int | None
) -> None:
    assert offers.read_limit(typed, product) == limit


@pytest.mark.parametrize(
    ("product", "typed"),
    [("business", ""), ("business", "301"), ("business", "0"), ("pro_plus", "none")],
)
def test_another_limit_is_refused(product: str, typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        offers.read_limit(typed, product)
    assert refused.value.field == "places_limit"


def test_applications_are_read_as_a_list() -> None:
    assert offers.read_applications(" Word ,Power  BI,, Word") == "Word, Power BI"
    for typed in ("", " , "):
        with pytest.raises(Refusal, match="separated by commas"):
            offers.read_applications(typed)
    with pytest.raises(Refusal, match="too long"):
        offers.read_applications("x" * 501)


def test_every_change_needs_a_reason_and_changes_something() -> None:
    for act in (
        lambda: offers.add("mini", "business", MINI, by=ADA, reason=" "),
        lambda: offers.change_details(found("business"), MINI, by=ADA, reason=""),
        lambda: offers.set_sale(found("business"), Sale(today(), None), by=ADA, reason=""),
        lambda: offers.undo(found("business"), by=ADA, reason=""),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.field == "reason"
    with pytest.raises(Refusal, match="Nothing is changed"):
        describe("business")
    assert not OfferChange.select().exists()


def test_the_days_of_a_sale_are_possible_ones() -> None:
    first = found("business").on_sale_from
    for days, field in (
        ((None, None), "on_sale_from"),
        ((today(), None), "on_sale_from"),
        ((first, today() - timedelta(days=1)), "on_sale_until"),
    ):
        with pytest.raises(Refusal) as refused:
            sell("business", *days)
        assert refused.value.field == field
    added()
    Price.create(offer="mini", amount_cents=450, valid_from=catalogue.SHIPPED_FROM)
    for days, field in (
        ((today() - timedelta(days=1), None), "on_sale_from"),
        ((soon(5), soon(4)), "on_sale_until"),
    ):
        with pytest.raises(Refusal) as refused:
            sell("mini", *days)
        assert refused.value.field == field


def test_what_has_ended_is_sold_again_and_what_was_changed_is_undone() -> None:
    first = found("business").on_sale_from
    sell("business", first, today())
    assert states()["business"] == "over"
    offers.undo(found("business"), by=ADA, reason="Par erreur")
    assert states()["business"] == "sold"
    with pytest.raises(Conflict, match="nothing to undo"):
        offers.undo(found("business"), by=ADA, reason="Encore")
    describe("business", name="Office 365 Affaires", applications="Word")
    offers.undo(found("business"), by=ADA, reason="Par erreur")
    assert found("business").name == "Office 365 Business"
    kinds = [change.kind for change in offers.history(found("business"))]
    assert kinds == ["undone", "details", "undone", "sale"]


def test_a_sale_that_has_begun_is_not_undone(clock: time_machine.Traveller) -> None:
    added()
    prices.set_price("mini", 450, soon(1), by=ADA, reason="Prix")
    sell("mini", soon(1))
    clock.shift(timedelta(days=1))
    with pytest.raises(Refusal, match="has begun"):
        offers.undo(found("mini"), by=ADA, reason="Trop tard")


def test_of_two_administrators_the_second_is_told() -> None:
    seen_by_both = found("business")
    describe("business", name="Office 365 Affaires")
    late = replace(details_of("business"), name="Office 365 Firmes")
    with pytest.raises(Conflict, match="a moment ago"):
        offers.change_details(seen_by_both, late, by="staff:bob", reason="Nom")
    assert found("business").name == "Office 365 Affaires"


def test_a_lower_limit_takes_nothing_from_a_group_and_lets_nothing_be_added(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group, unpaid = groups.installed(alice, bank, 8), purchases.place(alice, purchases.basket(9))
    describe("business", places_limit=5)
    with pytest.raises(PlacesExhausted, match="keeps those it has") as refused:
        groups.add(group, 1)
    assert refused.value.field == "quantity"
    purchases.pay(unpaid, bank)
    queue.drain()
    for each in LicenceGroup.select():
        assert each.is_open
        assert each.seats_total in (8, 9)
    with pytest.raises(Refusal, match="at most 5"):
        purchases.place(alice, purchases.basket(6))
    subscription = running.subscription_of(group)
    running.move_on(timedelta(days=32))
    renewals.renew(subscription.id, subscription.renews_on)
    assert Subscription.get_by_id(subscription.id).renews_on > subscription.renews_on
    queue.drain()
    assert list(audit.find_faults()) == []


def test_a_group_grows_to_a_limit_that_was_lowered_or_raised_since(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank, 3)
    describe("business", places_limit=5)
    with pytest.raises(PlacesExhausted, match="2 free places of 5"):
        groups.add(group, 3)
    groups.add(group, 2)
    assert (groups.fresh(group).places_taken, groups.fresh(group).places_limit) == (5, 5)
    describe("business", places_limit=10)
    groups.add(group, 4)
    assert (groups.fresh(group).places_taken, groups.fresh(group).places_limit) == (9, 10)


def test_an_offer_without_a_price_stops_no_announcement(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    added()
    running.delivered(alice, bank)
    prices.set_price("business", 990, soon(), by=ADA, reason="Microsoft")
    assert price_changes.announce_all() == 1
    assert PriceAnnouncement.select().count() == 1


def test_shipped_offers_are_described_and_left_as_they_are() -> None:
    Offer.update(applications="", on_sale_from=None, product=None).execute()
    catalogue.publish_shipped()
    assert found("pro_plus").application_names[-1] == "Power BI"
    describe("business", applications="Word", name="Office 365 Affaires")
    catalogue.publish_shipped()
    assert (found("business").name, found("business").applications) == (
        "Office 365 Affaires", "Word",
    )  # fmt: skip


def test_what_is_kept_in_the_process_follows_a_change() -> None:
    def token() -> str:
        return catalogue_version.current().partition(" ")[0]

    assert catalogue.described(token())["business"].name == "Office 365 Business"
    describe("business", name="Office 365 Affaires")
    assert catalogue.described(token())["business"].name == "Office 365 Affaires"
    assert catalogue.last_described()["business"].name == "Office 365 Affaires"
