"""« Emails reçus »: one e-mail on its page."""

from __future__ import annotations

import pytest
from flask import Flask

from manager import emails
from shop import mail
from tests.support import cast, letter_causes, letters
from tests.support.client import browser
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

COPY = {"fr": "Copier : ", "en": "Copy: "}
LABELS = {
    "fr": ["Login", "Mot de passe initial", "Portail Office", "Groupe de licences"],
    "en": ["Login", "Initial password", "Office portal", "Licence group"],
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_facts_of_a_licence_are_on_the_page_each_with_copy(app: Flask, language: str) -> None:
    customer = cast.register(cast.ALICE, language=language)
    letter_causes.licences.licence_active(customer, Bank(), Provider())
    visitor = Visitor(browser(app))
    visitor.log_in(customer)
    visitor.open("/fr/" if language == "fr" else "/en/")
    letter = letters.the(customer, "licence_active")
    visitor.open(f"/manager/account/emails/{letter.id}")
    facts = dict(mail.facts_of(letter, mail.text_of(letter)))
    assert list(facts.values())[:2] == [letters.ADDRESS, letters.PASSWORD]
    for label, value in zip(LABELS[language], facts.values(), strict=True):
        assert visitor.sees(label)
        button = visitor.find("button", **{"data-copy": value})
        assert button is not None, label
        assert COPY[language] + label in " ".join("".join(button.itertext()).split())
    portal = visitor.find("a", href=letters.PORTAL)
    assert portal is not None
    visitor.open(f"/manager/account/emails/{letters.the(customer, 'account_created').id}")
    assert visitor.find("button", **{"data-copy": customer.nic_handle}) is None


def test_the_frame_follows_the_length_of_the_email() -> None:
    short, link = "Bonjour.\n", "https://shop.example/" + "x" * 900
    steps = [emails._frame_steps(short * times) for times in (1, 30, 50, 1000)]
    assert steps[0] == emails.FRAME_STEPS[0] < steps[1] < steps[2] < steps[3]
    assert steps[3] == emails.FRAME_STEPS[-1]
    assert emails._frame_steps(short * 30 + link) == emails._frame_steps(short * 30 + "https://x")


def test_a_long_address_leaves_room_for_the_date_beside_it(app: Flask) -> None:
    customer = cast.register(cast.ALICE)
    visitor = Visitor(browser(app))
    visitor.log_in(customer)
    visitor.open("/manager/account/emails")
    cell = visitor.find("td", **{"class": "breakable"})
    assert cell is not None, "without it, one long word takes the width of the table"
    assert customer.email in "".join(cell.itertext())
