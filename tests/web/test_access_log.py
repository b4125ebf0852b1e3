"""The access log: each request with method, route, status, milliseconds and id."""

from __future__ import annotations

from typing import Any

from flask import Flask
from structlog.testing import capture_logs

from models import Account
from tests.support import cast
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

FIELDS = {"event", "log_level", "method", "route", "status", "ms"}


def requests(said: list[Any]) -> list[dict[str, Any]]:
    return [line for line in said if line["event"] == "request"]


def test_each_request_is_a_line(client: CheckingClient) -> None:
    with capture_logs() as said:
        client.get("/fr/order?business=3")
        client.get("/nowhere/of/anyone")
        client.post("/login")
        client.get("/healthz")
        client.get("/fr/", headers={"Host": "evil.example"})
    lines = requests(said)
    assert all(set(line) == FIELDS for line in lines)
    assert all(0 < line["ms"] < 60_000 for line in lines)
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/<language:lang>/order", 200),
        ("GET", "none", 404),
        ("POST", "/login", 400),
        ("GET", "/<language:lang>/", 421),
    ]


def test_no_line_holds_personal_data(app: Flask, alices: Belongings) -> None:
    client = browser(app)
    client.reads_pages = False
    with capture_logs() as said:
        Visitor(client).log_in(alices.account)
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and not str(rule).endswith(".pdf"):
                address = alices.secret_addresses.get(rule.endpoint) or alices.address(rule)
                client.get(f"{address}?q={alices.account.email}")
    told = repr(requests(said))
    assert len(requests(said)) > 50
    for personal in (
        alices.account.nic_handle, alices.account.email, alices.group.name, cast.PASSWORD,
        "127.0.0.1", *alices.secret_addresses.values(),
    ):  # fmt: skip
        assert personal not in told, personal


def test_the_id_of_a_request_joins_its_lines(client: CheckingClient, alice: Account) -> None:
    first, second = client.get("/fr/"), client.get("/fr/")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert len(first.headers["X-Request-Id"]) == 8
