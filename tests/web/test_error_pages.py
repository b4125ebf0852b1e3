"""Error pages: an explanation, a way on, and for our own errors a reference number."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import peewee
import pytest
from flask import Flask
from playhouse.pool import MaxConnectionsExceeded
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

import models
from models import Account
from shop.orders import orders
from shop.pricing import catalogue
from tests.support import cast
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
END_OTHER_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
TOO_MANY = 4 * 1024 * 1024 + 1
NUMBER = re.compile(r"[0-9A-F]{8}")


class Broken(Exception):
    """An exception that no code expects."""


@pytest.fixture
def broken(client: CheckingClient, monkeypatch: pytest.MonkeyPatch) -> CheckingClient:
    """A browser of a shop that cannot read its prices."""

    def fail(**_: object) -> None:
        raise Broken("the secret cause")

    monkeypatch.setattr(catalogue, "offers", fail)
    client.expects_faults = True
    return client


def number_of(response: TestResponse) -> str:
    number = response.headers["X-Reference"]
    assert NUMBER.fullmatch(number)
    return number


# --- Our own errors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "says"),
    [("/fr/order", "Un problème est survenu"), ("/en/order", "Something went wrong")],
)
def test_a_fault_is_a_calm_page_with_a_number(
    broken: CheckingClient, address: str, says: str
) -> None:
    response = broken.get(address)
    assert response.status_code == 500
    assert says in response.text
    assert number_of(response) in response.text
    for word in ("Traceback", "Broken", "secret cause", "catalogue"):
        assert word not in response.text


def test_the_number_stands_in_one_line_of_the_log_with_the_cause(
    capsys: pytest.CaptureFixture[str], broken: CheckingClient, production: Flask
) -> None:
    client = browser(production)
    client.expects_faults = True
    capsys.readouterr()
    number = number_of(client.get("/fr/order?name=x"))
    lines = [
        line
        for line in capsys.readouterr().err.splitlines()
        if number in line and '"event": "request"' not in line
    ]
    assert len(lines) == 1
    told = json.loads(lines[0])
    assert told["reference"] == number
    assert told["event"] == "request_failed"
    assert told["method"] == "GET"
    assert "the secret cause" in told["exception"]


def test_a_part_of_a_page_tells_its_number_to_the_script(broken: CheckingClient) -> None:
    response = broken.get("/fr/order/totals", headers=PARTIAL)
    assert response.status_code == 500
    assert number_of(response)


def test_two_faults_have_two_numbers(broken: CheckingClient) -> None:
    assert number_of(broken.get("/fr/order")) != number_of(broken.get("/fr/order"))


def test_a_log_of_faults_opens_nothing(
    client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(token: str) -> None:
        raise Broken

    monkeypatch.setattr("shop.customers.password_changes.find_reset", fail)
    client.expects_faults = True
    with capture_logs() as said:
        client.get("/fr/password/a-token-that-opens-something")
    assert "/password/<token>" in said[0]["route"]
    assert "opens-something" not in str(said)


def test_a_fault_leaves_nothing_half_done(
    client: CheckingClient, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Broken

    visitor = Visitor(client)
    visitor.open("/fr/order?business=3&pro_plus=0")
    visitor.press("Commander", business=3, pro_plus=0)
    visitor.press("Poursuivre")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password="Correct-Horse-7")
    monkeypatch.setattr(orders.mail, "order_placed", fail)
    client.expects_faults = True
    visitor.press("Confirmer et Payer", accepted="yes")
    assert visitor.response.status_code == 500
    assert not models.Order.select().exists()
    assert not models.Acceptance.select().exists()
    monkeypatch.undo()
    visitor.open(f"/fr/order/contracts?{visitor.address.partition('?')[2]}")
    visitor.press("Confirmer et Payer", accepted="yes")
    assert models.Order.select().count() == 1


# --- The database is unavailable -----------------------------------------------------------------


def nowhere(kind: str, folder: Path) -> str:
    """Return the URL of a database that does not answer."""
    return "postgresql://127.0.0.1:1/shop" if kind == "postgresql" else f"sqlite:///{folder}"


@pytest.mark.every_case
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_without_its_database_the_shop_says_so_calmly(
    kind: str, client: CheckingClient, alice: Account, make_app: MakeApp, tmp_path: Path
) -> None:
    Visitor(client).log_in(alice)
    away = browser(make_app(DATABASE_URL=nowhere(kind, tmp_path)))
    away.expects_faults = True
    away.set_cookie("shop_session", client.get_cookie("shop_session").value)
    for address in ("/fr/", "/en/order", "/manager/web", "/manager/account/orders", "/nowhere"):
        response = away.get(address)
        assert response.status_code == 503, address
        assert response.headers["Retry-After"] == "30"
        assert number_of(response) in response.text
        assert "Traceback" not in response.text
    assert away.get("/healthz").json == {"status": "ok"}
    ready = away.get("/readyz")
    assert (ready.status_code, ready.json) == (503, {"status": "no database"})


@pytest.mark.every_case
@pytest.mark.parametrize(
    "error", [peewee.OperationalError, peewee.InterfaceError, MaxConnectionsExceeded]
)
def test_a_database_lost_during_a_request_gives_the_page_of_a_break(
    client: CheckingClient, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(**_: object) -> None:
        raise error("gone")

    monkeypatch.setattr(catalogue, "offers", fail)
    client.expects_faults = True
    response = client.get("/en/order")
    assert response.status_code == 503
    assert "short break" in response.text


def test_a_database_that_comes_back_is_used_again(app: Flask, client: CheckingClient) -> None:
    assert client.get("/fr/").status_code == 200
    if isinstance(models.database.obj, peewee.PostgresqlDatabase):
        with models.database.connection_context():
            models.database.execute_sql(END_OTHER_CONNECTIONS)
    client.expects_faults = True
    statuses = [client.get("/fr/").status_code for _ in range(3)]
    assert statuses[1:] == [200, 200]


# --- Errors of visitors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "address", "status", "says"),
    [
        ("GET", "/fr/nowhere/at-all", 404, "n’existe pas"),
        ("GET", "/en/nowhere/at-all", 404, "does not exist"),
        ("GET", "/en/order/999999999.pdf/x", 404, "does not exist"),
        ("PUT", "/fr/order", 405, "ne s’utilise pas ainsi"),
        ("DELETE", "/en/order", 405, "cannot be used that way"),
        ("GET", "/fr/password/spent", 410, "ne fonctionne plus"),
        ("GET", "/en/password/spent", 410, "no longer works"),
        ("POST", "/en/order", 400, "open for a long time"),
    ],
)
def test_every_refusal_is_a_page_with_a_way_on(
    client: CheckingClient, method: str, address: str, status: int, says: str
) -> None:
    token = client.csrf_token() if method in {"PUT", "DELETE"} else ""
    response = client.open(address, method=method, headers={"X-CSRFToken": token} if token else {})
    assert response.status_code == status
    assert says in response.text
    assert re.search(r'<p class="actions"><a [^>]*href="/(fr|en)/', response.text)
    assert f'lang="{address[1:3]}"' in response.text
    assert "X-Reference" not in response.headers


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/manager/account/profile", "/manager/account/profile"),
        ("/manager/groups/x/seats/1/configuration", "/manager/groups/x"),
        ("/fr/order/123456789/payments", "/fr/order/123456789"),
        ("/en/order/123456789/cancellation", "/en/order/123456789"),
        ("/en/order/contracts", "/en/order/contracts?business=2"),
    ],
)
def test_a_form_left_open_while_its_customer_logged_out_leads_to_the_sign_in(
    client: CheckingClient, alice: Account, address: str, page: str
) -> None:
    client.ask("POST", "/login", {"nic_handle": alice.nic_handle, "password": cast.PASSWORD})
    token = client.csrf_token()
    client.ask("POST", "/logout")
    sent: dict[str, Any] = {
        "data": {"csrf_token": token},
        "headers": {"Referer": f"http://localhost{page}"},
    }
    response = client.post(address, **sent)
    assert response.status_code == 303
    assert urlsplit(response.location).path == "/login"
    assert dict(parse_qsl(urlsplit(response.location).query)) == {"next": page}
    without = client.post(address, headers=sent["headers"])
    assert without.status_code == 400, "it has no token of ours"
    client.ask("POST", "/login", {"nic_handle": alice.nic_handle, "password": cast.PASSWORD})
    assert client.post(address, **sent).status_code == 400, "somebody is signed in"


def test_405_says_what_is_possible(client: CheckingClient) -> None:
    response = client.ask("DELETE", "/fr/order")
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_body_too_large_is_a_page(client: CheckingClient, language: str) -> None:
    token = client.csrf_token()
    says = {"fr": "trop volumineux", "en": "too large"}[language]
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        response = client.post(
            f"/{language}/order", data={"business": "9" * TOO_MANY}, content_type=kind,
            headers={"X-CSRFToken": token},
        )  # fmt: skip
        assert response.status_code == 413
        assert says in response.text
    response = client.post("/notifications/bank", data=b"x" * TOO_MANY)
    assert response.status_code == 413


def test_a_webhook_is_judged_by_its_signature_not_its_characters(client: CheckingClient) -> None:
    assert client.get("/fr/order?name=%01").status_code == 400
    assert client.post("/notifications/bank?name=%01").status_code == 403


@pytest.mark.parametrize(
    ("language", "says"), [("fr", "Trop de tentatives"), ("en", "Too many attempts")]
)
def test_too_many_attempts_are_told_at_the_form(
    make_app: MakeApp, alice: Account, language: str, says: str
) -> None:
    visitor = Visitor(browser(make_app(RATE_LIMITS="on")))
    visitor.open(f"/{language}/password")
    for _ in range(6):
        visitor.open(f"/{language}/password")
        button = {"fr": "Envoyer le lien", "en": "Send the link"}[language]
        visitor.press(button, identifier=alice.email)
    assert visitor.response.status_code == 429
    assert visitor.sees(says)
    assert f'value="{alice.email}"' in visitor.response.text


def test_a_form_that_cannot_be_read_is_a_page(client: CheckingClient) -> None:
    response = client.post(
        "/fr/order", data=b"\xff\xfe--", content_type="multipart/form-data; boundary=x",
        headers={"X-CSRFToken": client.csrf_token()},
    )  # fmt: skip
    assert response.status_code in {400, 422}
