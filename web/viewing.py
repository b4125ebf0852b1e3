"""« See as this customer »: in such a browser every page is the customer's, and nothing changes.

A cookie of its own holds the viewing's token. While it lasts, requests for anything but the desk
are made as the customer, their writes are refused, here and by the database itself, and secrets are
masked.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Flask, Response, after_this_request, g, request
from flask_babel import gettext
from werkzeug.exceptions import Forbidden

from models import Session, Viewing
from shop import database
from shop.customers import sessions, viewings
from shop.security import encryption
from web import auth, cookies
from web.htmx import go_to

viewing = Blueprint("viewing", __name__)

COOKIE = "shop_viewing"
READING = {"GET", "HEAD", "OPTIONS"}
APART = {None, "static"}
OWN_AUDIENCE = {"desk", "viewing", "monitoring", "webhooks", "sandbox_controls"}
"""Blueprints whose requests are never the customer's."""


class ReadOnly(Forbidden):
    """A request would change something of a customer who is only looked at."""


def current_viewing() -> Viewing | None:
    """Return the viewing in which this request is made, if any."""
    found: Viewing | None = g.get("viewing")
    return found


def begin_viewing(token: str) -> None:
    """Have the browser see the customer area as the customer of a viewing."""
    seconds = int(viewings.VALIDITY.total_seconds())

    @after_this_request
    def _keep(response: Response) -> Response:
        cookies.set_for_long(response, COOKIE, token, seconds)
        return response


def end_viewing() -> None:
    """End the viewing of this browser, here and in the database."""
    if token := _token():
        viewings.end_viewing(token)
    after_this_request(_forget)


@viewing.post("/viewing/end")
def stop() -> Response:
    """Stop seeing the shop as a customer; anyone may, and without a viewing nothing happens."""
    found = viewings.find_viewing(_token()) if _token() else None
    end_viewing()
    return go_to(f"/desk/customers/{found.account.nic_handle}" if found else "/desk/")


def _forget(response: Response) -> Response:
    cookies.forget(response, COOKIE)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _token() -> str:
    token = request.cookies.get(cookies.name_of(COOKIE), "")
    return token if auth.BROWSER_TOKEN.fullmatch(token) else ""


def refusal() -> str:
    """Return the sentence for what a viewing refuses."""
    return gettext("You see this page as the customer does: nothing can be changed.")


def init_app(app: Flask) -> None:
    """Make the requests of a viewing as its customer, and let them change nothing."""

    @app.before_request
    def _see() -> None:
        if request.endpoint in APART or request.blueprint in OWN_AUDIENCE or not _token():
            return
        found = viewings.find_viewing(_token())
        if found is None:
            after_this_request(_forget)
            return
        g.viewing = found
        # A session that no row and no cookie hold: nothing was confirmed in it.
        session: Any = Session(id=0, account=found.account, created_at=found.created_at)
        for name in sessions.PAGE_COLUMNS:
            setattr(session, name, getattr(found, name))
        auth.treat_as(session)
        if request.method not in READING:
            raise ReadOnly(refusal())
        kept = g.viewing_rules = ExitStack()
        kept.enter_context(database.read_only())
        kept.enter_context(encryption.secrets_masked())

    @app.teardown_request
    def _stop(_: BaseException | None) -> None:
        if rules := g.pop("viewing_rules", None):
            rules.close()

    @app.context_processor
    def _viewing() -> dict[str, object]:
        return {"viewing": current_viewing()}
