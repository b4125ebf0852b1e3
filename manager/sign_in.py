"""The manager's door: in by nic-handle and password, and out."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext

from manager import manager
from shop import accounts
from shop.errors import Refusal
from web import signin
from web.forms import SignInForm
from web.htmx import go_to, page


def _target() -> str:
    return signin.safe_next(request.values.get("next"), url_for("manager.home"))


@manager.get("/login")
def login() -> Response:
    """Sign in to the customer area."""
    if signin.account() is not None:
        return go_to(_target())
    return page("storefront/login.html", form=SignInForm(), next=request.args.get("next", ""))


@manager.post("/login")
def log_in() -> Response:
    """Begin a session, and go on to where the customer wanted to be."""
    form = SignInForm()
    if form.validate_on_submit():
        try:
            who = accounts.sign_in(*form.given(), signin.address())
        except Refusal as refusal:
            form.refuse(refusal)
            return _again(form, refusal.status)
        signin.sign_in(who)
        return go_to(_target())
    return _again(form, 422)


def _again(form: SignInForm, status: int) -> Response:
    return page(
        "storefront/login.html", status=status, form=form, next=request.form.get("next", "")
    )


@manager.post("/logout")
def log_out() -> Response:
    """End the session, in the database too."""
    signin.sign_out()
    flash(gettext("You are logged out."), "success")
    return go_to(url_for("manager.login"))
