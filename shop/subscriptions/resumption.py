"""Resumption of suspended services: what it starts is known, and shown, before.

A service that was suspended beyond its paid period is charged for the rest of the running month.
Payment resumes a service, unless the operator suspended it, or its customer asked for the end and
the paid period is over: it then stays suspended up to its end, and nothing more is charged. What
is written off resumes nothing.
"""

from __future__ import annotations

from records.base import database
from records.groups import GroupStatus, LicenceGroup
from records.invoices import Invoice, InvoiceStatus
from records.subscriptions import Renewal, Subscription, SubscriptionStatus
from records.terminations import Termination, TerminationCause
from shop import clock, mail, transitions
from shop.invoicing import receivables
from shop.subscriptions import ending, period_billing, subscriptions, suspension, terminations


def ends_unresumed(
    subscription: Subscription, termination: Termination | None, ahead: Renewal | None
) -> bool:
    """Return whether a suspended service stays suspended up to the end its customer asked for.

    ``termination`` and ``ahead``, the renewal paid ahead, are the subscription's, if it has any.
    """
    return is_wanted(termination) and not period_billing.is_covered(subscription, ahead)


def is_wanted(termination: Termination | None) -> bool:
    """Return whether a termination is scheduled that the customer asked for."""
    if termination is None:
        return False
    return termination.is_scheduled and termination.cause == TerminationCause.CUSTOMER


def _is_resumed_by_payment(subscription: Subscription) -> bool:
    if not subscription.is_suspended or subscription.is_held:
        return False
    termination = terminations.for_group(subscription.group)
    return not ends_unresumed(subscription, termination, subscriptions.paid_ahead(subscription))


# --- By payment ------------------------------------------------------------------------------


def resume_paid(subscription: Subscription) -> None:
    """Resume a suspended service whose last unpaid invoice was paid.

    Runs in the caller's transaction, which has locked the subscription.
    """
    terminations.cancel_unpaid(subscription.group)
    if not ending.end_if_due(subscription, clock.today()) and _is_resumed_by_payment(subscription):
        _resume_told(subscription, by="bank", note="paid")


def undo_termination(group: LicenceGroup, *, by: str) -> None:
    """Undo a termination; a service that stayed suspended because of it, and is paid, resumes.

    Raise `Refusal` where there is none, or it is too late.
    """
    with database.atomic():
        terminations.undo(group, by=by)
        subscription = terminations.running(group)
        unpaid = receivables.unpaid_invoices(subscription.group_id)
        if resumes_when_kept(subscription, unpaid):
            _resume_told(subscription, by=by, note="kept")


def resumes_when_kept(subscription: Subscription, unpaid: list[Invoice]) -> bool:
    """Return whether only the end that its customer asked for keeps a service suspended.

    ``unpaid`` are its unpaid invoices.
    """
    if not subscription.is_suspended or subscription.is_held or unpaid:
        return False
    return _was_paid(subscription)


def _was_paid(subscription: Subscription) -> bool:
    """Return whether the last period charged was paid, and not written off."""
    charging = (Renewal.invoice == Invoice.id) | (Renewal.supplement == Invoice.id)
    last = (Renewal.group == subscription.group_id) & (
        Renewal.period_end == subscription.period_end
    )
    unpaid = Invoice.select().join(Renewal, on=charging)
    return not unpaid.where(last, Invoice.status != InvoiceStatus.PAID).exists()


def _resume_told(subscription: Subscription, *, by: str, note: str) -> None:
    suspended_at = subscription.suspended_at
    assert suspended_at is not None, "it is suspended"
    resume(subscription, by=by, note=note)
    mail.service_resumed(subscription, suspended_at)


# --- Any resumption --------------------------------------------------------------------------


def resume(subscription: Subscription, *, by: str, note: str) -> None:
    """Resume a suspended service and its billing, in the caller's transaction.

    The caller has locked the subscription, and tells the customer. Nothing more is charged to one
    who asked for the end.
    """
    group = LicenceGroup.get_by_id(subscription.group_id)
    if not transitions.move(group, GroupStatus.INSTALLED, by=by, note=note):
        raise subscriptions.SubscriptionMoved
    owes = bool(receivables.unpaid_invoices(subscription.group_id))
    transitions.move(
        subscription, SubscriptionStatus.PAST_DUE if owes else SubscriptionStatus.ACTIVE,
        by=by, note=note, suspended_at=None, hold_reason="", renews_on=subscription.period_end,
    )  # fmt: skip
    suspension.resume_later(group, subscription.suspensions)
    is_ending = is_wanted(terminations.for_group(group))
    period_billing.restart_billing(subscription, charge=not is_ending)
