"""Licences added to an existing group: more places at the provider, then the seats, once each."""

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
from shop.jobs import kinds
from shop.licences.seats import seat_states
from shop.office.configured import provider
from shop.office.polling import settled_operation

log = structlog.get_logger()

IN_TURN = timedelta(seconds=2)
"""How long an addition waits for an earlier one of its group before it looks again."""

GROUP_ENDED = "the group has been terminated"


def begin_addition(addition: Addition, by: str) -> None:
    """Begin to install a paid addition, or a failed one again, in the caller's transaction."""
    again = addition.status == AdditionStatus.FAILED
    tries = addition.tries + 1 if again else addition.tries
    transitions.move(addition, AdditionStatus.INSTALLING, by=by, tries=tries, target=None, error="")
    key = f"enlarge_group:{addition.id}:{tries}"
    enlarge_group.using(key=key).later(addition=addition.id)


def _give_up(addition: int, reason: str) -> None:
    row = _read(addition)
    with database.atomic():
        order = lock(row.line.order)
        if transitions.move(
            row, AdditionStatus.FAILED, by="provider", note=reason, error=reason[:255]
        ):
            progress.fail(order, reason)
            _refund_when_over(row, order)
    log.error("addition failed", group=row.group.name, order=order.number, reason=reason)


def _refund_when_over(addition: Addition, order: Order) -> None:
    """Until the period is over that was paid, it can be tried again; then the money goes back."""
    ended = addition.group.status not in seat_states.ALIVE
    over_at = clock.now() if ended else clock.midnight(addition.renewal_on)
    key = f"refund_undelivered:{addition.id}:{addition.tries}"
    kinds.refund_undelivered.using(run_at=over_at, key=key).later(order=order.id)


def _read(addition: int) -> Addition:
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
    """Have a group enlarged, make its new seats, and say so by letter."""
    row = _read(addition)
    if row.status != AdditionStatus.INSTALLING:
        return
    if row.group.status not in seat_states.ALIVE:
        _give_up(addition, GROUP_ENDED)
        return
    if _has_earlier(row):
        raise jobs.Later(IN_TURN)
    group = row.group
    target, first_number = _prepared(row)
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
    seat_states.create_seats(group, row.line, first_number, row.line.quantity)
    _installed(row)


def _has_earlier(addition: Addition) -> bool:
    """Whether another addition of the group is at work: sizes are absolute, so one at a time."""
    query = Addition.select().where(
        Addition.group == addition.group,
        Addition.status == AdditionStatus.INSTALLING,
        Addition.id < addition.id,
    )
    return bool(query.exists())


def _others_are_leaving(group: LicenceGroup) -> bool:
    """Whether licences given back are being taken away at the provider: one change at a time."""
    ending = (GiveBack.group == group) & (GiveBack.status == TerminationStatus.ENDING)
    return bool(GiveBack.select().where(ending).exists())


def _prepared(addition: Addition) -> tuple[int, int]:
    """How many seats the provider is to have, and the first number of the new ones: settled
    before the provider is asked, so that a job that runs again asks for the same."""
    with database.atomic():
        group = lock(addition.group)
        if addition.target is None:
            if _others_are_leaving(group):
                raise jobs.Later(IN_TURN)
            addition.target = group.seats_total + addition.line.quantity
        if addition.first_number is None:
            addition.first_number = group.last_number + 1
            group.last_number += addition.line.quantity
            group.save()
        addition.save()
    return addition.target, addition.first_number


def _installed(addition: Addition) -> None:
    with database.atomic():
        order = lock(addition.line.order)
        if not transitions.move(
            addition, AdditionStatus.INSTALLED, by="provider", installed_at=clock.now()
        ):
            return
        mail.licences_added(addition)
        progress.finish(order)
