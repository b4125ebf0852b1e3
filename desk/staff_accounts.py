"""Members of staff: who there is, invited and changed by administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, abort, flash, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.words import ACT_WORDS, ROLE_NAMES
from models import Role, StaffAccount, database
from shop.staff import accounts, factors, sessions
from shop.staff import acts as records
from web import user_agents
from web.customer_forms import TOO_LONG
from web.forms import choices, stripped
from web.htmx import page
from web.urls import base_url

RECORDED = {
    "role": "staff_role",
    "reset": "staff_reset",
    "disable": "staff_disabled",
    "enable": "staff_enabled",
}
MOST_ACTS = 50


def _member(login: str) -> StaffAccount:
    found = accounts.find_member(login)
    if found is None or found.login != login:
        abort(404)
    return found


@desk.get("/staff")
def staff_accounts() -> Response:
    """List the members of staff."""
    return page(
        "desk/staff_accounts.html", members=list(accounts.everyone()), role_names=ROLE_NAMES
    )


@desk.get("/staff/<login>")
def staff_account(login: str) -> Response:
    """Show a member of staff, their second factors, sessions and latest acts."""
    member = _member(login)
    return page(
        "desk/staff_account.html",
        member=member,
        role_names=ROLE_NAMES,
        means=factors.factors_of(member),
        sessions=list(sessions.active_sessions(member)),
        acts=list(records.latest_acts(member.actor, MOST_ACTS)),
        act_words=ACT_WORDS,
        browser_name=user_agents.name_of,
    )


# --- A new member ----------------------------------------------------------------------------


class RoleForm(ActForm):
    """Another role."""

    role = SelectField(_l("Role"), choices=lambda: choices(ROLE_NAMES.items()))


class NewMemberForm(RoleForm):
    """The e-mail address and role of a new member."""

    email = StringField(
        _l("Email address"),
        [InputRequired(_l("Enter an email address.")), Length(max=254, message=TOO_LONG)],
        filters=[stripped],
        render_kw={"autocomplete": "off", "type": "email"},
    )


def _addition() -> Act:
    return Act(
        title=gettext("Add a member of staff"),
        explanation=gettext(
            "We show a link that works once and for three days. By it the member chooses a "
            "password, and sets up an authenticator application or a passkey."
        ),
        button=gettext("Add"),
        back=url_for("desk.staff_accounts"),
        done=gettext("The member of staff is added."),
        part="staff",
    )


@desk.get("/staff/new")
def new_staff_account() -> Response:
    """Show the form for a new member."""
    return acts.show(NewMemberForm(), _addition())


@desk.post("/staff/new")
def add_staff_account() -> Response:
    """Create the account and show the link of its invitation, this once."""
    form = NewMemberForm()

    def add() -> None:
        email = form.email.data or ""
        if _record(form, "staff_added", email):
            _show_link(accounts.add(email, Role(form.role.data))[1])

    return acts.take(form, _addition(), _in_one(add))


def _in_one(do: Callable[[], object]) -> Callable[[], object]:
    def done() -> object:
        with database.atomic():
            return do()

    return done


def _show_link(token: str) -> None:
    """Show the link of an invitation on the next page, this once."""
    flash(base_url() + url_for("desk.invitation", token=token), "invitation")


def _record(form: ActForm, kind: str, subject: str) -> bool:
    given = form.given()
    return records.record_act(
        given.key, by=access.actor(), kind=kind, reason=given.reason, subject=subject
    )


# --- Changes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A change of a member of staff: how it is presented, and what it does."""

    act: Act
    do: Callable[[ActForm, StaffAccount], object]
    form: type[ActForm] = ActForm


def _set_role(form: Any, member: StaffAccount) -> None:
    accounts.set_role(member, Role(form.role.data))


def _changes(member: StaffAccount) -> dict[str, Change]:
    back = url_for("desk.staff_account", login=member.login)
    about = (
        (gettext("Member of staff"), member.login),
        (gettext("Role"), str(ROLE_NAMES[Role(member.role)])),
    )
    base = Act("", "", "", back, "", about, part="staff")
    return {
        "role": Change(
            replace(
                base,
                title=gettext("Change the role"),
                explanation=gettext("It applies from the next page the member opens."),
                button=gettext("Change the role"),
                done=gettext("The role is changed."),
            ),
            _set_role,
            RoleForm,
        ),
        "reset": Change(
            replace(
                base,
                title=gettext("Reset password and second factors"),
                explanation=gettext(
                    "All sessions of this member end; password, application and passkeys no longer "
                    "work. We show a new link to set them up, once."
                ),
                button=gettext("Reset"),
                done=gettext("Password and second factors are reset."),
                is_dangerous=True,
            ),
            lambda _form, who: _show_link(accounts.reset(who)),
        ),
        "disable": Change(
            replace(
                base,
                title=gettext("Disable the account"),
                explanation=gettext("All sessions of this member end, and nobody can log in."),
                button=gettext("Disable"),
                done=gettext("The account is disabled."),
                is_dangerous=True,
            ),
            lambda _form, who: accounts.disable(who),
        ),
        "enable": Change(
            replace(
                base,
                title=gettext("Enable the account"),
                explanation=gettext("The member can log in again, as before."),
                button=gettext("Enable"),
                done=gettext("The account is enabled."),
            ),
            lambda _form, who: accounts.enable(who),
        ),
    }


def _change(member: StaffAccount, name: str) -> Change:
    found = _changes(member).get(name)
    if found is None:
        abort(404)
    return found


@desk.get("/staff/<login>/<name>")
def staff_act(login: str, name: str) -> Response:
    """Show the form of a change."""
    member = _member(login)
    change = _change(member, name)
    form = change.form()
    if isinstance(form, RoleForm):
        form.role.data = member.role
    return acts.show(form, change.act)


@desk.post("/staff/<login>/<name>")
def take_staff_act(login: str, name: str) -> Response:
    """Make a change, once it is confirmed."""
    member = _member(login)
    change = _change(member, name)
    form = change.form()

    def do() -> None:
        if _record(form, RECORDED[name], member.login):
            change.do(form, member)

    return acts.take(form, change.act, _in_one(do))
