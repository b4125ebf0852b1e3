"""Members of staff: who there is, invited and changed by administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, flash, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from desk.words import ACT_WORDS, ROLE_NAMES
from models import Language, Role, StaffAccount
from shop import mail
from shop.mail.staff_letters import ChangedBy
from shop.staff import accounts, factors, sessions
from shop.staff import acts as records
from web import user_agents
from web.customer_forms import TOO_LONG
from web.forms import choices, stripped
from web.htmx import page
from web.languages import current_language
from web.urls import base_url

MOST_ACTS = 50
MOST_LETTERS = 10


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
        language=Language(member.language).own_name,
        role_names=ROLE_NAMES,
        means=factors.factors_of(member),
        sessions=list(sessions.active_sessions(member)),
        letters=mail.letters_to_staff(member, MOST_LETTERS),
        acts=list(records.latest_acts(member.actor, MOST_ACTS)),
        act_words=ACT_WORDS,
        browser_name=user_agents.name_of,
    )


# --- A new member ----------------------------------------------------------------------------


class EmailForm(ActForm):
    """An e-mail address."""

    email = StringField(
        _l("Email address"),
        [InputRequired(_l("Enter an email address.")), Length(max=254, message=TOO_LONG)],
        filters=[stripped],
        render_kw={"autocomplete": "off", "type": "email"},
    )


class RoleForm(ActForm):
    """Another role."""

    role = SelectField(_l("Role"), choices=lambda: choices(ROLE_NAMES.items()))


class NewMemberForm(EmailForm, RoleForm):
    """The e-mail address, role and language of a new member."""

    language = SelectField(
        _l("Language"), default=current_language,
        choices=lambda: choices((each, each.own_name) for each in Language),
    )  # fmt: skip


def _addition() -> Act:
    return Act(
        title=gettext("Add a member of staff"),
        explanation=gettext(
            "We email a link that works once and for three days, and show it to you. By it the "
            "member chooses a password, and sets up an authenticator application or a passkey."
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
    email = form.email.data or ""

    def add() -> None:
        role, language = Role(form.role.data), form.language.data
        _show_link(accounts.add(email, role, language, _changed_by(form))[1])

    return acts.take(form, _addition(), acts.recorded_once(form, "staff_added", email, add))


def _changed_by(form: ActForm) -> ChangedBy:
    return ChangedBy(access.actor(), form.given().reason)


def _show_link(token: str) -> None:
    """Show the link of an invitation on the next page, this once."""
    flash(base_url() + url_for("desk.invitation", token=token), "invitation")


# --- Changes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A change of a member of staff: how it is presented, what it does, and how it is recorded."""

    act: Act
    recorded: str
    do: Callable[[Any, StaffAccount, ChangedBy], object]
    form: type[ActForm] = ActForm


def _maker_for(member: StaffAccount) -> Callable[..., Change]:
    back = url_for("desk.staff_account", login=member.login)
    about = (
        (gettext("Member of staff"), member.login),
        (gettext("Role"), str(ROLE_NAMES[Role(member.role)])),
    )
    hint = gettext("It stays on record, under your name. The member is told it by email.")

    def change(
        title: str, explanation: str, button: str, done: str, recorded: str,
        do: Callable[[Any, StaffAccount, ChangedBy], object], form: type[ActForm] = ActForm, *,
        is_dangerous: bool = False,
    ) -> Change:  # fmt: skip
        act = Act(title, explanation, button, back, done, about, hint, is_dangerous, "staff")
        return Change(act, recorded, do, form)

    return change


def _changes(member: StaffAccount) -> dict[str, Change]:
    """Return the changes that can be made of a member, by the names in their URLs."""
    change = _maker_for(member)
    again = {
        "invitation": change(
            gettext("Invite again"),
            gettext(
                "The link sent before no longer works. We email a new one, valid for three days, "
                "and show it to you, once."
            ),
            gettext("Invite again"),
            gettext("The member of staff is invited again."),
            "staff_invited",
            lambda _form, who, changed_by: _show_link(accounts.reset(who, changed_by)),
        )
    }
    return (again if member.is_invited else {}) | {
        "role": change(
            gettext("Change the role"),
            gettext("It applies from the next page the member opens."),
            gettext("Change the role"),
            gettext("The role is changed."),
            "staff_role",
            lambda form, who, changed_by: accounts.set_role(who, Role(form.role.data), changed_by),
            RoleForm,
        ),
        "email-address": change(
            gettext("Change the email address"),
            _explained_address(member),
            gettext("Change the email address"),
            gettext("The email address is changed. We write to both addresses."),
            "staff_email",
            lambda form, who, changed_by: accounts.set_email(
                who, form.email.data or "", changed_by
            ),
            EmailForm,
        ),
        "reset": change(
            gettext("Reset password and second factors"),
            gettext(
                "All sessions of this member end; password, application and passkeys no longer "
                "work. We email a new link to set them up, and show it to you, once."
            ),
            gettext("Reset"),
            gettext("Password and second factors are reset."),
            "staff_reset",
            lambda _form, who, changed_by: _show_link(accounts.reset(who, changed_by)),
            is_dangerous=True,
        ),
        "disable": change(
            gettext("Disable the account"),
            gettext("All sessions of this member end, and nobody can log in."),
            gettext("Disable"),
            gettext("The account is disabled."),
            "staff_disabled",
            lambda _form, who, changed_by: accounts.disable(who, changed_by),
            is_dangerous=True,
        ),
        "enable": change(
            gettext("Enable the account"),
            gettext("The member can log in again, as before."),
            gettext("Enable"),
            gettext("The account is enabled."),
            "staff_enabled",
            lambda _form, who, changed_by: accounts.enable(who, changed_by),
        ),
    }


def _explained_address(member: StaffAccount) -> str:
    said = gettext("Emails about the account go to it, and it can be typed to log in.")
    if not member.is_invited:
        return said
    more = gettext("The link sent before no longer works: we email a new one, to this address.")
    return f"{said} {more}"


def _change(member: StaffAccount, name: str) -> Change:
    return _changes(member).get(name) or abort(404)


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
        change.do(form, member, _changed_by(form))

    return acts.take(form, change.act, acts.recorded_once(form, change.recorded, member.login, do))
