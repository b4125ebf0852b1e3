"""Before something that matters: prove again who you are, unless you did a short while ago."""

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
from shop import accounts, sessions
from shop.errors import Refusal
from web import signin
from web.customer_forms import password_field
from web.forms import ShopForm
from web.htmx import go_to, page

View = Callable[..., ResponseReturnValue]


class ConfirmationForm(ShopForm):
    """The customer's password once more."""

    password = password_field(_l("Current password"), "current-password")


def confirmed_first(view: View) -> View:
    """A view for customers who gave their password a short while ago; the others do so first."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if sessions.is_confirmed(current_user.session):
            return view(*args, **kwargs)
        after = signin.this_page() or url_for("manager.security")
        return go_to(url_for("manager.confirmation", next=after))

    return guarded


def _target() -> str:
    return signin.safe_next(request.values.get("next"), url_for("manager.security"))


@manager.get("/manager/account/confirmation")
def confirmation() -> Response:
    """Ask for the password."""
    return page("manager/confirmation.html", form=ConfirmationForm(), next=_target())


@manager.post("/manager/account/confirmation")
def confirm() -> Response:
    """Remember for a while that the password was right."""
    form = ConfirmationForm()
    try:
        if not form.validate_on_submit():
            return _again(form, 422)
        accounts.prove(signin.customer(), form.password.data or "", signin.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _again(form, refusal.status)
    sessions.confirm(current_user.session)
    flash(gettext("Thank you. You can go on now."), "success")
    return go_to(_target())


def _again(form: ConfirmationForm, status: int) -> Response:
    return page("manager/confirmation.html", status=status, form=form, next=_target())
