"""The bank's interface for merchants (JSON; ``Authorization: Bearer <SANDBOX_BANK_KEY>``).

Calls that make something carry an ``Idempotency-Key``: the same key always answers the same
checkout, charge or refund, and is refused (409) with other parameters. Amounts are in cents.

========================================  ====================================================
POST   /bank/api/checkouts                open a payment page (amount 0: only store a card)
GET    /bank/api/checkouts/<ref>          how a checkout or charge stands
POST   /bank/api/checkouts/<ref>/closure  end it, unless a card was given already
POST   /bank/api/checkouts/<ref>/refunds  give money back: ``{"amount_cents": n}``
POST   /bank/api/charges                  charge a stored card off session
DELETE /bank/api/mandates/<ref>           forget a stored card
GET    /bank/api/ledger                   the books: ``?page=``, ``?reference=<merchant's>``
========================================  ====================================================
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults
from sandbox.api_errors import Fields, guard, idempotency_key
from sandbox.bank import checkouts, ledger, views

MOST_CENTS = 99_999_999_99


def blueprint(key: str) -> Blueprint:
    """The interface, open to holders of ``key``."""
    api = Blueprint("bank_api", __name__, url_prefix="/bank/api")
    guard(api, key)
    faults.inject(api, "bank")
    api.post("/checkouts")(start_checkout)
    api.get("/checkouts/<reference>")(find_checkout)
    api.post("/checkouts/<reference>/closure")(close_checkout)
    api.post("/checkouts/<reference>/refunds")(refund_checkout)
    api.post("/charges")(charge)
    api.delete("/mandates/<reference>")(revoke_mandate)
    api.get("/ledger")(read_ledger)
    return api


def start_checkout() -> tuple[Response, int]:
    """Open a payment page for a customer."""
    fields = Fields.of_request()
    wanted = {
        **_payment(fields, least=0),
        "language": fields.choice("language", ("fr", "en")),
        "customer_email": fields.text("customer_email", empty=True),
        "return_url": fields.address("return_url"),
        "store_card": fields.flag("store_card"),
    }
    checkout = checkouts.start(idempotency_key(), wanted)
    return jsonify(views.checkout_json(checkout)), 201


def _payment(fields: Fields, least: int) -> dict[str, Any]:
    return {
        "amount_cents": fields.number("amount_cents", least, MOST_CENTS),
        "currency": fields.choice("currency", ("EUR",)),
        "merchant_reference": fields.text("reference", most=100),
        "description": fields.text("description", empty=True),
        "notification_url": fields.address("notification_url"),
    }


def find_checkout(reference: str) -> Response:
    """How a checkout or charge stands."""
    return jsonify(views.checkout_json(checkouts.find(reference)))


def close_checkout(reference: str) -> Response:
    """End a checkout, unless a card was given already."""
    checkouts.close(reference)
    return jsonify(views.checkout_json(checkouts.find(reference)))


def charge() -> tuple[Response, int]:
    """Charge a stored card off session."""
    fields = Fields.of_request()
    wanted = {**_payment(fields, least=1), "mandate": fields.text("mandate", most=100)}
    return jsonify(views.checkout_json(checkouts.charge(idempotency_key(), wanted))), 201


def refund_checkout(reference: str) -> tuple[Response, int]:
    """Give money back."""
    amount = Fields.of_request().number("amount_cents", 1, MOST_CENTS)
    refund = checkouts.refund(idempotency_key(), reference, amount)
    return jsonify(views.refund_json(refund)), 201


def revoke_mandate(reference: str) -> tuple[str, int]:
    """Forget a stored card."""
    checkouts.revoke(reference)
    return "", 204


def read_ledger() -> Response:
    """The books, newest first, with the balances of both accounts."""
    reference = request.args.get("reference", "")
    page = request.args.get("page", 1, type=int)
    found = ledger.entries(page=max(1, page), reference=reference)
    return jsonify(
        balances=ledger.balances(),
        count=ledger.count(reference),
        entries=[views.entry_json(entry) for entry in found],
    )
