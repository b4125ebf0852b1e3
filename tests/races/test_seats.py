"""Concurrent use of places and seats: none is given twice.

Each race has a positive control that switches its guard off: the same race must then go wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from peewee import SqliteDatabase

from models import Account, Addition, Letter, LicenceGroup, Order, Seat, SeatStatus, database
from shop.errors import Refusal
from shop.jobs import queue
from shop.licences import reservations, seats
from shop.licences.reservations import PlacesExhausted
from shop.licences.seats import Person, actions
from shop.licences.seats.actions import StaleVersion
from shop.orders import orders, placing
from shop.orders.additions import AdditionOrder
from tests.support import groups, racing
from tests.support.parties import Bank, Provider


def promised(group: LicenceGroup) -> int:
    """Return the number of a group's seats and of the places reserved by payable orders."""
    held = Addition.select().where(Addition.group == group, Addition.status == "held")
    return Seat.select().where(Seat.group == group).count() + sum(
        addition.line.quantity for addition in held
    )


def order_at_once(group: LicenceGroup, quantity: int, times: int) -> list[object]:
    """Order licences for a group in ``times`` sessions at once. Return the outcomes."""
    account = group.account
    requested = [groups.addition_request(groups.fresh(group), quantity) for _ in range(times)]
    seen = groups.seen_by(account, requested[0])

    def order() -> Order:
        return placing.place(AdditionOrder(account, requested.pop()), seen)

    with racing.all_meet_at("ordering.place", times):
        return racing.race(order, times)


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank, 280)


def test_20_sessions_never_pass_300_licences(group: LicenceGroup) -> None:
    outcomes = order_at_once(group, 3, 20)
    placed = [outcome for outcome in outcomes if isinstance(outcome, Order)]
    assert len(placed) == 6
    assert all(isinstance(one, (Order, PlacesExhausted)) for one in outcomes), outcomes
    assert promised(group) == groups.fresh(group).places_taken == 298
    orders.cancel_order(placed[0], by="alice")
    assert len([o for o in order_at_once(group, 5, 4) if isinstance(o, Order)]) == 1
    assert promised(group) == 300


def test_at_299_of_300_two_more_make_one(alice: Account, bank: Bank, provider: Provider) -> None:
    group = groups.installed(alice, bank, 299)
    outcomes = order_at_once(group, 1, 2)
    assert {type(outcome) for outcome in outcomes} == {PlacesExhausted, Order}, outcomes
    assert promised(group) == 300


@contextmanager
def without_check() -> Iterator[None]:
    """Run the block without the CHECK on a group's places."""
    if isinstance(database.obj, SqliteDatabase):
        # A setting of each connection; the careless code below switches it off for its own.
        yield
        return
    rows = database.execute_sql(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'licence_group'::regclass AND contype = 'c' "
        "AND pg_get_constraintdef(oid) LIKE %s",
        ("%places_limit%",),
    ).fetchall()
    for name, _ in rows:
        database.execute_sql(f'ALTER TABLE licence_group DROP CONSTRAINT "{name}"')
    try:
        yield
    finally:
        LicenceGroup.update(places_limit=None).execute()
        for name, rule in rows:
            database.execute_sql(f'ALTER TABLE licence_group ADD CONSTRAINT "{name}" {rule}')


def test_control_without_the_guard_they_pass_300(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(wanted: LicenceGroup, quantity: int) -> bool:
        if isinstance(database.obj, SqliteDatabase):
            database.execute_sql("PRAGMA ignore_check_constraints = ON")
        taken = LicenceGroup.places_taken + quantity
        LicenceGroup.update(places_taken=taken).where(LicenceGroup.id == wanted.id).execute()
        return True

    monkeypatch.setattr(reservations, "_take_places", careless)
    with without_check():
        order_at_once(group, 3, 20)
        assert promised(group) > 300


def configure_at_once(group: LicenceGroup, times: int) -> list[object]:
    seat = groups.seat_of(group)
    people = [Person(f"First {n}", "Last", f"login{n}") for n in range(times)]

    def configure() -> Seat:
        return seats.configure(seat, 1, people.pop(), by="alice")

    with racing.all_meet_at("seats.configure", times):
        return racing.race(configure, times)


def test_of_two_people_who_configure_one_seat_one_is_told(group: LicenceGroup) -> None:
    outcomes = configure_at_once(group, 2)
    assert {type(outcome) for outcome in outcomes} == {Seat, StaleVersion}, outcomes
    queue.drain()
    assert groups.seat_of(group).status == SeatStatus.ACTIVE
    assert Letter.select().where(Letter.kind == "licence_active").count() == 1
    groups.check_counts(group)


def test_control_without_lock_and_version_the_second_overwrites_the_first(
    group: LicenceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = groups.seat_of(group)
    monkeypatch.setattr(actions, "lock", lambda row: Seat(**seat.__data__))
    racing.without_compare_and_set(monkeypatch)
    outcomes = configure_at_once(group, 2)
    assert not any(isinstance(outcome, StaleVersion) for outcome in outcomes)


def test_one_login_is_given_once_however_many_want_it(group: LicenceGroup) -> None:
    numbers = list(range(1, 9))

    def configure() -> Seat:
        seat = groups.seat_of(group, numbers.pop())
        return seats.configure(seat, 1, groups.CAMILLE, by="alice")

    with racing.all_meet_at("seats.configure", 8):
        outcomes = racing.race(configure, 8)
    assert sum(isinstance(outcome, Seat) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 7
    groups.check_counts(group)


def test_many_workers_activate_each_seat_once(group: LicenceGroup, provider: Provider) -> None:
    from models import Job

    for number in range(1, 9):
        person = Person("A", "B", f"login{number}")
        seats.configure(groups.seat_of(group, number), 1, person, by="alice")
    ids = [job.id for job in Job.select().where(Job.status == "queued")]

    def work() -> None:
        for job_id in ids:
            queue.run_job(job_id)

    assert racing.race(work, 4) == [None] * 4
    assert len(provider.acts) == 8
    assert groups.consumption(group) == [1] * 8
    assert groups.fresh(group).seats_active == 8
    groups.check_counts(group)
