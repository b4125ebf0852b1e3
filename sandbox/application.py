"""The sandbox as a Flask application: its parts put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from sandbox import api_errors, bank, clock, controls, faults, key_value, languages, office, vies
from sandbox.database import database, open_database
from sandbox.settings import SandboxSettings

TABLES: list[type[Any]] = [key_value.Value, faults.FailedOnce, *bank.TABLES, *office.TABLES]

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def create_sandbox(environ: Mapping[str, str] | None = None) -> Flask:
    """The sandbox of ``environ`` (the process's environment by default), on its database file.

    One process holds one sandbox: making another takes its place. Nothing is carried to the shop
    before `sandbox.background.Carriers` are started, as ``python -m sandbox`` does.
    """
    settings = SandboxSettings.from_environment(environ)
    open_database(settings.database, TABLES)
    app = Flask("sandbox")
    _configure(app, settings)
    _connect(app)
    csrf = CSRFProtect(app)
    for part in (bank, office, vies, controls):
        part.add_to(app, settings, csrf)
    _dress(app)
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
        # Against pages elsewhere that point a name of theirs at this machine (DNS rebinding).
        named = urlsplit(settings.url).hostname or "localhost"
        app.config["TRUSTED_HOSTS"] = [named, "localhost", "127.0.0.1", "[::1]"]


def _connect(app: Flask) -> None:
    """One database connection for the length of a request."""

    @app.before_request
    def connect() -> None:
        database.connect(reuse_if_open=True)

    @app.teardown_appcontext
    def disconnect(error: BaseException | None) -> None:
        if not database.is_closed():
            database.close()


def _dress(app: Flask) -> None:
    """What all pages share: languages, security headers, error pages."""
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
    app.after_request(_secure)
    app.register_error_handler(CSRFError, lambda error: _trouble(400))
    app.register_error_handler(api_errors.ApiRefusal, lambda error: _trouble(error.status))
    for status in (400, 403, 404, 405, 413, 415, 500):
        app.register_error_handler(status, lambda error, status=status: _trouble(status))


def _secure(response: Response) -> Response:
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


def _trouble(status: int) -> Response | tuple[str, int]:
    """An error as a page, or as JSON for those who call an interface."""
    if request.path.startswith(("/bank/api", "/office/api", "/vies", "/controls")):
        return api_errors.failure(status, "refused", f"The call was refused ({status}).")
    languages.speak_as_asked()
    return render_template("trouble.html", status=status, now=clock.real_now()), status
