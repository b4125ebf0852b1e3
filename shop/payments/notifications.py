"""Notifications from the bank, applied to what they are about."""

from __future__ import annotations

from shop.payments import card_setups, cards, disputes, outcomes, refunds_by_bank
from shop.payments.gateway import CardChange, Checkout, Dispute, Notification, Refund


def apply_notification(notification: Notification) -> None:
    """Apply the present state of what a notification is about; idempotent.

    A subject that is unknown to the shop changes nothing. Raise `PartyUnavailable` where the bank
    has to be asked for more, and does not tell.
    """
    subject = notification.subject
    if isinstance(subject, Refund):
        refunds_by_bank.apply_notified(subject)
    elif isinstance(subject, Dispute):
        disputes.apply_notified(subject)
    elif isinstance(subject, CardChange):
        cards.apply_notified(subject)
    else:
        _apply_checkout(subject)


def _apply_checkout(checkout: Checkout) -> None:
    if payment := outcomes.CHECKOUTS.by_checkout(checkout.reference):
        outcomes.CHECKOUTS.settle(payment, checkout)
    elif setup := card_setups.CHECKOUTS.by_checkout(checkout.reference):
        card_setups.CHECKOUTS.settle(setup, checkout)
