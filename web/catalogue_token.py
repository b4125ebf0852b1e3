"""The token of the catalogue, under which this process keeps offers and announcements."""

from __future__ import annotations

from flask import g
from flask_login import current_user

from shop.pricing import catalogue_version


def of_request() -> str:
    """Return the token as it was when this request began to read.

    The query of a session brings it, and a page for all visitors has read it: at most one statement
    in a request, and none on a page of a customer.
    """
    session = getattr(current_user, "session", None)
    of_session = getattr(session, "catalogue_token", None)
    if of_session:
        return str(of_session)
    if "catalogue_token" not in g:
        of_kept_page = g.get("kept_version", "").partition(" ")[0]
        g.catalogue_token = of_kept_page or catalogue_version.token()
    return str(g.catalogue_token)
