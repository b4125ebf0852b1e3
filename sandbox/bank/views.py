"""JSON representations of the bank's records."""

from __future__ import annotations

from typing import Any

from flask import current_app

from sandbox import clock
from sandbox.bank.models import Checkout, Dispute, Entry, Movement, Payout, Refund, StoredCard


def checkout_json(checkout: Checkout) -> dict[str, Any]:
    """Represent a checkout or charge, with its payment URL and its stored card."""
    base = current_app.config["SANDBOX"].url
    is_page = checkout.kind == "checkout"
    return {
        "reference": checkout.reference,
        "kind": checkout.kind,
        "status": str(checkout.public_status),
        "amount_cents": checkout.amount_cents,
        "currency": checkout.currency,
        "merchant_reference": checkout.merchant_reference,
        "url": f"{base}/bank/pay/{checkout.reference}" if is_page else "",
        "mandate": mandate_json(checkout.mandate) if checkout.mandate else None,
        "reason": checkout.reason,
        "card_country": checkout.card_country,
    }


def mandate_json(card: StoredCard) -> dict[str, Any]:
    """Represent a stored card."""
    return {
        "reference": card.reference,
        "brand": card.brand,
        "last4": card.last4,
        "expiry_month": card.expiry_month,
        "expiry_year": card.expiry_year,
    }


def refund_json(refund: Refund) -> dict[str, Any]:
    """Represent a refund."""
    return {
        "reference": refund.reference,
        "checkout": refund.checkout_id,
        "amount_cents": refund.amount_cents,
        "state": refund.state,
        "key": refund.key,
        "reason": refund.reason,
    }


def dispute_json(dispute: Dispute) -> dict[str, Any]:
    """Represent a dispute."""
    return {
        "reference": dispute.reference,
        "checkout": dispute.checkout_id,
        "amount_cents": dispute.amount_cents,
        "state": dispute.state,
        "withdrawn_cents": dispute.withdrawn_cents,
        "reason": dispute.reason,
    }


def card_json(card: StoredCard) -> dict[str, Any]:
    """Represent a stored card and whether it was removed."""
    return {**mandate_json(card), "is_removed": card.revoked_at is not None}


def payout_json(payout: Payout) -> dict[str, Any]:
    """Represent a payout."""
    return {
        "reference": payout.reference,
        "amount_cents": payout.amount_cents,
        "currency": payout.currency,
        "state": payout.state,
        "reason": payout.reason,
        "created_at": payout.created_at,
        "arrives_on": clock.as_datetime(payout.arrives_at).date().isoformat(),
    }


def movement_json(movement: Movement) -> dict[str, Any]:
    """Represent a movement that a payout is made of."""
    return {
        "reference": movement.reference,
        "kind": movement.kind,
        "gross_cents": movement.gross_cents,
        "fee_cents": movement.fee_cents,
        "source": movement.source,
        "at": movement.at,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """Represent a ledger entry."""
    return {
        "id": entry.id,
        "at": entry.at,
        "kind": entry.kind,
        "debit": entry.debit,
        "credit": entry.credit,
        "amount_cents": entry.amount_cents,
        "currency": entry.currency,
        "checkout": entry.checkout_id,
        "merchant_reference": entry.checkout.merchant_reference,
    }
