"""The base of absolute URLs."""

from __future__ import annotations

from flask import current_app, request


def base_url() -> str:
    """Return scheme and host for links that are followed from elsewhere.

    In production always ``PUBLIC_URL``, never the request's Host header; in development the host
    the browser used, because its session cookie belongs to that.
    """
    settings = current_app.extensions["settings"]
    if settings.production:
        return str(settings.public_url)
    return request.host_url.rstrip("/")
