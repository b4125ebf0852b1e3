"""Refunds: idempotent for a key, without a time limit."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from shop.errors import PartyRejected
from shop.payments.gateway import Refund
from shop.payments.stripe.calls import as_dict, idempotency_key_of, objects_of

FAILED = {"failed", "canceled"}


def refund(client: StripeClient, intent: str, amount_cents: int, key: str) -> Refund:
    """Refund ``amount_cents`` of a PaymentIntent; idempotent for a key.

    Raise `PartyRejected` when the key was used with another amount, and when the refund failed:
    then the operator must act.
    """
    made = _find_earlier(client, intent, key) or _create(client, intent, amount_cents, key)
    if made["amount"] != amount_cents:
        raise PartyRejected("this key came with other parameters before", "key_reused")
    if made["status"] in FAILED:
        raise PartyRejected(f"the refund {made['id']} did not go through", "refund_failed")
    return Refund(str(made["id"]), int(made["amount"]))


def _find_earlier(client: StripeClient, intent: str, key: str) -> dict[str, Any] | None:
    made = client.v1.refunds.list({"payment_intent": intent, "limit": 100})
    return next((row for row in objects_of(made) if idempotency_key_of(row) == key), None)


def _create(client: StripeClient, intent: str, amount_cents: int, key: str) -> dict[str, Any]:
    made = client.v1.refunds.create(
        {"payment_intent": intent, "amount": amount_cents, "metadata": {"key": key}},
        {"idempotency_key": key},
    )
    return as_dict(made)
