"""Error pages: what went wrong in a sentence, a way on, and for our own faults a reference."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from shop.errors import Refusal
from web.languages import sentence

log = structlog.get_logger()

PAGES = {403, 404, 405, 409, 410, 413, 422, 429}


def reference() -> str:
    """This request's number: on the page of a fault, and in the log beside its cause."""
    if "reference" not in g:
        g.reference = secrets.token_hex(4).upper()
    return str(g.reference)


def init_app(app: Flask) -> None:
    """Answer every error with a page of the shop."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(Exception, _fault)

    @app.context_processor
    def _reference() -> dict[str, object]:
        return {"reference": reference}


def _http(error: HTTPException) -> Response | HTTPException:
    code = error.code or 500
    if code < 400:
        return error
    if code >= 500:
        return _fault(error)
    return _page(code)


def _stale_form(_: CSRFError) -> Response:
    return _page(
        400,
        gettext(
            "This form was open for a long time, or in a browser that refuses cookies. "
            "Go back, reload the page and try again: nothing was changed."
        ),
    )


def _refused(refusal: Refusal) -> Response:
    return _page(refusal.status, sentence(refusal))


def _fault(error: Exception) -> Response:
    number = reference()
    log.exception("fault", reference=number, method=request.method, path=request.path)
    response = _page(500, number=number)
    response.headers["X-Reference"] = number
    return response


def _page(code: int, message: str = "", number: str = "") -> Response:
    template = f"errors/{code}.html" if code in PAGES or code == 500 else "errors/400.html"
    return make_response(
        render_template(template, code=code, message=message, reference_number=number), code
    )
