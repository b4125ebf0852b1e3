"""Off-session charges of stored cards: PaymentIntents confirmed without the customer."""

from __future__ import annotations

from typing import Any

from stripe import CardError, InvalidRequestError, StripeClient
from stripe.params import PaymentIntentCreateParams

from shop.errors import PartyRejected
from shop.payments.gateway import ChargeRequest
from shop.payments.stripe.calls import as_dict, idempotency_key_of, is_missing, objects_of

ABANDONED = "abandoned"
"""The cancellation reason of a PaymentIntent without a usable card; only charges set it."""


EXPANDED = ["payment_method"]
"""The object that Stripe returns in full with a PaymentIntent: the card, as it is today."""


def parse_mandate(mandate: str) -> tuple[str, str]:
    """Return the customer and the card of a mandate. Raise `PartyRejected` if it is invalid."""
    customer, _, card = mandate.partition("/")
    if not (customer.startswith("cus_") and card.startswith("pm_")):
        raise PartyRejected("this is not a Stripe mandate", "unknown_mandate")
    return customer, card


def charge(client: StripeClient, request: ChargeRequest) -> dict[str, Any]:
    """Return the PaymentIntent of ``request``; create and confirm it unless it exists."""
    customer, card = parse_mandate(request.mandate)
    earlier = _find_earlier(client, customer, request)
    return earlier if earlier is not None else _create_confirmed(client, request, customer, card)


def _find_earlier(
    client: StripeClient, customer: str, request: ChargeRequest
) -> dict[str, Any] | None:
    """Return the PaymentIntent that an earlier call with this key made, if any.

    Raise `PartyRejected` when that call had other parameters.
    """
    try:
        made = client.v1.payment_intents.list(
            {"customer": customer, "limit": 100, "expand": ["data.payment_method"]}
        )
        found = [row for row in objects_of(made) if idempotency_key_of(row) == request.key]
    except InvalidRequestError:
        return None  # the customer was deleted: the call that follows reports it
    if found and not _is_same(found[0], request):
        raise PartyRejected("this key came with other parameters before", "key_reused")
    return found[0] if found else None


def _is_same(intent: dict[str, Any], request: ChargeRequest) -> bool:
    asked = (request.amount_cents, request.currency.lower())
    return (intent["amount"], intent["currency"]) == asked


def _create_confirmed(
    client: StripeClient, request: ChargeRequest, customer: str, card: str
) -> dict[str, Any]:
    asked = _parameters(request)
    asked["customer"], asked["payment_method"] = customer, card
    asked["off_session"] = asked["confirm"] = True
    asked["expand"] = EXPANDED
    try:
        intent = client.v1.payment_intents.create(asked, {"idempotency_key": request.key})
    except CardError as error:
        intent = client.v1.payment_intents.retrieve(_intent_of(error), {"expand": EXPANDED})
    except InvalidRequestError:
        if holder_of(client, card) == customer:
            raise
        return _record_missing_card(client, request)
    return as_dict(intent)


def _parameters(request: ChargeRequest) -> PaymentIntentCreateParams:
    return {
        "amount": request.amount_cents,
        "currency": request.currency.lower(),
        "description": request.description,
        "allowed_payment_method_types": ["card"],
        "metadata": {"reference": request.reference, "key": request.key},
    }


def _intent_of(error: CardError) -> str:
    """Return the id of the PaymentIntent of a declined card. Raise ``error`` if it names none."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    intent = (body.get("error") or {}).get("payment_intent") or {}
    if not intent.get("id"):
        raise error
    return str(intent["id"])


def holder_of(client: StripeClient, card: str) -> str:
    """Return the customer to whom a card is attached; "" if it is detached."""
    try:
        return str(client.v1.payment_methods.retrieve(card).customer or "")
    except InvalidRequestError as error:
        if is_missing(error):
            return ""
        raise


def _record_missing_card(client: StripeClient, request: ChargeRequest) -> dict[str, Any]:
    """Record at Stripe that the card is gone, as a cancelled PaymentIntent."""
    key = f"{request.key}:without-card"
    intent = client.v1.payment_intents.create(_parameters(request), {"idempotency_key": key})
    try:
        intent = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": ABANDONED})
    except InvalidRequestError:
        intent = client.v1.payment_intents.retrieve(intent.id)  # cancelled by an earlier call
    return as_dict(intent)
