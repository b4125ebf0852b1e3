"""The pages that the law asks a seller for: legal notice, terms, privacy, mediation, contact."""

from __future__ import annotations

from flask import Response, abort, make_response, redirect, url_for

from shop.orders import contracts
from storefront import storefront
from web.htmx import page
from web.shared_pages import shared

TEXTS = {"terms": "general_terms", "privacy": "privacy_notice"}
"""The addresses of texts that are published in versions, and the kind of each."""


@storefront.get("/<language:lang>/legal-notice")
@shared
def legal_notice(lang: str) -> Response:
    """Show who sells, who is responsible for the site, and who hosts it."""
    return page("storefront/legal_notice.html")


@storefront.get("/<language:lang>/<any(terms, privacy):name>")
def legal_text(lang: str, name: str) -> Response:
    """Redirect to the version in force of the terms or the privacy notice."""
    current = contracts.current_contract(TEXTS[name], lang)
    if current is None:
        abort(404)
    address = url_for("storefront.contract", lang=lang, kind=current.kind, version=current.version)
    return make_response(redirect(address, 302))


@storefront.get("/<language:lang>/mediation")
@shared
def mediation(lang: str) -> Response:
    """Show how a consumer's dispute is settled."""
    return page("storefront/mediation.html")


@storefront.get("/<language:lang>/contact")
@shared
def contact(lang: str) -> Response:
    """Show how the seller is reached."""
    return page("storefront/contact.html")
