"""The host names the shop answers to; all others are refused with 421."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from structlog.testing import capture_logs

from tests.conftest import PRODUCTION
from tests.support.client import CheckingClient, browser

pytestmark = pytest.mark.one_database

MakeApp = Callable[..., Flask]

FOREIGN = [
    "evil.example", "localhost.evil.example", "evil.localhost.example", "10.0.0.1", "[::2]",
    "localhost.", "[", "[::1", "a:b:c", "localhost:x:y", "", "\xe9", "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_an_unknown_host_is_refused(client: CheckingClient, host: str) -> None:
    for path in ("/fr/", "/en/order", "/nowhere", "/login", "/manager/web"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421, path
        assert "Set-Cookie" not in answer.headers
    assert client.post("/notifications/bank", headers={"Host": host}).status_code == 421


def test_the_page_of_an_unknown_host_leads_to_the_shop(client: CheckingClient) -> None:
    french = client.get("/fr/order", headers={"Host": "evil.example"})
    assert "Cette boutique se trouve à une autre adresse" in french.text
    assert 'href="http://localhost"' in french.text
    english = client.get("/en/order", headers={"Host": "evil.example"})
    assert "This shop has another address" in english.text


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "LOCALHOST"]
)
def test_a_developers_machine_answers_to_its_own_names(client: CheckingClient, host: str) -> None:
    assert client.get("/fr/", headers={"Host": host}).status_code == 200


def test_a_public_name_is_known_in_development_too(make_app: MakeApp) -> None:
    client = browser(make_app(PUBLIC_URL="http://box.example:8000", HOST="192.0.2.5"))
    for host in ("box.example", "box.example:8000", "192.0.2.5:5000", "localhost:5000"):
        assert client.get("/fr/", headers={"Host": host}).status_code == 200, host


def test_production_answers_to_its_public_name_alone(production: Flask) -> None:
    client = browser(production)
    assert client.get("/fr/", base_url="https://shop.example").status_code == 200
    for host in ("localhost", "127.0.0.1", "www.shop.example", "evil.example"):
        assert client.get("/fr/", base_url=f"https://{host}").status_code == 421, host


def test_monitoring_reaches_each_machine_by_its_address(make_app: MakeApp) -> None:
    client = browser(make_app(**PRODUCTION))
    for path in ("/healthz", "/readyz", "/metrics"):
        assert client.get(path, base_url="http://10.0.0.7:5000").status_code == 200, path


def test_an_unknown_host_is_logged(client: CheckingClient) -> None:
    with capture_logs() as said:
        client.get("/fr/", headers={"Host": "evil.example"})
    assert [line["host"] for line in said if line["event"] == "unknown_host"] == ["evil.example"]
