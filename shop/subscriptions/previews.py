"""Previews of renewals: as they will be charged if nothing changes before their day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from records.batches import in_batches
from records.subscriptions import Renewal, Subscription
from records.terminations import Termination, TerminationStatus
from shop.pricing.money import Share
from shop.pricing.periods import Period
from shop.subscriptions import renewal_price, subscriptions
from shop.subscriptions.renewal_price import Preview


def renewal(subscription: Subscription, period: Period, *, share: Share | None = None) -> Preview:
    """Return the renewal of a subscription for a period, or for a part (``share``) of one."""
    facts = renewal_price.facts(subscription, period)
    return renewal_price.preview_of(replace(facts, share=share))


def rest_of(subscription: Subscription, period: Period, ahead: Renewal) -> Preview | None:
    """Return what is left to charge of a renewal that was invoiced ahead; None if nothing is."""
    return renewal_price.rest_of(renewal_price.facts(subscription, period), ahead)


# --- Coming renewals -------------------------------------------------------------------------


def preview(subscription: Subscription) -> Preview | None:
    """Return the next renewal of a subscription; None if it will not renew.

    It equals the invoice issued on its day to the cent, unless something changes before.
    """
    return next(iter(renewals_until(subscription, subscription.renews_on)), None)


def renewals_until(subscription: Subscription, day: date | None) -> Iterator[Preview]:
    """Yield the renewals of a subscription up to and including a day, oldest first."""
    if subscription.renews_on is None or day is None:
        return
    ahead = subscriptions.billed_ahead(subscription)
    for period in renewal_price.coming_periods(subscription, _ends_on(subscription)):
        if period.start > day:
            return
        facts = renewal_price.facts(subscription, period)
        yield renewal_price.preview_of(
            replace(facts, ahead=ahead if period.start == subscription.period_end else None)
        )


def _ends_on(subscription: Subscription) -> date | None:
    return (
        Termination.select(Termination.ends_on)
        .where(
            Termination.group == subscription.group_id,
            Termination.status == TerminationStatus.SCHEDULED,
        )
        .scalar()
    )


def due_by(day: date) -> Iterator[Preview]:
    """Yield the renewals that a billing run until a day would charge, group by group."""
    due = Subscription.select().where(Subscription.renews_on <= day)
    for subscription in in_batches(due, Subscription.id):
        yield from (each for each in renewals_until(subscription, day) if not each.is_paid)
