"""Signing in to the desk by password and code, and accepting an invitation."""

from __future__ import annotations

from flask import Response, abort, flash, request, url_for
from flask import session as cookie
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from desk import access, desk
from desk.menu import menu_of
from models import StaffInvitation
from shop.errors import Refusal
from shop.security import one_time_codes
from shop.staff import accounts, sessions
from web import auth, languages, viewing
from web.customer_forms import password_field
from web.forms import CodeForm, stripped
from web.headers import SVG
from web.htmx import go_to, page


class StaffSignInForm(CodeForm):
    """Login or e-mail address, password, and the code of the application."""

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


@desk.post("")
def sign_in() -> Response:
    """Start a session."""
    form = StaffSignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form, 422)
    try:
        given = (form.login.data or "", form.password.data or "", form.code.data or "")
        token = sessions.sign_in(*given, auth.origin())
    except Refusal as refusal:
        form.refuse(refusal)
        return _sign_in_page(form, refusal.status)
    if access.is_signed_in():
        sessions.end_session(access.session())
    cookie.pop("csrf_token", None)  # Renewed at each sign-in.
    access.keep(token)
    return go_to(url_for("desk.entrance", next=request.form.get("next") or None))


def _sign_in_page(form: StaffSignInForm, status: int = 200) -> Response:
    back = request.values.get("next", "")
    return page("desk/sign_in.html", status=status, form=form, next=back)


@desk.post("/sign-out")
def sign_out() -> Response:
    """End the session, in the database too."""
    sessions.end_session(access.session())
    viewing.end_viewing()
    access.forget()
    flash(gettext("You are logged out."), "success")
    return go_to(url_for("desk.entrance"))


# --- Invitations -----------------------------------------------------------------------------


class InvitationForm(CodeForm):
    """A new password, and the first code of the application."""

    password = password_field(_l("Password"), "new-password")
    password_confirmation = password_field(_l("Confirm password"), "new-password")


def _invitation(token: str) -> StaffInvitation:
    found = accounts.find_invitation(token)
    if found is None:
        abort(404)
    return found


@desk.get("/invitation/<token>")
def invitation(token: str) -> Response:
    """Show the form to choose a password and to set up the application."""
    return _invitation_page(token, _invitation(token), InvitationForm())


def _invitation_page(
    token: str, found: StaffInvitation, form: InvitationForm, status: int = 200
) -> Response:
    secret = accounts.secret_of(found.staff)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return page(
        "desk/invitation.html", status=status, form=form, token=token, member=found.staff,
        secret=groups,
    )  # fmt: skip


@desk.get("/invitation/<token>.svg")
def invitation_qr(token: str) -> Response:
    """Return the secret as a QR code."""
    found = _invitation(token).staff
    image = one_time_codes.qr_code(accounts.secret_of(found), found.login)
    return Response(image, content_type=SVG)


@desk.post("/invitation/<token>")
def accept_invitation(token: str) -> Response:
    """Take the password; the member signs in with it."""
    found, form = _invitation(token), InvitationForm()
    if not form.validate_on_submit():
        return _invitation_page(token, found, form, 422)
    try:
        given = (form.password.data or "", form.password_confirmation.data or "")
        accepted = accounts.accept(found, *given, form.code.data or "")
    except Refusal as refusal:
        form.refuse(refusal)
        return _invitation_page(token, found, form, refusal.status)
    if not accepted:
        abort(404)
    accounts.set_language(found.staff, languages.current_language())
    flash(gettext("Your account is ready. Log in with the next code."), "success")
    return go_to(url_for("desk.entrance"))
