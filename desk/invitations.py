"""Accepting an invitation: a password, and an application or a passkey."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk import desk
from desk.sign_in import count_ceremony
from models import StaffInvitation
from shop.errors import Refusal
from shop.security import one_time_codes
from shop.staff import accounts
from web import languages
from web.customer_forms import password_field
from web.forms import CodeForm, PasskeyForm, ShopForm
from web.headers import SVG
from web.htmx import go_to, page
from web.two_factor import given_challenge, keep_challenge
from web.urls import base_url


class NewPasswordForm(ShopForm):
    """A new password, typed twice."""

    password = password_field(_l("Password"), "new-password")
    password_confirmation = password_field(_l("Confirm password"), "new-password")

    def given(self) -> tuple[str, str]:
        """Return the password and its confirmation as typed."""
        return self.password.data or "", self.password_confirmation.data or ""


class ApplicationForm(NewPasswordForm, CodeForm):
    """A new password, and the first code of the application."""


class FirstPasskeyForm(NewPasswordForm, PasskeyForm):
    """A new password, and the name of the passkey."""


def _invitation(token: str) -> StaffInvitation:
    found = accounts.find_invitation(token)
    if found is None:
        abort(404)
    return found


@desk.get("/invitation/<token>")
def invitation(token: str) -> Response:
    """Offer the second factors, of which one is required."""
    return page("desk/invitation.html", token=token, member=_invitation(token).staff)


def _accepted(found: StaffInvitation, accept: Callable[[], bool], message: str) -> Response:
    """Accept the invitation and go to the sign-in; 404 if it was accepted meanwhile."""
    if not accept():
        abort(404)
    accounts.set_language(found.staff, languages.current_language())
    flash(message, "success")
    return go_to(url_for("desk.entrance"))


# --- With an application ---------------------------------------------------------------------


@desk.get("/invitation/<token>/application")
def invitation_application(token: str) -> Response:
    """Show the form to choose a password and to set up the application."""
    return _application_page(token, _invitation(token), ApplicationForm())


def _application_page(
    token: str, found: StaffInvitation, form: ApplicationForm, status: int = 200
) -> Response:
    secret = one_time_codes.in_groups(accounts.secret_of(found.staff))
    return page(
        "desk/invitation_application.html", status=status, form=form, token=token,
        member=found.staff, secret=secret,
    )  # fmt: skip


@desk.get("/invitation/<token>.svg")
def invitation_qr(token: str) -> Response:
    """Return the secret as a QR code."""
    found = _invitation(token).staff
    image = one_time_codes.qr_code(accounts.secret_of(found), found.login)
    return Response(image, content_type=SVG)


@desk.post("/invitation/<token>/application")
def accept_by_application(token: str) -> Response:
    """Take password and application; the member signs in with them."""
    found, form = _invitation(token), ApplicationForm()
    if not form.validate_on_submit():
        return _application_page(token, found, form, 422)
    try:
        return _accepted(
            found,
            lambda: accounts.accept(found, *form.given(), form.code.data or ""),
            gettext("Your account is ready. Log in with the next code."),
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return _application_page(token, found, form, refusal.status)


# --- With a passkey --------------------------------------------------------------------------


@desk.get("/invitation/<token>/passkey")
def invitation_passkey(token: str) -> Response:
    """Show the form to choose a password and to create a passkey."""
    return _passkey_page(token, _invitation(token), FirstPasskeyForm())


def _passkey_page(
    token: str, found: StaffInvitation, form: FirstPasskeyForm, status: int = 200
) -> Response:
    return page(
        "desk/invitation_passkey.html", status=status, form=form, token=token, member=found.staff
    )


def _is_right(form: FirstPasskeyForm, found: StaffInvitation) -> bool:
    """Check all but the passkey itself, so that no device makes one in vain."""
    return form.validate_on_submit() and form.agrees(
        lambda: accounts.check_password(found, *form.given())
    )


@desk.post("/invitation/<token>/passkey-options")
def invitation_passkey_options(token: str) -> Response:
    """Return the options for the browser's device (JSON), or the form with its errors (422)."""
    found, form = _invitation(token), FirstPasskeyForm()
    if not _is_right(form, found):
        return _passkey_page(token, found, form, 422)
    count_ceremony()
    return keep_challenge(accounts.begin_passkey(found, base_url()))


@desk.post("/invitation/<token>/passkey")
def accept_by_passkey(token: str) -> Response:
    """Take password and passkey; the member signs in with them."""
    found, form = _invitation(token), FirstPasskeyForm()
    if not _is_right(form, found):
        return _passkey_page(token, found, form, 422)
    answer = (request.form.get("credential", ""), given_challenge())
    named = (form.password.data or "", form.name.data or "")
    try:
        return _accepted(
            found,
            lambda: accounts.accept_by_passkey(found, *named, answer, base_url()),
            gettext("Your account is ready. Log in with your password and your passkey."),
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return _passkey_page(token, found, form, refusal.status)
