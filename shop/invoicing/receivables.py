"""Receivables for periods: an invoice's subscription, unpaid invoices, and the first collection."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from peewee import ModelSelect

from records.accounts import Account
from records.groups import LicenceGroup
from records.invoices import PAYABLE, Invoice
from records.subscriptions import LATE, Reminder, Renewal, Subscription
from shop import clock
from shop.jobs import kinds
from shop.sql.prepared import prepared

WAITS = (timedelta(days=3), timedelta(days=4), timedelta(days=7))
"""The delays between attempts: these follow the first failure after 3, 7 and 14 days."""

NOTICE = 4
"""The stage of the reminder that announces the end of the service."""

TAKEN_BACK = "taken_back"
"""Why the first stage of an invoice failed whose payment was lost in a dispute."""


def suspended_on(at: datetime, stage: int = 0) -> date:
    """Return the day on which a service is suspended if a stage fails ``at`` a moment, and the
    stages that follow, too."""
    return clock.day_of(at + sum(WAITS[stage:], timedelta()))


def collect(invoice: Invoice) -> None:
    """Queue the charge of an invoice to the stored card, in the transaction that makes it due."""
    if invoice.is_payable:
        kinds.collect_invoice.later(invoice=invoice.id, stage=0)


def subscription_of(invoice: Invoice) -> Subscription | None:
    """Return the subscription an invoice renews; None for the invoice of an order."""
    return (
        Subscription.select()
        .join(Renewal, on=(Renewal.group == Subscription.group))
        .where((Renewal.invoice == invoice) | (Renewal.supplement == invoice))
        .first()
    )


def has_begun(invoice: Invoice) -> bool:
    """Return whether the period that an invoice charges has begun: it is collected from then on."""
    charged = (Renewal.invoice == invoice) | (Renewal.supplement == invoice)
    return bool(Renewal.select().where(charged, Renewal.opened_at.is_null(False)).exists())


def taken_back_at(invoice: Invoice) -> datetime | None:
    """Return when the payment of an invoice was lost, since when it is reminded of; else None."""
    first: Reminder | None = Reminder.get_or_none(
        Reminder.invoice == invoice, Reminder.stage == 0, Reminder.reason == TAKEN_BACK
    )
    return first.at if first is not None else None


def unpaid_invoices(group_id: int) -> list[Invoice]:
    """Return the unpaid invoices of a group's periods, oldest first."""
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
    """Return whether a group's customer was notified of the day on which it ends if unpaid."""
    unpaid = [invoice.id for invoice in unpaid_invoices(group_id)]
    notices = Reminder.select().where(Reminder.stage == NOTICE, Reminder.invoice.in_(unpaid))
    return bool(unpaid) and notices.exists()


def unpaid_subscriptions(account: Account) -> list[Subscription]:
    """Return a customer's subscriptions that are unpaid or suspended, for the warning on pages.

    They carry the latest failed stage of their oldest unpaid invoice, for `pay_before`.
    """
    return sorted(_late_of.rows(account), key=lambda row: row.id)


def pay_before(subscription: Any) -> date | None:
    """Return the day on which a row of `unpaid_subscriptions` is suspended unless it is paid."""
    failed_at: datetime | None = Reminder.failed_at.python_value(subscription.failed_at)
    if not subscription.is_past_due or failed_at is None:
        return None
    return suspended_on(failed_at, subscription.stage)


@prepared
def _late_of(account: Account) -> ModelSelect[Subscription]:
    return (
        Subscription.select(
            Subscription,
            LicenceGroup,
            _latest_failure(Reminder.failed_at).alias("failed_at"),
            _latest_failure(Reminder.stage).alias("stage"),
        )
        .join(LicenceGroup)
        .where(Subscription.account == account, Subscription.status.in_(LATE))
    )


def _latest_failure(column: Any) -> Any:
    """Return the subquery for a column of the latest failed stage of a subscription."""
    renewing = (Renewal.invoice == Invoice.id) | (Renewal.supplement == Invoice.id)
    return (
        Reminder.select(column)
        .join(Invoice)
        .join(Renewal, on=renewing)
        .where(
            Renewal.group == Subscription.group,
            Invoice.status.in_(PAYABLE),
            Reminder.failed_at.is_null(False),
            Reminder.stage <= len(WAITS),
        )
        .order_by(Invoice.id, Reminder.stage.desc())
        .limit(1)
    )
