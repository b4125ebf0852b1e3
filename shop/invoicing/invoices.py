"""Invoices: numbered without gaps, charged, sent, paid; what they say never changes.

What is wrong with one is taken back by a credit note (`shop.invoicing.credit_notes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from records.accounts import Account
from records.cards import Card
from records.groups import LicenceGroup
from records.invoices import Invoice, InvoiceSeries, InvoiceStatus
from records.invoices import InvoiceLine as Row
from records.orders import Order
from records.payments import Payment
from shop import clock, mail, settings, transitions
from shop.invoicing import ledger
from shop.jobs import kinds
from shop.pricing import money
from shop.pricing.lines import Position
from shop.sandbox_link import test_points
from shop.vat import VatTreatment

SERIES = "FA"
"""What the numbers of a year's invoices begin with (facture)."""


@dataclass(frozen=True)
class Draft:
    """What is about to be invoiced, and why: an ``order``, or a ``group``'s month from a day on.

    ``customer`` is the buyer as orders keep it; ``charged_to`` is the stored card it will be
    charged to without anybody doing anything, if there is one.
    """

    account: Account
    language: str
    customer: Mapping[str, str]
    treatment: VatTreatment
    positions: tuple[Position, ...]
    due_on: date
    order: Order | None = None
    group: LicenceGroup | None = None
    period_start: date | None = None
    charged_to: Card | None = None


# --- Issuing ---------------------------------------------------------------------------------


def issue(draft: Draft, *, payment: Payment | None = None) -> Invoice:
    """The invoice of a draft: numbered, charged and sent, in the caller's transaction.

    ``payment`` is what paid it already, if anything did. Raises `peewee.IntegrityError` when its
    order or period was invoiced before, and `pricing.TooLarge`.
    """
    sums = money.totals([position.line for position in draft.positions], draft.treatment)
    paid = _paid_by(payment) if payment else {}
    invoice = write(
        SERIES,
        draft.positions,
        account=draft.account,
        order=draft.order,
        group=draft.group,
        period_start=draft.period_start,
        language=draft.language,
        customer=dict(draft.customer),
        net_cents=sums.net_cents,
        vat_cents=sums.vat_cents,
        total_cents=sums.total_cents,
        vat_rate=draft.treatment.rate,
        vat_code=draft.treatment.code,
        due_on=draft.due_on,
        **paid,
    )
    ledger.post_invoice(invoice)
    mail.invoice_issued(invoice, draft.charged_to)
    return invoice


def write(series: str, positions: tuple[Position, ...], *, due_on: date, **values: Any) -> Invoice:
    """An invoice or credit note with its lines, under the next number of a series, in the caller's
    transaction; what must follow is its caller's."""
    number, now = _next_number(series)
    today = clock.day_of(now)
    invoice = Invoice.create(
        number=number,
        seller=asdict(settings.current().seller),
        issued_at=now,
        issued_on=today,
        due_on=max(due_on, today),
        **values,
    )
    for place, position in enumerate(positions, start=1):
        _write_line(invoice, place, position)
    transitions.record(invoice, "invoice_issued", by="shop", to_status=invoice.status)
    return invoice


def _write_line(invoice: Invoice, place: int, position: Position) -> None:
    line = position.line
    Row.create(
        invoice=invoice,
        position=place,
        offer_code=line.offer,
        offer_name=line.name,
        service=position.service,
        quantity=line.quantity,
        unit_price_cents=line.unit_price_cents,
        net_cents=line.net_cents,
        days=line.days,
        period_days=line.period_days,
        period_start=position.period.start,
        period_end=position.period.end,
    )


def _next_number(series: str) -> tuple[str, datetime]:
    """The next number of a series, and the moment of issue. Its row stays locked until the caller's
    transaction ends, so that numbers follow each other in order of issue, and none is lost where
    one is rolled back."""
    while True:
        year = clock.today().year
        name = f"{series}{year}"
        InvoiceSeries.insert(name=name, last=0).on_conflict_ignore().execute()
        row = InvoiceSeries.update(last=InvoiceSeries.last).where(InvoiceSeries.name == name)
        row.execute()  # waits for whoever has the row
        test_points.point("invoices.number")
        # The wait may have lasted into another day, even another year: dates follow the numbers.
        now = clock.now()
        if clock.day_of(now).year == year:
            break
    InvoiceSeries.update(last=InvoiceSeries.last + 1).where(InvoiceSeries.name == name).execute()
    return f"{name}-{InvoiceSeries.get_by_id(name).last:06d}", now


def _paid_by(payment: Payment) -> dict[str, Any]:
    return {
        "status": InvoiceStatus.PAID,
        "paid_at": payment.settled_at or clock.now(),
        "method": payment.method,
    }


# --- Paid ------------------------------------------------------------------------------------


def mark_paid(invoice: Invoice, payment: Payment, by: str) -> None:
    """The one way an issued invoice becomes paid, however it was.

    Runs in the caller's transaction, which holds ``invoice`` locked and payable.
    """
    changes = _paid_by(payment)
    transitions.move(invoice, changes.pop("status"), by=by, **changes)
    mail.invoice_paid(invoice, payment)
    kinds.invoice_settled.send(invoice)


# --- Reading -----------------------------------------------------------------------------------


def find_invoice(account: Account, number: str) -> Invoice | None:
    """The customer's own invoice or credit note of that number."""
    return Invoice.get_or_none(Invoice.account == account, Invoice.number == number)
