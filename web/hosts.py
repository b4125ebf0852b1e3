"""Refuses requests for host names that are not this shop's (HTTP 421)."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException

from shop.settings import Settings

log = structlog.get_logger()

LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
"""The names of this machine: answered outside production only."""

BY_ADDRESS = {"monitoring.healthz", "monitoring.readyz", "monitoring.metrics"}
"""Endpoints for the operator's monitoring, which reaches each machine by its IP address."""


class UnknownHost(HTTPException):
    """The request is for a host name that is not this shop's."""

    code = 421
    description = "This shop has another address."


def names_of(settings: Settings) -> set[str]:
    """Return the host names of this shop."""
    known = {urlsplit(settings.public_url).hostname or ""}
    if not settings.production:
        known |= LOCAL_NAMES | {settings.host}
    return known


def init_app(app: Flask, settings: Settings) -> None:
    """Check the host of every request, before anything else is done for it."""
    known = names_of(settings)

    @app.before_request
    def check() -> Response | None:
        if request.endpoint in BY_ADDRESS or _host_name() in known:
            return None
        log.warning("unknown_host", host=request.host[:100])
        if request_ctx.url_adapter is None:
            # No host name at all: no URL, and so no page, can be made for it.
            return Response(UnknownHost.description, UnknownHost.code, mimetype="text/plain")
        raise UnknownHost


def _host_name() -> str | None:
    try:
        return urlsplit(f"//{request.host}").hostname
    except ValueError:
        return None
