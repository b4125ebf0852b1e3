"""The help: the guide's questions, found from the screen they are about."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from models import Offer, Price
from shop import clock
from shop.pricing import catalogue
from storefront.help import TEXTS, sections
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor
from web.help_links import TOPICS

LANGUAGES = ("fr", "en")


def topics(language: str) -> list[str]:
    return [each.topic for section in sections(language) for each in section.questions]


def test_both_languages_answer_the_same_questions_in_one_order() -> None:
    assert topics("fr") == topics("en")
    assert len(set(topics("fr"))) == len(topics("fr"))


def test_each_question_is_asked_by_a_screen_and_each_screen_is_a_page(app: Flask) -> None:
    assert set(TOPICS.values()) == set(topics("fr"))
    assert TOPICS.keys() <= {rule.endpoint for rule in app.url_map.iter_rules()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_answers_each_question_and_its_links_lead_somewhere(
    client: CheckingClient, lang: str
) -> None:
    text = client.get(f"/{lang}/help").text
    assert re.findall(r'<h3 id="([^"]+)"', text) == topics(lang)
    main = text[text.index("<main") : text.index("</main>")]
    for address in set(re.findall(r'href="(/[^"#]+)"', main)):
        assert client.get(address).status_code in {200, 302, 303}, address


@pytest.mark.parametrize(("address", "language"), [("/aide", "fr"), ("/help", "en")])
def test_a_short_address_leads_to_the_help(
    client: CheckingClient, address: str, language: str
) -> None:
    assert client.get(address).location == f"/{language}/help"


def test_a_screen_leads_to_its_question(visitor: Visitor) -> None:
    visitor.open("/fr/order")
    assert 'href="/fr/help#new-group"' in visitor.response.text
    visitor.open("/en/password")
    assert 'href="/en/help#sign-in"' in visitor.response.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_text_names_an_offer_its_applications_its_limit_or_its_price(lang: str) -> None:
    text = (TEXTS / f"help.{lang}.md").read_text(encoding="utf-8")
    for _, name, limit, cents, applications in catalogue.SHIPPED:
        # Outlook is named where it looks for a mailbox.
        contents = set(applications.split(", ")) - {"Outlook"}
        for said in (name.removeprefix("Office 365 "), str(limit), str(cents / 100), *contents):
            assert not re.search(rf"\b{said}\b", text), said


def test_the_help_compares_the_offers_on_sale_and_shows_their_names_as_they_are(
    client: CheckingClient,
) -> None:
    mini = Offer.create(
        code="mini", name="Office [365] *Mini* | 5 <b>", applications="Word, Teams", position=3,
        places_limit=5, product="business", on_sale_from=clock.today(),
    )  # fmt: skip
    Price.create(offer=mini, amount_cents=450, valid_from=catalogue.SHIPPED_FROM)
    shown = client.get("/fr/help").text
    link = '<a href="/fr/office-365-mini">Office [365] *Mini* | 5 &lt;b&gt;</a>'
    assert f"Office 365 Pro Plus</a> ou {link})" in shown
    for said in ("jusqu’à 5\u00a0licences", "jusqu’à 300\u00a0licences", "Teams", "illimité"):
        assert said in shown, said
    Offer.update(on_sale_until=clock.today()).execute()
    nothing = client.get("/fr/help").text
    assert "Ouvrez la page d’une offre et cliquez" in nothing
    assert "Aucune offre n’est en vente pour le moment." in nothing
    for address in ("/fr/", "/fr/order"):
        shown = client.get(address).text
        assert "Aucune offre n’est en vente pour le moment." in shown, address
        assert "Commander</" not in shown, address
