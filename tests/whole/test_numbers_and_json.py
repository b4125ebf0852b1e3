"""Numbers of any length and JSON of any depth: refused with 4xx, by the shop and by the sandbox."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sandbox import create_sandbox
from sandbox import reading as sandbox_reading
from sandbox.database import database as sandbox_database
from shop.parsing import numbers_and_json
from shop.sandbox_link import signatures
from shop.security import webauthn
from tests.conftest import PRODUCTION
from tests.support.devices import BASE, Device

DEEP = b"[" * 9000 + b"]" * 9000
DEEP_OBJECT = b'{"a":' * 9000 + b"1" + b"}" * 9000
LONG = b"9" * 5000

HOSTILE_JSON = [
    DEEP, DEEP_OBJECT, b"[" * 100_000, LONG, b'{"seconds": %b}' % LONG, b'{"licences": %b}' % LONG,
    b'{"moved_on_seconds": %b}' % LONG, b'{"moved_on_seconds": 1e999}', b'{"seconds": NaN}',
    b'{"moved_on_seconds": 18446744073709551616}', b'{"point": "\\ud800"}', b"\xff", b"", b"[]",
    b'"x"', b"null", b'{"licences": -1}', b'{"language": ["fr"]}', b'{"language": "xx"}',
    b'{"moved_on_seconds": "12"}', b'{"moved_on_seconds": true}', b'{"seconds": -5}',
    b'{"type": "checkout.x", "event": 1, "checkout": {"amount_cents": %b}}' % LONG,
]  # fmt: skip

DEFAULT_SECRET = "sandbox-notification-secret"


def signed(body: bytes) -> dict[str, str]:
    return {
        signatures.HEADER: signatures.sign(DEFAULT_SECRET, body),
        "Content-Type": "application/json",
    }


# --- The readers ------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.parametrize("read", [numbers_and_json.read_integer, sandbox_reading.read_integer])
def test_an_integer_is_ascii_digits_within_bounds(read) -> None:
    assert (read("0"), read("007"), read("9" * 18)) == (0, 7, 10**18 - 1)
    assert (read("5", 5, 5), read("4", 5, 6), read("7", 5, 6)) == (5, None, None)
    for text in ("", "-1", "+1", " 1", "1\n", "1_0", "1.5", "\u0663", "9" * 19, "9" * 5000):
        assert read(text) is None, text


def sandbox_json(content: bytes) -> object:
    return sandbox_reading.BoundedJson(Flask("test")).loads(content)


@pytest.mark.one_database
@pytest.mark.parametrize("read", [numbers_and_json.read_json, sandbox_json])
def test_json_that_is_too_deep_or_too_large_is_invalid(read) -> None:
    good = b'{"a": [1, -9223372036854775807, 2.5, "\\ud83d\\ude00"]}'
    assert read(good) == {"a": [1, -(2**63) + 1, 2.5, "\U0001f600"]}
    for content in (DEEP, DEEP_OBJECT, LONG, b"-" + LONG, b"18446744073709551616", b"1e999", b"NaN",
                    b"Infinity", b'"\\ud800"', b"\xff", b"", b"{"):  # fmt: skip
        with pytest.raises((numbers_and_json.InvalidJson, sandbox_reading.InvalidJson)):
            read(content)


# --- The shop ---------------------------------------------------------------------------------


@pytest.fixture
def machine(app: Flask) -> FlaskClient:
    """Make an HTTP client without page checks, for the routes of machines."""
    return FlaskClient(app, app.response_class)


@pytest.mark.parametrize("path", ["clock", "pauses", "accounts"])
def test_the_sandboxs_signed_controls_refuse_any_body(machine: FlaskClient, path: str) -> None:
    for body in HOSTILE_JSON:
        answer = machine.post(f"/sandbox/{path}", data=body, headers=signed(body))
        # What another control reads is no concern of this one.
        assert answer.status_code < 500, (path, body[:60])
        if body[:1] != b"{" or b"9999" in body or b"e999" in body:
            assert answer.status_code == 400, (path, body[:60])


def test_the_banks_signed_notifications_refuse_any_body(machine: FlaskClient) -> None:
    for body in HOSTILE_JSON:
        answer = machine.post("/notifications/bank", data=body, headers=signed(body))
        assert answer.status_code == 403, body[:60]


@pytest.mark.one_database
def test_the_moment_of_a_signature_may_be_no_number(machine: FlaskClient) -> None:
    for moment in ("9" * 5000, "9" * 30, "-1", "1e9", "", "\u0663"):
        headers = {signatures.HEADER: f"t={moment},v1=00"}
        assert machine.post("/notifications/bank", headers=headers).status_code == 403


@pytest.mark.one_database
def test_stripes_notifications_refuse_any_body_and_moment(production: Flask) -> None:
    client = FlaskClient(production, production.response_class)
    secret = PRODUCTION["STRIPE_WEBHOOK_SECRET"]
    for body in HOSTILE_JSON:
        moment = str(int(time.time()))
        told = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        for header in (f"t={moment},v1={told}", f"t={'9' * 5000},v1={told}", "t=,v1=", "\xe9"):
            answer = client.post(
                "/notifications/bank", data=body, base_url="https://shop.example",
                headers={"Stripe-Signature": header},
            )  # fmt: skip
            assert answer.status_code == 403, body[:60]


@pytest.mark.one_database
def test_a_passkeys_nested_answers_are_refused() -> None:
    options = {"user": {"id": "AAAA"}, "rp": {"id": "localhost"}, "challenge": "AAAA"}
    answer = json.loads(Device().create(options))
    nested = b"[" * 6500 + b"]" * 6500
    answer["response"]["clientDataJSON"] = base64.urlsafe_b64encode(nested).decode().rstrip("=")
    parsed = webauthn.parse_answer(json.dumps(answer))
    with pytest.raises(webauthn.InvalidAssertion):
        webauthn.verify_registration(parsed, "AAAA", webauthn.Site(BASE, user_verified=False))
    with pytest.raises(webauthn.InvalidAssertion):
        webauthn.parse_answer(DEEP.decode())


NUMBERS = ["9" * 5000, "9" * 25, "18446744073709551616", "-" + "9" * 5000, "1e999", "\u0663"]


@pytest.mark.one_database
def test_headers_with_endless_numbers_are_survived(client, app: Flask) -> None:
    client.reads_pages = False
    for number in NUMBERS[:-1]:
        for name in ("Range", "If-Range", "If-Modified-Since", "Max-Forwards", "Age"):
            for value in (number, f"bytes={number}-", f"bytes=0-{number}", f"bytes=-{number}"):
                for path in ("/fr/", "/static/app.css", "/static/htmx-setup.js"):
                    assert client.get(path, headers={name: value}).status_code < 500


# --- The sandbox ------------------------------------------------------------------------------


@pytest.mark.one_database
def test_the_sandbox_refuses_endless_numbers_and_nested_json(tmp_path: Path) -> None:
    sandbox = create_sandbox(
        {"SANDBOX_DATABASE": str(tmp_path / "sandbox.db"), "SANDBOX_LATENCY": "0"}
    )
    client = sandbox.test_client()
    posts = ["/controls/clock", "/controls/switches", "/controls/pauses", "/controls/accounts",
             "/controls/notifications/x/copies", "/bank/api/checkouts", "/bank/api/charges",
             "/office/api/tenants", "/office/api/tenants/x/users"]  # fmt: skip
    keys = {"/bank": "sandbox-bank-key", "/offi": "sandbox-provider-key", "/cont": ""}
    try:
        for path in posts:
            headers = {"Authorization": f"Bearer {keys[path[:5]]}", "Idempotency-Key": "k"}
            for body in HOSTILE_JSON:
                given = headers | {"Content-Type": "application/json"}
                answer = client.post(path, data=body, headers=given)
                assert answer.status_code < 500 or answer.status_code == 502, (path, body[:60])
        for number in NUMBERS:
            office = {"Authorization": "Bearer sandbox-provider-key"}
            bank = {"Authorization": "Bearer sandbox-bank-key"}
            assert client.get(f"/bank/ledger?page={number}").status_code == 200
            assert client.get(f"/bank/api/ledger?page={number}", headers=bank).status_code == 200
            listed = client.get(f"/office/api/tenants/x/users?limit={number}", headers=office)
            assert listed.status_code < 500
            assert client.get(f"/portal/installations/{number}").status_code in {302, 303, 404}
            for name in ("bank_failing_calls", "bank_response_delay", "notifications_doubled"):
                told = client.post("/controls/switches", json={name: number})
                assert told.status_code == 422, (name, number)
    finally:
        sandbox_database.close_all()


# --- No other reader --------------------------------------------------------------------------

OTHER_READERS = re.compile(
    r"type=int\b|type=float\b|(?<!_app.)\bjson\.loads?\(|\.json\(\)|int\(str\(|float\(str\("
)
OWN_JSON = {
    "shop/parsing/numbers_and_json.py", "sandbox/reading.py",
    # What these read, the sandbox has written itself.
    "sandbox/key_value.py", "sandbox/office/api.py", "sandbox/office/rules.py",
}  # fmt: skip


@pytest.mark.one_database
def test_no_other_module_reads_numbers_or_json() -> None:
    for folder in ("web", "storefront", "manager", "desk", "shop", "sandbox"):
        for path in Path(folder).rglob("*.py"):
            if str(path) not in OWN_JSON:
                assert not OTHER_READERS.search(path.read_text()), path


def test_control_pythons_own_readers_fail() -> None:
    with pytest.raises(RecursionError):
        json.loads(DEEP)
