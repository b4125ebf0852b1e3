"""Asks a member to sign in again before their factors change, unless they have just signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from desk import access, desk, languages
from desk.sign_in import go_on
from shop.errors import Refusal
from shop.staff import sessions, sign_in
from web import auth, kept_input
from web.customer_forms import password_field
from web.forms import ShopForm
from web.htmx import go_to, page

View = Callable[..., ResponseReturnValue]

MOST_KEPT = 320
"""Characters kept of a field: more than any field allows."""


class ConfirmationForm(ShopForm):
    """The member's current password."""

    password = password_field(_l("Current password"), "current-password")


def recent_sign_in_first(form_page: str, *kept: str) -> Callable[[View], View]:
    """Require password and second factor of the last minutes (`sessions.is_recent`).

    Afterwards the member is on ``form_page``, an endpoint, whose form is filled with the fields
    ``kept``. None of them may be a secret: the cookie holds them.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            if sessions.is_recent(access.session()):
                return view(*args, **kwargs)
            here = url_for(form_page)
            if request.method == "POST":
                kept_input.keep(
                    here, [(each, request.form.get(each, "")[:MOST_KEPT]) for each in kept]
                )
            return go_to(url_for("desk.confirmation", next=here))

        return guarded

    return guard


@desk.get("/account/confirmation")
def confirmation() -> Response:
    """Show the form that asks for the password; the second step follows."""
    return _page(ConfirmationForm())


def _page(form: ConfirmationForm, status: int = 200) -> Response:
    return page(
        "desk/confirmation.html", status=status, form=form, next=request.values.get("next", "")
    )


@desk.post("/account/confirmation")
def confirm() -> Response:
    """Check the password, and continue to the second step."""
    form = ConfirmationForm()
    if languages.is_chosen():
        return _page(form)
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        token = sign_in.begin_again(access.staff(), form.password.data or "", auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _page(form, refusal.status)
    return go_on(token)
