"""What customers owe for renewals, and how charges of cards go, for the operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import SQL, ModelSelect, fn

from records.accounts import Account
from records.batches import in_batches
from records.cards import Card
from records.groups import LicenceGroup
from records.invoices import PAYABLE, Invoice, InvoiceKind
from records.payments import IS_DECLINED, Payment, PaymentStatus
from records.subscriptions import Reminder, Subscription, SubscriptionStatus
from shop import clock

STAGES = (
    "due",
    "reminded",
    "reminded_after_3_days",
    "reminded_after_7_days",
    "suspended",
    "notice_given",
)
"""The stages of an unpaid invoice: the first before any attempt failed, the others as `Reminder`
counts them."""

ALARMED_FROM = STAGES.index("reminded_after_7_days")
"""The stage from which an unpaid invoice raises an alarm: the next is the suspension, in a week."""

A_DAY = timedelta(days=1)
LEAST_DECLINED, LARGEST_SHARE = 3, 0.2
"""How many charges of a day, and which share of them, banks may decline without an alarm."""


def stage_reached() -> Any:
    """Return the index in `STAGES` that the invoice of the outer query has reached."""
    return Reminder.select(fn.COALESCE(fn.MAX(Reminder.stage) + 1, 0)).where(
        Reminder.invoice == Invoice.id, Reminder.failed_at.is_null(False)
    )


def open_invoices() -> ModelSelect[Invoice]:
    """Return the query for invoices that are due and not paid; not those issued ahead."""
    return Invoice.select().where(
        Invoice.status.in_(PAYABLE),
        Invoice.due_on <= clock.today(),
        Invoice.kind == InvoiceKind.INVOICE,
    )


@dataclass(frozen=True)
class Debts:
    """Unpaid invoices: their number and the cents owed, by stage."""

    numbers: dict[str, int]
    cents: dict[str, int]


def by_stage() -> Debts:
    """Return the unpaid invoices of all customers by stage; every stage is there."""
    rows: Any = (
        open_invoices()
        .select(
            stage_reached().alias("stage"),
            Invoice.total_cents - Invoice.credited_cents - Invoice.offset_cents,
        )
        .tuples()
    )
    numbers, cents = dict.fromkeys(STAGES, 0), dict.fromkeys(STAGES, 0)
    for stage, owed in rows:
        numbers[STAGES[stage]] += 1
        cents[STAGES[stage]] += owed
    return Debts(numbers, cents)


def soon_suspended() -> ModelSelect[Invoice]:
    """Return the query for invoices unpaid for 7 days and more, for the alarm."""
    return open_invoices().where(stage_reached() >= ALARMED_FROM)


def suspended() -> ModelSelect[Subscription]:
    """Return the query for services that are suspended because a renewal is not paid."""
    return Subscription.select().where(
        Subscription.status == SubscriptionStatus.SUSPENDED, Subscription.hold_reason == ""
    )


def declined_of_a_day() -> ModelSelect[Payment]:
    """Return the query for stored cards that banks declined within a day."""
    return Payment.select().where(SQL(IS_DECLINED), Payment.settled_at > clock.now() - A_DAY)


def charges_of_a_day() -> dict[str, int]:
    """Return the number of stored cards charged within a day, by the bank's answer."""
    query = (
        Payment.select(Payment.status, fn.COUNT(Payment.id))
        .where(Payment.settled_at > clock.now() - A_DAY, Payment.card.is_null(False))
        .group_by(Payment.status)
    )
    rows: Any = query.tuples()
    found: dict[str, int] = dict(rows)
    declined = found.pop(PaymentStatus.DECLINED, 0)
    return {"declined": declined, "charged": sum(found.values())}


def declined_share(charges: dict[str, int]) -> float:
    """Return the share of charges that banks declined, from 0 to 1."""
    return charges["declined"] / max(1, sum(charges.values()))


def too_many_declined(charges: dict[str, int] | None = None) -> int:
    """Return the number of charges declined within a day if that is many, else 0."""
    charges = charges_of_a_day() if charges is None else charges
    many = charges["declined"] >= LEAST_DECLINED and declined_share(charges) > LARGEST_SHARE
    return charges["declined"] if many else 0


@dataclass(frozen=True)
class Unpaid:
    """One unpaid invoice: ``service`` and ``card`` are None where there is none.

    No card is charged for the rest that is owed after a correction.
    """

    invoice: Invoice
    stage: str
    service: LicenceGroup | None
    card: Card | None


def listed() -> Iterator[Unpaid]:
    """Yield the unpaid invoices of all customers, those due first first, with their services."""
    query = (
        open_invoices()
        .select(Invoice, Account, LicenceGroup, Subscription, Card, stage_reached().alias("stage"))
        .join(Account)
        .switch(Invoice)
        .left_outer_join(LicenceGroup, on=(LicenceGroup.id == Invoice.group))
        .left_outer_join(
            Subscription, on=(Subscription.group == LicenceGroup.id), attr="subscription"
        )
        .left_outer_join(
            Card, on=(Card.id == Subscription.card) & Card.removed_at.is_null(), attr="charged"
        )
    )
    for row in in_batches(query, Invoice.due_on, Invoice.id):
        group = row.group if row.group_id is not None else None
        subscription = getattr(group, "subscription", None)
        is_rest = row.replaces_id is not None and row.offset_cents > 0 and row.stage == 0
        card = None if is_rest else getattr(subscription, "charged", None)
        yield Unpaid(row, STAGES[row.stage], group, card)
