"""Payments lost in a dispute: what they paid is owed again, or shown as taken back in part.

A bank may decide again, and give the money back: then the invoice is paid once more, or the payment
is refunded, if that was settled otherwise meanwhile.
"""

from __future__ import annotations

import structlog

from records.base import lock
from records.disputes import Dispute
from records.invoices import Invoice, InvoiceKind, InvoiceStatus
from records.payments import Payment, PaymentStatus
from records.refunds import Refund, RefundStatus
from records.subscriptions import SubscriptionStatus
from shop import clock, mail, transitions
from shop.invoicing import invoices, lost_parts, receivables
from shop.payments import mandates, payables, refunds, taken_back

log = structlog.get_logger()


def apply_decision(dispute: Dispute, payment: Payment) -> None:
    """Apply the decision of a dispute to its payment and to the invoice; idempotent.

    Runs in the caller's transaction, which has locked ``payment`` and what it pays.
    """
    is_kept = payment.has_succeeded or payment.status == PaymentStatus.REFUND_DUE
    returned = lost_parts.returned_of(dispute)
    # All that the bank gave back of a lost payment is what credit notes had absorbed.
    is_of_notes = returned > 0 and returned == taken_back.left_of(payment)
    if payment.is_lost and (is_of_notes or not taken_back.has_lost_part(payment)):
        _reinstate(payment, dispute, is_of_notes)
    elif returned and not payment.is_lost:
        _refund_returned(dispute, payment)
    if is_kept and dispute.is_lost and dispute.withdrawn_cents:
        _lose(dispute, payment)


def _refund_returned(dispute: Dispute, payment: Payment) -> None:
    """Refund what credit notes absorbed of a dispute, and the bank has given back after all."""
    invoice = _invoice_of(payment)
    if invoice is not None:
        lost_parts.release(dispute, invoice, are_refunded=True)
        refunds.ask_for_due(invoice)


def _invoice_of(payment: Payment) -> Invoice | None:
    """Return the invoice that a payment is for, locked; None if its order is not invoiced yet."""
    if payment.invoice is not None:
        found: Invoice | None = payment.invoice
    else:
        found = Invoice.get_or_none(
            Invoice.order == payment.order_id, Invoice.kind == InvoiceKind.INVOICE,
            Invoice.replaces.is_null(),
        )  # fmt: skip
    return lock(invoices.latest_in_place_of(found)) if found is not None else None


def _is_refunded_at_bank(payment: Payment) -> bool:
    """Return whether the bank is making a refund of the payment, beside taking it back."""
    pending = (Refund.payment == payment) & (Refund.status == RefundStatus.PENDING)
    return bool(Refund.select().where(pending).exists())


def _lose(dispute: Dispute, payment: Payment) -> None:
    """Let a payment pay nothing any more, if all of it was taken back.

    What was to be given back of it is given back by that.
    """
    invoice = _invoice_of(payment)
    owed = 0
    if taken_back.left_of(payment) == 0 and not _is_refunded_at_bank(payment):
        was_due = payment.is_returned
        transitions.move(payment, PaymentStatus.LOST, by="bank", note=dispute.reason)
        refunds.give_up_lost(payment, invoice)
        if was_due:
            payables.paid_by(payment).close_lost()
        if invoice is not None and invoice.status == InvoiceStatus.PAID:
            invoices.reopen(invoice, by="bank", note="dispute lost")
            owed = invoice.balance_cents
    log.error("payment_lost", payment=payment.id, dispute=dispute.id, owed_cents=owed)
    _tell(dispute, invoice, owed)


def _tell(dispute: Dispute, invoice: Invoice | None, owed_cents: int) -> None:
    """Tell of a loss; for a renewal that is reminded of from now on, by when it is to be paid."""
    taken_back_at = receivables.taken_back_at(invoice) if invoice is not None else None
    subscription = receivables.subscription_of(invoice) if invoice is not None else None
    if not owed_cents or taken_back_at is None or subscription is None:
        mail.dispute_lost(dispute, owed_cents)
        return
    is_running = subscription.status == SubscriptionStatus.PAST_DUE
    mail.dispute_lost(
        dispute, owed_cents, card=mandates.card_of(subscription),
        pay_before=receivables.suspended_on(taken_back_at) if is_running else None,
        charged_on=taken_back_at + receivables.WAITS[0],
    )  # fmt: skip


def _reinstate(payment: Payment, dispute: Dispute, is_of_notes: bool) -> None:
    """Let a payment that the bank gave back pay its invoice again, or be refunded.

    ``is_of_notes`` says that all of it is for credit notes, which refund it.
    """
    invoice = _invoice_of(payment)
    is_closed = payment.order is not None and payment.order.is_refunded
    is_owed = invoice is not None and invoice.is_payable
    pays_again = is_owed or is_of_notes or (invoice is None and not is_closed)
    if invoice is not None:
        lost_parts.release(dispute, invoice, are_refunded=pays_again)
    if pays_again:
        transitions.move(payment, PaymentStatus.SUCCEEDED, by="bank", note="dispute won")
        if invoice is not None and is_owed:
            invoices.mark_paid(invoice, payment, by="bank")
            refunds.resume_lost(payment, invoice)
        elif invoice is not None:
            refunds.ask_for_due(invoice)
    else:
        transitions.move(
            payment, PaymentStatus.REFUND_DUE, by="bank", note="settled meanwhile",
            settled_at=clock.now(),
        )  # fmt: skip
        refunds.refund_later(payment)
