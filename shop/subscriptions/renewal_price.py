"""The price of a renewal: the facts it depends on, and the formula that computes its amounts.

`facts_query` reads the facts of one subscription or of a page of them; pages, previews and invoices
are all priced by `preview_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.accounts import Account
from records.catalogue import Offer, Price
from records.groups import Addition, AdditionStatus, LicenceGroup
from records.invoices import Invoice
from records.orders import BEING_DELIVERED, Order, OrderLine
from records.subscriptions import Renewal, Subscription
from records.terminations import GiveBack, TerminationStatus
from shop import clock, vat
from shop.pricing import money, periods
from shop.pricing.money import Line, Share, Totals
from shop.pricing.periods import Period
from shop.sql.prepared import prepared
from shop.subscriptions import price_changes
from shop.vat import VatTreatment


@dataclass(frozen=True)
class Facts:
    """The facts that the price of a renewal depends on.

    ``ordered`` licences are delivered, or paid and in delivery, up to its day; of those
    ``given_back`` are given back by its day and ``gone`` by today. ``price`` applies from its day
    on, ``price_now`` until then. ``share`` is the part of the period that is charged; ``ahead``
    the part of the renewal that was invoiced before its day.
    """

    subscription: Subscription
    period: Period
    offer: str
    offer_name: str
    ordered: int
    given_back: int
    gone: int
    price: Price
    price_now: Price
    treatment: VatTreatment
    share: Share | None = None
    ahead: Renewal | None = None

    @property
    def quantity(self) -> int:
        """The number of licences the renewal is for."""
        return self.ordered - self.given_back


@dataclass(frozen=True)
class Preview:
    """A renewal as it will be invoiced if nothing changes before its day.

    ``price_before`` is the present price of a licence if it differs, and ``less`` the number of
    licences given back with this renewal. ``is_paid`` says that it was paid ahead; where licences
    were added after that, only those are shown, and ``ahead`` is the number paid. Where they were
    added after it was invoiced ahead, and that is not paid, ``invoiced_cents`` can be paid ahead.
    ``issued_cents`` is the total of the invoice that is still to be issued for it, on its day.
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
    invoiced_cents: int = 0
    issued_cents: int = 0

    @property
    def quantity(self) -> int:
        """The number of licences charged."""
        return self.line.quantity

    @property
    def settled_cents(self) -> int:
        """The part of it that was paid, or credited, ahead of its day."""
        return self.totals.total_cents - self.invoiced_cents - self.issued_cents


# --- The formula -----------------------------------------------------------------------------


def preview_of(facts: Facts) -> Preview:
    """Compute the price of a renewal, of which none, a part or all may be invoiced already."""
    ahead = facts.ahead
    if ahead is None:
        return _preview(facts, facts.quantity, facts.price)
    rest = rest_of(facts, ahead)
    if ahead.is_paid:
        paid = rest or _preview(facts, ahead.quantity, ahead.price)
        return replace(
            paid, price_before=None, is_paid=rest is None, ahead=ahead.quantity,
            issued_cents=rest.issued_cents if rest else 0,
        )  # fmt: skip
    whole = _preview(facts, ahead.quantity + (rest.quantity if rest else 0), ahead.price)
    assert ahead.invoice is not None, "it was invoiced ahead"
    return replace(
        whole,
        totals=_together(ahead.invoice, rest, facts.treatment),
        invoiced_cents=ahead.invoice.balance_cents,
        issued_cents=rest.issued_cents if rest else 0,
    )


def rest_of(facts: Facts, ahead: Renewal) -> Preview | None:
    """Return what is left to charge of a renewal that was invoiced ahead; None if nothing is.

    That is the licences added since, at the same price.
    """
    more = facts.quantity - ahead.quantity
    return _preview(facts, more, ahead.price) if more > 0 else None


def _preview(facts: Facts, quantity: int, price: Price) -> Preview:
    line = Line(facts.offer, facts.offer_name, quantity, price.amount_cents, facts.share)
    before = facts.price_now.amount_cents
    totals = money.totals([line], facts.treatment)
    return Preview(
        facts.subscription, facts.period, price, line, totals,
        price_before=before if before != price.amount_cents else None,
        less=max(0, facts.given_back - facts.gone),
        issued_cents=totals.total_cents,
    )  # fmt: skip


def _together(ahead: Invoice, rest: Preview | None, treatment: VatTreatment) -> Totals:
    """Return the totals of the two invoices of one renewal: VAT is rounded in each of them."""
    charged: list[Invoice | Totals] = [ahead]
    if rest is not None:
        charged.append(rest.totals)
    return Totals(
        sum(each.net_cents for each in charged),
        sum(each.vat_cents for each in charged),
        sum(each.total_cents for each in charged),
        treatment,
    )


def coming_periods(subscription: Subscription, ends_on: date | None) -> Iterator[Period]:
    """Yield the coming periods of a subscription, the next one first.

    Endless, or up to the day on which the group ends; empty if the subscription does not renew.
    """
    if subscription.renews_on is None:
        return
    period = Period(subscription.period_start, subscription.period_end)
    while True:
        period = periods.next_period(period, subscription.anchor)
        if ends_on is not None and ends_on <= period.start:
            return
        yield period


# --- The facts -------------------------------------------------------------------------------


def facts(subscription: Subscription, period: Period) -> Facts:
    """Read the facts of one renewal: a query, and one for the account unless it was read."""
    row = _facts_of_one.first(subscription.id, period.start, clock.today())
    assert row is not None
    row.account = subscription.account
    return facts_of(row, row.account, period)


def facts_query(day: Any, today: Any) -> ModelSelect[Any]:
    """Select subscriptions with the facts of their renewal on a day: a date, or a column.

    Of offers, prices and lines only what is needed is read: PostgreSQL spends a part of the time
    for these joins on the columns of their rows, even where it finds none.
    """
    announced = Price.alias()
    return (
        Subscription.select(
            Subscription, LicenceGroup, Offer.code, Offer.name, Offer.name_fr,
            Price.id, Price.amount_cents, announced.id, announced.amount_cents,
            (OrderLine.quantity + _added(day)).alias("ordered"),
            _given_back(day).alias("given_back"),
            _given_back(today).alias("gone"),
        )
        .join(LicenceGroup)
        .join(OrderLine, on=(OrderLine.id == LicenceGroup.line))
        .switch(LicenceGroup)
        .join(Offer, on=(Offer.code == LicenceGroup.offer), attr="named_offer")
        .switch(Subscription)
        .join(Price, on=(Price.id == Subscription.price))
        .switch(Subscription)
        .join(
            announced, JOIN.LEFT_OUTER, attr="announced",
            on=(announced.id == price_changes.announced_price(Subscription.id, day)),
        )
        .switch(Subscription)
    )  # fmt: skip


@prepared
def _facts_of_one(subscription: int, day: date, today: date) -> ModelSelect[Any]:
    return facts_query(day, today).where(Subscription.id == subscription)


def facts_of(row: Any, account: Account, period: Period) -> Facts:
    """Return the facts in a row of `facts_query`; ``period`` begins on the day queried."""
    return Facts(
        subscription=row,
        period=period,
        offer=row.group.offer_id,
        offer_name=row.group.named_offer.name_in(account.language),
        ordered=int(row.ordered),
        given_back=int(row.given_back),
        gone=int(row.gone),
        price=getattr(row, "announced", None) or row.price,
        price_now=row.price,
        treatment=vat.treatment_of(vat.place_of(account), period.start),
    )


def _added(day: Any) -> ModelSelect[Any]:
    """Count the licences added to a row's group that its renewal on a day charges.

    Licences added after that renewal was due, but before a late run made it, were ordered with
    their share of the new period and are not charged again.
    """
    line, order = OrderLine.alias(), Order.alias()
    is_joining = Addition.status.in_([AdditionStatus.INSTALLING, AdditionStatus.INSTALLED]) | (
        (Addition.status == AdditionStatus.HELD) & order.status.in_(BEING_DELIVERED)
    )
    return (
        Addition.select(fn.COALESCE(fn.SUM(line.quantity), 0))
        .join(line, on=(line.id == Addition.line))
        .join(order, on=(order.id == line.order))
        .where(Addition.group == Subscription.group, Addition.renewal_on <= day, is_joining)
    )


def _given_back(day: Any) -> ModelSelect[Any]:
    """Count the licences of a row's group that are given back by a day."""
    return GiveBack.select(fn.COUNT(GiveBack.id)).where(
        GiveBack.group == Subscription.group,
        GiveBack.status != TerminationStatus.UNDONE,
        GiveBack.ends_on <= day,
    )
