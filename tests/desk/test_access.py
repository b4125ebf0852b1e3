"""Who reaches the desk: each of its endpoints by each role, and for others nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from desk import access, roles
from desk.menu import MENU
from models import Account, Role, StaffAccount, StaffSession
from shop.staff import accounts
from tests.support import staff
from tests.support.client import CheckingClient, browser
from tests.support.visitor import Visitor


def rules(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield the name, an address and each method of every endpoint of the desk."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("desk."):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.endpoint.removeprefix("desk."), filled(rule), method


def filled(rule: Rule) -> str:
    address = str(rule)
    for name in rule.arguments:
        is_number = isinstance(rule._converters[name], IntegerConverter)
        value = "1" if is_number else "nothing"
        address = "".join(value if part.endswith(f"{name}>") else part for part in split(address))
    return address


def split(address: str) -> list[str]:
    return address.replace("<", "\0<").replace(">", ">\0").split("\0")


def test_the_table_names_every_endpoint_and_no_other(app: Flask) -> None:
    assert {name for name, _, _ in rules(app)} == roles.OPEN | set(roles.ROLES)
    assert {entry.endpoint.removeprefix("desk.") for entry in MENU} <= set(roles.ROLES)


def test_for_a_customer_the_desk_does_not_exist(app: Flask, charlie: Account) -> None:
    customer, stranger = browser(app), browser(app)
    Visitor(customer).log_in(charlie)
    token = customer.csrf_token()
    for name, address, method in rules(app):
        response = customer.ask(method, address, token=token)
        assert response.status_code == 404, f"{method} {address}: {response.status}"
        if name not in roles.OPEN:
            # Without a token too: a refused form would say that there is one.
            assert stranger.open(address, method=method).status_code == 404, address
    for address in ("/desk/nothing-here", "/desk/", "/desk/sign-out"):
        assert stranger.get(address).status_code == 404, address


@pytest.mark.parametrize("role", [*Role])
def test_a_role_opens_what_the_table_gives_it(app: Flask, role: Role) -> None:
    client = staff.desk_of(app, role)
    token = client.csrf_token()
    for name, address, method in sorted(rules(app), key=lambda each: each[0] == "sign_out"):
        if name in roles.OPEN:
            continue
        response = client.ask(method, address, token=token)
        expected = role in roles.ROLES[name]
        assert (response.status_code != 403) is expected, f"{method} {address}: {response.status}"
        assert response.status_code < 500


def test_an_auditor_has_only_forms_of_their_own_account(app: Flask) -> None:
    own = {
        "change_language", "change_password", "end_other_sessions", "sign_out", "confirm",
        "add_application", "remove_application",
        "new_passkey_options", "add_passkey", "remove_passkey",
    }  # fmt: skip
    changing = {name for name, _, method in rules(app) if method != "GET"} - roles.OPEN
    assert {name for name in changing if Role.AUDITOR in roles.ROLES[name]} == own


def test_nothing_changes_at_the_desk_without_the_token_of_our_forms(app: Flask) -> None:
    client = staff.desk_of(app)
    for _, address, method in rules(app):
        if method != "GET":
            forged = client.open(address, method=method, headers={"X-CSRFToken": "forged"})
            assert forged.status_code == 400, f"{method} {address}: {forged.status}"
    assert client.get("/desk/account").status_code == 200, "signed in still"


def test_an_endpoint_missing_from_the_table_is_refused(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = staff.desk_of(app)
    assert client.get("/desk/staff").status_code == 200
    monkeypatch.delitem(roles.ROLES, "staff_accounts")
    assert client.get("/desk/staff").status_code == 403


def test_only_listed_networks_reach_the_desk(make_app: Callable[..., Flask]) -> None:
    elsewhere = browser(make_app(DESK_NETWORKS="192.0.2.0/24, 2001:db8::/32"))
    staff.sign_in(elsewhere)
    for address in ("/desk", "/desk/account"):
        assert elsewhere.get(address).status_code == 404
        inside = {"REMOTE_ADDR": "192.0.2.7"}
        assert elsewhere.get(address, environ_base=inside).status_code in {200, 303}


# --- Sessions ----------------------------------------------------------------------------------


def test_a_member_signs_in_by_password_and_code(app: Flask, client: CheckingClient) -> None:
    who = staff.member(Role.SUPPORT)
    visitor = Visitor(client)
    visitor.open("/desk?next=/desk/account")
    visitor.press("Se connecter", login=who.email, password="wrong")
    assert visitor.response.status_code == 422
    assert "ne correspondent pas" in visitor.response.text
    visitor.press("Se connecter", login=who.login, password=staff.cast.PASSWORD)
    assert client.get("/desk/account").status_code == 404, "not signed in yet"
    visitor.press("Valider", code="000000")
    assert visitor.response.status_code == 422
    assert visitor.sees("Ce code n’est pas, ou n’est plus, le bon.")
    visitor.press("Valider", code=staff.code_of(who))
    assert visitor.address == "/desk/account"
    cookie = client.get_cookie(access.COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Strict"
    visitor.press("Se déconnecter")
    assert StaffSession.get().ended_at is not None
    client.set_cookie(access.COOKIE, cookie.value)
    response = client.get("/desk/account")
    assert response.status_code == 303, "the session is over, not unknown"
    assert response.location == "/desk?next=/desk/account"


def test_a_code_opens_one_session(app: Flask, client: CheckingClient) -> None:
    who, other = staff.member(), browser(app)
    password = {"login": who.login, "password": staff.cast.PASSWORD}
    code = {"code": staff.code_of(who)}
    for each in (client, other):
        assert each.ask("POST", "/desk", password).location == "/desk/second-step"
    assert client.ask("POST", "/desk/second-step", code).location == "/desk"
    assert other.ask("POST", "/desk/second-step", code).status_code == 422
    assert StaffSession.select().count() == 1


def test_customers_sessions_and_those_of_the_desk_are_apart(app: Flask, alice: Account) -> None:
    client = staff.desk_of(app)
    assert client.get("/manager/web").status_code == 303
    Visitor(client).log_in(alice)
    assert client.get("/manager/web").status_code == 200
    assert client.get("/desk/account").status_code == 200
    client.ask("POST", "/desk/sign-out")
    assert client.get("/manager/web").status_code == 200


def test_a_session_ends_when_it_is_not_used_or_its_member_disabled(app: Flask, clock) -> None:
    client = browser(app)
    who = staff.sign_in(client, Role.BILLING)
    clock.shift(11 * 3600)
    assert client.get("/desk/account").status_code == 200
    clock.shift(11 * 3600)
    assert client.get("/desk/account").status_code == 200
    clock.shift(13 * 3600)
    assert client.get("/desk/account").status_code == 303
    staff.sign_in(client, email="second@nuage.example")
    who = StaffAccount.get(StaffAccount.email == "second@nuage.example")
    staff.member()
    accounts.disable(who)
    assert client.get("/desk/account").status_code == 303


def test_guesses_at_a_member_are_limited(make_app: Callable[..., Flask]) -> None:
    client = browser(make_app(RATE_LIMITS="on"))
    who = staff.member()
    form = {"login": who.login, "password": "wrong"}
    token = client.csrf_token()
    answers = [client.ask("POST", "/desk", form, token).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    right = form | {"password": staff.cast.PASSWORD}
    assert client.ask("POST", "/desk", right, token).status_code == 429
