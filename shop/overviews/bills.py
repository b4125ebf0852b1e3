"""A customer's bills: their states, selection by period, listing, and export as PDFs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import JOIN, ModelSelect, Tuple, fn

from records.accounts import Account
from records.batches import in_batches
from records.disputes import Dispute, DisputeStatus
from records.groups import Addition, LicenceGroup
from records.invoices import Invoice, InvoiceKind, InvoiceStatus
from records.orders import Order, OrderLine
from records.payments import Payment, PaymentStatus
from shop import documents
from shop.errors import N_, Refusal
from shop.invoicing import invoices
from shop.sql.prepared import prepared
from shop.text.zip_stream import zipped

BATCH = 100

MOST_OF_SERVICE = 6
"""The most invoices that the page of a service names."""

STATUS_WORDS: dict[str, str] = {
    InvoiceStatus.DUE: N_("Due"),
    InvoiceStatus.UNPAID: N_("Unpaid"),
    InvoiceStatus.PAID: N_("Paid"),
    InvoiceStatus.REFUNDED: N_("Refunded"),
}
CREDITED = N_("Cancelled by a credit note")
REPLACED = N_("Replaced")
"""The state of a wrong invoice in whose place another one was issued."""
TAKEN_BACK = N_("Taken back in part")
"""The state of a paid invoice of whose payment the bank kept a part, after a dispute."""
TO_BE_REFUNDED, PAID_BACK, DEDUCTED = N_("To be refunded"), N_("Refunded to you"), N_("Deducted")
"""The states of a credit note: not refunded yet, refunded, or its invoice was not paid yet."""


def status_word(invoice: Invoice, *, is_taken_back: bool | None = None) -> str:
    """Return the status of an invoice or a credit note as a message id of the catalogue.

    ``is_taken_back`` says whether a part of its payment is; None if that is still to be read.
    """
    if invoice.is_credit_note:
        if invoice.status == InvoiceStatus.DUE:
            return TO_BE_REFUNDED
        return PAID_BACK if invoice.paid_at else DEDUCTED
    if invoice.status == InvoiceStatus.PAID:
        is_whole = not (_is_taken_back(invoice) if is_taken_back is None else is_taken_back)
        return STATUS_WORDS[invoice.status] if is_whole else TAKEN_BACK
    is_credited = invoice.status == InvoiceStatus.REFUNDED
    if is_credited and _is_replaced(invoice):
        return REPLACED
    if is_credited and (invoice.paid_at is None or _awaits_refund(invoice)):
        return CREDITED
    return STATUS_WORDS[invoice.status]


def _awaits_refund(invoice: Invoice) -> bool:
    """Return whether money of a credited invoice is still to be given back."""
    if hasattr(invoice, "awaits_refund"):
        return bool(invoice.awaits_refund)  # read with the list
    return bool(_due_notes().where(Invoice.corrects == invoice).exists())


def _is_replaced(invoice: Invoice) -> bool:
    """Return whether another invoice was issued in place of this one."""
    if hasattr(invoice, "is_replaced"):
        return bool(invoice.is_replaced)  # read with the list
    return invoices.replacement_of(invoice) is not None


def _is_taken_back(invoice: Invoice) -> bool:
    """Return whether the bank took a part of an invoice's payment back for good."""
    if hasattr(invoice, "is_taken_back"):
        return bool(invoice.is_taken_back)  # read with the list
    return bool(_losses(invoice.id, invoice.order_id).exists())


def _losses(invoice: Any, order: Any) -> ModelSelect[Any]:
    """Return the query for lost disputes of payments that still pay an invoice, or its order."""
    # From the payment to its disputes: the other way, SQLite reads all that were ever lost.
    return (
        Payment.select(Dispute.id)
        .join(Dispute, JOIN.CROSS)
        .where(
            (Payment.invoice == invoice) | (Payment.order == order),
            Dispute.payment == Payment.id,
            Payment.status == PaymentStatus.SUCCEEDED,
            Dispute.status == DisputeStatus.LOST,
            Dispute.withdrawn_cents > 0,
        )
    )


def _due_notes(table: Any = Invoice) -> Any:
    return table.select().where(
        table.kind == InvoiceKind.CREDIT_NOTE, table.status == InvoiceStatus.DUE
    )


# --- Finding ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """The days between which bills were issued, both included; None means unlimited."""

    first: date | None = None
    last: date | None = None


def read_selection(first: str, last: str) -> tuple[Selection, list[Refusal]]:
    """Return the selection of two days as forms send them (2026-11-23, or empty).

    Also return the refusals, at ``from`` and ``to``; with any, everything is selected.
    """
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


def bills_of_account(account: Account, selection: Selection, *columns: Any) -> ModelSelect[Invoice]:
    """Return the query for the customer's invoices and credit notes, newest first, with orders.

    ``columns`` are those of `with_state`.
    """
    query = with_state(*columns).where(Invoice.account == account)
    query = query.order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    if selection.first:
        query = query.where(Invoice.issued_on >= selection.first)
    if selection.last:
        query = query.where(Invoice.issued_on <= selection.last)
    return query


LISTED = (*Invoice.columns_but("customer", "seller"), Order.id, Order.number)
"""What a list shows of invoices and their orders: neither whose they are nor whom they are from."""


def with_state(*columns: Any) -> ModelSelect[Invoice]:
    """Return the query for invoices with their orders and all that `status_word` asks for.

    ``columns`` are of these two tables, all of them by default.
    """
    note, newer = Invoice.alias(), Invoice.alias()
    # Counted: for EXISTS, PostgreSQL may read all there are, to look them up by their ids.
    due = _due_notes(note).where(note.corrects == Invoice.id)
    replacing = newer.select().where(newer.replaces == Invoice.id)
    return (
        Invoice.select(
            *(columns or (Invoice, Order)), due.select(fn.COUNT(note.id)).alias("awaits_refund"),
            fn.EXISTS(_losses(Invoice.id, Invoice.order)).alias("is_taken_back"),
            replacing.select(fn.COUNT(newer.id)).alias("is_replaced"),
        )
        .left_outer_join(Order, on=(Invoice.order == Order.id))
    )  # fmt: skip


@prepared
def bills_between(
    account: Account, first: date | None, last: date | None, before: int | None = None
) -> ModelSelect[Invoice]:
    """Return the same query, for its pages; ``before`` is the id after which it goes on."""
    query = bills_of_account(account, Selection(first, last), *LISTED)
    if first is None and last is None:
        # They are numbered and issued in one order, and no index finds a place within a day.
        query = query.order_by(Invoice.id.desc())
        return query if before is None else query.where(Invoice.id < before)
    if before is None:
        return query
    reached = Invoice.alias()
    day = reached.select(reached.issued_on).where(reached.account == account, reached.id == before)
    return query.where(Tuple(Invoice.issued_on, Invoice.id) < Tuple(day, before))


def oldest_first(account: Account, selection: Selection) -> Iterator[Invoice]:
    """Yield the customer's invoices and credit notes, oldest first, read in batches."""
    return in_batches(
        bills_of_account(account, selection), Invoice.issued_on, Invoice.id, size=BATCH
    )


def of_service(group: LicenceGroup) -> list[Invoice]:
    """Return the newest invoices of a group and of its orders, each with its order (one query)."""
    # Unions: alternatives would be looked for among all invoices.
    own, of_group, of_orders = OrderLine.alias(), Invoice.alias(), Invoice.alias()
    added = Addition.select(Addition.line).where(Addition.group == group)
    lines = own.select(own.id).where(own.id == group.line_id).union(added)
    orders = OrderLine.select(OrderLine.order).where(OrderLine.id.in_(lines))
    found = (
        of_group.select(of_group.id)
        .where(of_group.group == group)
        .union(of_orders.select(of_orders.id).where(of_orders.order.in_(orders)))
    )
    return list(
        Invoice.select(Invoice, Order)
        .join(Order, JOIN.LEFT_OUTER)
        .where(Invoice.id.in_(found))
        .order_by(Invoice.id.desc())
        .limit(MOST_OF_SERVICE)
    )


# --- Export ----------------------------------------------------------------------------------


def zip_of(account: Account, selection: Selection) -> Iterator[bytes]:
    """Yield a ZIP of the selected PDFs as a stream, with one PDF in memory at a time."""
    files = (
        (documents.invoice_filename(invoice), [documents.invoice_of(invoice)])
        for invoice in oldest_first(account, selection)
    )
    return zipped(files, zipfile.ZIP_STORED)
