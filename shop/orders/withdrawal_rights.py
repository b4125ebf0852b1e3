"""The right to withdraw from a contract: until when, from what, and what it ends.

General terms, 11; code de la consommation, articles L221-18 to L221-28. Each order is a contract,
from its payment on, whatever became of its delivery. Whether a customer is a consumer, and from
when the days count, is decided by the order: details that the customer changes later neither give
the right nor take it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from peewee import JOIN

from records.groups import Addition, AdditionStatus, LicenceGroup
from records.orders import Order, OrderLine
from shop import clock
from shop.delivery import installation
from shop.errors import N_, Conflict, Refusal
from shop.licences import reservations
from shop.licences.groups import groups_of
from shop.subscriptions import withdrawn

PERIOD = timedelta(days=14)

TOO_LATE = N_("The time to withdraw from this contract is over.")
ALREADY = N_("You have withdrawn from this contract already.")


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
