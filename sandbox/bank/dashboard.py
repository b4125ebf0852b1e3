"""What happens at the bank without the shop: disputes, refunds in the dashboard, changed cards."""

from __future__ import annotations

import secrets

from sandbox import clock
from sandbox.api_errors import ApiRefusal
from sandbox.bank import checkouts, ledger, notifications, refunds
from sandbox.bank.models import Checkout, Dispute, DisputeState, Refund, Status, StoredCard
from sandbox.database import database

REASON = "fraudulent"
"""The reason given for a dispute."""


def refund_payment(reference: str, amount_cents: int) -> Refund:
    """Refund a payment, in part or in full, as the merchant does in the dashboard."""
    with database.atomic():
        return refunds.begin_refund(reference, amount_cents)


def open_dispute(reference: str, amount_cents: int | None = None) -> Dispute:
    """Have the cardholder contest a payment; its money is withdrawn. Once for each payment."""
    with database.atomic():
        checkout = Checkout.get_or_none(Checkout.reference == reference)
        if checkout is None:
            raise checkouts.unknown_checkout()
        cents = checkout.amount_cents if amount_cents is None else amount_cents
        if checkout.status != Status.SUCCEEDED or not 0 < cents <= checkout.amount_cents:
            raise ApiRefusal(422, "not_paid", "Only what was paid can be contested.")
        if Dispute.get_or_none(Dispute.checkout == checkout):
            raise ApiRefusal(422, "disputed", "This payment is contested already.")
        dispute = Dispute.create(
            reference=f"dp_{secrets.token_urlsafe(18)}",
            checkout=checkout,
            amount_cents=cents,
            withdrawn_cents=cents,
            reason=REASON,
            created_at=clock.now(),
        )
        ledger.book_dispute(dispute, cents)
        notifications.enqueue_dispute(dispute.reference)
    return find_dispute(dispute.reference)


def find_dispute(reference: str) -> Dispute:
    """Return a dispute. Raises `ApiRefusal` if unknown."""
    dispute = Dispute.get_or_none(Dispute.reference == reference)
    if dispute is None:
        raise ApiRefusal(404, "unknown_dispute", "There is no such dispute.")
    return dispute


def decide_dispute(reference: str, *, won: bool) -> Dispute:
    """Decide a dispute; a merchant who wins gets the money back. Idempotent."""
    find_dispute(reference)
    with database.atomic():
        left = 0 if won else Dispute.withdrawn_cents
        changed = (
            Dispute.update(
                state=DisputeState.WON if won else DisputeState.LOST, withdrawn_cents=left
            )
            .where(Dispute.reference == reference, Dispute.state == DisputeState.OPEN)
            .execute()
        )
        dispute = find_dispute(reference)
        if changed and won:
            ledger.book_dispute(dispute, -dispute.amount_cents)
        if changed:
            notifications.enqueue_dispute(reference)
    return dispute


def renew_card(mandate: str) -> StoredCard:
    """Replace a stored card by its successor: another number, valid for three years more."""
    with database.atomic():
        card = _card(mandate)
        digits = f"{(int(card.last4) + 1) % 10000:04}"
        StoredCard.update(last4=digits, expiry_year=card.expiry_year + 3).where(
            StoredCard.reference == mandate
        ).execute()
        notifications.enqueue_card(mandate)
    return _card(mandate)


def remove_card(mandate: str) -> StoredCard:
    """Revoke a stored card, by its holder or in the dashboard, and tell the shop."""
    with database.atomic():
        checkouts.revoke_mandate(mandate)
        notifications.enqueue_card(mandate)
    return _card(mandate)


def _card(mandate: str) -> StoredCard:
    card = StoredCard.get_or_none(StoredCard.reference == mandate)
    if card is None:
        raise ApiRefusal(404, "unknown_mandate", "There is no such mandate.")
    return card
