"""From a customer's address to the data of their invoice: every VAT case, on record and by rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from models import Account
from shop import vat
from shop.documents import factur_x
from shop.documents.from_invoices import document_of
from shop.text import templates
from shop.vat import Kind
from tests.support import billing, cast
from tests.support.parties import Bank
from tests.support.schematron import broken_rules

NET = 3 * 880
"""Three Business licences."""


@dataclass(frozen=True)
class Case:
    """A customer, the VAT due on 26.40 EUR in cents, and the rule that applies."""

    where: dict[str, str]
    vat: int
    kind: Kind
    mention: str = ""
    is_confirmed: bool = False
    french_exceptions: set[str] = field(default_factory=set)


def place(country: str, postcode: str, city: str, **company: str) -> dict[str, str]:
    return {"country": country, "postcode": postcode, "city": city, **company}


FRENCH = {"company": "Atelier & Cie", "siren": "404833048", "vat_number": "FR83404833048"}
GERMAN = {"company": "Müller GmbH", "vat_number": "DE136695976"}

# French invoices among businesses do not allow the rates of other countries; see test_invoices.
FOREIGN_RATE = {"BR-FR-16"}

CASES = {
    "a consumer in Lille": Case(place("FR", "59800", "Lille"), 528, Kind.DOMESTIC),
    "a business in Lille": Case(place("FR", "59800", "Lille", **FRENCH), 528, Kind.DOMESTIC),
    "a consumer in Corsica": Case(place("FR", "20000", "Ajaccio"), 528, Kind.DOMESTIC),
    "a consumer in Monaco": Case(place("MC", "98000", "Monaco"), 528, Kind.DOMESTIC),
    "a business in Réunion": Case(
        place("RE", "97400", "Saint-Denis", **FRENCH), 224, Kind.DOMESTIC
    ),
    "a consumer in Guadeloupe": Case(place("GP", "97110", "Pointe-à-Pitre"), 224, Kind.DOMESTIC),
    "a consumer in Martinique": Case(place("FR", "97200", "Fort-de-France"), 224, Kind.DOMESTIC),
    "a consumer in Guyane": Case(place("GF", "97300", "Cayenne"), 0, Kind.UNTAXED, "article 294"),
    "a business in Mayotte": Case(
        place("YT", "97600", "Mamoudzou", **FRENCH), 0, Kind.UNTAXED, "article 294"
    ),
    "a consumer in Berlin": Case(
        place("DE", "10117", "Berlin"), 502, Kind.OSS, "guichet unique",
        french_exceptions=FOREIGN_RATE,
    ),
    "a business in Berlin": Case(
        place("DE", "10117", "Berlin", **GERMAN), 0, Kind.REVERSE_CHARGE, "Autoliquidation",
        is_confirmed=True,
    ),
    "a business in Berlin, not confirmed yet": Case(
        place("DE", "10117", "Berlin", **GERMAN), 502, Kind.OSS, "guichet unique",
        french_exceptions=FOREIGN_RATE,
    ),
    "a consumer in Helsinki": Case(
        place("FI", "00100", "Helsinki"), 673, Kind.OSS, "guichet unique",
        french_exceptions=FOREIGN_RATE,
    ),
    "a consumer in New York": Case(
        place("US", "10001", "New York"), 0, Kind.OUTSIDE, "hors du territoire"
    ),
    "a business in Geneva": Case(
        place("CH", "1201", "Genève", company="Horloges SA"), 0, Kind.OUTSIDE, "hors du territoire"
    ),
}  # fmt: skip


def customer(case: Case) -> Account:
    account = cast.register(cast.ALICE, **case.where)
    if case.is_confirmed:
        Account.update(vat_status="confirmed").where(Account.id == account.id).execute()
    return Account.get_by_id(account.id)


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("who", CASES)
def test_the_vat_of_an_address_stands_on_invoice_and_credit_note(who: str, bank: Bank) -> None:
    case = CASES[who]
    invoice = billing.invoice_of(billing.delivered(customer(case), bank))
    assert (invoice.net_cents, invoice.vat_cents) == (NET, case.vat)
    note = billing.credit(invoice, "Une erreur.")
    assert (note.net_cents, note.vat_cents) == (NET, case.vat)
    for document in (invoice, note):
        treatment = vat.restore(document.vat_code, document.vat_rate)
        assert treatment.kind == case.kind
        said = templates.vat_mention(treatment, "fr")
        assert (case.mention in said) if case.mention else not said, said
        xml = factur_x.xml_of(document_of(document))
        assert said == "" or said.split(" (")[0][:30] in xml.decode()
        assert broken_rules(xml, "en16931") == set()
        assert broken_rules(xml, "french") == case.french_exceptions
    billing.assert_balanced()


def test_each_kind_of_vat_is_among_the_cases() -> None:
    kinds: set[Any] = {case.kind for case in CASES.values()}
    assert kinds == set(Kind)
