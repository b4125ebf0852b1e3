"""The bank's API for merchants (JSON; ``Authorization: Bearer <SANDBOX_BANK_KEY>``).

Calls that create something carry an ``Idempotency-Key``: the same key always returns the same
checkout, charge or refund, and is refused (409) with other parameters. Amounts are in cents.

========================================  ====================================================
POST   /bank/api/checkouts                open a payment page (amount 0: only store a card)
GET    /bank/api/checkouts/<ref>          the state of a checkout or charge
POST   /bank/api/checkouts/<ref>/closure  close it, unless a card was entered already
POST   /bank/api/checkouts/<ref>/refunds  refund: ``{"amount_cents": n}``
GET    /bank/api/refunds/<ref>            the state of a refund
GET    /bank/api/disputes/<ref>           the state of a dispute
POST   /bank/api/charges                  charge a stored card off session
DELETE /bank/api/mandates/<ref>           revoke a stored card
GET    /bank/api/payouts                  payouts, newest first: ``?since=<seconds>&after=<ref>``
GET    /bank/api/payouts/<ref>/lines      what a payout is made of: ``?after=<ref>``
GET    /bank/api/ledger                   ledger: ``?page=``, ``?reference=<merchant's>``
========================================  ====================================================
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import faults
from sandbox.api_errors import Fields, idempotency_key, require_key
from sandbox.bank import checkouts, dashboard, ledger, payouts, refunds, views
from sandbox.reading import read_integer, read_page

MAX_CENTS = 99_999_999


def blueprint(key: str) -> Blueprint:
    """Make the blueprint of the API, which requires ``key``."""
    api = Blueprint("bank_api", __name__, url_prefix="/bank/api")
    require_key(api, key)
    faults.inject(api, "bank")
    api.post("/checkouts")(start_checkout)
    api.get("/checkouts/<reference>")(find_checkout)
    api.post("/checkouts/<reference>/closure")(close_checkout)
    api.post("/checkouts/<reference>/refunds")(refund_checkout)
    api.get("/refunds/<reference>")(find_refund)
    api.get("/disputes/<reference>")(find_dispute)
    api.post("/charges")(charge_card)
    api.delete("/mandates/<reference>")(revoke_mandate)
    api.get("/payouts")(list_payouts)
    api.get("/payouts/<reference>/lines")(list_payout_lines)
    api.get("/ledger")(read_ledger)
    return api


def start_checkout() -> tuple[Response, int]:
    """Open a payment page for a customer."""
    fields = Fields.from_request()
    wanted = {
        **_payment_fields(fields, least=0),
        "language": fields.choice("language", ("fr", "en")),
        "customer_email": fields.text("customer_email", empty=True),
        "return_url": fields.url("return_url"),
        "store_card": fields.flag("store_card"),
    }
    checkout = checkouts.open_checkout(idempotency_key(), wanted)
    return jsonify(views.checkout_json(checkout)), 201


def _payment_fields(fields: Fields, least: int) -> dict[str, Any]:
    return {
        "amount_cents": fields.number("amount_cents", least, MAX_CENTS),
        "currency": fields.choice("currency", ("EUR",)),
        "merchant_reference": fields.text("reference", most=100),
        "description": fields.text("description", empty=True),
        "notification_url": fields.url("notification_url"),
    }


def find_checkout(reference: str) -> Response:
    """Return a checkout or charge."""
    return jsonify(views.checkout_json(checkouts.find_checkout(reference)))


def close_checkout(reference: str) -> Response:
    """Close a checkout, unless a card was entered already."""
    checkouts.close_checkout(reference)
    return jsonify(views.checkout_json(checkouts.find_checkout(reference)))


def charge_card() -> tuple[Response, int]:
    """Charge a stored card off session."""
    fields = Fields.from_request()
    wanted = {**_payment_fields(fields, least=1), "mandate": fields.text("mandate", most=100)}
    return jsonify(views.checkout_json(checkouts.charge_card(idempotency_key(), wanted))), 201


def refund_checkout(reference: str) -> tuple[Response, int]:
    """Refund a checkout or charge, in part or in full."""
    amount = Fields.from_request().number("amount_cents", 1, MAX_CENTS)
    refund = refunds.refund_checkout(idempotency_key(), reference, amount)
    return jsonify(views.refund_json(refund)), 201


def find_refund(reference: str) -> Response:
    """Return a refund."""
    return jsonify(views.refund_json(refunds.find_refund(reference)))


def find_dispute(reference: str) -> Response:
    """Return a dispute."""
    return jsonify(views.dispute_json(dashboard.find_dispute(reference)))


def revoke_mandate(reference: str) -> tuple[str, int]:
    """Revoke a stored card."""
    checkouts.revoke_mandate(reference)
    return "", 204


def list_payouts() -> Response:
    """Return payouts, the newest first."""
    since = read_integer(request.args.get("since", "0")) or 0
    rows, after = payouts.list_payouts(since, request.args.get("after", ""))
    return jsonify(payouts=[views.payout_json(row) for row in rows], after=after)


def list_payout_lines(reference: str) -> Response:
    """Return what a payout is made of."""
    rows, after = payouts.list_movements(reference, request.args.get("after", ""))
    return jsonify(lines=[views.movement_json(row) for row in rows], after=after)


def read_ledger() -> Response:
    """Return ledger entries, newest first, with the balances of both accounts."""
    reference = request.args.get("reference", "")
    page = read_page(request.args.get("page", ""))
    found = ledger.list_entries(page=page, reference=reference)
    return jsonify(
        balances=ledger.balances(),
        count=ledger.count_entries(reference),
        entries=[views.entry_json(entry) for entry in found],
    )
