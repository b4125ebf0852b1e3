"""Queries whose SQL is built once read what Peewee reads, with any values."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from peewee import DoesNotExist, ModelSelect, ModelUpdate

from models import Account, Order
from shop import clock
from shop.licences import groups
from shop.overviews import bills, services
from shop.overviews.bills import Selection
from shop.sql.prepared import Prepared, prepared, prepared_update
from tests.support import queries
from tests.support.belongings import Belongings

pytestmark = pytest.mark.every_case


def by_name(account: Account, first: Any, language: Any = None) -> ModelSelect[Any]:
    query = Order.select(Order, Account).join(Account).where(Order.account == account)
    if first is not None:
        query = query.where(Order.placed_at >= first)
    if language is not None:
        query = query.where(Account.language == language)
    return query.order_by(Order.id.desc())


@pytest.fixture
def orders() -> Prepared[Any]:
    return prepared(by_name)


@pytest.fixture
def owners(alices: Belongings, charlie: Account) -> list[Account]:
    """A customer with two orders, a service and bills, and one without any."""
    return [alices.account, charlie]


def test_rows_count_and_slices_are_those_of_the_query(
    orders: Prepared[Any], owners: list[Account]
) -> None:
    days = (None, datetime(2020, 1, 1, tzinfo=UTC), clock.now() + timedelta(days=1))
    for given in itertools.product(owners, days, (None, "fr", "xx")):
        expected = list(by_name(*given))
        assert orders.rows(*given) == expected
        assert orders.count(*given, most=10) == len(expected)
        assert orders.first(*given) == (expected[0] if expected else None)
        assert orders.slice(1, 1, *given) == expected[1:2]
        assert {row.account for row in orders.rows(*given)} <= {given[0]}
    assert orders.count(owners[0], None, most=10) == 2


def test_the_sql_is_that_of_peewee_and_is_built_once(
    owners: list[Account],
) -> None:
    built: list[Account] = []

    def build(account: Account) -> ModelSelect[Order]:
        built.append(account)
        return Order.select().where(Order.account == account)

    query = prepared(build)
    with queries.recorded() as statements:
        list(Order.select().where(Order.account == owners[0]))
        for owner in owners:
            query.rows(owner)
    assert len(set(statements)) == 1
    assert len(built) == 1


def test_a_day_of_today_cannot_be_built_in(alice: Account) -> None:
    """The statement would read that day for ever."""
    query = prepared(lambda account: Order.select().where(Order.placed_at < clock.now()))
    with pytest.raises(TypeError, match="has to be a parameter"):
        query.rows(alice)


def test_each_page_reads_what_its_query_reads(owners: list[Account]) -> None:
    today = clock.today()
    between = ((None, None), (today, None), (None, date(2020, 1, 1)), (today, today))
    for owner in owners:
        found = services.of_account.rows(owner, today)
        assert found == list(services.query_of(owner, today))
        assert [row.group for row in found] == [
            row.group for row in services.query_of(owner, today)
        ]
        assert services.counted.count(owner, today, most=10) == len(found)
        assert services.places.rows(owner, today) == found
        by_name = groups.groups_by_name.rows(owner)
        assert groups.counted.count(owner, most=10) == len(by_name)
        for place, row in enumerate(found, 1):
            assert services.of_account.rows(owner, today, row.id) == found[place:]
            assert services.places.rows(owner, today, row.id) == found[place:]
            assert services.counted.count(owner, today, row.id, most=10) == len(found) - place
        for place, group in enumerate(by_name, 1):
            assert groups.groups_by_name.rows(owner, group.id) == by_name[place:]
            assert groups.counted.count(owner, group.id, most=10) == len(by_name) - place
        for days in between:
            expected = list(bills.bills_of_account(owner, Selection(*days)))
            assert bills.bills_between.rows(owner, *days) == expected
            assert bills.bills_between.count(owner, *days, most=10) == len(expected)


def test_an_update_changes_the_rows_of_its_parameters(owners: list[Account]) -> None:
    def named(account_id: int, city: str, at: datetime) -> ModelUpdate:
        return Account.update(city=city, email_proved_at=at).where(
            Account.id == account_id, Account.city != city
        )

    name, at = prepared_update(named), clock.now()
    alice, charlie = owners
    assert name.changed(alice.id, "Roubaix", at) == 1
    assert name.changed(alice.id, "Roubaix", at) == 0
    read = Account.get_by_id(alice.id)
    assert (read.city, read.email_proved_at) == ("Roubaix", at)
    assert Account.get_by_id(charlie.id).city == charlie.city


def test_an_update_returns_its_rows(owners: list[Account]) -> None:
    def moved(account_id: int, city: str) -> ModelUpdate:
        return Account.update(city=city).where(Account.id == account_id).returning(Account)

    move = prepared_update(moved)
    for city in ("Roubaix", "Tourcoing"):
        assert [(row.id, row.city) for row in move.rows(owners[0].id, city)] == [
            (owners[0].id, city)
        ]
    assert move.rows(0, "Lens") == []


def test_a_row_that_must_be_there_is_missed(orders: Prepared[Any], owners: list[Account]) -> None:
    assert orders.get(owners[0], None).account == owners[0]
    with pytest.raises(DoesNotExist):
        orders.get(owners[1], None)


@pytest.mark.parametrize("constant", ["awaiting_payment", "it's", "50 %", "?", "é", "", "-- x"])
def test_a_word_of_the_code_is_written_into_the_statement_and_no_other_text(
    alice: Account, owners: list[Account], constant: str
) -> None:
    def build(account: Account, least: int) -> ModelSelect[Order]:
        same = Order.status == constant
        return Order.select().where(
            Order.account == account, same | (Order.total_cents > 0), Order.total_cents >= least
        )

    query = prepared(build)
    with queries.recorded() as statements:
        for owner in owners:
            assert query.rows(owner, 1) == list(build(owner, 1))
            assert query.count(owner, 1, most=10) == len(list(build(owner, 1)))
    is_word = constant == "awaiting_payment"
    assert (f"'{constant}'" in statements[0]) == is_word
