"""Documents: what stands on paper, from what is on record.

Rendering loads WeasyPrint, which takes a moment and memory: only a process that makes a PDF pays
for it, which is why the renderers are imported where they are used.
"""

from __future__ import annotations

from records.catalogue import Contract
from records.invoices import Invoice
from records.orders import Order
from shop import vat
from shop.errors import N_
from shop.text import templates

PURCHASE_ORDER_NAME = N_("purchase-order")
INVOICE_NAME = N_("invoice")
CREDIT_NOTE_NAME = N_("credit-note")
BILLS_NAME = N_("bills")


def vat_mention(order: Order | Invoice, language: str) -> str:
    """The legal sentence on the VAT of an order or invoice, in a language; "" if none."""
    return templates.vat_mention(vat.restore(order.vat_code, order.vat_rate), language)


def purchase_order_filename(order: Order) -> str:
    """The file name of an order's PDF, in the order's language."""
    return f"{templates.translate(PURCHASE_ORDER_NAME, order.language)}-{order.number}.pdf"


def purchase_order_of(order: Order) -> bytes:
    """The purchase order of ``order`` as PDF, in the language it was placed in."""
    from shop.documents import from_orders

    return from_orders.purchase_order_pdf_of(order)


def contract_of(contract: Contract) -> bytes:
    """One version of a contract as PDF."""
    from shop.documents import from_orders

    return from_orders.contract_pdf_of(contract)


def invoice_filename(invoice: Invoice) -> str:
    """The file name of an invoice's or credit note's PDF, in its language."""
    name = CREDIT_NOTE_NAME if invoice.is_credit_note else INVOICE_NAME
    return f"{templates.translate(name, invoice.language)}-{invoice.number}.pdf"


def invoice_of(invoice: Invoice) -> bytes:
    """An invoice or credit note as PDF with its data (Factur-X), always the same bytes."""
    from shop.documents import from_invoices

    return from_invoices.file_of(invoice)


def filename(document: str, subject_id: int) -> str:
    """The file name of a letter's attachment: a ``purchase_order``, or an ``invoice``."""
    if document == "invoice":
        return invoice_filename(Invoice.get_by_id(subject_id))
    assert document == "purchase_order", document
    return purchase_order_filename(Order.get_by_id(subject_id))


def make_document(document: str, subject_id: int) -> bytes:
    """The content of a letter's attachment."""
    if document == "invoice":
        return invoice_of(Invoice.get_by_id(subject_id))
    assert document == "purchase_order", document
    return purchase_order_of(Order.get_by_id(subject_id))
