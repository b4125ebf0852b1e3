"""The page that shows a licence's password to its holder, once, by the link of an e-mail."""

from __future__ import annotations

from typing import Any

from flask import Response, abort

from models import Handover
from shop.delivery import handovers
from storefront import storefront
from web.htmx import page


def _link(token: str) -> Handover:
    found = handovers.find_handover(token)
    if found is None:
        abort(404)
    return found


@storefront.get("/<language:lang>/licence/<token>")
def licence_link(lang: str, token: str) -> Response:
    """Show the button that shows the password; opening the link changes nothing, as scanners do."""
    found = _link(token)
    return _page(found, status=200 if handovers.is_open(found) else 410)


@storefront.post("/<language:lang>/licence/<token>")
def show_password(lang: str, token: str) -> Response:
    """Show the password, once."""
    found = _link(token)
    shown = handovers.reveal(token)
    return _page(found, status=200 if shown else 410, shown=shown)


def _page(found: Handover, status: int, **more: Any) -> Response:
    response = page(
        "storefront/licence_link.html",
        status=status,
        address=handovers.address_of(found.seat),
        is_open=status == 200,
        is_read=found.is_read,
        until=found.expires_at,
        **more,
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
