"""Signing in to the desk: by a password, then by a code or a passkey."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from desk import access, desk
from desk.menu import menu_of
from models import StaffSignIn
from shop.errors import Refusal
from shop.security import rate_limits
from shop.staff import factors, sessions, sign_in
from web import auth, viewing
from web.forms import CodeForm, ShopForm, stripped
from web.htmx import go_to, page
from web.two_factor import given_challenge, keep_challenge
from web.urls import base_url

PENDING = "staff_sign_in"


class StaffSignInForm(ShopForm):
    """Login or e-mail address, and password."""

    login = StringField(
        _l("Login or email address"),
        [InputRequired(_l("Enter your login."))],
        filters=[stripped],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )


@desk.get("")
def entrance() -> Response:
    """Show the sign-in form, or go to the first page of the menu."""
    if access.is_signed_in():
        return go_to(_target())
    return _sign_in_page(StaffSignInForm())


def _target() -> str:
    home = url_for(menu_of(access.staff().role)[0].endpoint) if access.is_signed_in() else ""
    found = auth.safe_next(request.values.get("next"), home)
    return found if found.startswith("/desk/") else home


@desk.post("", endpoint="sign_in")
def take_password() -> Response:
    """Check the password, and continue to the second step."""
    form = StaffSignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form, 422)
    try:
        token = sign_in.begin_sign_in(
            form.login.data or "", form.password.data or "", auth.origin()
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return _sign_in_page(form, refusal.status)
    return go_on(token)


def go_on(token: str) -> Response:
    """Continue to the second step of a sign-in."""
    cookie[PENDING] = token
    return go_to(url_for("desk.second_step", next=_next()))


def _next() -> str | None:
    return request.values.get("next") or None


def _sign_in_page(form: StaffSignInForm, status: int = 200) -> Response:
    return page("desk/sign_in.html", status=status, form=form, next=_next() or "")


# --- The second step -------------------------------------------------------------------------


def _pending() -> StaffSignIn | None:
    """Return the sign-in of this browser whose second factor is due, if any."""
    return sign_in.find_pending(cookie.get(PENDING, ""))


@desk.get("/second-step")
def second_step() -> Response:
    """Ask for a passkey or a code, if the password was given a short time ago."""
    return _second_step_page(CodeForm())


def _second_step_page(form: CodeForm, status: int = 200) -> Response:
    found = _pending()
    if found is None and access.is_signed_in():
        return go_to(_target())
    if found is None:
        flash(gettext("The password was given too long ago. Log in again."), "info")
        return go_to(url_for("desk.entrance", next=_next()))
    means = factors.factors_of(found.staff)
    return page("desk/second_step.html", status=status, form=form, means=means, next=_next() or "")


@desk.post("/second-step")
def take_code() -> Response:
    """Start a session by a code of the application."""
    form = CodeForm()
    if not form.validate_on_submit():
        return _second_step_page(form, 422)
    try:
        code = form.code.data or ""
        token = sign_in.finish_by_code(cookie.get(PENDING, ""), code, auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _second_step_page(form, refusal.status)
    return _enter(token)


@desk.post("/second-step/passkey-options")
def passkey_options() -> Response:
    """Return the options for the browser's device (JSON)."""
    found = _pending()
    if found is None:
        return _second_step_page(CodeForm())
    count_ceremony()
    return keep_challenge(sign_in.begin_passkey(found, base_url()))


def count_ceremony() -> None:
    """Count a question for a passkey from this network. Raise `rate_limits.RateLimited`."""
    network = rate_limits.network_of(auth.ip_address())
    rate_limits.count_attempt(rate_limits.PASSKEY_PER_NETWORK, "passkey", network)


@desk.post("/second-step/passkey")
def take_passkey() -> Response:
    """Start a session by a passkey."""
    answer = (request.form.get("credential", ""), given_challenge())
    try:
        token = sign_in.finish_by_passkey(
            cookie.get(PENDING, ""), *answer, base_url(), auth.origin()
        )
    except Refusal as refusal:
        return _second_step_page(CodeForm.refusing(refusal), refusal.status)
    return _enter(token)


def _enter(token: str) -> Response:
    """Start the session of a token in this browser; one that it had ends."""
    if access.is_signed_in():
        sessions.end_session(access.session())
    cookie.pop(PENDING, None)
    cookie.pop("csrf_token", None)  # Renewed at each sign-in.
    access.keep(token)
    return go_to(url_for("desk.entrance", next=_next()))


@desk.post("/sign-out")
def sign_out() -> Response:
    """End the session, in the database too."""
    sessions.end_session(access.session())
    viewing.end_viewing()
    access.forget()
    flash(gettext("You are logged out."), "success")
    return go_to(url_for("desk.entrance"))
