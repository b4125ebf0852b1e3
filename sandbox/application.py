"""The sandbox as a Flask application, composed of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from sandbox import api_errors, bank, clock, controls, faults, key_value, languages, office, vies
from sandbox.database import database, open_database
from sandbox.reading import BoundedJson, Number
from sandbox.settings import SandboxSettings

TABLES: list[type[Any]] = [key_value.Value, faults.FailedOnce, *bank.TABLES, *office.TABLES]

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def create_sandbox(environ: Mapping[str, str] | None = None) -> Flask:
    """Make the sandbox that ``environ`` (by default the process's environment) describes.

    A process holds one sandbox: making another replaces it. No notification is sent to the shop
    before a `sandbox.background.BankWorker` is started, as ``python -m sandbox`` does.
    """
    settings = SandboxSettings.from_environment(environ)
    open_database(settings.database, TABLES)
    app = Flask("sandbox")
    app.json = BoundedJson(app)
    app.url_map.converters["int"] = Number
    _configure(app, settings)
    _open_database_per_request(app)
    csrf = CSRFProtect(app)
    for part in (bank, office, vies, controls):
        part.add_to(app, settings, csrf)
    _configure_pages(app)
    return app


def _configure(app: Flask, settings: SandboxSettings) -> None:
    with database.connection_context():
        app.secret_key = key_value.secret_key()
    app.config.update(
        SANDBOX=settings,
        SESSION_COOKIE_NAME="sandbox",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.url.startswith("https:"),
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=256 * 1024,
    )
    if settings.host in LOOPBACK:
        _refuse_other_hosts(app, urlsplit(settings.url).hostname or "localhost")


def _refuse_other_hosts(app: Flask, host: str) -> None:
    """Refuse host names of other sites that resolve to this machine (DNS rebinding).

    Werkzeug's TRUSTED_HOSTS cannot hold an IPv6 address.
    """
    known = {host, "localhost", "127.0.0.1", "::1"}

    @app.before_request
    def check() -> None:
        if urlsplit(f"//{request.host}").hostname not in known:
            abort(400)


def _open_database_per_request(app: Flask) -> None:
    """Open one database connection for each request and close it afterwards."""

    @app.before_request
    def connect() -> None:
        database.connect(reuse_if_open=True)

    @app.teardown_appcontext
    def disconnect(error: BaseException | None) -> None:
        if not database.is_closed():
            database.close()


def _configure_pages(app: Flask) -> None:
    """Set up what all pages share: languages, security headers, error pages."""
    app.jinja_env.globals.update(
        _=languages._,
        language=languages.language,
        LANGUAGES=languages.LANGUAGES,
        shop_name=app.config["SANDBOX"].shop_name,
    )
    app.jinja_env.filters.update(
        money=languages.money,
        moment=languages.moment,
        short_moment=languages.short_moment,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_add_security_headers)
    app.register_error_handler(CSRFError, lambda error: _error_response(400))
    app.register_error_handler(api_errors.ApiRefusal, lambda error: _error_response(error.status))
    for status in (400, 403, 404, 405, 413, 415, 500):
        app.register_error_handler(status, lambda error, status=status: _error_response(status))


def _add_security_headers(response: Response) -> Response:
    targets = f"'self' {g.get('form_targets', '')}".strip()
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _error_response(status: int) -> Response | tuple[str, int]:
    """Answer an error with a page, or with JSON on the paths of an API."""
    if request.path.startswith(("/bank/api", "/office/api", "/vies", "/controls")):
        return api_errors.error_response(status, "refused", f"The call was refused ({status}).")
    languages.use_requested_language()
    return render_template("trouble.html", status=status, now=clock.real_now()), status
