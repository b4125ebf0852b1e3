"""Notices before a renewal and before a card expires, 7 days before and the day before, and
before a free period ends, 7 days before.

Each is sent once, by a compare-and-set on the row it is about. After a down time of some days
only the notice whose day it is is sent, not both at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from peewee import ModelSelect, fn

from records.base import database, lock
from records.batches import in_batches
from records.cards import Card
from records.groups import LicenceGroup
from records.subscriptions import Subscription
from shop import clock, jobs, mail
from shop.jobs import kinds
from shop.licences.seats import idle
from shop.payments import mandates
from shop.pricing import money
from shop.subscriptions import coming, dunning, previews
from shop.subscriptions.renewal_price import Preview

FIRST, LAST = timedelta(days=7), timedelta(days=1)
"""How long before the day the two notices are sent."""


@jobs.handles("announce_renewals", attempts=20, first_delay=timedelta(minutes=1))
def announce_renewals() -> None:
    """Announce renewals and expiring cards to customers."""
    announce_all(clock.today())


def announce_all(today: date) -> None:
    """Send every notice that is due on a day; idempotent."""
    for subscription in in_batches(_renewing_soon(today), Subscription.renews_on, Subscription.id):
        _announce_renewal(subscription, today)
    for expiring in _expiring_soon(today):
        for card in in_batches(expiring, Card.id):
            _announce_expiry(card, today)


# --- Renewals --------------------------------------------------------------------------------


def _renewing_soon(today: date) -> ModelSelect[Subscription]:
    day = Subscription.renews_on
    unreminded = Subscription.reminded_for.is_null() | (Subscription.reminded_for < day)
    return Subscription.select().where(
        day > today,
        day <= today + FIRST,
        Subscription.told_for.is_null()
        | (Subscription.told_for < day)
        | ((day <= today + LAST) & unreminded),
    )


def _announce_renewal(subscription: Subscription, today: date) -> None:
    with database.atomic():
        row = lock(subscription)
        day = row.renews_on
        if day is None or day <= today:
            return
        is_last = day <= today + LAST
        if (row.reminded_for if is_last else row.told_for) == day:
            return
        noted = {"told_for": day, "reminded_for": day} if is_last else {"told_for": day}
        Subscription.update(**noted).where(Subscription.id == row.id).execute()
        due = previews.preview(row)
        if due is not None and _is_to_be_paid(due) and (is_last or row.free_until != day):
            # The end of a free period has a notice of its own 7 days before.
            _send(row, due, is_last=is_last)


def _is_to_be_paid(due: Preview) -> bool:
    return not due.is_paid and due.totals.total_cents >= money.LEAST_CENTS


def _send(subscription: Subscription, due: Preview, *, is_last: bool) -> None:
    group = LicenceGroup.get_by_id(subscription.group_id)
    configured = group.seats_total - group.seats_unconfigured
    used = min(configured, due.quantity)
    paid = coming.settlement_of(subscription.account, due)
    mail.renewal_coming(
        subscription,
        mandates.card_of(subscription),
        renewal=due.period.start,
        total_cents=due.totals.total_cents,
        settled_cents=paid.settled_cents,
        from_balance_cents=paid.from_balance_cents,
        left_cents=paid.left_cents,
        licences=due.quantity,
        used=used,
        idle=min(group.seats_idle, used),
        idle_days=idle.GRACE.days,
        unit_price_cents=due.price.amount_cents,
        suspended_on=dunning.suspended_on(clock.midnight(due.period.start)),
        is_last=is_last,
    )


# --- End of a free period --------------------------------------------------------------------


@kinds.tell_of_free_end.handler(attempts=50)
def tell_of_free_end(subscription: int) -> None:
    """E-mail what will be charged when a free period ends, 7 days before that."""
    row = Subscription.get_by_id(subscription)
    shown = previews.preview(row)
    if shown is None or row.free_until != row.period_end:
        return
    with database.atomic():
        paid = coming.settlement_of(row.account, shown)
        mail.free_period_ending(
            row,
            licences=shown.quantity,
            price_cents=shown.price.amount_cents,
            total_cents=shown.totals.total_cents,
            settled_cents=paid.settled_cents,
            from_balance_cents=paid.from_balance_cents,
            left_cents=paid.left_cents,
            charged_on=shown.period.start,
            card=mandates.card_of(row),
        )


# --- Cards -----------------------------------------------------------------------------------


def _expiring_soon(today: date) -> Iterator[ModelSelect[Card]]:
    """Yield the queries for the cards that renewals are charged to and that expire this month, or
    in a week's.
    """
    charged = Subscription.select().where(
        Subscription.card == Card.id, Subscription.renews_on.is_null(False)
    )
    for year, month in sorted({(day.year, day.month) for day in (today, today + FIRST)}):
        yield Card.select().where(
            Card.expiry_year == year, Card.expiry_month == month, Card.removed_at.is_null(),
            fn.EXISTS(charged),
        )  # fmt: skip


def _announce_expiry(card: Card, today: date) -> None:
    with database.atomic():
        row = lock(card, allow_references=True)
        day = row.valid_until
        if row.removed_at is not None or not today <= day - LAST or day > today + FIRST:
            return
        is_last = day <= today + LAST
        if (row.reminded_for if is_last else row.told_for) == day:
            return
        noted = {"told_for": day, "reminded_for": day} if is_last else {"told_for": day}
        Card.update(**noted).where(Card.id == row.id).execute()
        services = [each.group.display_name for each in mandates.charged_to(row)]
        mail.card_expiring(row, services, is_last=is_last)
