"""Licences of a group that nobody uses: what they cost, and taking and giving back one of them."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import gettext

from manager import manager
from manager.forms import VersionedForm
from manager.seats import SEAT
from models import LicenceGroup, Seat
from shop import clock
from shop.delivery import seat_jobs
from shop.errors import Refusal
from shop.licences.seats import idle
from shop.overviews import services
from shop.parsing.numbers_and_json import read_integer
from shop.pricing import periods
from shop.subscriptions import subscriptions, unused
from shop.text import formats
from web import auth, lookups
from web.htmx import go_to, page
from web.languages import current_language, sentence
from web.messages import tell


@manager.get("/manager/groups/<name>/unused")
def unused_licences(name: str) -> Response:
    """Show which licences nobody uses, with their price."""
    return _list(lookups.own_group(name))


def _list(group: LicenceGroup, error: str = "", status: int = 200) -> Response:
    after = read_integer(request.args.get("after", ""), high=idle.BEHIND) or 0
    return page(
        "manager/unused.html",
        status=status,
        group=group,
        unused=unused.of_group(group),
        seats=idle.of_group(group, after),
        days=idle.GRACE.days,
        error=error,
    )


@manager.get(SEAT + "/return")
def return_seat(name: str, number: int) -> Response:
    """Say what happens when the licence is released and given back, before it is confirmed."""
    seat = lookups.own_seat(name, number)
    if not seat.may("release") or not seat.group.is_open:
        return _list(seat.group, gettext("This cannot be done with the licence as it stands."), 409)
    service = lookups.own_service(name)
    ends_on = subscriptions.next_end(service.subscription)
    form = VersionedForm(formdata=None)
    form.version.data = str(seat.version)
    return page(
        "manager/return_seat.html",
        group=service.group,
        seat=seat,
        form=form,
        address=seat_jobs.email_address_of(seat),
        ends_on=ends_on,
        undo_until=periods.undo_until(ends_on, clock.now()),
        then=services.preview_with_give_back(service, 1),
    )


@manager.post(SEAT + "/return")
def save_return(name: str, number: int) -> Response:
    """Release the licence, and give it back at the end of the period charged."""
    seat, service = lookups.own_seat(name, number), lookups.own_service(name)
    person = seat.full_name
    try:
        unused.release_and_give_back(seat, VersionedForm().seen, by=auth.customer().nic_handle)
    except Refusal as refusal:
        return _list(seat.group, sentence(refusal), refusal.status)
    _tell(
        seat, person, formats.day(subscriptions.next_end(service.subscription), current_language())
    )
    return go_to(url_for("manager.group", name=name))


def _tell(seat: Seat, person: str, day: str) -> None:
    said = {"number": seat.number, "person": person, "day": day}
    if person:
        tell(gettext("Licence %(number)s is taken from %(person)s and ends on %(day)s.", **said))
    else:
        tell(gettext("Licence %(number)s is released and ends on %(day)s.", **said))
