"""The end of a group on its day: by the run that would renew it, or by a job of its own."""

from __future__ import annotations

from datetime import date, timedelta

from records.base import database
from records.groups import LicenceGroup
from records.subscriptions import Subscription
from records.terminations import Termination, TerminationStatus
from shop import clock, jobs, mail, transitions
from shop.sandbox_link import test_points
from shop.subscriptions import subscriptions


@jobs.handles("end_group", attempts=100, first_delay=timedelta(seconds=10))
def end_group(termination: int) -> None:
    """End a group on its day; a run that renews may have done it already."""
    row = Termination.get_by_id(termination)
    with database.atomic():
        subscription = subscriptions.held(row.group)
        if row.ends_on:
            end_if_due(subscription, clock.today())


def end_if_due(subscription: Subscription, day: date) -> bool:
    """End a group whose termination takes effect by a day, in the transaction of the caller, who
    holds its subscription. False if it has none."""
    termination = due(subscription, day)
    if termination is None:
        return False
    test_points.point("terminations.end")
    end_now(subscription, termination, by="shop")
    return True


def due(subscription: Subscription, day: date) -> Termination | None:
    """The termination of a group that takes effect by a day, if any."""
    return Termination.get_or_none(
        Termination.group == subscription.group_id,
        Termination.status == TerminationStatus.SCHEDULED,
        Termination.ends_on <= day,
    )


def end_now(subscription: Subscription, termination: Termination, *, by: str) -> None:
    """Carry a termination out, in the same way."""
    group = LicenceGroup.get_by_id(subscription.group_id)
    transitions.move(termination, TerminationStatus.DONE, by=by, closed_at=clock.now())
    if subscriptions.end(group, by=by, note=termination.cause):
        mail.service_terminated(subscription, termination)
