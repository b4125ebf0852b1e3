"""Reports requests that were forwarded by a proxy which ``TRUSTED_PROXIES`` does not count."""

from __future__ import annotations

from flask import Flask, request

from models import database
from shop.security import proxies
from shop.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Check each request that has a database; monitoring and static files do without."""

    @app.before_request
    def _check() -> None:
        chain = request.headers.get("X-Forwarded-For")
        if chain is None or database.is_closed():
            return
        if proxies.is_untrusted(chain, settings.trusted_proxies):
            proxies.report_untrusted(chain, settings.trusted_proxies)
