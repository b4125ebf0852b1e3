"""Attempts to pay, as their customer may see them: open at the bank, or declined and why."""

from __future__ import annotations

from records.payments import Payment, PaymentStatus
from shop.errors import N_

DECLINED_WORDS: dict[str, str] = {
    "card_declined": N_("Your bank declined the card. Nothing was charged; you can try again."),
    "insufficient_funds": N_(
        "The card was declined for lack of funds. Nothing was charged; you can use another card."
    ),
    "authentication_failed": N_(
        "The strong authentication was not completed. Nothing was charged; you can try again."
    ),
    "expired_card": N_("The card has expired. Nothing was charged; you can use another card."),
}


def is_open_at_the_bank(payment: Payment) -> bool:
    """Whether the bank has shown a page that can still be paid on."""
    return payment.status == PaymentStatus.OPEN and bool(payment.checkout_url)


def refusal_of(attempts: list[Payment]) -> str:
    """Why the last of these payments was declined; "" if it was not."""
    if not attempts or attempts[-1].status != PaymentStatus.DECLINED:
        return ""
    return DECLINED_WORDS.get(attempts[-1].reason, DECLINED_WORDS["card_declined"])
