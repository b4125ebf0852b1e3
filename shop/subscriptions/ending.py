"""The end of a group on its scheduled day: by the billing run or by its own job."""

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
    """End a group on its day, unless a billing run has ended it already."""
    row = Termination.get_by_id(termination)
    with database.atomic():
        subscription = subscriptions.locked_for_group(row.group)
        if row.ends_on:
            end_if_due(subscription, clock.today())


def end_if_due(subscription: Subscription, day: date) -> bool:
    """End a group whose termination takes effect by a day; return False if it has none.

    Runs in the caller's transaction, which has locked the subscription.
    """
    termination = due_termination(subscription, day)
    if termination is None:
        return False
    test_points.point("terminations.end")
    end_now(subscription, termination, by="shop")
    return True


def due_termination(subscription: Subscription, day: date) -> Termination | None:
    """Return the scheduled termination of a group that takes effect by a day, if any."""
    return Termination.get_or_none(
        Termination.group == subscription.group_id,
        Termination.status == TerminationStatus.SCHEDULED,
        Termination.ends_on <= day,
    )


def end_now(subscription: Subscription, termination: Termination, *, by: str) -> None:
    """Carry out a termination, in the caller's transaction, which has locked the subscription."""
    group = LicenceGroup.get_by_id(subscription.group_id)
    transitions.move(termination, TerminationStatus.DONE, by=by, closed_at=clock.now())
    if subscriptions.terminate_group(group, by=by, note=termination.cause):
        mail.service_terminated(subscription, termination)
