"""A proof of the sums by month: invoices and services counted one by one, beside what is kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, cast

from peewee import Case, fn

from records.base import Table
from records.invoices import Invoice, InvoiceKind, InvoiceLine
from records.revenue import RevenueSum, ServiceSum
from records.subscriptions import Subscription
from shop import clock
from shop.accounting.reporting_periods import days_of_month

Sums = Iterable[tuple[tuple[Any, ...], tuple[int, ...]]]
"""Keys, of which the first part is the first day of a month, and the figures of each."""


def find_faults() -> Iterator[str]:
    """Compare what is kept with all invoices and services; yield a sentence for each month that
    differs."""
    for wrong, kept, counted in (
        ("the revenue of {:%Y-%m} is added up wrongly", _kept(RevenueSum, 2), _revenue()),
        ("the services of {:%Y-%m} are counted wrongly", _kept(ServiceSum, 1), _services()),
    ):
        differing = {*kept} ^ {*counted}
        for month in sorted({key[0] for key, figures in differing if any(figures)}):
            yield wrong.format(month)


def _kept(table: type[Table], keys: int) -> Sums:
    """Return the sums of a table over its shards; its first columns are their key."""
    columns = [field for field in table._meta.sorted_fields if field.name != "shard"]
    names, figures = columns[:keys], columns[keys:]
    rows = table.select(*names, *map(fn.SUM, figures)).group_by(*names).tuples()
    for row in cast("Iterable[Any]", rows):
        yield row[:keys], tuple(map(int, row[keys:]))


def _revenue() -> Sums:
    """Return turnover, recurring and deferred revenue by month and length of periods."""
    sums: dict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for issued, start, end, net, whole in _charges():
        days = (end - start).days
        sums[issued.replace(day=1), days][0] += net
        first, last = days_of_month(issued)
        while last < end:
            after = last + timedelta(days=1)
            sums[first, days][1] += whole if start <= last else 0
            sums[first, days][2] += net * (end - max(start, after)).days
            first, last = days_of_month(after)
    return ((key, tuple(figures)) for key, figures in sums.items())


def _charges() -> Iterator[tuple[date, date, date, int, int]]:
    """Yield what was issued on a day for the same days: net amount, and price of a month."""
    sign = Case(Invoice.kind, [(InvoiceKind.CREDIT_NOTE, -1)], 1)
    monthly = InvoiceLine.quantity * InvoiceLine.unit_price_cents.cast("BIGINT")
    days = (Invoice.issued_on, InvoiceLine.period_start, InvoiceLine.period_end)
    rows = (
        InvoiceLine.select(*days, fn.SUM(sign * InvoiceLine.net_cents), fn.SUM(sign * monthly))
        .join(Invoice)
        .group_by(*days)
        .tuples()
    )
    for issued, start, end, net, whole in cast("Iterable[Any]", rows.iterator()):
        yield issued, start, end, int(net), int(whole)


def _services() -> Sums:
    """Return how many services began and ended by month, and how many of those ended later."""
    began, ended, later = Counter[date](), Counter[date](), Counter[date]()
    rows = Subscription.select(Subscription.started_at, Subscription.ended_at).tuples().iterator()
    for start, end in cast("Iterable[Any]", rows):
        first = clock.day_of(start).replace(day=1)
        began[first] += 1
        if end is not None:
            last = clock.day_of(end).replace(day=1)
            ended[last] += 1
            later[last] += first < last
    for month in began | ended:
        yield (month,), (began[month], ended[month], later[month])
