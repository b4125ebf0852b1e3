"""Refunds: idempotent for a key, without a time limit."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from shop.errors import PartyRejected, PartyUnavailable
from shop.payments.gateway import Refund, RefundState
from shop.payments.stripe.calls import as_dict, idempotency_key_of, objects_of

STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
}


def refund(client: StripeClient, intent: str, amount_cents: int, key: str) -> dict[str, Any]:
    """Return the refund of ``amount_cents`` of a PaymentIntent; make it unless the key made one.

    Raise `PartyRejected` when the key was used with another amount.
    """
    made = _find_earlier(client, intent, key) or _create(client, intent, amount_cents, key)
    if made["amount"] != amount_cents:
        raise PartyRejected("this key came with other parameters before", "key_reused")
    return made


def find_refund(client: StripeClient, reference: str) -> dict[str, Any]:
    """Return a refund."""
    return as_dict(client.v1.refunds.retrieve(reference))


def refund_of(made: dict[str, Any], checkout: str) -> Refund:
    """Convert a refund of a ``checkout``. Raise `PartyUnavailable` for an invalid answer."""
    try:
        return Refund(
            reference=str(made["id"]),
            amount_cents=int(made["amount"]),
            state=STATES[made["status"]],
            checkout=checkout,
            key=idempotency_key_of(made),
            reason=str(made.get("failure_reason") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PartyUnavailable("Stripe's refund cannot be read") from error


def _find_earlier(client: StripeClient, intent: str, key: str) -> dict[str, Any] | None:
    made = client.v1.refunds.list({"payment_intent": intent, "limit": 100})
    return next((row for row in objects_of(made) if idempotency_key_of(row) == key), None)


def _create(client: StripeClient, intent: str, amount_cents: int, key: str) -> dict[str, Any]:
    made = client.v1.refunds.create(
        {"payment_intent": intent, "amount": amount_cents, "metadata": {"key": key}},
        {"idempotency_key": key},
    )
    return as_dict(made)
