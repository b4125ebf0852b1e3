"""The state of a whole delivery: complete when every part is, failed when one of them is.

What failed is tried again, or refunded: when the customer asks for it, or on its own after
`REFUNDED_AFTER`. What was delivered is invoiced and kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from records.events import Event
from records.groups import Addition, AdditionStatus, GroupStatus
from records.orders import Order, OrderStatus
from shop import clock, mail, transitions
from shop.invoicing import order_invoices
from shop.jobs import kinds
from shop.licences import reservations
from shop.licences.groups import groups_of

REFUNDED_AFTER = timedelta(days=3)
"""How long after a failure what was not delivered is refunded, unless it is tried again."""


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
        _finish(order, by="shop")


def _finish(order: Order, by: str) -> None:
    transitions.move(order, OrderStatus.DELIVERED, by=by, delivered_at=clock.now())
    if order.total_cents:
        order_invoices.invoice_order.later(order=order.id)


def finish_partly(order: Order, by: str) -> bool:
    """Mark a failed delivery as finished with what was delivered; return False if nothing was.

    Runs in the transaction of the caller, who has locked ``order``. Its invoice charges what was
    delivered, and the rest is refunded.
    """
    groups = any(group.installed_at is not None for group in groups_of(order))
    added = any(row.status == AdditionStatus.INSTALLED for row in reservations.for_order(order))
    if not groups and not added:
        return False
    _finish(order, by)
    return True


def mark_failed(order: Order, reason: str) -> None:
    """Mark a delivery as failed and e-mail the customer; idempotent, ``order`` is locked."""
    if order.status == OrderStatus.DELIVERING:
        transitions.move(order, OrderStatus.DELIVERY_FAILED, by="provider", note=reason)
        if order.is_withdrawn:
            return  # everything goes back as soon as the delivery of its other parts has ended
        refunded_at = refund_time(order)
        if order.total_cents:
            key = f"refund_undelivered:{order.id}:{len(_failures(order))}"
            kinds.refund_undelivered.using(run_at=refunded_at, key=key).later(order=order.id)
        mail.delivery_failed(order, refunded_at)


def refund_time(order: Order, additions: list[Addition] | None = None) -> datetime:
    """Return when what was not delivered of a failed order is refunded on its own.

    ``additions`` are those of the order, where the caller has read them.

    Licences for a group are refunded when the period they were paid for is over, or at once when
    the group has ended.
    """
    failures = _failures(order)
    failed_at = failures[-1].at if failures else order.paid_at or order.placed_at
    times = [failed_at + REFUNDED_AFTER]
    for row in reservations.for_order(order) if additions is None else additions:
        if row.status != AdditionStatus.INSTALLED:
            ended = row.group.status == GroupStatus.TERMINATED
            times.append(failed_at if ended else clock.midnight(row.renewal_on))
    return min(times)


def _failures(order: Order) -> list[Event]:
    history = transitions.history(order)
    return [each for each in history if each.to_status == OrderStatus.DELIVERY_FAILED]
