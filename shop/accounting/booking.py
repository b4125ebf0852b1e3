"""The entries of the books: one for each entry of the ledger and each payout, in the order in which
they were made.

The balance of the customers' account is that of the ledger, to the cent. What cards paid stands on
the account of the bank that takes them until a payout brings it to the seller's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from heapq import merge
from typing import Any

from peewee import JOIN

from records.account_credits import AccountCredit
from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice
from records.ledger import EntryKind, LedgerEntry
from records.orders import Order
from records.payment_methods import PaymentMethod
from records.payments import Payment
from records.payouts import Payout
from records.refunds import Refund
from shop import clock
from shop.accounting import chart
from shop.accounting.chart import BookAccount
from shop.accounting.reporting_periods import within


@dataclass(frozen=True)
class Journal:
    """A journal of the books."""

    code: str
    name: str


SALES = Journal("VE", "Ventes")
BANK = Journal("BQ", "Banque")
OTHER = Journal("OD", "Opérations diverses")

_JOURNALS = {
    EntryKind.CHARGED: SALES,
    EntryKind.CREDITED: SALES,
    EntryKind.GOODWILL: OTHER,
}

_WORDS = {
    EntryKind.CHARGED: "Facture",
    EntryKind.CREDITED: "Avoir",
    EntryKind.PAID: "Paiement",
    EntryKind.REFUNDED: "Remboursement",
    EntryKind.RETURNED: "Remboursement revenu",
    EntryKind.WITHDRAWN: "Paiement contesté",
    EntryKind.REINSTATED: "Paiement contesté rendu",
    EntryKind.GOODWILL: "Geste commercial",
    EntryKind.RECEIVED: "Acompte reçu",
    EntryKind.PAID_OUT: "Acompte rendu",
}


@dataclass(frozen=True)
class Posting:
    """One line of an entry: cents on an account, positive in debit, negative in credit.

    ``customer`` is the auxiliary account, number and name, of a line of the customers' account.
    """

    account: BookAccount
    cents: int
    customer: tuple[str, str] | None = None


@dataclass(frozen=True)
class Entry:
    """An entry of a journal: its postings add up to nothing.

    ``id`` is that of the ledger's entry, 0 for one that is not of the ledger.
    """

    id: int
    journal: Journal
    day: date
    piece: str
    piece_day: date
    label: str
    postings: tuple[Posting, ...]


def entries(first: date, last: date) -> Iterator[Entry]:
    """Yield the entries from a day to another, both included, in their order."""
    return merge(_of_ledger(first, last), _of_payouts(first, last), key=lambda entry: entry.day)


def _of_ledger(first: date, last: date) -> Iterator[Entry]:
    query = _query().where(within(LedgerEntry.at, first, last))
    for row in in_batches(query, LedgerEntry.at, LedgerEntry.id):
        if row.cents:
            yield _entry_of(row)


def _query() -> Any:
    paid, ordered = Invoice.alias("paid"), Order.alias("ordered")
    return (
        LedgerEntry.select(
            LedgerEntry,
            Account.nic_handle, Account.company, Account.first_name, Account.last_name,
            Invoice.number, Invoice.issued_on, Invoice.net_cents, Invoice.vat_cents,
            Invoice.vat_code,
            Payment.method.alias("payment_method"), Payment.settled_at,
            Refund.method.alias("refund_method"), Refund.settled_at.alias("refund_settled_at"),
            AccountCredit.reference.alias("credit_reference"), AccountCredit.received_on,
            paid.number.alias("paid_number"), ordered.number.alias("order_number"),
        )
        .join(Account)
        .switch(LedgerEntry)
        .join(Invoice, JOIN.LEFT_OUTER, on=(LedgerEntry.invoice == Invoice.id))
        .switch(LedgerEntry)
        .join(Payment, JOIN.LEFT_OUTER, on=(LedgerEntry.payment == Payment.id))
        .switch(LedgerEntry)
        .join(Refund, JOIN.LEFT_OUTER, on=(LedgerEntry.refund == Refund.id))
        .switch(LedgerEntry)
        .join(AccountCredit, JOIN.LEFT_OUTER, on=(LedgerEntry.credit == AccountCredit.id))
        .join(paid, JOIN.LEFT_OUTER, on=(paid.id == Payment.invoice))
        .join(ordered, JOIN.LEFT_OUTER, on=(ordered.id == Payment.order))
        .objects()
    )  # fmt: skip


def _entry_of(row: Any) -> Entry:
    kind, day = EntryKind(row.kind), clock.day_of(row.at)
    if kind in {EntryKind.CHARGED, EntryKind.CREDITED}:
        piece, piece_day = row.number, row.issued_on
        others = _sold(row)
    else:
        piece, piece_day = _piece_of(row, kind, day)
        others = (Posting(_money_of(row, kind), -row.cents),)
    label = f"{_WORDS[kind]} {piece}"
    customer = Posting(chart.account_for("customers"), row.cents, (row.nic_handle, _name_of(row)))
    return Entry(
        row.id, _JOURNALS.get(kind, BANK), day, piece, piece_day, label, (customer, *others)
    )


def _sold(row: Any) -> tuple[Posting, ...]:
    """Return the sales and VAT of an invoice or a credit note."""
    taxed, sign = row.vat_code.partition(":")[0], -1 if row.cents > 0 else 1
    sales = Posting(chart.sales_of(taxed), sign * row.net_cents)
    tax = Posting(chart.vat_of(taxed), sign * row.vat_cents)
    return tuple(posting for posting in (sales, tax) if posting.cents)


def _money_of(row: Any, kind: EntryKind) -> BookAccount:
    if kind is EntryKind.GOODWILL:
        return chart.account_for("goodwill")
    if kind in {EntryKind.RECEIVED, EntryKind.PAID_OUT}:
        return chart.account_for("bank")
    method = row.refund_method or row.payment_method
    return chart.account_for("bank" if method == PaymentMethod.MANUAL else "cards")


def _piece_of(row: Any, kind: EntryKind, day: date) -> tuple[str, date]:
    """Return the document of a movement of money, and its day."""
    if kind in {EntryKind.GOODWILL, EntryKind.RECEIVED, EntryKind.PAID_OUT}:
        return row.credit_reference or f"SOLDE-{row.credit_id}", row.received_on or day
    number = row.number or row.paid_number or row.order_number
    moment = row.settled_at if kind is EntryKind.PAID else row.refund_settled_at
    return number, min(day, clock.day_of(moment)) if moment is not None else day


def _name_of(row: Any) -> str:
    return row.company or f"{row.first_name} {row.last_name}"


# --- Payouts ---------------------------------------------------------------------------------


def _of_payouts(first: date, last: date) -> Iterator[Entry]:
    """Yield the entries of payouts, and of those that were sent back."""
    booked, returned = (
        in_batches(
            Payout.select().where(within(column, first, last)), column, Payout.id,
        )
        for column in (Payout.booked_at, Payout.returned_at)
    )  # fmt: skip
    return merge(
        (entry for row in booked if (entry := _booked(row)).postings),
        (_returned(row) for row in returned),
        key=lambda entry: entry.day,
    )


def _booked(row: Payout) -> Entry:
    """Return what a payout brought, and the fees that were kept of what it was made of."""
    received, fees = row.received_cents or 0, row.fee_cents
    return _entry_of_payout(
        row, row.booked_at, "Versement",
        (("bank", received), ("bank_fees", fees), ("cards", -received - fees)),
    )  # fmt: skip


def _returned(row: Payout) -> Entry:
    received = row.received_cents or 0
    return _entry_of_payout(
        row, row.returned_at, "Versement renvoyé", (("cards", received), ("bank", -received))
    )


def _entry_of_payout(
    row: Payout, at: datetime, word: str, amounts: tuple[tuple[str, int], ...]
) -> Entry:
    day = clock.day_of(at)
    postings = tuple(Posting(chart.account_for(role), cents) for role, cents in amounts if cents)
    return Entry(
        0, BANK, day, row.reference, min(day, row.arrives_on), f"{word} {row.reference}", postings
    )
