"""Asks for the password again before a sensitive action, unless it was given a short time ago."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from manager import manager
from shop.customers import sessions, sign_in, two_factor
from shop.customers.two_factor import passkeys, pending_sign_in
from shop.errors import Refusal
from web import auth, kept_input
from web.customer_forms import password_field
from web.forms import CodeForm, ShopForm
from web.htmx import go_to, page
from web.two_factor import given_challenge, keep_challenge
from web.urls import base_url

View = Callable[..., ResponseReturnValue]

MOST_KEPT = 320
"""Characters kept of a field: more than any field allows."""


class ConfirmationForm(ShopForm):
    """The customer's current password."""

    password = password_field(_l("Current password"), "current-password")


def confirmed_first(view: View) -> View:
    """Require a recent confirmation by password before ``view``."""
    return _guarded(view, lambda: auth.this_page() or url_for("manager.security"))


def factor_first(view: View) -> View:
    """Require a second factor before ``view``, where the account has one, once in a while."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if sessions.has_factor(current_user.session) or not two_factor.is_on(auth.customer()):
            return view(*args, **kwargs)
        here = auth.this_page() or url_for("manager.security")
        return go_to(url_for("manager.factor_confirmation", next=here))

    return guarded


def form_confirmed_first(form_page: str, *kept: str) -> Callable[[View], View]:
    """Require the same before a form is processed, and restore its fields ``kept`` afterwards.

    ``form_page`` is the endpoint of the form's page, whose form is filled with them.
    None of them may be a secret: the cookie holds them.
    """

    def ask() -> str:
        here = url_for(form_page)
        kept_input.keep(here, [(name, request.form.get(name, "")[:MOST_KEPT]) for name in kept])
        return here

    return lambda view: _guarded(view, ask)


def _guarded(view: View, ask: Callable[[], str]) -> View:
    """Return ``view`` behind the confirmation; ``ask`` returns the URL to go to after it."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if sessions.is_confirmed(current_user.session):
            return view(*args, **kwargs)
        return go_to(url_for("manager.confirmation", next=ask()))

    return guarded


def _target() -> str:
    return auth.safe_next(request.values.get("next"), url_for("manager.security"))


@manager.get("/manager/account/confirmation")
def confirmation() -> Response:
    """Show the form that asks for the password."""
    return page("manager/confirmation.html", form=ConfirmationForm(), next=_target())


@manager.post("/manager/account/confirmation")
def confirm() -> Response:
    """Check the password; the session counts as confirmed for a while."""
    form = ConfirmationForm()
    try:
        if not form.validate_on_submit():
            return _again(form, 422)
        sign_in.reauthenticate(auth.customer(), form.password.data or "", auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _again(form, refusal.status)
    auth.mark_confirmed()
    flash(gettext("Thank you. You can go on now."), "success")
    return go_to(_target())


def _again(form: ConfirmationForm, status: int) -> Response:
    return page("manager/confirmation.html", status=status, form=form, next=_target())


# --- The second factor -----------------------------------------------------------------------


@manager.get("/manager/account/confirmation/second-step")
def factor_confirmation() -> Response:
    """Show the form that asks for a second factor."""
    return _factor_page(CodeForm(), 200)


def _factor_page(form: CodeForm, status: int) -> Response:
    return page("manager/factor_confirmation.html", status=status, form=form, next=_target())


@manager.post("/manager/account/confirmation/second-step")
def confirm_factor() -> Response:
    """Check a code; the session counts as confirmed by a factor for a while."""
    form = CodeForm()
    if not form.validate_on_submit():
        return _factor_page(form, 422)
    try:
        pending_sign_in.check_code(auth.customer(), form.code.data or "", auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _factor_page(form, refusal.status)
    return _factor_given()


def _factor_given() -> Response:
    auth.mark_factor()
    flash(gettext("Thank you. You can go on now."), "success")
    return go_to(_target())


@manager.post("/manager/account/confirmation/passkey-options")
def confirmation_options() -> Response:
    """Return the options for the browser's device (JSON)."""
    return keep_challenge(passkeys.begin_authentication(base_url(), auth.customer()))


@manager.post("/manager/account/confirmation/passkey")
def confirm_by_passkey() -> Response:
    """Check a passkey of the customer; the session counts as confirmed by a factor for a while."""
    answer = request.form.get("credential", "")
    try:
        passkeys.finish_authentication(answer, given_challenge(), base_url(), auth.customer())
    except Refusal as refusal:
        return _factor_page(CodeForm.refusing(refusal), refusal.status)
    return _factor_given()
