"""The sandbox's register of VAT numbers, in the place of the Commission's VIES.

``GET /vies/check/<number>`` answers ``{"status": "confirmed" | "unknown"}``, without a key, as the
public register does. It knows every number that looks like one of the Union's; the switch
``vat_answer`` makes it know none, or be silent (503).
"""

from __future__ import annotations

import re

from flask import Blueprint, Flask, Response, jsonify
from flask_wtf.csrf import CSRFProtect

from sandbox import switches
from sandbox.answers import failure
from sandbox.settings import SandboxSettings

vies = Blueprint("vies", __name__, url_prefix="/vies")

VAT_NUMBER = re.compile(
    "(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
    "[0-9A-Z+*]{2,12}"
)


@vies.get("/check/<number>")
def check(number: str) -> Response:
    """Whether the register knows this number."""
    answer = switches.value("vat_answer")
    if answer == "unavailable":
        return failure(503, "unavailable", "The register is briefly unavailable.")
    known = answer == "confirmed" and VAT_NUMBER.fullmatch(number)
    return jsonify(status="confirmed" if known else "unknown")


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Open the register."""
    app.register_blueprint(vies)
