"""Fixtures: a new sandbox and its clients."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox import clock, create_sandbox, switches
from sandbox.bank import checkouts, notifications
from sandbox.database import database
from sandbox.french import FRENCH
from tests.sandbox.shop import ListeningShop, listening
from tests.support import pages
from tests.support.visitor import Visitor

SHOP = "http://shop.example"
ENGLISH = frozenset(english for english, french in FRENCH.items() if english != french)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Skip these tests on PostgreSQL: the sandbox always uses its own SQLite file."""
    return True if config.getoption("postgresql") else None


class PageClient(FlaskClient):
    """A test client that fails on an unexpected status or an invalid page."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make a request and check its answer."""
        response = super().open(*args, **kwargs)
        where = f"{response.request.method} {response.request.path}"
        if (
            response.mimetype == "text/html"
            and response.data
            and not 300 <= response.status_code < 400
        ):
            assert response.status_code in {200, 400, 403, 404, 405, 410, 422, 429, 502}, where
            found = pages.problems(response.text, english=ENGLISH)
            assert not found, f"{where}:\n- " + "\n- ".join(found)
        return response


class Caller:
    """A client of one of the sandbox's APIs; each call gets a new idempotency key by default."""

    def __init__(self, client: FlaskClient, prefix: str, key: str) -> None:
        self.client, self.prefix, self.key = client, prefix, key
        self._numbers = itertools.count(1)

    def __call__(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> TestResponse:
        name = f"{self.prefix}-{next(self._numbers)}" if key is None else key
        headers = {"Authorization": f"Bearer {self.key}"} | (
            {"Idempotency-Key": name} if name else {}
        )
        return self.client.open(self.prefix + path, method=method, json=body, headers=headers)


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the database of a new sandbox."""
    path = tmp_path_factory.mktemp("sandbox") / "fresh.db"
    create_sandbox({"SANDBOX_DATABASE": str(path)})
    database.close_all()
    return path


@pytest.fixture
def make_sandbox(tmp_path: Path, fresh_file: Path) -> Callable[..., Flask]:
    """Return a factory of sandboxes on one file: ``make_sandbox(SANDBOX_FAULTS="1")``."""

    path = tmp_path / "sandbox.db"
    shutil.copy(fresh_file, path)

    def make(**environment: str) -> Flask:
        defaults = {
            "SANDBOX_DATABASE": str(path),
            "SANDBOX_LATENCY": "0",
            "PUBLIC_URL": SHOP,
        }
        app = create_sandbox(defaults | environment)
        app.testing = True
        app.test_client_class = PageClient
        return app

    return make


@pytest.fixture
def sandbox_app(
    make_sandbox: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """Make a sandbox without random behaviour."""
    monkeypatch.setattr(notifications, "DUPLICATE_SHARE", 0)
    yield make_sandbox()
    database.close()


@pytest.fixture
def client(sandbox_app: Flask) -> FlaskClient:
    """Make an HTTP client of the sandbox."""
    return sandbox_app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Make a visitor, who reads pages and presses buttons."""
    return Visitor(client)


@pytest.fixture
def bank(client: FlaskClient) -> Caller:
    """Make a merchant's client of the bank's API."""
    return Caller(client, "/bank/api", "sandbox-bank-key")


@pytest.fixture
def office(client: FlaskClient) -> Caller:
    """Make a reseller's client of the provider's API."""
    return Caller(client, "/office/api", "sandbox-provider-key")


@pytest.fixture
def move_on(sandbox_app: Flask) -> Callable[[float], None]:
    """Return a function that advances the sandbox's clock without calling the shop."""
    return lambda seconds: clock.set_moved_on(clock.moved_on() + seconds)


@pytest.fixture
def run_due(sandbox_app: Flask) -> Callable[[], None]:
    """Return a function that processes due checkouts, as the background worker does."""

    def act() -> None:
        with sandbox_app.app_context():
            checkouts.process_due_checkouts()

    return act


@pytest.fixture
def deliver(sandbox_app: Flask) -> Callable[[], int]:
    """Return a function that sends due notifications and returns how many were accepted."""

    def act() -> int:
        with sandbox_app.app_context():
            return notifications.deliver_due()

    return act


@pytest.fixture
def switch(sandbox_app: Flask) -> Callable[..., None]:
    """Return a function that sets switches: ``switch(bank_outcome_delay=5)``."""
    return lambda **wanted: switches.set_values(wanted)


@pytest.fixture
def open_checkout(bank: Caller) -> Callable[..., dict[str, Any]]:
    """Return a function that creates a checkout as the shop does."""

    def start(key: str | None = None, **fields: Any) -> dict[str, Any]:
        answer = bank("POST", "/checkouts", checkout_body(**fields), key)
        assert answer.status_code == 201, answer.text
        return dict(answer.json or {})

    return start


def checkout_body(**fields: Any) -> dict[str, Any]:
    """Return the request body with which the shop creates a checkout."""
    return {
        "amount_cents": 1056,
        "currency": "EUR",
        "reference": "BC-1",
        "description": "Nuage BC-1",
        "language": "fr",
        "customer_email": "alice@example.com",
        "return_url": f"{SHOP}/payment/return/signed",
        "notification_url": f"{SHOP}/notifications/bank",
        "store_card": False,
    } | fields


@pytest.fixture
def shop() -> Iterator[ListeningShop]:
    """Serve a fake shop that records notifications and control calls."""
    with listening() as listener:
        yield listener
