"""Limits on what one customer may ask for: forms, which queue work, documents and searches."""

from __future__ import annotations

from flask import Flask, request
from limits import RateLimitItem

from shop.security import rate_limits
from web import auth

UNLIMITED = {"manager.log_out"}
"""Forms that must work whatever was sent before."""

MADE = (".pdf", ".zip")
"""The URLs of documents that may be made at each request."""

SEARCHES = {"q"}
"""Arguments that make a page search; a page without any reads its rows in order."""


def init_app(app: Flask) -> None:
    """Count each account's forms, documents and searches; refuse those beyond a limit (429)."""

    @app.before_request
    def _count() -> None:
        if request.method == "POST":
            if request.endpoint not in UNLIMITED and _is_signed_in():
                _count_one(rate_limits.FORMS_PER_ACCOUNT, "forms")
        elif request.path.endswith(MADE) and _is_signed_in():
            _count_one(rate_limits.DOCUMENTS_PER_ACCOUNT, "documents")
        elif any(request.args.get(name) for name in SEARCHES) and _is_signed_in():
            _count_one(rate_limits.SEARCHES_PER_ACCOUNT, "searches")


def _is_signed_in() -> bool:
    return request.blueprint in {"manager", "storefront"} and auth.account() is not None


def _count_one(item: RateLimitItem, what: str) -> None:
    rate_limits.count_attempt(item, what, auth.customer().nic_handle)
