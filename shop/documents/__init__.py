"""PDF documents made from database records: purchase orders, contracts, invoices.

Rendering loads Typst and factur-x, which takes time and memory. The renderers are therefore
imported where they are used, so that only processes that render a PDF load them.
"""

from __future__ import annotations

from dataclasses import dataclass

from peewee import ModelSelect

from records.catalogue import Contract
from records.invoices import Invoice
from records.letters import DocumentKind
from records.orders import Acceptance, Order
from shop import vat
from shop.errors import N_
from shop.sql.prepared import prepared
from shop.text import templates
from shop.text.folding import fold

PURCHASE_ORDER_NAME = N_("purchase-order")
INVOICE_NAME = N_("invoice")
CREDIT_NOTE_NAME = N_("credit-note")
BILLS_NAME = N_("bills")


@dataclass(frozen=True)
class Document:
    """A document that is attached to an e-mail: its kind, the id of its subject, its file name."""

    kind: DocumentKind
    subject_id: int
    filename: str


def vat_mention(order: Order | Invoice, language: str) -> str:
    """Return the legal VAT mention of an order or invoice, in a language; "" if none applies."""
    return templates.vat_mention(vat.restore(order.vat_code, order.vat_rate), language)


def purchase_order_filename(order: Order) -> str:
    """Return the file name of an order's PDF, in the order's language."""
    return f"{templates.translate(PURCHASE_ORDER_NAME, order.language)}-{order.number}.pdf"


def purchase_order_of(order: Order) -> bytes:
    """Return the purchase order as PDF, in the language in which the order was placed."""
    from shop.documents import from_orders

    return from_orders.purchase_order_pdf_of(order)


def contract_of(contract: Contract) -> bytes:
    """Return one version of a contract as PDF."""
    from shop.documents import from_orders

    return from_orders.contract_pdf_of(contract)


def invoice_filename(invoice: Invoice) -> str:
    """Return the file name of an invoice's or credit note's PDF, in its language."""
    name = CREDIT_NOTE_NAME if invoice.is_credit_note else INVOICE_NAME
    return f"{templates.translate(name, invoice.language)}-{invoice.number}.pdf"


def invoice_of(invoice: Invoice) -> bytes:
    """Return an invoice or credit note as Factur-X (PDF with XML), always the same bytes."""
    from shop.documents import from_invoices

    return from_invoices.pdf_of(invoice)


def contract_filename(contract: Contract) -> str:
    """Return the file name of a contract's PDF: its title and version."""
    return f"{fold(contract.title).replace(' ', '-')}-{contract.version}.pdf"


def of_order(order: Order) -> list[Document]:
    """Return the documents that a customer keeps of an order (one query).

    They are the purchase order and the contracts accepted, with the form for a withdrawal, on a
    durable medium (code de la consommation, article L221-13).
    """
    ordered = Document(DocumentKind.PURCHASE_ORDER, order.id, purchase_order_filename(order))
    accepted = [
        Document(DocumentKind.CONTRACT, contract.id, contract_filename(contract))
        for contract in _accepted.rows(order)
    ]
    return [ordered, *accepted]


@prepared
def _accepted(order: Order) -> ModelSelect[Contract]:
    return (
        Contract.select(Contract.id, Contract.title, Contract.version)
        .join(Acceptance)
        .where(Acceptance.order == order)
        .order_by(Acceptance.id)
    )


def of_invoice(invoice: Invoice) -> Document:
    """Return the document of an invoice or credit note."""
    return Document(DocumentKind.INVOICE, invoice.id, invoice_filename(invoice))


def make_document(document: str, subject_id: int) -> bytes:
    """Return the content of an e-mail attachment."""
    if document == DocumentKind.INVOICE:
        return invoice_of(Invoice.get_by_id(subject_id))
    if document == DocumentKind.CONTRACT:
        return contract_of(Contract.get_by_id(subject_id))
    assert document == DocumentKind.PURCHASE_ORDER, document
    return purchase_order_of(Order.get_by_id(subject_id))
