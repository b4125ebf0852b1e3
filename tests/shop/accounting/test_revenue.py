"""The sums by month that triggers keep: as naive sums over any history, written without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from types import ModuleType

import pytest
from flask import Flask
from hypothesis import strategies as st
from peewee import OperationalError, PostgresqlDatabase
from playhouse.migrations import Runner

from models import (
    Account,
    Invoice,
    InvoiceLine,
    RevenueSum,
    ServiceSum,
    Subscription,
    database,
)
from shop import clock
from shop.accounting import revenue, revenue_proof
from shop.database import MIGRATIONS
from shop.pricing import money
from tests.support import billing, histories, racing, running
from tests.support.parties import Bank

pytestmark = pytest.mark.usefixtures("provider")

SUMS = (RevenueSum, ServiceSum)

FIRST = date(2026, 1, 1)
MONTHS = 16

DAYS = st.integers(0, 400).map(lambda day: FIRST + timedelta(days=day))

LINES = st.tuples(
    st.sampled_from(["invoice", "credit_note"]), DAYS, DAYS, st.integers(1, 120),
    st.integers(1, 300), st.integers(0, 2_000),
)  # fmt: skip
"""Kind, day of issue, period's first day and its length, quantity, price."""

HOURS = st.integers(0, 400 * 24 * 4).map(
    lambda quarter: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)
)
AROUND_MIDNIGHT = st.tuples(st.integers(1, 12), st.integers(-9, 3)).map(
    lambda at: datetime(2026, at[0], 1, tzinfo=UTC) + timedelta(minutes=20 * at[1])
)
MOMENTS = HOURS | AROUND_MIDNIGHT

SERVICES = st.tuples(MOMENTS, st.none() | MOMENTS)


@pytest.fixture
def service(app: Flask, alice: Account, bank: Bank) -> Subscription:
    return running.subscription_of(running.delivered(alice, bank))


def issued(line: tuple[str, date, date, int, int, int]) -> None:
    """Write a document of one line."""
    kind, day, start, days, quantity, cents = line
    first = Invoice.select().order_by(Invoice.id).first()
    net = quantity * cents
    note = Invoice.create(
        number=f"R{Invoice.select().count()}", kind=kind, account=first.account, language="fr",
        customer={}, seller={}, net_cents=net, vat_cents=0, total_cents=net, vat_rate=0,
        vat_code="x", issued_at=clock.midnight(day), issued_on=day, due_on=day,
        corrects=first if kind == "credit_note" else None,
    )  # fmt: skip
    InvoiceLine.create(
        invoice=note, position=1, offer_code="business", offer_name="Office 365 Business",
        quantity=quantity, unit_price_cents=cents, net_cents=net, period_start=start,
        period_end=start + timedelta(days=days),
    )  # fmt: skip


def changed(service: Subscription, moments: tuple[datetime, datetime | None]) -> None:
    """Let a service have begun, and have ended unless it runs."""
    begun, ended = moments
    over = ended is not None and ended >= begun
    values = (
        {"status": "terminated", "renews_on": None, "ended_at": ended}
        if over
        else {"status": "active", "renews_on": service.period_end, "ended_at": None}
    )
    Subscription.update(started_at=begun, **values).where(Subscription.id == service.id).execute()


def check_months() -> None:
    """Compare the months with sums over all lines, day by day, and over all services."""
    for month in revenue.months_until(FIRST + timedelta(days=30 * MONTHS), MONTHS):
        turnover, recurring, deferred = 0, 0, Fraction()
        for line in InvoiceLine.select(InvoiceLine, Invoice).join(Invoice):
            sign = -1 if line.invoice.is_credit_note else 1
            issued_on = line.invoice.issued_on
            turnover += sign * line.net_cents if month.first <= issued_on <= month.last else 0
            if issued_on <= month.last:
                days = range(line.period_start.toordinal(), line.period_end.toordinal())
                running = month.last.toordinal() in days
                recurring += sign * line.quantity * line.unit_price_cents if running else 0
                later = len([day for day in days if day > month.last.toordinal()])
                deferred += Fraction(sign * line.net_cents * later, len(days))
        began, over = clock.midnight(month.first), clock.next_midnight(month.last)
        ran = [
            service.ended_at
            for service in Subscription.select()
            if service.started_at < began
            if service.ended_at is None or service.ended_at >= began
        ]
        ended = sum(at is not None and at < over for at in ran)
        rounded = money.rounded(deferred.numerator, deferred.denominator)
        assert (month.turnover_cents, month.recurring_cents) == (turnover, recurring)
        assert (month.deferred_cents, month.services, month.ended) == (rounded, len(ran), ended)
    assert list(revenue_proof.find_faults()) == []


def test_the_months_are_naive_sums_over_any_history(service: Subscription) -> None:
    def live(lines: list[tuple[str, date, date, int, int, int]],
             services: list[tuple[datetime, datetime | None]]) -> None:  # fmt: skip
        for line in lines:
            issued(line)
        for moments in services:
            changed(service, moments)
        check_months()

    histories.live_each(
        live, 60, lines=st.lists(LINES, max_size=6), services=st.lists(SERVICES, max_size=3)
    )


def test_what_is_rolled_back_is_not_counted(service: Subscription, alice: Account) -> None:
    before = kept()
    with database.atomic() as whole:
        billing.due(alice)
        changed(service, (clock.now(), clock.now()))
        with database.atomic() as part:
            billing.due(alice)
            part.rollback()
        check_months()
        assert kept() != before
        whole.rollback()
    assert kept() == before


def kept() -> list[object]:
    queries = (table.select().order_by(*table._meta.get_primary_keys()) for table in SUMS)
    return [list(query.tuples()) for query in queries]


def test_a_migration_adds_up_what_was_there(
    service: Subscription, alice: Account, migration: ModuleType
) -> None:
    issued(("credit_note", date(2026, 3, 31), date(2026, 3, 30), 64, 3, 880))
    billing.due(alice)
    changed(service, (clock.midnight(date(2026, 1, 31)), clock.midnight(date(2026, 4, 1))))
    with database.atomic() as undone:
        migration.down(None, database.obj)
        migration.up(None, database.obj)
        assert RevenueSum.select().exists()
        check_months()
        undone.rollback()


@pytest.fixture
def migration() -> ModuleType:
    found = Runner(database.obj, str(MIGRATIONS)).migrations()
    return next(one for one in found if one.name == "0128_revenue_by_month").load()


# --- At once, on PostgreSQL ------------------------------------------------------------------


def end_beside(service: Subscription, another: Subscription) -> list[object]:
    """End a service, and before that is committed another one; return what became of that."""

    def act() -> None:
        with database.atomic():
            database.execute_sql("SET LOCAL lock_timeout = '2s'")
            changed(another, (clock.now(), clock.now()))

    with database.atomic():
        changed(service, (clock.now(), clock.now()))
        return racing.race(act, 1)


@pytest.fixture
def another(service: Subscription, alice: Account, bank: Bank) -> Subscription:
    if not isinstance(database.obj, PostgresqlDatabase):
        pytest.skip("SQLite lets one transaction write at a time")
    return running.subscription_of(running.delivered(alice, bank))


def test_services_that_end_at_once_wait_for_none(
    service: Subscription, another: Subscription
) -> None:
    assert end_beside(service, another) == [None]
    rows = ServiceSum.select(ServiceSum.ended).order_by(ServiceSum.shard)
    assert [row.ended for row in rows] == [1, 1], "each has a shard of its own"
    check_months()


def test_control_with_one_shard_they_wait(service: Subscription, another: Subscription) -> None:
    with one_shard():
        (outcome,) = end_beside(service, another)
    assert isinstance(outcome, OperationalError)


@contextmanager
def one_shard() -> Iterator[None]:
    """Run the block with a trigger that does not look for a shard that is free."""
    query = "SELECT pg_get_functiondef('service_changed'::regproc)"
    (definition,) = database.execute_sql(query).fetchone()
    begin, _, rest = definition.partition("WHILE")
    database.execute_sql(begin + rest.partition("END LOOP;")[2])
    try:
        yield
    finally:
        database.execute_sql(definition)
