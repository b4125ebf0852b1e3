"""The parameters of Checkout Sessions."""

from __future__ import annotations

from stripe.params.checkout import SessionCreateParams

from shop.payments.gateway import CheckoutRequest

EXPANDED = ["payment_intent.payment_method", "setup_intent.payment_method"]
"""The objects that Stripe returns in full with a session, for the details of the card."""


def parameters(request: CheckoutRequest) -> SessionCreateParams:
    """Return the parameters of a session that takes the money, or for 0 only stores the card."""
    asked: SessionCreateParams = {
        "client_reference_id": request.reference,
        "metadata": {"reference": request.reference, "key": request.key},
        "customer_email": request.customer_email,
        "locale": request.language,
        "allowed_payment_method_types": ["card"],
        "success_url": request.return_url,
        "cancel_url": request.return_url,
        # A card can be charged later only if it belongs to a customer.
        "customer_creation": "always" if request.store_card else "if_required",
    }
    if request.amount_cents:
        _take_money(asked, request)
    else:
        _store_card(asked, request)
    return asked


def _take_money(asked: SessionCreateParams, request: CheckoutRequest) -> None:
    asked["mode"] = "payment"
    asked["line_items"] = [
        {
            "quantity": 1,
            "price_data": {
                "currency": request.currency.lower(),
                "unit_amount": request.amount_cents,
                "product_data": {"name": request.description},
            },
        }
    ]
    asked["payment_intent_data"] = {
        "description": request.description,
        "metadata": {"reference": request.reference},
    }
    if request.store_card:
        asked["payment_intent_data"]["setup_future_usage"] = "off_session"


def _store_card(asked: SessionCreateParams, request: CheckoutRequest) -> None:
    asked["mode"] = "setup"
    asked["currency"] = request.currency.lower()
    asked["setup_intent_data"] = {
        "description": request.description,
        "metadata": {"reference": request.reference},
    }
