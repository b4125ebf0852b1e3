"""The home page, and one page for each offer."""

from __future__ import annotations

from flask import Response, abort, make_response, redirect, url_for

from shop.pricing.displayed import ShownVat, vat_beside_prices
from storefront import storefront
from web import auth, languages, offers
from web.htmx import page
from web.shared_pages import shared


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
    """Show the offers side by side."""
    languages.remember_page()
    return page("storefront/home.html", offers=offers.on_sale(), shown_vat=_shown_vat())


@storefront.get("/<language:lang>/<slug>")
@shared
def offer(lang: str, slug: str) -> Response:
    """Show one offer and its content, also when it is no longer on sale: customers have it."""
    known = {each.slug: each for each in offers.priced().values()}
    if slug not in known:
        abort(404)
    return page(
        "storefront/offer.html",
        offer=known[slug], offers=offers.on_sale(), shown_vat=_shown_vat(),
    )  # fmt: skip


def _shown_vat() -> ShownVat | None:
    return vat_beside_prices(auth.account())
