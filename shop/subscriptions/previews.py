"""What a renewal costs, and why: the same sums whether they are shown or invoiced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from records.accounts import Account
from records.base import database
from records.catalogue import Offer, Price
from records.groups import LicenceGroup
from records.subscriptions import Renewal, Subscription
from records.terminations import Termination, TerminationStatus
from shop import clock, mail, vat
from shop.jobs import kinds
from shop.pricing import money, periods
from shop.pricing.money import Line, Share, Totals
from shop.pricing.periods import Period
from shop.subscriptions import price_changes, subscriptions

BATCH = 500


@dataclass(frozen=True)
class Preview:
    """A renewal as it will be invoiced if nothing changes until its day.

    ``price_before`` is what a licence costs now, where that is something else, and ``less`` how
    many licences are given back with this renewal. ``is_paid`` says that it was paid ahead; where
    licences joined after that, they alone are shown, and ``ahead`` is how many were paid.
    """

    subscription: Subscription
    period: Period
    price: Price
    line: Line
    totals: Totals
    price_before: int | None = None
    less: int = 0
    is_paid: bool = False
    ahead: int = 0

    @property
    def quantity(self) -> int:
        """How many licences are charged."""
        return self.line.quantity


def renewal(subscription: Subscription, period: Period, share: Share | None = None) -> Preview:
    """The renewal of a subscription for a period, or for a part of one."""
    group = LicenceGroup.get_by_id(subscription.group_id)
    price = price_changes.for_renewal(subscription, period.start)
    quantity = subscriptions.quantity_on(group, period.start)
    return _priced(subscription, group, period, price, quantity, share)


def supplement(subscription: Subscription, period: Period, price: Price, more: int) -> Preview:
    """What licences cost that joined after a period was paid ahead."""
    group = LicenceGroup.get_by_id(subscription.group_id)
    return _priced(subscription, group, period, price, more, None)


def _priced(
    subscription: Subscription, group: LicenceGroup, period: Period, price: Price,
    quantity: int, share: Share | None,
) -> Preview:  # fmt: skip
    account = Account.get_by_id(subscription.account_id)
    name = Offer.select(Offer.name).where(Offer.code == group.offer_id).scalar()
    line = Line(group.offer_id, str(name), quantity, price.amount_cents, share)
    treatment = vat.treatment_of(vat.place_of(account), period.start)
    before = Price.get_by_id(subscription.price_id).amount_cents
    return Preview(
        subscription, period, price, line, money.totals([line], treatment),
        price_before=before if before != price.amount_cents else None,
    )  # fmt: skip


# --- Shown -----------------------------------------------------------------------------------


def preview(subscription: Subscription) -> Preview | None:
    """The next renewal of a subscription; None where none will be.

    It agrees to the cent with the invoice then issued, unless something changes in between.
    """
    return next(iter(until(subscription, subscription.renews_on)), None)


def until(subscription: Subscription, day: date | None) -> Iterator[Preview]:
    """Every renewal of a subscription up to and with a day, oldest first."""
    if subscription.renews_on is None or day is None:
        return
    ends_on = _ends_on(subscription)
    period = Period(subscription.period_start, subscription.period_end)
    paid = subscriptions.paid_ahead(subscription)
    while (period := periods.next_period(period, subscription.anchor)).start <= day:
        if ends_on is not None and ends_on <= period.start:
            return
        is_paid = paid is not None and paid.period_start == period.start
        yield _shown(subscription, period, paid if is_paid else None)


def _ends_on(subscription: Subscription) -> date | None:
    return (
        Termination.select(Termination.ends_on)
        .where(
            Termination.group == subscription.group_id,
            Termination.status == TerminationStatus.SCHEDULED,
        )
        .scalar()
    )


def _shown(subscription: Subscription, period: Period, paid: Renewal | None) -> Preview:
    group = subscription.group
    gone = subscriptions.given_back_by(group, clock.today())
    less = subscriptions.given_back_by(group, period.start) - gone
    shown = replace(renewal(subscription, period), less=max(0, less))
    return shown if paid is None else rest_of(shown, paid.quantity, paid.price)


def rest_of(shown: Preview, paid: int, price: Price) -> Preview:
    """What is left to charge of a renewal of which so many licences were paid ahead, at ``price``;
    all of it, as paid, where nothing is."""
    more = shown.quantity - paid
    number = more if more > 0 else paid
    line = replace(shown.line, quantity=number, unit_price_cents=price.amount_cents)
    totals = money.totals([line], shown.totals.treatment)
    return replace(
        shown, line=line, totals=totals, price=price, price_before=None,
        is_paid=more <= 0, ahead=paid,
    )  # fmt: skip


def due_by(day: date) -> Iterator[Preview]:
    """Every renewal that a run until a day would charge, group by group."""
    last = 0
    while batch := _renewing(day, last):
        for subscription in batch:
            yield from (each for each in until(subscription, day) if not each.is_paid)
        last = batch[-1].id


def _renewing(day: date, after: int) -> list[Subscription]:
    return list(
        Subscription.select(Subscription, LicenceGroup)
        .join(LicenceGroup)
        .where(Subscription.id > after, Subscription.renews_on <= day)
        .order_by(Subscription.id)
        .limit(BATCH)
    )


# --- Told before a free period ends ----------------------------------------------------------


@kinds.tell_of_free_end.handler(attempts=50)
def tell_of_free_end(subscription: int) -> None:
    """Say what will be charged when a free period ends, 7 days before (terminable until then)."""
    row = Subscription.get_by_id(subscription)
    shown = preview(row)
    if shown is None or row.free_until != row.period_end:
        return
    with database.atomic():
        mail.free_period_ending(
            row,
            licences=shown.quantity,
            price_cents=shown.price.amount_cents,
            total_cents=shown.totals.total_cents,
            charged_on=shown.period.start,
        )
