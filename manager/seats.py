"""A seat's dialogs, pages without JavaScript: configure, edit, password, release, retry."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, abort, url_for
from flask_babel import gettext

from manager import manager
from manager.forms import PasswordForm, ReleaseForm, SeatForm, SeatPasswordForm, VersionedForm
from manager.groups import arguments_of_current_page, seats_shown
from models import LicenceGroup, Seat
from shop.delivery import handovers, seat_jobs
from shop.errors import Conflict, Refusal
from shop.licences import seats
from shop.licences.seats import listing
from shop.licences.seats.actions import StaleVersion
from web import auth, lookups
from web.htmx import go_to, page, wants_partial
from web.languages import sentence
from web.messages import tell

SEAT = "/manager/groups/<name>/seats/<int:number>"


# --- Configure and edit ------------------------------------------------------------------------


@manager.get(SEAT + "/configuration")
def configure_seat(name: str, number: int) -> Response:
    """Show the form for the licence's holder (guide: first name, last name, login)."""
    return _form("configure", lookups.own_seat(name, number), SeatForm())


@manager.post(SEAT + "/configuration")
def save_configuration(name: str, number: int) -> Response:
    """Configure the seat; the provider creates the account within minutes (guide)."""
    seat, form = lookups.own_seat(name, number), SeatForm()
    person = form.person(seat)
    if person is None:
        return _form("configure", seat, form, 422)
    return _carry_out(
        "configure",
        seat,
        form,
        lambda by: seats.configure(seat, form.seen, person, by, _recipient(form, seat)),
    )


def _recipient(form: PasswordForm, seat: Seat) -> str | None:
    """Return who gets the password, and count the e-mail to a person. Raise `Refusal`."""
    recipient = form.recipient_for(seat)
    if recipient:
        handovers.count_recipient(recipient)
    return recipient


@manager.get(SEAT + "/holder")
def edit_seat(name: str, number: int) -> Response:
    """Show the form to change the holder's names or login."""
    seat = lookups.own_seat(name, number)
    return _form("edit", seat, SeatForm(obj=seat))


@manager.post(SEAT + "/holder")
def save_holder(name: str, number: int) -> Response:
    """Save the holder's names and login."""
    seat, form = lookups.own_seat(name, number), SeatForm()
    person = form.person(seat)
    if person is None:
        return _form("edit", seat, form, 422)
    return _carry_out("edit", seat, form, lambda by: seats.edit(seat, form.seen, person, by))


# --- Password and release ----------------------------------------------------------------------


@manager.get(SEAT + "/password")
def seat_password(name: str, number: int) -> Response:
    """Show the form for a new password; left blank, one is generated."""
    return _form("password", lookups.own_seat(name, number), SeatPasswordForm())


@manager.post(SEAT + "/password")
def save_seat_password(name: str, number: int) -> Response:
    """Replace the holder's password; it is sent by e-mail."""
    seat, form = lookups.own_seat(name, number), SeatPasswordForm()
    typed = form.password.data or ""
    return _carry_out(
        "password",
        seat,
        form,
        lambda by: seats.change_password(
            seat, form.seen, typed, by, recipient=_recipient(form, seat)
        ),
    )


@manager.get(SEAT + "/release")
def release_seat(name: str, number: int) -> Response:
    """Ask to confirm that the holder loses the licence."""
    return _form("release", lookups.own_seat(name, number), ReleaseForm(formdata=None))


@manager.post(SEAT + "/release")
def save_release(name: str, number: int) -> Response:
    """Release the licence: it has no holder then, and stays paid until the renewal."""
    seat, form = lookups.own_seat(name, number), ReleaseForm()
    return _carry_out("release", seat, form, lambda by: seats.release(seat, form.seen, by))


@manager.post(SEAT + "/retries")
def retry_seat(name: str, number: int) -> Response:
    """Retry the action that failed."""
    seat, form, error, status = lookups.own_seat(name, number), VersionedForm(), "", 200
    try:
        seats.retry(seat, form.seen, by=auth.customer().nic_handle)
        _tell("retry", seat)
    except Refusal as refusal:
        error, status = sentence(refusal), refusal.status
    if not wants_partial():
        if error:
            tell(error, "error")
        return go_to(url_for("manager.group", name=name))
    fresh = lookups.own_group(name)
    shown = seats_shown(fresh, arguments_of_current_page(fresh), error=error, is_told=not error)
    return page("manager/_seats.html", "manager/_seats.html", status=status, **shown)


# --- Common to all of them ---------------------------------------------------------------------

FORM_PAGES = {"configuration": "configure", "holder": "edit", "password": "password"}
"""The acts of the pages that have a form to be checked, by the ends of their paths."""

FORMS: dict[str, type[VersionedForm]] = {
    "configure": SeatForm,
    "edit": SeatForm,
    "password": SeatPasswordForm,
}


@manager.post(SEAT + "/<form_page>/fields/<field>")
def check_seat_field(name: str, number: int, form_page: str, field: str) -> Response:
    """Validate one field and return it with its errors (htmx, when the field is left)."""
    seat, act = lookups.own_seat(name, number), FORM_PAGES.get(form_page, form_page)
    form = FORMS.get(act, VersionedForm)()
    if field not in form.data or field in {"version", "csrf_token"}:
        abort(404)
    if not wants_partial():
        return go_to(url_for("manager.group", name=name))
    form.check(field, seat)
    template = "manager/_seat_field.html"
    return page(template, template, form=form, name=field, seat=seat, act=act)


def _form(act: str, seat: Seat, form: VersionedForm, status: int = 200) -> Response:
    """Show an action's form if the seat's status allows the action."""
    if not seat.may(act) or not seat.group.is_open:
        return _stale_page(seat, gettext("This cannot be done with the licence as it stands."))
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
        address=seat_jobs.email_address_of(seat),
    )


def _stale_page(seat: Seat, said: str, status: int = 409) -> Response:
    """Show the seat's present status instead of a form that is out of date."""
    return page(
        "manager/seat_stale.html",
        "manager/_seat_stale.html",
        status=status,
        seat=seat,
        group=seat.group,
        said=said,
        address=seat_jobs.email_address_of(seat),
    )


def _carry_out(act: str, seat: Seat, form: VersionedForm, do: Callable[[str], Seat]) -> Response:
    """Run an action and show the list; if it is refused, show why at the form or instead of it."""
    holder = seat.full_name if act == "release" else ""
    try:
        done = do(auth.customer().nic_handle)
    except StaleVersion as stale:
        stale.seat.group = seat.group
        return _stale_page(stale.seat, sentence(stale))
    except Conflict as conflict:
        return _stale_page(seat, sentence(conflict))
    except Refusal as refusal:
        if not refusal.field:
            return _stale_page(lookups.own_seat(seat.group.name, seat.number), sentence(refusal))
        form.refuse(refusal)
        return _form(act, seat, form, refusal.status)
    done.group = seat.group
    _tell(act, done, holder)
    return _done(seat.group)


def _done(group: LicenceGroup) -> Response:
    """Show the list, where the action is in progress; the dialog closes."""
    if wants_partial():
        fresh = lookups.own_group(group.name)
        shown = seats_shown(fresh, arguments_of_current_page(fresh), beside=True)
        response = page("manager/_seats.html", "manager/_seats.html", **shown)
        # The list is swapped out of band, so the dialog is closed by an event.
        response.headers["HX-Trigger"] = "dialog:close"
        return response
    return go_to(url_for("manager.group", name=group.name))


def _tell(act: str, seat: Seat, holder: str = "") -> None:
    """Say what is being done for the holder of a seat.

    The list may not show the seat any more, by its search, status or page: a link does.
    """
    said = _success_messages(holder or seat.full_name)[act]
    arguments = arguments_of_current_page(seat.group)
    is_long = seat.group.seats_total > listing.PAGE_SIZES[0]
    if act == "release" or not (is_long or arguments.get("q") or arguments.get("status")):
        tell(said)
    else:
        address = url_for("manager.group", name=seat.group.name, q=seat.login)
        tell(said, see=(gettext("Show this licence"), address))


def _success_messages(person: str) -> dict[str, str]:
    return {
        "configure": gettext(
            "%(person)s: the licence is being created; it is ready within a few minutes.",
            person=person,
        ),
        "edit": gettext("%(person)s: the licence is being changed.", person=person),
        "password": gettext("%(person)s: the password is being changed.", person=person),
        "release": gettext("%(person)s: the licence is being released.", person=person),
        "retry": gettext("%(person)s: it is being tried again.", person=person),
    }


# --- « Ajouter un utilisateur » ----------------------------------------------------------------


@manager.get("/manager/groups/<name>/seats/new")
def add_user(name: str) -> Response:
    """Show the form of a free seat, or the order form for this group if all are used (guide)."""
    group = lookups.own_group(name)
    free = listing.next_free(group)
    if free is None:
        return go_to(url_for("manager.order_office", offer=group.offer_id, group=group.name))
    if wants_partial():
        return _form("configure", free, SeatForm())
    return go_to(url_for("manager.configure_seat", name=name, number=free.number))
