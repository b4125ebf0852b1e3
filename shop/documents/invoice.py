"""Invoices and credit notes: PDF/A-3 files with embedded Factur-X data (EN 16931).

PDF and data come from one `InvoiceDocument`. The mentions are those of CGI, annexe II,
article 242 nonies A, and of the French commercial code, article L. 441-9.
"""

from __future__ import annotations

from functools import partial

from shop.documents import content, factur_x, factur_x_metadata, mentions, pdf
from shop.documents.invoice_data import InvoiceDocument, InvoiceLine
from shop.errors import N_
from shop.text import formats
from shop.text.templates import translate


def invoice_pdf(document: InvoiceDocument) -> bytes:
    """Return the invoice as Factur-X: PDF/A-3 in its language, with data in ``factur-x.xml``.

    The metadata contain the time of rendering: store the bytes, because an issued invoice must
    not change.
    """
    return factur_x_metadata.added_to(
        pdf.render("invoice.typ", _content(document), data=factur_x.xml_of(document))
    )


def _content(document: InvoiceDocument) -> content.Texts:
    language = document.language
    number = translate(N_("no. %(number)s"), language, number=document.number)
    return {
        "language": language,
        "shop_name": document.shop_name,
        "title": f"{document.title} {document.number} · {document.shop_name}",
        "author": document.seller.name,
        "description": f"{document.title} {document.number}",
        "keywords": ["Factur-X"],
        "heading": document.title,
        "number": number,
        "foot": content.foot(document.seller, language),
        "attached": translate(N_("The data of this document (Factur-X)"), language),
        "fonts": [content.font_of(document.buyer.country)],
        "facts": _facts(document),
        "references": [panel.record() for panel in _references(document)],
        "parties": content.parties(document.seller, document.buyer, language),
        "columns": content.columns(language),
        "rows": [_row(each, language) for each in document.lines],
        **content.sums(document.totals, _due(document), language),
        "panels": [panel.record() for panel in _panels(document)],
        "terms": _terms(document),
    }


def _facts(document: InvoiceDocument) -> list[list[str]]:
    language, say = document.language, partial(translate, language=document.language)
    facts = [[say(N_("Date of issue")), formats.day(document.issued_on, language)]]
    if document.paid_on:
        label = N_("Refunded on") if document.is_credit_note else N_("Paid on")
        facts.append([say(label), formats.day(document.paid_on, language)])
    elif not document.is_credit_note:
        facts.append([say(N_("Due date")), formats.day(document.due_on, language)])
    if document.order_number:
        facts.append([say(N_("Purchase order")), document.order_number])
    facts.append([say(N_("Customer ID")), document.buyer.nic_handle])
    total = formats.money(document.totals.total_cents, language)
    return [*facts, [say(N_("Total incl. VAT")), total]]


def _references(document: InvoiceDocument) -> list[content.Panel]:
    """Return what it says of the invoice that it corrects or replaces, and why."""
    sentences = (
        (document.corrects, N_("This credit note corrects invoice %(number)s of %(day)s.")),
        (
            document.replaces,
            N_(
                "This invoice replaces invoice %(number)s of %(day)s, "
                "which a credit note takes back."
            ),
        ),
    )
    return [
        content.Panel(
            [
                translate(
                    sentence,
                    document.language,
                    number=earlier.number,
                    day=formats.day(earlier.issued_on, document.language),
                ),
                *([document.reason] if document.reason else []),
            ]
        )
        for earlier, sentence in sentences
        if earlier
    ]


def _row(each: InvoiceLine, language: str) -> content.Texts:
    period = translate(
        N_("From %(start)s to %(end)s"),
        language,
        start=formats.day(each.period.start, language),
        end=formats.day(each.period.last_day, language),
    )
    service = [each.service] if each.service else []
    share = [content.pro_rata(each.line.share, language)] if each.line.share else []
    return content.row(each.line, [*service, period, *share], language)


def _due(document: InvoiceDocument) -> str:
    """Return what its total is called."""
    if document.is_credit_note:
        return translate(N_("Total credited incl. VAT"), document.language)
    if document.paid_on or document.prepaid_cents:
        return translate(N_("Total incl. VAT"), document.language)
    return translate(N_("Total due incl. VAT"), document.language)


def _panels(document: InvoiceDocument) -> list[content.Panel]:
    """Return what it says of payments before it was issued."""
    language, panels = document.language, []
    if document.paid_on:
        sentence = (
            N_("Refunded on %(day)s.")
            if document.is_credit_note
            else N_("Paid on %(day)s. Nothing remains due.")
        )
        paid = translate(sentence, language, day=formats.day(document.paid_on, language))
        panels.append(content.Panel([f"{paid} {document.payment}".strip()], is_good=True))
    if document.prepaid_cents:
        sentence = translate(
            N_("Paid already: %(paid)s. Still due: %(due)s."),
            language,
            paid=formats.money(document.prepaid_cents, language),
            due=formats.money(document.due_cents, language),
        )
        panels.append(content.Panel([sentence]))
    return panels


def _terms(document: InvoiceDocument) -> list[str]:
    """Return the legal sentences at its end."""
    say, seller = partial(translate, language=document.language), document.seller
    terms = [say(N_("Nature of the operation: services.")), mentions.on_debits(document)]
    if not document.is_credit_note:
        terms.append(seller.payment_terms or say(N_("Payable on receipt.")))
        if document.buyer.is_business:
            terms += mentions.late_payment_mentions(seller, document.language).values()
    return [sentence for sentence in terms if sentence]
