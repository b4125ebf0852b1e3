"""The link by which a person gets the password of their licence: was it read, and another one."""

from __future__ import annotations

from flask import Response, abort, url_for
from flask_babel import gettext

from manager import manager
from manager.forms import LinkForm
from manager.seats import SEAT
from models import Handover, Seat
from shop import clock
from shop.delivery import handovers
from shop.errors import Refusal
from web import auth, lookups
from web.htmx import go_to, page
from web.languages import sentence
from web.messages import tell


@manager.get(SEAT + "/link")
def seat_link(name: str, number: int) -> Response:
    """Show when the link was sent and to whom, and whether the password was read."""
    seat = lookups.own_seat(name, number)
    sent = _sent(seat)
    return _shown(seat, sent, LinkForm(formdata=None, obj=sent))


def _sent(seat: Seat) -> Handover:
    found = handovers.of_seat(seat)
    if found is None:
        abort(404)
    return found


def _shown(
    seat: Seat, sent: Handover, form: LinkForm, error: str = "", status: int = 200
) -> Response:
    return page(
        "manager/seat_link.html",
        status=status,
        seat=seat,
        group=seat.group,
        sent=sent,
        is_open=sent.is_open(clock.now()),
        form=form,
        error=error,
        address=handovers.address_of(seat),
    )


@manager.post(SEAT + "/link")
def send_seat_link(name: str, number: int) -> Response:
    """Send another link; the former one no longer works."""
    seat, form = lookups.own_seat(name, number), LinkForm()
    sent = _sent(seat)
    try:
        handovers.send_again(seat, form.recipient.data or "", by=auth.customer().nic_handle)
    except Refusal as refusal:
        if refusal.field:
            form.refuse(refusal)
            return _shown(seat, sent, form, status=refusal.status)
        return _shown(seat, _sent(seat), form, sentence(refusal), refusal.status)
    tell(gettext("A new link is on its way to %(address)s.", address=form.recipient.data))
    return go_to(url_for("manager.seat_link", name=name, number=number))
