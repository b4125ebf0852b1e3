"""The pages that the law asks a seller for, and the links to them on every page and e-mail."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask

from models import Account
from shop.orders import contracts
from shop.settings import Seller
from tests.conftest import PRODUCTION
from tests.support.client import CheckingClient, browser
from tests.support.letters import LEGAL_PAGES as PAGES
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

LABELS = {
    "fr": (
        "Mentions légales", "Conditions générales", "Confidentialité", "Médiation", "Contact"
    ),
    "en": ("Legal notice", "General terms", "Privacy", "Mediation", "Contact"),
}  # fmt: skip


@pytest.fixture(params=["fr", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    """Each language."""
    return str(request.param)


def test_the_notice_names_seller_director_and_host(client: CheckingClient, lang: str) -> None:
    text = client.get(f"/{lang}/legal-notice").text
    seller = Seller()
    for mention in (
        seller.name, seller.legal_form, seller.register, seller.siren, seller.vat_number,
        seller.street, seller.postcode, seller.city, seller.phone, seller.email, seller.director,
        seller.host,
    ):  # fmt: skip
        assert mention.replace("&", "&amp;") in text, mention


def test_the_mentions_are_those_of_the_settings(make_app: MakeApp) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name.startswith("SELLER_")}
    client = browser(make_app(**given))
    pages = "".join(client.get(f"/fr/{name}").text for name in ("legal-notice", "mediation"))
    for name, value in given.items():
        assert value in pages, name


def test_contact_says_how_to_reach_the_seller(client: CheckingClient, lang: str) -> None:
    text = client.get(f"/{lang}/contact").text
    assert Seller().phone in text
    assert Seller().email in text


def test_the_mediator_is_named_with_the_address_of_its_pages(
    client: CheckingClient, lang: str
) -> None:
    text = client.get(f"/{lang}/mediation").text
    assert Seller().mediator in text
    assert f'href="{Seller().mediator_url}"' in text


@pytest.mark.parametrize(
    ("name", "kind"), [("terms", "general_terms"), ("privacy", "privacy_notice")]
)
def test_the_newest_version_of_a_text_is_shown(
    client: CheckingClient, lang: str, name: str, kind: str
) -> None:
    current = contracts.current_contract(kind, lang)
    assert current
    answer = client.get(f"/{lang}/{name}")
    assert urlsplit(answer.location).path == f"/{lang}/contracts/{kind}/{current.version}"
    assert current.title in client.get(answer.location).text


def test_no_order_asks_to_accept_the_privacy_notice(app: Flask, lang: str) -> None:
    assert [each.kind for each in contracts.current_contracts(lang)] == list(contracts.KINDS)


@pytest.mark.parametrize(
    "address", ["", "office-365-business", "order", "order/account", "password", "no-such-page"]
)
def test_every_public_page_links_to_them(client: CheckingClient, lang: str, address: str) -> None:
    text = client.get(f"/{lang}/{address}").text
    for name, label in zip(PAGES, LABELS[lang], strict=True):
        assert f'<a href="/{lang}/{name}">{label}</a>' in text


def test_the_customer_area_links_to_them(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    visitor.open("/manager/web")
    for name in PAGES:
        assert f'href="/fr/{name}"' in visitor.response.text


def test_registration_says_why_the_data_are_asked_for(client: CheckingClient) -> None:
    text = client.get("/fr/order/account").text
    assert "Comment nous protégeons vos données" in text
    assert text.count('href="/fr/privacy"') == 2
