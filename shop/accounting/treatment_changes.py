"""Money whose VAT treatment changes after it was received, because its invoice was replaced.

A correction moves what a wrong invoice was paid with to the new invoice, which may be taxed
otherwise. A later loss of that money, such as a dispute, is one of the new invoice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from peewee import JOIN, Case, fn

from records.accounts import Account
from records.invoices import Invoice, InvoiceKind, MovedLoss, MovedPayment
from records.ledger import EntryKind, LedgerEntry
from records.payments import Payment
from records.refunds import Refund, RefundOrigin
from shop import clock
from shop.accounting.reporting_periods import within

DISPUTED = (EntryKind.WITHDRAWN, EntryKind.REINSTATED)
"""The entries of the ledger for what the bank takes of a payment for a dispute, and gives back."""


def moved_money(first: date, last: date) -> Iterator[tuple[date, Any, Any, int]]:
    """Yield the credit notes of wrong invoices whose money pays an invoice taxed otherwise, those
    invoices, and the money in cents.

    What such a credit note absorbs later of a loss was taken from the money of that invoice. A file
    of them is sent in pieces, each with a connection of its own: they are read at once.
    """
    yield from _moved_by_corrections(first, last)
    yield from _moved_by_losses(first, last)


def _moved_by_corrections(first: date, last: date) -> Iterator[tuple[date, Any, Any, int]]:
    new = Invoice.alias("new")
    notes = (
        Invoice.select(Invoice, new, MovedPayment)
        .join(new, on=(new.replaces == Invoice.corrects), attr="new")
        .switch(Invoice)
        .join(
            MovedPayment, JOIN.LEFT_OUTER, attr="moved",
            on=(MovedPayment.credit_note == Invoice.id),
        )
        .where(
            Invoice.issued_on.between(first, last),
            Invoice.kind == InvoiceKind.CREDIT_NOTE,
            Invoice.offset_cents > 0,
            (Invoice.vat_code != new.vat_code) | (Invoice.vat_rate != new.vat_rate),
        )
        .order_by(Invoice.id)
    )  # fmt: skip
    note: Any
    for note in list(notes):
        # A note of a part that was issued before the correction moved nothing.
        if note.id > note.new.id and (cents := _cents_moved(note)):
            yield note.issued_on, note, note.new, cents


def _cents_moved(note: Any) -> int:
    """Return the money that a correction moved; it is recorded since there is goodwill."""
    moved: MovedPayment | None = getattr(note, "moved", None)
    return moved.cents if moved else min(note.kept_cents, note.new.total_cents)


def _moved_by_losses(first: date, last: date) -> Iterator[tuple[date, Any, Any, int]]:
    rows = (
        MovedLoss.select(MovedLoss, Invoice)
        .join(Invoice)
        .where(within(MovedLoss.at, first, last))
        .order_by(MovedLoss.id)
    )
    found = list(rows)
    replaced = _replacements_of({row.credit_note.corrects_id for row in found})
    for row in found:
        note = row.credit_note
        new = _in_place_of(note.corrects_id, row.at, replaced)
        if new and (new.vat_code, new.vat_rate) != (note.vat_code, note.vat_rate):
            yield clock.day_of(row.at), note, new, row.cents


def taken_from_replaced(first: date, last: date) -> Iterator[tuple[Any, Any]]:
    """Yield what the bank took of payments, or gave back, after their invoices were replaced by
    others taxed otherwise, and those invoices. ``code`` and ``rate`` are the first's.

    What came back then and is refunded, as all was settled meanwhile, is taken from the same.
    """
    earlier = LedgerEntry.alias("earlier")
    came_back = earlier.select(fn.MAX(earlier.at)).where(
        earlier.payment == LedgerEntry.payment, earlier.kind == EntryKind.REINSTATED,
        earlier.id < LedgerEntry.id,
    )  # fmt: skip
    of_bank = LedgerEntry.kind.in_(DISPUTED) | (Refund.origin == RefundOrigin.BANK)
    old = Invoice.alias("old")
    entries = (
        LedgerEntry.select(
            LedgerEntry.id, LedgerEntry.at, LedgerEntry.cents, Account.nic_handle,
            old.id.alias("old"), old.vat_code.alias("code"), old.vat_rate.alias("rate"),
            Case(None, [(of_bank, LedgerEntry.at)], came_back).alias("taken_at"),
        )
        .join(Payment)
        .join(
            old,
            on=(old.id == Payment.invoice)
            | (
                (old.order == Payment.order)
                & (old.kind == InvoiceKind.INVOICE)
                & old.replaces.is_null()
            ),
        )
        .switch(LedgerEntry)
        .join(Account)
        .switch(LedgerEntry)
        .join(Refund, JOIN.LEFT_OUTER)
        .where(
            within(LedgerEntry.at, first, last),
            # An expression, so that the index of the days is chosen: most money has no invoice.
            fn.COALESCE(LedgerEntry.invoice, 0) == 0,
            of_bank | LedgerEntry.refund.is_null(False),
        )
        .order_by(LedgerEntry.id)
        .objects()
    )  # fmt: skip
    found: list[Any] = list(entries)
    replaced = _replacements_of({row.old for row in found})
    for row in found:
        taken_at = LedgerEntry.at.python_value(row.taken_at)
        invoice = _in_place_of(row.old, taken_at, replaced) if taken_at else None
        if invoice and (invoice.vat_code, invoice.vat_rate) != (row.code, row.rate):
            yield row, invoice


def _in_place_of(number: int | None, at: datetime, replaced: dict[int | None, Any]) -> Any:
    """Return what stood at a moment in place of an invoice; None if that was not replaced."""
    found = None
    while (newer := replaced.get(number)) is not None and newer.issued_at <= at:
        number, found = newer.id, newer
    return found


def _replacements_of(invoices: set[Any]) -> dict[int | None, Any]:
    """Return the invoices that replace some, those that replace these, and so on, each by the id
    of the one that it replaces."""
    found: dict[int | None, Any] = {}
    while invoices:
        query = Invoice.select(
            Invoice.id, Invoice.number, Invoice.replaces, Invoice.issued_at, Invoice.vat_code,
            Invoice.vat_rate,
        ).where(Invoice.replaces.in_(invoices))  # fmt: skip
        newer: dict[Any, Any] = {row.replaces_id: row for row in query}
        found |= newer
        invoices = {row.id for row in newer.values()}
    return found
