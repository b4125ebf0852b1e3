"""The licences of a customer's running groups, counted by the database with every change."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from peewee import PostgresqlDatabase, fn

from models import Account, LicenceCount, LicenceGroup, database
from shop.jobs import queue
from shop.licences import counts, seats
from shop.operations import audit
from shop.subscriptions import interventions
from tests.support import groups, racing, running
from tests.support.parties import Bank, Provider

FIGURES = (LicenceCount.total, LicenceCount.used, LicenceCount.free, LicenceCount.in_error)


@pytest.fixture
def two(alice: Account, bank: Bank, provider: Provider) -> list[LicenceGroup]:
    """Two groups of alice, with three licences each."""
    return [groups.installed(alice, bank), groups.installed(alice, bank)]


def counted(account: Account) -> tuple[int, ...]:
    """Return how many licences there are in all, used, free, and in error."""
    sums: Any = LicenceCount.select(*(fn.SUM(figure) for figure in FIGURES))
    return tuple(sums.where(LicenceCount.account_id == account.id).tuples().get())


def parts() -> int:
    return LicenceCount.select().count()


def is_right() -> bool:
    return not [fault for fault in audit.find_faults() if "of the customer" in fault]


def test_each_change_of_a_licence_is_counted(
    alice: Account, two: list[LicenceGroup], provider: Provider
) -> None:
    assert counted(alice) == (6, 0, 6, 0)
    seat = groups.configured(two[0])
    assert counted(alice) == (6, 1, 5, 0)
    seats.release(seat, seat.version, by="alice")
    assert counted(alice) == (6, 0, 5, 0)
    provider.failing = "no such user"
    queue.drain()
    assert counted(alice) == (6, 0, 5, 1)
    assert is_right()


def test_licences_count_while_their_group_is_running(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    assert counted(alice) == (3, 0, 3, 0)
    interventions.end_service(group, "A duplicate.", by="operator")
    assert counted(alice) == (0, 0, 0, 0)
    assert is_right()


def test_strangers_are_counted_apart(
    alice: Account, charlie: Account, two: list[LicenceGroup], bank: Bank
) -> None:
    groups.configured(groups.installed(charlie, bank))
    assert (counted(alice), counted(charlie)) == ((6, 0, 6, 0), (3, 1, 2, 0))


def test_the_migration_counts_what_there_is(alice: Account, two: list[LicenceGroup]) -> None:
    groups.configured(two[1])
    LicenceCount.delete().execute()
    importlib.import_module("migrations.0126_licence_counts").fill(database)
    assert counted(alice) == (6, 1, 5, 0)
    assert is_right()


def test_parts_are_added_up(alice: Account, two: list[LicenceGroup]) -> None:
    LicenceCount.create(account_id=alice.id, part=-1, total=2, used=1, free=-1, in_error=2)
    # One part, or one for each connection that counted: a kept one may have been replaced.
    others = LicenceCount.update(free=LicenceCount.free + 1).where(LicenceCount.part >= 0).execute()
    counts.add_up()
    assert counted(alice) == (8, 1, 5 + others, 2)
    assert parts() == (1 if is_postgresql() else 2), "SQLite has no parts"


# --- At once, on PostgreSQL: SQLite lets one transaction write at a time ------------------------


def is_postgresql() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


@pytest.fixture
def at_once() -> None:
    if not is_postgresql():
        pytest.skip("SQLite lets one transaction write at a time")


def take(group: LicenceGroup, number: int) -> None:
    """Let that number of a group's licences be used."""
    LicenceGroup.update(
        seats_active=LicenceGroup.seats_active + number,
        seats_unconfigured=LicenceGroup.seats_unconfigured - number,
    ).where(LicenceGroup.id == group.id).execute()


def in_another(act: Any) -> Any:
    """Run ``act`` in another connection to its end; return what it returned or raised."""
    (outcome,) = racing.race(act, 1)
    return outcome


@pytest.mark.usefixtures("at_once")
def test_a_customers_groups_change_at_once(alice: Account, two: list[LicenceGroup]) -> None:
    with database.atomic():
        take(two[0], 1)
        assert in_another(lambda: take(two[1], 2)) is None, "it did not wait"
        assert in_another(counts.add_up) == 1, "nor does the one who adds up"
        assert counted(alice) == (6, 3, 3, 0)
        take(two[0], 1)
    assert counted(alice) == (6, 4, 2, 0)
    assert (counts.add_up(), parts()) == (1, 1)
    assert counted(alice) == (6, 4, 2, 0)


@pytest.mark.usefixtures("at_once")
def test_what_is_undone_does_not_count(alice: Account, two: list[LicenceGroup]) -> None:
    with database.atomic() as undone:
        take(two[0], 1)
        in_another(lambda: take(two[1], 2))
        undone.rollback()
    assert counted(alice) == (6, 2, 4, 0)


@pytest.mark.usefixtures("at_once")
def test_control_with_one_part_for_all_they_wait_for_each_other(two: list[LicenceGroup]) -> None:
    definition = "SELECT pg_get_functiondef('licence_group_counted'::regproc)"
    (kept,) = database.execute_sql(definition).fetchone()
    database.execute_sql(kept.replace("pg_backend_pid()", "0"))

    def take_soon() -> None:
        with database.atomic():
            database.execute_sql("SET LOCAL lock_timeout = 1")
            take(two[1], 1)

    try:
        with database.atomic():
            take(two[0], 1)
            assert "lock timeout" in str(in_another(take_soon))
    finally:
        database.execute_sql(kept)
