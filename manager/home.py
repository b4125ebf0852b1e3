"""The home of the manager: what wants attention."""

from __future__ import annotations

from flask import Response

from manager import manager
from shop.overviews import dashboard
from web import auth
from web.htmx import page


@manager.get("/manager/web")
def home() -> Response:
    """Unpaid orders, deliveries under way, groups; a way to the first order if there is nothing."""
    return page("manager/home.html", overview=dashboard.for_account(auth.customer()))
