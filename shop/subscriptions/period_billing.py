"""Periods charged: written down once, with their invoice; on their day, ahead of it, or for what
is left of one after a suspension. The caller holds the subscription, in its transaction."""

from __future__ import annotations

from datetime import date, datetime

import structlog

from records.base import database, lock
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.invoices import Invoice
from records.subscriptions import Renewal, Subscription
from records.terminations import GiveBack, TerminationStatus
from shop import clock, transitions
from shop.errors import N_, Refusal
from shop.invoicing import receivables
from shop.jobs import kinds
from shop.pricing import money, periods
from shop.pricing.periods import Period
from shop.subscriptions import ending, period_invoices, previews, subscriptions
from shop.subscriptions.renewal_price import Preview

log = structlog.get_logger()

# --- On its day ------------------------------------------------------------------------------


def open_next(subscription: Subscription) -> None:
    """Begin the next period of a subscription that the caller holds."""
    period = periods.next_period(
        Period(subscription.period_start, subscription.period_end), subscription.anchor
    )
    renewal = subscriptions.billed_ahead(subscription)
    if renewal is None:
        renewal = bill_period(subscription, previews.renewal(subscription, period), clock.now())
    else:
        _open_billed_ahead(subscription, renewal, period)
    _advance(subscription, period, renewal.price_id)
    _take_away_given_back(subscription.group_id, period.start)


def catch_up(subscription: Subscription) -> Subscription:
    """The subscription once its renewals of by now are made, for a caller who holds it and is about
    to decide when something ends: a run may be late.

    Raises `Refusal` where its end is due instead.
    """
    while subscription.renews_on is not None and subscription.renews_on <= clock.today():
        if ending.due(subscription, subscription.renews_on):
            raise Refusal(subscriptions.NOT_RUNNING)
        open_next(subscription)
        subscription = Subscription.get_by_id(subscription.id)
    return subscription


def bill_period(subscription: Subscription, due: Preview, opened_at: datetime | None) -> Renewal:
    """Write a period down as charged and issue its invoice, in the caller's transaction.

    Raises `peewee.IntegrityError` where it was before.
    """
    invoice = period_invoices.issue(due, for_period=opened_at is not None)
    renewal: Renewal = Renewal.create(
        group=subscription.group_id,
        period_start=due.period.start,
        period_end=due.period.end,
        quantity=due.quantity,
        price=due.price,
        days=due.line.days,
        period_days=due.line.period_days,
        invoice=invoice,
        made_at=clock.now(),
        opened_at=opened_at,
    )
    if opened_at and invoice:
        receivables.collect(invoice)
    return renewal


def _open_billed_ahead(subscription: Subscription, renewal: Renewal, period: Period) -> None:
    """Begin a period that was invoiced before its day; what joined meanwhile comes on top."""
    rest = previews.rest_of(subscription, period, renewal)
    extra = period_invoices.issue(rest, for_period=False) if rest else None
    Renewal.update(opened_at=clock.now(), supplement=extra).where(
        Renewal.id == renewal.id
    ).execute()
    for invoice in (renewal.invoice, extra):
        if invoice is not None:
            receivables.collect(invoice)


def _advance(subscription: Subscription, period: Period, price: int) -> None:
    Subscription.update(
        period_start=period.start, period_end=period.end, renews_on=period.end, price=price
    ).where(Subscription.id == subscription.id).execute()


def _take_away_given_back(group_id: int, day: date) -> None:
    """Have the licences that were given back by a day taken away."""
    due = GiveBack.select().where(
        GiveBack.group == group_id,
        GiveBack.status == TerminationStatus.SCHEDULED,
        GiveBack.ends_on <= day,
    )
    if due.exists():
        kinds.end_seats.later(group=group_id, day=day.isoformat(), tries=1)


# --- Charged, and never delivered --------------------------------------------------------------


def credit_undelivered(addition: Addition, *, by: str) -> None:
    """Credit what renewals charged for licences that were still being added on their day and then
    failed, in the caller's transaction."""
    group = LicenceGroup.get_by_id(addition.group_id)
    renewed = Renewal.select().where(
        Renewal.group == group, Renewal.period_start >= addition.renewal_on
    )
    for renewal in renewed.order_by(Renewal.period_start):
        if not _was_on_its_way(addition, renewal.made_at):
            continue
        number = addition.line.quantity
        charged = [each for each in (renewal.supplement, renewal.invoice) if each is not None]
        if charged and not any(
            period_invoices.credit_some(each, group, number, by=by) for each in charged
        ):
            log.error("undelivered licences not credited", group=group.name, licences=number)


def _was_on_its_way(addition: Addition, at: datetime) -> bool:
    """Whether an addition that failed in the end had not failed by a moment, or was tried again."""
    moves = [event for event in transitions.history(addition) if event.at <= at]
    return not moves or moves[-1].to_status != AdditionStatus.FAILED


# --- After a suspension ----------------------------------------------------------------------


def take_up_again(subscription: Subscription) -> None:
    """Let a subscription renew again from now on, in the caller's transaction.

    Periods that began while it was suspended are not charged; where the one that was paid is
    over, what is left of the running one is, by the day.
    """
    now = clock.now()
    if clock.today() < subscription.period_end:
        running = Period(subscription.period_start, subscription.period_end)
        _advance(subscription, running, subscription.price_id)
        return
    whole = periods.period_of(clock.today(), subscription.anchor)
    rest = Period(clock.today(), whole.end)
    share = periods.share_left(whole, now) if rest.start > whole.start else None
    renewal = bill_period(subscription, previews.renewal(subscription, rest, share=share), now)
    _advance(subscription, rest, renewal.price_id)
    _take_away_given_back(subscription.group_id, rest.start)


# --- Ahead of its day ------------------------------------------------------------------------


def bill_ahead(subscription: Subscription) -> Invoice:
    """The invoice of the next renewal, to be paid now; the same one until it is paid.

    Raises `Refusal` where there is no next renewal, it costs nothing, it is paid already, or an
    earlier one is not.
    """
    with database.atomic():
        row = lock(subscription)
        if receivables.unpaid_invoices(row.group_id):
            raise Refusal(N_("Pay the invoices that are due first."))
        ahead = subscriptions.billed_ahead(row)
        if ahead is None:
            ahead = _billed_now(row)
        if ahead.invoice is None or not ahead.invoice.is_payable:
            raise Refusal(N_("The next renewal is paid already."))
        return ahead.invoice


def _billed_now(subscription: Subscription) -> Renewal:
    due = previews.preview(subscription)
    if due is None or due.totals.total_cents < money.LEAST_CENTS:
        raise Refusal(N_("There is no renewal to be paid for this service."))
    return bill_period(subscription, due, None)


def take_back_ahead(subscription: Subscription, by: str) -> None:
    """Credit the next renewal where it was invoiced ahead and not paid: something else is wanted.

    In the caller's transaction. What is paid for it after that goes back.
    """
    ahead = subscriptions.billed_ahead(subscription)
    if ahead is None or ahead.invoice is None or not ahead.invoice.is_payable:
        return
    period_invoices.take_back(ahead.invoice, by=by)
    Renewal.delete().where(Renewal.id == ahead.id).execute()
