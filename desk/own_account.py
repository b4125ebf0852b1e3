"""The account of the member of staff who is signed in."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from desk import access, desk
from desk.confirmation import recent_sign_in_first
from desk.invitations import NewPasswordForm
from desk.words import ACT_WORDS, ROLE_NAMES
from shop.errors import Refusal
from shop.staff import accounts, acts, factors, sessions
from web import user_agents
from web.htmx import go_to, page

MOST_ACTS = 20


@desk.get("/account")
def own_account() -> Response:
    """Show login, role, second factors, sessions and latest acts."""
    who = access.staff()
    return page(
        "desk/own_account.html",
        means=factors.factors_of(who),
        sessions=list(sessions.active_sessions(who)),
        current=access.session(),
        acts=list(acts.latest_acts(who.actor, MOST_ACTS)),
        role_names=ROLE_NAMES,
        act_words=ACT_WORDS,
        browser_name=user_agents.name_of,
    )


@desk.post("/account/sessions/end")
def end_other_sessions() -> Response:
    """End the member's sessions in other browsers."""
    sessions.end_others(access.session())
    flash(gettext("All other sessions were ended"), "success")
    return go_to(url_for("desk.own_account"))


# --- The password ----------------------------------------------------------------------------


def _password_page(form: NewPasswordForm, status: int = 200) -> Response:
    return page("desk/password.html", status=status, form=form)


@desk.get("/account/password")
@recent_sign_in_first("desk.new_password")
def new_password() -> ResponseReturnValue:
    """Show the form for another password."""
    return _password_page(NewPasswordForm())


@desk.post("/account/password")
@recent_sign_in_first("desk.new_password")
def change_password() -> ResponseReturnValue:
    """Change the password, and end the member's sessions in other browsers."""
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return _password_page(form, 422)
    try:
        accounts.change_password(access.session(), *form.given())
    except Refusal as refusal:
        form.refuse(refusal)
        return _password_page(form, refusal.status)
    flash(gettext("The password is changed. Your other sessions are ended."), "success")
    return go_to(url_for("desk.own_account"))
