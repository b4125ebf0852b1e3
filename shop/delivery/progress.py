"""The state of a whole delivery: complete when every part is, failed when one of them is."""

from __future__ import annotations

from records.groups import AdditionStatus
from records.orders import Order, OrderStatus
from shop import clock, mail, transitions
from shop.invoicing import order_invoices
from shop.licences import reservations
from shop.licences.groups import groups_of


def finish_if_complete(order: Order) -> None:
    """Mark an order as delivered if all its groups and additions are installed.

    Runs in the transaction of the caller, who has locked ``order``.
    """
    if order.status != OrderStatus.DELIVERING:
        return
    # A group suspended or terminated since its installation counts as delivered.
    groups = all(group.installed_at is not None for group in groups_of(order))
    added = all(row.status == AdditionStatus.INSTALLED for row in reservations.for_order(order))
    if groups and added:
        transitions.move(order, OrderStatus.DELIVERED, by="shop", delivered_at=clock.now())
        if order.total_cents:
            order_invoices.invoice_order.later(order=order.id)


def mark_failed(order: Order, reason: str) -> None:
    """Mark a delivery as failed and e-mail the customer; idempotent, ``order`` is locked."""
    if order.status == OrderStatus.DELIVERING:
        transitions.move(order, OrderStatus.DELIVERY_FAILED, by="provider", note=reason)
        mail.delivery_failed(order)
