"""Where to report a weakness of the shop (RFC 9116); SECURITY.md says the rest."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import Response

from shop import clock, settings
from storefront import storefront
from web.urls import base_url

PATH = "/.well-known/security.txt"

VALIDITY = timedelta(days=180)
"""How long a reader may rely on the answer; the standard allows a year at most."""


@storefront.get(PATH)
def security_txt() -> Response:
    """Return the address for reports, the seller's, and until when it is valid."""
    expires = datetime.combine(clock.today() + VALIDITY, time(), clock.PARIS)
    lines = [
        f"Contact: mailto:{settings.current().seller.email}",
        f"Expires: {expires.isoformat()}",
        "Preferred-Languages: en, fr",
        f"Canonical: {base_url()}{PATH}",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
