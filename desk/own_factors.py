"""The second factors of the member who is signed in: an application and passkeys."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from desk import access, desk, languages
from desk.confirmation import recent_sign_in_first
from shop.errors import Refusal
from shop.security import one_time_codes
from shop.staff import factors, passkeys
from web.forms import CodeForm, PasskeyForm
from web.headers import SVG
from web.htmx import go_to, page
from web.languages import sentence
from web.two_factor import given_challenge, keep_challenge
from web.urls import base_url


def _to_own_account() -> Response:
    return go_to(url_for("desk.own_account"))


def _refused(refusal: Refusal) -> Response:
    """Say on the account's page what was refused there."""
    flash(sentence(refusal), "error")
    return _to_own_account()


# --- The application -------------------------------------------------------------------------


def _application_page(form: CodeForm, status: int = 200) -> Response:
    try:
        secret = one_time_codes.in_groups(factors.begin_authenticator(access.staff()))
    except Refusal as refusal:
        return _refused(refusal)
    return page("desk/application.html", status=status, form=form, secret=secret)


@desk.get("/account/application")
@recent_sign_in_first("desk.new_application")
def new_application() -> ResponseReturnValue:
    """Show the QR code of a new application, and a field for its first code."""
    return _application_page(CodeForm())


@desk.get("/account/application.svg")
@recent_sign_in_first("desk.new_application")
def application_qr() -> ResponseReturnValue:
    """Return the secret as a QR code, only during the set-up."""
    who = access.staff()
    try:
        secret = factors.begin_authenticator(who)
    except Refusal:
        abort(404)
    return Response(one_time_codes.qr_code(secret, who.login), content_type=SVG)


@desk.post("/account/application")
@recent_sign_in_first("desk.new_application")
def add_application() -> ResponseReturnValue:
    """Use the application from now on, if its code is right."""
    form = CodeForm()
    if languages.is_chosen():
        return _application_page(form)
    if not form.validate_on_submit():
        return _application_page(form, 422)
    try:
        factors.add_authenticator(access.staff(), form.code.data or "")
    except Refusal as refusal:
        form.refuse(refusal)
        return _application_page(form, refusal.status)
    flash(gettext("The application is set up."), "success")
    return _to_own_account()


@desk.post("/account/application/removal")
@recent_sign_in_first("desk.own_account")
def remove_application() -> ResponseReturnValue:
    """Remove the application, unless it is the only second factor."""
    try:
        if factors.remove_authenticator(access.staff()):
            flash(gettext("The application is removed."), "success")
    except Refusal as refusal:
        return _refused(refusal)
    return _to_own_account()


# --- Passkeys --------------------------------------------------------------------------------


def _passkey_page(form: PasskeyForm, status: int = 200) -> Response:
    return page("desk/passkey.html", status=status, form=form)


@desk.get("/account/passkeys/new")
@recent_sign_in_first("desk.new_passkey")
def new_passkey() -> ResponseReturnValue:
    """Show the form to name a passkey and create it on the device."""
    return _passkey_page(PasskeyForm())


@desk.post("/account/passkeys/options")
@recent_sign_in_first("desk.new_passkey", "name")
def new_passkey_options() -> ResponseReturnValue:
    """Return the options for the browser's device (JSON), or the form with its errors."""
    form = PasskeyForm()
    if not form.validate_on_submit():
        return _passkey_page(form, 422)
    try:
        return keep_challenge(factors.begin_passkey(access.staff(), base_url()))
    except Refusal as refusal:
        form.refuse(refusal)
        return _passkey_page(form, refusal.status)


@desk.post("/account/passkeys")
@recent_sign_in_first("desk.new_passkey", "name")
def add_passkey() -> ResponseReturnValue:
    """Store the passkey that the device created."""
    form = PasskeyForm()
    if not form.validate_on_submit():
        return _passkey_page(form, 422)
    answer = (request.form.get("credential", ""), given_challenge())
    try:
        factors.add_passkey(access.staff(), *answer, form.name.data or "", base_url())
    except Refusal as refusal:
        form.refuse(refusal)
        return _passkey_page(form, refusal.status)
    flash(gettext("The passkey is added. You can log in with it from now on."), "success")
    return _to_own_account()


@desk.post("/account/passkeys/<int:passkey_id>/removal")
@recent_sign_in_first("desk.own_account")
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Remove a passkey, unless it is the only second factor."""
    key = passkeys.find_passkey(access.staff(), passkey_id)
    if key is None:
        abort(404)
    try:
        if factors.remove_passkey(access.staff(), key):
            flash(gettext("The passkey is removed."), "success")
    except Refusal as refusal:
        return _refused(refusal)
    return _to_own_account()
