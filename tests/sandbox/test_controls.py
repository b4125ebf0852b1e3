"""The controls: the clock, the switches, calls to the shop, and the desk."""

from __future__ import annotations

import json

import pytest

from sandbox import clock as sandbox_clock
from sandbox import switches
from shop.sandbox_link import signatures
from tests.support.visitor import Visitor

SECRET = "sandbox-notification-secret"


@pytest.fixture
def sandbox_app(make_sandbox, shop):
    """Make a sandbox that is connected to the fake shop."""
    return make_sandbox(PUBLIC_URL=shop.url)


# --- The clock -----------------------------------------------------------------------------------


def test_moving_the_clock_tells_the_shop_how_far_it_is_in_all(client, shop):
    answer = client.post("/controls/clock", json={"advance_seconds": 86400})
    assert answer.json["moved_on_seconds"] == 86400
    client.post("/controls/clock", json={"advance_seconds": 0.5})
    assert [call.json for call in shop.received] == [
        {"moved_on_seconds": 86400},
        {"moved_on_seconds": 86400.5},
    ]
    for call in shop.received:
        assert call.path == "/sandbox/clock"
        signatures.verify(SECRET, call.headers, call.body)
    shown = client.get("/controls/clock").json
    assert shown["moved_on_seconds"] == 86400.5
    assert shown["now"] - sandbox_clock.real_now() == pytest.approx(86400.5, abs=5)


def test_the_clock_does_not_move_unless_the_shop_acknowledges(client, shop):
    shop.status = 404
    answer = client.post("/controls/clock", json={"advance_seconds": 60})
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "shop_silent")
    assert "404" in answer.json["error"]["message"]
    assert client.get("/controls/clock").json["moved_on_seconds"] == 0
    shop.status = 200
    client.post("/controls/clock", json={"advance_seconds": 60})
    assert shop.received[-1].json == {"moved_on_seconds": 60}, (
        "the retry does not move the clock twice"
    )


@pytest.mark.parametrize("seconds", [-1, "60", True, None, float(10**12)])
def test_the_clock_refuses_negative_and_invalid_moves(client, shop, seconds):
    answer = client.post("/controls/clock", json={"advance_seconds": seconds})
    assert answer.status_code == 422
    assert shop.received == []


def test_the_clock_is_remembered(make_sandbox, client, shop):
    client.post("/controls/clock", json={"advance_seconds": 1000})
    assert make_sandbox().test_client().get("/controls/clock").json["moved_on_seconds"] == 1000


# --- Switches ------------------------------------------------------------------------------------


def test_switches_are_set_together_or_not_at_all(client):
    answer = client.post("/controls/switches", json={"bank_outcome_delay": 3, "nonsense": 1})
    assert answer.status_code == 422
    assert client.get("/controls/switches").json["bank_outcome_delay"] == 0
    wanted = {"bank_outcome_delay": 3, "notifications_doubled": True, "provider_latency": 9}
    stand = client.post("/controls/switches", json=wanted).json
    assert stand == {name: switch.off for name, switch in switches.SWITCHES.items()} | wanted
    assert client.post("/controls/switches", json={"provider_latency": None}).json == (
        stand | {"provider_latency": None}
    )


@pytest.mark.parametrize(
    "wanted",
    [
        {"bank_failing_calls": -2},
        {"bank_failing_calls": 1.5},
        {"bank_failing_calls": True},
        {"bank_outcome_delay": -1},
        {"bank_outcome_delay": "soon"},
        {"notifications_doubled": "perhaps"},
        {"notification_timing": "sometimes"},
        {"provider_latency": "x"},
        {"vat_answer": "maybe"},
    ],
)
def test_a_switch_refuses_invalid_values(client, wanted):
    assert client.post("/controls/switches", json=wanted).status_code == 422


def test_reset_switches_everything_off_and_ends_the_pauses(client, shop):
    client.post("/controls/switches", json={"bank_failing_calls": -1})
    client.post("/controls/pauses", json={"point": "payment.settle", "seconds": 2})
    off = {name: switch.off for name, switch in switches.SWITCHES.items()}
    assert client.delete("/controls/switches").json == off
    assert [call.json["seconds"] for call in shop.received] == [2, 0]
    client.delete("/controls/switches")
    assert len(shop.received) == 2, "the shop is called only when a pause was set"


def test_reset_works_even_while_the_shop_is_unavailable(client, shop):
    client.post("/controls/switches", json={"bank_failing_calls": -1})
    client.post("/controls/pauses", json={"point": "payment.settle", "seconds": 2})
    shop.status = 500
    assert client.delete("/controls/switches").status_code == 502
    assert client.get("/controls/switches").json["bank_failing_calls"] == 0


# --- Relayed to the shop -------------------------------------------------------------------------


def test_pauses_are_relayed_signed(client, shop):
    client.post("/controls/pauses", json={"point": "order.place", "seconds": 1.5})
    call = shop.received[0]
    assert (call.path, call.json) == (
        "/sandbox/pauses",
        {"point": "order.place", "seconds": 1.5},
    )
    signatures.verify(SECRET, call.headers, call.body)


def test_a_pause_has_a_name_and_lasts_a_minute_at_most(client, shop):
    for wrong in ({"point": "", "seconds": 1}, {"point": "x", "seconds": 61}, {"point": "x"}):
        assert client.post("/controls/pauses", json=wrong).status_code == 422


def test_the_shop_makes_a_demo_account(client, shop):
    account = {"nic_handle": "ab12345-ovh", "password": "p", "email": "a@example.com"}
    shop.body = json.dumps(account | {"more": 1}).encode()
    answer = client.post("/controls/accounts", json={"language": "en"})
    assert (answer.status_code, answer.json) == (201, account)
    wanted = {"language": "en", "licences": 0}
    assert (shop.received[0].path, shop.received[0].json) == ("/sandbox/accounts", wanted)
    for wrong in ({"language": "de"}, {"language": "fr", "licences": 301}):
        assert client.post("/controls/accounts", json=wrong).status_code == 422


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"nic_handle": "x"}'])
def test_a_shop_that_answers_without_an_account_is_reported(client, shop, body):
    shop.body = body
    answer = client.post("/controls/accounts", json={"language": "fr"})
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "shop_silent")


def test_an_unreachable_shop_is_reported(make_sandbox):
    client = make_sandbox(PUBLIC_URL="http://127.0.0.1:1").test_client()
    answer = client.post("/controls/clock", json={"advance_seconds": 1})
    assert answer.status_code == 502
    assert "ConnectError" in answer.json["error"]["message"]


# --- Access control -----------------------------------------------------------------------------


def test_only_json_requests_change_anything(client, shop):
    for path in ("clock", "switches", "pauses", "accounts"):
        answer = client.post(
            f"/controls/{path}", data='{"advance_seconds": 1}', content_type="text/plain"
        )
        assert answer.status_code == 415
    other_site = {"Sec-Fetch-Site": "cross-site"}
    assert client.delete("/controls/switches", headers=other_site).status_code == 403
    assert shop.received == []


def test_other_origins_get_no_cors_permission(client):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/controls/clock", headers=asked)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_unknown_host_name_is_refused(client, make_sandbox):
    assert client.get("/controls/clock", base_url="http://evil.example/").status_code == 400
    assert client.get("/controls/clock", base_url="http://127.0.0.1:5001/").status_code == 200
    by_ipv6 = make_sandbox(HOST="::1").test_client()
    assert by_ipv6.get("/controls/clock", base_url="http://[::1]:5001/").status_code == 200
    assert by_ipv6.get("/controls/clock", base_url="http://evil.example/").status_code == 400
    everywhere = make_sandbox(HOST="0.0.0.0").test_client()
    assert everywhere.get("/controls/clock", base_url="http://box.example/").status_code == 200


# --- The desk ------------------------------------------------------------------------------------


def test_the_desk_moves_the_clock(visitor, shop):
    visitor.open("/")
    visitor.press("Avancer l’horloge", number="2", unit="hours")
    assert visitor.sees("L’horloge a avancé, ici et à la boutique")
    assert shop.received[0].json == {"moved_on_seconds": 7200}


@pytest.mark.parametrize(
    ("number", "status"), [("", 422), ("-1", 422), ("x", 422), ("999999", 422)]
)
def test_the_desk_says_what_is_wrong_at_the_clock(visitor, shop, number, status):
    visitor.open("/")
    answer = visitor.press("Avancer l’horloge", number=number, unit="days")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    visitor.follow("English")
    assert visitor.sees("Move the clock on")


def test_the_desk_says_when_the_shop_is_unavailable(visitor, shop):
    shop.status = 500
    visitor.open("/")
    assert visitor.press("Avancer l’horloge").status_code == 502
    assert visitor.sees("La boutique n’a pas répondu comme il faut")
    visitor.open("/")
    assert visitor.press("Créer un compte de démonstration").status_code == 502


def test_the_desk_sets_and_resets_switches(visitor):
    visitor.open("/")
    visitor.press(
        "Régler les interrupteurs",
        notifications_doubled="on",
        bank_outcome_delay="2,5".replace(",", "."),
        provider_latency="",
        notification_timing="before",
    )
    assert visitor.sees("Les interrupteurs sont réglés")
    assert switches.value("notifications_doubled") is True
    assert switches.value("bank_outcome_delay") == 2.5
    assert switches.value("provider_latency") is None
    visitor.press("Régler les interrupteurs", notifications_doubled=False)
    assert switches.value("notifications_doubled") is False
    assert switches.value("notification_timing") == "before"
    visitor.press("Tout remettre à zéro")
    assert switches.value("notification_timing") == "any"


def test_the_desk_keeps_what_was_typed_wrongly(visitor):
    visitor.open("/")
    answer = visitor.press("Régler les interrupteurs", bank_outcome_delay="bientôt")
    assert answer.status_code == 422
    assert 'value="bientôt"' in answer.text
    assert visitor.sees("L’une de ces valeurs n’est pas possible")


def test_the_desk_shows_a_demo_account_once(visitor, shop):
    shop.body = b'{"nic_handle": "ab12345-ovh", "password": "Pw", "email": "a@example.com"}'
    visitor.open("/")
    visitor.press("Créer un compte de démonstration")
    assert visitor.sees("ab12345-ovh")
    visitor.open("/")
    assert not visitor.sees("ab12345-ovh")


def test_the_desk_names_every_control(sandbox_app, client):
    page = client.get("/?lang=en").text
    for name in switches.SWITCHES:
        assert f"<code>{name}</code>" in page
    for rule in sandbox_app.url_map.iter_rules():
        if rule.endpoint.startswith("controls."):
            method = next(iter(rule.methods - {"HEAD", "OPTIONS"}))
            path = rule.rule.replace("<", "&lt;").replace(">", "&gt;")
            assert f"<code>{method} {path}</code>" in page


def test_moves_of_the_clock_add_up_when_made_at_once(sandbox_app, shop):
    from tests.sandbox.racing import race

    race(
        sandbox_app, lambda client: client.post("/controls/clock", json={"advance_seconds": 10}), 8
    )
    assert sandbox_clock.moved_on() == 80
    assert max(call.json["moved_on_seconds"] for call in shop.received) == 80


def test_the_desk_is_in_french_by_default(client):
    languages = {"": "fr", "de": "fr", "en-GB,en;q=0.9": "en", "fr-CA": "fr"}
    for asked, given in languages.items():
        visitor = Visitor(client.application.test_client())
        page = visitor.client.get("/", headers={"Accept-Language": asked}).text
        assert f'<html lang="{given}"' in page
