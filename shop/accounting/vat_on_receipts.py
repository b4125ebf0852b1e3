"""VAT that is due when services are paid: the money received, and each movement of it.

Money is taxed as the order or the invoice that it pays, a refund as its credit note.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from peewee import JOIN, fn

from records.account_credits import CreditUse
from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice
from records.ledger import EntryKind, LedgerEntry
from records.orders import Order
from records.payments import Payment
from shop import clock
from shop.accounting.reporting_periods import within
from shop.accounting.treatment_changes import moved_money, taken_from_replaced
from shop.accounting.vat_figures import Document, Figure
from shop.pricing import money

Key = tuple[str, int]
"""A VAT code and a rate, as invoices have them."""

MONEY = (
    EntryKind.PAID, EntryKind.REFUNDED, EntryKind.RETURNED, EntryKind.WITHDRAWN,
    EntryKind.REINSTATED, EntryKind.RECEIVED, EntryKind.PAID_OUT,
)  # fmt: skip
"""The entries of the ledger that move money."""


def received(first: date, last: date) -> list[Figure]:
    """Return what was received in a period less what was given back, by treatment and rate.

    VAT is contained in the money: it is rounded once, on the sum.
    """
    sums: dict[Key, int] = defaultdict(int)
    for source in (_of_payments, _of_transfers):
        for code, rate, cents in source(first, last):
            sums[code, rate] -= int(cents)
    for _, note, new, cents in moved_money(first, last):
        sums[note.vat_code, note.vat_rate] -= cents
        sums[new.vat_code, new.vat_rate] += cents
    for row, invoice in taken_from_replaced(first, last):
        sums[row.code, row.rate] += row.cents
        sums[invoice.vat_code, invoice.vat_rate] -= row.cents
    return sorted(_contained(*key, cents) for key, cents in sums.items() if cents)


def _of_payments(first: date, last: date) -> Any:
    """Yield code, rate and cents of the ledger for the money of payments.

    A refund is taxed as its credit note.
    """
    document = Invoice.alias("document")
    code = fn.COALESCE(document.vat_code, Invoice.vat_code, Order.vat_code)
    rate = fn.COALESCE(document.vat_rate, Invoice.vat_rate, Order.vat_rate)
    return (
        LedgerEntry.select(code, rate, fn.SUM(LedgerEntry.cents))
        .join(Payment)
        .join(Invoice, JOIN.LEFT_OUTER, on=(Invoice.id == Payment.invoice))
        .switch(Payment)
        .join(Order, JOIN.LEFT_OUTER, on=(Order.id == Payment.order))
        .join(document, JOIN.LEFT_OUTER, on=(document.id == LedgerEntry.invoice))
        .where(within(LedgerEntry.at, first, last), LedgerEntry.kind.in_(MONEY))
        .group_by(code, rate)
        .tuples()
    )


def _of_transfers(first: date, last: date) -> Any:
    """Yield code, rate and cents of the ledger for part payments, by the invoice that they paid
    first."""
    return (
        LedgerEntry.select(Invoice.vat_code, Invoice.vat_rate, fn.SUM(LedgerEntry.cents))
        .join(CreditUse, on=(CreditUse.id == _first_use()))
        .join(Invoice)
        .where(
            within(LedgerEntry.at, first, last),
            LedgerEntry.kind.in_([EntryKind.RECEIVED, EntryKind.PAID_OUT]),
        )
        .group_by(Invoice.vat_code, Invoice.vat_rate)
        .tuples()
    )


def receipts(code: str, rate: int, first: date, last: date) -> Iterator[Document]:
    """Yield the movements of money of a treatment; each with the VAT that it contains."""
    taken = list(taken_from_replaced(first, last))
    elsewhere = {row.id for row, _ in taken}
    for row in in_batches(_entries_of(code, rate, first, last), LedgerEntry.at, LedgerEntry.id):
        if row.id not in elsewhere:
            yield _document(clock.day_of(row.at), row.number, row.nic_handle, row, -row.cents)
    for row, invoice in taken:
        if (invoice.vat_code, invoice.vat_rate) == (code, rate):
            day = clock.day_of(row.at)
            yield _document(day, invoice.number, row.nic_handle, invoice, -row.cents)
    for day, note, new, cents in moved_money(first, last):
        for invoice, sign in ((note, -1), (new, 1)):
            if (invoice.vat_code, invoice.vat_rate) == (code, rate):
                handle = invoice.customer.get("nic_handle", "")
                yield _document(day, invoice.number, handle, invoice, sign * cents)


def _document(day: date, number: str, handle: str, taxed: Any, cents: int) -> Document:
    figure = _contained(taxed.vat_code, taxed.vat_rate, cents)
    return Document(day, number, handle, figure.base_cents, figure.vat_cents)


def _contained(code: str, rate: int, cents: int) -> Figure:
    base = money.rounded(cents * money.WHOLE, money.WHOLE + rate)
    return Figure(code, rate, base, cents - base)


def _entries_of(code: str, rate: int, first: date, last: date) -> Any:
    """Return the query for the entries of the ledger that `received` counts for a treatment."""
    of_credit, ordered, paid = Invoice.alias("of_credit"), Order.alias(), Invoice.alias("paid")
    document = Invoice.alias("document")
    code_of = fn.COALESCE(document.vat_code, paid.vat_code, ordered.vat_code, of_credit.vat_code)
    rate_of = fn.COALESCE(document.vat_rate, paid.vat_rate, ordered.vat_rate, of_credit.vat_rate)
    return (
        LedgerEntry.select(
            LedgerEntry.id, LedgerEntry.at, LedgerEntry.cents, Account.nic_handle,
            fn.COALESCE(paid.number, ordered.number, of_credit.number).alias("number"),
            code_of.alias("vat_code"),
            rate_of.alias("vat_rate"),
        )
        .join(Account)
        .switch(LedgerEntry)
        .join(Payment, JOIN.LEFT_OUTER)
        .join(paid, JOIN.LEFT_OUTER, on=(paid.id == Payment.invoice))
        .switch(Payment)
        .join(ordered, JOIN.LEFT_OUTER, on=(ordered.id == Payment.order))
        .switch(LedgerEntry)
        .join(document, JOIN.LEFT_OUTER, on=(document.id == LedgerEntry.invoice))
        .switch(LedgerEntry)
        .join(CreditUse, JOIN.LEFT_OUTER, on=(CreditUse.id == _first_use()))
        .join(of_credit, JOIN.LEFT_OUTER, on=(of_credit.id == CreditUse.invoice))
        .where(
            within(LedgerEntry.at, first, last),
            LedgerEntry.kind.in_(MONEY),
            code_of == code,
            rate_of == rate,
        )
        .objects()
    )  # fmt: skip


def _first_use() -> Any:
    use = CreditUse.alias()
    return use.select(fn.MIN(use.id)).where(use.credit == LedgerEntry.credit)
