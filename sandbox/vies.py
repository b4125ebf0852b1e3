"""The sandbox's register of VAT numbers, in place of VIES (European Commission).

``GET /vies/check/<number>`` answers ``{"status": "confirmed" | "unknown"}``, without a key, as the
public register does; a confirmation has a number of its own, and the name in ``vat_name``. It
confirms every EU number with valid check digits, except those that end in 000; the switch
``vat_answer`` makes it confirm none, or be unavailable (503).
"""

from __future__ import annotations

import secrets

from flask import Blueprint, Flask, Response, jsonify
from flask_wtf.csrf import CSRFProtect
from stdnum.eu import vat

from sandbox import switches
from sandbox.api_errors import error_response
from sandbox.settings import SandboxSettings

vies = Blueprint("vies", __name__, url_prefix="/vies")

UNKNOWN_ENDING = "000"
"""Valid numbers with this ending are unknown, so that tests can get either answer."""


@vies.get("/check/<number>")
def check(number: str) -> Response:
    """Say whether the register knows this number."""
    answer = switches.value("vat_answer")
    if answer == "unavailable":
        return error_response(503, "unavailable", "The register is briefly unavailable.")
    known = answer == "confirmed" and _is_known(number)
    if not known:
        return jsonify(status="unknown")
    name = switches.value("vat_name")
    return jsonify(
        status="confirmed",
        name=name or "---",
        address="1 Sandbox Street" if name else "---",
        consultation=f"SANDBOX{secrets.token_hex(8).upper()}",
    )


def _is_known(number: str) -> bool:
    return vat.is_valid(number) and not number.endswith(UNKNOWN_ENDING)


def add_to(app: Flask, settings: SandboxSettings, csrf: CSRFProtect) -> None:
    """Register the blueprint."""
    app.register_blueprint(vies)
