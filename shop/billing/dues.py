"""What customers owe for periods: whose an invoice is, what is unpaid, and the first attempt."""

from __future__ import annotations

from models import (
    Account,
    Invoice,
    LicenceGroup,
    Reminder,
    Renewal,
    Subscription,
    SubscriptionStatus,
)
from shop import jobs

NOTICE = 4
"""The stage of a reminder that says that the service will end."""


def collect(invoice: Invoice) -> None:
    """Have an invoice charged to its customer's card, in the transaction that makes it due."""
    if invoice.is_payable:
        jobs.enqueue(
            "collect_invoice", f"collect_invoice:{invoice.id}:0", invoice=invoice.id, stage=0
        )


def of(invoice: Invoice) -> Subscription | None:
    """The subscription an invoice renews; None for the invoice of an order."""
    found: Subscription | None = (
        Subscription.select()
        .join(Renewal, on=(Renewal.group == Subscription.group))
        .where((Renewal.invoice == invoice) | (Renewal.supplement == invoice))
        .first()
    )
    return found


def unpaid_of(group_id: int) -> list[Invoice]:
    """The invoices of a group's periods that are not paid, oldest first."""
    renewing = (Renewal.invoice == Invoice.id) | (Renewal.supplement == Invoice.id)
    query = (
        Invoice.select()
        .join(Renewal, on=renewing)
        .where(Renewal.group == group_id, Renewal.opened_at.is_null(False))
        .order_by(Invoice.id)
    )
    return [invoice for invoice in query if invoice.is_payable]


def notice_was_given(group_id: int) -> bool:
    """Whether a group is suspended and its customer was told the day of its end."""
    suspended = Subscription.get_or_none(
        Subscription.group == group_id, Subscription.status == SubscriptionStatus.SUSPENDED
    )
    told = Reminder.select().where(
        Reminder.stage == NOTICE, Reminder.at >= suspended.suspended_at,
        Reminder.invoice.in_([invoice.id for invoice in unpaid_of(group_id)] or [0]),
    ) if suspended else None  # fmt: skip
    return told is not None and told.exists()


def owed(account: Account) -> list[Subscription]:
    """The customer's services that are unpaid or suspended, for what warns of it on every page."""
    late = (SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED)
    return list(
        Subscription.select(Subscription, LicenceGroup)
        .join(LicenceGroup)
        .where(Subscription.account == account, Subscription.status.in_(late))
        .order_by(Subscription.id)
    )
