"""What customers owe for periods: whose an invoice is, what is unpaid, and the first attempt."""

from __future__ import annotations

from records.accounts import Account
from records.groups import LicenceGroup
from records.invoices import PAYABLE, Invoice
from records.subscriptions import Reminder, Renewal, Subscription, SubscriptionStatus
from shop.jobs import kinds

NOTICE = 4
"""The stage of a reminder that says that the service will end."""


def collect(invoice: Invoice) -> None:
    """Have an invoice charged to its customer's card, in the transaction that makes it due."""
    if invoice.is_payable:
        kinds.collect_invoice.later(invoice=invoice.id, stage=0)


def subscription_of(invoice: Invoice) -> Subscription | None:
    """The subscription an invoice renews; None for the invoice of an order."""
    return (
        Subscription.select()
        .join(Renewal, on=(Renewal.group == Subscription.group))
        .where((Renewal.invoice == invoice) | (Renewal.supplement == invoice))
        .first()
    )


def unpaid_of(group_id: int) -> list[Invoice]:
    """The invoices of a group's periods that are not paid, oldest first."""
    renewing = (Renewal.invoice == Invoice.id) | (Renewal.supplement == Invoice.id)
    return list(
        Invoice.select()
        .join(Renewal, on=renewing)
        .where(
            Renewal.group == group_id,
            Renewal.opened_at.is_null(False),
            Invoice.status.in_(PAYABLE),
        )
        .order_by(Invoice.id)
    )


def notice_was_given(group_id: int) -> bool:
    """Whether the customer of a group was told the day on which it ends unless it is paid."""
    unpaid = [invoice.id for invoice in unpaid_of(group_id)]
    told = Reminder.select().where(Reminder.stage == NOTICE, Reminder.invoice.in_(unpaid))
    return bool(unpaid) and told.exists()


def owed(account: Account) -> list[Subscription]:
    """The customer's services that are unpaid or suspended, for what warns of it on every page."""
    late = (SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED)
    return list(
        Subscription.select(Subscription, LicenceGroup)
        .join(LicenceGroup)
        .where(Subscription.account == account, Subscription.status.in_(late))
        .order_by(Subscription.id)
    )
