"""A forgotten password: an e-mail with a one-time link, and the page the link opens."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask_babel import gettext

from models import OneTimeLink
from shop.customers import password_changes
from shop.errors import Refusal
from storefront import storefront
from storefront.forms import ForgottenForm, ResetForm
from web import auth
from web.htmx import go_to, page
from web.urls import base_url


@storefront.get("/<language:lang>/password")
def password_forgotten(lang: str) -> Response:
    """Show the form to request a link."""
    return page("storefront/password_forgotten.html", form=ForgottenForm(), sent=False)


@storefront.post("/<language:lang>/password")
def ask_for_link(lang: str) -> Response:
    """E-mail a link if the account exists; the response is the same if it does not."""
    form = ForgottenForm()
    if not form.validate_on_submit():
        return page("storefront/password_forgotten.html", status=422, form=form, sent=False)
    try:
        password_changes.request_reset(
            form.identifier.data or "", auth.ip_address(), base_url(), auth.device()
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return page(
            "storefront/password_forgotten.html", status=refusal.status, form=form, sent=False
        )
    return page("storefront/password_forgotten.html", form=form, sent=True)


def _link(token: str) -> OneTimeLink:
    link = password_changes.find_reset(token)
    if link is None:
        abort(410)
    return link


@storefront.get("/<language:lang>/password/<token>")
def password_reset(lang: str, token: str) -> Response:
    """Show the form for a new password, if the link was not used yet."""
    link = _link(token)
    return page(
        "storefront/password_reset.html",
        form=ResetForm(link.account),
        account_of_link=link.account,
    )


@storefront.post("/<language:lang>/password/<token>")
def choose_password(lang: str, token: str) -> Response:
    """Set the new password, once; every session of the account ends."""
    link = _link(token)
    form = ResetForm(link.account)
    if not form.validate_on_submit():
        return page(
            "storefront/password_reset.html", status=422, form=form, account_of_link=link.account
        )
    if not password_changes.reset_password(
        link,
        form.password.data or "",
        auth.remembered_origin(),
        keep_factors=form.keeps_factors,
    ):
        abort(410)
    flash(gettext("Your password is changed. Log in with the new one."), "success")
    return go_to(url_for("manager.login"))
