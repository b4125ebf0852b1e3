"""VAT in the journey: first a French estimate, then the customer's, on pages and in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models import Account, Order
from shop.text.formats import money, rate
from shop.vat import registry as vat_registry
from shop.vat.registry import Answer, Consultation
from tests.support.client import CheckingClient
from tests.support.journeys import Shopper

NET = 3 * 880 + 2 * 1290
"""Three Business and two Pro Plus, in cents."""


ESTIMATE = (
    "celle de votre pays s’applique une fois que vous êtes identifié",
    "the VAT of your country applies once you are identified",
)


class Registry:
    """A registry with one configured answer for every VAT number."""

    answer = Answer.CONFIRMED

    def check(self, vat_number: str) -> Consultation:
        """Return the configured answer."""
        return Consultation(self.answer)


@pytest.fixture
def registry() -> Iterator[Registry]:
    fake = Registry()
    with vat_registry.registry.using(fake):
        yield fake


@pytest.fixture(params=["fr", "en"])
def shopper(client: CheckingClient, request: pytest.FixtureRequest) -> Shopper:
    return Shopper(client, request.param)


def expect_vat(shopper: Shopper, basis_points: int, cents: int) -> None:
    """Assert that the page shows this rate and amount, and the total with it."""
    shown = rate(basis_points, shopper.language)
    label = shopper.say(f"TVA ({shown})", f"VAT ({shown})")
    assert shopper.sees(label), label
    assert shopper.sees(money(cents, shopper.language))
    assert shopper.sees(money(NET + cents, shopper.language))


def begin(shopper: Shopper) -> None:
    shopper.choose(3, 2)
    expect_vat(shopper, 2000, 1044)
    assert shopper.sees(shopper.say(*ESTIMATE))
    shopper.carry_on()


DE: dict[str, str] = {"country": "DE", "postcode": "10115", "city": "Berlin"}
NO_COMPANY: dict[str, str] = {"company": "", "vat_number": "", "siren": ""}

CONSUMERS: dict[str, tuple[dict[str, str], int, int]] = {
    "Germany": (DE, 1900, 992),
    "Ireland": ({"country": "IE", "postcode": "D02 XY45", "city": "Dublin"}, 2300, 1201),
    "Guadeloupe": ({"country": "GP", "postcode": "97110", "city": "Pointe-à-Pitre"}, 850, 444),
    "Guadeloupe as France": ({"country": "FR", "postcode": "97110", "city": "Abymes"}, 850, 444),
    "Guyane": ({"country": "GF", "postcode": "97300", "city": "Cayenne"}, 0, 0),
    "Monaco": ({"country": "MC", "postcode": "98000", "city": "Monaco"}, 2000, 1044),
    "Switzerland": ({"country": "CH", "postcode": "1201", "city": "Genève"}, 0, 0),
    "Corsica": ({"country": "FR", "postcode": "20000", "city": "Ajaccio"}, 2000, 1044),
}


@pytest.mark.parametrize("place", CONSUMERS)
def test_a_consumer_pays_the_vat_of_where_they_are(shopper: Shopper, place: str) -> None:
    address, basis_points, cents = CONSUMERS[place]
    begin(shopper)
    shopper.register(**address | NO_COMPANY)
    assert shopper.step == "contracts"
    expect_vat(shopper, basis_points, cents)
    assert not shopper.sees(shopper.say(*ESTIMATE))
    shopper.confirm()
    expect_vat(shopper, basis_points, cents)
    order = shopper.ordered()
    assert (order.vat_rate, order.vat_cents, order.total_cents) == (
        basis_points, cents, NET + cents,
    )  # fmt: skip


BUSINESS = DE | {"company": "Beispiel GmbH", "vat_number": "DE136695976", "siren": ""}


def test_a_confirmed_business_of_the_union_owes_the_vat_itself(
    shopper: Shopper, registry: Registry, drain: Callable[[], int]
) -> None:
    begin(shopper)
    shopper.register(**BUSINESS)
    expect_vat(shopper, 1900, 992)
    drain()
    shopper.open(shopper.address)
    expect_vat(shopper, 0, 0)
    mention = shopper.say("Autoliquidation", "Reverse charge")
    assert shopper.sees(mention)
    shopper.confirm()
    assert shopper.sees(mention)
    assert shopper.sees("DE136695976")
    assert shopper.ordered().vat_code == "reverse_charge:DE"
    other = shopper.address.replace(f"/{shopper.language}/", f"/{shopper.say('en', 'fr')}/")
    shopper.open(other)
    assert shopper.sees(shopper.say("Reverse charge", "Autoliquidation")), "the page's language"


def test_a_vat_number_confirmed_since_is_shown_before_ordering(
    shopper: Shopper, registry: Registry, drain: Callable[[], int]
) -> None:
    begin(shopper)
    shopper.register(**BUSINESS)
    drain()
    assert shopper.confirm().status_code == 409
    assert not Order.select().exists()
    expect_vat(shopper, 0, 0)
    shopper.confirm()
    assert shopper.ordered().total_cents == NET


@pytest.mark.parametrize("answer", [Answer.UNKNOWN, Answer.UNAVAILABLE])
def test_without_a_confirmed_number_vat_is_due(
    shopper: Shopper, registry: Registry, drain: Callable[[], int], answer: Answer
) -> None:
    registry.answer = answer
    begin(shopper)
    shopper.register(**BUSINESS)
    drain()
    shopper.open(shopper.address)
    expect_vat(shopper, 1900, 992)
    shopper.confirm()
    assert shopper.ordered().vat_cents == 992


def test_an_order_keeps_the_vat_it_was_placed_with(
    shopper: Shopper, registry: Registry, drain: Callable[[], int]
) -> None:
    begin(shopper)
    shopper.register(**BUSINESS)
    shopper.confirm()
    drain()
    shopper.open(shopper.address)
    expect_vat(shopper, 1900, 992)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"country": "GP", "postcode": "59800"}, "postcode"),
        ({"country": "FR", "postcode": "5980"}, "postcode"),
        ({"country": "FR", "postcode": "59800", "company": "Atelier"}, "siren"),
        (DE | {"company": "Beispiel GmbH", "vat_number": "DE136695977"}, "vat_number"),
        (DE | {"company": "", "vat_number": "DE136695976"}, "company"),
        ({"country": "XX"}, "country"),
    ],
)
def test_what_decides_the_vat_is_checked_at_its_field(
    shopper: Shopper, changes: dict[str, Any], field: str
) -> None:
    begin(shopper)
    shopper.register(**changes)
    assert shopper.response.status_code == 422
    assert shopper.error_at(field)
    assert not Account.select().exists()


def test_signed_in_customers_see_their_own_vat_at_once(shopper: Shopper, charlie: Account) -> None:
    shopper.log_in(charlie)
    shopper.choose(3, 2)
    expect_vat(shopper, 2300, 1201)
