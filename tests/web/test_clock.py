"""The sandbox's clock in requests: all of them follow it, whoever is signed in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Account
from shop import clock
from shop.sandbox_link import switches, test_points
from tests.support import queries
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor


def moved_on() -> timedelta:
    """Return how far the shop's clock is ahead, in whole seconds."""
    return timedelta(seconds=round((clock.now() - clock.real_now()).total_seconds()))


@pytest.mark.parametrize("path", ["/fr/", "/login", "/fr/contact", "/manager/account/orders"])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_request_follows_the_sandboxs_clock(
    client: CheckingClient, alice: Account, path: str, *, is_signed_in: bool
) -> None:
    if is_signed_in:
        Visitor(client).log_in(alice)
    client.get(path)  # a page for all visitors is kept from now on
    for minutes in (5, 7):
        switches.switch(switches.CLOCK, str(minutes * 60))
        client.get(path)
        assert moved_on() == timedelta(minutes=minutes)


def test_it_is_read_with_the_session_of_a_customer(client: CheckingClient, alice: Account) -> None:
    Visitor(client).log_in(alice)
    switches.switch(switches.CLOCK, "60")
    with queries.recorded() as asked:
        client.get("/manager/account/orders")
    assert moved_on() == timedelta(minutes=1)
    assert [sql for sql in asked if "sandbox_switch" in sql] == [
        sql for sql in asked if '"session"' in sql
    ]


def test_a_session_ends_by_the_clock_that_was_moved(client: CheckingClient, alice: Account) -> None:
    Visitor(client).log_in(alice)
    assert client.get("/manager/account/orders").status_code == 200
    switches.switch(switches.CLOCK, str(timedelta(days=400).total_seconds()))
    assert client.get("/manager/account/orders").location.startswith("/login")
    assert moved_on() == timedelta(days=400)


def test_production_asks_for_no_clock(client: CheckingClient, alice: Account) -> None:
    Visitor(client).log_in(alice)
    switches.switch(switches.CLOCK, "60")
    with test_points.controls.using(test_points.Production()), queries.recorded() as asked:
        assert client.get("/manager/account/orders").status_code == 200
    assert not [sql for sql in asked if "sandbox_switch" in sql]
    assert moved_on() == timedelta()
