"""Objects made of rows are those that Peewee makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from peewee import JOIN, Model, fn

from models import Account, Invoice, LicenceGroup, Offer, Order, OrderLine, Seat
from shop.sql import rows
from tests.support.belongings import Belongings

pytestmark = pytest.mark.every_case


def everything(made: Any, depth: int = 4) -> Any:
    """Return the values of an object, with those of the objects it holds."""
    if not isinstance(made, Model) or not depth:
        return made
    held = {name: everything(value, depth - 1) for name, value in vars(made).items()}
    held["__rel__"] = {name: everything(each, depth - 1) for name, each in made.__rel__.items()}
    return type(made), held


def queries() -> dict[str, Any]:
    successor = Invoice.alias()
    return {
        "plain": Invoice.select(),
        "some columns": LicenceGroup.select(LicenceGroup.id, LicenceGroup.offer),
        "a join": Order.select(Order, Account).join(Account),
        "two joins": Seat.select(Seat, LicenceGroup, Offer).join(LicenceGroup).join(Offer),
        "a join that is not read": OrderLine.select(OrderLine).join(Order),
        "through one that is not read": OrderLine.select(OrderLine, Account)
        .join(Order)
        .join(Account),
        "an outer join": Invoice.select(Invoice, Order).join(Order, JOIN.LEFT_OUTER),
        "nothing found": Invoice.select(Invoice, successor).join(
            successor, JOIN.LEFT_OUTER, on=(successor.corrects == Invoice.id)
        ),
        "under another name": Invoice.select(Invoice, successor).join(
            successor, JOIN.LEFT_OUTER, on=(successor.corrects == Invoice.id), attr="correction"
        ),
        "computed": Account.select(
            Account,
            fn.COUNT(Order.id).alias("orders"),
            fn.MAX(Order.placed_at).converter(Order.placed_at.python_value).alias("newest"),
        )
        .join(Order, JOIN.LEFT_OUTER)
        .group_by(Account),
        "a renamed column": Account.select(Account.id, Account.nic_handle.alias("handle")),
    }


@pytest.mark.parametrize("name", queries())
def test_objects_are_those_of_peewee(alices: Belongings, charlie: Account, name: str) -> None:
    query = queries()[name]
    expected = list(query.clone())
    wrapper = query._execute(query._database)
    wrapper.initialize()
    found = wrapper.cursor.fetchall()
    reader = rows.reader_of(wrapper)
    assert isinstance(reader, rows.RowReader)
    assert [everything(reader.process_row(row)) for row in found] == [
        everything(each) for each in expected
    ]
    assert len(found) >= 1


def test_rows_that_are_no_objects_are_left_to_peewee(alices: Belongings) -> None:
    wrapper = Order.select(Order.number).tuples()._execute(Order._meta.database)
    wrapper.initialize()
    assert rows.reader_of(wrapper) is wrapper
