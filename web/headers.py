"""Security headers on every response: a strict Content-Security-Policy, the same for all pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from wsgiref.headers import Headers

from flask import Flask, Response, request
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

SVG = "image/svg+xml; charset=utf-8"

HTMX = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"


STRICTER = {"content-security-policy", "referrer-policy"}
"""Headers that a page may set for itself."""


def of_pages(settings: Settings) -> Mapping[str, str]:
    """Return the headers of pages, and of every answer of the application."""
    bank = _origin(
        settings.sandbox_url if settings.uses_sandbox_bank else "https://checkout.stripe.com"
    )
    return _headers(settings, _policy(bank)).headers


def of_files(settings: Settings) -> Mapping[str, str]:
    """Return the headers of static files, which bypass the application."""
    return _headers(settings, _nothing().frame_ancestors("'none'")).headers


def init_app(app: Flask, settings: Settings) -> None:
    """Add the headers to every response."""
    fixed = {name.lower(): (name, value) for name, value in of_pages(settings).items()}

    @app.after_request
    def _secure(response: Response) -> Response:
        own = {name.lower() for name, _ in response.headers}
        for key, (name, value) in fixed.items():
            if key not in own:
                response.headers.add(name, value)
            elif key not in STRICTER:
                response.headers[name] = value
        if "content-security-policy" in own:
            # An e-mail's frame has a stricter policy, and the page around may frame it.
            response.headers["X-Frame-Options"] = "SAMEORIGIN"
        if "cache-control" not in own and not request.path.startswith("/static/"):
            response.headers.add("Cache-Control", "no-store")
        return response


def on_files(settings: Settings) -> Callable[[Headers, str, str], None]:
    """Return the function that adds the headers to static files, which bypass the application."""
    fixed = of_files(settings)

    def add(headers: Headers, path: str, url: str) -> None:
        for name, value in fixed.items():
            headers[name] = value
        if path.endswith(".svg"):
            headers["Content-Type"] = SVG

    return add


def _headers(settings: Settings, policy: ContentSecurityPolicy) -> Secure:
    return Secure(
        csp=policy,
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        referrer=ReferrerPolicy().custom("strict-origin-when-cross-origin"),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().camera().microphone().geolocation().payment(),
        hsts=_hsts(settings),
    )


def _policy(bank: str) -> ContentSecurityPolicy:
    return (
        _nothing()
        .script_src("'self'", HTMX)
        .style_src("'self'")
        .img_src("'self'", "data:")
        .font_src("'self'")
        .connect_src("'self'")
        # A payment starts with a form of ours whose response redirects to the bank.
        .form_action("'self'", bank)
        .frame_src("'self'")
        .frame_ancestors("'none'")
        .custom_directive("manifest-src", "'self'")
    )


def _nothing() -> ContentSecurityPolicy:
    """Return a policy that allows nothing, to which each response adds what it needs."""
    return ContentSecurityPolicy().default_src("'none'").object_src("'none'").base_uri("'none'")


def _hsts(settings: Settings) -> StrictTransportSecurity | None:
    if not settings.public_url.startswith("https://"):
        return None
    return StrictTransportSecurity().max_age(31536000).include_subdomains()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
