"""What a suspension is at the provider: its people kept out, and let in again; in that order."""

from __future__ import annotations

from datetime import timedelta

from records.groups import GroupStatus, LicenceGroup
from records.subscriptions import Subscription
from shop import jobs
from shop.office.configured import provider
from shop.office.polling import settled_operation
from shop.office.protocol import OperationStatus

REASON = "unpaid"
"""The word the portal shows a sentence for."""

SOON = timedelta(seconds=2)


@jobs.handles("suspend_group", attempts=100, first_delay=timedelta(seconds=5))
def suspend_group(group: int) -> None:
    """Have the provider refuse a suspended group's people, with the reason."""
    row = LicenceGroup.get_by_id(group)
    subscription = Subscription.get(Subscription.group == row)
    if row.status != GroupStatus.SUSPENDED:
        return
    key = _key("suspend", row, subscription.suspensions)
    settled_operation(
        key,
        lambda: provider().suspend_tenant(key, row.domain, REASON),
        since=subscription.suspended_at,
    )
    if LicenceGroup.get_by_id(group).status == GroupStatus.INSTALLED:
        # It was paid while the provider was asked, and may have been resumed before that.
        _ask_to_resume(row, subscription.suspensions, "again")


def _key(act: str, group: LicenceGroup, number: int) -> str:
    return f"{act}-{group.name}-{number}"


def _ask_to_resume(group: LicenceGroup, number: int, which: str) -> None:
    resume_group.later(group=group.id, number=number, which=which)


def ask_to_resume(group: LicenceGroup, number: int) -> None:
    """Let a group's people in again, in the transaction that ends its suspension."""
    _ask_to_resume(group, number, "first")


@jobs.handles(
    "resume_group", attempts=100, first_delay=timedelta(seconds=1), priority=jobs.Priority.PAID
)
def resume_group(group: int, number: int, which: str) -> None:
    """Have the provider let a group's people in again."""
    row = LicenceGroup.get_by_id(group)
    subscription = Subscription.get(Subscription.group == row)
    if row.status != GroupStatus.INSTALLED or subscription.suspensions != number:
        return
    suspending = provider().find_operation(_key("suspend", row, number))
    if suspending is not None and suspending.status == OperationStatus.PENDING:
        raise jobs.Later(SOON)
    key = f"{_key('resume', row, number)}-{which}"
    settled_operation(
        key,
        lambda: provider().resume_tenant(key, row.domain),
        since=subscription.started_at,
    )
