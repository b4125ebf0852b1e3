"""The home page, and one page for each offer."""

from __future__ import annotations

from flask import Response, abort, make_response, redirect, url_for

from shop.pricing import catalogue
from shop.pricing.displayed import ShownVat, vat_beside_prices
from storefront import storefront
from web import auth, languages
from web.htmx import page
from web.shared_pages import shared

PAGES = {"office-365-business": "business", "office-365-pro-plus": "pro_plus"}


@storefront.get("/")
def entrance() -> Response:
    """Redirect to the visitor's language, French by default (design: entry points)."""
    target = url_for("storefront.home", lang=languages.preferred())
    response = make_response(redirect(target, 302))
    response.vary.update(["Accept-Language", "Cookie"])
    return response


@storefront.get("/<language:lang>/")
@shared
def home(lang: str) -> Response:
    """Show both offers side by side."""
    languages.remember_page()
    return page("storefront/home.html", offers=catalogue.offers(), shown_vat=_shown_vat())


@storefront.get("/<language:lang>/<slug>")
@shared
def offer(lang: str, slug: str) -> Response:
    """Show one offer and its content."""
    if slug not in PAGES:
        abort(404)
    offers = catalogue.offers()
    return page(
        "storefront/offer.html", offer=offers[PAGES[slug]], offers=offers, shown_vat=_shown_vat()
    )


def _shown_vat() -> ShownVat | None:
    return vat_beside_prices(auth.account())
