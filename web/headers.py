"""Security headers on every answer: a strict policy with a nonce, and nothing inline."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from secure import ContentSecurityPolicy, Secure
from secure.headers import (
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from shop.settings import Settings

HTMX = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"


def nonce() -> str:
    """This answer's nonce, for the scripts and styles we name ourselves."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def init_app(app: Flask, settings: Settings) -> None:
    """Add the headers to every answer."""
    bank = _origin(
        settings.sandbox_url if settings.uses_sandbox_bank else "https://checkout.stripe.com"
    )

    @app.after_request
    def _secure(response: Response) -> Response:
        own_policy = response.headers.get("Content-Security-Policy")
        headers = Secure(
            csp=_policy(bank),
            xcto=XContentTypeOptions().nosniff(),
            xfo=XFrameOptions().deny(),
            referrer=ReferrerPolicy().custom("strict-origin-when-cross-origin"),
            coop=CrossOriginOpenerPolicy().same_origin(),
            corp=CrossOriginResourcePolicy().same_origin(),
            permissions=PermissionsPolicy().camera().microphone().geolocation().payment(),
            hsts=_hsts(settings),
        )
        headers.set_headers(response)
        if own_policy:
            # A letter's frame is stricter than the page around it, and is framed by it.
            response.headers["Content-Security-Policy"] = own_policy
            response.headers["X-Frame-Options"] = "SAMEORIGIN"
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _policy(bank: str) -> ContentSecurityPolicy:
    return (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'", HTMX, f"'nonce-{nonce()}'")
        .style_src("'self'", f"'nonce-{nonce()}'")
        .img_src("'self'", "data:")
        .font_src("'self'")
        .connect_src("'self'")
        # A payment is a form of ours that the answer redirects to the bank.
        .form_action("'self'", bank)
        .frame_src("'self'")
        .frame_ancestors("'none'")
        .base_uri("'none'")
        .custom_directive("manifest-src", "'self'")
    )


def _hsts(settings: Settings) -> StrictTransportSecurity | None:
    if not settings.public_url.startswith("https://"):
        return None
    return StrictTransportSecurity().max_age(31536000).include_subdomains()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
