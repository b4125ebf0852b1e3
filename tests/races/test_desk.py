"""Two clicks on a button of the desk, at the same moment: the act is done and recorded once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from desk import access
from models import Account, Event, Price, StaffAct
from shop import clock
from shop.personal_data import closing, erasure
from tests.support import patience, racing, staff
from tests.support.client import browser
from web import cookies

CLICKS = 2
SENT = {"key": "a-form", "reason": "Asked by telephone", "confirmed": "yes"}


@pytest.fixture
def click(app: Flask) -> Callable[..., list[TestResponse]]:
    """Provide what sends a form of the desk twice at once, from one browser."""
    session = staff.session_of(staff.member())

    def send(address: str, **form: str) -> list[TestResponse]:
        def once() -> TestResponse:
            client = browser(app)
            client.reads_pages = False
            client.set_cookie(cookies.name_of(access.COOKIE), session)
            token = client.token_in(client.get("/desk/account"))
            started.wait(timeout=patience.STUCK)
            return client.post(address, data=SENT | form | {"csrf_token": token})

        started = threading.Barrier(CLICKS)
        return racing.race(once, CLICKS)

    return send


def test_a_price_is_set_once(click: Callable[..., list[TestResponse]]) -> None:
    before, day = Price.select().count(), clock.today() + timedelta(days=9)
    form = {"offer": "business", "amount": "9,90", "day": str(day)}
    done = click("/desk/prices/new", **form)
    assert [answer.location for answer in done] == ["/desk/prices"] * CLICKS
    assert Price.select().count() == before + 1
    assert Event.select().where(Event.name == "price_set").count() == 1
    assert StaffAct.select().count() == 1


def test_without_the_key_of_its_form_a_second_click_would_be_refused(
    click: Callable[..., list[TestResponse]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.acts.record_act", lambda *_args, **_more: True)
    day = clock.today() + timedelta(days=9)
    done = click("/desk/prices/new", offer="business", amount="9,90", day=str(day))
    assert sorted(answer.status_code for answer in done) != [303] * CLICKS


def meet_before_blanking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both clicks have found the account not erased before either erases it."""
    barrier, close = threading.Barrier(CLICKS), closing.close_account

    def meet(account: Account, **more: Any) -> bool:
        closed = close(account, **more)
        barrier.wait(timeout=patience.STUCK)
        return closed

    monkeypatch.setattr(closing, "close_account", meet)


def erased(account: Account) -> int:
    """Return how often an account was erased."""
    own = (Event.account_id == account.id) & (Event.name == "account_erased")
    return Event.select().where(own).count()


def test_a_customer_is_erased_once(
    click: Callable[..., list[TestResponse]], alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_before_blanking(monkeypatch)
    done = click(f"/desk/customers/{alice.nic_handle}/erasure")
    assert [answer.location for answer in done] == ["/desk/data"] * CLICKS
    assert erased(alice) == 1
    act = StaffAct.get()
    assert (act.kind, act.account_id, act.reason) == ("account_erased", alice.id, SENT["reason"])


def test_without_the_lock_a_customer_would_be_erased_twice(
    click: Callable[..., list[TestResponse]], alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_before_blanking(monkeypatch)
    monkeypatch.setattr(erasure, "lock", lambda account: account)
    click(f"/desk/customers/{alice.nic_handle}/erasure")
    assert erased(alice) == 2
