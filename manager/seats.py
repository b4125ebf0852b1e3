"""A seat's dialogs - pages without JavaScript: configure, edit, password, release, retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, flash, url_for
from flask_babel import gettext

from manager import manager
from manager.forms import ReleaseForm, SeatForm, SeatPasswordForm, VersionedForm
from manager.groups import arguments_of_current_page, seats_shown
from models import LicenceGroup, Seat
from shop.delivery import seat_jobs
from shop.errors import Conflict, Refusal
from shop.licences import seats
from shop.licences.seats import listing
from shop.licences.seats.actions import StaleVersion
from web import auth, lookups
from web.htmx import go_to, page, wants_partial
from web.languages import sentence

SEAT = "/manager/groups/<name>/seats/<int:number>"


# --- Configure and edit ------------------------------------------------------------------------


@manager.get(SEAT + "/configuration")
def configure_seat(name: str, number: int) -> Response:
    """Whose the licence shall be (guide: first name, last name, login)."""
    return _form("configure", lookups.own_seat(name, number), SeatForm(formdata=None))


@manager.post(SEAT + "/configuration")
def save_configuration(name: str, number: int) -> Response:
    """Configure the seat; the provider makes the account within minutes (guide)."""
    return _save_person("configure", lookups.own_seat(name, number), seats.configure)


@manager.get(SEAT + "/holder")
def edit_seat(name: str, number: int) -> Response:
    """Change the holder's names or login."""
    seat = lookups.own_seat(name, number)
    return _form("edit", seat, SeatForm(formdata=None, obj=seat))


@manager.post(SEAT + "/holder")
def save_holder(name: str, number: int) -> Response:
    """Save the holder's names and login."""
    return _save_person("edit", lookups.own_seat(name, number), seats.edit)


def _save_person(act: str, seat: Seat, save: Callable[..., Seat]) -> Response:
    form = SeatForm()
    person = form.person(seat)
    if person is None:
        return _form(act, seat, form, 422)
    return _tried(act, seat, form, lambda by: save(seat, form.seen, person, by))


# --- Password and release ----------------------------------------------------------------------


@manager.get(SEAT + "/password")
def seat_password(name: str, number: int) -> Response:
    """Choose a new password for the holder, or have one generated."""
    return _form("password", lookups.own_seat(name, number), SeatPasswordForm(formdata=None))


@manager.post(SEAT + "/password")
def save_seat_password(name: str, number: int) -> Response:
    """Replace the holder's password; it goes out by e-mail."""
    seat, form = lookups.own_seat(name, number), SeatPasswordForm()
    typed = form.password.data or ""
    return _tried(
        "password", seat, form, lambda by: seats.change_password(seat, form.seen, typed, by)
    )


@manager.get(SEAT + "/release")
def release_seat(name: str, number: int) -> Response:
    """Ask whether the licence shall really be taken from its holder."""
    return _form("release", lookups.own_seat(name, number), ReleaseForm(formdata=None))


@manager.post(SEAT + "/release")
def save_release(name: str, number: int) -> Response:
    """Release the licence: it is nobody's again, and stays paid until the renewal."""
    seat, form = lookups.own_seat(name, number), ReleaseForm()
    return _tried("release", seat, form, lambda by: seats.release(seat, form.seen, by))


@manager.post(SEAT + "/retries")
def retry_seat(name: str, number: int) -> Response:
    """Ask again for what went wrong."""
    seat, form, error, status = lookups.own_seat(name, number), VersionedForm(), "", 200
    try:
        seats.retry(seat, form.seen, by=auth.customer().nic_handle)
    except Refusal as refusal:
        error, status = sentence(refusal), refusal.status
    if not wants_partial():
        flash(error or gettext("It is being tried again."), "error" if error else "success")
        return go_to(url_for("manager.group", name=name))
    fresh = lookups.own_group(name)
    shown = seats_shown(fresh, arguments_of_current_page(fresh), error=error)
    return page("manager/_seats.html", "manager/_seats.html", status=status, **shown)


# --- What they have in common ------------------------------------------------------------------

FORMS: dict[str, type[VersionedForm]] = {
    "configure": SeatForm,
    "edit": SeatForm,
    "password": SeatPasswordForm,
}


@manager.post(SEAT + "/<act>/fields/<field>")
def check_seat_field(name: str, number: int, act: str, field: str) -> Response:
    """One field with what is wrong with it: asked by htmx when the customer leaves it."""
    seat = lookups.own_seat(name, number)
    form = FORMS.get(act, VersionedForm)()
    if field not in form.data or field in {"version", "csrf_token"}:
        abort(404)
    if not wants_partial():
        return go_to(url_for("manager.group", name=name))
    form.check(field, seat)
    template = "manager/_seat_field.html"
    return page(template, template, form=form, name=field, seat=seat, act=act)


def _form(act: str, seat: Seat, form: VersionedForm, status: int = 200) -> Response:
    """An act's form, if the seat allows the act as it stands."""
    if not seat.may(act) or not seat.group.is_open:
        return _not_now(seat, gettext("This cannot be done with the licence as it stands."))
    if status == 200:
        form.version.data = str(seat.version)
    return page(
        "manager/seat.html",
        "manager/_seat_dialog.html",
        status=status,
        act=act,
        seat=seat,
        group=seat.group,
        form=form,
        address=seat_jobs.at(seat),
    )


def _not_now(seat: Seat, said: str, status: int = 409) -> Response:
    """How the seat stands, instead of a form for what it was."""
    return page(
        "manager/seat_stale.html",
        "manager/_seat_stale.html",
        status=status,
        seat=seat,
        group=seat.group,
        said=said,
        address=seat_jobs.at(seat),
    )


def _tried(act: str, seat: Seat, form: VersionedForm, do: Callable[[str], Any]) -> Response:
    """Do an act and show the list, or say at the form or instead of it why not."""
    try:
        do(auth.customer().nic_handle)
    except StaleVersion as stale:
        stale.seat.group = seat.group
        return _not_now(stale.seat, sentence(stale))
    except Conflict as conflict:
        return _not_now(seat, sentence(conflict))
    except Refusal as refusal:
        if not refusal.field:
            return _not_now(lookups.own_seat(seat.group.name, seat.number), sentence(refusal))
        form.refuse(refusal)
        return _form(act, seat, form, refusal.status)
    return _done(act, seat.group)


def _done(act: str, group: LicenceGroup) -> Response:
    """Back to the list: the dialog closes, and the list shows what is under way."""
    if wants_partial():
        fresh = lookups.own_group(group.name)
        shown = seats_shown(fresh, arguments_of_current_page(fresh), beside=True)
        response = page("manager/_seats.html", "manager/_seats.html", **shown)
        # htmx leaves its target alone where everything goes elsewhere: the dialog is told.
        response.headers["HX-Trigger"] = "dialog:close"
        return response
    flash(_said()[act], "success")
    return go_to(url_for("manager.group", name=group.name))


def _said() -> dict[str, str]:
    return {
        "configure": gettext("The licence is being created; it is ready within a few minutes."),
        "edit": gettext("The licence is being changed."),
        "password": gettext("The password is being changed. An email brings the new one."),
        "release": gettext("The licence is being released."),
    }


# --- « Ajouter un utilisateur » ----------------------------------------------------------------


@manager.get("/manager/groups/<name>/seats/new")
def add_user(name: str) -> Response:
    """A free seat's form, or an order for this group when all are used (guide)."""
    group = lookups.own_group(name)
    free = listing.next_free(group)
    if free is None:
        return go_to(url_for("manager.order_office", offer=group.offer_id, group=group.name))
    if wants_partial():
        return _form("configure", free, SeatForm(formdata=None))
    return go_to(url_for("manager.configure_seat", name=name, number=free.number))
