"""Refunds: money given back once for each key, however long ago the key came first."""

from __future__ import annotations

from typing import Any

from stripe import StripeClient

from shop.errors import PartyRejected
from shop.payments.gateway import Refund
from shop.payments.stripe.calls import key_of, plain, rows

FAILED = {"failed", "canceled"}


def refund(client: StripeClient, intent: str, amount_cents: int, key: str) -> Refund:
    """Give ``amount_cents`` of a PaymentIntent back, unless this key did so before.

    Raises `PartyRejected` when the key came with another amount, and when the money could not go
    back: then somebody must look at it.
    """
    made = _made_before(client, intent, key) or _made_now(client, intent, amount_cents, key)
    if made["amount"] != amount_cents:
        raise PartyRejected("this key came with other parameters before", "key_reused")
    if made["status"] in FAILED:
        raise PartyRejected(f"the refund {made['id']} did not go through", "refund_failed")
    return Refund(str(made["id"]), int(made["amount"]))


def _made_before(client: StripeClient, intent: str, key: str) -> dict[str, Any] | None:
    made = client.v1.refunds.list({"payment_intent": intent, "limit": 100})
    return next((row for row in rows(made) if key_of(row) == key), None)


def _made_now(client: StripeClient, intent: str, amount_cents: int, key: str) -> dict[str, Any]:
    made = client.v1.refunds.create(
        {"payment_intent": intent, "amount": amount_cents, "metadata": {"key": key}},
        {"idempotency_key": key},
    )
    return plain(made)
