"""Contracts, on screen and as PDF; public, so that they can be read before they are accepted."""

from __future__ import annotations

from flask import Response, abort

from models import Contract
from shop import documents
from shop.orders import contracts
from storefront import storefront
from web.files import pdf
from web.htmx import page
from web.shared_pages import shared


def _contract(lang: str, kind: str, version: int) -> Contract:
    found = contracts.find_contract(kind, version, lang)
    if found is None:
        abort(404)
    return found


@storefront.get("/<language:lang>/contracts/<kind>/<int:version>")
@shared
def contract(lang: str, kind: str, version: int) -> Response:
    """Show one version of a contract."""
    return page(
        "storefront/contract.html",
        contract=_contract(lang, kind, version),
        current=contracts.current_contract(kind, lang),
        coming=contracts.coming_contract(kind, lang),
    )


@storefront.get("/<language:lang>/contracts/<kind>/<int:version>.pdf")
def contract_pdf(lang: str, kind: str, version: int) -> Response:
    """Return one version of a contract as PDF."""
    found = _contract(lang, kind, version)
    return pdf(documents.contract_of(found), f"{kind}-{version}-{lang}.pdf")
