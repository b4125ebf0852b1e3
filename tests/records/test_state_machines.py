"""The tables of legal transitions: declared, complete, and the only way to change a status."""

from __future__ import annotations

import re

import pytest

import models
from models import Account, Event, Order, OrderStatus
from records.base import StateMachine
from shop import transitions
from tests.support import purchases

pytestmark = pytest.mark.every_case

MACHINES = [table for table in models.all_tables() if issubclass(table, StateMachine)]


def statuses_of(table: type[StateMachine]) -> set[str]:
    """Return the statuses that the table's CHECK allows."""
    checks = [check.sql for check in table._meta.constraints]
    words = [re.fullmatch(r"CHECK \(status IN \(([^)]*)\)\)", sql) for sql in checks]
    (found,) = [match for match in words if match]
    return set(re.findall(r"'(\w+)'", found[1]))


@pytest.mark.parametrize("table", MACHINES, ids=lambda table: table.__name__)
def test_every_status_has_its_moves(table: type[StateMachine]) -> None:
    assert set(table.moves) == statuses_of(table)
    assert set().union(*table.moves.values()) <= set(table.moves)


def test_every_state_machine_writes_its_events_under_a_name_of_its_own() -> None:
    assert len(MACHINES) == 19
    assert len({table.event_subject for table in MACHINES}) == len(MACHINES)


def test_a_move_that_stands_in_no_table_is_refused(alice: Account) -> None:
    order = purchases.place(alice)
    assert not order.may_become(OrderStatus.DELIVERED)
    known = Event.select().count()
    with pytest.raises(transitions.IllegalTransition, match="order"):
        transitions.move(order, OrderStatus.DELIVERED, by="shop")
    assert Order.get_by_id(order.id).status == OrderStatus.AWAITING_PAYMENT
    assert Event.select().count() == known
