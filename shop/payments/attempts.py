"""Payment attempts as shown to the customer: open at the bank, or declined and why."""

from __future__ import annotations

from records.payments import Payment, PaymentStatus
from shop.errors import N_

DECLINED_MESSAGES: dict[str, str] = {
    "card_declined": N_("Your bank declined the card. Nothing was charged; you can try again."),
    "insufficient_funds": N_(
        "The card was declined for lack of funds. Nothing was charged; you can use another card."
    ),
    "authentication_failed": N_(
        "The strong authentication was not completed. Nothing was charged; you can try again."
    ),
    "expired_card": N_("The card has expired. Nothing was charged; you can use another card."),
}


def is_checkout_open(payment: Payment) -> bool:
    """Return whether the bank opened a checkout page that can still be used."""
    return payment.status == PaymentStatus.OPEN and bool(payment.checkout_url)


def decline_message(attempts: list[Payment]) -> str:
    """Return why the last of these payments was declined; "" if it was not."""
    if not attempts or attempts[-1].status != PaymentStatus.DECLINED:
        return ""
    return DECLINED_MESSAGES.get(attempts[-1].reason, DECLINED_MESSAGES["card_declined"])
