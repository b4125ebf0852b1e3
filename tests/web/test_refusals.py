"""Refused requests are events of the log, without personal data."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from structlog.testing import capture_logs

from models import Account
from tests.support import cast
from tests.support.belongings import Belongings
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

MakeApp = Callable[..., Flask]


def events(said: list[dict[str, object]], name: str) -> list[dict[str, object]]:
    return [line for line in said if line["event"] == name]


def assert_impersonal(said: list[dict[str, object]], *accounts: Account) -> None:
    told = repr(said)
    for account in accounts:
        for secret in (account.nic_handle, account.email, account.last_name):
            assert secret not in told
    assert "203.0.113.7" not in told
    assert "127.0.0.1" not in told


def test_every_foreign_identifier_is_an_event(
    app: Flask, alices: Belongings, charlie: Account
) -> None:
    client = browser(app)
    client.reads_pages = False
    Visitor(client).log_in(charlie)
    tried = [
        rule
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/manager/") and "GET" in (rule.methods or ()) and rule.arguments
    ]
    assert len(tried) > 20
    for rule in tried:
        with capture_logs() as said:
            answer = client.get(alices.address(rule))
        if answer.status_code == 404:
            (event,) = events(said, "unknown_identifier")
            assert event["route"] == str(rule)
            assert_impersonal(said, alices.account, charlie)


def test_a_refused_form_is_an_event(client: CheckingClient) -> None:
    with capture_logs() as said:
        assert client.post("/login", data={"nic_handle": "ab12345-ovh"}).status_code == 400
    (event,) = events(said, "csrf_refused")
    assert (event["method"], event["route"]) == ("POST", "/login")
    assert "ab12345" not in repr(said)


def test_a_rate_limit_is_an_event(make_app: MakeApp, alice: Account) -> None:
    client = browser(make_app(RATE_LIMITS="on"))
    client.reads_pages = False
    token = client.csrf_token()
    form = {"nic_handle": alice.nic_handle, "password": "wrong"}
    with capture_logs() as said:
        answers = [client.ask("POST", "/login", form, token).status_code for _ in range(12)]
    assert 429 in answers
    (what,) = {tuple(sorted(event.items())) for event in events(said, "rate_limited")}
    assert dict(what) == {"event": "rate_limited", "what": "sign-in", "log_level": "warning"}
    assert_impersonal(said, alice)
    assert cast.PASSWORD not in repr(said)


def test_every_event_of_an_account_is_a_line(
    client: CheckingClient, visitor: Visitor, alice: Account
) -> None:
    with capture_logs() as said:
        visitor.log_in(alice, password="wrong")
        visitor.log_in(alice)
        client.ask("POST", "/manager/account/sessions/others/ending")
        client.ask("POST", "/logout")
    lines = events(said, "account_event")
    assert [(line["kind"], line["account"]) for line in lines] == [
        ("sign_in_failed", alice.id),
        ("signed_in", alice.id),
        ("sessions_ended", alice.id),
        ("signed_out", alice.id),
    ]
    assert lines[1]["means"] == "password"
    assert_impersonal(said, alice)


def test_an_invalid_request_is_an_event(client: CheckingClient) -> None:
    with capture_logs() as said:
        assert client.get("/fr/order?business=\x1b").status_code == 400
    (event,) = events(said, "request_invalid")
    assert event["route"] == "/<language:lang>/order"


def test_nothing_a_client_sends_begins_a_line_of_the_log(
    production: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    client = browser(production)
    client.reads_pages = False
    forged = 'x\n{"event": "forged"}\r\u2028'
    client.get(f"/{quote(forged)}", headers={"User-Agent": "x forged"})
    client.get("/fr/", headers={"Host": "evil.example forged"})
    client.post("/login", data={"nic_handle": forged, "password": forged})
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(json.loads(line)["event"] != "forged" for line in lines)


def test_an_unknown_email_address_records_no_event(client: CheckingClient) -> None:
    with capture_logs() as said:
        assert client.get("/nowhere").status_code == 404
    assert not events(said, "unknown_identifier")
