"""Figures for VAT returns: the CA3, the European declaration of services (DES), and the OSS.

VAT on services is due when they are paid, unless the seller opted for debits (CGI, article 269):
the bases at French rates follow the money, and everything else follows the invoices.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, Case, fn

from records.account_credits import CreditUse
from records.accounts import Account
from records.batches import in_batches
from records.invoices import Invoice, InvoiceKind, MovedLoss, MovedPayment, taxed_as
from records.ledger import EntryKind, LedgerEntry
from records.orders import Order
from records.payments import Payment
from records.refunds import Refund, RefundOrigin
from shop import clock, settings, vat
from shop.pricing import money
from shop.vat import Kind, VatTreatment

Key = tuple[str, int]
"""A VAT code and a rate, as invoices have them."""

MONEY = (
    EntryKind.PAID, EntryKind.REFUNDED, EntryKind.RETURNED, EntryKind.WITHDRAWN,
    EntryKind.REINSTATED, EntryKind.RECEIVED, EntryKind.PAID_OUT,
)  # fmt: skip
"""The entries of the ledger that move money."""

DISPUTED = (EntryKind.WITHDRAWN, EntryKind.REINSTATED)
"""Those of what the bank takes of a payment for a dispute, and gives back."""


DOCUMENT = (
    Invoice.id, Invoice.issued_on, Invoice.number, Invoice.kind, Invoice.customer,
    Invoice.net_cents, Invoice.vat_cents,
)  # fmt: skip
"""What is read of a document that a figure is made of."""


@dataclass(frozen=True, order=True)
class Figure:
    """A base excluding VAT and its VAT, in cents, of sales that are taxed alike."""

    code: str
    rate: int
    base_cents: int
    vat_cents: int

    @property
    def treatment(self) -> VatTreatment:
        """How these sales are taxed."""
        return vat.restore(self.code, self.rate)

    @property
    def total_cents(self) -> int:
        """The amount with VAT."""
        return self.base_cents + self.vat_cents


@dataclass(frozen=True, order=True)
class Service:
    """A line of the DES: services to a business of another member state."""

    vat_number: str
    base_cents: int

    @property
    def euros(self) -> int:
        """The amount declared: whole euros, rounded."""
        return money.rounded(self.base_cents, 100)


@dataclass(frozen=True, order=True)
class OssLine:
    """A line of an OSS return; ``quarter`` is the earlier one that it corrects, "" for none."""

    country: str
    rate: int
    quarter: str
    base_cents: int
    vat_cents: int


@dataclass(frozen=True)
class Document:
    """A document or a movement of money that a figure is made of."""

    day: date
    number: str
    nic_handle: str
    base_cents: int
    vat_cents: int


def on_debits() -> bool:
    """Return whether VAT at French rates is due with the invoice, and not with the payment."""
    return settings.current().seller.vat_on_debits


# --- CA3 -------------------------------------------------------------------------------------


def ca3(first: date, last: date) -> list[Figure]:
    """Return the bases of the CA3 for a period, by treatment and rate; what the OSS has is not in
    it."""
    figures = [
        figure
        for figure in invoiced(first, last)
        if figure.treatment.kind is not Kind.OSS and not _follows_money(figure.code)
    ]
    if not on_debits():
        figures += [each for each in received(first, last) if _follows_money(each.code)]
    return sorted(figures)


def _follows_money(code: str) -> bool:
    return code.partition(":")[0] == Kind.DOMESTIC and not on_debits()


def invoiced(first: date, last: date) -> list[Figure]:
    """Return what was invoiced in a period less what was credited, by treatment and rate."""
    sign = Case(Invoice.kind, [(InvoiceKind.CREDIT_NOTE, -1)], 1)
    rows = (
        Invoice.select(
            Invoice.vat_code,
            Invoice.vat_rate,
            fn.SUM(sign * Invoice.net_cents),
            fn.SUM(sign * Invoice.vat_cents),
        )
        .where(Invoice.issued_on.between(first, last))
        .group_by(Invoice.vat_code, Invoice.vat_rate)
        .order_by(Invoice.vat_code, Invoice.vat_rate)
        .tuples()
    )
    found: list[Any] = list(rows)
    return [Figure(code, rate, int(net), int(tax)) for code, rate, net, tax in found]


def received(first: date, last: date) -> list[Figure]:
    """Return what was received in a period less what was given back, by treatment and rate.

    VAT is contained in the money: it is rounded once, on the sum.
    """
    sums: dict[Key, int] = defaultdict(int)
    for source in (_of_payments, _of_transfers):
        for code, rate, cents in source(first, last):
            sums[code, rate] -= int(cents)
    for _, note, new, cents in _moved(first, last):
        sums[note.vat_code, note.vat_rate] -= cents
        sums[new.vat_code, new.vat_rate] += cents
    for row, invoice in _taken_from_replaced(first, last):
        sums[row.code, row.rate] += row.cents
        sums[invoice.vat_code, invoice.vat_rate] -= row.cents
    return sorted(_contained(*key, cents) for key, cents in sums.items() if cents)


def _contained(code: str, rate: int, cents: int) -> Figure:
    base = money.rounded(cents * money.WHOLE, money.WHOLE + rate)
    return Figure(code, rate, base, cents - base)


def _within(first: date, last: date) -> Any:
    return (LedgerEntry.at >= clock.midnight(first)) & (LedgerEntry.at < clock.next_midnight(last))


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
        .where(_within(first, last), LedgerEntry.kind.in_(MONEY))
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
            _within(first, last),
            LedgerEntry.kind.in_([EntryKind.RECEIVED, EntryKind.PAID_OUT]),
        )
        .group_by(Invoice.vat_code, Invoice.vat_rate)
        .tuples()
    )


def _first_use() -> Any:
    use = CreditUse.alias()
    return use.select(fn.MIN(use.id)).where(use.credit == LedgerEntry.credit)


def _moved(first: date, last: date) -> Iterator[tuple[date, Any, Any, int]]:
    """Yield the credit notes of wrong invoices whose money pays an invoice taxed otherwise, those
    invoices, and the money in cents.

    What such a credit note absorbs later of a loss was taken from the money of that invoice.
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
    for note in notes:
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
        .where(MovedLoss.at >= clock.midnight(first), MovedLoss.at < clock.next_midnight(last))
        .order_by(MovedLoss.id)
    )
    found = list(rows)
    replaced = _replacements_of({row.credit_note.corrects_id for row in found})
    for row in found:
        note = row.credit_note
        new = _in_place_of(note.corrects_id, row.at, replaced)
        if new and (new.vat_code, new.vat_rate) != (note.vat_code, note.vat_rate):
            yield clock.day_of(row.at), note, new, row.cents


def _taken_from_replaced(first: date, last: date) -> Iterator[tuple[Any, Any]]:
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
            _within(first, last),
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


# --- DES and OSS -------------------------------------------------------------------------------


def des(first: date, last: date) -> list[Service]:
    """Return the services to businesses of other member states in a month, by VAT number."""
    sums: dict[str, int] = defaultdict(int)
    for invoice in _in_order(_taxed(Kind.REVERSE_CHARGE, first, last)):
        sums[invoice.customer.get("vat_number", "")] += _signed(invoice, invoice.net_cents)
    return sorted(Service(number, cents) for number, cents in sums.items() if cents)


def oss(year: int, quarter: int) -> list[OssLine]:
    """Return the lines of the OSS return of a quarter, by country and rate.

    A credit note for an invoice of an earlier quarter is a correction of that quarter.
    """
    first, last = days_of_quarter(year, quarter)
    corrected = Invoice.alias("corrected")
    sums: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
    query = _taxed(Kind.OSS, first, last).select(
        Invoice.id, Invoice.issued_on, Invoice.kind, Invoice.vat_code, Invoice.vat_rate,
        Invoice.net_cents, Invoice.vat_cents, corrected.issued_on.alias("corrected_on"),
    ).join(corrected, JOIN.LEFT_OUTER, on=(corrected.id == Invoice.corrects)).objects()  # fmt: skip
    for row in _in_order(query):
        earlier = row.corrected_on is not None and row.corrected_on < first
        origin = quarter_of(row.corrected_on) if earlier else ""
        country = vat.restore(row.vat_code, row.vat_rate).country
        line = sums[country, row.vat_rate, origin]
        line[0] += _signed(row, row.net_cents)
        line[1] += _signed(row, row.vat_cents)
    return sorted(OssLine(*key, *cents) for key, cents in sums.items() if any(cents))


def days_of_month(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month of a day."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def days_of_quarter(year: int, quarter: int) -> tuple[date, date]:
    """Return the first and the last day of a quarter, 1 to 4."""
    first = date(year, 3 * quarter - 2, 1)
    after = date(year + quarter // 4, (3 * quarter) % 12 + 1, 1)
    return first, date.fromordinal(after.toordinal() - 1)


def quarter_of(day: date) -> str:
    """Return the quarter of a day: "2026-Q4"."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _in_order(query: Any) -> Iterator[Any]:
    """Yield invoices by the day of issue, which an index has: it begins at the first day asked
    for."""
    return in_batches(query, Invoice.issued_on, Invoice.id)


def _taxed(kind: str, first: date, last: date) -> Any:
    return Invoice.select(*DOCUMENT).where(taxed_as(kind), Invoice.issued_on.between(first, last))


def _signed(invoice: Invoice, cents: int) -> int:
    return -cents if invoice.kind == InvoiceKind.CREDIT_NOTE else cents


# --- What a figure is made of --------------------------------------------------------------------


def documents(code: str, rate: int, first: date, last: date) -> Iterator[Document]:
    """Yield what a figure of the CA3 or the OSS is made of, in the order in which it was made."""
    if _follows_money(code):
        yield from _receipts(code, rate, first, last)
        return
    # An expression: SQLite would put a code that is given into that of the index.
    query = _taxed(code.partition(":")[0], first, last).where(
        Invoice.vat_code.concat("") == code, Invoice.vat_rate == rate
    )
    for row in _in_order(query):
        yield Document(
            row.issued_on, row.number, row.customer.get("nic_handle", ""),
            _signed(row, row.net_cents), _signed(row, row.vat_cents),
        )  # fmt: skip


def of_number(vat_number: str, first: date, last: date) -> Iterator[Document]:
    """Yield the invoices and credit notes that a line of the DES is made of."""
    for row in _in_order(_taxed(Kind.REVERSE_CHARGE, first, last)):
        if row.customer.get("vat_number", "") == vat_number:
            yield Document(
                row.issued_on, row.number, row.customer.get("nic_handle", ""),
                _signed(row, row.net_cents), 0,
            )  # fmt: skip


def _receipts(code: str, rate: int, first: date, last: date) -> Iterator[Document]:
    """Yield the movements of money of a treatment; each with the VAT that it contains."""
    taken = list(_taken_from_replaced(first, last))
    elsewhere = {row.id for row, _ in taken}
    for row in in_batches(_entries_of(code, rate, first, last), LedgerEntry.at, LedgerEntry.id):
        if row.id not in elsewhere:
            yield _document(clock.day_of(row.at), row.number, row.nic_handle, row, -row.cents)
    for row, invoice in taken:
        if (invoice.vat_code, invoice.vat_rate) == (code, rate):
            day = clock.day_of(row.at)
            yield _document(day, invoice.number, row.nic_handle, invoice, -row.cents)
    for day, note, new, cents in _moved(first, last):
        for invoice, sign in ((note, -1), (new, 1)):
            if (invoice.vat_code, invoice.vat_rate) == (code, rate):
                handle = invoice.customer.get("nic_handle", "")
                yield _document(day, invoice.number, handle, invoice, sign * cents)


def _document(day: date, number: str, handle: str, taxed: Any, cents: int) -> Document:
    figure = _contained(taxed.vat_code, taxed.vat_rate, cents)
    return Document(day, number, handle, figure.base_cents, figure.vat_cents)


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
            _within(first, last),
            LedgerEntry.kind.in_(MONEY),
            code_of == code,
            rate_of == rate,
        )
        .objects()
    )  # fmt: skip
