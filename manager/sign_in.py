"""Signing in to the manager: password, perhaps which account or a second factor; signing out."""

from __future__ import annotations

from flask import Response, flash, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from manager import manager
from shop.errors import Refusal
from web import auth, password_step, two_factor
from web.forms import CodeForm, SignInForm
from web.htmx import go_to, page
from web.password_step import Next


def _target() -> str:
    return auth.safe_next(request.values.get("next"), url_for("manager.home"))


def _next() -> str:
    return request.values.get("next", "")


@manager.get("/login")
def login() -> Response:
    """Show the sign-in form; a sign-in waiting for its second factor is forgotten."""
    if auth.account() is not None:
        return go_to(_target())
    session.pop(two_factor.PENDING, None)
    return _sign_in_page(SignInForm())


@manager.post("/login")
def log_in() -> Response:
    """Start a session, or continue to the second step."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form, 422)
    try:
        return _go_on(password_step.take_password(form))
    except Refusal as refusal:
        form.refuse(refusal)
        return _sign_in_page(form, refusal.status)


def _go_on(step: Next) -> Response:
    if step is Next.SIGNED_IN:
        return go_to(_target())
    endpoint = "choose_account" if step is Next.CHOICE else "second_step"
    return go_to(url_for(f"manager.{endpoint}", next=_next() or None))


@manager.get("/login/account")
def choose_account() -> Response:
    """Ask which of the accounts of an e-mail address is meant, after their password."""
    offered = password_step.choices()
    if not offered:
        return _from_the_start()
    return page(
        "storefront/choose_account.html",
        accounts=offered,
        next=_next(),
        choice_address=url_for("manager.take_account"),
        start_address=url_for("manager.login", next=_next() or None),
    )


@manager.post("/login/account")
def take_account() -> Response:
    """Sign in to the account chosen, or continue to its second step."""
    step = password_step.choose(request.form.get("account", ""))
    return _from_the_start() if step is None else _go_on(step)


def _sign_in_page(form: SignInForm, status: int = 200) -> Response:
    return page("storefront/login.html", status=status, form=form, next=_next())


# --- The second step -------------------------------------------------------------------------


@manager.get("/login/second-step", endpoint="second_step")
def show_second_step() -> Response:
    """Ask for a code or a passkey, if the password was given a short time ago."""
    if two_factor.pending() is None:
        return _from_the_start()
    return _second_step_page(CodeForm(), 200)


@manager.post("/login/second-step")
def take_second_step() -> ResponseReturnValue:
    """Sign in with a code."""
    if two_factor.pending() is None:
        return _from_the_start()
    return two_factor.take_code(lambda: go_to(_target()), _second_step_page)


def _second_step_page(form: CodeForm, status: int) -> Response:
    return page(
        "storefront/second_step.html",
        status=status,
        form=form,
        next=_next(),
        code_address=url_for("manager.take_second_step"),
        passkey_address=url_for("manager.log_in_by_passkey"),
        start_address=url_for("manager.login", next=_next() or None),
    )


def _from_the_start() -> Response:
    flash(gettext("The password was given too long ago. Log in again."), "info")
    return go_to(url_for("manager.login", next=_next() or None))


@manager.post("/login/passkey-options")
def passkey_options() -> Response:
    """Return the options for the browser's device (JSON), for both entrances."""
    return two_factor.ask_for_passkey()


@manager.post("/login/passkey")
def log_in_by_passkey() -> ResponseReturnValue:
    """Sign in with a passkey, alone or as the second factor."""
    owing = two_factor.pending() is not None
    try:
        two_factor.take_passkey()
    except Refusal as refusal:
        if owing:
            return _second_step_page(CodeForm.refusing(refusal), refusal.status)
        return _sign_in_page(SignInForm.refusing(refusal), refusal.status)
    return go_to(_target())


@manager.post("/logout")
def log_out() -> Response:
    """End the session, in the database too."""
    auth.sign_out()
    flash(gettext("You are logged out."), "success")
    return go_to(url_for("manager.login"))
