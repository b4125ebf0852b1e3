"""What renews when: subscriptions, their periods, reminders, and prices announced."""

from __future__ import annotations

from enum import StrEnum

from peewee import AutoField, CharField, Check, DateField, ForeignKeyField, IntegerField

from records.accounts import Account
from records.base import MomentField, StateMachine, Table, one_of
from records.cards import Card
from records.catalogue import Price
from records.groups import LicenceGroup
from records.invoices import Invoice
from records.payments import Payment


class SubscriptionStatus(StrEnum):
    """Where the subscription of a group stands."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


SUBSCRIPTION_MOVES: dict[str, set[str]] = {
    SubscriptionStatus.ACTIVE: {SubscriptionStatus.PAST_DUE, SubscriptionStatus.TERMINATED},
    SubscriptionStatus.PAST_DUE: {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.SUSPENDED,
        SubscriptionStatus.TERMINATED,
    },
    SubscriptionStatus.SUSPENDED: {SubscriptionStatus.ACTIVE, SubscriptionStatus.TERMINATED},
    SubscriptionStatus.TERMINATED: set(),
}


class Subscription(StateMachine):
    """The month after month of a licence group: which period is running, and how it is paid.

    ``anchor`` is the day of the month it renews on (`shop.pricing.periods`), ``period_…`` the
    period that was charged last, and ``renews_on`` when the next one is: empty while nothing is,
    because it is suspended or over. ``price`` is what a licence costs since the last renewal;
    ``free_until`` ends a first period that costs nothing. ``card`` is the one chosen for it; the
    account's newest stands in. ``suspensions`` counts them: each has its own calls to the provider.
    """

    event_subject = "subscription"
    moves = SUBSCRIPTION_MOVES

    group_id: int  # what peewee adds beside the field
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
    suspensions = IntegerField(default=0)
    suspended_at = MomentField(null=True)
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
        indexes = ((("renews_on", "id"), False),)

    @property
    def is_past_due(self) -> bool:
        """Whether a renewal is unpaid and not yet suspended for."""
        return self.status == SubscriptionStatus.PAST_DUE

    @property
    def is_suspended(self) -> bool:
        """Whether its group is suspended until what is due is paid."""
        return self.status == SubscriptionStatus.SUSPENDED

    @property
    def is_over(self) -> bool:
        """Whether nothing will be charged for it any more."""
        return self.status == SubscriptionStatus.TERMINATED


class Renewal(Table):
    """A period of a group charged: once, whoever asks and how often (design: unique).

    ``days`` of ``period_days`` days are charged where a suspension ended within the period. A
    renewal paid ahead is there before its period: ``opened_at`` says when that began, and
    ``supplement`` charges for the licences that joined in between.
    """

    group_id: int  # what peewee adds beside the field
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


class Reminder(Table):
    """A stage of asking for an unpaid invoice, reached once (lesson: unique).

    Stage 0 is the first attempt to charge it, 1 to 3 those after 3, 7 and 14 days, 4 the notice
    that the service ends. ``payment`` is the attempt, if there was a card; ``failed_at`` says
    that it failed, and ``reason`` why: the bank's machine word, or ``no_card``.
    """

    payment_id: int | None  # what peewee adds beside the field

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
    """A subscription's customer was told of a price, and from which renewal on it applies."""

    id = AutoField()
    subscription = ForeignKeyField(Subscription, backref="announcements", index=False)
    price = ForeignKeyField(Price, backref="+")
    applies_on = DateField()
    announced_at = MomentField()

    class Meta:
        indexes = ((("subscription", "price"), True),)
