"""The shop with Microsoft Graph as its provider: each group is installed exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from models import Account, LicenceGroup, Order, OrderStatus
from shop.office import configured
from shop.payments import gateways
from tests.contract import offices
from tests.contract.offices import GraphUnderTest
from tests.support import purchases
from tests.support.certificates import Certificate
from tests.support.parties import Bank


@pytest.fixture
def bank(app: Flask) -> Iterator[Bank]:
    """Provide the in-process bank, which is not under test here."""
    in_process = Bank()
    with gateways.gateway.using(in_process):
        yield in_process


@pytest.fixture
def graph(app: Flask, certificate: Certificate) -> Iterator[GraphUnderTest]:
    """Serve Graph on this machine as the shop's provider."""
    with (
        offices.serve_graph(certificate) as served,
        configured.provider.using(served.provider),
    ):
        yield served


@pytest.mark.parametrize("lost", [None, 0, 2, 4, 6])
def test_a_paid_order_is_installed_in_the_directory(
    alice: Account,
    bank: Bank,
    graph: GraphUnderTest,
    clock: time_machine.Traveller,
    drain: Callable[[], int],
    lost: int | None,
) -> None:
    order = purchases.place(alice, purchases.basket(business=2, pro_plus=3))
    purchases.pay(order, bank)
    if lost is not None:
        graph.faults.passing, graph.faults.losing = lost, 1
    drain()
    clock.shift(timedelta(minutes=1))
    drain()
    assert Order.get_by_id(order.id).status == OrderStatus.DELIVERED
    groups = graph.server.directory.groups.values()
    installed = [group.domain for group in LicenceGroup.select()]
    assert sorted(group["displayName"] for group in groups) == sorted(installed)
