"""Charges of stored cards: PaymentIntents confirmed while the customer is away."""

from __future__ import annotations

from typing import Any

from stripe import CardError, InvalidRequestError, StripeClient
from stripe.params import PaymentIntentCreateParams

from shop.errors import PartyRejected
from shop.payments.gateway import ChargeRequest
from shop.payments.stripe.calls import is_missing, key_of, plain, rows

ABANDONED = "abandoned"
"""The reason by which a PaymentIntent without a usable card is cancelled: only charges give it."""


def parts(mandate: str) -> tuple[str, str]:
    """The customer and the card of a mandate. Raises `PartyRejected` if it is none of Stripe's."""
    customer, _, card = mandate.partition("/")
    if not (customer.startswith("cus_") and card.startswith("pm_")):
        raise PartyRejected("this is no mandate of Stripe's", "unknown_mandate")
    return customer, card


def charge(client: StripeClient, request: ChargeRequest) -> dict[str, Any]:
    """The PaymentIntent of ``request``, made and confirmed unless it was before."""
    customer, card = parts(request.mandate)
    earlier = _made_before(client, customer, request)
    return earlier if earlier is not None else _confirmed(client, request, customer, card)


def _made_before(
    client: StripeClient, customer: str, request: ChargeRequest
) -> dict[str, Any] | None:
    """What an earlier call with this key made, however long ago.

    Raises `PartyRejected` when it asked for something else.
    """
    try:
        made = client.v1.payment_intents.list({"customer": customer, "limit": 100})
        found = [row for row in rows(made) if key_of(row) == request.key]
    except InvalidRequestError:
        return None  # no such customer any more: what follows says so
    if found and not _is_same(found[0], request):
        raise PartyRejected("this key came with other parameters before", "key_reused")
    return found[0] if found else None


def _is_same(intent: dict[str, Any], request: ChargeRequest) -> bool:
    asked = (request.amount_cents, request.currency.lower())
    return (intent["amount"], intent["currency"]) == asked


def _confirmed(
    client: StripeClient, request: ChargeRequest, customer: str, card: str
) -> dict[str, Any]:
    asked = _wanted(request)
    asked["customer"], asked["payment_method"] = customer, card
    asked["off_session"] = asked["confirm"] = True
    try:
        intent = client.v1.payment_intents.create(asked, {"idempotency_key": request.key})
    except CardError as error:
        intent = client.v1.payment_intents.retrieve(_intent_of(error))
    except InvalidRequestError:
        if holder_of(client, card) == customer:
            raise
        return _without_card(client, request)
    return plain(intent)


def _wanted(request: ChargeRequest) -> PaymentIntentCreateParams:
    return {
        "amount": request.amount_cents,
        "currency": request.currency.lower(),
        "description": request.description,
        "allowed_payment_method_types": ["card"],
        "metadata": {"reference": request.reference, "key": request.key},
    }


def _intent_of(error: CardError) -> str:
    """The PaymentIntent that a declined card left behind; without one the error says it all."""
    told = error.json_body if isinstance(error.json_body, dict) else {}
    intent = (told.get("error") or {}).get("payment_intent") or {}
    if not intent.get("id"):
        raise error
    return str(intent["id"])


def holder_of(client: StripeClient, card: str) -> str:
    """The customer who has a card stored; "" if nobody has it any more."""
    try:
        return str(client.v1.payment_methods.retrieve(card).customer or "")
    except InvalidRequestError as error:
        if is_missing(error):
            return ""
        raise


def _without_card(client: StripeClient, request: ChargeRequest) -> dict[str, Any]:
    """Put on record that the card is gone: a PaymentIntent that nobody can pay any more."""
    key = f"{request.key}:without-card"
    intent = client.v1.payment_intents.create(_wanted(request), {"idempotency_key": key})
    try:
        intent = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": ABANDONED})
    except InvalidRequestError:
        intent = client.v1.payment_intents.retrieve(intent.id)  # cancelled by an earlier call
    return plain(intent)
