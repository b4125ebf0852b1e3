"""What one customer may ask for is bounded; other customers are not concerned."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from limits import RateLimitItemPerHour

from models import Account, Order
from shop.security import rate_limits
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]


@pytest.fixture(autouse=True)
def _three_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORMS", "SEARCHES", "DOCUMENTS"):
        monkeypatch.setattr(rate_limits, f"{name}_PER_ACCOUNT", RateLimitItemPerHour(3))
    monkeypatch.setattr(rate_limits, "IMPORTS_PER_ACCOUNT", RateLimitItemPerHour(2))


@pytest.fixture
def limited(make_app: MakeApp) -> Flask:
    """A shop with rate limits."""
    return make_app(RATE_LIMITS="on")


def signed_in(app: Flask, who: Account) -> CheckingClient:
    client = browser(app)
    client.reads_pages = False
    Visitor(client).log_in(who)
    return client


def statuses(ask: Callable[[], object], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def test_forms_are_bounded_for_each_customer(limited: Flask, alice: Account, bob: Account) -> None:
    client, token = signed_in(limited, alice), ""
    token = client.csrf_token()
    address = "/manager/account/sessions/0/ending"
    assert statuses(lambda: client.ask("POST", address, {}, token), 5) == [404] * 3 + [429] * 2
    refused = client.ask("POST", address, {}, token)
    assert int(refused.headers["Retry-After"]) == 3600
    other = signed_in(limited, bob)
    assert other.ask("POST", address).status_code == 404
    assert client.ask("POST", "/logout", {}, token).status_code in {302, 303}


def test_searches_are_bounded_and_pages_are_not(limited: Flask, alice: Account) -> None:
    client = signed_in(limited, alice)
    search = "/manager/account/emails?q=licence"
    assert statuses(lambda: client.get(search), 4) == [200] * 3 + [429]
    assert statuses(lambda: client.get("/manager/account/emails?q="), 5) == [200] * 5


def test_documents_are_bounded(limited: Flask, alices: Belongings) -> None:
    client = signed_in(limited, alices.account)
    address = f"/manager/account/orders/{Order.get().number}.pdf"
    assert statuses(lambda: client.get(address), 4) == [200] * 3 + [429]


def test_imports_are_bounded(
    limited: Flask, alices: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "FORMS_PER_ACCOUNT", RateLimitItemPerHour(100))
    client = signed_in(limited, alices.account)
    address, token = f"/manager/groups/{alices.group.name}/imports", client.csrf_token()

    def upload() -> object:
        form = {"file": (io.BytesIO(b"first_name,last_name,login\nA,B,abc\n"), "people.csv")}
        return client.ask("POST", address, form, token)

    assert statuses(upload, 3) == [303, 303, 429]


def test_strangers_are_not_counted(limited: Flask) -> None:
    client = browser(limited)
    client.reads_pages = False
    assert statuses(lambda: client.get("/fr/order?q=x"), 5) == [200] * 5


def test_control_without_limits_everything_is_answered(app: Flask, alice: Account) -> None:
    client = signed_in(app, alice)
    assert statuses(lambda: client.get("/manager/account/emails?q=x"), 5) == [200] * 5
