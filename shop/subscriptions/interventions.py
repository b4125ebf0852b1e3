"""What the operator does to a service, each with a reason that the customer is told.

A service that the operator suspended is resumed by the operator alone; while it is suspended,
nothing is charged for new periods.
"""

from __future__ import annotations

from records.base import database
from records.groups import GroupStatus, LicenceGroup
from records.subscriptions import Subscription, SubscriptionStatus
from records.terminations import Termination, TerminationCause, TerminationStatus
from shop import clock, mail, transitions
from shop.errors import N_, Conflict, Refusal
from shop.subscriptions import (
    ending,
    period_billing,
    resumption,
    subscriptions,
    suspension,
    terminations,
)

LONGEST = 255
"""The number of characters of a reason that are kept."""


def _checked(reason: str) -> str:
    said = " ".join(reason.split())
    if not said:
        raise Refusal(N_("Give the reason: the customer is told."), "reason")
    if len(said) > LONGEST:
        raise Refusal(N_("The reason is longer than 255 characters."), "reason")
    return said


def suspend(group: LicenceGroup, reason: str, *, by: str) -> Subscription:
    """Suspend a service until the operator resumes it.

    One that is suspended for lack of payment is then not resumed by payment. An invoice of the next
    renewal that was issued ahead and is not paid is credited. Raise `Refusal` without a reason,
    for a service that has ended, and one that the operator has suspended already.
    """
    reason = _checked(reason)
    with database.atomic():
        row = terminations.running(group)
        if row.is_held:
            raise Conflict(N_("This service is suspended already."))
        if row.is_suspended:
            Subscription.update(hold_reason=reason).where(Subscription.id == row.id).execute()
            row.hold_reason = reason
            transitions.record(row, "subscription_held", by=by, note=reason)
        else:
            period_billing.credit_unpaid_ahead(row, by=by)
            suspend_now(row, by=by, note=reason, hold_reason=reason)
        mail.service_suspended_by_us(row, reason)
    return row


def suspend_now(subscription: Subscription, *, by: str, note: str, hold_reason: str = "") -> None:
    """Suspend a running service, in the caller's transaction, which has locked its subscription.

    Unpaid orders of licences for it are cancelled.
    """
    group = LicenceGroup.get_by_id(subscription.group_id)
    if not transitions.move(group, GroupStatus.SUSPENDED, by=by, note=note):
        raise subscriptions.SubscriptionMoved
    number = subscription.suspensions + 1
    transitions.move(
        subscription, SubscriptionStatus.SUSPENDED, by=by, note=note, hold_reason=hold_reason,
        renews_on=None, suspended_at=clock.now(), suspensions=number,
    )  # fmt: skip
    subscriptions.close_unpaid_additions(group)
    suspension.suspend_group.using(key=f"suspend_group:{group.id}:{number}").later(group=group.id)


def resume(group: LicenceGroup, reason: str, *, by: str) -> Subscription:
    """Resume a suspended service, whoever suspended it; what is owed for it stays owed.

    The end that was scheduled for lack of payment is undone. Raise `Refusal` without a reason, and
    for a service that is not suspended.
    """
    reason = _checked(reason)
    with database.atomic():
        row = terminations.running(group)
        if not row.is_suspended:
            raise Refusal(N_("This service is not suspended."))
        terminations.cancel_unpaid(group)
        resumption.resume(row, by=by, note=reason)
        mail.service_resumed_by_us(row, reason)
    return row


def end_service(group: LicenceGroup, reason: str, *, by: str) -> Termination:
    """End a service at once. What was paid for later days is the operator's to credit.

    Raise `Refusal` without a reason, and for a service that has ended.
    """
    reason = _checked(reason)
    with database.atomic():
        row = terminations.running(group)
        period_billing.credit_unpaid_ahead(row, by=by)
        earlier = terminations.for_group(group)
        if earlier is not None:
            transitions.move(earlier, TerminationStatus.UNDONE, by=by, closed_at=clock.now())
        termination = Termination.create(
            group=group, cause=TerminationCause.OPERATOR, reason=reason, ends_on=clock.today(),
            asked_at=clock.now(),
        )  # fmt: skip
        transitions.record(termination, "termination_by_operator", by=by, note=reason)
        ending.end_now(row, termination, by=by)
    return termination


def reason_of_end(group: LicenceGroup) -> str:
    """Return why the operator ended a group; "" if the operator did not."""
    reason = Termination.select(Termination.reason).where(
        Termination.group == group, Termination.status == TerminationStatus.DONE
    )
    return reason.scalar() or ""
