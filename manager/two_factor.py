"""The second factors: an authenticator application, recovery codes, passkeys."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from manager import manager
from manager.confirmation import confirmed_first, factor_first, form_confirmed_first
from models import Authenticator
from shop.customers import two_factor
from shop.customers.two_factor import passkeys, recovery_codes, totp
from shop.errors import Refusal
from shop.security import one_time_codes
from web import auth
from web.forms import CodeForm, PasskeyForm
from web.headers import SVG
from web.htmx import go_to, page
from web.two_factor import given_challenge, keep_challenge
from web.urls import base_url


def _added(message: str) -> Response:
    """Redirect back; after the first second factor, show the recovery codes created with it.

    The session has just given a factor: an earlier one (`factor_first`), or the account's first.
    """
    who = auth.customer()
    auth.mark_factor()
    if recovery_codes.codes_left(who):
        flash(message, "success")
        return go_to(url_for("manager.security"))
    return _show_codes(recovery_codes.create_codes(who, auth.origin()), message)


def _show_codes(codes: list[str], message: str) -> Response:
    """Show new recovery codes, this once."""
    return page("manager/recovery_codes.html", codes=codes, message=message)


# --- The authenticator application -----------------------------------------------------------


def _being_set_up() -> Authenticator:
    return totp.begin_enrolment(auth.customer())


def _set_up_page(form: CodeForm, row: Authenticator, status: int = 200) -> Response:
    secret = one_time_codes.in_groups(totp.secret_of(row))
    return page("manager/authenticator.html", status=status, form=form, secret=secret)


@manager.get("/manager/account/authenticator")
@confirmed_first
@factor_first
def authenticator() -> ResponseReturnValue:
    """Show the set-up of an application: the QR code, and a field for its first code."""
    try:
        return _set_up_page(CodeForm(), _being_set_up())
    except Refusal:
        return go_to(url_for("manager.security"))


@manager.get("/manager/account/authenticator.svg")
@confirmed_first
@factor_first
def authenticator_qr() -> ResponseReturnValue:
    """Return the secret as a QR code, only during the set-up."""
    row = totp.unconfirmed_authenticator(auth.customer())
    if row is None:
        abort(404)
    return Response(totp.qr_code(row), content_type=SVG)


@manager.post("/manager/account/authenticator")
@form_confirmed_first("manager.authenticator")
@factor_first
def add_authenticator() -> ResponseReturnValue:
    """Use the application from now on, if its code is correct."""
    form, row = CodeForm(), _being_set_up()
    if not form.validate_on_submit():
        return _set_up_page(form, row, 422)
    try:
        totp.finish_enrolment(row, form.code.data or "", auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _set_up_page(form, row, refusal.status)
    return _added(gettext("The application is set up. From now on we ask for its code at login."))


@manager.post("/manager/account/authenticator/removal")
@confirmed_first
@factor_first
def remove_authenticator() -> ResponseReturnValue:
    """Remove the application."""
    if two_factor.remove_authenticator(auth.customer(), auth.origin()):
        flash(gettext("The application is removed."), "success")
    return go_to(url_for("manager.security"))


# --- Recovery codes --------------------------------------------------------------------------


@manager.post("/manager/account/recovery-codes")
@confirmed_first
@factor_first
def make_recovery_codes() -> ResponseReturnValue:
    """Create ten new codes; the old ones stop working."""
    if not two_factor.is_on(auth.customer()):
        return go_to(url_for("manager.security"))
    codes = two_factor.renew_recovery_codes(auth.customer(), auth.origin())
    return _show_codes(codes, gettext("These are your new codes. The old ones no longer work."))


# --- Passkeys --------------------------------------------------------------------------------


@manager.get("/manager/account/passkeys/new")
@confirmed_first
@factor_first
def new_passkey() -> ResponseReturnValue:
    """Show the form to name a passkey and create it on the device."""
    return page("manager/passkey.html", form=PasskeyForm())


@manager.post("/manager/account/passkeys/options")
@form_confirmed_first("manager.new_passkey", "name")
@factor_first
def new_passkey_options() -> ResponseReturnValue:
    """Return the options for the browser's device (JSON), or the form with its errors (422)."""
    form = PasskeyForm()
    if not form.validate_on_submit():
        return page("manager/passkey.html", status=422, form=form)
    return keep_challenge(passkeys.begin_registration(auth.customer(), base_url()))


@manager.post("/manager/account/passkeys")
@form_confirmed_first("manager.new_passkey", "name")
@factor_first
def add_passkey() -> ResponseReturnValue:
    """Store the passkey that the device created."""
    form = PasskeyForm()
    if not form.validate_on_submit():
        return page("manager/passkey.html", status=422, form=form)
    try:
        passkeys.finish_registration(
            auth.customer(),
            request.form.get("credential", ""),
            given_challenge(),
            form.name.data or "",
            base_url(),
            auth.origin(),
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return page("manager/passkey.html", status=refusal.status, form=form)
    return _added(gettext("The passkey is added. You can log in with it from now on."))


@manager.post("/manager/account/passkeys/<int:passkey_id>/removal")
@confirmed_first
@factor_first
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Remove a passkey."""
    key = passkeys.find_passkey(auth.customer(), passkey_id)
    if key is None:
        abort(404)
    if two_factor.remove_passkey(key, auth.origin()):
        flash(gettext("The passkey is removed."), "success")
    return go_to(url_for("manager.security"))
