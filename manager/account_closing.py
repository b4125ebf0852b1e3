"""« Fermer mon compte »: for good, while no service runs and nothing is owed."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from manager import manager
from manager.confirmation import ConfirmationForm, factor_first
from shop import personal_data
from shop.customers import sign_in
from shop.errors import Refusal
from shop.personal_data import closing
from web import auth
from web.htmx import go_to, page


@manager.get("/manager/account/closing")
@factor_first
def account_closing() -> ResponseReturnValue:
    """Say what ends and what stays, and ask for the password; or say why it cannot be closed."""
    return _page(ConfirmationForm())


def _page(form: ConfirmationForm, error: str = "", status: int = 200) -> Response:
    return page(
        "manager/account_closing.html",
        status=status,
        form=form,
        error=error,
        obstacles=closing.obstacles(auth.customer()),
        kept=personal_data.KEPT,
    )


@manager.post("/manager/account/closing")
@factor_first
def close_account() -> ResponseReturnValue:
    """Close the account, whose customer is logged out."""
    who, form = auth.customer(), ConfirmationForm()
    is_sure = request.form.get("sure") == "yes"
    if not form.validate_on_submit() or not is_sure:
        error = "" if is_sure else gettext("Tick the box to close the account.")
        return _page(form, error, 422)
    try:
        sign_in.reauthenticate(who, form.password.data or "", auth.origin())
        closing.close_account(who, by=who.nic_handle)
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form, status=refusal.status)
    auth.sign_out()
    flash(gettext("Your account is closed. We have sent you an email about it."), "success")
    return go_to(url_for("manager.login"))
