"""What machines read of a public page: its one URL, its other languages, and whether to list it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, request, url_for

from shop.settings import Settings
from web import languages

LISTED = {
    "storefront.home", "storefront.offer", "storefront.quantities", "storefront.help",
    "storefront.legal_notice", "storefront.mediation", "storefront.contact",
    "storefront.contract",
}  # fmt: skip
"""Endpoints of the pages that search engines list: the same for everyone, in each language."""


@dataclass(frozen=True)
class Listed:
    """A page for search engines: its URL without arguments, and those of its languages."""

    canonical: str
    by_language: dict[str, str]
    picture: str


def url_in(settings: Settings, endpoint: str, **arguments: object) -> str:
    """Return the shop's own URL of a page, whatever host the request came to."""
    return settings.public_url + url_for(endpoint, **arguments)  # type: ignore[arg-type]


def listed_page(settings: Settings) -> Listed | None:
    """Return what search engines get to know of this page; None if they are not to list it."""
    arguments = dict(request.view_args or {})
    if request.endpoint not in LISTED or "lang" not in arguments:
        return None
    urls = {
        str(code): url_in(settings, request.endpoint, **arguments | {"lang": code})
        for code in languages.CODES
    }
    picture = f"{settings.public_url}/static/icons/icon-512.png"
    return Listed(urls[languages.current_language()], urls, picture)


def init_app(app: Flask, settings: Settings) -> None:
    """Let templates ask for it."""

    @app.context_processor
    def _listed() -> dict[str, object]:
        return {"listed_page": lambda: listed_page(settings)}
