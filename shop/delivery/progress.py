"""How a delivery as a whole stands: over when its last part is, failed when one of them is."""

from __future__ import annotations

from records.groups import AdditionStatus
from records.orders import Order, OrderStatus
from shop import clock, mail, transitions
from shop.invoicing import order_invoices
from shop.licences import reservations
from shop.licences.groups import groups_of


def finish(order: Order) -> None:
    """Close a delivery if its last group and addition are installed, in the transaction of the
    caller, who holds ``order`` locked."""
    if order.status != OrderStatus.DELIVERING:
        return
    # Suspended, or ended since: it was delivered all the same.
    groups = all(group.installed_at is not None for group in groups_of(order))
    added = all(row.status == AdditionStatus.INSTALLED for row in reservations.for_order(order))
    if groups and added:
        transitions.move(order, OrderStatus.DELIVERED, by="shop", delivered_at=clock.now())
        if order.total_cents:
            order_invoices.invoice_order.later(order=order.id)


def fail(order: Order, reason: str) -> None:
    """Say that a delivery failed, once, in the same way."""
    if order.status == OrderStatus.DELIVERING:
        transitions.move(order, OrderStatus.DELIVERY_FAILED, by="provider", note=reason)
        mail.delivery_failed(order)
