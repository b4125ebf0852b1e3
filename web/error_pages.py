"""Error pages: a sentence on what went wrong, a way on, and a reference for faults of ours."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

import structlog
from flask import Flask, Response, flash, g, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shop import database
from shop.errors import Refusal
from shop.security.rate_limits import RateLimited
from web import auth, viewing
from web.form_origins import ForeignForm
from web.htmx import go_to
from web.languages import sentence

log = structlog.get_logger()

PAGES = {403, 404, 405, 409, 410, 413, 421, 422, 429, 500, 503}

REFUSALS = {400: "request_invalid", 403: "request_forbidden", 404: "unknown_identifier"}
"""The log events of refused requests, by status; a foreign identifier is as unknown as any other.

They hold no personal data: neither the identifier nor the client.
"""

RETRY_AFTER = 5
"""Seconds after which a client that was refused because of too much work may try again."""

ENTRANCES = {
    "manager.log_in", "manager.take_account", "manager.take_second_step",
    "storefront.identify", "storefront.take_account", "storefront.take_second_step",
    "storefront.create_account",
}  # fmt: skip
"""Forms by which a customer signs in. Sent twice, the second has the token of the session before,
which the first has ended."""

OF_AN_ORDER = {"storefront.confirm", "storefront.pay_order", "storefront.cancel"}
"""Forms of a customer outside the customer area."""

TOKEN_OF_ANOTHER_SESSION = {
    "The CSRF tokens do not match.",
    "The CSRF session token is missing.",
}
"""Flask-WTF's reasons for a token that was made for another session than this one."""

SECRET_ARGUMENTS = {"token", "reference"}
"""Arguments of URLs that give access to whoever knows them: they are not logged."""


def reference() -> str:
    """Return this request's reference: shown on an error page, and logged with the cause."""
    if "reference" not in g:
        g.reference = new_reference()
    return str(g.reference)


def new_reference() -> str:
    """Return a reference for a request that has none yet."""
    return secrets.token_hex(4).upper()


def init_app(app: Flask) -> None:
    """Answer every error with a page of the shop."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(Exception, _fault)
    for unavailable in database.DATABASE_UNAVAILABLE:
        app.register_error_handler(unavailable, _database_unavailable)

    @app.context_processor
    def _reference() -> dict[str, object]:
        return {"reference": reference}


def unread(app: Flask, code: int, language: str) -> Response:
    """Return the page of a request that the server refuses before the application reads it."""
    with app.test_request_context(headers={"Accept-Language": language}):
        response = _page(code, template="errors/busy.html" if code == 503 else "")
        if code == 503:
            response.retry_after = RETRY_AFTER
        return app.process_response(response)


def _http(error: HTTPException) -> Response | HTTPException:
    code = error.code or 500
    if code < 400:
        return error
    if code >= 500:
        return _fault(error)
    _log_refusal(code)
    if code == 421:
        auth.treat_as_anonymous()
    response = _page(code, error.description or "" if isinstance(error, viewing.ReadOnly) else "")
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _log_refusal(code: int) -> None:
    """Log a request for an object that this client may not see, or that does not exist."""
    if request.url_rule is not None and code in REFUSALS:
        log.warning(REFUSALS[code], method=request.method, route=str(request.url_rule))


def _stale_form(error: CSRFError) -> Response:
    log.warning(
        "csrf_refused",
        method=request.method,
        route=str(request.url_rule),
        reason=error.description,
    )
    if isinstance(error, ForeignForm):
        return _page(
            400,
            gettext(
                "Your browser says that this form was sent from another website. Open the page "
                "here and try again: nothing was changed."
            ),
        )
    if _is_already_signed_in(error):
        kept = request.args.to_dict()
        if wanted := request.form.get("next"):
            kept["next"] = wanted
        return go_to(f"{request.path}?{urlencode(kept)}".rstrip("?"))
    if _wants_a_customer(error):
        flash(gettext("Log in to continue."), "info")
        return go_to(url_for("manager.login", next=auth.this_page()))
    return _page(
        400,
        gettext(
            "This form was open for a long time, or in a browser that refuses cookies. "
            "Go back, reload the page and try again: nothing was changed."
        ),
    )


def _is_already_signed_in(error: CSRFError) -> bool:
    """Return whether a form that signs in has a token of ours, and has done so already."""
    return (
        request.endpoint in ENTRANCES
        and error.description in TOKEN_OF_ANOTHER_SESSION
        and auth.account() is not None
    )


def _wants_a_customer(error: CSRFError) -> bool:
    """Return whether a customer's form has a token of ours, and nobody is signed in any more.

    They logged out in another tab, or the browser was closed and has opened the page again.
    """
    is_customers = request.path.startswith("/manager/") or request.endpoint in OF_AN_ORDER
    has_token = error.description in TOKEN_OF_ANOTHER_SESSION
    return is_customers and has_token and auth.account() is None


def _refused(refusal: Refusal) -> Response:
    response = _page(refusal.status, sentence(refusal))
    if isinstance(refusal, RateLimited):
        response.retry_after = refusal.minutes * 60
    return response


def _fault(error: Exception) -> Response:
    if viewing.current_viewing() and database.is_refused_write(error):
        return _page(403, viewing.refusal())
    return _server_error("request_failed", 500)


def _database_unavailable(error: Exception) -> Response:
    """Answer 503 with Retry-After: the database is unavailable, perhaps only for a moment."""
    if viewing.current_viewing() and database.is_refused_write(error):
        return _page(403, viewing.refusal())
    database.close_idle_connections()
    response = _server_error("database_unavailable", 503)
    response.retry_after = 30
    return response


def _server_error(event: str, code: int) -> Response:
    """Log the error with a reference; answer with a page that needs no database."""
    number = reference()
    pieces = {
        name: value
        for name, value in (request.view_args or {}).items()
        if name not in SECRET_ARGUMENTS
    }
    log.exception(
        event, reference=number, method=request.method, route=str(request.url_rule), **pieces
    )
    auth.treat_as_anonymous()
    response = _page(code, number=number)
    response.headers["X-Reference"] = number
    return response


def _page(code: int, message: str = "", number: str = "", template: str = "") -> Response:
    template = template or (f"errors/{code}.html" if code in PAGES else "errors/400.html")
    return make_response(
        render_template(template, code=code, message=message, reference_number=number), code
    )
