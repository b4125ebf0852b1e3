"""Subscriptions, their renewals, reminders, and announcements of prices."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, CharField, Check, DateField, ForeignKeyField, IntegerField

from records.accounts import Account
from records.base import MomentField, StateMachine, Table, one_of
from records.cards import Card
from records.catalogue import Price
from records.groups import LicenceGroup
from records.invoices import Invoice, InvoiceStatus
from records.payments import Payment

CARD_ALLOWED, CARD_WITHDRAWN = "card_allowed", "card_withdrawn"
"""The events of a customer's consent to charge a card for a service, and of its end."""


class SubscriptionStatus(StrEnum):
    """The status of a group's subscription."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


LATE = (SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED)
"""A renewal is not paid, or the group is suspended."""

SUBSCRIPTION_MOVES: dict[str, set[str]] = {
    SubscriptionStatus.ACTIVE: {
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.SUSPENDED,
        SubscriptionStatus.TERMINATED,
    },
    SubscriptionStatus.PAST_DUE: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.SUSPENDED,
        SubscriptionStatus.TERMINATED,
    },
    SubscriptionStatus.SUSPENDED: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.TERMINATED,
    },
    SubscriptionStatus.TERMINATED: set(),
}


class Subscription(StateMachine):
    """The monthly subscription of a licence group: its current period, and how it is paid.

    ``anchor`` is the day of the month it renews on (`shop.pricing.periods`), ``period_…`` the last
    period charged, and ``renews_on`` the day of the next renewal: empty while it is suspended or
    terminated. ``price`` is the price of a licence since the last renewal; ``free_until`` ends a
    free first period. ``card`` is the card that its customer lets it be charged to; without one,
    they pay each renewal. ``told_for`` and ``reminded_for`` are the renewal that they were told of
    7 days and 1 day before. ``suspensions`` counts the suspensions: each has idempotency keys of
    its own at the provider. ``hold_reason`` is the operator's reason where the operator suspended
    the service: payment does not resume it then.
    """

    event_subject = "subscription"
    moves = SUBSCRIPTION_MOVES

    group_id: int  # added by Peewee; declared for mypy
    account_id: int
    price_id: int
    card_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, unique=True, backref="subscriptions")
    account = ForeignKeyField(Account, backref="subscriptions")
    status = CharField(max_length=16, default=SubscriptionStatus.ACTIVE)
    anchor = IntegerField()
    started_at = MomentField()
    period_start = DateField()
    period_end = DateField()
    renews_on = DateField(null=True)
    free_until = DateField(null=True)
    price = ForeignKeyField(Price, backref="+")
    card = ForeignKeyField(Card, null=True, backref="+")
    told_for = DateField(null=True)
    reminded_for = DateField(null=True)
    suspensions = IntegerField(default=0)
    suspended_at = MomentField(null=True)
    hold_reason = CharField(max_length=255, default="")
    ended_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", SubscriptionStatus),
            Check("anchor BETWEEN 1 AND 31"),
            Check("period_end > period_start"),
            Check("(renews_on IS NULL) = (status IN ('suspended', 'terminated'))"),
            Check("renews_on IS NULL OR renews_on = period_end"),
            Check("(suspended_at IS NULL) OR (status IN ('suspended', 'terminated'))"),
            Check("(ended_at IS NULL) = (status <> 'terminated')"),
        ]
        indexes = (
            (("renews_on", "id"), False),
            (("status",), False),
            (("account", "status", "id"), False),
            (("account", "renews_on", "id"), False),
            (("account", "card", "renews_on", "id"), False),
        )

    @property
    def is_past_due(self) -> bool:
        """Whether a renewal is unpaid and the group not suspended yet."""
        return self.status == SubscriptionStatus.PAST_DUE

    @property
    def is_suspended(self) -> bool:
        """Whether the group is suspended: until it is paid, or by the operator (`is_held`)."""
        return self.status == SubscriptionStatus.SUSPENDED

    @property
    def is_free(self) -> bool:
        """Whether its current period is the free one."""
        return self.free_until is not None and self.free_until == self.period_end

    @property
    def is_held(self) -> bool:
        """Whether the operator suspended the group, for a reason that payment does not settle."""
        return self.is_suspended and bool(self.hold_reason)

    @property
    def is_over(self) -> bool:
        """Whether the subscription is terminated: nothing more will be charged."""
        return self.status == SubscriptionStatus.TERMINATED


class Renewal(Table):
    """A period of a group that was charged; a unique index lets each be charged once.

    ``days`` of ``period_days`` days are charged where a suspension ended within the period. A
    renewal paid in advance exists before its period: ``opened_at`` is when that began, and
    ``supplement`` charges for the licences added in between.
    """

    group_id: int  # added by Peewee; declared for mypy
    price_id: int
    invoice_id: int | None

    id = AutoField()
    group = ForeignKeyField(LicenceGroup, backref="renewals", index=False)
    period_start = DateField()
    period_end = DateField()
    quantity = IntegerField()
    price = ForeignKeyField(Price, backref="+")
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    invoice = ForeignKeyField(Invoice, null=True, unique=True, backref="renewals")
    supplement = ForeignKeyField(Invoice, null=True, unique=True, backref="+")
    made_at = MomentField()
    opened_at = MomentField(null=True)

    class Meta:
        constraints = [
            Check("period_end > period_start"),
            Check("quantity > 0"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
        ]
        indexes = ((("group", "period_start"), True),)

    @property
    def is_paid(self) -> bool:
        """Whether its invoice is paid."""
        return self.invoice is not None and self.invoice.status == InvoiceStatus.PAID


class Reminder(Table):
    """A stage in collecting an unpaid invoice; a unique index lets each be reached once.

    Stage 0 is the first attempt to charge it, 1 to 3 those after 3, 7 and 14 days, 4 the notice
    that the service ends. ``payment`` is the attempt, if there was a card; ``failed_at`` is when it
    failed, and ``reason`` why: the bank's error code, ``no_card``, or ``taken_back`` where the bank
    took the payment back for good.
    """

    payment_id: int | None  # added by Peewee; declared for mypy

    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="reminders", index=False)
    stage = IntegerField()
    payment = ForeignKeyField(Payment, null=True, backref="+")
    reason = CharField(max_length=64, default="")
    at = MomentField()
    failed_at = MomentField(null=True)

    class Meta:
        constraints = [Check("stage BETWEEN 0 AND 4")]
        indexes = ((("invoice", "stage"), True),)


class PriceAnnouncement(Table):
    """A price announced to a subscription's customer, and the renewal from which it applies."""

    id = AutoField()
    subscription = ForeignKeyField(Subscription, backref="announcements", index=False)
    price = ForeignKeyField(Price, backref="+")
    applies_on = DateField()
    announced_at = MomentField()

    class Meta:
        indexes = ((("subscription", "price"), True),)


class ContractAnnouncement(Table):
    """A new version of a contract announced to a customer, and from when it applies to them.

    It does so with the first renewal of each service from that day on (general terms, 19).
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="+", index=False)
    kind = CharField(max_length=32)
    version = IntegerField()
    applies_on = DateField()
    announced_at = MomentField()

    class Meta:
        constraints = [Check("version > 0")]
        indexes = ((("account", "kind", "version"), True),)
