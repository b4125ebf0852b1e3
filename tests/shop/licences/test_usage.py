"""Consommation: figures agree with the recorded events, for any history."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import Account, LicenceGroup, Seat, SeatEvent, UsageDay, database
from shop import clock
from shop.licences import usage
from shop.licences.seats import seat_states
from shop.licences.usage import Day
from tests.support import purchases, queries
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""The days before the clocks change in Paris, on the 29th and the 25th."""

History = list[tuple[datetime, int]]


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider, drain: object) -> LicenceGroup:
    """A group of alice's, created long before the recorded history."""
    purchases.pay(purchases.place(alice), bank)
    drain()
    LicenceGroup.update(created_at=datetime(2020, 1, 1, tzinfo=UTC)).execute()
    found: LicenceGroup = LicenceGroup.get()
    return found


def write(group: LicenceGroup, history: History) -> None:
    """Record a history as seats record it, in the order of the list."""
    for at, change in history:
        with database.atomic():
            SeatEvent.insert(group=group, at=at, change=change).execute()
            usage.record_change(group.id, at, change)


def naive(history: History, first: date, last: date) -> list[Day]:
    """Compute the same days by reading the whole history for each day."""
    told = sorted(history, key=lambda event: event[0])
    days = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        local = [(at.astimezone(clock.PARIS).date(), change) for at, change in told]
        active = sum(change for when, change in local if when < day)
        seen = [active]
        for when, change in local:
            if when == day:
                seen.append(seen[-1] + change)
        days.append(Day(day, max(seen), seen[-1]))
    return days


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Generate licences that become active and inactive around a change of the clocks."""
    start = draw(st.sampled_from([SPRING, AUTUMN]))
    minutes = draw(st.lists(st.integers(0, 5 * 24 * 60), max_size=30, unique=True))
    history, active = [], 0
    for minute in sorted(minutes):
        change = draw(st.sampled_from([1, -1])) if active else 1
        active += change
        history.append((start + timedelta(minutes=minute), change))
    return history


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories())
def test_figures_agree_with_a_naive_count(group: LicenceGroup, history: History) -> None:
    SeatEvent.delete().execute()
    UsageDay.delete().execute()
    write(group, history)
    start = history[0][0] if history else SPRING
    first = clock.day_of(start) - timedelta(days=2)
    last = first + timedelta(days=10)
    assert usage.days(group, first, last) == naive(history, first, last)
    middle = first + timedelta(days=4)
    assert usage.days(group, middle, last) == naive(history, middle, last)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories(), seed=st.integers(0, 1000))
def test_they_agree_when_machines_clocks_do_not(
    group: LicenceGroup, history: History, seed: int
) -> None:
    """Adjacent events recorded in the wrong order: no count becomes negative."""
    SeatEvent.delete().execute()
    UsageDay.delete().execute()
    shift = [(at, +1) for at, change in history if change > 0]
    random.Random(seed).shuffle(shift)
    write(group, shift)
    first, last = date(2026, 3, 26), date(2026, 11, 3)
    assert usage.days(group, first, last) == naive(shift, first, last)


def test_paris_decides_which_day_it_is(group: LicenceGroup) -> None:
    write(group, [(datetime(2026, 3, 28, 23, 30, tzinfo=UTC), +1)])
    assert usage.days(group, date(2026, 3, 28), date(2026, 3, 29)) == [
        Day(date(2026, 3, 28), 0, 0),
        Day(date(2026, 3, 29), 1, 1),
    ]
    # 22:30 UTC is the next day in Paris after the clocks have gone forward.
    write(group, [(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), +1)])
    assert usage.days(group, date(2026, 3, 30), date(2026, 3, 30)) == [Day(date(2026, 3, 30), 2, 2)]


def test_a_licence_given_back_the_same_day_counts_for_the_day(group: LicenceGroup) -> None:
    noon = datetime(2026, 5, 4, 10, tzinfo=UTC)
    write(group, [(noon, +1), (noon + timedelta(hours=1), -1)])
    assert usage.days(group, date(2026, 5, 4), date(2026, 5, 5)) == [
        Day(date(2026, 5, 4), 1, 0),
        Day(date(2026, 5, 5), 0, 0),
    ]


def test_months_hold_peak_end_and_licence_days(group: LicenceGroup) -> None:
    at = datetime(2026, 1, 30, 10, tzinfo=UTC)
    write(group, [(at, +1), (at, +1), (at + timedelta(days=4), -1)])
    months = usage.months(usage.days(group, date(2026, 1, 1), date(2026, 2, 28)))
    assert [(m.first, m.peak, m.closing, m.licence_days) for m in months] == [
        (date(2026, 1, 1), 2, 2, 4),
        (date(2026, 2, 1), 2, 1, 2 * 3 + 25),
    ]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("this-month", date(2026, 3, 1), date(2026, 3, 31)),
        ("last-month", date(2026, 2, 1), date(2026, 2, 28)),
        ("3-months", date(2026, 1, 1), date(2026, 3, 31)),
        ("12-months", date(2025, 4, 1), date(2026, 3, 31)),
        ("nonsense", date(2026, 3, 1), date(2026, 3, 31)),
    ],
)
def test_periods(name: str, first: date, last: date) -> None:
    assert usage.period(name, date(2026, 3, 31)) == (first, last)


def test_a_group_shows_nothing_from_before_it_was_there(group: LicenceGroup) -> None:
    LicenceGroup.update(created_at=datetime(2026, 3, 10, tzinfo=UTC)).execute()
    shown = usage.days(LicenceGroup.get(), date(2026, 3, 1), date(2026, 3, 12))
    assert [day.day.day for day in shown] == [10, 11, 12]


def test_a_long_history_costs_no_more_than_a_short_one(group: LicenceGroup) -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    write(group, [(datetime(2026, 1, 5, tzinfo=UTC), +1)])
    with queries.recorded() as short:
        usage.days(group, first, last)
    start = datetime(2021, 1, 1, tzinfo=UTC)
    write(group, [(datetime(2026, 1, 6, tzinfo=UTC), +1)])
    SeatEvent.insert_many(
        [{"group": group, "at": start + timedelta(hours=n), "change": 1} for n in range(3000)]
    ).execute()
    with queries.recorded() as long:
        usage.days(group, first, last)
    assert len(long) == len(short) == 2
    assert not [statement for statement in long if "seat_event" in statement]


def test_the_seats_themselves_are_counted(group: LicenceGroup, app: Flask, drain: object) -> None:
    """Every action that makes a licence active or inactive is counted."""
    seat = Seat.get(Seat.group == group)
    with database.atomic():
        seat_states.consume(seat, +1)
    today = clock.today()
    assert usage.days(group, today, today) == [Day(today, 1, 1)]
    Seat.update(status="active", login="marie", login_key="marie", reference="somebody").where(
        Seat.id == seat.id
    ).execute()
    with database.atomic():
        seat_states.end_seats(group, by="shop")
    assert usage.days(group, today, today) == [Day(today, 1, 0)]


# --- The page ----------------------------------------------------------------------------------


def test_the_page_shows_chart_and_table(
    visitor: Visitor, alice: Account, group: LicenceGroup
) -> None:
    write(group, [(clock.now(), +1), (clock.now(), +1)])
    visitor.log_in(alice)
    visitor.open(f"/manager/groups/{group.name}/usage")
    assert visitor.sees("Consommation")
    assert "<svg" in visitor.response.text
    for name in ("Mois dernier", "3 mois", "12 mois"):
        visitor.follow(name)
        assert visitor.response.status_code == 200
    assert visitor.sees("Jours-licences")


def test_the_file_holds_every_day(visitor: Visitor, alice: Account, group: LicenceGroup) -> None:
    write(group, [(clock.now(), +1)])
    visitor.log_in(alice)
    response = visitor.client.get(f"/manager/groups/{group.name}/usage.csv?period=12-months")
    assert response.mimetype == "text/csv"
    lines = response.data.decode("utf-8-sig").splitlines()
    first, last = usage.period("12-months", clock.today())
    assert len(lines) == (last - first).days + 2
    assert lines[0] == "Jour;Maximum;Fin de journée"
    assert lines[-1] == f"{clock.today().isoformat()};1;1"
