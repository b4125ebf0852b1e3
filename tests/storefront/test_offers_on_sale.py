"""Offers on sale and no longer on sale, as visitors and customers meet them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from models import (
    Account,
    ExchangeService,
    LicenceGroup,
    Offer,
    Order,
    OrderLine,
    Price,
    Subscription,
)
from shop import clock
from shop.jobs import queue
from shop.pricing import catalogue
from shop.subscriptions import renewals
from tests.support import cast, purchases, running
from tests.support.client import CheckingClient
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

pytestmark = pytest.mark.one_database

OVER = "Office 365 Business n’est plus en vente"


def end_sale(code: str = "business") -> None:
    Offer.update(on_sale_until=clock.today()).where(Offer.code == code).execute()


def another(**more: object) -> Offer:
    """Return an offer of the Business product with a price, by default on sale."""
    values = {
        "code": "mini", "name": "Office 365 Mini", "name_fr": "Office 365 Petit",
        "applications": "Word, Teams", "places_limit": 5, "product": "business", "position": 3,
        "on_sale_from": clock.today(),
    }  # fmt: skip
    offer = Offer.create(**values | more)
    Price.create(offer=offer, amount_cents=450, valid_from=catalogue.SHIPPED_FROM)
    return offer


def test_an_offer_on_sale_is_on_every_page_by_its_own_name(
    client: CheckingClient, bank: Bank, provider: Provider, alice: Account
) -> None:
    visitor = Visitor(client)
    visitor.open("/fr/")
    another()
    names = {"fr": ("Office 365 Petit", "Mini"), "en": ("Office 365 Mini", "Petit")}
    for language, (name, others) in names.items():
        for address in ("", "order", "office-365-mini", "help"):
            shown = visitor.open(f"/{language}/{address}")
            assert shown.status_code == 200, address
            assert name in shown.text
            assert others not in shown.text
    assert "Teams" in visitor.open("/fr/office-365-mini").text
    assert "office-365-mini" in client.get("/sitemap.xml").text
    visitor.open("/fr/order?offer=mini")
    visitor.press("Commander", mini="6")
    assert visitor.response.status_code == 422
    said = "au plus 5\u00a0licences. Au-delà, choisissez Office 365 Business"
    assert said in visitor.response.text
    visitor.press("Commander", mini="2")
    visitor.press("Poursuivre")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    visitor.press("Confirmer et Payer", accepted=True)
    line = OrderLine.get()
    ordered = (line.offer_id, line.offer_name, line.unit_price_cents)
    assert ordered == ("mini", "Office 365 Petit", 450)
    purchases.pay(line.order, bank)
    queue.drain()
    group = LicenceGroup.get()
    assert (group.places_limit, provider.tenants[group.domain]) == (5, 2)


def test_nobody_knows_of_an_offer_before_its_first_day(client: CheckingClient) -> None:
    another(on_sale_from=clock.today() + timedelta(days=1))
    assert client.get("/fr/office-365-mini").status_code == 404
    for address in ("/fr/", "/fr/order", "/fr/order?offer=mini", "/fr/order?mini=2"):
        shown = client.get(address)
        assert shown.status_code == 200
        assert "Petit" not in shown.text


def test_a_basket_from_before_an_offer_came_is_the_same_afterwards(
    client: CheckingClient, alice: Account
) -> None:
    visitor = Visitor(client)
    visitor.log_in(alice)
    visitor.open("/fr/order")
    visitor.press("Commander", business="2", pro_plus="0")
    visitor.press("Poursuivre")
    another()
    visitor.press("Confirmer et Payer", accepted=True)
    (order,) = Order.select()
    assert visitor.address.endswith(f"/order/{order.number}")


def test_an_offer_no_longer_on_sale_says_so_at_its_field_and_loses_nothing(
    client: CheckingClient,
) -> None:
    end_sale()
    visitor = Visitor(client)
    assert "office-365-business" not in visitor.open("/fr/").text
    shown = visitor.open("/fr/office-365-business")
    assert shown.status_code == 200
    assert "n’est plus en vente" in shown.text
    assert "/fr/order?offer=business" not in shown.text
    visitor.open("/fr/order")
    assert visitor.find("input", name="pro_plus") is not None
    assert visitor.find("input", name="business") is None
    name = "a-basket-of-a-month-ago"
    chosen = urlencode({"basket": name, "business": "7", "pro_plus": "2"})
    for step in ("order", "order/summary"):
        shown = visitor.open(f"/fr/{step}?{chosen}")
        assert shown.status_code == 422, step
        assert OVER in shown.text
        assert visitor.find("input", name="business").get("value") == "7"
        assert visitor.find("input", name="pro_plus").get("value") == "2"
        assert visitor.find("input", name="basket").get("value") == name
    assert client.get("/fr/order?offer=business").status_code == 422
    visitor.press("Commander", business="0")
    assert visitor.response.status_code == 200
    assert "Office 365 Pro Plus" in visitor.response.text


@pytest.mark.parametrize("step", ["contracts", "confirmed"])
def test_a_basket_in_flight_is_refused_at_its_field(
    client: CheckingClient, alice: Account, step: str
) -> None:
    visitor = Visitor(client)
    visitor.log_in(alice)
    visitor.open("/fr/order")
    visitor.press("Commander", business="2", pro_plus="3")
    visitor.press("Poursuivre")
    end_sale()
    if step == "contracts":
        visitor.open(visitor.address)
    else:
        visitor.press("Confirmer et Payer", accepted=True)
    assert visitor.response.status_code == 422
    assert OVER in visitor.response.text
    assert visitor.find("input", name="business").get("value") == "2"
    assert visitor.find("input", name="pro_plus").get("value") == "3"
    assert not Order.select().exists()


def test_confirming_twice_around_the_end_of_a_sale_shows_the_order(
    client: CheckingClient, alice: Account
) -> None:
    visitor = Visitor(client)
    visitor.log_in(alice)
    visitor.open("/fr/order")
    visitor.press("Commander", business="2", pro_plus="0")
    visitor.press("Poursuivre")
    before, address = visitor.response, visitor.address
    visitor.press("Confirmer et Payer", accepted=True)
    number = Order.get().number
    end_sale()
    visitor.response, visitor.address = before, address
    visitor.press("Confirmer et Payer", accepted=True)
    assert visitor.address.endswith(f"/order/{number}")
    assert Order.select().count() == 1


def test_an_unpaid_order_of_it_can_be_paid_and_its_groups_renew_and_grow(
    client: CheckingClient, alice: Account, bank: Bank, provider: Provider
) -> None:
    order = purchases.place(alice, purchases.basket(business=2))
    end_sale()
    purchases.pay(order, bank, store_card=True)
    queue.drain()
    group = LicenceGroup.get()
    assert group.is_open
    visitor = Visitor(client)
    visitor.log_in(alice)
    visitor.open("/manager/order/office")
    assert "Licences Office Business" in visitor.response.text
    visitor.open("/manager/order/office?offer=business")
    assert "Nouveau groupe" not in visitor.response.text
    visitor.press("Poursuivre", offer="business", group="new", quantity="2")
    assert visitor.response.status_code == 422
    assert OVER in visitor.response.text
    visitor.press("Poursuivre", offer="business", group=group.name, quantity="2")
    visitor.press("Générer le bon de commande", accepted=True)
    assert Order.select().count() == 2
    subscription = Subscription.get()
    running.move_on(timedelta(days=32))
    renewals.renew(subscription.id, subscription.renews_on)
    assert Subscription.get().renews_on > subscription.renews_on


def test_a_new_group_of_it_is_refused_in_the_customer_area(
    client: CheckingClient, alice: Account
) -> None:
    end_sale()
    visitor = Visitor(client)
    visitor.log_in(alice)
    assert "Licences Office Business" not in visitor.open("/manager/order/office").text
    visitor.open("/manager/order/office?offer=business&quantity=4")
    assert OVER in visitor.response.text
    visitor.press("Poursuivre", quantity="4")
    assert visitor.response.status_code == 422
    assert OVER in visitor.response.text
    assert visitor.find("input", name="quantity").get("value") == "4"


def test_office_attach_ends_with_the_sale_of_its_offer(
    client: CheckingClient, alice: Account, service: ExchangeService
) -> None:
    visitor = Visitor(client)
    visitor.log_in(alice)
    page = f"/manager/exchange/{service.name}"
    assert "Profitez de cette offre" in visitor.open(page).text
    end_sale()
    for address in (page, f"{page}/accounts"):
        assert "Profitez de cette offre" not in visitor.open(address).text
    assert f"{OVER}." in visitor.open(f"{page}/attach").text
