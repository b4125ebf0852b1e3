"""The home page of the manager: what needs the customer's attention."""

from __future__ import annotations

from flask import Response, url_for

from manager import manager
from manager.states import endings
from shop.delivery import progress
from shop.overviews import dashboard, states
from web import auth, lookups
from web.htmx import go_to, page


@manager.get("/manager", strict_slashes=False)
def entrance() -> Response:
    """Lead whoever types the beginning of an address to the home."""
    return go_to(url_for("manager.home"))


@manager.get("/manager/web")
def home() -> Response:
    """Show unpaid orders, deliveries in progress and groups; a link to order if there are none."""
    overview = dashboard.for_account(auth.customer(), lookups.services_owed(), endings())
    return page(
        "manager/home.html",
        overview=overview,
        keep_before=states.keep_before,
        confirm_before=states.confirm_before,
        refund_time=progress.refund_time_read,
    )
