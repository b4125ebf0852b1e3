"""Invoices: numbered without gaps, posted to the ledger, sent and paid; their content is immutable.

A credit note corrects one (`shop.invoicing.credit_notes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, ModelUpdate

from records.account_credits import AccountCredit
from records.accounts import Account
from records.base import lock
from records.cards import Card
from records.groups import LicenceGroup
from records.invoices import Invoice, InvoiceSeries, InvoiceStatus
from records.invoices import InvoiceLine as Row
from records.orders import Order
from records.payment_methods import PaymentMethod
from records.payments import Payment, PaymentStatus
from shop import clock, mail, settings, transitions
from shop.invoicing import account_credits, ledger, lost_parts
from shop.jobs import kinds
from shop.pricing import money
from shop.pricing.lines import Position
from shop.sandbox_link import test_points
from shop.sql.prepared import prepared_update
from shop.text import templates
from shop.vat import VatTreatment

SERIES = "FA"
"""The prefix of the numbers of invoices (facture)."""


@dataclass(frozen=True)
class Draft:
    """The content of an invoice to issue: for an ``order``, or a ``group``'s ``period_start``.

    ``customer`` is the buyer as orders keep it; ``charged_to`` is the stored card that will be
    charged automatically, if there is one. ``replaces`` is the wrong invoice that it is issued in
    place of, for ``reason``; of its payment, ``offset_cents`` pay this one.
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
    replaces: Invoice | None = None
    reason: str = ""
    offset_cents: int = 0


# --- Issuing ---------------------------------------------------------------------------------


def issue(draft: Draft, *, payment: Payment | None = None) -> Invoice:
    """Issue the invoice of a draft, post it and e-mail it, in the caller's transaction.

    ``payment`` is the payment that paid it already, if any. Raise `peewee.IntegrityError` when its
    order or period was invoiced before, and `pricing.TooLarge`.
    """
    sums = money.totals([position.line for position in draft.positions], draft.treatment)
    taken = _from_balance(draft, sums.total_cents) if payment is None else []
    offset = draft.offset_cents + sum(cents for _, cents in taken)
    if payment is not None:
        paid = _payment_columns(payment)
    elif taken and offset == sums.total_cents:
        paid = _settled_columns()
    else:
        paid = _replaced_columns(draft, sums.total_cents)
    invoice = write_invoice(
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
        replaces=draft.replaces,
        reason=templates.translate(draft.reason, draft.language)[:255],
        offset_cents=offset,
        **paid,
    )
    account_credits.use(taken, invoice)
    ledger.post_invoice(invoice)
    mail.invoice_issued(invoice, draft.charged_to)
    return invoice


def write_invoice(
    series: str, positions: tuple[Position, ...], *, due_on: date, **values: Any
) -> Invoice:
    """Write an invoice or credit note with its lines, under the next number of a series.

    Runs in the caller's transaction; the caller posts it to the ledger and sends it.
    """
    number, now = _next_number(series)
    today = clock.day_of(now)
    invoice = Invoice.create(
        number=number,
        seller=settings.current().seller.record(),
        issued_at=now,
        issued_on=today,
        due_on=max(due_on, today),
        **values,
    )
    for rank, position in enumerate(positions, start=1):
        _write_line(invoice, rank, position)
    transitions.record(invoice, "invoice_issued", by="shop", to_status=invoice.status)
    return invoice


def _write_line(invoice: Invoice, rank: int, position: Position) -> None:
    line = position.line
    Row.create(
        invoice=invoice,
        position=rank,
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
    """Return the next number of a series, and the time of issue.

    The row of the series stays locked until the caller's transaction ends, so that numbers follow
    the order of issue and a rollback leaves no gap.
    """
    while True:
        year = clock.today().year
        name = f"{series}{year}"
        while not (found := _counted.rows(name)):  # waits for a transaction that holds the row
            InvoiceSeries.add_once(name=name, last=0)
        test_points.point("invoices.number")
        # The wait may have ended on another day, even in another year: dates follow the numbers.
        now = clock.now()
        if clock.day_of(now).year == year:
            return f"{name}-{found[0].last:06d}", now
        InvoiceSeries.update(last=InvoiceSeries.last - 1).where(
            InvoiceSeries.name == name
        ).execute()


@prepared_update
def _counted(name: str) -> ModelUpdate:
    return (
        InvoiceSeries.update(last=InvoiceSeries.last + 1)
        .where(InvoiceSeries.name == name)
        .returning(InvoiceSeries.last)
    )


def _payment_columns(payment: Payment) -> dict[str, Any]:
    return {
        "status": InvoiceStatus.PAID,
        "paid_at": payment.settled_at or clock.now(),
        "method": payment.method,
    }


def _from_balance(draft: Draft, total_cents: int) -> list[tuple[AccountCredit, int]]:
    """Return what the customer's balance pays of an invoice that replaces no other one."""
    if draft.replaces is not None:
        return []
    return account_credits.take(draft.account.id, total_cents)


def _settled_columns() -> dict[str, Any]:
    """Return the state of an invoice that the customer's balance pays."""
    return {"status": InvoiceStatus.PAID, "paid_at": clock.now(), "method": PaymentMethod.MANUAL}


def _replaced_columns(draft: Draft, total_cents: int) -> dict[str, Any]:
    """Return the state of an invoice issued in place of another: as that one, if that pays it."""
    before = draft.replaces
    if before is None:
        return {}
    if before.is_payable:
        return {"status": before.status}
    if draft.offset_cents < total_cents:
        return {"status": InvoiceStatus.DUE}
    return {"status": InvoiceStatus.PAID, "paid_at": before.paid_at, "method": before.method}


# --- Paid ------------------------------------------------------------------------------------


def mark_paid(invoice: Invoice, payment: Payment, by: str) -> None:
    """Mark an issued invoice as paid, by card or otherwise: the only function that does.

    Runs in the caller's transaction, which has locked ``invoice`` and checked that it is payable.
    """
    changes = _payment_columns(payment)
    transitions.move(invoice, changes.pop("status"), by=by, **changes)
    mail.invoice_paid(invoice, payment)
    kinds.invoice_settled.send(invoice)


def mark_settled(invoice: Invoice, by: str) -> None:
    """Mark an invoice as paid that was paid in part, and of which a credit note took the rest.

    Runs in the caller's transaction, which has locked ``invoice``.
    """
    changes = _settled_columns() | {"offset_cents": invoice.total_cents - invoice.credited_cents}
    largest = lost_parts.kept_for(invoice).order_by(Payment.amount_cents.desc()).first()
    if largest is not None:
        changes["method"] = largest.method
    transitions.move(invoice, changes.pop("status"), by=by, **changes)


def reopen(invoice: Invoice, cents: int, by: str, note: str) -> None:
    """Let ``cents`` of an invoice be owed again, because a payment that paid them was lost.

    Its other payments, and the customer's balance, go on paying the rest. Runs in the caller's
    transaction, which has locked ``invoice``.
    """
    owed = invoice.balance_cents + cents
    offset = invoice.total_cents - invoice.credited_cents - owed
    Payment.update(pays_part=True).where(
        Payment.invoice == invoice, Payment.status == PaymentStatus.SUCCEEDED
    ).execute()
    if invoice.status == InvoiceStatus.UNPAID:
        _set_offset(invoice, offset)
        return
    transitions.move(
        invoice, InvoiceStatus.UNPAID, by=by, note=note, paid_at=None, method="",
        offset_cents=offset,
    )  # fmt: skip
    kinds.invoice_reopened.send(invoice)


def pay_again(invoice: Invoice, payment: Payment, cents: int, by: str) -> None:
    """Let a payment that its bank gave back pay ``cents`` of what is owed of an invoice.

    Runs in the caller's transaction, which has locked both.
    """
    owed = invoice.balance_cents
    is_part = cents < owed or invoice.replaces_id is not None
    Payment.update(pays_part=is_part).where(Payment.id == payment.id).execute()
    if is_part:
        _set_offset(invoice, invoice.offset_cents + cents)
    if cents == owed:
        mark_paid(invoice, payment, by)


def _set_offset(invoice: Invoice, cents: int) -> None:
    Invoice.update(offset_cents=cents).where(Invoice.id == invoice.id).execute()
    invoice.offset_cents = cents


# --- Reading -----------------------------------------------------------------------------------


def latest_in_place_of(invoice: Invoice) -> Invoice:
    """Return the invoice that stands in place of a wrong one; the invoice itself if it is right."""
    while (newer := replacement_of(invoice)) is not None:
        invoice = newer
    return invoice


def replacement_of(invoice: Invoice) -> Invoice | None:
    """Return the invoice that was issued in place of another one, if any."""
    return Invoice.get_or_none(Invoice.replaces == invoice)


def lock_with_order(invoice: Invoice) -> Invoice:
    """Lock an invoice to write another one of its order; return it as it is now.

    The order comes first: whoever writes an invoice of it waits for its row, and a withdrawal holds
    that while it waits for the invoice.
    """
    if invoice.order_id is not None:
        lock(Order(id=invoice.order_id))
    return lock(invoice)


def find_invoice(account: Account, number: str) -> Invoice | None:
    """Return the customer's own invoice or credit note with that number, with its order, if any."""
    own = Invoice.select(Invoice, Order).join(Order, JOIN.LEFT_OUTER)
    return own.where(Invoice.account == account, Invoice.number == number).first()
