"""Notifications from the bank, applied to the payment or card registration they concern."""

from __future__ import annotations

from shop.payments import cards, outcomes
from shop.payments.gateway import Checkout


def apply(checkout: Checkout) -> None:
    """Settle the payment, or the registration of a card, that ``checkout`` belongs to.

    Idempotent; an unknown checkout changes nothing.
    """
    if payment := outcomes.CHECKOUTS.by_checkout(checkout.reference):
        outcomes.CHECKOUTS.settle(payment, checkout)
    elif setup := cards.CHECKOUTS.by_checkout(checkout.reference):
        cards.CHECKOUTS.settle(setup, checkout)
