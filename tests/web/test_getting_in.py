"""Getting in: by either name, in any spelling, from any browser, and only once."""

from __future__ import annotations

import unicodedata

import pyotp
import pytest
from flask import Flask

from models import Account
from shop.customers import password_changes, passwords, registration, sign_in
from shop.customers.activity_log import UNKNOWN
from shop.customers.two_factor import totp
from tests.support import cast, racing
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor

HOME = "/manager/web"
ELSEWHERE = "203.0.113.7"


def is_signed_in_as(visitor: Visitor, account: Account) -> bool:
    visitor.open(HOME)
    return visitor.address == HOME and account.nic_handle in visitor.response.text


# --- By e-mail address -----------------------------------------------------------------------


@pytest.mark.parametrize("start", ["/login", "/en/order/identification?business=7&pro_plus=0"])
def test_an_email_address_signs_in_as_the_customer_id_does(
    visitor: Visitor, alice: Account, start: str
) -> None:
    visitor.open(start)
    name = "Log in" if visitor.offers("Log in") else "Se connecter"
    typed = f" {alice.email.upper()} "
    visitor.press(name, nic_handle=typed, password=cast.PASSWORD)
    assert is_signed_in_as(visitor, alice)


def test_of_several_accounts_the_customer_chooses_after_the_password(visitor: Visitor) -> None:
    first = cast.register(cast.ALICE)
    second = cast.register(cast.ALICE, company="Atelier Lefèvre")
    other = cast.register(cast.ALICE)
    password_changes.change_password(other, "Another-Horse-8")
    visitor.open("/login?next=/manager/account/orders")
    visitor.press("Se connecter", nic_handle=first.email, password=cast.PASSWORD)
    assert visitor.sees("Quel compte ?")
    assert visitor.sees(f"{first.nic_handle} · Alice Lefèvre")
    assert other.nic_handle not in visitor.response.text
    visitor.press(f"{second.nic_handle} · Atelier Lefèvre")
    assert visitor.address == "/manager/account/orders"
    assert is_signed_in_as(visitor, second)
    assert visitor.open("/login/account").request.path == HOME


def test_the_account_chosen_still_asks_for_its_second_step(visitor: Visitor) -> None:
    first, second = cast.register(cast.ALICE), cast.register(cast.ALICE)
    row = totp.begin_enrolment(second)
    secret = totp.secret_of(row)
    totp.finish_enrolment(row, pyotp.TOTP(secret).now(), UNKNOWN)
    visitor.open("/fr/order/identification?business=7&pro_plus=0")
    visitor.press("Se connecter", nic_handle=first.email, password=cast.PASSWORD)
    visitor.press(f"{second.nic_handle} · Alice Lefèvre")
    assert visitor.address.startswith("/fr/order/identification/second-step?")
    assert "business=7" in visitor.address
    assert visitor.client.get(HOME).status_code == 303
    assert visitor.find("input", name="code") is not None


def test_no_other_account_can_be_chosen(visitor: Visitor, charlie: Account) -> None:
    first = cast.register(cast.ALICE)
    cast.register(cast.ALICE)
    visitor.open("/login")
    visitor.press("Se connecter", nic_handle=first.email, password=cast.PASSWORD)
    answer = visitor.client.ask("POST", "/login/account", {"account": charlie.nic_handle})
    assert answer.location == "/login"
    assert visitor.client.get(HOME).status_code == 303


def test_an_address_does_the_same_work_however_many_accounts_it_owns(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def refuse(password_hash: str, _password: str) -> bool:
        tried.append(password_hash)
        return False

    monkeypatch.setattr(passwords, "_verifies", refuse)
    cast.register(cast.ALICE)
    for _ in range(sign_in.MOST_TARGETS):
        cast.register(cast.BOB)
    work = []
    for address in ("nobody@atelier.example", cast.ALICE["email"], cast.BOB["email"]):
        tried.clear()
        with pytest.raises(sign_in.SignInRefused) as refused:
            sign_in.sign_in(address, "wrong", ELSEWHERE)
        work.append((len(tried), str(refused.value)))
    assert work == [work[0]] * 3


def test_guesses_by_address_and_by_customer_id_count_together(production: Flask) -> None:
    alice = cast.register(cast.ALICE)
    client = browser(production)
    token = client.token_in(client.get("/fr/password"))
    for name in [alice.email] * 5 + [alice.nic_handle] * 5:
        form = {"nic_handle": name, "password": "wrong"}
        assert client.ask("POST", "/login", form, token).status_code == 422
    for name in (alice.email, alice.nic_handle):
        form = {"nic_handle": name, "password": cast.PASSWORD}
        assert client.ask("POST", "/login", form, token).status_code == 429


# --- One spelling of passwords -----------------------------------------------------------------

COMPOSED = unicodedata.normalize("NFC", "Chênaie-du-Héron 8")
SPELLINGS = [COMPOSED, unicodedata.normalize("NFD", COMPOSED), COMPOSED.replace(" ", "\u00a0")]


def test_a_password_is_the_same_however_the_keyboard_writes_it(alice: Account) -> None:
    for chosen in SPELLINGS:
        password_changes.change_password(alice, chosen)
        for typed in SPELLINGS:
            assert sign_in.sign_in(alice.nic_handle, typed, ELSEWHERE) == alice
        sign_in.reauthenticate(alice, chosen, UNKNOWN)
    passwords.check_password(SPELLINGS[0], SPELLINGS[1])
    with pytest.raises(sign_in.SignInRefused):
        sign_in.sign_in(alice.nic_handle, "Chenaie-du-Heron 8", ELSEWHERE)


def test_a_password_stored_as_it_was_typed_still_opens_and_is_stored_anew(alice: Account) -> None:
    alice.password_hash = passwords.hashing().hasher.hash(SPELLINGS[1])
    alice.save()
    assert sign_in.sign_in(alice.nic_handle, SPELLINGS[1], ELSEWHERE) == alice
    assert sign_in.sign_in(alice.nic_handle, SPELLINGS[0], ELSEWHERE) == alice


# --- Sent twice --------------------------------------------------------------------------------


def registering(client: CheckingClient) -> tuple[dict[str, str], str]:
    """Return a filled registration form, as the page has it, and its CSRF token."""
    visitor = Visitor(client)
    page = visitor.open("/fr/order/account")
    number = visitor.find("input", name="form")
    assert number is not None
    person = {name: value for name, value in cast.ALICE.items() if name != "language"}
    typed = person | {"password": cast.PASSWORD, "password_confirmation": cast.PASSWORD}
    return typed | {"form": number.get("value", "")}, client.token_in(page)


def test_a_registration_sent_twice_makes_one_account(client: CheckingClient) -> None:
    form, token = registering(client)
    cookie = client.get_cookie("shop_session")
    assert cookie is not None
    before = cookie.value
    first = client.ask("POST", "/fr/order/account", form, token)
    again = client.ask("POST", "/fr/order/account", form, token)
    client.set_cookie("shop_session", before)  # The first answer never arrived.
    lost = client.ask("POST", "/fr/order/account", form, token)
    assert first.location == lost.location == HOME
    assert again.location == "/fr/order/account"
    assert client.get("/fr/order/account").location == HOME
    assert Account.select().count() == 1
    other = form | {"password": "Another-Horse-8", "password_confirmation": "Another-Horse-8"}
    assert client.ask("POST", "/fr/order/account", other).location == HOME
    assert Account.select().count() == 2


def test_two_registrations_of_one_form_at_the_same_time_make_one_account(app: Flask) -> None:
    details = cast.ALICE | {"password": cast.PASSWORD}

    def register(form: str = "one-form") -> int:
        asked = registration.Registration(**details, form=form)
        return registration.register(asked, is_proved=True).id

    made = racing.race(register, times=4)
    assert len(set(made)) == 1, made
    assert Account.select().count() == 1
    assert register("another-form") != made[0]


def test_a_sign_in_sent_twice_leads_on(client: CheckingClient, alice: Account) -> None:
    token = client.csrf_token()
    orders = "/manager/account/orders"
    form = {"nic_handle": alice.nic_handle, "password": cast.PASSWORD, "next": orders}
    assert client.ask("POST", "/login", form, token).location == orders
    again = client.ask("POST", "/login", form, token)
    assert again.status_code == 303
    assert client.get(again.location).location == orders


# --- Where forms come from, in production --------------------------------------------------------

OWN = [
    {},
    {"Origin": "https://shop.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Referer": "https://shop.example/login"},
]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Referer": "https://shop.example/login"},
    {"Origin": "http://shop.example"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Referer": "https://shop.example.evil.example/"},
    {"Referer": "https://[evil"},
]


def test_a_browser_that_says_less_signs_in_and_another_site_does_not(production: Flask) -> None:
    alice = cast.register(cast.ALICE)
    form = {"nic_handle": alice.nic_handle, "password": cast.PASSWORD}
    for headers, status in [(each, 303) for each in OWN] + [(each, 400) for each in FOREIGN]:
        client = browser(production)
        token = client.token_in(client.get("/login"))
        answer = client.post("/login", data=form | {"csrf_token": token}, headers=headers)
        assert answer.status_code == status, headers
    assert "d’un autre site" in answer.text
