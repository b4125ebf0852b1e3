"""What was typed in the customer area survives a change of language without JavaScript, and the end
of the session, once."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from models import Account
from shop.customers import sessions
from tests.support import cast, groups
from tests.support.client import CheckingClient
from tests.support.parties import Bank, Provider
from tests.whole.test_routes import client_of
from web.kept_input import MOST_CHARACTERS

pytestmark = pytest.mark.one_database

PROFILE = "/manager/account/profile"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def client(app: Flask, alice: Account) -> CheckingClient:
    return client_of(app, alice)


def choose_english(client: CheckingClient, page: str, **typed: str) -> str:
    """Press EN beside a page's form; return the page that comes."""
    address = f"/manager/account/language?next={page}"
    answer = client.ask("POST", address, {"language": "en", **typed})
    assert (answer.status_code, answer.location) == (303, page)
    return client.get(page).text


def targets_of(page: str) -> set[str]:
    """Return where the buttons without a script send the page's form."""
    hidden = page[page.index("<noscript>") : page.index("</noscript>")]
    return {unescape(found) for found in re.findall(r'formaction="([^"]+)"', hidden)}


def test_a_form_comes_back_as_it_was_left(client: CheckingClient, alice: Account) -> None:
    shown = choose_english(client, PROFILE, first_name="Zoé", city="", postcode="590")
    assert "Edit my details" in shown
    assert 'value="Zoé"' in shown
    assert 'value="590"' in shown
    assert f'value="{alice.city}"' not in shown, "emptied"
    assert f'value="{alice.last_name}"' in shown, "left alone"
    assert 'value="Zoé"' not in client.get(PROFILE).text, "once"
    assert Account.get_by_id(alice.id).first_name == alice.first_name


def test_an_address_comes_back(client: CheckingClient) -> None:
    shown = choose_english(client, "/manager/account/email-address", email="zoe@elsewhere.example")
    assert 'value="zoe@elsewhere.example"' in shown


def test_it_fills_no_other_page(client: CheckingClient) -> None:
    address = f"/manager/account/language?next={PROFILE}"
    client.ask("POST", address, {"language": "en", "email": "zoe@elsewhere.example"})
    other = client.get("/manager/account/email-address")
    assert other.status_code == 200
    assert "zoe@elsewhere.example" not in other.text


def test_a_licence_keeps_who_it_is_for_and_no_password(
    client: CheckingClient, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = groups.installed(alice, bank)
    page = f"/manager/groups/{group.name}/seats/1/configuration"
    typed = {"version": "1", "first_name": "Ève", "login": "eve", "send_to": "nobody"}
    shown = choose_english(client, page, **typed, password="Secret-Secret-1")
    assert 'value="Ève"' in shown
    assert "Secret-Secret-1" not in shown
    with client.session_transaction() as session:
        assert "Secret-Secret-1" not in str(dict(session))


SECOND_STEP = "/manager/account/confirmation/second-step"


@pytest.mark.parametrize("secret", ["code", "credential", "password", "new_password"])
@pytest.mark.parametrize("is_over", [False, True])
def test_no_secret_is_kept(
    client: CheckingClient, alice: Account, secret: str, is_over: bool
) -> None:
    client.get(PROFILE)
    typed = {secret: "k7mq-2xvw-9rtn", "postcode": "59000"}
    if is_over:
        sessions.end_all_of(alice)
        client.ask("POST", SECOND_STEP, typed)
    else:
        client.ask(
            "POST", f"/manager/account/language?next={SECOND_STEP}", {"language": "en", **typed}
        )
    with client.session_transaction() as session:
        kept = str(dict(session))
    assert "59000" in kept
    assert "k7mq" not in kept


def test_an_order_keeps_its_quantity_in_the_url(client: CheckingClient) -> None:
    [target] = targets_of(client.get("/manager/order/office").text)
    answer = client.ask("POST", target, {"language": "en", "offer": "pro_plus", "quantity": "17"})
    assert answer.location == "/manager/order/office?offer=pro_plus&quantity=17"
    assert 'value="17"' in client.get(answer.location).text
    with client.session_transaction() as session:
        assert "typed" not in session


def log_in(client: CheckingClient, who: Account, page: str) -> str:
    """Sign in where a form of an ended session led to; return the page that comes then."""
    form = {"nic_handle": who.nic_handle, "password": cast.PASSWORD, "next": page}
    answer = client.ask("POST", "/login", form)
    assert answer.location == page
    return client.get(page).text


def test_a_form_of_an_ended_session_comes_back_after_signing_in(
    client: CheckingClient, alice: Account
) -> None:
    client.get(PROFILE)
    sessions.end_all_of(alice)
    answer = client.ask("POST", PROFILE, {"first_name": "Zoé", "city": "Nantes"})
    assert answer.location == f"/login?next={PROFILE}"
    shown = log_in(client, alice, PROFILE)
    assert 'value="Zoé"' in shown
    assert 'value="Nantes"' in shown
    assert 'value="Nantes"' not in client.get(PROFILE).text, "once"
    assert Account.get_by_id(alice.id).city == alice.city


def test_what_was_typed_after_the_check_of_a_field_comes_back(
    client: CheckingClient, alice: Account
) -> None:
    client.get(PROFILE)
    sessions.end_all_of(alice)
    client.ask("POST", f"{PROFILE}/fields/city", {"city": "Nan"})
    answer = client.ask("POST", PROFILE, {"city": "Nantes"})
    assert answer.location == f"/login?next={PROFILE}"
    assert 'value="Nantes"' in log_in(client, alice, PROFILE)


def test_it_comes_back_to_the_same_customer_alone(
    client: CheckingClient, alice: Account, bob: Account
) -> None:
    client.get(PROFILE)
    sessions.end_all_of(alice)
    client.ask("POST", PROFILE, {"first_name": "Zoé", "city": "Nantes"})
    assert 'value="Nantes"' not in log_in(client, bob, PROFILE)
    assert 'value="Nantes"' not in client.get(PROFILE).text


@pytest.mark.parametrize("sent_to", ["configuration", "configuration/fields/last_name"])
def test_a_dialog_comes_back_as_a_page(
    client: CheckingClient, alice: Account, bank: Bank, provider: Provider, sent_to: str
) -> None:
    group = groups.installed(alice, bank)
    page = f"/manager/groups/{group.name}/seats/1/configuration"
    client.get(page)
    sessions.end_all_of(alice)
    typed = {"version": "1", "first_name": "Ève", "login": "eve", "send_to": "nobody"}
    shown_on = {"HX-Current-URL": f"http://localhost/manager/groups/{group.name}"}
    answer = client.post(
        f"/manager/groups/{group.name}/seats/1/{sent_to}",
        data={**typed, "password": "Secret-Secret-1", "csrf_token": client.csrf_token()},
        headers=PARTIAL | shown_on,
    )
    assert answer.headers["HX-Redirect"] == f"/login?next={page}"
    with client.session_transaction() as session:
        assert "Secret-Secret-1" not in str(dict(session))
    shown = log_in(client, alice, page)
    assert 'value="Ève"' in shown
    assert 'value="eve"' in shown


def test_what_does_not_fit_in_a_cookie_is_not_kept(client: CheckingClient) -> None:
    choose_english(client, PROFILE, street="x" * MOST_CHARACTERS)
    with client.session_transaction() as session:
        assert "typed" not in session


def test_without_a_script_the_buttons_send_the_form(client: CheckingClient) -> None:
    page = client.get(PROFILE).text
    hidden = page[page.index("<noscript>") : page.index("</noscript>")]
    [target] = targets_of(page)
    answer = client.ask("POST", target, {"language": "en", "city": "Nantes"})
    assert 'value="Nantes"' in client.get(answer.location).text
    assert hidden.count('form="profile-form"') == 3, "Enter, and two languages"
    assert '<form class="form" action="/manager/account/profile" method="post" novalidate id=' in (
        " ".join(page.split())
    )
