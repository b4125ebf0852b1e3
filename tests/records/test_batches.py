"""Tables read in batches, by keyset pagination."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from models import LicenceGroup, Price, Seat
from records.batches import in_batches
from shop import clock
from tests.support import groups, queries
from tests.support.parties import Bank, Provider

pytestmark = pytest.mark.every_case


@pytest.fixture
def group(alice: object, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank)


@pytest.mark.parametrize(("size", "statements"), [(1, 4), (2, 3), (3, 2), (100, 2)])
def test_every_row_comes_once_in_order(group: LicenceGroup, size: int, statements: int) -> None:
    seats = Seat.select().where(Seat.group == group)
    expected = [row.number for row in seats.order_by(Seat.number)]
    assert len(expected) == 3
    with queries.recorded() as sent:
        assert [row.number for row in in_batches(seats, Seat.number, size=size)] == expected
    assert len(sent) == statements


def test_an_empty_list_has_no_rows(group: LicenceGroup) -> None:
    assert list(in_batches(Seat.select().where(Seat.id < 0), Seat.number)) == []


# --- By two columns, while rows are inserted and deleted ------------------------------------------


@pytest.fixture
def prices(app: Flask) -> list[Price]:
    """Seven prices of small amounts, three of them equal."""
    return [price_of(cents) for cents in (1, 3, 3, 3, 5, 7, 9)]


def price_of(cents: int) -> Price:
    days = Price.select().count()
    return Price.create(
        offer="business", amount_cents=cents, valid_from=clock.now() + timedelta(days=days)
    )


def read(size: int) -> Iterator[Price]:
    small = Price.select().where(Price.amount_cents < 100)
    return in_batches(small, Price.amount_cents, Price.id, size=size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_rows_of_one_value_are_parted_by_the_next_column(prices: list[Price], size: int) -> None:
    assert list(read(size)) == prices


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_rows_removed_while_paging_leave_no_gap(prices: list[Price], size: int) -> None:
    seen = []
    for price in read(size):
        seen.append(price)
        price.delete_instance()
        if price == prices[0]:
            prices[6].delete_instance()
    assert seen[:6] == prices[:6]
    # A row deleted within the current batch was read before that.
    assert seen[6:] == (prices[6:] if size == 7 else [])
    assert list(read(size)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_rows_added_while_paging_are_read_once_if_they_follow(
    prices: list[Price], size: int
) -> None:
    seen, added = [], []
    for price in read(size):
        seen.append(price)
        if price == prices[6]:
            added += [price_of(8), price_of(9), price_of(11)]
    assert seen == prices + added[1:]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_row_moved_ahead_by_its_reader_comes_again(prices: list[Price], size: int) -> None:
    seen = []
    for price in read(size):
        seen.append(price.amount_cents)
        if price == prices[3] and price.amount_cents < 20:
            price.amount_cents = 20
            price.save()
    assert seen == [1, 3, 3, 3, 5, 7, 9, 20]
