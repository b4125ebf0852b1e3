"""Office Attach confirmed concurrently, and its worker killed: one group, each seat once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from models import (
    Attach,
    AttachedAccount,
    ExchangeService,
    Job,
    Letter,
    LicenceGroup,
    Order,
    Seat,
    database,
)
from shop.exchange import attached_licences
from shop.jobs import queue
from shop.orders import attach
from shop.orders.attach import AlreadyAttached
from tests.support import exchange, groups, racing
from tests.support.parties import Provider

pytestmark = pytest.mark.every_case

TIMES = 30


def confirm_at_once(service: ExchangeService, *, same_form: bool) -> list[object]:
    """Confirm in `TIMES` sessions at once, each with its open form. Return the outcomes."""
    one = exchange.attach_request(service, 25)
    requested = [one if same_form else exchange.attach_request(service, 25) for _ in range(TIMES)]
    seen = exchange.seen(one)

    def confirm() -> Order:
        return attach.place_order(requested.pop(), seen)

    with racing.all_meet_at("ordering.place", TIMES):
        return racing.race(confirm, TIMES)


def test_30_forms_at_once_make_one_group_of_25(
    service: ExchangeService, provider: Provider
) -> None:
    outcomes = confirm_at_once(service, same_form=False)
    kinds = Counter(type(outcome) for outcome in outcomes)
    assert kinds == {Order: 1, AlreadyAttached: TIMES - 1}, outcomes
    check_one_of_25(provider)


def test_one_form_30_times_at_once_makes_one_group_of_25(
    service: ExchangeService, provider: Provider
) -> None:
    outcomes = confirm_at_once(service, same_form=True)
    assert {outcome.number for outcome in outcomes if isinstance(outcome, Order)} == {
        Order.get().number
    }
    assert all(isinstance(outcome, (Order, AlreadyAttached)) for outcome in outcomes), outcomes
    check_one_of_25(provider)


def check_one_of_25(provider: Provider) -> None:
    """Assert one order, one group, 25 seats activated once, and every e-mail once."""
    assert Order.select().count() == Attach.select().count() == 1
    queue.drain()
    group = LicenceGroup.get()
    assert LicenceGroup.select().count() == 1
    assert (group.places_taken, group.seats_active) == (25, 25)
    assert AttachedAccount.select().count() == Seat.select().count() == 25
    assert len(provider.users) == len(provider.acts) == 25
    kinds = Counter(row.kind for row in Letter.select())
    assert kinds == {
        "account_created": 1, "attach_ordered": 1, "attach_installed": 1, "licence_active": 25,
    }  # fmt: skip
    groups.check_counts(group)


@contextmanager
def without_unique(*columns: tuple[str, str]) -> Iterator[None]:
    """Drop these unique indexes for the block, then delete the rows that violate them."""
    names = [_index_of(table, column) for table, column in columns]
    definitions = [racing._definition(name) for name in names]
    for name in names:
        database.execute_sql(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        for table in ("attached_account", "attach"):
            database.execute_sql(f"DELETE FROM {table}")
        for definition in definitions:
            database.execute_sql(definition)


def _index_of(table: str, column: str) -> str:
    found = [
        index.name
        for index in database.obj.get_indexes(table)
        if index.unique and index.columns == [column]
    ]
    assert len(found) == 1
    return str(found[0])


def test_control_without_the_unique_row_there_are_many(
    service: ExchangeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The early check would defeat the control where writers take turns, as on SQLite.
    monkeypatch.setattr(attached_licences, "attach_of", lambda service: None)
    with without_unique(("attach", "service_id"), ("attached_account", "account_id")):
        outcomes = confirm_at_once(service, same_form=False)
        assert sum(isinstance(outcome, Order) for outcome in outcomes) > 1
        assert Attach.select().count() > 1


def test_many_workers_fill_the_group_once(service: ExchangeService, provider: Provider) -> None:
    requested = exchange.attach_request(service, 25, tells_owner=True)
    attach.place_order(requested, exchange.seen(requested))
    for _ in range(10):
        ids = [job.id for job in Job.select().where(Job.status == "queued")]

        def work(ids: list[int] = ids) -> None:
            for job_id in ids:
                queue.run_job(job_id)

        assert racing.race(work, 3) == [None] * 3
        if LicenceGroup.select().where(LicenceGroup.seats_active == 25).exists():
            break
    queue.drain()
    assert len(provider.acts) == 25
    group = LicenceGroup.get()
    assert groups.consumption(group) == [1] * 25
    kinds = Counter(row.kind for row in Letter.select())
    assert kinds["licence_active"] == kinds["licence_for_owner"] == 25
    assert kinds["attach_installed"] == 1
    groups.check_counts(group)


class Killed(BaseException):
    """Stands for SIGKILL: the worker stops at once, and no handler catches it."""


@pytest.mark.parametrize("first", [1, 5, 11, 17, 29, 41])
def test_a_worker_that_dies_anywhere_leaves_each_seat_and_letter_once(
    service: ExchangeService, provider: Provider, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = exchange.attach_request(service, 12, tells_owner=True)
    attach.place_order(requested, exchange.seen(requested))
    deaths = dying(monkeypatch, first)
    for _ in range(MOST_DEATHS + 1):
        try:
            queue.drain()
            break
        except Killed:
            # Its lease expires, and another worker takes the job.
            Job.update(status="queued", lease_until=None).where(Job.status == "running").execute()
    assert len(deaths) == MOST_DEATHS, "too few deaths: this run proves little"
    assert len(provider.acts) == 12
    group = LicenceGroup.get()
    assert group.seats_active == 12
    groups.check_counts(group)
    kinds = Counter(row.kind for row in Letter.select())
    assert kinds["licence_active"] == kinds["licence_for_owner"] == 12
    assert kinds["attach_installed"] == kinds["attach_ordered"] == 1


MOST_DEATHS = 5


def dying(monkeypatch: pytest.MonkeyPatch, first: int) -> list[str]:
    """Die at writing statement ``first``, then repeatedly, each time a little later.

    Return the list of statements that were not executed.
    """
    inner, deaths, left = database.obj.execute_sql, list[str](), [first]

    def execute_sql(sql: str, *args: object, **kwargs: object) -> object:
        if sql.startswith(("INSERT", "UPDATE")) and len(deaths) < MOST_DEATHS:
            left[0] -= 1
            if not left[0]:
                deaths.append(sql)
                left[0] = first + 13 * len(deaths)
                raise Killed
        return inner(sql, *args, **kwargs)

    monkeypatch.setattr(database.obj, "execute_sql", execute_sql)
    return deaths
