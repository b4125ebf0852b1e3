"""Invoices and credit notes: the Factur-X data, the printed text, and that both agree."""

from __future__ import annotations

import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from facturx import get_facturx_xml_from_pdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from shop import vat
from shop.documents import factur_x
from shop.documents.invoice import invoice_pdf
from shop.documents.invoice_data import Corrected, InvoiceDocument, InvoiceLine
from shop.documents.parties import Buyer
from shop.pricing import money
from shop.pricing.money import Line, Share
from shop.pricing.periods import Period
from shop.settings import Seller
from shop.text import formats
from shop.vat import PlaceOfSupply
from tests.support import patience
from tests.support.schematron import broken_rules

pytestmark = [pytest.mark.one_database, pytest.mark.reads_papers]

NOVEMBER = Period(date(2026, 11, 5), date(2026, 12, 5))
LATER = Period(date(2026, 11, 23), date(2026, 12, 5))

LINES = (
    InvoiceLine(Line("business", "Office 365 Business", 25, 880), NOVEMBER, "o365-4829157"),
    InvoiceLine(Line("pro_plus", "Office 365 Pro Plus", 10, 1290, Share(12, 30)), LATER),
)

PERSON = Buyer(
    nic_handle="al12345-ovh", first_name="Alice", last_name="Lefèvre", street="12 rue des Lilas",
    postcode="59800", city="Lille", country="FR", email="alice@atelier.example",
)  # fmt: skip
FRENCH = replace(PERSON, company="Atelier & Cie", siren="404833048", vat_number="FR83404833048")
GERMAN = replace(
    PERSON, company="Müller GmbH", postcode="10117", city="Berlin", country="DE",
    vat_number="DE136695976",
)  # fmt: skip

BUYERS = {
    "a consumer in Lille": (PERSON, False),
    "a company in Lille": (FRENCH, False),
    "a company in Lille without VAT number": (replace(FRENCH, vat_number=""), False),
    "a consumer in Monaco": (replace(PERSON, postcode="98000", country="MC"), False),
    "a consumer in Réunion": (replace(PERSON, postcode="97400"), False),
    "a company in Réunion": (replace(FRENCH, postcode="97400", country="RE"), False),
    "a consumer in Guyane": (replace(PERSON, postcode="97300"), False),
    "a company in Mayotte": (replace(FRENCH, postcode="97600", country="YT"), False),
    "a company in Berlin": (GERMAN, True),
    "a company in Athens": (
        replace(GERMAN, country="GR", postcode="10557", vat_number="EL094259216"), True),
    "a company in Berlin, unconfirmed": (GERMAN, False),
    "a consumer in Dublin": (replace(PERSON, country="IE", postcode="D02 XY45"), False),
    "a consumer in Helsinki": (replace(PERSON, country="FI", postcode="00100"), False),
    "a consumer in Vienna": (replace(PERSON, country="AT", postcode="1010"), False),
    "a consumer in New York": (replace(PERSON, country="US", postcode="10001"), False),
    "a company in Zurich": (
        replace(GERMAN, country="CH", postcode="8001", vat_number="CHE107787577MWST"), False),
    "a company in Las Palmas": (
        replace(GERMAN, country="ES", postcode="35001", vat_number="ESB58378431"), True),
}  # fmt: skip


def invoice(buyer=FRENCH, confirmed=False, lines=LINES, language="fr", **changes):
    place = PlaceOfSupply(buyer.country, buyer.postcode, buyer.vat_number, confirmed)
    content = {
        "number": "F2026-000042",
        "language": language,
        "shop_name": "Nuage",
        "seller": Seller(),
        "buyer": buyer,
        "issued_on": date(2026, 11, 5),
        "due_on": date(2026, 11, 5),
        "lines": lines,
        "totals": money.totals(
            [each.line for each in lines], vat.treatment_of(place, date(2026, 11, 5))
        ),
        "order_number": "482915730",
    }
    return InvoiceDocument(**(content | changes))


def credit_note(buyer=FRENCH, confirmed=False, **changes):
    return invoice(
        buyer,
        confirmed,
        number="A2026-000007",
        corrects=Corrected("F2026-000042", date(2026, 11, 5)),
        reason="Rétractation dans les 14 jours.",
        **changes,
    )


def value(xml: bytes, path: str) -> str:
    found = etree.fromstring(xml).xpath(f"string({path})", namespaces={
        "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
        "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
        "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
        "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
    })  # fmt: skip
    return str(found)


# The French rules are for invoices between French businesses and allow only French VAT rates, past
# and present (BR-FR-16). VAT of a consumer in Ireland is declared in the One Stop Shop; such an
# invoice violates that rule and no other.
FRENCH_RATES = {0, 90, 105, 175, 210, 550, 700, 850, 920, 960, 1000, 1300, 1960, 2000, 2060}


def french_exceptions(document: InvoiceDocument) -> set[str]:
    return set() if document.totals.vat_rate in FRENCH_RATES else {"BR-FR-16"}


def assert_valid(document: InvoiceDocument) -> bytes:
    xml = factur_x.xml_of(document)
    assert broken_rules(xml, "en16931") == set()
    assert broken_rules(xml, "french") == french_exceptions(document)
    return xml


@pytest.mark.parametrize("who", BUYERS)
def test_every_invoice_passes_the_official_rules(who):
    assert_valid(invoice(*BUYERS[who], paid_on=date(2026, 11, 5), payment="Visa •••• 4242"))


@pytest.mark.parametrize("who", BUYERS)
def test_every_credit_note_passes_the_official_rules(who):
    assert_valid(credit_note(*BUYERS[who]))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_unpaid_invoice_passes_too(language):
    xml = assert_valid(invoice(language=language, due_on=date(2026, 11, 12)))
    assert value(xml, "//ram:DuePayableAmount") == "325.92"
    assert value(xml, "//ram:DueDateDateTime/udt:DateTimeString") == "20261112"


def test_a_free_month_passes_and_costs_nothing():
    free = (InvoiceLine(Line("business", "Office 365 Business", 25, 880, Share(0, 30)), NOVEMBER),)
    xml = assert_valid(invoice(lines=free, paid_on=date(2026, 11, 5)))
    assert value(xml, "//ram:GrandTotalAmount") == "0.00"


@st.composite
def some_lines(draw):
    period = draw(st.integers(28, 31))
    share = draw(st.none() | st.integers(0, period).map(lambda days: Share(days, period)))
    line = Line(
        "business", "Licence", draw(st.integers(1, 5000)), draw(st.integers(0, 99_999)), share
    )
    return InvoiceLine(line, NOVEMBER, draw(st.sampled_from(["", "o365-1", "Équipe <R&D>"])))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(some_lines(), min_size=1, max_size=5),
    st.sampled_from(sorted(BUYERS)),
    st.booleans(),
)
def test_whatever_is_invoiced_adds_up_and_passes(lines, who, paid):
    document = invoice(
        *BUYERS[who], lines=tuple(lines), paid_on=date(2026, 11, 5) if paid else None
    )
    xml = assert_valid(document)
    root = etree.fromstring(xml)
    sums = [str(each) for each in root.xpath("//*[local-name()='LineTotalAmount']/text()")]
    assert sum(_cents(each) for each in sums[:-1]) == _cents(sums[-1])
    assert _cents(value(xml, "//ram:GrandTotalAmount")) == document.totals.total_cents


def _cents(written: str) -> int:
    assert re.fullmatch(r"\d+\.\d\d", written)
    return int(written.replace(".", ""))


def test_control_an_invalid_invoice_fails_the_official_rules():
    """Wrong VAT (not rate times base) and a seller without SIREN are both reported."""
    xml = factur_x.xml_of(invoice()).decode()
    wrong = xml.replace(">54.32<", ">64.32<").replace(">325.92<", ">335.92<")
    assert "BR-CO-17" in " ".join(broken_rules(wrong.encode(), "en16931"))
    without_siren = xml.replace('<ram:ID schemeID="0002">732829320</ram:ID>', "")
    assert "BR-FR-10" in broken_rules(without_siren.encode(), "french")


def test_data_that_do_not_follow_the_schema_are_refused(monkeypatch):
    right = factur_x.xml_of(invoice())
    wrong = right.replace(b"<ram:TypeCode>380</ram:TypeCode>", b"<ram:Kind>380</ram:Kind>")
    assert wrong != right
    monkeypatch.setattr(factur_x, "generate_xml", lambda *_, **__: wrong)
    with pytest.raises(etree.DocumentInvalid, match="Kind"):
        factur_x.xml_of(invoice())


def test_one_thread_at_a_time_uses_the_schema(monkeypatch):
    """libxml2 can end the process where two validate at once."""
    guard, at_the_guard, validating, met = factur_x._VALIDATING, [], [], []
    both_came = threading.Event()

    class Guard:
        def __enter__(self) -> None:
            at_the_guard.append(True)
            if len(at_the_guard) == 2:
                both_came.set()
            guard.acquire()

        def __exit__(self, *_error: object) -> None:
            guard.release()

    class Schema:
        def assertValid(self, _tree: object) -> None:  # noqa: N802 (lxml's name)
            validating.append(True)
            if len(validating) == 2:
                both_came.set()
            assert both_came.wait(patience.STUCK)
            met.append(len(validating))
            validating.pop()

    monkeypatch.setattr(factur_x, "_VALIDATING", Guard())
    monkeypatch.setattr(factur_x, "_schema", Schema)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(factur_x.xml_of, [invoice(), invoice()]))) == 2
    assert met == [1, 1]


def test_the_vat_of_each_treatment_has_its_category_and_reason():
    def tax(who):
        xml = factur_x.xml_of(invoice(*BUYERS[who], language="en"))
        tax = "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax"
        names = ("CategoryCode", "RateApplicablePercent", "ExemptionReasonCode", "ExemptionReason")
        return tuple(value(xml, f"{tax}/ram:{name}") for name in names)

    assert tax("a company in Lille") == ("S", "20.00", "", "")
    assert tax("a consumer in Réunion") == ("S", "8.50", "", "")
    assert tax("a consumer in Helsinki") == ("S", "25.50", "", "")
    assert tax("a company in Berlin")[:3] == ("AE", "0.00", "VATEX-EU-AE")
    assert "Reverse charge" in tax("a company in Berlin")[3]
    assert tax("a consumer in Guyane")[:3] == ("E", "0.00", "")
    assert "article 294" in tax("a consumer in Guyane")[3]
    assert tax("a consumer in New York")[:3] == ("O", "", "VATEX-EU-O")


@pytest.mark.parametrize(
    ("who", "way"),
    [
        ("a company in Lille", "B2B"),
        ("a consumer in Réunion", "B2C"),
        ("a company in Berlin", "B2BINT"),
        ("a consumer in New York", "B2CINT"),
        ("a company in Las Palmas", "B2BINT"),
    ],
)
def test_the_reporting_kind_is_stated_for_the_platforms(who, way):
    xml = factur_x.xml_of(invoice(*BUYERS[who]))
    assert value(xml, "//ram:IncludedNote[ram:SubjectCode='BAR']/ram:Content") == way


def test_a_credit_note_names_the_invoice_it_corrects():
    xml = factur_x.xml_of(credit_note())
    assert value(xml, "//rsm:ExchangedDocument/ram:TypeCode") == "381"
    assert value(xml, "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == "F2026-000042"
    assert value(xml, "//ram:InvoiceReferencedDocument//qdt:DateTimeString") == "20261105"


def test_a_share_of_a_month_is_an_allowance_with_its_days():
    xml = factur_x.xml_of(invoice())
    line = "//ram:IncludedSupplyChainTradeLineItem[2]"
    assert value(xml, f"{line}//ram:SpecifiedTradeAllowanceCharge/ram:ActualAmount") == "77.40"
    assert value(xml, f"{line}//ram:Reason") == "Au prorata\u00a0: 12\u00a0jours sur 30"
    assert value(xml, f"{line}//ram:LineTotalAmount") == "51.60"


# --- Printed text -----------------------------------------------------------------------------


def read(content: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(io.BytesIO(content), strict=True)
    return reader, re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def as_extracted(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def paid_invoice() -> bytes:
    return invoice_pdf(invoice(paid_on=date(2026, 11, 5), payment="Visa •••• 4242"))


def test_the_data_are_embedded_in_the_pdf(paid_invoice):
    name, xml = get_facturx_xml_from_pdf(paid_invoice, check_xsd=True, check_schematron=False)
    document = invoice(paid_on=date(2026, 11, 5), payment="Visa •••• 4242")
    assert name == "factur-x.xml"
    assert xml == factur_x.xml_of(document)


def test_an_invoice_is_an_archive_that_can_be_read_aloud(paid_invoice):
    reader, _ = read(paid_invoice)
    root = reader.trailer["/Root"]
    about = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in about
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in about
    assert "<pdfuaid:part>1</pdfuaid:part>" in about
    attached = root["/AF"][0].get_object()
    assert attached["/AFRelationship"] == "/Alternative"
    assert attached["/EF"]["/F"].get_object()["/Subtype"] == "/text/xml"
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert reader.trailer["/ID"]
    assert root["/Lang"] == "fr"
    assert root["/MarkInfo"]["/Marked"]
    assert reader.metadata.title == "Facture F2026-000042 · Nuage"
    for font in _fonts(reader):
        described = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(described)


def _fonts(reader: PdfReader) -> list[Any]:
    fonts = [page["/Resources"]["/Font"] for page in reader.pages]
    return [font.get_object() for each in fonts for font in each.get_object().values()]


def test_an_invoice_says_everything_it_must(paid_invoice):
    _, text = read(paid_invoice)
    for expected in (
        "Facture", "n° F2026-000042", "5 novembre 2026", "482915730", "al12345-ovh",
        "Nuage & Cie", "SAS au capital de 100 000 €", "732 829 320", "FR44732829320",
        "Atelier & Cie", "404 833 048", "FR83404833048", "Office 365 Business", "o365-4829157",
        "Du 5 novembre 2026 au 4 décembre 2026", "Au prorata : 12 jours sur 30",
        "271,60 €", "TVA (20 %)", "54,32 €", "325,92 €", "Il ne reste rien à payer",
        "Visa •••• 4242", "Nature de l’opération : prestations de services",
        "Pénalités de retard : trois fois le taux d’intérêt légal", "40,00 €",
        "Pas d’escompte", "Page 1 / 1",
    ):  # fmt: skip
        assert expected in text


def test_consumers_get_no_late_payment_terms_for_businesses():
    _, text = read(invoice_pdf(invoice(PERSON)))
    assert "Nature de l’opération" in text
    assert "40,00 €" not in text
    assert "Pénalités" not in text


@pytest.mark.parametrize(
    ("who", "mention"),
    [
        ("a company in Berlin", "Reverse charge: VAT is due by the customer"),
        ("a consumer in Dublin", "VAT of Ireland, declared through the One Stop Shop"),
        ("a company in Mayotte", "article 294, 1 of the French tax code"),
        ("a company in Zurich", "outside the VAT area of the European Union"),
    ],
)
def test_vat_mentions_are_printed(who, mention):
    document = invoice(*BUYERS[who], language="en")
    _, text = read(invoice_pdf(document))
    assert mention in text
    assert as_extracted(formats.money(document.totals.total_cents, "en")) in text


def test_a_credit_note_says_so_and_asks_for_nothing():
    _, text = read(invoice_pdf(credit_note(language="fr", paid_on=date(2026, 11, 9))))
    assert "Avoir n° A2026-000007" in text
    assert "corrige la facture F2026-000042 du 5 novembre 2026" in text
    assert "Rétractation dans les 14 jours." in text
    assert "Remboursé le 9 novembre 2026" in text
    assert "Total crédité TTC" in text
    for asking in ("Payable", "Échéance", "Pénalités", "Total à payer"):
        assert asking not in text


# --- Refused content --------------------------------------------------------------------------


def test_amounts_that_do_not_add_up_are_never_printed():
    right = invoice()
    wrong = replace(right.totals, total_cents=right.totals.total_cents + 1)
    with pytest.raises(ValueError, match="does not add up"):
        replace(right, totals=wrong)


@pytest.mark.parametrize("number", ["", "F 2026", "F2026#1", "F" * 36])
def test_numbers_the_rules_refuse_are_refused(number):
    with pytest.raises(ValueError, match="number of an invoice"):
        invoice(number=number)


def test_an_invoice_has_lines():
    with pytest.raises(ValueError, match="no lines"):
        invoice(lines=())


# --- Means of payment, VAT on debits ----------------------------------------------------------

MEANS = "//ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode"
VAT_DUE = "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:DueDateTypeCode"
ON_DEBITS = {
    "fr": "Option pour le paiement de la taxe d’après les débits.",
    "en": "Option for the payment of VAT on debits.",
}


@pytest.mark.parametrize(("by_transfer", "code"), [(False, "48"), (True, "42")])
@pytest.mark.parametrize("make", [invoice, credit_note])
def test_the_data_say_whether_it_was_paid_by_card_or_by_transfer(make, by_transfer, code) -> None:
    document = make(paid_on=date(2026, 11, 5), payment="Réglé.", is_paid_by_transfer=by_transfer)
    xml = factur_x.xml_of(document)
    assert value(xml, MEANS) == code
    assert broken_rules(xml, "en16931") == set()
    assert broken_rules(xml, "french") == set()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("make", [invoice, credit_note])
def test_the_option_for_vat_on_debits_is_printed_and_in_the_data(make, language) -> None:
    document = make(seller=Seller(vat_on_debits=True), language=language)
    xml = factur_x.xml_of(document)
    assert value(xml, VAT_DUE) == "5"
    assert ON_DEBITS[language] in xml.decode()
    printed = PdfReader(io.BytesIO(invoice_pdf(document))).pages[0].extract_text()
    assert ON_DEBITS[language] in " ".join(printed.split())
    assert broken_rules(xml, "en16931") == set()
    assert broken_rules(xml, "french") == set()


@pytest.mark.parametrize(
    ("buyer", "confirmed", "seller"),
    [(FRENCH, False, Seller()), (GERMAN, True, Seller(vat_on_debits=True)),
     (GERMAN, False, Seller(vat_on_debits=True))],
    ids=["no option", "reverse charge", "another country's VAT"],
)  # fmt: skip
def test_without_the_option_or_french_vat_nothing_is_said_of_debits(
    buyer, confirmed, seller
) -> None:
    xml = factur_x.xml_of(invoice(buyer, confirmed, seller=seller))
    assert value(xml, VAT_DUE) == ""
    assert ON_DEBITS["fr"] not in xml.decode()


def test_a_stored_seller_is_read_back_with_fields_of_other_releases() -> None:
    for seller in (Seller(), Seller(name="Atelier", vat_on_debits=True)):
        assert Seller.of(seller.record() | {"unknown": "x"}) == seller
    # Version 1.1.0 reads no record with this field: it is written once the option is taken.
    assert "vat_on_debits" not in Seller().record()


@pytest.mark.parametrize("length", [125, 126])
def test_an_email_address_too_long_for_an_electronic_address_is_left_out(length):
    domain = ".".join(["x" * 60, "y" * 40, "example"])
    email = f"{'a' * (length - len(domain) - 1)}@{domain}"
    xml = factur_x.xml_of(invoice(replace(PERSON, email=email)))
    assert broken_rules(xml, "en16931") == set()
    path = "//ram:BuyerTradeParty/ram:URIUniversalCommunication/ram:URIID"
    assert value(xml, path) == (email if length == 125 else "")
    if length == 125:
        assert broken_rules(xml, "french") == set()


def test_every_country_of_the_list_is_one_that_e_invoices_know():
    codes = {code for code, _ in formats.countries("en")}
    name = "FACTUR-X_EN16931_codedb.xml"
    lists = etree.fromstring(
        (files("facturx") / "xsd_and_schematron" / "facturx-en16931" / name).read_bytes()
    )
    known = [{each.get("value") for each in one} for one in lists]
    (countries,) = [one for one in known if {"FR", "ZW"} <= one]
    assert codes <= countries
    assert {"FR", "RE", "GP", "DE", "CH", "US", "GB", "SS"} <= codes
    assert "XK" not in codes


def test_the_address_of_a_customer_in_kosovo_is_valid():
    document = invoice(replace(PERSON, country="XK", postcode="10000", city="Pristina"))
    assert broken_rules(factur_x.xml_of(document), "en16931") == set()
