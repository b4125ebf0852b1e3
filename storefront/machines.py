"""What machines ask a site for at fixed addresses: robots, sitemap, icons, manifest, password.

They have no language, no session and no cookie. `security_txt` is another of them.
"""

from __future__ import annotations

from flask import Response, current_app, jsonify, make_response, redirect, send_file, url_for
from flask_babel import gettext

from shop import settings
from shop.settings import ROOT
from storefront import storefront
from web import languages, offers, search_engines
from web.htmx import page
from web.shared_pages import has_session

ICONS = ROOT / "static" / "icons"
KEPT = "public, max-age=86400"
KEPT_AN_HOUR = "public, max-age=3600"
"""For the sitemap, which names the offers on sale."""

PRIVATE = ("/manager", "/desk", "/login", "/payment/", "/fr/order/", "/en/order/")
"""What search engines need not ask for: it needs a customer, or an order that was begun."""

PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("home", {}),
    ("quantities", {}),
    ("help", {}),
    ("contact", {}),
    ("legal_notice", {}),
    ("mediation", {}),
)
"""The pages of the sitemap beside those of the offers: endpoint and arguments."""


@storefront.get("/robots.txt")
def robots_txt() -> Response:
    """Return what search engines may read, and where the sitemap is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    sitemap = search_engines.url_in(settings.current(), "storefront.sitemap")
    return _kept(
        Response("\n".join([*lines, "", f"Sitemap: {sitemap}", ""]), mimetype="text/plain")
    )


@storefront.get("/sitemap.xml")
def sitemap() -> Response:
    """Return the public pages with their languages."""
    of_offers = [("offer", {"slug": slug}) for slug, _ in offers.in_menu()]
    found = [
        {
            code: search_engines.url_in(
                settings.current(), f"storefront.{endpoint}", lang=code, **arguments
            )
            for code in languages.CODES
        }
        for endpoint, arguments in (*PAGES, *of_offers)
    ]
    response = page("storefront/sitemap.xml", pages=found)
    response.content_type = "application/xml; charset=utf-8"
    return _kept(response, KEPT_AN_HOUR)


@storefront.get("/<language:lang>/app.webmanifest")
def manifest(lang: str) -> Response:
    """Return what a phone needs to put the shop beside its applications."""
    shop_name = current_app.extensions["settings"].shop_name
    icons = [
        {"src": f"/static/icons/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    response = jsonify(
        name=shop_name,
        short_name=shop_name,
        description=gettext("Office 365 licences for your business"),
        lang=lang,
        start_url=url_for("storefront.home", lang=lang),
        scope="/",
        display="minimal-ui",
        background_color="#ffffff",
        theme_color="#0b1a5c",
        icons=icons,
    )
    response.content_type = "application/manifest+json"
    return _kept(response)


@storefront.get("/favicon.ico", endpoint="favicon", defaults={"name": "favicon.ico"})
@storefront.get("/apple-touch-icon.png", endpoint="touch_icon", defaults={"name": "icon-180.png"})
def icon(name: str) -> Response:
    """Return an icon where browsers look for it unasked."""
    return _kept(send_file(ICONS / name))


@storefront.get("/.well-known/change-password")
def change_password() -> Response:
    """Lead a password manager to the page where the password is changed."""
    return make_response(redirect(url_for("manager.password"), 302))


def _kept(response: Response, how_long: str = KEPT) -> Response:
    response.headers["Cache-Control"] = "no-store" if has_session() else how_long
    return response
