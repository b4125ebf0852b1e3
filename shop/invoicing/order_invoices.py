"""The invoices of orders, each issued once.

The first month of an order is invoiced when it is delivered, because its period begins that day
(design: Billing).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from records.base import database, lock
from records.groups import Addition, LicenceGroup
from records.invoices import Invoice, InvoiceKind
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment, PaymentStatus
from shop import clock, jobs, vat
from shop.invoicing import invoices
from shop.invoicing.invoices import Draft
from shop.pricing import lines, periods
from shop.pricing.lines import Position
from shop.pricing.money import Line
from shop.pricing.periods import Period


@jobs.handles("invoice_order", attempts=50)
def invoice_order(order: int) -> None:
    """Issue the invoice of a delivered order; idempotent."""
    with database.atomic():
        row = lock(Order.get_by_id(order))
        if row.status == OrderStatus.DELIVERED and row.total_cents and for_order(row) is None:
            invoices.issue(draft_of(row), payment=_payment_of(row))


def for_order(order: Order) -> Invoice | None:
    """Return the invoice of an order, if it was issued."""
    return Invoice.get_or_none(Invoice.order == order, Invoice.kind == InvoiceKind.INVOICE)


def draft_of(order: Order) -> Draft:
    """Return the draft for a delivered order: its lines, charged from the day of delivery."""
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
    groups = {row.line_id: row for row in _rows_of_lines(LicenceGroup, order)}
    added = {row.line_id: row for row in _rows_of_lines(Addition, order)}
    return [_position(row, groups.get(row.id), added.get(row.id)) for row in lines.lines_of(order)]


def _rows_of_lines(table: Any, order: Order) -> list[Any]:
    return list(table.select().join(OrderLine).where(OrderLine.order == order))


def _position(row: OrderLine, group: LicenceGroup | None, added: Addition | None) -> Position:
    line = lines.priced(row)
    if added is not None:
        # The period charged ends with the renewal; it began ``line.days`` days before that.
        period = Period(added.renewal_on - _days(line), added.renewal_on)
        return Position(line, period, added.group.name)
    assert group is not None, "a delivered order has a group or an addition for each line"
    return Position(line, periods.first_period(_installed_at(group)), group.name)


def _days(line: Line) -> Any:
    assert line.days is not None
    return timedelta(days=line.days)


def _installed_at(group: LicenceGroup) -> datetime:
    assert group.installed_at is not None
    return group.installed_at


def _payment_of(order: Order) -> Payment | None:
    return Payment.get_or_none(Payment.order == order, Payment.status == PaymentStatus.SUCCEEDED)
