"""Recovery puts intruders out: resets, factors that an intruder added, removal of factors."""

from __future__ import annotations

import json
from datetime import timedelta

import pyotp
import pytest
import time_machine
from flask import Flask

from models import Account, Authenticator, Passkey, RecoveryCode, Session
from records.accounts import LinkPurpose
from shop.customers import one_time_links, password_changes, sessions, two_factor
from shop.customers.activity_log import UNKNOWN, Origin
from shop.customers.password_changes import RESET_LENGTH
from shop.customers.two_factor import doubtful, passkeys, pending_sign_in, recovery_codes, totp
from tests.support import cast
from tests.support.client import browser
from tests.support.devices import BASE, Device, passkey_of
from tests.support.visitor import Visitor

HOME = Origin("198.51.100.7", "Firefox", "h" * 43)
INTRUDER = Origin("203.0.113.66", "curl", "i" * 43)
NEW = {"password": "Another-Horse-8", "password_confirmation": "Another-Horse-8"}


def added_from(account: Account, origin: Origin, name: str = "Intruder’s phone") -> Passkey:
    ceremony = passkeys.begin_registration(account, BASE)
    answer = Device().create(json.loads(ceremony.options))
    return passkeys.finish_registration(account, answer, ceremony.challenge, name, BASE, origin)


def reset_page(visitor: Visitor, account: Account) -> None:
    token = one_time_links.new_link(account, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    visitor.open(f"/fr/password/{token}")


@pytest.fixture
def intruded(alice: Account, clock: time_machine.Traveller) -> Account:
    """Alice’s account, to which an intruder with her password has added a passkey."""
    sessions.start_session(alice, HOME)
    clock.shift(timedelta(days=3))
    sessions.start_session(alice, INTRUDER)
    clock.shift(timedelta(minutes=1))
    added_from(alice, INTRUDER)
    return alice


# --- The reset ---------------------------------------------------------------------------------


def test_a_reset_removes_what_an_intruder_added(visitor: Visitor, intruded: Account) -> None:
    reset_page(visitor, intruded)
    assert visitor.sees("Intruder’s phone")
    visitor.press("Changer mon mot de passe", **NEW)
    assert visitor.response.status_code == 422, "the question needs an answer"
    visitor.press("Changer mon mot de passe", factors="remove", **NEW)
    assert not two_factor.is_on(intruded)
    visitor.press("Se connecter", nic_handle=intruded.nic_handle, password=NEW["password"])
    assert visitor.client.get("/manager/account").status_code == 200


def test_a_reset_keeps_what_the_customer_recognises(visitor: Visitor, intruded: Account) -> None:
    reset_page(visitor, intruded)
    visitor.press("Changer mon mot de passe", factors="keep", **NEW)
    assert Passkey.select().where(Passkey.account == intruded).count() == 1
    visitor.press("Se connecter", nic_handle=intruded.nic_handle, password=NEW["password"])
    assert visitor.sees("Deuxième étape")


def test_an_application_is_asked_about_too(intruded: Account) -> None:
    Passkey.delete().execute()
    row = totp.begin_enrolment(intruded)
    totp.finish_enrolment(row, pyotp.TOTP(totp.secret_of(row)).now(), INTRUDER)
    assert [type(factor) for factor in doubtful.factors(intruded)] == [Authenticator]
    two_factor.remove_doubtful(intruded, HOME)
    assert not two_factor.is_on(intruded)


def test_the_customers_own_factors_are_not_in_doubt(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    sessions.start_session(alice, HOME)
    clock.shift(timedelta(days=3))
    added_from(alice, HOME, "My key")
    assert doubtful.factors(alice) == []
    reset_page(visitor, alice)
    assert not visitor.sees("My key"), "whoever has the mailbox alone cannot remove it"
    answer = visitor.client.ask("POST", visitor.address, NEW | {"factors": "remove"})
    assert answer.status_code == 303
    assert two_factor.is_on(alice)


def test_a_sign_in_from_a_known_network_settles_the_doubt(
    intruded: Account, clock: time_machine.Traveller
) -> None:
    sessions.start_session(intruded, INTRUDER)
    assert doubtful.factors(intruded), "the intruder's own sign-ins do not"
    clock.shift(timedelta(minutes=1))
    sessions.start_session(intruded, HOME)
    assert doubtful.factors(intruded) == []


def test_a_reset_ends_unfinished_second_factors(alice: Account) -> None:
    known_to_intruder = totp.secret_of(totp.begin_enrolment(alice))
    token = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    link = password_changes.find_reset(token)
    assert link
    assert password_changes.reset_password(link, NEW["password"])
    assert totp.unconfirmed_authenticator(alice) is None
    assert totp.secret_of(totp.begin_enrolment(alice)) != known_to_intruder


# --- Removal -----------------------------------------------------------------------------------


def enrolled(account: Account) -> pyotp.TOTP:
    row = totp.begin_enrolment(account)
    shown = pyotp.TOTP(totp.secret_of(row))
    totp.finish_enrolment(row, shown.now(), UNKNOWN)
    return shown


GUARDED = [
    ("/manager/account/authenticator/removal", {}),
    ("/manager/account/recovery-codes", {}),
    ("/manager/account/passkeys", {"name": "x", "credential": "{}"}),
    ("/manager/account/passkeys/options", {"name": "x"}),
]


@pytest.mark.every_case
@pytest.mark.parametrize(("address", "form"), GUARDED)
def test_factors_change_with_a_factor_alone(
    visitor: Visitor, alice: Account, address: str, form: dict[str, str]
) -> None:
    """A session begun with the password alone, then taken over, changes no factor."""
    visitor.log_in(alice)
    enrolled(alice)
    codes = recovery_codes.create_codes(alice, UNKNOWN)
    answer = visitor.client.ask("POST", address, form)
    assert "/manager/account/confirmation/second-step" in answer.location
    assert two_factor.is_on(alice)
    assert recovery_codes.use_code(alice, codes[0])


def test_a_code_lets_a_factor_be_removed(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    enrolled(alice)
    codes = recovery_codes.create_codes(alice, UNKNOWN)
    visitor.open("/manager/account/security")
    visitor.press("Supprimer")
    assert visitor.sees("Confirmez par votre deuxième étape")
    visitor.press("Valider", code="000000")
    assert visitor.response.status_code == 422
    visitor.press("Valider", code=codes[0])
    visitor.press("Supprimer")
    assert not two_factor.is_on(alice)


def test_a_passkey_lets_a_factor_be_removed(visitor: Visitor, alice: Account, bob: Account) -> None:
    visitor.log_in(alice)
    device, bobs = Device(), Device()
    key = passkey_of(alice, device)
    passkey_of(bob, bobs)
    client, confirmation = visitor.client, "/manager/account/confirmation/passkey"
    for tried, status in ((bobs, 422), (device, 303)):
        options = json.loads(client.ask("POST", f"{confirmation}-options").text)
        answer = client.ask("POST", confirmation, {"credential": tried.get(options)})
        assert answer.status_code == status
    client.ask("POST", f"/manager/account/passkeys/{key.id}/removal")
    assert not two_factor.is_on(alice)


def test_after_a_while_the_factor_is_asked_for_again(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    enrolled(alice)
    visitor.log_in(alice)
    visitor.open("/manager/account/security")
    clock.shift(timedelta(minutes=16))
    visitor.press("Supprimer")
    visitor.press("Valider", password=cast.PASSWORD)
    visitor.press("Supprimer")
    assert visitor.sees("Confirmez par votre deuxième étape")
    assert two_factor.is_on(alice)


# --- Customer service --------------------------------------------------------------------------


def test_switching_the_second_step_off_ends_sessions(app: Flask, alice: Account) -> None:
    enrolled(alice)
    recovery_codes.create_codes(alice, UNKNOWN)
    sessions.start_session(alice, INTRUDER)
    pending = pending_sign_in.begin_pending(alice)
    result = app.test_cli_runner().invoke(
        args=["accounts", "reset-second-factor", alice.nic_handle]
    )
    assert result.exit_code == 0, result.output
    assert not RecoveryCode.select().exists()
    assert not Session.select().where(Session.ended_at.is_null()).exists()
    assert pending_sign_in.pending_account(pending) is None


@pytest.mark.one_database
def test_the_second_step_says_how_to_get_help(app: Flask, alice: Account) -> None:
    enrolled(alice)
    visitor = Visitor(browser(app))
    visitor.open("/login")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    assert visitor.sees("Écrivez à facturation@example.com")
