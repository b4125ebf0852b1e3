"""The invoices of orders, each issued once.

The first month of an order is invoiced when it is delivered, because its period begins that day
(design: Billing). Only what was delivered is charged, from the day of its delivery on; the rest of
what was paid is given back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from peewee import ModelSelect

from records.base import lock
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.invoices import Invoice, InvoiceKind
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, vat
from shop.invoicing import invoices
from shop.invoicing.invoices import Draft
from shop.jobs import kinds
from shop.pricing import lines, periods
from shop.pricing.lines import Position
from shop.pricing.periods import Period
from shop.sql.prepared import prepared


@jobs.handles("invoice_order", attempts=50)
def invoice_order(order: int) -> None:
    """Issue the invoice of a delivered order; idempotent."""
    with jobs.last_transaction():
        row = lock(Order(id=order))
        if row.status == OrderStatus.DELIVERED and row.total_cents and for_order(row) is None:
            payment, draft = kept_payment(row), draft_of(row)
            charged = invoices.issue(draft, payment=payment) if draft.positions else None
            if payment is not None:
                _refund_rest(payment, charged)


def _refund_rest(payment: Payment, charged: Invoice | None) -> None:
    """Queue the refund of what was paid for an order and its invoice does not charge."""
    rest = payment.refund_cents - (charged.total_cents if charged is not None else 0)
    if rest > 0 and not payment.uncharged_cents:
        Payment.update(uncharged_cents=rest).where(Payment.id == payment.id).execute()
        kinds.refund_payment.later(payment=payment.id)


def for_order(order: Order) -> Invoice | None:
    """Return the invoice of an order, if it was issued: the last one where it was corrected."""
    return _issued.first(order)


@prepared
def _issued(order: Order) -> ModelSelect[Invoice]:
    return (
        Invoice.select()
        .where(Invoice.order == order, Invoice.kind == InvoiceKind.INVOICE)
        .order_by(Invoice.id.desc())
    )


def draft_of(order: Order) -> Draft:
    """Return the draft for an order: the lines delivered, charged from the day of delivery."""
    return Draft(
        account=order.account,
        language=order.language,
        customer=order.customer,
        treatment=vat.restore(order.vat_code, order.vat_rate),
        positions=tuple(_positions_of(order)),
        due_on=clock.today(),
        order=order,
    )


def _positions_of(order: Order) -> list[Position]:
    groups = {row.line_id: row for row in _groups_of_lines.rows(order)}
    added = {row.line_id: row for row in _additions_of_lines.rows(order)}
    found = (
        _position_added(row, added[row.id])
        if row.id in added
        else _position_installed(row, groups.get(row.id))
        for row in lines.lines_of(order)
    )
    return [position for position in found if position is not None]


@prepared
def _groups_of_lines(order: Order) -> ModelSelect[LicenceGroup]:
    return LicenceGroup.select().join(OrderLine).where(OrderLine.order == order)


@prepared
def _additions_of_lines(order: Order) -> ModelSelect[Addition]:
    return Addition.select().join(OrderLine).where(OrderLine.order == order)


def _position_installed(row: OrderLine, group: LicenceGroup | None) -> Position | None:
    """Return the position of a line that created a group; None if that was not installed."""
    if group is None or group.installed_at is None:
        return None
    return Position(lines.priced(row), periods.first_period(group.installed_at), group.name)


def _position_added(row: OrderLine, added: Addition) -> Position | None:
    """Return the position of licences added to a group; None if no day of them is charged.

    The period charged ends with the renewal. It began ``days`` days before that when they were
    ordered, and begins with their delivery if that is later.
    """
    line = lines.priced(row)
    assert line.share is not None, "licences added are charged by the day"
    days = line.share.days
    if added.delivered_on is not None:
        days = min(days, (added.renewal_on - added.delivered_on).days)
    if added.status != AdditionStatus.INSTALLED or days <= 0:
        return None
    line = replace(line, share=replace(line.share, days=days))
    period = Period(added.renewal_on - timedelta(days=days), added.renewal_on)
    return Position(line, period, added.group.name)


def kept_payment(order: Order) -> Payment | None:
    """Return the payment that paid an order and is kept, if any."""
    return _succeeded.first(order)


@prepared
def _succeeded(order: Order) -> ModelSelect[Payment]:
    return Payment.select().where(Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED)
