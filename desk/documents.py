"""The pages of an order and of an invoice, with their PDFs."""

from __future__ import annotations

from flask import Response, abort

from desk import desk
from models import Invoice, Order
from shop import documents, transitions
from shop.overviews import bills, customer_pages, event_words
from web.files import pdf
from web.htmx import page


def _order(number: str) -> Order:
    found = customer_pages.find_order(number)
    if found is None:
        abort(404)
    return found


def _invoice(number: str) -> Invoice:
    found = customer_pages.find_invoice(number.upper())
    if found is None:
        abort(404)
    return found


@desk.get("/orders/<number>")
def order(number: str) -> Response:
    """Show an order: lines, attempts to pay, delivery, contracts, and what happened."""
    row = _order(number)
    return page(
        "desk/order.html",
        customer=row.account,
        tab="orders",
        shown=customer_pages.page_of_order(row),
        history=transitions.history(row),
        words=event_words.EVENTS,
    )


@desk.get("/orders/<number>.pdf")
def order_pdf(number: str) -> Response:
    """Return the purchase order as PDF, in the language it was placed in."""
    row = _order(number)
    return pdf(documents.purchase_order_of(row), documents.purchase_order_filename(row))


@desk.get("/invoices/<number>")
def invoice(number: str) -> Response:
    """Show an invoice or a credit note: lines, balance, attempts to pay, and what happened."""
    row = _invoice(number)
    return page(
        "desk/invoice.html",
        customer=row.account,
        tab="invoices",
        shown=customer_pages.page_of_invoice(row),
        history=transitions.history(row),
        words=event_words.EVENTS,
        status_word=bills.status_word,
    )


@desk.get("/invoices/<number>.pdf")
def invoice_pdf(number: str) -> Response:
    """Return an invoice or a credit note as PDF, as it was issued."""
    row = _invoice(number)
    return pdf(documents.invoice_of(row), documents.invoice_filename(row))
