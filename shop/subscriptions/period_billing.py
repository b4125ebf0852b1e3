"""Billing of periods: each is recorded once, with its invoice.

That is on its first day, ahead of it, or after a suspension for the rest of the running period.
Unless a docstring says otherwise, the caller's transaction has locked the subscription.
"""

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

# --- On the first day ------------------------------------------------------------------------


def open_next(subscription: Subscription) -> None:
    """Begin the next period of a subscription."""
    period = periods.next_period(
        Period(subscription.period_start, subscription.period_end), subscription.anchor
    )
    renewal = subscriptions.billed_ahead(subscription)
    if renewal is None:
        renewal = bill_period(subscription, previews.renewal(subscription, period), clock.now())
    else:
        _open_billed_ahead(subscription, renewal, period)
    _advance(subscription, period, renewal.price_id)
    _end_given_back_seats(subscription.group_id, period.start)


def catch_up(subscription: Subscription) -> Subscription:
    """Make the renewals that are due, if the billing run is late, and return the subscription.

    Needed before the end of a service or licence is decided. Raise `Refusal` where the end of the
    group itself is due.
    """
    while subscription.renews_on is not None and subscription.renews_on <= clock.today():
        if ending.due_termination(subscription, subscription.renews_on):
            raise Refusal(subscriptions.NOT_RUNNING)
        open_next(subscription)
        subscription = Subscription.get_by_id(subscription.id)
    return subscription


def bill_period(subscription: Subscription, due: Preview, opened_at: datetime | None) -> Renewal:
    """Record a period as charged and issue its invoice, in the caller's transaction.

    Raise `peewee.IntegrityError` where it was charged before.
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
    """Begin a period that was invoiced ahead; licences added since are charged by a supplement."""
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


def _end_given_back_seats(group_id: int, day: date) -> None:
    """Queue the removal of the licences that were given back by a day."""
    due = GiveBack.select().where(
        GiveBack.group == group_id,
        GiveBack.status == TerminationStatus.SCHEDULED,
        GiveBack.ends_on <= day,
    )
    if due.exists():
        kinds.end_seats.later(group=group_id, day=day.isoformat(), tries=1)


# --- Charged and not delivered -----------------------------------------------------------------


def credit_undelivered(addition: Addition, *, by: str) -> None:
    """Credit what renewals charged for licences in delivery that then failed.

    Runs in the caller's transaction.
    """
    group = LicenceGroup.get_by_id(addition.group_id)
    renewed = Renewal.select().where(
        Renewal.group == group, Renewal.period_start >= addition.renewal_on
    )
    for renewal in renewed.order_by(Renewal.period_start):
        if not _was_in_delivery(addition, renewal.made_at):
            continue
        number = addition.line.quantity
        charged = [each for each in (renewal.supplement, renewal.invoice) if each is not None]
        if charged and not any(
            period_invoices.credit_undelivered(each, group, number, by=by) for each in charged
        ):
            log.error("undelivered_licences_not_credited", group=group.name, licences=number)


def _was_in_delivery(addition: Addition, at: datetime) -> bool:
    """Return whether a failed addition was in delivery at a moment, by its history."""
    moves = [event for event in transitions.history(addition) if event.at <= at]
    return not moves or moves[-1].to_status != AdditionStatus.FAILED


# --- After a suspension ----------------------------------------------------------------------


def is_covered(subscription: Subscription, ahead: Renewal | None) -> bool:
    """Return whether today is charged already: resuming the service charges nothing.

    ``ahead`` is the renewal that was paid ahead, if any.
    """
    return clock.today() < (ahead.period_end if ahead else subscription.period_end)


def due_on_resumption(subscription: Subscription, ahead: Renewal | None) -> list[Preview]:
    """Return what a suspended service is charged at once if it resumes today.

    ``ahead`` is the renewal that was paid ahead, if any.

    That is the rest of the running month where the paid period is over, and licences added since a
    renewal that was paid ahead.
    """
    if clock.today() < subscription.period_end:
        return []
    due, last = [], Period(subscription.period_start, subscription.period_end)
    if ahead is not None:
        last = Period(ahead.period_start, ahead.period_end)
        more = previews.rest_of(subscription, last, ahead)
        due += [more] if more else []
    if last.end <= clock.today():
        due.append(_rest_of_month(subscription))
    return [each for each in due if each.totals.total_cents >= money.LEAST_CENTS]


def _rest_of_month(subscription: Subscription) -> Preview:
    whole = periods.period_of(clock.today(), subscription.anchor)
    rest = Period(clock.today(), whole.end)
    share = periods.share_left(whole, clock.now()) if rest.start > whole.start else None
    return previews.renewal(subscription, rest, share=share)


def restart_billing(subscription: Subscription, *, charge: bool = True) -> None:
    """Let a subscription renew again from now on, in the caller's transaction.

    Periods that began during the suspension are not charged, except one that was paid ahead. If the
    paid period is over, the rest of the running one is charged by the day (`due_on_resumption`),
    unless ``charge`` is false.
    """
    running = Period(subscription.period_start, subscription.period_end)
    ahead = subscriptions.paid_ahead(subscription)
    if ahead is not None and running.end <= clock.today():
        running = Period(ahead.period_start, ahead.period_end)
        _open_billed_ahead(subscription, ahead, running)
        _advance(subscription, running, ahead.price_id)
        _end_given_back_seats(subscription.group_id, running.start)
    if clock.today() < running.end:
        return
    due = _rest_of_month(subscription)
    price = due.price.id
    if charge:
        price = bill_period(subscription, due, clock.now()).price_id
    _advance(subscription, due.period, price)
    _end_given_back_seats(subscription.group_id, due.period.start)


# --- Ahead of the first day ------------------------------------------------------------------


def bill_ahead(subscription: Subscription) -> Invoice:
    """Return the invoice of the next renewal, to be paid ahead; issue it unless it exists.

    A new one may be paid by the customer's balance. Runs in its own transaction. Raise `Refusal`
    where there is no next renewal, it costs nothing, it is paid already, or an earlier invoice is
    not.
    """
    with database.atomic():
        row = lock(subscription)
        if receivables.unpaid_invoices(row.group_id):
            raise Refusal(N_("Pay the invoices that are due first."))
        ahead = subscriptions.billed_ahead(row)
        is_new = ahead is None
        if ahead is None:
            ahead = _bill_next(row)
        if ahead.invoice is None or not (is_new or ahead.invoice.is_payable):
            raise Refusal(N_("The next renewal is paid already."))
        return ahead.invoice


def _bill_next(subscription: Subscription) -> Renewal:
    due = previews.preview(subscription)
    if due is None or due.totals.total_cents < money.LEAST_CENTS:
        raise Refusal(N_("There is no renewal to be paid for this service."))
    return bill_period(subscription, due, None)


def credit_unpaid_ahead(subscription: Subscription, by: str) -> None:
    """Credit the invoice of the next renewal if it was issued ahead and is not paid.

    Runs in the caller's transaction. A payment of that invoice after this is refunded.
    """
    ahead = subscriptions.billed_ahead(subscription)
    if ahead is None or ahead.invoice is None or not ahead.invoice.is_payable:
        return
    period_invoices.credit_unwanted(ahead.invoice, by=by)
    Renewal.delete().where(Renewal.id == ahead.id).execute()
