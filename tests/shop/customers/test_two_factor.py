"""Two-factor sign-in: codes of the customer's device are valid once and for a short time."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from flask import Flask

from models import Account, AccountEvent, Authenticator, Letter, RecoveryCode
from records.accounts import LinkPurpose
from shop import clock
from shop.customers import holds, one_time_links, password_changes, two_factor
from shop.customers.activity_log import UNKNOWN
from shop.customers.password_changes import RESET_LENGTH
from shop.customers.two_factor import pending_sign_in, recovery_codes, totp
from shop.customers.two_factor.totp import WrongCode
from shop.errors import Refusal
from shop.security.rate_limits import RateLimited
from tests.support import cast, racing
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor

pytestmark = pytest.mark.usefixtures("clock")


def application(account: Account) -> pyotp.TOTP:
    """Set up an application 30 seconds ago; return its code generator."""
    row = totp.begin_enrolment(account)
    shown = pyotp.TOTP(totp.secret_of(row))
    totp.finish_enrolment(row, shown.at(clock.real_now() - timedelta(seconds=30)), UNKNOWN)
    return shown


def sign_in(visitor: Visitor, account: Account, page: str = "/login", button: str = "") -> None:
    visitor.open(page)
    visitor.press(
        button or ("Se connecter" if account.language == "fr" else "Log in"),
        nic_handle=account.nic_handle,
        password=cast.PASSWORD,
    )


def signed_in(visitor: Visitor) -> bool:
    response = visitor.client.get("/manager/account")
    return response.status_code == 200


# --- The application -------------------------------------------------------------------------


def test_setting_an_application_up_needs_the_code_it_shows(
    visitor: Visitor, alice: Account
) -> None:
    sign_in(visitor, alice)
    visitor.open("/manager/account/security")
    assert visitor.sees("Désactivée")
    visitor.follow("Configurer")
    assert visitor.client.get("/manager/account/authenticator.svg").mimetype == "image/svg+xml"
    visitor.press("Activer", code="000000")
    assert visitor.response.status_code == 422
    assert not two_factor.is_on(alice)
    row = Authenticator.get(Authenticator.account == alice)
    shown = pyotp.TOTP(totp.secret_of(row))
    assert totp.secret_of(row) not in row.secret
    visitor.press("Activer", code=shown.now())
    assert visitor.sees("Codes de secours")
    codes = re.findall(r"<code>([a-z0-9-]{29})</code>", visitor.response.text)
    assert len(codes) == recovery_codes.COUNT
    assert two_factor.is_on(alice)
    assert visitor.client.get("/manager/account/authenticator.svg").status_code == 404
    assert Letter.select().where(Letter.kind == "second_factor_changed").count() == 1


def test_the_password_alone_no_longer_signs_in(visitor: Visitor, alice: Account) -> None:
    shown = application(alice)
    sign_in(visitor, alice)
    assert visitor.address.startswith("/login/second-step")
    assert not signed_in(visitor)
    visitor.press("Valider", code=shown.now())
    assert visitor.response.status_code == 200
    assert signed_in(visitor)
    newest = AccountEvent.select().order_by(AccountEvent.id.desc()).get()
    assert (newest.kind, newest.note) == ("signed_in", "totp")


def test_the_requested_page_survives_the_second_step(visitor: Visitor, alice: Account) -> None:
    shown = application(alice)
    visitor.open("/manager/account/sessions")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    visitor.press("Valider", code="111111")
    assert visitor.response.status_code == 422
    visitor.press("Valider", code=shown.now())
    assert visitor.response.request.path == "/manager/account/sessions"


def test_a_code_works_once(visitor: Visitor, app: Flask, alice: Account) -> None:
    shown = application(alice)
    code = shown.now()
    sign_in(visitor, alice)
    visitor.press("Valider", code=code)
    assert signed_in(visitor)
    other = Visitor(app.test_client())
    sign_in(other, alice)
    other.press("Valider", code=code)
    assert other.response.status_code == 422
    assert not signed_in(other)


def test_a_code_used_concurrently_signs_in_once(alice: Account) -> None:
    shown = application(alice)
    code = shown.now()
    outcomes = racing.race(lambda: totp.check_code(alice, code), 8)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, WrongCode) for outcome in outcomes) == 7


def test_an_older_code_is_refused_after_a_newer_one(alice: Account) -> None:
    shown = application(alice)
    totp.check_code(alice, shown.at(clock.real_now() + timedelta(seconds=30)))
    with pytest.raises(WrongCode):
        totp.check_code(alice, shown.now())


@pytest.mark.parametrize("seconds", [-90, 90])
def test_a_code_of_another_time_is_refused(alice: Account, seconds: int) -> None:
    with time_machine.travel(clock.real_now(), tick=False):
        shown = application(alice)
        with pytest.raises(WrongCode):
            totp.check_code(alice, shown.at(clock.real_now() + timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "0x1234"]
)
def test_a_malformed_code_is_refused(alice: Account, code: str) -> None:
    application(alice)
    with pytest.raises(WrongCode):
        totp.check_code(alice, code)


def test_bobs_application_does_not_open_alices_account(alice: Account, bob: Account) -> None:
    application(alice)
    with pytest.raises(WrongCode):
        totp.check_code(alice, application(bob).now())


def test_an_unconfirmed_application_is_not_a_factor(visitor: Visitor, alice: Account) -> None:
    totp.begin_enrolment(alice)
    sign_in(visitor, alice)
    assert signed_in(visitor)


# --- Recovery codes --------------------------------------------------------------------------


def test_a_recovery_code_works_once(visitor: Visitor, app: Flask, alice: Account) -> None:
    application(alice)
    code = recovery_codes.create_codes(alice, UNKNOWN)[3]
    sign_in(visitor, alice)
    visitor.press("Valider", code=code.upper().replace("-", " "))
    assert signed_in(visitor)
    other = Visitor(app.test_client())
    sign_in(other, alice)
    other.press("Valider", code=code)
    assert other.response.status_code == 422
    assert recovery_codes.codes_left(alice) == 9


def test_a_recovery_code_used_concurrently_signs_in_once(alice: Account) -> None:
    code = recovery_codes.create_codes(alice, UNKNOWN)[0]
    outcomes = racing.race(lambda: recovery_codes.use_code(alice, code), 8)
    assert sorted(outcomes) == [False] * 7 + [True]


def test_new_codes_void_the_old_ones(alice: Account) -> None:
    old = recovery_codes.create_codes(alice, UNKNOWN)
    new = recovery_codes.create_codes(alice, UNKNOWN)
    assert not any(recovery_codes.use_code(alice, code) for code in old)
    assert recovery_codes.use_code(alice, new[0])


def test_new_codes_are_told_by_email(visitor: Visitor, alice: Account) -> None:
    shown = application(alice)
    sign_in(visitor, alice)
    visitor.press("Valider", code=shown.now())
    before = Letter.select().where(Letter.kind == "second_factor_changed").count()
    visitor.open("/manager/account/security")
    visitor.press("Nouveaux codes")
    assert visitor.sees("Voici vos nouveaux codes")
    told = Letter.select().where(Letter.kind == "second_factor_changed").order_by(Letter.id)
    assert told.count() == before + 1
    assert "codes de secours" in told[-1].text


def test_codes_are_kept_as_digests_and_are_alices_alone(alice: Account, bob: Account) -> None:
    codes = recovery_codes.create_codes(alice, UNKNOWN)
    kept = {row.code_digest for row in RecoveryCode.select()}
    assert not kept & {code.replace("-", "") for code in codes}
    assert not recovery_codes.use_code(bob, codes[0])


def test_removing_the_last_factor_drops_the_codes(alice: Account) -> None:
    application(alice)
    codes = recovery_codes.create_codes(alice, UNKNOWN)
    assert two_factor.remove_authenticator(alice, UNKNOWN)
    assert not two_factor.is_on(alice)
    assert not recovery_codes.use_code(alice, codes[0])
    assert not two_factor.remove_authenticator(alice, UNKNOWN)


# --- Between the two steps -------------------------------------------------------------------


def test_the_second_step_expires(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    shown = application(alice)
    sign_in(visitor, alice)
    clock.shift(timedelta(minutes=11))
    visitor.press("Valider", code=shown.now())
    assert visitor.sees("Le mot de passe a été saisi il y a trop longtemps.")
    assert not signed_in(visitor)


def test_the_second_step_needs_the_first(client: CheckingClient, alice: Account) -> None:
    application(alice)
    assert client.get("/login/second-step").status_code == 303
    assert client.get("/fr/order/identification/second-step").status_code == 303


def test_one_password_gives_one_session(alice: Account) -> None:
    shown = application(alice)
    codes = recovery_codes.create_codes(alice, UNKNOWN)
    token = pending_sign_in.begin_pending(alice)
    assert pending_sign_in.verify_code(token, shown.now(), UNKNOWN) == (alice, "totp")
    with pytest.raises(pending_sign_in.SignInExpired):
        pending_sign_in.verify_code(token, codes[0], UNKNOWN)
    assert recovery_codes.codes_left(alice) == 10


def test_a_changed_password_ends_the_pending_sign_in(visitor: Visitor, alice: Account) -> None:
    shown = application(alice)
    sign_in(visitor, alice)
    password_changes.change_password(alice, "Another-Horse-8")
    visitor.press("Valider", code=shown.now())
    assert not signed_in(visitor)


def test_guessing_codes_ends_soon(make_app, alice: Account) -> None:
    make_app(RATE_LIMITS="on")
    shown = application(alice)
    token = pending_sign_in.begin_pending(alice)
    for _ in range(5):
        with pytest.raises(WrongCode):
            pending_sign_in.verify_code(token, "000000", UNKNOWN)
    with pytest.raises(RateLimited):
        pending_sign_in.verify_code(token, shown.now(), UNKNOWN)
    failed = AccountEvent.select().where(AccountEvent.kind == "second_step_failed")
    assert failed.count() == 5


def test_a_reset_password_still_asks_for_the_second_step(visitor: Visitor, alice: Account) -> None:
    application(alice)
    token = one_time_links.new_link(alice, LinkPurpose.PASSWORD_RESET, RESET_LENGTH)
    visitor.open(f"/fr/password/{token}")
    visitor.press(
        "Changer mon mot de passe",
        password="Another-Horse-8",
        password_confirmation="Another-Horse-8",
    )
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password="Another-Horse-8")
    assert visitor.sees("Deuxième étape")
    assert not signed_in(visitor)


# --- The storefront's entrance: lesson 7 ------------------------------------------------------


def test_seven_licences_survive_a_wrong_password_and_the_second_step(
    visitor: Visitor, alice: Account
) -> None:
    shown = application(alice)
    visitor.open("/fr/order")
    visitor.press("Commander", business="7")
    visitor.press("Poursuivre")
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password="wrong")
    assert visitor.response.status_code == 422
    before = visitor.client.get_cookie("shop_session").value
    visitor.press("Se connecter", nic_handle=alice.nic_handle, password=cast.PASSWORD)
    visitor.press("Valider", code="000000")
    assert visitor.response.status_code == 422
    visitor.press("Valider", code=shown.now())
    assert visitor.sees("Confirmer et Payer")
    assert "business=7" in visitor.address
    assert visitor.client.get_cookie("shop_session").value != before


# --- Proving again who one is ----------------------------------------------------------------


def test_the_password_is_asked_for_again_after_a_while(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    sign_in(visitor, alice)
    clock.shift(timedelta(minutes=16))
    visitor.open("/manager/account/authenticator")
    assert visitor.sees("Confirmez que c’est bien vous")
    visitor.press("Valider", password="wrong")
    assert visitor.response.status_code == 422
    visitor.press("Valider", password=cast.PASSWORD)
    assert visitor.response.request.path == "/manager/account/authenticator"


def test_a_code_typed_before_the_password_was_asked_for_is_kept_nowhere(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    sign_in(visitor, alice)
    visitor.open("/manager/account/authenticator")
    clock.shift(timedelta(minutes=16))
    visitor.press("Activer", code="123456")
    with visitor.client.session_transaction() as cookie:
        assert "123456" not in str(dict(cookie))
    visitor.press("Valider", password=cast.PASSWORD)
    assert visitor.address == "/manager/account/authenticator"
    assert visitor.find("input", name="code", value="") is not None


def test_nothing_of_the_second_factor_changes_without_it(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    application(alice)
    recovery_codes.create_codes(alice, UNKNOWN)
    sign_in(visitor, alice)
    shown = pyotp.TOTP(totp.secret_of(Authenticator.get(Authenticator.account == alice)))
    visitor.press("Valider", code=shown.now())
    visitor.open("/manager/account/security")
    clock.shift(timedelta(minutes=16))
    for button in ("Supprimer", "Nouveaux codes"):
        visitor.open("/manager/account/security")
        visitor.press(button)
        assert visitor.sees("Confirmez que c’est bien vous")
    assert two_factor.is_on(alice)
    assert recovery_codes.codes_left(alice) == 10


def test_another_email_address_needs_the_second_factor(
    visitor: Visitor, alice: Account, clock: time_machine.Traveller
) -> None:
    shown = application(alice)
    sign_in(visitor, alice)
    visitor.press("Valider", code=shown.now())
    clock.shift(timedelta(minutes=16))
    visitor.open("/manager/account/email-address")
    visitor.press("Valider", password=cast.PASSWORD)
    assert visitor.address.startswith("/manager/account/confirmation/second-step")
    asked = visitor.client.ask("POST", "/manager/account/email-address", {"email": "a@b.example"})
    assert asked.location.startswith("/manager/account/confirmation/second-step")
    visitor.press("Valider", code=recovery_codes.create_codes(alice, UNKNOWN)[0])
    assert visitor.address == "/manager/account/email-address"


def test_customer_service_can_switch_it_off(
    app: Flask, alice: Account, clock: time_machine.Traveller
) -> None:
    application(alice)
    result = app.test_cli_runner().invoke(
        args=["accounts", "reset-second-factor", alice.nic_handle]
    )
    assert result.exit_code == 0, result.output
    assert not two_factor.is_on(alice)
    with pytest.raises(holds.MoneyHeld):
        holds.check_not_held(alice)
    clock.shift(holds.LENGTH)
    holds.check_not_held(alice)
    again = app.test_cli_runner().invoke(args=["accounts", "reset-second-factor", alice.nic_handle])
    assert "no second step" in again.output
    holds.check_not_held(alice)


def test_a_second_application_is_refused(alice: Account) -> None:
    application(alice)
    with pytest.raises(Refusal):
        totp.begin_enrolment(alice)
