"""Members of staff set up, use and remove passkeys and applications by the pages of the desk."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from desk import access
from models import Challenge, Role, StaffAccount, StaffPasskey, StaffSession
from shop.security import one_time_codes
from shop.staff import accounts, factors
from tests.support import cast, staff
from tests.support.client import CheckingClient, browser
from tests.support.devices import Device
from tests.support.visitor import Visitor

PASSWORD = {"password": "Correct-Horse-7", "password_confirmation": "Correct-Horse-7"}


def options(client: CheckingClient, address: str, form: dict[str, str] | None = None) -> Any:
    response = client.ask("POST", address, form)
    assert response.mimetype == "application/json", response.text
    return json.loads(response.text)


def give_password(client: CheckingClient, who: StaffAccount, **more: str) -> None:
    form = {"login": who.login, "password": cast.PASSWORD} | more
    assert client.ask("POST", "/desk", form).location.startswith("/desk/second-step")


def signed_in(client: CheckingClient) -> bool:
    return client.get("/desk/account").status_code == 200


# --- Invitations -------------------------------------------------------------------------------


@pytest.fixture
def invitation(app: Flask) -> str:
    """The address of an invitation."""
    return f"/desk/invitation/{accounts.add('lea@nuage.example', Role.SUPPORT)[1]}"


def test_a_new_member_sets_up_a_passkey_and_signs_in_with_it(
    invitation: str, client: CheckingClient
) -> None:
    visitor, device = Visitor(client), Device()
    visitor.open(invitation)
    assert visitor.sees("le bureau demande un second facteur à chaque connexion")
    visitor.follow("Configurer une clé d’accès")
    assert visitor.sees("Une clé d’accès demande un navigateur récent avec JavaScript.")
    named = PASSWORD | {"name": "Portable"}
    asked = options(client, f"{invitation}/passkey-options", named)
    assert asked["user"]["name"] == "lea"
    answer = {"credential": device.create(asked)}
    done = client.ask("POST", f"{invitation}/passkey", named | answer)
    assert done.location == "/desk"
    assert client.get(invitation).status_code == 404, "it works once"
    assert "votre clé d’accès" in client.get("/desk").text
    member = StaffAccount.get()
    assert member.secret == "", "nobody uses the secret that the pages could show"
    visitor.open("/desk?next=/desk/account")
    visitor.press("Se connecter", login="lea", password=PASSWORD["password"])
    assert visitor.find("input", name="code") is None
    asked = options(client, "/desk/second-step/passkey-options")
    form = {"credential": device.get(asked), "next": "/desk/account"}
    done = client.ask("POST", "/desk/second-step/passkey", form)
    assert done.location == "/desk?next=/desk/account"
    assert signed_in(client)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "Donnez un nom à la clé d’accès"),
        ({"password": "short", "password_confirmation": "short"}, "au moins 8\u00a0caractères"),
        ({"password_confirmation": "Another-Horse-8"}, "ne sont pas identiques"),
        ({"password": "password1", "password_confirmation": "password1"}, "mot de passe"),
    ],
)
def test_what_is_typed_is_checked_before_the_device_is_asked(
    invitation: str, client: CheckingClient, form: dict[str, str], said: str
) -> None:
    typed = PASSWORD | {"name": "Portable"} | form
    for address in ("passkey-options", "passkey"):
        response = client.ask("POST", f"{invitation}/{address}", typed)
        assert response.status_code == 422
        assert said in response.text
    assert not Challenge.select().exists()
    assert StaffAccount.get().is_invited


def test_a_passkey_that_cannot_be_checked_sets_nothing_up(
    invitation: str, client: CheckingClient
) -> None:
    named = PASSWORD | {"name": "Portable"}
    asked = options(client, f"{invitation}/passkey-options", named)
    answer = Device(checks_owner=False).create(asked)
    response = client.ask("POST", f"{invitation}/passkey", named | {"credential": answer})
    assert response.status_code == 422
    assert "La clé d’accès n’a pas pu être vérifiée." in response.text
    assert 'value="Portable"' in response.text
    assert StaffAccount.get().is_invited
    assert client.get(invitation).status_code == 200


# --- The second step ---------------------------------------------------------------------------


def test_the_second_step_offers_what_the_member_has(app: Flask) -> None:
    who, client = staff.member(), browser(app)
    give_password(client, who)
    first = client.get("/desk/second-step").text
    assert 'name="code"' in first
    assert "data-passkey=" not in first
    staff.passkey_of(who)
    both = client.get("/desk/second-step").text
    assert 'name="code"' in both
    assert 'data-passkey="get"' in both
    factors.remove_authenticator(who)
    last = client.get("/desk/second-step").text
    assert 'name="code"' not in last
    assert "demandez à un administrateur" in last, "said where scripts do not run"


def test_nobody_reaches_the_second_step_without_the_password(app: Flask) -> None:
    who = staff.member()
    device, client = staff.passkey_of(who), browser(app)
    for method, address in (
        ("GET", "/desk/second-step"), ("POST", "/desk/second-step"),
        ("POST", "/desk/second-step/passkey-options"), ("POST", "/desk/second-step/passkey"),
    ):  # fmt: skip
        form = {"code": staff.code_of(who), "credential": "{}", "next": "/desk/staff"}
        response = client.ask(method, address, form if method == "POST" else None)
        assert response.location.startswith("/desk"), address
    give_password(client, who)
    asked = options(client, "/desk/second-step/passkey-options")
    stranger = browser(app)
    stranger.ask("POST", "/desk/second-step/passkey", {"credential": device.get(asked)})
    assert not StaffSession.select().exists()


def test_an_answer_counts_in_the_browser_that_was_asked(app: Flask) -> None:
    who = staff.member()
    device, client, other = staff.passkey_of(who), browser(app), browser(app)
    for each in (client, other):
        give_password(each, who)
    answer = {"credential": device.get(options(client, "/desk/second-step/passkey-options"))}
    refused = other.ask("POST", "/desk/second-step/passkey", answer)
    assert refused.status_code == 422
    assert "trop de temps" in refused.text
    assert client.ask("POST", "/desk/second-step/passkey", answer).status_code == 303
    again = client.ask("POST", "/desk/second-step/passkey", answer)
    with client.session_transaction() as cookie:
        assert "_flashes" not in cookie, "the second click finds nothing to do"
    assert again.location == client.get("/desk").location
    assert StaffSession.select().count() == 1


def test_a_removed_passkey_is_said_to_be_unknown(app: Flask) -> None:
    who, client = staff.member(), browser(app)
    device = staff.passkey_of(who)
    give_password(client, who)
    asked = options(client, "/desk/second-step/passkey-options")
    factors.remove_passkey(who, StaffPasskey.get())
    answer = {"credential": device.get(asked)}
    refused = client.ask("POST", "/desk/second-step/passkey", answer)
    assert refused.status_code == 422
    assert "Cette clé d’accès n’est pas connue ici." in refused.text


def test_a_password_given_too_long_ago_is_asked_for_again(
    app: Flask, clock: time_machine.Traveller
) -> None:
    who, visitor = staff.member(), Visitor(browser(app))
    give_password(visitor.client, who, next="/desk/staff")
    clock.shift(timedelta(minutes=11))
    visitor.open("/desk/second-step?next=/desk/staff")
    assert visitor.address == "/desk?next=/desk/staff"
    assert visitor.sees("Le mot de passe a été saisi il y a trop longtemps.")


def test_the_session_of_another_member_ends_when_one_signs_in(app: Flask) -> None:
    client = browser(app)
    staff.sign_in(client)
    former = client.get_cookie(access.COOKIE).value
    who = staff.member(Role.SUPPORT)
    give_password(client, who)
    client.ask("POST", "/desk/second-step", {"code": staff.code_of(who)})
    assert who.login in client.get("/desk/account").text
    client.set_cookie(access.COOKIE, former)
    assert not signed_in(client)


# --- One's own account -------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*Role])
def test_a_member_adds_and_removes_factors(app: Flask, role: Role) -> None:
    client = browser(app)
    who, visitor, device = staff.sign_in(client, role), Visitor(client), Device()
    visitor.open("/desk/account")
    assert visitor.sees("Le seul qui existe ne peut pas être supprimé")
    assert not visitor.offers("Supprimer")
    visitor.follow("Ajouter une clé d’accès")
    assert visitor.sees("Une clé d’accès demande un navigateur récent avec JavaScript.")
    asked = options(client, "/desk/account/passkeys/options", {"name": "Portable"})
    form = {"name": "Portable", "credential": device.create(asked)}
    assert client.ask("POST", "/desk/account/passkeys", form).location == "/desk/account"
    visitor.open("/desk/account")
    assert visitor.sees("La clé d’accès est ajoutée.")
    assert visitor.sees("Portable")
    assert visitor.sees("Clé d’accès ajoutée le")
    visitor.press("Supprimer")
    assert visitor.sees("L’application est supprimée.")
    assert not visitor.offers("Supprimer")
    visitor.follow("Configurer une application d’authentification")
    secret = accounts.secret_of(StaffAccount.get_by_id(who.id))
    visitor.press("Activer", code="000000")
    assert visitor.response.status_code == 422
    visitor.press("Activer", code=one_time_codes.code_of(secret, 1))
    assert visitor.sees("L’application est configurée.")
    assert client.get("/desk/account/application.svg").status_code == 404
    key = StaffPasskey.get()
    client.ask("POST", f"/desk/account/passkeys/{key.id}/removal")
    assert not StaffPasskey.select().exists()


def test_the_last_factor_is_not_removed_by_a_form_either(app: Flask) -> None:
    client = browser(app)
    who = staff.sign_in(client)
    client.ask("POST", "/desk/account/application/removal")
    assert "C’est votre seul second facteur" in client.get("/desk/account").text
    staff.passkey_of(who)
    client.ask("POST", "/desk/account/application/removal")
    client.ask("POST", f"/desk/account/passkeys/{StaffPasskey.get().id}/removal")
    assert "C’est votre seul second facteur" in client.get("/desk/account").text
    assert StaffPasskey.select().count() == 1


def test_a_passkey_of_a_colleague_does_not_exist(app: Flask) -> None:
    client = staff.desk_of(app)
    staff.passkey_of(staff.member())
    key = StaffPasskey.get()
    response = client.ask("POST", f"/desk/account/passkeys/{key.id}/removal")
    assert response.status_code == 404
    assert StaffPasskey.select().exists()


def test_no_device_is_asked_without_a_name_or_for_the_eleventh(app: Flask) -> None:
    client = browser(app)
    who = staff.sign_in(client)
    answer = client.ask("POST", "/desk/account/passkeys/options", {"name": ""})
    assert answer.status_code == 422
    for _ in range(10):
        staff.passkey_of(who)
    for address in ("passkeys/options", "passkeys"):
        answer = client.ask("POST", f"/desk/account/{address}", {"name": "One more"})
        assert answer.status_code == 422
        assert "Vous avez 10\u00a0clés d’accès" in answer.text


def test_a_passkey_that_cannot_be_checked_is_not_added(app: Flask) -> None:
    client = staff.desk_of(app)
    asked = options(client, "/desk/account/passkeys/options", {"name": "x"})
    answer = Device(origin="http://evil.example").create(asked)
    refused = client.ask("POST", "/desk/account/passkeys", {"name": "x", "credential": answer})
    assert refused.status_code == 422
    assert "La clé d’accès n’a pas pu être vérifiée." in refused.text
    assert not StaffPasskey.select().exists()


# --- Who has not just signed in ----------------------------------------------------------------

GUARDED = (
    ("GET", "application"), ("GET", "application.svg"), ("POST", "application"),
    ("POST", "application/removal"), ("GET", "passkeys/new"), ("POST", "passkeys/options"),
    ("POST", "passkeys"), ("POST", "passkeys/1/removal"),
)  # fmt: skip


def test_password_and_factor_are_asked_for_again_before_factors_change(
    app: Flask, clock: time_machine.Traveller
) -> None:
    client = browser(app)
    who = staff.sign_in(client)
    staff.passkey_of(who)
    clock.shift(timedelta(minutes=16))
    for method, address in GUARDED:
        response = client.ask(method, f"/desk/account/{address}", {})
        assert response.location.startswith("/desk/account/confirmation?next=/desk/account"), (
            address
        )
    assert StaffPasskey.select().count() == 1
    assert StaffAccount.get_by_id(who.id).authenticator_at is not None


def test_whoever_confirms_goes_on_in_a_new_session_with_what_was_typed(
    app: Flask, clock: time_machine.Traveller
) -> None:
    client = browser(app)
    who, visitor = staff.sign_in(client), Visitor(client)
    device = staff.passkey_of(who)
    former = client.get_cookie(access.COOKIE).value
    clock.shift(timedelta(minutes=16))
    form = {"name": "Portable", "credential": "proof"}
    visitor.open(client.ask("POST", "/desk/account/passkeys/options", form).location)
    with client.session_transaction() as cookie:
        assert "proof" not in str(dict(cookie))
    visitor.press("Poursuivre", password="wrong")
    assert visitor.response.status_code == 422
    assert visitor.sees("Ce n’est pas votre mot de passe actuel.")
    visitor.press("Poursuivre", password=cast.PASSWORD)
    assert visitor.address.startswith("/desk/second-step?next=")
    assert client.get("/desk/account/passkeys/new").status_code == 303, "the factor is due still"
    asked = options(client, "/desk/second-step/passkey-options")
    answer = {"credential": device.get(asked), "next": "/desk/account/passkeys/new"}
    visitor.open(client.ask("POST", "/desk/second-step/passkey", answer).location)
    assert visitor.address == "/desk/account/passkeys/new"
    assert visitor.find("input", name="name", value="Portable") is not None
    client.set_cookie(access.COOKIE, former)
    assert not signed_in(client), "the token is another one"


def test_another_members_sign_in_confirms_nothing_for_this_one(
    app: Flask, clock: time_machine.Traveller
) -> None:
    client = browser(app)
    staff.sign_in(client)
    clock.shift(timedelta(minutes=16))
    answer = client.ask("POST", "/desk/account/confirmation", {"password": "wrong"})
    assert answer.status_code == 422
    other = staff.member()
    give_password(client, other)
    client.ask("POST", "/desk/second-step", {"code": staff.code_of(other)})
    assert other.login in client.get("/desk/account").text


# --- Administrators ----------------------------------------------------------------------------


def test_an_administrator_sees_the_factors_and_resets_all_of_them(app: Flask) -> None:
    admin, member = staff.desk_of(app), staff.member(Role.SUPPORT)
    device, client = staff.passkey_of(member), browser(app)
    page = f"/desk/staff/{member.login}"
    assert "Application d’authentification, 1\u00a0clé d’accès" in admin.get(page).text
    give_password(client, member)
    asked = options(client, "/desk/second-step/passkey-options")
    staff.confirm(admin, f"{page}/reset")
    assert "/desk/invitation/" in admin.get(page).text
    assert not StaffPasskey.select().exists()
    form = {"credential": device.get(asked)}
    assert client.ask("POST", "/desk/second-step/passkey", form).location == "/desk"
    assert not signed_in(client)


def test_the_operator_resets_all_of_them_too(app: Flask) -> None:
    member = staff.member()
    staff.passkey_of(member)
    said = app.test_cli_runner().invoke(args=["staff", "reset", member.login]).output
    assert "second factor" in said
    assert "/desk/invitation/" in said
    assert not StaffPasskey.select().exists()


def test_a_disabled_members_passkey_opens_nothing_and_works_again_when_enabled(app: Flask) -> None:
    member, client = staff.member(Role.SUPPORT), browser(app)
    device = staff.passkey_of(member)
    give_password(client, member)
    asked = options(client, "/desk/second-step/passkey-options")
    accounts.disable(member)
    form = {"credential": device.get(asked)}
    assert client.ask("POST", "/desk/second-step/passkey", form).location == "/desk"
    assert not signed_in(client)
    accounts.enable(member)
    give_password(client, member)
    answer = device.get(options(client, "/desk/second-step/passkey-options"))
    client.ask("POST", "/desk/second-step/passkey", {"credential": answer})
    assert signed_in(client)
