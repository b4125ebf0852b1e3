"""A customer's bills: found by period, listed, paid, taken along as a table or as their PDFs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from peewee import ModelSelect

from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice, InvoiceStatus
from records.orders import Order
from records.payments import Payment, PaymentStatus
from shop import documents
from shop.errors import N_, Refusal
from shop.payments.attempts import decline_message, is_checkout_open
from shop.text.zip_stream import zipped

BATCH = 100

STATUS_WORDS: dict[str, str] = {
    InvoiceStatus.DUE: N_("Due"),
    InvoiceStatus.UNPAID: N_("Unpaid"),
    InvoiceStatus.PAID: N_("Paid"),
    InvoiceStatus.REFUNDED: N_("Refunded"),
}
CREDITED = N_("Cancelled by a credit note")
BEING_REFUNDED, PAID_BACK, DEDUCTED = N_("Being refunded"), N_("Paid back"), N_("Deducted")
"""Where credit notes stand: the money is on its way, it went back, or nothing had been paid."""


def status_word(invoice: Invoice) -> str:
    """Where an invoice or a credit note stands, in the catalogue's English."""
    if invoice.is_credit_note:
        if invoice.status == InvoiceStatus.DUE:
            return BEING_REFUNDED
        return PAID_BACK if invoice.paid_at else DEDUCTED
    if invoice.status == InvoiceStatus.REFUNDED and invoice.paid_at is None:
        return CREDITED
    return STATUS_WORDS[invoice.status]


# --- Finding ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """The bills issued from one day to another, both included; open where a day is missing."""

    first: date | None = None
    last: date | None = None


def read_selection(first: str, last: str) -> tuple[Selection, list[Refusal]]:
    """A selection of two days as forms send them (2026-11-23), either of them empty; and what is
    wrong with them, at ``from`` and ``to``: then everything is selected."""
    days: dict[str, date | None] = {}
    wrong = []
    for field, typed in (("from", first.strip()), ("to", last.strip())):
        try:
            days[field] = date.fromisoformat(typed) if typed else None
        except ValueError:
            wrong.append(Refusal(N_("Enter a date, for example 2026-11-23."), field))
    selection = Selection() if wrong else Selection(days["from"], days["to"])
    if selection.first and selection.last and selection.last < selection.first:
        return Selection(), [Refusal(N_("This day lies before the first one."), "to")]
    return selection, wrong


def of_account(account: Account, selection: Selection) -> ModelSelect[Invoice]:
    """The customer's invoices and credit notes, newest first, with their orders."""
    query = (
        Invoice.select(Invoice, Order)
        .left_outer_join(Order, on=(Invoice.order == Order.id))
        .where(Invoice.account == account)
        .order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    )
    if selection.first:
        query = query.where(Invoice.issued_on >= selection.first)
    if selection.last:
        query = query.where(Invoice.issued_on <= selection.last)
    return query


def from_the_oldest(account: Account, selection: Selection) -> Iterator[Invoice]:
    """The same, oldest first, read in batches."""
    return in_batches(of_account(account, selection), Invoice.issued_on, Invoice.id, size=BATCH)


# --- One bill --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How the payment of an invoice stands, for its page."""

    is_confirming: bool
    payment_open: bool
    last_refusal: str
    credit_notes: list[Invoice]

    @property
    def refreshes(self) -> bool:
        """Whether something may change without the customer doing anything."""
        return self.is_confirming or self.payment_open


def standing(invoice: Invoice) -> Standing:
    """How far the payment of ``invoice`` is (two queries)."""
    attempts = list(Payment.select().where(Payment.invoice == invoice).order_by(Payment.id))
    notes = Invoice.select().where(Invoice.corrects == invoice).order_by(Invoice.id)
    payable = invoice.is_payable
    return Standing(
        is_confirming=payable and any(_is_confirmed(row) for row in attempts),
        payment_open=payable and any(map(is_checkout_open, attempts)),
        last_refusal=decline_message(attempts) if payable else "",
        credit_notes=list(notes),
    )


def _is_confirmed(payment: Payment) -> bool:
    """Whether the bank, or the worker that asks it, is at it without the customer."""
    by_worker = payment.status == PaymentStatus.OPEN and payment.card_id is not None
    return by_worker or payment.status == PaymentStatus.PROCESSING


# --- Taking them along -----------------------------------------------------------------------


def zip_of(account: Account, selection: Selection) -> Iterator[bytes]:
    """Yield a ZIP of the selected PDFs, made while it is read: one of them in memory at a time."""
    papers = (
        (documents.invoice_filename(invoice), [documents.invoice_of(invoice)])
        for invoice in from_the_oldest(account, selection)
    )
    return zipped(papers, zipfile.ZIP_STORED)
