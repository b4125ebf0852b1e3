"""Signing in: credentials, redirects, sessions and rate limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

import models
from models import Account, Letter, RateCount, Session
from shop.jobs import queue
from shop.security import proxies as untrusted_proxies
from shop.security import rate_limits
from tests.support import belongings, cast
from tests.support.client import CheckingClient, browser
from tests.support.devices import Device, passkey_of
from tests.support.visitor import Visitor
from web import auth

MakeApp = Callable[..., Flask]

HOME = "/manager/web"
COOKIE = "shop_session"
REDIS_AWAY = "redis://127.0.0.1:1/0"


def log_in(
    client: CheckingClient, nic_handle: str, password: str = cast.PASSWORD, **more: Any
) -> TestResponse:
    form = {"nic_handle": nic_handle, "password": password, **more}
    return client.ask("POST", "/login", form)


def coming_from(app: Flask, address: str) -> CheckingClient:
    """Return a browser with this IP address."""
    client = browser(app)
    client.environ_base["REMOTE_ADDR"] = address
    return client


def is_signed_in(client: CheckingClient) -> bool:
    return client.get(HOME).status_code == 200


# --- Redirects -------------------------------------------------------------------------------


def as_browsers_read(location: str) -> str:
    """Return the host a browser would go to: it drops tabs and line ends, and reads \\ as /."""
    plain = location.strip("".join(map(chr, range(33))))
    for character in "\t\r\n":
        plain = plain.replace(character, "")
    return urlsplit(urljoin("http://localhost/login", plain.replace("\\", "/"))).netloc


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example",
        "\\\\evil.example", "\\/evil.example", "https:evil.example", "https:/evil.example",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
        "%2F%2Fevil.example", "javascript:alert(1)", "data:text/html,x", "evil.example",
        "@evil.example", "/manager\r\nLocation: https://evil.example", "/manager\r\n\r\n<b>", "",
    ],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(
    client: CheckingClient, alice: Account, elsewhere: str
) -> None:
    response = log_in(client, alice.nic_handle, next=elsewhere)
    assert response.status_code == 303
    assert response.location == HOME
    assert client.get("/login", query_string={"next": elsewhere}).location == HOME


@pytest.mark.parametrize(
    "here",
    ["/manager/account/orders?page=2", "/fr/order/123456789", "/fr/%2F%2Fevil", "/x#//y"],
)
def test_signing_in_leads_to_the_page_asked_for(
    client: CheckingClient, alice: Account, here: str
) -> None:
    assert log_in(client, alice.nic_handle, next=here).location == here


@given(st.text(alphabet="/\\:@.?#%25 \t\r\n\x0b\x01evilhtps", max_size=24))
def test_whatever_is_asked_for_stays_on_this_site(target: str) -> None:
    assert as_browsers_read(auth.safe_next(target, HOME)) == "localhost"


def test_control_browsers_would_leave_by_what_is_refused() -> None:
    assert as_browsers_read("/\\evil.example") == "evil.example"
    assert as_browsers_read("/\t/evil.example") == "evil.example"


def test_the_other_language_of_the_sign_in_is_the_sign_in(visitor: Visitor) -> None:
    page = visitor.open("/login?next=/manager/account/bills&lang=de")
    assert '<html lang="fr">' in page.text, "German is not spoken"
    visitor.follow("EN")
    assert visitor.address == "/login?next=%2Fmanager%2Faccount%2Fbills&lang=en"
    assert visitor.sees("Log in with your customer ID")
    refused = visitor.press("Log in", nic_handle="", password="")
    assert refused.status_code == 422
    assert visitor.sees("Log in with your customer ID"), "remembered, without the argument"
    visitor.follow("FR")
    assert visitor.address == "/login?lang=fr"
    assert visitor.sees("Connectez-vous avec votre identifiant client")


def test_a_customer_keeps_the_language_of_the_account_whatever_a_link_asks_for(
    visitor: Visitor, alice: Account
) -> None:
    visitor.log_in(alice)
    assert 'lang="fr"' in visitor.open("/manager/web?lang=en").text
    assert Account.get_by_id(alice.id).language == "fr"


def test_a_form_of_an_ended_session_leads_back_to_its_page(
    visitor: Visitor, alice: Account
) -> None:
    page = "http://localhost/manager/account/emails?page=1"
    address = "/manager/account/emails/1/sendings"
    token = visitor.client.csrf_token()
    response = visitor.client.post(address, data={"csrf_token": token}, headers={"Referer": page})
    assert response.location == "/login?next=/manager/account/emails?page%3D1"
    elsewhere = {"Referer": "https://evil.example/manager"}
    response = visitor.client.post(address, data={"csrf_token": token}, headers=elsewhere)
    assert response.location == "/login"


def test_a_part_of_a_page_sends_the_whole_browser_to_the_sign_in(client: CheckingClient) -> None:
    headers = {
        "HX-Request": "true",
        "HX-Request-Type": "partial",
        "HX-Current-URL": "http://localhost/manager/account/orders/123456789",
    }
    response = client.get("/manager/account/orders/123456789/status", headers=headers)
    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/login?next=/manager/account/orders/123456789"


# --- Sessions --------------------------------------------------------------------------------


def test_the_session_is_a_new_one_after_signing_in(client: CheckingClient, alice: Account) -> None:
    client.get("/login")
    before = client.get_cookie(COOKIE).value
    log_in(client, alice.nic_handle)
    with client.session_transaction() as session:
        first = session["_user_id"]
    log_in(client, alice.nic_handle)
    with client.session_transaction() as session:
        second = session["_user_id"]
    assert first != second
    planted = browser(client.application)
    planted.set_cookie(COOKIE, before)
    assert not is_signed_in(planted)


def test_signing_in_again_ends_the_session_before(client: CheckingClient, alice: Account) -> None:
    log_in(client, alice.nic_handle)
    copy = browser(client.application)
    copy.set_cookie(COOKIE, client.get_cookie(COOKIE).value)
    assert is_signed_in(copy)
    log_in(client, alice.nic_handle)
    assert is_signed_in(client)
    assert not is_signed_in(copy)


def test_a_copied_cookie_is_worth_nothing_after_logging_out(
    client: CheckingClient, alice: Account
) -> None:
    log_in(client, alice.nic_handle)
    copy = browser(client.application)
    copy.set_cookie(COOKIE, client.get_cookie(COOKIE).value)
    client.ask("POST", "/logout")
    assert not is_signed_in(copy)
    assert not is_signed_in(client)


def test_a_session_left_alone_ends(
    client: CheckingClient, alice: Account, clock: time_machine.Traveller
) -> None:
    log_in(client, alice.nic_handle)
    clock.shift(timedelta(hours=11))
    assert is_signed_in(client)
    clock.shift(timedelta(hours=11))
    assert is_signed_in(client), "using it keeps it"
    clock.shift(timedelta(hours=12, minutes=1))
    assert not is_signed_in(client)


def test_who_asks_to_stay_stays_for_30_days_and_90_at_most(
    client: CheckingClient, alice: Account, clock: time_machine.Traveller
) -> None:
    log_in(client, alice.nic_handle, stays="yes")
    assert client.get_cookie(COOKIE).expires, "the cookie outlives the browser's window"
    for _ in range(3):
        clock.shift(timedelta(days=29))
        assert is_signed_in(client)
    clock.shift(timedelta(days=4))
    assert not is_signed_in(client)
    log_in(client, alice.nic_handle, stays="yes")
    clock.shift(timedelta(days=30, minutes=1))
    assert not is_signed_in(client)


def test_without_asking_the_cookie_ends_with_the_browser(
    client: CheckingClient, alice: Account
) -> None:
    log_in(client, alice.nic_handle)
    assert client.get_cookie(COOKIE).expires is None


def test_the_token_of_forms_is_renewed_by_signing_in(
    client: CheckingClient, alice: Account
) -> None:
    before = client.csrf_token()
    form = {"nic_handle": alice.nic_handle, "password": cast.PASSWORD, "csrf_token": before}
    assert client.post("/login", data=form).status_code == 303
    refused = client.post("/logout", data={"csrf_token": before})
    assert refused.status_code == 400
    assert is_signed_in(client)
    assert client.ask("POST", "/logout").status_code == 303


def test_logging_out_clears_what_the_browser_stored(client: CheckingClient, alice: Account) -> None:
    log_in(client, alice.nic_handle)
    response = client.ask("POST", "/logout")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in client.get("/login").headers


def test_a_browser_whose_session_has_ended_clears_what_it_stored(
    client: CheckingClient, alice: Account, clock: time_machine.Traveller
) -> None:
    log_in(client, alice.nic_handle)
    clock.shift(timedelta(hours=13))
    response = client.get("/manager/account")
    assert response.status_code == 303
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in client.get("/manager/account").headers


def test_proving_ones_identity_again_renews_the_session(
    client: CheckingClient, alice: Account
) -> None:
    log_in(client, alice.nic_handle)
    copy = browser(client.application)
    copy.set_cookie(COOKIE, client.get_cookie(COOKIE).value)
    form = {"password": cast.PASSWORD, "next": "/manager/account/security"}
    assert client.ask("POST", "/manager/account/confirmation", form).status_code == 303
    assert is_signed_in(client)
    assert not is_signed_in(copy)
    copy.set_cookie(COOKIE, client.get_cookie(COOKIE).value)
    new = "Another-Horse-8"
    typed = {"current_password": cast.PASSWORD, "password": new, "password_confirmation": new}
    assert client.ask("POST", "/manager/account/password", typed).status_code == 303
    assert is_signed_in(client)
    assert not is_signed_in(copy)
    assert Session.select().count() == 1


def test_a_part_of_a_page_on_its_way_does_not_undo_the_renewal(
    client: CheckingClient, alice: Account
) -> None:
    log_in(client, alice.nic_handle)
    late = browser(client.application)
    late.set_cookie(COOKIE, client.get_cookie(COOKIE).value)
    client.ask("POST", "/manager/account/confirmation", {"password": cast.PASSWORD})
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    response = late.get("/manager/account/sessions", headers=part)
    assert response.status_code == 204
    assert not [each for each in response.headers.getlist("Set-Cookie") if COOKIE in each]


def test_the_database_holds_no_cookie(client: CheckingClient, alice: Account) -> None:
    log_in(client, alice.nic_handle)
    with client.session_transaction() as session:
        token = session["_user_id"]
    for table in models.all_tables():
        assert all(token not in str(row) for row in table.select().tuples()), table


def test_a_forged_cookie_opens_no_session(client: CheckingClient, alice: Account) -> None:
    log_in(client, alice.nic_handle)
    head, _, signature = client.get_cookie(COOKIE).value.rpartition(".")
    client.set_cookie(COOKIE, f"{head}.{signature[::-1]}")
    assert not is_signed_in(client)


# --- Rate limits -------------------------------------------------------------------------------


@pytest.fixture
def shops(make_app: MakeApp) -> tuple[Flask, Flask]:
    """Two web servers of one shop, with rate limits."""
    return make_app(RATE_LIMITS="on"), make_app(RATE_LIMITS="on")


def test_ten_wrong_passwords_close_an_account_to_their_network_for_a_while(
    shops: tuple[Flask, Flask], alice: Account, clock: time_machine.Traveller
) -> None:
    for attempt in range(10):
        client = coming_from(shops[attempt % 2], "203.0.113.7")
        assert log_in(client, alice.nic_handle, "wrong").status_code == 422
    same = coming_from(shops[0], "203.0.113.7")
    assert log_in(same, alice.nic_handle).status_code == 429
    assert log_in(same, alice.nic_handle.upper() + " ").status_code == 429
    assert log_in(coming_from(shops[0], "198.51.100.7"), alice.nic_handle).status_code == 303
    clock.shift(timedelta(minutes=16))
    assert log_in(same, alice.nic_handle).status_code == 303


def guess_from_many_networks(shops: tuple[Flask, Flask], account: Account) -> None:
    """Try wrong passwords from new networks until the account is closed to all of them."""
    strangers = (coming_from(shops[n % 2], f"203.0.113.{n}") for n in range(51))
    answers = (log_in(stranger, account.nic_handle, "wrong") for stranger in strangers)
    assert 429 in [answer.status_code for answer in answers]
    stranger = coming_from(shops[0], "203.0.113.250")
    assert log_in(stranger, account.nic_handle).status_code == 429


def test_many_networks_together_guess_no_more_than_fifty_an_hour(
    shops: tuple[Flask, Flask], alice: Account, clock: time_machine.Traveller
) -> None:
    guess_from_many_networks(shops, alice)
    clock.shift(timedelta(minutes=61))
    assert log_in(coming_from(shops[0], "203.0.113.250"), alice.nic_handle).status_code == 303


def test_strangers_do_not_keep_a_customer_out_of_a_known_network(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    assert log_in(coming_from(shops[0], "198.51.100.7"), alice.nic_handle).status_code == 303
    guess_from_many_networks(shops, alice)
    again = coming_from(shops[1], "198.51.100.7")
    assert log_in(again, alice.nic_handle).status_code == 303


def test_others_on_the_network_do_not_lock_out_a_known_browser(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    own = coming_from(shops[0], "198.51.100.7")
    assert log_in(own, alice.nic_handle).status_code == 303
    own.ask("POST", "/logout")
    guess_from_many_networks(shops, alice)
    for attempt in range(60):
        neighbour = coming_from(shops[attempt % 2], "198.51.100.7")
        log_in(neighbour, alice.nic_handle if attempt < 12 else f"zz{attempt:05d}-ovh", "wrong")
    assert log_in(coming_from(shops[1], "198.51.100.7"), alice.nic_handle).status_code == 429
    assert log_in(own, alice.nic_handle).status_code == 303


def test_a_known_browser_guesses_no_more_than_ten(
    shops: tuple[Flask, Flask], alice: Account, bob: Account
) -> None:
    own = coming_from(shops[0], "198.51.100.7")
    assert log_in(own, alice.nic_handle).status_code == 303
    own.ask("POST", "/logout")
    statuses = [log_in(own, alice.nic_handle, "wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert log_in(own, bob.nic_handle).status_code == 303, "an account is closed, not the browser"


def test_a_finished_reset_opens_the_account_again(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    guess_from_many_networks(shops, alice)
    stranger = coming_from(shops[0], "203.0.113.251")
    for _ in range(5):
        assert (
            stranger.ask("POST", "/fr/password", {"identifier": alice.nic_handle}).status_code
            == 200
        )
    own = coming_from(shops[1], "198.51.100.9")
    asked = own.ask("POST", "/fr/password", {"identifier": alice.nic_handle})
    assert asked.status_code == 200, "others' requests take nothing away"
    queue.drain()
    assert Letter.select().where(Letter.kind == "password_reset").count() == 5
    token = belongings.token_of(alice, "password_reset")
    new = {"password": "Another-Horse-8", "password_confirmation": "Another-Horse-8"}
    assert own.ask("POST", f"/fr/password/{token}", new).status_code == 303
    assert log_in(own, alice.nic_handle, "Another-Horse-8").status_code == 303
    elsewhere = coming_from(shops[0], "203.0.113.250")
    assert log_in(elsewhere, alice.nic_handle, "Another-Horse-8").status_code == 303


def test_a_known_browser_can_ask_for_a_link_whatever_others_asked(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    own = coming_from(shops[0], "198.51.100.7")
    assert log_in(own, alice.nic_handle).status_code == 303
    for attempt in range(30):
        stranger = coming_from(shops[0], f"203.0.113.{attempt // 5}")
        stranger.ask("POST", "/fr/password", {"identifier": alice.email})
    queue.drain()
    written = Letter.select().where(Letter.kind == "password_reset")
    assert written.count() == 5
    own.ask("POST", "/fr/password", {"identifier": alice.email})
    queue.drain()
    assert written.count() == 6


def test_a_passkey_opens_when_passwords_are_refused(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    device = Device()
    passkey_of(alice, device)
    guess_from_many_networks(shops, alice)
    own = coming_from(shops[0], "198.51.100.7")
    for attempt in range(61):
        answer = log_in(own, f"zz{attempt:05d}-ovh", "wrong")
    assert answer.status_code == 429
    options = json.loads(own.ask("POST", "/login/passkey-options").text)
    own.ask("POST", "/login/passkey", {"credential": device.get(options)})
    assert is_signed_in(own)


@pytest.mark.parametrize(
    ("proxies", "chain", "reported"),
    [
        ("0", "203.0.113.7", True),
        ("2", "203.0.113.7", True),
        ("1", "203.0.113.7", False),
        ("2", "203.0.113.6, 203.0.113.7", False),
        ("1", None, False),
    ],
)
@pytest.mark.every_case
def test_an_untrusted_proxy_is_reported(
    make_app: MakeApp, proxies: str, chain: str | None, reported: bool
) -> None:
    client = browser(make_app(TRUSTED_PROXIES=proxies))
    headers = {} if chain is None else {"X-Forwarded-For": chain}
    with capture_logs() as logs:
        for _ in range(3):
            client.get("/fr/", headers=headers)
    errors = [line for line in logs if line["event"] == "untrusted_proxy"]
    assert len(errors) == reported
    assert "203.0.113" not in str(errors)
    assert untrusted_proxies.seen_untrusted() == reported


def test_the_right_password_resets_the_count(shops: tuple[Flask, Flask], alice: Account) -> None:
    for _ in range(3):
        client = browser(shops[0])
        for _ in range(9):
            assert log_in(client, alice.nic_handle, "wrong").status_code == 422
        assert log_in(client, alice.nic_handle).status_code == 303


def test_one_address_does_not_try_many_accounts(shops: tuple[Flask, Flask], alice: Account) -> None:
    for attempt in range(60):
        client = coming_from(shops[attempt % 2], "203.0.113.7")
        assert log_in(client, f"zz{attempt:05d}-ovh", "wrong").status_code == 422
    assert log_in(coming_from(shops[0], "203.0.113.7"), alice.nic_handle).status_code == 429
    assert log_in(coming_from(shops[0], "203.0.113.8"), alice.nic_handle).status_code == 303


def test_an_ipv6_network_counts_as_one_client(shops: tuple[Flask, Flask], alice: Account) -> None:
    for attempt in range(60):
        client = coming_from(shops[0], f"2001:db8:1:2:{attempt:x}::1")
        assert log_in(client, f"zz{attempt:05d}-ovh", "wrong").status_code == 422
    neighbour = coming_from(shops[1], "2001:db8:1:2:ffff::1")
    assert log_in(neighbour, alice.nic_handle).status_code == 429
    assert log_in(coming_from(shops[1], "2001:db8:1:3::1"), alice.nic_handle).status_code == 303


@pytest.mark.parametrize(
    ("told", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("2001:db8:0:0:5::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_an_address_is_read_however_it_is_told(told: str, network: str) -> None:
    assert rate_limits.network_of(told) == network


def test_a_limit_does_not_tell_whether_there_is_an_account(
    shops: tuple[Flask, Flask], alice: Account
) -> None:
    told = []
    for name in (alice.nic_handle, "zz99999-ovh"):
        client = coming_from(shops[0], "203.0.113.7" if name == alice.nic_handle else "203.0.113.8")
        answers = [log_in(client, name, "wrong") for _ in range(12)]
        texts = [answer.text.replace(name, "…") for answer in answers]
        told.append([(answer.status_code, without_tokens(text))
                     for answer, text in zip(answers, texts, strict=True)])  # fmt: skip
    assert told[0] == told[1]


def without_tokens(html: str) -> str:
    """Return a page without the tokens that differ in each response."""
    lines = html.splitlines()
    return "\n".join(line for line in lines if "csrf" not in line.lower())


def test_registration_is_limited_by_address(shops: tuple[Flask, Flask]) -> None:
    for attempt in range(20):
        client = coming_from(shops[attempt % 2], "203.0.113.7")
        assert client.ask("POST", "/fr/order/account", {"first_name": "x"}).status_code == 422
    client = coming_from(shops[0], "203.0.113.7")
    assert client.ask("POST", "/fr/order/account", {"first_name": "x"}).status_code == 429
    client = coming_from(shops[0], "203.0.113.8")
    assert client.ask("POST", "/fr/order/account", {"first_name": "x"}).status_code == 422


def test_limits_hold_while_redis_is_away(make_app: MakeApp, alice: Account) -> None:
    client = browser(make_app(RATE_LIMITS="on", REDIS_URL=REDIS_AWAY))
    statuses = [log_in(client, alice.nic_handle, "wrong").status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_counts_that_are_over_are_forgotten(
    shops: tuple[Flask, Flask], clock: time_machine.Traveller
) -> None:
    log_in(browser(shops[0]), "zz00000-ovh", "wrong")
    assert RateCount.select().count() == 3
    clock.shift(timedelta(hours=1))
    rate_limits.forget_expired()
    assert not RateCount.select().exists()
