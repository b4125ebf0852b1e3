"""Forms come from this site's own pages: the token proves it, and what the browser says of itself.

Browsers say where a form was sent from in `Origin`, `Sec-Fetch-Site` or `Referer`; some are set up
to send none of them, and the token alone decides then. The session's cookie, which the token
belongs to, cannot be planted by another site (`__Host-`).
"""

from __future__ import annotations

import time
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, g, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer

SALT = "wtf-csrf-token"
"""Flask-WTF's, which checks the tokens."""

SIGNED_FOR = 60
"""Seconds for which a visitor's pages have the same token, unless another process serves them."""

MOST_KEPT = 1024

OWN_SITES = {"same-origin", "none"}
"""Values of `Sec-Fetch-Site` for forms of our pages, and for what the customer began."""


class ForeignForm(CSRFError):
    """The browser says that the form was sent from another site."""


class FormProtection(CSRFProtect):
    """Checks the token of each form, and in production where it was sent from."""

    def __init__(self, app: Flask, *, production: bool) -> None:
        self._checks_origin = production
        super().__init__(app)
        serializer = URLSafeTimedSerializer(app.config["WTF_CSRF_SECRET_KEY"], salt=SALT)
        self._signed = lru_cache(MOST_KEPT)(lambda raw, _minute: serializer.dumps(raw))
        app.jinja_env.globals["csrf_token"] = self.token_of_page
        app.context_processor(lambda: {"csrf_token": self.token_of_page})

    def token_of_page(self) -> str:
        """Return the token of the forms of this page, which has several."""
        token: str | None = g.get("csrf_token")
        if token is None and (raw := session.get("csrf_token")):
            token = g.csrf_token = self._signed(raw, int(time.time()) // SIGNED_FOR)
        return token or str(generate_csrf())

    def protect(self, apply_exemptions: bool = False) -> None:
        """Raise `CSRFError` for a request that changes something and is not of our pages."""
        super().protect(apply_exemptions=apply_exemptions)
        if self._checks_origin and g.get("csrf_valid") and is_from_elsewhere():
            raise ForeignForm("The form was sent from another site.")


def is_from_elsewhere() -> bool:
    """Return whether the browser says that another site sent this request."""
    origin = request.headers.get("Origin", "")
    if origin and origin != "null":
        return not _is_ours(origin)
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in OWN_SITES
    return bool(request.referrer) and not _is_ours(request.referrer or "")


def _is_ours(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme, parts.netloc.lower()) == (request.scheme, request.host.lower())
