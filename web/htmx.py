"""The one helper that knows htmx: a page for a browser, its part for a request of htmx 4."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

from flask import Response, make_response, redirect, render_template, request
from werkzeug.urls import iri_to_uri


def wants_partial() -> bool:
    """Whether htmx asks for a part of the page (never on a history restore)."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Request-Type") == "partial"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def asked_from() -> SplitResult:
    """The address of the page that htmx asks from; an empty one where none is told, or none."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return urlsplit("")


def page(template: str, partial: str = "", *, status: int = 200, **context: Any) -> Response:
    """Render ``partial`` for htmx and ``template`` for everybody else."""
    chosen = partial if partial and wants_partial() else template
    response = make_response(render_template(chosen, **context), status)
    response.vary.update(["HX-Request", "HX-Request-Type"])
    return response


def go_to(address: str) -> Response:
    """Send the browser on after a form, with or without htmx (303, so that it is a GET)."""
    if wants_partial():
        response = make_response("", 204)
        # A header holds ASCII alone; addresses may hold any letter.
        response.headers["HX-Redirect"] = iri_to_uri(address)
        return response
    return make_response(redirect(address, 303))
