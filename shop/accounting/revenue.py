"""Turnover, recurring revenue, churn and deferred revenue, month by month, excluding VAT."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, cast

from peewee import fn

from records.revenue import RevenueSum, ServiceSum
from shop.accounting.reporting_periods import days_of_month
from shop.pricing import money

PER_MILLE = 1000


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


def months_until(day: date, number: int = 12) -> list[Month]:
    """Return the figures of that number of months, the last one that of ``day``; oldest first."""
    spans = [days_of_month(day)]
    while len(spans) < number:
        spans.insert(0, days_of_month(spans[0][0] - timedelta(days=1)))
    sums = _sums(spans[0][0], spans[-1][0])
    return [
        Month(
            first, last,
            sum(int(each.turnover_cents) for each in sums[first]),
            sum(int(each.recurring_cents) for each in sums[first]),
            _deferred(sums[first]),
            *services,
        )
        for (first, last), services in zip(spans, _services(spans), strict=True)
    ]  # fmt: skip


def _sums(first: date, last: date) -> dict[date, list[Any]]:
    """Return the sums of months, by the first day of each: one for each length of periods."""
    columns = (
        RevenueSum.turnover_cents, RevenueSum.recurring_cents, RevenueSum.deferred_cent_days,
    )  # fmt: skip
    rows = (
        RevenueSum.select(
            RevenueSum.month, RevenueSum.days,
            *(fn.SUM(column).alias(column.name) for column in columns),
        )
        .where(RevenueSum.month.between(first, last))
        .group_by(RevenueSum.month, RevenueSum.days)
        .namedtuples()
    )  # fmt: skip
    found: dict[date, list[Any]] = defaultdict(list)
    for row in cast("Iterable[Any]", rows):
        found[row.month].append(row)
    return found


def _deferred(sums: Iterable[Any]) -> int:
    """Return the part of what was issued until a month's end that is for the days after it."""
    total = sum((Fraction(int(each.deferred_cent_days), each.days) for each in sums), Fraction())
    return money.rounded(total.numerator, total.denominator)


def _services(spans: list[tuple[date, date]]) -> list[tuple[int, int]]:
    """Return, for each month, how many services ran when it began, and how many of them ended."""
    rows = (
        ServiceSum.select(
            ServiceSum.month,
            fn.SUM(ServiceSum.began - ServiceSum.ended),
            fn.SUM(ServiceSum.ended_later),
        )
        .where(ServiceSum.month <= spans[-1][0])
        .group_by(ServiceSum.month)
        .tuples()
    )
    found = [(month, int(more), int(over)) for month, more, over in cast("Iterable[Any]", rows)]
    return [
        (
            sum(more for month, more, _ in found if month < first),
            sum(over for month, _, over in found if month == first),
        )
        for first, _ in spans
    ]
