"""A table read from end to end, a batch at a time."""

from __future__ import annotations

import pytest

from models import LicenceGroup, Seat
from records.batches import in_batches
from tests.support import groups, queries
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: object, bank: Bank, provider: Provider) -> LicenceGroup:
    return groups.installed(alice, bank)


@pytest.mark.parametrize(("size", "statements"), [(1, 4), (2, 2), (3, 2), (100, 1)])
def test_every_row_comes_once_in_order(group: LicenceGroup, size: int, statements: int) -> None:
    seats = Seat.select().where(Seat.group == group)
    expected = [row.number for row in seats.order_by(Seat.number)]
    assert len(expected) == 3
    with queries.recorded() as sent:
        assert [row.number for row in in_batches(seats, Seat.number, size)] == expected
    assert len(sent) == statements


def test_no_rows_are_no_rows(group: LicenceGroup) -> None:
    assert list(in_batches(Seat.select().where(Seat.id < 0), Seat.number)) == []
