"""Subscriptions: one for each group, from its delivery to its end, with its period and card."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from peewee import ModelSelect, fn

from records.base import database, lock
from records.batches import in_batches
from records.cards import Card
from records.exchange import Attach
from records.groups import Addition, GroupStatus, LicenceGroup
from records.invoices import Invoice
from records.orders import Order, OrderLine, OrderStatus
from records.subscriptions import Renewal, Subscription, SubscriptionStatus
from records.terminations import GiveBack, TerminationStatus
from shop import clock, transitions
from shop.customers import holds
from shop.errors import N_, Refusal
from shop.jobs import kinds
from shop.licences.seats import seat_states
from shop.payments import mandates
from shop.pricing import periods
from shop.pricing.periods import Period
from shop.sql.prepared import prepared
from shop.subscriptions import price_changes

FREE_END_TOLD_BEFORE = timedelta(days=7)
"""The time between the e-mail that says what will be charged and the end of a free period."""

NOT_RUNNING = N_("This service is not running.")


class SubscriptionMoved(Exception):
    """Another transaction changed the group; the operation is to be retried."""


# --- Start -----------------------------------------------------------------------------------


@prepared
def _attach_of(order: Order) -> ModelSelect[Attach]:
    return Attach.select(Attach.id).where(Attach.order == order)


def start_delivered(group: LicenceGroup, order: Order) -> Subscription:
    """Begin the subscription of a group just installed, in the caller's transaction; idempotent.

    Its first period was paid with the order. Ordered through Office Attach, it is free (guide).
    """
    at = group.installed_at
    first = periods.first_period(at)
    is_free = _attach_of.first(order) is not None
    return _begin(group, order, first, at, first.end if is_free else None)


def _begin(
    group: LicenceGroup, order: Order, period: Period, at: datetime, free_until: date | None
) -> Subscription:
    begun = Subscription.add_once(
        group=group,
        account=group.account_id,
        anchor=periods.anchor_of(at),
        started_at=at,
        period_start=period.start,
        period_end=period.end,
        renews_on=period.end,
        free_until=free_until,
        price=price_changes.price_at(group.offer_id, order.placed_at),
    )
    subscription = for_group(group)
    assert subscription is not None
    if begun:
        transitions.record(subscription, "subscription_started", by="shop", to_status="active")
        mandates.allow_ordered(subscription, order)
        if free_until:
            notice_at = clock.midnight(free_until) - FREE_END_TOLD_BEFORE
            kinds.tell_of_free_end.using(run_at=notice_at).later(subscription=subscription.id)
    return subscription


def start_missing() -> int:
    """Begin the subscriptions of groups delivered before subscriptions existed; return how many.

    They begin with the running period; earlier periods are not charged.
    """
    begun = Subscription.select(Subscription.id).where(Subscription.group == LicenceGroup.id)
    missing = LicenceGroup.select().where(
        LicenceGroup.status == GroupStatus.INSTALLED,
        LicenceGroup.installed_at.is_null(False),
        ~fn.EXISTS(begun),
    )
    number = 0
    for group in in_batches(missing, LicenceGroup.id):
        running = periods.period_of(clock.today(), periods.anchor_of(group.installed_at))
        with database.atomic():
            _begin(group, group.line.order, running, group.installed_at, None)
        number += 1
    return number


# --- Reading ---------------------------------------------------------------------------------


def for_group(group: LicenceGroup) -> Subscription | None:
    """Return the subscription of a group; None before its delivery."""
    return _of_group.first(group)


@prepared
def _of_group(group: LicenceGroup) -> ModelSelect[Subscription]:
    return Subscription.select().where(Subscription.group == group)


def locked_for_group(group: LicenceGroup) -> Subscription:
    """Return the subscription of a group, locked for the caller's transaction.

    Raise `Refusal` where there is none.
    """
    subscription = for_group(group)
    if subscription is None:
        raise Refusal(NOT_RUNNING)
    ahead = billed_ahead(subscription)
    if ahead is not None and ahead.invoice is not None:
        # It may be credited: settlement locks the invoice before its subscription, too.
        lock(ahead.invoice)
    return lock(subscription)


def next_end(subscription: Subscription) -> date:
    """Return the first day that is not charged yet, on which a service or licence can end.

    That is the next renewal, or the one after it if the customer has paid the next ahead.
    """
    ahead = paid_ahead(subscription)
    if ahead is not None:
        return ahead.period_end
    if subscription.renews_on is None or subscription.period_end <= clock.today():
        # Suspended, or its renewal is being made: the running period counts.
        return periods.renewal_after(
            max(clock.today(), subscription.period_start), subscription.anchor
        )
    return subscription.period_end


def paid_ahead(subscription: Subscription) -> Renewal | None:
    """Return the next renewal, if its invoice was paid ahead of its day."""
    ahead = billed_ahead(subscription)
    return ahead if ahead is not None and ahead.is_paid else None


def billed_ahead(subscription: Subscription) -> Renewal | None:
    """Return the next renewal, if it was invoiced ahead of its day, paid or not."""
    return (
        Renewal.select(Renewal, Invoice)
        .join(Invoice)
        .where(
            Renewal.group == subscription.group_id,
            Renewal.period_start == subscription.period_end,
            Renewal.opened_at.is_null(),
        )
        .first()
    )


def choose_card(subscription: Subscription, card: Card | None, by: str) -> None:
    """Charge renewals to ``card``; without one, the customer pays each of them.

    Raise `Refusal` if the card is removed or another customer's, or cards are held.
    """
    with database.atomic():
        if card is None:
            mandates.withdraw(subscription, by)
        else:
            holds.check_not_held(subscription.account)
            mandates.allow(subscription, card, by)


# --- End -------------------------------------------------------------------------------------

GIVE_BACKS_AT_THE_END = {
    TerminationStatus.SCHEDULED: TerminationStatus.UNDONE,
    TerminationStatus.ENDING: TerminationStatus.DONE,
}
"""The status that each open give-back gets when its whole group ends."""


def close_unpaid_additions(group: LicenceGroup) -> None:
    """Queue that the unpaid orders of further licences for a group are cancelled."""
    unpaid = (
        Order.select()
        .join(OrderLine)
        .join(Addition)
        .where(Addition.group == group, Order.status == OrderStatus.AWAITING_PAYMENT)
    )
    for order in unpaid:
        kinds.close_addition.later(order=order.id)


def terminate_group(group: LicenceGroup, *, by: str, note: str = "") -> bool:
    """End a group and its subscription, in the caller's transaction; return False if it had ended.

    Its seats end with it, and the tenant is deleted at the provider; the customer can still view
    the group.
    """
    if group.status not in seat_states.ALIVE:
        return False
    seat_states.end_seats(group, by=by)
    if not transitions.move(group, GroupStatus.TERMINATED, by=by, note=note, places_taken=0):
        raise SubscriptionMoved
    kinds.delete_tenant.later(group=group.id)
    close_unpaid_additions(group)
    for before, after in GIVE_BACKS_AT_THE_END.items():
        GiveBack.update(status=after, closed_at=clock.now()).where(
            GiveBack.group == group, GiveBack.status == before
        ).execute()
    subscription = for_group(group)
    if subscription is not None and not subscription.is_over:
        transitions.move(
            subscription, SubscriptionStatus.TERMINATED, by=by, note=note,
            renews_on=None, ended_at=clock.now(),
        )  # fmt: skip
    return True
