"""Prices with VAT beside those without, for everybody who is not known to be a business."""

from __future__ import annotations

import pytest

from models import Account
from shop.pricing.displayed import ShownVat, vat_beside_prices
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

PUBLIC = ("", "office-365-business", "office-365-pro-plus", "order")
OWN = "/manager/order/office"

GROSS = {
    "fr": ("soit 10,56 € TTC", "soit 15,48 € TTC"),
    "en": ("i.e. €10.56 incl. VAT", "i.e. €15.48 incl. VAT"),
}
"""Business and Pro Plus, 8.80 and 12.90 without VAT, at 20 %."""


def spaced(text: str) -> str:
    """Return a text with each kind of space as U+0020."""
    return " ".join(text.replace("&nbsp;", " ").split())


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("address", PUBLIC)
def test_a_visitor_sees_both_prices_at_the_french_rate(
    client: CheckingClient, lang: str, address: str
) -> None:
    text = spaced(client.get(f"/{lang}/{address}").text)
    assert all(gross in text for gross in GROSS[lang])
    assert ("à titre d’estimation" if lang == "fr" else "as an estimate") in text


@pytest.mark.parametrize("address", [*(f"/fr/{name}" for name in PUBLIC), OWN])
def test_a_consumer_sees_prices_at_the_rate_of_their_country(
    visitor: Visitor, alice: Account, address: str
) -> None:
    Account.update(company="", country="DE", postcode="10115").execute()
    visitor.log_in(alice)
    visitor.open(address)
    text = spaced(visitor.response.text)
    assert "soit 10,47 € TTC" in text
    assert "à titre d’estimation" not in text


@pytest.mark.parametrize("address", [*(f"/fr/{name}" for name in PUBLIC), OWN])
def test_a_business_sees_prices_without_vat(visitor: Visitor, alice: Account, address: str) -> None:
    Account.update(company="Atelier", siren="732829320").execute()
    visitor.log_in(alice)
    visitor.open(address)
    text = spaced(visitor.response.text)
    assert "8,80 €" in text
    assert "soit 10,56" not in text


def test_vat_is_rounded_half_up_to_the_cent() -> None:
    assert ShownVat(1900, is_estimate=False).gross(880) == 1047  # 10.472
    assert ShownVat(2550, is_estimate=False).gross(1290) == 1619  # 16.1895
    assert ShownVat(850, is_estimate=False).gross(100) == 109  # 1.085


def test_a_visitor_is_shown_an_estimate(app: object) -> None:
    assert vat_beside_prices(None) == ShownVat(2000, is_estimate=True)
