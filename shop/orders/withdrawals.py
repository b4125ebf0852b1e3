"""Withdrawals: consumers may end a contract within 14 days and get everything back.

General terms, 11; code de la consommation, articles L221-18 to L221-28. Each order is a contract,
from its payment on, whatever became of its delivery. Whether a customer is a consumer, and from
when the days count, is decided by the order: details that the customer changes later neither give
the right nor take it away.

What was delivered ends, and what was charged is credited; what was not delivered is closed, and its
payment refunded. While a delivery is under way the declaration is received, and takes effect when
the delivery has ended (`carry_out_withdrawal`), so that nothing stays behind at the provider.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, cast

from peewee import JOIN

from records.base import database, lock
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.jobs import CARRY_OUT_WITHDRAWAL
from records.orders import Order, OrderLine, OrderStatus
from records.payments import Payment
from shop import clock, jobs, mail, transitions
from shop.delivery import installation
from shop.errors import N_, Conflict, Refusal
from shop.exchange import seating
from shop.invoicing import order_invoices
from shop.licences import reservations
from shop.licences.groups import groups_of
from shop.payments import refunds, taken_back
from shop.sandbox_link import test_points
from shop.subscriptions import terminations, withdrawn

PERIOD = timedelta(days=14)

UNDER_WAY_DELAY = timedelta(seconds=10)
"""The time between two checks of whether the delivery of an order withdrawn from has ended."""

REPEATED = 3
"""The number of withdrawals of an account within `REPEATED_WITHIN` that raises an alarm."""

REPEATED_WITHIN = timedelta(days=90)

TOO_LATE = N_("The time to withdraw from this contract is over.")
ALREADY = N_("You have withdrawn from this contract already.")


# --- The right -------------------------------------------------------------------------------


def ends_at(order: Order) -> datetime | None:
    """Return until when the customer may withdraw; None if the customer has no such right."""
    if order.is_of_business or order.paid_at is None:
        return None
    # The day of the contract does not count, and the last day counts to its end.
    last = _working_day(clock.day_of(order.paid_at) + PERIOD)
    return clock.midnight(last + timedelta(days=1))


def _working_day(day: date) -> date:
    """Return the day, or the next working day after a Saturday, Sunday or holiday (L221-19)."""
    while day.weekday() >= 5 or day in _holidays(day.year):
        day += timedelta(days=1)
    return day


@cache
def _holidays(year: int) -> frozenset[date]:
    """Return the public holidays of a year in France."""
    # It loads the calendars of all countries, a tenth of the time in which the shop starts.
    from holidays import country_holidays

    return frozenset(country_holidays("FR", years=year))


def find_obstacle(order: Order) -> Refusal | None:
    """Return why the customer cannot withdraw from an order now; None if they can."""
    until = ends_at(order)
    if order.is_withdrawn:
        return Conflict(ALREADY)
    if until is None or clock.now() >= until:
        return Refusal(TOO_LATE)
    if order.is_refunded or installation.refund_is_under_way(order):
        return Conflict(installation.BEING_REFUNDED)
    if order.is_delivered and not _living(order):
        return Conflict(N_("What was ordered has ended already."))
    return None


def _living(order: Order) -> bool:
    """Return whether something that a delivered order installed has not ended."""
    return any(group.is_installed for group in groups_of(order)) or any(
        row.status == AdditionStatus.INSTALLED
        and row.group.is_installed
        and withdrawn.seats_of(row)
        for row in reservations.for_order(order)
    )


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


# --- What it is about ------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What a withdrawal is about: a line for each part of an order, as the customer is told, and
    how many licences of groups end."""

    lines: list[str]
    licences: int


def content_of(order: Order, group: LicenceGroup | None = None) -> Content:
    """Return what a withdrawal from an order, or from one ``group`` of it, ends (one query).

    That includes licences that later orders added to its groups.
    """
    own, joined = LicenceGroup.alias(), LicenceGroup.alias()
    of_order = LicenceGroup.select(LicenceGroup.id).join(OrderLine).where(OrderLine.order == order)
    ending = [group.id] if group is not None else of_order
    line, addition = OrderLine.alias(), Addition.alias()
    mine = line.select(line.id).where(
        line.id == group.line_id if group is not None else line.order == order
    )
    added = addition.select(addition.line).where(
        addition.group.in_(ending), addition.status != AdditionStatus.FREED
    )
    query = (
        OrderLine.select(OrderLine, Order, own, Addition, joined)
        .join(Order)
        .switch(OrderLine)
        .join(own, JOIN.LEFT_OUTER, on=(own.line == OrderLine.id), attr="own")
        .switch(OrderLine)
        .join(Addition, JOIN.LEFT_OUTER, on=(Addition.line == OrderLine.id), attr="added")
        .join(joined, JOIN.LEFT_OUTER, on=(joined.id == Addition.group), attr="joined")
        .where(OrderLine.id.in_(mine.union(added)), Order.paid_at.is_null(False))
        .order_by(OrderLine.order, OrderLine.position)
    )
    rows: list[Any] = [row for row in query if _is_concerned(row)]
    groups = [row.own for row in rows if getattr(row, "own", None) is not None]
    return Content(
        [_content_line(row) for row in rows],
        sum(each.seats_total for each in groups if each.is_installed),
    )


def _is_concerned(row: Any) -> bool:
    """Return whether a line is, or is to be, delivered and has not ended."""
    order, own, added = row.order, getattr(row, "own", None), getattr(row, "added", None)
    if order.is_withdrawn or order.is_refunded:
        return False
    if order.is_undelivered:
        return True
    if own is not None:
        return bool(own.is_installed)
    return added is not None and added.status == AdditionStatus.INSTALLED


def _content_line(row: Any) -> str:
    own, added = getattr(row, "own", None), getattr(row, "added", None)
    group = own or (added.joined if added is not None else None)
    said = [str(row.order.number), f"{row.quantity}\u00a0×\u00a0{row.offer_name}"]
    return " – ".join([*said, *([group.display_name] if group is not None else [])])


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


# --- For pages -------------------------------------------------------------------------------


def addition_of(order: Order) -> Addition | None:
    """Return the delivered licences of an order that were added to a group which has others, too.

    One query.
    """
    rows = [
        row
        for row in reservations.for_order(order)
        if row.status == AdditionStatus.INSTALLED and row.group.is_installed
    ]
    return next((row for row in rows if row.line.quantity < row.group.seats_total), None)


def open_until(order: Order, *, living: bool) -> datetime | None:
    """Return until when an order can be withdrawn from, as far as its row tells (no queries).

    ``living`` says whether something that it installed has not ended.
    """
    is_open = order.is_undelivered or (order.is_delivered and living)
    until = ends_at(order) if is_open and not order.is_withdrawn else None
    return until if until is not None and clock.now() < until else None


@dataclass(frozen=True)
class ServiceRight:
    """What a consumer may withdraw from of a service: until when from all of it, None if not any
    more, and the orders of licences added to it that can be withdrawn from alone."""

    until: datetime | None
    additions: list[Order]


def right_of_service(group: LicenceGroup) -> ServiceRight:
    """Return what may be withdrawn from of a service (one query)."""
    own_line = OrderLine.alias()
    added = Addition.select(Addition.line).where(
        Addition.group == group, Addition.status != AdditionStatus.FREED
    )
    lines = own_line.select(own_line.id).where(own_line.id == group.line_id).union(added)
    query = (
        Order.select(Order, OrderLine.id.alias("line_id"))
        .join(OrderLine)
        .where(OrderLine.id.in_(lines))
        .order_by(Order.id)
    )
    rows: list[Any] = [row for row in query.objects() if open_until(row, living=group.is_installed)]
    own = next((row for row in rows if row.line_id == group.line_id), None)
    return ServiceRight(
        ends_at(own) if own is not None and group.is_installed else None,
        [row for row in rows if row is not own],
    )


# --- For the operator ------------------------------------------------------------------------


def repeated() -> int:
    """Return the number of customers who withdraw again and again, as the operator must see."""
    since = clock.now() - REPEATED_WITHIN
    recent = Order.select(Order.account).where(Order.withdrawn_at > since).tuples()
    often = Counter(account for (account,) in cast("Any", recent))
    return sum(number >= REPEATED for number in often.values())
