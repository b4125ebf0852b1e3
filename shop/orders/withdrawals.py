"""Withdrawals: consumers may end a contract within 14 days and get everything back.

`shop.orders.withdrawal_rights` says who may, until when, and from what. What was delivered ends,
and what was charged is credited; what was not delivered is closed, and its payment refunded. While
a delivery is under way the declaration is received, and takes effect when the delivery has ended
(`carry_out_withdrawal`), so that nothing stays behind at the provider.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, cast

from records.base import database, lock
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.jobs import CARRY_OUT_WITHDRAWAL
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment
from shop import clock, jobs, mail, transitions
from shop.delivery import installation
from shop.errors import N_, Refusal
from shop.exchange import seating
from shop.invoicing import order_invoices
from shop.licences import reservations
from shop.licences.groups import groups_of
from shop.orders.withdrawal_rights import content_of, find_obstacle
from shop.payments import refunds, taken_back
from shop.sandbox_link import test_points
from shop.subscriptions import terminations, withdrawn

UNDER_WAY_DELAY = timedelta(seconds=10)
"""The time between two checks of whether the delivery of an order withdrawn from has ended."""

REPEATED = 3
"""The number of withdrawals of an account within `REPEATED_WITHIN` that raises an alarm."""

REPEATED_WITHIN = timedelta(days=90)

# --- Declaring it ----------------------------------------------------------------------------


def withdraw(order: Order, *, by: str, numbers: list[int] | None = None) -> None:
    """Withdraw from a whole order; ``numbers`` are the licences that end in a group that stays.

    Orders that added licences to its groups later end with them. Raise `Refusal` after 14 days and
    for a business, and `Conflict` where it was withdrawn from, is refunded, or has ended.
    """
    test_points.point("withdrawals.declare")
    with database.atomic():
        orders = _locked([order, *_later_orders(groups_of(order))])
        order = next(each for each in orders if each.id == order.id)
        _check(order)
        open_orders = [each for each in orders if not each.is_withdrawn]
        groups = [group for group in groups_of(order) if group.is_installed]
        _declare(order, open_orders, groups, by, numbers=numbers)


def withdraw_from_service(group: LicenceGroup, *, by: str) -> None:
    """Withdraw from one group of an order, and from the licences added to it since.

    The other groups of the order stay. Raise `Refusal` as `withdraw` does, and while that order is
    being delivered: then it can be withdrawn from as a whole.
    """
    test_points.point("withdrawals.declare")
    with database.atomic():
        orders = _locked([terminations.order_of(group), *_later_orders([group])])
        order = next(each for each in orders if each.id == terminations.order_of(group).id)
        terminations.running(group)
        _check(order)
        if order.is_undelivered:
            raise Refusal(N_("An order of this service is still being delivered."))
        stays = any(each.is_installed and each.id != group.id for each in groups_of(order))
        open_orders = [each for each in orders if not each.is_withdrawn]
        _declare(order, open_orders, [group], by, kept=order if stays else None)


def _check(order: Order) -> None:
    refusal = find_obstacle(order)
    if refusal is not None:
        raise refusal


def _locked(orders: list[Order]) -> list[Order]:
    """Return orders, each once, locked in the order of their ids."""
    rows = {order.id: order for order in orders}
    return [lock(rows[number]) for number in sorted(rows)]


def _later_orders(groups: list[LicenceGroup]) -> list[Order]:
    """Return the paid orders that added licences to groups, or are adding them."""
    added = Addition.select(Addition.line).where(
        Addition.group.in_([group.id for group in groups] or [0]),
        Addition.status != AdditionStatus.FREED,
    )
    of_them = Order.select().join(OrderLine).where(OrderLine.id.in_(added))
    return [
        order
        for order in of_them
        if (order.is_undelivered or order.is_delivered)
        and not installation.refund_is_under_way(order)
    ]


def _declare(
    order: Order, orders: list[Order], groups: list[LicenceGroup], by: str, *,
    kept: Order | None = None, numbers: list[int] | None = None,
) -> None:  # fmt: skip
    """Record the withdrawal from ``orders``, end ``groups`` and what else they delivered, and
    confirm it to the customer of ``order``.

    Of the order ``kept`` other groups stay. Orders of which a part is being delivered wait for it.
    """
    now = clock.now()
    content = content_of(order, groups[0] if kept is not None else None)
    for each in orders:
        if kept is None or each.id != kept.id:
            Order.update(withdrawn_at=now).where(Order.id == each.id).execute()
            each.withdrawn_at = now
        transitions.record(each, "order_withdrawn", by=by)
    added = [row.group for each in orders for row in reservations.for_order(each)]
    withdrawn.lock_money(orders, [*groups, *added])
    for group in groups:
        withdrawn.end_group(group, by=by)
    back, waits = 0, False
    for each in orders:
        if installation.is_under_way(each):
            waits = True
            payment = order_invoices.kept_payment(each)
            back += taken_back.not_lost_of(payment) if payment is not None else 0
            carry_out_withdrawal.later(order=each.id)
        else:
            back += _carry_out(each, groups, by, numbers)
    back += sum(withdrawn.credit_group(group, by=by) for group in groups)
    mail.withdrawal_received(
        order,
        content=content.lines,
        ended=withdrawn.numbers_of(order),
        refunded_cents=back,
        is_delivered=bool(groups) or order.is_delivered,
        waits=waits,
        is_disputed=any(map(_is_contested, orders)),
        withdrawn_at=now,
    )


def _is_contested(order: Order) -> bool:
    return any(map(taken_back.is_contested, Payment.select().where(Payment.order == order)))


# --- Carrying it out -------------------------------------------------------------------------

CARRIED_OUT = "withdrawal_carried_out"


@jobs.handles(CARRY_OUT_WITHDRAWAL, attempts=100, first_delay=timedelta(seconds=5))
def carry_out_withdrawal(order: int) -> None:
    """Carry out a withdrawal from an order once no part of it is being delivered; idempotent."""
    with database.atomic():
        row = lock(Order(id=order))
        if installation.is_under_way(row):
            raise jobs.Later(UNDER_WAY_DELAY)
        if any(event.name == CARRIED_OUT for event in transitions.history(row)):
            return
        groups = [group for group in groups_of(row) if group.is_installed]
        added = [each.group for each in reservations.for_order(row)]
        withdrawn.lock_money([row], [*groups, *added])
        for group in groups:
            withdrawn.end_group(group, by="shop")
        _carry_out(row, groups, "shop", None)
        for group in groups:
            withdrawn.credit_group(group, by="shop")


def _carry_out(order: Order, ended: list[LicenceGroup], by: str, numbers: list[int] | None) -> int:
    """Close an order of which the groups ``ended``; return the cents that go back for it."""
    back = 0
    if order.is_delivered:
        # The job that issues the invoice may not have run; only an invoice can be credited.
        order_invoices.invoice_order(order.id)
    gone = {group.id for group in ended}
    of_order = groups_of(order)
    services = {group.name for group in of_order if order.is_withdrawn or group.id in gone}
    for addition in reservations.for_order(order):
        services.add(addition.group.name)
        if addition.status == AdditionStatus.INSTALLED and addition.group_id not in gone:
            back += withdrawn.end_added(addition, by=by, numbers=numbers)
    if order.is_delivered:
        back += withdrawn.credit_order(order, services, by=by)
    else:
        back += _close(order, by)
    transitions.record(order, CARRIED_OUT, by=by)
    return back


def _close(order: Order, by: str) -> int:
    """Close an order that is not delivered and refund its payment; return the cents."""
    payment = order_invoices.kept_payment(order)
    if payment is not None:
        refunds.refund_kept(payment, by)
    installation.give_up_undelivered(order, by)
    if not order.total_cents:
        seating.restore_offer(order)
    transitions.move(order, OrderStatus.REFUNDED, by=by, note="withdrawn", closed_at=clock.now())
    return taken_back.not_lost_of(payment) if payment is not None else 0


# --- For the operator ------------------------------------------------------------------------


def repeated() -> int:
    """Return the number of customers who withdraw again and again, as the operator must see."""
    since = clock.now() - REPEATED_WITHIN
    recent = Order.select(Order.account).where(Order.withdrawn_at > since).tuples()
    often = Counter(account for (account,) in cast("Any", recent))
    return sum(number >= REPEATED for number in often.values())
