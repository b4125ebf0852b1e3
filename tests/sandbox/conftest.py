"""A sandbox as new, and those who call it."""

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
    """Once is enough: the sandbox keeps its own file whichever database the shop is tested on."""
    return True if config.getoption("postgresql") else None


class PageClient(FlaskClient):
    """Fails the test that sees a fault or a bad page."""

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
    """Calls one of the sandbox's interfaces with its key; each change under a new name."""

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
    """The database of a sandbox in which nothing has happened yet."""
    path = tmp_path_factory.mktemp("sandbox") / "fresh.db"
    create_sandbox({"SANDBOX_DATABASE": str(path)})
    database.close_all()
    return path


@pytest.fixture
def make_sandbox(tmp_path: Path, fresh_file: Path) -> Callable[..., Flask]:
    """Make a sandbox in a file of its own: ``make_sandbox(SANDBOX_FAULTS="1")``."""

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
    """A sandbox in which nothing happens by chance."""
    monkeypatch.setattr(notifications, "DUPLICATE_SHARE", 0)
    yield make_sandbox()
    database.close()


@pytest.fixture
def client(sandbox_app: Flask) -> FlaskClient:
    """A browser, or a program, at the sandbox."""
    return sandbox_app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Somebody who reads pages and presses buttons."""
    return Visitor(client)


@pytest.fixture
def bank(client: FlaskClient) -> Caller:
    """A merchant at the bank."""
    return Caller(client, "/bank/api", "sandbox-bank-key")


@pytest.fixture
def office(client: FlaskClient) -> Caller:
    """A reseller at the Office provider."""
    return Caller(client, "/office/api", "sandbox-provider-key")


@pytest.fixture
def move_on(sandbox_app: Flask) -> Callable[[float], None]:
    """Move the sandbox's clock on, without a shop to tell."""
    return lambda seconds: clock.set_moved_on(clock.moved_on() + seconds)


@pytest.fixture
def run_due(sandbox_app: Flask) -> Callable[[], None]:
    """Do what time asks of the bank, as its background does."""

    def act() -> None:
        with sandbox_app.app_context():
            checkouts.process_due_checkouts()

    return act


@pytest.fixture
def deliver(sandbox_app: Flask) -> Callable[[], int]:
    """Carry the notifications that are due; how many the shop took."""

    def act() -> int:
        with sandbox_app.app_context():
            return notifications.deliver_due()

    return act


@pytest.fixture
def switch(sandbox_app: Flask) -> Callable[..., None]:
    """Set switches: ``switch(bank_outcome_delay=5)``."""
    return lambda **wanted: switches.set_values(wanted)


@pytest.fixture
def open_checkout(bank: Caller) -> Callable[..., dict[str, Any]]:
    """Open a payment page as the shop would, with some fields of one's own."""

    def start(key: str | None = None, **fields: Any) -> dict[str, Any]:
        answer = bank("POST", "/checkouts", checkout_body(**fields), key)
        assert answer.status_code == 201, answer.text
        return dict(answer.json or {})

    return start


def checkout_body(**fields: Any) -> dict[str, Any]:
    """What the shop says when it opens a checkout."""
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
    """A shop that listens to notifications and controls."""
    with listening() as listener:
        yield listener
