"""Orders: cancellation, expiry, refund and look-up."""

from __future__ import annotations

from datetime import timedelta

from peewee import ModelSelect

from records.accounts import Account
from records.base import database, lock
from records.orders import Order, OrderStatus
from shop import clock, jobs, mail, transitions
from shop.delivery import installation, progress
from shop.errors import N_, Conflict, Refusal
from shop.exchange import seating
from shop.jobs import kinds
from shop.licences import reservations
from shop.orders import closing, placing
from shop.payments import gateways, payables, refunds
from shop.sql.prepared import prepared

PENDING_PAYMENT_DELAY = timedelta(minutes=10)
UNDER_WAY_DELAY = timedelta(minutes=10)

NOT_FAILED = N_("Only a paid order whose delivery failed can be refunded.")


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


def extend_order(order: Order, by: str) -> None:
    """Give an unpaid order another `placing.EXPIRES_AFTER` to be paid.

    Raises `Refusal` unless it is unpaid, and for licences of a running period, which is over then.
    """
    with database.atomic():
        row: Order = lock(order)
        if not row.is_payable:
            raise Refusal(N_("Only an unpaid order has time to be paid."))
        if reservations.for_order(row):
            raise Refusal(N_("Licences added to a group are paid before its next renewal."))
        expires_at = clock.now() + placing.EXPIRES_AFTER
        Order.update(expires_at=expires_at).where(Order.id == row.id).execute()
        transitions.record(row, "order_extended", by=by)


@kinds.expire_order.handler(attempts=50, first_delay=timedelta(minutes=1))
def expire_order(order: int) -> None:
    """Expire an order that was not paid in time (design: 14 days)."""
    row = Order.get_by_id(order)
    if not row.is_payable:
        return
    if row.expires_at > clock.now():
        raise jobs.Later(row.expires_at - clock.now())
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
    """Cancel an unpaid order of licences for a group that has ended or is suspended."""
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
    """Refund what was not delivered of an order, some time after its delivery failed."""
    row = Order.get_by_id(order)
    if not row.is_delivery_failed:
        return
    wait = progress.refund_time(row) - clock.now()
    if wait > timedelta(0):  # it was tried again, and failed again
        raise jobs.Later(wait)
    if installation.is_under_way(row):
        raise jobs.Later(UNDER_WAY_DELAY)
    refund_order(row, by="shop")


def refund_order(order: Order, by: str) -> None:
    """Refund what was not delivered of an order whose delivery failed.

    What was delivered is kept and invoiced; the refund follows the invoice. A free order is closed
    instead, and its Office Attach offer can be used again; so is one whose payment was lost in a
    dispute. Raises `Refusal` for any other order, or
    while one of its groups is still being installed.
    """
    with database.atomic():
        order = lock(order)
        if installation.is_under_way(order):
            raise Refusal(N_("A group of this order is still being installed."))
        if not order.is_delivery_failed:
            raise Refusal(NOT_FAILED)
        if progress.finish_partly(order, by):
            pass
        elif order.total_cents and not refunds.is_lost(order):
            refunds.request_refund(order, by)
        else:
            _close_unpaid_order(order, by)
        installation.give_up_undelivered(order, by)


def _close_unpaid_order(order: Order, by: str) -> None:
    """Close an order that was free, or whose payment the bank has given back itself."""
    transitions.move(order, OrderStatus.REFUNDED, by=by, closed_at=clock.now())
    if not order.total_cents:
        seating.restore_offer(order)


# --- Finding ---------------------------------------------------------------------------------


def find_order(account: Account, number: str) -> Order | None:
    """Return the customer's order with that number; None if not found or another customer's."""
    return _by_number.first(account, number)


@prepared
def _by_number(account: Account, number: str) -> ModelSelect[Order]:
    return Order.select().where(Order.account == account, Order.number == number)
