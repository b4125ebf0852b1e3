"""Orders: cancelled, expired, given up, found again."""

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
from shop.payments import payables, refunds

LATER_IF_PENDING = timedelta(minutes=10)


# --- Ending ----------------------------------------------------------------------------------


def cancel_order(order: Order, by: str) -> None:
    """Cancel an unpaid order; what it reserved is free again.

    Raises `Refusal` when it is not unpaid, `payables.PaymentUnderWay` while it is being paid.
    """
    if not order.is_payable:
        raise Refusal(N_("Only an unpaid order can be cancelled."))
    closing.stop_payment(order)
    with database.atomic():
        cancelled = closing.close_order(order, OrderStatus.CANCELLED, by=by)
        if cancelled is None:
            raise Conflict(placing.CLOSED_ELSEWHERE)
        mail.order_cancelled(cancelled)


@kinds.expire_order.handler(attempts=50, first_delay=timedelta(minutes=1))
def expire_order(order: int) -> None:
    """Close an order that was not paid in time (design: 14 days)."""
    row = Order.get_by_id(order)
    if not row.is_payable:
        return
    try:
        closing.stop_payment(row)
    except payables.PaymentUnderWay:
        raise jobs.Later(LATER_IF_PENDING) from None
    with database.atomic():
        expired = closing.close_order(row, OrderStatus.EXPIRED, by="shop")
        if expired is not None:
            mail.order_expired(expired)


@kinds.close_addition.handler(attempts=50, first_delay=timedelta(minutes=1))
def close_addition(order: int) -> None:
    """Cancel an unpaid order of licences for a group that has ended."""
    row = Order.get_by_id(order)
    try:
        if row.is_payable:
            cancel_order(row, by="shop")
    except payables.PaymentUnderWay:
        raise jobs.Later(LATER_IF_PENDING) from None
    except Conflict:
        return  # paid at this moment: the money goes back


@kinds.refund_undelivered.handler(attempts=50, first_delay=timedelta(minutes=1))
def refund_undelivered(order: int) -> None:
    """Give an order up whose licences had not come when the period they were paid for was over."""
    row = Order.get_by_id(order)
    if row.status == OrderStatus.DELIVERY_FAILED and not reservations.can_be_kept(row):
        refund_order(row, by="shop")


def refund_order(order: Order, by: str) -> None:
    """Give an order up whose delivery failed: the money goes back, its groups end. A free one
    gives its offer back instead.

    Raises `Refusal` for any other order, or while one of its groups is still being installed.
    """
    with database.atomic():
        if installation.is_under_way(order):
            raise Refusal(N_("A group of this order is still being installed."))
        if order.total_cents:
            refunds.request_refund(order, by)
        else:
            _give_up_free(order, by)
        installation.undo_delivery(order, by)


def _give_up_free(order: Order, by: str) -> None:
    locked = lock(order)
    if locked.status != OrderStatus.DELIVERY_FAILED:
        raise Refusal(N_("Only a paid order whose delivery failed can be refunded."))
    transitions.move(locked, OrderStatus.REFUNDED, by=by, closed_at=clock.now())
    seating.give_offer_back(locked)


# --- Finding ---------------------------------------------------------------------------------


def find_order(account: Account, number: str) -> Order | None:
    """The customer's own order of that number; somebody else's does not exist for them."""
    return Order.get_or_none(Order.account == account, Order.number == number)


def orders_of(account: Account) -> ModelSelect[Order]:
    """The customer's orders, newest first."""
    return Order.select().where(Order.account == account).order_by(Order.id.desc())
