"""Under which address the world reaches this shop."""

from __future__ import annotations

from flask import current_app, request


def base_url() -> str:
    """Scheme and host for links to be followed from elsewhere.

    In production always ``PUBLIC_URL``, never what a request claims; on one machine the name the
    browser used, because its session cookie belongs to that name.
    """
    settings = current_app.extensions["settings"]
    if settings.production:
        return str(settings.public_url)
    return request.host_url.rstrip("/")
