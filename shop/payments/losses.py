"""Payments lost in a dispute: what they paid is owed again, or shown as taken back in part.

A bank may decide again, and give the money back: then it pays what is still owed of the invoice,
and what is more is refunded.
"""

from __future__ import annotations

import structlog

from records.disputes import Dispute
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from shop import clock, transitions
from shop.invoicing import invoices, lost_parts
from shop.payments import owed_again, payables, refunds, taken_back

log = structlog.get_logger()


def apply_decision(dispute: Dispute, payment: Payment, *, has_come_back: bool) -> None:
    """Apply the decision of a dispute to its payment and to the invoice; idempotent.

    ``has_come_back`` says that the bank has just decided for the shop, or given money back. Runs in
    the caller's transaction, which has locked ``payment`` and what it pays.
    """
    is_kept = payment.has_succeeded or payment.status == PaymentStatus.REFUND_DUE
    if payment.is_lost:
        is_back = taken_back.left_of(payment) or not taken_back.has_lost_part(payment)
        if has_come_back and is_back:
            _reinstate(payment, dispute)
    elif lost_parts.returned_of(dispute):
        _refund_returned(dispute, payment)
    if is_kept and dispute.is_lost and dispute.withdrawn_cents:
        _lose(dispute, payment)
    elif payment.has_succeeded:
        refunds.ask_for_rest(payment)


def _refund_returned(dispute: Dispute, payment: Payment) -> None:
    """Refund what credit notes absorbed of a dispute, and the bank has given back after all."""
    invoice = owed_again.invoice_of(payment)
    if invoice is not None:
        lost_parts.release(dispute, invoice, are_refunded=True)
        refunds.ask_for_due(invoice)


def _is_refunded_at_bank(payment: Payment) -> bool:
    """Return whether the bank is making a refund of the payment, beside taking it back."""
    pending = (Refund.payment == payment) & (Refund.status == RefundStatus.PENDING)
    return bool(Refund.select().where(pending).exists())


def _lose(dispute: Dispute, payment: Payment) -> None:
    """Let a payment pay nothing any more, if all of it was taken back.

    What was to be given back of it is given back by that.
    """
    invoice, owed = owed_again.invoice_of(payment), 0
    if taken_back.is_gone(payment) and not _is_refunded_at_bank(payment):
        was_due = payment.is_returned
        refunds.give_up_lost(payment)
        if invoice is not None and not was_due:
            refunds.absorb_lost(payment, invoice)
        owed = owed_again.lose(payment, invoice, "dispute lost")
        if was_due:
            payables.paid_by(payment).close_lost()
    log.error("payment_lost", payment=payment.id, dispute=dispute.id, owed_cents=owed)
    owed_again.tell(dispute, invoice, owed)


def _reinstate(payment: Payment, dispute: Dispute) -> None:
    """Let a payment that the bank gave back pay what is owed of its invoice, or be refunded.

    What was settled otherwise meanwhile of what it paid is refunded.
    """
    invoice = owed_again.invoice_of(payment)
    part = lost_parts.part_of(payment) - (refunds.unasked_of(invoice) if invoice else 0)
    pays = part if invoice is None else min(part, invoice.balance_cents)
    # All that the bank gave back of a payment may be what credit notes had absorbed.
    is_of_notes = part <= 0 and lost_parts.returned_of(dispute) == taken_back.left_of(payment)
    is_closed = invoice is None and payment.order is not None and payment.order.is_refunded
    is_kept = (pays > 0 or is_of_notes) and not is_closed
    if invoice is not None:
        lost_parts.release(dispute, invoice, are_refunded=is_kept)
    if not is_kept:
        transitions.move(
            payment, PaymentStatus.REFUND_DUE, by="bank", note="settled meanwhile",
            settled_at=clock.now(),
        )  # fmt: skip
        refunds.refund_later(payment)
        return
    transitions.move(
        payment, PaymentStatus.SUCCEEDED, by="bank", note="dispute won",
        uncharged_cents=payment.uncharged_cents + max(0, part - pays),
    )  # fmt: skip
    if invoice is not None:
        if pays:
            invoices.pay_again(invoice, payment, pays, by="bank")
        refunds.ask_for_due(invoice)
