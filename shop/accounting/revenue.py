"""Turnover, recurring revenue, churn and deferred revenue, month by month, excluding VAT."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, cast

from peewee import Case, fn

from records.invoices import Invoice, InvoiceKind, InvoiceLine
from records.subscriptions import Subscription
from shop import clock
from shop.accounting import vat_returns
from shop.pricing import money

PER_MILLE = 1000

_SIGN = Case(Invoice.kind, [(InvoiceKind.CREDIT_NOTE, -1)], 1)


@dataclass(frozen=True)
class Month:
    """The figures of a month, in cents.

    ``turnover_cents`` was invoiced less what was credited; ``recurring_cents`` is what the licences
    of its last day cost a month; ``deferred_cents`` of what was invoiced until then is for days
    after it. ``services`` ran on its first morning, ``ended`` of them ended in it.
    """

    first: date
    last: date
    turnover_cents: int
    recurring_cents: int
    deferred_cents: int
    services: int
    ended: int

    @property
    def churn(self) -> int:
        """The services that ended, per thousand of those that ran when the month began."""
        if not self.services:
            return 0
        return money.round_half_up(self.ended * PER_MILLE, self.services)


@dataclass(frozen=True)
class _Charge:
    """What was issued on a day for the same days: net amount, and price of a whole month."""

    issued_on: date
    start: date
    end: date
    net_cents: int
    monthly_cents: int


def months_until(day: date, number: int = 12) -> list[Month]:
    """Return the figures of that number of months, the last one that of ``day``; oldest first."""
    spans = [vat_returns.days_of_month(day)]
    while len(spans) < number:
        spans.insert(0, vat_returns.days_of_month(spans[0][0] - timedelta(days=1)))
    turnover, charges = _turnover(spans[0][0], spans[-1][1]), _charges(spans[0][0])
    return [
        Month(
            first, last,
            sum(cents for issued, cents in turnover if first <= issued <= last),
            sum(each.monthly_cents for each in charges if _runs(each, last)),
            _deferred(charges, last),
            *services,
        )
        for (first, last), services in zip(spans, _services(spans), strict=True)
    ]  # fmt: skip


def _turnover(first: date, last: date) -> list[tuple[date, int]]:
    rows = (
        Invoice.select(Invoice.issued_on, fn.SUM(_SIGN * Invoice.net_cents))
        .where(Invoice.issued_on.between(first, last))
        .group_by(Invoice.issued_on)
        .tuples()
    )
    return [(day, int(cents)) for day, cents in cast("Any", rows)]


def _charges(since: date) -> list[_Charge]:
    """Return what was charged and credited for days from ``since`` on."""
    monthly = InvoiceLine.quantity * InvoiceLine.unit_price_cents.cast("BIGINT")
    rows = (
        InvoiceLine.select(
            Invoice.issued_on, InvoiceLine.period_start, InvoiceLine.period_end,
            fn.SUM(_SIGN * InvoiceLine.net_cents), fn.SUM(_SIGN * monthly),
        )
        .join(Invoice)
        .where(InvoiceLine.period_end > since)
        .group_by(Invoice.issued_on, InvoiceLine.period_start, InvoiceLine.period_end)
        .tuples()
    )  # fmt: skip
    return [
        _Charge(issued, start, end, int(net), int(whole))
        for issued, start, end, net, whole in cast("Any", rows)
    ]


def _runs(charge: _Charge, day: date) -> bool:
    return charge.issued_on <= day and charge.start <= day < charge.end


def _deferred(charges: Iterable[_Charge], last: date) -> int:
    """Return the part of what was issued until a day that is for the days after it."""
    after, total = last + timedelta(days=1), Fraction()
    for each in charges:
        if each.issued_on <= last and each.end > after:
            days = (each.end - max(each.start, after)).days
            total += Fraction(each.net_cents * days, (each.end - each.start).days)
    return money.rounded(total.numerator, total.denominator)


def _services(spans: list[tuple[date, date]]) -> list[tuple[int, int]]:
    """Return, for each month, how many services ran when it began, and how many of them ended."""
    columns = []
    for first, last in spans:
        began, over = clock.midnight(first), clock.next_midnight(last)
        ran = (Subscription.started_at < began) & (
            Subscription.ended_at.is_null() | (Subscription.ended_at >= began)
        )
        columns += [_count(ran), _count(ran & _before(over))]
    counts: list[Any] = list(cast("Any", Subscription.select(*columns).tuples().get()))
    return [(int(ran), int(over)) for ran, over in zip(counts[::2], counts[1::2], strict=True)]


def _before(over: datetime) -> Any:
    return Subscription.ended_at.is_null(False) & (Subscription.ended_at < over)


def _count(condition: Any) -> Any:
    return fn.COALESCE(fn.SUM(Case(None, [(condition, 1)], 0)), 0)
