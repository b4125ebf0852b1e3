"""Suspension at the provider: a group's users are blocked and then unblocked, in that order."""

from __future__ import annotations

from datetime import timedelta

from records.groups import GroupStatus, LicenceGroup
from records.subscriptions import Subscription
from shop import jobs
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.office.protocol import OperationStatus

UNPAID, OPERATOR = "unpaid", "operator"
"""The reason codes for which the portal shows a sentence: the users are not told more."""

RETRY_PENDING = timedelta(seconds=2)


@jobs.handles("suspend_group", attempts=100, first_delay=timedelta(seconds=5))
def suspend_group(group: int) -> None:
    """Have the provider block the users of a suspended group, with the reason."""
    row = LicenceGroup.get_by_id(group)
    subscription = Subscription.get(Subscription.group == row)
    if row.status != GroupStatus.SUSPENDED:
        return
    key = _key("suspend", row, subscription.suspensions)
    reason = OPERATOR if subscription.is_held else UNPAID
    settled_operation(
        key,
        lambda: provider().suspend_tenant(key, row.domain, reason),
        since=subscription.suspended_at,
    )
    if LicenceGroup.get_by_id(group).status == GroupStatus.INSTALLED:
        # It was resumed during the call, and the job that resumes it may have run before that.
        _queue_resume(row, subscription.suspensions, "again")


def _key(operation: str, group: LicenceGroup, number: int) -> str:
    return f"{operation}-{group.name}-{number}"


def _queue_resume(group: LicenceGroup, number: int, which: str) -> None:
    resume_group.later(group=group.id, number=number, which=which)


def resume_later(group: LicenceGroup, number: int) -> None:
    """Queue the job that resumes a group, in the transaction that ends its suspension."""
    _queue_resume(group, number, "first")


@jobs.handles(
    "resume_group", attempts=100, first_delay=timedelta(seconds=1), priority=jobs.Priority.PAID
)
def resume_group(group: int, number: int, which: str) -> None:
    """Have the provider unblock the users of a group."""
    row = LicenceGroup.get_by_id(group)
    subscription = Subscription.get(Subscription.group == row)
    if row.status != GroupStatus.INSTALLED or subscription.suspensions != number:
        return
    suspending = provider().find_operation(_key("suspend", row, number))
    if suspending is not None and suspending.status == OperationStatus.PENDING:
        raise jobs.Later(RETRY_PENDING)
    key = f"{_key('resume', row, number)}-{which}"
    settled_operation(
        key,
        lambda: provider().resume_tenant(key, row.domain),
        since=subscription.started_at,
    )
