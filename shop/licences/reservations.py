"""Places in existing groups that orders hold, from the moment of ordering until they are freed.

A group's row carries the places taken. They are raised by one conditional statement, so that
buyers who come at once cannot both have the last place; the table's CHECK has the last word.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from peewee import IntegrityError

from records.base import database
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.orders import Order, OrderLine
from shop import clock, transitions
from shop.errors import N_, Refusal
from shop.sandbox_link import test_points


class PlacesExhausted(Refusal):
    """The group has fewer free places than somebody wants."""

    def __init__(self, group: LicenceGroup) -> None:
        super().__init__(
            N_("This group has %(free)d free places of %(limit)d: order fewer licences."),
            "quantity",
            free=max(group.places_free or 0, 0),
            limit=group.places_limit,
        )


def hold(group: LicenceGroup, line: OrderLine, renewal_on: date) -> Addition:
    """Hold the places of an order line in ``group``, in the caller's transaction.

    Raises `PlacesExhausted`, and `Refusal` where the group takes no licences any more.
    """
    test_points.point("reservations.hold")
    if not _take(group, line.quantity):
        now = LicenceGroup.get_by_id(group.id)
        if not now.is_open:
            raise Refusal(N_("Licences cannot be added to this group at the moment."), "group")
        raise PlacesExhausted(now)
    return Addition.create(line=line, group=group, renewal_on=renewal_on, created_at=clock.now())


def _take(group: LicenceGroup, quantity: int) -> bool:
    taken: Any = LicenceGroup.places_taken + quantity
    room = LicenceGroup.places_limit.is_null() | (taken <= LicenceGroup.places_limit)
    try:
        with database.atomic():
            return bool(
                LicenceGroup.update(places_taken=taken)
                .where(
                    LicenceGroup.id == group.id,
                    LicenceGroup.status == GroupStatus.INSTALLED,
                    room,
                )
                .execute()
            )
    except IntegrityError:
        return False


def can_be_kept(order: Order) -> bool:
    """Whether all that an order adds to existing groups can be delivered still: its places are
    charged up to a renewal to come, of a group that is not over."""
    return all(
        addition.renewal_on > clock.today() and addition.group.status != GroupStatus.TERMINATED
        for addition in for_order(order)
        if addition.status != AdditionStatus.INSTALLED
    )


def free(order: Order, by: str) -> None:
    """Give back what an order holds that will not be delivered, in the caller's transaction."""
    for addition in for_order(order):
        if addition.status not in (AdditionStatus.HELD, AdditionStatus.FAILED):
            continue
        if transitions.move(addition, AdditionStatus.FREED, by=by):
            _give_back(addition.group_id, addition.line.quantity)


def _give_back(group_id: int, quantity: int) -> None:
    # A group that is over has given back everything already.
    LicenceGroup.update(places_taken=LicenceGroup.places_taken - quantity).where(
        LicenceGroup.id == group_id, LicenceGroup.places_taken >= quantity
    ).execute()


def for_order(order: Order) -> list[Addition]:
    """What an order adds to existing groups, each with its group and its line."""
    return list(
        Addition.select(Addition, LicenceGroup, OrderLine)
        .join(LicenceGroup)
        .switch(Addition)
        .join(OrderLine)
        .where(OrderLine.order == order)
        .order_by(OrderLine.position)
    )
