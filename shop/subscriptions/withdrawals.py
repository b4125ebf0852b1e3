"""Withdrawals: consumers may end a contract within 14 days and get everything back.

General terms, 11; code de la consommation, articles L221-18 to L221-28. Whether a customer is a
consumer, and from when the days count, is decided by the order of the group: details that the
customer changes later neither give the right nor take it away.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from peewee import fn

from records.base import database
from records.groups import Addition, LicenceGroup
from records.invoices import PAYABLE, Invoice, InvoiceKind, InvoiceStatus
from records.orders import Order, OrderLine
from records.terminations import Termination, TerminationStatus
from shop import clock, mail, transitions
from shop.errors import N_, Refusal
from shop.invoicing import order_invoices
from shop.subscriptions import ending, period_billing, period_invoices, subscriptions, terminations

PERIOD = timedelta(days=14)
WITHDRAWN = "withdrawal"
"""The cause of the termination."""

REPEATED = 3
"""The number of withdrawals of an account within `REPEATED_WITHIN` that raises an alarm."""

REPEATED_WITHIN = timedelta(days=90)


def ends_at(group: LicenceGroup) -> datetime | None:
    """Return until when the customer may withdraw; None if the customer has no such right."""
    order = terminations.order_of(group)
    if order.is_of_business or order.paid_at is None:
        return None
    # The day of the contract does not count, and the last day counts to its end.
    last = _working_day(clock.day_of(order.paid_at) + PERIOD)
    return clock.midnight(last + timedelta(days=1))


def _working_day(day: date) -> date:
    """Return the day, or the next working day after a Saturday, Sunday or holiday (L221-19)."""
    # It loads the calendars of all countries, a tenth of the time in which the shop starts.
    from holidays import country_holidays

    holidays = country_holidays("FR", years=(day.year, day.year + 1))
    while day.weekday() >= 5 or day in holidays:
        day += timedelta(days=1)
    return day


def can_withdraw(group: LicenceGroup) -> bool:
    """Return whether the customer may withdraw now."""
    until = ends_at(group)
    subscription = subscriptions.for_group(group)
    alive = subscription is not None and not subscription.is_over
    return alive and until is not None and clock.now() < until


def withdraw(group: LicenceGroup, *, by: str) -> None:
    """End a consumer's group at once and refund all that was paid for it.

    Raise `Refusal` after 14 days, and for a business.
    """
    with database.atomic():
        subscription = terminations.running(group)
        if not can_withdraw(group):
            raise Refusal(N_("The time to withdraw from this contract is over."))
        period_billing.credit_unpaid_ahead(subscription, by=by)
        earlier = terminations.for_group(group)
        if earlier is not None:
            transitions.move(earlier, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
        termination = Termination.create(
            group=group, cause=WITHDRAWN, ends_on=clock.today(), asked_at=clock.now()
        )
        transitions.record(termination, "termination_withdrawal", by=by)
        refunded = sum(
            period_invoices.credit_withdrawn(each, group, by=by) for each in _invoices_of(group)
        )
        ending.end_now(subscription, termination, by=by)
        mail.withdrawal_received(subscription, terminations.order_of(group), refunded)


def repeated() -> int:
    """Return the number of customers who withdraw again and again, as the operator must see."""
    since = clock.now() - REPEATED_WITHIN
    often = (
        Termination.select(LicenceGroup.account)
        .join(LicenceGroup)
        .where(Termination.cause == WITHDRAWN, Termination.asked_at > since)
        .group_by(LicenceGroup.account)
        .having(fn.COUNT(Termination.id) >= REPEATED)
    )
    return len(often)


def _invoices_of(group: LicenceGroup) -> list[Invoice]:
    """Return the invoices that charge for a group: of its orders and of its periods.

    Raise `Refusal` while one of the orders is still being delivered, or is to be refunded.
    """
    added = Addition.select(Addition.line).where(Addition.group == group)
    wanted = OrderLine.id.in_([group.line_id, *[row.line_id for row in added]])
    orders = list(Order.select().join(OrderLine).where(wanted, Order.paid_at.is_null(False)))
    if any(order.is_undelivered for order in orders):
        raise Refusal(N_("An order of this service is still being delivered."))
    for order in orders:
        # The job that issues the invoice may not have run; only an invoice can be credited.
        order_invoices.invoice_order(order.id)
    return list(
        Invoice.select()
        .where(
            Invoice.order.in_([order.id for order in orders]) | (Invoice.group == group),
            Invoice.kind == InvoiceKind.INVOICE,
            Invoice.status.in_([InvoiceStatus.PAID, *PAYABLE]),
        )
        .order_by(Invoice.id)
    )
