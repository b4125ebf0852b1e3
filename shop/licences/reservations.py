"""Reservations: places in existing groups, held by orders from placement until release.

A group's row counts its places taken. One conditional UPDATE raises the counter, so that two
concurrent orders cannot both take the last place; a CHECK of the table enforces the limit.
"""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from peewee import IntegrityError, ModelSelect, fn

from records.base import database
from records.catalogue import Offer
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.orders import Order, OrderLine, OrderStatus
from shop import clock, transitions
from shop.errors import N_, Refusal
from shop.sandbox_link import test_points
from shop.sql.prepared import prepared

LOWERED = N_(
    "Groups of %(offer)s hold at most %(limit)d licences now: this one keeps those it has, and no "
    "more can be added."
)
CLOSED = N_("Licences cannot be added to this group at the moment.")


class PlacesExhausted(Refusal):
    """The group has fewer free places than the customer orders."""

    def __init__(self, group: LicenceGroup, free: int) -> None:
        fewer = N_("This group has %(free)d free places of %(limit)d: order fewer licences.")
        super().__init__(
            fewer if group.places_taken <= (group.limit or 0) else LOWERED,
            "quantity",
            free=free,
            limit=group.limit,
            offer=group.offer.name,
        )


def hold_places(group: LicenceGroup, line: OrderLine, renewal_on: date) -> Addition:
    """Reserve the places of an order line in ``group``, in the caller's transaction.

    Raises `PlacesExhausted`, and `Refusal` if licences can no longer be added to the group.
    """
    test_points.point("reservations.hold")
    if not _take_places(group, line.quantity):
        now = LicenceGroup.get_by_id(group.id)
        if not now.is_open:
            raise Refusal(CLOSED, "group")
        raise PlacesExhausted(now, now.places_free or 0)
    held = Addition.create(line=line, group=group, renewal_on=renewal_on, created_at=clock.now())
    transitions.record(held, "addition_held", by=group.account.nic_handle, to_status=held.status)
    return held


def _take_places(group: LicenceGroup, quantity: int) -> bool:
    """Take places up to the limit that the offer has now, which becomes that of the group."""
    taken: Any = LicenceGroup.places_taken + quantity
    limit: Any = Offer.select(Offer.places_limit).where(Offer.code == group.offer_id)
    try:
        with database.atomic():
            return bool(
                LicenceGroup.update(places_taken=taken, places_limit=limit)
                .where(
                    LicenceGroup.id == group.id,
                    LicenceGroup.status == GroupStatus.INSTALLED,
                    taken <= fn.COALESCE(limit, taken),
                )
                .execute()
            )
    except IntegrityError:
        return False


def held_by_basket(account_id: int, basket: str) -> dict[int, int]:
    """Return the places that a customer's unpaid orders of ``basket`` hold, by the group's id."""
    held = (
        Addition.select(Addition.group, fn.SUM(OrderLine.quantity))
        .join(OrderLine)
        .join(Order)
        .where(
            Addition.status == AdditionStatus.HELD,
            Order.account == account_id,
            Order.basket == basket,
            Order.status == OrderStatus.AWAITING_PAYMENT,
        )
        .group_by(Addition.group)
        .tuples()
    )
    return {group: int(places) for group, places in cast("Any", held)}


def can_be_kept(order: Order) -> bool:
    """Whether everything that an order adds to existing groups can still be delivered.

    It can while the group has not ended and the renewal up to which the places are charged is in
    the future.
    """
    return _can_be_kept(for_order(order))


def _can_be_kept(additions: list[Addition]) -> bool:
    return all(
        addition.renewal_on > clock.today() and addition.group.status != GroupStatus.TERMINATED
        for addition in additions
        if addition.status != AdditionStatus.INSTALLED
    )


def can_be_added(order: Order) -> bool:
    """Whether everything that an unpaid order adds to existing groups may be paid for now.

    Nothing can be paid for a suspended group except what resumes it.
    """
    additions = for_order(order)
    return _can_be_kept(additions) and all(addition.group.is_open for addition in additions)


def release_places(order: Order, by: str) -> None:
    """Release the places of an order that will not be delivered, in the caller's transaction."""
    for addition in for_order(order):
        if addition.status not in (AdditionStatus.HELD, AdditionStatus.FAILED):
            continue
        if transitions.move(addition, AdditionStatus.FREED, by=by):
            _return_places(addition.group_id, addition.line.quantity)


def _return_places(group_id: int, quantity: int) -> None:
    # A group that has ended has no places taken any more.
    LicenceGroup.update(places_taken=LicenceGroup.places_taken - quantity).where(
        LicenceGroup.id == group_id, LicenceGroup.places_taken >= quantity
    ).execute()


def for_order(order: Order) -> list[Addition]:
    """Return the additions of an order to existing groups, each with its group and its line."""
    return _of_order.rows(order)


@prepared
def _of_order(order: Order) -> ModelSelect[Addition]:
    return (
        Addition.select(Addition, LicenceGroup, OrderLine)
        .join(LicenceGroup)
        .switch(Addition)
        .join(OrderLine)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )
