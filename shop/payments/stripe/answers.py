"""Conversion of Stripe's objects to those of the gateway interface."""

from __future__ import annotations

from typing import Any

import structlog

from shop.errors import PartyUnavailable
from shop.payments.gateway import Checkout, CheckoutStatus, Mandate
from shop.payments.stripe.charges import ABANDONED

log = structlog.get_logger()

BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}

REASONS = {
    "expired_card": "expired_card",
    "insufficient_funds": "insufficient_funds",
    "authentication_required": "authentication_failed",
    "authentication_not_handled": "authentication_failed",
    "payment_intent_authentication_failure": "authentication_failed",
    "setup_intent_authentication_failure": "authentication_failed",
}
"""The shop's reason for Stripe's decline and error codes; any other is ``card_declined``."""

OVER = {"requires_payment_method", "canceled"}


# --- Checkout Sessions -----------------------------------------------------------------------


def checkout_of_session(session: dict[str, Any]) -> Checkout:
    """Convert a Checkout Session, with its PaymentIntent or SetupIntent expanded if it has one.

    Raise `PartyUnavailable` for an invalid answer.
    """
    try:
        status, reason = _session_status(session)
        return Checkout(
            reference=str(session["id"]),
            status=status,
            amount_cents=int(session.get("amount_total") or 0),
            currency=str(session["currency"]).upper(),
            url=str(session.get("url") or ""),
            mandate=_mandate(session) if status == CheckoutStatus.SUCCEEDED else None,
            reason=reason,
            card_country=_card_country(_intent(session)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PartyUnavailable("Stripe's session cannot be read") from error


def _session_status(session: dict[str, Any]) -> tuple[CheckoutStatus, str]:
    if session["status"] == "open":
        return CheckoutStatus.OPEN, ""
    if session["status"] == "expired":
        return CheckoutStatus.CLOSED, ""
    if session["status"] != "complete":
        raise ValueError(session["status"])
    if session["payment_status"] in {"paid", "no_payment_required"}:
        return CheckoutStatus.SUCCEEDED, ""
    intent = session.get("payment_intent")
    if isinstance(intent, dict) and intent["status"] in OVER:
        return CheckoutStatus.DECLINED, _reason(intent)
    return CheckoutStatus.PROCESSING, ""


def _mandate(session: dict[str, Any]) -> Mandate | None:
    """Return the card that a session stored for off-session charges, if it did and can be read."""
    intent = _intent(session)
    card = intent.get("payment_method")
    usage = intent.get("setup_future_usage") or intent.get("usage")
    customer = session.get("customer")
    if usage != "off_session" or not isinstance(card, dict) or not customer:
        return None
    return mandate_of(card, customer)


def mandate_of(card: dict[str, Any], customer: Any) -> Mandate | None:
    """Convert a customer's PaymentMethod; None where it does not have all that a card has.

    Wallets may tell neither digits nor expiry date. A payment with one counts all the same.
    """
    try:
        shown = card["card"]
        return Mandate(
            reference=f"{customer}/{card['id']}",
            brand=BRANDS.get(shown["brand"], str(shown["brand"]).capitalize()),
            last4=str(shown["last4"]),
            expiry_month=int(shown["exp_month"]),
            expiry_year=int(shown["exp_year"]),
        )
    except (KeyError, TypeError, ValueError):
        log.warning("mandate_unreadable", kind=card.get("type"), method=card.get("id"))
        return None


def _card_country(intent: dict[str, Any]) -> str:
    """Return the country of the card of an intent; "" if it has none, or does not tell it."""
    method = intent.get("payment_method")
    card = method.get("card") if isinstance(method, dict) else None
    country = card.get("country") if isinstance(card, dict) else None
    return country if isinstance(country, str) else ""


def _intent(session: dict[str, Any]) -> dict[str, Any]:
    intent = session.get("payment_intent") or session.get("setup_intent")
    return intent if isinstance(intent, dict) else {}


# --- Charges ---------------------------------------------------------------------------------


def checkout_of_intent(intent: dict[str, Any]) -> Checkout:
    """Convert a PaymentIntent that was confirmed off session.

    Raise `PartyUnavailable` for an invalid answer.
    """
    try:
        status, reason = _intent_status(intent)
        return Checkout(
            reference=str(intent["id"]),
            status=status,
            amount_cents=int(intent["amount"]),
            currency=str(intent["currency"]).upper(),
            reason=reason,
            mandate=_charged_card(intent),
            card_country=_card_country(intent),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PartyUnavailable("Stripe's payment cannot be read") from error


def _charged_card(intent: dict[str, Any]) -> Mandate | None:
    card, customer = intent.get("payment_method"), intent.get("customer")
    return mandate_of(card, customer) if isinstance(card, dict) and customer else None


def _intent_status(intent: dict[str, Any]) -> tuple[CheckoutStatus, str]:
    status = intent["status"]
    if status == "succeeded":
        return CheckoutStatus.SUCCEEDED, ""
    if status == "canceled":
        abandoned = intent.get("cancellation_reason") == ABANDONED
        return (
            (CheckoutStatus.DECLINED, "mandate_revoked")
            if abandoned
            else (CheckoutStatus.CLOSED, "")
        )
    if status == "requires_action":
        # The bank requires the cardholder to authenticate, who is not present.
        return CheckoutStatus.DECLINED, "authentication_failed"
    if status == "requires_payment_method":
        return CheckoutStatus.DECLINED, _reason(intent)
    return CheckoutStatus.PROCESSING, ""


def _reason(intent: dict[str, Any]) -> str:
    error = intent.get("last_payment_error") or {}
    codes = (error.get("decline_code"), error.get("code"))
    return next((REASONS[code] for code in codes if code in REASONS), "card_declined")
