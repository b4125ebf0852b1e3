"""Adding licences to an existing group: first at the provider, then as seats; idempotent."""

from __future__ import annotations

from datetime import timedelta

import structlog

from records.accounts import Account
from records.base import database, lock
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.orders import Order, OrderLine
from records.terminations import GiveBack, TerminationStatus
from shop import clock, jobs, mail, transitions
from shop.delivery import progress
from shop.errors import PartyRejected
from shop.licences.seats import seat_states
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.subscriptions import period_billing

log = structlog.get_logger()

EARLIER_CHANGE_DELAY = timedelta(seconds=2)
"""The time between two checks of whether an earlier change of the group is finished."""

GROUP_ENDED = "the group has been terminated"


def begin_addition(addition: Addition, by: str) -> None:
    """Queue the installation of a paid or failed addition, in the caller's transaction."""
    again = addition.status == AdditionStatus.FAILED
    tries = addition.tries + 1 if again else addition.tries
    transitions.move(addition, AdditionStatus.INSTALLING, by=by, tries=tries, target=None, error="")
    key = f"enlarge_group:{addition.id}:{tries}"
    enlarge_group.using(key=key).later(addition=addition.id)


def _give_up(addition: int, reason: str) -> None:
    row = _addition_with_order(addition)
    with database.atomic():
        order = lock(row.line.order)
        if transitions.move(
            row, AdditionStatus.FAILED, by="provider", note=reason, error=reason[:255]
        ):
            progress.mark_failed(order, reason)
    log.error("addition_failed", group=row.group.name, order=order.number, reason=reason)


def _addition_with_order(addition: int) -> Addition:
    return (
        Addition.select(Addition, LicenceGroup, Account, OrderLine, Order)
        .join(LicenceGroup)
        .join(Account)
        .switch(Addition)
        .join(OrderLine)
        .join(Order)
        .where(Addition.id == addition)
        .get()
    )


@jobs.handles("enlarge_group", attempts=12, give_up=_give_up, priority=jobs.Priority.PAID)
def enlarge_group(addition: int) -> None:
    """Enlarge a group at the provider, create its new seats and e-mail the customer."""
    row = _addition_with_order(addition)
    if row.status != AdditionStatus.INSTALLING:
        return
    if row.group.status not in seat_states.ALIVE:
        _give_up(addition, GROUP_ENDED)
        return
    if _waits_for_earlier(row):
        raise jobs.Later(EARLIER_CHANGE_DELAY)
    group = row.group
    target, first_number = _prepare(row)
    key = f"enlarge-{group.name}-{row.id}-{row.tries}"
    try:
        settled_operation(
            key,
            lambda: provider().resize_tenant(key, group.domain, target),
            since=row.line.order.paid_at,
        )
    except PartyRejected as refusal:
        _give_up(addition, str(refusal))
        return
    try:
        seat_states.create_seats(group, row.line, first_number, row.line.quantity)
    except seat_states.GroupEnded:
        _give_up(addition, GROUP_ENDED)
        return
    _complete(row)


def _waits_for_earlier(addition: Addition) -> bool:
    """Whether an earlier addition of the group is being installed.

    The provider is sent absolute sizes, so that changes of a group must run one at a time.
    """
    query = Addition.select().where(
        Addition.group == addition.group,
        Addition.status == AdditionStatus.INSTALLING,
        Addition.id < addition.id,
    )
    return bool(query.exists())


def _gives_licences_back(group: LicenceGroup) -> bool:
    """Whether licences given back are being removed from the group at the provider."""
    ending = (GiveBack.group == group) & (GiveBack.status == TerminationStatus.ENDING)
    return bool(GiveBack.select().where(ending).exists())


def _prepare(addition: Addition) -> tuple[int, int]:
    """Return the group's size at the provider afterwards, and the first number of the new seats.

    Both are stored before the provider is called, so that a repeated job sends the same request.
    """
    with database.atomic():
        group = lock(addition.group)
        if addition.target is None:
            if _gives_licences_back(group):
                raise jobs.Later(EARLIER_CHANGE_DELAY)
            addition.target = group.seats_total + addition.line.quantity
        if addition.first_number is None:
            addition.first_number = group.last_number + 1
            group.last_number += addition.line.quantity
            group.save()
        addition.save()
    return addition.target, addition.first_number


def _complete(addition: Addition) -> None:
    with jobs.last_transaction():
        order, now = lock(addition.line.order), clock.now()
        if not transitions.move(
            addition, AdditionStatus.INSTALLED, by="provider",
            installed_at=now, delivered_on=clock.day_of(now),
        ):  # fmt: skip
            return
        if clock.day_of(now) > addition.renewal_on:
            # The renewal charged them from its day on, and they were delivered later.
            period_billing.credit_undelivered(addition, by="shop")
        if not order.is_withdrawn:
            mail.licences_added(addition)
        progress.finish_if_complete(order)
