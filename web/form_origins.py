"""Forms come from this site's own pages: the token proves it, and what the browser says of itself.

Browsers say where a form was sent from in `Origin`, `Sec-Fetch-Site` or `Referer`; some are set up
to send none of them, and the token alone decides then. The session's cookie, which the token
belongs to, cannot be planted by another site (`__Host-`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, g, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer

SALT = "wtf-csrf-token"
"""Flask-WTF's, which checks the tokens."""

OWN_SITES = {"same-origin", "none"}
"""Values of `Sec-Fetch-Site` for forms of our pages, and for what the customer began."""


class ForeignForm(CSRFError):
    """The browser says that the form was sent from another site."""


class FormProtection(CSRFProtect):
    """Checks the token of each form, and in production where it was sent from."""

    def __init__(self, app: Flask, *, production: bool) -> None:
        self._checks_origin = production
        super().__init__(app)
        self._serializer = URLSafeTimedSerializer(app.config["WTF_CSRF_SECRET_KEY"], salt=SALT)
        app.jinja_env.globals["csrf_token"] = self.token_of_page
        app.context_processor(lambda: {"csrf_token": self.token_of_page})

    def token_of_page(self) -> str:
        """Return the token of the forms of this page, which has several."""
        if "csrf_token" not in g and "csrf_token" in session:
            g.csrf_token = self._serializer.dumps(session["csrf_token"])
        return str(g.get("csrf_token") or generate_csrf())

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
