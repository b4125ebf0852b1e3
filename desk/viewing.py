"""« See as this customer »: a reason first, then the customer area in this browser, read-only."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext

from desk import acts, desk
from desk.access import actor
from desk.acts import Act, ActForm
from desk.customers import find_or_404
from models import Account
from shop.customers import viewings
from shop.staff.acts import record_act
from web import auth, viewing


def _seeing(who: Account) -> Act:
    return Act(
        title=gettext("See as %(nic)s", nic=who.nic_handle),
        explanation=gettext(
            "For 15 minutes this browser shows the shop as this customer sees it. Nothing can be "
            "changed, and secrets are hidden."
        ),
        button=gettext("See as this customer"),
        back=url_for("desk.customer", nic=who.nic_handle),
        done=gettext("You see the shop as the customer does."),
        effects=((gettext("Customer"), who.company or who.full_name),),
        hint=gettext("The customer sees it in their activity log, with your name."),
        part="customers",
    )


@desk.get("/customers/<nic>/viewing")
def see_as(nic: str) -> Response:
    """Ask for the reason, which the customer sees."""
    return acts.show(ActForm(), _seeing(find_or_404(nic)))


@desk.post("/customers/<nic>/viewing")
def start_viewing(nic: str) -> Response:
    """Show the shop as the customer sees it, for 15 minutes."""
    who, form = find_or_404(nic), ActForm()

    def start() -> None:
        given = form.given()
        known = {"by": actor(), "reason": given.reason}
        if record_act(given.key, kind="see_as", account=who, subject=who.nic_handle, **known):
            viewing.begin_viewing(viewings.start_viewing(who, origin=auth.origin(), **known))

    return acts.take(form, _seeing(who), start, arrive=lambda: url_for("manager.home"))
