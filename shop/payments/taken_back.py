"""What a bank has taken back of a payment in a dispute, and what is left of it."""

from __future__ import annotations

from peewee import fn

from records.disputes import Dispute, DisputeStatus
from records.ledger import LedgerEntry
from records.payments import Payment
from records.refunds import Refund, RefundOrigin, RefundStatus
from shop.invoicing import lost_parts


def has_lost_part(payment: Payment) -> bool:
    """Return whether a bank has taken a part of a payment back for good."""
    return _has_dispute(payment, DisputeStatus.LOST)


def is_contested(payment: Payment) -> bool:
    """Return whether a bank has taken a payment back for a dispute that it has not decided."""
    return _has_dispute(payment, DisputeStatus.OPEN)


def _has_dispute(payment: Payment, status: DisputeStatus) -> bool:
    found = Dispute.select().where(
        Dispute.payment == payment, Dispute.status == status, Dispute.withdrawn_cents > 0
    )
    return bool(found.exists())


def left_of(payment: Payment) -> int:
    """Return the cents of a payment that were neither given back nor taken back by its bank."""
    moved = LedgerEntry.select(fn.COALESCE(fn.SUM(LedgerEntry.cents), 0))
    return -int(moved.where(LedgerEntry.payment == payment).scalar())


def is_gone(payment: Payment) -> bool:
    """Return whether nothing is left of a payment, nor held by its bank until it decides."""
    held = Dispute.select(fn.COALESCE(fn.SUM(Dispute.withdrawn_cents), 0)).where(
        Dispute.payment == payment, Dispute.status != DisputeStatus.LOST
    )
    return left_of(payment) + int(held.scalar()) == 0


def due_of(payment: Payment) -> int:
    """Return the cents of a payment that are given back for no credit note, or were.

    Of one that is kept that is what is not charged, of another one all. What its bank took back for
    good, or gave back for another reason, is given back by that.
    """
    if payment.has_succeeded:
        open_cents = lost_parts.open_of(Payment.select().where(Payment.id == payment.id))
        return max(0, payment.uncharged_cents - open_cents)
    others = Refund.select(fn.COALESCE(fn.SUM(Refund.cents), 0)).where(
        Refund.payment == payment, Refund.status != RefundStatus.FAILED,
        Refund.credit_note.is_null(False) | (Refund.origin == RefundOrigin.BANK),
    )  # fmt: skip
    lost = Dispute.select(fn.COALESCE(fn.SUM(Dispute.withdrawn_cents), 0)).where(
        Dispute.payment == payment, Dispute.status == DisputeStatus.LOST
    )
    return max(0, payment.refund_cents - int(others.scalar()) - int(lost.scalar()))


def not_lost_of(payment: Payment) -> int:
    """Return the cents taken for a payment, less what its bank has taken back for good."""
    return payment.refund_cents - lost_parts.open_of(Payment.select().where(Payment.id == payment))


def refundable_of(payment: Payment) -> int:
    """Return the cents of a payment that a refund begun now can give back.

    That is what is left of it, less what other refunds of it are about to give back. What its bank
    holds for a dispute counts, as refunds wait until that is decided.
    """
    held = Dispute.select(fn.COALESCE(fn.SUM(Dispute.withdrawn_cents), 0)).where(
        Dispute.payment == payment, Dispute.status == DisputeStatus.OPEN
    )
    begun = list(Refund.select().where(Refund.payment == payment))
    awaited = sum(row.cents for row in begun if row.is_awaited)
    own = sum(
        row.cents
        for row in begun
        if row.credit_note_id is None
        and row.origin == RefundOrigin.SHOP
        and row.status != RefundStatus.FAILED
    )
    uncharged = max(0, payment.uncharged_cents - own)
    return max(0, left_of(payment) + int(held.scalar()) - awaited - uncharged)
