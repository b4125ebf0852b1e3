"""The sandbox's register of VAT numbers, in the place of the Commission's VIES.

``GET /vies/check/<number>`` answers ``{"status": "confirmed" | "unknown"}``, without a key, as the
public register does. It knows every number of the Union whose check digits are right, except
those that end in 000; the switch ``vat_answer`` makes it know none, or be silent (503).
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify
from flask_wtf.csrf import CSRFProtect
from stdnum.eu import vat

from sandbox import switches
from sandbox.api_errors import failure
from sandbox.settings import SandboxSettings

vies = Blueprint("vies", __name__, url_prefix="/vies")

UNKNOWN_ENDING = "000"
"""Valid numbers that end so are unknown here, so that either answer can be had by choice."""


@vies.get("/check/<number>")
def check(number: str) -> Response:
    """Whether the register knows this number."""
    answer = switches.value("vat_answer")
    if answer == "unavailable":
        return failure(503, "unavailable", "The register is briefly unavailable.")
    known = answer == "confirmed" and _is_known(number)
    return jsonify(status="confirmed" if known else "unknown")


def _is_known(number: str) -> bool:
    return vat.is_valid(number) and not number.endswith(UNKNOWN_ENDING)


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Open the register."""
    app.register_blueprint(vies)
