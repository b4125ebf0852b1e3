"""Orders: cancellation, expiry, refund and look-up."""

from __future__ import annotations

from datetime import timedelta

from peewee import ModelSelect

from records.accounts import Account
from records.base import database, lock
from records.orders import Order, OrderStatus
from shop import clock, jobs, mail, transitions
from shop.delivery import installation
from shop.errors import N_, Conflict, Refusal
from shop.exchange import seating
from shop.jobs import kinds
from shop.licences import reservations
from shop.orders import closing, placing
from shop.payments import gateways, payables, refunds

PENDING_PAYMENT_DELAY = timedelta(minutes=10)


# --- Ending ----------------------------------------------------------------------------------


def cancel_order(order: Order, by: str) -> None:
    """Cancel an unpaid order and release its places.

    Raises `Refusal` unless it is unpaid, `payables.PaymentUnderWay` while it is being paid, and
    `Conflict` if it was paid or closed at the same time.
    """
    if not order.is_payable:
        raise Refusal(N_("Only an unpaid order can be cancelled."))
    closing.stop_payment(order)
    with database.atomic():
        cancelled = closing.close_order(order, OrderStatus.CANCELLED, by=by)
        if cancelled is None:
            raise Conflict(placing.ALREADY_CLOSED)
        mail.order_cancelled(cancelled)


@kinds.expire_order.handler(attempts=50, first_delay=timedelta(minutes=1))
def expire_order(order: int) -> None:
    """Expire an order that was not paid in time (design: 14 days)."""
    row = Order.get_by_id(order)
    if not row.is_payable:
        return
    try:
        closing.stop_payment(row)
    except (payables.PaymentUnderWay, gateways.BankUnavailable):
        raise jobs.Later(PENDING_PAYMENT_DELAY) from None
    with database.atomic():
        expired = closing.close_order(row, OrderStatus.EXPIRED, by="shop")
        if expired is not None:
            mail.order_expired(expired)
    if expired is None:
        _look_again(order)


@kinds.close_addition.handler(attempts=50, first_delay=timedelta(minutes=1))
def close_addition(order: int) -> None:
    """Cancel an unpaid order of licences for a group that has ended."""
    row = Order.get_by_id(order)
    try:
        if row.is_payable:
            cancel_order(row, by="shop")
    except (payables.PaymentUnderWay, gateways.BankUnavailable):
        raise jobs.Later(PENDING_PAYMENT_DELAY) from None
    except Conflict:
        _look_again(order)


def _look_again(order: int) -> None:
    """Raise `jobs.Later` if an order that could not be closed is unpaid.

    A payment of it began at the same moment. An order that was paid instead is settled by that.
    """
    if Order.get_by_id(order).is_payable:
        raise jobs.Later(PENDING_PAYMENT_DELAY)


@kinds.refund_undelivered.handler(attempts=50, first_delay=timedelta(minutes=1))
def refund_undelivered(order: int) -> None:
    """Refund an order whose licences were not delivered before the end of the paid period."""
    row = Order.get_by_id(order)
    if row.status == OrderStatus.DELIVERY_FAILED and not reservations.can_be_kept(row):
        refund_order(row, by="shop")


def refund_order(order: Order, by: str) -> None:
    """Refund an order whose delivery failed, and end its groups.

    A free order is closed instead, and its Office Attach offer can be used again. Raises `Refusal`
    for any other order, or while one of its groups is still being installed.
    """
    with database.atomic():
        if installation.is_under_way(order):
            raise Refusal(N_("A group of this order is still being installed."))
        if order.total_cents:
            refunds.request_refund(order, by)
        else:
            _close_free_order(order, by)
        installation.undo_delivery(order, by)


def _close_free_order(order: Order, by: str) -> None:
    locked = lock(order)
    if locked.status != OrderStatus.DELIVERY_FAILED:
        raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
    transitions.move(locked, OrderStatus.REFUNDED, by=by, closed_at=clock.now())
    seating.restore_offer(locked)


# --- Finding ---------------------------------------------------------------------------------


def find_order(account: Account, number: str) -> Order | None:
    """Return the customer's order with that number; None if not found or another customer's."""
    return Order.get_or_none(Order.account == account, Order.number == number)


def orders_of(account: Account) -> ModelSelect[Order]:
    """Return the query for the customer's orders, newest first."""
    return Order.select().where(Order.account == account).order_by(Order.id.desc())
