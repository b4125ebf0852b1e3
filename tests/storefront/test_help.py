"""The help: the guide's questions, found from the screen they are about."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from storefront.help import sections
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
