"""The only module that knows htmx 4: the whole page for a browser, its partial for htmx."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Response, make_response, redirect, render_template, request
from werkzeug.urls import iri_to_uri


def wants_partial() -> bool:
    """Return whether htmx asks for a part of the page (never on a history restore)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Request-Type") == "partial"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def page_of_request() -> SplitResult:
    """Return the URL of the page that sent an htmx request; empty if unknown or invalid."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return urlsplit("")


def page(template: str, partial: str = "", *, status: int = 200, **context: Any) -> Response:
    """Render ``partial`` for a partial request of htmx, else ``template``."""
    chosen = partial if partial and wants_partial() else template
    response = make_response(render_template(chosen, **context), status)
    response.headers["Vary"] = "HX-Request, HX-Request-Type"
    return response


def go_to(address: str) -> Response:
    """Redirect the browser after a form, with or without htmx (303, so that it is a GET)."""
    if wants_partial():
        response = make_response("", 204)
        # A header may hold only ASCII; a URL may hold any letter.
        response.headers["HX-Redirect"] = iri_to_uri(address)
        return response
    return make_response(redirect(address, 303))
