"""The account's security: password, second factors, sessions, activity."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from manager import manager
from manager.confirmation import confirmed_first
from models import Session
from shop.customers import activity_log, password_changes, sessions, sign_in, two_factor
from shop.errors import Refusal
from shop.text.pagination import bounded_page_of, page_of
from web import auth, user_agents
from web.arguments import list_key, page_number
from web.customer_forms import KnownCustomersPasswordForm, password_field
from web.htmx import go_to, page


class ChangePasswordForm(KnownCustomersPasswordForm):
    """The current password and the new one."""

    current_password = password_field(_l("Current password"), "current-password")
    password = password_field(_l("New password"))


@manager.get("/manager/account/security")
def security() -> Response:
    """Show how the account is protected."""
    who = auth.customer()
    return page(
        "manager/security.html",
        means=two_factor.factors_of(who),
        open_sessions=sessions.active_sessions(who).count(),
    )


# --- The password ----------------------------------------------------------------------------


@manager.get("/manager/account/password")
def password() -> Response:
    """Show the form to change the password."""
    return page("manager/password.html", form=ChangePasswordForm(auth.customer()))


@manager.post("/manager/account/password")
def change_password() -> Response:
    """Set a new password; every other session ends."""
    form = ChangePasswordForm(auth.customer())
    if not form.validate_on_submit():
        return page("manager/password.html", status=422, form=form)
    who, origin = auth.customer(), auth.origin()
    try:
        sign_in.reauthenticate(who, form.current_password.data or "", origin, "current_password")
    except Refusal as refusal:
        form.refuse(refusal)
        return page("manager/password.html", status=refusal.status, form=form)
    password_changes.change_password(who, form.password.data or "", current_user.token, origin)
    auth.renew_token()
    flash(gettext("Your password is changed. Your other sessions were ended."), "success")
    return go_to(url_for("manager.security"))


# --- Sessions --------------------------------------------------------------------------------


@manager.get("/manager/account/sessions", endpoint="sessions")
def show_sessions() -> Response:
    """List the customer's sessions, last used first, paged."""
    open_ones = sessions.active_sessions(auth.customer())
    return page(
        "manager/sessions.html",
        "manager/_sessions.html",
        sessions=page_of(open_ones, page_number()),
        this_one=current_user.session.id,
        browser_name=user_agents.name_of,
    )


@manager.post("/manager/account/sessions/<int:session_id>/ending")
def end_session(session_id: int) -> ResponseReturnValue:
    """End one session; the current one by signing out, another after a recent confirmation."""
    row = sessions.find_account_session(auth.customer(), session_id)
    if row is None:
        abort(404)
    if row.id == current_user.session.id:
        auth.sign_out()
        flash(gettext("You are logged out."), "success")
        return go_to(url_for("manager.login"))
    return _end_another(row)


@confirmed_first
def _end_another(row: Session) -> Response:
    sessions.end_session(row, auth.origin())
    flash(gettext("The session is ended."), "success")
    return go_to(url_for("manager.sessions"))


@manager.post("/manager/account/sessions/others/ending")
@confirmed_first
def end_other_sessions() -> Response:
    """End every session except this one."""
    sessions.end_others_on_request(auth.customer(), current_user.token, auth.origin())
    flash(gettext("All other sessions are ended."), "success")
    return go_to(url_for("manager.sessions"))


# --- Activity --------------------------------------------------------------------------------


@manager.get("/manager/account/activity", endpoint="activity")
def show_activity() -> Response:
    """List the account's activity with its origins, newest first, paged."""
    before = list_key()
    events = activity_log.events_of_account(auth.customer(), before)
    return page(
        "manager/activity.html",
        "manager/_activity.html",
        events=bounded_page_of(events, page_number()),
        before=before,
        words=activity_log.DESCRIPTIONS,
        means=activity_log.SIGN_IN_METHODS,
        alarming=activity_log.ALARMING,
        browser_name=user_agents.name_of,
    )
