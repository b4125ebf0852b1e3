"""The PDFs of invoices and credit notes: rendered once from the records and stored permanently."""

from __future__ import annotations

import hashlib
from datetime import date

from peewee import ModelSelect

from records.invoices import Invoice, InvoiceFile
from records.payment_methods import PaymentMethod
from shop import clock, settings, vat
from shop.documents.invoice import invoice_pdf
from shop.documents.invoice_data import Corrected, InvoiceDocument, InvoiceLine
from shop.documents.parties import Buyer
from shop.errors import N_
from shop.pricing import lines
from shop.pricing.money import Totals
from shop.settings import Seller
from shop.sql.prepared import prepared
from shop.text.templates import translate

_PAYMENT_METHODS = {
    PaymentMethod.CARD: N_("Paid by bank card."),
    PaymentMethod.MANUAL: N_("Payment recorded by our team."),
}


def pdf_of(invoice: Invoice) -> bytes:
    """Return the PDF of an invoice: rendered on first use, the same bytes afterwards."""
    if (stored := _file_of.first(invoice)) is not None:
        return bytes(stored.content)
    content = invoice_pdf(document_of(invoice))
    is_first = InvoiceFile.add_once(
        invoice=invoice,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        made_at=clock.now(),
    )
    # If two processes rendered it at once, both use the file that was stored first.
    return content if is_first else bytes(_file_of.get(invoice).content)


@prepared
def _file_of(invoice: Invoice) -> ModelSelect[InvoiceFile]:
    return InvoiceFile.select().where(InvoiceFile.invoice == invoice)


def document_of(invoice: Invoice) -> InvoiceDocument:
    """Return an invoice's content as issued, including whether it was paid at that time."""
    paid_on = _paid_when_issued(invoice)
    return InvoiceDocument(
        number=invoice.number,
        language=invoice.language,
        shop_name=settings.current().shop_name,
        seller=Seller.of(invoice.seller),
        buyer=Buyer.of(invoice.customer),
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        lines=_lines_of(invoice),
        totals=Totals(
            invoice.net_cents,
            invoice.vat_cents,
            invoice.total_cents,
            vat.restore(invoice.vat_code, invoice.vat_rate),
        ),
        order_number=invoice.order.number if invoice.order else "",
        paid_on=paid_on,
        payment=translate(_PAYMENT_METHODS[PaymentMethod(invoice.method)], invoice.language)
        if paid_on
        else "",
        corrects=_referred(invoice.corrects),
        replaces=_referred(invoice.replaces),
        prepaid_cents=_prepaid_cents(invoice),
        reason=invoice.reason,
        is_paid_by_transfer=bool(paid_on) and invoice.is_paid_manually,
    )


def _referred(invoice: Invoice | None) -> Corrected | None:
    return Corrected(invoice.number, invoice.issued_on) if invoice else None


def _prepaid_cents(invoice: Invoice) -> int:
    """Return what the payment of the invoice that it replaces pays, if that is not all of it."""
    is_part = not invoice.is_credit_note and invoice.offset_cents < invoice.total_cents
    return invoice.offset_cents if is_part else 0


def _paid_when_issued(invoice: Invoice) -> date | None:
    """Return the day of a payment that preceded the issue; later payments are not printed."""
    if invoice.paid_at is None or invoice.paid_at > invoice.issued_at:
        return None
    return clock.day_of(invoice.paid_at)


def _lines_of(invoice: Invoice) -> tuple[InvoiceLine, ...]:
    return tuple(
        InvoiceLine(each.line, each.period, each.service) for each in lines.positions_of(invoice)
    )
