"""Unpaid orders closed: cancelled, expired or replaced; what they reserved is free again."""

from __future__ import annotations

from records.base import lock
from records.orders import Order
from shop import clock, transitions
from shop.licences import reservations
from shop.payments import outcomes, payments


def stop_payment(order: Order) -> None:
    """Close the bank page of an order, so that nobody pays what is about to be closed.

    Raises `payables.PaymentUnderWay` where the bank is confirming a card.
    """
    pending = payments.unsettled_payment(order)
    if pending is not None:
        outcomes.close_payment(pending)


def close_order(order: Order, status: str, by: str) -> Order | None:
    """The order, cancelled or expired in the caller's transaction; None if it is being paid or
    has been. The places it holds are free again."""
    locked: Order = lock(order)
    if not locked.is_payable or payments.unsettled_payment(locked) is not None:
        return None
    if not transitions.move(locked, status, by=by, basket_key=None, closed_at=clock.now()):
        return None
    reservations.release_places(locked, by)
    return locked
