"""VAT returns: the CA3, the European declaration of services (DES), and the OSS.

VAT on services is due when they are paid, unless the seller opted for debits (CGI, article 269):
the bases at French rates follow the money, and everything else follows the invoices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from peewee import JOIN, Case, fn

from records.batches import in_batches
from records.invoices import Invoice, InvoiceKind, taxed_as
from shop import settings, vat
from shop.accounting.reporting_periods import days_of_quarter, quarter_of
from shop.accounting.vat_figures import Document, Figure, OssLine, Service
from shop.accounting.vat_on_receipts import receipts, received
from shop.sql.few import planned_for_values
from shop.vat import Kind

DOCUMENT = (
    Invoice.id, Invoice.issued_on, Invoice.number, Invoice.kind, Invoice.customer,
    Invoice.net_cents, Invoice.vat_cents,
)  # fmt: skip
"""What is read of a document that a figure is made of."""


def on_debits() -> bool:
    """Return whether VAT at French rates is due with the invoice, and not with the payment."""
    return settings.current().seller.vat_on_debits


def ca3(first: date, last: date) -> list[Figure]:
    """Return the bases of the CA3 for a period, by treatment and rate; what the OSS has is not in
    it."""
    with planned_for_values():  # a day, a month and a year are read by the same statements
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


def documents_of_rate(code: str, rate: int, first: date, last: date) -> Iterator[Document]:
    """Yield what a figure of the CA3 or the OSS is made of, in the order in which it was made."""
    if _follows_money(code):
        yield from receipts(code, rate, first, last)
        return
    # Joined to nothing: SQLite would put the code given for the column into the expression that the
    # index has, too, and read all invoices of the period.
    query = _taxed(code.partition(":")[0], first, last).where(
        Invoice.vat_code.concat("") == code, Invoice.vat_rate == rate
    )
    for row in _in_order(query):
        yield Document(
            row.issued_on, row.number, row.customer.get("nic_handle", ""),
            _signed(row, row.net_cents), _signed(row, row.vat_cents),
        )  # fmt: skip


def documents_of_vat_number(vat_number: str, first: date, last: date) -> Iterator[Document]:
    """Yield the invoices and credit notes that a line of the DES is made of."""
    for row in _in_order(_taxed(Kind.REVERSE_CHARGE, first, last)):
        if row.customer.get("vat_number", "") == vat_number:
            yield Document(
                row.issued_on, row.number, row.customer.get("nic_handle", ""),
                _signed(row, row.net_cents), 0,
            )  # fmt: skip


def _taxed(kind: str, first: date, last: date) -> Any:
    return Invoice.select(*DOCUMENT).where(taxed_as(kind), Invoice.issued_on.between(first, last))


def _in_order(query: Any) -> Iterator[Any]:
    """Yield invoices by the day of issue, which an index has: it begins at the first day asked
    for."""
    return in_batches(query, Invoice.issued_on, Invoice.id)


def _signed(invoice: Invoice, cents: int) -> int:
    return -cents if invoice.kind == InvoiceKind.CREDIT_NOTE else cents
