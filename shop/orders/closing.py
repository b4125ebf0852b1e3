"""Closing unpaid orders (cancelled, expired or replaced) and releasing their places."""

from __future__ import annotations

from records.base import lock
from records.orders import Order
from shop import clock, transitions
from shop.licences import reservations
from shop.payments import outcomes, payments
from shop.sandbox_link import test_points


def stop_payment(order: Order) -> None:
    """Close the bank page of an order that is about to be closed, so that it cannot be paid.

    Raises `payables.PaymentUnderWay` if the bank is processing the payment.
    """
    pending = payments.unsettled_payment(order)
    if pending is not None:
        outcomes.close_payment(pending)
    test_points.point("orders.payment_stopped")


def close_order(order: Order, status: str, by: str) -> Order | None:
    """Cancel or expire an order and release its places, in the caller's transaction.

    Return the closed order; None if it has been paid or a payment is under way.
    """
    locked: Order = lock(order)
    if not locked.is_payable or payments.unsettled_payment(locked) is not None:
        return None
    if not transitions.move(locked, status, by=by, basket_key=None, closed_at=clock.now()):
        return None
    reservations.release_places(locked, by)
    return locked
